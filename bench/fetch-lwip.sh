#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fetch-lwip.sh DIR - puts lwIP's source, from Debian's source package, into DIR/lwip (never into git).
#
# Source packages are switched on in a private copy of the machine's own apt lists under DIR: every
# mirror line is kept as it stands, only its type becomes deb-src. /etc is left alone, root is not
# needed, and apt checks the signatures as always. Needs dpkg-dev.
set -eu

dir=${1:?usage: fetch-lwip.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[ -f "$dir/lwip/src/include/lwip/init.h" ] && exit 0

apt=$dir/apt
rm -rf "$apt" "$dir/lwip" "$dir/lwip-download"
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" "$dir/lwip-download"

# One-line lists: `deb` becomes `deb-src`; other lines (deb-src, comments) are dropped.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -f "$list" ] || continue
  sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$list" >"$apt/parts/$(basename "$list" .list).list"
done
# deb822 stanzas: the type alone is changed.
for list in /etc/apt/sources.list.d/*.sources; do
  [ -f "$list" ] || continue
  sed 's/^[Tt]ypes:.*/Types: deb-src/' "$list" >"$apt/parts/$(basename "$list")"
done

options="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$apt/parts
  -o Dir::State::lists=$apt/lists -o Dir::Cache=$apt/cache -o APT::Sandbox::User=root
  -o APT::Get::List-Cleanup=0 -o Acquire::Retries=3"

cd "$dir/lwip-download"
# shellcheck disable=SC2086 # the options are words
{
  apt-get $options -qq update
  apt-get $options -qq --download-only source lwip
} >"$apt/log" 2>&1 || {
  echo "fetch-lwip: apt could not get the source package lwip; its words are in $apt/log" >&2
  tail -2 "$apt/log" >&2
  exit 1
}
dpkg-source --no-copy -x ./lwip_*.dsc "$dir/lwip" >>"$apt/log" 2>&1 || {
  echo "fetch-lwip: dpkg-source could not unpack lwip (is dpkg-dev installed?); see $apt/log" >&2
  exit 1
}
rm -rf "$apt/lists" "$apt/cache" "$dir/lwip-download"
