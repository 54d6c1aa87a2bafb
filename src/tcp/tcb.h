// SPDX-License-Identifier: BSD-2-Clause
// tcb.h - the Transmission Control Block (RFC 9293 3.3.1) and the doors of the tcp room.
//
// Theory of operation. The stack finds the connection of a segment and calls tcp_segment_arrives(); the
// user's calls land in tcp_*_call(); the clock in tcp_timeouts(). None of them sends: they change the
// TCB and write down what is owed (enum owed). tcp_output() then gives one segment at a time, choosing in
// the order RST, SYN, retransmission, data, FIN, window update, ACK. What the user must hear goes into
// t->pending, one bit an event. When t->state is CLOSED the stack takes the TCB out of its tables.
#ifndef ESTAB_TCP_TCB_H
#define ESTAB_TCP_TCB_H

#include "base/block.h"
#include "base/fifo.h"
#include "base/mem.h"
#include "base/ranges.h"
#include "base/recvq.h"
#include "base/sendq.h"
#include "base/tuple.h"
#include "base/wheel.h"
#include "estab/estab.h"
#include "proto/path.h"
#include "proto/rtt.h"
#include "proto/seg_state.h"
#include "proto/seq.h"
#include "proto/state.h"
#include "tcp/accecn.h"
#include "tcp/cc.h"
#include "tcp/cc_own.h"
#include "tcp/cookies.h"
#include "tcp/work.h"

// Of functions for what is rare: out of line, so that who calls them saves no registers for it.
#define TCP_APART __attribute__((cold, noinline))

// What every function of the room may use besides a TCB. One a stack.
struct tcp {
  const struct estab_settings *settings;
  struct mem *mem;
  struct block_pool *blocks;
  uint64_t isn_key[2]; // SipHash key of RFC 6528, and of the flow table
  uint64_t ts_key[2];  // SipHash key of the timestamp offsets, RFC 7323 7.1
  uint64_t retransmissions, challenge_acks, resets; // sent by connections
  uint64_t *drops;                                  // counters by enum estab_drop
  struct work *spare_work;                          // at most WORK_SPARES blocks that nobody uses
  uint32_t spare_works;
  struct cc_own *own_ccs; // plugged in by the user, the latest first
  struct cookies cookies; // of Fast Open
};

enum owed {
  OWED_ACK = 1u << 0,        // an ACK, now
  OWED_CHALLENGE = 1u << 1,  // the same, counted as a challenge
  OWED_RST = 1u << 2,        // <SEQ=SND.NXT><CTL=RST>: the connection is over
  OWED_SYN = 1u << 3,        // our SYN or SYN-ACK, first or again
  OWED_RETRANSMIT = 1u << 4, // the first segment from t->rtx_nxt
  OWED_PROBE = 1u << 5,      // one octet into a closed window, RFC 9293 3.8.6.1
  OWED_KEEPALIVE = 1u << 6,  // RFC 9293 3.8.4
  OWED_WINDOW = 1u << 7,     // the window opened enough to tell, RFC 9293 3.8.6.2.2
  OWED_LOSS_PROBE = 1u << 8, // RFC 8985 7.3
};

