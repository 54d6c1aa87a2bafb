// SPDX-License-Identifier: BSD-2-Clause
// stack_device.c - devices that take few frames or none, finish 60 s later, lose some; memory lent until it comes back.
#include "support/two.h"

#define SECONDS    UINT64_C(1000000000)
#define HELD       48
#define LENT       32
#define LENT_BYTES 3000

// A frame the device took and has not finished with.
struct held {
  struct estab_frame *frame; // stays where it is until it is given back
  uint64_t until_ns;
  uint32_t digest; // of its octets, when it was taken
};

struct side {
  struct held held[HELD];
  unsigned holding;
  uint8_t *lent[LENT]; // by cookie - 1
  uint32_t cookies;    // given out so far
  uint32_t returned;
};

static struct run {
  struct two two;
  struct prop_rng *r;
  struct side side[2];
  unsigned take_one_in; // 1 = the device takes all
  bool holds, wrong;
  estab_conn conn[2];
  uint32_t total, sent[2], got[2];
  bool closed[2], ended[2];
} run;

static uint8_t octet(unsigned who, uint32_t i)
{
  return (uint8_t)(i * 13 + i / 259 + who * 101);
}

static uint32_t digest(const struct estab_frame *f)
{
  uint32_t d = 2166136261u;
  for (unsigned p = 0; p < f->piece_count; p++)
    for (size_t i = 0; i < f->pieces[p].length; i++)
      d = (d ^ f->pieces[p].bytes[i]) * 16777619u;
  return d;
}

static void give_back(unsigned who, unsigned i)
{
  struct side *s = &run.side[who];
  struct held *h = &s->held[i];
  if (digest(h->frame) != h->digest) {
    printf("a held frame changed\n");
    run.wrong = true;
  }
  estab_frame_release(run.two.s[who], h->frame);
  free(h->frame);
  s->held[i] = s->held[--s->holding];
}

static void finish(unsigned who, bool all)
{
  for (unsigned i = run.side[who].holding; i-- > 0;)
    if (all || run.side[who].held[i].until_ns <= run.two.now_ns) give_back(who, i);
}

// What the device does with one frame it took: passes it on, loses it, and holds on to it for up to a minute.
static void take(unsigned who, struct estab_frame *f)
{
  if (!prop_one_in(run.r, 40)) estab_stack_input(run.two.s[!who], run.two.now_ns, f, 1);
  struct side *s = &run.side[who];
  if (!run.holds || s->holding == HELD || !prop_one_in(run.r, 3)) return;
  uint64_t until_ns = run.two.now_ns + (prop_one_in(run.r, 4) ? 60 * SECONDS : SECONDS / 100);
  estab_frame_hold(run.two.s[who], f);
  s->held[s->holding++] = (struct held){f, until_ns, digest(f)};
}

static bool is_held(unsigned who, const struct estab_frame *f)
{
  for (unsigned i = 0; i < run.side[who].holding; i++)
    if (run.side[who].held[i].frame == f) return true;
  return false;
}

// Frames live in blocks of one, so that a held one can stay. estab_stack_output() wants an array: one frame at a time,
// or a whole batch that is not held.
static unsigned send_one(unsigned who)
{
  estab_stack *s = run.two.s[who];
  struct estab_frame *f = malloc(sizeof *f);
  if (!f) abort();
  int n = estab_stack_output(s, run.two.now_ns, f, 1);
  bool takes = n == 1 && prop_one_in(run.r, run.take_one_in);
  if (takes) take(who, f);
  bool held = takes && is_held(who, f);
  estab_stack_output_done(s, takes, run.two.now_ns);
  if (!held) free(f);
  return takes;
}

static unsigned send_batch(unsigned who)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  estab_stack *s = run.two.s[who];
  int n = estab_stack_output(s, run.two.now_ns, frames, 1 + prop_below(run.r, ESTAB_OUTPUT_MAX));
  unsigned takes = run.take_one_in == 1 ? (unsigned)n : prop_below(run.r, (uint32_t)n + 1);
  for (unsigned i = 0; i < takes; i++)
    if (!prop_one_in(run.r, 40)) estab_stack_input(run.two.s[!who], run.two.now_ns, &frames[i], 1);
  estab_stack_output_done(s, takes, run.two.now_ns);
  return takes;
}

// ---- Users

