// SPDX-License-Identifier: BSD-2-Clause
// record.c - rows.
#include "watch/record.h"

#include "base/bytes.h"
#include "watch/history.h"
#include "watch/life.h"
#include "watch/timeline.h"
#include "watch/uid.h"
#include "watch/zeek.h"

void record_uid(const struct track *t, const struct flow_head *f, uint64_t ts_ns,
                struct estab_watch_uid *out)
{
  uid_make(ts_ns, f->ip, f->port, f->tunnel_id, t->sensor_hash, out);
}

void record_life_uid(const struct track *t, const struct flow *f, struct estab_watch_uid *out)
{
  record_uid(t, (const struct flow_head *)f, f->life_ns, out);
}

static void record_side(struct track *t, struct flow *f, unsigned end,
                        const struct estab_watch_step *steps, uint32_t step_count,
                        struct estab_watch_side_record *out)
{
  const struct flow_side *s = &f->side[end];
  const struct flow_trouble *r = track_has_trouble(t, f);
  *out = (struct estab_watch_side_record){
      .bytes = zeek_bytes(f, end),
      .pkts = s->pkts,
      .ip_bytes = s->ip_bytes,
      .frame_bytes = s->frame_bytes,
      .state = s->state,
      .state_seen = s->bits & SIDE_SEEN,
      .has_mss = s->mss != 0,
      .has_window_scale = (s->bits & SIDE_SYN) && s->wscale != FLOW_WSCALE_NONE,
      .mss = s->mss,
      .flags = s->flags,
      .first_flags = s->first_flags,
      .sent = s->bits & SIDE_SENT,
      .steps = steps,
      .step_count = step_count,
      .steps_lost = f->steps_lost,
  };
  if (out->has_window_scale) out->window_scale = s->wscale;
  if (!r) return;
  out->retransmitted_bytes = r->side[end].retransmitted_bytes;
  out->retransmitted_pkts = r->side[end].retransmitted_pkts;
  out->spurious_pkts = r->side[end].spurious_pkts;
  out->reordered_pkts = r->side[end].reordered_pkts;
  out->dup_acks = r->side[end].dup_acks;
  out->zero_windows = r->side[end].zero_windows;
  out->zero_window_ns = r->side[end].zero_window_ns;
  if ((s->bits & SIDE_ZERO) && f->last_ns > r->side[end].zero_since_ns)
    out->zero_window_ns += f->last_ns - r->side[end].zero_since_ns;
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

// SYN to the ACK of the SYN-ACK, both ways past the tap; not when one was said twice.
static uint64_t record_handshake(struct track *t, struct flow *f)
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

void record_conn(struct track *t, struct flow *f, struct estab_watch_conn *out)
{
  unsigned orig = flow_orig((struct flow_head *)f);
  struct flow_closing *c = track_has_closing(t, f);
  struct flow_trouble *r = track_has_trouble(t, f);
  bool continues = (f->bits & FLOW_CONTINUES) && c;
  *out = (struct estab_watch_conn){
      .ts_ns = continues ? c->row_ns : f->life_ns,
      .first_packet = continues ? c->row_packet : f->life_packet,
      .last_packet = f->last_packet,
      .orig_ip = f->ip[orig],
      .resp_ip = f->ip[1 - orig],
      .orig_port = f->port[orig],
      .resp_port = f->port[1 - orig],
      .vlan = {f->vlan & 0xfff, f->vlan >> 12 & 0xfff},
      .tunnel = (uint8_t)(f->vlan >> 24),
      .tunnel_id = f->tunnel_id,
      .conn_state = zeek_conn_state(t, f),
      .history = t->history,
      .missed_bytes = c ? c->missed_bytes : 0,
      .final = (f->bits & FLOW_GONE) != 0,
      .evicted = (f->bits & FLOW_EVICTED) != 0,
      .capture_loss = record_loss(t, f),
      .closed_by = record_who(f, f->closed_by),
      .rtt_handshake_ns = record_handshake(t, f),
      .rtt_min_ns = record_rtt(f->rtt_min),
      .rtt_median_ns = record_rtt(f->rtt_median),
  };
  record_life_uid(t, f, &out->life);
  out->uid = out->life;
  // Where the clock is coarse the row may begin in its life's first nanosecond: then its packet tells them apart.
  uint64_t apart = continues && c->row_ns == f->life_ns ? c->row_packet - f->life_packet : 0;
  if (continues) record_uid(t, (struct flow_head *)f, c->row_ns + apart, &out->uid);
  if (out->last_packet < out->first_packet)
    out->last_packet = out->first_packet; // all of the row had wrong checksums
  uint64_t last = zeek_last_ns(t, f);
  out->has_duration = last > out->ts_ns;
  out->duration_ns = out->has_duration ? last - out->ts_ns : 0;
  for (unsigned i = 0; i < f->history_count; i++)
    t->history[i] = history_at(t, f, i);
  t->history[f->history_count] = 0;
  record_opened(f, out);
  if (r) {
    out->limited_receiver_window_ns = r->limited_ns[0];
    out->limited_sender_or_path_ns = r->limited_ns[1];
    out->limited_loss_ns = r->limited_ns[2];
    out->limited_idle_ns = r->limited_ns[3];
  }
  struct estab_watch_step *const steps[2] = {t->steps[0], t->steps[1]};
  uint32_t counts[2];
  timeline_read(t, f, steps, counts);
  record_side(t, f, orig, steps[orig], counts[orig], &out->side[ESTAB_WATCH_ORIG]);
  record_side(t, f, 1 - orig, steps[1 - orig], counts[1 - orig], &out->side[ESTAB_WATCH_RESP]);
}