enum tcb_bits {
  TCB_CLOSE_CALLED = 1u << 0, // FIN follows the queued data
  TCB_FIN_SENT = 1u << 1,     // SND.NXT counts our FIN
  TCB_FIN_KNOWN = 1u << 2,    // t->fin_seq is where the peer's stream ends
  TCB_FIN_TAKEN = 1u << 3,    // RCV.NXT counts the peer's FIN
  TCB_RELEASED = 1u << 4,     // the user's handle is gone
  TCB_RECV_SHUT = 1u << 5,    // the user reads no more
  TCB_NAGLE = 1u << 6,
  TCB_CORK = 1u << 7,
  TCB_RTT_TIMED = 1u << 8,      // t->rtt_seq is being timed
  TCB_PERSIST = 1u << 9,        // the retransmission timer runs as persist timer
  TCB_FAST_RECOVERY = 1u << 10, // RFC 6582 or RFC 9937, until t->recover
  TCB_LOSS_RECOVERY = 1u << 11, // after a timeout, until t->recover
  TCB_URGENT_OUT = 1u << 12,    // SND.UP is ahead of SND.UNA
  TCB_URGENT_IN = 1u << 13,     // RCV.UP is ahead of what the user has read
  TCB_PUSHED = 1u << 14,        // t->rcv_push counts
  TCB_DSACK = 1u << 15,         // t->dsack is owed, RFC 2883
  TCB_OVERRIDE = 1u << 16,      // the SWS override timer went off: send what there is
  TCB_READ_ARMED = 1u << 17,    // raise READABLE at the next octet
  TCB_WRITE_ARMED = 1u << 18,   // raise WRITABLE when there is room
  TCB_IN_TABLE = 1u << 19,      // the stack's: findable by its tuple
  TCB_ACCEPT_QUEUED = 1u << 20, // the stack's: waits for estab_accept()
  TCB_ON_EVENTS = 1u << 21,     // the stack's: on the event list
  TCB_ON_READY = 1u << 22,      // the stack's: on the ready list
  TCB_PARKED = 1u << 23,        // the stack's: waits for its neighbour
  TCB_SYN_ACKED = 1u << 24,     // SND.UNA is past our SYN
  TCB_SEND_FIXED = 1u << 25,    // the user has said how large the send buffer is
  TCB_RECV_FIXED = 1u << 26,    // and the receive buffer
  TCB_ECE = 1u << 27,           // a mark is echoed until the peer says CWR, RFC 3168 6.1.3
  TCB_CWR = 1u << 28,           // the next new text says CWR, RFC 3168 6.1.2
  TCB_BLOCKS = 1u << 29,    // SACK blocks may be owed, for a hole or a duplicate; or see uto_owed
  TCB_FAST_OPEN = 1u << 30, // a handshake with Fast Open is under way, fastopen.h
};

#define TCB_ACCECN (UINT32_C(1) << 31) // as SEG_ACCECN: t->accecn counts; no enumerator holds it

enum tcb_timer {
  TIMER_RETRANSMIT, // RFC 6298; or persist, RFC 9293 3.8.6.1; or SWS override, 3.8.6.2.1
  TIMER_ACK,        // delayed ACK, RFC 9293 3.8.6.3
  TIMER_USER,       // user timeout, RFC 9293 3.8.3; where tcb_life_runs(), TIMER_LIFE
  TIMER_KEEPALIVE,  // RFC 9293 3.8.4
  TIMERS,
  TIMER_LIFE = TIMER_USER, // TIME-WAIT's 2 x MSL, and FIN-WAIT-2 of a released connection
};

// What TIMER_RETRANSMIT waits for, RFC 8985 8; while TCB_PERSIST is not set.
enum timer_use {
  TIMER_USE_TIMEOUT, // RFC 6298
  TIMER_USE_REORDER, // RFC 8985 6.2 step 5
  TIMER_USE_PROBE,   // RFC 8985 7.2
  TIMER_USE_REST,    // nothing is in flight or queued: the work block goes
};

// In t->at[TIMER_RETRANSMIT]: what retransmit_arm() says of t->rtt_start_ns. Who asks for the deadline has it computed;
// most often the ACK is there before.
#define TCB_TIMER_LATER 0

// Of t->pending, for the stack alone: t->plpmtu holds for the whole path.
#define TCB_NEWS_MTU (1u << 31)

// Records count milliseconds modulo 2^32 and look half of that ahead: no state of theirs lasts longer.
#define TCB_TIME_WAIT_MAX_NS (UINT64_C(20) * 86400 * 1000000000)

// With many connections open each is met cold, and what a segment costs is the lines of 64 bytes it waits for. So the
// order of the fields is by use, not by theme: each paragraph of the first eight fills a line on a 64-bit machine.
struct tcb {
  union { // struct seg_state and a wider view of the same bytes
    struct seg_state seg;
    struct {
      SEG_STATE_HEAD
      struct {
        uint32_t una;     // SND.UNA
        uint32_t nxt;     // SND.NXT
        uint32_t max_wnd; // MAX.SND.WND
        uint32_t wnd;     // SND.WND
        uint32_t wl1;     // SND.WL1
        uint32_t wl2;     // SND.WL2
        uint32_t up;      // SND.UP: the octet after the urgent one, RFC 9293 3.8.5 [MUST-62]
      } snd;
    };
  };
  uint32_t bits; // enum tcb_bits

  // Identity: what finds the connection
  struct estab_tuple tuple;
  uint32_t hash_next;         // flow table chain
  uint32_t index, generation; // of the handle
  struct fifo_link event;     // event list
  struct fifo_link ready;     // ready list, or the path's parking list

