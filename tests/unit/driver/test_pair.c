// SPDX-License-Identifier: BSD-2-Clause
// test_pair.c - the memory pair: what goes in comes out, whole, cut or merged; backpressure; delay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "estab/driver.h"
#include "support/packets.h"

#define MSS 1448

static void open_pair(struct estab_pair_settings *s, struct estab_device dev[2])
{
  struct estab_device_error error;
  assert_int_equal(estab_device_open_pair(s, dev, &error), 0);
}

static void close_pair(struct estab_device dev[2])
{
  estab_device_close(&dev[0]);
  estab_device_close(&dev[1]);
}

static void plain(void **state)
{
  struct estab_pair_settings s;
  struct estab_device dev[2];
  struct estab_frame f, got[4];
  uint8_t bytes[2000];
  (void)state;
  estab_pair_settings_default(&s);
  open_pair(&s, dev);
  assert_false(dev[0].netif.checksum_offload);
  assert_int_equal(dev[0].netif.gso_max_bytes, 0);
  dev[1].number = 7;
  size_t n = packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, 1, 100, 0);
  packet_frame(&f, bytes, n, ESTAB_LINK_RAW);
  assert_int_equal(estab_device_send(&dev[0], 5, &f, 1), 1);
  assert_int_equal(estab_device_recv(&dev[0], 5, got, 4), 0); // not its own
  assert_int_equal(estab_device_deadline(&dev[1]), 5);
  assert_int_equal(estab_device_recv(&dev[1], 5, got, 4), 1);
  assert_int_equal(got[0].netif, 7);
  assert_int_equal(estab_frame_bytes(&got[0]), n);
  assert_memory_equal(got[0].pieces[0].bytes, bytes, n);
  assert_int_equal(estab_device_recv(&dev[1], 5, got, 4), 0);
  assert_true(estab_device_deadline(&dev[1]) == ESTAB_NEVER);
  assert_int_equal(dev[1].counters.frames_in, 1);
  assert_int_equal(dev[0].counters.bytes_out, n);
  close_pair(dev);
}

static void delayed(void **state)
{
  struct estab_pair_settings s;
  struct estab_device dev[2];
  struct estab_frame f, got[4];
  uint8_t bytes[2000];
  (void)state;
  estab_pair_settings_default(&s);
  s.delay_ns = 1000;
  open_pair(&s, dev);
  packet_frame(&f, bytes, packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, 1, 100, 0), 0);
  assert_int_equal(estab_device_send(&dev[1], 5, &f, 1), 1);
  assert_int_equal(estab_device_recv(&dev[0], 1004, got, 4), 0);
  assert_int_equal(estab_device_deadline(&dev[0]), 1005);
  assert_int_equal(estab_device_recv(&dev[0], 1005, got, 4), 1);
  close_pair(dev);
}

static void full(void **state)
{
  struct estab_pair_settings s;
  struct estab_device dev[2];
  struct estab_frame f[3], got[4];
  uint8_t bytes[2000];
  (void)state;
  estab_pair_settings_default(&s);
  s.queue_bytes = 200;
  open_pair(&s, dev);
  for (int i = 0; i < 3; i++)
    packet_frame(&f[i], bytes, packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, 1, 100, 0), 0);
  assert_int_equal(estab_device_send(&dev[0], 0, f, 3), 2);
  assert_int_equal(estab_device_send(&dev[0], 0, f, 1), 0);
  assert_int_equal(estab_device_recv(&dev[1], 0, got, 1), 1);
  assert_int_equal(estab_device_send(&dev[0], 0, f, 1), 1);
  close_pair(dev);
}

// One super-segment of 20, through a pair of this kind: answers the segments of the frames that come out.
static unsigned through(enum estab_pair_gso kind, unsigned *frames)
{
  static uint8_t bytes[66000];
  struct estab_pair_settings s;
  struct estab_device dev[2];
  struct estab_frame f, got[ESTAB_DEVICE_BATCH];
  unsigned segments = 0;
  estab_pair_settings_default(&s);
  s.gso = (uint8_t)kind;
  open_pair(&s, dev);
  size_t n = packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, 1, 20 * MSS, 0);
  packet_frame(&f, bytes, n, ESTAB_LINK_RAW);
  f.gso_type = ESTAB_GSO_TCP4;
  f.gso_bytes = MSS;
  f.segments = 20;
  assert_int_equal(estab_device_send(&dev[0], 0, &f, 1), 1);
  int r = estab_device_recv(&dev[1], 0, got, ESTAB_DEVICE_BATCH);
  assert_true(r > 0);
  *frames = (unsigned)r;
  for (int i = 0; i < r; i++)
    segments += got[i].segments;
  close_pair(dev);
  return segments;
}

static void super_segments(void **state)
{
  unsigned frames;
  (void)state;
  assert_int_equal(through(ESTAB_PAIR_WHOLE, &frames), 20);
  assert_int_equal(frames, 1);
  assert_int_equal(through(ESTAB_PAIR_CUT, &frames), 20);
  assert_int_equal(frames, 1);
  assert_int_equal(through(ESTAB_PAIR_PLAIN, &frames), 20);
  assert_int_equal(frames, 20);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain),
      cmocka_unit_test(delayed),
      cmocka_unit_test(full),
      cmocka_unit_test(super_segments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
