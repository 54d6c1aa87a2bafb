#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test.sh [STAGE...] - builds and tests; the last line counts: N passed, N failed, N skipped.
# gcc runs everything; clang and the sanitizers what is compiled; the other machines what needs no cmocka.
# Stages: gcc clang asan i686 s390x fuzz. On CI=true a skip is a failure.
# ESTAB_LONG=1 runs the large tests at their whole size (`make long` does so with gcc). Sanitizers and emulated machines
# are ten times slower: there the random tests have half the seeds (ESTAB_SHORT), unless the run is a long one.
set -u
cd "$(dirname "$0")/.." || exit 1
totals=$PWD/build-totals
: >"$totals"
sanitize=("-Db_sanitize=address,undefined" "-Dc_args=-fno-sanitize-recover=all" -Doptimization=1 -Dfuzz=true)
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
compiled=(--suite unit --suite prop --suite attack --suite scripts --suite examples)
multiplier=3
[ -z "${ESTAB_LONG:-}" ] || multiplier=30

# build NAME CC OPTION... - configures and compiles build-NAME; one passed or one failed.
build()
{
  local name=$1 dir=build-$1 start=$SECONDS
  export CC=$2
  shift 2
  if tools/setup.sh "$dir" "$@" && ninja -C "$dir" >"$dir/ninja.log" 2>&1; then
    printf '%-7s build                 1 passed   0 failed   0 skipped %6d s\n' "$name" $((SECONDS - start))
    echo 1 0 0 >>"$totals"
  else
    grep -hE -A12 'FAILED|error:' "$dir/ninja.log" 2>/dev/null | head -60
    printf '%-7s build                 0 passed   1 failed   0 skipped\n' "$name"
    echo 0 1 0 >>"$totals"
    return 1
  fi
}

short()
{
  [ -n "${ESTAB_LONG:-}" ] || export ESTAB_SHORT=1
}

# run NAME WHAT MESON-ARGUMENT... - runs tests of build-NAME and adds up their report.
run()
{
  local name=$1 what=$2 dir=build-$1
  shift 2
  rm -f "$dir/meson-logs/$what.json"
  meson test -C "$dir" --no-rebuild --num-processes 2 --timeout-multiplier "$multiplier" \
    --logbase "$what" "$@" >"$dir/$what.out" 2>&1
  python3 tools/test-report.py "$name" "$dir/meson-logs/$what.json" "$totals" || echo 0 1 0 >>"$totals"
}

fuzz()
{
  local list seconds target
  list=$(find build-asan/tests -maxdepth 1 -type f -name 'fuzz-*' -executable)
  [ -n "$list" ] || { echo 'fuzz    no fuzzer was built'; echo 0 1 0 >>"$totals"; return; }
  seconds=$((60 / $(wc -w <<<"$list")))
  for target in $list; do
    local corpus=$target.corpus name=${target##*/} seeds
    seeds=tests/fuzz/corpus/${name#fuzz-}
    seeds=${seeds%-c}
    mkdir -p "$corpus"
    [ -d "$seeds" ] || seeds=
    # The same inputs each time: who pushes is not judged by luck. ESTAB_FUZZ_SEED=0 explores.
    if "$target" -seed="${ESTAB_FUZZ_SEED:-1}" -max_total_time=$seconds -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$corpus-" \
      "$corpus" ${seeds:+"$seeds"} >"$target.log" 2>&1; then
      printf 'fuzz    %-21s 1 passed   0 failed   0 skipped %6d s\n' "${name%-c}" "$seconds"
      echo 1 0 0 >>"$totals"
    else
      tail -40 "$target.log"
      printf 'fuzz    %-21s 0 passed   1 failed   0 skipped\n' "${name%-c}"
      echo 0 1 0 >>"$totals"
    fi
  done
}

[ $# -gt 0 ] || set -- gcc clang asan i686 s390x fuzz
for stage; do
  case $stage in
  gcc) build gcc gcc && run gcc all ;;
  clang) build clang clang && run clang all "${compiled[@]}" --suite per-compiler ;;
  asan) build asan clang "${sanitize[@]}" && short && run asan all "${compiled[@]}" --suite sanitized ;;
  i686 | s390x)
    build "$stage" "$stage-linux-gnu-gcc" --cross-file "tools/cross/$stage.ini" \
      -Dunit=false -Dextras=false && short && run "$stage" all --suite prop --suite attack --suite scripts --suite examples ;;
  fuzz) build asan clang "${sanitize[@]}" && fuzz ;;
  *) echo "test.sh: no stage '$stage'" >&2; exit 2 ;;
  esac
done

awk -v ci="${CI:-}" '{ p += $1; f += $2; s += $3 } END {
  bad = f > 0 || p == 0 || (ci == "true" && s > 0)
  if (ci == "true" && s > 0) print "a skip counts as a failure here"
  printf "%d passed, %d failed, %d skipped\n", p, f, s
  exit bad }' "$totals"
