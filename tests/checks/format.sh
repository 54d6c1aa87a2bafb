#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# format.sh - every C file is as clang-format leaves it (clang-format -i FILE).
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
find src include tools tests examples bench -type f -name '*.[ch]' -print0 |
  xargs -0 -P "$(nproc)" -n 20 clang-format --dry-run -Werror
