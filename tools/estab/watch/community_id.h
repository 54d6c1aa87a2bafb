// SPDX-License-Identifier: BSD-2-Clause
// community_id.h - the name that flow tools share for a connection: Community ID version 1, seed 0.
#ifndef ESTAB_TOOL_WATCH_COMMUNITY_ID_H
#define ESTAB_TOOL_WATCH_COMMUNITY_ID_H

#include "estab/watch.h"
#include "sha1.h"

#define COMMUNITY_ID_TEXT (2 + SHA1_TEXT) // "1:" and base 64
#define COMMUNITY_ID_ROOM (2 + SHA1_ROOM)

// What is hashed. A processor waits for words that were written one by one and are read together at once: whoever has
// something else to do does it in between.
void community_id_block(const struct estab_watch_conn *c, uint32_t block[SHA1_BLOCK_WORDS]);
// Answers where the text ends: at its NUL.
char *community_id(const uint32_t block[SHA1_BLOCK_WORDS], char text[COMMUNITY_ID_ROOM]);

#endif
