// SPDX-License-Identifier: BSD-2-Clause
// udp.h - UDP endpoints: a table by local port, headers written and judged, a bounded queue each.
#ifndef ESTAB_UDP_UDP_H
#define ESTAB_UDP_UDP_H

#include "base/fifo.h"
#include "base/mem.h"
#include "base/slab.h"
#include "estab/estab.h"
#include "estab/wire.h"

struct rng;

#define UDP_QUEUE_BYTES 65536 // default of estab_udp_settings.queue_bytes
#define UDP_PORT_FIRST  49152 // chosen ports: RFC 6056 3.2's range of RFC 6335 6
#define UDP_PORT_LAST   65535

struct udp_datagram; // one that waits to be read

// One endpoint; index and generation make its handle.
struct udp_endpoint {
  struct estab_ip local; // any = every address of ours
  struct udp_datagram *first, *last;
  struct fifo_link ready_link; // in udp.ready
  uint32_t next;               // chain of its port's bucket
  uint32_t generation;
  uint32_t netif;                        // 0 = any
  uint32_t queue_bytes, queue_max_bytes; // with what it costs to keep them
  uint16_t local_port;
  bool ready; // in udp.ready
  bool armed; // the next arrival makes it ready
};

struct udp {
  struct mem *mem;
  struct rng *rng;
  uint64_t key[2];
  struct slab endpoints;
  uint32_t *buckets;   // first endpoint by keyed hash of the port, SLAB_NONE; NULL before the first
  struct fifo ready;   // endpoints to tell the user of
  uint32_t generation; // of the next endpoint
};

void udp_init(struct udp *u, struct mem *mem, struct rng *rng, const uint64_t key[2]);
void udp_destroy(struct udp *u);
void udp_trim(struct udp *u);

// local_port 0: chosen at random (RFC 6056 3.3.2). The caller has judged local. ESTAB_ERR_ADDRESS_IN_USE, _NO_PORT,
// _NO_MEMORY, _INVALID.
int udp_open(struct udp *u, const struct estab_udp_settings *settings, estab_udp *out);
int udp_close(struct udp *u, estab_udp handle); // what is queued is lost
// NULL: stale or never a handle.
struct udp_endpoint *udp_find(struct udp *u, estab_udp handle);

// Writes header and payload behind it with a right checksum (never 0 on the wire). src and dst of one family. Answers
// the bytes, or ESTAB_ERR_TOO_BIG when they exceed `room`.
int udp_emit(const struct estab_ip *src, const struct estab_ip *dst, uint16_t src_port,
             uint16_t dst_port, const void *payload, size_t payload_bytes, uint8_t *out,
             size_t room);

// A datagram from the IP layer. checksum_known: somebody vouches for it. 0: queued, or a drop: UDP_LENGTH, _CHECKSUM,
// _NO_ENDPOINT (then a port unreachable is due), _QUEUE_FULL. The most specific endpoint gets it: address, then netif.
int udp_input(struct udp *u, uint32_t netif, const struct estab_ip *src, const struct estab_ip *dst,
              const uint8_t *bytes, size_t have, bool checksum_known);

// What an ICMP error said about a datagram of `tuple`: comes out of udp_recv in order, with `error` set and no bytes.
// 0, or a drop: ICMP_EMBEDDED (no such endpoint), UDP_QUEUE_FULL.
int udp_report(struct udp *u, uint32_t netif, const struct estab_tuple *tuple, int error);

// Copies the next datagram, at most `room` bytes; answers its whole length (an error report's: 0), or
// ESTAB_ERR_WOULD_BLOCK, or ESTAB_ERR_NO_CONNECTION.
int udp_recv(struct udp *u, estab_udp handle, struct estab_datagram *from, void *bytes,
             size_t room);

// The next endpoint that became readable since it last answered WOULD_BLOCK, or 0.
estab_udp udp_ready(struct udp *u);

#endif
