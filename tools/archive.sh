#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# archive.sh OUT IN CC... - the static library as it is installed: names that only its own files share get the
# prefix estab_internal_, so that a program may have a wheel_init() of its own. It stays an archive of many members:
# what is not used is not linked. What link-time optimization left beside the machine code has the old names, and goes.
set -eu
out=$1 in=$2
shift 2
tool() # of the same target as the compiler
{
  "$cc" -print-prog-name="$1"
}
for word; do # the last word of a compiler behind ccache
  case $word in -*) ;; *) cc=$word ;; esac
done
nm=$(tool nm) ar=$(tool ar) objcopy=$(tool objcopy)
rm -f "$out"
printf 'create %s\naddlib %s\nsave\nend\n' "$out" "$in" | "$ar" -M
"$nm" --defined-only -g "$out" | awk 'NF == 3 && $3 !~ /^(estab_|__)/ { print $3, "estab_internal_" $3 }' | sort -u >"$out.names"
"$objcopy" --wildcard --remove-section='.gnu.lto_*' --remove-section='.gnu.debuglto_*' \
  --redefine-syms="$out.names" "$out"
rm "$out.names"
