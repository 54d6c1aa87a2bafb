// SPDX-License-Identifier: BSD-2-Clause
// row_table.h - records as a person reads them: connections in columns, alerts in sentences.
#ifndef ESTAB_TOOL_WATCH_ROW_TABLE_H
#define ESTAB_TOOL_WATCH_ROW_TABLE_H

#include "estab/watch.h"
#include "text.h"

#define ROW_TABLE_BATCH 500 // lines that share one layout; so memory is bounded

struct row_table {
  FILE *out;
  bool color;        // of what ENDED says
  bool cut;          // on a terminal that is too narrow: the end of a line
  unsigned left_out; // and columns: 1 << each
  bool begun;        // a batch was printed: no second heading
  bool inferred;     // a state was marked by ?
  uint32_t lines;    // in the batch now
  struct row_batch *batch;
  uint64_t rows;    // numbered so far
  uint64_t base_ns; // START counts from here: the first packet, or the first row
  bool has_base;
  bool bar; // of progress, on the terminal's last line: it is taken away before rows come there
};

// 0, or -1: no memory.
int row_table_init(struct row_table *t, FILE *out, bool color);
// START counts from here, unless it counts already.
static inline void row_table_begin(struct row_table *t, uint64_t base_ns)
{
  if (!t->has_base) t->base_ns = base_ns;
  t->has_base = true;
}
// Takes the bar away; `again`: another is written in its place.
void row_table_bar(struct row_table *t, bool again);
void row_table_conn(struct row_table *t, const struct estab_watch_conn *c);
// Prints what has gathered; call it before anything else goes to the same file.
void row_table_flush(struct row_table *t);
// What a terminal had no room for, in a line; nothing if it had.
void row_table_left_out(const struct row_table *t);
void row_table_free(struct row_table *t);

// An alert as a paragraph: what, who, what was learned, evidence. Times count from base_ns.
void row_table_alert(FILE *out, bool color, const struct estab_watch_alert *a, uint64_t base_ns);
// Two readings of the wire in one line.
void row_table_ambiguity(FILE *out, const struct estab_watch_ambiguity *a);
// The last lines: packets, connections, what was not tracked and why; whole: octets and memory too. Of the
// campaigns so many were told, and so many ignored as asked.
void row_table_stats(FILE *out, const struct estab_watch_stats *s, uint64_t campaigns,
                     uint64_t ignored, bool whole);

#endif
