// SPDX-License-Identifier: BSD-2-Clause
// scan_blocks.h - the targets of a campaign in the order in which they came, four neighbours to a block.
//
// Scanners walk: through the ports of a host or through the hosts of a network. So a block has four ports of one
// host, or one port of four hosts, whichever the first two targets show; and what comes next in a walk is mostly in
// the block where the walk is, or soon behind it, or beyond all that there are: a new one. Only who asks for another
// one needs the index, which is filled when that happens first. Targets in no order take a block each.
#ifndef ESTAB_WATCH_SCAN_BLOCKS_H
#define ESTAB_WATCH_SCAN_BLOCKS_H

#include "watch/scan_set.h"

#define BLOCK_TARGETS 4u
#define BLOCK_WALKS   8u
#define BLOCK_SHARED  0x80u // of a state: another source probed it within a second

struct scan_block {
  uint64_t key;                    // what its targets have in common
  uint32_t time_ms[BLOCK_TARGETS]; // of the first probe, since the campaign began
  uint8_t source[BLOCK_TARGETS];   // which of the campaign's sources probed it first
  uint8_t state[BLOCK_TARGETS];    // 0 = was not probed; else 1 + answer, and BLOCK_SHARED
};

// All zero is an empty one.
struct scan_blocks {
  struct scan_block *at;
  uint32_t *index;     // rows of tags and places, NULL while a few blocks are searched one by one
  uint32_t used, room; // blocks
  uint32_t rows, indexed;     // of the index; the first so many blocks are in it
  uint32_t count;             // targets
  uint64_t least, most;       // all blocks' ranks, see scan_blocks.c
  uint32_t last[BLOCK_WALKS]; // the blocks of the targets that came last, each in its walk
  bool hosts;                 // neighbours are hosts of IPv4, not ports
};

// A target's place: its block and which of that. NULL: there is no such block.
struct scan_place {
  struct scan_block *block;
  uint32_t nth;
};

// Of IPv4 the target itself, bit 63, the port and the address; else a fingerprint of the address and the port.
uint64_t scan_blocks_print(struct scan_pool *pool, const struct estab_ip *ip, uint16_t port);

// Where a target is. `walk`: of those whose targets follow each other, any number.
struct scan_place scan_blocks_find(struct scan_blocks *b, const struct scan_pool *pool,
                                   uint64_t print, unsigned walk);
// Where it is, or has a place from now on; NULL: no memory. Whoever takes the place counts it.
struct scan_place scan_blocks_get(struct scan_blocks *b, struct scan_pool *pool, uint64_t print,
                                  unsigned walk);
void scan_blocks_free(struct scan_blocks *b, struct scan_pool *pool);

#endif
