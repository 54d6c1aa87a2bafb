// SPDX-License-Identifier: BSD-2-Clause
// watch_kit.c - connections in a few letters for tests of the observer.
#include "support/watch_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/driver.h"
#include "estab/wire.h"
#include "support/wrapped.h"

void watch_kit_init(struct watch_kit *k)
{
  memset(k, 0, sizeof *k);
  estab_watch_settings_default(&k->settings);
  k->settings.mem = estab_system_mem();
  k->settings.max_bytes = 4 << 20;
  k->settings.detect = false;
  k->now_ns = UINT64_C(1700000000) * 1000000000;
  k->version = 4;
  k->ts = -1;
  k->port[0] = 40000;
  k->port[1] = 80;
  k->side[0].nxt = 0xffffff00;
  k->side[1].nxt = 0xfffffff0;
  for (unsigned i = 0; i < sizeof k->text; i++)
    k->text[i] = (uint8_t)('a' + i % 26);
}

void watch_kit_free(struct watch_kit *k)
{
  estab_watch_free(k->w);
  k->w = NULL;
}

static void watch_kit_say(struct watch_kit *k, const char *text)
{
  size_t n = strlen(k->out);
  snprintf(k->out + n, sizeof k->out - n, "%s", text);
}

static void watch_kit_steps(struct watch_kit *k, const struct estab_watch_side_record *s,
                            const char *who)
{
  char text[128];
  snprintf(text, sizeof text, " %s=", who);
  watch_kit_say(k, text);
  for (unsigned i = 0; i < s->step_count; i++) {
    if (s->steps[i].packet)
      snprintf(text, sizeof text, "%s%s@%llu", i ? "," : "",
               estab_state_name((enum estab_state)s->steps[i].state),
               (unsigned long long)s->steps[i].packet);
    else
      snprintf(text, sizeof text, "%s%s@t", i ? "," : "",
               estab_state_name((enum estab_state)s->steps[i].state));
    watch_kit_say(k, text);
  }
}

static void watch_kit_told(struct watch_kit *k, const struct estab_watch_segment *s)
{
  char flags[16], text[128];
  estab_flags_format(s->flags, flags, sizeof flags);
  snprintf(text, sizeof text, "%s %s", s->side ? "r" : "o", flags);
  watch_kit_say(k, text);
  for (unsigned i = 0; i < ESTAB_WATCH_MARKS; i++) {
    if (!(s->marks >> i & 1)) continue;
    watch_kit_say(k, " ");
    watch_kit_say(k, estab_watch_mark_name((enum estab_watch_mark)i));
  }
}

const char *watch_kit_pull(struct watch_kit *k)
{
  struct estab_watch_record r;
  char text[256];
  while (k->w && estab_watch_next(k->w, &r)) {
    if (k->out[0]) watch_kit_say(k, "\n");
    switch (r.type) {
    case ESTAB_WATCH_CONN:
      k->rows++;
      snprintf(text, sizeof text, "%s %s", r.conn.conn_state, r.conn.history);
      watch_kit_say(k, text);
      watch_kit_steps(k, &r.conn.side[0], "o");
      watch_kit_steps(k, &r.conn.side[1], "r");
      break;
    case ESTAB_WATCH_ALERT:
      k->alerts++;
      snprintf(text, sizeof text, "alert %s", estab_watch_kind_name(r.alert.kind));
      watch_kit_say(k, text);
      break;
    case ESTAB_WATCH_AMBIGUITY:
      k->ambiguities++;
      snprintf(text, sizeof text, "ambiguity %s", estab_watch_ambiguity_name(r.ambiguity.kind));
      watch_kit_say(k, text);
      break;
    case ESTAB_WATCH_STREAM:
      snprintf(text, sizeof text, "stream %s %llu%s%.0llu %.*s%s", r.stream.side ? "r" : "o",
               (unsigned long long)r.stream.offset, r.stream.gap_bytes ? " gap " : "",
               (unsigned long long)r.stream.gap_bytes, (int)r.stream.length,
               (const char *)r.stream.bytes, r.stream.end ? " end" : "");
      watch_kit_say(k, text);
      break;
    case ESTAB_WATCH_SEGMENT: watch_kit_told(k, &r.segment); break;
    }
  }
  return k->out;
}

const char *watch_kit_flush(struct watch_kit *k)
{
  watch_kit_pull(k);
  if (k->w) estab_watch_flush(k->w);
  return watch_kit_pull(k);
}

