// SPDX-License-Identifier: BSD-2-Clause
// output.c - choosing the next segment: RST, SYN, retransmission, data, FIN, window update, ACK. The one place that
// makes segments of a full connection.
#include "base/bytes.h"
#include "tcp/fastopen.h"
#include "tcp/pace_out.h"
#include "tcp/segment_out.h"

#define OUTPUT_OVERRIDE_NS                                                                         \
  UINT64_C(200000000) // RFC 9293 3.8.6.2.1: 0.1 to 1 s; also what cork waits at most

#define OUTPUT_BLOCKS_LEAST_MSS 128 // 40 octets of options are a third of it

// Also a reset: behind a closed window, a peer would take one from SND.NXT for a blind one (RFC 5961 3.2).
static TCP_APART int send_rst(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  t->owed = 0;
  c->resets++;
  segment_put_header(t, out, segment_acceptable_seq(t), ESTAB_TCP_RST | ESTAB_TCP_ACK, now_ns);
  if (t->bits & TCB_ACCECN) out->h.flags |= accecn_ace(t);
  out->h.window = 0;
  return segment_finish(c, t, out, now_ns);
}

static TCP_APART int send_syn(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  t->owed &= (uint16_t)~OWED_SYN;
  uint16_t flags = ESTAB_TCP_SYN;
  if (t->state == ESTAB_SYN_RECEIVED) flags |= ESTAB_TCP_ACK;
  flags |= ecn_of_syn(c->settings, t);
  if ((t->bits & TCB_ACCECN) && !(flags & ACCECN_FLAGS)) t->accecn.bits |= ACCECN_NO_ECT;
  segment_put_header(t, out, t->iss, flags, now_ns);
  segment_put_syn_options(c, t, &out->h.options);
  if (t->state == ESTAB_SYN_SENT && c->settings->timestamps)
    segment_put_timestamp(t, &out->h, now_ns);
  out->h.window = window_of_syn(c->settings, t);
  if (flags & ESTAB_TCP_ACK) segment_acknowledges(t);
  out->retransmission = t->snd.nxt != t->iss;
  if (t->bits & TCB_FAST_OPEN) fastopen_put_syn(c, t, out, now_ns);
  if (!out->retransmission) t->snd.nxt = t->iss + 1;
  return segment_finish(c, t, out, now_ns);
}

// [seq, seq_end) on the scoreboard: what was sent before, and behind it what goes along for the first time.
static void send_again(struct tcp *c, struct tcb *t, uint32_t seq, uint32_t seq_end,
                       uint64_t now_ns)
{
  transmit_again(c, t, seq, seq_min(seq_end, t->snd.nxt), now_ns);
  if (seq_le(seq_end, t->snd.nxt)) return;
  transmit_new(c, t, seq_end, now_ns);
  t->snd.nxt = seq_end;
}

// With a peer that speaks SACK: the lowest stretch that is lost, at most a segment of it.
static int send_lost(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  struct board *b = &t->work->board;
  struct board_at at = board_first_lost(b);
  if (board_is_end(b, at)) return 0;
  uint32_t seq = board_start_of(b, at), end = board_record(b, at)->end, pipe = tcb_pipe(t);
  uint32_t fin = (t->bits & TCB_FIN_SENT) && end == t->snd.nxt ? 1u : 0u;
  uint32_t n = u32_min(end - seq - fin, t->snd_mss);
  if (n == 1 && seq == t->snd.una && end == t->snd.nxt && !fin) { // as in send_retransmission()
    n = u32_min(u32_min(t->sendq.bytes, t->snd.wnd), t->snd_mss);
    n = u32_max(n, 1);
  }
  if (t->cc.cwnd_bytes < pipe + n && pipe > 0) {
    t->work->window_full = true;
    return 0;
  }
  if (!pace_out_again(t, seq, n, now_ns)) return TCP_OUTPUT_LATER;
  segment_begin(c, t, out, seq, now_ns);
  uint32_t got = segment_attach_text(t, out, seq, n);
  pace_out_count(t, got, now_ns);
  if (fin && seq + got + 1 == end) out->h.flags |= ESTAB_TCP_FIN;
  segment_mark_text(t, out);
  uint32_t seq_end = seq + got + ((out->h.flags & ESTAB_TCP_FIN) ? 1u : 0u);
  send_again(c, t, seq, seq_end, now_ns);
  out->retransmission = true;
  return segment_finish(c, t, out, now_ns);
}

