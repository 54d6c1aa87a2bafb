// SPDX-License-Identifier: BSD-2-Clause
// watch_quiet.c - what must raise nothing, as packets through the whole observer: whole, cut at a random
// start, one direction alone, every packet twice, some lost by the tap. ESTAB_LONG plays every scenario in
// every way, otherwise each in two of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/driver.h"
#include "estab/watch.h"
#include "estab/wire.h"
#include "support/quiet.h"

#define MS UINT64_C(1000000)

enum way { WHOLE, CUT, ORIG_ALONE, RESP_ALONE, DOUBLED, LOSSY, WAYS };
static const char *const way_names[WAYS] = {"whole",         "cut",     "one way",
                                            "the other way", "doubled", "lossy"};

struct packet {
  uint64_t ts_ns, order;
  uint16_t bytes;
  bool from_orig;
  uint8_t data[120];
};

struct world {
  struct packet *heap;
  size_t count, room;
  uint64_t order, start_ns, cut_ns;
  enum way way;
  estab_watch *watch;
  unsigned alerts;
  const char *name;
};

static bool packet_before(const struct packet *a, const struct packet *b)
{
  return a->ts_ns != b->ts_ns ? a->ts_ns < b->ts_ns : a->order < b->order;
}

static void world_pull(struct world *w)
{
  struct estab_watch_record r;
  while (estab_watch_next(w->watch, &r))
    if (r.type == ESTAB_WATCH_ALERT) {
      if (w->alerts++ < 4)
        printf("  %s, %s: %s\n    %s\n", w->name, way_names[w->way], r.alert.summary,
               r.alert.evidence_count ? r.alert.evidence[0].line : "");
    }
}

static void world_input(struct world *w, const struct packet *p)
{
  if (p->ts_ns < w->cut_ns || (w->way == ORIG_ALONE && !p->from_orig) ||
      (w->way == RESP_ALONE && p->from_orig) ||
      (w->way == LOSSY && (uint32_t)(p->order * 2654435761u) >> 24 < 8)) // 3 %
    return;
  for (int twice = 0; twice <= (w->way == DOUBLED); twice++) {
    estab_watch_input(w->watch, 0, ESTAB_LINKTYPE_RAW, p->data, p->bytes, p->bytes, p->ts_ns);
    world_pull(w);
  }
}

// The packets up to a time leave the heap.
static void world_until(struct world *w, uint64_t ts_ns)
{
  while (w->count && w->heap[0].ts_ns <= ts_ns) {
    struct packet first = w->heap[0], last = w->heap[--w->count];
    size_t i = 0;
    for (;;) {
      size_t child = 2 * i + 1;
      if (child >= w->count) break;
      if (child + 1 < w->count && packet_before(&w->heap[child + 1], &w->heap[child])) child++;
      if (!packet_before(&w->heap[child], &last)) break;
      w->heap[i] = w->heap[child];
      i = child;
    }
    w->heap[i] = last;
    world_input(w, &first);
  }
}

