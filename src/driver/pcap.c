// SPDX-License-Identifier: BSD-2-Clause
// pcap.c - writes capture files: pcap with nanoseconds, in the machine's byte order as its magic says.
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PCAP_MAGIC_NS      0xa1b23c4du
#define PCAP_LINK_ETHERNET 1
#define PCAP_LINK_RAW      101
#define PCAP_SNAP_BYTES    262144

struct estab_pcap {
  FILE *file;
  uint64_t date_offset_ns; // wall clock minus the caller's clock
  uint8_t frame[DEVICE_FRAME_BYTES];
};

struct file_header {
  uint32_t magic;
  uint16_t version_major, version_minor;
  int32_t zone;
  uint32_t accuracy, snap_bytes, link_type;
};

struct record_header {
  uint32_t seconds, nanoseconds, captured_bytes, wire_bytes;
};

int estab_pcap_open(const char *path, enum estab_link link, uint64_t now_ns, estab_pcap **out,
                    struct estab_device_error *error)
{
  struct file_header header = {
      .magic = PCAP_MAGIC_NS,
      .version_major = 2,
      .version_minor = 4,
      .snap_bytes = PCAP_SNAP_BYTES,
      .link_type = link == ESTAB_LINK_ETHERNET ? PCAP_LINK_ETHERNET : PCAP_LINK_RAW,
  };
  struct timespec wall;
  *out = NULL;
  estab_pcap *pcap = malloc(sizeof *pcap);
  if (!pcap) return device_no_memory(error);
  pcap->file = fopen(path, "wbe");
  if (!pcap->file) {
    free(pcap);
    return device_fail(error, ESTAB_ERR_INVALID, "open the capture file", errno,
                       "give a file in a folder that exists and can be written");
  }
  pcap->date_offset_ns = 0;
  if (now_ns != ESTAB_NEVER) {
    clock_gettime(CLOCK_REALTIME, &wall);
    pcap->date_offset_ns = (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec - now_ns;
  }
  fwrite(&header, sizeof header, 1, pcap->file);
  *out = pcap;
  return 0;
}

int estab_pcap_write(estab_pcap *pcap, uint64_t now_ns, const struct estab_frame *frame)
{
  uint64_t date = now_ns + pcap->date_offset_ns;
  unsigned count = estab_gso_count(frame);
  for (unsigned i = 0; i < count; i++) {
    int n = estab_gso_cut(frame, i, pcap->frame, sizeof pcap->frame);
    if (n < 0) return n;
    struct record_header header = {(uint32_t)(date / 1000000000u), (uint32_t)(date % 1000000000u),
                                   (uint32_t)n, (uint32_t)n};
    fwrite(&header, sizeof header, 1, pcap->file);
    fwrite(pcap->frame, (size_t)n, 1, pcap->file);
  }
  return ferror(pcap->file) ? ESTAB_ERR_INVALID : 0;
}

int estab_pcap_flush(estab_pcap *pcap)
{
  return fflush(pcap->file) == 0 && !ferror(pcap->file) ? 0 : ESTAB_ERR_INVALID;
}

int estab_pcap_close(estab_pcap *pcap)
{
  if (!pcap) return 0;
  bool lost = ferror(pcap->file) != 0;
  if (fclose(pcap->file) != 0) lost = true;
  free(pcap);
  return lost ? ESTAB_ERR_INVALID : 0;
}
