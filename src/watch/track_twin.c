// SPDX-License-Identifier: BSD-2-Clause
// track_twin.c - lives of one 4-tuple beside each other: subscribers behind GTP-U tunnels may have one address.
//
// Each end of such a tunnel chooses the TEID that it receives with: the two directions of a connection have different
// ones, and a handover changes them. So a TEID alone says little. A segment is of the life that its numbers continue,
// else of the one that began in its tunnel, and where its numbers contradict all that are there, of a new one.
#include "watch/track_twin.h"

#include "watch/flow_table.h"

#define TWINS     8          // beside each other; who comes then falls in with the last one
#define TWIN_NEAR (1u << 20) // so far goes what the capture may lack

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

static bool twin_near(uint32_t number, uint32_t expected)
{
  return number - expected + TWIN_NEAR <= 2 * TWIN_NEAR;
}

// The more, the likelier it is this life's; 0: not at all.
static unsigned twin_rank(const struct flow_head *head, const struct flow_key *key,
                          const struct segment *g)
{
  const struct twin_numbers n = twin_expects(head, g->end);
  const bool acks = n.has_ack && (g->flags & ESTAB_TCP_ACK);
  const bool own = head->vlan >> 24 == key->vlan >> 24 && head->tunnel_id == key->tunnel_id;
  const bool seq_near = twin_near(g->seq, n.seq), ack_near = twin_near(g->ack, n.ack);
  if ((n.has_seq || acks) && (!n.has_seq || seq_near) && (!acks || ack_near)) return own ? 5 : 4;
  if (own) return 3;
  if ((n.has_seq && seq_near) || (acks && ack_near))
    return 2; // of the other the capture lacks much
  return n.has_seq || acks ? 0 : 1;
}

struct twin {
  uint32_t ref;
  unsigned rank, of; // of so many
  uint64_t begin;
};

// The likeliest, of several the latest.
static struct twin twin_best(const struct track *t, const struct flow_key *key,
                             const struct segment *g)
{
  uint32_t refs[TWINS];
  struct twin best = {.ref = FLOW_NONE, .of = flow_table_find_all(t, key, refs, TWINS)};
  for (unsigned i = 0; i < best.of; i++) {
    const struct flow_head *const head = track_at(t, refs[i]);
    const unsigned rank = twin_rank(head, key, g);
    const uint64_t begin = twin_begin(head);
    const bool less = rank < best.rank || (rank == best.rank && begin < best.begin);
    if (best.ref != FLOW_NONE && less) continue;
    best.ref = refs[i];
    best.rank = rank;
    best.begin = begin;
  }
  return best;
}

uint32_t track_twin(struct track *t, const struct flow_key *key, const struct segment *g)
{
  const struct twin best = twin_best(t, key, g);
  const bool begins = (key->vlan & FLOW_TEID) && !(g->flags & ESTAB_TCP_RST);
  if (best.rank || best.of == TWINS || !begins) return best.ref;
  if (best.of) t->twins = true;
  return FLOW_NONE;
}

uint32_t track_twin_quoted(const struct track *t, const struct flow_key *key, uint32_t seq)
{
  const struct segment g = {.seq = seq, .end = key->src_end};
  return twin_best(t, key, &g).ref;
}
