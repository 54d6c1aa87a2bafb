// SPDX-License-Identifier: BSD-2-Clause
// capture.c - reading capture files: one buffer over a source, which format it is, errors with their place.
#include "capture_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Large enough that system calls do not count, small enough to leave others room in a second-level cache. Fuzzers see
// it grow.
#ifndef CAPTURE_BUFFER_BYTES
#define CAPTURE_BUFFER_BYTES (64u << 10)
#endif
#define CAPTURE_INTERFACES_MAX 65536

// ---------------------------------------------------------------------------------------------
// Errors

int capture_failed(struct estab_capture *c, int error, const char *text)
{
  c->plain = false;
  c->error.error = error;
  c->error.offset = c->offset;
  snprintf(c->error.text, sizeof c->error.text, "%s", text);
  return error;
}

int capture_damaged(struct estab_capture *c, const char *what, const char *format, ...)
{
  char detail[100];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(detail, sizeof detail, format, arguments);
  va_end(arguments);
  c->plain = false;
  c->error.error = ESTAB_ERR_INVALID;
  c->error.offset = c->offset;
  snprintf(c->error.text, sizeof c->error.text, "%s at %llu: %s", what,
           (unsigned long long)c->offset, detail);
  return c->error.error;
}

int capture_cut(struct estab_capture *c, const char *what)
{
  c->error.cut = true;
  return capture_damaged(c, what, "the file ends within it");
}

// ---------------------------------------------------------------------------------------------
// The buffer

// The rest moves to the front; more room only when the buffer is full of one record, doubled: so it is never
// more than twice what has come.
static int capture_make_room(struct estab_capture *c)
{
  if (c->start > 0) {
    memmove(c->buffer, c->buffer + c->start, capture_left(c));
    c->end -= c->start;
    c->start = 0;
    return 0;
  }
  const size_t room = c->room * 2;
  uint8_t *grown = realloc(c->buffer, room);
  if (!grown) return capture_failed(c, ESTAB_ERR_NO_MEMORY, "not enough memory");
  c->buffer = grown;
  c->room = room;
  return 0;
}

int capture_fill(struct estab_capture *c, size_t n)
{
  while (capture_left(c) < n) {
    if (c->source_ended) return 0;
    if (c->end == c->room || (c->start > 0 && c->start + n > c->room)) {
      const int answer = capture_make_room(c);
      if (answer < 0) return answer;
    }
    const ptrdiff_t got = c->source.read(c->source.ctx, c->buffer + c->end, c->room - c->end);
    if (got < 0 && c->error.error) return c->error.error;
    if (got < 0) return capture_failed(c, (int)got, estab_strerror((int)got));
    if (got == 0) c->source_ended = true;
    c->end += (size_t)got;
  }
  return 1;
}

int capture_interface_add(struct estab_capture *c, const struct capture_interface *interface)
{
  if (c->interface_count == c->interface_room) {
    const uint32_t room = c->interface_room ? c->interface_room * 2 : 4;
    if (room > CAPTURE_INTERFACES_MAX)
      return capture_damaged(c, "interface", "more than %d of them", CAPTURE_INTERFACES_MAX);
    struct capture_interface *grown = realloc(c->interfaces, room * sizeof *grown);
    if (!grown) return capture_failed(c, ESTAB_ERR_NO_MEMORY, "not enough memory");
    c->interfaces = grown;
    c->interface_room = room;
  }
  c->interfaces[c->interface_count++] = *interface;
  return 0;
}

// ---------------------------------------------------------------------------------------------
// Opening

static int capture_read_header(struct estab_capture *c)
{
  static const uint8_t pcapng[4] = {0x0a, 0x0d, 0x0d, 0x0a};
  static const uint8_t gzip[2] = {0x1f, 0x8b}, zstd[4] = {0x28, 0xb5, 0x2f, 0xfd};
  const int answer = capture_need(c, 4);
  if (answer < 0) return answer;
  if (answer == 0 && capture_left(c) == 0)
    return capture_failed(c, ESTAB_ERR_INVALID, "no capture: the file is empty");
  if (answer == 0) return capture_failed(c, ESTAB_ERR_INVALID, "no capture: the file is too short");
  const uint8_t *const magic = capture_at(c);
  if (memcmp(magic, gzip, sizeof gzip) == 0)
    return capture_failed(c, ESTAB_ERR_UNSUPPORTED, "packed by gzip: it has to be unpacked first");
  if (memcmp(magic, zstd, sizeof zstd) == 0)
    return capture_failed(c, ESTAB_ERR_UNSUPPORTED, "packed by zstd: it has to be unpacked first");
  c->is_pcapng = memcmp(magic, pcapng, sizeof pcapng) == 0;
  return c->is_pcapng ? capture_pcapng_open(c) : capture_pcap_open(c);
}

