// SPDX-License-Identifier: BSD-2-Clause
// text.h - the pieces of a packet's line, for the formatters of this room.
#ifndef ESTAB_WIRE_TEXT_H
#define ESTAB_WIRE_TEXT_H

#include <estab/wire.h>
#include "base/fmt.h"

void flags_put(struct fmt *f, uint16_t flags);

// raw, raw_bytes: the option bytes in their own order; NULL: the codec's order.
void tcp_text_put(struct fmt *f, const struct estab_tcp_header *h, size_t payload_bytes,
                  const struct estab_format_options *how, const uint8_t *raw, size_t raw_bytes);

static inline void text_number(struct fmt *f, const char *before, uint64_t n)
{
  fmt_str(f, before);
  fmt_u64(f, n);
}

#endif