// One segment from t->rtx_nxt, with our FIN if it is reached.
static TCP_APART int send_retransmission(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                         uint64_t now_ns)
{
  bool loss = t->bits & TCB_LOSS_RECOVERY;
  uint32_t seq = t->rtx_nxt;
  uint32_t fin = (t->bits & TCB_FIN_SENT) ? 1u : 0u;
  uint32_t text = t->snd.nxt - fin - seq; // octets in flight from there on
  if (!(t->owed & OWED_RETRANSMIT)) return 0;
  if (seq_ge(seq, t->snd.nxt) ||
      (loss && seq != t->snd.una && seq - t->snd.una + t->snd_mss > t->cc.cwnd_bytes)) {
    t->owed &= (uint16_t)~OWED_RETRANSMIT;
    return 0;
  }
  if (!pace_out_again(t, seq, u32_min(text, t->snd_mss), now_ns)) return TCP_OUTPUT_LATER;
  segment_begin(c, t, out, seq, now_ns);
  if (!fin && text == 1 &&
      seq == t->snd.una) { // what a probe carried takes along what the window now has room for
    text = u32_min(u32_min(t->sendq.bytes, t->snd.wnd), t->snd_mss);
    text = u32_max(text, 1);
  }
  uint32_t got = segment_attach_text(t, out, seq, u32_min(text, t->snd_mss));
  pace_out_count(t, got, now_ns);
  if (fin && got == text) out->h.flags |= ESTAB_TCP_FIN;
  segment_mark_text(t, out);
  t->rtx_nxt = seq + got + ((out->h.flags & ESTAB_TCP_FIN) ? 1u : 0u);
  send_again(c, t, seq, t->rtx_nxt, now_ns);
  if (!loss || seq_ge(t->rtx_nxt, t->recover)) t->owed &= (uint16_t)~OWED_RETRANSMIT;
  out->retransmission = true;
  return segment_finish(c, t, out, now_ns);
}

// Octets that may leave now: inside the peer's window and the congestion window, RFC 5681 3.1; RFC 3042's limited
// transmit adds a segment for each of the first two duplicate ACKs.
static uint32_t usable_window(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  uint32_t cwnd = t->cc.cwnd_bytes;
  if (tcb_speaks_sack(t)) { // what the peer has, and what was lost, makes room for as much
    if (t->owed & OWED_LOSS_PROBE) cwnd += t->snd_mss + tcb_pipe(t);
    uint32_t pipe = tcb_pipe(t), edge = t->snd.una + t->snd.wnd;
    uint32_t room = seq_gt(edge, t->snd.nxt) ? edge - t->snd.nxt : 0;
    uint32_t usable = cwnd > pipe ? u32_min(cwnd - pipe, room) : 0;
    return work_is_paced(t->work) ? pace_out_window(t, usable, now_ns) : usable;
  }
  if (c->settings->limited_transmit && !(t->bits & (TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY)))
    cwnd += u32_min(t->duplicate_acks, 2) * t->snd_mss;
  uint32_t wnd = u32_min(cwnd, t->snd.wnd);
  uint32_t flight = tcb_flight(t), usable = wnd > flight ? wnd - flight : 0;
  return t->work && work_is_paced(t->work) ? pace_out_window(t, usable, now_ns) : usable;
}

