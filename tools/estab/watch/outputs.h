// SPDX-License-Identifier: BSD-2-Clause
// outputs.h - where the records of a run go: a readable table, JSON, Zeek's logs, CSV, any of them at once.
#ifndef ESTAB_TOOL_WATCH_OUTPUTS_H
#define ESTAB_TOOL_WATCH_OUTPUTS_H

#include "ignore.h"
#include "row_json.h"
#include "row_table.h"
#include "row_zeek.h"
#include "page.h"

#define OUTPUTS_DOUBTS 8   // ambiguities that the readable table names
#define OUTPUTS_ALERTS 256 // of the readable table: the newest campaigns are kept to the end

struct outputs_settings {
  const char *json, *csv, *zeek, *html; // a file, "-" = standard output; NULL = not wanted
  const char *explain;                  // the id of an alert to be told in sentences, alone
  bool stats;                           // counters at the end of the table
  const struct ignore *ignore;
  unsigned ignore_count;
  const char *const *files; // the inputs' names
  unsigned file_count;
  const struct estab_watch_prefix *local; // for Zeek's local_orig; NULL: not known
  unsigned local_count;
};

struct outputs {
  struct outputs_settings settings;
  bool has_table, has_json, has_csv, has_zeek;
  bool explained;
  struct text json, csv;
  struct page *page; // NULL: not wanted
  struct row_zeek zeek;
  struct row_table table;
  char **
      alerts; // the table's paragraphs, told after the connections; [i * 2] = id, [i * 2 + 1] = text
  unsigned alert_count;
  uint64_t alerts_ignored;
  uint64_t campaigns;                                  // that ended; all do
  struct estab_watch_ambiguity doubts[OUTPUTS_DOUBTS]; // the table's
  unsigned doubt_count;
  struct row_live live;
};

// 0, or -1: *what names the file that cannot be written, errno why.
int outputs_open(struct outputs *o, const struct outputs_settings *settings, const char **what);
void outputs_record(struct outputs *o, const struct estab_watch_record *record);
void outputs_error(struct outputs *o, const char *file, uint64_t offset, uint64_t packet,
                   const char *what);
// Live: gives to the files what there is.
void outputs_flush(struct outputs *o);
void outputs_stats(struct outputs *o, const struct estab_watch_stats *stats, bool final);
// Writes out and closes all. 0, or -1: *what and errno as with outputs_open().
int outputs_close(struct outputs *o, const char **what);

#endif
