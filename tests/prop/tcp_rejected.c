// SPDX-License-Identifier: BSD-2-Clause
// tcp_rejected.c - a segment that a step rejects changes nothing, but what the order of judgement lets it change.
#include "support/kit_random.h"

#include "tcp/work.h"

// Judged before its effects: RFC 9293 3.10.7.4, first to fifth, and 3.10.7.3.
static bool rejected_by_a_step(const struct kit *k)
{
  static const enum estab_drop steps[] = {
      ESTAB_DROP_TCP_SYN_SENT_ACK,     ESTAB_DROP_TCP_SYN_SENT_RST,  ESTAB_DROP_TCP_SYN_SENT_NO_SYN,
      ESTAB_DROP_TCP_SEQUENCE,         ESTAB_DROP_TCP_PAWS,          ESTAB_DROP_TCP_NO_TIMESTAMP,
      ESTAB_DROP_TCP_RST_INEXACT,      ESTAB_DROP_TCP_RST_TIME_WAIT, ESTAB_DROP_TCP_SYN_IN_WINDOW,
      ESTAB_DROP_TCP_NO_ACK_BIT,       ESTAB_DROP_TCP_ACK_UNSENT,    ESTAB_DROP_TCP_ACK_TOO_OLD,
      ESTAB_DROP_TCP_ACK_SYN_RECEIVED, ESTAB_DROP_TCP_DUPLICATE,
  };
  for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
    if (k->s->drops[steps[i]]) return true;
  return false;
}

// Makes equal what may differ: counters, the limiter, the reply owed, the delayed ACK, the next DSACK block; and the
// stack's own lists.
static void forgive(struct tcb *after, const struct tcb *before, bool exact_fin)
{
  const uint32_t told = (after->bits & TCB_DSACK) ? TCB_DSACK | TCB_BLOCKS : TCB_DSACK;
  const uint32_t bits = told | TCB_ON_READY | TCB_ON_EVENTS;
  after->bits = (after->bits & ~bits) | (before->bits & bits);
  after->flags = (uint8_t)((after->flags & ~SEG_LIMITED) | (before->flags & SEG_LIMITED));
  after->limiter_ms = before->limiter_ms;
  after->owed = before->owed;
  after->at[TIMER_ACK] = before->at[TIMER_ACK];
  after->dsack_start = before->dsack_start;
  after->dsack_end = before->dsack_end;
  after->segments_received = before->segments_received;
  after->ready = before->ready;
  after->event = before->event;
  after->timer = before->timer;
  if (exact_fin) after->at[TIMER_LIFE] = before->at[TIMER_LIFE];
}

static struct tcb *full(struct kit *k)
{
  uint32_t tagged = demux_find(k->s, &k->tuple);
  return (tagged & TAG_KIND) == TAG_FULL ? stack_conn(k->s, tagged & TAG_INDEX) : NULL;
}

static bool which_octet(const struct kit *k, const struct tcb *a, const struct tcb *b)
{
  const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
  for (size_t i = 0; i < sizeof *a; i++)
    if (x[i] != y[i]) {
      printf("%sa rejected segment changed octet %zu of the TCB in %s\n", k->log, i,
             estab_state_name((enum estab_state)b->state));
      return false;
    }
  return true;
}

// What a TCB points at: the blocks beyond a hole, the sender's work.
struct behind {
  unsigned blocks;
  struct range at[64];
  bool busy;
  struct work work;
};

static struct behind behind_of(const struct tcb *t)
{
  static const struct behind empty;
  struct behind b = empty;
  b.blocks = t->out_of_order.count;
  for (unsigned i = 0; i < b.blocks && i < 64; i++)
    b.at[i] = t->out_of_order.at[i];
  b.busy = t->work != NULL;
  if (b.busy) memcpy(&b.work, t->work, sizeof b.work);
  return b;
}

static bool behind_is_same(const struct kit *k, const struct behind *after,
                           const struct behind *before)
{
  if (after->blocks == before->blocks && after->busy == before->busy &&
      memcmp(after->at, before->at, sizeof after->at) == 0 &&
      memcmp(&after->work, &before->work, sizeof after->work) == 0)
    return true;
  printf("%sa rejected segment changed what the TCB points at\n", k->log);
  return false;
}

