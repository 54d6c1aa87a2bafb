// SPDX-License-Identifier: BSD-2-Clause
// captures.c - made captures for the observer's rows: bulk, short connections, scans. The same bytes each time.
//
// usage: captures bulk|short|scan COUNT FILE
//   bulk   COUNT packets of 16 long downloads, 1,460 octets a segment and an ACK for two of them
//   short  COUNT connections of 8 packets: opened, 80 octets asked, 400 answered, closed by both
//   scan   COUNT probes of eight scanners, of which half are answered by RST and one in 64 by SYN-ACK
// Checksums are right, a quarter of the connections are IPv6, times are microseconds.
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN_US    UINT64_C(1600000000000000)
#define TEXT_BYTES  1460
#define FRAME_BYTES (14 + 40 + 32 + TEXT_BYTES)

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

struct packet {
  uint64_t at_us;
  uint32_t src, dst; // one number an end: its address in both families
  uint16_t src_port, dst_port, window, text_bytes;
  uint32_t seq, ack;
  uint8_t flags;
  bool ip6, crafted; // crafted: a SYN with MSS alone, as scanners send
};

static FILE *out;
static uint8_t text[2 * TEXT_BYTES];
static uint16_t ip_id;

static uint8_t *put(uint8_t *p, uint32_t value, unsigned bytes)
{
  while (bytes-- > 0)
    *p++ = (uint8_t)(value >> (8 * bytes));
  return p;
}

static uint32_t sum(const uint8_t *p, size_t bytes)
{
  uint64_t all = 0;
  uint32_t word;
  for (; bytes >= 4; bytes -= 4, p += 4) {
    memcpy(&word, p, 4);
    all += word;
  }
  word = 0;
  memcpy(&word, p, bytes);
  all += word;
  while (all >> 16)
    all = (all & 0xffff) + (all >> 16);
  return (uint32_t)all; // in the machine's byte order, as the octets lie
}

static void put_sum(uint8_t *at, uint32_t all)
{
  while (all >> 16)
    all = (all & 0xffff) + (all >> 16);
  const uint16_t word = (uint16_t)~all;
  memcpy(at, &word, 2);
}

static uint8_t *put_address(uint8_t *p, uint32_t end, bool ip6)
{
  if (!ip6) return put(p, 0x0a000000 | end, 4);
  p = put(p, 0x20010db8, 4);
  memset(p, 0, 8);
  return put(p + 8, end, 4);
}

// Options and their length: a kernel's on SYNs, timestamps on all else.
static size_t put_options(uint8_t *p, const struct packet *q)
{
  uint8_t *const start = p;
  if (q->flags & SYN) {
    p = put(p, 0x02040000 | TEXT_BYTES, 4);
    if (q->crafted) return 4;
    p = put(p, 0x0402080a, 4);
    p = put(p, (uint32_t)(q->at_us / 1000), 4);
    p = put(p, 0, 4);
    return (size_t)(put(p, 0x01030307, 4) - start);
  }
  if (q->crafted || (q->flags & RST)) return 0;
  p = put(p, 0x0101080a, 4);
  p = put(p, (uint32_t)(q->at_us / 1000), 4);
  return (size_t)(put(p, (uint32_t)(q->at_us / 1000) - 10, 4) - start);
}

