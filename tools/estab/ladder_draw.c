// SPDX-License-Identifier: BSD-2-Clause
// ladder_draw.c - rows of a ladder as text.
//
//   0.000000 (SYN-SENT)     ──── SYN 0:0(0) win 64240 <mss 1460> ────▶ SYN-RECEIVED
//   ^time    ^left          ^between                                    ^right
#include "ladder_draw.h"

#include "endpoint.h"
#include "json.h"
#include "phrase.h"

#include <inttypes.h>
#include <string.h>

#define TIME_COLUMNS  10
#define STATE_COLUMNS 15 // "(SYN-RECEIVED)" and a space
#define LABEL_BYTES   160
#define LABEL_COLUMNS 90 // of who draws it himself
#define LINE_BYTES    200

static unsigned between(const struct ladder_canvas *c)
{
  unsigned fixed = TIME_COLUMNS + 2 * STATE_COLUMNS;
  return c->width > fixed + 20 ? c->width - fixed : 20;
}

static void repeat(FILE *out, const char *what, unsigned times)
{
  while (times-- > 0)
    fputs(what, out);
}

// "(STATE)" for an inferred one.
static void state_text(bool sure, enum estab_state state, char text[STATE_COLUMNS + 1])
{
  snprintf(text, STATE_COLUMNS + 1, sure ? "%s" : "(%s)", estab_state_name(state));
}

static void start_line(const struct ladder_canvas *c, uint64_t at_ns,
                       const enum estab_state states[2], const bool sure[2])
{
  char left[STATE_COLUMNS + 1];
  state_text(sure[0], states[0], left);
  fprintf(c->out, "%*.6f %-*s", TIME_COLUMNS - 1, (double)at_ns / 1e9, STATE_COLUMNS, left);
}

static void end_line(const struct ladder_canvas *c, const enum estab_state states[2],
                     const bool sure[2])
{
  char right[STATE_COLUMNS + 1];
  state_text(sure[1], states[1], right);
  fprintf(c->out, " %s\n", right);
}

// Words across, of no segment.
static void line_across(const struct ladder_canvas *c, const char *text)
{
  const struct ladder_line line = {.text = text};
  if (c->take)
    c->take(c->take_ctx, &line);
  else
    fprintf(c->out, "%*s%s\n", TIME_COLUMNS + STATE_COLUMNS + 2, "", text);
}

void draw_head(const struct ladder_canvas *c, const char *title, const struct estab_tuple *tuple,
               enum ladder_side side, const enum estab_state states[2])
{
  char end[2][ENDPOINT_TEXT], text[STATE_COLUMNS + 1];
  unsigned middle = between(c);
  if (c->take) return; // who draws it himself knows the ends
  endpoint_format(&tuple->local, tuple->local_port, end[side]);
  endpoint_format(&tuple->remote, tuple->remote_port, end[1 - side]);
  if (title) fprintf(c->out, "%s\n", title);
  // The right-hand texts start where the right-hand states do.
  int room = (int)(STATE_COLUMNS + middle - 1);
  fprintf(c->out, "%*s%-*s %s\n", TIME_COLUMNS, "", room, c->name[0], c->name[1]);
  fprintf(c->out, "%*s%-*s %s\n", TIME_COLUMNS, "", room, end[0], end[1]);
  state_text(c->live[0], states[0], text);
  fprintf(c->out, "%*s%-*s", TIME_COLUMNS, "", room, text);
  end_line(c, states, c->live);
}

