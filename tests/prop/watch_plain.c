// SPDX-License-Identifier: BSD-2-Clause
// watch_plain.c - the straight way of plain segments (src/watch/plain.h) leaves of a life what the general way leaves.
//
// Two trackers hear the same conversations, whose segments are now and then other than they should be; one of them
// knows no straight way and keeps no refused one in few octets. After each segment their records are equal to the last
// octet, and so are the rows told.
#include "support/prop.h"

#include "proto/seq.h"
#include "watch/flow_table.h"
#include "watch/plain.h"
#include "watch/refused.h"
#include "watch/track_internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define TALKS     3
#define SEGMENTS  300

enum { S = ESTAB_TCP_SYN, A = ESTAB_TCP_ACK, F = ESTAB_TCP_FIN, R = ESTAB_TCP_RST };

struct watcher {
  struct prop_mem door;
  struct mem mem;
  struct estab_watch_stats stats;
  struct track t;
  uint64_t observed; // a sum over all that the detectors would be told
};

struct talk {
  struct estab_ip ip[2]; // client, server
  uint16_t port[2], window[2];
  uint32_t nxt[2], heard[2]; // by side: what it says next; what it has of the other
  uint32_t clock;
  uint8_t wscale[2], ttl[2];
  bool ts, closed[2], refused;
  uint16_t first, answer; // flags
  unsigned said;          // segments of the handshake
};

static uint8_t text[2000];
static unsigned refusals; // seen kept in few octets

// ---------------------------------------------------------------------------------------------
// Conversations

static uint32_t isn(struct prop_rng *r)
{
  static const uint32_t corners[] = {0, 0xffffffff, 0xfffffff0, 0x7ffffff0, 0x80000000};
  return prop_one_in(r, 2) ? corners[prop_below(r, 5)] : (uint32_t)prop_u64(r);
}

static void talk_begin(struct prop_rng *r, struct talk *k, unsigned number, bool probes)
{
  static const uint16_t firsts[] = {S, S, S, 0, F, A, F | A, F | ESTAB_TCP_PSH | ESTAB_TCP_URG};
  static const uint16_t ports[] = {22, 80, 443, 9999};
  *k = (struct talk){
      .first = S, .answer = S | A, .ts = prop_one_in(r, 2), .clock = prop_below(r, 1000)};
  for (unsigned i = 0; i < 2; i++) {
    k->ip[i] = (struct estab_ip){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0}};
    k->ip[i].bytes[15] = (uint8_t)(number * 2 + (prop_one_in(r, 2) ? i : 1 - i) + 1);
    if (number % 2) k->ip[i].bytes[0] = 0x20;
    k->nxt[i] = isn(r);
    k->wscale[i] = prop_one_in(r, 3) ? FLOW_WSCALE_NONE : (uint8_t)prop_below(r, 15);
    k->ttl[i] = (uint8_t)(50 + prop_below(r, 14));
    k->window[i] = (uint16_t)(2000 + prop_below(r, 63000));
  }
  if (probes && prop_one_in(r, 3)) {
    k->first = firsts[prop_below(r, 8)];
    k->answer = prop_one_in(r, 2) ? R | A : R;
    k->ts = prop_one_in(r, 4);
  }
  k->ip[1].bytes[14] = k->ip[0].bytes[15] == k->ip[1].bytes[15];
  k->port[0] = (uint16_t)(40000 + prop_below(r, 4));
  k->port[1] = ports[prop_below(r, 4)];
}

// What may follow where a RST should have been the last word.
static uint16_t talk_after_all(struct prop_rng *r, struct talk *k, unsigned from)
{
  static const uint16_t flags[] = {S, S | A, R, R | A, A, A, F | A, 0};
  const uint16_t what = flags[prop_below(r, 8)];
  k->closed[0] = k->closed[1] = false;
  if ((what & S) && !prop_one_in(r, 3)) k->nxt[from]--; // says it again
  return what;
}

