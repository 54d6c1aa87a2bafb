// SPDX-License-Identifier: BSD-2-Clause
// test_segment_table.c - RFC 9293 3.10.7: each kind of segment in each state, answered as the table says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/tcp/segment_table.h"

#define KINDS (sizeof kinds / sizeof kinds[0])

static const struct cell *cell_of(const struct kind *kind, enum kit_place place)
{
  const struct cell *found = NULL;
  for (unsigned i = 0; i < 12 && kind->cells[i].in; i++) {
    if (!(kind->cells[i].in & (1u << place))) continue;
    assert_null(found); // said twice
    found = &kind->cells[i];
  }
  if (!found) fail_msg("%s says nothing of %s", kind->name, kit_place_name(place));
  return found;
}

static void the_table_is_whole(void **state)
{
  (void)state;
  assert_int_equal(KINDS, 24);
  for (unsigned i = 0; i < KINDS; i++)
    for (unsigned place = 0; place < KIT_PLACES; place++)
      (void)cell_of(&kinds[i], (enum kit_place)place);
}

static struct kit_in segment_of(struct kit *k, const struct kind *kind)
{
  const struct seg_state *t = kit_seg(k);
  bool synchronized = t && t->state != ESTAB_SYN_SENT;
  uint32_t nxt = synchronized ? t->rcv.nxt : k->irs + 1;
  uint32_t edge = nxt + (synchronized ? t->rcv.wnd : 65535);
  uint32_t una = t ? t->snd.una : k->iss, snd_nxt = t ? t->snd.nxt : k->iss + 1;
  struct kit_in in = {
      .flags = kind->flags, .text_bytes = kind->text_bytes, .ts = (uint8_t)kind->ts};
  switch (kind->seq) {
  case AT_NXT: in.seq = nxt; break;
  case AT_IRS: in.seq = k->irs; break;
  case AT_EDGE: in.seq = edge; break;
  }
  switch (kind->ack) {
  case NO_ACK: break;
  case AT_UNA: in.ack = una; break;
  case AT_SND_NXT: in.ack = snd_nxt; break;
  case AT_ISS: in.ack = k->iss; break;
  case TOO_OLD: in.ack = una - (t ? t->snd.max_wnd : 65535); break;
  }
  in.seq += (uint32_t)kind->seq_plus;
  in.ack += (uint32_t)kind->ack_plus;
  return in;
}

static uint32_t length_of(const struct kit_in *in)
{
  return in->text_bytes + ((in->flags & SYN) ? 1u : 0u) + ((in->flags & FIN) ? 1u : 0u);
}

static bool answer_is(struct kit *k, enum answer answer, const struct kit_in *in)
{
  if (answer == NOTHING || answer == DELAYED) {
    if (k->outs != 0) return false;
    if (answer == NOTHING) return true;
    kit_advance(k, k->settings.delayed_ack_ns + 1000000u);
  }
  if (k->outs != 1 || k->out[0].text_bytes != 0) return false;
  const struct estab_tcp_header *h = &k->out[0].h;
  const struct seg_state *t = kit_seg(k);
  switch (answer) {
  case ACK:
  case DELAYED:
    return h->flags == ACK_BIT && t && h->seq == t->snd.nxt && h->ack == t->rcv.nxt &&
           (h->options.present & ESTAB_TCP_OPT_TS);
  case SYN_ACK:
    return h->flags == (SYN | ACK_BIT) && t && h->seq + 1 == t->snd.nxt && h->ack == t->rcv.nxt;
  case RST_ACK: return h->flags == RST && h->seq == in->ack;
  case RST_SEQ:
    return h->flags == (RST | ACK_BIT) && h->seq == 0 && h->ack == in->seq + length_of(in);
  case NOTHING: break;
  }
  return false;
}

