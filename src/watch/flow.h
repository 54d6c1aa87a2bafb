// SPDX-License-Identifier: BSD-2-Clause
// flow.h - what the tracker keeps of a connection: a small record after one segment, a full one after two.
//
// A record of one segment is that segment: when a second one comes it is told to a full record as if it came again,
// and a row of it is made the same way. A refused one, which a scan is full of, has the RST aside in few octets and is
// told by both. So there is one machine for all three sizes.
#ifndef ESTAB_WATCH_FLOW_H
#define ESTAB_WATCH_FLOW_H

#include "base/fifo.h"
#include "base/ranges.h"
#include "base/wheel.h"
#include "estab/watch.h"
#include "estab/wire.h"
#include "watch/rare.h"

#define FLOW_SECOND_NS UINT64_C(1000000000)

// ---------------------------------------------------------------------------------------------
// A segment as both machines see it, and whose it is

enum segment_bits {
  SEGMENT_BAD = 1u << 0,       // wrong checksum: no host takes it
  SEGMENT_OFFLOADED = 1u << 1, // checksum left to the device: taken, but not by Zeek's machine
  SEGMENT_CUT = 1u << 2,       // the capture has not all of its text
  SEGMENT_TS = 1u << 3,        // ts_value counts
  SEGMENT_AGAIN = 1u << 4,     // of trouble->candidate: it came more than once
  SEGMENT_WSCALE = 1u << 5,    // wscale counts; it may be FLOW_WSCALE_UNKNOWN
  SEGMENT_OLD =
      1u << 7, // its receiver drops it: a timestamp older than one taken, RFC 7323 5.3; or blind
  SEGMENT_IP_UNSET = 1u << 6, // the IP header's length was left to the device
};

struct segment {
  uint64_t ts_ns, packet;
  uint32_t seq, ack, ts_value;
  uint32_t text_bytes, ip_bytes;
  uint16_t frame_more;    // bytes of the frame around the IP packet
  uint16_t window, flags; // as on the wire
  uint16_t mss;           // 0 = absent
  uint8_t wscale, ttl;
  uint8_t bits; // enum segment_bits
  uint8_t end;  // which end of the key sent it: 0 or 1
};

// Octets of sequence space that it takes, RFC 9293 3.4.
static inline uint32_t segment_length(const struct segment *s)
{
  return s->text_bytes + ((s->flags & ESTAB_TCP_SYN) ? 1u : 0u) +
         ((s->flags & ESTAB_TCP_FIN) ? 1u : 0u);
}

// What nearly all lives and most probes begin with. Every host takes it, and it tells of its sender alone.
static inline bool segment_is_plain_syn(const struct segment *s)
{
  const uint16_t mark = ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_FIN | ESTAB_TCP_RST;
  return (s->flags & mark) == ESTAB_TCP_SYN && s->text_bytes == 0 && s->window != 0 &&
         !(s->bits & (SEGMENT_BAD | SEGMENT_OFFLOADED));
}

// The answer of whom it asks, who says nothing else with it.
static inline bool segment_is_plain_answer(const struct segment *syn, const struct segment *s)
{
  const uint16_t mark = ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_FIN | ESTAB_TCP_RST;
  return (s->flags & mark) == (ESTAB_TCP_SYN | ESTAB_TCP_ACK) && s->end != syn->end &&
         s->ack == syn->seq + 1 && s->text_bytes == 0 && s->window != 0 &&
         !(s->bits & (SEGMENT_BAD | SEGMENT_OFFLOADED | SEGMENT_IP_UNSET)) &&
         !((s->bits & SEGMENT_TS) && s->ts_value == UINT32_MAX) && segment_is_plain_syn(syn);
}

// In a record's and a key's `vlan`: tunnel_id is GTP-U's TEID, which is another one each way. The innermost tunnel may
// be one without an identifier within.
#define FLOW_TEID UINT32_C(0x80000000)

// What is looked for.
struct flow_key {
  struct estab_ip ip[2]; // the smaller (address, port) first
  uint16_t port[2];
  uint32_t vlan;      // as struct flow_one has it
  uint32_t tunnel_id; // as the packet has it
  uint32_t hash;
  uint8_t src_end; // which end is the first argument of flow_key_make()
};

