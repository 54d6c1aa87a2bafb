// SPDX-License-Identifier: BSD-2-Clause
// generate.c - the grammar of stories: what a user and a peer, honest or not, may do next.
#include <string.h>

#include "diff.h"

#define FAR 0x20000000u // beyond every window

static uint32_t below(struct generator *g, uint32_t n)
{
  uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  z ^= z >> 31;
  return n > 0 ? (uint32_t)(z % n) : 0;
}

static bool chance(struct generator *g, uint32_t percent)
{
  return below(g, 100) < percent;
}

void generator_start(struct generator *g, struct story *story, uint64_t seed)
{
  static const uint16_t sizes[] = {1460, 1460, 1460, 1000, 536, 0};
  *g = (struct generator){.random = seed * 2654435761u + 1, .story = story, .state = -1};
  *story = (struct story){.seed = seed};
  story->ip6 = chance(g, 50);
  story->timestamps = chance(g, 70);
  story->sack = chance(g, 70);
  story->scaling = chance(g, 70);
  story->mss = sizes[below(g, 6)];
  g->snd_nxt = 0;
}

// ---------------------------------------------------------------------------------------------
// Numbers

static void place_seq(struct generator *g, struct step *s, enum place place)
{
  s->seq_place = (uint8_t)place;
  switch (place) {
  case PLACE_OLD: s->seq = g->rcv_nxt - s->bytes - 1 - below(g, 3); break;
  case PLACE_BEFORE: s->seq = g->rcv_nxt - 1 - below(g, s->bytes > 1 ? s->bytes - 1 : 1); break;
  case PLACE_HOLE: s->seq = g->rcv_nxt + 1 + below(g, 2000); break;
  case PLACE_FUTURE: s->seq = g->rcv_nxt + FAR; break;
  case PLACE_NONE:
  case PLACE_NEXT:
  case PLACE_PARTIAL:
  case PLACE_EDGE:
  case PLACES: s->seq = g->rcv_nxt; break;
  }
}

static void place_ack(struct generator *g, struct step *s, enum place place)
{
  uint32_t flight = g->snd_nxt - g->snd_una_max;
  if (place == PLACE_PARTIAL && flight < 2) place = PLACE_NEXT;
  // Octets that were never sent cannot have been acknowledged: a number of its own, more often than by chance.
  if (place == PLACE_OLD && (g->snd_una_max < 102 || chance(g, 10))) place = PLACE_BEFORE;
  s->ack_place = (uint8_t)place;
  switch (place) {
  case PLACE_OLD: s->ack = g->snd_una_max - 1 - below(g, 100); break;
  case PLACE_PARTIAL: s->ack = g->snd_una_max + 1 + below(g, flight - 1); break;
  case PLACE_FUTURE: s->ack = g->snd_nxt + 1 + below(g, 100000); break;
  case PLACE_NONE: s->ack = 0; break;
  case PLACE_BEFORE: s->ack = 0u - 1 - below(g, 50000); break;
  case PLACE_NEXT:
  case PLACE_HOLE:
  case PLACE_EDGE:
  case PLACES: s->ack = g->snd_nxt; break;
  }
  if (s->flags & ESTAB_TCP_ACK) return;
  s->ack = 0;
  s->ack_place = PLACE_NONE;
}

static enum place any_seq(struct generator *g, uint32_t honest)
{
  static const enum place places[] = {PLACE_OLD, PLACE_BEFORE, PLACE_HOLE, PLACE_FUTURE};
  return chance(g, honest) ? PLACE_NEXT : places[below(g, 4)];
}

static enum place any_ack(struct generator *g, uint32_t honest)
{
  static const enum place places[] = {PLACE_OLD, PLACE_PARTIAL, PLACE_FUTURE};
  return chance(g, honest) ? PLACE_NEXT : places[below(g, 3)];
}

static void segment(struct generator *g, struct step *s, uint16_t flags, uint32_t bytes,
                    uint32_t honest_seq, uint32_t honest_ack)
{
  s->kind = STEP_SEGMENT;
  s->flags = flags;
  s->bytes = bytes;
  s->window = chance(g, 90) ? 60000 : (uint16_t)below(g, 3000);
  s->ts = chance(g, 97);
  if (chance(g, 4)) s->ts_delta = -(int32_t)(2 + below(g, 100000));
  place_seq(g, s, any_seq(g, honest_seq));
  place_ack(g, s, any_ack(g, honest_ack));
}

// ---------------------------------------------------------------------------------------------
// What comes next

static uint16_t odd_flags(struct generator *g)
{
  static const uint16_t flags[] = {0,
                                   ESTAB_TCP_FIN,
                                   ESTAB_TCP_URG,
                                   ESTAB_TCP_SYN,
                                   ESTAB_TCP_SYN | ESTAB_TCP_ACK,
                                   ESTAB_TCP_SYN | ESTAB_TCP_FIN,
                                   ESTAB_TCP_SYN | ESTAB_TCP_RST,
                                   ESTAB_TCP_RST | ESTAB_TCP_ACK,
                                   ESTAB_TCP_RST | ESTAB_TCP_FIN | ESTAB_TCP_ACK,
                                   ESTAB_TCP_FIN | ESTAB_TCP_ACK | ESTAB_TCP_URG,
                                   ESTAB_TCP_FIN | ESTAB_TCP_PSH | ESTAB_TCP_URG,
                                   ESTAB_TCP_RST};
  return flags[below(g, sizeof flags / sizeof *flags)];
}