// RFC 9293 3.8.6.2.1 with 3.7.4: may `n` octets leave although they fill no segment?
static bool small_segment_may_leave(const struct tcb *t, uint32_t n, uint32_t queued)
{
  if (t->bits & TCB_OVERRIDE) return true;
  if ((t->bits & TCB_URGENT_OUT) && seq_gt(t->snd.up, t->snd.nxt))
    return true;                                          // urgent octets do not wait
  if (n >= t->snd.max_wnd / 2 && n < queued) return true; // (3): half of the largest window
  if (n < queued) return false;
  if (t->bits & TCB_CLOSE_CALLED) return true; // the last of all
  if (t->bits & TCB_CORK) return false;
  return !(t->bits & TCB_NAGLE) || t->snd.una == t->snd.nxt; // (2)
}

static void enter_after_fin(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->state == ESTAB_CLOSE_WAIT) tcb_enter(c, t, ESTAB_LAST_ACK, "our FIN is sent", now_ns);
}

// The first n of `queued` octets that were never sent, and behind the last of them our FIN if CLOSE was called: nothing
// keeps them from leaving.
static inline __attribute__((always_inline)) int send_stretch_inline(struct tcp *c, struct tcb *t,
                                                                     struct tcp_out *out,
                                                                     uint32_t n, uint32_t queued,
                                                                     uint64_t now_ns)
{
  segment_begin_inline(c, t, out, t->snd.nxt, now_ns);
  uint32_t got = n > 0 ? segment_attach_text(t, out, t->snd.nxt, n) : 0;
  segment_mark_text(t, out);
  ecn_mark_text(t, out);
  t->bits &= ~(uint32_t)TCB_OVERRIDE;
  bool last = (t->bits & TCB_CLOSE_CALLED) && got == queued && t->snd.wnd > tcb_flight(t) + got;
  uint32_t seq_end = t->snd.nxt + got + (last ? 1u : 0u);
  transmit_new(c, t, seq_end, now_ns);
  t->snd.nxt = seq_end;
  if (t->unsent_marked) tcp_send_room_came(c, t);
  if (last) {
    out->h.flags |= ESTAB_TCP_FIN;
    t->bits |= TCB_FIN_SENT;
  }
  segment_finish(c, t, out, now_ns);
  if (last) enter_after_fin(c, t, now_ns);
  return 1;
}

// The same for those who have looked at more before.
static __attribute__((noinline)) int send_stretch(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                                  uint32_t n, uint32_t queued, uint64_t now_ns)
{
  return send_stretch_inline(c, t, out, n, queued, now_ns);
}

// RFC 5681 4.1: after a pause the congestion window is the initial one at most, or as large as it was (RFC 7661).
static inline void restart_if_idle(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->snd.una == t->snd.nxt && now_ns - t->last_send_ns > t->rtt.rto_ns)
    cwv_restart(c, t, now_ns);
}

// A segment larger than the usual, where the search for the path's MTU wants one. False: send as usual; true with
// *sent = 0: wait until the windows have room for it.
static TCP_APART bool send_mtu_probe(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                     uint32_t queued, int *sent, uint64_t now_ns)
{
  const uint32_t n = plpmtud_wants(c, t, queued, now_ns), pipe = n ? tcb_pipe(t) : 0;
  if (n == 0) return false;
  *sent = 0;
  if (t->cc.cwnd_bytes < pipe + n || seq_gt(t->snd.nxt + n, t->snd.una + t->snd.wnd)) {
    t->work->window_full = true;
    return true;
  }
  const uint16_t mss = t->snd_mss;
  const uint32_t seq = t->snd.nxt;
  segment_begin(c, t, out, seq, now_ns);
  t->snd_mss = (uint16_t)n; // one segment
  const uint32_t got = segment_attach_text(t, out, seq, n);
  t->snd_mss = mss;
  segment_mark_text(t, out);
  ecn_mark_text(t, out);
  transmit_new(c, t, seq + got, now_ns);
  if (work_is_paced(t->work)) pace_out_settle(t);
  t->snd.nxt = seq + got;
  if (work_is_paced(t->work)) {
    pace_sent(&t->work->pace, work_pacing_rate(t->work), got, now_ns);
    t->work->pace.seq = t->snd.nxt;
  }
  plpmtud_sent(t, seq, got);
  segment_finish(c, t, out, now_ns);
  *sent = 1;
  return true;
}

