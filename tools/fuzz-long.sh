#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fuzz-long.sh [-n] [-j JOBS] [NAME...] - the fuzzers' counted executions, continued where the last run stopped; -n only
# says how far they are, -j runs JOBS processes of each, which learn from one another after every part. Counts and
# corpora are kept in $ESTAB_FUZZ_DIR (build-fuzz/long); it may be stopped at any moment: at most one part, a few
# minutes, is lost. Ends with `N passed, N failed`; a fuzzer has passed when its count is full without a finding.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=${ESTAB_FUZZ_DIR:-build-fuzz/long}
build=${ESTAB_FUZZ_BUILD:-build-fuzz}
# A small quarantine and short stacks of allocations: half of the time would go there.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:quarantine_size_mb=2:malloc_context_size=3
export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1

# name, executions wanted, executions of one part, longest input: a stateful one learns more of many
# short lives than of few long ones. 10^8 of the codec, 10^7 of the whole stack. Behind a colon: which plan of a
# fuzzer that has several.
plan='wire 100000000 2000000 1000
stack 10000000 200000 128
two_hosts 1000000 40000 160
ip 10000000 500000 200
decode 50000000 1000000 400
capture 50000000 1000000 800
track 1000000 20000 300
track:short 50000000 400000 48'

only_say='' jobs=1
while getopts nj: option; do
  case $option in
  n) only_say=1 ;;
  j) jobs=$OPTARG ;;
  *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
mkdir -p "$dir"
passed=0 failed=0
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# One part of the count in each job: they read one corpus, and what each adds is read by all with the next part.
fuzz_part() { # RUNS
  local job pids=() ok=1 start
  start=$(cat "$count")
  for ((job = 0; job < jobs; job++)); do
    "$program" -seed="$((start + job + 1))" -runs="$1" -max_len="$longest" -entropic=0 -reload=0 -timeout=120 \
      -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$dir/$name-" \
      "$corpus" "tests/fuzz/corpus/fuzz_${name%:*}" >"$corpus.$job.log" 2>&1 &
    pids+=($!)
  done
  for ((job = 0; job < jobs; job++)); do
    if wait "${pids[job]}"; then
      start=$((start + $(awk '/number_of_executed_units/ { print $2 }' "$corpus.$job.log")))
    else
      tail -40 "$corpus.$job.log"
      ok=0
    fi
  done
  echo "$start" >"$count.new" && mv "$count.new" "$count"
  [ $ok = 1 ]
}

while read -r name wanted part longest; do
  case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
  program=$build/tests/fuzz-fuzz_${name%:*}-c corpus=$dir/$name
  count=$corpus.count
  mkdir -p "$corpus"
  [ -f "$count" ] || echo 0 >"$count"
  ok=1
  while [ -z "$only_say" ] && [ "$(cat "$count")" -lt "$wanted" ]; do
    left=$(((wanted - $(cat "$count") + jobs - 1) / jobs))
    fuzz_part $((left < part ? left : part)) || { ok=0; break; }
  done
  printf 'fuzz-long %-11s %10d of %10d\n' "$name" "$(cat "$count")" "$wanted"
  if [ $ok = 1 ] && [ "$(cat "$count")" -ge "$wanted" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done <<<"$plan"
[ -z "$only_say" ] || exit 0
printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ] && [ $passed -gt 0 ]
