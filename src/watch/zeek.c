// SPDX-License-Identifier: BSD-2-Clause
// zeek.c - Zeek's endpoint states, history and byte counts, segment by segment.
#include "watch/zeek_internal.h"

#include "proto/seq.h"
#include "watch/history.h"

#define ZEEK_JUMP (1 << 20) // sequence numbers of a SYN or RST further away are not believed

static const uint16_t zeek_ports[] = {21,   22,   25,   53,   79,   80,   81,   88,   135,  139,
                                      143,  389,  443,  445,  465,  502,  514,  563,  585,  587,
                                      614,  631,  636,  989,  990,  992,  993,  995,  1080, 1434,
                                      1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 5432,
                                      6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000};

// Halves of the list, as many for each port: where a port is asked for, no two in a row need have anything in common.
bool zeek_likely_server(uint16_t port)
{
  const size_t count = sizeof zeek_ports / sizeof *zeek_ports;
  const uint16_t *at = zeek_ports;
  if (port > zeek_ports[count - 1]) return false;
  for (size_t left = count; left > 1;) {
    const size_t half = left / 2;
    at += at[half] <= port ? half : 0;
    left -= half;
  }
  return *at == port;
}

bool zeek_flips_first(uint16_t flags, uint16_t src_port, uint16_t dst_port)
{
  if ((flags & ESTAB_TCP_SYN) && !(flags & ESTAB_TCP_ACK)) return false;
  if (!zeek_likely_server(src_port)) return false;
  return !zeek_likely_server(dst_port) || (!(flags & ESTAB_TCP_SYN) && src_port < dst_port);
}

// ---------------------------------------------------------------------------------------------
// Sequence numbers

// Before what Zeek takes for the beginning.
bool zeek_underflow(const struct flow_side *s, uint32_t seq, uint32_t last, unsigned wraps)
{
  if (seq_lt(seq, last)) {
    if (wraps && seq > last) wraps--;
  } else if (seq_gt(seq, last) && seq < last)
    wraps++;
  return wraps == 0 && seq_lt(seq, s->start_seq);
}

static void zeek_set_last(struct flow_side *s, uint32_t seq)
{
  if (seq < s->last_seq) s->seq_wraps++;
  s->last_seq = seq;
}

static void zeek_set_acked(struct flow_side *s, uint32_t seq)
{
  if (seq < s->ack_seq) s->ack_wraps++;
  s->ack_seq = seq;
}

static void zeek_init_numbers(struct flow_side *s, uint32_t start, uint32_t last)
{
  s->delivered += start - s->start_seq;
  s->start_seq = s->ack_seq = start;
  s->last_seq = last;
  s->seq_wraps = last < start;
  s->ack_wraps = 0;
}

static void zeek_init_side(struct flow_side *s, const struct segment *g, uint32_t end)
{
  bool syn = g->flags & ESTAB_TCP_SYN;
  switch ((enum zeek_state)s->z) {
  case ZEEK_INACTIVE:
    // Without a SYN: as if one had come, and the first segment is no repetition.
    if (syn)
      zeek_init_numbers(s, g->seq, end);
    else
      zeek_init_numbers(s, g->seq - 1, g->seq);
    s->delivered = s->start_seq + 1;
    break;
  case ZEEK_SYN_SENT:
  case ZEEK_SYN_ACK_SENT:
    if (syn && g->seq != s->start_seq) zeek_init_numbers(s, g->seq, end);
    break;
  case ZEEK_PARTIAL:
  case ZEEK_ESTABLISHED:
    if (syn) zeek_init_numbers(s, g->seq, end);
    break;
  case ZEEK_RESET:
    if (syn && s->z_prev == ZEEK_INACTIVE) zeek_init_numbers(s, g->seq, end);
    break;
  case ZEEK_CLOSED: break;
  }
}

uint64_t zeek_bytes(const struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end], *peer = &f->side[1 - end];
  if (s->z_prev == ZEEK_SYN_SENT && s->z == ZEEK_RESET && peer->z == ZEEK_INACTIVE &&
      !zeek_nothing_acked(s))
    return 0;
  uint64_t size = zeek_span(s);
  if ((int64_t)size < 0) return 0;
  if (size) size--; // the SYN's octet, seen or not
  if ((s->z_bits & ZEEK_FIN) && size) size--;
  return size;
}

// ---------------------------------------------------------------------------------------------
// History

// Adds a letter the first time. Answers whether it was there already.
static bool zeek_check(struct track *t, struct flow *f, unsigned end, enum zeek_seen bit,
                       char letter)
{
  if (f->side[end].z_seen & bit) return true;
  f->side[end].z_seen |= (uint8_t)bit;
  history_add(t, f, end, letter);
  return false;
}

