// SPDX-License-Identifier: BSD-2-Clause
// generate.c - the grammar of stories: what a user and a peer, honest or not, may do next.
#include <string.h>

#include "diff.h"

#define FAR 0x20000000u // beyond every window

// How a segment's numbers are meant, from what is expected next.
enum place {
  PLACE_NEXT,    // that, or all that was sent
  PLACE_OLD,     // wholly before; acknowledged already
  PLACE_BEFORE,  // begins before, ends behind; an ACK of octets that never were
  PLACE_PARTIAL, // acknowledges a part of what is in flight, or nothing new
  PLACE_HOLE,    // in the window, but not next
  PLACE_FUTURE,  // far beyond the window; never sent
};

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
  static const uint16_t sizes[] = {1460, 1460, 1460, 1000, 536, 0, 216, 9000};
  static const uint8_t scales[] = {7, 7, 7, 0, 1, 14};
  *g = (struct generator){.random = seed * 2654435761u + 1, .story = story};
  *story = (struct story){.seed = seed};
  story->ip6 = chance(g, 50);
  story->timestamps = chance(g, 70);
  story->sack = chance(g, 70);
  story->scaling = chance(g, 70);
  story->letter = chance(g, 50);
  story->mss = sizes[below(g, sizeof sizes / sizeof *sizes)];
  story->wscale = scales[below(g, sizeof scales)];
  // Now and then the peer's numbers wrap within the story.
  story->peer_iss = chance(g, 30) ? 0u - 1 - below(g, 3000) : below(g, 1u << 31) * 2;
}

// ---------------------------------------------------------------------------------------------
// Numbers

static void place_seq(struct generator *g, struct step *s, const struct view *v, enum place place)
{
  uint32_t len = s->bytes + ((s->flags & ESTAB_TCP_FIN) != 0);
  s->seq = v->rcv_nxt;
  switch (place) {
  case PLACE_OLD: s->seq -= len + (len == 0) + below(g, chance(g, 60) ? 3 : 3000); break;
  case PLACE_BEFORE: s->seq -= 1 + below(g, len > 1 ? len - 1 : 1); break;
  case PLACE_HOLE: s->seq += 1 + below(g, 2000); break;
  case PLACE_FUTURE: s->seq += FAR; break;
  case PLACE_NEXT:
  case PLACE_PARTIAL: break;
  }
}

static void place_ack(struct generator *g, struct step *s, const struct view *v, enum place place)
{
  uint32_t flight = v->snd_nxt - v->snd_una;
  // Octets that were never sent cannot have been acknowledged: a number of its own, more often than by chance.
  if (place == PLACE_OLD && (v->snd_una < 102 || chance(g, 10))) place = PLACE_BEFORE;
  s->ack = v->snd_nxt;
  switch (place) {
  case PLACE_OLD: s->ack = v->snd_una - 1 - below(g, 100); break;
  case PLACE_PARTIAL: s->ack = v->snd_una + below(g, flight); break;
  case PLACE_FUTURE: s->ack += 1 + below(g, chance(g, 50) ? 2 : 100000); break;
  case PLACE_BEFORE: s->ack = 0u - 1 - below(g, 50000); break;
  case PLACE_NEXT:
  case PLACE_HOLE: break;
  }
  if (!(s->flags & ESTAB_TCP_ACK)) s->ack = 0;
}

static enum place any_seq(struct generator *g, uint32_t honest)
{
  static const enum place places[] = {PLACE_OLD, PLACE_BEFORE, PLACE_HOLE, PLACE_FUTURE};
  return chance(g, honest) ? PLACE_NEXT : places[below(g, 4)];
}

static enum place any_ack(struct generator *g, uint32_t honest)
{
  static const enum place places[] = {PLACE_OLD, PLACE_PARTIAL, PLACE_PARTIAL, PLACE_FUTURE};
  return chance(g, honest) ? PLACE_NEXT : places[below(g, 4)];
}

static uint16_t any_window(struct generator *g)
{
  static const uint16_t windows[] = {0, 1, 100, 1460, 65535};
  if (chance(g, 88)) return 60000;
  return chance(g, 50) ? windows[below(g, 5)] : (uint16_t)below(g, 3000);
}

