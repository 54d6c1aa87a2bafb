// SPDX-License-Identifier: BSD-2-Clause
// watch_story.c - random segments between a few hosts, records pulled late or in part, memory refused from any moment
// on: the observer stays whole and gives everything back.
#include "estab/watch.h"
#include "estab/wire.h"
#include "support/prop.h"

#define STORY_PACKETS 400

static uint16_t story_flags(struct prop_rng *r)
{
  static const uint16_t flags[] = {
      ESTAB_TCP_SYN,
      ESTAB_TCP_SYN | ESTAB_TCP_ACK,
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK | ESTAB_TCP_PSH,
      ESTAB_TCP_FIN | ESTAB_TCP_ACK,
      ESTAB_TCP_RST,
      ESTAB_TCP_RST | ESTAB_TCP_ACK,
      0,
      ESTAB_TCP_FIN,
      ESTAB_TCP_FIN | ESTAB_TCP_PSH | ESTAB_TCP_URG,
      ESTAB_TCP_SYN | ESTAB_TCP_FIN,
  };
  return flags[prop_below(r, sizeof flags / sizeof *flags)];
}

// Small numbers, so that segments meet: overlaps, repetitions, the same tuples again.
static size_t story_packet(struct prop_rng *r, uint32_t hosts, uint8_t *out, size_t room)
{
  uint8_t text[64];
  bool back = prop_one_in(r, 2);
  struct estab_ip ends[2] = {estab_ip4(10, 0, 0, (uint8_t)prop_below(r, hosts)),
                             estab_ip4(192, 168, 0, 1)};
  uint16_t ports[2] = {(uint16_t)(1000 + prop_below(r, 12)), (uint16_t)(80 + prop_below(r, 3))};
  for (unsigned i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)prop_below(r, 4);
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = (uint8_t)(60 + prop_below(r, 6)),
                           .src = ends[back],
                           .dst = ends[!back],
                           .payload = text,
                           .payload_bytes = prop_one_in(r, 3) ? 0 : prop_below(r, 40)};
  p.tcp = (struct estab_tcp_header){.src_port = ports[back],
                                    .dst_port = ports[!back],
                                    .seq = 0xffffffd0u + prop_below(r, 100),
                                    .ack = 0xffffffd0u + prop_below(r, 100),
                                    .flags = story_flags(r),
                                    .window = (uint16_t)prop_below(r, 200),
                                    .urgent = (uint16_t)prop_below(r, 4)};
  if (prop_one_in(r, 2)) {
    p.tcp.options.present = ESTAB_TCP_OPT_TS;
    p.tcp.options.ts_value = prop_below(r, 5);
  }
  int n = estab_packet_emit(&p, out, room);
  return n > 0 ? (size_t)n : 0;
}

// Reads what the record points to: a sanitizer sees what is not there any more.
static uint32_t story_read(const struct estab_watch_record *record)
{
  uint32_t sum = (uint32_t)record->type;
  if (record->type == ESTAB_WATCH_STREAM)
    for (size_t i = 0; i < record->stream.length; i++)
      sum += record->stream.bytes[i];
  if (record->type == ESTAB_WATCH_SEGMENT)
    sum += record->segment.options->present + record->segment.marks + record->segment.state[0];
  if (record->type == ESTAB_WATCH_CONN)
    for (unsigned side = 0; side < 2; side++)
      for (uint32_t i = 0; i < record->conn.side[side].step_count; i++)
        sum += record->conn.side[side].steps[i].state;
  if (record->type == ESTAB_WATCH_ALERT) {
    for (uint32_t i = 0; i < record->alert.src_listed; i++)
      sum += record->alert.src[i].bytes[15];
    for (uint32_t i = 0; i < record->alert.dst_listed; i++)
      sum += record->alert.dst[i].bytes[15];
    sum += (uint8_t)record->alert.summary[0] + (uint8_t)record->alert.explanation[0];
  }
  return sum;
}

// Tells a story with memory refused from the `fail_after`th request on. False: something was left behind.
static bool story(struct prop_rng *r, uint64_t fail_after)
{
  struct prop_mem mem;
  struct estab_watch_settings settings;
  struct estab_watch_record record;
  estab_watch *w = NULL;
  uint8_t bytes[256];
  uint32_t hosts = 1 + prop_below(r, 40), sum = 0;
  uint64_t ns = UINT64_C(1700000000000000000);
  estab_watch_settings_default(&settings);
  settings.mem = prop_mem_door(&mem);
  settings.streams = prop_one_in(r, 2);
  settings.rows = (uint8_t)prop_below(r, 2);
  settings.segments = prop_one_in(r, 2);
  settings.max_bytes = (4 + prop_below(r, 8)) << 20;
  mem.fail_after = fail_after;
  if (estab_watch_new(&settings, &w) < 0) {
    PROP_CHECK(mem.live_pieces == 0);
    return true;
  }
  for (unsigned i = 0; i < STORY_PACKETS; i++) {
    size_t n = story_packet(r, hosts, bytes, sizeof bytes);
    ns += prop_one_in(r, 10) ? prop_below(r, 400) * UINT64_C(1000000000) : prop_below(r, 2000000);
    if (prop_one_in(r, 50)) estab_watch_advance(w, ns - 1);
    if (prop_one_in(r, 200)) estab_watch_capture_loss(w, 3, ns);
    uint8_t *exact = malloc(n); // a block of its exact size
    if (exact == NULL) abort();
    memcpy(exact, bytes, n);
    estab_watch_input(w, 0, ESTAB_LINKTYPE_RAW, exact, n, n, ns);
    for (uint32_t pull = prop_below(r, 8); pull > 0 && estab_watch_next(w, &record); pull--)
      sum += story_read(&record);
    free(exact);
  }
  estab_watch_flush(w);
  while (estab_watch_next(w, &record))
    sum += story_read(&record);
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(w, &stats);
  PROP_CHECK(stats.flows_open == 0);
  PROP_CHECK(stats.memory_peak_bytes <= settings.max_bytes);
  estab_watch_free(w);
  PROP_CHECK(mem.live_pieces == 0 && mem.live_bytes == 0);
  return sum != 1; // keeps the reading
}

static bool stories(struct prop_rng *r)
{
  return story(r, UINT64_MAX);
}

static bool stories_without_memory(struct prop_rng *r)
{
  return story(r, prop_below(r, 400));
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"stories", stories, 20},
                                      {"stories_without_memory", stories_without_memory, 120}};
  return prop_main(argc, argv, props, 2);
}
