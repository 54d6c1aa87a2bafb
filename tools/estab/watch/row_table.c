// SPDX-License-Identifier: BSD-2-Clause
// row_table.c - connections in columns: the cells of a batch are kept as text, then laid out to the widest.
#include "row_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "put.h"
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

enum { RIGHT = 1 << 0, OTHERS = 1 << 1, TIMES = 1 << 2 };

static const struct {
  const char *name;
  unsigned flags;
} columns[COLUMNS] = {{"#", RIGHT},         {"START", RIGHT | TIMES},
                      {"ORIGINATOR", 0},    {"RESPONDER", 0},
                      {"OPENED BY", TIMES}, {"ORIG STATE", 0},
                      {"RESP STATE", 0},    {"ENDED", 0},
                      {"ZEEK", OTHERS},     {"HISTORY", OTHERS},
                      {"DURATION", RIGHT},  {"SENT", RIGHT},
                      {"RECEIVED", RIGHT},  {"NOTES", 0}};

enum row_color { ROW_PLAIN, ROW_GOOD, ROW_BAD }; // of what ENDED says

struct row_line {
  uint8_t
      bytes[COLUMNS]; // of each cell; all octets are ASCII, so they are columns of the screen, too
  uint8_t color;      // enum row_color
};

#define LINE_ROOM (COLUMNS * ROW_STORY_BYTES + PUT_SLACK)

struct row_batch {
  struct row_line lines[ROW_TABLE_BATCH];
  size_t used;
  char text[ROW_TABLE_BATCH * (size_t)LINE_ROOM]; // the cells of a line behind those of another
};

int row_table_init(struct row_table *t, FILE *out, bool color)
{
  *t = (struct row_table){.out = out, .color = color};
  // Of so much room next to nothing is ever touched, and what is not costs nothing.
  t->batch = malloc(sizeof *t->batch);
  if (t->batch == NULL) return -1;
  t->batch->used = 0;
  return 0;
}

void row_table_free(struct row_table *t)
{
  free(t->batch);
  t->batch = NULL;
}

// ---------------------------------------------------------------------------------------------
// Layout

static unsigned terminal_columns(FILE *out)
{
  struct winsize size;
  int fd = fileno(out);
  return fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 0;
}

// A line as it is made. On a terminal it ends at the last column; a pipe has no width, and nothing is cut away.
struct line_out {
  char text[COLUMNS * (ROW_STORY_BYTES + 16)];
  size_t used, end; // `end`: without the blanks behind the last word
  unsigned column, limit;
  bool cut; // a line did not end before the limit
};

static void line_pad(struct line_out *l, unsigned count)
{
  if (count > l->limit - l->column) count = l->limit - l->column;
  memset(l->text + l->used, ' ', count);
  l->used += count;
  l->column += count;
}

static void line_word(struct line_out *l, const char *word, unsigned bytes, enum row_color color)
{
  static const char *const begin[] = {
      [ROW_PLAIN] = "", [ROW_GOOD] = "\033[32m", [ROW_BAD] = "\033[31m"};
  if (bytes > l->limit - l->column) {
    bytes = l->limit - l->column;
    l->cut = true;
  }
  if (bytes == 0) return;
  char *p = put_string(l->text + l->used, begin[color]);
  p = put_bytes(p, word, bytes);
  if (color != ROW_PLAIN) p = PUT(p, "\033[0m");
  l->used = l->end = (size_t)(p - l->text);
  l->column += bytes;
}

static void line_cell(struct line_out *l, enum column column, const unsigned widths[COLUMNS],
                      const char *word, unsigned bytes, enum row_color color)
{
  if (widths[column] == 0) return; // hidden
  if (l->column > 0) line_pad(l, 1);
  if ((columns[column].flags & RIGHT) && widths[column] > l->limit - l->column) {
    line_pad(l, widths[column]); // a number is there whole or not at all
    l->cut = true;
    return;
  }
  const unsigned pad = widths[column] - bytes;
  if (columns[column].flags & RIGHT) line_pad(l, pad);
  line_word(l, word, bytes, color);
  if (!(columns[column].flags & RIGHT)) line_pad(l, pad);
}

static void line_end(struct line_out *l, FILE *out)
{
  l->text[l->end] = '\n';
  fwrite(l->text, 1, l->end + 1, out);
  l->used = l->end = l->column = 0;
}

// As wide as the longest word of the batch, and as its name, which later batches keep room for, too. 0: hidden.
static void table_widths(const struct row_table *t, unsigned hidden, unsigned widths[COLUMNS])
{
  for (unsigned i = 0; i < COLUMNS; i++)
    widths[i] = columns[i].flags & hidden ? 0 : (unsigned)strlen(columns[i].name);
  for (uint32_t n = 0; n < t->lines; n++)
    for (unsigned i = 0; i < COLUMNS; i++)
      if (widths[i] != 0 && t->batch->lines[n].bytes[i] > widths[i])
        widths[i] = t->batch->lines[n].bytes[i];
}

void row_table_bar(struct row_table *t, bool again)
{
  if (t->bar) fputs("\r\033[K", stderr);
  t->bar = again;
}

