// SPDX-License-Identifier: BSD-2-Clause
// proxy.c - a gateway in 100 lines: whatever address and port a guest asks for is asked for outside first; only
// when that succeeds (or fails) does the guest get its SYN-ACK (or RST). Four stacks in one process, virtual time.
#include "host.h"

static struct pair { // one proxied connection
  estab_conn syn, in, out;
} pairs[16];

// What `from` has to say goes to `to` without a copy in between; its end is passed on as well.
static void relay(estab_stack *a, estab_conn from, estab_stack *b, estab_conn to)
{
  struct estab_piece piece;
  for (unsigned one = 1; one == 1;) {
    int n = estab_recv_peek(a, from, &piece, &one);
    if (n == 0) estab_close(b, to);
    if (n <= 0 || (n = estab_send(b, to, piece.bytes, piece.length)) <= 0) return;
    estab_recv_consume(a, from, (size_t)n);
  }
}

static void proxy(estab_stack *in, estab_stack *out, uint64_t now)
{
  struct estab_event e;
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  while (estab_stack_next_event(in, &e)) {
    if (e.events & ESTAB_EVENT_SYN) {
      struct estab_connect_settings peer;
      struct pair *p = pairs;
      while (p->syn)
        p++;
      estab_connect_settings_default(&peer);
      estab_conn_info(in, p->syn = e.conn, &info);
      peer.remote = info.tuple.local, peer.remote_port = info.tuple.local_port;
      if (estab_connect(out, &peer, now, &p->out)) estab_refuse_syn(in, e.conn, ESTAB_REFUSE_ICMP);
    }
    for (estab_conn conn; (e.events & ESTAB_EVENT_ACCEPT) && !estab_accept(in, e.listener, &conn);)
      for (struct pair *p = (estab_conn_info(in, conn, &info), pairs); p < pairs + 16; p++)
        if (p->syn == info.syn) p->in = conn;
  }
  while (estab_stack_next_event(out, &e))
    for (struct pair *p = pairs; p < pairs + 16; p++) {
      if (p->out != e.conn) continue;
      if (e.events & ESTAB_EVENT_CONNECTED) estab_accept_syn(in, p->syn);
      if ((e.events & ESTAB_EVENT_ABORTED) && !p->in)
        estab_refuse_syn(in, p->syn, ESTAB_REFUSE_RST);
    }
  for (struct pair *p = pairs; p < pairs + 16; p++)
    if (p->in) relay(in, p->in, out, p->out), relay(out, p->out, in, p->in);
}

int main(void)
{
  struct estab_netif_settings plain, gateway; // a gateway answers for every address
  estab_netif_settings_default(&plain);
  gateway = plain, gateway.transparent = true;
  estab_stack *guest = host_new("192.0.2.1", &plain), *server = host_new("203.0.113.1", &gateway);
  estab_stack *in = host_new("192.0.2.254", &gateway); // the proxy's two sides
  estab_stack *out = host_new("203.0.113.254", &plain);
  struct estab_listen_settings any, web;
  estab_listener l;
  estab_conn asked[3], served;
  estab_listen_settings_default(&any), any.port_first = 1, any.port_last = 65535,
                                       any.syn_events = true;
  estab_listen_settings_default(&web), web.port_first = web.port_last = 80;
  if (estab_listen(in, &any, &l) || estab_listen(server, &web, &l)) return 1;
  struct estab_connect_settings peer;
  estab_connect_settings_default(&peer);
  for (uint16_t i = 0; i < 3;
       i++) { // two addresses where somebody listens, and a port where nobody does
    peer.remote = estab_ip4(198, 51, 100, (uint8_t)i), peer.remote_port = (uint16_t)(80 + i / 2);
    if (estab_connect(guest, &peer, 0, &asked[i]) || estab_send(guest, asked[i], "ping", 4) != 4)
      return 1;
  }
  char text[8];
  int answers = 0;
  for (uint64_t now = 0; now < 1000000000; now += 1000000) {
    while (host_carry(guest, in, now) + host_carry(in, guest, now) + host_carry(out, server, now) +
           host_carry(server, out, now))
      continue;
    proxy(in, out, now);
    for (; !estab_accept(server, l, &served); estab_close(server, served))
      estab_send(server, served, "pong", 4);
    for (int i = 0; i < 2; i++)
      answers += estab_recv(guest, asked[i], text, 4) == 4 && !memcmp(text, "pong", 4);
  }
  bool refused = estab_recv(guest, asked[2], text, 1) == ESTAB_ERR_REFUSED;
  estab_stack_free(guest), estab_stack_free(in), estab_stack_free(out), estab_stack_free(server);
  return !(answers == 2 && refused);
}
