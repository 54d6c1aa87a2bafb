#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# beside.sh - estab sim with the kernel as an end of its links, in real time: what was sent arrives, about as fast as the link is.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
[ -w /dev/net/tun ] || skip_all '/dev/net/tun cannot be opened here'
# A busy machine makes it late; a real-time priority helps where it may be had.
real=()
! chrt -r 1 true 2>/dev/null || real=(chrt -r 1)

# run VERDICTS SCENARIO-LINE... - its last object is in $work/last.
run()
{
  local verdicts=$1
  shift
  printf '%s\n' "$@" | timeout 30 "${real[@]}" "$estab" sim --json - >"$work/out" 2>"$work/err"
  tail -n 1 "$work/out" >"$work/last"
  grep -qE "\"verdict\":\"($verdicts)\"" "$work/last" || { cat "$work/out" "$work/err"; return 1; }
}
at_least()
{
  local got
  got=$(grep -o "\"$1\":[0-9]*" "$work/last" | cut -d: -f2)
  [ "${got:-0}" -ge "$2" ] || { echo "$1 is ${got:-nothing}, not $2"; cat "$work/last"; return 1; }
}
# path SENDER RECEIVER FLOW... - 20 Mbit/s, 20 ms, a queue of one BDP. A late one tells nothing of speed but must be whole.
path()
{
  run 'ok|late' "host a $1" "host b $2" 'link a b rate=20M delay=10ms queue=50K' "${@:3}" || return 1
  at_least goodput_bits_per_s 10000000
}
stopped()
{
  printf '%s\n' 'host a kernel' 'host b kernel' 'link a b rate=10M delay=5ms' 'flow a b for=60s' >"$work/long.sim"
  "$estab" sim "$work/long.sim" >"$work/out" 2>"$work/err" &
  local pid=$! status
  sleep 0.5
  kill -INT $pid
  wait $pid
  status=$?
  grep -q 'stopped' "$work/err" && [ $status -eq 1 ] || { echo "exit $status"; cat "$work/out" "$work/err"; return 1; }
}
refuses()
{
  ! printf '%s\n' 'host a kernel cc=nobody' 'host b' 'link a b' 'flow a b bytes=1K' | "$estab" sim - 2>"$work/err" || return 1
  grep -q 'a: cc=nobody: this kernel does not give it' "$work/err" || { cat "$work/err"; return 1; }
}

check 'estab to the kernel, 3 s' path '' kernel 'flow a b for=3s' 'until 3s'
check 'the kernel to estab, 3 s' path kernel '' 'flow a b for=3s' 'until 3s'
check 'the kernel to the kernel, 3 s' path kernel kernel 'flow a b for=3s' 'until 3s'
check 'transfers with 1 % loss, IPv6' run 'ok|late' 'host a' 'host b kernel' 'link a b rate=20M delay=5ms loss=1%' \
  'flow a b bytes=30K repeat=10' ipv6
check 'both senders in one queue' run 'ok|late' 'host a' 'host k kernel' 'host b kernel' 'router r' 'link a r delay=1ms' \
  'link k r delay=1ms' 'link r b rate=10M delay=5ms' 'flow a b bytes=1M' 'flow k b bytes=1M'
check 'a congestion control that there is not' refuses
check 'Ctrl-C' stopped
[ -z "${ESTAB_LONG:-}" ] || check 'all cells' env ESTAB="$estab" python3 "$source_root/tests/sim/beside.py" --snapshot="$work/beside.tsv"
finish
