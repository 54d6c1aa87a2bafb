// SPDX-License-Identifier: BSD-2-Clause
// scan_campaign.h - campaigns: everything one source set does of one kind, from its first probe to its end.
#ifndef ESTAB_WATCH_SCAN_CAMPAIGN_H
#define ESTAB_WATCH_SCAN_CAMPAIGN_H

#include "estab/watch.h"
#include "watch/scan_blocks.h"
#include "watch/scan_set.h"
#include "watch/scan_table.h"

#define CAMPAIGN_GAPS       15                  // the last ones, of which the median is taken
#define CAMPAIGN_WAITING    ESTAB_WATCH_ANSWERS // probed, not answered yet
#define CAMPAIGN_PAGES      64
#define CAMPAIGN_PAGE_PORTS 1024
#define CAMPAIGN_TARGETS    98304 // targets told apart; what comes beyond is only counted

// One probe, as far as an alert tells of it.
struct campaign_probe {
  struct estab_ip src, dst;
  uint16_t src_port, dst_port;
  uint16_t flags;
  uint8_t answer;    // enum estab_watch_answer or CAMPAIGN_WAITING
  uint8_t modifiers; // enum estab_watch_modifier
  uint64_t ts_ns, packet;
};

struct campaign_list {
  struct estab_watch_endpoint *at;
  uint32_t listed, room;
  uint32_t sorted; // of the first of them
  uint64_t count;
};

struct campaign_addresses {
  struct estab_ip latest; // the one added last, once there is any
  bool any;
  uint16_t listed, room;
  struct estab_ip *at; // sorted, at most ESTAB_WATCH_ADDRESSES_MAX
  struct scan_set all;
};

// What each probe asks for comes first, a few cache lines of it.
struct campaign {
  struct scan_node node; // key: its number
  uint32_t index;        // in the table
  uint32_t port_count;
  uint16_t first_port;
  uint8_t kind, modifiers, role;
  uint8_t fingerprint; // of its probes: see struct probe
  bool ended;
  bool mixed;          // probes of another make came as well
  bool spoofed;        // floods: when it was named, its sources were as many as forged ones are
  bool crafted;        // its SYNs are, which their fingerprints need not be equal for
  bool block;          // connect scan: of hosts and ports, none of which is most of it
  bool gathered;       // its sources are a scan together, each alone is none
  bool waits;          // stands in the queue of what is to be told
  bool trw;            // the random walk says scanner as well
  uint8_t window_seen; // ACK probes: an RST with a window came back

  uint64_t first_ns, last_ns, probes, told_probes;
  uint64_t heard_ns;      // when the last one was told, which is later than it was sent
  uint64_t evidence_last; // the greatest number of a packet of them
  uint32_t evidence_count, gap_count;
  uint32_t source_count;         // that joined; IPv6: of /64
  uint32_t shared;               // targets with the mark
  uint32_t half_open, connected; // open ports of a kernel's SYNs, by what was done there
  uint64_t **ports;              // pages of a bit each, beyond first_port; NULL while there is one

  struct scan_blocks targets;
  struct estab_ip victim; // the target of its first probe
  struct estab_ip other;  // idle scan: who probed the zombie
  struct campaign_addresses src, dst;
  struct campaign_list answers[ESTAB_WATCH_ANSWERS];
  uint64_t gaps[CAMPAIGN_GAPS];

  uint64_t first_packet, detail;
  uint32_t before, before_sources; // floods: segments until it was named, and their sources, nearly
  struct campaign_addresses proven;
  struct estab_watch_uid id;
  struct campaign_probe evidence[ESTAB_WATCH_EVIDENCE_MAX];
};

#define CAMPAIGN_FINDS 32

// What campaign_find() found: who is asked for comes mostly again soon.
struct campaign_finding {
  struct estab_ip ip;
  uint32_t what;    // link, kind, and port of a flood
  uint32_t link;    // its place in `links`
  uint64_t changes; // as many as there were
  struct campaign *it;
};

struct campaigns {
  struct scan_pool *pool;
  uint64_t now_ns;
  uint64_t next_end_ns; // no campaign ends before; ESTAB_NEVER
  uint64_t changes;     // of who belongs to which open campaign, from 1
  uint64_t idle_ns;
  uint32_t idle_gaps;
  uint32_t open, max; // campaigns that have not ended; at most so many
  uint32_t queue_head, queue_count, queue_room;
  uint32_t *queue; // indices of campaigns to be told, a ring
  uint32_t open_of[ESTAB_WATCH_KINDS];
  struct scan_table table; // of struct campaign
  struct scan_table
      links; // (address, kind, as source or victim, port of a flood) -> campaign number
  uint64_t numbered, told; // campaigns so far, and those that somebody was told of
  struct campaign_finding found[CAMPAIGN_FINDS];
};

enum campaign_link { CAMPAIGN_BY_SOURCE, CAMPAIGN_BY_VICTIM };