// What a rejected segment must not have moved.
static bool untouched(const struct seg_state *a, const struct seg_state *b)
{
  return a->state == b->state && a->snd.una == b->snd.una && a->snd.nxt == b->snd.nxt &&
         a->snd.max_wnd == b->snd.max_wnd && a->rcv.nxt == b->rcv.nxt && a->rcv.wnd >= b->rcv.wnd &&
         a->ts_recent == b->ts_recent;
}

static void complain(struct kit *k, const struct kind *kind, const struct cell *cell,
                     const char *what)
{
  static const char *const names[] = {"nothing", "ACK",        "delayed ACK",
                                      "SYN-ACK", "RST at ACK", "RST with ACK"};
  enum estab_state next = cell->next == SAME ? kit_place_state(k->place) : cell->next;
  print_error("%s", k->log);
  fail_msg("%s in %s over %s: %s\n  expected: %s, then %s, drop '%s' (%s)\n  got: %u segments, %s, "
           "drop '%s'",
           kind->name, kit_place_name(k->place), k->ip6 ? "IPv6" : "IPv4", what,
           names[cell->answer], estab_state_name(next), cell->drop, cell->because, k->outs,
           estab_state_name(kit_state(k)), kit_dropped(k));
}

static void try_cell(const struct kind *kind, enum kit_place place, bool ip6)
{
  static struct kit k;
  const struct cell *cell = cell_of(kind, place);
  kit_init(&k, ip6, NULL);
  kit_make(&k, place);
  struct kit_in in = segment_of(&k, kind);
  struct seg_state before = {0};
  if (kit_seg(&k)) before = *kit_seg(&k);
  k.peer_got_rst = false;
  kit_say(&k, "---- %s", kind->name);
  kit_inject(&k, &in);
  const char *dropped = kit_dropped(&k);
  kit_drain(&k);
  if (strcmp(dropped, cell->drop) != 0) complain(&k, kind, cell, "drop");
  if (!answer_is(&k, cell->answer, &in)) complain(&k, kind, cell, "answer");
  enum estab_state next = cell->next == SAME ? kit_place_state(place) : cell->next;
  enum estab_state got = kit_state(&k);
  if (got != next) complain(&k, kind, cell, "state");
  bool rejected =
      *cell->drop && strcmp(cell->drop, "TCP_TEXT_AFTER_FIN") != 0 && cell->next == SAME;
  if (rejected && kit_seg(&k) && !untouched(kit_seg(&k), &before))
    complain(&k, kind, cell, "a rejected segment changed something");

  // A SYN that was taken begins a stream; otherwise the peer of before goes on.
  bool opened = (in.flags & SYN) && next != ESTAB_LISTEN &&
                (place == KIT_LISTEN || place == KIT_SYN_SENT || next != kit_place_state(place)) &&
                !*cell->drop && place != KIT_SYN_RECEIVED && place != KIT_SYN_RECEIVED_ACTIVE;
  if (opened) {
    kit_new_peer(&k, in.seq);
    k.peer_rcv_nxt = k.iss + 1;
    if (place >= KIT_TIME_WAIT) k.conn = 0;
  }
  k.peer_got_rst = false;
  bool ok = next == ESTAB_CLOSED ? kit_is_gone(&k) : kit_lives(&k);
  if (!ok) complain(&k, kind, cell, "what comes after");
  if (!kit_end(&k)) complain(&k, kind, cell, "memory");
}

static void over_both(const struct kind *kind)
{
  for (unsigned place = 0; place < KIT_PLACES; place++) {
    try_cell(kind, (enum kit_place)place, false);
    try_cell(kind, (enum kit_place)place, true);
  }
}

static void one_kind(void **state)
{
  over_both(*state);
}

int main(void)
{
  struct CMUnitTest tests[KINDS + 1] = {cmocka_unit_test(the_table_is_whole)};
  for (unsigned i = 0; i < KINDS; i++)
    tests[i + 1] = (struct CMUnitTest){.name = kinds[i].name,
                                       .test_func = one_kind,
                                       .initial_state = (void *)(uintptr_t)&kinds[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
