// SPDX-License-Identifier: BSD-2-Clause
// stack.h - the conductor: owns every table and calls every room; no other room calls it.
//
// Theory of operation. A frame goes input.c -> ip, link, udp or the connection that demux.c finds; a half-open or
// TIME-WAIT record is judged by the same steps as a full TCB (half.c, timewait.c). What a call changed is gathered
// by stack_collect(): events for the user, a place on the ready list, a timer, the end. output.c pulls frames: kept
// back ones first, then replies that belong to no connection, then the ready list. Lists hold tagged indices, so
// that one list serves several kinds of object without pointers.
#ifndef ESTAB_STACK_STACK_H
#define ESTAB_STACK_STACK_H

#include <stddef.h>

#include "base/block.h"
#include "base/fifo.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/slab.h"
#include "base/tuple.h"
#include "base/wheel.h"
#include "estab/estab.h"
#include "ip/icmp.h"
#include "ip/ip.h"
#include "ip/pair.h"
#include "link/link.h"
#include "tcp/fastopen.h"
#include "tcp/tcb.h"
#include "udp/udp.h"

// ---- Tagged indices: kind in the two highest bits, slab index below. 0 = none.

#define TAG_SHIFT 30
#define TAG_INDEX 0x3fffffffu
#define TAG_FULL  (1u << TAG_SHIFT)
#define TAG_HALF  (2u << TAG_SHIFT)
#define TAG_THIRD                                                                                  \
  (3u << TAG_SHIFT) // in the flow table a TIME-WAIT record, in the event list a listener
#define TAG_KIND    (3u << TAG_SHIFT)
#define HANDLE_HALF 0x80000000u // marks the handle of a half-open record

// ---- Records

enum half_bits {
  HALF_JUDGING = 1u << 0,    // waits for estab_accept_syn() or estab_refuse_syn()
  HALF_ON_LIST = 1u << 1,    // on the event list (while judging) or the ready list
  HALF_COOKIE = 1u << 2,     // the SYN-ACK brings a cookie, RFC 7413 4.2.1
  HALF_COOKIE_EXP = 1u << 3, // with the option's experimental form, as the SYN
  // With SEG_ACCECN
  HALF_ECN_FIELD = 3u << 4, // of the latest SYN, enum estab_ecn
  HALF_ECN_NO_ECT =
      1u << 6, // a SYN or SYN-ACK said nothing of it: the peer may not know (RFC 9768 3.1.5)
  HALF_ECN_AGAIN =
      1u << 7, // the peer has asked again: the option may be what does not come through (3.2.3.2.2)
};
#define HALF_ECN_SHIFT 4

// A connection in SYN-RECEIVED that a listener opened.
struct half {
  struct seg_state seg;
  struct estab_tuple tuple;
  uint16_t netif;
  uint8_t stage; // retransmissions of the SYN-ACK so far, or HALF_STAGE_JUDGING
  uint8_t bits;  // enum half_bits
  uint32_t hash_next;
  struct fifo_link wait; // in s->half_wait[stage]
  uint32_t deadline_ms;  // of that stage
  uint32_t generation;
  struct fifo_link list; // event list or ready list
  uint32_t listener;     // slab index
  uint32_t born_us;      // when the SYN came: for the first round trip and the end
  uint16_t peer_mss;     // 0 = absent
  uint16_t snd_wnd;      // of the SYN
  uint32_t timewait; // the record it replaced and restores unless it gets ESTABLISHED, SLAB_NONE
};

#define HALF_RETRANSMISSIONS 8
#define HALF_STAGE_JUDGING   (HALF_RETRANSMISSIONS + 1)
#define HALF_STAGES          (HALF_RETRANSMISSIONS + 2)

// What stands guard after an active close, RFC 9293 3.6.1.
struct timewait {
  struct seg_state seg;
  struct estab_tuple tuple;
  uint16_t netif;
  uint8_t list;          // in which of s->wait_lists
  uint32_t hash_next;    // while replaced: the half-open record that took its place, as index + 1
  struct fifo_link wait; // in that list
  uint32_t deadline_ms;
  union {
    uint32_t life_ms; // 2 x MSL of this connection; in the first list it is s->wait_usual_ms
    uint32_t place;   // and this is demux_replace_placed()'s answer
  };
};

