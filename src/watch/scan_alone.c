// SPDX-License-Identifier: BSD-2-Clause
// scan_alone.c - probes of which one packet is enough: FIN, NULL, Xmas, SYN+FIN, illegal sets, LAND, nmap -O.
#include "watch/scan_parts.h"

#define ALONE_JOIN_NS                                                                              \
  (60 * SCAN_S) // another source with the same probes to the same host shares the campaign

// A TCP that connects to its own port on the same machine sends such a SYN, over the loopback alone.
static bool scan_alone_excused(const struct campaign_probe *record, const struct probe *probe)
{
  if (probe->technique != PROBE_LAND) return false;
  static const struct estab_ip loop6 = {{[15] = 1}};
  if (estab_ip_is4(&record->dst)) return record->dst.bytes[12] == 127;
  return estab_ip_equal(&record->dst, &loop6);
}

void scan_alone(struct scan *s, const struct observation *o, const struct probe *probe)
{
  struct campaigns *c = &s->campaigns;
  struct campaign_probe record = scan_packet_record(o, probe);
  enum estab_watch_kind kind = probe_kind(probe->technique);
  if (scan_alone_excused(&record, probe)) return;
  // A flood of FINs began as their scan.
  if (probe->technique == PROBE_FIN &&
      campaign_flood(c, &record.dst, record.dst_port, ESTAB_WATCH_KIND_FIN_FLOOD))
    return;
  struct campaign *it = campaign_find(c, CAMPAIGN_BY_SOURCE, &record.src, kind);
  if (!it && kind != ESTAB_WATCH_KIND_LAND && kind != ESTAB_WATCH_KIND_OS_PROBE) {
    it = campaign_find(c, CAMPAIGN_BY_VICTIM, &record.dst, kind);
    if (it && record.ts_ns > it->last_ns + ALONE_JOIN_NS) it = NULL;
    if (it) campaign_join(c, it, &record.src);
  }
  if (!it) {
    it = campaign_start(c, kind, &record.src, &record);
    if (it) it->fingerprint = probe->fingerprint;
  }
  if (!it) return;
  it->mixed |= it->fingerprint != probe->fingerprint;
  campaign_add(c, it, &record);
}

// What came back for such a probe, or that nothing did.
void scan_alone_answer(struct scan *s, const struct observation *o, const struct probe *probe)
{
  enum estab_watch_kind kind = probe_kind(probe->technique);
  uint8_t answer = scan_answer(s, o, probe->technique);
  if (answer == CAMPAIGN_WAITING || kind == ESTAB_WATCH_KIND_LAND) return;
  struct campaign *it = campaign_find(&s->campaigns, CAMPAIGN_BY_SOURCE, &o->orig_ip, kind);
  if (!it) return;
  struct campaign_probe record = scan_probe_record(o, probe, answer);
  campaign_answer(&s->campaigns, it, &record);
}