  // Time
  struct wheel_node timer; // armed for the earliest of at[], or earlier
  uint64_t at[TIMERS];     // deadlines, ESTAB_NEVER = off
  struct path *path;       // held const by this room; NULL before OPEN

  // Sending. sendq holds the octets from SND.UNA on, queued and in flight.
  struct sendq sendq;
  uint32_t snd_push; // end of the user's last write: the octet before it carries PSH
  uint32_t pending;  // ESTAB_EVENT_* not yet told
  uint16_t owed;     // enum owed
  uint8_t backoff;   // doublings of the retransmission timeout
  uint8_t duplicate_acks;
  uint8_t segments_unacked;
  uint8_t acks_owed; // without SACK: duplicate ACKs still to send, at most 8
  uint8_t hop_limit, traffic_class;

  // Receiving. recvq starts at rcv_read; [rcv_read, RCV.NXT) is readable, ranges are above RCV.NXT.
  struct recvq recvq;
  struct ranges out_of_order; // noted with it: an octet of each block, newest arrival first
  uint32_t rcv_read;          // first octet the user has not read
  uint32_t recv_buffer_bytes;
  uint32_t send_buffer_bytes;
  uint16_t rcv_mss; // largest text seen, RFC 9293 3.8.6.2.2's Eff.snd.MSS of the peer
  uint16_t snd_mss; // octets of text in a full segment, options already taken off

  // Round trips
  struct rtt rtt;
  uint64_t last_send_ns, last_recv_ns;
  uint64_t rtt_start_ns;    // when rtt_seq was sent
  uint32_t rtt_seq;         // an ACK above this ends the measurement
  uint16_t path_generation; // of path, when snd_mss was computed
  uint8_t keepalive_probes;
  uint8_t keepalive_count;

  // Congestion, and counters that move with each segment
  struct cc cc;
  union {
    uint64_t user;           // estab_conn_set_user()
    struct fifo_link accept; // listener's queue: nobody has the handle yet
  };
  uint64_t bytes_sent, bytes_acked, bytes_received;
  uint32_t segments_sent, segments_received;

  uint32_t rcv_push; // end of the last text that came with PSH
  uint32_t rtx_nxt;  // loss recovery: next octet to send again
  uint32_t tune_seq; // what the user had read when the round trip began that tune.c measures
  uint32_t tune_at;  // when it will be over, in units of TUNE_SHIFT
  // Options of the user, ms where time: a connection has many, and 49 days are enough
  uint32_t user_timeout_ms;
  uint16_t delayed_ack_ms;
  uint16_t netif;
  struct work *work;        // what only a busy sender needs, NULL when idle or without memory
  int8_t error;             // enum estab_error: why it ended
  int8_t soft_error;        // the last ICMP error, RFC 5927 4
  uint8_t timer_use;        // enum timer_use
  bool reordering_seen : 1; // of RACK, while there is no work block
  bool uto_owed : 1;        // the user timeout option goes on the next segment, with TCB_BLOCKS
  bool uto_fixed : 1;       // not CHANGEABLE: the user has set user_timeout_ms
  bool mtu_search : 1;      // new text may leave in probes, see plpmtud.h
  bool unsent_marked : 1;   // t->notsent_lowat_bytes counts

  uint32_t listener; // slab index, UINT32_MAX = none

  // Cold from here on: a small segment each way touches nothing of it.
  uint8_t reo_wnd_mult, reo_wnd_persist; // of RACK, while there is no work block
  uint16_t peer_mss;                     // what the peer's MSS option said, floored
  uint32_t iss;
  uint32_t syn_index; // with generation: the handle in the SYN event; 0 = none
  uint32_t recover;   // RFC 6582: SND.NXT when recovery began
  uint32_t fin_seq;   // sequence number of the peer's FIN
  uint32_t rcv_up;    // RCV.UP: the octet after the urgent one
  uint32_t dsack_start, dsack_end;
  uint32_t keepalive_idle_ms, keepalive_interval_ms, time_wait_ms;
  uint32_t segments_retransmitted, duplicate_acks_seen;
  uint32_t limited_ms[LIMITS]; // by enum limit, of work blocks that are given back
  uint32_t segments_spurious;  // retransmissions that the peer has reported as duplicates
  uint64_t bytes_retransmitted;
  uint16_t
      plpmtu; // bytes of an IP packet, at most, as was found out: see plpmtud.h; 0 = nothing was
  uint8_t mtu_probes_sent, mtu_probes_lost; // up to 255
  uint16_t adv_uto, peer_uto;   // RFC 5482: ADV_UTO and REMOTE_UTO as on the wire, 0 = none
  uint32_t notsent_lowat_bytes; // SEND takes up to this unsent; see unsent_marked
  uint16_t syn_text_bytes;      // octets of text that a SYN carried, Fast Open
  uint8_t fast_open;            // enum estab_fast_open
  uint8_t
      listener_mark; // of a passive Fast Open: which listener counts it, should its place have a new one
  struct accecn accecn; // of classic ECN only the counters of marks
};

