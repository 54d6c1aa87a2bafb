// SPDX-License-Identifier: BSD-2-Clause
// measure.c - round trips, what came again or late, windows, duplicate acknowledgments.
#include "watch/measure.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/observe.h"
#include "watch/reach.h"
#include "watch/timeline.h"

#define MEASURE_LATE_NS UINT64_C(3000000) // measure_late_ns() where no round trip is known

// ---------------------------------------------------------------------------------------------
// Round trips

static uint64_t measure_handshake_half_ns(struct track *t, struct flow *f, unsigned end)
{
  if (f->opened_by > FLOW_WHO_1 || (f->observed & FLOW_SYN_AGAIN)) return ESTAB_WATCH_TIME_NONE;
  const unsigned client = f->opened_by, server = 1u - client;
  const struct flow_step *synack = timeline_first(t, f, client, ESTAB_ESTABLISHED);
  if (!synack) return ESTAB_WATCH_TIME_NONE;
  const struct flow_step *ack = timeline_first(t, f, server, ESTAB_ESTABLISHED);
  // One segment that opened both: the capture lacks the SYN-ACK, or has it behind the ACK or before the SYN.
  if (ack && synack->packet == ack->packet) return ESTAB_WATCH_TIME_NONE;
  const struct flow_step *from =
      end == client ? synack : timeline_first(t, f, client, ESTAB_SYN_SENT);
  const struct flow_step *to = end == client ? ack : synack;
  if (!from || !to) return ESTAB_WATCH_TIME_NONE;
  const uint64_t from_ns = timeline_ns(t, f, from), to_ns = timeline_ns(t, f, to);
  return to_ns < from_ns ? ESTAB_WATCH_TIME_NONE : to_ns - from_ns;
}

// As measure_half_ns(); ESTAB_WATCH_TIME_NONE: not known.
static uint64_t measure_least_half_ns(struct track *t, struct flow *f, unsigned end)
{
  const uint64_t handshake_ns = measure_handshake_half_ns(t, f, end);
  if (!f->rtt_half[end]) return handshake_ns;
  return u64_min(handshake_ns, (uint64_t)f->rtt_half[end] * FLOW_RTT_NS);
}

uint64_t measure_half_ns(struct track *t, struct flow *f, unsigned end)
{
  const uint64_t half_ns = measure_least_half_ns(t, f, end);
  return half_ns == ESTAB_WATCH_TIME_NONE ? 0 : half_ns;
}

uint64_t measure_least_ns(struct track *t, struct flow *f)
{
  // The median is in whole units.
  uint64_t least_ns = f->rtt_median ? (uint64_t)f->rtt_median * FLOW_RTT_NS : ESTAB_WATCH_TIME_NONE;
  for (unsigned end = 0; end < 2; end++) {
    if (!f->rtt_half[end]) continue;
    const uint64_t near_ns = measure_least_half_ns(t, f, 1 - end);
    if (near_ns == ESTAB_WATCH_TIME_NONE) continue;
    least_ns = u64_min(least_ns, (uint64_t)f->rtt_half[end] * FLOW_RTT_NS + near_ns);
  }
  return least_ns;
}

uint64_t measure_handshake_ns(struct track *t, struct flow *f)
{
  if (f->opened_by > FLOW_WHO_1 || f->opened_basis != ESTAB_WATCH_BASIS_SYN)
    return ESTAB_WATCH_TIME_NONE;
  uint64_t syn, ack, packet;
  if (!timeline_when(t, f, f->opened_by, ESTAB_SYN_SENT, &syn, &packet) ||
      !timeline_when(t, f, 1u - f->opened_by, ESTAB_ESTABLISHED, &ack, &packet) || ack < syn ||
      (f->observed & FLOW_SYN_AGAIN))
    return ESTAB_WATCH_TIME_NONE;
  return ack - syn;
}

#define MEASURE_HIGH_SHIFT (32 - 1) // of bits 32 to 37 of a time to FLOW_RTT_HIGH

