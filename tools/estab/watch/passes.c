// SPDX-License-Identifier: BSD-2-Clause
// passes.c - the packets of a run, more than once.
#include "passes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "estab/driver.h"
#include "filter.h"
#include "input.h"
#include "say.h"

static bool readable_twice(const char *path)
{
  struct stat status;
  return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

int passes_open(struct passes *p, const struct watch_run *run)
{
  char why[256];
  *p = (struct passes){.run = run};
  for (unsigned i = 0; i < run->file_count; i++)
    if (!readable_twice(run->files[i])) p->keeps = true;
  if (run->filter != NULL && (p->filter = filter_open(run->filter, why)) == NULL)
    return say_usage("watch", "--filter '%s': %s", run->filter, why);
  return 0;
}

void passes_close(struct passes *p)
{
  filter_close(p->filter);
  free(p->packets);
  free(p->bytes);
}

static bool grow(void **memory, size_t *room, size_t need, size_t each)
{
  if (need <= *room) return true;
  size_t more = *room ? *room * 2 : 4096;
  while (more < need)
    more *= 2;
  void *larger = realloc(*memory, more * each);
  if (larger == NULL) return false;
  *memory = larger;
  *room = more;
  return true;
}

static void keep(struct passes *p, const struct estab_capture_packet *packet)
{
  void *packets = p->packets, *bytes = p->bytes;
  size_t end = p->byte_count + packet->captured_bytes;
  p->lost = p->lost || end + p->packet_count * sizeof *p->packets > PASSES_KEPT_BYTES ||
            !grow(&packets, &p->packet_room, p->packet_count + 1, sizeof *p->packets) ||
            (p->packets = packets, !grow(&bytes, &p->byte_room, end, 1));
  if (p->lost) return;
  p->bytes = bytes;
  p->packets[p->packet_count++] = (struct passes_packet){.ts_ns = packet->ts_ns,
                                                         .interface = packet->interface,
                                                         .linktype = packet->linktype,
                                                         .captured_bytes = packet->captured_bytes,
                                                         .wire_bytes = packet->wire_bytes,
                                                         .at = p->byte_count};
  if (packet->captured_bytes > 0)
    memcpy(p->bytes + p->byte_count, packet->bytes, packet->captured_bytes);
  p->byte_count = end;
}

static void pull(estab_watch *w, passes_record *record, void *ctx)
{
  static struct estab_watch_record r;
  while (estab_watch_next(w, &r))
    record(ctx, &r);
}

static bool takes(struct passes *p, const struct estab_capture_packet *packet)
{
  const int answer = filter_takes(p->filter, packet);
  if (answer >= 0) return answer > 0;
  filter_complain(p->filter, packet->linktype);
  p->failed = true;
  return false;
}

static void from_files(struct passes *p, estab_watch *w, passes_record *record, void *ctx)
{
  struct input input;
  struct input_error error;
  struct estab_capture_packet packet;
  int answer;
  if (input_start(&input, p->run->files, p->run->file_count, p->run->merge) < 0) {
    p->failed = true;
    return;
  }
  while ((answer = input_next(&input, &packet, &error)) != 0) {
    if (answer < 0) {
      if (p->count == 0) (void)say_failure("watch", NULL, "%s: %s", error.path, error.capture.text);
      p->failed = true;
      continue;
    }
    if (p->filter != NULL && !takes(p, &packet)) continue;
    if (p->keeps) keep(p, &packet);
    estab_watch_input(w, packet.interface, packet.linktype, packet.bytes, packet.captured_bytes,
                      packet.wire_bytes, packet.ts_ns);
    pull(w, record, ctx);
  }
  input_end(&input);
}

static void from_memory(struct passes *p, estab_watch *w, passes_record *record, void *ctx)
{
  for (size_t i = 0; i < p->packet_count; i++) {
    const struct passes_packet *k = &p->packets[i];
    estab_watch_input(w, k->interface, k->linktype, p->bytes + k->at, k->captured_bytes,
                      k->wire_bytes, k->ts_ns);
    pull(w, record, ctx);
  }
}

int passes_make(struct passes *p, const struct estab_watch_settings *settings,
                passes_record *record, void *ctx)
{
  struct estab_watch_settings own = *settings;
  estab_watch *w;
  own.mem = estab_system_mem();
  if (getentropy(own.secret, sizeof own.secret) < 0)
    return say_failure("watch", NULL, "getentropy: %s", strerror(errno));
  int error = estab_watch_new(&own, &w);
  if (error < 0) return say_failure("watch", NULL, "%s", estab_strerror(error));
  if (p->keeps && p->count > 0)
    from_memory(p, w, record, ctx);
  else
    from_files(p, w, record, ctx);
  estab_watch_flush(w);
  pull(w, record, ctx);
  estab_watch_free(w);
  p->count++;
  return 0;
}