_Static_assert(sizeof(struct half) <= 128, "a half-open connection has 144 bytes, tables included");
_Static_assert(sizeof(struct timewait) <= 104,
               "a TIME-WAIT connection has 112 bytes, tables included");

#define WAIT_LISTS 33 // the usual ones, and a list for each bit of a deadline

struct listener {
  struct estab_listen_settings settings;
  uint32_t generation;
  struct fifo accept; // full connections, by struct tcb's accept
  struct fifo_link event;
  bool on_events;
  bool armed; // tell of the next connection
  // Fast Open, RFC 7413 5.1: connections in SYN-RECEIVED, and those that an RST ended there, this minute and the last
  uint32_t fast_pending, fast_resets, fast_resets_before;
  uint32_t fast_minute; // of the stack's clock
};

// A packet of ours that belongs to no connection, from its IP header on.
struct reply_entry {
  struct ip_route_result route;
  struct estab_ip remote;
  uint8_t *large; // kept through the memory door, when it does not fit below
  uint16_t bytes;
  uint8_t small[ESTAB_FRAME_HEADER_BYTES - LINK_HEADER_BYTES];
};

#define REPLY_RING 64

struct list {
  uint32_t head, tail; // tagged
};

enum batch_bits {
  BATCH_KEPT = 1u << 0,        // stands in s->kept
  BATCH_OWNS_BLOCKS = 1u << 1, // of no connection, and too long for the frame's header room
};

// What estab_stack_output() gave out, until estab_stack_output_done().
struct batch_entry {
  struct tcb *t;   // NULL = of no connection; stale when kept, or with s->batch_stale
  estab_conn conn; // or 0
  uint32_t seq;    // SEG.SEQ
  bool counts;     // SEG.LEN > 0
  bool retransmission;
  uint8_t bits; // enum batch_bits
};

struct demux {
  uint32_t *buckets, *old;        // tagged chains; old: the table that is being left
  uint32_t mask, old_mask, moved; // old buckets below `moved` are empty
  uint32_t count;
  uint32_t
      last; // what was found or added the last time, 0 = nothing; s->ip.remembered.pair_ports may be its ports
  const struct estab_tuple *last_tuple; // its tuple
  uint64_t hash;                        // isn_hash() of `hashed`
  struct estab_tuple hashed;
};

// A connection's place: whole cache lines, as long as they fit the budget of an idle one.
#define CONN_BYTES                                                                                 \
  (sizeof(struct tcb) <= 576 ? (sizeof(struct tcb) + 63) & ~(size_t)63 : sizeof(struct tcb))

struct estab_stack {
  struct estab_settings settings;
  struct mem mem;
  struct block_pool blocks;
  struct rng rng;
  struct tcp tcp;
  struct ip ip;
  struct link link;
  struct udp udp;
  struct wheel wheel;
  struct demux demux;
  struct slab conns, halves, waits, listeners;
  uint64_t now_ns;     // latest time anybody told us
  uint32_t generation; // of the next handle
  struct tcb
      *unarmed;     // its timer is to be set before anybody asks for one, see stack_arm(); or NULL
  struct tcb *told; // whose event the user was given last, for he goes on to call for it; or NULL
  estab_conn told_conn; // its handle
  union {
    struct tcb fresh; // what every connection begins as
    uint8_t fresh_place[CONN_BYTES];
  };

  struct list events;
  struct list ready;
  struct list parked; // connections whose neighbour is being asked for
  struct fifo half_wait[HALF_STAGES];
  struct fifo wait_lists[WAIT_LISTS]; // TIME-WAIT records, see timewait.c
  uint32_t wait_levels;               // bit i: wait_lists[1 + i] is not empty
  uint32_t wait_usual_ms;             // 2 x MSL of those in the first list
  uint32_t wait_base_ms;              // the time to which they are sorted
  uint64_t shed_above_bytes;          // more than this in use: something is given up
  uint32_t shed_next;                 // connection whose turn it is

