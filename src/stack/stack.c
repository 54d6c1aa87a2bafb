// SPDX-License-Identifier: BSD-2-Clause
// stack.c - a stack's birth, time, events, counters and end.
#include "stack/stack.h"
#include "base/bytes.h"
#include <stddef.h>
#include <string.h>

int stack_drop(struct estab_stack *s, enum estab_drop reason, uint32_t netif,
               const struct estab_tuple *tuple, const struct seg *g)
{
  s->drops[reason]++;
  s->drops[ESTAB_DROP_NONE]++; // all of them
  if (s->settings.trace.event) {
    struct estab_trace e = {
        .kind = ESTAB_TRACE_dropped,
        .now_ns = s->now_ns,
        .tuple = tuple,
        .u.dropped = {.reason = reason,
                      .netif = netif,
                      .flags = g ? g->flags : 0,
                      .seq = g ? g->seq : 0,
                      .ack = g ? g->ack : 0,
                      .text_bytes = g ? g->text_bytes : 0},
    };
    s->settings.trace.event(s->settings.trace.ctx, &e);
  }
  return -(int)reason;
}

void stack_trace_state_told(struct estab_stack *s, const struct estab_tuple *tuple, uint64_t conn,
                            enum estab_state from, enum estab_state to, const char *cause)
{
  struct estab_trace e = {
      .kind = ESTAB_TRACE_state_changed,
      .now_ns = s->now_ns,
      .conn = conn,
      .tuple = tuple,
      .u.state_changed = {from, to, cause},
  };
  s->settings.trace.event(s->settings.trace.ctx, &e);
}

static int check_settings(const struct estab_settings *set, const struct cc_own *own_ccs)
{
  if (!set || set->struct_bytes < sizeof *set || !set->mem.resize) return ESTAB_ERR_INVALID;
  if (set->recv_buffer_bytes == 0 || set->recv_buffer_bytes > set->recv_buffer_max_bytes ||
      set->recv_buffer_max_bytes > RECVQ_MAX_BYTES / 2)
    return ESTAB_ERR_INVALID;
  if (set->send_buffer_bytes == 0 || set->send_buffer_bytes > SENDQ_MAX_BYTES ||
      set->send_buffer_max_bytes > SENDQ_MAX_BYTES)
    return ESTAB_ERR_INVALID;
  if (set->plpmtud > ESTAB_PLPMTUD_ALWAYS) return ESTAB_ERR_INVALID;
  if (set->user_timeout_least_ns > set->user_timeout_most_ns) return ESTAB_ERR_INVALID;
  if (set->ecn > ESTAB_ECN_ACCURATE_ACCEPT || set->ecn_option > ESTAB_ECN_OPTION_ALWAYS)
    return ESTAB_ERR_INVALID;
  if (set->port_first == 0 || set->port_first > set->port_last) return ESTAB_ERR_INVALID;
  if (set->delayed_ack_ns > UINT64_C(500000000)) return ESTAB_ERR_INVALID; // [MUST-40]
  if (set->rto_initial_ns == 0 || set->rto_initial_ns > set->rto_max_ns ||
      set->rto_min_ns > set->rto_max_ns || set->rto_max_ns < UINT64_C(60000000000) ||
      set->rto_max_ns > UINT64_C(86400000000000))
    return ESTAB_ERR_INVALID; // RFC 6298 2.5; and a day
  if (set->msl_ns > TCB_TIME_WAIT_MAX_NS / 2 || set->half_open_timeout_ns > TCB_TIME_WAIT_MAX_NS)
    return ESTAB_ERR_INVALID;
  if (set->duplicate_ack_threshold == 0 || set->slow_start_segments == 0 ||
      !cc_own_find(own_ccs, set->congestion_control))
    return ESTAB_ERR_INVALID;
  if (set->max_connections > TAG_INDEX || set->max_half_open > TAG_INDEX ||
      set->max_time_wait > TAG_INDEX || set->hop_limit == 0)
    return ESTAB_ERR_INVALID;
  return ESTAB_OK;
}

