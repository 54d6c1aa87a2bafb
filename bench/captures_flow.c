// SPDX-License-Identifier: BSD-2-Clause
// captures_flow.c - one connection of the mixed capture: opened, messages by turns, closed.
//
// A message goes in flights of as many segments as the sender's window allows; a flight is over when
// the last of its ACKs has passed the tap. Times are those at the tap.
#include "captures_flow.h"

#define MSS        (TEXT_BYTES - 12)
#define FIRST      10     // segments of the first flight (RFC 6928)
#define DELAYED_US 40000  // a lone segment's ACK waits for the answer so long
#define RTO_US     200000 // beyond the round trip
#define NONE       UINT32_MAX

static uint32_t draw(struct flow *f)
{
  return mix(mix(f->id) + 0x9e3779b9 * ++f->draws);
}

uint32_t flow_below(struct flow *f, uint32_t limit)
{
  return (uint32_t)((uint64_t)draw(f) * limit >> 32);
}

bool flow_percent(struct flow *f, uint32_t of_100)
{
  return flow_below(f, 100) < of_100;
}

// How often a fair coin says heads in a row, and the rest of the way to the next, in 1/65536.
static uint32_t heads(struct flow *f, uint32_t *rest)
{
  uint32_t n = 0, random = draw(f) | 1;
  for (; !(random & 0x80000000); random <<= 1)
    n++;
  *rest = 0x10000 - (random >> 15 & 0xffff);
  return n;
}

// Exponential, by logarithms that are straight lines between powers of two.
uint32_t flow_wait_us(struct flow *f, uint32_t mean_us)
{
  uint32_t rest;
  const uint64_t octaves = (uint64_t)heads(f, &rest) << 16;
  return (uint32_t)((octaves + rest) * mean_us * 2 / 3 >> 16); // 3/2 octaves is their mean
}

// Heavy-tailed, as files are known to be: one in 2.3 is twice as large (Pareto, alpha 1.2).
static uint32_t size_bytes(struct flow *f)
{
  uint32_t rest;
  uint64_t bytes = 1000;
  for (uint32_t n = heads(f, &rest); n > 0; n--)
    bytes = bytes * 1825 / 1024;
  bytes += bytes * 801 / 1024 * rest >> 16;
  return bytes < 30000000 ? (uint32_t)bytes : 30000000;
}

static void put_text(struct flow *f, unsigned from, uint8_t flags, uint32_t seq, uint32_t ack,
                     uint32_t bytes, bool in_order, struct flow_counts *made)
{
  const unsigned to = !from;
  struct packet q = {.at_us = f->at_us,
                     .src = f->address[from],
                     .dst = f->address[to],
                     .src_port = f->port[from],
                     .dst_port = f->port[to],
                     .window = flags & RST ? 0 : 64240,
                     .text_bytes = (uint16_t)bytes,
                     .seq = seq,
                     .ack = ack,
                     .flags = flags,
                     .ip6 = f->ip6,
                     .echo_ms = f->stamp_ms[to]};
  if (flags == ACK && bytes == 0 && f->stage == FLIGHT && f->heard > f->lost &&
      f->heard < f->segments) {
    q.sack_left = ack + MSS; // what came beyond the hole
    const uint32_t end = (f->heard + 1) * MSS;
    q.sack_right = f->seq[to] + (end < f->flight_bytes ? end : f->flight_bytes);
  }
  put_packet(&q);
  if (in_order) f->stamp_ms[from] = (uint32_t)(f->at_us / 1000);
  made->packets++;
}

static void put_flags(struct flow *f, unsigned from, uint8_t flags, struct flow_counts *made)
{
  put_text(f, from, flags, f->seq[from], flags & ACK ? f->seq[!from] : 0, 0, true, made);
  if (flags & (SYN | FIN)) f->seq[from]++;
}

// ---------------------------------------------------------------------------------------------
// A message, flight by flight

static void begin_flight(struct flow *f, uint64_t at_us)
{
  const uint32_t most = f->window * MSS;
  f->flight_bytes = f->left_bytes < most ? f->left_bytes : most;
  f->left_bytes -= f->flight_bytes;
  f->segments = (f->flight_bytes + MSS - 1) / MSS;
  f->sent = f->heard = 0;
  // One segment in 200, but one a flight.
  f->lost = flow_below(f, 200) < f->segments ? flow_below(f, f->segments) : NONE;
  f->before = draw(f) & 1;
  f->resent = false;
  f->flight_us = f->at_us = at_us;
}