// As a device is handed a segment that it shall sum up: the pseudo-header's part alone.
static void watch_kit_offload(const struct watch_kit *k, uint8_t *frame, size_t bytes)
{
  size_t header = k->version == 4 ? 20 : 40, ip = k->version == 4 ? 12 : 8;
  uint32_t sum = ESTAB_PROTOCOL_TCP + (uint32_t)(bytes - header);
  for (size_t i = ip; i < header; i += 2)
    sum += (uint32_t)frame[i] << 8 | frame[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  frame[header + ESTAB_TCP_CHECKSUM_OFFSET] = (uint8_t)(sum >> 8);
  frame[header + ESTAB_TCP_CHECKSUM_OFFSET + 1] = (uint8_t)sum;
}

void watch_kit_frame(struct watch_kit *k, unsigned from, uint16_t flags, uint32_t seq, uint32_t ack,
                     uint16_t window, const void *text, size_t text_bytes, bool bad)
{
  if (!k->w && estab_watch_new(&k->settings, &k->w) != 0) abort();
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = (uint8_t)k->version,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = k->ttl ? k->ttl : 64,
                           .dont_fragment = true,
                           .payload = text,
                           .payload_bytes = text_bytes};
  struct estab_ip ip[2] = {estab_ip4(192, 0, 2, 1), estab_ip4(198, 51, 100, 2)};
  if (k->version == 6) {
    estab_ip_parse("2001:db8::1", &ip[0]);
    estab_ip_parse("2001:db8:1::2", &ip[1]);
  }
  p.src = ip[from];
  p.dst = ip[1 - from];
  p.tcp = (struct estab_tcp_header){.src_port = k->port[from],
                                    .dst_port = k->port[1 - from],
                                    .seq = seq,
                                    .ack = ack,
                                    .flags = flags,
                                    .window = window};
  if (k->ts >= 0) {
    p.tcp.options.present |= ESTAB_TCP_OPT_TS;
    p.tcp.options.ts_value = (uint32_t)k->ts;
  }
  static uint8_t frame[4096];
  int n = estab_packet_emit(&p, frame, sizeof frame);
  if (n < 0) abort();
  size_t header = k->version == 4 ? 20 : 40;
  if (bad) frame[header + ESTAB_TCP_CHECKSUM_OFFSET] ^= 0x55;
  if (k->offloaded) watch_kit_offload(k, frame, (size_t)n);
  size_t captured = (size_t)n - (k->cut ? text_bytes : 0);
  if (k->cut && !text_bytes) captured = header + 20;
  static struct wrapped all;
  all.count = 0;
  wrapped_put(&all, frame, (size_t)n);
  if (k->ipip) wrapped_in_tunnel(&all, WRAPPING_IPIP);
  if (k->teid[from]) wrapped_gtpu(&all, k->teid[from]);
  if (!k->no_frames)
    estab_watch_input(k->w, 0, ESTAB_LINKTYPE_RAW, wrapped_bytes(&all),
                      all.count - (size_t)n + captured, all.count, k->now_ns);
  if (!k->still) k->now_ns += 1000000;
  if (!k->split_reads) watch_kit_pull(k);
}

static uint16_t watch_kit_flag(char c)
{
  switch (c | 0x20) {
  case 's': return ESTAB_TCP_SYN;
  case 'a': return ESTAB_TCP_ACK;
  case 'f': return ESTAB_TCP_FIN;
  case 'r': return ESTAB_TCP_RST;
  case 'p': return ESTAB_TCP_PSH;
  case 'u': return ESTAB_TCP_URG;
  default: return 0;
  }
}

static void watch_kit_segment(struct watch_kit *k, const char *at, const char *end)
{
  bool again = *at == '-', lost = false, bad = false, other = false;
  if (again) {
    at++;
    k->now_ns += 200000000; // sooner, it would be taken for the tap's own copy
  }
  unsigned from = *at >= 'a' && *at <= 'z';
  uint16_t flags = 0, window = 1000;
  for (; at < end && strchr("SAFRPUNsafrpun", *at); at++)
    flags |= watch_kit_flag(*at);
  size_t text = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++)
    text = text * 10 + (size_t)(*at - '0');
  long seq_more = 0, ack_more = 0;
  while (at < end) {
    char c = *at++, *stop = NULL;
    if (c == '+' || c == '-') seq_more = (c == '-' ? -1 : 1) * strtol(at, &stop, 10);
    if (c == '#') ack_more = strtol(at, &stop, 10);
    if (c == 'w') window = (uint16_t)strtol(at, &stop, 10);
    if (c == 't') k->ts = strtol(at, &stop, 10);
    if (c == 'h') k->ttl = (uint8_t)strtol(at, &stop, 10);
    if (c == 'y') other = true;
    if (c == 'c') k->cut = true;
    if (c == 'o') k->offloaded = true;
    if (c == 'x') lost = true;
    if (c == '!') bad = true;
    if (stop) at = stop;
  }
  struct watch_kit_side *s = &k->side[from], *peer = &k->side[1 - from];
  uint32_t seq = (again ? s->last : s->nxt) + (uint32_t)seq_more;
  uint32_t takes =
      (uint32_t)text + (flags & ESTAB_TCP_SYN ? 1u : 0u) + (flags & ESTAB_TCP_FIN ? 1u : 0u);
  uint32_t ack = flags & ESTAB_TCP_ACK ? s->got + (uint32_t)ack_more : 0;
  const uint8_t *octets = k->text + ((seq & 1023) + (other ? 7 : 0)) % 26;
  watch_kit_frame(k, from, flags, seq, ack, window, octets, text, bad);
  k->ts = -1;
  k->ttl = 0;
  k->cut = k->offloaded = false;
  if (takes) s->last = seq;
  if (takes && (int32_t)(seq + takes - s->nxt) > 0) s->nxt = seq + takes;
  if (lost || bad || !takes) return;
  if (!peer->acks || seq == peer->got || (flags & ESTAB_TCP_SYN)) {
    peer->got = seq + takes;
    peer->acks = true;
  } else if ((int32_t)(peer->got - seq) >= 0 && (int32_t)(seq + takes - peer->got) > 0)
    peer->got = seq + takes;
}

void watch_kit_run(struct watch_kit *k, const char *tokens)
{
  for (const char *at = tokens; *at;) {
    size_t n = strcspn(at, " ");
    if (*at == '@')
      k->now_ns += (uint64_t)(strtod(at + 1, NULL) * 1e9);
    else if (*at == '=') {
      k->side[0].nxt = (uint32_t)strtoul(at + 1, NULL, 10);
      k->side[1].nxt = k->side[0].nxt + 1000;
    } else if (*at == '~')
      k->side[0].nxt += 100000;
    else if (n)
      watch_kit_segment(k, at, at + n);
    at += n;
    while (*at == ' ')
      at++;
  }
}
