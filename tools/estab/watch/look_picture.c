// SPDX-License-Identifier: BSD-2-Clause
// look_picture.c - the time-sequence graph of a captured connection, a panel for each side that sent text: its
// segments as bars, below them what the other side acknowledged, above them the window that it offered. And the ladder,
// with the rows that it has as text.
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ladder.h"
#include "plot/plot.h"
#include "row_story.h"

#define MARK_BIT(name) (UINT32_C(1) << ESTAB_WATCH_MARK_##name)

// Sequence numbers of one side, unwrapped: octets since its first one.
struct unwrapped {
  bool begun;
  uint32_t at; // number of `octets`
  int64_t octets;
};

struct graph {
  struct unwrapped numbers;
  bool scaled; // the other side's SYN said by what its windows are to be shifted
  double top;  // of what was sent or acknowledged
  struct plot_series *sent, *again, *disorder, *acked, *window, *sack, *dup;
  struct plot_series *letter_again, *letter_syn, *letter_fin, *letter_rst, *letter_zero,
      *letter_probe;
  bool short_of_memory;
};

static double octet_of(struct unwrapped *u, uint32_t seq)
{
  if (!u->begun) *u = (struct unwrapped){.begun = true, .at = seq};
  int64_t octets = u->octets + (int32_t)(seq - u->at);
  if (octets > u->octets) {
    u->octets = octets;
    u->at = seq;
  }
  return (double)octets;
}

static void point(struct graph *g, struct plot_series *s, double x, double y, double y2)
{
  if (!plot_point(s, x, y, y2)) g->short_of_memory = true;
}

// What the side sends.
static void add_sent(struct graph *g, const struct look_segment *s, double x)
{
  double from = octet_of(&g->numbers, s->seq), to = from + s->text_bytes;
  if (s->flags & ESTAB_TCP_SYN) point(g, g->letter_syn, x, from, 0);
  if (s->flags & ESTAB_TCP_FIN) point(g, g->letter_fin, x, to, 0);
  if (s->flags & ESTAB_TCP_RST) point(g, g->letter_rst, x, from, 0);
  if (s->flags & ESTAB_TCP_RST) return; // may stand anywhere
  if (to > g->top) g->top = to;
  if (s->marks & (MARK_BIT(WINDOW_PROBE) | MARK_BIT(KEEPALIVE)))
    point(g, g->letter_probe, x, to, 0);
  else if (s->marks & MARK_BIT(AGAIN))
    point(g, g->letter_again, x, to, 0);
  if (s->text_bytes == 0) return;
  struct plot_series *how = s->marks & MARK_BIT(AGAIN)                      ? g->again
                            : s->marks & (MARK_BIT(LATE) | MARK_BIT(AHEAD)) ? g->disorder
                                                                            : g->sent;
  point(g, how, x, from, to);
}

// What the other side says of it.
static void add_heard(struct graph *g, const struct look_segment *s, double x)
{
  if (!(s->flags & ESTAB_TCP_ACK) || (s->flags & ESTAB_TCP_RST)) return;
  double ack = octet_of(&g->numbers, s->ack);
  if (ack > g->top) g->top = ack;
  point(g, g->acked, x, ack, 0);
  if (g->scaled) point(g, g->window, x, ack + s->window_bytes, 0);
  if (s->marks & MARK_BIT(DUP_ACK)) point(g, g->dup, x, ack, 0);
  if (s->window_bytes == 0) point(g, g->letter_zero, x, ack, 0);
  if (!(s->options.present & ESTAB_TCP_OPT_SACK)) return;
  for (unsigned i = 0; i < s->options.sack_count; i++)
    point(g, g->sack, x, octet_of(&g->numbers, s->options.sack[i].start),
          octet_of(&g->numbers, s->options.sack[i].end));
}

static struct plot_series *letters(struct plot_panel *panel, const char *name, unsigned color,
                                   const char *letter)
{
  struct plot_series *s = plot_series_add(panel, name, PLOT_LETTERS, color);
  snprintf(s->letter, sizeof s->letter, "%s", letter);
  return s;
}