static void world_put(struct world *w, uint64_t ts_ns, const struct estab_packet *p, bool from_orig)
{
  if (w->count == w->room) {
    w->room = w->room ? w->room * 2 : 1024;
    w->heap = realloc(w->heap, w->room * sizeof *w->heap);
    if (!w->heap) abort();
  }
  struct packet x = {.ts_ns = ts_ns, .order = w->order++, .from_orig = from_orig};
  int n = estab_packet_emit(p, x.data, sizeof x.data);
  if (n < 0) abort();
  x.bytes = (uint16_t)n;
  size_t i = w->count++;
  for (; i && packet_before(&x, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
    w->heap[i] = w->heap[(i - 1) / 2];
  w->heap[i] = x;
}

// ---------------------------------------------------------------------------------------------
// One life

struct life {
  struct world *w;
  struct estab_ip ip[2]; // orig, resp
  uint16_t port[2];
  uint32_t next[2]; // sequence numbers
  uint32_t id[2];   // IPv4 identifications
  bool kernel, clocks;
};

static void life_end(const char *text, struct estab_ip *ip, uint16_t *port)
{
  char copy[64];
  snprintf(copy, sizeof copy, "%s", text);
  char *colon = strrchr(copy, ':');
  *colon = 0;
  *port = (uint16_t)atoi(colon + 1);
  if (estab_ip_parse(copy, ip) < 0) abort();
}

static void life_send(struct life *l, uint64_t ts_ns, unsigned side, uint16_t flags, size_t text)
{
  static const uint8_t octets[64] = "GET /index.html HTTP/1.1\r\nHost: www.example\r\n\r\n";
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP, .link = ESTAB_LINK_RAW, .ttl = 64};
  p.version = estab_ip_is4(&l->ip[0]) ? 4 : 6;
  p.src = l->ip[side];
  p.dst = l->ip[1 - side];
  if (p.version == 4) p.fragment.id = ++l->id[side] & 0xffff;
  p.payload = octets;
  p.payload_bytes = text;
  p.tcp.src_port = l->port[side];
  p.tcp.dst_port = l->port[1 - side];
  p.tcp.seq = l->next[side];
  p.tcp.ack = flags & ESTAB_TCP_ACK ? l->next[1 - side] : 0;
  p.tcp.flags = flags;
  p.tcp.window = flags & ESTAB_TCP_RST ? 0 : (uint16_t)(502 - l->id[side] % 7);
  if (flags & ESTAB_TCP_SYN) {
    p.tcp.options.present = ESTAB_TCP_OPT_MSS;
    p.tcp.options.mss = 1460;
    p.tcp.window = 64240;
    if (l->kernel) {
      p.tcp.options.present |= ESTAB_TCP_OPT_SACK_PERMITTED | ESTAB_TCP_OPT_WSCALE;
      p.tcp.options.wscale = 7;
    }
  }
  if (l->clocks && !(flags & ESTAB_TCP_RST)) {
    p.tcp.options.present |= ESTAB_TCP_OPT_TS;
    p.tcp.options.ts_value = (uint32_t)(ts_ns / MS) + side * 77777;
    p.tcp.options.ts_echo = flags == ESTAB_TCP_SYN ? 0 : (uint32_t)(ts_ns / MS) + 5;
  }
  if (flags & ESTAB_TCP_RST && !(flags & ESTAB_TCP_ACK) && side == 0) p.tcp.seq = l->next[0];
  world_put(l->w, ts_ns, &p, side == 0);
  l->next[side] +=
      (uint32_t)text + (flags & ESTAB_TCP_SYN ? 1 : 0) + (flags & ESTAB_TCP_FIN ? 1 : 0);
}

// The router says that there is no way, or that it is forbidden.
static void life_icmp(struct life *l, uint64_t ts_ns, uint8_t code)
{
  uint8_t quoted[80] = {0};
  struct estab_packet syn = {.kind = ESTAB_PACKET_TCP, .link = ESTAB_LINK_RAW, .ttl = 64};
  syn.version = 4;
  syn.src = l->ip[0];
  syn.dst = l->ip[1];
  syn.tcp.src_port = l->port[0];
  syn.tcp.dst_port = l->port[1];
  syn.tcp.seq = l->next[0] - 1;
  syn.tcp.flags = ESTAB_TCP_SYN;
  if (!estab_ip_is4(&l->ip[0]) || estab_packet_emit(&syn, quoted, sizeof quoted) < 0) return;
  struct estab_packet p = {.kind = ESTAB_PACKET_ICMP4, .link = ESTAB_LINK_RAW, .ttl = 63};
  p.version = 4;
  p.src = estab_ip4(10, 255, 0, 1);
  p.dst = l->ip[0];
  p.fragment.id = l->id[1] & 0xffff;
  p.icmp.type = ESTAB_ICMP4_UNREACHABLE;
  p.icmp.code = code;
  p.icmp.error = true;
  p.payload = quoted;
  p.payload_bytes = 28;
  world_put(l->w, ts_ns, &p, false);
}

enum {
  S = ESTAB_TCP_SYN,
  A = ESTAB_TCP_ACK,
  R = ESTAB_TCP_RST,
  F = ESTAB_TCP_FIN,
  P = ESTAB_TCP_PSH
};

// Questions and answers, now and then, until `until_ns`; then both close.
static void life_talk(struct life *l, uint64_t t, uint64_t until_ns)
{
  for (;;) {
    life_send(l, t += MS, 0, P | A, 46);
    life_send(l, t += MS, 1, A, 0);
    life_send(l, t += MS, 1, P | A, 60);
    life_send(l, t += MS, 0, A, 0);
    if (t + 5000 * MS > until_ns) break;
    t += 5000 * MS;
  }
  life_send(l, t += MS, 0, F | A, 0);
  life_send(l, t += MS, 1, F | A, 0);
  life_send(l, t += MS, 0, A, 0);
}

static void life_handshake(struct life *l, uint64_t t, const char *fate, unsigned lasts_s)
{
  life_send(l, t += MS, 1, S | A, 0);
  if (strcmp(fate, "half") == 0) {
    life_send(l, t + MS, 0, R, 0);
    return;
  }
  life_send(l, t += MS, 0, A, 0);
  if (strcmp(fate, "data") == 0) {
    life_talk(l, t, t + lasts_s * 1000 * MS);
  } else if (strcmp(fate, "hold") == 0) {
    life_talk(l, t + 400000 * MS, 0);
  } else {
    if (strcmp(fate, "look") == 0) {
      life_send(l, t += MS, 1, P | A, 40);
      life_send(l, t += MS, 0, A, 0);
    }
    life_send(l, t + 5 * MS, 0, R | A, 0);
  }
}

// A life that the tap sees from its middle: it goes on as lives do.
static void life_middle(struct life *l, uint64_t t, uint16_t flags, const char *fate)
{
  life_send(l, t, 0, flags, 0);
  if (strcmp(fate, "closed") == 0) {
    uint32_t next = l->next[1];
    life_send(l, t + MS, 1, R, 0);
    l->next[1] = next;
  } else if (strcmp(fate, "alive") == 0) {
    life_send(l, t += MS, 1, A, 0);
    if (flags & F) {
      life_send(l, t += MS, 1, F | A, 0);
      life_send(l, t + MS, 0, A, 0);
    } else {
      life_talk(l, t, t + 20000 * MS);
    }
  } else if (strcmp(fate, "alone") == 0) {
    for (unsigned i = 0; i < 5; i++) {
      l->next[1] += 1448;
      life_send(l, t += 300 * MS, 0, A, 0);
    }
  }
}

static void world_life(struct quiet *q, double at, const char *src, const char *dst,
                       const char *flags, const char *fate)
{
  static const char letters[] = "FSRP.U";
  struct world *w = q->ctx;
  uint64_t t = w->start_ns + (uint64_t)(at * 1e9);
  struct life l = {.w = w};
  uint16_t first = 0;
  world_until(w, t);
  life_end(src, &l.ip[0], &l.port[0]);
  life_end(dst, &l.ip[1], &l.port[1]);
  const char *c = flags;
  for (; *c && *c != ','; c++)
    first |= (uint16_t)(1u << (strchr(letters, *c) - letters));
  l.kernel = strchr(c, 'k') != NULL;
  l.clocks = l.kernel || strchr(c, 't');
  l.next[0] = (uint32_t)(w->order * 2654435761u + 99);
  l.next[1] = (uint32_t)(w->order * 40503u + 0xfffff000u);
  l.id[0] = (uint32_t)(w->order * 13);
  l.id[1] = (uint32_t)(w->order * 7 + 1);
  if (first != S) {
    life_middle(&l, t, first, fate);
    return;
  }
  life_send(&l, t, 0, S, 0);
  if (strcmp(fate, "closed") == 0) {
    l.next[1] = 0;
    life_send(&l, t + MS, 1, R | A, 0);
  } else if (strcmp(fate, "patient") == 0) {
    static const unsigned again_s[] = {1, 3, 7};
    for (unsigned i = 0; i < 3; i++) {
      l.next[0]--;
      life_send(&l, t + again_s[i] * 1000 * MS, 0, S, 0);
    }
  } else if (strcmp(fate, "noroute") == 0 || strcmp(fate, "admin") == 0) {
    life_icmp(&l, t + MS, fate[0] == 'n' ? 1 : 13);
  } else if (strcmp(fate, "silent") != 0) {
    life_handshake(&l, t, fate, w->order % 16 ? 0 : (unsigned)(w->order / 16 % 60));
  }
}

static unsigned world_play(unsigned i, enum way way, unsigned *lives)
{
  struct world w = {.way = way, .name = quiet_scenarios[i].name};
  struct quiet q = {.life = world_life, .ctx = &w, .random = 11 + way};
  struct estab_watch_settings settings;
  estab_watch_settings_default(&settings);
  settings.mem = estab_system_mem();
  if (estab_watch_new(&settings, &w.watch) < 0) abort();
  w.start_ns = UINT64_C(1760000000) * 1000 * MS;
  if (way == CUT) w.cut_ns = w.start_ns + quiet_random(&q, 60000) * MS;
  quiet_scenarios[i].play(&q);
  world_until(&w, UINT64_MAX);
  estab_watch_flush(w.watch);
  world_pull(&w);
  estab_watch_free(w.watch);
  free(w.heap);
  *lives += q.lives;
  return w.alerts;
}

int main(int argc, char **argv)
{
  unsigned passed = 0, failed = 0, lives = 0;
  bool whole = getenv("ESTAB_LONG") != NULL, half = getenv("ESTAB_SHORT") != NULL;
  for (unsigned i = 0; i < quiet_scenario_count; i++)
    for (unsigned way = 0; way < WAYS; way++) {
      if (argc > 1 && strcmp(argv[1], quiet_scenarios[i].name) != 0) continue;
      if (!whole && argc < 2 && way != i % WAYS && (half || way != (i + 3) % WAYS)) continue;
      if (world_play(i, (enum way)way, &lives))
        failed++;
      else
        passed++;
    }
  printf("%u lives\n%u passed, %u failed\n", lives, passed, failed);
  return failed != 0;
}
