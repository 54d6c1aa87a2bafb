// SPDX-License-Identifier: BSD-2-Clause
// estab_link.c - two estab stacks with a link in memory between them.

#include "estab_link.h"
#include "inproc.h"

#include <stdlib.h>
#include <string.h>

enum {
  PACKET_ROOM_BYTES = 1536,
  SUPER_BYTES = 65535 - 60,
  NETIF = 1, // the first that a stack hands out
  MANY = 1000000,
};

struct end ends[2];
uint64_t link_now_ns = 1000000000;
uint64_t estab_link_packets;

static enum link_kind link_kind;
static estab_stack *stacks[2]; // those of both ends
static struct estab_frame out_frames[BATCH_FRAMES], in_frames[BATCH_FRAMES];
static uint8_t packets[BATCH_FRAMES][PACKET_ROOM_BYTES];

void refused(int answer, const char *call)
{
  fail("estab: %s: %s", call, estab_strerror(answer));
}

static void *door(void *ctx, void *p, size_t old_bytes, size_t new_bytes, enum estab_mem_kind kind)
{
  struct end *end = ctx;
  (void)kind;
  if (new_bytes == 0) {
    free(p);
    end->door_bytes -= old_bytes;
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) end->door_bytes += new_bytes - old_bytes;
  return q;
}

// What every frame that comes in has alike.
static void in_frames_init(void)
{
  for (int i = 0; i < BATCH_FRAMES; i++) {
    in_frames[i].struct_bytes = sizeof in_frames[i];
    in_frames[i].netif = NETIF;
    in_frames[i].piece_count = 1;
    in_frames[i].pieces[0].bytes = packets[i];
    in_frames[i].checksum = BENCH_CHECKSUMS ? ESTAB_CHECKSUM_UNKNOWN : ESTAB_CHECKSUM_VALID;
  }
}

static void end_open(struct end *end, int index, bool nagle, uint32_t max_time_wait)
{
  struct estab_settings settings;
  struct estab_netif_settings netif;
  estab_settings_default(&settings);
  settings.mem = (struct estab_mem){end, door};
  memset(settings.secret, 0x5a + index, sizeof settings.secret);
  settings.max_bytes = 0;
  settings.max_connections = MANY;
  settings.max_half_open = MANY;
  settings.max_time_wait = max_time_wait;
  settings.send_buffer_bytes = BENCH_WINDOW_BYTES;
  settings.send_buffer_max_bytes = BENCH_WINDOW_BYTES;
  settings.recv_buffer_bytes = BENCH_WINDOW_BYTES;
  settings.recv_buffer_max_bytes = BENCH_WINDOW_BYTES;
  settings.nagle = nagle;
  settings.timestamps = false; // as in lwIP here: a full segment carries 1460 bytes
  settings.half_open_timeout_ns = 600000000000u;
  settings.port_first = CLIENT_PORT_FIRST;
  settings.port_last = 65535;
  must(estab_stack_new(&settings, link_now_ns, &end->stack), "estab_stack_new");
  stacks[index] = end->stack;

  estab_netif_settings_default(&netif);
  netif.link = ESTAB_LINK_RAW;
  netif.mtu = MTU_BYTES;
  netif.checksum_trusted = netif.checksum_none = !BENCH_CHECKSUMS; // as lwIP's, IPv4 headers too
  netif.checksum_offload = link_kind == LINK_SUPER || !BENCH_CHECKSUMS;
  netif.gso_max_bytes = link_kind == LINK_SUPER ? SUPER_BYTES : 0;
  if (must(estab_netif_add(end->stack, &netif), "estab_netif_add") != NETIF)
    fail("estab: the first interface is not number %d", NETIF);
  end->ip4 = estab_ip4(10, 0, 0, (uint8_t)(index + 1));
  end->ip6 = (struct estab_ip){{0xfd, [15] = (uint8_t)(index + 1)}};
  must(estab_address_add(end->stack, NETIF, &end->ip4, 24), "estab_address_add");
  must(estab_address_add(end->stack, NETIF, &end->ip6, 64), "estab_address_add");
}

void estab_link_open(enum link_kind kind, bool nagle, uint32_t max_time_wait)
{
  link_kind = kind;
  in_frames_init();
  for (int i = 0; i < 2; i++)
    end_open(&ends[i], i, nagle, max_time_wait);
}

