// SPDX-License-Identifier: BSD-2-Clause
// sha1.h - SHA-1 (FIPS 180-4) of one block: a library's, with its states and copies, takes several times as long.
#ifndef ESTAB_TOOL_WATCH_SHA1_H
#define ESTAB_TOOL_WATCH_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SHORT_BYTES 55 // with its padding it is one block
#define SHA1_BYTES       20

// `bytes` is at most SHA1_SHORT_BYTES. By the processor's own instructions where it has them.
void sha1_short(const uint8_t *message, size_t bytes, uint8_t digest[SHA1_BYTES]);
// The same without them.
void sha1_short_plain(const uint8_t *message, size_t bytes, uint8_t digest[SHA1_BYTES]);

#endif
