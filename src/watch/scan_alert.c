// SPDX-License-Identifier: BSD-2-Clause
// scan_alert.c - a campaign as the alert that callers see.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "watch/scan_parts.h"

#define ALERT_SOURCES_LEAST 256 // segments of a flood whose sources are kept

static const char *alert_answer(uint8_t answer)
{
  static const char *const words[ESTAB_WATCH_ANSWERS + 1] = {
      [ESTAB_WATCH_OPEN] = "open",
      [ESTAB_WATCH_CLOSED] = "closed",
      [ESTAB_WATCH_FILTERED] = "filtered",
      [ESTAB_WATCH_OPEN_OR_FILTERED] = "no answer: open or filtered",
      [ESTAB_WATCH_UNFILTERED] = "RST: unfiltered",
      [ESTAB_WATCH_UNKNOWN] = "no answer seen",
      [CAMPAIGN_WAITING] = "",
  };
  return words[answer];
}

static void alert_endpoint(struct fmt *f, const struct estab_ip *ip, uint16_t port)
{
  bool six = !estab_ip_is4(ip);
  if (six) fmt_char(f, '[');
  fmt_ip(f, ip);
  if (six) fmt_char(f, ']');
  if (port == 0) return;
  fmt_char(f, ':');
  fmt_u64(f, port);
}

static void alert_evidence(struct scan *s, const struct campaign *it)
{
  for (uint32_t i = 0; i < it->evidence_count; i++) {
    const struct campaign_probe *p = &it->evidence[i];
    struct estab_watch_evidence *e = &s->evidence[i];
    struct fmt f;
    char flags[16];
    e->packet = p->packet;
    e->ts_ns = p->ts_ns;
    fmt_init(&f, e->line, sizeof e->line);
    alert_endpoint(&f, &p->src, p->src_port);
    fmt_str(&f, " > ");
    alert_endpoint(&f, &p->dst, p->dst_port);
    fmt_char(&f, ' ');
    estab_flags_format(p->flags, flags, sizeof flags);
    fmt_str(&f, flags);
    if (p->answer == CAMPAIGN_WAITING) continue;
    fmt_str(&f, ", ");
    fmt_str(&f, alert_answer(p->answer));
  }
}

// Where memory was refused, at least whom the first probe names.
static void alert_addresses(const struct campaign_addresses *from, const struct estab_ip *first,
                            const struct estab_ip **list, uint32_t *listed, uint64_t *count)
{
  *list = from->listed ? from->at : first;
  *listed = from->listed ? from->listed : 1;
  *count = scan_set_count(&from->all);
  if (*count < *listed) *count = *listed;
}

// Percent. One packet that nobody sends by accident is worth more than many that somebody might.
static uint8_t alert_confidence(const struct campaign *it)
{
  switch ((enum estab_watch_kind)it->kind) {
  case ESTAB_WATCH_KIND_NULL_SCAN:
  case ESTAB_WATCH_KIND_XMAS_SCAN:
  case ESTAB_WATCH_KIND_SYNFIN_SCAN:
  case ESTAB_WATCH_KIND_OS_PROBE:
  case ESTAB_WATCH_KIND_LAND: return 99;
  case ESTAB_WATCH_KIND_FIN_SCAN:
  case ESTAB_WATCH_KIND_BOGUS_FLAGS: return it->probes > 1 ? 98 : 90;
  case ESTAB_WATCH_KIND_SYN_SCAN: return it->trw || it->probes >= 32 ? 98 : 95;
  case ESTAB_WATCH_KIND_SYN_FLOOD:
  case ESTAB_WATCH_KIND_SYNACK_FLOOD:
  case ESTAB_WATCH_KIND_RST_FLOOD:
  case ESTAB_WATCH_KIND_FIN_FLOOD: return 95;
  case ESTAB_WATCH_KIND_CONNECT_SCAN: return it->trw || it->probes >= 64 ? 95 : 85;
  case ESTAB_WATCH_KIND_ACK_OR_WINDOW_SCAN:
  case ESTAB_WATCH_KIND_MAIMON_SCAN:
  case ESTAB_WATCH_KIND_SYNACK_SCAN: return it->probes >= 20 ? 95 : 85;
  case ESTAB_WATCH_KIND_IDLE_SCAN:
  case ESTAB_WATCH_KIND_VERSION_PROBE:
  case ESTAB_WATCH_KIND_ACK_FLOOD: return 90;
  case ESTAB_WATCH_KIND_CONN_EXHAUSTION:
  case ESTAB_WATCH_KIND_ZERO_WINDOW_HOLD:
  case ESTAB_WATCH_KIND_BACKSCATTER: return 80;
  case ESTAB_WATCH_KIND_RST_INJECTION:
  case ESTAB_WATCH_KIND_OVERLAP_INJECTION: return 75;
  case ESTAB_WATCH_KINDS: break;
  }
  return 50;
}

