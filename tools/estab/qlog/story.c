// SPDX-License-Identifier: BSD-2-Clause
// story.c - what a qlog says of each connection.
#include "qlog/story.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_LEAST_NS UINT64_C(1000000)

const char *const story_limits[STORY_LIMITS] = {"application", "congestion window", "peer's window",
                                                "send buffer", "pacing"};
const char *const story_limit_keys[STORY_LIMITS] = {"application", "congestion_window",
                                                    "peer_window", "send_buffer", "pacing"};

// ---------------------------------------------------------------------------------------------
// Which story

struct place {
  const char *group; // of `story`
  struct story *story;
};

static int compare_entries(const void *a, const void *b)
{
  return strcmp(((const struct place *)a)->group, ((const struct place *)b)->group);
}

static struct story *begin_story(struct stories *all, struct place *e,
                                 const struct qlog_record *record)
{
  struct story *s = calloc(1, sizeof *s);
  if (!s || !(s->group = strdup(record->group))) abort();
  s->begin_ns = s->end_ns = record->time_ns;
  s->slice_ns = SLICE_LEAST_NS;
  *(all->last ? &all->last->next : &all->first) = s;
  all->last = s;
  s->number = ++all->count;
  e->group = s->group;
  e->story = s;
  return s;
}

static struct story *story_of(struct stories *all, const struct qlog_record *record, bool opens)
{
  struct place key = {record->group, NULL}, *e;
  void *found = tfind(&key, &all->by_group, compare_entries);
  if (found) {
    e = *(struct place **)found;
    return e->story->closed && opens ? begin_story(all, e, record) : e->story;
  }
  if (!(e = calloc(1, sizeof *e))) abort();
  struct story *s = begin_story(all, e, record);
  if (!tsearch(e, &all->by_group, compare_entries)) abort();
  return s;
}

void stories_end(struct stories *all)
{
  while (all->by_group) {
    struct place *e = *(struct place **)all->by_group;
    tdelete(e, &all->by_group, compare_entries);
    free(e);
  }
  while (all->first) {
    struct story *s = all->first;
    all->first = s->next;
    free(s->group);
    free(s);
  }
}

// ---------------------------------------------------------------------------------------------
// Parts of a story

static void count(struct tally *list, const char *what, uint32_t n)
{
  for (unsigned i = 0; i < STORY_TALLIES; i++) {
    if (i == STORY_TALLIES - 1) what = "other";
    if (list[i].count == 0) snprintf(list[i].what, sizeof list[i].what, "%.31s", what);
    if (strcmp(list[i].what, what) != 0) continue;
    list[i].count += n;
    return;
  }
}

// Neighbours become one, until the time fits.
static struct slice *slice_at(struct story *s, uint64_t now_ns)
{
  uint64_t since_ns = now_ns > s->begin_ns ? now_ns - s->begin_ns : 0;
  while (since_ns / s->slice_ns >= STORY_SLICES) {
    for (unsigned i = 0; i < STORY_SLICES / 2; i++) {
      struct slice a = s->slices[2 * i], b = s->slices[2 * i + 1];
      struct slice *sum = &s->slices[i];
      *sum = b.used ? b : a;
      sum->used = a.used || b.used;
      sum->acked_bytes = a.acked_bytes + b.acked_bytes;
      sum->lost_bytes = a.lost_bytes + b.lost_bytes;
      sum->again = a.again + b.again;
      sum->spurious = a.spurious + b.spurious;
      for (unsigned k = 0; k < STORY_LIMITS; k++)
        sum->limited_ns[k] = a.limited_ns[k] + b.limited_ns[k];
    }
    memset(&s->slices[STORY_SLICES / 2], 0, STORY_SLICES / 2 * sizeof s->slices[0]);
    s->slice_ns *= 2;
  }
  struct slice *slice = &s->slices[since_ns / s->slice_ns];
  if (!slice->used) {
    slice->cwnd_bytes = s->cwnd_bytes;
    slice->flight_bytes = s->flight_bytes;
    slice->srtt_ns = s->srtt_ns;
  }
  slice->used = true;
  return slice;
}

// How far seq is behind the SYN; the nearest to what was seen before.
static uint64_t span_at(struct span *p, uint32_t seq)
{
  if (!p->known) { // the log began later than the connection
    *p = (struct span){.known = true, .base = seq - 1, .end = 1, .text_end = 1, .acked = 1};
  }
  int64_t at = (int64_t)p->end + (int32_t)(seq - p->base - (uint32_t)p->end);
  return at > 0 ? (uint64_t)at : 0;
}

