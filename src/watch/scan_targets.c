// SPDX-License-Identifier: BSD-2-Clause
// scan_targets.c - what a campaign keeps of its targets: addresses, ports, answers, and who probed them first.
#include <string.h>

#include "base/bytes.h"
#include "base/tuple.h"
#include "watch/scan_campaign.h"

#define TARGET_SHARED_MS 1000 // decoys send their probes together

static bool endpoint_before(const struct estab_watch_endpoint *a,
                            const struct estab_watch_endpoint *b)
{
  for (unsigned i = 0; i < 16; i += 8) {
    const uint64_t x = get_be64(a->ip.bytes + i), y = get_be64(b->ip.bytes + i);
    if (x != y) return x < y;
  }
  return a->port < b->port;
}

static void campaign_list_add(struct scan_pool *pool, struct campaign_list *list,
                              const struct campaign_probe *probe)
{
  list->count++;
  if (list->listed == ESTAB_WATCH_LIST_MAX) return;
  if (list->listed == list->room) {
    uint32_t room = list->room ? list->room * 2 : 4;
    void *more =
        scan_pool_resize(pool, list->at, list->room * sizeof *list->at, room * sizeof *list->at);
    if (!more) return;
    list->at = more;
    list->room = room;
  }
  list->at[list->listed++] =
      (struct estab_watch_endpoint){.ip = probe->dst, .port = probe->dst_port};
}

static void campaign_list_remove(struct campaign_list *list, const struct campaign_probe *probe)
{
  if (list->count) list->count--;
  for (uint32_t i = 0; i < list->listed; i++)
    if (list->at[i].port == probe->dst_port && ip_equal(&list->at[i].ip, &probe->dst)) {
      list->at[i] = list->at[--list->listed];
      list->sorted = 0;
      return;
    }
}

// Shell sort: at most 1,024. What the last one has sorted is not looked at again, and often the rest follows in order.
void campaign_list_sort(struct campaign_list *list)
{
  uint32_t in_order = list->sorted ? list->sorted : 1;
  while (in_order < list->listed && endpoint_before(&list->at[in_order - 1], &list->at[in_order]))
    in_order++;
  list->sorted = list->listed;
  if (in_order >= list->listed) return;
  for (uint32_t step = 364; step; step /= 3)
    for (uint32_t i = step; i < list->listed; i++) {
      struct estab_watch_endpoint x = list->at[i];
      uint32_t j = i;
      for (; j >= step && endpoint_before(&x, &list->at[j - step]); j -= step)
        list->at[j] = list->at[j - step];
      list->at[j] = x;
    }
}

// Where an address stands in the sorted list, or would; true: it is there.
static bool campaign_address_place(const struct campaign_addresses *of, const struct estab_ip *ip,
                                   uint32_t *place)
{
  uint32_t low = 0, high = of->listed;
  // Who walks goes on behind the one before.
  if (high && memcmp(of->at[high - 1].bytes, ip->bytes, sizeof ip->bytes) < 0) low = high;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int order = memcmp(of->at[middle].bytes, ip->bytes, sizeof ip->bytes);
    if (order == 0) return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *place = low;
  return false;
}

bool campaign_has_host(const struct campaign *it, const struct estab_ip *ip)
{
  uint32_t place;
  return campaign_address_place(&it->dst, ip, &place);
}

void campaign_address_add_other(struct scan_pool *pool, struct campaign_addresses *to,
                                const struct estab_ip *ip)
{
  to->latest = *ip;
  to->any = true;
  if (!scan_set_add(&to->all, pool, ip)) return;
  if (to->listed == ESTAB_WATCH_ADDRESSES_MAX) return;
  uint32_t low;
  if (campaign_address_place(to, ip, &low)) return;
  if (to->listed == to->room) {
    const uint16_t room = (uint16_t)(to->room ? to->room * 2 : 2);
    void *more = scan_pool_resize(pool, to->at, to->room * sizeof *to->at, room * sizeof *to->at);
    if (!more) return;
    to->at = more;
    to->room = room;
  }
  memmove(&to->at[low + 1], &to->at[low], (to->listed - low) * sizeof *to->at);
  to->at[low] = *ip;
  to->listed++;
}

