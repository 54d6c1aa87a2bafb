// SPDX-License-Identifier: BSD-2-Clause
// watch_soak.c - 24 hours of virtual time: memory is flat, and time that is moved without packets changes no record.
//
// Each second brings connections of many kinds, now and then a scan and a flood, and stretches of silence. Told
// three times: time moved by packets alone; live, ten times a second; and at odd moments. The sequence of
// records is the same. ESTAB_LONG plays ten times the traffic.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/watch.h"
#include "estab/wire.h"
#include "support/prop.h"

#define SECOND_NS UINT64_C(1000000000)
#define HOURS     24
// Small, so that what the detectors remember for days finds its bound within the first hours.
#define SOAK_CEILING (UINT64_C(8) << 20)

enum {
  S = ESTAB_TCP_SYN,
  A = ESTAB_TCP_ACK,
  R = ESTAB_TCP_RST,
  F = ESTAB_TCP_FIN,
  P = ESTAB_TCP_PSH
};
enum way { BY_PACKETS, BY_CLOCK, AT_ODDS, WAYS };

struct soak {
  struct prop_rng rng;
  struct prop_mem mem;
  estab_watch *w;
  uint64_t now_ns;
  uint64_t digest, records, conns, alerts;
  enum way way;
  uint32_t ids;
  uint64_t peak[HOURS]; // bytes at the memory door, the most within each hour
};

static void digest(struct soak *s, const void *bytes, size_t n)
{
  const uint8_t *p = bytes;
  for (size_t i = 0; i < n; i++)
    s->digest = (s->digest ^ p[i]) * UINT64_C(0x100000001b3);
}

static void soak_pull(struct soak *s)
{
  static struct estab_watch_record r;
  while (estab_watch_next(s->w, &r)) {
    s->records++;
    if (r.type == ESTAB_WATCH_CONN) {
      const struct estab_watch_conn *c = &r.conn;
      s->conns++;
      digest(s, &c->uid, sizeof c->uid);
      digest(s, &c->duration_ns, sizeof c->duration_ns);
      digest(s, &c->last_packet, sizeof c->last_packet);
      digest(s, c->history, strlen(c->history));
      digest(s, c->conn_state, strlen(c->conn_state));
      const uint8_t words[] = {c->final, c->evicted, c->capture_loss, c->side[0].state,
                               c->side[1].state};
      digest(s, words, sizeof words);
      for (unsigned side = 0; side < 2; side++)
        for (uint32_t i = 0; i < c->side[side].step_count; i++)
          digest(s, &c->side[side].steps[i].ts_ns, sizeof c->side[side].steps[i].ts_ns);
    } else if (r.type == ESTAB_WATCH_ALERT) {
      s->alerts++;
      digest(s, &r.alert.id, sizeof r.alert.id);
      digest(s, &r.alert.probes, sizeof r.alert.probes);
      digest(s, &r.alert.ended, sizeof r.alert.ended);
      digest(s, r.alert.summary, strlen(r.alert.summary));
    }
  }
  unsigned hour = (unsigned)(s->now_ns / (3600 * SECOND_NS) % HOURS);
  if (s->mem.live_bytes > s->peak[hour]) s->peak[hour] = s->mem.live_bytes;
}

static void soak_step(struct soak *s, uint64_t ns)
{
  uint64_t due_ns;
  while ((due_ns = estab_watch_deadline(s->w)) <= ns) {
    estab_watch_advance(s->w, due_ns);
    soak_pull(s);
  }
}

static void soak_until(struct soak *s, uint64_t ns)
{
  const uint64_t tenth = SECOND_NS / 10;
  if (s->way == BY_CLOCK)
    for (uint64_t t = s->now_ns / tenth * tenth; t <= ns; t += tenth) {
      soak_step(s, t);
      estab_watch_advance(s->w, t); // nothing is due: no record
      soak_pull(s);
    }
  if (s->way == AT_ODDS && ns % 7 == 0) soak_step(s, ns - ns % 3);
  soak_step(s, ns);
  s->now_ns = ns;
}

