#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cc_headers.sh - every public header stands alone as C11 and as C++17, every internal one as C17.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
case ${CC:-cc} in *clang*) cxx=clang++ ;; *) cxx=g++ ;; esac
strict=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only)
bad=0
for header in include/estab/*.h; do
  "${CC:-cc}" -std=c11 "${strict[@]}" -Iinclude -x c - <<<"#include <estab/${header##*/}>" || bad=1
  $cxx -std=c++17 "${strict[@]}" -Iinclude -x c++ - <<<"#include <estab/${header##*/}>" || bad=1
done
for header in src/*/*.h; do
  [ -f "$header" ] || continue
  define=
  [[ $header != src/driver/* ]] || define=-D_GNU_SOURCE
  "${CC:-cc}" -std=c17 "${strict[@]}" $define -Iinclude -Isrc -x c - <<<"#include \"${header#src/}\"
extern int not_empty;" || bad=1
done
exit $bad
