// SPDX-License-Identifier: BSD-2-Clause
// scan_judge.c - when a source's contacts are a scan, and of which kind. Each threshold is argued in
// docs/watch.md.
#include "base/bytes.h"
#include "watch/scan_parts.h"

#define JUDGE_FAST_NS   (480 * SCAN_S) // eight targets at one a minute
#define JUDGE_WAIT_NS   (330 * SCAN_S) // longer than a poller's cycle of five minutes
#define JUDGE_SLOW_NS   (900 * SCAN_S) // faster than this, and the other rules decide
#define JUDGE_BEGIN_NS  (16 * SCAN_S)  // between a kernel's fifth SYN and its sixth
#define JUDGE_AT_ONCE   48             // of one shape: no poller has so many dead targets
#define JUDGE_FTP       21
#define JUDGE_FTP_DATA  20
#define JUDGE_EPHEMERAL 32768        // and up: ports of clients
#define JUDGE_EACH      4            // a block: so many hosts of each port, or ports of each host
#define JUDGE_SLOTS     256          // of a set of ports or hosts
#define JUDGE_RACES     3            // connections that a program opens at once to one port
#define JUDGE_TRW_LEAST 4            // failures that the random walk needs
#define JUDGE_JOIN_NS   (5 * SCAN_S) // who shares a scan's work sends while it goes on

// Which contacts are looked at.
struct judge_view {
  uint8_t technique;
  bool crafted;
  uint64_t from_ns; // first seen since
  bool hosts;       // count hosts, too
};

// What they amount to, seen from one of them.
struct judge_tally {
  uint32_t failed, open, open_host;        // distinct targets; open_host: on its host
  uint32_t same_host, same_port;           // failed, that share its host or its port
  uint32_t revisited_host, revisited_port; // of those, visited again
  uint32_t revisited, patient;             // failed, visited again; with patience
  uint32_t reserved_host;                  // of same_host, below 1024
  uint32_t facing_host;                    // of same_host, from a server's port to a client's
  uint32_t hosts;                          // failed, each host once
  uint32_t low_ports;                      // failed, at ports that kernels give to none of theirs
  uint64_t span_ns;                        // from the first to now
  uint32_t half_open, touched;
  uint32_t reset;                 // answered by RST
  uint32_t same_source_port, row; // row: source ports in steps of 1 or 2 to its host, longest run
};

static bool judge_sees(const struct judge_view *v, const struct source_target *t)
{
  struct probe p = probe_from_tag(t->probe);
  return !t->told && p.technique == v->technique && p.crafted == v->crafted &&
         t->first_ns >= v->from_ns;
}

static bool judge_host_before(const struct source *it, const struct judge_view *v, uint16_t i)
{
  for (uint16_t j = 0; j < i; j++)
    if (judge_sees(v, &it->targets[j]) && !source_target_is_open(&it->targets[j]) &&
        estab_ip_equal(&it->targets[j].ip, &it->targets[i].ip))
      return true;
  return false;
}

static struct judge_tally judge_count(const struct scan *s, const struct source *it,
                                      const struct judge_view *v, const struct source_target *e)
{
  struct judge_tally n = {0};
  uint32_t row = 0;
  uint16_t before = 0;
  for (uint16_t i = 0; i < it->count; i++) {
    const struct source_target *t = &it->targets[i];
    if (!judge_sees(v, t)) continue;
    if (source_target_is_open(t)) {
      n.open++;
      n.open_host += estab_ip_equal(&t->ip, &e->ip);
      n.half_open += t->half_open;
      n.touched += !t->half_open;
      continue;
    }
    n.failed++;
    n.revisited += t->visits > 1;
    n.patient += t->patient;
    if (s->now_ns - t->first_ns > n.span_ns) n.span_ns = s->now_ns - t->first_ns;
    if (t->port == e->port) {
      n.same_port++;
      n.revisited_port += t->visits > 1;
    }
    if (estab_ip_equal(&t->ip, &e->ip)) {
      n.same_host++;
      n.revisited_host += t->visits > 1;
      n.reserved_host += t->port < 1024;
      n.facing_host += scan_faces_client(t->src_port, t->port);
      const uint16_t step = (uint16_t)(t->src_port - before);
      row = step == 1 || step == 2 ? row + 1 : 1;
      if (row > n.row) n.row = row;
      before = t->src_port;
    }
    n.hosts += v->hosts && !judge_host_before(it, v, i);
    n.low_ports += t->port < JUDGE_EPHEMERAL;
    n.reset += t->answer == ESTAB_WATCH_CLOSED || t->answer == ESTAB_WATCH_UNFILTERED;
    n.same_source_port += t->src_port == e->src_port;
  }
  return n;
}

