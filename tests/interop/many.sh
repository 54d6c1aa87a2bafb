#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# many.sh - 1,000 connections with the kernel, all there before the first byte, 64 KiB each way each, compared; and
# 20,000 short ones one after another without a leak (a tenth of that unless ESTAB_LONG is set). Both directions,
# IPv4 and IPv6.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
observe
peer=(python3 "$here/peer.py")
short=2000
[ -z "${ESTAB_LONG:-}" ] || short=20000

# shellcheck disable=SC2086 # the compiler may come with words
${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -I"$source_root/include" "$here/many.c" "$build_root/src/libestab.a" \
  -o "$work/many" || { fail 'many.c does not compile'; finish; }

memory_is_back()
{
  # Connections are gone; what is left is the stack itself, its tables and TIME-WAIT records of 112 bytes.
  awk '/^left:/ { left = $2; wait = $6; bytes = $9; print; exit (left > 0 || bytes > 600000 + wait * 300) }' "$1"
}

# The file of descriptors may be too short for 1,000 sockets on each side.
ulimit -n "$(ulimit -Hn)"

start_estab "$work/echo" "$estab" listen --service echo -v 7 || exit 1
echo_server=$started
check 'estab answers 1,000 connections, IPv4' timeout 100 "${peer[@]}" many 192.0.2.2 7 1000 65536
check 'estab answers 1,000 connections, IPv6' timeout 100 "${peer[@]}" many 2001:db8::2 7 1000 65536
check "estab answers $short short connections, IPv4" timeout 300 "${peer[@]}" short 192.0.2.2 7 $short
check "estab answers $short short connections, IPv6" timeout 300 "${peer[@]}" short 2001:db8::2 7 $short
check 'the server ends in order' stop $echo_server
check '  nothing is left of them' memory_is_back "$work/echo.err"

start "$work/kernel" "${peer[@]}" echo 7
wait_for grep -q ready "$work/kernel" || exit 1
for host in 192.0.2.1 2001:db8::1; do
  check "estab opens 1,000 connections to $host" timeout 100 "$work/many" all $host 7 1000 65536
  check "estab opens $short short connections to $host" timeout 300 "$work/many" short $host 7 $short &&
    check '  nothing is left of them' memory_is_back "$work/said"
done
finish
