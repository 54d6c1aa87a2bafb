// SPDX-License-Identifier: BSD-2-Clause
// accecn.h - Accurate ECN, RFC 9768: how many segments were marked, not only that one was. SEG_ACCECN in t->flags and
// TCB_ACCECN in t->bits: both sides do.
//
// Receiver: counts what the network has marked and tells it in the ACE field of every segment (three bits of the
// count of segments) and, where there is room, in an option (24 bits of the counts of octets).
// Sender: what an ACK adds to these counts was marked. Where three bits cannot tell, the safe reading is taken.
// The counters here begin with zero; what RFC 9768 3.2.1 begins them with is added on the way out and taken off on the
// way in.
#ifndef ESTAB_TCP_ACCECN_H
#define ESTAB_TCP_ACCECN_H

#include <estab/estab.h>
#include "base/bytes.h"
#include "proto/seg_state.h"

struct tcb;
struct tcp;
struct tcp_out;
struct news;

#define ACCECN_FLAGS     (ESTAB_TCP_AE | ESTAB_TCP_CWR | ESTAB_TCP_ECE)
#define ACCECN_ACE_SHIFT 6 // ECE is its lowest bit
#define ACCECN_ACE_FIRST 5 // RFC 9768 3.2.1: r.cep and s.cep

enum accecn_bits {
  ACCECN_FIELD = 3u << 0, // ECN field of the SYN or SYN-ACK that is to be told of, enum estab_ecn
  ACCECN_HANDSHAKE = 1u << 2, // the next pure ACK tells it (3.2.2.1)
  ACCECN_NO_ECT =
      1u << 3, // something on the way rewrites the field, or the peer may not look: ours is not ECT
  ACCECN_DEAF = 1u << 4,      // what the peer tells of marks is not believed
  ACCECN_DUE = 1u << 5,       // octets were counted since the last option
  ACCECN_PUT = 1u << 6,       // the segment being made may carry the option
  ACCECN_SILENT = 1u << 7,    // segments with the option do not arrive: none any more (3.2.3.2.2)
  ACCECN_ZEROED = 1u << 8,    // the peer's options are not what it wrote (3.2.3.2.4)
  ACCECN_LAST_CE = 1u << 9,   // the latest segment was marked
  ACCECN_HEARD = 1u << 10,    // the first ACE field behind the handshake was looked at (3.2.2.4)
  ACCECN_TEXT_OUT = 1u << 11, // text of ours went out with the option, not acknowledged yet
  ACCECN_PROVEN = 1u << 12,   // a segment of ours with the option has arrived
  ACCECN_STRIKE = 1u << 13,   // one seems not to have
  ACCECN_OPTION = 1u << 14,   // the latest ACK that counted had the peer's option
  ACCECN_NEWER = 1u << 15,    // this segment's timestamp is newer than all before
  ACCECN_ECT_ALL = 1u << 16,  // pure ACKs and what is sent again are ECT, too
  ACCECN_SEEN = 1u << 25,     // the peer has sent the option
  ACCECN_TOLD = 7u << 17,     // low bits of ce_received when the last ACK left
  ACCECN_FRESH = 31u << 20,   // segments of text since the last that was a duplicate
};
#define ACCECN_TOLD_SHIFT  17
#define ACCECN_FRESH_SHIFT 20

enum accecn_octets {
  ACCECN_E0B,
  ACCECN_CEB,
  ACCECN_E1B,
  ACCECN_OCTETS
}; // in order 0 of the option

// Cold: 28 octets of the TCB.
struct accecn {
  uint32_t ce_received;               // r.cep - 5: marked segments that arrived
  uint32_t ce_reported;               // s.cep - 5: marked segments of ours, as the peer tells
  uint32_t bits;                      // enum accecn_bits
  uint8_t acked_eighths;              // segments that an ACK covers, on the average
  uint8_t received[ACCECN_OCTETS][3]; // r.e0b, r.ceb, r.e1b: octets of text that arrived so
  uint8_t reported[2][3]; // s.e0b, s.ceb. Nothing of ours is ECT(1), so s.e1b is not kept
};

