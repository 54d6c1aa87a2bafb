// SPDX-License-Identifier: BSD-2-Clause
// scan_source.h - what each source tried without success, for days, in bounded memory.
#ifndef ESTAB_WATCH_SCAN_SOURCE_H
#define ESTAB_WATCH_SCAN_SOURCE_H

#include "watch/scan_probe.h"
#include "watch/scan_set.h"
#include "watch/scan_table.h"

#define SOURCE_TARGETS     64 // distinct ones remembered, the longest untouched forgotten first
#define SOURCE_PORTS       6  // on which it had success
#define SOURCE_WORTH       2  // targets that keep a record when others must go
#define SOURCE_FORGET_NS   (UINT64_C(7) * 86400 * 1000000000)
#define SOURCE_REVISIT_S   10 // an attempt so long after a visit began is another visit, not a retry
#define SOURCE_INSISTS     5  // attempts: nmap makes two, and more only where its probes get lost
#define SOURCE_ADMIT_SLOTS 4u // bits of a cell that say: this source is worth a record

// A contact without success.
struct source_target {
  struct estab_ip src, ip; // src: IPv6 sources are a /64
  uint64_t first_ns, packet;
  uint32_t last_s;  // of the last attempt, seconds since 1970
  uint32_t visit_s; // the last visit began
  uint16_t port, src_port;
  uint16_t flags; // of the first segment
  uint16_t probe; // tag
  uint8_t answer; // enum estab_watch_answer
  uint8_t visits; // at most 255
  uint8_t asked;  // so many attempts, each in another second than the one before; at most 255
  bool told;      // it is in a campaign, or text made it none of a scan's
  bool patient;   // its SYN came three times and more, and no answer
  bool half_open; // open, and its originator did not end the handshake; see below
};

// On a tap that sees one direction no answer is seen, and `answer` is UNKNOWN also of what is open: a RST of the
// originator may be all that shows it.
static inline bool source_target_is_open(const struct source_target *t)
{
  return t->answer == ESTAB_WATCH_OPEN || t->half_open;
}

struct source {
  struct scan_node node; // key: address (IPv6: /64)
  uint64_t last_ns;
  uint64_t ok_bits;                // of the targets it had success with, a bit by fingerprint
  uint64_t live_bits;              // the same of lives that were cut at their start and went on
  uint32_t ok_total;               // targets with text, see source_is_new()
  uint32_t ok_crafted;             // of those that began like a crafted probe
  uint32_t live;                   // targets of lives that were cut at their start and went on
  uint32_t asked;                  // SYNs of others that it was seen to answer
  uint32_t excused;                // attempts that failed for a better reason
  uint16_t ok_ports[SOURCE_PORTS]; // the last ones with success
  uint16_t ok_counts[SOURCE_PORTS];
  uint64_t ok_day;            // counts are halved each day
  int32_t trw_log;            // log2 of the likelihood ratio, in 1/256; see scan_trw.h
  uint64_t trw_hosts;         // local hosts contacted, a bit by fingerprint
  uint16_t count, room, last; // targets; last = the one added or visited last
  struct source_target *targets;
  uint64_t due_ns;                 // waits for a decision until then; 0 = it does not
  uint32_t due_next, due_previous; // in the queue of decisions
};

struct sources {
  uint64_t due_ns; // of due_first, ESTAB_NEVER = nobody waits: each packet asks
  struct scan_pool *pool;
  struct scan_table table;
  uint16_t *admit; // cells of 16 bits, one for each target bit, by fingerprint of the source
  uint32_t admit_cells;
  uint64_t admit_marks; // bits set since the last wipe
  uint32_t due_first, due_last;
};

bool sources_init(struct sources *s, struct scan_pool *pool, uint32_t max, uint32_t cells,
                  const uint8_t secret[16]);
void sources_destroy(struct sources *s);

struct source *source_find(struct sources *s, const struct estab_ip *ip);

// Finds or makes the record of a source that tried (target, port). NULL: not worth one yet, or no memory.
struct source *source_get(struct sources *s, const struct estab_ip *ip,
                          const struct estab_ip *target, uint16_t port);

// Notes a contact; answers it, new (visits 1) or known. NULL: no memory.
struct source_target *source_note(struct sources *s, struct source *it,
                                  const struct source_target *contact);

// Success and failure of long ago weigh less: halved for each day that passed.
void source_today(struct source *it, uint64_t ts_ns);

// A life that was cut at its start, and went on.
void source_lives(struct sources *s, struct source *it, const struct estab_ip *target,
                  uint16_t port, uint64_t ts_ns);

// A life with text.
void source_success(struct sources *s, struct source *it, const struct estab_ip *target,
                    uint16_t port, bool crafted, uint64_t ts_ns);
uint32_t source_successes(const struct source *it); // with distinct targets, nearly
uint32_t source_port_successes(const struct source *it, uint16_t port);

// Puts it into the queue of decisions for due_ns, unless it stands there. Times must not go back.
void source_wait(struct sources *s, struct source *it, uint64_t due_ns);
// The first of the queue; NULL. source_decided() takes it out.
struct source *sources_due(struct sources *s);
void source_decided(struct sources *s, struct source *it);

#endif