// "SYN|ACK 0:0(0) ack 1 win 65535 in 3". What does not fit into the arrow is left out from the end on.
static size_t label(const struct ladder_row *row, const uint32_t isn[2], char *text, size_t room)
{
  const struct ladder_segment *s = &row->segment;
  char flags[48], part[48];
  struct phrase all = phrase_in(text, LABEL_BYTES);
  estab_flags_format_names(s->flags, flags, sizeof flags);
  uint32_t seq = s->seq - isn[row->from];
  phrase_add(&all, "%s %" PRIu32 ":%" PRIu32 "(%" PRIu32 ")", flags, seq, seq + s->text_bytes,
             s->text_bytes);
  if (s->flags & ESTAB_TCP_ACK) phrase_add(&all, " ack %" PRIu32, s->ack - isn[1 - row->from]);
  if (row->word) phrase_add(&all, " %s", row->word);
  size_t more = (size_t)snprintf(part, sizeof part, " win %" PRIu32, s->window);
  if ((s->flags & ESTAB_TCP_RST) || all.used + more > room) return all.used;
  phrase_add(&all, "%s", part);
  more = (size_t)snprintf(part, sizeof part, " in %u", s->segments);
  if (s->segments > 1 && all.used + more <= room) phrase_add(&all, "%s", part);
  return all.used;
}

struct strokes {
  const char *line, *right, *left, *gap, *lost;
};
static const struct strokes unicode = {"─", "▶", "◀", "·", "✗"};
static const struct strokes ascii = {"-", ">", "<", ".", "X"};

// The arrow, `room` columns: its ends, and strokes around the label.
static void arrow(const struct ladder_canvas *c, const struct ladder_row *row, const char *text,
                  size_t text_columns)
{
  const struct strokes *k = c->ascii ? &ascii : &unicode;
  unsigned room = between(c) - 1;
  unsigned strokes = room > text_columns + 4 ? room - (unsigned)text_columns - 3 : 2;
  unsigned before = strokes / 2, rest = strokes - before;
  bool to_right = row->from == LADDER_LEFT;
  // The half of the way that this row does not tell of is dotted.
  const char *near = row->arrow == ARROW_ARRIVES ? k->gap : k->line;
  const char *far = row->arrow == ARROW_LEAVES || row->arrow == ARROW_LOST ? k->gap : k->line;
  const char *head = to_right ? k->right : k->left;
  if (row->arrow == ARROW_LEAVES) head = k->gap;
  if (row->arrow == ARROW_LOST) head = k->lost;
  if (!to_right) fputs(head, c->out);
  repeat(c->out, to_right ? near : far, before);
  fprintf(c->out, " %s ", text);
  repeat(c->out, to_right ? far : near, rest);
  if (to_right) fputs(head, c->out);
}

static void options_line(const struct ladder_canvas *c, const struct ladder_row *row,
                         const uint32_t isn[2])
{
  const struct estab_tcp_options *o = &row->segment.options;
  char text[LINE_BYTES];
  struct phrase all = phrase_in(text, sizeof text);
  phrase_add(&all, "its 0 is %" PRIu32, isn[row->from]);
  if (o->present & ESTAB_TCP_OPT_MSS) phrase_add(&all, "; MSS %u", o->mss);
  if (o->present & ESTAB_TCP_OPT_WSCALE) phrase_add(&all, ", windows times %u", 1u << o->wscale);
  if (o->present & ESTAB_TCP_OPT_SACK_PERMITTED) phrase_add(&all, ", SACK");
  if (o->present & ESTAB_TCP_OPT_TS) phrase_add(&all, ", timestamps");
  line_across(c, text);
}

// To who takes it: `line`, with both states.
static void take_states(const struct ladder_canvas *c, struct ladder_line line,
                        const enum estab_state states[2], const bool sure[2])
{
  char text[2][STATE_COLUMNS + 1];
  for (unsigned i = 0; i < 2; i++) {
    state_text(sure[i], states[i], text[i]);
    line.state[i] = text[i];
  }
  c->take(c->take_ctx, &line);
}

