// SPDX-License-Identifier: BSD-2-Clause
// cc_own.c - controllers that the user has plugged in. What they see are copies, what they leave is bounded, so that
// the worst of them makes a connection slow or rude and never breaks it.
#include "tcp/cc_own.h"

#include <string.h>

#include "base/bytes.h"

static const struct estab_cc_controller *own_of(const struct cc *cc)
{
  return &((const struct cc_own *)(const void *)cc->verbs)->user;
}

static struct estab_cc_window own_window(const struct cc *cc, const struct cc_work *work)
{
  return (struct estab_cc_window){.struct_bytes = sizeof(struct estab_cc_window),
                                  .mss_bytes = cc->mss_bytes,
                                  .cwnd_bytes = cc->cwnd_bytes,
                                  .ssthresh_bytes = cc->ssthresh_bytes,
                                  .pacing_bytes_per_s = work ? work->pacing_bytes_per_s : 0};
}

static void own_take(struct cc *cc, struct cc_work *work, const struct estab_cc_window *w)
{
  cc->cwnd_bytes = u32_min(u32_max(w->cwnd_bytes, cc->mss_bytes), UINT32_MAX / 2);
  cc->ssthresh_bytes = u32_max(w->ssthresh_bytes, 2u * cc->mss_bytes);
  if (work) work->pacing_bytes_per_s = w->pacing_bytes_per_s;
}

typedef void own_hook(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns);

// A hook that the user may have left out.
static void own_tell(struct cc *cc, struct cc_work *work, own_hook *hook, uint64_t now_ns)
{
  if (!hook) return;
  struct estab_cc_window w = own_window(cc, work);
  hook(own_of(cc)->ctx, work->room, &w, now_ns);
  own_take(cc, work, &w);
}

static void own_wake(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  own_tell(cc, work, own_of(cc)->wake, now_ns);
}

static void own_rest(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  own_tell(cc, work, own_of(cc)->rest, now_ns);
}

static void own_on_recovered(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  own_tell(cc, work, own_of(cc)->on_recovered, now_ns);
}

static void own_on_undo(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  own_tell(cc, work, own_of(cc)->on_undo, now_ns);
}

static void own_on_ack(struct cc *cc, struct cc_work *work, const struct cc_ack *a)
{
  const struct estab_cc_controller *u = own_of(cc);
  struct estab_cc_window w = own_window(cc, work);
  const bool sample = a->rate.delivered_bytes != 0;
  const struct estab_cc_ack told = {
      .struct_bytes = sizeof told,
      .now_ns = a->now_ns,
      .acked_bytes = a->acked_bytes,
      .delivered_bytes = a->delivered_bytes,
      .lost_bytes = a->lost_bytes,
      .flight_bytes = a->flight_bytes,
      .prior_flight_bytes = a->prior_flight_bytes,
      .most_flight_bytes = a->most_flight_bytes,
      .rtt_ns = a->rtt_ns,
      .min_rtt_ns = a->min_rtt_ns,
      .srtt_ns = a->srtt_ns,
      .total_delivered_bytes = a->total_delivered_bytes,
      .round = a->round,
      .round_start = a->round_start,
      .recovering = a->recovering,
      .after_timeout = a->after_timeout,
      .window_full = a->window_full,
      .rate_bytes = a->rate.delivered_bytes,
      .rate_interval_ns = sample ? a->rate.interval_ns : 0,
      .rate_prior_delivered_bytes = sample ? a->rate.prior_delivered_bytes : 0,
      .rate_lost_bytes = sample ? a->rate.lost_bytes : 0,
      .rate_flight_bytes = sample ? a->rate.flight_bytes : 0,
      .rate_app_limited = sample && a->rate.app_limited,
  };
  u->on_ack(u->ctx, work->room, &w, &told);
  own_take(cc, work, &w);
}

