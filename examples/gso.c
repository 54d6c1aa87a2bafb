// SPDX-License-Identifier: BSD-2-Clause
// gso.c - a device with segmentation offload: the stack hands over super-segments of up to 64 KiB. They are cut into
// frames of the MTU here, as a network card would, and merged again before the other stack sees them.
#include "host.h"
#include "estab/driver.h"
#include <stdio.h>

enum { BYTES = 4 << 20, MTU = 1500 };
static unsigned supers, frames_on_wire, merged;

static void deliver(estab_stack *to, struct estab_gro *gro, uint64_t now)
{
  struct estab_frame f;
  if (gro->segments == 0) return;
  estab_gro_frame(gro, &f);
  f.netif = 1;
  merged += f.segments > 1;
  estab_stack_input(to, now, &f, 1);
  gro->segments = 0;
}

static int carry_gso(estab_stack *from, estab_stack *to, uint64_t now)
{
  static uint8_t room[65600];
  static struct estab_gro gro = {.bytes = room, .room = sizeof room};
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  uint8_t wire[MTU];
  int n = estab_stack_output(from, now, frames, ESTAB_OUTPUT_MAX);
  for (int i = 0; i < n; i++) {
    unsigned count = estab_gso_count(&frames[i]);
    supers += count > 1;
    for (unsigned k = 0; k < count; k++, frames_on_wire++) {
      int bytes = estab_gso_cut(&frames[i], k, wire, sizeof wire); // too big for the wire: an error
      if (bytes < 0) abort();
      if (estab_gro_merge(&gro, wire, (size_t)bytes, 0)) continue;
      deliver(to, &gro, now);
      if (!estab_gro_merge(&gro, wire, (size_t)bytes, 0)) abort();
    }
  }
  deliver(to, &gro, now);
  estab_stack_output_done(from, (unsigned)n, now);
  return n;
}

int main(void)
{
  static uint8_t sent[BYTES], got[BYTES];
  struct estab_netif_settings netif;
  estab_listener listener;
  estab_conn server = 0;
  estab_netif_settings_default(&netif);
  netif.mtu = MTU;
  netif.checksum_offload = true;
  netif.gso_max_bytes = 65000;
  estab_stack *a = host_new("2001:db8::1", &netif), *b = host_new("2001:db8::2", &netif);
  estab_conn client = host_connect(a, b, "2001:db8::2", &listener);
  size_t out = 0, in = 0;
  for (size_t i = 0; i < BYTES; i++)
    sent[i] = (uint8_t)(i * 13 + i / 509);
  for (uint64_t now = 0; in < BYTES;) {
    int n = estab_send(a, client, sent + out, BYTES - out);
    if (n > 0) out += (size_t)n;
    if (!server) estab_accept(b, listener, &server);
    while ((n = estab_recv(b, server, got + in, BYTES - in)) > 0)
      in += (size_t)n;
    if (carry_gso(a, b, now) + carry_gso(b, a, now) == 0 && !host_wait(a, b, &now)) break;
  }
  printf("%zu bytes in %u super-segments, %u frames on the wire, %u merged ones\n", in, supers,
         frames_on_wire, merged);
  estab_stack_free(a);
  estab_stack_free(b);
  return !(in == BYTES && memcmp(sent, got, BYTES) == 0 && supers > 50 && merged > 50);
}
