// SPDX-License-Identifier: BSD-2-Clause
// kit.c - one stack and a peer made of templates, see kit.h.
#include "support/kit.h"

#include <stdarg.h>
#include <time.h>

// ---- Memory

static void *kit_mem_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                            enum estab_mem_kind kind)
{
  struct kit_mem *m = ctx;
  if (new_bytes > old_bytes) {
    m->asked++;
    if (m->fail_at && m->asked >= m->fail_at && m->asked - m->fail_at < m->fail_count) {
      m->refused++;
      return NULL;
    }
  }
  return prop_mem_resize(&m->strict, p, old_bytes, new_bytes, kind);
}

struct estab_mem kit_mem_door(struct kit_mem *m)
{
  *m = (struct kit_mem){0};
  (void)prop_mem_door(&m->strict);
  return (struct estab_mem){m, kit_mem_resize};
}

// ---- The host

static void must(bool holds, const char *what)
{
  if (holds) return;
  printf("kit: %s\n", what);
  fflush(stdout);
  abort();
}

void kit_init(struct kit *k, bool ip6, void (*change)(struct estab_settings *settings))
{
  memset(k, 0, sizeof *k);
  k->ip6 = ip6;
  estab_settings_default(&k->settings);
  k->settings.mem = kit_mem_door(&k->mem);
  memset(k->settings.secret, 7, sizeof k->settings.secret);
  if (change) change(&k->settings);
  must(estab_stack_new(&k->settings, 0, &k->s) == ESTAB_OK, "no stack");
  struct estab_netif_settings link;
  estab_netif_settings_default(&link);
  must(estab_netif_add(k->s, &link) == 1, "no interface");
  struct estab_ip *us = &k->tuple.local, *peer = &k->tuple.remote;
  *us = estab_ip4(192, 0, 2, 1);
  *peer = estab_ip4(192, 0, 2, 2);
  if (ip6)
    must(!estab_ip_parse("2001:db8::1", us) && !estab_ip_parse("2001:db8::2", peer), "addresses");
  must(estab_address_add(k->s, 1, us, ip6 ? 64 : 24) == ESTAB_OK, "no address");
  k->tuple.local_port = 80;
  k->tuple.remote_port = 50000;
  // RFC 6528: M + F(tuple), M counts 4 us: there is a time at which it is 2^32 - 10.
  uint32_t start = UINT32_C(0xfffffff6) - isn_generate(isn_hash(&k->s->tcp, &k->tuple), 0);
  k->now_ns = (uint64_t)start * 4000u;
  k->s->now_ns = k->now_ns;
  k->irs = UINT32_C(0xfffffff0);
  k->ts_ms = UINT32_C(0xffffff00);
}

bool kit_end(struct kit *k)
{
  estab_stack_free(k->s);
  k->s = NULL;
  if (k->mem.strict.live_bytes == 0) return true;
  kit_say(k, "%llu bytes in %llu pieces were not given back",
          (unsigned long long)k->mem.strict.live_bytes,
          (unsigned long long)k->mem.strict.live_pieces);
  return false;
}

void kit_say(struct kit *k, const char *format, ...)
{
  size_t room = sizeof k->log - k->log_bytes;
  if (room < 300) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(k->log + k->log_bytes, room, format, args);
  va_end(args);
  if (n < 0 || (size_t)n + 2 > room) return;
  k->log_bytes += (size_t)n;
  k->log[k->log_bytes++] = '\n';
  k->log[k->log_bytes] = 0;
}

uint8_t kit_peer_octet(uint32_t i)
{
  return (uint8_t)(i * 7 + i / 251 + 1);
}

uint8_t kit_user_octet(uint32_t i)
{
  return (uint8_t)(i * 11 + i / 253 + 3);
}

// ---- Segments

static void say_segment(struct kit *k, char direction, const struct estab_tcp_header *h,
                        uint32_t text_bytes)
{
  if (k->quiet) return;
  char text[400];
  bool in = direction == '<';
  struct estab_format_options how = {.seq_base = in ? k->irs : k->iss,
                                     .ack_base = in ? k->iss : k->irs};
  estab_tcp_format(h, text_bytes, &how, text, sizeof text);
  kit_say(k, "%10.3f %c %s", (double)(k->now_ns / 1000u) / 1e6, direction, text);
}

