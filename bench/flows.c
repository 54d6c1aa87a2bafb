// SPDX-License-Identifier: BSD-2-Clause
// flows.c - how many bytes a connection takes in the observer, at its memory door, tables included.
//
// usage: flows idle|one|refused COUNT
//   idle     established IPv6 connections: handshake, text both ways, acknowledged
//   one      connections of which one SYN was seen
//   refused  the same, and the RST that answered it
// Prints the bytes in use with COUNT connections and with twice as many; COUNT is best a power of 2, so that tables
// have grown alike.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <estab/watch.h>
#include <estab/wire.h>

enum { SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static uint64_t now_ns = UINT64_C(1600000000000000000), in_use;
static estab_watch *watch;

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                    enum estab_mem_kind kind)
{
  (void)ctx;
  (void)kind;
  void *answer = NULL;
  if (new_bytes == 0)
    free(p);
  else if ((answer = realloc(p, new_bytes)) == NULL)
    return NULL;
  in_use = in_use + new_bytes - (p == NULL ? 0 : old_bytes);
  return answer;
}

static void put(uint8_t *p, uint32_t value, unsigned bytes)
{
  while (bytes-- > 0)
    *p++ = (uint8_t)(value >> (8 * bytes));
}

// Of connection `n`, from its client or from its server.
static void segment(uint32_t n, bool answer, uint32_t seq, uint32_t ack, uint8_t flags,
                    uint32_t text_bytes)
{
  uint8_t frame[14 + 40 + 20 + 64] = {0};
  uint8_t *const ip = frame + 14, *const tcp = ip + 40;
  uint8_t *const client = ip + (answer ? 24 : 8), *const server = ip + (answer ? 8 : 24);
  put(frame + 12, 0x86dd, 2);
  put(ip, 0x60000000, 4);
  put(ip + 4, (20 + text_bytes) << 16 | 6 << 8 | 64, 4);
  put(client, 0x20010db8, 4);
  put(client + 12, 0x10000 + n / 30000, 4);
  put(server, 0x20010db8, 4);
  put(server + 12, 1 + n % 1000, 4);
  put(tcp + (answer ? 2 : 0), 1024 + n % 30000, 2);
  put(tcp + (answer ? 0 : 2), 443, 2);
  put(tcp + 4, seq, 4);
  put(tcp + 8, ack, 4);
  put(tcp + 12, 0x50000000 | (uint32_t)flags << 16 | 64240, 4);
  const size_t bytes = 54 + 20 + text_bytes;
  now_ns += 1000; // what waits for seconds waits to the end
  estab_watch_input(watch, 0, ESTAB_LINKTYPE_ETHERNET, frame, bytes, bytes, now_ns);
  static struct estab_watch_record record;
  while (estab_watch_next(watch, &record))
    continue;
}

static void connection(uint32_t n, const char *kind)
{
  segment(n, false, 1000, 0, SYN, 0);
  if (strcmp(kind, "refused") == 0) segment(n, true, 0, 1001, RST | ACK, 0);
  if (strcmp(kind, "idle") != 0) return;
  segment(n, true, 5000, 1001, SYN | ACK, 0);
  segment(n, false, 1001, 5001, ACK, 0);
  segment(n, false, 1001, 5001, PSH | ACK, 60);
  segment(n, true, 5001, 1061, PSH | ACK, 60);
  segment(n, false, 1061, 5061, ACK, 0);
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fputs("usage: flows idle|one|refused COUNT\n", stderr);
    return 2;
  }
  const uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
  struct estab_watch_settings settings;
  estab_watch_settings_default(&settings);
  settings.mem.resize = resize;
  settings.max_bytes = UINT64_C(4) << 30;
  settings.verify_checksums = false; // they are not made
  settings.detect = false;           // the detectors' tables have a ceiling of their own
  if (estab_watch_new(&settings, &watch) < 0) return 1;
  uint64_t bytes[2];
  for (uint32_t n = 0, i = 0; i < 2; i++) {
    for (; n < (i + 1) * count; n++)
      connection(n, argv[1]);
    bytes[i] = in_use;
  }
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(watch, &stats);
  printf("flows=%" PRIu64 " once_bytes=%" PRIu64 " twice_bytes=%" PRIu64 "\n", stats.flows_open,
         bytes[0], bytes[1]);
  estab_watch_free(watch);
  return stats.flows_open != 2 * (uint64_t)count;
}