// What a small segment each way touches: asked for together as soon as the connection is found.
#define TCB_HOT_BYTES offsetof(struct tcb, reo_wnd_mult)

_Static_assert(offsetof(struct tcb, snd.max_wnd) == offsetof(struct seg_state, snd.max_wnd),
               "one view of the head");
_Static_assert(sizeof(struct tcb) <= 624, "nine cache lines and a cold tail");

static inline bool tcp_tracing(const struct tcp *c)
{
  return c->settings->trace.event != NULL;
}

// ---- tcb.c: a connection's birth and end

// What a connection begins with: of an active OPEN, or of what a handshake has agreed on, in a half-open record today
// and a SYN cookie later.
struct tcb_seed {
  const struct estab_tuple *tuple;
  const struct seg_state
      *agreed; // all of it goes on, MAX.SND.WND is of the peer's SYN; NULL: active
  uint32_t netif;
  uint32_t iss;      // active OPEN: nothing was sent yet
  uint16_t peer_mss; // 0 = absent
};

void tcb_fresh(struct tcb *t, const struct estab_settings *settings);
// t: a copy of what tcb_fresh() made, with index and generation.
void tcb_init(const struct tcp *c, struct tcb *t, const struct tcb_seed *seed, struct path *path,
              uint64_t now_ns);
void tcb_trace_enter(const struct tcp *c, const struct tcb *t, enum estab_state from,
                     const char *cause, uint64_t now_ns) TCP_APART;
void tcb_enter_established(struct tcb *t, uint64_t now_ns);
void tcb_enter_time_wait(struct tcp *c, struct tcb *t, uint64_t now_ns);
// Of a released connection.
void tcb_enter_fin_wait_2(const struct tcp *c, struct tcb *t, uint64_t now_ns);
// The one place a state changes. Checks the edge, traces, starts and stops what the new state needs.
static inline void tcb_enter(struct tcp *c, struct tcb *t, enum estab_state to, const char *cause,
                             uint64_t now_ns)
{
  enum estab_state from = (enum estab_state)t->state;
  if (!state_edge_is_legal(from, to))
    return; // cannot happen; the property tests see that it does not
  t->state = (uint8_t)to;
  if (tcp_tracing(c)) tcb_trace_enter(c, t, from, cause, now_ns);
  if (to == ESTAB_ESTABLISHED) tcb_enter_established(t, now_ns);
  if (to == ESTAB_TIME_WAIT) tcb_enter_time_wait(c, t, now_ns);
  if (to == ESTAB_FIN_WAIT_2 && (t->bits & TCB_RELEASED)) tcb_enter_fin_wait_2(c, t, now_ns);
}
// Into CLOSED with an error for the user (0 = in order) and the event that tells it.
void tcb_end(struct tcp *c, struct tcb *t, int error, uint32_t event, const char *cause,
             uint64_t now_ns);
void tcb_free_buffers(struct tcp *c, struct tcb *t);
uint8_t tcb_window_scale(const struct estab_settings *settings);
uint16_t tcb_mss_for(const struct estab_settings *settings, const struct path *path, bool ip4);
// Bytes of the largest IP packet that the path, as far as it says, and the peer allow.
uint32_t tcb_most_mtu(const struct tcp *c, const struct tcb *t);
void tcb_update_mss(const struct tcp *c, struct tcb *t);

static inline bool tcb_is4(const struct tcb *t)
{
  return ip_is_mapped(&t->tuple.remote);
}

// Octets in flight: sent and not acknowledged.
static inline uint32_t tcb_flight(const struct tcb *t)
{
  return t->snd.nxt - t->snd.una;
}

// RACK-TLP, PRR and the rest of recovery.c serve this connection, retransmit.c does not.
static inline bool tcb_speaks_sack(const struct tcb *t)
{
  return t->work && (t->flags & SEG_SACK);
}

