// SPDX-License-Identifier: BSD-2-Clause
// cc.h - lwIP's view of the compiler: assertions off, randomness from a small generator of ours.
#ifndef ESTAB_BENCH_LWIP_CC_H
#define ESTAB_BENCH_LWIP_CC_H

#include <stdint.h>

#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x)
#define LWIP_ERROR(message, expression, handler)                                                   \
  do {                                                                                             \
    if (!(expression)) {                                                                           \
      handler;                                                                                     \
    }                                                                                              \
  } while (0)

// As lwIP's own byte order functions are calls.
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

uint32_t bench_lwip_random(void);
#define LWIP_RAND() bench_lwip_random()

#endif
