// SPDX-License-Identifier: BSD-2-Clause
// stack_records.c - a small record and a full TCB in the same state answer alike: there is no second state machine.
#include "support/kit_random.h"

// What the half-open record became without any segment: a full TCB in SYN-RECEIVED, passively opened.
static void swell(struct kit *k)
{
  struct estab_stack *s = k->s;
  uint32_t index = demux_find(s, &k->tuple) & TAG_INDEX;
  const struct half *h = slab_at(&s->halves, index);
  const struct seg_state agreed = h->seg;
  struct tcb_seed seed = {
      .tuple = &k->tuple,
      .agreed = &agreed,
      .netif = h->netif,
      .peer_mss = h->peer_mss,
  };
  struct path *path = ip_path_get(&s->ip, &k->tuple.local, &k->tuple.remote, 1, s->now_ns);
  half_free(s, index, NULL);
  struct tcb *t = stack_conn_new(s, &seed, path, demux_hash(s, &k->tuple));
  if (!t) abort();
  k->conn = conn_handle(t);
}

static bool same_header(const struct estab_tcp_header *a, const struct estab_tcp_header *b)
{
  return a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && a->window == b->window &&
         a->urgent == b->urgent && a->options.present == b->options.present &&
         (!(a->options.present & ESTAB_TCP_OPT_TS) ||
          (a->options.ts_value == b->options.ts_value && a->options.ts_echo == b->options.ts_echo));
}

static bool differ(struct kit *a, struct kit *b, const char *what)
{
  printf("a record:\n%sa full TCB:\n%s%s differs: record %s '%s', full %s '%s'\n", a->log, b->log,
         what, estab_state_name(kit_state(a)), kit_dropped(a), estab_state_name(kit_state(b)),
         kit_dropped(b));
  return false;
}

// Where the connection is; none at all is the same as CLOSED or LISTEN.
static enum estab_state where(struct kit *k)
{
  const struct seg_state *t = kit_seg(k);
  return t ? (enum estab_state)t->state : ESTAB_CLOSED;
}

static bool same(struct kit *a, struct kit *b)
{
  if (memcmp(a->s->drops, b->s->drops, sizeof a->s->drops) != 0) return differ(a, b, "the drop");
  kit_drain(a);
  kit_drain(b);
  if (a->outs != b->outs) return differ(a, b, "the number of replies");
  for (unsigned i = 0; i < a->outs; i++)
    if (!same_header(&a->out[i].h, &b->out[i].h)) return differ(a, b, "a reply");
  if (where(a) != where(b)) return differ(a, b, "the state");
  const struct seg_state *x = kit_seg(a), *y = kit_seg(b);
  if (!x) return true;
  if (x->rcv.nxt != y->rcv.nxt || x->rcv.wnd != y->rcv.wnd || x->snd.una != y->snd.una ||
      x->snd.nxt != y->snd.nxt || x->ts_recent != y->ts_recent || x->snd.max_wnd != y->snd.max_wnd)
    return differ(a, b, "a variable");
  return true;
}

static bool alike(struct prop_rng *r, struct kit *a, struct kit *b, unsigned segments,
                  uint64_t step_ns)
{
  uint8_t text[1000];
  for (unsigned i = 0; i < segments && kit_seg(a); i++) {
    struct estab_tcp_header h = kit_random_header(r, a, kit_seg(a));
    uint32_t n = kit_random_text(r);
    kit_text(a, h.seq + ((h.flags & ESTAB_TCP_SYN) ? 1u : 0u), n, text);
    uint64_t wait_ns = prop_one_in(r, 3) ? 0 : prop_u64(r) % step_ns;
    kit_advance(a, wait_ns);
    kit_advance(b, wait_ns);
    kit_clear(a);
    kit_clear(b);
    if (where(a) != where(b)) return differ(a, b, "the state after a while");
    if (!kit_seg(a)) break;
    kit_inject_raw(a, &h, text, n);
    kit_inject_raw(b, &h, text, n);
    if (!same(a, b)) return false;
  }
  return true;
}

static void two_kits(struct prop_rng *r, struct kit *a, struct kit *b, enum kit_place place_a,
                     enum kit_place place_b)
{
  bool ip6 = prop_one_in(r, 2), plain = prop_one_in(r, 3);
  kit_init(a, ip6, NULL);
  kit_init(b, ip6, NULL);
  a->no_options = b->no_options = plain;
  kit_make(a, place_a);
  kit_make(b, place_b);
}

static struct kit one, other;

static bool half_open_records(struct prop_rng *r)
{
  two_kits(r, &one, &other, KIT_SYN_RECEIVED, KIT_SYN_RECEIVED);
  swell(&other);
  // All before the first retransmission of the SYN-ACK, which only the record's own timer would send here.
  bool ok = alike(r, &one, &other, 8, 100000000);
  return kit_end(&one) && kit_end(&other) && ok;
}

static bool time_wait_records(struct prop_rng *r)
{
  two_kits(r, &one, &other, KIT_TIME_WAIT, KIT_TIME_WAIT_FULL);
  bool ok =
      alike(r, &one, &other, 12, prop_one_in(r, 2) ? UINT64_C(400000000) : UINT64_C(90000000000));
  return kit_end(&one) && kit_end(&other) && ok;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"half-open", half_open_records, 3000},
      {"time-wait", time_wait_records, 3000},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