  struct reply_entry *replies; // ring of REPLY_RING
  uint32_t reply_first, reply_count;
  struct estab_frame *kept; // ring of ESTAB_OUTPUT_MAX frames that the device did not take
  struct batch_entry *kept_info;
  uint32_t kept_first, kept_count;
  struct estab_frame *batch_frames; // the caller's
  unsigned batch_count;
  uint32_t loops;   // packets to ourselves in this call
  bool batch_stale; // a connection was freed since the batch was begun
  struct batch_entry batch[ESTAB_OUTPUT_MAX];
  uint8_t *scratch; // one linear packet
  bool looped;      // a packet to ourselves went around: look again at once
  bool room_came;   // output has raised WRITABLE: the user's turn, at once

  uint32_t state_counts[ESTAB_STATES]; // of half-open and TIME-WAIT records
  uint64_t frames_in, frames_out, segments_in, segments_out;
  uint64_t active_opens, passive_opens, resets_in, resets_out; // resets_out: of no connection
  uint64_t fast_opens_passive, fast_open_bad_cookies;
  uint64_t drops[ESTAB_DROPS];
};

#define SCRATCH_BYTES 65600u

// ---- stack.c

static inline struct tcb *stack_conn(const struct estab_stack *s, uint32_t index)
{
  return slab_at(&s->conns, index);
}
// The same, nearly always the one whose turn it was last.
static inline struct tcb *stack_conn_again(const struct estab_stack *s, uint32_t index)
{
  struct tcb *t = s->unarmed;
  return t && t->index == index ? t : stack_conn(s, index);
}

// With many connections each is met cold: all the lines of it that a segment touches are asked for at once. Inlined,
// because a compiler takes a function that does nothing else for one without effect, and leaves it out.
static inline __attribute__((always_inline)) void stack_prefetch(const struct tcb *t)
{
  const uint8_t *const at = (const uint8_t *)t; // one by one: a loop costs more than what it does
  __builtin_prefetch(at, 1);
  __builtin_prefetch(at + 64, 1);
  __builtin_prefetch(at + 128, 1);
  __builtin_prefetch(at + 192, 1);
  __builtin_prefetch(at + 256, 1);
  __builtin_prefetch(at + 320, 1);
  __builtin_prefetch(at + 384, 1);
  __builtin_prefetch(at + 448, 1);
  __builtin_prefetch(at + TCB_HOT_BYTES - 1, 1); // it need not begin with a line
  _Static_assert(TCB_HOT_BYTES <= 512, "eight lines, or nine");
}

static inline uint64_t conn_handle(const struct tcb *t)
{
  return (uint64_t)t->generation << 32 | t->index;
}

static inline uint32_t stack_generation(struct estab_stack *s)
{
  if (++s->generation == 0) s->generation = 1;
  return s->generation;
}
// Counts and traces; answers -reason.
int stack_drop(struct estab_stack *s, enum estab_drop reason, uint32_t netif,
               const struct estab_tuple *tuple, const struct seg *g);
void stack_trace_state_told(struct estab_stack *s, const struct estab_tuple *tuple, uint64_t conn,
                            enum estab_state from, enum estab_state to, const char *cause);
static inline void stack_trace_state(struct estab_stack *s, const struct estab_tuple *tuple,
                                     uint64_t conn, enum estab_state from, enum estab_state to,
                                     const char *cause)
{
  if (s->settings.trace.event) stack_trace_state_told(s, tuple, conn, from, to, cause);
}
// Any other than the one told last: all of it is asked for, and the next segment expected to be its.
struct tcb *stack_find_untold(struct estab_stack *s, estab_conn conn);
// The connection of a handle; NULL: stale.
static inline struct tcb *stack_find(struct estab_stack *s, estab_conn conn)
{
  return conn == s->told_conn ? s->told : stack_find_untold(s, conn);
}
// The handle's end, if it is the one that was told last.
static inline void stack_forget_told(struct estab_stack *s, const struct tcb *t)
{
  if (s->told != t) return;
  s->told = NULL;
  s->told_conn = 0;
}

