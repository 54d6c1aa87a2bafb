// SPDX-License-Identifier: BSD-2-Clause
// test_defrag.c - fragments joined before TCP is read; what contradicts itself is said; copies of the tap.
#include "watch/defrag.h"
#include "watch/duplicate.h"
#include "support/prop.h"
#include "support/wrapped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)

static const uint64_t key[2] = {0x0123456789abcdef, 0xfedcba9876543210};
static const char text[] = "a text long enough for several fragments of eight bytes each";

struct bench {
  struct prop_mem strict;
  struct mem mem;
  struct watch_defrag defrag;
  struct watch_packet packet;
  bool ambiguous;
  uint8_t *frame;
  size_t frames_bytes; // of all pieces
};

static void bench_open(struct bench *b, enum frag_overlap overlap)
{
  memset(b, 0, sizeof *b);
  mem_init(&b->mem, prop_mem_door(&b->strict));
  watch_defrag_init(&b->defrag, &b->mem, overlap, 1 << 20, key);
}

static void bench_close(struct bench *b)
{
  watch_defrag_destroy(&b->defrag);
  free(b->frame);
  assert_int_equal(b->strict.live_bytes, 0);
}

// One piece [from, to) of an IP packet's payload, wrapped, decoded, given to the joiner.
static int bench_piece(struct bench *b, const struct wrapped *whole, size_t from, size_t to,
                       enum wrapping how, uint64_t ts_ns)
{
  struct wrapped w = *whole;
  const uint8_t *ip = wrapped_bytes(&w);
  const bool six = ip[0] >> 4 == 6;
  const size_t header = six ? 40 : 20, all = whole->count - header;
  struct estab_packet p = {
      .kind = ESTAB_PACKET_FRAGMENT,
      .version = six ? 6 : 4,
      .protocol = ip[six ? 6 : 9],
      .ttl = 64,
      .fragment = {.id = 4711, .offset = (uint16_t)from, .more = to < all},
      .payload = ip + header + from,
      .payload_bytes = to - from,
  };
  const struct estab_packet ends = wrapped_tcp(p.version, 0, "", 0);
  p.src = ends.src;
  p.dst = ends.dst;
  struct wrapped f;
  wrapped_packet(&f, &p);
  const uint32_t link = wrapped_in(&f, how);
  free(b->frame);
  b->frame = malloc(f.count);
  assert_non_null(b->frame);
  memcpy(b->frame, wrapped_bytes(&f), f.count);
  b->frames_bytes += f.count;
  assert_int_equal(watch_decode(link, b->frame, f.count, f.count, &b->packet), WATCH_KIND_FRAGMENT);
  assert_int_equal(b->packet.count, ESTAB_WATCH_COUNT_FRAGMENT);
  return watch_defrag_input(&b->defrag, &b->packet, ts_ns, &b->packet, &b->ambiguous);
}

// A packet within a packet that came in fragments, itself a fragment: it lies in the octets that were joined last.
static void within_a_joined_packet(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x018, text, sizeof text);
  struct wrapped whole, part[2];
  struct bench b;
  wrapped_packet(&whole, &sent);
  const size_t all = whole.count - 20, cut = 40;
  for (unsigned i = 0; i < 2; i++) {
    const struct estab_packet p = {
        .kind = ESTAB_PACKET_FRAGMENT,
        .version = 4,
        .protocol = 6,
        .ttl = 64,
        .src = sent.src,
        .dst = sent.dst,
        .fragment = {.id = 77, .offset = (uint16_t)(i ? cut : 0), .more = i == 0},
        .payload = wrapped_bytes(&whole) + 20 + (i ? cut : 0),
        .payload_bytes = i ? all - cut : cut,
    };
    wrapped_packet(&part[i], &p);
    wrapped_ip4(&part[i], 4);
  }
  bench_open(&b, FRAG_OVERLAP_FIRST);
  assert_int_equal(bench_piece(&b, &part[0], 0, 32, WRAPPING_RAW, 0), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(bench_piece(&b, &part[0], 32, part[0].count - 20, WRAPPING_RAW, 0), 0);
  assert_int_equal(b.packet.kind, WATCH_KIND_FRAGMENT);
  assert_int_equal(watch_defrag_input(&b.defrag, &b.packet, 0, &b.packet, &b.ambiguous),
                   -ESTAB_DROP_FRAG_WAITING);
  watch_decode(ESTAB_LINKTYPE_RAW, wrapped_bytes(&part[1]), part[1].count, part[1].count,
               &b.packet);
  assert_int_equal(watch_defrag_input(&b.defrag, &b.packet, 0, &b.packet, &b.ambiguous), 0);
  assert_int_equal(b.packet.kind, WATCH_KIND_TCP);
  assert_int_equal(b.packet.tcp_checksum, WATCH_CHECKSUM_OK);
  assert_memory_equal(b.packet.payload, text, sizeof text);
  bench_close(&b);
}

