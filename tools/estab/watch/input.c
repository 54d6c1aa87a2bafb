// SPDX-License-Identifier: BSD-2-Clause
// input.c - capture files by name, one after the other or merged by time.
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// Merged: of a packet's interface so many bits are its number in its file. Above them is the file's.
#define INPUT_MERGED_BITS 16

#define INPUT_OTHER_FILES 32 // that are open besides

// Files that are merged are open at once: as many as the system lets be, where that is not what a process begins with.
static void allow_open(unsigned count)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > (rlim_t)count + INPUT_OTHER_FILES)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit); // where it is refused, opening is, and that is told
}

int input_start(struct input *in, const char *const *paths, unsigned count, bool merge)
{
  *in = (struct input){.count = count, .merge = merge && count > 1};
  if (in->merge) allow_open(count);
  in->files = calloc(count, sizeof *in->files);
  if (in->files == NULL) {
    in->count = 0;
    return -1;
  }
  for (unsigned i = 0; i < count; i++) {
    struct stat status;
    in->files[i].in = in;
    in->files[i].path = paths[i];
    in->files[i].fd = -1;
    if (strcmp(paths[i], "-") != 0 && stat(paths[i], &status) == 0 && S_ISREG(status.st_mode))
      in->files[i].size = (uint64_t)status.st_size;
    in->size += in->files[i].size;
  }
  return 0;
}

static void file_close(struct input *in, struct input_file *file)
{
  if (file->capture != NULL) {
    in->interfaces_before += estab_capture_interfaces(file->capture);
    estab_capture_close(file->capture);
  }
  if (file->pack != NULL) in->read_bytes += unpack_consumed(file->pack);
  unpack_close(file->pack);
  if (file->fd > 0) close(file->fd);
  in->reading = NULL;
  file->capture = NULL;
  file->pack = NULL;
  file->fd = -1;
}

void input_end(struct input *in)
{
  for (unsigned i = 0; i < in->count; i++)
    file_close(in, &in->files[i]);
  free(in->files);
  in->files = NULL;
}

// ---------------------------------------------------------------------------------------------
// Reading what may wait

// Something is there to be read, its end included. false: the input stopped.
static bool something_comes(struct input *in, int fd)
{
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  int answer = 0;
  for (int ms = 0;; ms = INPUT_WAIT_MS) {
    if (in->wait != NULL && in->wait(in->wait_ctx)) in->stopped = true;
    if (in->stopped) return false;
    answer = poll(&wanted, 1, ms);
    if (answer > 0 || (answer < 0 && errno != EINTR)) return true; // an error is read()'s to tell
  }
}

ptrdiff_t input_read(struct input_file *file, void *bytes, size_t room)
{
  for (;;) {
    if (file->may_wait && !something_comes(file->in, file->fd)) return 0;
    const ssize_t got = read(file->fd, bytes, room);
    if (got >= 0 || (errno != EINTR && errno != EAGAIN)) return got;
  }
}

// ---------------------------------------------------------------------------------------------

static int fail(struct input_error *error, const struct input_file *file, const char *text)
{
  error->path = file->path;
  error->packets = file->packets;
  error->packed = file->pack != NULL && unpack_packed(file->pack);
  if (text != NULL) {
    error->capture = (struct estab_capture_error){.error = ESTAB_ERR_INVALID};
    snprintf(error->capture.text, sizeof error->capture.text, "%s", text);
  }
  return -1;
}

static int file_open(struct input *in, struct input_file *file, struct input_error *error)
{
  uint8_t first[4];
  size_t have = 0;
  struct stat status;
  // A FIFO without a writer is opened at once, and waited for where Ctrl-C is seen.
  file->fd = strcmp(file->path, "-") == 0 ? STDIN_FILENO
                                          : open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->fd < 0) return fail(error, file, strerror(errno));
  file->may_wait = fstat(file->fd, &status) < 0 || !S_ISREG(status.st_mode);
  while (have < sizeof first) {
    ptrdiff_t got = input_read(file, first + have, sizeof first - have);
    if (got < 0) return fail(error, file, strerror(errno));
    if (got == 0) break;
    have += (size_t)got;
  }
  file->pack = unpack_open(file, first, have);
  if (file->pack == NULL) return fail(error, file, "no memory");
  struct estab_capture_source source = unpack_source(file->pack);
  if (estab_capture_open(&source, &file->capture, &error->capture) < 0)
    return fail(error, file, unpack_error(file->pack));
  estab_capture_notes(file->capture, in->notes);
  if (!in->merge) in->reading = file->capture;
  return 0;
}

static int file_next(struct input_file *file, struct estab_capture_packet *packet,
                     struct input_error *error)
{
  int answer = estab_capture_next(file->capture, packet, &error->capture);
  file->packets += answer == 1;
  if (answer >= 0) return answer;
  const char *text = unpack_error(file->pack);
  if (text != NULL) snprintf(error->capture.text, sizeof error->capture.text, "%s", text);
  return fail(error, file, NULL); // the offset is the capture's, unpacked
}

// In the order given.
static int next_in_turn(struct input *in, struct estab_capture_packet *packet,
                        struct input_error *error)
{
  while (in->current < in->count && !in->stopped) {
    struct input_file *file = &in->files[in->current];
    file->packets += in->read;
    in->read = 0;
    int answer = file->capture == NULL ? file_open(in, file, error) : 0;
    if (answer == 0) answer = file_next(file, packet, error);
    if (answer > 0) {
      packet->interface += in->interfaces_before;
      return answer;
    }
    file_close(in, file);
    in->current++;
    if (answer < 0) return -1;
  }
  return 0;
}

// By time; equal times in the order given.
static int next_merged(struct input *in, struct estab_capture_packet *packet,
                       struct input_error *error)
{
  int best = -1;
  for (unsigned i = 0; i < in->count && !in->stopped; i++) {
    struct input_file *file = &in->files[i];
    if (!file->ready && !file->ended) {
      int answer = file->capture == NULL ? file_open(in, file, error) : 0;
      if (answer == 0) answer = file_next(file, &file->packet, error);
      file->ready = answer > 0;
      file->answer = answer;
      file->ended = answer <= 0;
      if (file->ended) file_close(in, file);
      if (answer < 0) return -1;
    }
    if (file->ready && (best < 0 || file->packet.ts_ns < in->files[best].packet.ts_ns))
      best = (int)i;
  }
  if (best < 0 || in->stopped) return 0;
  *packet = in->files[best].packet;
  packet->interface += (uint32_t)best << INPUT_MERGED_BITS; // apart, whatever order they end in
  in->files[best].ready = false;
  in->current = (unsigned)best;
  return in->files[best].answer;
}

static __attribute__((noinline)) int next_of_all(struct input *in,
                                                 struct estab_capture_packet *packet,
                                                 struct input_error *error)
{
  const int answer = in->merge ? next_merged(in, packet, error) : next_in_turn(in, packet, error);
  if (answer < 0 && in->stopped) return 0; // within a packet, since nobody waits for its rest
  return answer;
}

int input_next(struct input *in, struct estab_capture_packet *packet, struct input_error *error)
{
  // Nearly always the file that is read goes on. Its end, or an error, is answered again when asked again.
  if (in->reading != NULL) {
    int answer = estab_capture_next(in->reading, packet, &error->capture);
    if (answer > 0) {
      in->read += answer == 1;
      packet->interface += in->interfaces_before;
      return answer;
    }
  }
  return next_of_all(in, packet, error);
}