void draw_row(struct ladder_canvas *c, const struct ladder_row *row, const uint32_t isn[2])
{
  char text[LABEL_BYTES];
  // Head, two strokes, two spaces, the gap.
  size_t n = label(row, isn, text, c->take ? LABEL_COLUMNS : between(c) - 6);
  if (c->take)
    take_states(
        c,
        (struct ladder_line){.arrow = true, .from = row->from, .at_ns = row->at_ns, .text = text},
        row->states, row->sure);
  else {
    start_line(c, row->at_ns, row->states, row->sure);
    arrow(c, row, text, n);
    end_line(c, row->states, row->sure);
  }
  if (!row->says) return;
  line_across(c, row->says);
  if (row->segment.flags & ESTAB_TCP_SYN) options_line(c, row, isn);
}

void draw_gathered(const struct ladder_canvas *c, const struct ladder_sum *sum)
{
  const bool plain = c->ascii && !c->take;
  const char *arrows[2] = {plain ? "->" : "→", plain ? "<-" : "←"};
  char text[LINE_BYTES];
  struct phrase all = phrase_in(text, sizeof text);
  phrase_add(&all, "%s", plain ? "..." : "⋮");
  for (unsigned i = 0; i < 2; i++) {
    if (sum->segments[i] == 0) continue;
    phrase_add(&all, "  %s %" PRIu64 " more", arrows[i], sum->segments[i]);
    if (sum->text_bytes[i])
      phrase_add(&all, " with %" PRIu64 " bytes", sum->text_bytes[i]);
    else
      phrase_add(&all, " without data");
    if (sum->again[i]) phrase_add(&all, ", %" PRIu64 " again", sum->again[i]);
  }
  line_across(c, text);
}

void draw_states(const struct ladder_canvas *c, uint64_t at_ns, const enum estab_state states[2])
{
  if (c->take) {
    take_states(c, (struct ladder_line){.at_ns = at_ns}, states, c->live);
    return;
  }
  start_line(c, at_ns, states, c->live);
  fprintf(c->out, "%*s", (int)between(c), "");
  end_line(c, states, c->live);
}

void draw_note(const struct ladder_canvas *c, const char *text)
{
  line_across(c, text);
}

static void json_flags(FILE *out, uint16_t flags)
{
  char names[48], *save = NULL;
  estab_flags_format_names(flags, names, sizeof names);
  fputs("\"flags\":[", out);
  const char *comma = "";
  for (char *f = flags ? strtok_r(names, "|", &save) : NULL; f; f = strtok_r(NULL, "|", &save)) {
    fprintf(out, "%s\"%s\"", comma, f);
    comma = ",";
  }
  fputc(']', out);
}

void draw_row_json(struct ladder_canvas *c, const struct ladder_row *row, const uint32_t isn[2])
{
  const struct ladder_segment *s = &row->segment;
  static const char *const arrows[] = {"whole", "leaves", "arrives", "lost"};
  fprintf(c->out, "{\"connection\":%u,\"segment\":%" PRIu64 ",\"time_s\":%.6f,\"from\":", c->number,
          ++c->segments, (double)row->at_ns / 1e9);
  json_put(c->out, c->key[row->from]);
  fprintf(c->out, ",\"way\":\"%s\",", arrows[row->arrow]);
  json_flags(c->out, s->flags);
  fprintf(c->out, ",\"seq\":%" PRIu32, s->seq - isn[row->from]);
  if (s->flags & ESTAB_TCP_ACK) fprintf(c->out, ",\"ack\":%" PRIu32, s->ack - isn[1 - row->from]);
  fprintf(c->out,
          ",\"text_bytes\":%" PRIu32 ",\"window_bytes\":%" PRIu32 ",\"merged\":%u,\"again\":%s,",
          s->text_bytes, s->window, s->segments > 1 ? s->segments : 1,
          row->again ? "true" : "false");
  fputs("\"states\":{", c->out);
  for (unsigned i = 0; i < 2; i++) {
    json_put(c->out, c->key[i]);
    fprintf(c->out, ":\"%s\"%s", estab_state_name(row->states[i]), i == 0 ? "," : "}");
  }
  if (row->says) {
    fputs(",\"says\":", c->out);
    json_put(c->out, row->says);
  }
  fputs("}\n", c->out);
}
