// SPDX-License-Identifier: BSD-2-Clause
// wrap.c - middleware that sees every frame and changes none: the body of trace and pcap.
#include "wrap.h"

#include <stdlib.h>

struct wrap {
  struct estab_device inner;
  struct watcher watcher;
};

static int wrap_recv(struct estab_device *dev, uint64_t now_ns, struct estab_frame *frames,
                     unsigned count)
{
  struct wrap *w = dev->state;
  int n = estab_device_recv(&w->inner, now_ns, frames, count);
  for (int i = 0; i < n; i++)
    w->watcher.frame(w->watcher.ctx, now_ns, false, &frames[i]);
  if (n < 0) dev->error = w->inner.error;
  return n;
}

static int wrap_send(struct estab_device *dev, uint64_t now_ns, const struct estab_frame *frames,
                     unsigned count)
{
  struct wrap *w = dev->state;
  int n = estab_device_send(&w->inner, now_ns, frames, count);
  for (int i = 0; i < n; i++)
    w->watcher.frame(w->watcher.ctx, now_ns, true, &frames[i]);
  if (n < 0) dev->error = w->inner.error;
  return n;
}

static uint64_t wrap_deadline(struct estab_device *dev)
{
  struct wrap *w = dev->state;
  return estab_device_deadline(&w->inner);
}

static const struct estab_device *wrap_inner(const struct estab_device *dev)
{
  const struct wrap *w = dev->state;
  return &w->inner;
}

static void wrap_close(struct estab_device *dev)
{
  struct wrap *w = dev->state;
  estab_device_close(&w->inner);
  w->watcher.free(w->watcher.ctx);
  free(w);
}

static const struct estab_device_ops wrap_ops = {
    .recv = wrap_recv,
    .send = wrap_send,
    .deadline = wrap_deadline,
    .inner = wrap_inner,
    .close = wrap_close,
};

int wrap_watcher(struct estab_device *dev, const struct watcher *watcher,
                 struct estab_device_error *error)
{
  struct wrap *w = malloc(sizeof *w);
  if (!w) {
    watcher->free(watcher->ctx);
    return device_no_memory(error);
  }
  w->inner = *dev;
  w->watcher = *watcher;
  dev->ops = &wrap_ops;
  dev->state = w;
  return 0;
}
