// SPDX-License-Identifier: BSD-2-Clause
// validate.c - where a connection comes to cwv.c, which knows of none.
#include "base/bytes.h"
#include "tcp/tcb.h"

static uint32_t initial_window_of(const struct tcp *c, const struct tcb *t)
{
  return cc_initial_window(t->snd_mss, c->settings->initial_window_segments);
}

// DEPARTS: RFC 5681 4.1 (no more than the initial window after a rest) because RFC 7661 keeps what was found, for five
// minutes, at less risk than users take who send for nothing to keep it: it is paced, and a loss takes it back.
// A window that is kept must not leave as one burst: where it can neither be paced nor is only one segment to be sent,
// it is not kept. Nor without SACK, which a recovery from more than was used lately needs.
static bool cwv_keeps_window(const struct tcp *c, const struct tcb *t)
{
  return t->cc.verbs->validated && c->settings->pacing && (t->flags & SEG_SACK) &&
         (t->work || t->sendq.bytes <= t->snd_mss);
}

void cwv_restart(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  const uint32_t window = initial_window_of(c, t);
  if (!cwv_keeps_window(c, t)) {
    tcb_cc(t)->on_idle(&t->cc, tcb_cc_work(t), window);
    return;
  }
  struct work *w = t->work;
  cwv_after_rest(w ? &w->cwv : NULL, &t->cc, window, t->last_send_ns, now_ns);
  if (w) cwv_pace(&w->cwv, &t->cc, &w->cc, t->rtt.srtt_ns);
}

void cwv_start(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  struct work *w = t->work;
  w->cwv = (struct cwv){0};
  if (!t->cc.verbs->validated || !w->cc.pacing || !(t->flags & SEG_SACK)) return;
  cwv_begin(&w->cwv, &t->cc, initial_window_of(c, t), now_ns);
  if (w->cwv.nonvalidated) cwv_pace(&w->cwv, &t->cc, &w->cc, t->rtt.srtt_ns);
}

void cwv_at_round(const struct tcp *c, struct tcb *t, const struct cc_ack *a)
{
  cwv_on_round(&t->work->cwv, &t->cc, a, initial_window_of(c, t));
}
