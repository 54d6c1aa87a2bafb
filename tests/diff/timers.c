// SPDX-License-Identifier: BSD-2-Clause
// timers.c - stories that wait for timers, from retransmission to TIME-WAIT: estab on virtual time, the kernel in real.
//
// estab hears them one by one, the kernel all of them at once, each with a tuple of its own. Compared are the segments
// that leave and how long after the one before.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diff.h"

#define TIMERS_MAX       200
#define TIMERS_EVENTS    8
#define TIMERS_LEFT      24
#define TIMERS_MS        7500 // of a story
#define TIMERS_APART_MS  5    // the kernel's stories begin one after the other
#define TIMERS_SLACK_MS  60   // the kernel's ticks, and this machine's other work
#define TIMERS_SLACK_PCT 13   // and its timer wheel, whose slots are an eighth of the time

enum timer_kind {
  KIND_SYN,        // nobody answers our SYN
  KIND_SYN_ACK,    // nor our SYN-ACK
  KIND_TEXT,       // nor our text
  KIND_TEXT_LATE,  // somebody does, after a while; then there is more text
  KIND_FIN,        // nor our FIN
  KIND_ACK,        // one segment of text, then two
  KIND_PERSIST,    // the window closes
  KIND_ANSWERED,   // the same, and a probe is answered
  KIND_KEEPALIVE,  // silence
  KIND_USER,       // text until the user timeout, then an ACK of it
  KIND_FIN_WAIT_2, // released; then text, and text again when it is over
  KIND_TIME_WAIT,  // the peer's FIN again and again
  KINDS
};

static const char *const timer_kinds[KINDS] = {
    "SYN",       "SYN-ACK",      "text",       "text acknowledged late",
    "FIN",       "delayed ACK",  "persist",    "persist answered",
    "keepalive", "user timeout", "FIN-WAIT-2", "TIME-WAIT"};

struct timed {
  uint32_t ms;
  struct out_segment out;
};

struct timed_list {
  struct timed at[TIMERS_LEFT];
  unsigned count;
};

static struct timer_story {
  struct story story;
  enum timer_kind kind;
  uint32_t at_ms[TIMERS_EVENTS]; // when story.steps[i] is told
  unsigned next;                 // that the kernel has not heard
  struct timed_list estab, kernel;
  struct kernel_target life;
} timer_stories[TIMERS_MAX];
static unsigned timer_count;
static uint64_t timers_random, timers_begun_ms;

static uint32_t timers_below(uint32_t n)
{
  timers_random = timers_random * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return (uint32_t)(timers_random >> 33) % n;
}

static struct step *add_step(struct timer_story *t, uint32_t ms, enum step_kind kind)
{
  unsigned i = t->story.count++;
  t->at_ms[i] = ms;
  t->story.steps[i] = (struct step){.kind = (uint8_t)kind, .ts = true, .window = 60000};
  return &t->story.steps[i];
}

static struct step *add_segment(struct timer_story *t, uint32_t ms, uint16_t flags, uint32_t seq,
                                uint32_t ack, uint32_t bytes)
{
  struct step *s = add_step(t, ms, STEP_SEGMENT);
  s->flags = flags;
  s->seq = seq;
  s->ack = flags & ESTAB_TCP_ACK ? ack : 0;
  s->bytes = bytes;
  return s;
}

static void add_handshake(struct timer_story *t)
{
  if (timers_below(2) == 0) {
    add_step(t, 0, STEP_LISTEN);
    add_segment(t, 0, ESTAB_TCP_SYN, 0, 0, 0);
    add_segment(t, 0, ESTAB_TCP_ACK, 1, 1, 0);
  } else {
    add_step(t, 0, STEP_CONNECT);
    add_segment(t, 0, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 0, 1, 0);
  }
}

