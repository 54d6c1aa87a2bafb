#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""speed.py - how much faster than real time `estab sim` carries a transfer that fills the link, by processor time.

At least 20 times at 100 Mbit/s and 3 times at 1 Gbit/s.
"""
import json
import os
import resource
import subprocess
import sys

ESTAB = os.environ.get("ESTAB", "estab")


def main():
    failed = False
    for rate, seconds, least in ((100, 20, 20), (1000, 5, 3)):
        scenario = f"""seed 1
host a sndbuf=32M
host b rcvbuf=32M
link a b rate={rate}M delay=10ms queue={rate * 4}K
flow a b for={seconds}s
until {seconds}s
"""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run([ESTAB, "sim", "--json", "-"], input=scenario, text=True, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        goodput = json.loads(out.stdout.splitlines()[-1])["goodput_bits_per_s"]
        times = seconds / used
        failed |= times < least or goodput < 0.9e6 * rate
        print(f"simulator: {rate} Mbit/s, carrying {goodput / 1e6:.0f}: {times:.0f} times real time (at least {least})")
    sys.exit(failed)


main()