static uint64_t judge_since(const struct scan *s, uint64_t span_ns)
{
  return s->now_ns > span_ns ? s->now_ns - span_ns : 0;
}

// Decoys send the same probes together; helpers send others of the same make to the same host.
static bool judge_joins(struct scan_pool *pool, struct campaign *c, const struct source *it,
                        const struct judge_view *v, uint64_t now_ns, uint8_t fingerprint)
{
  if (c->fingerprint != fingerprint || now_ns > c->last_ns + JUDGE_JOIN_NS) return false;
  uint32_t seen = 0, close = 0, strange = 0, all = 0;
  for (uint16_t i = 0; i < it->count; i++) {
    const struct source_target *t = &it->targets[i];
    if (!judge_sees(v, t)) continue;
    bool close_by;
    seen += campaign_has(pool, c, &t->ip, t->port, t->first_ns, &close_by);
    close += close_by;
    strange += !estab_ip_equal(&t->ip, &c->victim);
    all++;
  }
  return close * 2 >= all || (seen == 0 && strange == 0);
}

// The contact that came first of those not told yet; NULL.
static struct source_target *judge_earliest(struct source *it, const struct judge_view *v)
{
  struct source_target *first = NULL;
  for (uint16_t i = 0; i < it->count; i++) {
    struct source_target *t = &it->targets[i];
    if (!judge_sees(v, t)) continue;
    if (!first || t->first_ns < first->first_ns ||
        (t->first_ns == first->first_ns && t->packet < first->packet))
      first = t;
  }
  return first;
}

static struct campaign_probe judge_record(const struct source_target *t)
{
  return (struct campaign_probe){
      .src = t->src,
      .dst = t->ip,
      .src_port = t->src_port,
      .dst_port = t->port,
      .flags = t->flags,
      .answer = t->answer,
      .modifiers = probe_from_tag(t->probe).modifiers,
      .ts_ns = t->first_ns,
      .packet = t->packet,
  };
}

static struct campaign *judge_name(struct scan *s, struct source *it, const struct judge_view *v,
                                   enum estab_watch_kind kind)
{
  struct campaigns *cs = &s->campaigns;
  struct source_target *t = judge_earliest(it, v);
  if (!t) return NULL;
  uint8_t fingerprint = probe_from_tag(t->probe).fingerprint;
  struct estab_ip prober = t->src;
  bool idle =
      kind == ESTAB_WATCH_KIND_SYN_SCAN && scan_idle_prober(s, &t->src, t->first_ns, &prober);
  if (idle) kind = ESTAB_WATCH_KIND_IDLE_SCAN;
  struct campaign *own = campaign_find(cs, CAMPAIGN_BY_SOURCE, &t->src, kind);
  struct campaign *c = own ? own : campaign_find(cs, CAMPAIGN_BY_VICTIM, &t->ip, kind);
  if (own) {
    campaign_tell(cs, c);
  } else if (c && judge_joins(&s->pool, c, it, v, s->now_ns, fingerprint)) {
    campaign_join(cs, c, &t->src);
    campaign_tell(cs, c);
  } else {
    struct campaign_probe first = judge_record(t);
    c = campaign_start(cs, kind, &t->src, &first);
    if (!c) return NULL;
    c->fingerprint = fingerprint;
    c->crafted = probe_from_tag(t->probe).technique == PROBE_SYN && v->crafted;
    c->trw = scan_trw_scanner(it);
    if (kind == ESTAB_WATCH_KIND_BACKSCATTER) c->role = ESTAB_WATCH_ROLE_VICTIM;
    if (idle) {
      c->role = ESTAB_WATCH_ROLE_ZOMBIE;
      c->other = prober;
    }
  }
  for (; t; t = judge_earliest(it, v)) {
    struct campaign_probe probe = judge_record(t);
    if (kind == ESTAB_WATCH_KIND_BACKSCATTER) probe.answer = CAMPAIGN_WAITING;
    campaign_add(cs, c, &probe);
    if (t->answer == ESTAB_WATCH_OPEN && !t->half_open) campaign_proven(cs, c, &t->src);
    if (source_target_is_open(t)) *(t->half_open ? &c->half_open : &c->connected) += 1;
    t->told = true;
  }
  source_decided(&s->sources, it);
  return c;
}

