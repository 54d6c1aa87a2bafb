// SPDX-License-Identifier: BSD-2-Clause
// two.c - two stacks and the wire between them, see two.h.
#include "support/two.h"

void two_init(struct two *t, bool ip6, void (*change)(struct estab_settings *settings))
{
  *t = (struct two){.digest = UINT64_C(0xcbf29ce484222325)};
  t->ip[0] = estab_ip4(192, 0, 2, 1);
  t->ip[1] = estab_ip4(192, 0, 2, 2);
  if (ip6 && (estab_ip_parse("2001:db8::1", &t->ip[0]) || estab_ip_parse("2001:db8::2", &t->ip[1])))
    abort();
  for (unsigned i = 0; i < 2; i++) {
    estab_settings_default(&t->settings);
    memset(t->settings.secret, (int)i + 1, sizeof t->settings.secret);
    if (change) change(&t->settings);
    t->settings.mem = kit_mem_door(&t->mem[i]);
    struct estab_netif_settings link;
    estab_netif_settings_default(&link);
    if (estab_stack_new(&t->settings, 0, &t->s[i]) < 0 || estab_netif_add(t->s[i], &link) != 1 ||
        estab_address_add(t->s[i], 1, &t->ip[i], ip6 ? 64 : 24) < 0)
      abort();
  }
}

bool two_end(struct two *t)
{
  bool clean = true;
  for (unsigned i = 0; i < 2; i++) {
    estab_stack_free(t->s[i]);
    if (t->mem[i].strict.live_bytes == 0 && t->mem[i].strict.live_pieces == 0) continue;
    printf("stack %u: %llu bytes were not given back\n", i,
           (unsigned long long)t->mem[i].strict.live_bytes);
    clean = false;
  }
  return clean;
}

static void digest(struct two *t, const void *bytes, size_t n)
{
  const uint8_t *p = bytes;
  for (size_t i = 0; i < n; i++)
    t->digest = (t->digest ^ p[i]) * UINT64_C(0x100000001b3);
}

static bool is_lost(struct two *t, const struct estab_frame *f)
{
  if (t->unplugged) return true;
  if (t->most_bytes && estab_frame_bytes(f) > t->most_bytes) return true;
  if (f->piece_count < 2 || t->lose_one_in == 0) return false;
  return ++t->text_frames % t->lose_one_in == 0;
}

static unsigned carry_from(struct two *t, unsigned who)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  int n = estab_stack_output(t->s[who], t->now_ns, frames, ESTAB_OUTPUT_MAX);
  if (n < 0) abort();
  for (int i = 0; i < n; i++) {
    digest(t, &t->now_ns, sizeof t->now_ns);
    for (unsigned p = 0; p < frames[i].piece_count; p++)
      digest(t, frames[i].pieces[p].bytes, frames[i].pieces[p].length);
    t->frames++;
    if (!is_lost(t, &frames[i])) estab_stack_input(t->s[!who], t->now_ns, &frames[i], 1);
  }
  estab_stack_output_done(t->s[who], (unsigned)n, t->now_ns);
  return (unsigned)n;
}

unsigned two_carry(struct two *t)
{
  unsigned all = 0, n;
  do {
    n = carry_from(t, 0);
    n += carry_from(t, 1);
    all += n;
    if (all > 10000000) {
      printf("two: the stacks never stop\n");
      abort();
    }
  } while (n);
  return all;
}

bool two_turn(struct two *t, uint64_t until_ns)
{
  if (two_carry(t) > 0) return true;
  uint64_t a = estab_stack_deadline(t->s[0]), b = estab_stack_deadline(t->s[1]);
  uint64_t next = a < b ? a : b;
  bool more = next <= until_ns && next != ESTAB_NEVER;
  if (!more) next = until_ns;
  if (next != ESTAB_NEVER && next > t->now_ns) t->now_ns = next;
  for (unsigned i = 0; i < 2; i++)
    estab_stack_handle_deadline(t->s[i], t->now_ns);
  return more;
}

void two_run(struct two *t, uint64_t until_ns)
{
  while (two_turn(t, until_ns))
    continue;
  two_carry(t);
}

estab_listener two_listen(struct two *t, unsigned who, uint16_t port, uint32_t backlog)
{
  struct estab_listen_settings l;
  estab_listener out = 0;
  estab_listen_settings_default(&l);
  l.port_first = l.port_last = port;
  l.backlog = backlog;
  return estab_listen(t->s[who], &l, &out) < 0 ? 0 : out;
}

int two_connect(struct two *t, unsigned who, uint16_t local_port, uint16_t port, estab_conn *out)
{
  struct estab_connect_settings c;
  estab_connect_settings_default(&c);
  c.local_port = local_port;
  c.remote = t->ip[!who];
  c.remote_port = port;
  return estab_connect(t->s[who], &c, t->now_ns, out);
}

estab_conn two_open(struct two *t, void (*change)(struct estab_settings *settings),
                    estab_conn *peer)
{
  estab_conn c;
  two_init(t, false, change);
  estab_listener l = two_listen(t, 1, 80, 1);
  if (two_connect(t, 0, 0, 80, &c) != ESTAB_OK) abort();
  two_carry(t);
  if (estab_accept(t->s[1], l, peer) != ESTAB_OK) abort();
  return c;
}