void kit_inject_raw(struct kit *k, const struct estab_tcp_header *h, const uint8_t *text,
                    uint32_t text_bytes)
{
  struct estab_packet p = {
      .kind = ESTAB_PACKET_TCP,
      .version = k->ip6 ? 6 : 4,
      .protocol = ESTAB_PROTOCOL_TCP,
      .ttl = 64,
      .src = k->tuple.remote,
      .dst = k->tuple.local,
      .payload = text,
      .payload_bytes = text_bytes,
      .tcp = *h,
  };
  uint8_t room[2048];
  int n = estab_packet_emit(&p, room, sizeof room);
  must(n > 0, "a packet that cannot be written");
  uint8_t *exact = malloc((size_t)n);
  must(exact != NULL, "no memory for a frame");
  memcpy(exact, room, (size_t)n);
  struct estab_frame f = {.struct_bytes = sizeof f, .netif = 1, .piece_count = 1};
  f.pieces[0] = (struct estab_piece){.bytes = exact, .length = (size_t)n};
  say_segment(k, '<', h, text_bytes);
  estab_stack_input(k->s, k->now_ns, &f, 1);
  free(exact);
}

void kit_inject(struct kit *k, const struct kit_in *in)
{
  struct estab_tcp_header h = {
      .src_port = k->tuple.remote_port,
      .dst_port = k->tuple.local_port,
      .seq = in->seq,
      .ack = (in->flags & ESTAB_TCP_ACK) ? in->ack : 0,
      .flags = in->flags,
      .window = (uint16_t)(in->window_zero ? 0
                           : in->window    ? in->window
                           : k->no_options ? 65000
                                           : 512),
      .urgent = in->urgent,
  };
  struct estab_tcp_options *o = &h.options;
  if (in->flags & ESTAB_TCP_SYN) {
    o->present = ESTAB_TCP_OPT_MSS;
    o->mss = k->ip6 ? 1440 : 1460;
    if (!k->no_options) {
      o->present |= ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED;
      o->wscale = 7;
      h.window = 64000;
    }
  }
  if (in->ts != KIT_TS_NONE && !k->no_options) {
    o->present |= ESTAB_TCP_OPT_TS;
    const struct seg_state *t = kit_seg(k);
    o->ts_value = in->ts == KIT_TS_OLD && t ? t->ts_recent - 1 : k->ts_ms;
    o->ts_echo = (in->flags & ESTAB_TCP_ACK) ? k->ts_echo : 0;
  }
  if (in->sack_count > 0) {
    o->present |= ESTAB_TCP_OPT_SACK;
    o->sack_count = in->sack_count;
    memcpy(o->sack, in->sack, in->sack_count * sizeof *in->sack);
  }
  uint8_t text[1500];
  must(in->text_bytes <= sizeof text, "text is too long");
  uint32_t first = in->seq + ((in->flags & ESTAB_TCP_SYN) ? 1u : 0u) - (k->irs + 1);
  for (uint32_t i = 0; i < in->text_bytes; i++)
    text[i] = kit_peer_octet(first + i);
  kit_inject_raw(k, &h, text, in->text_bytes);
}

uint64_t kit_cpu_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// What the peer learns from a segment of the stack.
static void peer_takes(struct kit *k, const struct estab_packet *p)
{
  const struct estab_tcp_header *h = &p->tcp;
  if (h->options.present & ESTAB_TCP_OPT_TS) k->ts_echo = h->options.ts_value;
  if (h->flags & ESTAB_TCP_RST) {
    k->peer_got_rst = true;
    return;
  }
  if (h->flags & ESTAB_TCP_SYN) {
    if (k->peer_rcv_nxt == 0) k->peer_rcv_nxt = h->seq + 1;
    k->iss = h->seq;
  }
  if ((h->flags & ESTAB_TCP_ACK) && seq_gt(h->ack, k->peer_una)) k->peer_una = h->ack;
  uint32_t seq = h->seq + ((h->flags & ESTAB_TCP_SYN) ? 1u : 0u);
  for (uint32_t i = 0; i < p->payload_bytes; i++, seq++) {
    if (p->payload[i] != kit_user_octet(seq - (k->iss + 1))) k->wrong_octet = true;
    if (seq == k->peer_rcv_nxt) k->peer_rcv_nxt++;
  }
  if ((h->flags & ESTAB_TCP_FIN) && seq == k->peer_rcv_nxt) {
    k->peer_got_fin = true;
    k->peer_rcv_nxt++;
  }
}

