// SPDX-License-Identifier: BSD-2-Clause
// record.c - rows.
#include "watch/record.h"

#include "base/bytes.h"
#include "watch/history.h"
#include "watch/life.h"
#include "watch/measure.h"
#include "watch/timeline.h"
#include "watch/uid.h"
#include "watch/zeek.h"

void record_uid(const struct track *t, const struct flow_head *f, uint64_t ts_ns, uint64_t apart,
                struct estab_watch_uid *out)
{
  if (t->settings.key_vlan)
    apart |= (uint64_t)(f->vlan & 0xffffff) << 40; // no run has as many packets
  uid_make(ts_ns, f->ip, f->port, f->tunnel_id, t->sensor_hash, apart, out);
}

void record_life_uid(const struct track *t, const struct flow *f, struct estab_watch_uid *out)
{
  record_uid(t, (const struct flow_head *)f, f->life_ns, 0, out);
}

// What went wrong on the way of this side's text. Here and below every field is written by itself: emptying the whole
// record first costs as much again.
static void record_troubles(const struct flow *f, const struct flow_trouble *r, unsigned end,
                            struct estab_watch_side_record *out)
{
  if (!r) {
    out->retransmitted_bytes = out->retransmitted_pkts = out->spurious_pkts = 0;
    out->reordered_pkts = out->dup_acks = out->zero_windows = out->zero_window_ns = 0;
    return;
  }
  out->retransmitted_bytes = r->side[end].retransmitted_bytes;
  out->retransmitted_pkts = r->side[end].retransmitted_pkts;
  out->spurious_pkts = r->side[end].spurious_pkts;
  out->reordered_pkts = r->side[end].reordered_pkts;
  out->dup_acks = r->side[end].dup_acks;
  out->zero_windows = r->side[end].zero_windows;
  out->zero_window_ns = r->side[end].zero_window_ns;
  if ((f->side[end].bits & SIDE_ZERO) && f->last_ns > r->side[end].zero_since_ns)
    out->zero_window_ns += f->last_ns - r->side[end].zero_since_ns;
}

static __attribute__((noinline)) void // twice in a row: the second time from the instruction cache
record_side(const struct flow *f, const struct flow_trouble *r, unsigned end,
            struct estab_watch_side_record *out)
{
  const struct flow_side *s = &f->side[end];
  out->bytes = zeek_bytes(f, end);
  out->pkts = s->pkts;
  out->ip_bytes = s->ip_bytes;
  out->frame_bytes = s->frame_bytes;
  out->state = s->state;
  out->state_seen = s->bits & SIDE_SEEN;
  out->has_mss = s->mss != 0;
  out->mss = s->mss;
  out->has_window_scale = ((s->bits & SIDE_SYN) != 0) & side_has_wscale(s);
  out->window_scale = out->has_window_scale ? s->wscale : 0;
  out->flags = s->flags;
  out->first_flags = s->first_flags;
  out->sent = s->bits & SIDE_SENT;
  out->steps_lost = f->steps_lost;
  record_troubles(f, r, end, out);
}

static uint8_t record_who(const struct flow *f, uint8_t who)
{
  unsigned orig = flow_orig((const struct flow_head *)f);
  switch ((enum flow_who)who) {
  case FLOW_WHO_0:
  case FLOW_WHO_1: return who == orig ? ESTAB_WATCH_BY_ORIG : ESTAB_WATCH_BY_RESP;
  case FLOW_WHO_BOTH: return ESTAB_WATCH_BY_BOTH;
  case FLOW_WHO_NONE: return ESTAB_WATCH_BY_NONE;
  case FLOW_WHO_UNKNOWN: break;
  }
  return ESTAB_WATCH_BY_UNKNOWN;
}

static uint64_t record_rtt(uint32_t units)
{
  return units ? (uint64_t)units * FLOW_RTT_NS : ESTAB_WATCH_TIME_NONE;
}

static void record_opened(const struct flow *f, struct estab_watch_conn *out)
{
  unsigned orig = flow_orig((const struct flow_head *)f);
  if (f->opened_by != FLOW_WHO_UNKNOWN) {
    out->opened_by = record_who(f, f->opened_by);
    out->opened_by_basis = f->opened_basis;
    return;
  }
  // No SYN: by a likely server's port, else by who spoke first.
  bool s0 = zeek_likely_server(f->port[orig]), s1 = zeek_likely_server(f->port[1 - orig]);
  out->opened_by = s0 && !s1 ? ESTAB_WATCH_BY_RESP : ESTAB_WATCH_BY_ORIG;
  out->opened_by_basis = s0 != s1 ? ESTAB_WATCH_BASIS_PORT : ESTAB_WATCH_BASIS_ORDER;
}

