// SPDX-License-Identifier: BSD-2-Clause
// wrap_pcap.c - middleware that writes what passes to a capture file.
#include "wrap.h"

static void pcap_frame(void *ctx, uint64_t now_ns, bool out, const struct estab_frame *frame)
{
  (void)out;
  estab_pcap_write(ctx, now_ns, frame); // a failure is told by estab_pcap_close()
}

static void pcap_keep(void *ctx)
{
  (void)ctx; // the caller's
}

int estab_device_wrap_pcap(struct estab_device *dev, estab_pcap *pcap,
                           struct estab_device_error *error)
{
  return wrap_watcher(dev, &(struct watcher){.frame = pcap_frame, .ctx = pcap, .free = pcap_keep},
                      error);
}