int estab_stack_new(const struct estab_settings *settings, uint64_t now_ns, estab_stack **out)
{
  int r = check_settings(settings, NULL);
  if (r < 0) return r;
  struct mem mem;
  mem_init(&mem, settings->mem);
  mem.limit_bytes = settings->max_bytes;
  struct estab_stack *s = mem_new(&mem, sizeof *s, ESTAB_MEM_STACK);
  if (!s) return ESTAB_ERR_NO_MEMORY;
  s->settings = *settings;
  s->mem = mem;
  s->now_ns = now_ns;
  s->shed_above_bytes = mem.limit_bytes ? mem.limit_bytes - mem.limit_bytes / 16 : UINT64_MAX;
  block_pool_init(&s->blocks, &s->mem);
  rng_init(&s->rng, settings->secret, settings->random);
  s->tcp = (struct tcp){
      .settings = &s->settings,
      .mem = &s->mem,
      .blocks = &s->blocks,
      .isn_key = {rng_u64(&s->rng), rng_u64(&s->rng)},
      .ts_key = {rng_u64(&s->rng), rng_u64(&s->rng)},
      .drops = s->drops,
  };
  tcb_fresh(&s->fresh, &s->settings);
  uint64_t key[2] = {rng_u64(&s->rng), rng_u64(&s->rng)};
  ip_init(&s->ip, &s->mem, &s->rng, key);
  link_init(&s->link, &s->mem, key);
  udp_init(&s->udp, &s->mem, &s->rng, key);
  demux_init(s);
  cookies_init(&s->tcp.cookies, s->tcp.ts_key, key, now_ns);
  wheel_init(&s->wheel, now_ns);
  slab_init(&s->conns, &s->mem, CONN_BYTES, ESTAB_MEM_CONN);
  slab_init(&s->halves, &s->mem, sizeof(struct half), ESTAB_MEM_HALF);
  slab_init(&s->waits, &s->mem, sizeof(struct timewait), ESTAB_MEM_TIMEWAIT);
  slab_init(&s->listeners, &s->mem, sizeof(struct listener), ESTAB_MEM_CONN);
  for (unsigned i = 0; i < HALF_STAGES; i++)
    fifo_init(&s->half_wait[i]);
  for (unsigned i = 0; i < WAIT_LISTS; i++)
    fifo_init(&s->wait_lists[i]);
  *out = s;
  return ESTAB_OK;
}

int estab_stack_set_settings(estab_stack *s, const struct estab_settings *settings)
{
  struct estab_settings set = *settings;
  set.mem = s->settings.mem;
  int r = check_settings(&set, s->tcp.own_ccs);
  if (r < 0) return r;
  set.random = s->settings.random;
  memcpy(set.secret, s->settings.secret, sizeof set.secret);
  s->settings = set;
  s->mem.limit_bytes = set.max_bytes;
  tcb_fresh(&s->fresh, &s->settings);
  s->fresh.cc.verbs = cc_own_find(s->tcp.own_ccs, set.congestion_control);
  return ESTAB_OK;
}

int estab_cc_add(estab_stack *s, const struct estab_cc_controller *controller)
{
  return cc_own_add(&s->tcp.own_ccs, &s->mem, controller);
}

void estab_stack_free(estab_stack *s)
{
  if (!s) return;
  for (uint32_t i = 0, left = s->conns.count; left > 0; i++) {
    if (!slab_live(&s->conns, i)) continue;
    tcb_free_buffers(&s->tcp, stack_conn(s, i));
    left--;
  }
  work_trim(&s->tcp);
  cc_own_free(&s->tcp.own_ccs, &s->mem);
  cookies_destroy(&s->tcp.cookies, &s->mem);
  output_destroy(s);
  reply_destroy(s);
  block_pool_destroy(&s->blocks); // also what devices hold and what is lent
  demux_destroy(s);
  slab_destroy(&s->conns);
  slab_destroy(&s->halves);
  slab_destroy(&s->waits);
  slab_destroy(&s->listeners);
  udp_destroy(&s->udp);
  link_destroy(&s->link);
  ip_destroy(&s->ip);
  mem_free(&s->mem, s->scratch, SCRATCH_BYTES, ESTAB_MEM_STACK);
  struct mem mem = s->mem;
  mem_free(&mem, s, sizeof *s, ESTAB_MEM_STACK);
}

// ---- Time

