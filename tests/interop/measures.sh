#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# measures.sh - what estab watch measures of the kernel's connections over a path that loses, captured beside each end
# and in the middle: repetitions, octets, round trips, limits, states at the end. See measures.py.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
"$estab" watch --help >/dev/null 2>&1 || skip_all 'built without extras'
ip tuntap add tun9 mode tun && ip tuntap del tun9 mode tun || skip_all 'no TUN interface can be made here'

measured()
{
  local tap
  timeout 60 python3 "$here/measures.py" run "$work" || return 1
  for tap in near middle far; do
    "$estab" watch --rows life --json="$work/$tap.json" "$work/$tap.pcap" >/dev/null || return 1
  done
  python3 "$here/measures.py" compare "$work"
}

check 'a path that loses, from three places' measured && sed 's/^/        /' "$work/said"
finish