// nmap -f: the TCP header itself comes in pieces of eight bytes. Any order, any wrapping.
static void eight_bytes_each(void **state)
{
  (void)state;
  for (unsigned version = 4; version <= 6; version += 2) {
    const struct estab_packet sent = wrapped_tcp(version, 0x002, text, sizeof text);
    for (int how = 0; how < WRAPPINGS; how++) {
      struct wrapped whole;
      struct bench b;
      if (how == WRAPPING_TEREDO && version == 4) continue;
      bench_open(&b, FRAG_OVERLAP_DROP);
      wrapped_packet(&whole, &sent);
      const size_t all = whole.count - (version == 4 ? 20 : 40), last = (all - 1) / 8 * 8;
      for (size_t i = 0; i < last; i += 8) { // the first one last
        const size_t at = last - 8 - i;
        if (i == 0)
          assert_int_equal(bench_piece(&b, &whole, last, all, (enum wrapping)how, 0),
                           -ESTAB_DROP_FRAG_WAITING);
        const int answer = bench_piece(&b, &whole, at, at + 8, (enum wrapping)how, i);
        assert_int_equal(answer, at == 0 ? ESTAB_DROP_NONE : -ESTAB_DROP_FRAG_WAITING);
      }
      assert_int_equal(b.packet.kind, WATCH_KIND_TCP);
      assert_true(b.packet.joined && !b.ambiguous);
      assert_int_equal(b.packet.tcp_checksum, WATCH_CHECKSUM_OK);
      assert_int_equal(b.packet.ip_checksum, WATCH_CHECKSUM_OK);
      assert_int_equal(b.packet.tcp.flags, 0x002);
      assert_int_equal(b.packet.ip_bytes, whole.count);
      assert_int_equal(b.packet.frame_bytes, b.frames_bytes);
      assert_int_equal(b.packet.payload_bytes, sizeof text);
      assert_memory_equal(b.packet.payload, text, sizeof text);
      assert_int_equal(b.packet.has_outer, b.packet.tunnels > 0);
      if (how == WRAPPING_VXLAN) assert_int_equal(b.packet.tunnel_id, 9);
      if (how == WRAPPING_QINQ) assert_int_equal(b.packet.vlan[1], 200);
      assert_int_equal(b.defrag.joined, 1);
      bench_close(&b);
    }
  }
}

