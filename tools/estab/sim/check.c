// SPDX-License-Identifier: BSD-2-Clause
// check.c - the invariant checker: states, streams, numbers, time, memory.
#include "check.h"
#include "chance.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// More segments than this without an octet of progress are a storm.
#define CHECK_STORM    20000u
#define CHECK_SLACK_NS UINT64_C(2000000000)

const char *invariant_name(enum invariant invariant)
{
  static const char *const names[INVARIANTS] = {
      "none",
#define INVARIANT(name, english) #name,
#include "invariants.def"
#undef INVARIANT
  };
  return invariant < INVARIANTS ? names[invariant] : "?";
}

const char *invariant_text(enum invariant invariant)
{
  static const char *const texts[INVARIANTS] = {
      "all hold",
#define INVARIANT(name, english) english,
#include "invariants.def"
#undef INVARIANT
  };
  return invariant < INVARIANTS ? texts[invariant] : "?";
}

void check_start(struct check *c, uint64_t seed, uint64_t now_ns, uint64_t msl_ns,
                 uint64_t user_timeout_ns)
{
  *c = (struct check){.seed = seed,
                      .msl_ns = msl_ns,
                      .user_timeout_ns = user_timeout_ns,
                      .progress_ns = now_ns,
                      .now_ns = now_ns};
}

void check_fails(struct check *c, unsigned side, enum invariant broken, const char *format, ...)
{
  if (c->broken != INVARIANT_NONE) return;
  va_list args;
  va_start(args, format);
  vsnprintf(c->text, sizeof c->text, format, args);
  va_end(args);
  c->broken = broken;
  c->side = side;
  c->when_ns = c->now_ns;
}

// RFC 9293 3.3.2, Figure 5, with its notes: RST and ABORT lead to CLOSED from everywhere.
static bool check_edge(enum estab_state from, enum estab_state to)
{
  if (to == ESTAB_CLOSED) return from != ESTAB_CLOSED;
  switch (from) {
  case ESTAB_CLOSED: return to == ESTAB_LISTEN || to == ESTAB_SYN_SENT;
  case ESTAB_LISTEN: return to == ESTAB_SYN_RECEIVED || to == ESTAB_SYN_SENT;
  case ESTAB_SYN_SENT: return to == ESTAB_SYN_RECEIVED || to == ESTAB_ESTABLISHED;
  case ESTAB_SYN_RECEIVED:
    return to == ESTAB_ESTABLISHED || to == ESTAB_FIN_WAIT_1 || to == ESTAB_CLOSE_WAIT ||
           to == ESTAB_LISTEN;
  case ESTAB_ESTABLISHED: return to == ESTAB_FIN_WAIT_1 || to == ESTAB_CLOSE_WAIT;
  case ESTAB_FIN_WAIT_1:
    return to == ESTAB_FIN_WAIT_2 || to == ESTAB_CLOSING || to == ESTAB_TIME_WAIT;
  case ESTAB_FIN_WAIT_2: return to == ESTAB_TIME_WAIT;
  case ESTAB_CLOSE_WAIT: return to == ESTAB_LAST_ACK;
  case ESTAB_CLOSING: return to == ESTAB_TIME_WAIT;
  case ESTAB_LAST_ACK: return false;
  case ESTAB_TIME_WAIT: return to == ESTAB_SYN_RECEIVED; // 3.10.7.4, a new SYN
  case ESTAB_STATES: break;
  }
  return false;
}

static void check_state(struct check *c, unsigned side, const struct estab_trace *event)
{
  struct check_side *s = &c->sides[side];
  enum estab_state from = event->u.state_changed.from, to = event->u.state_changed.to;
  // A listener may make a connection out of nothing, more than once if the first attempt is given up.
  bool anew = s->state == ESTAB_CLOSED && from == ESTAB_LISTEN;
  if (from != s->state && !anew)
    check_fails(c, side, INVARIANT_EDGE, "%s to %s, but it was in %s", estab_state_name(from),
                estab_state_name(to), estab_state_name(s->state));
  if (!check_edge(from, to))
    check_fails(c, side, INVARIANT_EDGE, "%s to %s is no edge", estab_state_name(from),
                estab_state_name(to));
  if (to == ESTAB_TIME_WAIT) s->time_wait_ns = s->time_wait_again_ns = event->now_ns;
  if (from == ESTAB_TIME_WAIT && to == ESTAB_CLOSED && !c->may_reset) {
    if (event->now_ns - s->time_wait_ns < 2 * c->msl_ns)
      check_fails(c, side, INVARIANT_TIME_WAIT, "it ended after %llu ms",
                  (unsigned long long)(event->now_ns - s->time_wait_ns) / 1000000);
    if (event->now_ns - s->time_wait_again_ns > 2 * c->msl_ns + CHECK_SLACK_NS)
      check_fails(c, side, INVARIANT_TIME_WAIT, "it lasted %llu ms",
                  (unsigned long long)(event->now_ns - s->time_wait_again_ns) / 1000000);
  }
  s->state = to;
}

