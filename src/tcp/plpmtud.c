// SPDX-License-Identifier: BSD-2-Clause
// plpmtud.c - the search for the largest packet that arrives.
#include "tcp/tcb.h"
#include "base/bytes.h"

// Sizes that links and tunnels have: of IPv6, tunnels, Ethernet, FDDI, ATM, jumbo frames.
static const uint16_t plpmtud_usual[] = {576,  1006, 1280, 1320, 1360, 1380, 1400, 1420,
                                         1440, 1450, 1460, 1472, 1480, 1492, 1500, 1508,
                                         2002, 4352, 4470, 8166, 9000, 9180, 16110};

// RFC 4821 7.3: first all that is allowed, as most paths carry it; then Ethernet's; then the middle one of the usual
// sizes that are left, and halves of what is between two of them.
uint16_t plpmtud_next(uint32_t low, uint32_t high, uint32_t top)
{
  if (low >= top) return 0;
  if (high == 0 || high > top) return (uint16_t)top;
  if (high - low <= PLPMTUD_CLOSE) return 0;
  unsigned first = 0, count = 0;
  for (unsigned i = 0; i < sizeof plpmtud_usual / sizeof plpmtud_usual[0]; i++) {
    if (plpmtud_usual[i] <= low || plpmtud_usual[i] >= high) continue;
    if (plpmtud_usual[i] == 1500) return 1500;
    if (count++ == 0) first = i;
  }
  return count ? plpmtud_usual[first + count / 2] : (uint16_t)(low + (high - low) / 2);
}

// Octets of a packet that are not text.
static uint32_t plpmtud_headers(const struct tcb *t)
{
  return (tcb_is4(t) ? 40u : 60u) + ((t->flags & SEG_TS) ? 12u : 0u);
}

static void plpmtud_search(struct tcb *t)
{
  t->mtu_search = true;
  if (t->work) t->work->plpmtud = (struct plpmtud){.wait_until_ns = t->work->plpmtud.wait_until_ns};
}

// DEPARTS: RFC 4821 7.6.2 (after a probe that failed as many round trips without one as segments fit into the window)
// because on a fast path the search would take minutes: one [RFC 8899 M10], or five when a timeout may have been for it
// (7.6.3 [RFC 8899 S6]), and a search loses a few probes, once in ten minutes.
static void plpmtud_wait(struct tcb *t, uint32_t rounds, uint64_t now_ns)
{
  t->work->plpmtud.wait_until_ns = now_ns + rounds * t->rtt.srtt_ns;
}

uint32_t plpmtud_bound(const struct tcp *c, struct tcb *t, uint32_t top)
{
  const enum estab_plpmtud mode = (enum estab_plpmtud)c->settings->plpmtud;
  if (mode == ESTAB_PLPMTUD_OFF) return top;
  if (t->plpmtu == 0) {
    if (mode != ESTAB_PLPMTUD_ALWAYS || !(t->flags & SEG_SACK) || top <= PLPMTUD_BASE) return top;
    t->plpmtu = PLPMTUD_BASE;
    plpmtud_search(t);
  } else if (top > t->plpmtu && !t->mtu_search) { // PMTU_RAISE_TIMER: the path has forgotten
    plpmtud_search(t);
  }
  return u32_min(top, t->plpmtu);
}

// ---- A black hole

// RFC 4821 7.7, RFC 8899 4.3: two timeouts in a row without anything acknowledged, of segments larger than a size that
// can be expected to arrive.
static void suspect(struct tcp *c, struct tcb *t, uint32_t size, uint64_t now_ns)
{
  if (u32_min(tcb_flight(t), t->snd_mss) + plpmtud_headers(t) <= size) return;
  t->plpmtu = (uint16_t)size;
  plpmtud_search(t);
  if (t->work && t->work->undo.armed)
    t->work->plpmtud.ssthresh_bytes = t->work->undo.ssthresh_bytes;
  tcb_update_mss(c, t);
  tcp_trace_congestion(c, t, "black hole", now_ns);
}

void plpmtud_on_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->work && t->work->plpmtud.in_flight) { // whether it was lost for its size is not known
    t->work->plpmtud.in_flight = false;
    plpmtud_wait(t, 5, now_ns);
  }
  if (c->settings->plpmtud == ESTAB_PLPMTUD_OFF || t->backoff == 0) return;
  const bool small = t->plpmtu != 0 && t->plpmtu <= PLPMTUD_BASE;
  if (!small)
    suspect(c, t, PLPMTUD_BASE, now_ns);
  else if (t->backoff > 2 && tcb_is4(t)) // not even that
    suspect(c, t, PLPMTUD_LEAST4, now_ns);
}

// ---- Probes