// A window that is closed: nothing is read until the buffer is full.
static void fill_window(struct kit *k)
{
  for (unsigned i = 0; i < 400 && kit_seg(k)->rcv.wnd > 0; i++) {
    const struct seg_state *t = kit_seg(k);
    uint32_t n = t->rcv.wnd < 1000 ? t->rcv.wnd : 1000;
    kit_inject(k,
               &(struct kit_in){
                   .flags = ESTAB_TCP_ACK, .seq = t->rcv.nxt, .ack = t->snd.nxt, .text_bytes = n});
    kit_drain(k);
    k->log_bytes = 0;
  }
}

static void small_window(struct estab_settings *settings)
{
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = 5000;
}

static unsigned long rejections,
    record_rejections; // of all runs: a test that never rejects proves nothing

static bool rejected_changes_nothing(struct prop_rng *r)
{
  static struct kit k;
  static const enum kit_place places[] = {
      KIT_SYN_SENT,      KIT_SYN_RECEIVED_ACTIVE, KIT_ESTABLISHED, KIT_FIN_WAIT_1,
      KIT_FIN_WAIT_2,    KIT_CLOSE_WAIT,          KIT_CLOSING,     KIT_LAST_ACK,
      KIT_TIME_WAIT_FULL};
  kit_init(&k, prop_one_in(r, 2), small_window);
  k.no_options = prop_one_in(r, 3);
  kit_make(&k, places[prop_below(r, sizeof places / sizeof *places)]);
  if (k.place == KIT_ESTABLISHED && prop_one_in(r, 2)) fill_window(&k);
  bool ok = true;
  for (unsigned i = 0; ok && i < 30 && full(&k); i++) {
    uint8_t text[1000];
    struct estab_tcp_header h = kit_random_header(r, &k, kit_seg(&k));
    uint32_t n = kit_random_text(r);
    kit_text(&k, h.seq, n, text);
    kit_advance(&k, prop_below(r, 300) * UINT64_C(1000000));
    if (!full(&k)) break;
    struct tcb before = *full(&k);
    const struct behind behind = behind_of(&before);
    kit_clear(&k);
    kit_inject_raw(&k, &h, text, n);
    // [MUST-66]: what comes to a closed window at RCV.NXT may acknowledge and mark
    bool allowed = before.rcv.wnd == 0 && h.seq == before.rcv.nxt;
    if (full(&k) && rejected_by_a_step(&k) && !allowed) {
      struct tcb after = *full(&k);
      bool exact_fin = (h.flags & ESTAB_TCP_FIN) && h.seq + n + 1 == before.rcv.nxt;
      forgive(&after, &before, exact_fin && before.state == ESTAB_TIME_WAIT);
      const struct behind now = behind_of(&after);
      ok = which_octet(&k, &after, &before) && behind_is_same(&k, &now, &behind);
      rejections++;
    }
    kit_drain(&k);
  }
  return kit_end(&k) && ok;
}

// ---- Records: the same, of all their octets

static void forgive_head(struct seg_state *after, const struct seg_state *before)
{
  after->flags = (uint8_t)((after->flags & ~SEG_LIMITED) | (before->flags & SEG_LIMITED));
  after->limiter_ms = before->limiter_ms;
  // A record answers at once, and its answer's window is rounded up to what the field can say.
  uint32_t more = after->rcv.wnd - before->rcv.wnd;
  if (more < 1u << before->rcv_wscale) after->rcv.wnd = before->rcv.wnd;
}

static bool same_octets(const struct kit *k, const void *a, const void *b, size_t n,
                        const char *what)
{
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < n; i++)
    if (x[i] != y[i]) {
      printf("%sa rejected segment changed octet %zu of a %s record\n", k->log, i, what);
      return false;
    }
  return true;
}

static bool half_is_same(const struct kit *k, struct half after, const struct half *before)
{
  forgive_head(&after.seg, &before->seg);
  after.bits = (uint8_t)((after.bits & ~HALF_ON_LIST) | (before->bits & HALF_ON_LIST));
  after.list = before->list;
  return same_octets(k, &after, before, sizeof after, "half-open");
}

