#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# format.sh - every C file is as clang-format leaves it (clang-format -i FILE).
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
bad=0
while read -r file; do
  clang-format "$file" | cmp -s - "$file" || { echo "clang-format -i $file"; bad=1; }
done < <(find src include tools tests examples bench -type f -name '*.[ch]' 2>/dev/null | sort)
exit $bad
