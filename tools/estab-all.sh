#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# estab-all.sh - writes src/estab_all.c and src/estab_watch_all.c, the one-file builds, from the rooms' meson.build.
# With --check it writes nothing and fails if a file is not what it would write.
cd "$(dirname "$0")/.." || exit 1
all() # file, what it is, rooms
{
  echo '// SPDX-License-Identifier: BSD-2-Clause'
  echo "// $1 - $2 in one file: cc -std=c17 -Iinclude -Isrc -c src/$1"
  echo '// Written by tools/estab-all.sh; do not edit.'
  for room in $3; do
    printf '\n// %s\n' "$room"
    sed -n "s|^ *'\([a-z0-9_]*\.c\)',\{0,1\}\$|#include \"$room/\1\"|p" "src/$room/meson.build"
  done
}
one() # --check or not, file, what it is, rooms
{
  if [ "$1" = --check ]; then
    all "$2" "$3" "$4" | diff -u "src/$2" - || { echo 'run tools/estab-all.sh' >&2; exit 1; }
  else
    all "$2" "$3" "$4" > "src/$2"
  fi
}
one "$1" estab_all.c 'the whole core' 'base wire proto tcp ip link udp stack'
one "$1" estab_watch_all.c 'the observer with what it needs' 'base wire proto watch'
