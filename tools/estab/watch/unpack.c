// SPDX-License-Identifier: BSD-2-Clause
// unpack.c - gzip and zstd, found out by their first bytes; anything else passes as it is.
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "input.h"

#define UNPACK_BYTES 262144

enum packing { PACK_NONE, PACK_GZIP, PACK_ZSTD };

struct unpacker {
  struct input_file *file;
  enum packing packing;
  bool ended;      // the file is
  bool open_frame; // the last member or frame is not complete yet
  const char *error;
  uint64_t consumed;
  z_stream gzip;
  ZSTD_DCtx *zstd;
  size_t at, have; // of bytes[], not unpacked yet
  uint8_t bytes[UNPACK_BYTES];
};

#define SKIPPABLE "\x2a\x4d\x18" // behind an octet 50 to 5f

static bool begins_with(const uint8_t *bytes, size_t count, const char *magic, size_t n)
{
  return count >= n && memcmp(bytes, magic, n) == 0;
}

// How to read what is packed in a way that is not read here. NULL: it is not.
static const char *packed_otherwise(const uint8_t *first, size_t count)
{
  if (begins_with(first, count,
                  "\xfd"
                  "7zX",
                  4))
    return "packed by xz: xz -dc FILE | estab watch -";
  if (begins_with(first, count, "BZh", 3)) return "packed by bzip2: bzip2 -dc FILE | estab watch -";
  if (begins_with(first, count, "\x04\x22\x4d\x18", 4))
    return "packed by lz4: lz4 -dc FILE | estab watch -";
  return NULL;
}

struct unpacker *unpack_open(struct input_file *file, const uint8_t *first, size_t count)
{
  struct unpacker *u = malloc(sizeof *u);
  if (u == NULL) return NULL;
  memset(u, 0, offsetof(struct unpacker, bytes)); // those are touched if the file is packed
  u->file = file;
  memcpy(u->bytes, first, count);
  u->have = count;
  u->consumed = count;
  if (begins_with(first, count, "\x1f\x8b", 2)) {
    u->packing = PACK_GZIP;
    if (inflateInit2(&u->gzip, 16 + MAX_WBITS) != Z_OK) u->error = "no memory to unpack it";
  } else if (begins_with(first, count, "\x28\xb5\x2f\xfd", 4) ||
             (count >= 4 && first[0] >> 4 == 5 && memcmp(first + 1, SKIPPABLE, 3) == 0)) {
    u->packing = PACK_ZSTD;
    u->zstd = ZSTD_createDCtx();
    if (u->zstd == NULL) u->error = "no memory to unpack it";
  } else
    u->error = packed_otherwise(first, count);
  return u;
}

void unpack_close(struct unpacker *u)
{
  if (u == NULL) return;
  if (u->packing == PACK_GZIP) inflateEnd(&u->gzip);
  if (u->packing == PACK_ZSTD) ZSTD_freeDCtx(u->zstd);
  free(u);
}

uint64_t unpack_consumed(const struct unpacker *u)
{
  return u->consumed;
}

const char *unpack_error(const struct unpacker *u)
{
  return u->error;
}

bool unpack_packed(const struct unpacker *u)
{
  return u->packing != PACK_NONE;
}

static ptrdiff_t read_file(struct unpacker *u, void *bytes, size_t room)
{
  const ptrdiff_t got = input_read(u->file, bytes, room);
  if (got < 0) u->error = strerror(errno);
  if (got == 0) u->ended = true;
  if (got > 0) u->consumed += (uint64_t)got;
  return got < 0 ? ESTAB_ERR_INVALID : got;
}

// What came before the damage is good: the error is told with the next call.
static ptrdiff_t unpack_made(const struct unpacker *u, size_t made)
{
  return made == 0 && u->error != NULL ? ESTAB_ERR_INVALID : (ptrdiff_t)made;
}

static const char *zstd_error(size_t answer)
{
  const ZSTD_ErrorCode code = ZSTD_getErrorCode(answer);
  if (code == ZSTD_error_frameParameter_windowTooLarge)
    return "its zstd window is larger than 128 MiB: it has to be unpacked first";
  return code == ZSTD_error_memory_allocation ? "no memory to unpack it"
                                              : "the zstd packing is damaged";
}

// Zeros behind a member fill up a block of a tape: no member begins like this.
static void skip_padding(struct unpacker *u)
{
  while (u->at < u->have && u->bytes[u->at] == 0)
    u->at++;
}

// Unpacks what is in bytes[] into out. Answers octets written, or negative.
static ptrdiff_t unpack_some(struct unpacker *u, void *out, size_t room)
{
  if (u->packing == PACK_ZSTD) {
    ZSTD_inBuffer in = {u->bytes, u->have, u->at};
    ZSTD_outBuffer made = {out, room, 0};
    size_t left = ZSTD_decompressStream(u->zstd, &made, &in);
    u->at = in.pos;
    u->open_frame = left != 0;
    if (ZSTD_isError(left)) u->error = zstd_error(left);
    return unpack_made(u, made.pos);
  }
  if (!u->open_frame) skip_padding(u);
  if (u->at == u->have && !u->open_frame) return 0;
  u->gzip.next_in = u->bytes + u->at;
  u->gzip.avail_in = (uInt)(u->have - u->at);
  u->gzip.next_out = out;
  u->gzip.avail_out = (uInt)(room < UNPACK_BYTES ? room : UNPACK_BYTES);
  uInt before = u->gzip.avail_out;
  int answer = inflate(&u->gzip, Z_NO_FLUSH);
  u->at = u->have - u->gzip.avail_in;
  u->open_frame = answer != Z_STREAM_END;
  if (answer == Z_STREAM_END) inflateReset(&u->gzip); // another member may follow
  if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR)
    u->error = "the gzip packing is damaged";
  return unpack_made(u, before - u->gzip.avail_out);
}

static ptrdiff_t unpack_read(void *ctx, void *out, size_t room)
{
  struct unpacker *u = ctx;
  if (u->error != NULL) return ESTAB_ERR_INVALID;
  if (u->packing == PACK_NONE) {
    if (u->at == u->have) return read_file(u, out, room);
    size_t n = u->have - u->at < room ? u->have - u->at : room;
    memcpy(out, u->bytes + u->at, n);
    u->at += n;
    return (ptrdiff_t)n;
  }
  for (;;) {
    if (u->at == u->have) {
      ptrdiff_t got = u->ended ? 0 : read_file(u, u->bytes, sizeof u->bytes);
      if (got < 0) return got;
      u->at = 0;
      u->have = (size_t)got;
      if (got == 0 && !u->open_frame) return 0;
      if (got == 0) {
        ptrdiff_t held = unpack_some(u, out, room); // zstd may hold back what found no room
        if (held > 0 || !u->open_frame) return held;
        u->error = "the packing ends before its end";
        return ESTAB_ERR_INVALID;
      }
    }
    ptrdiff_t made = unpack_some(u, out, room);
    if (made != 0) return made;
  }
}

struct estab_capture_source unpack_source(struct unpacker *u)
{
  return (struct estab_capture_source){u, unpack_read};
}