// queued: octets that were never sent; 0: only the FIN.
static int send_new(struct tcp *c, struct tcb *t, struct tcp_out *out, uint32_t queued,
                    uint64_t now_ns)
{
  // One segment alone needs no scoreboard. Without memory: NewReno, and asked again with the next segment.
  if (!t->work && (t->snd.una != t->snd.nxt || queued > t->snd_mss)) (void)work_take(c, t, now_ns);
  restart_if_idle(c, t, now_ns);
  uint32_t usable = usable_window(c, t, now_ns);
  int probe;
  if (t->mtu_search && usable > 0 && send_mtu_probe(c, t, out, queued, &probe, now_ns))
    return probe;
  // What says CWR says it once: not in each segment that a device cuts from a larger one.
  uint32_t most = ecn_rides_alone(t) ? t->snd_mss : u32_max(t->snd_mss, t->path->gso_max_bytes);
  uint32_t n = u32_min(u32_min(queued, usable), most);
  if (n > t->snd_mss && n < queued) n -= n % t->snd_mss;
  if (n < t->snd_mss && !(n == 0 && queued == 0) &&
      (n == 0 || !small_segment_may_leave(t, n, queued))) {
    if (t->work && work_is_paced(t->work) && t->work->pace.holds) return TCP_OUTPUT_LATER;
    if (t->work && usable < u32_min(queued, t->snd_mss)) t->work->window_full = true;
    if (t->snd.una == t->snd.nxt && retransmit_is_off(t)) {
      t->bits |= TCB_PERSIST;
      t->timer_use = TIMER_USE_TIMEOUT;
      t->at[TIMER_RETRANSMIT] = now_ns + (t->snd.wnd == 0 ? t->rtt.rto_ns : OUTPUT_OVERRIDE_NS);
    }
    return 0;
  }
  if (n == 0 && t->snd.wnd <= tcb_flight(t)) { // a FIN alone needs a place in the window, too
    retransmit_arm(c, t, now_ns);
    return 0;
  }
  return send_stretch(c, t, out, n, queued, now_ns);
}

// New data, and FIN behind the last of it.
static inline int send_data(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  if (t->bits & TCB_FIN_SENT) return 0;
  uint32_t queued = t->sendq.bytes - tcb_flight(t);
  if (queued == 0 && !(t->bits & TCB_CLOSE_CALLED)) return 0;
  return send_new(c, t, out, queued, now_ns);
}

// RFC 9293 3.8.6.1 [MUST-36]: one octet, or the FIN, into the closed window; the same one again later.
static TCP_APART int send_probe(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  t->owed &= (uint16_t)~OWED_PROBE;
  uint32_t seq = t->snd.una;
  bool again = t->snd.nxt != t->snd.una;
  uint32_t text = tcb_queue_end(t) - seq;
  if (text == 0 && !(t->bits & TCB_CLOSE_CALLED)) return 0;
  segment_begin(c, t, out, seq, now_ns);
  if (text > 0) {
    segment_attach_text(t, out, seq, 1);
  } else {
    out->h.flags |= ESTAB_TCP_FIN;
    t->bits |= TCB_FIN_SENT;
  }
  if (!again) {
    transmit_new(c, t, seq + 1, now_ns);
    t->snd.nxt = seq + 1;
  }
  segment_mark_text(t, out);
  out->retransmission = again;
  int done = segment_finish(c, t, out, now_ns);
  if (out->h.flags & ESTAB_TCP_FIN) enter_after_fin(c, t, now_ns);
  return done;
}

