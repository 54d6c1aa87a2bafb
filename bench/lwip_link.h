// SPDX-License-Identifier: BSD-2-Clause
// lwip_link.h - two interfaces of one lwIP with a link in memory between them.
#ifndef ESTAB_BENCH_LWIP_LINK_H
#define ESTAB_BENCH_LWIP_LINK_H

#include <stdint.h>

#include "lwip/ip_addr.h"

// Packets that have crossed, both ways.
extern uint64_t lwip_link_packets;

// Starts lwIP and both interfaces.
void lwip_link_open(void);

// The address of the client's (0) or server's (1) end.
void lwip_link_address(int end, int ipv6, ip_addr_t *address);

// Carries packets until both directions are empty, but at most `turns` times each way.
void lwip_link_run(int turns);

// Carries to the server only.
void lwip_link_carry_one_way(void);

// Loses everything that is under way.
void lwip_link_discard(void);

// Lets the clock of lwIP go on, with whatever is due.
void lwip_link_advance(uint32_t milliseconds);

#endif