// The search is over: what was found holds for all that go this way, if larger packets were seen to vanish.
static void plpmtud_done(struct tcb *t, bool bounded)
{
  t->mtu_search = false;
  if (bounded) t->pending |= TCB_NEWS_MTU;
}

void plpmtud_on_rest(struct tcb *t)
{
  const struct plpmtud *p = &t->work->plpmtud;
  if (p->losses > 0 || p->high != 0) plpmtud_done(t, true);
}

// The largest packet for which there is window and text, and for what must follow it. Where a window stays small what
// is sought first would wait for ever: then a smaller size is.
static uint32_t plpmtud_fits(const struct tcb *t, uint32_t queued_bytes)
{
  const uint32_t behind = PLPMTUD_BEHIND * t->snd_mss;
  const uint32_t ready = u32_min(queued_bytes, t->cc.cwnd_bytes);
  if (ready <= behind) return 0;
  return u32_min(u32_min(ready - behind, t->snd.wnd) + plpmtud_headers(t), UINT16_MAX);
}

uint32_t plpmtud_wants(const struct tcp *c, struct tcb *t, uint32_t queued_bytes, uint64_t now_ns)
{
  struct work *w = t->work;
  if (!tcb_speaks_sack(t) || w->plpmtud.in_flight || (t->owed & OWED_LOSS_PROBE) ||
      (t->bits & (TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY | TCB_BLOCKS | TCB_URGENT_OUT)))
    return 0;
  struct plpmtud *p = &w->plpmtud;
  if (p->repairing && seq_lt(t->snd.una, p->end)) return 0;
  p->repairing = false;
  const uint32_t top = tcb_most_mtu(c, t);
  if (now_ns < p->wait_until_ns && p->size <= top) return 0; // else a router has said why
  uint16_t size = plpmtud_next(t->plpmtu, p->high, top);
  if (size == 0) {
    plpmtud_done(t, p->high != 0 && t->plpmtu < top);
    return 0;
  }
  const uint32_t fits = plpmtud_fits(t, queued_bytes);
  if (size > fits) size = fits > t->plpmtu ? plpmtud_next(t->plpmtu, fits + 1, top) : 0;
  if (size == 0) return 0;
  if (size != p->size) p->losses = 0;
  p->size = size;
  const uint32_t text = size - plpmtud_headers(t);
  return text > t->snd_mss ? text : 0;
}

void plpmtud_sent(struct tcb *t, uint32_t seq, uint32_t bytes)
{
  struct plpmtud *p = &t->work->plpmtud;
  if (bytes <= t->snd_mss) return;
  p->size =
      (uint16_t)(bytes + plpmtud_headers(t)); // less than wanted, if a frame had no place for all
  p->start = seq;
  p->end = seq + bytes;
  p->in_flight = true;
  if (t->mtu_probes_sent < UINT8_MAX) t->mtu_probes_sent++;
}

void plpmtud_on_ack(const struct tcp *c, struct tcb *t)
{
  struct plpmtud *p = &t->work->plpmtud;
  if (seq_lt(t->snd.una, p->end)) return;
  p->in_flight = false;
  p->losses = 0;
  if (!t->mtu_search || p->size <= t->plpmtu) return;
  t->plpmtu = p->size;
  tcb_update_mss(c, t);
}

bool plpmtud_on_loss(struct tcb *t, uint32_t lost_bytes, uint64_t now_ns)
{
  struct work *w = t->work;
  struct plpmtud *p = &w->plpmtud;
  struct board *b = &w->board;
  uint32_t in_probe = 0;
  struct board_at at = board_find(b, p->start);
  for (; !board_is_end(b, at); at = board_next(b, at)) {
    const uint32_t start = seq_max(board_start_of(b, at), p->start);
    const struct board_record *r = board_record(b, at);
    if (seq_ge(start, p->end)) break;
    if (r->bits & BOARD_LOST) in_probe += seq_min(r->end, p->end) - start;
  }
  if (in_probe == 0) return false;
  p->in_flight = false;
  p->repairing = true;
  plpmtud_wait(t, 1, now_ns);
  const bool alone = in_probe == b->lost_bytes && in_probe == lost_bytes;
  if (!alone)
    return false; // lost among others: of congestion, for all we know, and the size is tried again
  if (t->mtu_probes_lost < UINT8_MAX) t->mtu_probes_lost++;
  if (++p->losses < PLPMTUD_MAX_PROBES) return true;
  p->high = p->size;
  // It was a black hole: what vanished for its size has said nothing of the path's rate.
  t->cc.ssthresh_bytes = u32_max(t->cc.ssthresh_bytes, p->ssthresh_bytes);
  p->ssthresh_bytes = 0;
  return true;
}