static void span_text(struct span *p, uint32_t seq, uint32_t text, bool syn, bool fin)
{
  if (syn && (!p->known || p->base != seq))
    *p = (struct span){.known = true, .base = seq, .end = 1, .text_end = 1, .acked = 0};
  uint64_t from = span_at(p, seq) + (syn ? 1 : 0), end = from + text;
  if (text > 0 && end > p->text_end) p->text_end = end;
  if (fin) end++;
  if (end > p->end) p->end = end;
}

static uint64_t span_acked_bytes(const struct span *p)
{
  uint64_t end = p->acked < p->text_end ? p->acked : p->text_end;
  return end > 1 ? end - 1 : 0;
}

// Answers the octets of text that it acknowledges for the first time.
static uint64_t span_ack(struct span *p, uint32_t ack)
{
  if (!p->known) return 0;
  uint64_t at = span_at(p, ack), before = span_acked_bytes(p);
  if (at > p->acked && at <= p->end) p->acked = at;
  return span_acked_bytes(p) - before;
}

uint64_t story_acked_bytes(const struct story *s)
{
  return span_acked_bytes(&s->ours);
}

uint64_t story_received_bytes(const struct story *s)
{
  return span_acked_bytes(&s->theirs);
}

// ---------------------------------------------------------------------------------------------
// Events

struct packet {
  const char *flags;
  uint32_t seq, ack, text, segments;
  bool acks; // ack counts
};

static struct packet packet_of(struct qlog_reader *r, json_t *data)
{
  json_t *header = qlog_object(r, data, "header"), *raw = qlog_object(r, data, "raw");
  struct packet p = {.flags = ""};
  if (header) {
    p.flags = qlog_text(r, header, "flags", "");
    p.seq = (uint32_t)(uint64_t)qlog_number(r, header, "seq", 0, NULL);
    p.ack = (uint32_t)(uint64_t)qlog_number(r, header, "ack", 0, NULL);
  }
  if (raw) p.text = (uint32_t)(uint64_t)qlog_number(r, raw, "payload_length", 0, NULL);
  p.segments = (uint32_t)(uint64_t)qlog_number(r, data, "segments", 1, NULL);
  p.acks = strchr(p.flags, '.') != NULL;
  return p;
}

static void on_sent(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  struct packet p = packet_of(r, record->data);
  bool again = json_is_true(json_object_get(record->data, "is_retransmission"));
  s->sent_segments += p.segments;
  if (strchr(p.flags, 'R') == NULL)
    span_text(&s->ours, p.seq, p.text, strchr(p.flags, 'S') != NULL, strchr(p.flags, 'F') != NULL);
  if (p.acks) span_ack(&s->theirs, p.ack);
  if (!again) {
    s->sent_bytes += p.text;
    return;
  }
  s->again_bytes += p.text;
  s->again_segments += p.segments;
  count(s->again, qlog_text(r, record->data, "trigger", "?"), p.segments);
  slice_at(s, record->time_ns)->again += p.segments;
}

static void on_received(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  struct packet p = packet_of(r, record->data);
  s->received_segments += p.segments;
  if (strchr(p.flags, 'R') != NULL) return;
  span_text(&s->theirs, p.seq, p.text, strchr(p.flags, 'S') != NULL, strchr(p.flags, 'F') != NULL);
  if (!p.acks) return;
  uint64_t bytes = span_ack(&s->ours, p.ack);
  if (bytes > 0) slice_at(s, record->time_ns)->acked_bytes += bytes;
}

static void on_state(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  const char *to = qlog_text(r, record->data, "new", "?");
  if (s->state_count < STORY_STATES) {
    struct moment *m = &s->states[s->state_count++];
    m->at_ns = record->time_ns;
    snprintf(m->what, sizeof m->what, "%.23s", to);
    snprintf(m->why, sizeof m->why, "%.47s", qlog_text(r, record->data, "trigger", ""));
  }
  if (strcmp(to, "CLOSED") == 0) s->closed = true;
}

static void take_ns(struct qlog_reader *r, json_t *data, const char *key, uint64_t *ns)
{
  bool there;
  double ms = qlog_number(r, data, key, 0, &there);
  if (there) *ns = (uint64_t)(ms * 1e6 + 0.5);
}