static void make_up(struct timer_story *t)
{
  uint32_t text = 1 + timers_below(1400), wait = 250 + timers_below(3000);
  if (t->kind == KIND_SYN) {
    add_step(t, 0, STEP_CONNECT);
    return;
  }
  if (t->kind == KIND_SYN_ACK) {
    add_step(t, 0, STEP_LISTEN);
    add_segment(t, 0, ESTAB_TCP_SYN, 0, 0, 0);
    return;
  }
  add_handshake(t);
  switch (t->kind) {
  case KIND_USER:
  case KIND_TEXT:
  case KIND_TEXT_LATE: add_step(t, 100, STEP_SEND)->bytes = text; break;
  case KIND_FIN:
  case KIND_TIME_WAIT: add_step(t, 100, STEP_SHUTDOWN); break;
  case KIND_FIN_WAIT_2: add_step(t, 100, STEP_CLOSE); break;
  case KIND_PERSIST:
  case KIND_ANSWERED:
    add_segment(t, 100, ESTAB_TCP_ACK, 1, 1, 0)->window = 0;
    add_step(t, 200, STEP_SEND)->bytes = text;
    break;
  case KIND_ACK: add_segment(t, 500, ESTAB_TCP_ACK, 1, 1, text); break;
  case KIND_KEEPALIVE:
  case KIND_SYN:
  case KIND_SYN_ACK:
  case KINDS: break;
  }
  switch (t->kind) {
  case KIND_TEXT_LATE: add_segment(t, 100 + wait, ESTAB_TCP_ACK, 1, 1 + text, 0); break;
  case KIND_USER: add_segment(t, 4000, ESTAB_TCP_ACK, 1, 1 + text, 0); break;
  case KIND_FIN_WAIT_2:
    add_segment(t, 120, ESTAB_TCP_ACK, 1, 2, 0);
    add_segment(t, 2500, ESTAB_TCP_ACK, 1, 2, 0);
    break;
  case KIND_TIME_WAIT:
    add_segment(t, 120, ESTAB_TCP_ACK | ESTAB_TCP_FIN, 1, 2, 0);
    add_segment(t, 120 + wait, ESTAB_TCP_ACK | ESTAB_TCP_FIN, 1, 2, 0);
    add_segment(t, 4500 + wait / 2, ESTAB_TCP_ACK | ESTAB_TCP_FIN, 1, 2, 0);
    break;
  case KIND_ANSWERED: add_segment(t, 1000, ESTAB_TCP_ACK, 1, 1, 0)->window = 0; break;
  case KIND_KEEPALIVE: // answered once
    if (wait < 1500) add_segment(t, 1300, ESTAB_TCP_ACK, 1, 1, 0);
    break;
  case KIND_SYN:
  case KIND_SYN_ACK:
  case KIND_TEXT:
  case KIND_FIN:
  case KIND_ACK:
  case KIND_PERSIST:
  case KINDS: break;
  }
}

static void left(void *ctx, uint64_t ms, const struct outcome *o)
{
  struct timed_list *list = ctx;
  for (unsigned i = 0; i < o->out_count && list->count < TIMERS_LEFT; i++)
    list->at[list->count++] = (struct timed){(uint32_t)ms, o->outs[i]};
}

static bool hear_estab(struct timer_story *t)
{
  struct target estab;
  target_estab_open(&estab, NULL);
  if (!estab.begin(estab.ctx, &t->story)) return false;
  for (unsigned i = 0; i < t->story.count; i++) {
    struct outcome o = {.state = -1};
    target_estab_until(t->at_ms[i], left, &t->estab);
    estab.tell(estab.ctx, &t->story.steps[i], 0, &o);
    left(&t->estab, t->at_ms[i], &o);
  }
  target_estab_until(TIMERS_MS, left, &t->estab);
  estab.end(estab.ctx);
  return true;
}

// ---------------------------------------------------------------------------------------------
// The kernel, in real time

static uint64_t timers_now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void packet_left(void *ctx, const uint8_t *bytes, size_t n)
{
  uint64_t ms = timers_now_ms() - timers_begun_ms;
  (void)ctx;
  for (unsigned i = 0; i < timer_count; i++) {
    struct outcome o = {.state = -1};
    if (timer_stories[i].life.story == NULL) continue;
    if (!observe(&timer_stories[i].life.ends, bytes, n, &o)) continue;
    ms -= i * TIMERS_APART_MS;
    if (ms <= TIMERS_MS) left(&timer_stories[i].kernel, ms, &o);
    return;
  }
}

static void hear_kernel(void)
{
  struct pollfd ready = {.fd = kernel_life_fd(), .events = POLLIN};
  timers_begun_ms = timers_now_ms();
  for (;;) {
    uint64_t ms = timers_now_ms() - timers_begun_ms;
    kernel_life_drain(packet_left, NULL);
    if (ms > TIMERS_MS + timer_count * TIMERS_APART_MS) return;
    for (unsigned i = 0; i < timer_count; i++) {
      struct timer_story *t = &timer_stories[i];
      struct outcome o;
      while (t->next < t->story.count && t->at_ms[t->next] + i * TIMERS_APART_MS <= ms) {
        if (t->next == 0) kernel_life_begin(&t->life, &t->story);
        kernel_life_tell(&t->life, &t->story.steps[t->next++], &o);
        kernel_life_drain(packet_left, NULL);
        kernel_life_accept(&t->life);
      }
    }
    poll(&ready, 1, 2);
  }
}

// ---------------------------------------------------------------------------------------------
// Comparison

// Since the segment before.
static uint32_t pause_ms(const struct timed_list *list, unsigned i)
{
  return list->at[i].ms - (i > 0 ? list->at[i - 1].ms : 0);
}

static bool times_differ(uint32_t estab_ms, uint32_t kernel_ms)
{
  uint32_t apart = estab_ms > kernel_ms ? estab_ms - kernel_ms : kernel_ms - estab_ms;
  return apart > TIMERS_SLACK_MS + kernel_ms * TIMERS_SLACK_PCT / 100;
}