static uint32_t text_size(struct generator *g)
{
  static const uint32_t sizes[] = {1, 2, 100, 500, 536, 1000, 1400};
  return sizes[below(g, 7)];
}

// Before the peer's SYN was taken.
static void opening(struct generator *g, struct step *s)
{
  bool syn_out = g->snd_nxt > 0;
  if (chance(g, 12)) {
    segment(g, s, odd_flags(g), chance(g, 20) ? text_size(g) : 0, 80, 60);
    return;
  }
  if (!syn_out) { // LISTEN
    segment(g, s, ESTAB_TCP_SYN, chance(g, 6) ? 100 : 0, 100, 100);
    s->seq = 0;
    return;
  }
  if (chance(g, 12)) { // SYN-SENT, simultaneous open
    segment(g, s, ESTAB_TCP_SYN, 0, 100, 100);
  } else if (chance(g, 10)) {
    segment(g, s, chance(g, 50) ? ESTAB_TCP_RST | ESTAB_TCP_ACK : ESTAB_TCP_ACK, 0, 100, 60);
  } else {
    segment(g, s, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 0, 100, 88);
  }
  s->seq = 0;
}

static void closing_call(struct generator *g, struct step *s)
{
  uint32_t which = below(g, 10);
  s->kind = which < 6 ? STEP_SHUTDOWN : which < 9 ? STEP_CLOSE : STEP_ABORT;
}

static void user_call(struct generator *g, struct step *s)
{
  bool may_send =
      !g->ours_closed && (g->state == ESTAB_ESTABLISHED || g->state == ESTAB_CLOSE_WAIT);
  if (may_send && chance(g, 50)) {
    s->kind = STEP_SEND;
    s->bytes = 1 + below(g, chance(g, 70) ? 1400 : 6000);
  } else if (chance(g, 55)) {
    s->kind = STEP_RECEIVE;
  } else {
    closing_call(g, s);
  }
}

static void peer_segment(struct generator *g, struct step *s)
{
  uint32_t which = below(g, 100);
  uint16_t flags = ESTAB_TCP_ACK;
  uint32_t bytes = 0;
  if (which < 34) {
    bytes = text_size(g);
    flags |= ESTAB_TCP_PSH;
  } else if (which < 62) {
    bytes = 0;
  } else if (which < 76) {
    flags |= ESTAB_TCP_FIN;
    bytes = chance(g, 30) ? text_size(g) : 0;
  } else if (which < 82) {
    flags = ESTAB_TCP_RST | (chance(g, 40) ? ESTAB_TCP_ACK : 0);
  } else if (which < 88) {
    flags = ESTAB_TCP_SYN | (chance(g, 40) ? ESTAB_TCP_ACK : 0);
  } else {
    flags = odd_flags(g);
    bytes = chance(g, 30) ? text_size(g) : 0;
  }
  segment(g, s, flags, bytes, 68, 78);
  if (flags & ESTAB_TCP_URG) s->urgent = (uint16_t)(1 + below(g, bytes + 2));
  // The honest peer says nothing new after its FIN.
  if (g->peer_fin > 0 && s->seq_place == PLACE_NEXT && chance(g, 70)) {
    s->bytes = 0;
    s->flags &= (uint16_t) ~(ESTAB_TCP_FIN | ESTAB_TCP_URG);
    s->urgent = 0;
  }
}

bool generator_next(struct generator *g, struct step *s)
{
  struct story *story = g->story;
  memset(s, 0, sizeof *s);
  if (story->count >= STORY_STEPS || (story->count > 6 && chance(g, 4))) return false;
  if (story->count == 0) {
    s->kind = chance(g, 65) ? STEP_LISTEN : STEP_CONNECT;
    return true;
  }
  if (!g->opened && g->rcv_nxt == 0) {
    opening(g, s);
  } else if (g->state < 0 && !g->opened) { // SYN-RECEIVED of a listener
    if (chance(g, 70))
      segment(g, s, ESTAB_TCP_ACK, chance(g, 20) ? text_size(g) : 0, 92, 90);
    else
      peer_segment(g, s);
  } else if (g->state >= 0 && chance(g, 30)) {
    user_call(g, s);
  } else {
    peer_segment(g, s);
  }
  return true;
}

void generator_hears(struct generator *g, const struct step *s, const struct outcome *outcome)
{
  for (unsigned i = 0; i < outcome->out_count; i++) {
    const struct out_segment *o = &outcome->outs[i];
    if (o->flags & ESTAB_TCP_RST) continue;
    uint32_t end =
        o->seq + o->bytes + ((o->flags & ESTAB_TCP_SYN) != 0) + ((o->flags & ESTAB_TCP_FIN) != 0);
    if (end - g->snd_nxt < FAR) g->snd_nxt = end;
    if (o->flags & ESTAB_TCP_ACK && o->ack - g->rcv_nxt < FAR) g->rcv_nxt = o->ack;
  }
  if (s->kind == STEP_SEGMENT && s->flags & ESTAB_TCP_ACK && s->ack - g->snd_una_max < FAR &&
      s->ack - g->snd_nxt - 1 >= FAR)
    g->snd_una_max = s->ack;
  if (s->kind == STEP_SEGMENT && s->flags & ESTAB_TCP_FIN && s->seq_place == PLACE_NEXT)
    g->peer_fin = s->seq + s->bytes;
  if (s->kind == STEP_SHUTDOWN || s->kind == STEP_CLOSE || s->kind == STEP_ABORT)
    g->ours_closed = true;
  if (outcome->state >= 0) g->opened = true;
  g->state = outcome->state;
}
