// SPDX-License-Identifier: BSD-2-Clause
// cc_names.h - congestion controls by name.
#ifndef ESTAB_TOOL_CC_NAMES_H
#define ESTAB_TOOL_CC_NAMES_H

// enum estab_cc, or -1: there is none of that name.
int cc_find(const char *name);

#endif
