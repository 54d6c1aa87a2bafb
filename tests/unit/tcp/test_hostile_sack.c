// SPDX-License-Identifier: BSD-2-Clause
// test_hostile_sack.c - ATTACKS R3: blocks of one octet all over a large flight cost little time and bounded memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"

#define FLIGHT 4000000u
#define ACKS   20000u

static struct kit k;

static void large(struct estab_settings *settings)
{
  settings->send_buffer_bytes = 8u << 20;
  settings->pacing = false; // a window that comes from nowhere would leave slowly (RFC 7661)
}

// A flight of 4 MB, as after a long honest transfer.
static struct tcb *in_flight(void)
{
  kit_init(&k, false, large);
  k.quiet = true;
  kit_make(&k, KIT_ESTABLISHED);
  struct tcb *t = stack_find(k.s, k.conn);
  t->cc.cwnd_bytes = t->snd.wnd = t->snd.max_wnd = FLIGHT;
  t->snd_wscale = 7;
  static const uint8_t zeros[65536];
  for (uint32_t sent = 0; sent < FLIGHT; sent += sizeof zeros)
    assert_true(estab_send(k.s, k.conn, zeros, sizeof zeros) > 0);
  for (unsigned turn = 0; turn < 300 && tcb_flight(t) < FLIGHT - 3000; turn++) {
    k.now_ns += 1000000; // so that it is many stretches
    kit_drain(&k);
  }
  assert_true(tcb_flight(t) > FLIGHT - 3000);
  return t;
}

static void hostile(struct tcb *t, unsigned how, uint32_t i, struct prop_rng *rng)
{
  struct estab_sack_block blocks[3];
  for (uint32_t n = 0; n < 3; n++) {
    uint32_t at = how == 0   ? 1 + 2 * prop_below(rng, FLIGHT / 2 - 2000) // anywhere
                  : how == 1 ? 1 + (3 * i + n) * 60                       // upwards
                             : FLIGHT - 4000 - (3 * i + n) * 60;          // downwards
    blocks[n] = (struct estab_sack_block){t->snd.una + at, t->snd.una + at + 1};
  }
  kit_inject(&k, &(struct kit_in){.seq = t->rcv.nxt,
                                  .ack = t->snd.una,
                                  .flags = ESTAB_TCP_ACK,
                                  .window = FLIGHT >> 7,
                                  .sack_count = 3,
                                  .sack = blocks});
}

static void blocks_of_one_octet(void **state)
{
  (void)state;
  for (unsigned how = 0; how < 3; how++) {
    struct prop_rng rng = {how};
    struct tcb *t = in_flight();
    uint64_t before_ns = kit_cpu_ns();
    for (uint32_t i = 0; i < ACKS; i++) {
      if (i % 16 == 0) k.now_ns += 100000;
      hostile(t, how, i, &rng);
    }
    uint64_t each_ns = (kit_cpu_ns() - before_ns) / ACKS;
    print_message("%u: %u ns an ACK, %u chunks, %u octets SACKed\n", how, (unsigned)each_ns,
                  t->work->board.count, t->work->board.sacked_bytes);
    assert_true(each_ns < 50000); // 5000 on a quiet machine, without sanitizers
    assert_true(t->work->board.sacked_bytes > 500);
    assert_true(t->work->board.count <= BOARD_CHUNKS);
    struct estab_stack_info info = {.struct_bytes = sizeof info};
    estab_stack_info(k.s, &info);
    assert_true(info.memory_by_kind_bytes[ESTAB_MEM_WORK] <
                BOARD_CHUNKS * sizeof(struct board_chunk) + 2 * sizeof(struct work));
    assert_true(kit_end(&k));
  }
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_of_one_octet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
