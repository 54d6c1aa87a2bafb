// SPDX-License-Identifier: BSD-2-Clause
// scan_hold.c - connections that are opened to be held: without a byte, or with a window of zero.
//
// Held open: one source has many connections without text to one (host, port), and few of them end within a
// minute. Sockets that browsers open ahead of need live for ten seconds. Held at zero: only the side that
// opened a connection counts; a server whose window stays shut hangs, it does not attack. A window that opens, and a
// connection that ends, count no longer.
//
// Of nearly all connections text comes right after the handshake: those that were just opened wait for it before their
// pair gets a record, as long as that can change nothing.
#include "watch/scan_parts.h"
#include "base/bytes.h"
#include "base/tuple.h"

#define HOLD_WATCH_NS   (30 * SCAN_S)
#define HOLD_LEAST_NS   (20 * SCAN_S) // at the end of a capture
#define HOLD_FRESH_OPEN 8             // of one pair, that wait for their text together

struct hold_pair {
  struct scan_node node; // source; fingerprint of (host, port)
  uint64_t due_ns;       // list 1 of the table: those that wait, in this order
  uint64_t first_ns, first_packet;
  struct estab_ip src, dst;
  uint16_t port;
  uint32_t open, ended; // connections without text; of those, ended in this time
  uint32_t zero;        // held at zero
  struct hold_told {
    uint64_t campaign; // number; 0 = none
    uint32_t count;    // connections that it knows of
  } told_open, told_zero;
};

static struct scan_key hold_key(struct scan *s, const struct estab_ip *src,
                                const struct estab_ip *dst, uint16_t port)
{
  return scan_source_key(src, scan_fingerprint(&s->pool, dst, port));
}

static struct hold_pair *hold_find(struct scan *s, const struct observation *o)
{
  if (s->holders.slab.count == 0) return NULL;
  struct scan_key key = hold_key(s, &o->orig_ip, &o->resp_ip, o->resp_port);
  uint32_t index = scan_table_find(&s->holders, &key);
  if (index == SLAB_NONE) return NULL;
  struct hold_pair *pair = scan_table_at(&s->holders, index);
  if (pair->node.list == 0) scan_table_use(&s->holders, index);
  return pair;
}

// Opened by connections of which the first is that of `from`.
static struct hold_pair *hold_get(struct scan *s, const struct scan_fresh *from)
{
  struct scan_key key = hold_key(s, &from->src, &from->dst, from->port);
  if (s->holders.slab.count == 0) s->most_open = 0;
  uint32_t index = scan_table_find(&s->holders, &key);
  if (index == SLAB_NONE) index = scan_table_put(&s->holders, &key);
  if (index == SLAB_NONE) return NULL;
  struct hold_pair *pair = scan_table_at(&s->holders, index);
  if (pair->node.list == 0) scan_table_use(&s->holders, index);
  if (pair->open == 0 && pair->zero == 0) {
    pair->first_ns = from->first_ns;
    pair->first_packet = from->first_packet;
    pair->src = from->src;
    pair->dst = from->dst;
    pair->port = from->port;
  }
  pair->open += from->open;
  if (pair->open > s->most_open) s->most_open = pair->open;
  return pair;
}

static struct scan_fresh hold_begin(const struct observation *o, uint8_t open)
{
  return (struct scan_fresh){.src = o->orig_ip,
                             .dst = o->resp_ip,
                             .port = o->resp_port,
                             .first_ns = o->first_ns,
                             .first_packet = o->first_packet,
                             .open = open};
}

static struct scan_fresh *hold_fresh(struct scan *s, const struct observation *o)
{
  const uint8_t *src = o->orig_ip.bytes + (ip_is_mapped(&o->orig_ip) ? 12 : 4);
  const uint32_t mixed = (get_be32(src) ^ get_be32(o->resp_ip.bytes + 12)) * UINT32_C(0x9e3779b1);
  return &s->fresh[(mixed >> 26 ^ o->resp_port) % SCAN_FRESH];
}

// IPv6: of one /64.
static bool hold_same_source(const struct estab_ip *a, const struct estab_ip *b)
{
  return get_be64(a->bytes) == get_be64(b->bytes) &&
         (!ip_is_mapped(b) || get_be64(a->bytes + 8) == get_be64(b->bytes + 8));
}

static bool hold_fresh_is(const struct scan_fresh *f, const struct observation *o)
{
  return f->open && f->port == o->resp_port && hold_same_source(&f->src, &o->orig_ip) &&
         ip_equal(&f->dst, &o->resp_ip);
}

// Among the pairs with it.
static void hold_settle(struct scan *s, struct scan_fresh *f)
{
  if (f->open) (void)hold_get(s, f);
  f->open = 0;
}

// Whether a connection more can wait for its text: no pair is watched, and none is near what makes it so.
static bool hold_can_wait(const struct scan *s)
{
  return s->holders.listed[1] == 0 &&
         s->most_open + 2 * HOLD_FRESH_OPEN < s->settings->thresholds.exhaustion_open;
}

