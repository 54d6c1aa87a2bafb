// SPDX-License-Identifier: BSD-2-Clause
// scan_hold.c - connections that are opened to be held: without a byte, or with a window of zero.
//
// Held open: one source has many connections without text to one (host, port), and few of them end within a
// minute. Sockets that browsers open ahead of need live for ten seconds. Held at zero: only the side that
// opened a connection counts; a server whose window stays shut hangs, it does not attack.
#include "watch/scan_parts.h"
#include "base/bytes.h"

#define HOLD_WATCH_NS (30 * SCAN_S)
#define HOLD_LEAST_NS (20 * SCAN_S) // at the end of a capture

struct hold_pair {
  struct scan_node node; // source; fingerprint of (host, port)
  uint64_t due_ns;       // list 1 of the table: those that wait, in this order
  uint64_t first_ns, first_packet;
  struct estab_ip src, dst;
  uint16_t port;
  uint32_t open, ended; // connections without text; of those, ended in this time
  uint32_t zero;        // held at zero
};

static struct hold_pair *hold_pair_of(struct scan *s, const struct observation *o, bool make)
{
  struct scan_key key = {
      {get_be64(o->orig_ip.bytes), get_be64(o->orig_ip.bytes + 8), scan_service(s, o)}};
  uint32_t index = scan_table_find(&s->holders, &key);
  if (index == SLAB_NONE && make) index = scan_table_put(&s->holders, &key);
  if (index == SLAB_NONE) return NULL;
  struct hold_pair *pair = scan_table_at(&s->holders, index);
  if (pair->node.list == 0) scan_table_use(&s->holders, index);
  if (pair->open == 0 && pair->zero == 0) {
    pair->first_ns = o->first_ns;
    pair->first_packet = o->first_packet;
    pair->src = o->orig_ip;
    pair->dst = o->resp_ip;
    pair->port = o->resp_port;
  }
  return pair;
}

static void hold_name(struct scan *s, const struct hold_pair *pair, enum estab_watch_kind kind,
                      uint32_t count)
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
    campaign_add(&s->campaigns, it, &record);
    it->probes = count - 1;
  }
  record.ts_ns = s->now_ns;
  campaign_add(&s->campaigns, it, &record);
}

static void hold_opened(struct scan *s, const struct observation *o)
{
  struct hold_pair *pair = hold_pair_of(s, o, true);
  if (!pair) return;
  pair->open++;
  if (pair->open < s->settings->thresholds.exhaustion_open || pair->node.list == 1) return;
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
  hold_name(s, pair, ESTAB_WATCH_KIND_CONN_EXHAUSTION, pair->open);
  if (last) return;
  pair->due_ns = now_ns + HOLD_WATCH_NS; // goes on as long as they are held
  pair->ended = 0;
  scan_table_list(&s->holders, index, 1);
}

static void hold_used(struct scan *s, const struct observation *o)
{
  struct hold_pair *pair = hold_pair_of(s, o, false);
  if (!pair || pair->open == 0) return;
  pair->open--;
  pair->ended++;
  // Nothing is held any more: what the pair would say is what a new one says.
  if (pair->open == 0 && pair->zero == 0 && pair->node.list == 0)
    scan_table_remove(&s->holders, scan_table_find(&s->holders, &pair->node.key));
}

void scan_hold(struct scan *s, const struct observation *o)
{
  bool opened_by_syn = (o->first_flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) == ESTAB_TCP_SYN;
  switch ((enum observation_kind)o->kind) {
  case OBSERVE_ESTABLISHED:
    if (opened_by_syn) hold_opened(s, o);
    break;
  case OBSERVE_DATA:
    if (opened_by_syn && o->established) hold_used(s, o);
    break;
  case OBSERVE_CLOSE:
  case OBSERVE_END:
    if (opened_by_syn && o->established && !o->text_bytes[ESTAB_WATCH_ORIG] && scan_over(o))
      hold_used(s, o);
    break;
  case OBSERVE_SUSPECT:
    if (o->suspicion == SUSPECT_ZERO_WINDOW && o->side == ESTAB_WATCH_ORIG) {
      struct hold_pair *pair = hold_pair_of(s, o, true);
      if (pair && ++pair->zero >= s->settings->thresholds.zero_window_open)
        hold_name(s, pair, ESTAB_WATCH_KIND_ZERO_WINDOW_HOLD, pair->zero);
    }
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
