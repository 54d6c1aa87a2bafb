// SPDX-License-Identifier: BSD-2-Clause
// plant.c - lies told to the checker, to see that it is not fooled.
#include "plant.h"

#include <string.h>

#include "octets.h"

const char *plant_name(enum plant plant)
{
  static const char *const names[PLANTS] = {
      "none",
#define PLANT(name, invariant, english) #name,
#include "plants.def"
#undef PLANT
  };
  return plant < PLANTS ? names[plant] : "?";
}

const char *plant_text(enum plant plant)
{
  static const char *const texts[PLANTS] = {
      "",
#define PLANT(name, invariant, english) english,
#include "plants.def"
#undef PLANT
  };
  return plant < PLANTS ? texts[plant] : "?";
}

enum invariant plant_invariant(enum plant plant)
{
  static const enum invariant invariants[PLANTS] = {
      INVARIANT_NONE,
#define PLANT(name, invariant, english) INVARIANT_##invariant,
#include "plants.def"
#undef PLANT
  };
  return plant < PLANTS ? invariants[plant] : INVARIANT_NONE;
}

enum plant plant_find(const char *name)
{
  for (int i = PLANT_NONE + 1; i < PLANTS; i++)
    if (strcmp(plant_name((enum plant)i), name) == 0) return (enum plant)i;
  return PLANT_NONE;
}

// True once, on occasion number `nth` of this plant.
static bool plant_now(struct planted *p, enum plant plant, uint64_t nth)
{
  if (p->plant != plant || p->told || ++p->count < nth) return false;
  p->told = true;
  return true;
}

void plant_stream(struct planted *p, unsigned side, uint8_t *bytes, size_t *count)
{
  if (side != 1 || *count < 4) return;
  if (plant_now(p, PLANT_flip_octet, 5)) bytes[*count / 2] ^= 0x10;
  if (plant_now(p, PLANT_lose_octet, 5)) {
    memmove(bytes + 1, bytes + 2, *count - 2);
    --*count;
  }
  if (plant_now(p, PLANT_repeat_octets, 5)) memcpy(bytes + 2, bytes, 2);
}

bool plant_end(struct planted *p, unsigned side, uint64_t read)
{
  return side == 1 && read > 20000 && plant_now(p, PLANT_early_end, 1);
}

// Makes the transport checksum right again.
static void plant_seal(const struct estab_packet *packet, uint8_t *bytes, size_t count)
{
  uint8_t *tcp = bytes + packet->l4_offset;
  size_t n = count - packet->l4_offset;
  tcp[ESTAB_TCP_CHECKSUM_OFFSET] = tcp[ESTAB_TCP_CHECKSUM_OFFSET + 1] = 0;
  uint64_t sum = estab_checksum_pseudo(&packet->src, &packet->dst, ESTAB_PROTOCOL_TCP, (uint32_t)n);
  uint16_t checksum = estab_checksum_finish(estab_checksum_add(sum, tcp, n));
  tcp[ESTAB_TCP_CHECKSUM_OFFSET] = (uint8_t)(checksum >> 8);
  tcp[ESTAB_TCP_CHECKSUM_OFFSET + 1] = (uint8_t)checksum;
}

// Lies about segments with text that the client sends.
static void plant_text_packet(struct planted *p, const struct estab_packet *packet, uint8_t *bytes,
                              size_t count)
{
  uint8_t *tcp = bytes + packet->l4_offset;
  if (plant_now(p, PLANT_bad_checksum, 10)) {
    tcp[ESTAB_TCP_CHECKSUM_OFFSET] ^= 1;
    return;
  }
  if (plant_now(p, PLANT_other_text, 10)) bytes[count - 1] ^= 0x20;
  if (!p->fin_sent && plant_now(p, PLANT_beyond_window, 10))
    octets_put32(tcp + 4, packet->tcp.seq + (64u << 20));
  if (plant_now(p, PLANT_reset, 10)) tcp[13] = ESTAB_TCP_RST | ESTAB_TCP_ACK;
  plant_seal(packet, bytes, count);
}

// Lies about acknowledgments that the server sends.
static void plant_ack_packet(struct planted *p, const struct estab_packet *packet, uint8_t *bytes,
                             size_t count)
{
  uint8_t *tcp = bytes + packet->l4_offset;
  if (plant_now(p, PLANT_false_ack, 10)) octets_put32(tcp + 8, packet->tcp.ack + 5000000);
  if (plant_now(p, PLANT_shrunk_window, 10)) tcp[14] = tcp[15] = 0;
  plant_seal(packet, bytes, count);
}

