// SPDX-License-Identifier: BSD-2-Clause
// test_fault.c - the faulty link: rates, order, equal seeds, nothing kept for ever.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "estab/driver.h"
#include "support/packets.h"

#define FRAMES 2000

struct run {
  uint32_t seq[3 * FRAMES]; // of what arrived, in order
  unsigned count, damaged;
  struct estab_fault_counters out, in;
};

static void note(struct run *r, const struct estab_frame *f)
{
  struct estab_packet p;
  int n = estab_packet_parse(ESTAB_LINK_RAW, f->pieces[0].bytes, f->pieces[0].length, false, &p);
  if (n < 0)
    r->damaged++;
  else
    r->seq[r->count++] = p.tcp.seq;
}

// Sends FRAMES frames, one a millisecond, and waits for the rest.
static void run(struct run *r, const struct estab_fault_settings *settings)
{
  struct estab_pair_settings s;
  struct estab_device dev[2];
  struct estab_device_error error;
  struct estab_frame f, got[ESTAB_DEVICE_BATCH];
  uint8_t bytes[200];
  uint64_t now = 0;
  memset(r, 0, sizeof *r);
  estab_pair_settings_default(&s);
  assert_int_equal(estab_device_open_pair(&s, dev, &error), 0);
  assert_int_equal(estab_device_wrap_fault(&dev[0], settings, &error), 0);
  for (uint32_t i = 0; i < FRAMES + 200; i++, now += 1000000) {
    if (i < FRAMES) {
      packet_frame(&f, bytes, packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, i, 50, 0), 0);
      assert_int_equal(estab_device_send(&dev[0], now, &f, 1), 1);
    }
    assert_int_equal(estab_device_recv(&dev[0], now, got, 1), 0); // lets time pass
    int n;
    while ((n = estab_device_recv(&dev[1], now, got, ESTAB_DEVICE_BATCH)) > 0)
      for (int k = 0; k < n; k++)
        note(r, &got[k]);
  }
  assert_true(estab_device_deadline(&dev[0]) == ESTAB_NEVER); // nothing is kept
  assert_int_equal(estab_device_fault_counters(&dev[0], &r->out, &r->in), 0);
  estab_device_close(&dev[0]);
  estab_device_close(&dev[1]);
}

static void near(unsigned got, unsigned want)
{
  if (got < want / 2 || got > want * 2) fail_msg("%u, not about %u", got, want);
}

static void none(void **state)
{
  static struct run r;
  struct estab_fault_settings s;
  (void)state;
  estab_fault_settings_default(&s);
  run(&r, &s);
  assert_int_equal(r.count, FRAMES);
  for (uint32_t i = 0; i < FRAMES; i++)
    assert_int_equal(r.seq[i], i);
}

static void loss(void **state)
{
  static struct run r;
  struct estab_fault_settings s;
  (void)state;
  estab_fault_settings_default(&s);
  s.out.loss_ppm = 50000;
  run(&r, &s);
  near((unsigned)r.out.lost, FRAMES / 20);
  assert_int_equal(r.count, FRAMES - r.out.lost);
  for (unsigned i = 1; i < r.count; i++)
    assert_true(r.seq[i] > r.seq[i - 1]);
}

static void duplication_and_damage(void **state)
{
  static struct run r;
  struct estab_fault_settings s;
  (void)state;
  estab_fault_settings_default(&s);
  s.out.duplicate_ppm = 100000;
  s.out.corrupt_ppm = 20000;
  run(&r, &s);
  near((unsigned)r.out.duplicated, FRAMES / 10);
  near((unsigned)r.out.corrupted, FRAMES / 50);
  assert_int_equal(r.count + r.damaged, FRAMES + r.out.duplicated);
  assert_int_equal(r.damaged, r.out.corrupted); // every flipped bit is seen by a checksum
}

static void reordering(void **state)
{
  static struct run r;
  struct estab_fault_settings s;
  unsigned late = 0;
  (void)state;
  estab_fault_settings_default(&s);
  s.out.reorder_ppm = 100000;
  s.out.reorder_frames = 5;
  run(&r, &s);
  assert_int_equal(r.count, FRAMES);
  near((unsigned)r.out.reordered, FRAMES / 10);
  uint32_t highest = 0;
  for (unsigned i = 0; i < r.count; i++) {
    if (r.seq[i] < highest) late++;
    // Overtaken by at most 5, of which each may itself have been held.
    if (r.seq[i] + 10 < highest) fail_msg("%u came after %u", r.seq[i], highest);
    if (r.seq[i] > highest) highest = r.seq[i];
  }
  near(late, FRAMES / 10);
}

static void seeds(void **state)
{
  static struct run a, b, c;
  struct estab_fault_settings s;
  (void)state;
  estab_fault_settings_default(&s);
  s.seed = 42;
  s.out = (struct estab_fault_rates){.loss_ppm = 50000, .reorder_ppm = 50000, .jitter_ns = 5000000};
  run(&a, &s);
  run(&b, &s);
  s.seed = 43;
  run(&c, &s);
  assert_int_equal(a.count, b.count);
  assert_memory_equal(a.seq, b.seq, a.count * sizeof a.seq[0]);
  assert_true(a.count != c.count || memcmp(a.seq, c.seq, a.count * sizeof a.seq[0]) != 0);
}

static void count_line(void *ctx, const char *text)
{
  (void)ctx;
  assert_true(text[0] != 0);
}

// Inwards, through another wrapper, and super-segments as what they stand for.
static void inwards(void **state)
{
  static uint8_t bytes[66000];
  struct estab_pair_settings ps;
  struct estab_fault_settings s;
  struct estab_device dev[2];
  struct estab_device_error error;
  struct estab_frame f, got[ESTAB_DEVICE_BATCH];
  struct estab_fault_counters out, in;
  (void)state;
  estab_pair_settings_default(&ps);
  ps.gso = ESTAB_PAIR_WHOLE;
  estab_fault_settings_default(&s);
  assert_int_equal(estab_device_open_pair(&ps, dev, &error), 0);
  assert_int_equal(estab_device_wrap_fault(&dev[0], &s, &error), 0);
  assert_int_equal(
      estab_device_wrap_trace(&dev[0], (struct estab_line_hook){NULL, count_line}, &error), 0);
  packet_frame(&f, bytes, packet_tcp(bytes, sizeof bytes, 6, ESTAB_LINK_RAW, 1, 10 * 1000, 0), 0);
  f.gso_type = ESTAB_GSO_TCP6;
  f.gso_bytes = 1000;
  f.segments = 10;
  assert_int_equal(estab_device_send(&dev[1], 0, &f, 1), 1);
  assert_int_equal(estab_device_fault_counters(&dev[1], &out, &in), ESTAB_ERR_INVALID);
  assert_int_equal(estab_device_recv(&dev[0], 0, got, ESTAB_DEVICE_BATCH), 10);
  assert_int_equal(estab_device_fault_counters(&dev[0], &out, &in), 0);
  assert_int_equal(in.frames, 10);
  estab_device_close(&dev[0]);
  estab_device_close(&dev[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none),       cmocka_unit_test(loss),
      cmocka_unit_test(reordering), cmocka_unit_test(duplication_and_damage),
      cmocka_unit_test(seeds),      cmocka_unit_test(inwards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