// Where the number of the last one is kept; NULL: there is no memory for it, or, with `had`, none was kept.
static uint32_t *zeek_number(struct track *t, struct flow *f, unsigned end, enum zeek_seen bit,
                             bool had)
{
  if (bit == ZEEK_SEEN_SYN) {
    struct flow_trouble *r = had ? track_has_trouble(t, f) : track_trouble(t, f);
    return r ? &r->side[end].hist_syn : NULL;
  }
  struct flow_closing *c = had ? track_has_closing(t, f) : track_closing(t, f);
  if (!c) return NULL;
  return bit == ZEEK_SEEN_FIN ? &c->side[end].hist_fin : &c->side[end].hist_rst;
}

// A letter that may come again when its number is another.
static void zeek_numbered(struct track *t, struct flow *f, unsigned end, enum zeek_seen bit,
                          char letter, uint32_t place)
{
  bool again = zeek_check(t, f, end, bit, letter);
  if (!again && place == 0) return; // as nothing kept means
  uint32_t *const keep = zeek_number(t, f, end, bit, again && place == 0);
  const uint32_t last = keep ? *keep : 0;
  if (again && place != last) history_add(t, f, end, letter);
  if (keep) *keep = place;
}

static void zeek_history(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  unsigned set = (g->flags & ESTAB_TCP_SYN ? 1u : 0u) + (g->flags & ESTAB_TCP_FIN ? 1u : 0u) +
                 (g->flags & ESTAB_TCP_RST ? 1u : 0u);
  uint32_t place = zeek_place(s, g->seq);
  if (set > 1) {
    if ((g->flags & ESTAB_TCP_FIN) && (g->flags & ESTAB_TCP_RST))
      zeek_check(t, f, g->end, ZEEK_SEEN_FIN_RST, 'I');
    else
      zeek_check(t, f, g->end, ZEEK_SEEN_MULTI, 'Q');
  } else if (g->flags & ESTAB_TCP_SYN)
    zeek_numbered(t, f, g->end, ZEEK_SEEN_SYN, g->flags & ESTAB_TCP_ACK ? 'H' : 'S', place);
  else if (g->flags & ESTAB_TCP_FIN)
    zeek_numbered(t, f, g->end, ZEEK_SEEN_FIN, 'F', place + g->text_bytes);
  else if (g->flags & ESTAB_TCP_RST)
    zeek_numbered(t, f, g->end, ZEEK_SEEN_RST, 'R', place);
  else if (g->text_bytes)
    zeek_check(t, f, g->end, ZEEK_SEEN_DATA, 'D');
  else if (g->flags & ESTAB_TCP_ACK)
    zeek_check(t, f, g->end, ZEEK_SEEN_ACK, 'A');
}

// ---------------------------------------------------------------------------------------------
// The segment

void zeek_begin(struct track *t, struct flow *f, const struct segment *s)
{
  f->inactivity = ZEEK_HANDSHAKE_MINUTES;
  unsigned e = s->end;
  if (zeek_flips_first(s->flags, f->port[e], f->port[1 - e])) zeek_flip(t, f);
}

static void zeek_window(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  if (g->window || (g->flags & ESTAB_TCP_RST) || f->side[1 - g->end].z == ZEEK_CLOSED ||
      s->z == ZEEK_RESET)
    return;
  struct flow_trouble *r = track_trouble(t, f);
  if (r) history_tens(t, f, g->end, 'W', &r->side[g->end].z_zero, &r->side[g->end].zero_tens);
}

static void zeek_sent(struct track *t, struct flow *f, const struct segment *g, uint32_t end)
{
  struct flow_side *s = &f->side[g->end];
  int32_t ahead = (int32_t)(end - s->last_seq);
  if ((g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) && (ahead > ZEEK_JUMP || ahead < -ZEEK_JUMP))
    return;
  if ((g->flags & ESTAB_TCP_FIN) && s->last_seq == s->start_seq + 1)
    zeek_set_last(s, end);
  else if (s->z == ZEEK_RESET)
    return;
  else if (ahead > 0)
    zeek_set_last(s, end);
  else if (g->text_bytes) {
    struct flow_trouble *r = track_trouble(t, f);
    if (r) history_tens(t, f, g->end, 'T', &r->side[g->end].z_again, &r->side[g->end].again_tens);
  }
}

