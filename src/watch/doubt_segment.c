// SPDX-License-Identifier: BSD-2-Clause
// doubt_segment.c - what of a segment its receiver may read otherwise: overlaps, TTL, urgent octets, early text.
#include "watch/doubt.h"

#include "base/fmt.h"
#include "proto/seq.h"
#include "watch/policy.h"
#include "watch/reach.h"
#include "watch/recall.h"

#define DOUBT_SHOWN 14 // octets of each reading

static WATCH_RARE void doubt_octets(char *text, size_t bytes, const uint8_t *octets, uint32_t count)
{
  struct fmt f;
  fmt_init(&f, text, bytes);
  for (uint32_t i = 0; i < count && i < DOUBT_SHOWN; i++) {
    if (octets[i] >= 0x20 && octets[i] < 0x7f && octets[i] != '\\') {
      fmt_char(&f, (char)octets[i]);
      continue;
    }
    fmt_str(&f, "\\x");
    fmt_hex(&f, octets[i], 2);
  }
}

static void doubt_overlap(struct track *t, struct flow *f, const struct segment *g,
                          const uint8_t *text)
{
  const struct flow_side *s = &f->side[g->end];
  struct recall_difference d;
  uint32_t seq = g->seq + (g->flags & ESTAB_TCP_SYN ? 1u : 0u);
  if (!(s->bits & SIDE_KNOWN) || !seq_lt(seq, s->nxt)) return;
  if (g->text_bytes == 1) return; // a probe of a closed window, or that the peer lives: any octet
  if (!recall_differs(t->recall, doubt_who(f->life_packet, g->end), seq, text, g->text_bytes, &d))
    return;
  char old[64], new[64];
  doubt_octets(old, sizeof old, d.old, d.length);
  doubt_octets(new, sizeof new, text + d.at, d.length);
  bool delivered = seq_gt(reach_edge(t, f, g->end), seq + d.at);
  bool wins = !delivered && !doubt_dies(f, g);
  if (wins && !doubt_few_hops(f, g->end, d.old_ttl))
    wins = policy_new_wins((enum estab_watch_policy)t->settings.policy, d.old_seq,
                           d.old_seq + d.old_bytes, seq, seq + g->text_bytes);
  doubt_words(t, f, ESTAB_WATCH_AMBIGUITY_OVERLAP, g, wins ? new : old, wins ? old : new);
  // Whichever of the two came first may be the forged one.
  const bool late = d.old_ttl == s->ttl;
  doubt_suspect(t, f, g, SUSPECT_OVERLAP, late ? g->ttl : d.old_ttl, late ? d.old_ttl : g->ttl);
}

static WATCH_RARE void doubt_low_ttl(struct track *t, struct flow *f, const struct segment *g)
{
  const struct doubt_reading dies = {"dies on its way: usual TTL ", f->side[g->end].ttl};
  const struct doubt_reading arrives = {"arrives: TTL ", g->ttl};
  const bool taken = !doubt_dies(f, g);
  doubt_numbers(t, f, ESTAB_WATCH_AMBIGUITY_LOW_TTL, g, taken ? &arrives : &dies,
                taken ? &dies : &arrives);
}

static void doubt_text(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (g->flags & ESTAB_TCP_SYN) {
    doubt_words(t, f, ESTAB_WATCH_AMBIGUITY_SYN_DATA, g, "kept until the handshake is over",
                "not taken: sent again after it");
    return;
  }
  if (s->state == ESTAB_SYN_SENT && !(peer->bits & SIDE_SENT)) {
    // With an ACK it goes on behind an answer that may have taken another way.
    const bool answers = g->flags & ESTAB_TCP_ACK;
    const char *none = "text before any answer: not taken",
               *unseen = "taken, behind an answer not seen";
    doubt_words(t, f, ESTAB_WATCH_AMBIGUITY_SYN_DATA, g, answers ? unseen : none,
                answers ? none : "taken");
  }
  uint32_t end = g->seq + g->text_bytes;
  if ((peer->bits & SIDE_ACKED) && !(peer->bits & SIDE_ZERO) && g->text_bytes > 1 &&
      seq_gt(end, peer->edge) && end - peer->edge < (1u << 30))
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_DATA_PAST_WINDOW, g, peer->edge, end);
}

void doubt_segment(struct track *t, struct flow *f, const struct segment *g, uint16_t urgent)
{
  const struct flow_side *s = &f->side[g->end];
  if (g->bits & SEGMENT_BAD) return;
  if (g->text_bytes) doubt_text(t, f, g);
  if (g->text_bytes && !(g->bits & SEGMENT_CUT) && g->packet != f->life_packet)
    doubt_overlap(t, f, g, t->packet->payload);
  if ((s->bits & SIDE_SENT) && doubt_fewer_hops(s, g->ttl) &&
      (g->text_bytes || (g->flags & (ESTAB_TCP_RST | ESTAB_TCP_FIN))))
    doubt_low_ttl(t, f, g);
  if ((g->flags & ESTAB_TCP_URG) && g->text_bytes && urgent && urgent <= g->text_bytes)
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_URGENT, g, g->seq + urgent - 1, g->seq + urgent);
}
