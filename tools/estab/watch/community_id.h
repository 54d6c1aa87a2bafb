// SPDX-License-Identifier: BSD-2-Clause
// community_id.h - the name that flow tools share for a connection: Community ID version 1, seed 0.
#ifndef ESTAB_TOOL_WATCH_COMMUNITY_ID_H
#define ESTAB_TOOL_WATCH_COMMUNITY_ID_H

#include "estab/watch.h"

#define COMMUNITY_ID_TEXT                                                                          \
  34 // "1:" and 28 digits of base 64, NUL included, and three spoiled behind it

// Answers where the text ends: at its NUL.
char *community_id(const struct estab_watch_conn *c, char text[COMMUNITY_ID_TEXT]);

#endif