void row_table_flush(struct row_table *t)
{
  row_table_bar(t, false);
  if (t->lines == 0 || t->batch == NULL) return;
  unsigned widths[COLUMNS];
  const unsigned limit = terminal_columns(t->out);
  const unsigned hidden = limit == 0 || limit >= WIDE_COLUMNS ? 0
                          : limit >= NARROW_COLUMNS           ? OTHERS
                                                              : OTHERS | TIMES;
  struct line_out l = {.limit = limit > 0 ? limit : UINT32_MAX};
  table_widths(t, hidden, widths);
  if (!t->begun) {
    for (unsigned i = 0; i < COLUMNS; i++)
      line_cell(&l, (enum column)i, widths, columns[i].name, (unsigned)strlen(columns[i].name),
                ROW_PLAIN);
    line_end(&l, t->out);
  }
  const char *cell = t->batch->text;
  for (uint32_t n = 0; n < t->lines; n++) {
    const struct row_line *line = &t->batch->lines[n];
    for (unsigned i = 0; i < COLUMNS; cell += line->bytes[i], i++)
      line_cell(&l, (enum column)i, widths, cell, line->bytes[i],
                i == COLUMN_ENDED ? (enum row_color)line->color : ROW_PLAIN);
    line_end(&l, t->out);
  }
  for (unsigned i = 0; i < COLUMNS; i++)
    if (widths[i] == 0) t->left_out |= 1u << i;
  t->cut = t->cut || l.cut;
  t->begun = true;
  t->lines = 0;
  t->batch->used = 0;
}

void row_table_left_out(const struct row_table *t)
{
  const char *before = "";
  if (t->left_out == 0 && !t->cut) return;
  fputs("  too narrow for ", t->out);
  for (unsigned i = 0; i < COLUMNS; i++)
    if (t->left_out & 1u << i) {
      fprintf(t->out, "%s%s", before, columns[i].name);
      before = ", ";
    }
  if (t->cut) fprintf(t->out, "%sthe ends of lines", before);
  fputs(": a pipe, as | less -S, has all\n", t->out);
}

// ---------------------------------------------------------------------------------------------
// Rows

static char *put_state(char *p, const struct estab_watch_side_record *s)
{
  p = put_string(p, estab_state_name((enum estab_state)s->state));
  if (!s->state_seen) *p++ = '?';
  return p;
}

static char *table_cell(char *p, enum column column, const struct row_table *t,
                        const struct estab_watch_conn *c)
{
  switch (column) {
  case COLUMN_NUMBER: return put_number(p, t->rows);
  case COLUMN_START:
    if (c->ts_ns >= t->base_ns) return put_seconds6(p, c->ts_ns - t->base_ns);
    *p++ = '-';
    return put_seconds6(p, t->base_ns - c->ts_ns);
  case COLUMN_ORIG: return put_endpoint(p, &c->orig_ip, c->orig_port);
  case COLUMN_RESP: return put_endpoint(p, &c->resp_ip, c->resp_port);
  case COLUMN_OPENED: return put_string(p, row_who(c->opened_by));
  case COLUMN_ORIG_STATE: return put_state(p, &c->side[0]);
  case COLUMN_RESP_STATE: return put_state(p, &c->side[1]);
  case COLUMN_ENDED: row_story_end(c, p); return p + strlen(p);
  case COLUMN_ZEEK: return put_string(p, c->conn_state);
  case COLUMN_HISTORY: return put_string(p, c->history[0] ? c->history : "-");
  case COLUMN_DURATION: return c->has_duration ? put_seconds6(p, c->duration_ns) : PUT(p, "-");
  case COLUMN_SENT: return c->has_duration ? put_number(p, c->side[0].bytes) : PUT(p, "-");
  case COLUMN_RECEIVED: return c->has_duration ? put_number(p, c->side[1].bytes) : PUT(p, "-");
  case COLUMN_NOTE: row_story_notes(c, p); return p + strlen(p);
  case COLUMNS: break;
  }
  return p;
}

static enum row_color ended_color(char *text, size_t bytes)
{
  static const char *const bad[] = {"reset", "refused", "RST", "no answer"};
  char word[ROW_STORY_BYTES];
  *put_bytes(word, text, bytes) = '\0';
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    if (strstr(word, bad[i]) != NULL) return ROW_BAD;
  return strncmp(word, "closed", 6) == 0 ? ROW_GOOD : ROW_PLAIN;
}

void row_table_conn(struct row_table *t, const struct estab_watch_conn *c)
{
  if (t->batch == NULL) return;
  struct row_line *line = &t->batch->lines[t->lines];
  char *p = t->batch->text + t->batch->used;
  row_table_begin(t, c->ts_ns);
  t->rows++;
  line->color = ROW_PLAIN;
  for (unsigned i = 0; i < COLUMNS; i++) {
    char *const cell = p;
    p = table_cell(p, (enum column)i, t, c);
    line->bytes[i] = (uint8_t)(p - cell);
    if (i == COLUMN_ENDED && t->color) line->color = (uint8_t)ended_color(cell, line->bytes[i]);
  }
  t->batch->used = (size_t)(p - t->batch->text);
  t->inferred = t->inferred || !c->side[0].state_seen || !c->side[1].state_seen;
  if (++t->lines == ROW_TABLE_BATCH) row_table_flush(t);
}

_Static_assert(ROW_STORY_BYTES <= UINT8_MAX, "the octets of a cell are counted in one");