static void take_count(struct qlog_reader *r, json_t *data, const char *key, uint64_t *value)
{
  bool there;
  double v = qlog_number(r, data, key, 0, &there);
  if (there) *value = v < 1e18 ? (uint64_t)v : UINT64_MAX;
}

static void on_metrics(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  json_t *data = record->data, *limited = qlog_object(r, data, "limited");
  take_count(r, data, "congestion_window", &s->cwnd_bytes);
  take_count(r, data, "ssthresh", &s->ssthresh_bytes);
  take_count(r, data, "bytes_in_flight", &s->flight_bytes);
  take_count(r, data, "send_window", &s->window_bytes);
  take_count(r, data, "pacing_rate", &s->pacing_bits_per_s);
  take_ns(r, data, "smoothed_rtt", &s->srtt_ns);
  take_ns(r, data, "rtt_variance", &s->rttvar_ns);
  take_ns(r, data, "min_rtt", &s->min_rtt_ns);
  if (json_is_true(json_object_get(data, "reordering_seen"))) s->reordering_seen = true;
  if (s->cwnd_bytes > s->cwnd_most_bytes) s->cwnd_most_bytes = s->cwnd_bytes;
  struct slice *slice = slice_at(s, record->time_ns);
  slice->cwnd_bytes = s->cwnd_bytes;
  slice->flight_bytes = s->flight_bytes;
  slice->srtt_ns = s->srtt_ns;
  for (unsigned i = 0; limited && i < STORY_LIMITS; i++) {
    uint64_t before_ns = s->limited_ns[i];
    take_ns(r, limited, story_limit_keys[i], &s->limited_ns[i]);
    if (s->limited_ns[i] > before_ns) slice->limited_ns[i] += s->limited_ns[i] - before_ns;
  }
}

static void on_lost(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  struct packet p = packet_of(r, record->data);
  s->lost_bytes += p.text;
  slice_at(s, record->time_ns)->lost_bytes += p.text;
}

static void on_spurious(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  uint32_t segments = packet_of(r, record->data).segments;
  s->spurious_segments += segments;
  slice_at(s, record->time_ns)->spurious += segments;
}

static void on_dropped(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  s->dropped++;
  count(s->drops, qlog_text(r, record->data, "trigger", "?"), 1);
}

static void on_congestion(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  count(s->turns, qlog_text(r, record->data, "trigger", "?"), 1);
}

static void on_timer(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  count(s->timers, qlog_text(r, record->data, "timer_type", "?"), 1);
}

static void on_nothing(struct story *s, struct qlog_reader *r, const struct qlog_record *record)
{
  (void)s;
  (void)r;
  (void)record;
}

static const struct known {
  const char *name;
  void (*take)(struct story *s, struct qlog_reader *r, const struct qlog_record *record);
} known[] = {
    {"transport:packet_sent", on_sent},
    {"transport:packet_received", on_received},
    {"recovery:metrics_updated", on_metrics},
    {"transport:packet_dropped", on_dropped},
    {"recovery:packet_lost", on_lost},
    {"recovery:spurious_retransmission", on_spurious},
    {"recovery:congestion_state_updated", on_congestion},
    {"recovery:timer_updated", on_timer},
    {"connectivity:connection_started", on_nothing},
    {"connectivity:connection_state_updated", on_state},
    {"connectivity:mtu_updated", on_nothing},
};

// Something with which a connection of this group may begin anew.
static bool record_opens(struct qlog_reader *r, const struct qlog_record *record)
{
  if (strcmp(record->name, "connectivity:connection_started") == 0) return true;
  json_t *header = qlog_object(r, record->data, "header");
  return header && strcmp(qlog_text(r, header, "flags", ""), "S") == 0;
}

struct story *stories_take(struct stories *all, struct qlog_reader *r,
                           const struct qlog_record *record)
{
  for (unsigned i = 0; i < sizeof known / sizeof *known && record->group[0]; i++) {
    if (strcmp(record->name, known[i].name) != 0) continue;
    struct story *s = story_of(all, record, record_opens(r, record));
    if (record->time_ns > s->end_ns) s->end_ns = record->time_ns;
    known[i].take(s, r, record);
    return s;
  }
  all->skipped++;
  return NULL;
}
