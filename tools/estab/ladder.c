// SPDX-License-Identifier: BSD-2-Clause
// ladder.c - takes trace events, or what an observer saw, keeps both sides' books, and lets rows be drawn.
//
// A row is held back until the next thing happens, because the state changes that a segment causes
// are told after it. What the user does (CLOSE, ABORT, a timeout) ends the waiting: it belongs to the
// next row. In the short form, rows that change nothing are gathered into one line.
#include "ladder.h"

#include "ladder_draw.h"
#include "ladder_words.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FLYING_MAX 64 // sent, not yet arrived
#define SHOWN_DATA 4  // rows of data that are drawn before the rest is gathered

struct ladder {
  struct ladder_settings settings;
  struct ladder_canvas canvas;
  struct half half[2];
  struct ladder_words words;
  struct estab_tuple tuple; // as `teller` sees it
  enum ladder_side teller;
  bool started, headed;
  uint64_t start_ns;
  struct ladder_row row; // held back
  bool held;
  enum estab_state before[2]; // states before the held row
  enum estab_state drawn[2];  // states that were last on the screen
  unsigned data_rows;
  struct ladder_sum gathered;
  struct ladder_row flying[FLYING_MAX];
  unsigned flying_count;
  struct ladder_totals totals;
};

static unsigned terminal_columns(FILE *out)
{
  struct winsize size;
  int fd = fileno(out);
  if (fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 70)
    return size.ws_col > 120 ? 120 : size.ws_col;
  return 100;
}

struct ladder *ladder_new(const struct ladder_settings *settings)
{
  struct ladder *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->settings = *settings;
  struct ladder_canvas *c = &l->canvas;
  c->out = settings->out;
  c->take = settings->take;
  c->take_ctx = settings->take_ctx;
  c->width = settings->width ? settings->width : c->out ? terminal_columns(c->out) : 100;
  setlocale(LC_CTYPE, "");
  c->ascii = settings->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
  c->number = settings->number;
  for (unsigned i = 0; i < 2; i++) {
    c->live[i] = settings->live[i];
    c->name[i] = settings->name[i];
    c->key[i] = settings->key[i] ? settings->key[i] : settings->name[i];
    half_init(&l->half[i], settings->live[i], settings->at[i]);
    l->before[i] = l->drawn[i] = settings->at[i];
  }
  return l;
}

void ladder_free(struct ladder *l)
{
  free(l);
}

static bool quiet(const struct ladder *l)
{
  return !(l->canvas.out || l->canvas.take) || l->settings.json;
}

static void draw_header(struct ladder *l)
{
  if (l->headed || !l->started) return;
  l->headed = true;
  if (quiet(l)) return;
  draw_head(&l->canvas, l->settings.title, &l->tuple, l->teller, l->settings.at);
}

static void flush_gathered(struct ladder *l)
{
  if (l->gathered.segments[0] + l->gathered.segments[1] == 0) return;
  if (!quiet(l)) draw_gathered(&l->canvas, &l->gathered);
  memset(&l->gathered, 0, sizeof l->gathered);
}

// Whether the short form may leave this row to the sum.
static bool may_gather(const struct ladder *l, const struct ladder_row *row)
{
  const unsigned special = ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST | ESTAB_TCP_URG;
  if (l->settings.full || (row->segment.flags & special) || row->word || row->says) return false;
  if (row->arrow == ARROW_LOST) return false;
  return row->states[0] == l->drawn[0] && row->states[1] == l->drawn[1] &&
         l->data_rows >= SHOWN_DATA;
}

static void put_row(struct ladder *l, const struct ladder_row *row, bool fold)
{
  uint32_t isn[2] = {l->half[0].isn, l->half[1].isn};
  draw_header(l);
  if (l->settings.json) {
    if (l->canvas.out) draw_row_json(&l->canvas, row, isn);
  } else if (fold || may_gather(l, row)) {
    l->gathered.segments[row->from]++;
    l->gathered.text_bytes[row->from] += row->segment.text_bytes;
    l->gathered.again[row->from] += row->again;
    return;
  } else {
    flush_gathered(l);
    if (!quiet(l)) draw_row(&l->canvas, row, isn);
  }
  if (!(row->segment.flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST))) l->data_rows++;
  memcpy(l->drawn, row->states, sizeof l->drawn);
}

