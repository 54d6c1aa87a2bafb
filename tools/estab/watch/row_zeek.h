// SPDX-License-Identifier: BSD-2-Clause
// row_zeek.h - a folder as Zeek leaves it: conn.log, notice.log, weird.log in its tab-separated form.
#ifndef ESTAB_TOOL_WATCH_ROW_ZEEK_H
#define ESTAB_TOOL_WATCH_ROW_ZEEK_H

#include "estab/watch.h"
#include "text.h"
#include "told.h"

enum zeek_log { ZEEK_CONN, ZEEK_NOTICE, ZEEK_WEIRD, ZEEK_LOGS };

#define ROW_ZEEK_PATH 4112

struct row_zeek {
  struct text logs[ZEEK_LOGS]; // file NULL: not opened yet, nothing to say
  char directory[4096];
  uint64_t last_ns;    // of what was written: the time of #close
  struct told notices; // of campaigns that go on: under which kinds
  bool append;         // a log that is opened again goes on
  bool may_be_none;    // without connections there needs to be no conn.log
  bool (*local)(const struct estab_ip *ip, const void *ctx);
  const void *local_ctx;
};

// The folder is made if it is not there, each log when it has its first line. 0, or -1 and errno.
int row_zeek_open(struct row_zeek *z, const char *directory);
// The logs of an earlier run go: a notice.log beside the conn.log of another capture would be taken for its own. 0, or
// -1 and errno.
int row_zeek_clear(const char *directory);
void row_zeek_conn(struct row_zeek *z, const struct estab_watch_conn *c);
void row_zeek_alert(struct row_zeek *z, const struct estab_watch_alert *a);
void row_zeek_ambiguity(struct row_zeek *z, const struct estab_watch_ambiguity *a);
// Where a log is, for files that come and go: DIRECTORY/conn.log.
void row_zeek_path(const char *directory, enum zeek_log log, char path[ROW_ZEEK_PATH]);
// Writes the end of a log and closes it; its next line opens another. false: it was not open.
bool row_zeek_finish(struct row_zeek *z, enum zeek_log log);
// Closes the files. false: a write failed, errno says why.
bool row_zeek_close(struct row_zeek *z);

#endif