void estab_link_close(void)
{
  for (int i = 0; i < 2; i++) {
    estab_stack_free(ends[i].stack);
    if (ends[i].door_bytes != 0) fail("estab: %zu bytes were not given back", ends[i].door_bytes);
  }
}

// Nothing may be lost on this link: says what was.
static void dropped(estab_stack *s)
{
  for (int drop = ESTAB_DROP_NONE + 1; drop < ESTAB_DROPS; drop++)
    if (estab_drop_count(s, (enum estab_drop)drop) > 0)
      fail("estab: a packet was dropped: %s", estab_drop_name((enum estab_drop)drop));
  fail("estab: a packet was dropped");
}

// Everything as it lies.
static void pass_super(const struct estab_frame *out, struct estab_frame *in)
{
  bool unfinished = out->checksum == ESTAB_CHECKSUM_PARTIAL;
  in->checksum = unfinished ? ESTAB_CHECKSUM_VALID : ESTAB_CHECKSUM_UNKNOWN;
  in->gso_type = out->gso_type;
  in->gso_bytes = out->gso_bytes;
  in->segments = out->segments;
  in->piece_count = out->piece_count;
  memcpy(in->pieces, out->pieces, out->piece_count * sizeof *in->pieces);
  estab_link_packets += out->segments > 1 ? out->segments - 1u : 0;
}

static void copy_piece(const struct estab_piece *piece, uint8_t *room, size_t used)
{
  if (piece->length > PACKET_ROOM_BYTES - used) fail("estab: a packet longer than the link's MTU");
  memcpy(room + used, piece->bytes, piece->length);
}

// Text behind the headers.
static __attribute__((noinline)) size_t copy_rest(const struct estab_frame *f, uint8_t *room)
{
  size_t used = f->pieces[0].length;
  for (unsigned i = 1; i < f->piece_count; used += f->pieces[i++].length)
    copy_piece(&f->pieces[i], room, used);
  return used;
}

// A copy in one piece. Answers its length.
static inline size_t copy_packet(const struct estab_frame *f, uint8_t *room)
{
  copy_piece(&f->pieces[0], room, 0);
  return f->piece_count > 1 ? copy_rest(f, room) : f->pieces[0].length;
}

// The frames themselves: their pieces must live until they were taken in.
static __attribute__((noinline)) bool carry_super(int from)
{
  estab_stack *sender = ends[from].stack, *receiver = ends[!from].stack;
  const int n = estab_stack_output(sender, link_now_ns, out_frames, BATCH_FRAMES);
  if (n <= 0) return false;
  for (int i = 0; i < n; i++)
    pass_super(&out_frames[i], &in_frames[i]);
  if (estab_stack_input(receiver, link_now_ns, in_frames, (unsigned)n) != n) dropped(receiver);
  estab_stack_output_done(sender, (unsigned)n, link_now_ns);
  return true;
}

bool estab_link_carry(int from)
{
  if (link_kind == LINK_SUPER) return carry_super(from);
  estab_stack *const sender = stacks[from];
  const int n = estab_stack_output(sender, link_now_ns, out_frames, BATCH_FRAMES);
  if (n <= 0) return false;
  for (int i = 0; i < n; i++)
    in_frames[i].pieces[0].length = copy_packet(&out_frames[i], packets[i]);
  estab_link_packets += (unsigned)n;
  estab_stack_output_done(sender, (unsigned)n, link_now_ns);
  estab_stack *const receiver = stacks[1 - from];
  if (estab_stack_input(receiver, link_now_ns, in_frames, (unsigned)n) != n) dropped(receiver);
  return true;
}

void estab_link_discard(int from)
{
  int n = estab_stack_output(ends[from].stack, link_now_ns, out_frames, BATCH_FRAMES);
  estab_stack_output_done(ends[from].stack, (unsigned)n, link_now_ns);
}

void estab_link_advance(uint64_t ns)
{
  link_now_ns += ns;
  for (int i = 0; i < 2; i++)
    if (estab_stack_deadline(ends[i].stack) <= link_now_ns)
      estab_stack_handle_deadline(ends[i].stack, link_now_ns);
}
