#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh PURPOSE... - installs what tools/deps.txt lists for these purposes and is not there yet.
# Asks nothing. Without root it says what to install and fails.
set -eu
cd "$(dirname "$0")/.."

missing=
for purpose in "$@"; do
  packages=$(sed -n "s/^$purpose  *//p" tools/deps.txt)
  [ -n "$packages" ] || { echo "deps.sh: tools/deps.txt knows no purpose '$purpose'" >&2; exit 2; }
  for package in $packages; do
    case " $missing " in *" $package "*) continue ;; esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing="$missing $package"
  done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "No apt here; going on, in the hope that these are installed under other names:$missing" >&2
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "Missing Debian packages. As root: apt-get install$missing" >&2
  exit 1
fi
echo "Installing by apt:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # a list of words
apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $missing </dev/null >/dev/null
