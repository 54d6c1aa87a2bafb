// SPDX-License-Identifier: BSD-2-Clause
// host.h - what the examples share: a stack with one raw network interface, on malloc.
#ifndef EXAMPLES_HOST_H
#define EXAMPLES_HOST_H

#include "estab/estab.h"
#include <stdlib.h>
#include <string.h>

static void *host_resize(void *ctx, void *p, size_t old, size_t bytes, enum estab_mem_kind kind)
{
  (void)ctx, (void)old, (void)kind;
  return bytes ? realloc(p, bytes) : (free(p), NULL);
}

// Interface 1 of a fresh stack, with this address and a route to everywhere.
static inline estab_stack *host_new(const char *address, const struct estab_netif_settings *netif)
{
  static uint8_t secret; // a real program takes 16 random bytes
  struct estab_settings settings;
  struct estab_ip ip, everywhere = estab_ip4(0, 0, 0, 0);
  estab_stack *s = NULL;
  estab_settings_default(&settings);
  settings.mem.resize = host_resize;
  settings.secret[0] = ++secret;
  if (estab_ip_parse(address, &ip) || estab_stack_new(&settings, 0, &s)) abort();
  if (estab_netif_add(s, netif) != 1 || estab_address_add(s, 1, &ip, 24)) abort();
  if (estab_route_add(s, 1, &everywhere, 0, NULL)) abort();
  return s;
}

// Frames of one stack to the other, all of them at once; answers how many.
static inline int host_carry(estab_stack *from, estab_stack *to, uint64_t now)
{
  struct estab_frame frames[16];
  int n = estab_stack_output(from, now, frames, 16);
  estab_stack_input(to, now, frames, (unsigned)n);
  estab_stack_output_done(from, (unsigned)n, now);
  return n;
}

// Time goes on to the next deadline of either; false: neither has one.
static inline bool host_wait(estab_stack *a, estab_stack *b, uint64_t *now)
{
  uint64_t at_a = estab_stack_deadline(a), at_b = estab_stack_deadline(b);
  uint64_t next = at_a < at_b ? at_a : at_b;
  if (next == ESTAB_NEVER) return false;
  *now = next;
  estab_stack_handle_deadline(a, next);
  estab_stack_handle_deadline(b, next);
  return true;
}

// `to` listens on port 7 and `from` connects to it.
static inline estab_conn host_connect(estab_stack *from, estab_stack *to, const char *address,
                                      estab_listener *listener)
{
  struct estab_listen_settings port;
  struct estab_connect_settings peer;
  estab_conn conn;
  estab_listen_settings_default(&port);
  port.port_first = port.port_last = 7;
  estab_connect_settings_default(&peer);
  peer.remote_port = 7;
  if (estab_ip_parse(address, &peer.remote) || estab_listen(to, &port, listener)) abort();
  if (estab_connect(from, &peer, 0, &conn)) abort();
  return conn;
}

#endif
