// SPDX-License-Identifier: BSD-2-Clause
// fuzz_track.c - segments, time, floods and losses at any ceiling into two observers, of which one has another key and
// is asked for its time between packets: the same records, memory under the ceiling, a row of every life.
#include "fuzz/feed.h"
#include "support/wrapped.h"

#include <estab/watch.h>
#include <estab/wire.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SHORT 48 // octets of a story

struct observer {
  struct fuzz_mem memory;
  struct estab_watch_settings settings;
  estab_watch *watch;
  uint64_t told;           // a hash of all that came out
  uint64_t lives, evicted; // whose row came; which the ceiling took
};

struct story {
  struct feed feed;
  struct observer of[2];
  uint64_t now_ns, packets, burst;
  uint64_t most; // packets of all bursts
};

// ---- What came out

static void tell(struct observer *o, uint64_t value)
{
  o->told = (o->told ^ value) * UINT64_C(0x100000001b3);
  o->told ^= o->told >> 29;
}

static void tell_bytes(struct observer *o, const void *bytes, size_t count)
{
  const uint8_t *p = bytes;
  tell(o, count);
  for (size_t i = 0; i < count; i++)
    tell(o, p[i]);
}

static void tell_text(struct observer *o, const char *text)
{
  tell_bytes(o, text, strlen(text));
}

static void tell_conn(struct observer *o, const struct estab_watch_conn *c, uint64_t packets)
{
  MUST(c->first_packet >= 1 && c->first_packet <= c->last_packet && c->last_packet <= packets);
  // Not rows that continue one, or are told again because a RST proved false.
  o->lives += c->final && !c->again && memcmp(&c->uid, &c->life, sizeof c->uid) == 0;
  o->evicted += c->evicted;
  tell_bytes(o, &c->uid, sizeof c->uid);
  tell_bytes(o, &c->life, sizeof c->life);
  tell_text(o, c->conn_state);
  tell_text(o, c->history);
  tell(o, c->ts_ns);
  tell(o, c->first_packet);
  tell(o, c->last_packet);
  tell(o, c->duration_ns);
  tell(o, c->missed_bytes);
  tell(o, (uint64_t)c->final << 40 | (uint64_t)c->evicted << 32 | (uint64_t)c->capture_loss << 24 |
              (uint64_t)c->opened_by << 16 | (uint64_t)c->closed_by << 8 | c->opened_by_basis);
  tell(o, c->rtt_handshake_ns ^ c->rtt_min_ns << 1 ^ c->rtt_median_ns << 2);
  for (unsigned i = 0; i < 2; i++) {
    const struct estab_watch_side_record *s = &c->side[i];
    tell(o, s->bytes);
    tell(o, s->pkts);
    tell(o, s->ip_bytes);
    tell(o, s->retransmitted_bytes);
    tell(o, s->flags);
    uint64_t before = 0;
    for (uint32_t j = 0; j < s->step_count; j++) {
      MUST(s->steps[j].state < ESTAB_STATES && s->steps[j].packet <= packets);
      MUST(j == 0 || s->steps[j].state != s->steps[j - 1].state);
      tell(o, s->steps[j].ts_ns - before);
      tell(o, s->steps[j].packet << 8 | s->steps[j].state);
      before = s->steps[j].ts_ns;
    }
  }
}

static void tell_alert(struct observer *o, const struct estab_watch_alert *a, uint64_t packets)
{
  MUST(a->kind < ESTAB_WATCH_KINDS && a->first_ns <= a->last_ns && a->confidence <= 100);
  MUST(a->evidence_count <= ESTAB_WATCH_EVIDENCE_MAX && a->probes > 0);
  MUST(a->src_listed <= a->src_count && a->dst_listed <= a->dst_count);
  for (uint32_t i = 0; i < a->evidence_count; i++)
    MUST(a->evidence[i].packet <= packets);
  tell_bytes(o, &a->id, sizeof a->id);
  tell(o,
       (uint64_t)a->kind << 24 | (uint64_t)a->geometry << 16 | (uint64_t)a->role << 8 | a->ended);
  tell(o, a->probes);
  tell(o, a->last_ns);
  tell_text(o, a->summary);
  tell_text(o, a->explanation);
  for (uint32_t i = 0; i < a->src_listed; i++)
    tell_bytes(o, a->src[i].bytes, sizeof a->src[i].bytes);
}