uint64_t estab_stack_deadline(estab_stack *s)
{
  stack_arm(s, NULL);
  if (s->looped || s->room_came || link_output_pending(&s->link, s->now_ns)) return s->now_ns;
  uint64_t first = wheel_deadline(&s->wheel);
  if (s->halves.count) first = u64_min(first, half_deadline(s));
  if (s->waits.count) first = u64_min(first, timewait_deadline(s));
  if (s->ip.lowered_count || s->ip.frag.datagrams) first = u64_min(first, ip_deadline(&s->ip));
  if (s->link.neighbours.count) first = u64_min(first, link_deadline(&s->link));
  return first;
}

void estab_stack_handle_deadline(estab_stack *s, uint64_t now_ns)
{
  if (now_ns == ESTAB_NEVER) return;
  s->now_ns = u64_max(s->now_ns, now_ns);
  s->room_came = false;
  shed_if_short(s);
  stack_arm(s, NULL);
  for (struct wheel_node *n; (n = wheel_pop(&s->wheel, s->now_ns)) != NULL;) {
    struct tcb *t = (struct tcb *)((uint8_t *)n - offsetof(struct tcb, timer));
    tcp_timeouts(&s->tcp, t, s->now_ns);
    stack_collect(s, t);
    stack_arm(s, NULL);
  }
  half_timeouts(s);
  timewait_timeouts(s);
  struct ip_packet expired;
  for (int r; (r = ip_handle_deadline(&s->ip, s->now_ns, &expired)) != 0;) {
    if (r == 1) reply_icmp_error(s, &expired);
    stack_drop(s, ESTAB_DROP_FRAG_TIMEOUT, 0, NULL, NULL);
  }
  link_handle_deadline(&s->link, s->now_ns);
  stack_link_news(s);
}

// ---- Events

struct tcb *stack_find_untold(struct estab_stack *s, estab_conn conn)
{
  uint32_t index = (uint32_t)conn;
  if ((index & HANDLE_HALF) || !slab_live(&s->conns, index)) return NULL;
  struct tcb *t = stack_conn(s, index);
  stack_prefetch(t);
  if (t->generation != (uint32_t)(conn >> 32) || (t->bits & TCB_RELEASED)) return NULL;
  if (t->bits & TCB_IN_TABLE) demux_expect(s, t);
  return t;
}

static inline __attribute__((always_inline)) int event_of_conn(struct estab_stack *s,
                                                               uint32_t index,
                                                               struct estab_event *event)
{
  struct tcb *t = stack_conn_again(s, index);
  t->bits &= ~(uint32_t)TCB_ON_EVENTS;
  uint32_t events = t->pending;
  t->pending = 0;
  if (events == 0) return 0;
  event->events = events;
  event->conn = s->told_conn = conn_handle(t);
  s->told = t;
  event->user = t->user;
  event->error = (events & ESTAB_EVENT_SOFT_ERROR) && !t->error ? t->soft_error : t->error;
  return 1;
}

static int event_of_half(struct estab_stack *s, uint32_t index, struct estab_event *event)
{
  struct half *h = slab_at(&s->halves, index);
  h->bits &= (uint8_t)~HALF_ON_LIST;
  event->events = ESTAB_EVENT_SYN;
  event->conn = (uint64_t)h->generation << 32 | HANDLE_HALF | index;
  const struct listener *x = slab_at(&s->listeners, h->listener);
  event->listener = (uint64_t)x->generation << 32 | h->listener;
  return 1;
}

static int event_of_listener(struct estab_stack *s, uint32_t index, struct estab_event *event)
{
  struct listener *x = slab_at(&s->listeners, index);
  x->on_events = false;
  if (x->accept.count == 0) return 0;
  x->armed = false;
  event->events = ESTAB_EVENT_ACCEPT;
  event->listener = (uint64_t)x->generation << 32 | index;
  return 1;
}

// Of what stands on the event list; 0: it has none any more.
static inline int event_of_tagged(struct estab_stack *s, uint32_t tagged, struct estab_event *event)
{
  const uint32_t index = tagged & TAG_INDEX;
  *event = (struct estab_event){0};
  if ((tagged & TAG_KIND) == TAG_FULL) return event_of_conn(s, index, event);
  if ((tagged & TAG_KIND) == TAG_HALF) return event_of_half(s, index, event);
  return event_of_listener(s, index, event);
}

