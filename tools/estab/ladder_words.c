// SPDX-License-Identifier: BSD-2-Clause
// ladder_words.c - what a flag did, in one line each, in the spirit of RFC 9293 3.5 and 3.6.
#include "ladder_words.h"

static const char *of_reset(const struct ladder_segment *s, const enum estab_state before[2])
{
  if (before[1] == ESTAB_SYN_SENT && (s->flags & ESTAB_TCP_ACK))
    return "RST: refused, nobody listens at this port";
  return "RST: the connection is over at once, what was under way is lost";
}

static const char *of_syn(const struct ladder_segment *s, bool again,
                          const enum estab_state before[2])
{
  if (again) return "SYN again: no answer came in time";
  if (s->flags & ESTAB_TCP_ACK) return "SYN and ACK: agrees, and numbers its own direction";
  if (before[1] == ESTAB_SYN_SENT) return "SYN: both ask at once, a simultaneous open";
  return "SYN: asks to open, and numbers its octets";
}

static const char *of_fin(bool again, const struct half *to, const enum estab_state before[2])
{
  if (again) return "FIN again: no acknowledgment of it came in time";
  if (before[0] == ESTAB_LAST_ACK || before[0] == ESTAB_CLOSE_WAIT)
    return "FIN: nor do I have more to send";
  if (before[1] == ESTAB_FIN_WAIT_1 && to->fin_sent) return "FIN: both close at once";
  return "FIN: I have no more to send, but I still listen";
}

static const char *of_ack(struct ladder_words *w, const struct ladder_segment *s,
                          const struct half *to, const enum estab_state before[2])
{
  if (to->fin_sent && s->ack == to->fin_end &&
      (before[1] == ESTAB_FIN_WAIT_1 || before[1] == ESTAB_CLOSING ||
       before[1] == ESTAB_LAST_ACK)) {
    if (before[1] == ESTAB_LAST_ACK) return "ACK of the FIN: both directions are closed";
    return "ACK of the FIN: this direction is closed, the other still open";
  }
  if (!w->handshake && before[1] == ESTAB_SYN_RECEIVED) {
    w->handshake = true;
    return "ACK: the third step, now both know that both are there";
  }
  return NULL;
}

const char *ladder_says(struct ladder_words *w, const struct ladder_segment *s, bool again,
                        const struct half *to, const enum estab_state before[2])
{
  if (s->flags & ESTAB_TCP_RST) return of_reset(s, before);
  if (s->flags & ESTAB_TCP_SYN) return of_syn(s, again, before);
  if (s->flags & ESTAB_TCP_FIN) return of_fin(again, to, before);
  if (again) {
    if (w->again) return NULL;
    w->again = true;
    return "again: what was lost is sent once more";
  }
  if (s->flags & ESTAB_TCP_URG) return "URG: up to the urgent mark, something wants attention";
  if (s->window == 0 && !w->window_zero) {
    w->window_zero = true;
    return "window 0: my buffer is full, wait";
  }
  const char *ack = of_ack(w, s, to, before);
  if (ack) return ack;
  if (s->text_bytes && (s->flags & ESTAB_TCP_PSH) && !w->data) {
    w->data = true;
    return "PSH: a piece ends here, hand it to the program now";
  }
  return NULL;
}