static void pull(struct story *s, struct observer *o)
{
  static struct estab_watch_record r;
  while (estab_watch_next(o->watch, &r)) {
    tell(o, r.type);
    switch (r.type) {
    case ESTAB_WATCH_CONN: tell_conn(o, &r.conn, s->packets); break;
    case ESTAB_WATCH_ALERT: tell_alert(o, &r.alert, s->packets); break;
    case ESTAB_WATCH_AMBIGUITY:
      tell(o, (uint64_t)r.ambiguity.kind << 8 | r.ambiguity.policy);
      tell(o, r.ambiguity.packet);
      tell_text(o, r.ambiguity.chosen);
      tell_text(o, r.ambiguity.other);
      break;
    case ESTAB_WATCH_STREAM:
      tell(o, r.stream.offset << 2 | (uint64_t)r.stream.side << 1 | r.stream.end);
      tell(o, r.stream.gap_bytes);
      tell_bytes(o, r.stream.bytes, r.stream.length);
      break;
    case ESTAB_WATCH_SEGMENT:
      tell(o, (uint64_t)r.segment.marks << 16 | (uint64_t)r.segment.state[0] << 8 |
                  r.segment.state[1]);
      tell(o, r.segment.options->present);
      break;
    }
  }
  MUST(o->memory.strict.live_bytes <= o->settings.max_bytes);
}

// An alert is told as it stands when it is pulled: both stop wherever time alone may bring something.
static void until(struct story *s, struct observer *o, uint64_t now_ns)
{
  for (uint64_t at; (at = estab_watch_deadline(o->watch)) <= now_ns;) {
    estab_watch_advance(o->watch, at);
    pull(s, o);
  }
}

// ---- What goes in

// `more`: of a burst, which one.
static void packet(struct story *s, const uint8_t choice[6], unsigned more)
{
  uint8_t text[64], frame[256];
  const bool back = choice[0] & 1, six = choice[0] & 2;
  const uint8_t host = (uint8_t)((choice[0] >> 2 & 7) + more), port = choice[0] >> 5;
  for (unsigned i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)((choice[2] + i) / 5 & 3);
  struct estab_ip six_net = {{0xfd, [11] = 1}};
  struct estab_ip ends[2] = {estab_ip4(10, 0, (uint8_t)(more >> 8), host), estab_ip4(192, 0, 2, 1)};
  for (unsigned i = 0; six && i < 2; i++) {
    struct estab_ip four = ends[i];
    ends[i] = six_net;
    memcpy(ends[i].bytes + 12, four.bytes + 12, 4);
  }
  const uint16_t ports[2] = {(uint16_t)(40000 + (port & 3)),
                             (uint16_t)(80 + (choice[5] & 64 ? more : port >> 2))};
  const uint32_t length = choice[3] & 31;
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = six ? 6 : 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = (uint8_t)(60 + (choice[5] & 3)),
                           .src = ends[back],
                           .dst = ends[!back],
                           .payload = text,
                           .payload_bytes = length};
  p.tcp = (struct estab_tcp_header){.src_port = ports[back],
                                    .dst_port = ports[!back],
                                    .seq = 0xffffffd0u + choice[2],
                                    .ack = 0xffffffd0u + choice[4],
                                    .flags = choice[1],
                                    .window = choice[5] & 4 ? 0 : (uint16_t)(choice[5] * 7)};
  if (choice[3] & 32) {
    p.tcp.options.present = ESTAB_TCP_OPT_TS;
    p.tcp.options.ts_value = choice[5] >> 3 & 7;
  }
  if (choice[1] & ESTAB_TCP_SYN && choice[5] & 8) {
    p.tcp.options.present |= ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_MSS;
    p.tcp.options.wscale = choice[5] & 15;
    p.tcp.options.mss = 500;
  }
  // Subscribers of one address behind tunnels: whose number, whose acknowledgment, whose TEID.
  const bool tunnel = choice[5] & 128;
  if (tunnel) {
    p.tcp.seq += (uint32_t)(choice[2] >> 6) << 28;
    p.tcp.ack += (uint32_t)(choice[4] >> 6) << 28;
  }
  const int n = estab_packet_emit(&p, frame, sizeof frame);
  MUST(n > 0);
  size_t count = (size_t)n, captured = count;
  if (choice[3] & 64) frame[count - 1] ^= 0x55; // a wrong checksum, or other flags
  if (choice[3] & 128 && count > 44) captured = 44;
  static struct wrapped all;
  all.count = 0;
  wrapped_put(&all, frame, count);
  if (tunnel) wrapped_gtpu(&all, (uint32_t)(choice[2] >> 6) + (choice[4] & 8));
  captured += all.count - count;
  count = all.count;
  uint8_t *exact = malloc(captured);
  MUST(exact != NULL);
  memcpy(exact, wrapped_bytes(&all), captured);
  s->packets++;
  for (unsigned i = 0; i < 2; i++) {
    until(s, &s->of[i], s->now_ns);
    estab_watch_input(s->of[i].watch, 0, ESTAB_LINKTYPE_RAW, exact, captured, count, s->now_ns);
    pull(s, &s->of[i]);
  }
  free(exact);
}

