#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# attacks.sh - code and tests name only rows that docs/attacks.md has.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
tools/attacks.sh --check
