// SPDX-License-Identifier: BSD-2-Clause
// test_hostile_text.c - ATTACKS R4: islands of one octet all over the window cost little time and bounded memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"

#define WINDOW   1000000u
#define SEGMENTS 20000u
#define ISLANDS  2048u // more are not kept
#define WIDE     1400u

enum how { ANYWHERE, UPWARDS, DOWNWARDS, WIDE_OVER_ISLANDS, HOWS };

static struct kit k;

static void window(struct estab_settings *settings)
{
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = WINDOW;
}

static void hostile(enum how how, uint32_t first, uint32_t i, struct prop_rng *rng)
{
  uint32_t at = 0, bytes = 1;
  switch (how) {
  case ANYWHERE: at = 2 * prop_below(rng, WINDOW / 2); break;
  case UPWARDS: at = 40 * i; break;
  case DOWNWARDS: at = WINDOW - 40 - 40 * i; break;
  case WIDE_OVER_ISLANDS: // seven hundred, and one segment that joins them
  case HOWS:
    at = WINDOW / 2 + i / (WIDE / 2 + 1) * WIDE + 2 * (i % (WIDE / 2 + 1)) % WIDE;
    if (i % (WIDE / 2 + 1) == WIDE / 2) bytes = WIDE;
    break;
  }
  at %= WINDOW - WIDE;
  kit_inject(&k, &(struct kit_in){.seq = k.irs + 1 + first + 1 + at, // never the octet that is due
                                  .ack = k.peer_rcv_nxt,
                                  .flags = ESTAB_TCP_ACK,
                                  .text_bytes = bytes});
}

static void islands_of_one_octet(void **state)
{
  (void)state;
  for (enum how how = 0; how < HOWS; how++) {
    struct prop_rng rng = {how};
    kit_init(&k, false, window);
    k.quiet = true;
    kit_make(&k, KIT_ESTABLISHED);
    struct tcb *t = stack_find(k.s, k.conn);
    const uint32_t first = t->rcv.nxt - (k.irs + 1);
    uint64_t before_ns = kit_cpu_ns();
    unsigned most = 0;
    for (uint32_t i = 0; i < SEGMENTS; i++) {
      hostile(how, first, i, &rng);
      if (t->out_of_order.count > most) most = t->out_of_order.count;
    }
    uint64_t each_ns = (kit_cpu_ns() - before_ns) / SEGMENTS;
    print_message("%u: %u ns a segment, at most %u islands\n", how, (unsigned)each_ns, most);
    assert_true(each_ns < 50000); // 5000 on a quiet machine, without sanitizers
    assert_true(most > 300 && most <= ISLANDS);
    struct estab_stack_info info = {.struct_bytes = sizeof info};
    estab_stack_info(k.s, &info);
    assert_true(info.memory_by_kind_bytes[ESTAB_MEM_BLOCK] < WINDOW + 8 * 16384);
    assert_true(kit_lives(&k));
    assert_true(kit_end(&k));
  }
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(islands_of_one_octet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