static void begin_message(struct flow *f, unsigned sender, uint64_t at_us)
{
  const bool large = (sender == SERVER) != f->uploads, keys = f->port[SERVER] == 22;
  f->sender = (uint8_t)sender;
  f->left_bytes = keys ? 40 + flow_below(f, 80) : large ? size_bytes(f) : 300 + flow_below(f, 900);
  f->window = FIRST;
  f->threshold = f->limit;
  if (sender == CLIENT) {
    f->think_us = 500 + flow_wait_us(f, 15000); // the server's work
  } else if (f->exchanges > 1) {
    f->think_us = flow_wait_us(f, 600000); // the reader's
  } else if (flow_percent(f, 60)) {
    f->think_us = flow_wait_us(f, 5000); // nothing more to ask, soon closed
  } else {                               // kept for what may come
    f->think_us = flow_wait_us(f, flow_percent(f, 70) ? 5000000 : 60000000);
  }
  begin_flight(f, at_us);
}

static uint64_t segment_us(const struct flow *f, uint32_t i)
{
  return f->flight_us + (uint64_t)i * f->gap_us;
}

// When the lost segment passes again: after three duplicate ACKs, or when the timer runs out.
static uint64_t again_us(const struct flow *f)
{
  const uint64_t last_us = segment_us(f, f->segments - 1);
  const uint32_t round_us = f->near_us[CLIENT] + f->near_us[SERVER];
  if (f->segments - 1 - f->lost < 3) return last_us + RTO_US + round_us;
  const uint64_t third_us = segment_us(f, f->lost + 3) + round_us;
  return third_us > last_us ? third_us : last_us + f->gap_us;
}

// When the segment's ACK passes; UINT64_MAX: none, for the next one or the answer says it too.
static uint64_t ack_us(const struct flow *f, uint32_t i)
{
  const uint64_t came_us = segment_us(f, i) + f->near_us[!f->sender];
  if (f->lost != NONE && i > f->lost) return came_us; // out of order: at once
  if (i == f->lost) return UINT64_MAX;
  if (i % 2 == 1) return came_us;
  const bool last = i + 1 == f->segments;
  if (!last && !(i + 1 == f->lost && f->lost + 1 == f->segments)) return UINT64_MAX;
  if (last && f->left_bytes > 0) return came_us;
  return last && f->think_us < DELAYED_US ? UINT64_MAX : came_us + DELAYED_US;
}

static void end_flight(struct flow *f, uint64_t now_us)
{
  const uint32_t round_us = f->near_us[CLIENT] + f->near_us[SERVER];
  const bool full = (uint64_t)f->segments * f->gap_us >= round_us; // no more fits into the path
  f->seq[f->sender] += f->flight_bytes;
  uint64_t next_us = f->flight_us + round_us + f->gap_us;
  if (f->lost != NONE) {
    next_us = now_us + f->near_us[f->sender];
    f->threshold = f->window = f->window > 4 ? f->window / 2 : 2;
  } else if (!full) {
    f->window = f->window < f->threshold ? 2 * f->window : f->window + 1;
    if (f->window > f->limit) f->window = f->limit;
  }
  if (f->left_bytes > 0) {
    begin_flight(f, next_us > now_us ? next_us : now_us + 1);
    return;
  }
  const bool closes = f->sender == SERVER && --f->exchanges == 0;
  next_us = f->data_us + f->think_us;
  // Who received the message waits for it; a server that closes has sent it.
  if (!closes || f->closer == CLIENT) next_us += f->near_us[!f->sender];
  if (next_us <= now_us) next_us = now_us + 1;
  if (!closes) {
    begin_message(f, !f->sender, next_us);
    return;
  }
  f->at_us = next_us;
  f->stage = flow_percent(f, 10) ? ABORT : FIN_FIRST;
  if (flow_percent(f, 3)) f->stage = OVER; // stays open
}