// The next segment as it should be. Answers the side that says it.
static unsigned talk_says(struct prop_rng *r, struct talk *k, struct watch_packet *p)
{
  unsigned from = prop_below(r, 2);
  uint16_t flags = A;
  uint32_t count = prop_one_in(r, 3) ? 0 : prop_one_in(r, 8) ? 1 : prop_below(r, 1460);
  if (k->said < 3) {
    flags = k->said == 0 ? k->first : k->said == 1 ? k->answer : A;
    from = k->said++ == 1;
    count = 0;
  } else if (k->refused)
    flags = talk_after_all(r, k, from);
  else if (k->closed[from])
    count = 0;
  else if (prop_one_in(r, 12))
    flags |= F;
  if (prop_one_in(r, 4) || (flags & (S | F | R)) || k->said == 3)
    k->heard[from] = k->nxt[1 - from]; // else it acknowledges later
  *p = (struct watch_packet){.kind = WATCH_KIND_TCP,
                             .version = 4,
                             .protocol = ESTAB_PROTOCOL_TCP,
                             .ttl = k->ttl[from],
                             .src = k->ip[from],
                             .dst = k->ip[1 - from],
                             .ip_bytes = 40 + count,
                             .payload = text + k->nxt[from] % 256,
                             .payload_bytes = count,
                             .payload_captured_bytes = count};
  p->tcp = (struct estab_tcp_header){.src_port = k->port[from],
                                     .dst_port = k->port[1 - from],
                                     .seq = k->nxt[from],
                                     .ack = flags & A ? k->heard[from] : 0,
                                     .flags = flags,
                                     .window = k->window[from]};
  if (flags & S) {
    p->tcp.options.present = ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_SACK_PERMITTED;
    p->tcp.options.mss = 1460;
    if (k->wscale[from] != FLOW_WSCALE_NONE) p->tcp.options.present |= ESTAB_TCP_OPT_WSCALE;
    p->tcp.options.wscale = k->wscale[from];
  }
  if (k->ts) {
    p->tcp.options.present |= ESTAB_TCP_OPT_TS;
    p->tcp.options.ts_value = k->clock += prop_below(r, 2);
  }
  if (flags & R) {
    if (prop_one_in(r, 2)) p->tcp.seq = flags & A ? 0 : k->heard[from];
    k->closed[0] = k->closed[1] = k->refused = true;
    return from;
  }
  if ((flags & F) && k->said > 2) k->closed[from] = true;
  k->nxt[from] += count + ((flags & (S | F)) != 0);
  return from;
}

static uint32_t near(struct prop_rng *r, uint32_t number)
{
  static const uint32_t steps[] = {1, 2, 1000, 1460, 70000, 1u << 24, (1u << 24) + 1, 1u << 31};
  uint32_t step = steps[prop_below(r, 8)];
  return prop_one_in(r, 2) ? number + step : number - step;
}

// Something about it is other than it should be.
static void talk_mutate(struct prop_rng *r, struct talk *k, unsigned from, struct watch_packet *p)
{
  static const uint16_t flags[] = {0, S, S | A, F, F | A, R, R | A, S | F, A | ESTAB_TCP_URG};
  switch (prop_below(r, 20)) {
  case 0: p->tcp.seq = near(r, p->tcp.seq); break;
  case 1: p->tcp.ack = near(r, p->tcp.ack); break;
  case 2: p->tcp.flags = flags[prop_below(r, 9)]; break;
  case 3: p->tcp.flags |= flags[prop_below(r, 9)]; break;
  case 4: p->tcp.window = (uint16_t)prop_below(r, 3); break;
  case 5: k->window[from] = (uint16_t)prop_below(r, 65536); break;
  case 6: p->ttl = (uint8_t)prop_below(r, 255); break;
  case 7: p->tcp.options.ts_value = near(r, p->tcp.options.ts_value); break;
  case 8: p->tcp.options.present ^= ESTAB_TCP_OPT_TS; break;
  case 9: p->tcp.options.ts_value = UINT32_MAX; break;
  case 10: p->tcp_checksum = (uint8_t)(1 + prop_below(r, 3)); break;
  case 11: p->payload_captured_bytes /= 2; break;
  case 12: p->length_unset = true; break;
  case 13: p->payload = text + 3; break;
  case 14:
    p->tcp.flags |= ESTAB_TCP_URG;
    p->tcp.urgent = (uint16_t)prop_below(r, 4);
    break;
  case 15: k->nxt[from] = p->tcp.seq; break;           // will be said again
  case 16: k->nxt[from] += prop_below(r, 3000); break; // the tap will miss some
  case 17: k->heard[from] = near(r, k->heard[from]); break;
  case 18: k->closed[from] = !k->closed[from]; break;
  case 19: k->said = prop_below(r, 4); break;
  }
}

// ---------------------------------------------------------------------------------------------
// Two trackers

