// SPDX-License-Identifier: BSD-2-Clause
// wrap_trace.c - middleware that says each packet in one line.
#include "wrap.h"

#include <stdio.h>
#include <stdlib.h>

struct tracer {
  struct estab_line_hook hook;
  int link;
  bool started;
  uint64_t start_ns; // of the first packet: lines count from it
  uint8_t bytes[DEVICE_FRAME_BYTES];
};

static void trace_frame(void *ctx, uint64_t now_ns, bool out, const struct estab_frame *frame)
{
  struct tracer *t = ctx;
  struct estab_packet packet;
  struct estab_format_options how = {.addresses = true};
  char what[ESTAB_PACKET_TEXT_BYTES], line[ESTAB_PACKET_TEXT_BYTES + 96], merged[32] = "";
  if (!t->started) t->start_ns = now_ns;
  t->started = true;

  size_t n = frame_copy(frame, 0, t->bytes, sizeof t->bytes);
  // An unfinished checksum is no wrong one.
  bool known = frame->checksum != ESTAB_CHECKSUM_UNKNOWN;
  int r = estab_packet_parse(t->link, t->bytes, n, known, &packet);
  if (r >= 0)
    estab_packet_format(&packet, &how, what, sizeof what);
  else
    snprintf(what, sizeof what, "? %zu bytes: %s", n, estab_drop_text((enum estab_drop) - r));
  if (frame->segments > 1) snprintf(merged, sizeof merged, " (%u segments)", frame->segments);
  uint64_t us = (now_ns - t->start_ns) / 1000;
  snprintf(line, sizeof line, "%llu.%06llu %c %s%s", (unsigned long long)(us / 1000000),
           (unsigned long long)(us % 1000000), out ? '>' : '<', what, merged);
  t->hook.line(t->hook.ctx, line);
}

int estab_device_wrap_trace(struct estab_device *dev, struct estab_line_hook hook,
                            struct estab_device_error *error)
{
  struct tracer *t = calloc(1, sizeof *t);
  if (!t) return device_no_memory(error);
  t->hook = hook;
  t->link = dev->netif.link;
  return wrap_watcher(dev, &(struct watcher){.frame = trace_frame, .ctx = t, .free = free}, error);
}