// What is next of the flight: its time, and whether text.
static uint64_t next_of_flight(struct flow *f, bool *text)
{
  uint64_t text_us = UINT64_MAX, heard_us = UINT64_MAX;
  if (f->sent < f->segments)
    text_us = segment_us(f, f->sent);
  else if (f->lost != NONE && !f->resent)
    text_us = again_us(f);
  while (f->heard < f->segments && (heard_us = ack_us(f, f->heard)) == UINT64_MAX)
    f->heard++;
  if (f->heard == f->segments && f->resent) heard_us = f->data_us + f->near_us[!f->sender];
  *text = text_us <= heard_us;
  return *text ? text_us : heard_us;
}

static void step_flight(struct flow *f, struct flow_counts *made)
{
  const unsigned from = f->sender;
  const uint32_t seq = f->seq[from], ack = f->seq[!from], bytes = f->flight_bytes;
  bool text;
  next_of_flight(f, &text);
  if (text) {
    const bool again = f->sent == f->segments;
    const uint32_t i = again ? f->lost : f->sent++, begin = i * MSS;
    const bool last = i + 1 == f->segments, hidden = i == f->lost && f->before && !again;
    const uint8_t flags = last && f->left_bytes == 0 ? PSH | ACK : ACK;
    if (!hidden)
      put_text(f, from, flags, seq + begin, ack, last ? bytes - begin : MSS, again || i < f->lost,
               made);
    if (again) {
      f->resent = true;
      made->twice += !f->before;
      made->filled += f->before && !last; // with none behind it there is no hole to see
    }
    f->data_us = f->at_us;
  } else {
    uint32_t end = f->heard < f->segments ? (f->heard + 1) * MSS : bytes;
    if (f->heard < f->segments && f->heard > f->lost) end = f->lost * MSS;
    put_text(f, !from, ACK, ack, seq + (end < bytes ? end : bytes), 0, true, made);
    f->heard++;
  }
  const uint64_t now_us = f->at_us;
  f->at_us = next_of_flight(f, &text); // never after the ACK of what was lost
  if (f->at_us == UINT64_MAX) end_flight(f, now_us);
}

// ---------------------------------------------------------------------------------------------
// Opening and closing

static bool step_syn(struct flow *f, struct flow_counts *made)
{
  f->seq[CLIENT] -= f->tries > 0;
  put_flags(f, CLIENT, SYN, made);
  made->syns += f->tries > 0;
  const bool heard = f->fate != SILENT && (f->fate != SYN_LOST || f->tries > 0);
  f->at_us += heard ? f->near_us[SERVER] : f->tries == 0 ? 1000000 : 2000000;
  if (heard) f->stage = ANSWER;
  return f->tries++ < 2 || heard;
}

static bool step_answer(struct flow *f, struct flow_counts *made)
{
  if (f->fate == REFUSED) {
    put_text(f, SERVER, RST | ACK, 0, f->seq[CLIENT], 0, true, made);
    made->refused++;
    return false;
  }
  put_flags(f, SERVER, SYN | ACK, made);
  f->at_us += f->near_us[CLIENT];
  f->stage = THIRD;
  return true;
}

static void step_close(struct flow *f, struct flow_counts *made)
{
  const unsigned closer = f->closer, other = !closer;
  switch (f->stage) {
  case FIN_FIRST:
    put_flags(f, closer, FIN | ACK, made);
    f->at_us += f->near_us[other] + 50;
    f->stage = flow_percent(f, 85) ? FIN_SECOND : FIN_ACKED;
    break;
  case FIN_ACKED: // the program is slower than its kernel
    put_flags(f, other, ACK, made);
    f->at_us += 1 + flow_wait_us(f, 20000);
    f->stage = FIN_SECOND;
    break;
  case FIN_SECOND:
    put_flags(f, other, FIN | ACK, made);
    f->at_us += f->near_us[closer];
    f->stage = LAST_ACK;
    break;
  default:
    put_flags(f, closer, f->stage == ABORT ? RST | ACK : ACK, made);
    made->aborted += f->stage == ABORT;
    f->stage = OVER;
  }
}

bool flow_step(struct flow *f, struct flow_counts *made)
{
  switch (f->stage) {
  case ASK: return step_syn(f, made);
  case ANSWER: return step_answer(f, made);
  case THIRD:
    put_flags(f, CLIENT, ACK, made);
    f->stage = FLIGHT;
    begin_message(f, CLIENT, f->at_us + 10 + flow_wait_us(f, 500));
    return true;
  case FLIGHT: step_flight(f, made); break;
  default: step_close(f, made);
  }
  return f->stage != OVER;
}