// Ends the holding back: the states are now what the segment made of them.
static void settle(struct ladder *l)
{
  if (!l->held) return;
  l->held = false;
  struct ladder_row *row = &l->row;
  row->states[0] = l->half[0].state;
  row->states[1] = l->half[1].state;
  bool both = l->settings.live[0] && l->settings.live[1];
  if (both && row->arrow == ARROW_WHOLE && l->flying_count > 0 &&
      l->flying[l->flying_count - 1].at_ns == UINT64_MAX) {
    row->arrow = ARROW_LEAVES; // its arrival has not been told
    l->flying[l->flying_count - 1] = *row;
  }
  unsigned from = row->from;
  enum estab_state before[2] = {l->before[from], l->before[1 - from]};
  if (l->settings.explain && row->arrow != ARROW_ARRIVES)
    row->says = ladder_says(&l->words, &row->segment, row->again, &l->half[1 - from], before);
  put_row(l, row, false);
}

static void hold(struct ladder *l, enum ladder_side from, enum ladder_arrow arrow, uint64_t now_ns,
                 const struct ladder_segment *s, bool again)
{
  l->before[0] = l->half[0].state;
  l->before[1] = l->half[1].state;
  l->row = (struct ladder_row){
      .arrow = arrow, .from = from, .at_ns = now_ns - l->start_ns, .segment = *s, .again = again};
  l->row.word = again ? "again" : NULL;
  memcpy(l->row.sure, l->settings.live, sizeof l->row.sure);
  l->held = true;
}

static void count(struct ladder *l, enum ladder_side from, const struct ladder_segment *s,
                  bool again)
{
  l->totals.segments[from] += s->segments > 1 ? s->segments : 1;
  if (again)
    l->totals.again[from]++;
  else
    l->totals.text_bytes[from] += s->text_bytes;
}

static void on_sent(struct ladder *l, enum ladder_side side, uint64_t now_ns,
                    const struct ladder_segment *s)
{
  settle(l);
  enum estab_state before[2] = {l->half[0].state, l->half[1].state};
  bool again = half_sends(&l->half[side], s, now_ns);
  count(l, side, s, again);
  hold(l, side, ARROW_WHOLE, now_ns, s, again);
  memcpy(l->before, before, sizeof before);
  if (!l->settings.live[1 - side]) {
    half_gets(&l->half[1 - side], s, now_ns);
  } else if (l->flying_count < FLYING_MAX) {
    l->flying[l->flying_count] = l->row;
    l->flying[l->flying_count++].at_ns = UINT64_MAX; // until the row is drawn
  }
}

void ladder_seen(struct ladder *l, const struct estab_tuple *tuple, const struct ladder_seen *seen)
{
  enum ladder_side from = seen->from, to = from == LADDER_LEFT ? LADDER_RIGHT : LADDER_LEFT;
  struct half *sender = &l->half[from], *other = &l->half[to];
  if (!l->started) {
    l->tuple = *tuple;
    l->teller = LADDER_LEFT;
    l->start_ns = seen->at_ns;
    l->started = true;
    sender->live = other->live = true; // only their books are kept here
  }
  enum estab_state before[2] = {sender->state, other->state};
  half_sends(sender, &seen->segment, seen->at_ns);
  // Nothing of the other side was seen yet: its numbers begin where this one waits.
  if (!other->sent && (seen->segment.flags & ESTAB_TCP_ACK)) other->isn = seen->segment.ack;
  for (unsigned i = 0; i < 2; i++)
    half_enter(&l->half[i], seen->states[i], seen->at_ns);
  count(l, from, &seen->segment, seen->again);
  struct ladder_row row = {.from = from,
                           .at_ns = seen->at_ns - l->start_ns,
                           .segment = seen->segment,
                           .again = seen->again,
                           .states = {seen->states[0], seen->states[1]},
                           .sure = {seen->sure[0], seen->sure[1]},
                           .word = seen->word,
                           .says = seen->says};
  if (!row.says && l->settings.explain && !seen->fold)
    row.says = ladder_says(&l->words, &row.segment, row.again, other, before);
  put_row(l, &row, seen->fold);
}