// A crafted SYN: only tools leave out every option, and small devices. Those repeat it with patience, and ask again for
// what did not answer; a tool that repeats its probes asks once. Names, or answers whether to wait.
static bool judge_crafted_syn(struct scan *s, struct source *it, const struct source_target *e,
                              bool waited)
{
  const struct estab_watch_thresholds *t = &s->settings->thresholds;
  struct judge_view v = {PROBE_SYN, true,
                         judge_since(s, waited ? 2 * JUDGE_FAST_NS : JUDGE_FAST_NS),
                         scan_trw_scanner(it)};
  struct judge_tally n = judge_count(s, it, &v, e);
  uint32_t excuse = it->ok_crafted * 2;
  bool walk = scan_trw_scanner(it) && n.hosts >= JUDGE_TRW_LEAST;
  const uint32_t hasty = n.failed - n.patient;
  bool enough = (hasty >= t->syn_targets && hasty > excuse) ||
                (n.failed >= JUDGE_AT_ONCE && n.revisited * 2 < n.failed && n.failed > excuse);
  if (waited)
    enough =
        enough || (n.failed >= t->syn_targets && n.failed > excuse && n.revisited * 2 < n.failed);
  if (waited)
    enough = enough || (n.failed + n.half_open >= t->syn_targets &&
                        n.failed + n.half_open > excuse && !n.revisited_port);
  if (!enough && !(walk && n.failed > excuse)) {
    struct judge_view days = {PROBE_SYN, true, judge_since(s, SOURCE_FORGET_NS), false};
    struct judge_tally d = judge_count(s, it, &days, e);
    const bool again = d.patient * 2 >= d.failed && d.revisited * 2 >= d.failed;
    if (d.failed < t->slow_targets || d.span_ns < JUDGE_SLOW_NS || d.failed <= excuse || again)
      return n.failed + n.half_open >= t->syn_targets;
    v = days;
  }
  judge_name(s, it, &v, ESTAB_WATCH_KIND_SYN_SCAN);
  return false;
}

// Data ports of a server of files (RFC 959), whose port 21 is known to converse, that a firewall refuses: above 1023,
// and not as many as a scan asks for. Either it named them, or its clients did and it comes from port 20.
static bool judge_is_data(struct scan *s, const struct source_target *e,
                          const struct judge_tally *n)
{
  const bool active = e->src_port == JUDGE_FTP_DATA && n->same_source_port == n->failed;
  return n->reserved_host == 0 && n->same_host < JUDGE_AT_ONCE &&
         (scan_seen_has(&s->services, scan_fingerprint(&s->pool, &e->ip, JUDGE_FTP)) ||
          (active && scan_seen_has(&s->services, scan_fingerprint(&s->pool, &e->src, JUDGE_FTP))));
}

// How many of those that failed on this port were silent, or have a neighbour that was asked for it as well, whatever
// it answered. Who guesses addresses meets silence nearly everywhere, or goes through a net; hosts all over that are
// there, and refuse, were known by name. A SYN in the capture's first seconds may be the last of several: peers to
// peers that are gone.
static uint32_t judge_guessed(const struct scan *s, const struct source *it,
                              const struct judge_view *v, const struct source_target *e)
{
  uint32_t guessed = 0;
  for (uint16_t i = 0; i < it->count; i++) {
    const struct source_target *t = &it->targets[i];
    if (!judge_sees(v, t) || t->port != e->port || source_target_is_open(t)) continue;
    bool near = t->answer != ESTAB_WATCH_CLOSED && t->first_ns >= s->begin_ns + JUDGE_BEGIN_NS;
    for (uint16_t j = 0; j < it->count && !near; j++)
      near = j != i && it->targets[j].port == e->port && judge_sees(v, &it->targets[j]) &&
             ip_prefix_match(&t->ip, &it->targets[j].ip, ip_is_mapped(&t->ip) ? 96 + 16 : 32);
    guessed += near;
  }
  return guessed;
}

// A kernel's SYN: what fails must have a shape, and no better explanation.
static bool judge_shape(struct scan *s, const struct source *it, const struct judge_view *v,
                        const struct source_target *e, const struct judge_tally *n,
                        uint32_t least_ports, uint32_t least_hosts)
{
  bool host = n->same_host >= least_ports && n->revisited_host * 2 < n->same_host &&
              n->same_host > n->open_host && !judge_is_data(s, e, n);
  bool port = n->same_port >= least_hosts && n->revisited_port * 2 < n->same_port &&
              n->same_port * 2 >= n->failed &&
              n->same_port > source_port_successes(it, e->port) + it->excused &&
              (n->same_port >= JUDGE_AT_ONCE || judge_guessed(s, it, v, e) >= least_hosts);
  return host || port;
}