static void measure_sample(struct track *t, struct flow *f, uint64_t now_ns)
{
  const uint64_t now = (now_ns - f->life_ns) / FLOW_RTT_NS;
  const uint64_t at = (uint64_t)(f->rtt_end & FLOW_RTT_HIGH) << MEASURE_HIGH_SHIFT | f->rtt_at;
  const uint64_t past = ((uint64_t)FLOW_RTT_HIGH << MEASURE_HIGH_SHIFT) | UINT32_MAX;
  uint64_t units = (now - at) & past;
  f->rtt_end |= FLOW_NO_RTT;
  if (units > UINT32_MAX) return; // minutes: nothing waited for it
  const unsigned sender = f->rtt_end & FLOW_RTT_END;
  const uint32_t half = units ? (uint32_t)units : 1;
  uint32_t *least = &f->rtt_half[1 - sender];
  if (!*least || half < *least) *least = half;
  // It went from the tap to the receiver and back: what lies between the tap and its sender belongs to it.
  const uint64_t near_ns = measure_least_half_ns(t, f, sender);
  if (near_ns == ESTAB_WATCH_TIME_NONE) return;
  units += near_ns / FLOW_RTT_NS;
  uint32_t sample = (uint32_t)u64_min(units ? units : 1, UINT32_MAX);
  if (!f->rtt_median) {
    f->rtt_median = sample;
    f->rtt_step = sample / 8 + 1;
    return;
  }
  // Walks towards the median: longer steps while they go one way, shorter ones when they turn.
  bool up = sample > f->rtt_median, was_up = f->rtt_step >> 31;
  uint32_t step = f->rtt_step & 0x7fffffff;
  if (up == was_up)
    step += f->rtt_median / 32;
  else
    step = u32_max(step / 2, f->rtt_median / 64 + 1);
  uint32_t gap = up ? sample - f->rtt_median : f->rtt_median - sample;
  if (step > gap) step = gap;
  f->rtt_median = up ? f->rtt_median + step : f->rtt_median - step;
  if (!f->rtt_median) f->rtt_median = 1;
  f->rtt_step = (step & 0x7fffffff) | (up ? UINT32_C(0x80000000) : 0);
}

void measure_rtt(struct track *t, struct flow *f, const struct segment *g, bool again)
{
  bool timing = !(f->rtt_end & FLOW_NO_RTT);
  if (timing && (f->rtt_end & FLOW_RTT_END) != g->end && (g->flags & ESTAB_TCP_ACK) &&
      seq_ge(g->ack, f->rtt_seq)) {
    measure_sample(t, f, g->ts_ns);
    timing = false;
  }
  if (!g->text_bytes) return;
  if (again) {
    if (timing && (f->rtt_end & FLOW_RTT_END) == g->end)
      f->rtt_end |= FLOW_NO_RTT; // Karn: which one is acknowledged?
  } else if (!timing) {
    const uint64_t at = (g->ts_ns - f->life_ns) / FLOW_RTT_NS;
    f->rtt_end = (uint8_t)(g->end | (at >> MEASURE_HIGH_SHIFT & FLOW_RTT_HIGH));
    f->rtt_seq = g->seq + g->text_bytes;
    f->rtt_at = (uint32_t)at;
  }
}

// ---------------------------------------------------------------------------------------------
// Text that was there already, or comes late

// Where timestamps do not tell: what fills a hole sooner was overtaken on its way, half the shortest round trip known.
// That of text may have an acknowledgment in it that waited, that of the handshake may be a busy listener's.
static uint64_t measure_late_ns(struct track *t, struct flow *f)
{
  const uint64_t shortest = measure_half_ns(t, f, 0) + measure_half_ns(t, f, 1);
  return shortest ? shortest / 2 : MEASURE_LATE_NS;
}

// RFC 9293 3.8.6.1: an octet that asks a closed window, and the text that begins with it once the window opens: it was
// not taken before.
static bool measure_is_probe(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || !(peer->bits & SIDE_ACKED)) return false;
  if ((peer->bits & SIDE_ZERO) && g->text_bytes == 1 && seq_ge(g->seq, peer->una)) {
    r->side[g->end].probe = g->seq;
    r->side[g->end].probed = true;
    return true;
  }
  return r->side[g->end].probed && g->seq == r->side[g->end].probe && g->seq == peer->una &&
         s->nxt - g->seq == 1;
}

void measure_acked_unseen(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_trouble *r = track_trouble(t, f);
  if (!r) return;
  const unsigned p = 1 - g->end;
  r->side[p].acked_from = f->side[p].nxt;
  r->side[p].acked_to = g->ack;
  r->side[p].acked_ns = g->ts_ns;
}

// Text that passes just behind its acknowledgment, for the first time.
static bool measure_is_unseen(struct track *t, struct flow *f, const struct flow_trouble *r,
                              const struct segment *g)
{
  return r->side[g->end].acked_ns && seq_ge(g->seq, r->side[g->end].acked_from) &&
         seq_le(g->seq + g->text_bytes, r->side[g->end].acked_to) &&
         g->ts_ns - r->side[g->end].acked_ns < measure_late_ns(t, f);
}

// Answers whether it is a repetition.
static bool measure_text(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  uint32_t end = g->seq + g->text_bytes;
  if (!(s->bits & SIDE_KNOWN) || (g->flags & ESTAB_TCP_SYN)) return false;
  const bool probe = measure_is_probe(t, f, g);
  if (seq_ge(g->seq, s->nxt)) return false;
  if (probe) return true;
  bool acked = (peer->bits & SIDE_ACKED) && seq_ge(peer->una, end);
  if (g->text_bytes <= 1 && g->seq == s->nxt - 1 && acked) return true; // keepalive
  struct flow_trouble *r = track_trouble(t, f);
  if (!r || measure_is_unseen(t, f, r, g)) return true;
  uint64_t ahead_ns = 0;
  const enum reach_order order = reach_overtaken(t, f, g, &ahead_ns);
  if (order == REACH_LATER ||
      (order == REACH_UNCLEAR && g->ts_ns - ahead_ns < measure_late_ns(t, f))) {
    r->side[g->end].reordered_pkts++;
    return true;
  }
  r->side[g->end].retransmitted_pkts++;
  r->side[g->end].retransmitted_bytes += seq_gt(end, s->nxt) ? s->nxt - g->seq : g->text_bytes;
  if (acked) r->side[g->end].spurious_pkts++;
  r->side[g->end].recover = s->nxt;
  r->side[g->end].recovering = !acked;
  return true;
}

