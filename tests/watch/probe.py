# SPDX-License-Identifier: BSD-2-Clause
# probe.py - probes by scapy, whose kernel answers what comes back: FLAGS HOST FIRST-LAST [kernel]
# kernel: with the options of a kernel's SYN.
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import IP, TCP, RandShort, sr  # noqa: E402

first, last = sys.argv[3].split("-")
options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (12345, 0)), ("NOP", None), ("WScale", 7)]
tcp = TCP(dport=(int(first), int(last)), sport=RandShort() if len(sys.argv) > 4 else 41000, flags=sys.argv[1].strip("-"))
tcp.options = options if len(sys.argv) > 4 else []
sr(IP(dst=sys.argv[2]) / tcp, timeout=1, verbose=0)