// Whether a number was not in the set.
static bool judge_add(uint32_t set[JUDGE_SLOTS], uint32_t number)
{
  uint32_t i = (number * UINT32_C(2654435761)) >> 24;
  for (; set[i]; i = (i + 1) % JUDGE_SLOTS)
    if (set[i] == number) return false;
  set[i] = number;
  return true;
}

// Ports of hosts, of which neither one port nor one host is most: each of a few ports was asked of several hosts, or
// each of a few hosts for several ports; or all that is remembered lies in one net. Programs that look for each other
// know hosts all over the net, each with its own port. Monitors ask again, unless there is more than is remembered.
static bool judge_block(struct scan *s, const struct source *it, const struct judge_view *v,
                        const struct source_target *e, const struct judge_tally *n, bool waited)
{
  if (n->failed < JUDGE_AT_ONCE || !(waited || it->count == SOURCE_TARGETS) ||
      n->revisited * 4 >= n->failed || n->failed <= source_successes(it) * 2 + it->excused)
    return false;
  uint32_t port_set[JUDGE_SLOTS] = {0}, host_set[JUDGE_SLOTS] = {0};
  uint32_t ports = 0, hosts = 0, near = 0;
  for (uint16_t i = 0; i < it->count; i++) {
    const struct source_target *t = &it->targets[i];
    if (!judge_sees(v, t) || source_target_is_open(t)) continue;
    ports += judge_add(port_set, t->port + 1u);
    hosts += judge_add(host_set, (uint32_t)scan_fingerprint(&s->pool, &t->ip, 0) | 1);
    near += scan_same_net(&t->ip, &e->ip);
  }
  if (hosts < JUDGE_EACH || ports < 2) return false;
  const bool few = u32_min(ports, hosts) * JUDGE_EACH <= n->failed;
  return few || (it->count == SOURCE_TARGETS && near * 8 >= n->failed * 7 && !scan_tap_one_way(s));
}

// Loses a race of address families that was not over when it was refused. Of many at once it is no race.
static bool judge_raced(const struct scan *s, const struct source *it,
                        const struct source_target *e)
{
  const struct probe probe = probe_from_tag(e->probe);
  if (e->told || source_target_is_open(e) || probe.technique != PROBE_SYN || probe.crafted ||
      ip_is_mapped(&e->ip) || !scan_twin_won_by(s, &e->ip, e->port, e->first_ns))
    return false;
  unsigned together = 0;
  for (uint16_t i = 0; i < it->count; i++) {
    const struct source_target *t = &it->targets[i];
    const uint64_t gap =
        t->first_ns > e->first_ns ? t->first_ns - e->first_ns : e->first_ns - t->first_ns;
    together += t->port == e->port && gap < SCAN_S;
  }
  return together <= JUDGE_RACES;
}

void scan_judge_race(struct scan *s, struct source *it, uint16_t index)
{
  if (!judge_raced(s, it, &it->targets[index])) return;
  it->targets[index].told = true;
  it->excused++;
}

static bool judge_kernel_syn(struct scan *s, struct source *it, const struct source_target *e,
                             bool waited)
{
  const struct estab_watch_thresholds *t = &s->settings->thresholds;
  struct judge_view v = {PROBE_SYN, false, judge_since(s, 2 * JUDGE_FAST_NS), false};
  struct judge_tally n = judge_count(s, it, &v, e);
  // Where answers pass unseen, a refusal looks like silence: many hosts must not have answered then, and more
  // ports of one who has conversations as well.
  bool blind = scan_tap_one_way(s);
  uint32_t hosts = blind ? JUDGE_AT_ONCE : t->syn_targets;
  uint32_t ports = blind && it->ok_total ? 2 * t->syn_targets : t->syn_targets;
  bool named = waited ? judge_shape(s, it, &v, e, &n, ports, hosts)
                      : judge_shape(s, it, &v, e, &n, JUDGE_AT_ONCE, JUDGE_AT_ONCE);
  bool block = !named && judge_block(s, it, &v, e, &n, waited);
  if (!named && !block) {
    struct judge_view days = {PROBE_SYN, false, judge_since(s, SOURCE_FORGET_NS), false};
    struct judge_tally d = judge_count(s, it, &days, e);
    if (d.span_ns < JUDGE_SLOW_NS ||
        !judge_shape(s, it, &days, e, &d, t->slow_targets, t->slow_targets) ||
        d.failed <= source_successes(it) * 2)
      return n.same_host >= t->syn_targets || n.same_port >= t->syn_targets;
    v = days;
    n = d;
  }
  const bool half = n.half_open > n.touched;
  struct campaign *c =
      judge_name(s, it, &v, half ? ESTAB_WATCH_KIND_SYN_SCAN : ESTAB_WATCH_KIND_CONNECT_SCAN);
  if (c && block) c->block = true;
  return false;
}

