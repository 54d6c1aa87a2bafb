// SPDX-License-Identifier: BSD-2-Clause
// input.h - capture files by name: plain, gzip or zstd, standard input; one after the other, or merged by time.
#ifndef ESTAB_TOOL_WATCH_INPUT_H
#define ESTAB_TOOL_WATCH_INPUT_H

#include "estab/capture.h"

struct input_file {
  struct input *in;
  const char *path; // as it was given
  int fd;
  bool may_wait;         // it is no regular file: what comes may come later
  uint64_t packets;      // read so far
  uint64_t size;         // of the file, 0 = not known
  struct unpacker *pack; // NULL: the file is not packed
  estab_capture *capture;
  struct estab_capture_packet packet; // merged: the next one
  bool ready;                         // `packet` is there
  bool ended;                         // none comes any more
  int answer;                         // 1, or ESTAB_CAPTURE_NOTE
};

struct input {
  struct input_file *files;
  unsigned count, current;
  bool merge;
  estab_capture *reading;     // of files[current], when it is open; NULL: merged
  uint64_t read;              // packets of `reading` that its file does not count yet
  bool notes;                 // are wanted, too: see estab_capture_notes()
  uint32_t interfaces_before; // of the files already read: interfaces are numbered over all
  uint64_t read_bytes, size;  // of all, for the progress; size 0 = not known
  // Of what may wait: asked before each read, every INPUT_WAIT_MS while nothing comes, and after a signal. true: what
  // has come is all. NULL: nobody asks.
  bool (*wait)(void *ctx);
  void *wait_ctx;
  bool stopped; // `wait` said so
};

// What could not be read.
struct input_error {
  const char *path;
  struct estab_capture_error capture;
  uint64_t packets; // read of this file before
  bool packed;      // the offset is of what was unpacked
};

#define INPUT_WAIT_MS 200

// 0, or -1 for no memory. Files are opened as they are reached; merged, all of them at the first packet.
int input_start(struct input *in, const char *const *paths, unsigned count, bool merge);
// 1 and a packet, ESTAB_CAPTURE_NOTE and a note, 0 = all was read, -1 = *error; the next call goes on with the next
// file.
int input_next(struct input *in, struct estab_capture_packet *packet, struct input_error *error);
// As estab_capture_ahead().
static inline const uint8_t *input_ahead(const struct input *in, uint32_t *linktype, size_t *bytes)
{
  return in->reading != NULL ? estab_capture_ahead(in->reading, linktype, bytes) : NULL;
}
// The file that the last packet is of.
static inline const char *input_path(const struct input *in)
{
  return in->files[in->current].path;
}
void input_end(struct input *in);

// As read(2), but that it waits as `wait` says: 0 also where the input stopped.
ptrdiff_t input_read(struct input_file *file, void *bytes, size_t room);

// ---- unpack.c

// NULL: no memory. `first` was read already and comes again.
struct unpacker *unpack_open(struct input_file *file, const uint8_t *first, size_t count);
void unpack_close(struct unpacker *u);
// Reads the file, unpacked where it is packed.
struct estab_capture_source unpack_source(struct unpacker *u);
uint64_t unpack_consumed(const struct unpacker *u); // bytes of the file
const char *unpack_error(const struct unpacker *u); // what was wrong with the packing, or NULL
bool unpack_packed(const struct unpacker *u);

#endif
