// SPDX-License-Identifier: BSD-2-Clause
// watch_hostile.c - a connection, probes, tunnels and fragments through the whole observer with its detectors and
// streams: cut at every byte, and damaged, with lengths and times that cannot be (ATTACKS O12, O13).
#include "support/prop.h"
#include "support/wrapped.h"

#include "estab/watch.h"

#define HOSTILE_MAX_BYTES (8u << 20)

struct hostile {
  estab_watch *w;
  struct prop_mem mem;
  uint64_t ns, sum;
};

static bool hostile_open(struct hostile *h, struct prop_rng *r)
{
  struct estab_watch_settings settings;
  estab_watch_settings_default(&settings);
  settings.mem = prop_mem_door(&h->mem);
  settings.streams = prop_one_in(r, 2);
  settings.rows = (uint8_t)prop_below(r, 2);
  settings.policy = (uint8_t)prop_below(r, 5);
  settings.max_bytes = HOSTILE_MAX_BYTES;
  h->ns = UINT64_C(1700000000000000000);
  h->sum = 0;
  return estab_watch_new(&settings, &h->w) == 0;
}

// Reads all that a record points to.
static bool hostile_read(struct hostile *h)
{
  struct estab_watch_record r;
  while (estab_watch_next(h->w, &r)) {
    h->sum += (uint64_t)r.type;
    if (r.type == ESTAB_WATCH_CONN) {
      h->sum += strlen(r.conn.history) + strlen(r.conn.conn_state);
      for (unsigned i = 0; i < 2; i++)
        for (uint32_t k = 0; k < r.conn.side[i].step_count; k++)
          PROP_CHECK(r.conn.side[i].steps[k].state < ESTAB_STATES);
    } else if (r.type == ESTAB_WATCH_ALERT) {
      h->sum += strlen(r.alert.summary) + strlen(r.alert.explanation);
      for (uint32_t i = 0; i < r.alert.evidence_count; i++)
        h->sum += strlen(r.alert.evidence[i].line);
      for (uint32_t i = 0; i < r.alert.src_listed; i++)
        h->sum += r.alert.src[i].bytes[15];
    } else if (r.type == ESTAB_WATCH_STREAM) {
      for (size_t i = 0; i < r.stream.length; i++)
        h->sum += r.stream.bytes[i];
    } else {
      h->sum += strlen(r.ambiguity.chosen) + strlen(r.ambiguity.other);
    }
  }
  return true;
}

// A block of exactly what was captured.
static bool hostile_input(struct hostile *h, uint32_t link, const uint8_t *bytes, size_t captured,
                          size_t wire)
{
  uint8_t *exact = malloc(captured ? captured : 1);
  if (exact == NULL) abort();
  if (captured) memcpy(exact, bytes, captured);
  estab_watch_expect(h->w, link, exact, captured);
  estab_watch_input(h->w, 0, link, exact, captured, wire, h->ns);
  bool ok = hostile_read(h);
  free(exact);
  return ok;
}

static bool hostile_close(struct hostile *h)
{
  estab_watch_flush(h->w);
  bool ok = hostile_read(h);
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(h->w, &stats);
  estab_watch_free(h->w);
  PROP_CHECK(ok && stats.flows_open == 0 && stats.memory_peak_bytes <= HOSTILE_MAX_BYTES);
  PROP_CHECK(h->mem.live_pieces == 0 && h->mem.live_bytes == 0);
  return h->sum != 1;
}

// Frame number i of a story: both sides of a connection, then probes, fragments, and a layer or two around each.
static uint32_t hostile_frame(struct prop_rng *r, struct wrapped *w, unsigned i)
{
  static const uint16_t flags[] = {0x002, 0x012, 0x010, 0x018, 0x018, 0x010, 0x011, 0x011,
                                   0x010, 0x004, 0x000, 0x029, 0x003, 0x006, 0x001, 0x03f};
  static uint8_t text[64];
  const bool back = i % 2 != 0;
  struct estab_packet p = wrapped_tcp(prop_one_in(r, 2) ? 4 : 6, flags[i % 16], text,
                                      i % 16 == 3 || i % 16 == 4 ? 1 + prop_below(r, 60) : 0);
  p.tcp.src_port = (uint16_t)(back ? 80 : 40000 + i / 16 % 3);
  p.tcp.dst_port = (uint16_t)(back ? 40000 + i / 16 % 3 : 80 + (i % 16 > 9 ? i % 16 : 0));
  p.tcp.seq = 0xfffffff0u + prop_below(r, 64);
  p.tcp.ack = 0xfffffff0u + prop_below(r, 64);
  if (back) {
    struct estab_ip src = p.src;
    p.src = p.dst;
    p.dst = src;
  }
  if (prop_one_in(r, 12)) {
    p.kind = ESTAB_PACKET_FRAGMENT;
    p.protocol = ESTAB_PROTOCOL_TCP;
    p.payload = text;
    p.payload_bytes = 16;
    p.fragment = (struct estab_fragment){prop_below(r, 3), (uint16_t)(8 * prop_below(r, 4)),
                                         prop_one_in(r, 2)};
  }
  wrapped_packet(w, &p);
  for (unsigned k = prop_one_in(r, 3) ? 1 + prop_below(r, 2) : 0; k > 0; k--)
    wrapped_in_tunnel(w, (enum wrapping)prop_below(r, WRAPPINGS));
  return wrapped_in(w, (enum wrapping)prop_below(r, WRAPPINGS));
}

static bool cut_at_every_byte(struct prop_rng *r)
{
  struct hostile h = {0};
  PROP_CHECK(hostile_open(&h, r));
  for (unsigned i = 0; i < 48; i++) {
    struct wrapped w;
    const uint32_t link = hostile_frame(r, &w, i);
    for (size_t n = 0; n <= w.count; n++, h.ns += 1000)
      PROP_CHECK(hostile_input(&h, link, wrapped_bytes(&w), n, w.count));
    h.ns += prop_below(r, 20) * UINT64_C(1000000000);
  }
  return hostile_close(&h);
}

static bool mutants(struct prop_rng *r)
{
  static const uint32_t links[] = {0, 1, 101, 108, 113, 228, 229, 276, 9, 147};
  struct hostile h = {0};
  PROP_CHECK(hostile_open(&h, r));
  for (unsigned i = 0; i < 200; i++) {
    struct wrapped w;
    uint32_t link = hostile_frame(r, &w, i);
    size_t n = w.count, wire = n;
    for (unsigned k = prop_below(r, 6); k > 0; k--)
      wrapped_bytes(&w)[prop_below(r, (uint32_t)n)] ^= (uint8_t)(1u << prop_below(r, 8));
    if (prop_one_in(r, 8)) n = prop_below(r, (uint32_t)n + 1);
    if (prop_one_in(r, 8)) wire = prop_one_in(r, 2) ? prop_below(r, 1u << 31) : 0;
    if (prop_one_in(r, 16)) link = links[prop_below(r, sizeof links / sizeof *links)];
    h.ns += prop_below(r, 1000000);
    if (prop_one_in(r, 40)) h.ns = prop_u64(r) >> prop_below(r, 32);
    PROP_CHECK(hostile_input(&h, link, wrapped_bytes(&w), n, wire));
  }
  return hostile_close(&h);
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"cut_at_every_byte", cut_at_every_byte, 6}, {"mutants", mutants, 60}, // of 200 frames
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