static bool add_panel(struct plot *plot, const struct look *l, unsigned side)
{
  char title[96], end[ENDPOINT_TEXT];
  const struct estab_watch_conn *c = &l->conn;
  struct graph g = {.scaled = false};
  endpoint_format(side ? &c->resp_ip : &c->orig_ip, side ? c->resp_port : c->orig_port, end);
  snprintf(title, sizeof title, "sent by %s", end);
  struct plot_panel *panel = plot_panel_add(plot, title, "octets");
  g.sack = plot_series_add(panel, "SACK", PLOT_SEGMENTS, 3);
  g.sack->faint = true;
  g.window = plot_series_add(panel, "window offered", PLOT_STEPS, 4);
  g.acked = plot_series_add(panel, "acknowledged", PLOT_STEPS, 2);
  g.dup = plot_series_add(panel, "duplicate ACK", PLOT_DOTS, 2);
  g.sent = plot_series_add(panel, "sent", PLOT_SEGMENTS, 0);
  g.disorder = plot_series_add(panel, "sent, out of order", PLOT_SEGMENTS, 5);
  g.again = plot_series_add(panel, "sent again (R)", PLOT_SEGMENTS, 1);
  g.letter_again = letters(panel, "", 1, "R");
  g.letter_probe = letters(panel, "probe, keepalive", 6, "P");
  g.letter_zero = letters(panel, "window 0", 1, "Z");
  g.letter_zero->below = true;
  g.letter_syn = letters(panel, "SYN", 7, "S");
  g.letter_fin = letters(panel, "FIN", 7, "F");
  g.letter_rst = letters(panel, "RST", 1, "RST");
  for (size_t i = 0; i < l->count; i++) {
    const struct look_segment *s = &l->segments[i];
    double x = (double)(s->ts_ns - l->segments[0].ts_ns) / 1e9;
    if (s->from != side && (s->flags & ESTAB_TCP_SYN)) g.scaled = true;
    if (s->from == side)
      add_sent(&g, s, x);
    else
      add_heard(&g, s, x);
  }
  panel->most = g.top > 0 ? g.top * 1.1 : 1;
  return !g.short_of_memory;
}

// Series that never happened take no place in the legend.
static void drop_empty(struct plot_panel *panel)
{
  unsigned kept = 0;
  for (unsigned i = 0; i < panel->series_count; i++)
    if (panel->series[i].count > 0) panel->series[kept++] = panel->series[i];
  panel->series_count = kept;
}

struct rows {
  struct plot_ladder *ladder;
  char state[2][20]; // that were drawn last
  bool short_of_memory;
};

static void take_line(void *ctx, const struct ladder_line *line)
{
  struct rows *rows = ctx;
  struct plot_row *row = plot_row_add(rows->ladder);
  if (row == NULL) {
    rows->short_of_memory = true;
    return;
  }
  if (line->arrow) row->arrow = line->from == LADDER_LEFT ? 1 : -1;
  row->at_s = (double)line->at_ns / 1e9;
  if (line->text != NULL) snprintf(row->text, sizeof row->text, "%s", line->text);
  for (unsigned i = 0; i < 2 && line->state[0] != NULL; i++) {
    if (strcmp(line->state[i], rows->state[i]) == 0) continue;
    snprintf(row->state[i], sizeof row->state[i], "%s", line->state[i]);
    memcpy(rows->state[i], row->state[i], sizeof rows->state[i]);
  }
}

static bool add_ladder(struct plot_ladder *ladder, const struct look *l,
                       char ends[2][ENDPOINT_TEXT])
{
  struct rows rows = {.ladder = ladder};
  snprintf(ladder->end[0], sizeof ladder->end[0], "originator %s", ends[0]);
  snprintf(ladder->end[1], sizeof ladder->end[1], "%s responder", ends[1]);
  snprintf(ladder->foot, sizeof ladder->foot,
           "States in parentheses are inferred, the others rest on the side's own segments. "
           "Seconds since the first segment.");
  return look_lines(l, take_line, &rows) && !rows.short_of_memory;
}

int look_picture(const struct look *l, const char *path, const char **why)
{
  const struct estab_watch_conn *c = &l->conn;
  char ends[2][ENDPOINT_TEXT], end[ROW_STORY_BYTES], notes[ROW_STORY_BYTES];
  bool text[2] = {false, false}, whole = true;
  struct plot *plot = calloc(1, sizeof *plot);
  *why = "no memory";
  if (plot == NULL) return -1;
  endpoint_format(&c->orig_ip, c->orig_port, ends[0]);
  endpoint_format(&c->resp_ip, c->resp_port, ends[1]);
  row_story_end(c, end);
  row_story_notes(c, notes);
  snprintf(plot->title, sizeof plot->title, "%.56s - %.56s: %.50s%s%.70s", ends[0], ends[1], end,
           notes[0] ? "; " : "", notes);
  for (size_t i = 0; i < l->count; i++)
    if (l->segments[i].text_bytes > 0) text[l->segments[i].from] = true;
  for (unsigned side = 0; side < 2; side++)
    if (text[side] || !(text[0] || text[1])) whole = add_panel(plot, l, side) && whole;
  for (unsigned i = 0; i < plot->panel_count; i++)
    drop_empty(&plot->panels[i]);
  plot->panel_height = plot->panel_count == 1 ? 520 : 360;
  whole = whole && add_ladder(&plot->ladder, l, ends);
  int answer = whole ? plot_write(plot, path, why) : -1;
  plot_free(plot);
  free(plot);
  return answer;
}