// Out of line, so that the usual answers below save no registers.
static __attribute__((noinline)) int next_event(struct estab_stack *s, struct estab_event *event)
{
  while (s->events.head)
    if (event_of_tagged(s, list_pop(s, &s->events), event)) return 1;
  struct block *b = s->blocks.released ? block_pop_released(&s->blocks) : NULL;
  if (b) {
    *event = (struct estab_event){
        .events = ESTAB_EVENT_SEND_RELEASED, .conn = b->conn, .cookie = b->cookie};
    block_free_external(&s->blocks, b);
    return 1;
  }
  estab_udp udp = s->udp.ready.count ? udp_ready(&s->udp) : 0;
  if (!udp) return 0;
  *event = (struct estab_event){.events = ESTAB_EVENT_UDP, .udp = udp};
  return 1;
}

int estab_stack_next_event(estab_stack *s, struct estab_event *event)
{
  // Asked until it says no: that answer is half of all, and most of the others are a list of one.
  const uint32_t tagged = s->events.head;
  if (!tagged && !s->blocks.released && !s->udp.ready.count) return 0;
  if (tagged && tagged == s->events.tail) {
    s->events = (struct list){0, 0};
    if (event_of_tagged(s, tagged, event)) return 1;
  }
  return next_event(s, event);
}

// ---- Counters

void estab_stack_info(estab_stack *s, struct estab_stack_info *info)
{
  struct estab_stack_info now = {
      .struct_bytes = size_min(info->struct_bytes, sizeof now), // an older caller knows less of it
      .connections = s->conns.count,
      .half_open = s->halves.count,
      .time_wait = s->waits.count,
      .listeners = s->listeners.count,
      .memory_bytes = s->mem.in_use_bytes,
      .memory_peak_bytes = s->mem.peak_bytes,
      .memory_refusals = s->mem.refused,
      .frames_in = s->frames_in,
      .frames_out = s->frames_out,
      .segments_in = s->segments_in,
      .segments_out = s->segments_out,
      .retransmissions = s->tcp.retransmissions,
      .active_opens = s->active_opens,
      .passive_opens = s->passive_opens,
      .resets_in = s->resets_in,
      .resets_out = s->resets_out + s->tcp.resets,
      .challenge_acks = s->tcp.challenge_acks,
      .fast_opens_active = s->tcp.cookies.texts_taken,
      .fast_opens_passive = s->fast_opens_passive,
      .fast_open_bad_cookies = s->fast_open_bad_cookies,
  };
  for (unsigned i = 0; i < ESTAB_MEM_KINDS; i++)
    now.memory_by_kind_bytes[i] = s->mem.by_kind[i];
  memcpy(info, &now, now.struct_bytes);
}

uint64_t estab_drop_count(estab_stack *s, enum estab_drop drop)
{
  return (unsigned)drop < ESTAB_DROPS ? s->drops[drop] : 0;
}

// Asked by people and tests, not in the motor: this walks.
uint32_t estab_state_count(estab_stack *s, enum estab_state state)
{
  if ((unsigned)state >= ESTAB_STATES) return 0;
  uint32_t n = state == ESTAB_LISTEN ? s->listeners.count : s->state_counts[state];
  for (uint32_t i = 0, left = s->conns.count; left > 0; i++) {
    if (!slab_live(&s->conns, i)) continue;
    left--;
    if (stack_conn(s, i)->state == state) n++;
  }
  return n;
}

void estab_stack_trim(estab_stack *s)
{
  block_pool_trim(&s->blocks);
  work_trim(&s->tcp);
  cookies_destroy(&s->tcp.cookies, &s->mem);
  slab_trim(&s->conns);
  slab_trim(&s->halves);
  slab_trim(&s->waits);
  slab_trim(&s->listeners);
  demux_trim(s);
  udp_trim(&s->udp);
  link_trim(&s->link);
  ip_trim(&s->ip);
  if (s->kept_count == 0) {
    output_destroy(s);
    s->kept = NULL;
    s->kept_info = NULL;
  }
  if (s->reply_count == 0) reply_destroy(s);
  mem_free(&s->mem, s->scratch, SCRATCH_BYTES, ESTAB_MEM_STACK);
  s->scratch = NULL;
}

const char *estab_version(void)
{
  return ESTAB_VERSION;
}
