// SPDX-License-Identifier: BSD-2-Clause
// scan_inject.c - forged RSTs and forged text: a life that contradicts itself, and a sender unlike its side.
//
// A side that goes on after its RST did not send it, or a middlebox sent both. The contradiction alone is
// not enough (address translators, load balancers and hosts that abort downloads make look-alikes: Weaver,
// Sommer and Paxson, NDSS 2009): the RST's hop count must differ from its side's, or three RSTs must march
// through the window. For text, other octets where there were some, more than one (a keepalive's octet is
// any), and another hop count.
#include "watch/doubt.h"
#include "watch/scan_parts.h"

void scan_inject(struct scan *s, const struct observation *o)
{
  bool rst = o->suspicion == SUSPECT_RST;
  if (!rst && o->suspicion != SUSPECT_OVERLAP) return;
  bool stranger = o->suspect_ttl && o->usual_ttl && o->suspect_ttl != o->usual_ttl;
  if (rst ? !stranger && o->suspect_count < DOUBT_MARCH : !stranger || o->suspect_count < 2) return;
  enum estab_watch_kind kind =
      rst ? ESTAB_WATCH_KIND_RST_INJECTION : ESTAB_WATCH_KIND_OVERLAP_INJECTION;
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
