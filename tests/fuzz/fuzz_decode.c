// SPDX-License-Identifier: BSD-2-Clause
// fuzz_decode.c - any frames of any link type through the observer's decoder, joiner and memory of copies:
// pointers stay within, lengths within lengths, memory under its cap.
#include "fuzz/feed.h"

#include "watch/decode.h"
#include "watch/defrag.h"
#include "watch/duplicate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct watch_packet *p, const uint8_t *bytes, size_t count)
{
  MUST(p->kind <= WATCH_KIND_SKIPPED && p->count < ESTAB_WATCH_COUNTS && p->why < ESTAB_DROPS);
  MUST(p->tunnels <= WATCH_DEPTH && p->vlan_count <= WATCH_DEPTH);
  if (p->kind == WATCH_KIND_SKIPPED) return;
  MUST(p->ip >= bytes && p->ip + p->ip_captured_bytes <= bytes + count);
  MUST(p->ip_captured_bytes <= p->ip_bytes && p->ip_header_bytes <= p->ip_captured_bytes);
  MUST(p->payload >= p->ip + p->ip_header_bytes);
  MUST(p->payload + p->payload_captured_bytes <= p->ip + p->ip_captured_bytes);
  MUST(p->payload_captured_bytes <= p->payload_bytes);
  MUST(p->ip_header_bytes + p->payload_bytes <= p->ip_bytes);
}

// An input is frames: link type, how much of it is there, how many bytes, the bytes.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint64_t key[2] = {1, 2};
  static const uint16_t links[8] = {1, 101, 113, 276, 0, 108, 228, 229};
  struct feed f = {data, data + size};
  struct fuzz_mem memory;
  struct mem mem;
  struct watch_defrag defrag;
  struct watch_duplicates seen;
  mem_init(&mem, fuzz_mem_door(&memory));
  const uint8_t how = feed_u8(&f);
  watch_defrag_init(&defrag, &mem, (enum frag_overlap)(how % 3), 1 << 17, key);
  watch_duplicates_init(&seen, &mem, key);
  uint64_t now_ns = 0;
  while (feed_more(&f)) {
    const uint8_t kind = feed_u8(&f);
    const size_t more = kind & 8 ? feed_u8(&f) : 0;
    size_t count = feed_u16(&f);
    if (count > (size_t)(f.end - f.at)) count = (size_t)(f.end - f.at);
    uint8_t *frame = malloc(count ? count : 1);
    MUST(frame != NULL);
    if (count) memcpy(frame, f.at, count);
    f.at += count;
    if (kind & 16) memory.refuse = 1;
    if (kind & 32) now_ns += feed_wait_ns(&f);
    struct watch_packet p;
    bool ambiguous;
    watch_decode(links[kind & 7], frame, count, count + more, &p);
    check(&p, frame, count);
    if (how & 64)
      (void)watch_duplicate_seen(&seen, &p, now_ns); // its table takes longer than all the rest
    for (unsigned i = 0; p.kind == WATCH_KIND_FRAGMENT && i < WATCH_NESTED; i++) {
      if (watch_defrag_input(&defrag, &p, now_ns, &p, &ambiguous) != ESTAB_DROP_NONE) break;
      check(&p, defrag.frag.whole, defrag.frag.whole_bytes);
    }
    (void)watch_defrag_expire(&defrag, now_ns);
    MUST(defrag.frag.bytes <= 1 << 17);
    free(frame);
  }
  watch_defrag_destroy(&defrag);
  watch_duplicates_destroy(&seen);
  MUST(memory.strict.live_bytes == 0);
  return 0;
}
