#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# rooms.sh - who may include whom (ARCHITECTURE.md), and which headers of the C library the core may see.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"

declare -A may=(
  [base]='base'
  [wire]='wire base'
  [proto]='proto wire base'
  [tcp]='tcp proto wire base'
  [ip]='ip proto wire base'
  [link]='link proto wire base'
  [udp]='udp proto wire base'
  [stack]='stack tcp udp ip link proto wire base'
  [watch]='watch proto wire base'
  [driver]=''
)
libc=' string.h stdint.h stddef.h stdbool.h stdarg.h '
bad=0
complain()
{
  echo "$1 may not include $2"
  bad=1
}

for room in "${!may[@]}"; do
  for file in src/"$room"/*.[ch]; do
    [ -f "$file" ] || continue
    while read -r open name; do
      case $open$name in
      '"estab/'* | '<estab/'*) ;;                       # the doors: everybody
      '"'*/*)
        [[ " ${may[$room]} " == *" ${name%%/*} "* ]] || complain "$file" "$name" ;;
      '"'*.def | '"'*.h)
        # Beside the file: only the driver room, which nobody else includes.
        [ "$room:$(ls "src/driver/$name" 2>/dev/null)" = "driver:src/driver/$name" ] ||
          complain "$file" "\"$name\" without its room" ;;
      '<'*)
        [ "$room" = driver ] || [[ $libc == *" $name "* ]] || complain "$file" "<$name>" ;;
      *) complain "$file" "$open$name" ;;
      esac
    done < <(sed -n 's/^ *# *include *\(["<]\)\([^">]*\)[">].*/\1 \2/p' "$file")
  done
done

# Tools and examples see include/ only: nothing quoted that is not beside them.
mapfile -t programs < <(find tools/estab examples -name '*.[ch]')
for file in "${programs[@]}"; do
  while read -r name; do
    case $name in
    estab/*) ;;
    *..*) complain "$file" "\"$name\"" ;;
    *) [ -f "$(dirname "$file")/$name" ] || [[ $file == tools/* && -f tools/estab/$name ]] ||
      complain "$file" "\"$name\"" ;;
    esac
  done < <(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file")
done
exit $bad
