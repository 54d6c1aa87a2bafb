// SPDX-License-Identifier: BSD-2-Clause
// pace_out.c - pacing as output.c asks for it: new text and what is sent again draw on one credit.
#include "tcp/pace_out.h"
#include "base/bytes.h"

void pace_out_settle(struct tcb *t)
{
  struct work *w = t->work;
  uint32_t left = u32_min(t->snd.nxt - w->pace.seq, w->pace.asked_bytes);
  if (left) pace_sent(&w->pace, work_pacing_rate(w), left, w->pace.asked_ns);
  w->pace.seq = t->snd.nxt;
  w->pace.asked_bytes = 0;
}

// Of n octets, those that there is credit for; 0: w->pace.wake_ns says when.
static uint32_t pace_out_ask(struct tcb *t, uint32_t n, uint32_t ready_bytes, uint64_t now_ns)
{
  struct work *w = t->work;
  pace_out_settle(t);
  n = pace_allows(&w->pace, work_pacing_rate(w), n, ready_bytes, t->snd_mss,
                  t->path->gso_max_bytes > t->snd_mss, now_ns);
  w->pace.asked_ns = now_ns;
  return n;
}

uint32_t pace_out_window(struct tcb *t, uint32_t usable, uint64_t now_ns)
{
  uint32_t ready = u32_min(t->sendq.bytes - tcb_flight(t), usable);
  t->work->pace.holds = false;
  if (ready == 0 || (t->owed & OWED_LOSS_PROBE)) return usable;
  transmit_account(t, now_ns);
  uint32_t most = u32_max(t->snd_mss, t->path->gso_max_bytes);
  usable = pace_out_ask(t, u32_min(ready, most), ready, now_ns);
  t->work->pace.holds = usable == 0;
  t->work->pace.asked_bytes = usable;
  return usable;
}

bool pace_out_again(struct tcb *t, uint32_t seq, uint32_t n, uint64_t now_ns)
{
  if (!t->work || !work_is_paced(t->work) || seq == t->snd.una) return true;
  return pace_out_ask(t, n, u32_max(n, t->work->board.lost_bytes), now_ns) == n;
}

void pace_out_count(struct tcb *t, uint32_t bytes, uint64_t now_ns)
{
  if (!t->work || !work_is_paced(t->work)) return;
  pace_out_settle(t);
  pace_sent(&t->work->pace, work_pacing_rate(t->work), bytes, now_ns);
}