static void own_on_loss(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, uint64_t now_ns)
{
  const struct estab_cc_controller *u = own_of(cc);
  struct estab_cc_window w = own_window(cc, work);
  u->on_loss(u->ctx, work->room, &w, flight_bytes, now_ns);
  own_take(cc, work, &w);
}

static void own_on_timeout(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, bool first,
                           uint64_t now_ns)
{
  const struct estab_cc_controller *u = own_of(cc);
  if (!u->on_timeout) {
    cc_newreno.on_timeout(cc, work, flight_bytes, first, now_ns);
    return;
  }
  struct estab_cc_window w = own_window(cc, work);
  u->on_timeout(u->ctx, work->room, &w, flight_bytes, !first, now_ns);
  own_take(cc, work, &w);
}

static void own_on_transmit(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                            uint64_t now_ns)
{
  const struct estab_cc_controller *u = own_of(cc);
  if (!u->on_transmit) return;
  struct estab_cc_window w = own_window(cc, work);
  u->on_transmit(u->ctx, work->room, &w, flight_bytes, now_ns);
  own_take(cc, work, &w);
}

static void own_on_idle(struct cc *cc, struct cc_work *work, uint32_t initial_window_bytes)
{
  const struct estab_cc_controller *u = own_of(cc);
  if (!u->on_idle) {
    cc_newreno.on_idle(cc, work, initial_window_bytes);
    return;
  }
  struct estab_cc_window w = own_window(cc, work);
  u->on_idle(u->ctx, work ? work->room : NULL, &w, initial_window_bytes);
  own_take(cc, work, &w);
}

int cc_own_add(struct cc_own **list, struct mem *mem, const struct estab_cc_controller *user)
{
  struct estab_cc_controller u = {0};
  const size_t least = offsetof(struct estab_cc_controller, on_timeout);
  if (!user || user->struct_bytes < least) return ESTAB_ERR_INVALID;
  memcpy(&u, user, size_min(user->struct_bytes, sizeof u)); // an older caller knows less of it
  if (!u.on_ack || !u.on_loss || u.room_bytes > ESTAB_CC_ROOM_BYTES) return ESTAB_ERR_INVALID;
  uint32_t number = *list ? (*list)->number + 1 : ESTAB_CC_OWN;
  if (number == ESTAB_CC_OWN + ESTAB_CC_OWN_MOST) return ESTAB_ERR_NO_MEMORY;
  struct cc_own *own = mem_new(mem, sizeof *own, ESTAB_MEM_STACK);
  if (!own) return ESTAB_ERR_NO_MEMORY;
  own->user = u;
  own->number = number;
  own->next = *list;
  own->verbs = (struct cc_verbs){.name = u.name ? u.name : "own",
                                 .room_bytes = (uint16_t)u.room_bytes,
                                 .own_recovery = u.own_recovery,
                                 .start = cc_start,
                                 .wake = own_wake,
                                 .rest = own_rest,
                                 .on_ack = own_on_ack,
                                 .on_loss = own_on_loss,
                                 .on_timeout = own_on_timeout,
                                 .on_recovered = own_on_recovered,
                                 .on_undo = own_on_undo,
                                 .on_transmit = own_on_transmit,
                                 .on_idle = own_on_idle,
                                 .on_mss = cc_on_mss};
  *list = own;
  return (int)number;
}

void cc_own_free(struct cc_own **list, struct mem *mem)
{
  while (*list) {
    struct cc_own *own = *list;
    *list = own->next;
    mem_free(mem, own, sizeof *own, ESTAB_MEM_STACK);
  }
}

const struct cc_verbs *cc_own_find(const struct cc_own *list, uint64_t number)
{
  for (; list; list = list->next)
    if (list->number == number) return &list->verbs;
  return cc_by_number(number);
}

uint64_t cc_own_number(const struct cc_own *list, const struct cc_verbs *verbs)
{
  for (; list; list = list->next)
    if (&list->verbs == verbs) return list->number;
  return cc_number(verbs);
}