// Octets in the network as far as we know, RFC 6675's pipe: without what the peer has and what is believed lost.
static inline uint32_t tcb_pipe(const struct tcb *t)
{
  uint32_t flight = tcb_flight(t);
  return t->work ? flight - t->work->board.sacked_bytes - t->work->board.lost_bytes : flight;
}

// The controller in charge: one that needs a work block and has none is stood in for.
static inline const struct cc_verbs *tcb_cc(const struct tcb *t)
{
  return t->work ? t->cc.verbs : &cc_newreno;
}

static inline struct cc_work *tcb_cc_work(const struct tcb *t)
{
  return t->work ? &t->work->cc : NULL;
}

// Sequence number behind the last queued octet, where our FIN goes.
static inline uint32_t tcb_queue_end(const struct tcb *t)
{
  uint32_t base = (t->bits & TCB_SYN_ACKED) ? t->snd.una : t->iss + 1;
  return base + t->sendq.bytes;
}

// Octets in the send buffer that were never sent.
static inline uint32_t tcb_unsent(const struct tcb *t)
{
  uint32_t end = tcb_queue_end(t), from = seq_max(t->snd.nxt, t->iss + 1);
  return seq_gt(end, from) ? end - from : 0;
}

// The peer's initial sequence number.
static inline uint32_t tcb_irs(const struct tcb *t)
{
  return t->rcv.nxt - 1 - (uint32_t)t->bytes_received - ((t->bits & TCB_FIN_TAKEN) ? 1u : 0u);
}

// What TIMER_LIFE bounds: nothing of ours is in flight any more, so the user timeout does not run.
static inline bool tcb_life_runs(const struct tcb *t)
{
  return t->state == ESTAB_TIME_WAIT || (t->state == ESTAB_FIN_WAIT_2 && (t->bits & TCB_RELEASED));
}

// Octets the user can read now.
static inline uint32_t tcb_readable(const struct tcb *t)
{
  return t->rcv.nxt - t->rcv_read - ((t->bits & TCB_FIN_TAKEN) ? 1u : 0u);
}

// Milliseconds of a setting or option, rounded up: less than one is not none.
static inline uint32_t tcp_ms(uint64_t ns)
{
  uint64_t ms = ns / 1000000u + (ns % 1000000u != 0);
  return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

// Timestamp clock: 1 ms, RFC 7323 5.4, offset for each tuple.
static inline uint32_t tcp_ts_now(uint32_t ts_offset, uint64_t now_ns)
{
  return ts_offset + (uint32_t)(now_ns / 1000000u);
}

// ---- isn.c

// A keyed hash of the tuple, once for both who need one: the low half is shown to the peer in the initial sequence
// number, the high half places the connection in the flow table. Each half tells nothing of the other.
uint64_t isn_hash(const struct tcp *c, const struct estab_tuple *tuple);
uint32_t isn_generate(uint64_t hash, uint64_t now_ns);
uint32_t isn_ts_offset(const struct tcp *c, const struct estab_tuple *tuple);

// ---- segment_arrives.c, RFC 9293 3.10.7.1 to .3

struct verdict closed_segment_arrives(const struct seg *g);
struct verdict listen_segment_arrives(const struct estab_settings *settings, const struct seg *g);
// For a full TCB in any state but CLOSED and LISTEN. Replies are written down in t->owed, except
// REPLY_RST, which the caller forms from the segment.
struct verdict tcp_segment_arrives(struct tcp *c, struct tcb *t, struct seg *g, uint64_t now_ns);

// The same for one that judge_segment() has passed already: what follows.
struct verdict tcp_segment_takes_effect(struct tcp *c, struct tcb *t, const struct seg *g,
                                        uint64_t now_ns);

// ---- other_states.c, RFC 9293 3.10.7.4, first to fifth: on any size of connection

struct verdict judge_segment(const struct estab_settings *settings, struct seg_state *t,
                             struct seg *g, uint64_t now_ns);
// What judge_segment() passes as it is, for nearly all segments: in order and whole inside the window, with an ACK that
// can be, neither SYN nor RST, and a timestamp (where they are in use) that is not older. False: it has to look.
static inline bool segment_is_plain(const struct seg_state *t, const struct seg *g)
{
  if ((g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST | ESTAB_TCP_ACK)) != ESTAB_TCP_ACK) return false;
  if ((t->flags & SEG_TS) &&
      (!(g->options->present & ESTAB_TCP_OPT_TS) || seq_lt(g->options->ts_value, t->ts_recent)))
    return false;
  const uint32_t len = g->text_bytes + ((g->flags & ESTAB_TCP_FIN) ? 1u : 0u); // without SYN
  return t->state != ESTAB_SYN_RECEIVED && g->seq == t->rcv.nxt && len <= t->rcv.wnd &&
         seq_le(g->ack, t->snd.nxt) && seq_ge(g->ack, t->snd.una - t->snd.max_wnd);
}
bool limiter_allows(const struct estab_settings *settings, struct seg_state *t, uint64_t now_ns);
// RFC 7323 4.3 (2): TSval is kept when the segment covers Last.ACK.sent. It is not older than TS.Recent, or that was
// too old to count (5.5): the first step has seen to it.
static inline void update_ts_recent(struct seg_state *t, const struct seg *g, uint64_t now_ns)
{
  if (!(t->flags & SEG_TS) || !(g->options->present & ESTAB_TCP_OPT_TS)) return;
  if (seq_gt(g->seq_arrived, t->last_ack_sent)) return;
  t->ts_recent = g->options->ts_value;
  t->ts_recent_s = (uint32_t)(now_ns / 1000000000u);
}
// RFC 6191, RFC 9293 3.6.1 [MAY-2]: may this SYN begin a new life of a TIME-WAIT tuple?
bool time_wait_syn_is_new(const struct seg_state *t, const struct seg *g);