// RFC 8985 7.3: new data if there is any and the peer has room for it, otherwise the last segment once more. Both may
// exceed the congestion window.
static TCP_APART int send_loss_probe(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                     uint64_t now_ns)
{
  struct tlp *p = &t->work->tlp;
  bool fresh = send_data(c, t, out, now_ns) > 0;
  t->owed &= (uint16_t)~OWED_LOSS_PROBE;
  if (!fresh) {
    uint32_t fin = (t->bits & TCB_FIN_SENT) ? 1u : 0u;
    uint32_t n = u32_min(tcb_flight(t) - fin, t->snd_mss);
    uint32_t seq = t->snd.nxt - fin - n;
    if (n + fin == 0) return 0;
    segment_begin(c, t, out, seq, now_ns);
    uint32_t got = segment_attach_text(t, out, seq, n);
    pace_out_count(t, got, now_ns);
    if (fin && got == n) out->h.flags |= ESTAB_TCP_FIN;
    segment_mark_text(t, out);
    transmit_again(c, t, seq, seq + got + ((out->h.flags & ESTAB_TCP_FIN) ? 1u : 0u), now_ns);
    out->retransmission = true;
  }
  p->outstanding = p->needs_sample = true;
  p->is_retrans = !fresh;
  p->end_seq = t->snd.nxt;
  return fresh ? 1 : segment_finish(c, t, out, now_ns);
}

static int send_ack(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  uint32_t seq = segment_acceptable_seq(t);
  if (t->owed & OWED_KEEPALIVE) { // RFC 9293 3.8.4: an old octet's place, so that the peer answers
    t->owed &= (uint16_t)~OWED_KEEPALIVE;
    seq = t->snd.una - 1;
  }
  segment_begin_inline(c, t, out, seq, now_ns);
  segment_mark_text(t, out);
  return segment_finish(c, t, out, now_ns);
}

// RFC 6675's NextSeg() by RACK's word for what is lost; new data only when all of it was sent again, but for the two
// segments by which F-RTO finds out whether anything is.
static int send_by_board(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  struct work *w = t->work;
  if (t->owed & OWED_LOSS_PROBE) return send_loss_probe(c, t, out, now_ns);
  if (w->undo.frto_segments > 0 && w->undo.frto == FRTO_NEW) {
    w->undo.frto_segments--;
    t->owed |= OWED_LOSS_PROBE; // cwnd does not hold it back
    int sent = send_data(c, t, out, now_ns);
    t->owed &= (uint16_t)~OWED_LOSS_PROBE;
    if (sent) return 1;
    w->undo.frto_segments = 0;
  }
  if (w->board.lost_bytes > 0) return send_lost(c, t, out, now_ns);
  return send_data(c, t, out, now_ns);
}

static int send_by_count(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  int again = (t->owed & OWED_RETRANSMIT) ? send_retransmission(c, t, out, now_ns) : 0;
  if (again) return again;
  if ((t->bits & TCB_LOSS_RECOVERY) && seq_lt(t->rtx_nxt, t->recover)) return 0;
  return send_data(c, t, out, now_ns);
}

// After the handshake, with neither SYN nor RST owed. Out of line, so that tcp_output() saves no registers.
static __attribute__((noinline)) int send_synchronized(struct tcp *c, struct tcb *t,
                                                       struct tcp_out *out, uint64_t now_ns)
{
  if ((t->owed & OWED_PROBE) && send_probe(c, t, out, now_ns)) return 1;
  int sent =
      tcb_speaks_sack(t) ? send_by_board(c, t, out, now_ns) : send_by_count(c, t, out, now_ns);
  if (sent > 0) return sent;
  if (t->owed & (OWED_ACK | OWED_CHALLENGE | OWED_WINDOW | OWED_KEEPALIVE))
    return send_ack(c, t, out, now_ns);
  return sent;
}

// The ACK of a SYN-ACK tells how that came, without text and blocks (RFC 9768 3.2.2.1).
static TCP_APART int send_handshake_ack(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                        uint64_t now_ns)
{
  const uint32_t blocks = t->bits & TCB_BLOCKS;
  t->bits &= ~(uint32_t)TCB_BLOCKS;
  (void)accecn_plan(c, t, 0);
  int sent = send_ack(c, t, out, now_ns);
  t->bits |= blocks;
  return sent;
}

