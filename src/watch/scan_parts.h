// SPDX-License-Identifier: BSD-2-Clause
// scan_parts.h - what the detectors share. Theory of operation: docs/watch.md, "How scans are named".
#ifndef ESTAB_WATCH_SCAN_PARTS_H
#define ESTAB_WATCH_SCAN_PARTS_H

#include "base/tuple.h"
#include "watch/scan.h"
#include "watch/scan_campaign.h"
#include "watch/scan_probe.h"
#include "watch/scan_onsets.h"
#include "watch/scan_source.h"

#define SCAN_EXPLANATION_BYTES 2048
#define SCAN_TWINS             4096 // see scan_twin.c
#define SCAN_S                 UINT64_C(1000000000)
#define SCAN_FORGED_EACH       8 // addresses with fewer segments each are out of thin air

// What the tap shows: whether silence means anything.
struct scan_tap {
  uint64_t both;  // lives of which both directions were seen
  uint64_t alone; // lives that went on although nothing came back: the tap sees one direction
};

#define SCAN_FRESH 64

// Connections of one pair that were just opened: mostly their text comes at once, and nothing need be kept. See
// scan_hold.c.
struct scan_fresh {
  struct estab_ip src, dst;
  uint64_t first_ns, first_packet;
  uint16_t port;
  uint8_t open; // 0 = free
};

// Where the last attempt or success of a family was noted: see scan_twin.c. The next one is often of the same time.
struct scan_twin {
  uint64_t slot;
  uint32_t cell, stamp; // stamp 0: none yet
  uint16_t port;
};

#define SCAN_OPENINGS 32

// Openings of protocols by what they begin with: places in the list of scan_version.c, its length = none.
struct scan_openings {
  uint8_t by_octet[256], behind; // the first of those that begin with an octet, or behind others
  uint8_t next[SCAN_OPENINGS];   // of the same
};

struct scan {
  // What each observation asks for.
  uint64_t now_ns;
  uint64_t due_ns;   // nobody waits for a sooner time
  uint64_t begin_ns; // of the capture
  const struct estab_watch_settings *settings;
  struct scan_tap tap;
  struct scan_table holders; // exhaustion and held windows: struct hold_pair
  struct sources sources;
  struct campaigns campaigns;
  struct scan_table victims; // floods, later than `onsets`: struct flood_victim
  struct scan_onsets onsets; // floods: victims in their first second
  struct scan_twin last_twins[4];
  struct scan_seen services; // (host, port) that once answered with a life that carried text

  struct scan_pool pool;
  struct scan_fresh fresh[SCAN_FRESH];
  uint32_t most_open;         // no pair in `holders` has more
  struct scan_table versions; // struct version_pair
  struct scan_openings openings;
  struct scan_table zombies; // struct idle_zombie
  struct scan_table gathers; // struct gather_victim
  uint32_t *twins;
  struct mem *mem;
  struct campaign *telling; // the one whose alert is out
  struct estab_watch_evidence evidence[ESTAB_WATCH_EVIDENCE_MAX];
  uint16_t ports[ESTAB_WATCH_LIST_MAX];
  char explanation[SCAN_EXPLANATION_BYTES];
};

// Silence where both directions are seen was made by a filter; on a tap that sees one it says nothing.
static inline bool scan_tap_one_way(const struct scan *s)
{
  return s->tap.both == 0 || s->tap.alone * 8 > s->tap.both;
}

// Of what a source does; IPv6: of its /64.
static inline struct scan_key scan_source_key(const struct estab_ip *ip, uint64_t what)
{
  return (struct scan_key){
      {get_be64(ip->bytes), ip_is_mapped(ip) ? get_be64(ip->bytes + 8) : 0, what}};
}

// Of a (host, port).
static inline uint64_t scan_service(struct scan *s, const struct observation *o)
{
  return scan_fingerprint(&s->pool, &o->resp_ip, o->resp_port);
}

// A life closes, or ends without having been closed.
static inline bool scan_over(const struct observation *o)
{
  return o->kind == OBSERVE_CLOSE ||
         (o->kind == OBSERVE_END && !o->reset_by_orig && !o->reset_by_resp && !o->closed_by_fin);
}