// ---- ack.c: what an acceptable ACK does, fifth

void fifth_ack_effects(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns);

// ---- text.c: sixth to eighth

// Text and FIN of a SYN that came in SYN-SENT without an ACK: kept until ESTABLISHED, not acknowledged before.
void text_keep_of_syn(struct tcp *c, struct tcb *t, const struct seg *g);
// Out-of-order text is given up, for its memory; it was never acknowledged.
void text_forget(struct tcp *c, struct tcb *t);
void text_take_kept(struct tcp *c, struct tcb *t, uint64_t now_ns);
void sixth_urg(struct tcb *t, const struct seg *g);
enum estab_drop seventh_text(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns);
void eighth_fin(struct tcp *c, struct tcb *t, uint64_t now_ns);

// ---- window.c

// The peer's SYN had no window scale: RCV.WND is at most what the field can say, or what the setting allows.
void window_unscaled(const struct estab_settings *set, struct tcb *t);
void window_after_read(struct tcb *t);

// ---- tune.c

#define TUNE_SHIFT 20 // of nanoseconds: a millisecond, nearly
void tune_recv_buffer(const struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns);
void tune_send_buffer(const struct tcp *c, struct tcb *t);
// Text came in order: once a round trip its buffer is looked at.
static inline void tune_on_text(const struct tcp *c, struct tcb *t, const struct seg *g,
                                uint64_t now_ns)
{
  if ((int32_t)((uint32_t)(now_ns >> TUNE_SHIFT) - t->tune_at) >= 0)
    tune_recv_buffer(c, t, g, now_ns);
}

// ---- output.c

struct tcp_out {
  struct estab_tcp_header h;
  uint32_t text_bytes;
  uint32_t gso_bytes; // 0 = one segment
  uint16_t segments;
  uint8_t ecn; // of the IP header
  bool retransmission;
  bool closes; // the TCB is to be dropped once this is out
  unsigned piece_count;
  struct estab_piece *pieces; // where the text is; the caller gives room for ESTAB_FRAME_PIECES - 1
};

// 1 and the next segment of this connection, or 0 when it has nothing to send now, or TCP_OUTPUT_LATER: not before
// t->work->pace.wake_ns.
#define TCP_OUTPUT_LATER (-1)
int tcp_output(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns);
// SEG.LEN > 0: the peer has something to acknowledge.
static inline bool tcp_out_counts(const struct tcp_out *o)
{
  return (o->text_bytes | (o->h.flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN))) != 0;
}
void tcp_text_sent(struct tcp *c, struct tcb *t, uint32_t seq, bool retransmission,
                   uint64_t now_ns);
