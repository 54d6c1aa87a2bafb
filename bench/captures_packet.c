// SPDX-License-Identifier: BSD-2-Clause
// captures_packet.c - a packet with its checksums, written to the capture that is being made.
#include <stdio.h>
#include <string.h>

#include "captures.h"

#define FRAME_BYTES (14 + 40 + 44 + TEXT_BYTES)

static FILE *capture;
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

// Options and their length: a kernel's on SYNs, timestamps on all else, a SACK block if any.
static size_t put_options(uint8_t *p, const struct packet *q)
{
  uint8_t *const start = p;
  if (q->flags & SYN) {
    p = put(p, 0x02040000 | TEXT_BYTES, 4);
    if (q->crafted) return 4;
    p = put(p, 0x0402080a, 4);
    p = put(p, (uint32_t)(q->at_us / 1000), 4);
    p = put(p, q->echo_ms, 4);
    return (size_t)(put(p, 0x01030307, 4) - start);
  }
  if (q->crafted || (q->flags & RST)) return 0;
  p = put(p, 0x0101080a, 4);
  p = put(p, (uint32_t)(q->at_us / 1000), 4);
  p = put(p, q->echo_ms != 0 ? q->echo_ms : (uint32_t)(q->at_us / 1000) - 10, 4);
  if (q->sack_right != q->sack_left) {
    p = put(p, 0x0101050a, 4);
    p = put(p, q->sack_left, 4);
    p = put(p, q->sack_right, 4);
  }
  return (size_t)(p - start);
}

void put_packet(const struct packet *q)
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
  fwrite(record, sizeof record, 1, capture);
  fwrite(frame, bytes, 1, capture);
}

uint32_t mix(uint32_t n)
{
  n = (n ^ n >> 16) * 0x7feb352d;
  n = (n ^ n >> 15) * 0x846ca68b;
  return n ^ n >> 16;
}

bool capture_begin(const char *path)
{
  capture = fopen(path, "wb");
  if (capture == NULL) return false;
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)mix((uint32_t)i % TEXT_BYTES);
  const uint16_t version[2] = {2, 4};
  const uint32_t magic = 0xa1b2c3d4, rest[4] = {0, 0, 262144, 1};
  fwrite(&magic, sizeof magic, 1, capture);
  fwrite(version, sizeof version, 1, capture);
  fwrite(rest, sizeof rest, 1, capture);
  return true;
}

bool capture_end(void)
{
  const bool failed = ferror(capture);
  return fclose(capture) == 0 && !failed;
}
