#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# estab-all.sh - writes src/estab_all.c and src/estab_watch_all.c, the one-file builds, from the rooms' meson.build.
# With --check it writes nothing and fails if a file is not what it would write.
cd "$(dirname "$0")/.." || exit 1
rooms() # names
{
  for room in $1; do
    printf '\n// %s\n' "$room"
    sed -n "s|^ *'\([a-z0-9_]*\.c\)',\{0,1\}\$|#include \"$room/\1\"|p" "src/$room/meson.build"
  done
}
all() # file, what it is, rooms, those of them that estab_all.c has, too
{
  echo '// SPDX-License-Identifier: BSD-2-Clause'
  echo "// $1 - $2 in one file: cc -std=c17 -Iinclude -Isrc -c src/$1"
  [ -z "$4" ] || echo '// In a program that has estab_all.c as well: with -DESTAB_BESIDE_CORE.'
  echo '// Written by tools/estab-all.sh; do not edit.'
  [ -z "$4" ] || { printf '#ifndef ESTAB_BESIDE_CORE\n'; rooms "$4"; printf '\n#endif\n'; }
  rooms "$3"
}
one() # --check or not, and as all()
{
  if [ "$1" = --check ]; then
    all "$2" "$3" "$4" "$5" | diff -u "src/$2" - || { echo 'run tools/estab-all.sh' >&2; exit 1; }
  else
    all "$2" "$3" "$4" "$5" > "src/$2"
  fi
}
one "$1" estab_all.c 'the whole core' 'base wire proto tcp ip link udp stack' ''
one "$1" estab_watch_all.c 'the observer with what it needs' watch 'base wire proto'
