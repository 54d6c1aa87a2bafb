#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# installed.sh - what `meson install` lays down is whole, and an example builds and runs against it
# by pkg-config, shared and static, seeing nothing of this tree.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
example=$PWD/examples/echo.c
examples=$PWD/examples
completion=$PWD/tools/estab/estab.bash
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
meson install -C "${ESTAB_BUILD:-build}" --no-rebuild --quiet --destdir "$scratch/dest"
cd "$scratch"
prefix=$(find dest -path '*/bin/estab' -printf '%h\n')/..
prefix=$(cd "$prefix" && pwd)
pc=$(find dest -name estab.pc -printf '%h\n')
export PKG_CONFIG_LIBDIR=$PWD/$pc
config=(pkg-config --define-variable=prefix="$prefix")

version=$("${config[@]}" --modversion estab)
for file in include/estab/estab.h include/estab/drops.def include/estab/events.def bin/estab \
  share/man/man1/estab.1 share/man/man3/libestab.3 share/bash-completion/completions/estab \
  share/doc/estab/watch.schema.json share/doc/estab/qlog.schema.json share/doc/estab/watch.md; do
  [ -s "$prefix/$file" ] || { echo "not installed: $file"; exit 1; }
done
grep -q "ESTAB_VERSION \"$version\"" "$prefix/include/estab/estab.h" ||
  { echo "estab.pc says $version, estab.h another"; exit 1; }
[[ $("$prefix/bin/estab" --version) == *"$version"* ]] || { echo 'estab --version says another'; exit 1; }

read -ra flags < <("${config[@]}" --cflags --libs estab)
${CC:-cc} -std=c17 "$example" "${flags[@]}" -o shared
libdir=$("${config[@]}" --variable=libdir estab)
LD_LIBRARY_PATH=$libdir ./shared
${CC:-cc} -std=c17 "$examples/own_cc.c" "${flags[@]}" -o own_cc
LD_LIBRARY_PATH=$libdir ./own_cc >own_cc.txt
grep -q '^mine: ' own_cc.txt
readelf -d shared | grep -q 'NEEDED.*libestab\.so\.0' || { echo 'not linked to libestab.so.0'; exit 1; }
read -ra flags < <("${config[@]}" --cflags estab)
# CC may be several words.
${CC:-cc} -std=c17 "$example" "${flags[@]}" "$libdir/libestab.a" -o static
./static
# No name of the archive can meet one of the program's own (__ is the compiler's).
if nm -g --defined-only "$libdir/libestab.a" | awk 'NF == 3 && $3 !~ /^(estab_|__)/' | grep .; then
  echo 'libestab.a has global names that do not begin with estab_'
  exit 1
fi
echo 'int wheel_init; int demux_find = 1; int tcp_output(void); int tcp_output(void) { return wheel_init; }' >own.c
${CC:-cc} -std=c17 "$example" own.c "${flags[@]}" "$libdir/libestab.a" -o static
./static

# The same of a build with link-time optimization, as `make install` has it.
if ${CC:-cc} --version | grep -q 'Free Software Foundation'; then
  tree=$(cd "$examples/.." && pwd)
  env -u PKG_CONFIG_LIBDIR meson setup lto "$tree" -Db_lto=true -Doptimization=0 -Dtests=false >lto.log 2>&1 &&
    ninja -C lto src/libestab.a >>lto.log 2>&1 || { tail -5 lto.log; exit 1; }
  ${CC:-cc} -std=c17 "$example" own.c "${flags[@]}" lto/src/libestab.a -o static
  ./static
fi

# Completion: the subcommands, and an option of one of them.
PATH=$prefix/bin:$PATH
# shellcheck source=/dev/null
. "$completion"
COMP_WORDS=(estab de) COMP_CWORD=1
_estab
[[ " ${COMPREPLY[*]} " == *' demo '* ]] || { echo "completion of 'estab de': ${COMPREPLY[*]}"; exit 1; }
# shellcheck disable=SC2034 # read by _estab
COMP_WORDS=(estab demo --js) COMP_CWORD=2
_estab
[[ " ${COMPREPLY[*]} " == *' --json '* ]] || { echo "completion of 'estab demo --js': ${COMPREPLY[*]}"; exit 1; }
