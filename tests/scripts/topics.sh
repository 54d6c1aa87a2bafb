#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# topics.sh FOLDER [CLASS] - runs the scripts that FOLDER/LIST.tsv names (class, split, topic, repo:path, ...; a
# script lies in FOLDER/owner+name/path) and prints per topic: passed, failed, unsupported. ESTAB names the command.
set -eu
folder=$1 class=${2:-A}
estab=${ESTAB:-build/tools/estab/estab}
list=$(mktemp)
trap 'rm -f "$list" "$list.json"' EXIT
awk -F'\t' -v class="$class" -v folder="$folder" 'NR > 1 && $1 == class && $2 == "open" {
  colon = index($4, ":"); repo = substr($4, 1, colon - 1); sub("/", "+", repo)
  print $3 "\t" folder "/" repo "/" substr($4, colon + 1) }' "$folder/LIST.tsv" >"$list"
# Scripts say by their first commands which system they were written for; those of one folder do not.
cut -f2 "$list" | grep -v /nplab+ | xargs "$estab" script --json >"$list.json" || true
cut -f2 "$list" | grep /nplab+ | xargs -r "$estab" script --profile linux --json >>"$list.json" || true
awk -F'\t' '
  function field(name) { return match($0, "\"" name "\":\"[^\"]*") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) : "" }
  NR == FNR { topic[$2] = $1; next }
  { script = field("script"); if (script == "") next
    t = topic[script]; v = field("verdict"); seen[t] = 1; n[t, v]++; all[v]++ }
  END {
    for (t in seen) printf "%-46s %4d passed %4d failed %4d unsupported %4d errors\n", t, n[t, "pass"],
      n[t, "fail"], n[t, "unsupported"], n[t, "error"] | "sort"
    close("sort")
    printf "%d passed, %d failed, %d unsupported, %d errors\n", all["pass"], all["fail"], all["unsupported"], all["error"]
  }' "$list" "$list.json"