// ---- demux.c

uint32_t demux_find_hashed(struct estab_stack *s, const struct estab_tuple *tuple);
// Tagged, 0 = none; s->demux.last is the same then. Segments of one connection come in a row.
static inline uint32_t demux_find(struct estab_stack *s, const struct estab_tuple *tuple)
{
  const struct demux *d = &s->demux;
  if (d->last && tuple_equal(d->last_tuple, tuple)) return d->last;
  return demux_find_hashed(s, tuple);
}
// The full connection that demux_find() has just found.
static inline struct tcb *demux_last_conn(const struct estab_stack *s)
{
  const uint8_t *tuple = (const uint8_t *)s->demux.last_tuple;
  return (struct tcb *)(uintptr_t)(tuple - offsetof(struct tcb, tuple));
}
// The record that the next segment is compared with first; 0: none. What was noted of ports is of another.
static inline void demux_meet(struct estab_stack *s, uint32_t tagged,
                              const struct estab_tuple *tuple)
{
  s->demux.last = tagged;
  s->demux.last_tuple = tuple;
  s->ip.remembered.pair_ports = 0;
}

// It is in the table, and who is spoken to answers: it is looked at before the table is.
static inline void demux_expect(struct estab_stack *s, const struct tcb *t)
{
  demux_meet(s, TAG_FULL | t->index, &t->tuple);
  s->ip.remembered.pair_ports = ip_pair_ports_of(&s->ip, &t->tuple);
}
// tuple and next: of the record, which whoever calls has at hand; hash: demux_hash() of the tuple.
int demux_add(struct estab_stack *s, uint32_t tagged, const struct estab_tuple *tuple,
              uint64_t hash, uint32_t *next);
void demux_remove(struct estab_stack *s, uint32_t tagged, const struct estab_tuple *tuple,
                  const uint32_t *next);
// Another size of connection with the same tuple takes the place of one: needs no memory.
// tuple: of the new one, which has the old one's hash_next already.
void demux_replace(struct estab_stack *s, uint32_t before, const struct estab_tuple *tuple,
                   uint32_t after);
// The same, and answers the part of the tuple's hash by which demux_remove_at() finds it again.
uint32_t demux_replace_placed(struct estab_stack *s, uint32_t before,
                              const struct estab_tuple *tuple, uint32_t after);
uint32_t demux_place_new(struct estab_stack *s, const struct estab_tuple *tuple);
void demux_remove_at(struct estab_stack *s, uint32_t tagged, uint32_t place, uint32_t next);
// isn_hash() of a tuple, which is often asked for, added, replaced and removed in a row: it is remembered.
uint64_t demux_hash_new(struct estab_stack *s, const struct estab_tuple *tuple);
static inline uint64_t demux_hash(struct estab_stack *s, const struct estab_tuple *tuple)
{
  return tuple_equal(&s->demux.hashed, tuple) ? s->demux.hash : demux_hash_new(s, tuple);
}
void demux_init(struct estab_stack *s);
void demux_trim(struct estab_stack *s); // an empty table goes
void demux_destroy(struct estab_stack *s);

// ---- collect.c

static inline bool stack_wants_output(const struct tcb *t)
{
  if (t->owed) return true;
  if (t->state == ESTAB_CLOSED || !(t->bits & TCB_SYN_ACKED) || (t->bits & TCB_FIN_SENT))
    return fastopen_text_waits(t);
  return t->snd.una + t->sendq.bytes != t->snd.nxt || (t->bits & TCB_CLOSE_CALLED);
}

// A deadline that moves later is left to be found when the old one comes: most retransmission timers never do.
static inline void stack_arm_now(struct estab_stack *s, struct tcb *t)
{
  retransmit_arm_due(&s->tcp, t);
  uint64_t deadline_ns = tcp_deadline(t);
  if (deadline_ns != ESTAB_NEVER && (!wheel_has(&t->timer) || deadline_ns < t->timer.deadline_ns))
    wheel_set(&s->wheel, &t->timer, deadline_ns);
}