static void watcher_sum(struct watcher *w, const uint64_t *facts, size_t count)
{
  for (size_t i = 0; i < count; i++)
    w->observed = (w->observed ^ facts[i]) * UINT64_C(0x100000001b3);
}

static uint16_t watcher_observe(void *ctx, const struct observation *o)
{
  struct watcher *w = ctx;
  const uint64_t head[] = {o->kind,          o->suspicion, o->side, o->ts_ns,
                           o->packet_number, o->first_ns,  o->used};
  watcher_sum(w, head, sizeof head / sizeof *head);
  if (o->kind == OBSERVE_ESTABLISHED || o->kind == OBSERVE_SERVED || o->kind == OBSERVE_DATA ||
      o->kind == OBSERVE_SEGMENT)
    return 0; // they have no more
  const uint64_t life[] = {o->answer_flags,  o->established,   o->text_bytes[0], o->text_bytes[1],
                           o->segments[0],   o->segments[1],   o->flags[0],      o->flags[1],
                           o->suspect_count, o->suspect_ttl,   o->usual_ttl,     o->midstream,
                           o->reset_by_orig, o->reset_by_resp, o->closed_by_fin, o->held};
  watcher_sum(w, life, sizeof life / sizeof *life);
  return 0;
}

static struct watcher *watcher_new(const struct estab_watch_settings *settings)
{
  struct watcher *w = calloc(1, sizeof *w);
  if (!w) abort();
  mem_init(&w->mem, prop_mem_door(&w->door));
  if (track_init(&w->t, &w->mem, settings, &w->stats) < 0) abort();
  w->t.observe = watcher_observe;
  w->t.observe_ctx = w;
  return w;
}

static bool watcher_free(struct watcher *w)
{
  track_destroy(&w->t);
  bool clean = w->door.live_bytes == 0;
  free(w);
  return clean;
}

static struct flow_head *watcher_hears(struct watcher *w, const struct watch_packet *p, uint64_t ns,
                                       uint64_t number)
{
  track_advance(&w->t, ns);
  track_expect(&w->t, p);
  track_packet(&w->t, p, ns, number, p->ip_bytes + 14);
  uint32_t ref = flow_table_find(&w->t, w->t.expected);
  return ref == FLOW_NONE ? NULL : track_at(&w->t, ref);
}

static bool same_ranges(struct ranges *a, struct ranges *b)
{
  bool same =
      a->count == b->count && (!a->count || memcmp(a->at, b->at, a->count * sizeof *a->at) == 0);
  memset(a, 0, sizeof *a);
  memset(b, 0, sizeof *b);
  return same;
}

static bool same_aside(struct watcher *a, struct watcher *b, struct flow *f, struct flow *g)
{
  struct flow_closing *c = track_has_closing(&a->t, f), *d = track_has_closing(&b->t, g);
  struct flow_trouble *q = track_has_trouble(&a->t, f), *r = track_has_trouble(&b->t, g);
  PROP_CHECK(!c == !d && !q == !r);
  if (c) {
    struct flow_closing own = *c, other = *d;
    PROP_CHECK((own.reset == FLOW_NONE) == (other.reset == FLOW_NONE));
    own.reset = other.reset = FLOW_NONE; // where it lies may differ
    PROP_CHECK(memcmp(&own, &other, sizeof own) == 0);
  }
  if (!q) return true;
  struct flow_trouble x = *q, y = *r;
  for (unsigned i = 0; i < 2; i++) {
    PROP_CHECK(same_ranges(&x.side[i].holes, &y.side[i].holes));
    PROP_CHECK(same_ranges(&x.reach[i].held, &y.reach[i].held));
  }
  PROP_CHECK(memcmp(&x, &y, sizeof x) == 0);
  return true;
}

// What `a` has of a refused one, told to a full record, is what `b` has.
static bool same_refused(struct watcher *a, struct watcher *b, const struct flow_one *one,
                         struct flow_head *g)
{
  refusals++;
  PROP_CHECK(g->bits & FLOW_FULL);
  uint64_t at_ns;
  struct flow *const x = track_whole(&a->t, one), *const y = (struct flow *)g;
  PROP_CHECK(((x->bits ^ y->bits) & ~(uint32_t)(FLOW_GONE | FLOW_CLASS)) == 0);
  PROP_CHECK(flow_class(g) == FLOW_DONE && wheel_has(&y->timer));
  PROP_CHECK(memcmp(&x->life_ns, &y->life_ns, sizeof *x - offsetof(struct flow, life_ns)) == 0);
  PROP_CHECK(refused_first(&a->t, &at_ns) && at_ns <= y->timer.deadline_ns);
  if (a->t.refused[0].list.count + a->t.refused[1].list.count == 1)
    PROP_CHECK(at_ns == y->timer.deadline_ns);
  return same_aside(a, b, x, y);
}

