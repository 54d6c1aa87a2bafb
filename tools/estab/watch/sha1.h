// SPDX-License-Identifier: BSD-2-Clause
// sha1.h - SHA-1 (FIPS 180-4) of one block, in base 64: a library's, with its states and copies, takes several times as
// long.
#ifndef ESTAB_TOOL_WATCH_SHA1_H
#define ESTAB_TOOL_WATCH_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_BLOCK_WORDS 16
#define SHA1_TEXT        28 // digits of base 64, the last one is padding
#define SHA1_ROOM        32 // for them and what is spoiled behind them

// `block`: a message of at most 55 octets with its padding, in words of which an octet that comes earlier is a higher
// one. By the processor's own instructions where it has them.
void sha1_text(const uint32_t block[SHA1_BLOCK_WORDS], char text[SHA1_ROOM]);
// The same without them.
void sha1_text_plain(const uint32_t block[SHA1_BLOCK_WORDS], char text[SHA1_ROOM]);

#endif