// The same addresses and identification in another VLAN or tunnel are another packet.
static void networks_stay_apart(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x010, text, sizeof text);
  struct wrapped whole;
  struct bench b;
  wrapped_packet(&whole, &sent);
  const size_t all = whole.count - 20;
  bench_open(&b, FRAG_OVERLAP_DROP);
  assert_int_equal(bench_piece(&b, &whole, 0, 40, WRAPPING_VLAN, 0), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(bench_piece(&b, &whole, 40, all, WRAPPING_QINQ, 0), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(bench_piece(&b, &whole, 40, all, WRAPPING_GRE, 0), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(bench_piece(&b, &whole, 40, all, WRAPPING_RAW, 0), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(bench_piece(&b, &whole, 40, all, WRAPPING_VLAN, 0), ESTAB_DROP_NONE);
  assert_int_equal(b.packet.kind, WATCH_KIND_TCP);
  assert_int_equal(watch_defrag_deadline(&b.defrag), 30000 * MS);
  assert_int_equal(watch_defrag_expire(&b.defrag, 30000 * MS - 1), 0);
  assert_int_equal(watch_defrag_expire(&b.defrag, 30000 * MS), 3);
  assert_int_equal(b.defrag.timed_out, 3);
  bench_close(&b);
}

static void overlaps(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x010, text, sizeof text);
  char changed[sizeof text];
  memcpy(changed, text, sizeof text);
  changed[0] = 'A'; // in bytes 32..39 of the payload
  const struct estab_packet other = wrapped_tcp(4, 0x010, changed, sizeof changed);
  struct wrapped one, two;
  wrapped_packet(&one, &sent);
  wrapped_packet(&two, &other);
  const size_t all = one.count - 20;
  static const struct {
    enum estab_watch_policy policy;
    char first;
  } rows[] = {{ESTAB_WATCH_FIRST, 'a'},
              {ESTAB_WATCH_LAST, 'A'},
              {ESTAB_WATCH_BSD, 'a'},
              {ESTAB_WATCH_WINDOWS, 'a'},
              {ESTAB_WATCH_LINUX, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bench b;
    bench_open(&b, watch_defrag_overlap(rows[i].policy));
    assert_int_equal(bench_piece(&b, &one, 0, 40, WRAPPING_RAW, 0), -ESTAB_DROP_FRAG_WAITING);
    const int middle = bench_piece(&b, &two, 32, 48, WRAPPING_RAW, 0);
    if (rows[i].policy == ESTAB_WATCH_LINUX) {
      assert_int_equal(middle, -ESTAB_DROP_FRAG_OVERLAP);
      assert_true(b.ambiguous);
      assert_int_equal(bench_piece(&b, &one, 40, all, WRAPPING_RAW, 0), -ESTAB_DROP_FRAG_OVERLAP);
    } else {
      assert_int_equal(middle, -ESTAB_DROP_FRAG_WAITING);
      assert_int_equal(bench_piece(&b, &one, 48, all, WRAPPING_RAW, 0), ESTAB_DROP_NONE);
      assert_true(b.ambiguous);
      assert_int_equal(b.packet.payload[0], rows[i].first);
      assert_int_equal(b.packet.tcp_checksum,
                       rows[i].first == 'a' ? WATCH_CHECKSUM_OK : WATCH_CHECKSUM_BAD);
      assert_int_equal(b.defrag.overlapped, 1);
    }
    bench_close(&b);
  }
}

static void cut_and_refused(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x010, text, sizeof text);
  struct wrapped whole;
  struct bench b;
  wrapped_packet(&whole, &sent);
  bench_open(&b, FRAG_OVERLAP_DROP);
  assert_int_equal(bench_piece(&b, &whole, 0, 40, WRAPPING_RAW, 0), -ESTAB_DROP_FRAG_WAITING);
  watch_decode(ESTAB_LINKTYPE_RAW, b.frame, 50, 60, &b.packet);
  assert_int_equal(b.packet.kind, WATCH_KIND_FRAGMENT);
  assert_int_equal(watch_defrag_input(&b.defrag, &b.packet, 0, &b.packet, &b.ambiguous),
                   -ESTAB_DROP_IP_SHORT);
  assert_int_equal(b.defrag.cut, 1);
  watch_defrag_trim(&b.defrag);
  b.strict.fail_after = 0;
  assert_int_equal(bench_piece(&b, &whole, 0, 40, WRAPPING_RAW, 0), -ESTAB_DROP_FRAG_CAP);
  assert_int_equal(b.defrag.refused, 1);
  bench_close(&b);
}

// ---------------------------------------------------------------------------------------------

struct copies {
  struct prop_mem strict;
  struct mem mem;
  struct watch_duplicates seen;
};

static void copies_open(struct copies *c)
{
  mem_init(&c->mem, prop_mem_door(&c->strict));
  watch_duplicates_init(&c->seen, &c->mem, key);
}

static void copies_close(struct copies *c)
{
  watch_duplicates_destroy(&c->seen);
  assert_int_equal(c->strict.live_bytes, 0);
}

static bool copies_seen(struct copies *c, const struct estab_packet *p, enum wrapping how,
                        uint64_t ts_ns)
{
  struct wrapped w;
  struct watch_packet packet;
  wrapped_packet(&w, p);
  const uint32_t link = wrapped_in(&w, how);
  watch_decode(link, wrapped_bytes(&w), w.count, w.count, &packet);
  return watch_duplicate_seen(&c->seen, &packet, ts_ns);
}

static void the_same_packet_twice(void **state)
{
  (void)state;
  static struct copies c;
  copies_open(&c);
  struct estab_packet p = wrapped_tcp(4, 0x010, text, sizeof text);
  assert_false(copies_seen(&c, &p, WRAPPING_ETHERNET, 100 * MS));
  assert_true(copies_seen(&c, &p, WRAPPING_ETHERNET, 100 * MS));
  assert_true(copies_seen(&c, &p, WRAPPING_VLAN, 110 * MS)); // on the other side of the switch
  assert_true(copies_seen(&c, &p, WRAPPING_VLAN, 99 * MS));  // time may run backward a little
  assert_false(copies_seen(&c, &p, WRAPPING_ETHERNET, 110 * MS + 1));
  assert_true(copies_seen(&c, &p, WRAPPING_ETHERNET, 120 * MS));
  assert_false(copies_seen(&c, &p, WRAPPING_ETHERNET, 120 * MS + (UINT64_C(1) << 48))); // 78 hours
  assert_true(copies_seen(&c, &p, WRAPPING_ETHERNET, 130 * MS + (UINT64_C(1) << 48)));
  p.fragment.id++; // sent again
  assert_false(copies_seen(&c, &p, WRAPPING_ETHERNET, 130 * MS + (UINT64_C(1) << 48)));
  p.fragment.id--;
  p.payload_bytes--;
  assert_false(copies_seen(&c, &p, WRAPPING_ETHERNET, 130 * MS + (UINT64_C(1) << 48)));
  copies_close(&c);
}

// What makes another connection of the same addresses and ports makes another packet, and nothing else around it does.
static void around_the_packet(void **state)
{
  (void)state;
  static const struct {
    enum wrapping first, then;
    bool key_vlan, copy;
  } rows[] = {
      {WRAPPING_ETHERNET, WRAPPING_VLAN, false, true},
      {WRAPPING_ETHERNET, WRAPPING_VLAN, true, false},
      {WRAPPING_VLAN, WRAPPING_VLAN, true, true},
      {WRAPPING_VLAN, WRAPPING_QINQ, true, false},
      {WRAPPING_ETHERNET, WRAPPING_IPIP, false, true},
      {WRAPPING_ETHERNET, WRAPPING_VXLAN, false, false},
      {WRAPPING_VXLAN, WRAPPING_VXLAN, false, true},
      {WRAPPING_VXLAN, WRAPPING_GENEVE, false, true},
      {WRAPPING_ETHERNET, WRAPPING_GTPU, false, true}, // another identifier each way: not in the key
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct copies c;
    copies_open(&c);
    c.seen.key_vlan = rows[i].key_vlan;
    const struct estab_packet p = wrapped_tcp(4, 0x010, text, sizeof text);
    assert_false(copies_seen(&c, &p, rows[i].first, 0));
    const bool copy = copies_seen(&c, &p, rows[i].then, 0);
    if (copy != rows[i].copy) print_error("row %zu\n", i);
    assert_int_equal(copy, rows[i].copy);
    copies_close(&c);
  }
}

// One bit anywhere makes another packet.
static void every_bit_counts(void **state)
{
  (void)state;
  static struct copies c;
  copies_open(&c);
  const struct estab_packet p = wrapped_tcp(4, 0x010, text, sizeof text);
  struct wrapped w;
  struct watch_packet packet;
  wrapped_packet(&w, &p);
  uint8_t *ip = wrapped_bytes(&w);
  watch_decode(ESTAB_LINKTYPE_RAW, ip, w.count, w.count, &packet);
  assert_false(watch_duplicate_seen(&c.seen, &packet, 0));
  for (size_t bit = 8 * 52; bit < 8 * w.count; bit++) { // the text
    ip[bit / 8] ^= (uint8_t)(1U << bit % 8);
    watch_decode(ESTAB_LINKTYPE_RAW, ip, w.count, w.count, &packet);
    assert_int_equal(packet.kind, WATCH_KIND_TCP);
    assert_false(watch_duplicate_seen(&c.seen, &packet, 0));
    ip[bit / 8] ^= (uint8_t)(1U << bit % 8);
  }
  watch_decode(ESTAB_LINKTYPE_RAW, ip, w.count, w.count, &packet);
  assert_true(watch_duplicate_seen(&c.seen, &packet, 0));
  copies_close(&c);
}

// Without an identification, duplicate acknowledgments look alike and are not copies.
static void without_an_identification(void **state)
{
  (void)state;
  static struct copies c;
  copies_open(&c);
  for (unsigned version = 4; version <= 6; version += 2) {
    struct estab_packet p = wrapped_tcp(version, 0x010, "", 0);
    p.fragment.id = 0;
    assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
    assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
    p.tcp.flags = 0x002;
    assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
    assert_true(copies_seen(&c, &p, WRAPPING_RAW, 0));
    p.payload = (const uint8_t *)text;
    p.payload_bytes = 5;
    assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
    assert_true(copies_seen(&c, &p, WRAPPING_RAW, 0));
  }
  copies_close(&c);
}

// The ring forgets by number, whatever the key.
static void the_ring_goes_round(void **state)
{
  (void)state;
  static struct copies c;
  copies_open(&c);
  struct estab_packet p = wrapped_tcp(4, 0x010, "", 0);
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < WATCH_DUPLICATE_PACKETS + 1000; i++) {
      p.tcp.seq = round << 24 | i;
      assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
    }
    p.tcp.seq = round << 24 | 1000; // the oldest one remembered
    assert_true(copies_seen(&c, &p, WRAPPING_RAW, 0));
    p.tcp.seq = round << 24 | 999;
    assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
  }
  copies_close(&c);
}

