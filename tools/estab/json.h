// SPDX-License-Identifier: BSD-2-Clause
// json.h - the one place that escapes.
#ifndef ESTAB_TOOL_JSON_H
#define ESTAB_TOOL_JSON_H

#include <stdio.h>

// Writes "text" with its quotes. Bytes that are no UTF-8 become U+FFFD.
void json_string(FILE *out, const char *text);

#endif
