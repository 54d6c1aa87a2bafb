#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# estab-all.sh - writes src/estab_all.c, the one-file build, from the rooms' meson.build lists.
# With --check it writes nothing and fails if the file is not what it would write.
cd "$(dirname "$0")/.." || exit 1
all()
{
  echo '// SPDX-License-Identifier: BSD-2-Clause'
  echo '// estab_all.c - the whole core in one file: cc -std=c17 -Iinclude -Isrc -c src/estab_all.c'
  echo '// Written by tools/estab-all.sh; do not edit.'
  for room in base wire proto tcp ip link udp stack; do
    printf '\n// %s\n' "$room"
    sed -n "s|^ *'\([a-z0-9_]*\.c\)',\{0,1\}\$|#include \"$room/\1\"|p" "src/$room/meson.build"
  done
}
if [ "$1" = --check ]; then
  all | diff -u src/estab_all.c - || { echo 'run tools/estab-all.sh' >&2; exit 1; }
else
  all > src/estab_all.c
fi
