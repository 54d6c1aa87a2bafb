// SPDX-License-Identifier: BSD-2-Clause
// pattern.h - a byte stream that every receiver of the bench can check at any offset.
#ifndef ESTAB_BENCH_PATTERN_H
#define ESTAB_BENCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PATTERN_PERIOD_BYTES = 65521, // a prime: no segment size divides it, so a lost one shows
  PATTERN_RUN_BYTES = 131072,   // longest piece that can be asked for at once
};

// Fills the table; call it once, before the others.
void pattern_init(void);

// The stream's bytes from `offset` on, at least PATTERN_RUN_BYTES of them.
const uint8_t *pattern_at(uint64_t offset);

// Are these n bytes what the stream has at `offset`?
bool pattern_matches(uint64_t offset, const void *bytes, size_t n);

#endif
