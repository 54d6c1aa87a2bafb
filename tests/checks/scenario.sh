#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scenario.sh - a scenario that makes no sense is refused with its place; one that expects too much fails; equal
# seeds give equal runs.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB_BUILD:-build}/tools/estab/estab
[ -x "$estab" ] || { echo "no $estab"; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
base=$'host a\nhost b\nlink a b rate=10M delay=5ms\n'

refused() { # what stderr must say, the scenario
  if printf '%s\n' "$2" | "$estab" sim - >"$scratch/out" 2>"$scratch/err"; then
    echo "taken: $2"
    exit 1
  fi
  grep -qF -- "$1" "$scratch/err" || { echo "not said: $1"; cat "$scratch/err"; exit 1; }
  [ "$(wc -l <"$scratch/err")" -le 3 ] || { echo 'more than three lines'; exit 1; }
}
refused '-:1:1: hots: is no statement' 'hots a'
refused 'there is no flow' 'host a'
refused '-:1:8: b>c' 'router b>c'
refused '-:4:8: c: there is no such host' "${base}flow a c bytes=1M"
refused '-:4:10: bytes=many is not a number' "${base}flow a b bytes=many"
refused 'a flow ends by bytes= or by for=' "${base}flow a b"
refused '-:5:8: speed: there is no such figure' "${base}flow a b bytes=1K
expect speed >= 1M"
refused 'a host has exactly one link' "${base}host c
link b c
flow a b bytes=1K"
refused 'is before the change above it' "${base}flow a b bytes=1K
at 2s link a b down
at 1s link a b up"

printf '%s\n' "${base}flow a b bytes=100K" 'expect goodput >= 1G' >"$scratch/missed"
if "$estab" sim --json "$scratch/missed" >"$scratch/out"; then echo 'an expectation missed passed'; exit 1; fi
grep -q '"verdict":"missed"' "$scratch/out"

printf '%s\n' "${base}link a>b loss=2% reorder=2%" 'flow a b bytes=1M' >"$scratch/twice"
"$estab" sim --json "$scratch/twice" --pcap "$scratch/one.pcap" >"$scratch/one"
"$estab" sim --json "$scratch/twice" --pcap "$scratch/two.pcap" >"$scratch/two"
cmp "$scratch/one" "$scratch/two"
cmp "$scratch/one.pcap" "$scratch/two.pcap"

# What is read is not written over.
for words in "--pcap $scratch/twice" "--qlog $scratch/link.svg" "--plot $scratch/link.svg"; do
  ln -sf twice "$scratch/link.svg"
  # shellcheck disable=SC2086
  if "$estab" sim $words "$scratch/twice" >"$scratch/out" 2>"$scratch/err"; then echo "taken: $words"; exit 1; fi
  grep -q 'it is to be read' "$scratch/err" || { cat "$scratch/err"; exit 1; }
done
"$estab" sim --json "$scratch/twice" | cmp - "$scratch/one"
