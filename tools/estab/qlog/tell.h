// SPDX-License-Identifier: BSD-2-Clause
// tell.h - stories as text and as JSON.
#ifndef ESTAB_QLOG_TELL_H
#define ESTAB_QLOG_TELL_H

#include "qlog/story.h"

// One record in a line, as it comes.
void tell_record(const struct story *s, const struct qlog_record *record);
// A connection: its states, its time line, what was sent again and why it was not faster.
void tell_story(const struct story *s);
// A line of a table.
void tell_row(const struct story *s);
void tell_rows_head(void);
void tell_json(const struct story *s);

#endif