// A key made before its packet is looked at, with what it was made of: addresses and ports as a frame has them.
#define FLOW_ENDS4 12
#define FLOW_ENDS6 36
struct flow_ahead {
  struct flow_key key;
  uint8_t ends[FLOW_ENDS6];
  uint32_t words; // of an address: 1 or 4. 0: the key was made of something else
};

// ---------------------------------------------------------------------------------------------
// What all sizes of record begin with

enum flow_bits {
  FLOW_FULL = 1u << 0,       // struct flow; else struct flow_one
  FLOW_ORIG = 1u << 1,       // which end is the originator of the row: 0 or 1
  FLOW_FIRST = 1u << 2,      // which end sent the life's first segment
  FLOW_QUEUED = 1u << 3,     // waits to be told; `next` links the queue
  FLOW_GONE = 1u << 4,       // when told, it is freed; not in the table any more
  FLOW_EVICTED = 1u << 5,    // the ceiling took it
  FLOW_LOSS = 1u << 6,       // the system lost packets while it lived
  FLOW_TOLD = 1u << 7,       // its row has been told and nothing came since
  FLOW_COPY = 1u << 8,       // a row that waits to be told, of a record that goes on without it
  FLOW_SILENT = 1u << 9,     // the detectors know that no answer came, or an ICMP error
  FLOW_ANSWERED = 1u << 10,  // the detectors know of an answer of the host itself
  FLOW_CONTINUES = 1u << 11, // the row is not its life's first
  FLOW_CLASS = 7u << 12,     // enum flow_class: the list it is in
  FLOW_ICMP = 1u << 15,      // an ICMP error is all that came
};
#define FLOW_CLASS_SHIFT 12
#define FLOW_PROBE_SHIFT 16 // above: what the detectors keep with the life

// Lists. Records of one segment wait for their timeout in order; full ones stand there for the ceiling alone.
enum flow_class {
  FLOW_ONE_SHORT, // one segment: SYN, FIN or RST
  FLOW_ONE_BAD,   // one segment with a wrong checksum
  FLOW_ONE_LONG,  // one segment of something else
  FLOW_ONE_TOLD,  // its row is told; remembered so that a later SYN is the same life
  FLOW_DONE, // over but for TIME-WAIT: whoever sheds it loses next to nothing; one segment: refused
  FLOW_HALF, // full, but never established
  FLOW_OVER, // was open and closes
  FLOW_ESTABLISHED,
  FLOW_CLASSES
};

#define FLOW_HEAD                                                                                  \
  struct estab_ip ip[2]; /* both ends, the smaller (address, port) first */                        \
  uint16_t port[2];                                                                                \
  uint32_t vlan; /* outer 12 bits, inner << 12, enum estab_watch_tunnel << 24, FLOW_TEID */        \
  uint32_t tunnel_id;                                                                              \
  struct fifo_link link; /* in a list of enum flow_class; `next` also in the queue */              \
  uint32_t bits;         /* enum flow_bits */

struct flow_head {
  FLOW_HEAD
};

struct flow_one {
  FLOW_HEAD
  // Told: ts_ns is the beginning of the life. Refused: it has no text, and text_bytes is the index of a struct
  // flow_refusal instead.
  struct segment first;
};

// The RST that refused a segment: of a struct segment what plain.h does not say of it.
struct flow_refusal {
  uint64_t ts_ns, packet;
  uint32_t seq, ip_bytes;
  uint16_t frame_more, window, flags;
  uint8_t ttl, bits;
};

#define FLOW_LINK offsetof(struct flow_head, link)

// ---------------------------------------------------------------------------------------------
// The full record

enum zeek_state {
  ZEEK_INACTIVE,
  ZEEK_SYN_SENT,
  ZEEK_SYN_ACK_SENT,
  ZEEK_PARTIAL,
  ZEEK_ESTABLISHED,
  ZEEK_CLOSED,
  ZEEK_RESET,
};

enum zeek_seen { // letters that are written once
  ZEEK_SEEN_SYN = 1u << 0,
  ZEEK_SEEN_FIN = 1u << 1,
  ZEEK_SEEN_RST = 1u << 2,
  ZEEK_SEEN_DATA = 1u << 3,
  ZEEK_SEEN_ACK = 1u << 4,
  ZEEK_SEEN_MULTI = 1u << 5,
  ZEEK_SEEN_FIN_RST = 1u << 6,
};