static bool same_record(struct watcher *a, struct watcher *b, struct flow_head *f,
                        struct flow_head *g)
{
  PROP_CHECK(!f == !g);
  if (!f) return true;
  if (flow_is_refused(f)) return same_refused(a, b, (const struct flow_one *)f, g);
  PROP_CHECK(f->bits == g->bits);
  if (!(f->bits & FLOW_FULL)) {
    const struct flow_one *x = (const struct flow_one *)f, *y = (const struct flow_one *)g;
    PROP_CHECK(memcmp(&x->first, &y->first, sizeof x->first) == 0);
    return true;
  }
  struct flow *x = (struct flow *)f, *y = (struct flow *)g;
  PROP_CHECK(memcmp(&x->life_ns, &y->life_ns, sizeof *x - offsetof(struct flow, life_ns)) == 0);
  PROP_CHECK(wheel_has(&x->timer) == wheel_has(&y->timer));
  if (wheel_has(&x->timer)) // it may be early, not later
    PROP_CHECK(x->timer.deadline_ns <= y->timer.deadline_ns ||
               x->timer.deadline_ns <= track_deadline(&a->t, x));
  return same_aside(a, b, x, y);
}

static bool same_row(const struct estab_watch_conn *c, const struct estab_watch_conn *d)
{
  PROP_CHECK(memcmp(&c->uid, &d->uid, sizeof c->uid) == 0 && c->ts_ns == d->ts_ns);
  PROP_CHECK(strcmp(c->history, d->history) == 0 && strcmp(c->conn_state, d->conn_state) == 0);
  PROP_CHECK(c->duration_ns == d->duration_ns && c->final == d->final);
  PROP_CHECK(c->closed_by == d->closed_by && c->opened_by == d->opened_by);
  for (unsigned i = 0; i < 2; i++) {
    const struct estab_watch_side_record *x = &c->side[i], *y = &d->side[i];
    PROP_CHECK(x->bytes == y->bytes && x->pkts == y->pkts && x->state == y->state);
    PROP_CHECK(x->step_count == y->step_count);
    for (uint32_t k = 0; k < x->step_count; k++)
      PROP_CHECK(x->steps[k].ts_ns == y->steps[k].ts_ns && x->steps[k].state == y->steps[k].state);
  }
  return true;
}

static bool same_rows(struct watcher *a, struct watcher *b)
{
  struct estab_watch_conn c, d;
  bool more;
  do {
    more = track_next_row_told(&a->t, &c);
    PROP_CHECK(more == track_next_row_told(&b->t, &d));
    if (more && !same_row(&c, &d)) return false;
  } while (more);
  struct estab_watch_record x, y;
  do {
    more = track_next_note(&a->t, &x);
    PROP_CHECK(more == track_next_note(&b->t, &y));
    if (more)
      PROP_CHECK(x.ambiguity.kind == y.ambiguity.kind && x.ambiguity.ts_ns == y.ambiguity.ts_ns);
  } while (more);
  PROP_CHECK(a->observed == b->observed);
  return true;
}

// An error about a segment of the talk.
static void both_hear_icmp(struct prop_rng *r, const struct talk *k, struct watcher *a,
                           struct watcher *b, uint64_t ns, uint64_t number)
{
  const unsigned from = prop_below(r, 2);
  struct watch_packet p = {.kind = WATCH_KIND_ICMP, .version = 4, .has_quote = true};
  p.src = p.dst = k->ip[from];
  p.quote.src = k->ip[from];
  p.quote.dst = k->ip[1 - from];
  p.quote.src_port = k->port[from];
  p.quote.dst_port = k->port[1 - from];
  p.quote.protocol = ESTAB_PROTOCOL_TCP;
  p.quote.has_ports = true;
  p.icmp.type = 3;
  for (unsigned i = 0; i < 2; i++) {
    struct watcher *const w = i ? b : a;
    track_advance(&w->t, ns);
    track_icmp(&w->t, &p, ns, number);
  }
}

