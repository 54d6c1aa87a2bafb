// SPDX-License-Identifier: BSD-2-Clause
// port.c - what lwIP wants from its host: a clock, randomness, and the checksum it shares with estab.

#include "port.h"

#include <estab/wire.h>

#include "lwip/def.h"
#include "lwip/memp.h"
#include "lwip/priv/memp_priv.h"
#include "lwip/sys.h"

uint32_t bench_lwip_now_ms;

u32_t sys_now(void)
{
  return bench_lwip_now_ms;
}

uint32_t bench_lwip_random(void)
{
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 16);
}

// lwIP wants the folded sum of the bytes as they lie in memory, not complemented; estab answers it in
// host order.
uint16_t bench_lwip_checksum(const void *bytes, int length_bytes)
{
  return lwip_htons(estab_checksum_fold(estab_checksum_add(0, bytes, (size_t)length_bytes)));
}

// Pools keep no count of what is out (statistics are off), so count what is in.
static size_t free_elements(const struct memp_desc *pool)
{
  size_t n = 0;
  for (const struct memp *element = *pool->tab; element; element = element->next)
    n++;
  return n;
}

size_t bench_lwip_bytes_in_use(void)
{
  size_t bytes = 0;
  for (int i = 0; i < MEMP_MAX; i++)
    bytes += (memp_pools[i]->num - free_elements(memp_pools[i])) * memp_pools[i]->size;
  return bytes;
}

void bench_lwip_leave_pcbs(size_t keep)
{
  for (size_t n = free_elements(memp_pools[MEMP_TCP_PCB]); n > keep; n--)
    (void)memp_malloc(MEMP_TCP_PCB);
}
