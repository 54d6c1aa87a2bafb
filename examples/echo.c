// SPDX-License-Identifier: BSD-2-Clause
// echo.c - two stacks in one process: 1 MiB echoed over memory frames, 1 % of them lost, all of it on virtual time.
#include "estab/estab.h"
#include <stdlib.h>
#include <string.h>

static long in_use; // bytes that went through the memory door
static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                    enum estab_mem_kind kind)
{
  (void)ctx, (void)kind;
  in_use += (long)new_bytes - (long)old_bytes;
  return new_bytes ? realloc(p, new_bytes) : (free(p), NULL);
}

static estab_stack *host(uint8_t number)
{
  struct estab_settings settings;
  struct estab_netif_settings link;
  struct estab_ip ip = estab_ip4(192, 0, 2, number);
  estab_stack *s;
  estab_settings_default(&settings);
  estab_netif_settings_default(&link);
  settings.mem.resize = resize;
  memset(settings.secret, number, sizeof settings.secret); // a program takes 16 random bytes
  if (estab_stack_new(&settings, 0, &s) < 0 || estab_netif_add(s, &link) != 1 ||
      estab_address_add(s, 1, &ip, 24))
    exit(1);
  return s;
}

static int carry(estab_stack *from, estab_stack *to, uint64_t now)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  int n = estab_stack_output(from, now, frames, ESTAB_OUTPUT_MAX);
  for (int i = 0; i < n; i++)
    if (rand() % 100) estab_stack_input(to, now, &frames[i], 1);
  estab_stack_output_done(from, (unsigned)n, now);
  return n;
}

int main(void)
{
  enum { N = 1 << 20 };
  static uint8_t sent[N], got[N];
  estab_stack *a = host(1), *b = host(2);
  estab_conn client, server = 0;
  estab_listener listener;
  struct estab_listen_settings listen;
  struct estab_connect_settings connect;
  struct estab_stack_info info = {.connections = 1};
  size_t out = 0, in = 0;
  for (int i = 0; i < N; i++)
    sent[i] = (uint8_t)rand();
  estab_listen_settings_default(&listen), listen.port_first = listen.port_last = 7;
  estab_connect_settings_default(&connect), connect.remote = estab_ip4(192, 0, 2, 2),
                                            connect.remote_port = 7;
  if (estab_listen(b, &listen, &listener) || estab_connect(a, &connect, 0, &client)) return 1;
  for (uint64_t now = 0; now != ESTAB_NEVER && info.connections + info.time_wait > 0;
       estab_stack_info(a, &info)) {
    for (int n = 1; n > 0 && out<N; out += n> 0 ? (size_t)n : 0)
      n = estab_send(a, client, sent + out, N - out);
    if (out == N) estab_close(a, client);
    for (int n = 1; n > 0 && in<N; in += n> 0 ? (size_t)n : 0)
      n = estab_recv(a, client, got + in, N - in);
    if (in == N && estab_recv(a, client, got, 1) == 0) estab_release(a, client);
    if (!server) estab_accept(b, listener, &server);
    for (int n = 1; n > 0;) { // echo in place: what cannot be sent yet stays unread
      struct estab_piece piece;
      unsigned one = 1;
      if ((n = estab_recv_peek(b, server, &piece, &one)) > 0 &&
          (n = estab_send(b, server, piece.bytes, piece.length)) > 0)
        estab_recv_consume(b, server, (size_t)n);
      else if (n == 0 && one == 0)
        estab_release(b, server);
    }
    if (carry(a, b, now) + carry(b, a, now) > 0) continue;
    uint64_t next_a = estab_stack_deadline(a), next_b = estab_stack_deadline(b);
    now = next_a < next_b ? next_a : next_b;
    if (now != ESTAB_NEVER)
      estab_stack_handle_deadline(a, now), estab_stack_handle_deadline(b, now);
  }
  estab_stack_free(a), estab_stack_free(b);
  return !(in == N && memcmp(sent, got, N) == 0 && info.connections == 0 && in_use == 0);
}
