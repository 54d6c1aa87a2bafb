// SPDX-License-Identifier: BSD-2-Clause
// fd_device.h - a device that is a file descriptor: one frame a read, one a write.
#ifndef ESTAB_DRIVER_FD_DEVICE_H
#define ESTAB_DRIVER_FD_DEVICE_H

#include "device.h"

// Takes fd (non-blocking), closing it on an error too. vnet: each frame follows a struct virtio_net_hdr.
// Fills what it knows of *out; the caller sets netif.mtu, netif.mac and the name.
int fd_device_make(int fd, enum estab_link link, bool vnet, bool gso, struct estab_device *out,
                   struct estab_device_error *error);

#endif
