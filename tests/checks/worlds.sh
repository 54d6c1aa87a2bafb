#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# worlds.sh - every lie that is told in worlds by chance is found out, in each world that gives occasion to it. With
# ESTAB_LONG 10,000 worlds hold, and no fewer connections are compared with what observers say than there have been.
set -eu
[ -x "${ESTAB:-}" ] || { echo 'the command is not built'; exit 77; }
"$ESTAB" sim --plant all --worlds 1-40
[ -n "${ESTAB_LONG:-}" ] || exit 0
sum=$("$ESTAB" sim --worlds 1-10000 --json) || { echo "$sum"; exit 1; }
echo "$sum"
python3 -c 'import json, sys; s = json.loads(sys.argv[1]); sys.exit(s["watched"] < 26000 or s["watched_on_link"] < 25200)' "$sum"