// Begun with a SYN-ACK, and now an ACK or text: the SYN was missed, not sent to nobody.
static void zeek_synack_goes_on(struct track *t, struct flow *f, const struct segment *g)
{
  if (f->history_count != 1 || f->history[0] != 'H' ||
      (g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST)) ||
      !((g->flags & ESTAB_TCP_ACK) || g->text_bytes))
    return;
  unsigned from = flow_orig((struct flow_head *)f);
  f->history_count = 0;
  zeek_flip(t, f);
  history_add(t, f, from, 'H');
  zeek_enter(f, from, ZEEK_ESTABLISHED);
}

// Rows of lives: a SYN that its receiver does not take, where Zeek would begin another row. It moves no numbers.
static bool zeek_is_stray_syn(const struct track *t, const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end];
  return (g->flags & ESTAB_TCP_SYN) && t->settings.rows == ESTAB_WATCH_ROWS_LIFE &&
         (s->z == ZEEK_ESTABLISHED || s->z == ZEEK_CLOSED) && (f->life_bits & LIFE_WAS_OPEN) &&
         g->seq != s->start_seq;
}

void zeek_segment(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  if (g->bits & (SEGMENT_BAD | SEGMENT_OFFLOADED)) {
    struct flow_trouble *r = track_trouble(t, f);
    if (!r) return;
    history_tens(t, f, e, 'C', &r->side[e].z_bad, &r->side[e].bad_tens);
    r->side[e].offloaded += !(g->bits & SEGMENT_BAD);
    return;
  }
  zeek_synack_goes_on(t, f, g);
  s->pkts++;
  if (!(g->bits & SEGMENT_IP_UNSET)) s->ip_bytes += g->ip_bytes;
  s->frame_bytes += g->ip_bytes + g->frame_more;

  if (zeek_is_stray_syn(t, f, g)) {
    zeek_history(t, f, g);
    return;
  }
  bool rst = g->flags & ESTAB_TCP_RST;
  uint32_t end = g->seq + (rst ? segment_length(g) - g->text_bytes : segment_length(g));
  zeek_init_side(s, g, end);
  bool underflow = zeek_underflow(s, g->seq, s->last_seq, s->seq_wraps);
  zeek_history(t, f, g);
  zeek_window(t, f, g);
  struct flow_closing *c =
      (g->flags & (ESTAB_TCP_FIN | ESTAB_TCP_RST)) ? track_closing(t, f) : track_has_closing(t, f);
  if (c && !((f->side[0].z_bits & f->side[1].z_bits) & ZEEK_DID_CLOSE)) c->z_last_ns = g->ts_ns;
  if (g->flags & ESTAB_TCP_FIN) {
    s->z_bits |= ZEEK_FIN;
    if (c) c->side[e].fin_end = end;
  }
  if (rst) s->z_bits |= ZEEK_RST;

  bool acked = false;
  if (g->flags & ESTAB_TCP_ACK) {
    if (peer->z == ZEEK_INACTIVE) {
      zeek_init_numbers(peer, g->ack - 1, g->ack - 1);
      peer->delivered = g->ack;
    } else if (!zeek_underflow(peer, g->ack, peer->ack_seq, peer->ack_wraps)) {
      acked = true;
      int32_t ahead = (int32_t)(g->ack - peer->ack_seq);
      if (!rst && ahead > 0 && !(g->ack == 0 && ahead > ZEEK_JUMP)) zeek_set_acked(peer, g->ack);
    }
  }
  zeek_sent(t, f, g, end);
  bool partial = s->z == ZEEK_PARTIAL || peer->z == ZEEK_PARTIAL;
  bool close = zeek_step(t, f, g);
  if (acked) {
    zeek_acked(t, f, p, g->ack, partial);
    zeek_check_end(t, f, p);
  }
  if (g->text_bytes && !rst && !underflow) zeek_text(t, f, g);
  zeek_check_end(t, f, e);
  if (close) zeek_closed(t, f, e);
}

bool zeek_is_reuse(struct track *t, struct flow *f, const struct segment *g)
{
  (void)t;
  if (!(g->flags & ESTAB_TCP_SYN)) return false; // checksums are verified behind this
  unsigned o = flow_orig((struct flow_head *)f);
  const struct flow_side *orig = &f->side[o], *resp = &f->side[1 - o], *whose = orig;
  if (g->flags & ESTAB_TCP_ACK) {
    if (orig->z != ZEEK_INACTIVE) return false;
    whose = resp;
  }
  bool closed = orig->z == ZEEK_CLOSED || orig->z == ZEEK_RESET || resp->z == ZEEK_CLOSED ||
                resp->z == ZEEK_RESET;
  if (closed) return true;
  if (g->seq == whose->start_seq) return false;
  return !(!(g->flags & ESTAB_TCP_ACK) && whose->z == ZEEK_SYN_ACK_SENT &&
           resp->z == ZEEK_INACTIVE && g->seq == resp->start_seq);
}