static bool same_segment(const struct ladder_segment *a, const struct ladder_segment *b)
{
  return a->flags == b->flags && a->seq == b->seq && a->ack == b->ack &&
         a->text_bytes == b->text_bytes;
}

static void on_received(struct ladder *l, enum ladder_side side, uint64_t now_ns,
                        const struct ladder_segment *s)
{
  enum ladder_side from = side == LADDER_LEFT ? LADDER_RIGHT : LADDER_LEFT;
  if (!l->settings.live[from]) {
    settle(l);
    enum estab_state before[2] = {l->half[0].state, l->half[1].state};
    bool again = half_sends(&l->half[from], s, now_ns);
    count(l, from, s, again);
    hold(l, from, ARROW_WHOLE, now_ns, s, again);
    memcpy(l->before, before, sizeof before);
    return;
  }
  for (unsigned i = 0; i < l->flying_count; i++) {
    if (l->flying[i].from != from || !same_segment(&l->flying[i].segment, s)) continue;
    bool next = l->flying[i].at_ns == UINT64_MAX && l->held;
    memmove(&l->flying[i], &l->flying[i + 1], (--l->flying_count - i) * sizeof l->flying[0]);
    if (next) return; // one whole arrow
    settle(l);
    hold(l, from, ARROW_ARRIVES, now_ns, s, false);
    return;
  }
  settle(l); // nobody here sent it: from outside, or a copy
  hold(l, from, ARROW_ARRIVES, now_ns, s, false);
}

// What the user or a clock does, as told from what a segment does.
static bool by_itself(const struct ladder *l, enum ladder_side side, enum estab_state from,
                      enum estab_state to)
{
  bool sending = l->held && l->row.from == side, arriving = l->held && l->row.from != side;
  unsigned flags = l->held ? l->row.segment.flags : 0;
  // CLOSE changes the state when it is called, or when its FIN goes out (RFC 9293 3.10.4).
  if (to == ESTAB_FIN_WAIT_1 || (from == ESTAB_CLOSE_WAIT && to == ESTAB_LAST_ACK))
    return !(sending && (flags & ESTAB_TCP_FIN));
  if (to == ESTAB_SYN_SENT || to == ESTAB_LISTEN) return true;
  if (to != ESTAB_CLOSED) return false;
  // A segment that arrives closes by RST or by the last ACK, one that is sent by RST; all else is a timeout.
  if (arriving)
    return !((flags & ESTAB_TCP_RST) || from == ESTAB_LAST_ACK || from == ESTAB_SYN_SENT);
  return !(sending && (flags & ESTAB_TCP_RST));
}

static void on_state(struct ladder *l, enum ladder_side side, uint64_t now_ns,
                     const struct estab_trace_state_changed *e)
{
  if (by_itself(l, side, e->from, e->to)) settle(l);
  half_enter(&l->half[side], e->to, now_ns);
}

static bool ip_same(const struct estab_tuple *a, const struct estab_tuple *b)
{
  return estab_ip_equal(&a->local, &b->local) && estab_ip_equal(&a->remote, &b->remote) &&
         a->local_port == b->local_port && a->remote_port == b->remote_port;
}

// Whether the event is about the connection that is followed; the first one decides which that is.
static bool concerns(struct ladder *l, enum ladder_side side, const struct estab_trace *e)
{
  if (!e->tuple) return false;
  if (!l->started) {
    if (e->kind != ESTAB_TRACE_segment_received && e->kind != ESTAB_TRACE_segment_sent &&
        e->kind != ESTAB_TRACE_state_changed)
      return false;
    if (e->tuple->remote_port == 0) return false; // a listener
    l->tuple = *e->tuple;
    l->teller = side;
    l->start_ns = e->now_ns;
    l->started = true;
    return true;
  }
  if (side == l->teller) return ip_same(e->tuple, &l->tuple);
  struct estab_tuple mirror = {.local = e->tuple->remote,
                               .remote = e->tuple->local,
                               .local_port = e->tuple->remote_port,
                               .remote_port = e->tuple->local_port};
  return ip_same(&mirror, &l->tuple);
}