// So many connections of a pair are held, more or less than it was told of them.
static void hold_name(struct scan *s, const struct hold_pair *pair, enum estab_watch_kind kind,
                      uint32_t count, struct hold_told *told)
{
  struct campaign *it = campaign_find(&s->campaigns, CAMPAIGN_BY_SOURCE, &pair->src, kind);
  struct campaign_probe record = {
      .src = pair->src,
      .dst = pair->dst,
      .dst_port = pair->port,
      .flags = ESTAB_TCP_SYN,
      .answer = CAMPAIGN_WAITING,
      .ts_ns = pair->first_ns,
      .packet = pair->first_packet,
  };
  if (!it) {
    it = campaign_start(&s->campaigns, kind, &pair->src, &record);
    if (!it) return;
    campaign_proven(&s->campaigns, it, &pair->src);
  }
  if (told->campaign != it->node.key.words[0]) {
    *told = (struct hold_told){it->node.key.words[0], 1};
    campaign_add(&s->campaigns, it, &record);
  }
  const uint32_t more = count > told->count ? count - told->count : 0;
  campaign_goes_on(&s->campaigns, it, s->now_ns, more);
  told->count += more;
}

static void hold_opened(struct scan *s, const struct observation *o)
{
  struct scan_fresh *f = hold_fresh(s, o);
  const bool same = hold_fresh_is(f, o);
  if (hold_can_wait(s) && (!same || f->open < HOLD_FRESH_OPEN)) {
    if (!same) hold_settle(s, f);
    if (!same) *f = hold_begin(o, 0);
    f->open++;
    return;
  }
  if (same) hold_settle(s, f);
  const struct scan_fresh one = hold_begin(o, 1);
  struct hold_pair *pair = hold_get(s, &one);
  if (!pair || pair->open < s->settings->thresholds.exhaustion_open || pair->node.list == 1) return;
  pair->due_ns = s->now_ns + HOLD_WATCH_NS;
  pair->ended = 0;
  scan_table_list(&s->holders, scan_table_find(&s->holders, &pair->node.key), 1);
}

// When the next pair has been watched long enough; ESTAB_NEVER.
uint64_t scan_hold_deadline(const struct scan *s)
{
  if (s->holders.listed[1] == 0) return ESTAB_NEVER;
  return ((const struct hold_pair *)scan_table_at(&s->holders, s->holders.oldest[1]))->due_ns;
}

// The one whose time is over by now_ns, or the capture with it.
void scan_hold_due(struct scan *s, uint64_t now_ns, bool last)
{
  uint32_t index = s->holders.oldest[1];
  struct hold_pair *pair = scan_table_at(&s->holders, index);
  bool watched = now_ns + HOLD_WATCH_NS >= pair->due_ns + HOLD_LEAST_NS;
  scan_table_list(&s->holders, index, 0);
  if (!watched || pair->open < s->settings->thresholds.exhaustion_open ||
      (uint64_t)pair->ended * 4 > pair->open)
    return;
  hold_name(s, pair, ESTAB_WATCH_KIND_CONN_EXHAUSTION, pair->open, &pair->told_open);
  if (last) return;
  pair->due_ns = now_ns + HOLD_WATCH_NS; // goes on as long as they are held
  pair->ended = 0;
  scan_table_list(&s->holders, index, 1);
}

// Nothing is held any more: what the pair would say is what a new one says.
static void hold_forget(struct scan *s, const struct hold_pair *pair)
{
  if (pair->open == 0 && pair->zero == 0 && pair->node.list == 0)
    scan_table_remove(&s->holders, scan_table_find(&s->holders, &pair->node.key));
}

static void hold_used(struct scan *s, const struct observation *o)
{
  struct scan_fresh *f = hold_fresh(s, o);
  if (hold_fresh_is(f, o)) {
    f->open--;
    return;
  }
  struct hold_pair *pair = hold_find(s, o);
  if (!pair || pair->open == 0) return;
  pair->open--;
  pair->ended++;
  hold_forget(s, pair);
}

static void hold_zero(struct scan *s, const struct observation *o)
{
  struct scan_fresh *f = hold_fresh(s, o);
  if (hold_fresh_is(f, o)) hold_settle(s, f);
  const struct scan_fresh none = hold_begin(o, 0);
  struct hold_pair *pair = hold_get(s, &none);
  if (!pair || ++pair->zero < s->settings->thresholds.zero_window_open) return;
  hold_name(s, pair, ESTAB_WATCH_KIND_ZERO_WINDOW_HOLD, pair->zero, &pair->told_zero);
}

static void hold_opens(struct scan *s, const struct observation *o)
{
  struct hold_pair *pair = hold_find(s, o);
  if (!pair || pair->zero == 0) return;
  pair->zero--;
  hold_forget(s, pair);
}

void scan_hold(struct scan *s, const struct observation *o)
{
  bool opened_by_syn = (o->first_flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) == ESTAB_TCP_SYN;
  switch ((enum observation_kind)o->kind) {
  case OBSERVE_ESTABLISHED:
    if (opened_by_syn && !o->used) hold_opened(s, o);
    break;
  case OBSERVE_SERVED:
  case OBSERVE_DATA:
    if (opened_by_syn && !o->used) hold_used(s, o);
    break;
  case OBSERVE_CLOSE:
  case OBSERVE_END:
    if (opened_by_syn && o->established && !o->used && scan_over(o)) hold_used(s, o);
    if (o->kind == OBSERVE_END && o->held) hold_opens(s, o);
    break;
  case OBSERVE_SUSPECT:
    if (o->side != ESTAB_WATCH_ORIG) break;
    if (o->suspicion == SUSPECT_ZERO_WINDOW) hold_zero(s, o);
    if (o->suspicion == SUSPECT_WINDOW_OPEN) hold_opens(s, o);
    break;
  case OBSERVE_FIRST:
  case OBSERVE_ANSWER:
  case OBSERVE_SILENCE:
  case OBSERVE_SEGMENT: break;
  }
}

bool scan_holders_init(struct scan *s, uint32_t max)
{
  return scan_table_init(&s->holders, s->mem, sizeof(struct hold_pair), max, s->settings->secret);
}
