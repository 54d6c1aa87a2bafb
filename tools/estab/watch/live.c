// SPDX-License-Identifier: BSD-2-Clause
// live.c - a run on interfaces.
//
// Everything that moves the observer is put in the order of packet time: a packet, "so many were lost by then", "it
// is so late". --write keeps the first two in that order and the last one's end, so that the file read again
// gives the same rows.
#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "privilege.h"
#include "say.h"

#define LIVE_TURN_PACKETS 256                 // between two looks at the clock
#define LIVE_ASK_NS       UINT64_C(100000000) // the kernel's counters
#define LIVE_STATS_NS     UINT64_C(60000000000)
#define LIVE_STOP_NS      UINT64_C(1000000000) // after Ctrl-C the ring is emptied, at most so long
#define LIVE_NOTES        64

struct live {
  struct watching *w;
  struct tap *tap;
  struct estab_capture_packet notes[LIVE_NOTES]; // losses whose time has not come, oldest first
  unsigned note_count;
  uint64_t asked_ns; // when the kernel was asked last
  uint64_t flushed_ns, stats_ns;
  uint64_t stop_ns; // what comes later is not ours; ESTAB_NEVER = not asked to stop
  uint64_t lag_ns;  // the largest since the last counters
};

int live_open(struct watching *w, struct tap *tap)
{
  const struct watch_run *run = w->run;
  const struct tap_settings settings = {
      .names = run->interfaces,
      .count = run->interface_count,
      .snap_bytes = run->snap_bytes,
      .buffer_bytes = run->buffer_bytes,
      .promiscuous = !run->no_promiscuous,
      .filter = run->filter,
  };
  struct tap_error error;
  if (run->user != NULL && !privilege_user(run->user))
    return say_failure("watch", "give the name of a user that exists, as nobody",
                       "--user %s: there is no such user", run->user);
  if (tap_open(tap, &settings, &error) < 0)
    return error.usage ? say_usage("watch", "%s", error.text)
                       : say_failure("watch", error.remedy, "%s", error.text);
  const char *why = privilege_drop(run->user);
  if (why == NULL) return 0;
  int status = say_failure("watch", "start it as root: nobody else can become another user",
                           "--user %s: %s: %s", run->user != NULL ? run->user : "(none)", why,
                           strerror(errno));
  tap_close(tap);
  return status;
}

// ---------------------------------------------------------------------------------------------
// Losses

// What the kernel could not keep since it was asked last waits for its place among the packets.
static void live_ask(struct live *l, uint64_t now_ns)
{
  struct outputs *o = &l->w->outputs;
  uint64_t from_ns = l->asked_ns;
  if (now_ns < from_ns + LIVE_ASK_NS && now_ns >= from_ns && now_ns < l->stop_ns) return;
  l->asked_ns = now_ns;
  o->live.kernel_drops = o->live.interface_drops = 0;
  for (unsigned i = 0; i < l->tap->count; i++) {
    const struct tap_source *s = &l->tap->sources[i];
    uint64_t lost = tap_lost(l->tap, i);
    o->live.kernel_drops += s->lost;
    o->live.interface_drops += s->dropped;
    if (o->has_packets) {
      o->keep.interfaces[i].received = s->received;
      o->keep.interfaces[i].dropped = s->dropped;
    }
    if (lost == 0) continue;
    if (l->note_count == LIVE_NOTES) { // far behind: one longer note
      struct estab_capture_packet *last = &l->notes[LIVE_NOTES - 1];
      last->lost_packets += lost;
      last->ts_ns = now_ns;
      continue;
    }
    l->notes[l->note_count++] = (struct estab_capture_packet){.ts_ns = now_ns,
                                                              .interface = i,
                                                              .linktype = s->linktype,
                                                              .lost_packets = lost,
                                                              .lost_from_ns = from_ns,
                                                              .lasted = true};
  }
}

// Those whose time has come.
static void live_notes(struct live *l, uint64_t until_ns)
{
  unsigned given = 0;
  while (given < l->note_count && l->notes[given].ts_ns <= until_ns)
    watching_note(l->w, &l->notes[given++]);
  l->note_count -= given;
  memmove(l->notes, l->notes + given, l->note_count * sizeof *l->notes);
}

// ---------------------------------------------------------------------------------------------
// Time

static void live_advance(struct live *l, uint64_t now_ns)
{
  uint64_t until_ns = tap_complete_ns(l->tap);
  if (until_ns == ESTAB_NEVER || until_ns == 0) return;
  if (l->note_count > 0) live_notes(l, until_ns - 1);
  if (l->note_count > 0 && until_ns > l->notes[0].lost_from_ns) until_ns = l->notes[0].lost_from_ns;
  if (until_ns > l->asked_ns) until_ns = l->asked_ns;
  if (until_ns > now_ns) return;
  watching_until(l->w, until_ns);
  outputs_time(&l->w->outputs, until_ns);
}

