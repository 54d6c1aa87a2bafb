// SPDX-License-Identifier: BSD-2-Clause
// vnet.h - virtio_net_hdr, the kernel's words for offloads, and struct estab_frame, ours.
#ifndef ESTAB_DRIVER_VNET_H
#define ESTAB_DRIVER_VNET_H

#include "device.h"

#include <linux/virtio_net.h>

// Out: false if the frame asks for something that no header can say.
bool vnet_from_frame(const struct estab_frame *frame, struct virtio_net_hdr *hdr);
// In: after frame_set().
void vnet_to_frame(const struct virtio_net_hdr *hdr, struct estab_frame *frame);

#endif
