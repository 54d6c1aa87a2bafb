// SPDX-License-Identifier: BSD-2-Clause
// zeek.c - Zeek's endpoint states, history and byte counts, segment by segment.
#include "watch/zeek.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/history.h"

#define ZEEK_JUMP       (1 << 20) // sequence numbers of a SYN or RST further away are not believed
#define ZEEK_ABOVE_HOLE 16384u    // text above a hole while nothing was acknowledged
#define ZEEK_UNACKED    10485760u // text without any further acknowledgement

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

static uint32_t zeek_place(const struct flow_side *s, uint32_t seq)
{
  return seq - s->start_seq;
}

// Before what Zeek takes for the beginning.
static bool zeek_underflow(const struct flow_side *s, uint32_t seq, uint32_t last, unsigned wraps)
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
  bool nothing_acked =
      s->ack_wraps == 0 && (s->ack_seq == s->start_seq || s->ack_seq == s->start_seq + 1);
  if (s->z_prev == ZEEK_SYN_SENT && s->z == ZEEK_RESET && peer->z == ZEEK_INACTIVE &&
      !nothing_acked)
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
// Text: what is there, what was acknowledged without ever being seen

static bool zeek_nothing_acked(const struct flow_side *s)
{
  return s->ack_wraps == 0 && (s->ack_seq == s->start_seq || s->ack_seq == s->start_seq + 1);
}

// Zeek looks for no gaps any more. What is there is still known, for the other machine.
static WATCH_RARE void zeek_skip(struct flow *f, unsigned end)
{
  f->side[end].z_bits |= ZEEK_SKIP;
}

// Too many holes to be remembered.
static WATCH_RARE void zeek_lose(struct track *t, struct flow *f, unsigned end)
{
  struct flow_trouble *r = track_has_trouble(t, f);
  if (r) ranges_free(&r->side[end].holes, t->mem);
  f->side[end].z_bits |= ZEEK_SKIP | ZEEK_LOST;
}

// The text at `delivered` came: so did what was kept behind it.
static void zeek_absorb(struct track *t, struct flow *f, unsigned end)
{
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || !r->side[end].holes.count) return;
  struct ranges *holes = &r->side[end].holes;
  struct flow_side *s = &f->side[end];
  while (holes->count && seq_le(holes->at[0].start, s->delivered)) {
    if (seq_gt(holes->at[0].end, s->delivered)) s->delivered = holes->at[0].end;
    ranges_drop_below(holes, s->delivered);
  }
  if (!holes->count) ranges_free(holes, t->mem);
}

static void zeek_text(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  if (s->z_bits & ZEEK_LOST || g->bits & SEGMENT_CUT) return;
  uint32_t start = g->seq + (g->flags & ESTAB_TCP_SYN ? 1u : 0u), end = start + g->text_bytes;
  if (seq_lt(start, s->ack_seq)) { // acknowledged before it was seen: it counts as lost
    if (seq_le(end, s->ack_seq)) return;
    start = s->ack_seq;
  }
  if (seq_le(end, s->delivered)) return;
  if (seq_le(start, s->delivered)) {
    s->delivered = end;
    zeek_absorb(t, f, g->end);
    return;
  }
  struct flow_trouble *r = track_trouble(t, f);
  struct ranges *holes = r ? &r->side[g->end].holes : NULL;
  if (!holes || ranges_insert(holes, t->mem, start, end, 256, NULL) < 0) {
    zeek_lose(t, f, g->end);
    return;
  }
  uint32_t top = holes->at[holes->count - 1].end;
  if ((zeek_nothing_acked(s) && top - s->delivered > ZEEK_ABOVE_HOLE) ||
      top - s->ack_seq > ZEEK_UNACKED)
    zeek_skip(f, g->end);
}

static bool zeek_clean(const struct flow_side *s)
{
  return s->z == ZEEK_ESTABLISHED || (s->z == ZEEK_CLOSED && s->z_prev == ZEEK_ESTABLISHED);
}

