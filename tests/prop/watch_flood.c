// SPDX-License-Identifier: BSD-2-Clause
// watch_flood.c - 10 million spoofed SYNs, then 10 million connections of one packet, all detectors on (ATTACKS O10).
//
// A tenth of both without ESTAB_LONG, under a tenth of the ceiling. Memory stays below it; connections that were
// open before end with the records of a quiet day; every life that was shed has left its row, and is counted.
#include "estab/watch.h"
#include "estab/wire.h"
#include "support/prop.h"

#define FLOOD_KEPT   1000   // connections that live through it
#define FLOOD_GAP_NS 10000u // 100,000 packets a second

struct flood {
  estab_watch *watch;
  struct estab_watch_settings settings;
  uint64_t now_ns, in_use, peak; // bytes at the door
  uint64_t rows, lives;          // all; lives of which the first row said its last word
  uint64_t evicted, kept_whole, floods, others;
};

static void *flood_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                          enum estab_mem_kind kind)
{
  struct flood *f = ctx;
  (void)kind;
  void *answer = NULL;
  if (new_bytes == 0)
    free(p);
  else if ((answer = realloc(p, new_bytes)) == NULL)
    return NULL;
  f->in_use = f->in_use + new_bytes - (p == NULL ? 0 : old_bytes);
  if (f->in_use > f->peak) f->peak = f->in_use;
  return answer;
}

static bool flood_is_kept(const struct estab_watch_conn *c)
{
  const struct estab_ip server = estab_ip4(192, 0, 2, 22);
  return estab_ip_equal(&c->resp_ip, &server);
}

static void flood_pull(struct flood *f)
{
  static struct estab_watch_record r;
  while (estab_watch_next(f->watch, &r)) {
    if (r.type == ESTAB_WATCH_ALERT) {
      if (r.alert.kind == ESTAB_WATCH_KIND_SYN_FLOOD)
        f->floods++;
      else
        f->others++;
    }
    if (r.type != ESTAB_WATCH_CONN) continue;
    f->rows++;
    // Two strangers may have one tuple: to an observer the second goes on where the first had no answer.
    f->lives += r.conn.final && memcmp(&r.conn.uid, &r.conn.life, sizeof r.conn.uid) == 0;
    f->evicted += r.conn.evicted;
    if (!flood_is_kept(&r.conn) || !r.conn.final) continue;
    f->kept_whole += strcmp(r.conn.conn_state, "SF") == 0 &&
                     strcmp(r.conn.history, "ShADadFf") == 0 && r.conn.side[0].bytes == 150 &&
                     r.conn.side[1].bytes == 250 && r.conn.side[0].step_count >= 4;
  }
}

// One segment; numbers are those of a connection whose sides begin with 0 and 1000.
static void flood_segment(struct flood *f, struct estab_ip src, uint16_t src_port,
                          struct estab_ip dst, uint16_t dst_port, uint16_t flags, uint32_t seq,
                          uint32_t ack, uint32_t text_bytes)
{
  static const uint8_t text[200];
  uint8_t frame[300];
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 60,
                           .src = src,
                           .dst = dst,
                           .payload = text,
                           .payload_bytes = text_bytes};
  p.tcp = (struct estab_tcp_header){.src_port = src_port,
                                    .dst_port = dst_port,
                                    .seq = seq,
                                    .ack = ack,
                                    .flags = flags,
                                    .window = 60000};
  int n = estab_packet_emit(&p, frame, sizeof frame);
  f->now_ns += FLOOD_GAP_NS;
  estab_watch_input(f->watch, 0, ESTAB_LINKTYPE_RAW, frame, (size_t)n, (size_t)n, f->now_ns);
  flood_pull(f);
}

// Of a connection that is kept: from its client or from its server.
static void flood_kept(struct flood *f, uint32_t i, bool answer, uint16_t flags, uint32_t seq,
                       uint32_t ack, uint32_t text_bytes)
{
  struct estab_ip client = estab_ip4(10, 1, (uint8_t)(i >> 8), (uint8_t)i);
  struct estab_ip server = estab_ip4(192, 0, 2, 22);
  uint16_t port = (uint16_t)(40000 + i);
  if (answer)
    flood_segment(f, server, 22, client, port, flags, 1000 + seq, ack, text_bytes);
  else
    flood_segment(f, client, port, server, 22, flags, seq, flags & ESTAB_TCP_ACK ? 1000 + ack : 0,
                  text_bytes);
}