void stack_arm_other(struct estab_stack *s, struct tcb *t);
// Its deadlines may have changed. What happens to one connection comes in a row: looked at when that is over.
static inline void stack_arm(struct estab_stack *s, struct tcb *t)
{
  if (s->unarmed != t) stack_arm_other(s, t);
}

// Pacing: back on the ready list then, or earlier by another timer, after which output asks again.
static inline void stack_wake_at(struct estab_stack *s, struct tcb *t, uint64_t at_ns)
{
  if (!wheel_has(&t->timer) || at_ns < t->timer.deadline_ns) wheel_set(&s->wheel, &t->timer, at_ns);
}

// What a change of a connection asks for, but for the ready list: events, the timer, the end. t may be gone afterwards.
void stack_settle_all(struct estab_stack *s, struct tcb *t);
// More than the timer.
static inline bool stack_has_news(const struct tcb *t)
{
  return t->pending || t->state == ESTAB_CLOSED || t->state == ESTAB_TIME_WAIT;
}
static inline void stack_settle(struct estab_stack *s, struct tcb *t)
{
  if (stack_has_news(t))
    stack_settle_all(s, t);
  else
    stack_arm(s, t);
}
// In the flow table's place of a half-open record, which stays the caller's. NULL: no memory, no change.
struct tcb *stack_conn_of_half(struct estab_stack *s, const struct tcb_seed *seed,
                               struct path *path, uint32_t half);
// hash: demux_hash() of its tuple, for a place of its own. NULL: no memory, no change.
struct tcb *stack_conn_new(struct estab_stack *s, const struct tcb_seed *seed, struct path *path,
                           uint64_t hash);
void stack_conn_free(struct estab_stack *s, struct tcb *t);
void stack_leave_table(struct estab_stack *s, struct tcb *t);
// Where the next one of a list is written down.
struct fifo_link *list_link(struct estab_stack *s, const struct list *l, uint32_t tagged);
void list_push_behind(struct estab_stack *s, struct list *l, uint32_t tagged);
// link: of what is pushed, which whoever pushes has at hand. The first one's prev is not kept up.
static inline void list_push(struct estab_stack *s, struct list *l, uint32_t tagged,
                             struct fifo_link *link)
{
  link->next = 0;
  link->prev = l->tail;
  if (l->tail) {
    list_push_behind(s, l, tagged);
    return;
  }
  l->head = l->tail = tagged;
}
static inline uint32_t list_pop(struct estab_stack *s, struct list *l)
{
  uint32_t tagged = l->head;
  if (tagged == l->tail) // none, or the only one
    l->head = l->tail = 0;
  else
    l->head = list_link(s, l, tagged)->next;
  return tagged;
}
void list_remove(struct estab_stack *s, struct list *l, uint32_t tagged);

static inline void stack_ready(struct estab_stack *s, struct tcb *t)
{
  if (t->bits & (TCB_ON_READY | TCB_PARKED)) return;
  t->bits |= TCB_ON_READY;
  list_push(s, &s->ready, TAG_FULL | t->index, &t->ready);
}

// After every change of a connection. t may be gone afterwards.
static inline __attribute__((always_inline)) void stack_collect(struct estab_stack *s,
                                                                struct tcb *t)
{
  if (stack_wants_output(t)) stack_ready(s, t);
  stack_settle(s, t);
}

void stack_unpark(struct estab_stack *s);
void stack_link_news(struct estab_stack *s);

// ---- input.c

void input_frame(struct estab_stack *s, const struct estab_frame *f);
void input_packet(struct estab_stack *s, uint32_t netif, const uint8_t *bytes, size_t count,
                  const struct estab_frame *f, bool link_multicast);

// ---- input_tcp.c

void input_tcp(struct estab_stack *s, struct ip_segment *in, const struct estab_frame *f);
void input_icmp(struct estab_stack *s, struct ip_packet *packet);

// ---- half.c

bool listener_covers(const struct estab_listen_settings *set, const struct estab_ip *local);
uint32_t listener_find(const struct estab_stack *s, const struct estab_tuple *tuple,
                       uint32_t netif); // index or SLAB_NONE
