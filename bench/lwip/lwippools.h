// SPDX-License-Identifier: BSD-2-Clause
// lwippools.h - the pools behind lwIP's mem_malloc(): header-only segments, and full ones.
LWIP_MALLOC_MEMPOOL_START
LWIP_MALLOC_MEMPOOL(32000, 144)
LWIP_MALLOC_MEMPOOL(8192, 1600)
LWIP_MALLOC_MEMPOOL_END