// ---------------------------------------------------------------------------------------------
// Windows and duplicate ACKs

static void measure_window(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  bool zero = g->window == 0;
  if (!(g->flags & ESTAB_TCP_ACK) || (g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST))) return;
  if (!zero && !(s->bits & SIDE_ZERO)) return;
  if ((s->bits & SIDE_ACKED) && seq_lt(g->ack, s->una))
    return; // RFC 9293 3.10.7.4, fifth: overtaken
  struct flow_trouble *r = track_trouble(t, f);
  if (!r) return;
  if (zero && !(s->bits & SIDE_ZERO)) {
    s->bits |= SIDE_ZERO;
    r->side[g->end].zero_windows++;
    r->side[g->end].zero_since_ns = g->ts_ns;
    r->shut_ns[g->end] = g->ts_ns;
    r->asked[g->end] = false;
  } else if (!zero) {
    s->bits &= (uint16_t)~SIDE_ZERO;
    r->side[g->end].zero_window_ns += g->ts_ns - r->side[g->end].zero_since_ns;
    const struct observe_suspicion opens = {.what = SUSPECT_WINDOW_OPEN};
    if (s->bits & SIDE_HELD) observe_suspect(t, f, g, &opens);
    s->bits &= (uint16_t)~SIDE_HELD;
  }
}

void measure_next_row(const struct flow *f, struct flow_trouble *r, uint64_t ts_ns)
{
  for (unsigned end = 0; end < 2; end++) {
    if (!(f->side[end].bits & SIDE_ZERO)) continue;
    r->side[end].zero_windows = 1;
    r->side[end].zero_since_ns = ts_ns;
  }
}

// Held at zero for long while the peer knocks with text: told to the detectors once, until it opens. Who knocks waits
// longer each time, so it is told between two of them as well.
static void measure_hold(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *holder = &f->side[1 - g->end];
  if ((holder->bits & (SIDE_ZERO | SIDE_HELD)) != SIDE_ZERO || !(g->flags & ESTAB_TCP_ACK)) return;
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r) return;
  if (g->ts_ns - r->shut_ns[1 - g->end] < t->settings.thresholds.zero_window_ns) {
    if (g->text_bytes || seq_lt(g->seq, f->side[g->end].nxt)) r->asked[1 - g->end] = true;
    return;
  }
  struct segment by = *g;
  by.end = (uint8_t)(1 - g->end);
  holder->bits |= SIDE_HELD;
  const struct observe_suspicion held = {.what = SUSPECT_ZERO_WINDOW};
  observe_suspect(t, f, &by, &held);
}

uint64_t measure_hold_deadline(struct track *t, struct flow *f)
{
  const unsigned orig = flow_first((const struct flow_head *)f);
  const struct flow_trouble *r = track_has_trouble(t, f);
  if ((f->side[orig].bits & (SIDE_ZERO | SIDE_HELD)) != SIDE_ZERO || !r || !r->asked[orig] ||
      !t->observe || (f->life_bits & LIFE_OVER))
    return ESTAB_NEVER;
  return u64_sum(r->shut_ns[orig], t->settings.thresholds.zero_window_ns);
}

void measure_hold_due(struct track *t, struct flow *f, uint64_t now_ns)
{
  if (measure_hold_deadline(t, f) > now_ns) return;
  f->side[flow_first((const struct flow_head *)f)].bits |= SIDE_HELD;
  const struct observe_suspicion held = {.what = SUSPECT_ZERO_WINDOW};
  observe_suspect(t, f, NULL, &held);
}

static void measure_dup_ack(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (g->text_bytes || (g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST)) ||
      !(g->flags & ESTAB_TCP_ACK) || !(s->bits & SIDE_ACKED) || g->ack != s->una ||
      !(peer->bits & SIDE_KNOWN) || !seq_gt(peer->nxt, s->una))
    return;
  if (g->ack + ((uint32_t)g->window << side_wscale(s, peer)) != s->edge) return; // a window update
  if ((s->bits & SIDE_ZERO) && !g->window) return;                               // answers a probe
  struct flow_trouble *r = track_trouble(t, f);
  if (r) r->side[g->end].dup_acks++;
}

void measure_segment(struct track *t, struct flow *f, const struct segment *g)
{
  if (g->bits & SEGMENT_BAD) return;
  bool again = g->text_bytes && measure_text(t, f, g);
  measure_rtt(t, f, g, again);
  measure_dup_ack(t, f, g);
  measure_window(t, f, g);
  measure_hold(t, f, g);
}
