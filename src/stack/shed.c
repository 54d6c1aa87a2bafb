// SPDX-License-Identifier: BSD-2-Clause
// shed.c - memory near its cap: what is given up before anything is refused (ATTACKS R14).
//
// At moments when nobody holds a pointer into a table (before a frame is looked at, when deadlines are handled), as
// long as less than a sixteenth of the cap is free: first what is only kept for the next who asks, then what others
// can bring again or do without, one at a time and the oldest first. Fragments, half-open records, TIME-WAIT records,
// text that came out of order (RFC 2018 8 lets a receiver). Text that was acknowledged stays, and when nothing else is
// left the memory door refuses. A step frees no memory by itself where a chunk has other records: the next ones do.
#include "stack/stack.h"

// Of one call, for a frame must not pay for everything: records given up, connections looked at.
#define SHED_RECORDS 1024
#define SHED_LOOKS   64

static void shed_caches(struct estab_stack *s)
{
  block_pool_trim(&s->blocks);
  slab_trim(&s->conns);
  slab_trim(&s->halves);
  slab_trim(&s->waits);
}

// The one whose SYN-ACK was repeated most often, and of these the oldest.
static uint32_t shed_half(const struct estab_stack *s)
{
  unsigned stage = HALF_STAGES;
  while (stage > 0 && s->half_wait[stage - 1].head == SLAB_NONE)
    stage--;
  return stage ? s->half_wait[stage - 1].head : SLAB_NONE;
}

// Looks at the next connection in turn.
static void shed_text(struct estab_stack *s)
{
  uint32_t index = s->shed_next < slab_top(&s->conns) ? s->shed_next : 0;
  s->shed_next = index + 1;
  if (!slab_live(&s->conns, index)) return;
  struct tcb *t = stack_conn(s, index);
  if (t->out_of_order.count == 0) return;
  text_forget(&s->tcp, t);
  stack_drop(s, ESTAB_DROP_TCP_TEXT_NO_MEMORY, t->netif, &t->tuple, NULL);
}

// False: no record of a kind that can go is left.
static bool shed_record(struct estab_stack *s)
{
  uint32_t index;
  if (frag_shed(&s->ip.frag)) {
    stack_drop(s, ESTAB_DROP_FRAG_CAP, 0, NULL, NULL);
    return true;
  }
  if ((index = shed_half(s)) != SLAB_NONE) {
    half_free(s, index, "memory is short");
    return true;
  }
  index = timewait_oldest(s);
  if (index != SLAB_NONE) timewait_free(s, index, "memory is short: oldest out");
  return index != SLAB_NONE;
}

static bool shed_is_short(const struct estab_stack *s)
{
  return s->mem.in_use_bytes > s->shed_above_bytes;
}

void shed_some(struct estab_stack *s)
{
  unsigned records = 0, looks = 0;
  shed_caches(s);
  while (shed_is_short(s) && records < SHED_RECORDS && shed_record(s))
    records++;
  while (shed_is_short(s) && records < SHED_RECORDS && looks++ < SHED_LOOKS)
    shed_text(s);
  shed_caches(s);
}
