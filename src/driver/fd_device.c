// SPDX-License-Identifier: BSD-2-Clause
// fd_device.c - TUN, TAP and packet sockets once they are open.
#include "fd_device.h"
#include "vnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

// Frames of one recv lie behind each other. Four of the largest, or some 170 of 1500 bytes.
#define ARENA_BYTES (4 * FRAME_ROOM)
#define FRAME_ROOM  ((DEVICE_FRAME_BYTES + 63) / 64 * 64)

struct fd_device {
  int fd;
  bool vnet;
  uint16_t l3_offset;
  uint8_t *arena;
};

// Super-segments: what 65535 bytes of IP hold beside the largest headers, the same for both versions.
#define GSO_BYTES (65535 - ESTAB_IP4_HEADER_MAX_BYTES - ESTAB_TCP_HEADER_MAX_BYTES)

static int gone(struct estab_device *dev, const char *call, int sys_errno)
{
  return device_fail(&dev->error, ESTAB_ERR_UNREACHABLE, call, sys_errno,
                     "the interface was removed, or another program took it");
}

static int fd_recv(struct estab_device *dev, uint64_t now_ns, struct estab_frame *frames,
                   unsigned count)
{
  struct fd_device *d = dev->state;
  size_t used = 0;
  unsigned n = 0;
  (void)now_ns;
  while (n < count && ARENA_BYTES - used >= FRAME_ROOM) {
    struct virtio_net_hdr hdr;
    // Behind an Ethernet header the IP header is then aligned.
    uint8_t *bytes = d->arena + used + (d->l3_offset ? 2 : 0);
    struct iovec iov[2] = {{&hdr, sizeof hdr}, {bytes, DEVICE_FRAME_BYTES}};
    ssize_t got = d->vnet ? readv(d->fd, iov, 2) : read(d->fd, bytes, DEVICE_FRAME_BYTES);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) break;
      // An interface that is down, or a frame whose offload no virtio_net_hdr can say.
      if (errno == ENETDOWN || errno == EIO || errno == EINVAL || errno == ENOBUFS) {
        dev->counters.dropped_in++;
        break;
      }
      return gone(dev, "read from the device", errno);
    }
    size_t length = (size_t)got;
    if (d->vnet) {
      if (length < sizeof hdr) {
        dev->counters.dropped_in++;
        continue;
      }
      length -= sizeof hdr;
    }
    frame_set(&frames[n], bytes, length, d->l3_offset);
    if (d->vnet) vnet_to_frame(&hdr, &frames[n]);
    n++;
    used += (length + 2 + 63) / 64 * 64;
  }
  return (int)n;
}

enum sent { SENT_NOT_NOW, SENT, SENT_NEVER, SENT_GONE };

static enum sent send_one(struct estab_device *dev, const struct estab_frame *frame)
{
  struct fd_device *d = dev->state;
  struct virtio_net_hdr hdr;
  struct iovec iov[1 + ESTAB_FRAME_PIECES];
  int n = 0;
  if (d->vnet) {
    if (!vnet_from_frame(frame, &hdr)) return SENT_NEVER;
    iov[n++] = (struct iovec){&hdr, sizeof hdr};
  } else if (frame->gso_type != ESTAB_GSO_NONE || frame->checksum == ESTAB_CHECKSUM_PARTIAL) {
    return SENT_NEVER; // not offered: dev->netif says so
  }
  for (unsigned i = 0; i < frame->piece_count && i < ESTAB_FRAME_PIECES; i++) {
    const void *bytes = frame->pieces[i].bytes;
    iov[n++] = (struct iovec){(void *)(uintptr_t)bytes, frame->pieces[i].length};
  }
  if (writev(d->fd, iov, n) >= 0) return SENT;
  switch (errno) {
  case EAGAIN:
  case ENOBUFS:
  case EINTR: return SENT_NOT_NOW;
  case EBADF:
  case EBADFD:
  case ENODEV:
  case ENXIO: gone(dev, "write to the device", errno); return SENT_GONE;
  default: return SENT_NEVER; // EIO, ENETDOWN: it is down. EMSGSIZE, EINVAL: it will never pass
  }
}

static int fd_send(struct estab_device *dev, uint64_t now_ns, const struct estab_frame *frames,
                   unsigned count)
{
  (void)now_ns;
  for (unsigned i = 0; i < count; i++) {
    enum sent r = send_one(dev, &frames[i]);
    if (r == SENT_NOT_NOW) return (int)i;
    if (r == SENT_GONE) return i > 0 ? (int)i : ESTAB_ERR_UNREACHABLE;
    if (r == SENT_NEVER) dev->counters.dropped_out++;
  }
  return (int)count;
}

static void fd_close(struct estab_device *dev)
{
  struct fd_device *d = dev->state;
  close(d->fd);
  free(d->arena);
  free(d);
}

static const struct estab_device_ops fd_ops = {
    .recv = fd_recv, .send = fd_send, .deadline = NULL, .inner = NULL, .close = fd_close};

int fd_device_make(int fd, enum estab_link link, bool vnet, bool gso, struct estab_device *out,
                   struct estab_device_error *error)
{
  struct fd_device *d = malloc(sizeof *d);
  uint8_t *arena = malloc(ARENA_BYTES);
  if (!d || !arena) {
    free(d);
    free(arena);
    close(fd);
    return device_no_memory(error);
  }
  *d = (struct fd_device){.fd = fd,
                          .vnet = vnet,
                          .l3_offset = link == ESTAB_LINK_ETHERNET ? ESTAB_ETH_HEADER_BYTES : 0,
                          .arena = arena};
  memset(out, 0, sizeof *out);
  out->ops = &fd_ops;
  out->state = d;
  out->fd = fd;
  estab_netif_settings_default(&out->netif);
  out->netif.link = (uint8_t)link;
  out->netif.checksum_offload = vnet;
  out->netif.gso_max_bytes = vnet && gso ? GSO_BYTES : 0;
  return 0;
}
