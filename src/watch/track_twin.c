// SPDX-License-Identifier: BSD-2-Clause
// track_twin.c - lives of one 4-tuple beside each other: subscribers behind GTP-U tunnels may have one address.
//
// Each end of such a tunnel chooses the TEID that it receives with: the two directions of a connection have different
// ones, and a handover changes them. So a TEID alone says little. A segment is of the life that its numbers continue,
// else of the one that began in its tunnel, and where its numbers contradict all that are there, of a new one.
#include "watch/track_twin.h"

#include "base/bytes.h"
#include "watch/flow_table.h"

// So many stand beside each other. Who comes then follows one that has ended, else falls in with the last one.
#define TWINS     8
#define TWIN_NEAR (1u << 20) // so far goes what the capture may lack
#define TWIN_SYN  (1u << 12) // a SYN begins: so far goes the text that came with it

// What is expected of the next segment of a side, as far as it is known.
struct twin_numbers {
  bool has_seq, has_ack;
  uint32_t seq, ack;
};

static struct twin_numbers twin_expects(const struct flow_head *head, unsigned end)
{
  if (head->bits & FLOW_FULL) {
    const struct flow *f = (const struct flow *)head;
    const struct flow_side *s = &f->side[end], *peer = &f->side[1 - end];
    return (struct twin_numbers){s->bits & SIDE_KNOWN, peer->bits & SIDE_KNOWN, s->nxt, peer->nxt};
  }
  const struct segment *first = &((const struct flow_one *)head)->first;
  const bool acks = first->flags & ESTAB_TCP_ACK;
  if (first->end == end) return (struct twin_numbers){true, acks, first->seq, first->ack};
  return (struct twin_numbers){acks, true, first->ack, first->seq};
}

static uint64_t twin_begin(const struct flow_head *head)
{
  return head->bits & FLOW_FULL ? ((const struct flow *)head)->life_packet
                                : ((const struct flow_one *)head)->first.packet;
}

// Only to segments of the same side does the TEID that a record has say anything: each side's are given by another
// node, and the same small numbers.
static bool twin_is_same_way(const struct flow_head *head, const struct segment *g)
{
  return flow_first(head) == g->end;
}

static uint32_t twin_apart(uint32_t number, uint32_t expected)
{
  return u32_min(number - expected, expected - number);
}

// Who is asked by a SYN and has an older connection still says what that one expects: RFC 9293 3.5.1.
static bool twin_may_challenge(const struct segment *g)
{
  const uint16_t mark = ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_FIN | ESTAB_TCP_RST;
  return (g->flags & mark) == ESTAB_TCP_ACK && g->text_bytes == 0;
}

struct twin_claim {
  unsigned rank; // the more, the likelier it is this life's; 0: not at all
  uint64_t
      apart; // of equals the one with less: from what is expected, where all that is known is near
};

static struct twin_claim twin_claims(const struct flow_head *head, const struct flow_key *key,
                                     const struct segment *g)
{
  const uint32_t near = g->flags & ESTAB_TCP_SYN ? TWIN_SYN : TWIN_NEAR;
  const struct twin_numbers n = twin_expects(head, g->end);
  const bool acks = n.has_ack && (g->flags & ESTAB_TCP_ACK);
  const bool own = twin_is_same_way(head, g) && head->vlan >> 24 == key->vlan >> 24 &&
                   head->tunnel_id == key->tunnel_id;
  const uint32_t seq_apart = n.has_seq ? twin_apart(g->seq, n.seq) : 0;
  const uint32_t ack_apart = acks ? twin_apart(g->ack, n.ack) : 0;
  const bool known = n.has_seq || acks;
  if (known && seq_apart <= near && ack_apart <= near)
    return (struct twin_claim){own ? 5 : 4, (uint64_t)seq_apart + ack_apart};
  if (own) return (struct twin_claim){3, 0};
  if ((n.has_seq && seq_apart <= near) || (acks && ack_apart <= near))
    return (struct twin_claim){2, 0}; // of the other the capture lacks much
  return (struct twin_claim){known && (n.has_seq || !twin_may_challenge(g)) ? 0 : 1, 0};
}

struct twin {
  uint32_t ref;
  struct twin_claim claim;
  uint64_t begin;
};

static bool twin_is_likelier(const struct twin *a, const struct twin *b)
{
  if (a->claim.rank != b->claim.rank) return a->claim.rank > b->claim.rank;
  if (a->claim.apart != b->claim.apart) return a->claim.apart < b->claim.apart;
  return a->begin > b->begin;
}

// All of a key.
struct twins {
  struct twin best; // the likeliest, of equals the latest; ref FLOW_NONE: there is none
  struct twin done; // of those that have ended the earliest; ref FLOW_NONE
  unsigned count;
  bool same_way; // each one's first segment went as this one does
};

static struct twins twins_of(const struct track *t, const struct flow_key *key,
                             const struct segment *g)
{
  uint32_t refs[TWINS];
  struct twins all = {.best.ref = FLOW_NONE, .done.ref = FLOW_NONE, .same_way = true};
  all.count = flow_table_find_all(t, key, refs, TWINS);
  for (unsigned i = 0; i < all.count; i++) {
    const struct flow_head *const head = track_at(t, refs[i]);
    const struct twin it = {refs[i], twin_claims(head, key, g), twin_begin(head)};
    all.same_way = all.same_way && twin_is_same_way(head, g);
    if (flow_class(head) == FLOW_DONE && (all.done.ref == FLOW_NONE || it.begin < all.done.begin))
      all.done = it;
    if (all.best.ref == FLOW_NONE || twin_is_likelier(&it, &all.best)) all.best = it;
  }
  return all;
}

// Whether a segment that no record's numbers or tunnel claim is of a life that is not known yet. Of a broken one the
// numbers say nothing. A RST that somebody forges from outside comes through the right tunnel: in another one, where
// that can be compared, it is another's.
static bool twin_begins(const struct twins *all, const struct flow_key *key,
                        const struct segment *g)
{
  if (!(key->vlan & FLOW_TEID) || (g->bits & SEGMENT_BAD)) return false;
  return !(g->flags & ESTAB_TCP_RST) || all->same_way;
}

uint32_t track_twin(struct track *t, const struct flow_key *key, const struct segment *g)
{
  const struct twins all = twins_of(t, key, g);
  if (all.best.claim.rank || !twin_begins(&all, key, g)) return all.best.ref;
  if (all.count == TWINS) return all.done.ref == FLOW_NONE ? all.best.ref : all.done.ref;
  if (all.count) t->twins = true;
  return FLOW_NONE;
}

uint32_t track_twin_quoted(const struct track *t, const struct flow_key *key, uint32_t seq)
{
  const struct segment g = {.seq = seq, .end = key->src_end};
  return twins_of(t, key, &g).best.ref;
}