enum zeek_bits {
  ZEEK_FIN = 1u << 0, // FIN_cnt > 0
  ZEEK_RST = 1u << 1,
  ZEEK_DID_CLOSE = 1u << 2,
  ZEEK_SKIP = 1u << 3,     // no gaps are looked for any more
  ZEEK_DID_EOF = 1u << 4,  // all text up to its end was there
  ZEEK_LOST = 1u << 6,     // `delivered` means nothing any more
  ZEEK_DEFERRED = 1u << 5, // of the connection, kept at both ends: a close waits for text
};

enum flow_side_bits {
  SIDE_SENT = 1u << 0,      // first_flags counts
  SIDE_SEEN = 1u << 1,      // its state rests on a segment of its own
  SIDE_SYN = 1u << 2,       // it sent a SYN: isn is known
  SIDE_FIN = 1u << 3,       // it sent a FIN: closing->side[].fin counts
  SIDE_TS = 1u << 4,        // ts_recent counts
  SIDE_ROUTED = 1u << 5,    // its first segment came twice, on both sides of a router
  SIDE_KNOWN = 1u << 6,     // nxt counts: its place in the sequence space is known
  SIDE_ACKED = 1u << 7,     // una and edge count: it sent an ACK
  SIDE_TEXT = 1u << 8,      // it sent text after the handshake
  SIDE_FIN_TAKEN = 1u << 9, // the peer's FIN has reached it in order
  SIDE_RST = 1u << 10,      // it sent a RST that was believed
  SIDE_ZERO = 1u << 11,     // its window is zero now
  SIDE_HAS_TS = 1u << 12,   // its SYN had timestamps
  SIDE_HOLE = 1u << 13,     // its text has holes: trouble->reach counts
  SIDE_GAP = 1u << 14,      // the same where the peer was not seen: no state asks for it
  SIDE_HELD = 1u << 15,     // the detectors know that it keeps its window at zero
};

#define FLOW_WSCALE_MOST    14   // RFC 7323 2.3
#define FLOW_WSCALE_UNKNOWN 0xfe // the capture has not its SYN, or not all of that one's options
#define FLOW_WSCALE_NONE    0xff // its SYN had none

struct flow_side {
  uint64_t ip_bytes, frame_bytes;
  uint32_t start_seq, last_seq, ack_seq; // Zeek's: ISN, end of what was sent, what was acknowledged
  uint16_t seq_wraps, ack_wraps;
  uint32_t delivered; // Zeek's: text before this is there or was given up
  uint32_t pkts;
  unsigned char z : 4, z_prev : 4; // enum zeek_state
  uint8_t ttl;                     // of its first segment, or what has proved enough
  uint8_t z_seen;                  // enum zeek_seen
  uint8_t z_bits;                  // enum zeek_bits
  uint8_t state;                   // enum estab_state
  uint8_t wscale;                  // its SYN's, FLOW_WSCALE_UNKNOWN or FLOW_WSCALE_NONE
  uint16_t bits;                   // enum flow_side_bits
  uint16_t flags;                  // OR-ed
  uint16_t first_flags;            // as they were
  uint16_t mss;                    // of its SYN, 0 = none
  uint16_t first_window;           // of its first segment, as on the wire
  uint32_t nxt;                    // SND.NXT: end of what it sent and is believed
  uint32_t una;                    // the highest ACK that it sent: what of the peer it has for sure
  uint32_t edge;                   // right edge of the window it offers
  uint32_t ts_recent;              // the last TSval it sent in order
};

// A step of a side, dated as the packet that caused it passed the tap.
struct flow_step {
  uint32_t what[2]; // a number of 64 bits, written and read at once: timeline.h
  uint32_t packet;  // since the life's first packet, low bits
};

// In the record; what an ordinary close adds; what no ordinary life has.
#define FLOW_STEPS        4
#define FLOW_MORE_STEPS   7
#define FLOW_LAST_STEPS   3
#define FLOW_ALL_STEPS    (FLOW_STEPS + FLOW_MORE_STEPS + FLOW_LAST_STEPS)
#define FLOW_HISTORY      11
#define FLOW_MORE_HISTORY 116