// The observer's way: what is no copy is judged, and then its text is remembered.
static bool copies_recalled(struct copies *c, struct recall *recall, const struct estab_packet *p)
{
  if (copies_seen(c, p, WRAPPING_RAW, 0)) return true;
  watch_duplicate_recalled(
      &c->seen, recall_add(recall, 1, p->tcp.seq, p->payload, (uint32_t)p->payload_bytes, 64));
  return false;
}

// Headers are hashed, the texts behind equal ones compared, as long as they are there.
static void texts_are_compared(void **state)
{
  (void)state;
  static struct copies c;
  static struct recall recall;
  static uint8_t long_text[RECALL_TEXT];
  copies_open(&c);
  recall_init(&recall, &c.mem, 1 << 16);
  c.seen.recall = &recall;
  struct estab_packet p = wrapped_tcp(4, 0x010, long_text, 1000);
  assert_false(copies_recalled(&c, &recall, &p));
  assert_true(copies_recalled(&c, &recall, &p));
  // Two words change places: the headers are the same, the checksum in them too.
  for (unsigned i = 1; i <= 6; i++) {
    long_text[2 * i] = 1;
    assert_false(copies_recalled(&c, &recall, &p));
    assert_true(copies_recalled(&c, &recall, &p));
    long_text[2 * i] = 0;
  }
  // Of those, no more than the newest four are looked at.
  long_text[2 * 3] = 1;
  assert_true(copies_recalled(&c, &recall, &p));
  long_text[2 * 3] = 0;
  long_text[2 * 2] = 1;
  assert_false(copies_recalled(&c, &recall, &p));
  // A text that was never remembered, and one that is written over, are no copies of anything.
  p.tcp.seq++;
  assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
  assert_false(copies_recalled(&c, &recall, &p));
  assert_true(copies_recalled(&c, &recall, &p));
  for (unsigned i = 0; i < (1 << 16) / 1000; i++)
    (void)recall_add(&recall, 2, i, long_text, 1000, 64);
  assert_false(copies_recalled(&c, &recall, &p));
  recall_destroy(&recall, &c.mem);
  copies_close(&c);
}

static void without_memory(void **state)
{
  (void)state;
  static struct copies c;
  copies_open(&c);
  const struct estab_packet p = wrapped_tcp(4, 0x010, text, sizeof text);
  c.strict.fail_after = 0;
  assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
  assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
  c.strict.fail_after = UINT64_MAX;
  assert_false(copies_seen(&c, &p, WRAPPING_RAW, 0));
  assert_true(copies_seen(&c, &p, WRAPPING_RAW, 0));
  copies_close(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(within_a_joined_packet),    cmocka_unit_test(eight_bytes_each),
      cmocka_unit_test(networks_stay_apart),       cmocka_unit_test(overlaps),
      cmocka_unit_test(cut_and_refused),           cmocka_unit_test(the_same_packet_twice),
      cmocka_unit_test(around_the_packet),         cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(without_an_identification), cmocka_unit_test(the_ring_goes_round),
      cmocka_unit_test(texts_are_compared),        cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
