// SPDX-License-Identifier: BSD-2-Clause
// wrap.h - middleware that sees every frame and changes none.
#ifndef ESTAB_DRIVER_WRAP_H
#define ESTAB_DRIVER_WRAP_H

#include "device.h"

// Called for each frame that passed; `out`: the stack sent it.
struct watcher {
  void (*frame)(void *ctx, uint64_t now_ns, bool out, const struct estab_frame *frame);
  void *ctx;
  void (*free)(void *ctx);
};

// Wraps *dev; frees ctx on closing, and on an error.
int wrap_watcher(struct estab_device *dev, const struct watcher *watcher,
                 struct estab_device_error *error);

#endif