// With blocks and counters among the options, segments hold so much less text [RFC 6691 M1]. Of small ones little would
// be left (ATTACKS P3): there they go with ACKs alone.
static TCP_APART int send_with_options(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                       uint64_t now_ns)
{
  const uint16_t mss = t->snd_mss;
  uint32_t blocks = 0;
  if (t->bits & TCB_BLOCKS) blocks = t->out_of_order.count + ((t->bits & TCB_DSACK) ? 1u : 0u);
  uint32_t octets = (t->bits & TCB_ACCECN) ? accecn_plan(c, t, blocks) : 0;
  blocks = u32_min(blocks, segment_sack_most(t));
  if (blocks > 0) octets += 4u + 8u * blocks;
  const bool small = octets > 0 && mss < OUTPUT_BLOCKS_LEAST_MSS;
  if (small && (t->owed & OWED_ACK) && (t->bits & TCB_SYN_ACKED))
    return send_ack(c, t, out, now_ns);
  if ((blocks == 0 && !t->uto_owed) || small) t->bits &= ~(uint32_t)TCB_BLOCKS;
  if (small) t->accecn.bits &= ~(uint32_t)ACCECN_PUT;
  if (small) octets = 0;
  if (t->uto_owed) octets += 4;
  t->snd_mss = (uint16_t)(mss > octets + 8u ? mss - octets : u32_min(mss, 8));
  int sent = send_synchronized(c, t, out, now_ns);
  t->snd_mss = mss;
  if (small && blocks > 0) t->bits |= TCB_BLOCKS; // still owed
  return sent;
}

// RFC 7413 4.2.2: a server's text before the ACK of its SYN-ACK, as far as the windows reach. Without a work block, and
// nothing of it is sent again before that ACK.
static TCP_APART int send_before_ack(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                     uint64_t now_ns)
{
  if (!fastopen_text_waits(t)) return 0;
  const uint32_t flight = t->snd.nxt - (t->iss + 1), queued = t->sendq.bytes - flight;
  const uint32_t wnd = u32_min(t->cc.cwnd_bytes, t->snd.wnd);
  const uint32_t usable = wnd > flight ? wnd - flight : 0;
  const uint32_t mss = t->snd_mss - ((t->bits & TCB_BLOCKS) ? 4u : 0u); // RFC 5482's option
  uint32_t n = u32_min(u32_min(queued, usable), mss);
  const bool waits = n < queued || (t->bits & (TCB_NAGLE | TCB_CLOSE_CALLED)) == TCB_NAGLE;
  if (n == 0 || (n < mss && ((flight > 0 && waits) || (t->bits & TCB_CORK)))) return 0;
  segment_begin(c, t, out, t->snd.nxt, now_ns);
  t->snd.una++; // the queue begins behind our SYN
  n = segment_attach_text(t, out, t->snd.nxt, n);
  t->snd.una--;
  segment_mark_text(t, out);
  t->snd.nxt += n;
  return segment_finish(c, t, out, now_ns);
}

static TCP_APART int output_rarely(struct tcp *c, struct tcb *t, struct tcp_out *out,
                                   uint64_t now_ns)
{
  if (t->owed & OWED_RST) return send_rst(c, t, out, now_ns);
  if (t->state == ESTAB_CLOSED) return 0;
  if (t->path_generation != t->path->generation) tcb_update_mss(c, t);
  if (t->owed & OWED_SYN) return send_syn(c, t, out, now_ns);
  if (t->bits & TCB_SYN_ACKED) {
    const bool accurate = t->bits & TCB_ACCECN;
    if (accurate && (t->accecn.bits & ACCECN_HANDSHAKE) && (t->owed & OWED_ACK))
      return send_handshake_ack(c, t, out, now_ns);
    if (accurate || (t->bits & (TCB_BLOCKS | TCB_FAST_OPEN)) == TCB_BLOCKS)
      return send_with_options(c, t, out, now_ns);
    return send_synchronized(c, t, out, now_ns);
  }
  if (t->state == ESTAB_SYN_SENT) return 0;
  if ((t->bits & TCB_FAST_OPEN) && send_before_ack(c, t, out, now_ns)) return 1;
  if (t->owed & (OWED_ACK | OWED_CHALLENGE | OWED_WINDOW | OWED_KEEPALIVE))
    return send_ack(c, t, out, now_ns);
  return 0;
}

