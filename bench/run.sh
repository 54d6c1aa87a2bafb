#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--quick] [--only-watch] [--build DIR] [--estab FILE] - builds both stacks, measures them side by side,
# and estab watch beside its peers; writes docs/performance.md. --quick: fewer and shorter runs, into BUILD;
# --only-watch: the observer's rows alone. --estab: the command, else that of build-release.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../build-bench
estab=$here/../build-release/tools/estab/estab
arguments=
while [ $# -gt 0 ]; do
  case $1 in
  --build) build=${2:?--build wants a directory}; shift ;;
  --estab) estab=${2:?--estab wants a file}; shift ;;
  --quick | --only-watch) arguments="$arguments $1" ;;
  --help) sed -n '3,5s/^# //p' "$0"; exit 0 ;;
  *) echo "bench: what is '$1'? try --help" >&2; exit 2 ;;
  esac
  shift
done

mkdir -p "$build"
build=$(cd "$build" && pwd)
goal=all
case $arguments in
*--only-watch*) goal=watch ;;
*) sh "$here/fetch-lwip.sh" "$build" ;;
esac
make -C "$here" -s -j2 BUILD="$build" "$goal" >"$build/make.log" 2>&1 || {
  echo "bench: the programs do not build; see $build/make.log" >&2
  grep -E 'error|undefined' "$build/make.log" | head -3 >&2
  exit 1
}
# shellcheck disable=SC2086 # the arguments are words
exec python3 "$here/bench.py" --build "$build" --estab "$estab" $arguments
