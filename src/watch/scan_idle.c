// SPDX-License-Identifier: BSD-2-Clause
// scan_idle.c - the zombie of an idle scan: probed with SYN+ACKs while "its" SYNs go elsewhere.
//
// The scanner reads the zombie's IP identification by SYN+ACKs to one port, which the zombie answers by
// RST, and sends SYNs with the zombie's address meanwhile. Where the tap sees both, the SYN scan has
// another author. Whoever gets no RST reads nothing; and the targets of a SYN scan answer it, also those whose
// SYNs came before the capture.
#include "watch/scan_parts.h"
#include "base/bytes.h"

#define IDLE_PROBES    3 // SYN+ACKs that were not asked for, from one address, answered by RST
#define IDLE_WITHIN_NS (120 * SCAN_S) // of each other
#define IDLE_BEFORE_NS (10 * SCAN_S)  // the scan begins so soon behind them

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

// A SYN+ACK was answered by RST, or comes again to where one was.
void scan_idle(struct scan *s, const struct observation *o, const struct probe *probe)
{
  const bool again = o->kind == OBSERVE_SEGMENT && o->side == ESTAB_WATCH_ORIG;
  if (probe->technique != PROBE_SYNACK || !(again || o->kind == OBSERVE_ANSWER) ||
      !(o->answer_flags & ESTAB_TCP_RST))
    return;
  struct scan_key key = idle_key(&o->resp_ip);
  uint32_t index = scan_table_get(&s->zombies, &key);
  if (index == SLAB_NONE) return;
  struct idle_zombie *z = scan_table_at(&s->zombies, index);
  if (z->probes && s->now_ns > z->last_ns + IDLE_WITHIN_NS) z->probes = 0;
  bool same = estab_ip_equal(&z->prober, &o->orig_ip);
  // The targets' answers reach the zombie as well; the prober is who keeps coming back.
  if (!same && z->probes >= IDLE_PROBES) return;
  z->probes = same ? z->probes + 1 : 1;
  z->prober = o->orig_ip;
  z->last_ns = s->now_ns;
}

static bool idle_is_target(struct scan *s, const struct estab_ip *zombie,
                           const struct estab_ip *prober)
{
  const struct source *it = source_find(&s->sources, zombie);
  for (uint16_t i = 0; it && i < it->count; i++)
    if (ip_equal(&it->targets[i].ip, prober)) return true;
  return false;
}

bool scan_idle_prober(struct scan *s, const struct estab_ip *zombie, uint64_t since_ns,
                      struct estab_ip *prober)
{
  struct scan_key key = idle_key(zombie);
  uint32_t index = scan_table_find(&s->zombies, &key);
  if (index == SLAB_NONE) return false;
  const struct idle_zombie *z = scan_table_at(&s->zombies, index);
  if (z->probes < IDLE_PROBES || z->last_ns + IDLE_BEFORE_NS < since_ns ||
      idle_is_target(s, zombie, &z->prober))
    return false;
  *prober = z->prober;
  return true;
}

bool scan_zombies_init(struct scan *s, uint32_t max)
{
  return scan_table_init(&s->zombies, s->mem, sizeof(struct idle_zombie), max, s->settings->secret);
}
