// SPDX-License-Identifier: BSD-2-Clause
// http_response.c - what a request is answered with (RFC 9110): status, head, and which bytes of what.
#include "http_response.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *reason(int status)
{
  switch (status) {
  case 200: return "OK";
  case 206: return "Partial Content";
  case 301: return "Moved Permanently";
  case 400: return "Bad Request";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 414: return "URI Too Long";
  case 416: return "Range Not Satisfiable";
  case 431: return "Request Header Fields Too Large";
  case 503: return "Service Unavailable";
  case 505: return "HTTP Version Not Supported";
  default: return "Error";
  }
}

static size_t date(char *text, size_t room, time_t t)
{
  struct tm tm;
  return strftime(text, room, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
}

// RFC 9110 14.1.2, one range; anything else is as if it were not there. 200, 206 or 416.
static int apply_range(struct http_conn *c)
{
  uint64_t first, last, size = c->file.bytes;
  char rest;
  if (!c->has_range || strncmp(c->range, "bytes=", 6) != 0) return 200;
  const char *spec = c->range + 6;
  if (sscanf(spec, "-%" SCNu64 "%c", &last, &rest) == 1) {
    if (last == 0 || size == 0) return 416;
    c->body_at = last < size ? size - last : 0;
    return 206;
  }
  if (spec[0] < '0' || spec[0] > '9') return 200;
  int n = sscanf(spec, "%" SCNu64 "-%" SCNu64 "%c", &first, &last, &rest);
  if (n == 1) {
    size_t digits = strspn(spec, "0123456789");
    if (spec[digits] != '-' || spec[digits + 1] != 0) return 200;
    last = UINT64_MAX;
  } else if (n != 2 || last < first) {
    return 200;
  }
  if (first >= size) return 416;
  c->body_at = first;
  if (last < size) c->body_end = last + 1;
  return 206;
}

static void small_body(struct http_conn *c, int status)
{
  size_t n = 0;
  FILE *page = open_memstream(&c->file.text, &n);
  if (!page) return; // an answer without a body is one too
  fprintf(page, "<!DOCTYPE html>\n<title>%d %s</title>\n<h1>%d %s</h1>\n", status, reason(status),
          status, reason(status));
  if (fclose(page) != 0) return;
  c->file.bytes = n;
  c->file.type = "text/html; charset=utf-8";
}

static void put(struct http_conn *c, const char *name, const char *value)
{
  size_t room = sizeof c->head - c->head_bytes;
  int n = snprintf(c->head + c->head_bytes, room, "%s: %s\r\n", name, value);
  if (n > 0 && (size_t)n < room) c->head_bytes += (size_t)n;
}

static void put_redirect(struct http_conn *c)
{
  // Relative to the request, so that no host name need be trusted. A path's last part, and '/'.
  char target[256];
  size_t n = strcspn(c->url, "?#"), from = n;
  while (from > 0 && c->url[from - 1] != '/')
    from--;
  snprintf(target, sizeof target, "%.*s/", (int)(n - from > 250 ? 250 : n - from), c->url + from);
  put(c, "Location", target);
}

static void make_head(struct http_conn *c, int status)
{
  char text[96];
  c->head_bytes =
      (size_t)snprintf(c->head, sizeof c->head, "HTTP/1.1 %d %s\r\n", status, reason(status));
  date(text, sizeof text, time(NULL));
  put(c, "Date", text);
  put(c, "Server", "estab");
  if (c->file.type) put(c, "Content-Type", c->file.type);
  snprintf(text, sizeof text, "%" PRIu64, c->body_end - c->body_at);
  put(c, "Content-Length", text);
  if (c->file.fd >= 0) {
    date(text, sizeof text, c->file.modified);
    put(c, "Last-Modified", text);
    put(c, "Accept-Ranges", "bytes");
  }
  if (status == 206) {
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, c->body_at,
             c->body_end - 1, c->file.bytes);
    put(c, "Content-Range", text);
  }
  if (status == 405) put(c, "Allow", "GET, HEAD");
  if (status == 301) put_redirect(c);
  put(c, "Connection", c->keep ? "keep-alive" : "close");
  memcpy(c->head + c->head_bytes, "\r\n", 2);
  c->head_bytes += 2;
}

static int judge(const struct http_conn *c)
{
  if (c->too_long) return 414;
  if (c->parser.http_major != 1) return 505;
  // RFC 9112 3.2: a 1.1 request with no Host, or two, is a bad one.
  if (c->hosts > 1 || (c->parser.http_minor >= 1 && c->hosts == 0)) return 400;
  if (c->parser.method != HTTP_GET && c->parser.method != HTTP_HEAD) return 405;
  return 0;
}

static void say(const struct http_conn *c, int status)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  char address[ESTAB_IP_TEXT_BYTES] = "-";
  if (!c->verbose) return;
  if (estab_conn_info(c->s, c->node.conn, &info) >= 0)
    estab_ip_format(&info.tuple.remote, address, sizeof address);
  fprintf(stderr, "%s \"%s ", address, http_method_str((enum http_method)c->parser.method));
  for (size_t i = 0; i < c->url_bytes; i++)
    fputc(c->url[i] > ' ' && c->url[i] < 127 && c->url[i] != '"' ? c->url[i] : '?', stderr);
  fprintf(stderr, "\" %d %" PRIu64 "\n", status, c->body_end - c->body_at);
}

void http_respond(struct http_conn *c, int status)
{
  bool broken = status != 0; // what follows on the connection cannot be told apart
  c->file = (struct http_file){.fd = -1};
  c->body_at = 0;
  if (!status) status = judge(c);
  if (!status) status = http_file_open(c->root, c->url, &c->file);
  c->body_end = c->file.bytes;
  if (status == 200 && c->file.fd >= 0 && c->parser.method == HTTP_GET) {
    status = apply_range(c);
    if (status == 416) {
      close(c->file.fd);
      c->file = (struct http_file){.fd = -1};
    }
  }
  if (status >= 300) {
    small_body(c, status);
    c->body_end = c->file.bytes;
  }
  c->keep = !broken && !c->too_long && http_should_keep_alive(&c->parser) &&
            c->requests < HTTP_REQUESTS_MAX;
  make_head(c, status);
  say(c, status);
  c->totals->requests++;
  c->head_sent = 0;
  if (c->parser.method == HTTP_HEAD && !broken) c->body_at = c->body_end;
  c->responding = true;
}