static WATCH_RARE void zeek_gap(struct track *t, struct flow *f, unsigned end, uint32_t bytes)
{
  if (bytes == 0 || !zeek_clean(&f->side[0]) || !zeek_clean(&f->side[1])) return;
  struct flow_trouble *r = track_trouble(t, f);
  if (!r) return;
  history_tens(t, f, end, 'G', &r->side[end].z_gaps, &r->side[end].gap_tens);
  r->missed_bytes += bytes;
}

// The peer says it has everything before `ack`.
static void zeek_acked(struct track *t, struct flow *f, unsigned end, uint32_t ack, bool partial)
{
  struct flow_side *s = &f->side[end], *peer = &f->side[1 - end];
  struct flow_closing *c = track_has_closing(t, f);
  if ((s->z_bits & ZEEK_FIN) && c && seq_ge(ack, c->side[end].fin_end))
    ack = c->side[end].fin_end - 1;
  if (seq_le(ack, s->delivered)) return;
  if (partial && zeek_place(s, ack) <= 2) return;
  uint8_t ends = s->z_bits | peer->z_bits;
  if (s->delivered == s->start_seq + 1 && (ends & (ZEEK_FIN | ZEEK_RST)))
    s->z_bits |= ZEEK_SKIP; // a capture of nothing but SYN, FIN and RST, perhaps
  struct flow_trouble *r = track_has_trouble(t, f);
  struct ranges *holes = r ? &r->side[end].holes : NULL;
  if (!(s->z_bits & ZEEK_SKIP)) {
    while (holes && holes->count && seq_lt(holes->at[0].start, ack)) {
      zeek_gap(t, f, end, holes->at[0].start - s->delivered);
      s->delivered = holes->at[0].start;
      zeek_absorb(t, f, end);
    }
    if (seq_gt(ack, s->delivered)) zeek_gap(t, f, end, ack - s->delivered);
  }
  if (seq_gt(ack, s->delivered)) {
    s->delivered = ack;
    zeek_absorb(t, f, end);
  }
}

static bool zeek_has_blocks(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  struct flow_trouble *r = track_has_trouble(t, f);
  if (s->z_bits & ZEEK_SKIP) return false;
  if (r && r->side[end].holes.count) return true;
  return seq_gt(s->delivered, seq_max(s->ack_seq, s->start_seq + 1));
}

// Whether a close of this side has to wait for text that is still on its way.
static bool zeek_pending(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  if (s->z_bits & ZEEK_SKIP) return false;
  if (seq_lt(s->last_seq, s->delivered)) return false;
  if (s->delivered != s->last_seq && s->delivered != s->last_seq - 1) return true;
  return s->z != ZEEK_RESET && !(f->side[1 - end].z_bits & ZEEK_SKIP) &&
         zeek_has_blocks(t, f, 1 - end);
}

// ---------------------------------------------------------------------------------------------
// States

static bool zeek_is_handshake(unsigned state)
{
  return state <= ZEEK_SYN_ACK_SENT;
}

static void zeek_enter(struct flow *f, unsigned end, enum zeek_state state)
{
  struct flow_side *s = &f->side[end];
  if (s->z == state) return;
  if (!zeek_is_handshake(state) && zeek_is_handshake(s->z) && zeek_is_handshake(f->side[1 - end].z))
    f->inactivity = ZEEK_INACTIVITY_MINUTES;
  s->z_prev = s->z;
  s->z = (unsigned)state & 0xfu;
}

static WATCH_RARE void zeek_flip(struct track *t, struct flow *f)
{
  f->bits ^= FLOW_ORIG;
  history_flip(t, f);
}

static void zeek_port_minutes(struct flow *f)
{
  uint16_t port = f->port[1 - flow_orig((struct flow_head *)f)];
  if (port == 21 || port == 22 || port == 23 || port == 513) f->inactivity = ZEEK_PORT_MINUTES;
}