static void capture_tell(const struct estab_capture *c, struct estab_capture_error *error)
{
  if (error) *error = c->error;
}

// fd < 0: of source; else of the descriptor.
static int capture_open(const struct estab_capture_source *source, int fd, estab_capture **out,
                        struct estab_capture_error *error)
{
  struct estab_capture none = {.source = *source, .fd = fd};
  struct estab_capture *c = malloc(sizeof *c);
  uint8_t *buffer = malloc(CAPTURE_BUFFER_BYTES);
  *out = NULL;
  if (!c || !buffer) {
    free(c);
    free(buffer);
    const int answer = capture_failed(&none, ESTAB_ERR_NO_MEMORY, "not enough memory");
    capture_tell(&none, error);
    return answer;
  }
  *c = none;
  if (fd >= 0) c->source.ctx = c;
  c->buffer = buffer;
  c->room = CAPTURE_BUFFER_BYTES;
  const int answer = capture_read_header(c);
  if (answer < 0) {
    capture_tell(c, error);
    estab_capture_close(c);
    return answer;
  }
  *out = c;
  return 0;
}

int estab_capture_open(const struct estab_capture_source *source, estab_capture **out,
                       struct estab_capture_error *error)
{
  return capture_open(source, -1, out, error);
}

static ptrdiff_t capture_read_fd(void *ctx, void *bytes, size_t room)
{
  struct estab_capture *c = ctx;
  ssize_t got;
  do
    got = read(c->fd, bytes, room);
  while (got < 0 && errno == EINTR);
  return got < 0 ? capture_failed(c, ESTAB_ERR_INVALID, strerror(errno)) : got;
}

int estab_capture_open_fd(int fd, estab_capture **out, struct estab_capture_error *error)
{
  const struct estab_capture_source source = {NULL, capture_read_fd};
  return capture_open(&source, fd, out, error);
}

void estab_capture_close(estab_capture *c)
{
  if (!c) return;
  free(c->interfaces);
  free(c->buffer);
  free(c);
}

int estab_capture_next(estab_capture *c, struct estab_capture_packet *packet,
                       struct estab_capture_error *error)
{
  if (capture_pcap_next_plain(c, packet)) return 1;
  int answer = c->error.error;
  if (answer == 0)
    answer = c->is_pcapng ? capture_pcapng_next(c, packet) : capture_pcap_next(c, packet);
  if (answer < 0) capture_tell(c, error);
  return answer;
}

const uint8_t *estab_capture_ahead(const estab_capture *c, uint32_t *linktype,
                                   size_t *captured_bytes)
{
  const size_t left = capture_left(c);
  uint32_t captured;
  if (!c->plain || left < PCAP_RECORD_BYTES) return NULL;
  memcpy(&captured, capture_at(c) + 8, sizeof captured);
  if (left - PCAP_RECORD_BYTES < captured) return NULL;
  *linktype = c->interfaces[0].linktype;
  *captured_bytes = captured;
  return capture_at(c) + PCAP_RECORD_BYTES;
}

void estab_capture_notes(estab_capture *c, bool wanted)
{
  c->notes = wanted;
}

enum estab_capture_format estab_capture_format(const estab_capture *c)
{
  return c->is_pcapng ? ESTAB_CAPTURE_PCAPNG : ESTAB_CAPTURE_PCAP;
}

uint64_t estab_capture_offset(const estab_capture *c)
{
  return c->offset;
}

uint32_t estab_capture_interfaces(const estab_capture *c)
{
  return c->interfaces_before + c->interface_count;
}
