// SPDX-License-Identifier: BSD-2-Clause
// knobs.h - the observer's settings by name: --set NAME=VALUE, and the same lines in a file.
#ifndef ESTAB_TOOL_WATCH_KNOBS_H
#define ESTAB_TOOL_WATCH_KNOBS_H

#include <stdio.h>

#include "estab/watch.h"

// "NAME=VALUE". NULL, or what is wrong with it.
const char *knobs_set(struct estab_watch_settings *settings, const char *text);
// An INI file of such lines. 0, the number of the first bad line (and *why), or -1: errno says why not.
int knobs_read_file(struct estab_watch_settings *settings, const char *path, const char **why);
// Every name with its value and what it means, a line each, as knobs_read_file() reads them.
void knobs_list(FILE *out, const struct estab_watch_settings *settings);

#endif