struct ends {
  struct estab_ip ip[2];
  uint16_t port[2];
  uint32_t next[2];
};

static void soak_send(struct soak *s, struct ends *e, unsigned side, uint16_t flags, size_t text)
{
  static const uint8_t octets[1000] = "text";
  uint8_t frame[1100];
  struct estab_packet p = {
      .kind = ESTAB_PACKET_TCP, .link = ESTAB_LINK_RAW, .ttl = 64, .version = 4};
  p.src = e->ip[side];
  p.dst = e->ip[1 - side];
  p.fragment.id = ++s->ids & 0xffff;
  p.payload = octets;
  p.payload_bytes = text;
  p.tcp.src_port = e->port[side];
  p.tcp.dst_port = e->port[1 - side];
  p.tcp.seq = e->next[side];
  p.tcp.ack = flags & A ? e->next[1 - side] : 0;
  p.tcp.flags = flags;
  p.tcp.window = 8000;
  int n = estab_packet_emit(&p, frame, sizeof frame);
  if (n < 0) abort();
  e->next[side] += (uint32_t)text + (flags & (S | F) ? 1 : 0);
  soak_until(s, s->now_ns + 1 + prop_below(&s->rng, 2000000));
  estab_watch_input(s->w, 0, ESTAB_LINKTYPE_RAW, frame, (size_t)n, (size_t)n, s->now_ns);
  soak_pull(s);
}

static struct ends soak_ends(struct soak *s)
{
  struct ends e = {.ip = {estab_ip4(10, 0, (uint8_t)prop_below(&s->rng, 8),
                                    (uint8_t)(1 + prop_below(&s->rng, 250))),
                          estab_ip4(198, 51, 100, (uint8_t)(1 + prop_below(&s->rng, 250)))},
                   .port = {(uint16_t)(32768 + prop_below(&s->rng, 28000)),
                            (uint16_t)(prop_below(&s->rng, 3) ? 443 : 80)},
                   .next = {prop_below(&s->rng, UINT32_MAX), prop_below(&s->rng, UINT32_MAX)}};
  return e;
}

// A connection, and now and then its end is missing.
static void soak_connection(struct soak *s)
{
  struct ends e = soak_ends(s);
  soak_send(s, &e, 0, S, 0);
  if (prop_one_in(&s->rng, 20)) return; // no answer
  if (prop_one_in(&s->rng, 20)) {
    e.next[1] = 0;
    soak_send(s, &e, 1, R | A, 0);
    return;
  }
  soak_send(s, &e, 1, S | A, 0);
  soak_send(s, &e, 0, A, 0);
  for (uint32_t i = prop_below(&s->rng, 4); i > 0; i--) {
    soak_send(s, &e, 0, P | A, 1 + prop_below(&s->rng, 900));
    soak_send(s, &e, 1, P | A, 1 + prop_below(&s->rng, 900));
    if (prop_one_in(&s->rng, 10)) e.next[0] -= 1; // an octet again
  }
  if (prop_one_in(&s->rng, 50)) return; // goes on without a word
  if (prop_one_in(&s->rng, 5)) {
    soak_send(s, &e, 0, R | A, 0);
    return;
  }
  soak_send(s, &e, 0, F | A, 0);
  soak_send(s, &e, 1, F | A, 0);
  soak_send(s, &e, 0, A, 0);
}

static void soak_scan(struct soak *s)
{
  struct ends e = soak_ends(s);
  uint32_t n = 10 + prop_below(&s->rng, 200);
  e.ip[0] = estab_ip4(203, 0, (uint8_t)prop_below(&s->rng, 256), (uint8_t)prop_below(&s->rng, 256));
  for (uint32_t i = 0; i < n; i++) {
    e.port[1] = (uint16_t)(1 + prop_below(&s->rng, 60000));
    soak_send(s, &e, 0, S, 0);
  }
}

