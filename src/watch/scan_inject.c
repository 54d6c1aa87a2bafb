// SPDX-License-Identifier: BSD-2-Clause
// scan_inject.c - forged RSTs and forged text: a life that contradicts itself, and a sender unlike its side.
//
// A side that goes on after its RST did not send it, or a middlebox sent both. The contradiction alone is not enough
// (address translators, load balancers and hosts that abort downloads make look-alikes: Weaver, Sommer and Paxson,
// NDSS 2009): the RST's hop count must differ from its side's, or three RSTs must march through the window, or one must
// lie where the side had sent nothing yet, and its text arrive past that. Where nothing goes on, RSTs of both sides
// must come over hop counts that are neither's. For text, other octets where there were some, more than one (a
// keepalive's octet is any), and another hop count.
#include "watch/doubt.h"
#include "watch/scan_parts.h"

static bool inject_is_clear(const struct observation *o)
{
  const bool stranger = o->suspect_ttl && o->usual_ttl && o->suspect_ttl != o->usual_ttl;
  switch (o->suspicion) {
  case SUSPECT_RST: return stranger || o->suspect_count >= DOUBT_MARCH;
  case SUSPECT_RST_PASSED: return true;
  case SUSPECT_OVERLAP: return stranger && o->suspect_count >= 2;
  default: return false;
  }
}

void scan_inject(struct scan *s, const struct observation *o)
{
  if (!inject_is_clear(o)) return;
  enum estab_watch_kind kind = o->suspicion == SUSPECT_OVERLAP ? ESTAB_WATCH_KIND_OVERLAP_INJECTION
                                                               : ESTAB_WATCH_KIND_RST_INJECTION;
  static const struct probe none = {.technique = PROBE_NONE};
  struct campaign_probe record = scan_packet_record(o, &none);
  // In whose name it was done, and to whom. The author is not on the wire.
  struct campaign *it = campaign_find(&s->campaigns, CAMPAIGN_BY_SOURCE, &record.src, kind);
  if (!it) {
    it = campaign_start(&s->campaigns, kind, &record.src, &record);
    if (it) it->role = ESTAB_WATCH_ROLE_VICTIM;
  }
  if (!it) return;
  it->modifiers |= ESTAB_WATCH_SPOOFED;
  it->detail = (uint64_t)o->usual_ttl << 8 | o->suspect_ttl;
  campaign_add(&s->campaigns, it, &record);
}
