#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# rfc-map.sh - every MUST has its test, every tag its requirement, and docs/rfc-map.md is what they make.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
python3 tools/rfc-map.py --check