static void zeek_inactive(struct track *t, struct flow *f, const struct segment *g, bool *close)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  bool is_orig = flow_orig((struct flow_head *)f) == e;
  if (g->flags & ESTAB_TCP_SYN) {
    if (is_orig)
      zeek_enter(f, e, g->flags & ESTAB_TCP_ACK ? ZEEK_SYN_ACK_SENT : ZEEK_SYN_SENT);
    else {
      if (!(g->flags & ESTAB_TCP_ACK) && peer->z == ZEEK_SYN_ACK_SENT && g->seq == s->start_seq) {
        zeek_flip(t, f); // the SYN of a SYN-ACK that came first
        zeek_enter(f, p, ZEEK_ESTABLISHED);
      }
      if (peer->z == ZEEK_SYN_SENT) zeek_enter(f, p, ZEEK_ESTABLISHED);
      zeek_enter(f, e, ZEEK_ESTABLISHED);
      if (peer->z != ZEEK_PARTIAL) zeek_port_minutes(f);
    }
  }
  if (g->flags & ESTAB_TCP_FIN) {
    zeek_enter(f, e, ZEEK_CLOSED);
    *close = true;
  }
  if (g->flags & ESTAB_TCP_RST) {
    zeek_enter(f, e, ZEEK_RESET);
    *close = true;
  }
  if (s->z != ZEEK_INACTIVE) return;
  if (!is_orig && g->text_bytes == 0 && peer->z == ZEEK_SYN_SENT) return; // acked before its SYN
  zeek_enter(f, e,
             (g->flags & ESTAB_TCP_ACK) && peer->z == ZEEK_ESTABLISHED ? ZEEK_ESTABLISHED
                                                                       : ZEEK_PARTIAL);
}

// Answers whether the side has closed, now.
static bool zeek_step(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end;
  struct flow_side *s = &f->side[e], *peer = &f->side[1 - e];
  bool close = false, fin = g->flags & ESTAB_TCP_FIN, rst = g->flags & ESTAB_TCP_RST;
  switch ((enum zeek_state)s->z) {
  case ZEEK_INACTIVE: zeek_inactive(t, f, g, &close); break;
  case ZEEK_SYN_SENT:
  case ZEEK_SYN_ACK_SENT:
    if (fin) zeek_enter(f, e, ZEEK_CLOSED);
    if (rst) zeek_enter(f, e, ZEEK_RESET);
    close = fin || rst;
    break;
  case ZEEK_PARTIAL:
  case ZEEK_ESTABLISHED:
    if ((g->flags & ESTAB_TCP_SYN) && s->z == ZEEK_PARTIAL && peer->z == ZEEK_INACTIVE &&
        !(g->flags & ESTAB_TCP_ACK))
      zeek_enter(f, e, ZEEK_SYN_SENT);
    if (fin && !rst) {
      zeek_enter(f, e, ZEEK_CLOSED);
      // A FIN and then a RST of the peer were a normal end after all.
      if (peer->z == ZEEK_RESET && peer->z_prev == ZEEK_CLOSED) zeek_enter(f, 1 - e, ZEEK_CLOSED);
    }
    if (rst) zeek_enter(f, e, ZEEK_RESET);
    close = fin || rst;
    break;
  case ZEEK_CLOSED:
    if (rst && peer->z != ZEEK_CLOSED) {
      zeek_enter(f, e, ZEEK_RESET);
      close = !(s->z_bits & ZEEK_DID_CLOSE);
    }
    break;
  case ZEEK_RESET: break;
  }
  return close;
}

static void zeek_closed(struct track *t, struct flow *f, unsigned end)
{
  struct flow_side *s = &f->side[end], *peer = &f->side[1 - end];
  if (zeek_pending(t, f, end)) {
    f->side[0].z_bits |= ZEEK_DEFERRED;
    f->side[1].z_bits |= ZEEK_DEFERRED;
    return;
  }
  f->side[0].z_bits &= (uint8_t)~ZEEK_DEFERRED;
  f->side[1].z_bits &= (uint8_t)~ZEEK_DEFERRED;
  if (s->z_bits & ZEEK_DID_CLOSE) return;
  s->z_bits |= ZEEK_DID_CLOSE;
  if (s->z == ZEEK_RESET || (peer->z_bits & ZEEK_DID_CLOSE) || peer->z == ZEEK_INACTIVE) {
    struct flow_closing *c = track_closing(t, f);
    if (c && c->z_delete_ns == ESTAB_NEVER) c->z_delete_ns = zeek_last_ns(c, f) + ZEEK_ATTEMPT_NS;
  }
}

