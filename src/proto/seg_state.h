// SPDX-License-Identifier: BSD-2-Clause
// seg_state.h - what judging a segment needs to know of a connection of any size, and the segment judged.
#ifndef ESTAB_PROTO_SEG_STATE_H
#define ESTAB_PROTO_SEG_STATE_H

#include "estab/base.h"
#include "estab/wire.h"

enum seg_state_flags {
  SEG_TS = 1u << 0,       // timestamps were negotiated, RFC 7323 3.2
  SEG_SACK = 1u << 1,     // SACK was negotiated, RFC 2018 2
  SEG_WS = 1u << 2,       // window scaling was negotiated, RFC 7323 2.2
  SEG_PASSIVE = 1u << 3,  // opened by a listener
  SEG_LIMITED = 1u << 4,  // limiter_ms holds a time
  SEG_REPLACED = 1u << 5, // a TIME-WAIT record that a half-open one stands in for
  SEG_ECN = 1u << 6,      // ECN was negotiated, RFC 3168 6.1.1
  SEG_ACCECN = 1u << 7,   // Accurate ECN was, RFC 9768 3.1
};

// The head is a macro so that struct tcb can show the same members as its own: t->rcv.nxt, t->state.
#define SEG_STATE_HEAD                                                                             \
  uint8_t state;          /* enum estab_state */                                                   \
  uint8_t flags;          /* enum seg_state_flags */                                               \
  uint8_t snd_wscale;     /* shift of the windows we receive */                                    \
  uint8_t rcv_wscale;     /* shift of the windows we send */                                       \
  uint32_t ts_recent;     /* TS.Recent, RFC 7323 4.3 */                                            \
  uint32_t ts_recent_s;   /* when it was taken, seconds of the stack's clock */                    \
  uint32_t ts_offset;     /* added to our timestamp clock for this tuple, RFC 7323 7.1 */          \
  uint32_t limiter_ms;    /* when a limited reply was last given, RFC 5961 7 */                    \
  uint32_t last_ack_sent; /* Last.ACK.sent, RFC 7323 4.3 */                                        \
  struct {                                                                                         \
    uint32_t nxt; /* RCV.NXT */                                                                    \
    uint32_t wnd; /* RCV.WND: what the peer was told, counted from RCV.NXT */                      \
  } rcv;

// Every size of connection (full, half-open, TIME-WAIT) begins with this.
struct seg_state {
  SEG_STATE_HEAD
  struct {
    uint32_t una;     // SND.UNA
    uint32_t nxt;     // SND.NXT; never moves back
    uint32_t max_wnd; // MAX.SND.WND, RFC 5961 5.2
  } snd;
};

_Static_assert(sizeof(struct seg_state) == 44, "records of 112 and 144 bytes are built on this");

// One segment as the state machine sees it: parsed, clamped, and trimmed by the steps.
struct seg {
  uint32_t seq;         // SEG.SEQ, moved on by trimming
  uint32_t seq_arrived; // SEG.SEQ as it came: SEG.UP and Last.ACK.sent are compared with this
  uint32_t ack;         // SEG.ACK
  uint32_t wnd;         // SEG.WND, not scaled
  uint32_t text_bytes;  // octets of text left after trimming
  uint16_t flags;       // ESTAB_TCP_*
  uint16_t up;          // SEG.UP
  uint16_t segments;    // how many were merged into this one
  uint8_t ecn;          // of the IP header
  bool syn_trimmed;     // its SYN was received before and is cut off; its window is not scaled
  bool window_closed;   // text was refused because RCV.WND = 0; ACK and URG still count [MUST-66]
  const uint8_t *text;
  const struct estab_tcp_options *options;
  uint32_t duplicate_start, duplicate_end; // what the first step cut off below RCV.NXT, for DSACK
};

// SEG.LEN: octets of text, counting SYN and FIN.
static inline uint32_t seg_len(const struct seg *g)
{
  return g->text_bytes + ((g->flags & ESTAB_TCP_SYN) ? 1u : 0u) +
         ((g->flags & ESTAB_TCP_FIN) ? 1u : 0u);
}

// What the steps have trimmed comes back: an RST answers a segment as it came, and people are told of it so.
static inline void seg_untrim(struct seg *g, uint16_t flags, uint32_t text_bytes)
{
  g->seq = g->seq_arrived;
  g->flags = flags;
  g->text_bytes = text_bytes;
}

enum reply {
  REPLY_NONE,
  REPLY_ACK,     // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
  REPLY_SYN_ACK, // the SYN-ACK of a half-open record once more
  REPLY_RST,     // in the form RFC 9293 3.10.7.1 gives for the segment
};

enum effect {
  EFFECT_NONE,
  EFFECT_RESET,     // the connection is gone: "connection reset"
  EFFECT_REFUSED,   // an active open in SYN-RECEIVED is gone: "connection refused"
  EFFECT_TO_LISTEN, // a passive open in SYN-RECEIVED is gone, silently
};

// What a step of RFC 9293 3.10.7 says of a segment. All zero: go on to the next step.
struct verdict {
  bool stop;
  uint8_t drop;   // enum estab_drop, ESTAB_DROP_NONE when the segment was taken
  uint8_t reply;  // enum reply
  uint8_t effect; // enum effect
};

#define GO_ON ((struct verdict){false, ESTAB_DROP_NONE, REPLY_NONE, EFFECT_NONE})

static inline struct verdict verdict_stop(enum estab_drop drop, enum reply reply,
                                          enum effect effect)
{
  return (struct verdict){true, (uint8_t)drop, (uint8_t)reply, (uint8_t)effect};
}

#endif
