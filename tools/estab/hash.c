// SPDX-License-Identifier: BSD-2-Clause
// hash.c - SHA-256 of a stream, in hex (libmd).
#include "hash.h"

#include <stdio.h>

void hash_start(struct hash *h)
{
  SHA256Init(&h->ctx);
  h->bytes = 0;
}

void hash_add(struct hash *h, const void *bytes, size_t n)
{
  SHA256Update(&h->ctx, bytes, n);
  h->bytes += n;
}

void hash_finish(struct hash *h, char text[HASH_TEXT_BYTES])
{
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256Final(digest, &h->ctx);
  for (unsigned i = 0; i < sizeof digest; i++)
    snprintf(text + 2 * i, 3, "%02x", digest[i]);
}
