#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--quick] [--build DIR] - builds both stacks, measures them side by side, writes
# docs/performance.md. --quick: fewer and shorter runs, printed only.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../build-bench
arguments=
while [ $# -gt 0 ]; do
  case $1 in
  --build) build=${2:?--build wants a directory}; shift ;;
  --quick) arguments="$arguments --quick" ;;
  --help) sed -n '3,4s/^# //p' "$0"; exit 0 ;;
  *) echo "bench: what is '$1'? try --help" >&2; exit 2 ;;
  esac
  shift
done

mkdir -p "$build"
build=$(cd "$build" && pwd)
sh "$here/fetch-lwip.sh" "$build"
make -C "$here" -s -j2 BUILD="$build" >"$build/make.log" 2>&1 || {
  echo "bench: the programs do not build; see $build/make.log" >&2
  grep -E 'error|undefined' "$build/make.log" | head -3 >&2
  exit 1
}
# shellcheck disable=SC2086 # the arguments are words
exec python3 "$here/bench.py" --build "$build" $arguments