static void soak_flood(struct soak *s)
{
  struct ends e = soak_ends(s);
  for (uint32_t i = 0; i < 6000; i++) {
    e.ip[0].bytes[12] = (uint8_t)(1 + prop_below(&s->rng, 200));
    e.ip[0].bytes[14] = (uint8_t)prop_below(&s->rng, 256);
    e.port[0] = (uint16_t)(1024 + prop_below(&s->rng, 60000));
    soak_send(s, &e, 0, S, 0);
  }
}

static void soak_play(struct soak *s, uint64_t seed, enum way way, unsigned often)
{
  struct estab_watch_settings settings;
  *s = (struct soak){.way = way, .digest = UINT64_C(0xcbf29ce484222325)};
  s->rng.state = seed * UINT64_C(0x2545f4914f6cdd1d);
  estab_watch_settings_default(&settings);
  settings.mem = prop_mem_door(&s->mem);
  settings.max_bytes = SOAK_CEILING;
  if (estab_watch_new(&settings, &s->w) < 0) abort();
  const uint64_t start_ns = UINT64_C(1760054400) * SECOND_NS; // midnight
  for (uint64_t second = 0; second < HOURS * 3600; second++) {
    if (start_ns + second * SECOND_NS > s->now_ns) {
      if (second == 0)
        s->now_ns = start_ns;
      else
        soak_until(s, start_ns + second * SECOND_NS);
    }
    if (second / 60 % 30 == 29) continue; // each half hour a minute of silence
    for (unsigned i = 0; i < often; i++)
      if (prop_one_in(&s->rng, 3)) soak_connection(s);
    if (prop_one_in(&s->rng, 600)) soak_scan(s);
    if (second % 14400 == 7000) soak_flood(s);
  }
  soak_until(s, start_ns + (HOURS * 3600 - 1) * SECOND_NS);
  estab_watch_advance(s->w, s->now_ns); // so that all three end at the same time
  soak_pull(s);
  estab_watch_flush(s->w);
  soak_pull(s);
  estab_watch_free(s->w);
}

// Each hour's peak of the second half of the day is within 2 % of what the first half has seen.
static bool soak_flat(const struct soak *s)
{
  uint64_t first = 0, second = 0;
  for (unsigned i = 0; i < HOURS; i++) {
    uint64_t *half = i < HOURS / 2 ? &first : &second;
    if (s->peak[i] > *half) *half = s->peak[i];
  }
  if (second <= first + first / 50 && first < SOAK_CEILING) return true;
  for (unsigned i = 0; i < HOURS; i++)
    printf("  hour %2u: %llu bytes\n", i, (unsigned long long)s->peak[i]);
  return false;
}

int main(int argc, char **argv)
{
  static struct soak runs[WAYS];
  static const char *const names[WAYS] = {"by packets", "by the clock", "at odd moments"};
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
  unsigned passed = 0, failed = 0, often = getenv("ESTAB_LONG") ? 10 : 1;
  for (unsigned i = 0; i < WAYS; i++) {
    struct soak *s = &runs[i];
    soak_play(s, seed, (enum way)i, often);
    bool flat = soak_flat(s), whole = s->mem.live_pieces == 0,
         told = s->conns > 10000 && s->alerts > 20;
    bool same = s->digest == runs[0].digest && s->records == runs[0].records;
    if (!flat || !whole || !told || !same)
      printf("FAILED seed %llu, time moved %s:%s%s%s%s %llu rows, %llu alerts, %llu records, first "
             "%llu\n",
             (unsigned long long)seed, names[i], flat ? "" : " memory grows",
             whole ? "" : " memory is left", told ? "" : " too little was told",
             same ? "" : " other records", (unsigned long long)s->conns,
             (unsigned long long)s->alerts, (unsigned long long)s->records,
             (unsigned long long)runs[0].records);
    *(flat && whole && told && same ? &passed : &failed) += 1;
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed != 0;
}
