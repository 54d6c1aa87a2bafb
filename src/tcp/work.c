// SPDX-License-Identifier: BSD-2-Clause
// work.c - the work block is taken and given back.
#include "tcp/tcb.h"

static struct work *work_new(struct tcp *c)
{
  struct work *w = c->spare_work;
  if (!w) {
    w = mem_new_raw(c->mem, sizeof *w, ESTAB_MEM_WORK);
    if (w) board_init(&w->board, 0);
    return w;
  }
  c->spare_work = w->next_spare;
  c->spare_works--;
  return w;
}

bool work_take(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  // What is in flight was judged by other rules until now: those finish what they began.
  if (t->bits & (TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY)) return false;
  struct work *w = work_new(c);
  if (!w) return false;
  board_begin(&w->board, t->snd.una);
  w->rate = (struct rate){0};
  rack_init(&w->rack, t->snd.una, now_ns);
  w->rack.min_ns[0] = t->rtt.min_ns;
  w->rack.reordering_seen = t->reordering_seen;
  if (t->reo_wnd_mult) w->rack.reo_wnd_mult = t->reo_wnd_mult;
  w->rack.reo_wnd_persist = t->reo_wnd_persist;
  w->undo = (struct undo){0};
  w->tlp = (struct tlp){0};
  w->window_full = false;
  w->ecn_recover = t->snd.una - 1;
  w->most_flight_bytes = 0;
  w->most_flight_end = t->snd.nxt;
  w->limits = (struct limits){.since_ns = now_ns};
  w->pace = (struct pace){.seq = t->snd.nxt, .most_bytes_per_s = c->settings->max_rate_bytes_per_s};
  w->plpmtud = (struct plpmtud){0};
  w->cc.pacing = c->settings->pacing;
  w->cc.hystart = c->settings->hystart;
  retransmit_arm_due(c, t);
  w->rto_at_ns = t->at[TIMER_RETRANSMIT];
  w->probe_since_ns = ESTAB_NEVER;
  w->grain_ns = 0;
  t->work = w;
  if (t->snd.una !=
      t->snd.nxt) { // what is out already is one stretch, and measures only when it is being timed
    bool timed = (t->bits & TCB_RTT_TIMED) != 0;
    uint64_t sent_ns = timed ? t->rtt_start_ns : now_ns;
    struct board_mark mark = rate_on_sent(&w->rate, 0, tcb_flight(t), sent_ns);
    (void)board_append(&w->board, c->mem, t->snd.nxt, sent_ns, timed ? 0 : BOARD_RETRANSMITTED,
                       &mark);
    w->rack.oldest_ns = sent_ns;
  }
  cc_wake(&t->cc, &w->cc, now_ns);
  cwv_start(c, t, now_ns);
  return true;
}

void work_give(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  struct work *w = t->work;
  if (!w) return;
  for (unsigned i = 0; i < LIMITS; i++)
    t->limited_ms[i] += (uint32_t)(w->limits.ns[i] / 1000000u);
  if (t->mtu_search) plpmtud_on_rest(t);
  if (t->cc.verbs->rest) t->cc.verbs->rest(&t->cc, &w->cc, now_ns);
  t->reordering_seen = w->rack.reordering_seen;
  t->reo_wnd_mult = w->rack.reo_wnd_mult;
  t->reo_wnd_persist = w->rack.reo_wnd_persist;
  t->work = NULL;
  board_clear(&w->board, c->mem);
  if (c->spare_works == WORK_SPARES) {
    board_free(&w->board, c->mem);
    mem_free(c->mem, w, sizeof *w, ESTAB_MEM_WORK);
    return;
  }
  w->next_spare = c->spare_work;
  c->spare_work = w;
  c->spare_works++;
}

void work_trim(struct tcp *c)
{
  while (c->spare_work) {
    struct work *w = c->spare_work;
    c->spare_work = w->next_spare;
    board_free(&w->board, c->mem);
    mem_free(c->mem, w, sizeof *w, ESTAB_MEM_WORK);
  }
  c->spare_works = 0;
}