// The probe an observation speaks of, for a campaign. The sender is the life's originator.
struct campaign_probe scan_probe_record(const struct observation *o, const struct probe *probe,
                                        uint8_t answer);
// Of the observed packet itself, whoever sent it.
struct campaign_probe scan_packet_record(const struct observation *o, const struct probe *probe);

// What an ANSWER, SILENCE or END says of a probed port; CAMPAIGN_WAITING: nothing yet.
uint8_t scan_answer(const struct scan *s, const struct observation *o, uint8_t technique);

// An ICMP error that says there is no way there, rather than that somebody forbids it.
bool scan_icmp_no_route(const struct observation *o);

// A server's port towards one that clients get: the answering direction of a conversation.
bool scan_faces_client(uint16_t src_port, uint16_t dst_port);

// One /24, in IPv6 one /64.
static inline bool scan_same_net(const struct estab_ip *a, const struct estab_ip *b)
{
  return ip_prefix_match(a, b, ip_is_mapped(a) ? 96 + 24 : 64);
}

// The finished alert of a campaign.
void scan_alert(struct scan *s, struct campaign *it, struct estab_watch_alert *alert);
void scan_explain(struct scan *s, const struct campaign *it, struct estab_watch_alert *alert);
void scan_summary(const struct campaign *it, struct estab_watch_alert *alert);

// What an observation says of a contact. half_open: a handshake was not ended, of a port that answered, or where no tap
// saw the answer.
struct contact {
  bool counts; // against its source
  bool open;   // its port answered
  bool half_open;
  bool alive;   // no probe: a life
  bool patient; // asked as often as a kernel does, and met silence
};
struct contact scan_counts(struct scan *s, const struct observation *o, const struct probe *probe);

// Detectors. Each takes the observations it understands.
void scan_alone(struct scan *s, const struct observation *o, const struct probe *probe);
void scan_alone_answer(struct scan *s, const struct observation *o, const struct probe *probe);
void scan_contact(struct scan *s, const struct observation *o, const struct probe *probe);
void scan_contact_opened(struct scan *s, const struct observation *o, const struct probe *probe);
void scan_contact_text(struct scan *s, const struct observation *o, const struct probe *probe);
void scan_judge(struct scan *s, struct source *source);  // a contact was noted: source->last
void scan_decide(struct scan *s, struct source *source); // its wait is over
// A contact that lost a race of address families since it was noted is excused.
void scan_judge_race(struct scan *s, struct source *source, uint16_t index);
void scan_flood(struct scan *s, const struct observation *o, const struct probe *probe);
bool scan_flooded(struct scan *s,
                  const struct observation *o); // a SYN flood on this target is going on
void scan_hold(struct scan *s, const struct observation *o);
uint64_t scan_hold_deadline(const struct scan *s);
void scan_hold_due(struct scan *s, uint64_t now_ns, bool last);
void scan_version(struct scan *s, const struct observation *o);
void scan_idle(struct scan *s, const struct observation *o, const struct probe *probe);
bool scan_idle_prober(struct scan *s, const struct estab_ip *zombie, uint64_t since_ns,
                      struct estab_ip *prober);
void scan_inject(struct scan *s, const struct observation *o);
// Contacts that count, of sources that are in no campaign. takes: it belongs to a shared scan that goes on.
bool scan_gather_takes(struct scan *s, const struct observation *o, const struct probe *probe,
                       const struct campaign_probe *record);
void scan_gather(struct scan *s, const struct observation *o, const struct probe *probe,
                 const struct campaign_probe *record);
void scan_trw_contact(struct scan *s, struct source *source, const struct observation *o,
                      bool failed);
bool scan_trw_scanner(const struct source *source);
void scan_twin_note(struct scan *s, const struct observation *o);
bool scan_twin_won(const struct scan *s, const struct observation *o);
bool scan_twin_won_by(const struct scan *s, const struct estab_ip *ip, uint16_t port,
                      uint64_t first_ns);

// The tables of detectors; false: no memory.
bool scan_floods_init(struct scan *s, uint32_t max);
bool scan_holders_init(struct scan *s, uint32_t max);
bool scan_versions_init(struct scan *s, uint32_t max);
bool scan_zombies_init(struct scan *s, uint32_t max);
bool scan_gathers_init(struct scan *s, uint32_t max);

#endif
