// SPDX-License-Identifier: BSD-2-Clause
// http_server.h - a file server over HTTP/1.1: listener, connections, patience.
#ifndef ESTAB_TOOL_HTTP_SERVER_H
#define ESTAB_TOOL_HTTP_SERVER_H

#include "http_conn.h"

struct http_server {
  struct motor *m;
  struct http_root root;
  bool verbose;
  estab_listener listener;
  struct conns conns;
  struct http_totals totals;
  uint64_t next_look_ns; // when patience is looked at again
};

// Starts listening. 0, or the exit status after a complaint.
int http_server_open(struct http_server *h, struct motor *m, const struct http_root *root,
                     uint16_t port, uint32_t fast_open, bool verbose);
// Handles one event of the stack; false: it is about none of the server's.
bool http_server_event(struct http_server *h, const struct estab_event *e);
// Ends connections whose time is over. Answers when to call again.
uint64_t http_server_patience(struct http_server *h);
// Ends: the listener first, then every connection, in order if time allows.
void http_server_close(struct http_server *h);

#endif
