// SPDX-License-Identifier: BSD-2-Clause
// scan_idle.c - the zombie of an idle scan: probed with SYN+ACKs while "its" SYNs go elsewhere.
//
// The scanner reads the zombie's IP identification by SYN+ACKs to one port, which the zombie answers by
// RST, and sends SYNs with the zombie's address meanwhile. Where the tap sees both, the SYN scan has
// another author.
#include "watch/scan_parts.h"
#include "base/bytes.h"

#define IDLE_PROBES    3 // SYN+ACKs that were not asked for, from one address
#define IDLE_WITHIN_NS (120 * SCAN_S)

struct idle_zombie {
  struct scan_node node; // the zombie's address
  struct estab_ip prober;
  uint64_t last_ns;
  uint32_t probes;
};

static struct scan_key idle_key(const struct estab_ip *ip)
{
  return (struct scan_key){{get_be64(ip->bytes), get_be64(ip->bytes + 8), 0}};
}

void scan_idle(struct scan *s, const struct observation *o, const struct probe *probe)
{
  if (probe->technique != PROBE_SYNACK) return;
  struct campaign_probe record = scan_packet_record(o, probe);
  struct scan_key key = idle_key(&record.dst);
  uint32_t index = scan_table_get(&s->zombies, &key);
  if (index == SLAB_NONE) return;
  struct idle_zombie *z = scan_table_at(&s->zombies, index);
  if (z->probes && s->now_ns > z->last_ns + IDLE_WITHIN_NS) z->probes = 0;
  bool same = estab_ip_equal(&z->prober, &record.src);
  // The targets' answers reach the zombie as well; the prober is who keeps coming back.
  if (!same && z->probes >= IDLE_PROBES) return;
  z->probes = same ? z->probes + 1 : 1;
  z->prober = record.src;
  z->last_ns = s->now_ns;
}

bool scan_idle_prober(struct scan *s, const struct estab_ip *zombie, uint64_t since_ns,
                      struct estab_ip *prober)
{
  struct scan_key key = idle_key(zombie);
  uint32_t index = scan_table_find(&s->zombies, &key);
  if (index == SLAB_NONE) return false;
  const struct idle_zombie *z = scan_table_at(&s->zombies, index);
  if (z->probes < IDLE_PROBES || z->last_ns + IDLE_WITHIN_NS < since_ns) return false;
  *prober = z->prober;
  return true;
}

bool scan_zombies_init(struct scan *s, uint32_t max)
{
  return scan_table_init(&s->zombies, s->mem, sizeof(struct idle_zombie), max, s->settings->secret);
}
