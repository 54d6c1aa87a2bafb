// SPDX-License-Identifier: BSD-2-Clause
// row_story.h - a connection's life in a few words, the same in the table, under ladders and in the page.
#ifndef ESTAB_TOOL_WATCH_ROW_STORY_H
#define ESTAB_TOOL_WATCH_ROW_STORY_H

#include "estab/watch.h"

#define ROW_STORY_BYTES 240

// "closed by orig", "refused", "no answer", "reset by resp", "open at the end".
void row_story_end(const struct estab_watch_conn *c, char text[ROW_STORY_BYTES]);
// What a reader should not miss: "3 sent again, 1 zero window for 0.5 s"; "" = nothing.
void row_story_notes(const struct estab_watch_conn *c, char text[ROW_STORY_BYTES]);
// How fast it could be: round trips, and what it waited for; "" = nothing was measured.
void row_story_pace(const struct estab_watch_conn *c, char text[ROW_STORY_BYTES]);

#endif
