// SPDX-License-Identifier: BSD-2-Clause
// hash.h - SHA-256 of a stream, in hex.
#ifndef ESTAB_TOOL_HASH_H
#define ESTAB_TOOL_HASH_H

#include <sha2.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_TEXT_BYTES (2 * SHA256_DIGEST_LENGTH + 1)

struct hash {
  SHA2_CTX ctx;
  uint64_t bytes;
};

void hash_start(struct hash *h);
void hash_add(struct hash *h, const void *bytes, size_t n);
void hash_finish(struct hash *h, char text[HASH_TEXT_BYTES]);

#endif