void retransmit_arm(struct tcp *c, struct tcb *t, uint64_t now_ns);
static inline void retransmit_arm_later(struct tcb *t)
{
  t->timer_use = TIMER_USE_TIMEOUT;
  t->at[TIMER_RETRANSMIT] = TCB_TIMER_LATER;
}
static inline void retransmit_arm_due(struct tcp *c, struct tcb *t)
{
  if (t->at[TIMER_RETRANSMIT] == TCB_TIMER_LATER) retransmit_arm(c, t, t->rtt_start_ns);
}
// What the device took: a segment of that SEG.SEQ went out. counts: tcp_out_counts().
static inline void tcp_output_done(struct tcp *c, struct tcb *t, uint32_t seq, bool counts,
                                   bool retransmission, uint64_t now_ns)
{
  t->last_send_ns = now_ns;
  if (counts && t->state != ESTAB_CLOSED) tcp_text_sent(c, t, seq, retransmission, now_ns);
}
void tcp_trace_sent(const struct tcp *c, const struct seg_state *t, const struct estab_tuple *tuple,
                    uint64_t conn, const struct estab_tcp_header *h, uint32_t text_bytes,
                    uint16_t segments, uint64_t now_ns);

// ---- retransmit.c

void retransmit_on_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns);
void retransmit_again(struct tcb *t);
// The retransmission timer is free for another use.
static inline bool retransmit_is_off(const struct tcb *t)
{
  return t->at[TIMER_RETRANSMIT] == ESTAB_NEVER ||
         (t->timer_use == TIMER_USE_REST && !(t->bits & TCB_PERSIST));
}
// RFC 5927: ICMP errors; RFC 1191, 8201: a smaller MTU
bool retransmit_in_flight(const struct tcb *t, uint32_t seq);

// ---- work.c

bool work_take(struct tcp *c, struct tcb *t, uint64_t now_ns);

// validate.c: when sending begins after a pause, with a new work block, and each round trip (cwv.h).
void cwv_restart(const struct tcp *c, struct tcb *t, uint64_t now_ns) TCP_APART;
void cwv_start(const struct tcp *c, struct tcb *t, uint64_t now_ns);
void cwv_at_round(const struct tcp *c, struct tcb *t, const struct cc_ack *a);
void work_give(struct tcp *c, struct tcb *t, uint64_t now_ns); // nothing when there is none
void work_trim(struct tcp *c);                                 // the spares

// ---- recovery.c, while tcb_speaks_sack()

// Starts the one timer; reorder_ns: when RACK wants to look again, or ESTAB_NEVER.
void recovery_arm(const struct tcp *c, struct tcb *t, uint64_t reorder_ns, uint64_t now_ns);
// The retransmission timer was set: something earlier instead, if there is. Needs SEG_SACK, not the work block.
void recovery_arm_from(const struct tcp *c, struct tcb *t, uint64_t now_ns);
void recovery_on_reorder_timer(struct tcp *c, struct tcb *t, uint64_t now_ns);
void recovery_on_probe_timer(struct tcp *c, struct tcb *t, uint64_t now_ns);
void recovery_on_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns);
void recovery_all_again(struct tcb *t);

// ---- transmit.c: what is sent goes on the scoreboard; nothing without a work block

// Octets from SND.NXT up to seq_end leave for the first time; before SND.NXT moves.
void transmit_stretch(struct tcp *c, struct tcb *t, uint32_t seq_end, uint64_t now_ns);
static inline void transmit_new(struct tcp *c, struct tcb *t, uint32_t seq_end, uint64_t now_ns)
{
  struct work *w = t->work;
  if (!w) return;
  if (t->bits & TCB_FAST_RECOVERY) prr_on_sent(&w->prr, seq_end - t->snd.nxt);
  if (board_extend(&w->board, seq_end, now_ns, w->grain_ns,
                   w->rate.app_limited_bytes ? BOARD_APP_LIMITED : 0))
    return;
  transmit_stretch(c, t, seq_end, now_ns);
}
// What keeps this connection from sending more now.
enum limit transmit_limit(const struct tcb *t);
// Time has gone by under that limit: before whatever may change it (an ACK, a write, a timer).
static inline void transmit_account(struct tcb *t, uint64_t now_ns)
{
  struct limits *l = &t->work->limits;
  if (now_ns <= l->since_ns) return;
  l->ns[transmit_limit(t)] += now_ns - l->since_ns;
  l->since_ns = now_ns;
}
// Octets are queued behind t->snd_push: if all before it has left and the window was not full, the rate that is
// measured now is the user's, not the path's.
static inline void transmit_check_app_limited(struct tcb *t)
{
  struct work *w = t->work;
  int32_t unsent = (int32_t)(t->snd_push - t->snd.nxt);
  uint32_t pipe = tcb_pipe(t);
  if (unsent < (int32_t)t->snd_mss && pipe < t->cc.cwnd_bytes && w->board.lost_bytes == 0)
    rate_app_limited(&w->rate, pipe);
}
// [seq, seq_end) leaves again.
void transmit_again(struct tcp *c, struct tcb *t, uint32_t seq, uint32_t seq_end, uint64_t now_ns);