static void time_passes(struct story *s, uint64_t ns)
{
  // The second observer hears of the time before the next packet tells it.
  until(s, &s->of[1], s->now_ns + ns / 2);
  estab_watch_advance(s->of[1].watch, s->now_ns + ns / 2);
  pull(s, &s->of[1]);
  s->now_ns += ns;
}

static void step(struct story *s)
{
  const uint8_t what = feed_u8(&s->feed);
  uint8_t choice[6];
  switch (what >> 5) {
  case 7: // time, and perhaps the capture lost packets in it, or its end was told too early
    for (unsigned i = 0; i < 2 && (what & 31) == 16; i++) {
      until(s, &s->of[i], s->now_ns);
      estab_watch_flush(s->of[i].watch);
      pull(s, &s->of[i]);
    }
    time_passes(s, feed_wait_ns(&s->feed));
    for (unsigned i = 0; i < 2 && what & 1; i++) {
      until(s, &s->of[i], s->now_ns);
      estab_watch_capture_loss(s->of[i].watch, 1 + (what & 14), s->now_ns);
    }
    return;
  case 6: { // many of them, from address to address and perhaps port to port
    for (unsigned i = 0; i < sizeof choice; i++)
      choice[i] = feed_u8(&s->feed);
    unsigned count = 2u << (what & 7);
    for (unsigned i = 0; i < count && s->burst < s->most; i++, s->burst++) {
      s->now_ns += 10000;
      packet(s, choice, i);
    }
    return;
  }
  default:
    for (unsigned i = 0; i < sizeof choice; i++)
      choice[i] = feed_u8(&s->feed);
    s->now_ns += 1 + (what & 31) * UINT64_C(700000); // a uid is made of its row's first nanosecond
    packet(s, choice, 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct story s;
  static const uint32_t ceilings[4] = {4u << 20, 1u << 20, 512u << 10, 256u << 10};
  // Most executions are to go to what a few packets do: a short story has short bursts.
  s = (struct story){.feed = {data, data + size},
                     .now_ns = UINT64_C(1700000000000000000),
                     .most = size > SHORT ? 1500 : 16};
  const uint8_t how = feed_u8(&s.feed);
  for (unsigned i = 0; i < 2; i++) {
    struct observer *o = &s.of[i];
    estab_watch_settings_default(&o->settings);
    o->settings.mem = fuzz_mem_door(&o->memory);
    o->settings.max_bytes = ceilings[how & 3];
    o->settings.rows = how >> 2 & 1;
    o->settings.streams = how >> 3 & 1;
    o->settings.segments = how >> 4 & 1;
    o->settings.detect = !(how & 32);
    o->settings.policy = (how >> 6) % 4;
    memset(o->settings.secret, (int)(i * 77 + 1), sizeof o->settings.secret);
    MUST(estab_watch_new(&o->settings, &o->watch) == ESTAB_OK);
  }
  while (feed_more(&s.feed))
    step(&s);
  for (unsigned i = 0; i < 2; i++) {
    struct observer *o = &s.of[i];
    struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
    until(&s, o, s.now_ns);
    estab_watch_flush(o->watch);
    pull(&s, o);
    estab_watch_stats(o->watch, &stats);
    MUST(stats.flows_open == 0 && stats.packets == s.packets);
    MUST(stats.memory_peak_bytes <= o->settings.max_bytes);
    if (stats.memory_refusals == 0)
      MUST(o->lives == stats.flows && o->evicted == stats.flows_evicted);
    estab_watch_free(o->watch);
    MUST(o->memory.strict.live_bytes == 0);
  }
  MUST(s.of[0].told == s.of[1].told && s.of[0].lives == s.of[1].lives);
  return 0;
}
