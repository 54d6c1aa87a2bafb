#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sizes.sh - no file over 800 lines, no function over 80; says the core's median file.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
mapfile -t sources < <(find src include tools tests examples bench -type f -name '*.[ch]' 2>/dev/null | sort)

wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, more than 800"; bad = 1 }
  END { exit bad }' || bad=1
ctags -x --languages=C --langmap=C:.c.h --kinds-C=f --fields=+ne \
  --_xformat='%F %n %{end} %N' "${sources[@]}" |
  awk '{ n = $3 - $2 + 1; seen++ }
    n > 80 { print $1 ":" $2 ": " $4 "() has " n " lines, more than 80"; bad = 1 }
    END { if (!seen) { print "no function found: is ctags universal-ctags?"; bad = 1 }; exit bad }' || bad=1
find src -mindepth 2 -name '*.[ch]' -exec wc -l {} \; | sort -n |
  awk '{ n[NR] = $1 } END { if (NR) print "src: " NR " files, median " n[int((NR + 1) / 2)] " lines" }'
exit "${bad:-0}"