static struct ladder_segment segment_of(uint16_t flags, uint32_t seq, uint32_t ack, uint32_t window,
                                        uint32_t text_bytes, uint16_t segments,
                                        const struct estab_tcp_options *options)
{
  return (struct ladder_segment){.flags = flags,
                                 .seq = seq,
                                 .ack = ack,
                                 .window = window,
                                 .text_bytes = text_bytes,
                                 .segments = segments,
                                 .options = options ? *options : (struct estab_tcp_options){0}};
}

void ladder_event(struct ladder *l, enum ladder_side side, const struct estab_trace *e)
{
  if (!concerns(l, side, e)) return;
  if (e->kind == ESTAB_TRACE_state_changed) {
    on_state(l, side, e->now_ns, &e->u.state_changed);
  } else if (e->kind == ESTAB_TRACE_segment_sent) {
    const struct estab_trace_segment_sent *t = &e->u.segment_sent;
    struct ladder_segment s =
        segment_of(t->flags, t->seq, t->ack, t->window, t->text_bytes, t->segments, t->options);
    on_sent(l, side, e->now_ns, &s);
  } else if (e->kind == ESTAB_TRACE_segment_received) {
    const struct estab_trace_segment_received *t = &e->u.segment_received;
    struct ladder_segment s =
        segment_of(t->flags, t->seq, t->ack, t->window, t->text_bytes, t->segments, t->options);
    on_received(l, side, e->now_ns, &s);
  }
}

void ladder_lost(struct ladder *l, enum ladder_side from)
{
  if (l->held && l->row.from == from && l->row.arrow == ARROW_WHOLE) {
    if (l->flying_count > 0 && l->flying[l->flying_count - 1].at_ns == UINT64_MAX)
      l->flying_count--;
    l->row.arrow = ARROW_LOST;
    settle(l);
  }
}

void ladder_note(struct ladder *l, uint64_t now_ns, const char *text)
{
  (void)now_ns;
  settle(l);
  flush_gathered(l);
  if (!quiet(l)) draw_note(&l->canvas, text);
}

void ladder_end(struct ladder *l, uint64_t now_ns)
{
  char text[160];
  settle(l);
  flush_gathered(l);
  enum estab_state states[2] = {l->half[0].state, l->half[1].state};
  if (quiet(l) || !l->started) return;
  if (memcmp(states, l->drawn, sizeof states) != 0) {
    draw_header(l);
    draw_states(&l->canvas, now_ns - l->start_ns, states);
    memcpy(l->drawn, states, sizeof states);
  }
  for (unsigned i = 0; i < 2; i++) {
    if (states[i] != ESTAB_TIME_WAIT || !l->settings.live[i] || !l->settings.time_wait_ns[i])
      continue;
    uint64_t past = now_ns - l->half[i].entered_ns, whole = l->settings.time_wait_ns[i];
    snprintf(text, sizeof text,
             "TIME-WAIT: %s keeps watch for another %.1f s, until nothing old can be under way",
             l->canvas.name[i], past < whole ? (double)(whole - past) / 1e9 : 0.0);
    draw_note(&l->canvas, text);
  }
}

enum estab_state ladder_state(const struct ladder *l, enum ladder_side side)
{
  return l->half[side].state;
}

unsigned ladder_states(const struct ladder *l, enum ladder_side side,
                       enum estab_state states[LADDER_STATES_MAX])
{
  memcpy(states, l->half[side].states, sizeof l->half[side].states);
  return l->half[side].state_count;
}

const struct estab_tuple *ladder_tuple(const struct ladder *l)
{
  return l->started ? &l->tuple : NULL;
}

bool ladder_settled(const struct ladder *l)
{
  if (!l->started) return false;
  for (unsigned i = 0; i < 2; i++)
    if (l->half[i].sent &&
        (!l->half[1 - i].acked_any || l->half[1 - i].acked != l->half[i].snd_max))
      return false;
  return true;
}

void ladder_totals(const struct ladder *l, struct ladder_totals *totals)
{
  *totals = l->totals;
}