struct flow {
  FLOW_HEAD
  uint32_t closing; // index of struct flow_closing, SLAB_NONE = none
  uint32_t trouble; // index of struct flow_trouble, SLAB_NONE = none
  struct wheel_node timer;
  uint64_t life_ns, life_packet; // its first segment
  uint64_t last_ns, last_packet; // its last one
  struct flow_step steps[FLOW_STEPS];
  uint8_t step_count;    // in `steps`, then in `closing`, then in `trouble`
  uint8_t steps_lost;    // stays at 255
  uint8_t history_count; // in `history` and then in `trouble`
  char history[FLOW_HISTORY];
  unsigned char opened_by : 3;    // enum flow_who
  unsigned char opened_basis : 2; // enum estab_watch_basis
  unsigned char next_by : 2; // of a copy: whose segment began the life's next row, 1 + end; 0: none
  uint8_t closed_by;         // enum flow_who
  uint8_t life_bits;         // enum flow_life_bits
  uint8_t inactivity;        // seconds / 60 of Zeek's inactivity timeout
  uint8_t observed;          // what the detectors know: enum flow_observed
  uint8_t rtt_end;        // whose text rtt_seq ends, above it more of rtt_at; bit 7: none is timed
  uint16_t max_window[2]; // by end: largest it offered after its SYN, as on the wire
  uint32_t rtt_seq;
  // Units of FLOW_RTT_NS, 0 = none; the halves by end: the least of the text that it acknowledged
  uint32_t rtt_half[2], rtt_median;
  uint32_t rtt_step; // of the estimator of the median
  uint32_t rtt_at;   // when the timed text passed: units of FLOW_RTT_NS since life_ns, low bits
  struct flow_side side[2]; // by end
};

#define FLOW_RTT_NS  64
#define FLOW_RTT_END 0x01
#define FLOW_RTT_HIGH                                                                              \
  0x7e // bits 32 to 37 of rtt_at, so that an age of up to five hours is known for what it is
#define FLOW_NO_RTT 0x80

enum flow_observed { // what the detectors were told of this life
  FLOW_OBSERVED_ESTABLISHED = 1u << 0,
  FLOW_OBSERVED_DATA = 1u << 1,
  FLOW_OBSERVED_RST = 1u << 2, // suspicions are told once
  FLOW_OBSERVED_OVERLAP = 1u << 3,
  FLOW_OBSERVED_USED = 1u << 4, // by text before DATA
  FLOW_OBSERVED_CLOSE = 1u << 5,
  FLOW_SYN_AGAIN = 1u << 6, // a SYN or SYN-ACK came twice: no handshake RTT
  FLOW_LAST_END = 1u << 7,  // which end sent the last segment
};

enum flow_who { // an end, both or none
  FLOW_WHO_0,
  FLOW_WHO_1,
  FLOW_WHO_BOTH,
  FLOW_WHO_NONE,
  FLOW_WHO_UNKNOWN,
};

enum flow_life_bits {
  LIFE_MIDSTREAM = 1u << 0, // begun without a SYN
  LIFE_WAS_OPEN = 1u << 1,  // both sides were ESTABLISHED
  LIFE_OVER = 1u << 2,      // both sides are CLOSED
  LIFE_CANDIDATE = 1u << 3, // trouble->candidate: another SYN that nobody answered yet
  LIFE_RST_HELD = 1u << 4,  // closing->rst: a RST that may prove false
  LIFE_ROW_TOLD = 1u << 5,  // the row of Zeek's machine is told; the next segment begins another
  LIFE_SPLIT = 1u << 6,     // split handshake
  LIFE_AGAIN = 1u << 7,     // of a copy: its row was told as final, and is told again
};

