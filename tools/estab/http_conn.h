// SPDX-License-Identifier: BSD-2-Clause
// http_conn.h - one HTTP/1.1 connection of a server (RFC 9112), over estab's calls.
#ifndef ESTAB_TOOL_HTTP_CONN_H
#define ESTAB_TOOL_HTTP_CONN_H

#include "conns.h"
#include "http_file.h"

#include <http_parser.h>

#define HTTP_HEAD_BYTES   512
#define HTTP_FIELD_BYTES  128
#define HTTP_REQUESTS_MAX 10000 // on one connection

struct http_totals {
  uint64_t connections, requests, bytes; // bytes of bodies
};

struct http_conn {
  struct conn_node node;
  estab_stack *s;
  const struct http_root *root;
  struct http_totals *totals;
  bool verbose;
  uint64_t deadline_ns; // when patience ends

  // The request
  http_parser parser;
  char url[HTTP_PATH_BYTES];
  size_t url_bytes;
  char field[24], range[HTTP_FIELD_BYTES]; // the header field being read; Range's value
  bool field_done, has_range, complete, too_long, has_host;
  unsigned requests, hosts;

  // The response
  bool responding, keep, closing;
  char head[HTTP_HEAD_BYTES];
  size_t head_bytes, head_sent;
  struct http_file file;
  uint64_t body_at, body_end; // bytes of the file or text
};

struct http_conn *http_conn_new(estab_stack *s, const struct http_root *root,
                                struct http_totals *totals, bool verbose);
void http_conn_free(struct http_conn *c);
// Goes on as far as it can now; false: nothing more will come of it, release it.
bool http_conn_work(struct http_conn *c, uint64_t now_ns);

#endif