static void zeek_check_end(struct track *t, struct flow *f, unsigned end)
{
  struct flow_side *s = &f->side[end];
  if ((s->z_bits & ZEEK_DID_EOF) ||
      !((s->z_bits & ZEEK_FIN) || s->z == ZEEK_CLOSED || s->z == ZEEK_RESET) ||
      zeek_pending(t, f, end))
    return;
  s->z_bits |= ZEEK_DID_EOF;
  if (!(s->z_bits & ZEEK_DEFERRED)) return;
  zeek_closed(t, f, end);
  f->side[0].z_bits &= (uint8_t)~ZEEK_DEFERRED;
  f->side[1].z_bits &= (uint8_t)~ZEEK_DEFERRED;
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

// What the first segment of a side has sent: the one number behind `start`.
static inline void zeek_first_sent(struct flow_side *s, const struct segment *g, uint32_t start)
{
  s->pkts = 1;
  if (!(g->bits & SEGMENT_IP_UNSET)) s->ip_bytes = g->ip_bytes;
  s->frame_bytes = g->ip_bytes + g->frame_more;
  s->start_seq = s->ack_seq = start;
  s->last_seq = s->delivered = start + 1;
  s->seq_wraps = s->last_seq < s->start_seq;
}

void zeek_first_syn(struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  f->inactivity = ZEEK_HANDSHAKE_MINUTES;
  zeek_first_sent(s, g, g->seq);
  s->z = ZEEK_SYN_SENT;
  s->z_seen = ZEEK_SEEN_SYN;
  f->history[f->history_count++] = 'S';
}

void zeek_first_answer(struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  f->inactivity = ZEEK_INACTIVITY_MINUTES;
  zeek_port_minutes(f);
  zeek_first_sent(s, g, g->seq);
  s->z = ZEEK_ESTABLISHED;
  s->z_seen = ZEEK_SEEN_SYN;
  f->history[f->history_count++] = 'h';
  peer->ack_wraps = g->ack < peer->ack_seq;
  peer->ack_seq = g->ack;
  peer->z_prev = ZEEK_SYN_SENT;
  peer->z = ZEEK_ESTABLISHED;
}

void zeek_first_refusal(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  zeek_first_sent(s, g, g->seq - 1);
  s->z_seen = ZEEK_SEEN_RST;
  s->z_bits |= ZEEK_RST;
  history_add(t, f, e, 'R');
  struct flow_closing *c = track_closing(t, f);
  if (c) {
    c->side[e].hist_rst = 1;
    c->z_last_ns = g->ts_ns;
  }
  bool acked =
      (g->flags & ESTAB_TCP_ACK) && !zeek_underflow(peer, g->ack, peer->ack_seq, peer->ack_wraps);
  zeek_enter(f, e, ZEEK_RESET);
  if (acked) {
    zeek_acked(t, f, p, g->ack, peer->z == ZEEK_PARTIAL);
    zeek_check_end(t, f, p);
  }
  zeek_check_end(t, f, e);
  zeek_closed(t, f, e);
}

void zeek_refused_syn(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  zeek_first_sent(s, g, g->seq - 1);
  s->z_seen = ZEEK_SEEN_RST;
  s->z_bits = ZEEK_RST | ZEEK_DID_EOF | ZEEK_DID_CLOSE;
  s->z = ZEEK_RESET;
  f->inactivity = ZEEK_INACTIVITY_MINUTES;
  f->history[f->history_count++] = 'r';
  struct flow_closing *c = track_closing(t, f);
  if (!c) return;
  c->side[g->end].hist_rst = 1;
  c->z_last_ns = g->ts_ns;
  c->z_delete_ns = g->ts_ns + ZEEK_ATTEMPT_NS;
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