static void events(unsigned who)
{
  struct estab_event e;
  struct side *s = &run.side[who];
  while (estab_stack_next_event(run.two.s[who], &e)) {
    if (e.events & ESTAB_EVENT_ACCEPT)
      (void)estab_accept(run.two.s[who], e.listener, &run.conn[who]);
    if (!(e.events & ESTAB_EVENT_SEND_RELEASED)) continue;
    if (e.cookie < 1 || e.cookie > s->cookies || !s->lent[e.cookie - 1]) {
      printf("cookie %llu came back, %u were given\n", (unsigned long long)e.cookie, s->cookies);
      run.wrong = true;
      return;
    }
    memset(s->lent[e.cookie - 1], 0xee, LENT_BYTES); // nobody may look at it any more
    free(s->lent[e.cookie - 1]);
    s->lent[e.cookie - 1] = NULL;
    s->returned++;
  }
}

static void lend(unsigned who, uint32_t n)
{
  struct side *s = &run.side[who];
  if (s->cookies == LENT) return;
  uint8_t *bytes = malloc(LENT_BYTES);
  if (!bytes) abort();
  for (uint32_t i = 0; i < n; i++)
    bytes[i] = octet(who, run.sent[who] + i);
  int r = estab_send_ref(run.two.s[who], run.conn[who], bytes, n, s->cookies + 1);
  if (r < 0) {
    free(bytes);
    return;
  }
  s->lent[s->cookies++] = bytes;
  run.sent[who] += (uint32_t)r;
}

static void copy(unsigned who, uint32_t n)
{
  uint8_t bytes[LENT_BYTES];
  for (uint32_t i = 0; i < n; i++)
    bytes[i] = octet(who, run.sent[who] + i);
  int r = estab_send(run.two.s[who], run.conn[who], bytes, n);
  if (r > 0) run.sent[who] += (uint32_t)r;
}

static void fill_room(unsigned who, uint32_t n)
{
  void *room;
  size_t room_bytes;
  if (estab_send_reserve(run.two.s[who], run.conn[who], &room, &room_bytes) < 0) return;
  if (n > room_bytes) n = (uint32_t)room_bytes;
  for (uint32_t i = 0; i < n; i++)
    ((uint8_t *)room)[i] = octet(who, run.sent[who] + i);
  int r = estab_send_commit(run.two.s[who], run.conn[who], n);
  if (r > 0) run.sent[who] += (uint32_t)r;
}

static void wrong(const char *what, uint32_t where)
{
  if (!run.wrong) printf("%s (%u)\n", what, where);
  run.wrong = true;
}

static void user(unsigned who)
{
  events(who);
  estab_stack *s = run.two.s[who];
  estab_conn c = run.conn[who];
  if (!c) return;
  uint32_t left = run.total - run.sent[who];
  uint32_t n = left < LENT_BYTES ? left : 1 + prop_below(run.r, LENT_BYTES);
  if (n > 0 && prop_one_in(run.r, 2)) {
    unsigned how = prop_below(run.r, 3);
    if (how == 0)
      lend(who, n);
    else if (how == 1)
      copy(who, n);
    else
      fill_room(who, n);
  }
  if (left == 0 && !run.closed[who] && estab_status(s, c) != ESTAB_SYN_SENT)
    run.closed[who] = estab_close(s, c) == ESTAB_OK;
  struct estab_piece pieces[4];
  unsigned count = 4;
  int ready = estab_recv_peek(s, c, pieces, &count);
  if (ready > 0) {
    uint32_t at = run.got[who];
    for (unsigned p = 0; p < count; p++)
      for (size_t i = 0; i < pieces[p].length; i++)
        if (pieces[p].bytes[i] != octet(!who, at++)) return wrong("an octet is wrong", at - 1);
    uint32_t some = 1 + prop_below(run.r, (uint32_t)ready);
    if (estab_recv_consume(s, c, some) != (int)some) wrong("consume", some);
    run.got[who] += some;
  } else if (ready == 0) {
    run.ended[who] = true;
    if (run.got[who] != run.total) wrong("an end before the end", run.got[who]);
  } else if (ready != ESTAB_ERR_WOULD_BLOCK) {
    wrong(estab_strerror(ready), run.got[who]);
  }
}

// ---- Runs

static void settings_of(struct estab_settings *settings)
{
  settings->msl_ns = SECONDS;
  settings->send_buffer_bytes = 20000;
  settings->recv_buffer_bytes = 20000;
}

