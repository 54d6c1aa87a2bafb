// SPDX-License-Identifier: BSD-2-Clause
// test_steady.c - a transfer that flows asks for no memory for its segments, with losses and without.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

#define WARM_BYTES 8000000u
#define MORE_BYTES 24000000u
#define BUFFER     262144

static struct two two;
static estab_conn sender, receiver;

// Buffers that do not grow: a larger window would be more memory, and rightly so.
static void fixed(struct estab_settings *settings)
{
  settings->send_buffer_bytes = settings->send_buffer_max_bytes = BUFFER;
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = BUFFER;
}

// As many octets are written and read, whatever can be at each moment.
static void transfer(uint32_t bytes)
{
  static uint8_t octets[65536];
  uint32_t sent = 0, got = 0;
  while (got < bytes) {
    int n = estab_send(two.s[0], sender, octets,
                       bytes - sent < sizeof octets ? bytes - sent : sizeof octets);
    if (n > 0) sent += (uint32_t)n;
    bool more = two_turn(&two, two.now_ns + UINT64_C(10000000000));
    int read = estab_recv(two.s[1], receiver, octets, sizeof octets);
    if (read > 0) got += (uint32_t)read;
    assert_true(more || n > 0 || read > 0);
  }
}

static uint64_t asked(void)
{
  return two.mem[0].asked + two.mem[1].asked;
}

static void no_memory_for_a_segment(uint32_t lose_one_in)
{
  sender = two_open(&two, fixed, &receiver);
  two.lose_one_in = lose_one_in;
  transfer(WARM_BYTES);
  const uint64_t before = asked(), frames = two.frames;
  transfer(MORE_BYTES);
  assert_true(two.frames - frames > MORE_BYTES / 1460);
  // Each window arrives whole before it is read. Its 17 blocks need places, which double three times, and one block
  // more than the pool keeps; its 180 segments need nothing.
  assert_true(asked() - before <= 4 * (MORE_BYTES / BUFFER + 1));
  assert_true(two_end(&two));
}

static void clean_path(void **state)
{
  (void)state;
  no_memory_for_a_segment(0);
}

static void with_losses(void **state)
{
  (void)state;
  no_memory_for_a_segment(101);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clean_path),
      cmocka_unit_test(with_losses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
