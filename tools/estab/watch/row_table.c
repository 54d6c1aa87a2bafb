// SPDX-License-Identifier: BSD-2-Clause
// row_table.c - connections in columns, by libsmartcols.
#include "row_table.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "row_json.h"
#include "row_story.h"

enum column {
  COLUMN_NUMBER,
  COLUMN_START,
  COLUMN_ORIG,
  COLUMN_RESP,
  COLUMN_OPENED,
  COLUMN_ORIG_STATE,
  COLUMN_RESP_STATE,
  COLUMN_ENDED,
  COLUMN_ZEEK,
  COLUMN_HISTORY,
  COLUMN_DURATION,
  COLUMN_SENT,
  COLUMN_RECEIVED,
  COLUMN_NOTE,
  COLUMNS
};

// On a terminal that is too narrow the words of other tools go first, then times; then the notes are cut.
#define WIDE_COLUMNS   150
#define NARROW_COLUMNS 100

static unsigned terminal_columns(FILE *out)
{
  struct winsize size;
  int fd = fileno(out);
  return fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 0;
}

static int table_begin(struct row_table *t)
{
  enum { RIGHT = SCOLS_FL_RIGHT, OTHERS = 1 << 16, TIMES = 1 << 17 };
  static const struct {
    const char *name;
    int flags;
  } columns[COLUMNS] = {
      {"#", RIGHT},         {"START", RIGHT | TIMES}, {"ORIGINATOR", 0},   {"RESPONDER", 0},
      {"OPENED BY", TIMES}, {"ORIG STATE", 0},        {"RESP STATE", 0},   {"ENDED", 0},
      {"ZEEK", OTHERS},     {"HISTORY", OTHERS},      {"DURATION", RIGHT}, {"SENT", RIGHT},
      {"RECEIVED", RIGHT},  {"NOTES", SCOLS_FL_TRUNC}};
  struct libscols_table *table = scols_new_table();
  unsigned width = t->color ? terminal_columns(t->out) : 0;
  int hidden = width == 0 || width >= WIDE_COLUMNS ? 0
               : width >= NARROW_COLUMNS           ? OTHERS
                                                   : OTHERS | TIMES;
  if (table == NULL) return -1;
  for (unsigned i = 0; i < COLUMNS; i++) {
    int flags = columns[i].flags & ~(OTHERS | TIMES);
    if (columns[i].flags & hidden) flags |= SCOLS_FL_HIDDEN;
    if (scols_table_new_column(table, columns[i].name, 0, flags) == NULL) {
      scols_unref_table(table);
      return -1;
    }
  }
  scols_table_enable_colors(table, t->color);
  scols_table_enable_noheadings(table, t->begun);
  // A pipe has no width: nothing may be cut away.
  scols_table_enable_nowrap(table, 1);
  scols_table_set_termwidth(table, width > 0 ? width : 100000);
  scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
  t->table = table;
  t->lines = 0;
  return 0;
}

int row_table_init(struct row_table *t, FILE *out, bool color)
{
  *t = (struct row_table){.out = out, .color = color};
  scols_init_debug(0);
  return table_begin(t);
}

// Without the blanks that pad the last column.
static void print_trimmed(FILE *out, char *text)
{
  for (char *line; (line = strsep(&text, "\n")) != NULL;) {
    size_t n = strlen(line);
    while (n > 0 && line[n - 1] == ' ')
      n--;
    if (text != NULL || n > 0) fprintf(out, "%.*s\n", (int)n, line);
  }
}

void row_table_flush(struct row_table *t)
{
  char *text = NULL;
  if (t->lines == 0 || t->table == NULL) return;
  if (scols_print_table_to_string(t->table, &text) == 0) print_trimmed(t->out, text);
  free(text);
  scols_unref_table(t->table);
  t->table = NULL;
  t->begun = true;
  table_begin(t);
}

void row_table_free(struct row_table *t)
{
  if (t->table != NULL) scols_unref_table(t->table);
  t->table = NULL;
}

static void endpoint_text(char *out, size_t room, const struct estab_ip *ip, uint16_t port)
{
  char text[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(ip, text, sizeof text);
  snprintf(out, room, estab_ip_is4(ip) ? "%s:%u" : "[%s]:%u", text, port);
}

void row_table_conn(struct row_table *t, const struct estab_watch_conn *c)
{
  char text[COLUMNS][ROW_STORY_BYTES];
  if (t->table == NULL) return;
  if (t->base_ns == 0) t->base_ns = c->ts_ns;
  snprintf(text[COLUMN_NUMBER], ROW_STORY_BYTES, "%" PRIu64, ++t->rows);
  const char *minus = c->ts_ns < t->base_ns ? "-" : "";
  uint64_t start = c->ts_ns < t->base_ns ? t->base_ns - c->ts_ns : c->ts_ns - t->base_ns;
  snprintf(text[COLUMN_START], ROW_STORY_BYTES, "%s%" PRIu64 ".%06" PRIu64, minus,
           start / 1000000000, start % 1000000000 / 1000);
  endpoint_text(text[COLUMN_ORIG], ROW_STORY_BYTES, &c->orig_ip, c->orig_port);
  endpoint_text(text[COLUMN_RESP], ROW_STORY_BYTES, &c->resp_ip, c->resp_port);
  snprintf(text[COLUMN_OPENED], ROW_STORY_BYTES, "%s", row_who(c->opened_by));
  for (unsigned i = 0; i < 2; i++)
    snprintf(text[COLUMN_ORIG_STATE + i], ROW_STORY_BYTES, "%s%s",
             estab_state_name((enum estab_state)c->side[i].state),
             c->side[i].state_seen ? "" : "?");
  t->inferred = t->inferred || !c->side[0].state_seen || !c->side[1].state_seen;
  row_story_end(c, text[COLUMN_ENDED]);
  snprintf(text[COLUMN_ZEEK], ROW_STORY_BYTES, "%s", c->conn_state);
  snprintf(text[COLUMN_HISTORY], ROW_STORY_BYTES, "%s", c->history[0] ? c->history : "-");
  if (c->has_duration) {
    snprintf(text[COLUMN_DURATION], ROW_STORY_BYTES, "%" PRIu64 ".%06" PRIu64,
             c->duration_ns / 1000000000, c->duration_ns % 1000000000 / 1000);
    snprintf(text[COLUMN_SENT], ROW_STORY_BYTES, "%" PRIu64, c->side[0].bytes);
    snprintf(text[COLUMN_RECEIVED], ROW_STORY_BYTES, "%" PRIu64, c->side[1].bytes);
  } else {
    for (unsigned i = COLUMN_DURATION; i <= COLUMN_RECEIVED; i++)
      snprintf(text[i], ROW_STORY_BYTES, "-");
  }
  row_story_notes(c, text[COLUMN_NOTE]);
  struct libscols_line *line = scols_table_new_line(t->table, NULL);
  if (line == NULL) return;
  for (unsigned i = 0; i < COLUMNS; i++)
    scols_line_set_data(line, i, text[i]);
  if (t->color) {
    const char *ended = text[COLUMN_ENDED];
    struct libscols_cell *cell = scols_line_get_cell(line, COLUMN_ENDED);
    bool bad = strstr(ended, "reset") || strstr(ended, "refused") || strstr(ended, "RST") ||
               strstr(ended, "no answer");
    if (bad || strncmp(ended, "closed", 6) == 0) scols_cell_set_color(cell, bad ? "red" : "green");
  }
  if (++t->lines == ROW_TABLE_BATCH) row_table_flush(t);
}