// SACK blocks: of what was acknowledged, of what was never sent, or one of what is in flight.
static void place_blocks(struct generator *g, struct step *s, const struct view *v)
{
  uint32_t flight = v->snd_nxt - v->snd_una, bytes = 1 + below(g, 1000);
  s->sacks = (uint8_t)(1 + below(g, 2));
  for (unsigned i = 0; i < s->sacks; i++) {
    uint32_t start =
        chance(g, 50) ? v->snd_una - bytes - below(g, 100) : v->snd_nxt + below(g, 9000);
    if (i == 0 && flight > 1 && chance(g, 30)) {
      start = v->snd_una + 1 + below(g, flight - 1);
      bytes = 1 + below(g, v->snd_nxt - start);
    }
    s->sack[i][0] = start;
    s->sack[i][1] = start + bytes;
  }
}

static void segment(struct generator *g, struct step *s, const struct view *v, uint16_t flags,
                    uint32_t bytes, uint32_t honest_seq, uint32_t honest_ack)
{
  s->kind = STEP_SEGMENT;
  s->flags = flags;
  s->bytes = bytes;
  s->window = any_window(g);
  s->ts = chance(g, 97) || v->released; // what Linux makes of one without could not be seen
  if (chance(g, 4)) s->ts_delta = -(int32_t)(1000 + below(g, 100000));
  if (flags & ESTAB_TCP_RST && v->state == ESTAB_SYN_RECEIVED && v->passive)
    s->ts_delta = 0; // the same
  enum place place = any_seq(g, honest_seq);
  if (v->released && flags & ESTAB_TCP_RST && (place == PLACE_OLD || place == PLACE_BEFORE))
    place = PLACE_FUTURE; // the same
  place_seq(g, s, v, place);
  place_ack(g, s, v, any_ack(g, honest_ack));
  if (flags & ESTAB_TCP_ACK && g->story->sack && v->state >= ESTAB_ESTABLISHED && chance(g, 10))
    place_blocks(g, s, v);
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
                                   ESTAB_TCP_ACK | ESTAB_TCP_URG,
                                   ESTAB_TCP_RST};
  return flags[below(g, sizeof flags / sizeof *flags)];
}

static uint32_t text_size(struct generator *g)
{
  static const uint32_t sizes[] = {1, 2, 100, 500, 536, 1000, 1400};
  return sizes[below(g, 7)];
}

// Before the peer's SYN was taken.
static void opening(struct generator *g, const struct view *v, struct step *s)
{
  bool syn_out = v->snd_nxt > 0;
  if (chance(g, 12)) {
    uint16_t flags = odd_flags(g);
    // What a SYN of a simultaneous open holds besides is taken by estab and lost by Linux: no use in a story.
    bool simultaneous = syn_out && (flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) == ESTAB_TCP_SYN;
    if (simultaneous && g->story->letter) flags &= (uint16_t)~ESTAB_TCP_FIN;
    segment(g, s, v, flags, chance(g, 20) && !simultaneous ? text_size(g) : 0, 80, 60);
    return;
  }
  if (!syn_out) { // LISTEN
    segment(g, s, v, ESTAB_TCP_SYN, chance(g, 6) ? 100 : 0, 100, 100);
  } else if (chance(g, 12)) { // SYN-SENT, simultaneous open
    segment(g, s, v, ESTAB_TCP_SYN, 0, 100, 100);
  } else if (chance(g, 10)) {
    segment(g, s, v, chance(g, 50) ? ESTAB_TCP_RST | ESTAB_TCP_ACK : ESTAB_TCP_ACK, 0, 100, 60);
  } else {
    segment(g, s, v, ESTAB_TCP_SYN | ESTAB_TCP_ACK, chance(g, 6) ? 100 : 0, 100, 88);
  }
  s->seq = 0;
}

static void closing_call(struct generator *g, struct step *s)
{
  uint32_t which = below(g, 10);
  s->kind = which < 6 ? STEP_SHUTDOWN : which < 9 ? STEP_CLOSE : STEP_ABORT;
}