// The word that holds a port's bit; NULL: none of its page is there.
static uint64_t *campaign_port_word(const struct campaign *it, uint16_t port)
{
  uint64_t *page = it->ports ? it->ports[port / CAMPAIGN_PAGE_PORTS] : NULL;
  return page ? &page[port % CAMPAIGN_PAGE_PORTS >> 6] : NULL;
}

static bool campaign_port_set(struct scan_pool *pool, struct campaign *it, uint16_t port)
{
  if (!it->ports) {
    it->ports = scan_pool_resize(pool, NULL, 0, CAMPAIGN_PAGES * sizeof *it->ports);
    if (!it->ports) return false;
    for (unsigned i = 0; i < CAMPAIGN_PAGES; i++)
      it->ports[i] = NULL;
  }
  uint64_t **page = &it->ports[port / CAMPAIGN_PAGE_PORTS];
  if (!*page) {
    *page = scan_pool_resize(pool, NULL, 0, CAMPAIGN_PAGE_PORTS / 8);
    if (!*page) return false;
    memset(*page, 0, CAMPAIGN_PAGE_PORTS / 8);
  }
  uint64_t *word = campaign_port_word(it, port), bit = UINT64_C(1) << (port & 63);
  bool fresh = !(*word & bit);
  *word |= bit;
  return fresh;
}

void campaign_port_add(struct scan_pool *pool, struct campaign *it, uint16_t port)
{
  if (it->port_count == 0) {
    it->first_port = port;
    it->port_count = 1;
  }
  if (port != it->first_port && campaign_port_set(pool, it, port)) it->port_count++;
}

bool campaign_has_port(const struct campaign *it, uint16_t port)
{
  if (it->port_count && it->first_port == port) return true;
  const uint64_t *word = campaign_port_word(it, port);
  return word && *word >> (port & 63) & 1;
}

uint32_t campaign_ports(const struct campaign *it, uint16_t *list, uint32_t most)
{
  uint32_t n = 0;
  const uint32_t first = it->port_count ? it->first_port / 64 * 64u : 65536;
  for (uint32_t base = 0; base < 65536 && n < most; base += 64) {
    const uint64_t *word = campaign_port_word(it, (uint16_t)base);
    uint64_t bits = word ? *word : 0;
    if (base == first) bits |= UINT64_C(1) << (it->first_port & 63);
    if (!word && base % CAMPAIGN_PAGE_PORTS == 0 &&
        (first < base || first >= base + CAMPAIGN_PAGE_PORTS)) {
      base += CAMPAIGN_PAGE_PORTS - 64; // a page without any
      continue;
    }
    if (base == 0 && it->port_count == 1) bits &= ~UINT64_C(1); // no port
    for (uint32_t port = base; bits && n < most; bits >>= 1, port++)
      if (bits & 1) list[n++] = (uint16_t)port;
  }
  return n;
}

