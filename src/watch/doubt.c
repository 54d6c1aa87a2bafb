// SPDX-License-Identifier: BSD-2-Clause
// doubt.c - ambiguities and suspicions, within their limits.
#include "watch/doubt.h"

#include "base/fmt.h"
#include "watch/observe.h"
#include "watch/record.h"

struct estab_watch_ambiguity *doubt_of_nobody(struct track *t, enum estab_watch_ambiguity_kind kind,
                                              uint64_t ts_ns, uint64_t packet)
{
  uint64_t second = ts_ns / FLOW_SECOND_NS;
  if (second != t->ambiguity_second) {
    t->ambiguity_second = second;
    t->ambiguity_count = 0;
  }
  if (t->note_count >= TRACK_NOTES || t->ambiguity_count >= DOUBT_PER_SECOND) {
    t->stats->ambiguities_counted_only++;
    return NULL;
  }
  t->ambiguity_count++;
  t->stats->ambiguities++;
  struct estab_watch_ambiguity *a = &t->notes[t->note_count++].ambiguity;
  *a = (struct estab_watch_ambiguity){
      .ts_ns = ts_ns, .packet = packet, .kind = (uint8_t)kind, .policy = t->settings.policy};
  return a;
}

// As the life's first row has them, whose uid it is.
static void doubt_ends(struct estab_watch_ambiguity *a, const struct flow_head *f)
{
  const unsigned orig = f->bits & FLOW_CONTINUES ? flow_first(f) : flow_orig(f), resp = 1 - orig;
  a->orig_ip = f->ip[orig];
  a->resp_ip = f->ip[resp];
  a->orig_port = f->port[orig];
  a->resp_port = f->port[resp];
}

static struct estab_watch_ambiguity *doubt_room(struct track *t, struct flow *f,
                                                enum estab_watch_ambiguity_kind kind,
                                                const struct segment *g)
{
  if (f == &t->scratch) return NULL; // told when the segment came
  struct flow_trouble *r = track_trouble(t, f);
  if (kind == ESTAB_WATCH_AMBIGUITY_BAD_CHECKSUM &&
      g->packet == f->life_packet) { // by doubt_first()
    if (r) r->ambiguities[kind]++;
    return NULL;
  }
  if (!r || r->ambiguities[kind] >= DOUBT_PER_CONNECTION) {
    t->stats->ambiguities_counted_only++;
    return NULL;
  }
  struct estab_watch_ambiguity *a = doubt_of_nobody(t, kind, g->ts_ns, g->packet);
  if (!a) return NULL;
  r->ambiguities[kind]++;
  record_life_uid(t, f, &a->uid);
  doubt_ends(a, (const struct flow_head *)f);
  return a;
}

void doubt_words(struct track *t, struct flow *f, enum estab_watch_ambiguity_kind kind,
                 const struct segment *g, const char *chosen, const char *other)
{
  struct estab_watch_ambiguity *a = doubt_room(t, f, kind, g);
  if (!a) return;
  struct fmt out;
  fmt_init(&out, a->chosen, sizeof a->chosen);
  fmt_str(&out, chosen);
  fmt_init(&out, a->other, sizeof a->other);
  fmt_str(&out, other);
}

// What the two numbers of a kind mean.
static const struct doubt_words {
  const char *chosen, *other;
} doubt_kinds[ESTAB_WATCH_AMBIGUITIES] = {
    [ESTAB_WATCH_AMBIGUITY_FIN_OUT_OF_WINDOW] = {"not taken, expected seq ", "taken, seq "},
    [ESTAB_WATCH_AMBIGUITY_OLD_TIMESTAMP] = {"not taken, TS.Recent ", "taken, TSval "},
    [ESTAB_WATCH_AMBIGUITY_URGENT] = {"all octets in line, urgent up to seq ",
                                      "one octet taken out before seq "},
    [ESTAB_WATCH_AMBIGUITY_DATA_PAST_WINDOW] = {"taken up to seq ", "taken up to seq "},
};

static void doubt_number(char *text, size_t bytes, const char *words, uint32_t number)
{
  if (!words) words = "";
  struct fmt out;
  fmt_init(&out, text, bytes);
  fmt_str(&out, words);
  fmt_u64(&out, number);
}

void doubt_numbers(struct track *t, struct flow *f, enum estab_watch_ambiguity_kind kind,
                   const struct segment *g, const struct doubt_reading *chosen,
                   const struct doubt_reading *other)
{
  struct estab_watch_ambiguity *a = doubt_room(t, f, kind, g);
  if (!a) return;
  doubt_number(a->chosen, sizeof a->chosen, chosen->words, chosen->number);
  doubt_number(a->other, sizeof a->other, other->words, other->number);
}

static void doubt_checksum(struct estab_watch_ambiguity *a, const struct segment *g)
{
  doubt_number(a->chosen, sizeof a->chosen, "dropped by its receiver, seq ", g->seq);
  doubt_number(a->other, sizeof a->other, "taken, seq ", g->seq);
}

void doubt_first(struct track *t, const struct flow_head *f, const struct segment *g)
{
  struct estab_watch_ambiguity *a =
      doubt_of_nobody(t, ESTAB_WATCH_AMBIGUITY_BAD_CHECKSUM, g->ts_ns, g->packet);
  if (!a) return;
  record_uid(t, f, g->ts_ns, 0, &a->uid);
  doubt_ends(a, f);
  doubt_checksum(a, g);
}

void doubt_raise(struct track *t, struct flow *f, enum estab_watch_ambiguity_kind kind,
                 const struct segment *g, uint32_t expected, uint32_t came)
{
  if (kind == ESTAB_WATCH_AMBIGUITY_BAD_CHECKSUM) {
    struct estab_watch_ambiguity *a = doubt_room(t, f, kind, g);
    if (a) doubt_checksum(a, g);
    return;
  }
  const struct doubt_reading chosen = {doubt_kinds[kind].chosen, expected};
  const struct doubt_reading other = {doubt_kinds[kind].other, came};
  doubt_numbers(t, f, kind, g, &chosen, &other);
}

void doubt_suspect(struct track *t, struct flow *f, const struct segment *g,
                   enum observation_suspicion what, uint8_t suspect_ttl, uint8_t usual_ttl)
{
  const bool text = what == SUSPECT_OVERLAP;
  const uint8_t bit = text ? FLOW_OBSERVED_OVERLAP : FLOW_OBSERVED_RST;
  if (f == &t->scratch || (f->observed & bit)) return;
  const struct flow_closing *c = text ? NULL : track_has_closing(t, f);
  const uint32_t rsts = c ? c->rsts[g->end] : 0;
  if (suspect_ttl == usual_ttl && rsts < DOUBT_MARCH && what != SUSPECT_RST_PASSED) return;
  f->observed |= bit;
  const struct observe_suspicion of = {.what = (uint8_t)what,
                                       .suspect_ttl = suspect_ttl,
                                       .usual_ttl = usual_ttl,
                                       .count = text ? g->text_bytes : rsts};
  observe_suspect(t, f, g, &of);
}