// A SYN for a listener; wait: a TIME-WAIT record it may replace, or SLAB_NONE. False: dropped.
bool half_open(struct estab_stack *s, uint32_t listener, const struct estab_tuple *tuple,
               uint32_t netif, struct seg *g, uint32_t wait);
void half_segment_arrives(struct estab_stack *s, uint32_t index, struct seg *g);
void half_syn_ack(struct estab_stack *s, struct half *h, uint32_t mtu,
                  struct estab_tcp_header *out);
void half_free(struct estab_stack *s, uint32_t index, const char *cause);
// The listener is closed: all of its records go. Looks at those of others, too, as nobody else asks whose one is.
void half_forget(struct estab_stack *s, uint32_t listener);
void half_timeouts(struct estab_stack *s);
uint64_t half_deadline(const struct estab_stack *s);
void half_start(struct estab_stack *s, struct half *h, uint32_t index); // the SYN-ACK may leave
struct tcb *half_grow(struct estab_stack *s, struct half *h, uint32_t index, struct listener *x);
uint64_t deadline_of_ms(uint64_t now_ns, uint32_t ms);
uint32_t ms_after(uint64_t now_ns, uint64_t wait_ns);

// ---- fast_listen.c

// A listener with Fast Open has got a SYN with the option and made a record of it: what the cookie changes.
void fast_listen_syn(struct estab_stack *s, uint32_t index, const struct seg *g);
// TCB_FAST_OPEN, and something has happened: is its handshake over?
void fast_listen_look(struct estab_stack *s, struct tcb *t) TCP_APART;

// ---- timewait.c

static inline uint32_t timewait_life_ms(const struct estab_stack *s, const struct timewait *w)
{
  return w->list == 0 ? s->wait_usual_ms : w->life_ms;
}

void timewait_from_conn(struct estab_stack *s, struct tcb *t);  // t is freed
uint32_t timewait_detach(struct estab_stack *s, struct tcb *t); // t becomes CLOSED
void timewait_segment_arrives(struct estab_stack *s, uint32_t index, struct seg *g);
void timewait_free(struct estab_stack *s, uint32_t index, const char *cause);
// A half-open record takes its place in the flow table for now (ATTACKS R8), and gives it back.
void timewait_replace(struct estab_stack *s, uint32_t index, uint32_t half);
void timewait_restore(struct estab_stack *s, uint32_t index);
void timewait_timeouts(struct estab_stack *s);
uint64_t timewait_deadline(const struct estab_stack *s);

uint32_t timewait_oldest(const struct estab_stack *s); // SLAB_NONE: none

// ---- shed.c

void shed_some(struct estab_stack *s);
static inline void shed_if_short(struct estab_stack *s)
{
  if (s->mem.in_use_bytes > s->shed_above_bytes) shed_some(s);
}

// ---- reply.c

// RST for a segment that met no connection or an unacceptable ACK, RFC 9293 3.10.7.1.
void reply_rst(struct estab_stack *s, const struct estab_tuple *tuple, uint32_t netif,
               const struct seg *g);
// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> of a record, with its window rounded up: as much was promised, and the right edge
// never moves left [SHLD-14].
void reply_ack(struct estab_stack *s, struct seg_state *t, const struct estab_tuple *tuple,
               uint32_t netif);
void reply_tcp(struct estab_stack *s, const struct estab_tuple *tuple, uint32_t netif,
               const struct estab_tcp_header *h);
// Queues a whole IP packet.
int reply_packet(struct estab_stack *s, const struct ip_route_result *route,
                 const struct estab_ip *remote, const uint8_t *packet, size_t bytes);
void reply_icmp_error(struct estab_stack *s, const struct ip_packet *packet);
struct reply_entry *reply_first(struct estab_stack *s); // NULL: none
void reply_pop(struct estab_stack *s);
void reply_destroy(struct estab_stack *s);

// ---- output.c, deliver.c

void output_destroy(struct estab_stack *s);

#endif
