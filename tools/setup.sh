#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# setup.sh DIR [meson options] - configures DIR, anew or again (tests are found while configuring).
set -eu
dir=$1
shift
log=$dir.setup.log
if [ -f "$dir/build.ninja" ]; then
  left=$#
  while [ "$left" -gt 0 ]; do # what machine it is for was said the first time, and cannot be said again
    case $1 in
    --cross-file) shift 2; left=$((left - 2)) ;;
    *) set -- "$@" "$1"; shift; left=$((left - 1)) ;;
    esac
  done
  meson configure "$dir" "$@" >/dev/null # --reconfigure alone leaves options of the compiler as they were
  set -- --reconfigure "$@"
fi
if ! meson setup "$dir" "$@" >"$log" 2>&1; then
  tail -20 "$log" >&2
  exit 1
fi
mv "$log" "$dir/setup.log"
[ "$dir" != build ] || ln -sf build/compile_commands.json compile_commands.json
