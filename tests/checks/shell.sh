#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shell.sh - shellcheck finds nothing in any script.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
grep -rlE --exclude-dir='build*' --exclude-dir=.git '^#!/bin/(ba)?sh' . | xargs shellcheck -x --severity=warning