static inline uint32_t accecn_get24(const uint8_t *p)
{
  return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline void accecn_put24(uint8_t *p, uint32_t value)
{
  p[0] = (uint8_t)(value >> 16);
  p[1] = (uint8_t)(value >> 8);
  p[2] = (uint8_t)value;
}

// ---- Handshake

// What a SYN of these flags agrees to: SEG_ECN, SEG_ACCECN or 0. RFC 9768 3.1.2, and 3.1.3 for what has no use yet.
static inline uint8_t accecn_of_syn(const struct estab_settings *set, uint16_t flags)
{
  const uint16_t asked = flags & ACCECN_FLAGS, classic = ESTAB_TCP_CWR | ESTAB_TCP_ECE;
  if (set->ecn == ESTAB_ECN_OFF || asked == 0) return 0;
  if (set->ecn < ESTAB_ECN_ACCURATE) return (asked & classic) == classic ? SEG_ECN : 0;
  return asked == classic ? SEG_ECN : SEG_ACCECN;
}

// What a SYN-ACK of these flags has agreed to when our SYN asked for Accurate ECN, Table 2.
static inline uint8_t accecn_of_syn_ack(uint16_t flags)
{
  const uint16_t said = flags & ACCECN_FLAGS;
  if (said == 0 || said == ACCECN_FLAGS) return 0; // all of them: a reflection of the SYN
  return said == ESTAB_TCP_ECE ? SEG_ECN : SEG_ACCECN;
}

// Flags by which a SYN-ACK, or the ACK of one, tells how the other's came (Tables 2 and 3).
static inline uint16_t accecn_handshake_flags(uint32_t ecn)
{
  static const uint8_t ace[4] = {2, 3, 4, 6}; // by enum estab_ecn
  return (uint16_t)(ace[ecn & 3u] << ACCECN_ACE_SHIFT);
}

// 3.1.5: a handshake with both kinds of feedback leaves neither side sure of which. has: enum seg_state_flags of the
// connection; flags: of a SYN or SYN-ACK that follows the first.
bool accecn_conflicts(const struct estab_settings *set, uint8_t has, uint16_t flags);

// The SYN or SYN-ACK g made this a connection with Accurate ECN.
void accecn_begin(struct tcb *t, const struct seg *g);
// The peer has acknowledged our SYN or SYN-ACK. True: that had come marked.
bool accecn_handshake_done(struct tcb *t, const struct seg *g);
// The SYN-ACK once more: the ACK that it gets tells of it (3.2.2.1).
void accecn_on_syn_ack_again(struct tcb *t, const struct seg *g);

// The option of a segment before which nothing was counted.
void accecn_put_first(struct estab_tcp_options *o);

// ---- Receiver

// A segment, before it is judged: is its timestamp news?
void accecn_on_arrival(struct tcb *t, const struct seg *g);
// It was acceptable; before anything else is done with it.
void accecn_on_segment(struct tcb *t, const struct seg *g);
// Text came that had been acknowledged already.
void accecn_on_repeat(struct tcb *t);

// ---- What leaves

// Octets that the option may take from the segment about to be made. blocks: SACK blocks that are owed.
unsigned accecn_plan(const struct tcp *c, struct tcb *t, unsigned blocks);
// ACE field, option and ECN field of a segment whose SACK blocks and text are known.
void accecn_mark(struct tcb *t, struct tcp_out *out);
uint16_t accecn_ace(const struct tcb *t);

// ---- Sender

// Marked segments that an ACK tells of. octets: what it delivered; forward: it moved SND.UNA or told of new blocks.
uint32_t accecn_on_ack(struct tcb *t, const struct seg *g, uint32_t octets, bool forward);

#endif