static void send(const struct packet *q)
{
  uint8_t frame[FRAME_BYTES], options[40];
  const size_t option_bytes = put_options(options, q),
               tcp_bytes = 20 + option_bytes + q->text_bytes;
  static const uint8_t link[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  memcpy(frame, link, sizeof link);
  uint8_t *const ip = put(frame + sizeof link, q->ip6 ? 0x86dd : 0x0800, 2), *p = ip;
  if (q->ip6) {
    p = put(p, 0x60000000, 4);
    p = put(p, (uint32_t)tcp_bytes << 16 | 6 << 8 | 64, 4);
  } else {
    p = put(p, 0x45000000 | (uint32_t)(20 + tcp_bytes), 4);
    p = put(p, (uint32_t)++ip_id << 16 | 0x4000, 4);
    p = put(p, 64 << 24 | 6 << 16, 4);
  }
  uint8_t *const addresses = p;
  p = put_address(p, q->src, q->ip6);
  p = put_address(p, q->dst, q->ip6);
  uint8_t *const tcp = p;
  const uint32_t pseudo = sum(addresses, (size_t)(tcp - addresses));
  if (!q->ip6) put_sum(ip + 10, sum(ip, 20));
  p = put(p, (uint32_t)q->src_port << 16 | q->dst_port, 4);
  p = put(p, q->seq, 4);
  p = put(p, q->ack, 4);
  p = put(p, (uint32_t)(20 + option_bytes) / 4 << 28 | (uint32_t)q->flags << 16 | q->window, 4);
  p = put(p, 0, 4);
  memcpy(p, options, option_bytes);
  memcpy(p + option_bytes, text + q->seq % TEXT_BYTES, q->text_bytes);
  uint8_t lengths[4];
  put(lengths, 6 << 16 | (uint32_t)tcp_bytes, 4);
  put_sum(tcp + 16, pseudo + sum(lengths, 4) + sum(tcp, tcp_bytes));

  const uint32_t bytes = (uint32_t)(tcp + tcp_bytes - frame);
  const uint32_t record[4] = {(uint32_t)(q->at_us / 1000000), (uint32_t)(q->at_us % 1000000), bytes,
                              bytes};
  fwrite(record, sizeof record, 1, out);
  fwrite(frame, bytes, 1, out);
}

static uint32_t mix(uint32_t n)
{
  n = (n ^ n >> 16) * 0x7feb352d;
  n = (n ^ n >> 15) * 0x846ca68b;
  return n ^ n >> 16;
}

// ---------------------------------------------------------------------------------------------
// The three kinds

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
    send(&up[i]);
    down[i].at_us = now++;
    send(&down[i]);
    up[i].seq++;
    up[i].ack = ++down[i].seq;
    up[i].flags = ACK;
    up[i].at_us = now++;
    send(&up[i]);
    down[i].flags = ACK;
    down[i].text_bytes = TEXT_BYTES - 12;
  }
  // Ten segments in a row of one download, as they come off a wire, each two of them acknowledged.
  for (uint32_t n = 3 * DOWNLOADS; n < count;) {
    const uint32_t i = mix(n) % DOWNLOADS;
    for (unsigned k = 0; k < 10 && n < count; k++, n++) {
      down[i].at_us = now += 12;
      send(&down[i]);
      down[i].seq += down[i].text_bytes;
      if (k % 2 == 0) continue;
      up[i].ack = down[i].seq;
      up[i].at_us = now += 1;
      send(&up[i]);
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
  send(&q);
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
    send(&q);
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
    send(&r);
  }
}

int main(int argc, char **argv)
{
  if (argc != 4) {
    fputs("usage: captures bulk|short|scan COUNT FILE\n", stderr);
    return 2;
  }
  const uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
  out = fopen(argv[3], "wb");
  if (out == NULL) {
    perror(argv[3]);
    return 1;
  }
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)mix((uint32_t)i % TEXT_BYTES);
  const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
  if (header[1] >> 16 != 4) return 1;
  const uint16_t version[2] = {2, 4};
  fwrite(header, 4, 1, out);
  fwrite(version, 4, 1, out);
  fwrite(header + 2, 16, 1, out);
  if (strcmp(argv[1], "bulk") == 0)
    bulk(count);
  else if (strcmp(argv[1], "short") == 0)
    short_connections(count);
  else if (strcmp(argv[1], "scan") == 0)
    scan(count);
  else
    return 2;
  const bool failed = ferror(out);
  return fclose(out) != 0 || failed;
}