static void take_frame(struct kit *k, const struct estab_frame *f)
{
  uint8_t bytes[4096];
  size_t n = 0;
  for (unsigned i = 0; i < f->piece_count; i++) {
    must(n + f->pieces[i].length <= sizeof bytes, "a frame longer than the MTU");
    memcpy(bytes + n, f->pieces[i].bytes, f->pieces[i].length);
    n += f->pieces[i].length;
  }
  struct estab_packet p;
  int r = estab_packet_parse(ESTAB_LINK_RAW, bytes, n, false, &p);
  if (r < 0 || p.kind != ESTAB_PACKET_TCP) {
    k->bad_frames++;
    kit_say(k, "a frame that is no TCP: %s", r < 0 ? estab_drop_name((enum estab_drop) - r) : "");
    return;
  }
  peer_takes(k, &p);
  say_segment(k, '>', &p.tcp, (uint32_t)p.payload_bytes);
  if (k->outs < KIT_OUTS) k->out[k->outs++] = (struct kit_out){p.tcp, (uint32_t)p.payload_bytes};
}

unsigned kit_drain(struct kit *k)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  unsigned all = 0;
  for (int n; (n = estab_stack_output(k->s, k->now_ns, frames, ESTAB_OUTPUT_MAX)) > 0;) {
    for (int i = 0; i < n; i++)
      take_frame(k, &frames[i]);
    estab_stack_output_done(k->s, (unsigned)n, k->now_ns);
    all += (unsigned)n;
    must(all < 10000000, "the stack never stops sending");
  }
  estab_stack_output_done(k->s, 0, k->now_ns);
  return all;
}

void kit_clear(struct kit *k)
{
  k->outs = 0;
  memset(k->s->drops, 0, sizeof k->s->drops);
}

void kit_advance(struct kit *k, uint64_t ns)
{
  uint64_t until = k->now_ns + ns;
  for (;;) {
    uint64_t next = estab_stack_deadline(k->s);
    if (next > until) break;
    if (next > k->now_ns) {
      k->ts_ms += (uint32_t)(next / 1000000u - k->now_ns / 1000000u);
      k->now_ns = next;
    }
    estab_stack_handle_deadline(k->s, k->now_ns);
    kit_drain(k);
  }
  k->ts_ms += (uint32_t)(until / 1000000u - k->now_ns / 1000000u);
  k->now_ns = until;
  estab_stack_handle_deadline(k->s, k->now_ns);
  kit_drain(k);
}

// ---- Looking inside

struct seg_state *kit_seg(struct kit *k)
{
  uint32_t tagged = demux_find(k->s, &k->tuple), index = tagged & TAG_INDEX;
  switch (tagged & TAG_KIND) {
  case TAG_FULL: return &stack_conn(k->s, index)->seg;
  case TAG_HALF: return slab_at(&k->s->halves, index);
  case TAG_THIRD: return slab_at(&k->s->waits, index);
  default: return NULL;
  }
}

enum estab_state kit_state(struct kit *k)
{
  const struct seg_state *t = kit_seg(k);
  if (t) return (enum estab_state)t->state;
  if (k->conn) return ESTAB_CLOSED;
  return k->listener ? ESTAB_LISTEN : ESTAB_CLOSED;
}

const char *kit_dropped(struct kit *k)
{
  const char *name = "";
  for (unsigned i = 1; i < ESTAB_DROPS; i++) {
    if (k->s->drops[i] == 0) continue;
    if (*name || k->s->drops[i] > 1) return "several";
    name = estab_drop_name((enum estab_drop)i);
  }
  return name;
}
