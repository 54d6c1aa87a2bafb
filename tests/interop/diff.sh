#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# diff.sh - the same stories to estab and to the kernel: no difference that tests/diff/explained.tsv does not explain, with
# and without waiting; and planted faults are found, made short, and written down as scripts that a sound estab passes.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
diff=$build_root/tests/diff
list=$source_root/tests/diff/explained.tsv
[ -x "$diff" ] || skip_all 'tests/diff was not built (-Dextras=false)'
stories=(-n 10000) timers=36
[ -z "${ESTAB_LONG:-}" ] || stories=(-n 100000 -a) timers=200 # -a: each line of the list must have been needed

told()
{
  "$diff" "${stories[@]}" -e "$list" -o "$work" >"$work/out"
  local status=$?
  [ $status != 77 ] || skip_all "$(sed -n 's/^SKIPPED: //p' "$work/out" | head -n 1)"
  [ $status = 0 ] || { cat "$work/out" "$work"/*.pkt 2>/dev/null; return 1; }
  tail -n 3 "$work/out"
}
planted()
{
  mkdir "$work/plants"
  "$diff" -P -e "$list" -o "$work/plants" >"$work/plants.out" || { cat "$work/plants.out"; return 1; }
  local scripts=("$work"/plants/*.pkt)
  [ ${#scripts[@]} -ge 15 ] || { echo "only ${#scripts[@]} scripts"; return 1; }
  "$estab" script "${scripts[@]}" >"$work/scripts.out" || { cat "$work/scripts.out"; return 1; }
  tail -n 1 "$work/plants.out"
}
waited()
{
  "$diff" -T "$timers" -e "$list" >"$work/timers.out" || { cat "$work/timers.out"; return 1; }
  tail -n 2 "$work/timers.out"
}
# The scripts are not empty of meaning: under the fault itself, the story fails again.
planted_alone()
{
  ! "$diff" -n 300 -p no-sack -e "$list" >"$work/out" || { cat "$work/out"; return 1; }
}

check "stories alike or explained" told
check "planted faults are found and become scripts" planted
check "a planted fault fails the run" planted_alone
check "timers go off when the kernel's do" waited
finish
