// SPDX-License-Identifier: BSD-2-Clause
// defrag.c - fragments that the observer sees, joined before anything else is said of them.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "watch/defrag.h"

void watch_defrag_init(struct watch_defrag *d, struct mem *mem, enum frag_overlap overlap,
                       uint32_t max_bytes, const uint64_t key[2])
{
  struct frag_settings settings;
  memset(d, 0, sizeof *d);
  frag_settings_default(&settings);
  settings.overlap = (uint8_t)overlap;
  settings.max_bytes = max_bytes;
  frag_init(&d->frag, mem, &settings, key);
}

void watch_defrag_destroy(struct watch_defrag *d)
{
  frag_destroy(&d->frag);
}

void watch_defrag_trim(struct watch_defrag *d)
{
  frag_trim(&d->frag);
}

enum frag_overlap watch_defrag_overlap(enum estab_watch_policy policy)
{
  switch (policy) {
  case ESTAB_WATCH_LAST: return FRAG_OVERLAP_LAST;
  case ESTAB_WATCH_LINUX: return FRAG_OVERLAP_DROP;
  case ESTAB_WATCH_FIRST:
  case ESTAB_WATCH_BSD:
  case ESTAB_WATCH_WINDOWS: return FRAG_OVERLAP_FIRST;
  }
  return FRAG_OVERLAP_FIRST;
}

// The same addresses in two tunnels or VLANs are other hosts: their fragments must not meet.
static uint32_t watch_defrag_network(const struct watch_defrag *d, const struct watch_packet *p)
{
  if (p->tunnels == 0 && p->vlan_count == 0) return 0;
  const uint64_t words[2] = {
      (uint64_t)p->tunnel << 32 | p->tunnel_id,
      (uint64_t)p->vlan[0] << 16 | p->vlan[1],
  };
  return (uint32_t)siphash13_words(d->frag.key, words, 2);
}

// The first fragment's header becomes that of the whole packet.
static void watch_defrag_header(struct frag_datagram *whole)
{
  uint8_t *const h = whole->header;
  if (whole->key.version == 6) {
    put_be16(h + 4, (uint16_t)whole->payload_bytes);
    h[6] = whole->protocol;
    return;
  }
  put_be16(h + 2, (uint16_t)(whole->header_bytes + whole->payload_bytes));
  put_be16(h + 6, 0);
  put_be16(h + 10, 0);
  put_be16(h + 10, estab_checksum_finish(estab_checksum_add(0, h, whole->header_bytes)));
}

static int watch_defrag_refused(struct watch_defrag *d, int answer, bool *ambiguous)
{
  if (answer == -ESTAB_DROP_FRAG_WAITING) return answer;
  if (answer == -ESTAB_DROP_FRAG_OVERLAP) {
    *ambiguous = true;
    d->overlapped++;
  } else {
    d->refused++;
  }
  return answer;
}

int watch_defrag_input(struct watch_defrag *d, const struct watch_packet *fragment, uint64_t ts_ns,
                       struct watch_packet *out, bool *ambiguous)
{
  *ambiguous = false;
  if (fragment->payload_captured_bytes < fragment->payload_bytes) {
    d->cut++;
    return -ESTAB_DROP_IP_SHORT;
  }
  const bool six = fragment->version == 6;
  const struct frag_piece piece = {
      .key = {.src = fragment->src,
              .dst = fragment->dst,
              .id = fragment->fragment.id,
              .netif = watch_defrag_network(d, fragment),
              .version = fragment->version,
              .protocol = six ? 0 : fragment->protocol},
      .bytes = fragment->payload,
      .count = fragment->payload_bytes,
      .offset = fragment->fragment.offset,
      .more = fragment->fragment.more,
      .header = fragment->ip,
      .header_bytes = six ? ESTAB_IP6_HEADER_BYTES : fragment->ip_header_bytes,
      .protocol = fragment->protocol,
      .ecn = fragment->ecn,
      .frame_bytes = fragment->frame_bytes,
  };
  struct frag_datagram whole;
  const int answer = frag_input(&d->frag, &piece, ts_ns, &whole);
  if (answer < 0) return watch_defrag_refused(d, answer, ambiguous);
  d->joined++;
  d->overlapped += whole.overlapped;
  *ambiguous = whole.overlapped;
  watch_defrag_header(&whole);
  const uint8_t tunnels = fragment->tunnels;
  watch_decode_joined(fragment, whole.header, whole.header_bytes + whole.payload_bytes, out);
  out->frame_bytes = whole.frame_bytes;
  // RFC 8200 4.5: fragments of fragments are no packet; in a tunnel they are another packet's.
  if (out->kind == WATCH_KIND_FRAGMENT && out->tunnels == tunnels) {
    out->kind = WATCH_KIND_SKIPPED;
    out->count = ESTAB_WATCH_COUNT_MALFORMED;
    out->why = ESTAB_DROP_IP6_CHAIN;
  }
  return ESTAB_DROP_NONE;
}

unsigned watch_defrag_expire(struct watch_defrag *d, uint64_t now_ns)
{
  struct frag_datagram gone;
  unsigned count = 0;
  while (frag_expire(&d->frag, now_ns, &gone))
    count++;
  d->timed_out += count;
  return count;
}

uint64_t watch_defrag_deadline(const struct watch_defrag *d)
{
  return frag_deadline(&d->frag);
}
