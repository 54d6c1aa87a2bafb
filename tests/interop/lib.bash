# SPDX-License-Identifier: BSD-2-Clause
# lib.bash - what the interop tests share. Each runs in a network namespace of its own, which ends with it:
#   source "$(dirname "$0")/lib.bash"; in_namespace "$@"; ...; finish
# ESTAB_LONG=1 runs the large tests at their whole size.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=${ESTAB_SOURCE:-$(cd "$here/../.." && pwd)}
build_root=${ESTAB_BUILD:-$source_root/build}
estab=${ESTAB:-$build_root/tools/estab/estab}
passed=0 failed=0 skipped=0 check_start=0

# 77 is what Meson takes for a skip; said aloud, and a failure on CI.
skip_all()
{
  echo "SKIPPED: $*"
  echo "0 passed, 0 failed, 1 skipped"
  exit 77
}

in_namespace()
{
  if [ -z "${ESTAB_INTEROP_INSIDE:-}" ]; then
    export ESTAB_INTEROP_INSIDE=1
    if unshare -n true 2>/dev/null; then
      exec unshare -n -- bash "$0" "$@"
    elif unshare -Urn true 2>/dev/null; then
      exec unshare -Urn -- bash "$0" "$@"
    fi
    skip_all 'no network namespace can be made here (unshare -n, unshare -Urn)'
  fi
  ip link set lo up
}

work=$(mktemp -d "${TMPDIR:-/tmp}/estab-interop-XXXXXX")
chmod 755 "$work"
clean_up()
{
  local pids
  pids=$(jobs -p)
  # shellcheck disable=SC2086 # a list
  [ -z "$pids" ] || kill $pids 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# How long it took, if that is noticeable.
took()
{
  local s=$((SECONDS - check_start))
  [ $s -lt 2 ] || echo " ($s s)"
}
pass()
{
  passed=$((passed + 1))
  printf "ok      %s%s\n" "$*" "$(took)"
}
fail()
{
  failed=$((failed + 1))
  printf "FAILED  %s%s\n" "$*" "$(took)"
}
# check WHAT COMMAND... - one test; what the command says is shown if it fails, and what it started is ended.
# $work/err, sum and ready are its own: no word of an earlier test is in them.
check()
{
  local what=$1 status before pid
  shift
  check_start=$SECONDS
  rm -f "$work/err" "$work/sum" "$work/ready"
  before=" $(jobs -p | tr '\n' ' ') "
  "$@" >"$work/said" 2>&1
  status=$?
  for pid in $(jobs -p); do
    [[ $before == *" $pid "* ]] || kill "$pid" 2>/dev/null
  done
  if [ $status -eq 0 ]; then
    pass "$what"
  else
    fail "$what (exit $status)"
    sed 's/^/        | /' "$work/said" | tail -30
    return 1
  fi
}
# The observer beside every connection of the test, with the kernel's and estab's own word of each: see observed.py.
observe()
{
  "$estab" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: no observer, built without extras'; return; }
  export ESTAB_STATES=$work/states
  : >"$ESTAB_STATES"
  start "$work/watcher" "$estab" watch -i any --snaplen 200 --buffer 64M --no-checksum --rows life --json="$work/rows.seen.json"
  observer=$started
  start "$work/recorder" python3 "$here/observed.py" record "$work/kernel.json"
  recorder=$started
  wait_for grep -q '^Listening on' "$work/watcher.err" && wait_for grep -q ready "$work/recorder" ||
    { cat "$work/watcher.err" "$work/recorder.err"; exit 1; }
}
observed()
{
  sleep 0.3
  kill "$recorder" && wait "$recorder" && stop "$observer" || { cat "$work/watcher.err" "$work/recorder.err"; return 1; }
  python3 "$here/observed.py" compare "$work/kernel.json" "$ESTAB_STATES" "$work/rows.seen.json"
}
finish()
{
  if [ -n "${observer:-}" ]; then
    check 'the observer, the kernel and estab tell the same' observed && sed 's/^/        /' "$work/said"
  fi
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# wait_for COMMAND... - until it succeeds, at most 10 s.
wait_for()
{
  local i
  for ((i = 0; i < 200; i++)); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  echo "waited in vain for: $*"
  return 1
}

# start LOG COMMAND... - in the background; $started is its process. start_estab waits until it is ready.
start()
{
  local log=$1
  shift
  : >"$log" && : >"$log.err" # whoever waits for a word in them finds none of an earlier run
  "$@" >"$log" 2>"$log.err" </dev/null &
  started=$!
}
start_estab()
{
  local log=$1
  start "$@"
  wait_for grep -qE '^http://|^Listening' "$log" "$log.err" || { cat "$log.err"; return 1; }
  use_cubic
}
# stop PROCESS - Ctrl-C; answers its exit status.
stop()
{
  kill -INT "$1" 2>/dev/null
  wait "$1"
}

# The machine's own default may be another congestion control, and a namespace may not choose every one; a route may.
use_cubic()
{
  local device
  for device in $(ip -o link show | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' | grep -vx -e lo -e estab1); do
    ip -4 route replace 192.0.2.0/24 dev "$device" proto kernel scope link src 192.0.2.1 congctl cubic 2>/dev/null
    ip -6 route replace 2001:db8::/64 dev "$device" proto kernel metric 256 congctl cubic 2>/dev/null
  done
  return 0
}

# The same octets everywhere: N bytes that repeat only after a long time.
make_file()
{
  [ -s "$1" ] || openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt -in /dev/zero 2>/dev/null |
    head -c "$2" >"$1"
}
sha256()
{
  sha256sum "$1" | cut -d' ' -f1
}

above_tcp=()
# capture_clean FILE [OPTION-OF-TSHARK...] - no malformed frame, no bad checksum, no expert error.
capture_clean()
{
  local bad count
  # What stands in the text is not judged: a port by chance is that of a protocol that tshark knows.
  [ ${#above_tcp[@]} -gt 0 ] || mapfile -t above_tcp < <(tshark -G decodes 2>/dev/null |
    awk -F'\t' '$1 == "tcp.port" && !seen[$3]++ {print "--disable-protocol"; print $3}')
  count=$(tshark -r "$@" 2>/dev/null | wc -l)
  [ "$count" -gt 0 ] || { echo "$1 holds no packet"; return 1; }
  bad=$(tshark -r "$@" "${above_tcp[@]}" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
    -Y "(_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or _ws.expert.severity == 8388608)" \
    2>/dev/null)
  [ -z "$bad" ] || { echo "$1, $count packets, of these bad:"; head -20 <<<"$bad"; return 1; }
  echo "$1: $count packets, all sound"
}