// What only a connection has that closes, or goes on after its row.
struct flow_closing {
  uint64_t row_ns, row_packet; // the row's first segment, with FLOW_CONTINUES
  uint64_t z_last_ns;   // Zeek's last_time; it stops when both sides have closed; 0: last_ns is
  uint64_t z_delete_ns; // when Zeek forgets it, ESTAB_NEVER = not closed
  uint64_t wait_ns[2];  // by end: when TIME-WAIT ends, ESTAB_NEVER
  struct {
    uint32_t hist_fin, hist_rst; // Zeek's: relative numbers of the last ones
    uint32_t fin_end;            // Zeek's: behind its FIN
    uint32_t fin;                // sequence number of its FIN
    uint32_t rst_seq;            // of its last RST that was counted
    uint32_t fin_ack;            // what that acknowledged, as it was said last
  } side[2];
  uint32_t rst_at;       // the sequence number of the RST that was believed
  uint32_t reset;        // a row that it ended and that was told, see track_keep_reset(); FLOW_NONE
  uint8_t rst_end;       // whose it was
  uint8_t rst_ttl;       // of that RST
  bool rst_rested : 1;   // it came behind a minute of silence
  bool contradicted : 1; // its side went on: trouble->contradicted_ack counts
  bool row_twin : 1;     // with FLOW_CONTINUES: the row before began in the same nanosecond
  bool beyond_end : 1;   // whose `beyond_ttl` is
  uint8_t beyond_ttl;    // hop count of the RST at side[].rst_seq beyond all it had sent, 0 = none
  uint8_t held_state[2]; // before the RST that was believed
  uint8_t rsts[2]; // by end: RSTs at and beyond what it had sent, each elsewhere; stays at 255
  uint16_t late;   // of steps long behind the life's begin: timeline.h
  uint8_t
      earlier[2]; // by end, with FLOW_CONTINUES: segments of the life before its row; stays at 255
  struct flow_step steps[FLOW_MORE_STEPS];
};

#define FLOW_OVERTAKEN 4 // holes at once whose times are kept

// How far a side's text has reached its receiver, while it has holes.
struct flow_reach {
  uint32_t edge;
  struct ranges held; // behind `edge`, from SYN to FIN
  // What passed ahead of text that was missing then, oldest first: where it began, and when it passed.
  uint64_t ahead_ns[FLOW_OVERTAKEN];
  uint32_t ahead[FLOW_OVERTAKEN];
  struct {
    uint32_t first, last;     // where one stands for several
  } ahead_ts[FLOW_OVERTAKEN]; // their timestamps, without `untimed`
  uint8_t ahead_count;
  bool untimed; // one had none
  // Text that may have died on its way, doubt_dies(): the end of the first of it, and its hop count. 0: there is none,
  // or it came again. And the end of all of it: where SND.NXT stands there nothing else says that so much was sent.
  uint8_t died_ttl;
  uint32_t died_end, died_nxt;
};

// A segment of somebody who seems to know nothing of the connection.
struct flow_blind {
  uint32_t seq, ack;
  uint8_t count; // so many that go with each other, 0: none
};

#define FLOW_KNOWN 5

// What a sender of text knows of its peer where it sends what passes the tap now: what that said as long ago as the way
// from the tap to the sender and back takes. A ring of what was true a quarter of that apart.
struct flow_known {
  uint64_t since_ns; // when the newest entry was written
  uint64_t told_ns;  // when the peer said something new
  uint32_t una[FLOW_KNOWN], edge[FLOW_KNOWN];
  uint32_t una_now, edge_now;
  uint32_t near,
      most; // that way, and what is proved of it: units of FLOW_RTT_NS, 0 = not known, or none
  uint8_t newest; // its index
};