void plant_packet(struct planted *p, unsigned side, uint8_t *bytes, size_t *count)
{
  struct estab_packet packet;
  if (p->plant == PLANT_NONE) return;
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, *count, true, &packet) < 0) return;
  // A RST says nothing about windows or the place of text.
  if (packet.kind != ESTAB_PACKET_TCP || (packet.tcp.flags & ESTAB_TCP_RST) != 0) return;
  bool fin = (packet.tcp.flags & ESTAB_TCP_FIN) != 0;
  bool syn = (packet.tcp.flags & ESTAB_TCP_SYN) != 0;
  p->fin_sent |= side == 0 && fin;
  if (side == 0 && packet.payload_bytes > 1) plant_text_packet(p, &packet, bytes, *count);
  if (side == 1 && packet.payload_bytes == 0 && !fin && !syn)
    plant_ack_packet(p, &packet, bytes, *count);
  if (side == 0 && fin && p->plant == PLANT_text_after_fin) {
    p->hidden = octets_get32(bytes + packet.l4_offset + 4) + packet.payload_bytes + 1;
    p->count = 1;
  } else if (side == 0 && p->count == 1 && plant_now(p, PLANT_text_after_fin, 1)) {
    // An acknowledgment that comes after the FIN claims to stand one further on, with a FIN of its own.
    octets_put32(bytes + packet.l4_offset + 4, (uint32_t)p->hidden);
    bytes[packet.l4_offset + 13] |= ESTAB_TCP_FIN;
    plant_seal(&packet, bytes, *count);
  }
}

bool plant_seen(struct planted *p, unsigned side, uint8_t *bytes, size_t count)
{
  struct estab_packet packet;
  if (side != 0 || (p->plant != PLANT_unseen_fin && p->plant != PLANT_unseen_text &&
                    p->plant != PLANT_other_text_seen))
    return true;
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, count, true, &packet) < 0 ||
      packet.kind != ESTAB_PACKET_TCP)
    return true;
  if (p->plant == PLANT_unseen_fin && (packet.tcp.flags & ESTAB_TCP_FIN) != 0) {
    p->told = true;
    return false;
  }
  if (packet.payload_bytes < 2 || (packet.tcp.flags & ESTAB_TCP_SYN) != 0) return true;
  // What they have seen before they know.
  if (p->text_sent && (int32_t)(packet.tcp.seq - p->text_end) < 0 &&
      !(p->plant == PLANT_unseen_text && p->told))
    return true;
  p->text_sent = true;
  p->text_end = packet.tcp.seq + (uint32_t)packet.payload_bytes;
  if (plant_now(p, PLANT_unseen_text, 3)) p->hidden = packet.tcp.seq;
  // Whatever has that octet, as it was first sent or cut otherwise.
  if (p->plant == PLANT_unseen_text && p->told &&
      (uint32_t)p->hidden - packet.tcp.seq < packet.payload_bytes)
    return false;
  if (plant_now(p, PLANT_other_text_seen, 3)) {
    bytes[count - 1] ^= 0x20;
    plant_seal(&packet, bytes, count);
  }
  return true;
}

bool plant_event(struct planted *p, unsigned side, struct estab_trace *event, uint64_t msl_ns)
{
  if (event->kind == ESTAB_TRACE_segment_sent && plant_now(p, PLANT_clock_back, 20))
    event->now_ns /= 2; // however seldom segments leave
  if (event->kind != ESTAB_TRACE_state_changed) return true;
  enum estab_state from = event->u.state_changed.from, to = event->u.state_changed.to;
  if (side == 0 && from == ESTAB_ESTABLISHED && plant_now(p, PLANT_wrong_edge, 1))
    event->u.state_changed.to = ESTAB_TIME_WAIT;
  if (side == 0 && to == ESTAB_ESTABLISHED && plant_now(p, PLANT_silent_edge, 1)) return false;
  if (from == ESTAB_TIME_WAIT && plant_now(p, PLANT_short_time_wait, 1)) event->now_ns -= msl_ns;
  return true;
}

void plant_info(struct planted *p, unsigned side, struct estab_conn_info *info)
{
  if (side == 0 && info->state >= ESTAB_ESTABLISHED && info->state != ESTAB_TIME_WAIT &&
      plant_now(p, PLANT_una_beyond_nxt, 5))
    info->snd_una = info->snd_nxt + 1;
  if (side == 1 && info->recv_queued_bytes == 0 && info->bytes_received > 10000 &&
      plant_now(p, PLANT_ack_then_forget, 1))
    info->rcv_nxt += 1460;
}

bool plant_swallows(struct planted *p, unsigned side)
{
  if (p->plant != PLANT_stall || side != 0) return false;
  p->told = ++p->count > 300;
  return p->told;
}

bool plant_stops_timers(const struct planted *p, unsigned side)
{
  return p->plant == PLANT_stall && side == 0 && p->told;
}

unsigned plant_repeats(struct planted *p, unsigned side, size_t count)
{
  return side == 1 && count < 100 && plant_now(p, PLANT_storm, 10) ? 30000 : 0;
}

bool plant_event_late(struct planted *p)
{
  return plant_now(p, PLANT_late_event, 1);
}

uint64_t plant_hides(struct planted *p, uint64_t bytes)
{
  return plant_now(p, PLANT_leak, 3) ? bytes : 0;
}