static bool wait_is_same(const struct kit *k, struct timewait after, const struct timewait *before,
                         bool exact_fin)
{
  forgive_head(&after.seg, &before->seg);
  if (exact_fin) after.deadline_ms = before->deadline_ms;
  return same_octets(k, &after, before, sizeof after, "TIME-WAIT");
}

static bool rejected_changes_no_record(struct prop_rng *r)
{
  static struct kit k;
  kit_init(&k, prop_one_in(r, 2), NULL);
  k.no_options = prop_one_in(r, 3);
  kit_make(&k, prop_one_in(r, 2) ? KIT_SYN_RECEIVED : KIT_TIME_WAIT);
  bool ok = true;
  for (unsigned i = 0; ok && i < 30; i++) {
    uint32_t tagged = demux_find(k.s, &k.tuple), index = tagged & TAG_INDEX;
    bool half = (tagged & TAG_KIND) == TAG_HALF, waits = (tagged & TAG_KIND) == TAG_THIRD;
    if (!half && !waits) break;
    uint8_t text[1000];
    struct estab_tcp_header h = kit_random_header(r, &k, kit_seg(&k));
    uint32_t n = kit_random_text(r);
    kit_text(&k, h.seq, n, text);
    kit_clear(&k);
    struct half half_before = {0};
    struct timewait wait_before = {0};
    if (half) half_before = *(struct half *)slab_at(&k.s->halves, index);
    if (waits) wait_before = *(struct timewait *)slab_at(&k.s->waits, index);
    kit_inject_raw(&k, &h, text, n);
    if (rejected_by_a_step(&k) && demux_find(k.s, &k.tuple) == tagged) {
      bool exact_fin = (h.flags & ESTAB_TCP_FIN) && h.seq + n + 1 == wait_before.seg.rcv.nxt;
      if (half) ok = half_is_same(&k, *(struct half *)slab_at(&k.s->halves, index), &half_before);
      if (waits)
        ok = wait_is_same(&k, *(struct timewait *)slab_at(&k.s->waits, index), &wait_before,
                          exact_fin);
      record_rejections++;
    }
    kit_drain(&k);
  }
  return kit_end(&k) && ok;
}

// Nothing at all is kept of what CLOSED and LISTEN do not take.
static bool rejected_leaves_no_trace(struct prop_rng *r)
{
  static struct kit k;
  kit_init(&k, prop_one_in(r, 2), NULL);
  kit_make(&k, prop_one_in(r, 2) ? KIT_LISTEN : KIT_CLOSED);
  const struct seg_state nobody = {.rcv = {.nxt = 1000, .wnd = 1000}};
  bool ok = true;
  for (unsigned i = 0; ok && i < 30; i++) {
    uint8_t text[1000];
    struct estab_tcp_header h = kit_random_header(r, &k, &nobody);
    uint32_t n = kit_random_text(r);
    kit_text(&k, h.seq, n, text);
    kit_clear(&k);
    struct estab_stack_info before = {.struct_bytes = sizeof before}, after = before;
    estab_stack_info(k.s, &before);
    kit_inject_raw(&k, &h, text, n);
    kit_drain(&k);
    if (demux_find(k.s, &k.tuple)) break; // a SYN that was taken
    estab_stack_info(k.s, &after);
    struct estab_event e;
    ok =
        after.half_open == 0 && after.connections == 0 && after.time_wait == 0 &&
        estab_stack_next_event(k.s, &e) == 0 &&
        after.memory_by_kind_bytes[ESTAB_MEM_CONN] == before.memory_by_kind_bytes[ESTAB_MEM_CONN] &&
        after.memory_by_kind_bytes[ESTAB_MEM_HALF] == before.memory_by_kind_bytes[ESTAB_MEM_HALF];
    if (!ok) printf("%sa rejected segment left a trace in %s\n", k.log, kit_place_name(k.place));
  }
  return kit_end(&k) && ok;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"rejected", rejected_changes_nothing, 3000},
                                      {"records", rejected_changes_no_record, 2000},
                                      {"no_trace", rejected_leaves_no_trace, 500}};
  int failed = prop_main(argc, argv, props, 3);
  if (argc == 1 && record_rejections < 5000)
    failed = 1, printf("only %lu rejections by records\n", record_rejections);
  if (argc == 1 && rejections < 10000) failed = 1, printf("only %lu rejections\n", rejections);
  return failed;
}