bool campaigns_init(struct campaigns *c, struct scan_pool *pool, uint32_t max,
                    const struct estab_watch_settings *settings);
void campaigns_destroy(struct campaigns *c);

static inline bool campaign_is_flood(unsigned kind)
{
  return kind >= ESTAB_WATCH_KIND_SYN_FLOOD && kind <= ESTAB_WATCH_KIND_FIN_FLOOD;
}

// The open campaign of a kind that an address has a part in; NULL. Port: of a flood's victim, else 0.
struct campaign *campaign_find_open(struct campaigns *c, enum campaign_link link,
                                    const struct estab_ip *ip, uint16_t port,
                                    enum estab_watch_kind kind);

static inline struct campaign *campaign_find(struct campaigns *c, enum campaign_link link,
                                             const struct estab_ip *ip, enum estab_watch_kind kind)
{
  return c->open_of[kind] ? campaign_find_open(c, link, ip, 0, kind) : NULL; // mostly there is none
}

// The flood of a kind that goes on at a port; NULL.
static inline struct campaign *campaign_flood(struct campaigns *c, const struct estab_ip *victim,
                                              uint16_t port, enum estab_watch_kind kind)
{
  if (!c->open_of[kind]) return NULL;
  return campaign_find_open(c, CAMPAIGN_BY_VICTIM, victim, port, kind);
}

// A new campaign that began with a probe. NULL: no memory. If there are too many, the one that was quiet
// longest ends.
struct campaign *campaign_start(struct campaigns *c, enum estab_watch_kind kind,
                                const struct estab_ip *source, const struct campaign_probe *first);

// One more source of it: its probes find it from now on.
void campaign_join(struct campaigns *c, struct campaign *it, const struct estab_ip *source);

// It is of another kind than it seemed; its id stays. Source: whose probes find it; NULL: nobody's.
void campaign_rename(struct campaigns *c, struct campaign *it, enum estab_watch_kind kind,
                     const struct estab_ip *source);

// One more probe, answered or CAMPAIGN_WAITING.
void campaign_add(struct campaigns *c, struct campaign *it, const struct campaign_probe *probe);

// An answer to a probe that was added before; not counted as a probe.
void campaign_answer(struct campaigns *c, struct campaign *it, const struct campaign_probe *probe);

void campaign_proven(struct campaigns *c, struct campaign *it, const struct estab_ip *src);

// Probes that are only counted (floods).
void campaign_count(struct campaigns *c, struct campaign *it, const struct estab_ip *src,
                    uint64_t ts_ns);

// It goes on without a packet of its own, and amounts to so many probes more.
void campaign_goes_on(struct campaigns *c, struct campaign *it, uint64_t ts_ns, uint32_t more);

// Whether a target was probed by it within `within_ms` of ts_ns; and whether at all.
bool campaign_has(struct scan_pool *pool, struct campaign *it, const struct estab_ip *ip,
                  uint16_t port, uint64_t ts_ns, bool *close_by);

// Of the hosts that it lists.
bool campaign_has_host(const struct campaign *it, const struct estab_ip *ip);
bool campaign_has_port(const struct campaign *it, uint16_t port);
// Its ports in order, at most so many of them; answers how many.
uint32_t campaign_ports(const struct campaign *it, uint16_t *list, uint32_t most);

// Asks for it to be told (again).
void campaign_tell(struct campaigns *c, struct campaign *it);

// Ends those whose time is up, in the order of their deadlines.
void campaigns_advance(struct campaigns *c, uint64_t now_ns);
void campaigns_flush(struct campaigns *c);

// The next campaign to be told; NULL. campaign_told() when it has been: an ended one is gone then.
struct campaign *campaigns_next(struct campaigns *c);
void campaign_told(struct campaigns *c, struct campaign *it);

// Targets and addresses, see scan_targets.c. false: no memory, only counted.
bool campaign_target_note(struct scan_pool *pool, struct campaign *it,
                          const struct campaign_probe *probe);
void campaign_target_answer(struct scan_pool *pool, struct campaign *it,
                            const struct campaign_probe *probe);
void campaign_address_add_other(struct scan_pool *pool, struct campaign_addresses *to,
                                const struct estab_ip *ip);

static inline void campaign_address_add(struct scan_pool *pool, struct campaign_addresses *to,
                                        const struct estab_ip *ip)
{
  if (to->any && ip_equal(&to->latest, ip)) return; // mostly the same again
  campaign_address_add_other(pool, to, ip);
}
void campaign_port_add(struct scan_pool *pool, struct campaign *it, uint16_t port);
void campaign_targets_free(struct scan_pool *pool, struct campaign *it);
void campaign_list_sort(struct campaign_list *list);

uint64_t campaign_median_gap(const struct campaign *it);
enum estab_watch_geometry campaign_geometry(const struct campaign *it);

// IPv6: the /64; else the address itself.
struct estab_ip campaign_source_of(const struct estab_ip *ip);

#endif