// ---- plpmtud.c

// Of the largest packet that is allowed, what may be used: may begin a search.
uint32_t plpmtud_bound(const struct tcp *c, struct tcb *t, uint32_t top);
void plpmtud_on_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns) TCP_APART;
// While t->mtu_search: octets of text for a probe that is to leave as soon as the windows have room; 0 = none now.
uint32_t plpmtud_wants(const struct tcp *c, struct tcb *t, uint32_t queued_bytes, uint64_t now_ns);
void plpmtud_sent(struct tcb *t, uint32_t seq, uint32_t bytes);
// While a probe is in flight: SND.UNA has moved; or lost_bytes were found lost, and the answer is whether that was the
// probe and nothing else.
void plpmtud_on_ack(const struct tcp *c, struct tcb *t) TCP_APART;
bool plpmtud_on_loss(struct tcb *t, uint32_t lost_bytes, uint64_t now_ns) TCP_APART;
// The work block is given back while t->mtu_search: a search in which probes were lost ends, as nobody would remember.
void plpmtud_on_rest(struct tcb *t) TCP_APART;

// ---- timeouts.c, RFC 9293 3.10.8

void tcp_timeouts(struct tcp *c, struct tcb *t, uint64_t now_ns);
static inline uint64_t tcp_deadline(const struct tcb *t)
{
  uint64_t first = t->at[0];
  for (unsigned i = 1; i < TIMERS; i++)
    if (t->at[i] < first) first = t->at[i];
  return first;
}

// ---- user.c, RFC 9293 3.10.1 to .6

int tcp_send_room(struct tcb *t); // octets, or an error of SEND
// Room may have come, by an ACK or because something has left: WRITABLE, for who waits for it.
void tcp_send_room_came(const struct tcp *c, struct tcb *t);
int tcp_send_call(struct tcp *c, struct tcb *t, const void *bytes, size_t n, bool urgent,
                  uint64_t now_ns);
void tcp_send_queued(struct tcp *c, struct tcb *t, uint64_t now_ns);
int tcp_receive_call(struct tcp *c, struct tcb *t, void *bytes, size_t n);
int tcp_receive_ready(struct tcb *t); // readable octets, 0 = end, or an error of RECEIVE
void tcp_receive_consume(struct tcp *c, struct tcb *t, size_t n);
int tcp_close_call(struct tcp *c, struct tcb *t, uint64_t now_ns);
int tcp_abort_call(struct tcp *c, struct tcb *t, uint64_t now_ns);
void tcp_release_call(struct tcp *c, struct tcb *t, uint64_t now_ns);
void tcp_shutdown_recv_call(struct tcp *c, struct tcb *t, uint64_t now_ns);
int tcp_option_set(struct tcp *c, struct tcb *t, enum estab_option option, uint64_t value,
                   uint64_t now_ns);
int tcp_option_get(const struct tcp *c, const struct tcb *t, enum estab_option option,
                   uint64_t *value);
void tcp_conn_info(const struct tcp *c, const struct tcb *t, struct estab_conn_info *info,
                   uint64_t now_ns);
void tcp_soft_error(struct tcp *c, struct tcb *t, int error, bool hard,
                    uint64_t now_ns); // RFC 5927 4

// ---- trace.c

void tcp_trace(const struct tcp *c, const struct tcb *t, struct estab_trace *event,
               uint64_t now_ns);
void tcp_trace_congestion(const struct tcp *c, const struct tcb *t, const char *cause,
                          uint64_t now_ns);
// Only while tcp_tracing(): what is asked for is computed for them.
void tcp_trace_metrics(const struct tcp *c, const struct tcb *t, uint64_t now_ns) TCP_APART;
void tcp_trace_lost(const struct tcp *c, struct tcb *t, uint32_t lost_bytes, const char *cause,
                    uint64_t now_ns) TCP_APART;
void tcp_trace_spurious(const struct tcp *c, const struct tcb *t, uint32_t seq, uint32_t bytes,
                        uint32_t segments, uint64_t now_ns) TCP_APART;

#endif
