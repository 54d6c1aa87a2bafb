// SPDX-License-Identifier: BSD-2-Clause
// ladder_half.c - one side of a ladder. The inference is RFC 9293 3.3.2, Figure 5, read from outside: a
// side is in the state that explains what it sends, and reacts to what reaches it as the figure says.
#include "ladder_half.h"

#include <string.h>

static bool after(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) > 0;
}

void half_init(struct half *h, bool live, enum estab_state at)
{
  memset(h, 0, sizeof *h);
  h->live = live;
  h->state = at;
  h->states[h->state_count++] = at;
}

bool half_enter(struct half *h, enum estab_state to, uint64_t now_ns)
{
  if (h->state == to) return false;
  h->state = to;
  h->entered_ns = now_ns;
  if (h->state_count < LADDER_STATES_MAX) h->states[h->state_count++] = to;
  return true;
}

// What the sending of this segment says about a side whose trace nobody has.
static void infer_sends(struct half *h, const struct ladder_segment *s, uint64_t now_ns)
{
  if (s->flags & ESTAB_TCP_RST) {
    half_enter(h, ESTAB_CLOSED, now_ns);
    return;
  }
  if (s->flags & ESTAB_TCP_SYN) {
    bool answers = (s->flags & ESTAB_TCP_ACK) != 0;
    if (h->state == ESTAB_CLOSED || h->state == ESTAB_LISTEN || h->state == ESTAB_SYN_SENT)
      half_enter(h, answers ? ESTAB_SYN_RECEIVED : ESTAB_SYN_SENT, now_ns);
    return;
  }
  if (h->state == ESTAB_SYN_SENT) half_enter(h, ESTAB_ESTABLISHED, now_ns);
  if (!(s->flags & ESTAB_TCP_FIN)) return;
  if (h->state == ESTAB_ESTABLISHED || h->state == ESTAB_SYN_RECEIVED)
    half_enter(h, ESTAB_FIN_WAIT_1, now_ns);
  else if (h->state == ESTAB_CLOSE_WAIT)
    half_enter(h, ESTAB_LAST_ACK, now_ns);
}

bool half_sends(struct half *h, const struct ladder_segment *s, uint64_t now_ns)
{
  uint32_t end = s->seq + s->text_bytes + ((s->flags & ESTAB_TCP_SYN) != 0) +
                 ((s->flags & ESTAB_TCP_FIN) != 0);
  bool again = false;
  // A reset may stand anywhere and numbers nothing.
  if (!(s->flags & ESTAB_TCP_RST)) {
    if (!h->sent) h->isn = h->snd_max = s->seq;
    // RFC 9293 3.5, Figure 7: in a simultaneous open the SYN-ACK is a SYN's answer and repeats our own by the way.
    bool answers = (s->flags & ESTAB_TCP_SYN) && (s->flags & ESTAB_TCP_ACK);
    again = h->sent && end != s->seq && after(h->snd_max, s->seq) && !(answers && !h->syn_ack_sent);
    h->syn_ack_sent = h->syn_ack_sent || answers;
    h->sent = true;
    if (after(end, h->snd_max)) h->snd_max = end;
    if (s->flags & ESTAB_TCP_FIN) {
      h->fin_sent = true;
      h->fin_end = end;
    }
  }
  if ((s->flags & ESTAB_TCP_ACK) && (!h->acked_any || after(s->ack, h->acked))) {
    h->acked = s->ack;
    h->acked_any = true;
  }
  if (!h->live) infer_sends(h, s, now_ns);
  return again;
}

static void infer_ack_of_fin(struct half *h, uint64_t now_ns)
{
  if (h->state == ESTAB_FIN_WAIT_1)
    half_enter(h, ESTAB_FIN_WAIT_2, now_ns);
  else if (h->state == ESTAB_CLOSING)
    half_enter(h, ESTAB_TIME_WAIT, now_ns);
  else if (h->state == ESTAB_LAST_ACK)
    half_enter(h, ESTAB_CLOSED, now_ns);
}

static void infer_fin(struct half *h, uint64_t now_ns)
{
  if (h->state == ESTAB_ESTABLISHED || h->state == ESTAB_SYN_RECEIVED)
    half_enter(h, ESTAB_CLOSE_WAIT, now_ns);
  else if (h->state == ESTAB_FIN_WAIT_1)
    half_enter(h, ESTAB_CLOSING, now_ns);
  else if (h->state == ESTAB_FIN_WAIT_2)
    half_enter(h, ESTAB_TIME_WAIT, now_ns);
}

void half_gets(struct half *h, const struct ladder_segment *s, uint64_t now_ns)
{
  if (h->live) return;
  bool ack = (s->flags & ESTAB_TCP_ACK) != 0;
  if (s->flags & ESTAB_TCP_RST) {
    if (h->state != ESTAB_LISTEN) half_enter(h, ESTAB_CLOSED, now_ns);
    return;
  }
  if (s->flags & ESTAB_TCP_SYN) {
    if (h->state == ESTAB_SYN_SENT)
      half_enter(h, ack ? ESTAB_ESTABLISHED : ESTAB_SYN_RECEIVED, now_ns);
    else if (h->state == ESTAB_LISTEN)
      half_enter(h, ESTAB_SYN_RECEIVED, now_ns);
    return;
  }
  if (ack && h->state == ESTAB_SYN_RECEIVED) half_enter(h, ESTAB_ESTABLISHED, now_ns);
  if (ack && h->fin_sent && !after(h->fin_end, s->ack)) infer_ack_of_fin(h, now_ns);
  if (s->flags & ESTAB_TCP_FIN) infer_fin(h, now_ns);
}
