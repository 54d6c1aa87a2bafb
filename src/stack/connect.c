// SPDX-License-Identifier: BSD-2-Clause
// connect.c - active OPEN, RFC 9293 3.10.1: local address by route, local port by RFC 6056, then the SYN.
#include "base/bytes.h"
#include "stack/stack.h"

#define PORT_TRIES 64 // random ports looked at before the range is searched

void estab_connect_settings_default(struct estab_connect_settings *settings)
{
  *settings = (struct estab_connect_settings){.struct_bytes = sizeof *settings};
}

// An own TIME-WAIT tuple may be used again when timestamps keep old segments out (RFC 6191 2's reasoning, from the
// other side): the new TSval is at least timewait_reuse_min_ns newer than any the peer saw.
static bool wait_is_reusable(const struct estab_stack *s, const struct timewait *w)
{
  if (s->settings.timewait_reuse_min_ns == ESTAB_NEVER || !(w->seg.flags & SEG_TS)) return false;
  if (w->seg.flags & SEG_REPLACED) return false; // a half-open record has its tuple
  uint64_t ends_ns = deadline_of_ms(s->now_ns, w->deadline_ms);
  uint64_t whole_ns = (uint64_t)timewait_life_ms(s, w) * 1000000u;
  uint64_t left_ns = ends_ns - u64_min(ends_ns, s->now_ns);
  return whole_ns - u64_min(whole_ns, left_ns) >= s->settings.timewait_reuse_min_ns;
}

enum port_verdict { PORT_FREE, PORT_TAKEN, PORT_REUSE };

static enum port_verdict judge_port(struct estab_stack *s, const struct estab_tuple *tuple,
                                    uint32_t *wait)
{
  uint32_t tagged = demux_find(s, tuple);
  if (!tagged) return PORT_FREE;
  if ((tagged & TAG_KIND) != TAG_THIRD) return PORT_TAKEN;
  *wait = tagged & TAG_INDEX;
  return wait_is_reusable(s, slab_at(&s->waits, *wait)) ? PORT_REUSE : PORT_TAKEN;
}

// The oldest TIME-WAIT towards the same peer, if it is near the front of the queue.
static bool reuse_oldest(struct estab_stack *s, struct estab_tuple *tuple, uint32_t *wait)
{
  unsigned tries = 0;
  for (unsigned list = 0; list < WAIT_LISTS; list++)
    for (uint32_t index = s->wait_lists[list].head; index != SLAB_NONE; tries++) {
      const struct timewait *w = slab_at(&s->waits, index);
      if (tries == PORT_TRIES) return false;
      if (w->tuple.remote_port == tuple->remote_port &&
          estab_ip_equal(&w->tuple.remote, &tuple->remote) &&
          estab_ip_equal(&w->tuple.local, &tuple->local) &&
          w->tuple.local_port >= s->settings.port_first &&
          w->tuple.local_port <= s->settings.port_last && wait_is_reusable(s, w)) {
        tuple->local_port = w->tuple.local_port;
        *wait = index;
        return true;
      }
      index = w->wait.next;
    }
  return false;
}

// RFC 6056 3.3.2 with a generator nobody can predict; then the oldest own TIME-WAIT; then every port once.
static int choose_port(struct estab_stack *s, struct estab_tuple *tuple, uint32_t *wait)
{
  uint32_t range = (uint32_t)s->settings.port_last - s->settings.port_first + 1;
  for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
    tuple->local_port = (uint16_t)(s->settings.port_first + rng_below(&s->rng, range));
    if (judge_port(s, tuple, wait) == PORT_FREE) {
      *wait = SLAB_NONE;
      return ESTAB_OK;
    }
  }
  if (reuse_oldest(s, tuple, wait)) return ESTAB_OK;
  uint32_t start = rng_below(&s->rng, range);
  for (uint32_t i = 0; i < range; i++) {
    tuple->local_port = (uint16_t)(s->settings.port_first + (start + i) % range);
    enum port_verdict v = judge_port(s, tuple, wait);
    if (v == PORT_FREE) *wait = SLAB_NONE;
    if (v != PORT_TAKEN) return ESTAB_OK;
  }
  return ESTAB_ERR_NO_PORT;
}

static int choose_tuple(struct estab_stack *s, const struct estab_connect_settings *set,
                        struct estab_tuple *tuple, uint32_t *netif, uint32_t *wait)
{
  struct ip_route_result route;
  int r = ip_route(&s->ip, &set->local, &set->remote, set->netif, &route);
  if (r < 0) return r;
  *tuple = (struct estab_tuple){route.local, set->remote, set->local_port, set->remote_port};
  *netif = route.netif;
  *wait = SLAB_NONE;
  if (set->local_port == 0) return choose_port(s, tuple, wait);
  switch (judge_port(s, tuple, wait)) {
  case PORT_FREE: *wait = SLAB_NONE; return ESTAB_OK;
  case PORT_REUSE: return ESTAB_OK;
  case PORT_TAKEN: break;
  }
  return ESTAB_ERR_EXISTS; // RFC 9293 3.10.1
}

int estab_connect(estab_stack *s, const struct estab_connect_settings *settings, uint64_t now_ns,
                  estab_conn *out)
{
  s->now_ns = u64_max(s->now_ns, now_ns);
  if (settings->struct_bytes < sizeof *settings || settings->remote_port == 0 ||
      estab_ip_is_any(&settings->remote))
    return ESTAB_ERR_INVALID;
  struct estab_tuple tuple;
  struct tcb_seed seed = {.tuple = &tuple};
  uint32_t wait;
  int r = choose_tuple(s, settings, &tuple, &seed.netif, &wait);
  if (r < 0) return r;
  struct path *path = ip_path_get(&s->ip, &tuple.local, &tuple.remote, seed.netif, s->now_ns);
  if (!path) return ESTAB_ERR_NO_MEMORY;
  const uint64_t hash = demux_hash(s, &tuple);
  seed.iss = isn_generate(hash, s->now_ns);
  if (wait != SLAB_NONE) { // RFC 9293 3.4.1: above what the old connection used
    const struct timewait *w = slab_at(&s->waits, wait);
    if (seq_le(seed.iss, w->seg.snd.nxt)) seed.iss = w->seg.snd.nxt + 1 + (seed.iss & 0xffffu);
  }
  struct tcb *t = stack_conn_new(s, &seed, path, hash);
  if (!t) {
    ip_path_put(&s->ip, path);
    return ESTAB_ERR_NO_MEMORY;
  }
  if (wait != SLAB_NONE)
    timewait_free(s, wait, "reused by an active OPEN"); // not before there is something instead
  s->active_opens++;
  tcb_enter(&s->tcp, t, ESTAB_SYN_SENT, "active OPEN", s->now_ns);
  t->owed |= OWED_SYN;
  if (settings->fast_open) t->bits |= TCB_FAST_OPEN;
  if (settings->fast_open && settings->fast_open_experimental)
    t->fast_open |= ESTAB_FAST_OPEN_EXPERIMENTAL;
  if (s->settings.syn_timeout_ns)
    t->at[TIMER_USER] = u64_sum(s->now_ns, s->settings.syn_timeout_ns);
  *out = conn_handle(t);
  demux_expect(s, t);
  stack_collect(s, t);
  return ESTAB_OK;
}
