#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# devices.sh - --device auto where it cannot work: both ways are told, each with what to do.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"

# Runs where everybody may read it, for nobody too.
cp "$estab" "$work/estab" && chmod 755 "$work/estab"
nobody=()
[ "$(id -u)" -ne 0 ] || nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# neither CALL_OF_TUN CALL_OF_VETH COMMAND... - fails within three lines that name both calls and a remedy for each.
neither()
{
  local tun=$1 veth=$2 status=0
  shift 2
  timeout 10 "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
  cat "$work/out" "$work/err"
  [ $status -eq 1 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" -eq 3 ] &&
    grep -q '^estab listen: --device auto: ' "$work/err" &&
    grep -qE "^TUN: $tun: .*\. To do: ." "$work/err" && grep -qE "^veth: $veth: .*\. To do: ." "$work/err"
}

check 'without any privilege' neither '(open /dev/net/tun|ioctl TUNSETIFF)' 'make a veth pair' \
  "${nobody[@]}" "$work/estab" listen 80
# A TUN that is none, and no CAP_NET_RAW for the veth's end.
if unshare -Urnm true 2>/dev/null; then
  # shellcheck disable=SC2016 # $0 is the inner shell's
  check 'a false /dev/net/tun and no CAP_NET_RAW' neither '(open /dev/net/tun|ioctl TUNSETIFF)' 'socket AF_PACKET' \
    unshare -Urnm sh -c '[ ! -e /dev/net/tun ] || mount --bind /dev/null /dev/net/tun
      exec setpriv --bounding-set -net_raw --inh-caps -net_raw "$0" listen 80' "$work/estab"
else
  echo 'SKIPPED: no user and mount namespace can be made here'
  skipped=$((skipped + 1))
fi
finish
