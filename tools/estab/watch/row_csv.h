// SPDX-License-Identifier: BSD-2-Clause
// row_csv.h - connections as comma-separated values.
#ifndef ESTAB_TOOL_WATCH_ROW_CSV_H
#define ESTAB_TOOL_WATCH_ROW_CSV_H

#include "estab/watch.h"
#include "text.h"

void row_csv_heading(struct text *t);
void row_csv_conn(struct text *t, const struct estab_watch_conn *c);

#endif
