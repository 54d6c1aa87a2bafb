// SPDX-License-Identifier: BSD-2-Clause
// echo.c - two stacks in one process: 1 MiB echoed over memory frames, 1 % of them lost, on virtual time.
#include "estab/estab.h"
#include <stdlib.h>
#include <string.h>
enum { N = 1 << 20 };
static uint8_t sent[N], buffer[N], got[N];
static size_t in, in_use; // bytes that came back; behind the memory door
static void *resize(void *ctx, void *p, size_t old, size_t bytes, enum estab_mem_kind kind)
{
  (void)ctx, (void)kind, in_use += bytes - old;
  return bytes ? realloc(p, bytes) : (free(p), NULL);
}
static estab_stack *host(uint8_t number)
{
  struct estab_settings settings;
  struct estab_netif_settings link;
  struct estab_ip ip = estab_ip4(192, 0, 2, number);
  estab_stack *s = NULL;
  estab_settings_default(&settings), settings.mem.resize = resize, settings.send_buffer_bytes = N;
  estab_netif_settings_default(&link), settings.secret[0] = number; // really: 16 random bytes
  if (estab_stack_new(&settings, 0, &s) || estab_netif_add(s, &link) != 1) abort();
  return estab_address_add(s, 1, &ip, 24) ? NULL : s;
}
static int carry(estab_stack *from, estab_stack *to, uint64_t now)
{
  struct estab_frame frames[16];
  int n = estab_stack_output(from, now, frames, 16);
  for (int i = 0; i < n; i++)
    if (rand() % 100) estab_stack_input(to, now, &frames[i], 1);
  return estab_stack_output_done(from, (unsigned)n, now), n;
}
int main(void)
{
  for (size_t i = 0; i < N; i++)
    sent[i] = (uint8_t)rand();
  estab_stack *a = host(1), *b = host(2);
  struct estab_listen_settings port;
  struct estab_connect_settings peer;
  estab_listener listener;
  estab_conn client, server = 0;
  estab_listen_settings_default(&port), port.port_first = port.port_last = 7;
  estab_connect_settings_default(&peer), peer.remote_port = 7;
  peer.remote = estab_ip4(192, 0, 2, 2);
  if (estab_listen(b, &port, &listener) || estab_connect(a, &peer, 0, &client)) return 1;
  if (estab_send(a, client, sent, N) != N) return 1; // queued until ESTABLISHED
  for (uint64_t now = 0, then; now != ESTAB_NEVER;) {
    int n = server ? 0 : estab_accept(b, listener, &server);
    if ((n = estab_recv(b, server, buffer, N)) > 0) estab_send(b, server, buffer, (size_t)n);
    if (n == 0) estab_release(b, server); // FIN behind the echo
    if ((n = estab_recv(a, client, got + in, N - in)) > 0) in += (size_t)n;
    if (n == 0) estab_release(a, client); // TIME-WAIT stands guard for 240 s
    if (estab_status(a, client) == ESTAB_ESTABLISHED) estab_close(a, client);
    if (carry(a, b, now) + carry(b, a, now)) continue;
    now = estab_stack_deadline(a), then = estab_stack_deadline(b), now = now < then ? now : then;
    estab_stack_handle_deadline(a, now), estab_stack_handle_deadline(b, now);
  }
  estab_stack_free(a), estab_stack_free(b);
  return in != N || memcmp(sent, got, N) != 0 || in_use != 0;
}
