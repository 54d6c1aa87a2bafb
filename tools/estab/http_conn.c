// SPDX-License-Identifier: BSD-2-Clause
// http_conn.c - one HTTP/1.1 connection: reads a request, writes its response, and again.
//
// A request is read while no response is under way: what a client sends ahead stays in the receive
// buffer, and its window closes when that is full. A connection that we close goes on reading until the
// client's FIN, so that no RST overtakes the response.
#include "http_conn.h"

#include "http_response.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS                                                                                \
  30000000000u // for a whole request head, or the next bytes of a response to be taken
#define CLOSING_NS     5000000000u // for the client's FIN
#define HEAD_BYTES_MAX 16384

static int on_url(http_parser *p, const char *at, size_t n)
{
  struct http_conn *c = p->data;
  if (n >= sizeof c->url - c->url_bytes) {
    c->too_long = true;
    return 0;
  }
  memcpy(c->url + c->url_bytes, at, n);
  c->url_bytes += n;
  c->url[c->url_bytes] = 0;
  return 0;
}

// Names longer than the room are none that matter here; cutting them cannot make them one that does.
static int on_field(http_parser *p, const char *at, size_t n)
{
  struct http_conn *c = p->data;
  if (c->field_done) c->field[0] = 0;
  c->field_done = false;
  size_t have = strlen(c->field), room = sizeof c->field - 1 - have;
  memcpy(c->field + have, at, n < room ? n : room);
  c->field[have + (n < room ? n : room)] = 0;
  return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
  struct http_conn *c = p->data;
  bool first = !c->field_done;
  c->field_done = true;
  if (first && strcasecmp(c->field, "host") == 0) c->hosts++;
  if (strcasecmp(c->field, "range") != 0) return 0;
  if (first) c->range[0] = 0;
  size_t have = strlen(c->range);
  c->has_range = n < sizeof c->range - have;
  if (!c->has_range) return 0;
  memcpy(c->range + have, at, n);
  c->range[have + n] = 0;
  return 0;
}

static int on_complete(http_parser *p)
{
  struct http_conn *c = p->data;
  c->complete = true;
  http_parser_pause(p, 1); // the next request waits for this one's response
  return 0;
}

static const http_parser_settings callbacks = {.on_url = on_url,
                                               .on_header_field = on_field,
                                               .on_header_value = on_value,
                                               .on_message_complete = on_complete};

static void start_request(struct http_conn *c)
{
  c->url_bytes = 0;
  c->url[0] = c->field[0] = c->range[0] = 0;
  c->field_done = c->has_range = c->complete = c->too_long = false;
  c->hosts = 0;
}

struct http_conn *http_conn_new(estab_stack *s, const struct http_root *root,
                                struct http_totals *totals, bool verbose)
{
  struct http_conn *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->s = s;
  c->root = root;
  c->totals = totals;
  c->verbose = verbose;
  c->file.fd = -1;
  http_parser_set_max_header_size(HEAD_BYTES_MAX);
  http_parser_init(&c->parser, HTTP_REQUEST);
  c->parser.data = c;
  c->deadline_ns = estab_clock_ns() + PATIENCE_NS;
  start_request(c);
  return c;
}

static void drop_body(struct http_conn *c)
{
  if (c->file.fd >= 0) close(c->file.fd);
  free(c->file.text);
  c->file = (struct http_file){.fd = -1};
}

void http_conn_free(struct http_conn *c)
{
  drop_body(c);
  free(c);
}

enum step { STEP_AGAIN, STEP_WAIT, STEP_OVER };

static void parse(struct http_conn *c, const struct estab_piece *piece)
{
  size_t used =
      http_parser_execute(&c->parser, &callbacks, (const char *)piece->bytes, piece->length);
  enum http_errno error = HTTP_PARSER_ERRNO(&c->parser);
  estab_recv_consume(c->s, c->node.conn, used);
  if (c->complete) {
    c->requests++;
    http_respond(c, 0);
  } else if (error != HPE_OK && error != HPE_PAUSED) {
    http_respond(c, error == HPE_HEADER_OVERFLOW ? 431 : 400);
  }
}

static enum step read_request(struct http_conn *c)
{
  struct estab_piece piece;
  unsigned count = 1;
  int got = estab_recv_peek(c->s, c->node.conn, &piece, &count);
  if (got == ESTAB_ERR_WOULD_BLOCK) return STEP_WAIT;
  if (got <= 0) return STEP_OVER; // the client has closed between requests, or in one
  parse(c, &piece);
  return STEP_AGAIN;
}

static enum step send_head(struct http_conn *c)
{
  int n = estab_send(c->s, c->node.conn, c->head + c->head_sent, c->head_bytes - c->head_sent);
  if (n == ESTAB_ERR_WOULD_BLOCK) return STEP_WAIT;
  if (n < 0) return STEP_OVER;
  c->head_sent += (size_t)n;
  return STEP_AGAIN;
}

static enum step send_body(struct http_conn *c)
{
  void *room;
  size_t room_bytes;
  int r = estab_send_reserve(c->s, c->node.conn, &room, &room_bytes);
  if (r == ESTAB_ERR_WOULD_BLOCK) return STEP_WAIT;
  if (r < 0) return STEP_OVER;
  uint64_t left = c->body_end - c->body_at;
  size_t want = room_bytes < left ? room_bytes : (size_t)left;
  ssize_t n = (ssize_t)want;
  if (c->file.text)
    memcpy(room, c->file.text + c->body_at, want);
  else
    n = pread(c->file.fd, room, want, (off_t)c->body_at);
  // A file that shrank: the promised length cannot be kept, and only a reset says so.
  if (n <= 0) {
    estab_abort(c->s, c->node.conn);
    return STEP_OVER;
  }
  estab_send_commit(c->s, c->node.conn, (size_t)n);
  c->body_at += (uint64_t)n;
  c->totals->bytes += (uint64_t)n;
  return STEP_AGAIN;
}

static enum step finish_response(struct http_conn *c)
{
  drop_body(c);
  c->responding = false;
  if (!c->keep) {
    estab_close(c->s, c->node.conn);
    c->closing = true;
    return STEP_AGAIN;
  }
  http_parser_pause(&c->parser, 0);
  start_request(c);
  return STEP_AGAIN;
}

static enum step swallow(struct http_conn *c)
{
  struct estab_piece pieces[ESTAB_FRAME_PIECES];
  unsigned count = ESTAB_FRAME_PIECES;
  int got = estab_recv_peek(c->s, c->node.conn, pieces, &count);
  if (got > 0) estab_recv_consume(c->s, c->node.conn, (size_t)got);
  return got > 0 ? STEP_AGAIN : got == ESTAB_ERR_WOULD_BLOCK ? STEP_WAIT : STEP_OVER;
}

bool http_conn_work(struct http_conn *c, uint64_t now_ns)
{
  enum step step = STEP_AGAIN;
  while (step == STEP_AGAIN) {
    bool reading = !c->responding && !c->closing;
    unsigned requests = c->requests;
    if (c->closing)
      step = swallow(c);
    else if (!c->responding)
      step = read_request(c);
    else if (c->head_sent < c->head_bytes)
      step = send_head(c);
    else if (c->body_at < c->body_end)
      step = send_body(c);
    else
      step = finish_response(c);
    // Progress extends patience, except that of a request that trickles in.
    if (step == STEP_AGAIN && (!reading || c->requests != requests))
      c->deadline_ns = now_ns + (c->closing ? CLOSING_NS : PATIENCE_NS);
  }
  return step != STEP_OVER;
}