static bool both_hear(struct prop_rng *r, struct watcher *a, struct watcher *b,
                      struct talk talks[TALKS])
{
  uint64_t ns = UINT64_C(1700000000000000000);
  struct watch_packet p, last = {0};
  for (uint64_t number = 1; number <= SEGMENTS; number++) {
    struct talk *k = &talks[prop_below(r, TALKS)];
    if (prop_one_in(r, 150) || (k->refused && prop_one_in(r, 2)))
      talk_begin(r, k, (unsigned)(k - talks), true);
    unsigned from = talk_says(r, k, &p);
    if (prop_one_in(r, 15)) talk_mutate(r, k, from, &p);
    if (prop_one_in(r, 40) && last.payload) p = last;
    last = p;
    ns += prop_one_in(r, 60)  ? prop_below(r, 400) * SECOND_NS
          : prop_one_in(r, 3) ? 0
                              : prop_below(r, 20000000);
    if (prop_one_in(r, 60)) both_hear_icmp(r, k, a, b, ns, number);
    if (prop_one_in(r, 200)) {
      track_loss(&a->t, ns - SECOND_NS, ns);
      track_loss(&b->t, ns - SECOND_NS, ns);
    }
    if (prop_one_in(r, 25)) continue; // lost
    struct flow_head *f = watcher_hears(a, &p, ns, number), *g = watcher_hears(b, &p, ns, number);
    if (!same_record(a, b, f, g) || !same_rows(a, b)) return false;
  }
  track_flush(&a->t);
  track_flush(&b->t);
  if (!same_rows(a, b)) return false;
  PROP_CHECK(a->t.leaving_bytes == 0 && b->t.leaving_bytes == 0);
  return true;
}

static bool plain_is_general(struct prop_rng *r)
{
  struct estab_watch_settings settings;
  struct talk talks[TALKS];
  estab_watch_settings_default(&settings);
  settings.rows = (uint8_t)prop_below(r, 2);
  settings.max_bytes = 4 << 20;
  for (unsigned i = 0; i < TALKS; i++)
    talk_begin(r, &talks[i], i, true);
  struct watcher *a = watcher_new(&settings), *b = watcher_new(&settings);
  PROP_CHECK(a->t.plain);
  b->t.plain = false;
  bool same = both_hear(r, a, b, talks);
  bool clean = watcher_free(a), clean_too = watcher_free(b);
  return same && clean && clean_too;
}

// ---------------------------------------------------------------------------------------------
// The straight way is gone: what is as it should be is plain.

static bool whole_talk_is_plain(struct prop_rng *r)
{
  struct estab_watch_settings settings;
  struct talk k;
  struct watch_packet p;
  uint64_t ns = UINT64_C(1700000000000000000);
  estab_watch_settings_default(&settings);
  settings.max_bytes = 4 << 20;
  talk_begin(r, &k, 0, false);
  struct watcher *w = watcher_new(&settings);
  bool plain = true;
  for (uint64_t number = 1; plain && number < 60; number++) {
    k.heard[0] = k.nxt[1]; // nobody is late
    k.heard[1] = k.nxt[0];
    (void)talk_says(r, &k, &p);
    ns += prop_below(r, 2000000);
    if (number < 3) {
      watcher_hears(w, &p, ns, number);
      continue;
    }
    track_advance(&w->t, ns);
    track_expect(&w->t, &p);
    uint32_t ref = flow_table_find(&w->t, w->t.expected);
    struct segment g;
    w->t.packet = &p;
    track_segment_make(&w->t, &p, ns, number, p.ip_bytes + 14, &g);
    g.end = w->t.expected->src_end;
    struct flow *f = (struct flow *)track_at(&w->t, ref);
    // Not plain: behind the last word, beyond the window, an ACK of 0.
    if (f->side[0].state == ESTAB_CLOSED || f->side[1].state == ESTAB_CLOSED || !g.ack ||
        (g.text_bytes && seq_gt(g.seq + g.text_bytes, f->side[1 - g.end].edge)))
      break;
    plain = plain_segment(&w->t, ref, f, &g);
  }
  PROP_CHECK(plain);
  return watcher_free(w);
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"plain_is_general", plain_is_general, 3000},
                                      {"whole_talk_is_plain", whole_talk_is_plain, 500}};
  for (unsigned i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * 7 >> 3);
  return prop_main(argc, argv, props, 2);
}