static uint32_t alert_rate_milli(const struct campaign *it)
{
  uint64_t ms = (it->last_ns - it->first_ns) / 1000000;
  if (it->probes < 2 || ms == 0) return 0;
  uint64_t rate = (it->probes - 1) * 1000000 / ms;
  return rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;
}

// Many sources with hardly more than one packet each are addresses out of thin air. Those of what came before it was
// named were only counted, and until there are enough others they decide.
static bool alert_spoofed(const struct campaign *it, uint64_t sources)
{
  if (!campaign_is_flood(it->kind)) return false;
  const uint64_t since = it->probes - it->before;
  return since < ALERT_SOURCES_LEAST ? it->spoofed : since < sources * SCAN_FORGED_EACH;
}

// Those before it was named, and `sources` since: where hardly any came twice in either, none of the ones was of the
// others. Else there may be no more than the most.
static uint64_t alert_forged(const struct campaign *it, uint64_t sources)
{
  const uint64_t since = it->probes - it->before, before = it->before_sources;
  const bool new_ones = before * 4 >= it->before * UINT64_C(3) && sources * 4 >= since * 3;
  return new_ones ? u64_min(before + sources, it->probes) : u64_max(before, sources);
}

// Answers to a zombie go where it is. Where none of them passed, silence says nothing.
static void alert_unheard(struct estab_watch_alert *alert)
{
  struct estab_watch_targets *all = alert->answers;
  if (alert->kind != ESTAB_WATCH_KIND_IDLE_SCAN || all[ESTAB_WATCH_OPEN].count ||
      all[ESTAB_WATCH_CLOSED].count || all[ESTAB_WATCH_UNKNOWN].count)
    return;
  all[ESTAB_WATCH_UNKNOWN] = all[ESTAB_WATCH_FILTERED];
  all[ESTAB_WATCH_FILTERED] = (struct estab_watch_targets){0};
}

void scan_alert(struct scan *s, struct campaign *it, struct estab_watch_alert *alert)
{
  memset(alert, 0, sizeof *alert);
  alert->id = it->id;
  alert->kind = it->kind;
  alert->geometry = (uint8_t)campaign_geometry(it);
  alert->modifiers = it->modifiers;
  alert->role = it->role;
  alert->ended = it->ended;
  alert_addresses(&it->src, &it->evidence[0].src, &alert->src, &alert->src_listed,
                  &alert->src_count);
  alert_addresses(&it->dst, &it->evidence[0].dst, &alert->dst, &alert->dst_listed,
                  &alert->dst_count);
  if (alert->geometry == ESTAB_WATCH_DECOY_SET) {
    alert->modifiers |= ESTAB_WATCH_DECOY;
    alert->role = ESTAB_WATCH_ROLE_CANDIDATE;
  }
  if (alert_spoofed(it, alert->src_count)) {
    alert->modifiers |= ESTAB_WATCH_SPOOFED;
    alert->src_listed = 0;
    alert->src_count = alert_forged(it, alert->src_count);
  }
  alert->src_proven = it->proven.at;
  alert->src_proven_listed = it->proven.listed;
  alert->src_proven_count = scan_set_count(&it->proven.all);
  alert->ports = s->ports;
  alert->ports_listed = campaign_ports(it, s->ports, ESTAB_WATCH_LIST_MAX);
  alert->port_count = it->port_count == 1 && it->first_port == 0 ? 0 : it->port_count;
  for (int i = 0; i < ESTAB_WATCH_ANSWERS; i++) {
    campaign_list_sort(&it->answers[i]);
    alert->answers[i] = (struct estab_watch_targets){
        .list = it->answers[i].at, .listed = it->answers[i].listed, .count = it->answers[i].count};
  }
  alert_unheard(alert);
  alert->probes = it->probes;
  alert->first_ns = it->first_ns;
  alert->last_ns = it->last_ns;
  alert->rate_milli = alert_rate_milli(it);
  alert->confidence = alert_confidence(it);
  alert_evidence(s, it);
  alert->evidence = s->evidence;
  alert->evidence_count = it->evidence_count;
  scan_summary(it, alert);
  scan_explain(s, it, alert);
}