static void flood_open(struct flood *f)
{
  for (uint32_t i = 0; i < FLOOD_KEPT; i++) {
    flood_kept(f, i, false, ESTAB_TCP_SYN, 0, 0, 0);
    flood_kept(f, i, true, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 0, 1, 0);
    flood_kept(f, i, false, ESTAB_TCP_ACK, 1, 1, 0);
    flood_kept(f, i, false, ESTAB_TCP_ACK | ESTAB_TCP_PSH, 1, 1, 100);
    flood_kept(f, i, true, ESTAB_TCP_ACK, 1, 101, 0);
    flood_kept(f, i, true, ESTAB_TCP_ACK | ESTAB_TCP_PSH, 1, 101, 200);
  }
}

static void flood_close(struct flood *f)
{
  for (uint32_t i = 0; i < FLOOD_KEPT; i++) {
    flood_kept(f, i, false, ESTAB_TCP_ACK | ESTAB_TCP_PSH, 101, 201, 50);
    flood_kept(f, i, true, ESTAB_TCP_ACK | ESTAB_TCP_PSH, 201, 151, 50);
    flood_kept(f, i, false, ESTAB_TCP_ACK | ESTAB_TCP_FIN, 151, 251, 0);
    flood_kept(f, i, true, ESTAB_TCP_ACK | ESTAB_TCP_FIN, 251, 152, 0);
    flood_kept(f, i, false, ESTAB_TCP_ACK, 152, 252, 0);
  }
}

static struct estab_ip flood_anybody(uint64_t n)
{
  return estab_ip4((uint8_t)(11 + (n >> 24) % 100), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                   (uint8_t)n);
}

static bool flood_holds(struct prop_rng *r)
{
  static struct flood f;
  memset(&f, 0, sizeof f);
  uint32_t count = getenv("ESTAB_LONG") ? 10000000 : 1000000;
  estab_watch_settings_default(&f.settings);
  f.settings.mem = (struct estab_mem){&f, flood_resize};
  f.settings.max_bytes = UINT64_C(256) << 20;
  if (count < 10000000) f.settings.max_bytes /= 10;
  for (unsigned i = 0; i < sizeof f.settings.secret; i++)
    f.settings.secret[i] = (uint8_t)prop_u64(r);
  f.now_ns = UINT64_C(1600000000000000000);
  PROP_CHECK(estab_watch_new(&f.settings, &f.watch) == 0);

  flood_open(&f);
  struct estab_ip victim = estab_ip4(192, 0, 2, 80);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t n = prop_u64(r);
    flood_segment(&f, flood_anybody(n), (uint16_t)(1024 + (n >> 40) % 60000), victim, 80,
                  ESTAB_TCP_SYN, (uint32_t)(n >> 32), 0, 0);
  }
  PROP_CHECK(f.floods > 0); // named while it goes on
  for (uint32_t i = 0; i < count; i++) {
    uint64_t n = prop_u64(r), m = prop_u64(r);
    static const uint16_t flags[] = {ESTAB_TCP_ACK, ESTAB_TCP_ACK | ESTAB_TCP_PSH, ESTAB_TCP_RST,
                                     ESTAB_TCP_SYN, ESTAB_TCP_SYN | ESTAB_TCP_ACK};
    flood_segment(&f, flood_anybody(n), (uint16_t)(n >> 40), flood_anybody(m), (uint16_t)(m >> 40),
                  flags[i % 5], (uint32_t)(n >> 32), 1, i % 5 == 1 ? 10 : 0);
  }
  flood_close(&f);

  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_flush(f.watch);
  flood_pull(&f);
  estab_watch_stats(f.watch, &stats);
  printf("%u + %u packets: peak %llu of %llu bytes, %llu lives, %llu rows, %llu evicted\n", count,
         count, (unsigned long long)f.peak, (unsigned long long)f.settings.max_bytes,
         (unsigned long long)stats.flows, (unsigned long long)f.rows,
         (unsigned long long)f.evicted);
  PROP_CHECK(f.peak <= f.settings.max_bytes);
  PROP_CHECK(stats.memory_peak_bytes == f.peak);
  PROP_CHECK(stats.memory_refusals == 0);
  PROP_CHECK(f.kept_whole == FLOOD_KEPT);
  PROP_CHECK(f.evicted > count / 4); // others had been told and went without a word
  PROP_CHECK(stats.flows_evicted == f.evicted);
  PROP_CHECK(stats.flows_open == 0 && f.lives == stats.flows);
  estab_watch_free(f.watch);
  PROP_CHECK(f.in_use == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"flood", flood_holds, 1}};
  return prop_main(argc, argv, props, 1);
}