// The opener's first number is just under 2^32.
static void begin(struct prop_rng *r)
{
  run = (struct run){.r = r};
  two_init(&run.two, prop_one_in(r, 2), settings_of);
  struct estab_tuple tuple = {run.two.ip[0], run.two.ip[1], 5000, 80};
  uint32_t start = UINT32_C(0xffffff00) - isn_generate(isn_hash(&run.two.s[0]->tcp, &tuple), 0);
  run.two.now_ns = (uint64_t)start * 4000u;
  if (!two_listen(&run.two, 1, 80, 4)) abort();
  if (two_connect(&run.two, 0, 5000, 80, &run.conn[0]) < 0) abort();
  run.total = 20000 + prop_below(r, 30000);
  run.take_one_in = prop_one_in(r, 2) ? 1 : 2 + prop_below(r, 3);
  run.holds = prop_one_in(r, 2);
}

static bool turn(void)
{
  unsigned moved = 0;
  for (unsigned who = 0; who < 2; who++) {
    user(who);
    finish(who, false);
    moved += run.holds ? send_one(who) : send_batch(who);
  }
  if (moved) return true;
  uint64_t a = estab_stack_deadline(run.two.s[0]), b = estab_stack_deadline(run.two.s[1]);
  uint64_t next = a < b ? a : b, soon = run.two.now_ns + SECONDS / 1000;
  if (next > soon) next = soon;
  if (next > run.two.now_ns) run.two.now_ns = next;
  estab_stack_handle_deadline(run.two.s[0], run.two.now_ns);
  estab_stack_handle_deadline(run.two.s[1], run.two.now_ns);
  return true;
}

static bool all_is_given_back(void)
{
  for (unsigned who = 0; who < 2; who++) {
    finish(who, true); // after the connections are gone
    events(who);
    struct side *s = &run.side[who];
    if (s->returned != s->cookies) {
      printf("%u of %u lent pieces came back\n", s->returned, s->cookies);
      run.wrong = true;
    }
    for (uint32_t i = 0; i < LENT; i++)
      free(s->lent[i]);
  }
  return two_end(&run.two) && !run.wrong;
}

static bool a_slow_device(struct prop_rng *r)
{
  begin(r);
  for (unsigned i = 0;
       i < 2000000 && !(run.ended[0] && run.ended[1] && run.closed[0] && run.closed[1]) &&
       !run.wrong;
       i++)
    turn();
  bool whole = run.got[0] == run.total && run.got[1] == run.total;
  if (!whole) printf("got %u and %u of %u\n", run.got[0], run.got[1], run.total);
  for (unsigned who = 0; who < 2; who++) {
    (void)estab_release(run.two.s[who], run.conn[who]);
    run.conn[who] = 0;
  }
  for (unsigned i = 0; i < 3000; i++) { // the last ACKs, TIME-WAIT
    events(0);
    events(1);
    turn();
  }
  return all_is_given_back() && whole;
}

// The connection is gone long before the device has finished with its frames.
static bool gone_before_the_device(struct prop_rng *r)
{
  begin(r);
  run.holds = true;
  for (unsigned i = 0; i < 200 + prop_below(r, 400) && !run.wrong; i++)
    turn();
  for (unsigned who = 0; who < 2; who++) {
    if (!run.conn[who]) continue;
    if (prop_one_in(r, 2)) (void)estab_abort(run.two.s[who], run.conn[who]);
    (void)estab_release(run.two.s[who], run.conn[who]);
    run.conn[who] = 0;
  }
  for (unsigned i = 0; i < 1000; i++) {
    events(0);
    events(1);
    (void)send_one(0), (void)send_one(1);
    run.two.now_ns += SECONDS / 2;
    estab_stack_handle_deadline(run.two.s[0], run.two.now_ns);
    estab_stack_handle_deadline(run.two.s[1], run.two.now_ns);
  }
  struct estab_stack_info info[2] = {{.struct_bytes = sizeof *info},
                                     {.struct_bytes = sizeof *info}};
  for (unsigned i = 0; i < 2; i++)
    estab_stack_info(run.two.s[i], &info[i]);
  bool none = info[0].connections + info[1].connections == 0;
  if (!none) printf("%u and %u connections are left\n", info[0].connections, info[1].connections);
  return all_is_given_back() && none;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"slow-device", a_slow_device, 200},
      {"gone-before", gone_before_the_device, 200},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