// What only a connection has that loses, repeats, waits or is attacked.
struct flow_trouble {
  uint64_t missed_bytes;
  struct {
    uint64_t retransmitted_bytes, zero_window_ns, zero_since_ns;
    uint32_t retransmitted_pkts, spurious_pkts, reordered_pkts, dup_acks, zero_windows;
    uint32_t z_bad, z_again, z_zero, z_gaps;           // Zeek's counters ...
    uint8_t bad_tens, again_tens, zero_tens, gap_tens; // ... and how many letters each wrote
    uint32_t offloaded;                                // segments that Zeek's counters leave out
    uint32_t recover;                                  // repaired when this is acknowledged
    uint32_t hist_syn;                                 // Zeek's: relative number of the last one
    uint32_t probe; // with `probed`: the octet that asked a closed window last
    bool recovering, probed;
    uint32_t acked_from, acked_to; // what was acknowledged last and had not passed
    uint64_t acked_ns;             // when, 0 = never
    struct ranges holes;           // text ahead of `delivered`
  } side[2];
  struct flow_reach reach[2]; // by end, with SIDE_HOLE or SIDE_GAP
  struct flow_known known[2]; // by end, with limits_kept
  uint64_t shut_ns[2];        // by end, with SIDE_ZERO: since when, whatever the row
  bool asked[2];              // with it: the other side has text for it
  uint64_t limited_ns[4];     // by enum flow_limit
  uint64_t limited_since_ns;
  uint64_t limited_until_ns;
  uint8_t limited;               // enum flow_limit until then ...
  uint8_t limited_later;         // ... and behind it
  bool limits_kept, limits_told; // since when: measure.c; and to be told, since there is much text
  struct flow_blind blind[2];    // by end, the last ones
  struct segment candidate;      // a SYN by which a side offered another ISN, with LIFE_CANDIDATE
  // Rows of lives: what the row had before that SYN, which may begin another (life_anew.c).
  struct {
    struct flow_side side;
    uint64_t last_ns, last_packet;
    uint8_t history_count;
  } before;
  // What a side whose RST was believed acknowledged then; Zeek's count of what the other side had sent by then
  uint32_t contradicted_ack, contradicted_pkts;
  uint8_t ambiguities[ESTAB_WATCH_AMBIGUITIES];
  struct stream *stream; // settings.streams: what is given out
  struct flow_step steps[FLOW_LAST_STEPS];
  char history[FLOW_MORE_HISTORY];
};

_Static_assert(sizeof(struct flow_one) <= 104,
               "a one-packet flow is at most 128 bytes, table included");
_Static_assert(sizeof(struct flow_refusal) <= 32, "two in a cache line");
_Static_assert(sizeof(struct flow) <= 360,
               "an idle connection is at most 384 bytes, table included");

// A function that only asks memory for what comes: gcc takes a call of it for one without effect unless it is inlined.
#define FLOW_AHEAD inline __attribute__((always_inline))

// A record that will be looked at soon is asked for: it may have left the caches.
static FLOW_AHEAD void flow_expect(const void *record, size_t bytes)
{
  for (size_t i = 0; i < bytes; i += 64)
    __builtin_prefetch((const uint8_t *)record + i, 1);
  if (bytes % 64 != 0) // it may end in one more line
    __builtin_prefetch((const uint8_t *)record + bytes - 1, 1);
}

// Memory that was never used is far away, and a slab hands out one place after the other: the one behind the place
// that was given is asked for, the next connection begins there.
static FLOW_AHEAD void flow_expect_next(const void *record, size_t bytes)
{
  const uintptr_t next = (uintptr_t)record + bytes;
  flow_expect((const void *)next, bytes);
}

// The last segment, but for its time.
static inline void flow_last(struct flow *f, const struct segment *g)
{
  f->last_packet = g->packet;
  f->observed = (uint8_t)((f->observed & ~FLOW_LAST_END) | g->end * FLOW_LAST_END);
}

// Of one segment, and refused.
static inline bool flow_is_refused(const struct flow_head *f)
{
  return (f->bits & (FLOW_CLASS | FLOW_FULL)) == (uint32_t)FLOW_DONE << FLOW_CLASS_SHIFT;
}

static inline unsigned flow_orig(const struct flow_head *f)
{
  return (f->bits & FLOW_ORIG) != 0;
}

static inline unsigned flow_first(const struct flow_head *f)
{
  return (f->bits & FLOW_FIRST) != 0;
}

static inline bool side_has_wscale(const struct flow_side *s)
{
  return s->wscale < FLOW_WSCALE_UNKNOWN;
}

// What the windows of a side are shifted by after its SYN; the most that it may be where that is not known, so that
// nothing is said to lie beyond them that may not.
static inline unsigned side_wscale(const struct flow_side *own, const struct flow_side *peer)
{
  if (own->wscale == FLOW_WSCALE_NONE || peer->wscale == FLOW_WSCALE_NONE) return 0;
  return own->wscale == FLOW_WSCALE_UNKNOWN ? FLOW_WSCALE_MOST : own->wscale;
}

static inline unsigned flow_wscale(const struct flow *f, unsigned end)
{
  return side_wscale(&f->side[end], &f->side[1 - end]);
}

static inline enum flow_class flow_class(const struct flow_head *f)
{
  return (enum flow_class)((f->bits & FLOW_CLASS) >> FLOW_CLASS_SHIFT);
}

#endif
