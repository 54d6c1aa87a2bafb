// SPDX-License-Identifier: BSD-2-Clause
// vnet.c - between virtio_net_hdr and struct estab_frame. Fields are in the machine's byte order.
#include "vnet.h"

#include <string.h>

bool vnet_from_frame(const struct estab_frame *frame, struct virtio_net_hdr *hdr)
{
  memset(hdr, 0, sizeof *hdr);
  if (frame->checksum == ESTAB_CHECKSUM_PARTIAL) {
    hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    hdr->csum_start = frame->checksum_start;
    hdr->csum_offset = frame->checksum_offset;
  }
  if (frame->gso_type == ESTAB_GSO_NONE) return true;

  struct frame_headers h;
  uint8_t flags;
  if (!frame_find_headers(frame, &h) || frame_copy(frame, h.l4 + 13, &flags, 1) != 1) return false;
  // One segment's worth is no super-segment; the kernel wants none to be called so.
  if (estab_frame_bytes(frame) - h.payload <= frame->gso_bytes) return true;
  if (frame->checksum != ESTAB_CHECKSUM_PARTIAL) return false;
  hdr->gso_type = h.ip6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
  if (flags & ESTAB_TCP_CWR) hdr->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
  hdr->gso_size = frame->gso_bytes;
  hdr->hdr_len = (uint16_t)h.payload;
  return true;
}

void vnet_to_frame(const struct virtio_net_hdr *hdr, struct estab_frame *frame)
{
  if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
    frame->checksum = ESTAB_CHECKSUM_PARTIAL;
    frame->checksum_start = hdr->csum_start;
    frame->checksum_offset = hdr->csum_offset;
  } else if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
    frame->checksum = ESTAB_CHECKSUM_VALID;
  }
  unsigned type = hdr->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
  if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6) return;
  struct frame_headers h;
  if (frame->checksum == ESTAB_CHECKSUM_PARTIAL) frame->l4_offset = hdr->csum_start;
  if (hdr->gso_size == 0 || !frame_find_headers(frame, &h)) return;
  size_t text = estab_frame_bytes(frame) - h.payload;
  if (text <= hdr->gso_size) return;
  frame->gso_type = h.ip6 ? ESTAB_GSO_TCP6 : ESTAB_GSO_TCP4;
  frame->gso_bytes = hdr->gso_size;
  frame->segments = (uint16_t)((text + hdr->gso_size - 1) / hdr->gso_size);
}