static bool is_explained(const struct timer_story *t, const char *what)
{
  char name[NAME_BYTES];
  snprintf(name, sizeof name, "timer %s | %s", timer_kinds[t->kind], what);
  if (explanation_of(name) >= 0) return true;
  printf("unexplained: %s\n", name);
  return false;
}

static void say_list(const char *who, const struct timed_list *list)
{
  char text[256];
  for (unsigned i = 0; i < list->count; i++) {
    struct outcome one = {.out_count = 1, .state = -1};
    one.outs[0] = list->at[i].out;
    outcome_format(&one, text, sizeof text);
    printf("    %s %6u ms  %s\n", who, list->at[i].ms, text);
  }
}

// One segment of each. false: they differ, and nothing explains it.
static bool alike(const struct timer_story *t, unsigned i, unsigned j)
{
  struct outcome a = {.out_count = 1, .state = -1}, b = a;
  char what[64];
  a.outs[0] = t->estab.at[i].out;
  b.outs[0] = t->kernel.at[j].out;
  const struct step none = {.kind = STEP_RECEIVE};
  const struct view closed = {.state = ESTAB_CLOSED};
  const char *differs = compare(&none, &closed, &a, &b);
  if (differs != NULL && !is_explained(t, strstr(differs, " | ") + 3)) return false;
  uint32_t estab_ms = pause_ms(&t->estab, i), kernel_ms = pause_ms(&t->kernel, j);
  if (!times_differ(estab_ms, kernel_ms)) return true;
  snprintf(what, sizeof what, "estab after %u ms, kernel after %u ms", estab_ms, kernel_ms);
  return is_explained(t, what);
}

// A reset of estab's alone.
static bool lone_reset(const struct timer_story *t, unsigned i, unsigned j)
{
  if (i == t->estab.count || !(t->estab.at[i].out.flags & ESTAB_TCP_RST)) return false;
  return j == t->kernel.count || t->kernel.at[j].ms > t->estab.at[i].ms + 1000;
}

static bool judge_lists(const struct timer_story *t)
{
  unsigned i = 0, j = 0;
  while (i < t->estab.count || j < t->kernel.count) {
    if (lone_reset(t, i, j)) {
      if (!is_explained(t, "estab R., kernel -")) return false;
      i++;
      continue;
    }
    if (i == t->estab.count || j == t->kernel.count) {
      // What falls on the end of the story may be on either side of it.
      const struct timed_list *more = i < t->estab.count ? &t->estab : &t->kernel;
      uint32_t ms = more->at[i < t->estab.count ? i : j].ms;
      return ms + 2 * TIMERS_SLACK_MS + ms * TIMERS_SLACK_PCT / 100 > TIMERS_MS ||
             is_explained(t, i < t->estab.count ? "estab more, kernel -" : "estab -, kernel more");
    }
    if (!alike(t, i, j)) return false;
    i++;
    j++;
  }
  return true;
}

static bool judge(const struct timer_story *t, bool verbose)
{
  bool good = judge_lists(t);
  if (good && !verbose) return true;
  printf("  timer story %llu, %s, %s%s\n", (unsigned long long)t->story.seed, timer_kinds[t->kind],
         t->story.ip6 ? "IPv6" : "IPv4", t->story.timestamps ? ", timestamps" : "");
  say_list("estab ", &t->estab);
  say_list("kernel", &t->kernel);
  return good;
}

unsigned timers_run(unsigned count, bool verbose)
{
  unsigned bad = 0, segments = 0, kinds[KINDS] = {0};
  timer_count = count < TIMERS_MAX ? count : TIMERS_MAX;
  for (unsigned i = 0; i < timer_count; i++) {
    struct timer_story *t = &timer_stories[i];
    timers_random = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    *t = (struct timer_story){.kind = (enum timer_kind)(i % KINDS)};
    for (unsigned k = 0; k < 4; k++)
      (void)timers_below(2);
    t->story = (struct story){.seed = i, .ip6 = timers_below(2) != 0, .mss = 1460, .wscale = 7};
    t->story.timestamps = timers_below(2) != 0;
    t->story.scaling = timers_below(2) != 0;
    t->story.peer_iss = timers_below(1u << 31) * 2u;
    t->story.timers = (uint8_t)(TIMERS_RUN | (t->kind == KIND_KEEPALIVE ? TIMERS_KEEPALIVE : 0) |
                                (t->kind == KIND_USER ? TIMERS_USER : 0));
    make_up(t);
    if (!hear_estab(t)) return count;
  }
  hear_kernel();
  for (unsigned i = 0; i < timer_count; i++) {
    struct timer_story *t = &timer_stories[i];
    bad += !judge(t, verbose);
    segments += t->estab.count;
    kinds[t->kind]++;
    kernel_life_end(&t->life);
  }
  printf("stories of timers:");
  for (unsigned i = 0; i < KINDS; i++)
    printf(" %s %u%s", timer_kinds[i], kinds[i], i + 1 < KINDS ? "," : "\n");
  printf("%u stories, %u segments of estab at their times, %u differ without an explanation\n",
         timer_count, segments, bad);
  return bad;
}
