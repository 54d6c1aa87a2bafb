// SPDX-License-Identifier: BSD-2-Clause
// zeek.h - Zeek's view of a connection: endpoint states, history, byte counts, timers and flips, as conn.log has them.
//
// Kept apart from the RFC's machine (life.h): this one believes every RST, because rows must equal Zeek's.
#ifndef ESTAB_WATCH_ZEEK_H
#define ESTAB_WATCH_ZEEK_H

#include "watch/track.h"

#define ZEEK_ATTEMPT_NS         UINT64_C(5000000000) // tcp_attempt_delay, tcp_SYN_timeout, tcp_close_delay
#define ZEEK_SESSION_NS         UINT64_C(6000000000) // tcp_session_timer
#define ZEEK_HANDSHAKE_MINUTES  1                    // before anything but a SYN was seen
#define ZEEK_INACTIVITY_MINUTES 5                    // tcp_inactivity_timeout
#define ZEEK_PORT_MINUTES       60                   // ports 21, 22, 23, 513

// Ports that a server is likely to have, as Zeek's scripts register them.
bool zeek_likely_server(uint16_t port);

// Whether a connection that begins with these flags is turned around at once.
bool zeek_flips_first(uint16_t flags, uint16_t src_port, uint16_t dst_port);

// A row begins with this segment; the record's Zeek part is all zero but for FLOW_ORIG, the sender.
void zeek_begin(struct track *t, struct flow *f, const struct segment *s);

// The row's next segment, or its first after zeek_begin().
void zeek_segment(struct track *t, struct flow *f, const struct segment *s);

// Both of a row that begins with a plain SYN (segment_is_plain_syn()), without a look at all that this is not.
void zeek_first_syn(struct flow *f, const struct segment *s);

// A plain answer to that (segment_is_plain_answer()): as zeek_segment() does it, nothing else being there yet.
void zeek_first_answer(struct flow *f, const struct segment *s);

// The same of a RST without text that is the peer's first segment.
void zeek_first_refusal(struct track *t, struct flow *f, const struct segment *s);

// And of one that acknowledges a plain SYN.
void zeek_refused_syn(struct track *t, struct flow *f, const struct segment *s);

// Whether this segment belongs to another connection of the same two ends.
bool zeek_is_reuse(struct track *t, struct flow *f, const struct segment *s);

// When the row ends without a further segment. Exact.
uint64_t zeek_deadline(struct track *t, struct flow *f);

// For a record of one segment: how long after it, without looking into a machine.
enum flow_class zeek_class_of_first(uint16_t flags, uint8_t bits, bool flipped);
uint64_t zeek_class_ns(enum flow_class class);

const char *zeek_conn_state(struct track *t, struct flow *f);
// What the numbers of a side span, SYN and FIN with it; huge when they contradict each other.
static inline uint64_t zeek_span(const struct flow_side *s)
{
  uint64_t sent = (uint64_t)s->seq_wraps << 32 | s->last_seq;
  uint64_t acked = (uint64_t)s->ack_wraps << 32 | s->ack_seq;
  return (sent > acked ? sent : acked) - s->start_seq;
}

// Of text, by sequence numbers: never more than zeek_span().
uint64_t zeek_bytes(const struct flow *f, unsigned end);
// When the row's last segment came; `c`: what f keeps of its closing, or NULL.
static inline uint64_t zeek_last_ns(const struct flow_closing *c, const struct flow *f)
{
  return c && c->z_last_ns ? c->z_last_ns : f->last_ns;
}

#endif