static uint32_t campaign_time_ms(const struct campaign *it, uint64_t ts_ns)
{
  uint64_t ms = ts_ns > it->first_ns ? (ts_ns - it->first_ns) / 1000000 : 0;
  return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

// What an answer is worth against an earlier one: that a port is open stays true.
static unsigned campaign_answer_rank(uint8_t answer)
{
  static const uint8_t rank[ESTAB_WATCH_ANSWERS + 1] = {
      [ESTAB_WATCH_OPEN] = 5,     [ESTAB_WATCH_CLOSED] = 4,           [ESTAB_WATCH_UNFILTERED] = 4,
      [ESTAB_WATCH_FILTERED] = 3, [ESTAB_WATCH_OPEN_OR_FILTERED] = 2, [ESTAB_WATCH_UNKNOWN] = 1,
      [CAMPAIGN_WAITING] = 0,
  };
  return rank[answer];
}

// A target's answer, unless an earlier one is worth more.
static void campaign_target_set(struct scan_pool *pool, struct campaign *it, uint8_t *state,
                                const struct campaign_probe *probe)
{
  const uint8_t before = (uint8_t)((*state & ~BLOCK_SHARED) - 1);
  if (campaign_answer_rank(probe->answer) <= campaign_answer_rank(before)) return;
  if (before != CAMPAIGN_WAITING) campaign_list_remove(&it->answers[before], probe);
  *state = (uint8_t)((*state & BLOCK_SHARED) | (probe->answer + 1u));
  campaign_list_add(pool, &it->answers[probe->answer], probe);
}

// Whether two probes came together, as decoys send them.
static bool campaign_together(uint32_t ms, uint32_t other_ms)
{
  return (ms > other_ms ? ms - other_ms : other_ms - ms) <= TARGET_SHARED_MS;
}

// Each source goes through its targets in an order of its own, and silence follows far behind answers.
static unsigned campaign_walk(uint8_t source, uint8_t answer)
{
  const bool silent = answer == ESTAB_WATCH_FILTERED || answer == ESTAB_WATCH_UNKNOWN ||
                      answer == ESTAB_WATCH_OPEN_OR_FILTERED;
  return source * 2u + silent;
}

static uint8_t campaign_source(struct scan_pool *pool, const struct campaign_probe *probe)
{
  return (uint8_t)(scan_fingerprint(pool, &probe->src, 0) & 0xff);
}

bool campaign_target_note(struct scan_pool *pool, struct campaign *it,
                          const struct campaign_probe *probe)
{
  struct scan_blocks *const targets = &it->targets;
  const uint64_t print = scan_blocks_print(pool, &probe->dst, probe->dst_port);
  const uint8_t source = campaign_source(pool, probe);
  const unsigned walk = campaign_walk(source, probe->answer);
  const bool full = targets->count >= CAMPAIGN_TARGETS;
  const struct scan_place at = full ? scan_blocks_find(targets, pool, print, walk)
                                    : scan_blocks_get(targets, pool, print, walk);
  if (!at.block || (full && !at.block->state[at.nth])) {
    if (probe->answer != CAMPAIGN_WAITING)
      campaign_list_add(pool, &it->answers[probe->answer], probe);
    return false;
  }
  uint8_t *const state = &at.block->state[at.nth];
  const uint32_t ms = campaign_time_ms(it, probe->ts_ns);
  if (!*state) {
    *state = CAMPAIGN_WAITING + 1;
    at.block->time_ms[at.nth] = ms;
    at.block->source[at.nth] = source;
    targets->count++;
  } else if (!(*state & BLOCK_SHARED) && at.block->source[at.nth] != source &&
             campaign_together(ms, at.block->time_ms[at.nth])) {
    *state |= BLOCK_SHARED;
    it->shared++;
  }
  campaign_target_set(pool, it, state, probe);
  return true;
}

void campaign_target_answer(struct scan_pool *pool, struct campaign *it,
                            const struct campaign_probe *probe)
{
  const struct scan_place at =
      scan_blocks_find(&it->targets, pool, scan_blocks_print(pool, &probe->dst, probe->dst_port),
                       campaign_walk(campaign_source(pool, probe), probe->answer));
  if (at.block && at.block->state[at.nth])
    campaign_target_set(pool, it, &at.block->state[at.nth], probe);
  else
    campaign_list_add(pool, &it->answers[probe->answer], probe);
}

bool campaign_has(struct scan_pool *pool, struct campaign *it, const struct estab_ip *ip,
                  uint16_t port, uint64_t ts_ns, bool *close_by)
{
  const struct scan_place at =
      scan_blocks_find(&it->targets, pool, scan_blocks_print(pool, ip, port), 0);
  const bool has = at.block && at.block->state[at.nth];
  *close_by = has && campaign_together(campaign_time_ms(it, ts_ns), at.block->time_ms[at.nth]);
  return has;
}

static void campaign_addresses_free(struct scan_pool *pool, struct campaign_addresses *a)
{
  (void)scan_pool_resize(pool, a->at, a->room * sizeof *a->at, 0);
  scan_set_free(&a->all, pool);
}

void campaign_targets_free(struct scan_pool *pool, struct campaign *it)
{
  scan_blocks_free(&it->targets, pool);
  for (unsigned i = 0; it->ports && i < CAMPAIGN_PAGES; i++)
    (void)scan_pool_resize(pool, it->ports[i], CAMPAIGN_PAGE_PORTS / 8, 0);
  (void)scan_pool_resize(pool, it->ports, CAMPAIGN_PAGES * sizeof *it->ports, 0);
  campaign_addresses_free(pool, &it->src);
  campaign_addresses_free(pool, &it->proven);
  campaign_addresses_free(pool, &it->dst);
  for (int i = 0; i < ESTAB_WATCH_ANSWERS; i++)
    (void)scan_pool_resize(pool, it->answers[i].at, it->answers[i].room * sizeof *it->answers[i].at,
                           0);
}
