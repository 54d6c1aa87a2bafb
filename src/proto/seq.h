// SPDX-License-Identifier: BSD-2-Clause
// seq.h - sequence number arithmetic modulo 2^32, RFC 9293 3.4.
#ifndef ESTAB_PROTO_SEQ_H
#define ESTAB_PROTO_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) < 0;
}

static inline bool seq_le(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) > 0;
}

static inline bool seq_ge(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) >= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
  return seq_gt(a, b) ? a : b;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
  return seq_lt(a, b) ? a : b;
}

// The four cases of RFC 9293 3.4 Table 5 (RFC 9293 3.10.7.4, first): does a segment of seg_len octets of
// sequence space at seg_seq touch the window [rcv_nxt, rcv_nxt + rcv_wnd)? Endpoint and observer both ask this.
static inline bool acceptable(uint32_t seg_seq, uint32_t seg_len, uint32_t rcv_nxt,
                              uint32_t rcv_wnd)
{
  uint32_t edge = rcv_nxt + rcv_wnd;
  if (seg_len == 0) {
    if (rcv_wnd == 0) return seg_seq == rcv_nxt;
    return seq_le(rcv_nxt, seg_seq) && seq_lt(seg_seq, edge);
  }
  if (rcv_wnd == 0) return false;
  uint32_t last = seg_seq + seg_len - 1;
  return (seq_le(rcv_nxt, seg_seq) && seq_lt(seg_seq, edge)) ||
         (seq_le(rcv_nxt, last) && seq_lt(last, edge)) ||
         // Covers the whole window. By lengths: half of all numbers away `last` would seem to be behind the edge.
         (seq_lt(seg_seq, rcv_nxt) && seg_len > edge - seg_seq);
}

#endif