// ACK and FIN+ACK: what closing or living connections send as well, so the make must show a tool.
static bool judge_ack(struct scan *s, struct source *it, const struct source_target *e, bool waited)
{
  const struct estab_watch_thresholds *t = &s->settings->thresholds;
  uint8_t technique = probe_from_tag(e->probe).technique;
  struct judge_view v = {technique, true, judge_since(s, JUDGE_FAST_NS), false};
  struct judge_tally n = judge_count(s, it, &v, e);
  if (n.failed < t->ack_targets || n.failed <= it->live * 2) {
    v.from_ns = judge_since(s, SOURCE_FORGET_NS);
    n = judge_count(s, it, &v, e);
    if (n.failed < t->slow_targets || n.span_ns < JUDGE_SLOW_NS || n.failed <= it->live * 2)
      return false;
  }
  bool made = n.same_source_port >= 3 || (technique == PROBE_ACK && n.reset >= t->ack_targets);
  const bool row = n.row >= t->ack_targets;
  // Where answers pass unseen, idle connections of a kernel that counts its ports up may still go on.
  if (!made && row && !waited && scan_tap_one_way(s)) return true;
  if (made || row) judge_name(s, it, &v, probe_kind(technique));
  return false;
}

// SYN+ACK to many ports of a host or to one port of many is a probe; to hosts and ports at random it
// answers spoofed SYNs.
static bool judge_synack(struct scan *s, struct source *it, const struct source_target *e,
                         bool waited)
{
  const struct estab_watch_thresholds *t = &s->settings->thresholds;
  uint8_t technique = probe_from_tag(e->probe).technique;
  bool crafted = probe_from_tag(e->probe).crafted;
  struct judge_view v = {technique, crafted, judge_since(s, 2 * JUDGE_FAST_NS), true};
  struct judge_tally n = judge_count(s, it, &v, e);
  // With timestamps they are a kernel's answers, and from a port below 1024 to one port of many hosts as well. Of those
  // to a host that asks from ports at random a few do not face a client.
  const bool host = n.same_host >= t->ack_targets && n.facing_host * 4 <= n.same_host;
  const bool port = n.same_port >= t->ack_targets && n.hosts > 1 && e->src_port >= 1024;
  if (technique == PROBE_SYNACK && crafted && !scan_faces_client(e->src_port, e->port) &&
      (host || port)) {
    judge_name(s, it, &v, ESTAB_WATCH_KIND_SYNACK_SCAN);
    return false;
  }
  // Clients of a service that is down ask from ports that kernels give out; who forges a source takes any.
  const bool clients = n.low_ports * 16 < n.failed && n.same_port * 2 < n.failed;
  bool many = n.hosts >= t->backscatter_targets && n.same_source_port * 2 >= n.failed &&
              n.failed > it->live * 2 && n.failed > it->asked / 4 && !clients;
  if (many && (waited || (technique == PROBE_SYNACK && n.hosts >= JUDGE_AT_ONCE))) {
    judge_name(s, it, &v, ESTAB_WATCH_KIND_BACKSCATTER);
    return false;
  }
  return many;
}

static void judge_one(struct scan *s, struct source *it, uint16_t index, bool waited)
{
  struct source_target e = it->targets[index];
  struct probe p = probe_from_tag(e.probe);
  bool wait = false;
  if (e.told) return;
  if (p.technique == PROBE_SYN && p.crafted)
    wait = judge_crafted_syn(s, it, &e, waited);
  else if (p.technique == PROBE_SYN && !source_target_is_open(&e))
    wait = judge_kernel_syn(s, it, &e, waited);
  else if (p.technique == PROBE_ACK || p.technique == PROBE_FINACK)
    wait = judge_ack(s, it, &e, waited);
  else if (p.technique == PROBE_SYNACK || p.technique == PROBE_RST)
    wait = judge_synack(s, it, &e, waited);
  if (wait && !waited) source_wait(&s->sources, it, s->now_ns + JUDGE_WAIT_NS);
}

void scan_judge(struct scan *s, struct source *source)
{
  judge_one(s, source, source->last, false);
}

void scan_decide(struct scan *s, struct source *source)
{
  source_decided(&s->sources, source);
  for (uint16_t i = 0; i < source->count; i++)
    scan_judge_race(s, source, i);
  for (uint16_t i = 0; i < source->count; i++)
    judge_one(s, source, i, true);
}