static void live_stats(struct live *l, uint64_t now_ns)
{
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  l->stats_ns = now_ns;
  l->w->outputs.live.lag_ns = l->lag_ns;
  l->lag_ns = 0;
  estab_watch_stats(l->w->watch, &stats);
  outputs_stats(&l->w->outputs, &stats, false);
}

static bool live_due(uint64_t *last_ns, uint64_t now_ns, uint64_t every_ns)
{
  if (now_ns >= *last_ns && now_ns - *last_ns < every_ns) return false;
  *last_ns = now_ns;
  return true;
}

// What does not hang on packets. false: a file cannot be written.
static bool live_chores(struct live *l, uint64_t now_ns)
{
  const char *what;
  live_ask(l, now_ns);
  live_advance(l, now_ns);
  if (live_due(&l->stats_ns, now_ns, LIVE_STATS_NS)) live_stats(l, now_ns);
  watching_turn(l->w);
  if (live_due(&l->flushed_ns, now_ns, WATCHING_FLUSH_NS)) {
    struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
    outputs_flush(&l->w->outputs);
    estab_watch_stats(l->w->watch, &stats);
    watching_warn(l->w, &stats);
  }
  if (!outputs_failed(&l->w->outputs, &what)) return true;
  l->w->failed = true; // said when they are closed
  return false;
}

// ---------------------------------------------------------------------------------------------
// The loop

static void live_begin(struct live *l, uint64_t now_ns)
{
  struct outputs *o = &l->w->outputs;
  l->flushed_ns = l->stats_ns = l->asked_ns = now_ns;
  l->stop_ns = ESTAB_NEVER;
  o->live.live = true;
  memcpy(&o->told.seed, l->w->secret, sizeof o->told.seed);
  o->keep.live = true;
  fprintf(stderr, "Listening on");
  for (unsigned i = 0; i < l->tap->count; i++) {
    const struct tap_source *s = &l->tap->sources[i];
    fprintf(stderr, "%s %s", i > 0 ? "," : "", s->name);
    if (o->has_packets)
      keep_name(&o->keep, i, s->linktype, s->name, (uint32_t)l->w->run->snap_bytes);
  }
  fprintf(stderr, "; Ctrl-C ends.\n");
  outputs_time(o, now_ns);
}

// Up to LIVE_TURN_PACKETS. Answers how many, or -1: an interface is gone.
static int live_packets(struct live *l, uint64_t now_ns)
{
  struct estab_capture_packet p;
  struct tap_error error;
  int answer = 0, count = 0;
  while (count < LIVE_TURN_PACKETS && (answer = tap_next(l->tap, now_ns, &p, &error)) > 0) {
    count++;
    if (p.ts_ns > l->stop_ns) continue;
    if (l->w->packets++ == 0) row_table_begin(&l->w->outputs.table, p.ts_ns);
    if (l->note_count > 0) live_notes(l, p.ts_ns);
    if (now_ns > p.ts_ns && now_ns - p.ts_ns > l->lag_ns) l->lag_ns = now_ns - p.ts_ns;
    watching_packet(l->w, &p);
  }
  if (answer >= 0) return count;
  say_failure("watch", NULL, "%s", error.text);
  outputs_error(&l->w->outputs, error.where, 0, l->w->packets + 1, error.text);
  l->w->failed = true;
  return -1;
}

// The end: all that came before it has been told, and the time is that of the end.
static void live_end(struct live *l)
{
  uint64_t end_ns = l->stop_ns == ESTAB_NEVER ? tap_now_ns() : l->stop_ns;
  live_notes(l, ESTAB_NEVER);
  const struct estab_capture_packet end = {.ts_ns = end_ns, .lasted = true};
  watching_note(l->w, &end);
  l->w->outputs.live.lag_ns = l->lag_ns;
}

void live_run(struct watching *w, struct tap *tap)
{
  static struct live l;
  l = (struct live){.w = w, .tap = tap};
  live_begin(&l, tap_now_ns());
  for (;;) {
    uint64_t now_ns = tap_now_ns();
    if (watching_interrupted && l.stop_ns == ESTAB_NEVER) l.stop_ns = now_ns;
    int count = live_packets(&l, now_ns);
    if (count < 0 || !live_chores(&l, now_ns)) break;
    if (l.stop_ns != ESTAB_NEVER &&
        (tap_complete_ns(tap) > l.stop_ns || now_ns > l.stop_ns + LIVE_STOP_NS))
      break;
    if (count == 0) tap_wait(tap, 50);
  }
  live_end(&l);
}