// With nothing in flight: an ACK alone, or all that is queued in one segment that no rule of send_new() could hold
// back, as its windows are open and Nagle's algorithm asks only behind what is in flight. A request, an answer, the
// FIN. 0: it is not as simple.
static inline int send_at_rest(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  const uint32_t odd = TCB_CORK | TCB_LOSS_RECOVERY | TCB_FAST_RECOVERY | TCB_URGENT_OUT | TCB_CWR;
  const uint32_t queued = t->sendq.bytes;
  if (t->work || t->snd.una != t->snd.nxt || (t->bits & odd) ||
      (t->owed & ~(OWED_ACK | OWED_WINDOW)))
    return 0;
  if (queued == 0 && (t->bits & (TCB_CLOSE_CALLED | TCB_FIN_SENT)) != TCB_CLOSE_CALLED)
    return (t->owed & (OWED_ACK | OWED_WINDOW)) ? send_ack(c, t, out, now_ns) : 0;
  if (queued > t->snd_mss) return 0;
  restart_if_idle(c, t, now_ns);
  if (queued >= u32_min(t->snd.wnd, t->cc.cwnd_bytes)) return 0;
  return send_stretch_inline(c, t, out, queued, queued, now_ns);
}

int tcp_output(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  bool plain = (t->bits & (TCB_SYN_ACKED | TCB_BLOCKS | TCB_ACCECN)) == TCB_SYN_ACKED &&
               !(t->owed & (OWED_RST | OWED_SYN)) && t->state != ESTAB_CLOSED &&
               t->path_generation == t->path->generation;
  if (!plain) return output_rarely(c, t, out, now_ns);
  int sent = send_at_rest(c, t, out, now_ns);
  return sent ? sent : send_synchronized(c, t, out, now_ns);
}

static inline void start_user_timeout(struct tcb *t, uint64_t now_ns)
{
  if (t->at[TIMER_USER] == ESTAB_NEVER && t->user_timeout_ms)
    t->at[TIMER_USER] = now_ns + (uint64_t)t->user_timeout_ms * 1000000u;
}

static __attribute__((noinline)) void text_sent_while_busy(struct tcp *c, struct tcb *t,
                                                           uint32_t seq, bool retransmission,
                                                           uint64_t now_ns)
{
  if (!retransmission && !(t->bits & TCB_RTT_TIMED)) {
    retransmit_arm_due(c, t);
    t->bits |= TCB_RTT_TIMED;
    t->rtt_seq = seq;
    t->rtt_start_ns = now_ns;
  }
  if (t->snd.una != t->snd.nxt) start_user_timeout(t, now_ns);
  // RFC 6298 5.1: started with the first octet; a running timer runs on, but in recovery it starts anew with each
  // retransmission (RFC 6298 5.6 after a timeout has set it already).
  if (retransmit_is_off(t) || (t->bits & TCB_PERSIST))
    retransmit_arm(c, t, now_ns);
  else if (t->work && t->work->probe_since_ns != now_ns && t->timer_use != TIMER_USE_REORDER &&
           tcb_speaks_sack(t))
    recovery_arm(c, t, ESTAB_NEVER, now_ns); // a loss probe counts from the latest segment
}

void tcp_text_sent(struct tcp *c, struct tcb *t, uint32_t seq, bool retransmission, uint64_t now_ns)
{
  // A request or an answer with nothing else in flight: the first octet, and the one that is timed.
  if (t->work || retransmission || t->at[TIMER_RETRANSMIT] != ESTAB_NEVER ||
      (t->bits & (TCB_RTT_TIMED | TCB_PERSIST)) || t->snd.wnd == 0 || t->snd.una == t->snd.nxt) {
    text_sent_while_busy(c, t, seq, retransmission, now_ns);
    return;
  }
  t->bits |= TCB_RTT_TIMED;
  t->rtt_seq = seq;
  t->rtt_start_ns = now_ns;
  start_user_timeout(t, now_ns);
  retransmit_arm_later(t);
}