static void user_call(struct generator *g, const struct view *v, struct step *s)
{
  bool may_send =
      !g->ours_closed && (v->state == ESTAB_ESTABLISHED || v->state == ESTAB_CLOSE_WAIT);
  if (chance(g, may_send ? 50 : 5)) {
    s->kind = STEP_SEND;
    s->bytes = 1 + below(g, chance(g, 70) ? 1400 : 6000);
  } else if (chance(g, 55)) {
    s->kind = STEP_RECEIVE;
  } else {
    closing_call(g, s);
  }
}

static void peer_segment(struct generator *g, const struct view *v, struct step *s)
{
  uint32_t which = below(g, 100);
  uint16_t flags = ESTAB_TCP_ACK;
  uint32_t bytes = 0;
  if (which < 34) {
    bytes = text_size(g);
    if (chance(g, 70)) flags |= ESTAB_TCP_PSH;
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
  bool dishonest = chance(g, 32);
  segment(g, s, v, flags, bytes, dishonest ? 0 : 100, 78);
  if (flags & ESTAB_TCP_URG) s->urgent = (uint16_t)(1 + below(g, bytes + 2));
  // The honest peer says nothing new after its FIN.
  if (g->peer_fin && !dishonest && chance(g, 70)) {
    s->bytes = 0;
    s->flags &= (uint16_t) ~(ESTAB_TCP_FIN | ESTAB_TCP_URG);
    s->urgent = 0;
  }
}

static void next(struct generator *g, const struct view *v, struct step *s)
{
  bool half_open = v->state == ESTAB_SYN_RECEIVED && v->passive;
  if (v->state == ESTAB_LISTEN || v->state == ESTAB_SYN_SENT) {
    if (v->state == ESTAB_SYN_SENT && chance(g, 8))
      user_call(g, v, s);
    else
      opening(g, v, s);
  } else if (half_open && chance(g, 70)) {
    segment(g, s, v, ESTAB_TCP_ACK, chance(g, 20) ? text_size(g) : 0, 92, 90);
  } else if (!half_open && !v->released && v->state != ESTAB_CLOSED && chance(g, 30)) {
    user_call(g, v, s);
  } else {
    peer_segment(g, v, s);
  }
}

bool generator_next(struct generator *g, const struct view *v, struct step *s)
{
  struct story *story = g->story;
  memset(s, 0, sizeof *s);
  if (g->over || story->count >= STORY_STEPS || (story->count > 6 && chance(g, 4))) return false;
  // What comes to a connection that is over is told a few times only.
  if (story->count > 2 && v->state == ESTAB_CLOSED && chance(g, 30)) return false;
  if (story->count == 0)
    s->kind = chance(g, 65) ? STEP_LISTEN : STEP_CONNECT;
  else
    next(g, v, s);
  if (s->kind == STEP_SHUTDOWN || s->kind == STEP_CLOSE || s->kind == STEP_ABORT)
    g->ours_closed = true;
  // ABORT deletes what waits in TIME-WAIT, RFC 9293 3.10.5; Linux keeps it. And it takes segments without the
  // timestamps that were agreed on, which may not show at once.
  g->over = (s->kind == STEP_ABORT && v->state == ESTAB_TIME_WAIT) ||
            (s->kind == STEP_SEGMENT && !s->ts && v->timestamps && story->letter);
  // After an ACK of something else Linux repeats its SYN within two ticks of its clock.
  if (s->kind == STEP_SEGMENT && v->state == ESTAB_SYN_SENT && s->flags & ESTAB_TCP_ACK &&
      s->ack != v->snd_nxt)
    g->over = true;
  // Nor does it show at once that Linux drops text with an ACK of what never was.
  if (s->kind == STEP_SEGMENT && v->state >= ESTAB_ESTABLISHED && (int32_t)s->ack <= 0 &&
      (s->bytes > 0 || s->flags & ESTAB_TCP_FIN))
    g->over = true;
  if (s->kind == STEP_SEGMENT && s->flags & ESTAB_TCP_FIN && s->seq == v->rcv_nxt)
    g->peer_fin = true;
  return true;
}
