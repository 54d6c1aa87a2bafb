// SPDX-License-Identifier: BSD-2-Clause
// captures.c - made captures for the observer's rows: bulk, short, scan and mixed. The same bytes each time.
//
// usage: captures bulk|short|scan|mixed COUNT FILE
//   bulk   COUNT packets of 16 long downloads, 1,460 octets a segment and an ACK for two of them
//   short  COUNT connections of 8 packets: opened, 80 octets asked, 400 answered, closed by both
//   scan   COUNT probes of eight scanners, of which half are answered by RST and one in 64 by SYN-ACK
//   mixed  COUNT connections as an access link carries them (captures_mixed.c)
// Checksums are right, a quarter of the connections are IPv6, times are microseconds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "captures.h"

#define DOWNLOADS 16

static void bulk(uint32_t count)
{
  static struct packet down[DOWNLOADS], up[DOWNLOADS];
  uint64_t now = BEGIN_US;
  for (uint32_t i = 0; i < DOWNLOADS; i++) {
    up[i] = (struct packet){.src = 0x10000 + i,
                            .dst = 0x20000 + i,
                            .src_port = (uint16_t)(40000 + i),
                            .dst_port = 443,
                            .window = 64240,
                            .seq = mix(i),
                            .flags = SYN,
                            .ip6 = i % 4 == 3};
    down[i] = (struct packet){.src = up[i].dst,
                              .dst = up[i].src,
                              .src_port = 443,
                              .dst_port = up[i].src_port,
                              .window = 64240,
                              .seq = mix(~i),
                              .ack = ++up[i].seq,
                              .flags = SYN | ACK,
                              .ip6 = up[i].ip6};
    up[i].seq--;
    up[i].at_us = now++;
    put_packet(&up[i]);
    down[i].at_us = now++;
    put_packet(&down[i]);
    up[i].seq++;
    up[i].ack = ++down[i].seq;
    up[i].flags = ACK;
    up[i].at_us = now++;
    put_packet(&up[i]);
    down[i].flags = ACK;
    down[i].text_bytes = TEXT_BYTES - 12;
  }
  // Ten segments in a row of one download, as they come off a wire, each two of them acknowledged.
  for (uint32_t n = 3 * DOWNLOADS; n < count;) {
    const uint32_t i = mix(n) % DOWNLOADS;
    for (unsigned k = 0; k < 10 && n < count; k++, n++) {
      down[i].at_us = now += 12;
      put_packet(&down[i]);
      down[i].seq += down[i].text_bytes;
      if (k % 2 == 0) continue;
      up[i].ack = down[i].seq;
      up[i].at_us = now += 1;
      put_packet(&up[i]);
      n++;
    }
  }
}

// Ticks of 100 us; when each of the eight packets passes, in ticks since the first.
static const uint32_t short_at[8] = {0, 80, 81, 82, 165, 166, 167, 247};

static void short_packet(uint32_t c, unsigned step, uint64_t at_us)
{
  const uint32_t isn = mix(c), peer = mix(~c);
  static const uint8_t flags[8] = {SYN,       SYN | ACK, ACK,       PSH | ACK,
                                   PSH | ACK, FIN | ACK, FIN | ACK, ACK};
  static const bool answers[8] = {false, true, false, false, true, true, false, true};
  static const uint16_t texts[8] = {0, 0, 0, 80, 400, 0, 0, 0};
  struct packet q = {.at_us = at_us,
                     .flags = flags[step],
                     .text_bytes = texts[step],
                     .window = 64240,
                     .ip6 = c % 4 == 3};
  const uint32_t client = 0x100000 + mix(c / 7) % 50000, server = 0x400 + c % 200;
  const uint16_t port = (uint16_t)(1024 + c % 64000);
  q.src = answers[step] ? server : client;
  q.dst = answers[step] ? client : server;
  q.src_port = answers[step] ? 443 : port;
  q.dst_port = answers[step] ? port : 443;
  static const uint16_t asked[8] = {0, 1, 1, 1, 81, 81, 81, 82},
                        said[8] = {0, 0, 1, 1, 1, 401, 402, 402};
  q.seq = answers[step] ? peer + said[step] : isn + asked[step];
  q.ack = answers[step] ? isn + asked[step] : peer + said[step];
  if (step == 0) q.ack = 0;
  put_packet(&q);
}

static void short_connections(uint32_t count)
{
  for (uint32_t tick = 0; tick < count + short_at[7]; tick++)
    for (unsigned step = 8; step-- > 0;) {
      const uint32_t c = tick - short_at[step];
      if (tick >= short_at[step] && c < count)
        short_packet(c, step, BEGIN_US + (uint64_t)tick * 100 + (7 - step) * 10);
    }
}

static void scan(uint32_t count)
{
  static const uint8_t flags[8] = {SYN, SYN, SYN, FIN, 0, FIN | PSH | URG, ACK, SYN};
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t scanner = i % 8, n = i / 8, order = mix(i);
    // Four go through the ports of hosts, four through the hosts of a network.
    struct packet q = {.at_us = BEGIN_US + (uint64_t)i * 20,
                       .src = 0x300000 + scanner,
                       .dst = 0x800 + (scanner & 1 ? n % 65536 : scanner * 4096 + n / 1000),
                       .src_port = (uint16_t)(33000 + order % 16),
                       .dst_port = (uint16_t)(scanner & 1 ? 22 + n / 65536 : 1 + n % 1000),
                       .window = 1024,
                       .seq = order,
                       .flags = flags[scanner],
                       .crafted = true,
                       .ip6 = scanner == 2};
    if (q.flags == ACK) q.ack = order ^ 0x5bd1e995;
    put_packet(&q);
    const bool open = order % 64 == 0 && q.flags == SYN;
    if (!open && order % 2 == 0) continue;
    struct packet r = {.at_us = q.at_us + 9,
                       .src = q.dst,
                       .dst = q.src,
                       .src_port = q.dst_port,
                       .dst_port = q.src_port,
                       .window = open ? 64240 : 0,
                       .flags = open ? SYN | ACK : RST | ACK,
                       .ip6 = q.ip6};
    r.seq = open ? mix(order) : 0;
    r.ack = q.seq + (q.flags & (SYN | FIN) ? 1 : 0);
    if (q.flags == ACK) {
      r.flags = RST;
      r.seq = q.ack;
      r.ack = 0;
    }
    put_packet(&r);
  }
}

int main(int argc, char **argv)
{
  if (argc != 4) {
    fputs("usage: captures bulk|short|scan|mixed COUNT FILE\n", stderr);
    return 2;
  }
  const uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
  if (!capture_begin(argv[3])) {
    perror(argv[3]);
    return 1;
  }
  bool made = true;
  if (strcmp(argv[1], "bulk") == 0)
    bulk(count);
  else if (strcmp(argv[1], "short") == 0)
    short_connections(count);
  else if (strcmp(argv[1], "scan") == 0)
    scan(count);
  else if (strcmp(argv[1], "mixed") == 0)
    made = mixed(count);
  else
    return 2;
  return !capture_end() || !made;
}
