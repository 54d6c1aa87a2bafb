#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# width.sh - core, drivers and command pass the compiler's eye on a 32-bit machine. (Whole cross builds,
# with tests, are stages of tools/test.sh; this finds the same conversions within seconds.)
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
mapfile -t files < <(find src/driver tools/estab -name '*.c' | grep -vE 'http|cmd_(demo|serve)')
i686-linux-gnu-gcc -std=c17 -Wall -Wextra -Wconversion -Wshadow -Werror -D_GNU_SOURCE -fsyntax-only \
  -Iinclude -Itools/estab "${files[@]}"
i686-linux-gnu-gcc -std=c17 -Wall -Wextra -Wconversion -Wshadow -Werror -fsyntax-only \
  -Iinclude -Isrc src/estab_all.c
i686-linux-gnu-gcc -std=c17 -Wall -Wextra -Wconversion -Wshadow -Werror -fsyntax-only \
  -Iinclude -Isrc src/estab_watch_all.c