// The system lost packets between two of its own, or since its last one: while it was open or just then.
static bool record_loss(const struct track *t, const struct flow *f)
{
  if (f->bits & FLOW_LOSS) return true;
  return t->loss_ns > f->last_ns && (f->last_ns >= t->loss_from_ns || life_class(f) != FLOW_DONE);
}

static void record_history(struct track *t, struct flow *f)
{
  memcpy(t->history, f->history, FLOW_HISTORY);
  for (unsigned i = FLOW_HISTORY; i < f->history_count; i++)
    t->history[i] = history_at(t, f, i);
  t->history[f->history_count] = 0;
}

static void record_limits(const struct flow_trouble *r, struct estab_watch_conn *out)
{
  if (r && !r->limits_told) r = NULL;
  out->limited_receiver_window_ns = r ? r->limited_ns[0] : 0;
  out->limited_sender_or_path_ns = r ? r->limited_ns[1] : 0;
  out->limited_loss_ns = r ? r->limited_ns[2] : 0;
  out->limited_idle_ns = r ? r->limited_ns[3] : 0;
}

// When a row began that is not its life's first, and what it is called.
static void record_again(struct track *t, struct flow *f, const struct flow_closing *c,
                         struct estab_watch_conn *out)
{
  // Where the clock is coarse the row may begin with the one before: then its packet tells them apart. Names from
  // before later rows were thought of are kept: in the life's first nanosecond the packet is a part of the time.
  const uint64_t packet = c->row_twin ? c->row_packet - f->life_packet : 0;
  const bool first = c->row_ns == f->life_ns;
  record_uid(t, (struct flow_head *)f, c->row_ns + (first ? packet : 0), first ? 0 : packet,
             &out->uid);
  out->ts_ns = c->row_ns;
  out->first_packet = c->row_packet;
}

// When the row and its life began, how long it was, and what they are called.
static void record_begin(struct track *t, struct flow *f, const struct flow_closing *c,
                         struct estab_watch_conn *out)
{
  record_life_uid(t, f, &out->life);
  out->uid = out->life;
  out->ts_ns = f->life_ns;
  out->first_packet = f->life_packet;
  if (c && (f->bits & FLOW_CONTINUES)) record_again(t, f, c, out);
  // All of the row had wrong checksums where the last packet was before.
  out->last_packet = u64_max(f->last_packet, out->first_packet);
  const uint64_t last_ns = zeek_last_ns(c, f);
  out->has_duration = last_ns > out->ts_ns;
  out->duration_ns = out->has_duration ? last_ns - out->ts_ns : 0;
}

void record_conn(struct track *t, struct flow *f, struct estab_watch_conn *out)
{
  const unsigned orig = flow_orig((struct flow_head *)f);
  const struct flow_closing *c = track_has_closing(t, f);
  const struct flow_trouble *r = track_has_trouble(t, f);
  record_begin(t, f, c, out);
  out->orig_ip = f->ip[orig];
  out->resp_ip = f->ip[1 - orig];
  out->orig_port = f->port[orig];
  out->resp_port = f->port[1 - orig];
  out->vlan[0] = f->vlan & 0xfff;
  out->vlan[1] = f->vlan >> 12 & 0xfff;
  out->tunnel = (uint8_t)((f->vlan & ~FLOW_TEID) >> 24);
  out->tunnel_id = f->tunnel_id;
  out->conn_state = zeek_conn_state(t, f);
  out->history = t->history;
  out->missed_bytes = r ? r->missed_bytes : 0;
  out->final = (f->bits & FLOW_GONE) != 0;
  out->again = false;
  out->evicted = (f->bits & FLOW_EVICTED) != 0;
  out->capture_loss = record_loss(t, f);
  record_opened(f, out);
  out->closed_by = record_who(f, f->closed_by);
  out->next_by = record_who(f, f->next_by ? (uint8_t)(f->next_by - 1) : FLOW_WHO_NONE);
  out->rtt_handshake_ns = measure_handshake_ns(t, f);
  out->rtt_min_ns = measure_least_ns(t, f);
  out->rtt_median_ns = record_rtt(f->rtt_median);
  record_limits(r, out);
  record_history(t, f);
  struct estab_watch_side_record *const side[2] = {&out->side[orig != 0], &out->side[orig == 0]};
  for (unsigned end = 0; end < 2; end++)
    record_side(f, r, end, side[end]);
  struct estab_watch_step *const steps[2] = {t->steps[0], t->steps[1]};
  side[0]->steps = steps[0];
  side[1]->steps = steps[1];
  uint32_t counts[2];
  timeline_read(t, f, steps, counts);
  side[0]->step_count = counts[0];
  side[1]->step_count = counts[1];
}
