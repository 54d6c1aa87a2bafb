// SPDX-License-Identifier: BSD-2-Clause
// demo_part.c - what the demo's connections have in common: content, ladder, the kernel's word.
#include "demo.h"

#include "diag.h"
#include "say.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONTENT_BYTES (256 * 1024)

// Lines that a person can read, all different, so that a piece out of place shows.
int demo_make_content(struct demo *d)
{
  struct hash hash;
  char line[64];
  d->content = memfd_create("estab-demo", MFD_CLOEXEC);
  if (d->content < 0) return say_failure("demo", NULL, "memfd_create: %s", strerror(errno));
  hash_start(&hash);
  uint32_t noise = 2463534242u;
  while (hash.bytes < CONTENT_BYTES) {
    noise ^= noise << 13; // Marsaglia's xorshift, 2003
    noise ^= noise >> 17;
    noise ^= noise << 5;
    int n =
        snprintf(line, sizeof line, "octet %7u: %08x %08x\n", (unsigned)hash.bytes, noise, ~noise);
    if (write(d->content, line, (size_t)n) != n)
      return say_failure("demo", NULL, "memfd: %s", strerror(errno));
    hash_add(&hash, line, (size_t)n);
  }
  d->content_bytes = hash.bytes;
  hash_finish(&hash, d->content_hash);
  return 0;
}

struct demo_result *demo_begin(struct demo *d, const char *what, const char *kernel_name,
                               enum estab_state kernel_at, enum estab_state estab_at)
{
  struct demo_result *r = &d->results[d->result_count++];
  r->what = what;
  struct ladder_settings settings = {
      .name = {kernel_name, "estab"},
      .key = {"kernel", "estab"},
      .live = {false, true},
      .at = {kernel_at, estab_at},
      .time_wait_ns = {0, d->time_wait_ns},
      .out = stdout,
      .full = d->full,
      .explain = true,
      .json = d->json,
      .number = d->result_count,
  };
  if (!d->json) printf("%s%u. %s\n", d->result_count > 1 ? "\n" : "", d->result_count, what);
  d->ladder = ladder_new(&settings);
  return r;
}

void demo_end(struct demo *d, struct demo_result *r, uint64_t start_ns)
{
  uint64_t now = estab_clock_ns();
  r->seconds = (double)(now - start_ns) / 1e9;
  if (!d->ladder) return;
  ladder_end(d->ladder, now);
  for (unsigned i = 0; i < 2; i++)
    r->state_count[i] = ladder_states(d->ladder, (enum ladder_side)i, r->states[i]);
  ladder_totals(d->ladder, &r->totals);
  ladder_free(d->ladder);
  d->ladder = NULL;
}

bool demo_checked(const struct demo *d, const struct demo_result *r)
{
  if (r->unchecked || !d->ladder) return true;
  return r->checked_count > 0 &&
         r->checked[r->checked_count - 1] == ladder_state(d->ladder, LADDER_LEFT);
}

// Only once nothing is under way: before that the kernel may know of segments that have not reached us. A word that
// differs may still be early; the end of the connection waits for one that does not.
void demo_check(struct demo *d, struct demo_result *r)
{
  enum estab_state said, inferred;
  if (!d->ladder || demo_checked(d, r) || !ladder_settled(d->ladder)) return;
  inferred = ladder_state(d->ladder, LADDER_LEFT);
  if (!diag_state(ladder_tuple(d->ladder), &said)) {
    r->unchecked = true;
    return;
  }
  if (said == inferred && r->checked_count < LADDER_STATES_MAX)
    r->checked[r->checked_count++] = said;
}
