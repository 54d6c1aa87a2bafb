// SPDX-License-Identifier: BSD-2-Clause
// outputs.h - where the records of a run go: a readable table, JSON, Zeek's logs, CSV, any of them at once.
#ifndef ESTAB_TOOL_WATCH_OUTPUTS_H
#define ESTAB_TOOL_WATCH_OUTPUTS_H

#include "ignore.h"
#include "keep.h"
#include "rotate.h"
#include "row_json.h"
#include "row_table.h"
#include "row_zeek.h"
#include "told.h"
#include "page.h"

#define OUTPUTS_DOUBTS 8 // ambiguities that the readable table names
#define OUTPUTS_ALERTS                                                                             \
  256 // of the readable table: campaigns kept to the end; more are told as they end

// Whom to give every record; its pointers live until it returns.
typedef void outputs_taker(void *ctx, const struct estab_watch_record *record);

struct outputs_settings {
  const char *json, *csv, *zeek, *html; // a file, "-" = standard output; NULL = not wanted
  const char *packets;                  // the same, of what was read
  FILE *kept; // instead, what was read, up to so many octets; NULL = not wanted
  uint64_t kept_most;
  outputs_taker *take; // instead of the table; NULL = not wanted
  void *take_ctx;
  struct rotate rotate;
  const char *explain; // the id of an alert to be told in sentences, alone
  bool stats;          // counters at the end of the table
  const struct ignore *ignore;
  unsigned ignore_count;
  const char *const *files; // the inputs' names
  unsigned file_count;
  const struct estab_watch_prefix *local; // for Zeek's local_orig; NULL: not known
  unsigned local_count;
};

// The files that are finished and begun anew; Zeek's three are the last.
enum outputs_file { OUTPUTS_JSON, OUTPUTS_CSV, OUTPUTS_PACKETS, OUTPUTS_ZEEK };
#define OUTPUTS_FILES (OUTPUTS_ZEEK + ZEEK_LOGS)

struct outputs_alert {
  struct estab_watch_uid id;
  char *text; // its paragraph, told after the connections; live, NULL: it was told
};

struct outputs {
  struct outputs_settings settings;
  bool has_table, has_json, has_csv, has_zeek, has_packets;
  bool explained, explain_ignored;
  struct text json, csv;
  struct page *page; // NULL: not wanted
  struct row_zeek zeek;
  struct keep keep;
  uint64_t begun_ns[OUTPUTS_FILES]; // when each file was begun, for its name when it is finished
  uint64_t now_ns;                  // of the packets
  struct told told;                 // live: the rows that Zeek's logs and the table have
  struct row_table table;
  struct outputs_alert *alerts; // that the table knows
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
// The next packet, or a note, that goes to --write.
static inline void outputs_packet(struct outputs *o, const struct estab_capture_packet *p)
{
  if (o->has_packets) keep_packet(&o->keep, p);
}
void outputs_note(struct outputs *o, const struct estab_capture_packet *note);
void outputs_stats(struct outputs *o, const struct estab_watch_stats *stats, bool final);
// A terminal that obeys: it has colours, and a line that is written again.
bool outputs_terminal(int fd);

// ---- outputs_check.c

// Before anything is opened, also with --ladder and --picture (NULL: not wanted). 0, or the exit status after a
// complaint: two outputs have one target, or one would be written over an input or, but for --write, over a capture.
int outputs_check(const struct outputs_settings *settings, const char *ladder, const char *picture,
                  const char *const *inputs, unsigned input_count);
// Nothing else is asked for, nor does standard output have the packets.
bool outputs_wants_table(const struct outputs_settings *settings);

// ---- outputs_turn.c

// Packet time goes on: what is due by --rotate is finished and begun anew.
void outputs_rotate(struct outputs *o, uint64_t now_ns);
static inline void outputs_time(struct outputs *o, uint64_t now_ns)
{
  if (now_ns <= o->now_ns) return;
  if (o->now_ns == 0 || rotate_wanted(&o->settings.rotate))
    outputs_rotate(o, now_ns);
  else
    o->now_ns = now_ns;
}
// What has become too large by --rotate is finished and begun anew.
void outputs_grown(struct outputs *o);
// The same for all files now; without --rotate they are opened again under their names and go on.
void outputs_turn(struct outputs *o);
// Files of a run that was killed make room. -1 and errno: they cannot.
int outputs_leftovers(const struct outputs_settings *settings, const char **what);
// Whether a file could not be written: *what and errno as with outputs_open().
bool outputs_failed(struct outputs *o, const char **what);
// The last files get their names, too. -1 and errno.
int outputs_turn_last(struct outputs *o, const char **what);

// Whether --explain found its alert: 0, also if it was not asked for, or the exit status after a complaint.
int outputs_explained(const struct outputs *o);
// Writes out and closes all. 0, or -1: *what and errno as with outputs_open().
int outputs_close(struct outputs *o, const char **what);

#endif
