// SPDX-License-Identifier: BSD-2-Clause
// watch.c - an observer where packets pass anyway, on the link between two stacks. It tells the life of a connection,
// both sides' states with it, and what a scanner among them has learned.
#include "host.h"
#include "estab/watch.h"
#include <stdio.h>

enum { PORTS = 20 };
static unsigned lives, scans, open_ports;

static void tell_life(const struct estab_watch_conn *c)
{
  static const char *const who[] = {"nobody knows", "the originator", "the responder", "both",
                                    "nobody"};
  printf("%u -> %u: %s, history %s, closed by %s\n", c->orig_port, c->resp_port, c->conn_state,
         c->history, who[c->closed_by]);
  for (unsigned side = 0; side < 2; side++) {
    printf("  %s", side == ESTAB_WATCH_ORIG ? "originator" : "responder ");
    for (uint32_t i = 0; i < c->side[side].step_count; i++) {
      const struct estab_watch_step *step = &c->side[side].steps[i];
      printf(" %s", estab_state_name((enum estab_state)step->state));
    }
    printf("\n");
  }
}

// Pulled after each packet: pointers in a record live until the next call.
static void pull(estab_watch *w)
{
  struct estab_watch_record record;
  while (estab_watch_next(w, &record)) {
    if (record.type == ESTAB_WATCH_CONN && record.conn.side[ESTAB_WATCH_RESP].bytes > 0) {
      lives++;
      tell_life(&record.conn);
    }
    if (record.type == ESTAB_WATCH_ALERT && record.alert.ended) {
      scans++;
      open_ports += (unsigned)record.alert.answers[ESTAB_WATCH_OPEN].count;
      printf("%s\n", record.alert.summary);
    }
  }
}

// Frames of one stack to the other, and each to the observer, which wants it in one piece.
static int carry(estab_stack *from, estab_stack *to, estab_watch *w, uint64_t now)
{
  struct estab_frame frames[16];
  uint8_t packet[2048];
  int n = estab_stack_output(from, now, frames, 16);
  for (int i = 0; i < n; i++) {
    size_t bytes = 0;
    for (unsigned k = 0; k < frames[i].piece_count; k++) {
      if (frames[i].pieces[k].length > sizeof packet - bytes) abort(); // beyond the default MTU
      memcpy(packet + bytes, frames[i].pieces[k].bytes, frames[i].pieces[k].length);
      bytes += frames[i].pieces[k].length;
    }
    estab_watch_input(w, 0, ESTAB_LINKTYPE_RAW, packet, bytes, bytes, now);
    pull(w);
    estab_stack_input(to, now, &frames[i], 1);
  }
  estab_stack_output_done(from, (unsigned)n, now);
  return n;
}

int main(void)
{
  struct estab_netif_settings netif;
  struct estab_watch_settings settings;
  estab_watch *w;
  estab_listener listener;
  estab_conn server = 0, probe;
  char text[16];
  estab_netif_settings_default(&netif);
  estab_watch_settings_default(&settings);
  settings.mem.resize = host_resize;
  settings.rows = ESTAB_WATCH_ROWS_LIFE;        // one row a life, when it is over
  if (estab_watch_new(&settings, &w)) return 1; // really: with 16 random bytes in settings.secret
  estab_stack *a = host_new("192.0.2.1", &netif), *b = host_new("192.0.2.2", &netif);
  estab_conn client = host_connect(a, b, "192.0.2.2", &listener);
  estab_send(a, client, "a question", 10);
  for (uint16_t port = 100; port < 100 + PORTS; port++) { // and the scan: nobody listens there
    struct estab_connect_settings peer;
    estab_connect_settings_default(&peer);
    peer.remote = estab_ip4(192, 0, 2, 2);
    peer.remote_port = port;
    if (estab_connect(a, &peer, 0, &probe)) return 1; // estab_stack_free() gives it back
  }
  for (uint64_t now = 0;;) {
    if (!server && estab_accept(b, listener, &server) == 0) estab_send(b, server, "answered", 8);
    if (server && estab_recv(b, server, text, sizeof text) == 0) estab_release(b, server);
    if (estab_recv(a, client, text, sizeof text) == 8) estab_close(a, client);
    if (estab_recv(a, client, text, sizeof text) == 0) estab_release(a, client);
    if (carry(a, b, w, now) + carry(b, a, w, now) > 0) continue;
    if (!host_wait(a, b, &now)) break; // TIME-WAIT has run out as well
    estab_watch_advance(w, now);       // time alone ends lives, too
    pull(w);
  }
  estab_watch_flush(w); // the capture is over: what is still open becomes a record
  pull(w);
  estab_watch_free(w);
  estab_stack_free(a);
  estab_stack_free(b);
  return !(lives > 0 && scans == 1 && open_ports == 0);
}