void check_event(struct check *c, unsigned side, const struct estab_trace *event)
{
  struct check_side *s = &c->sides[side];
  if (event->now_ns < s->event_ns)
    check_fails(c, side, INVARIANT_CLOCK, "%s is dated %llu ns back", estab_trace_name(event->kind),
                (unsigned long long)(s->event_ns - event->now_ns));
  s->event_ns = event->now_ns;
  if (event->kind == ESTAB_TRACE_state_changed && event->tuple != NULL) check_state(c, side, event);
}

static void check_moves(struct check *c)
{
  c->progress_ns = c->now_ns;
  for (unsigned i = 0; i < 2; i++)
    c->sides[i].segments_at_progress = c->sides[i].segments;
}

void check_written(struct check *c, unsigned side, size_t count)
{
  c->sides[side].written += count;
  check_moves(c);
}

void check_read(struct check *c, unsigned side, const uint8_t *bytes, size_t count)
{
  struct check_side *s = &c->sides[side];
  if (s->end_told) check_fails(c, side, INVARIANT_END, "octets after the end of the stream");
  if (s->read + count > c->sides[!side].written)
    check_fails(c, side, INVARIANT_STREAM, "%llu octets read, %llu written",
                (unsigned long long)(s->read + count), (unsigned long long)c->sides[!side].written);
  size_t right = chance_agrees(c->seed, !side, s->read, bytes, count);
  if (right < count)
    check_fails(c, side, INVARIANT_STREAM, "octet %llu is another one",
                (unsigned long long)(s->read + right));
  s->read += count;
  if (count > 0) check_moves(c);
}

void check_end(struct check *c, unsigned side)
{
  struct check_side *s = &c->sides[side];
  const struct check_side *peer = &c->sides[!side];
  if (s->end_told) check_fails(c, side, INVARIANT_END, "the stream ended twice");
  if (!peer->fin_sent) check_fails(c, side, INVARIANT_END, "nobody sent a FIN");
  if (s->read != peer->written)
    check_fails(c, side, INVARIANT_END, "it ended after %llu of %llu octets",
                (unsigned long long)s->read, (unsigned long long)peer->written);
  s->end_told = true;
  check_moves(c);
}

void check_info(struct check *c, unsigned side, const struct estab_conn_info *info)
{
  struct check_side *s = &c->sides[side];
  if (info->state < ESTAB_ESTABLISHED || info->state == ESTAB_TIME_WAIT) return;
  if ((int32_t)(info->snd_nxt - info->snd_una) < 0)
    check_fails(c, side, INVARIANT_NUMBERS, "SND.UNA is beyond SND.NXT");
  if (s->numbers_known &&
      ((int32_t)(info->snd_una - s->una) < 0 || (int32_t)(info->snd_nxt - s->nxt) < 0 ||
       (int32_t)(info->rcv_nxt - s->rcv_nxt) < 0))
    check_fails(c, side, INVARIANT_NUMBERS, "SND.UNA, SND.NXT or RCV.NXT moved back");
  if (s->numbers_known && info->snd_una != s->una) check_moves(c);
  if (!s->numbers_known || info->snd_una != s->una) s->una_ns = c->now_ns;
  s->numbers_known = true;
  s->una = info->snd_una;
  s->nxt = info->snd_nxt;
  s->rcv_nxt = info->rcv_nxt;
  // Everything up to RCV.NXT has been read or waits to be.
  uint64_t have = s->read + info->recv_queued_bytes;
  uint32_t taken = info->rcv_nxt - info->irs - 1;
  if (taken != (uint32_t)have && taken != (uint32_t)have + 1)
    check_fails(c, side, INVARIANT_ACKNOWLEDGED, "RCV.NXT covers %u octets, %llu are there", taken,
                (unsigned long long)have);
  if (s->acked && (int32_t)(s->ack_sent - info->rcv_nxt) > 0)
    check_fails(c, side, INVARIANT_ACKNOWLEDGED, "ACK %u was sent, RCV.NXT is %u",
                s->ack_sent - info->irs, info->rcv_nxt - info->irs);
}

void check_handle(struct check *c, unsigned side, uint64_t conn)
{
  if (conn != 0 && c->sides[side].released)
    check_fails(c, side, INVARIANT_HANDLE, "an event after release");
}

void check_memory(struct check *c, unsigned side, uint64_t bytes, uint64_t bytes_before)
{
  if (bytes > bytes_before)
    check_fails(c, side, INVARIANT_MEMORY, "%llu bytes are held, before it were %llu",
                (unsigned long long)bytes, (unsigned long long)bytes_before);
}

void check_time(struct check *c, uint64_t now_ns)
{
  c->now_ns = now_ns;
}
