// SPDX-License-Identifier: BSD-2-Clause
// look_ladder.c - the sequence diagram of a captured connection, drawn by the ladder that live ones use.
//
// Short connections are drawn whole. Of long ones the dull rows are told in sums, and of the others the
// first and the last ones are drawn and the middle is folded.
#include "look.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ladder.h"
#include "row_story.h"

#define WHOLE_ROWS 80 // no more segments: nothing is left out
#define FIRST_ROWS 30 // else so many rows that are not dull
#define LAST_ROWS  15

#define MARK_BIT(name) (UINT32_C(1) << ESTAB_WATCH_MARK_##name)
// Common where a network loses or reorders; each is drawn twice, then summed.
#define DULL_MARKS                                                                                 \
  (MARK_BIT(DUP_ACK) | MARK_BIT(AHEAD) | MARK_BIT(LATE) | MARK_BIT(CUT) | MARK_BIT(ACKS_UNSEEN))
#define DULL_SHOWN 2

// What stands in the arrow, the most remarkable first.
static const struct {
  uint32_t mark;
  const char *word;
} words[] = {
    {MARK_BIT(BAD_CHECKSUM), "bad checksum"},
    {MARK_BIT(RST_NOT_TAKEN), "not believed"},
    {MARK_BIT(SYN_OTHER), "other number"},
    {MARK_BIT(OLD_TIMESTAMP), "old"},
    {MARK_BIT(AFTER_END), "after the end"},
    {MARK_BIT(WINDOW_PROBE), "probe"},
    {MARK_BIT(KEEPALIVE), "keepalive"},
    {MARK_BIT(SPURIOUS), "again, needlessly"},
    {MARK_BIT(AGAIN), "again"},
    {MARK_BIT(LATE), "late"},
    {MARK_BIT(AHEAD), "ahead"},
    {MARK_BIT(DUP_ACK), "dup"},
    {MARK_BIT(ACKS_UNSEEN), "acks unseen"},
};

struct look_drawing {
  struct ladder *ladder;
  const struct look *look;
  struct estab_tuple tuple;
  bool whole;
  size_t remarkable, seen; // rows that are not dull: all, and so far
  uint32_t shown[ESTAB_WATCH_MARKS];
  char says[ESTAB_WATCH_MARKS][120];
};

static const char *word_of(uint32_t marks)
{
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
    if (marks & words[i].mark) return words[i].word;
  return NULL;
}

static bool is_remarkable(const struct look *l, size_t i)
{
  const struct look_segment *s = &l->segments[i];
  const unsigned special = ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST | ESTAB_TCP_URG;
  return (s->flags & special) || (s->marks & ~DULL_MARKS) || i == 0 ||
         memcmp(s->state, s[-1].state, sizeof s->state) != 0;
}

// The line below: a mark that was not explained yet, or one that is explained each time. NULL: as flags say.
static const char *says_of(struct look_drawing *d, const struct look_segment *s)
{
  const uint32_t each = MARK_BIT(RST_NOT_TAKEN) | MARK_BIT(RST_PROVED_FALSE) | MARK_BIT(SYN_OTHER);
  const char *says = NULL;
  for (unsigned i = 0; i < ESTAB_WATCH_MARKS; i++) {
    uint32_t bit = UINT32_C(1) << i;
    if (!(s->marks & bit) || bit == MARK_BIT(RST_TAKEN)) continue;
    if (bit & (MARK_BIT(AGAIN) | MARK_BIT(ZERO_WINDOW))) continue; // the ladder has words for them
    bool first = d->shown[i]++ == 0;
    if (says != NULL || !(first || (bit & each))) continue;
    const char *word = word_of(bit);
    if (bit & (MARK_BIT(RST_NOT_TAKEN) | MARK_BIT(RST_PROVED_FALSE))) word = NULL;
    snprintf(d->says[i], sizeof d->says[i], "%s%s%s", word ? word : "", word ? ": " : "",
             estab_watch_mark_text((enum estab_watch_mark)i));
    says = d->says[i];
  }
  return says;
}

static bool folds(struct look_drawing *d, size_t i)
{
  const struct look_segment *s = &d->look->segments[i];
  if (d->whole) return false;
  if (is_remarkable(d->look, i)) {
    size_t nth = d->seen++;
    return d->remarkable > FIRST_ROWS + LAST_ROWS && nth >= FIRST_ROWS &&
           nth < d->remarkable - LAST_ROWS;
  }
  for (unsigned k = 0; k < ESTAB_WATCH_MARKS; k++)
    if ((s->marks >> k & 1) && d->shown[k] < DULL_SHOWN) return false;
  return s->marks != 0;
}

static void draw_segment(struct look_drawing *d, size_t i)
{
  const struct look_segment *s = &d->look->segments[i];
  struct ladder_seen seen = {.at_ns = s->ts_ns,
                             .from = s->from == ESTAB_WATCH_ORIG ? LADDER_LEFT : LADDER_RIGHT,
                             .segment = {.flags = s->flags,
                                         .seq = s->seq,
                                         .ack = s->ack,
                                         .window = s->window_bytes,
                                         .text_bytes = s->text_bytes,
                                         .segments = 1,
                                         .options = s->options},
                             .sure = {s->sure[0], s->sure[1]},
                             .again = (s->marks & MARK_BIT(AGAIN)) &&
                                      !(s->marks & MARK_BIT(WINDOW_PROBE))};
  for (unsigned k = 0; k < 2; k++)
    seen.states[k] = (enum estab_state)s->state[k];
  seen.fold = folds(d, i);
  seen.word = word_of(s->marks);
  if (!seen.fold) seen.says = says_of(d, s);
  ladder_seen(d->ladder, &d->tuple, &seen);
}

static void caption(const struct look *l, FILE *out)
{
  const struct estab_watch_conn *c = &l->conn;
  char end[ROW_STORY_BYTES], notes[ROW_STORY_BYTES], pace[ROW_STORY_BYTES],
      uid[ESTAB_WATCH_UID_TEXT];
  row_story_end(c, end);
  row_story_notes(c, notes);
  row_story_pace(c, pace);
  estab_watch_uid_format(&c->life, uid);
  fprintf(out, "\n%s: %s%s%s. Zeek: %s %s\n", uid, end, notes[0] ? "; " : "", notes, c->conn_state,
          c->history[0] ? c->history : "-");
  if (pace[0]) fprintf(out, "%c%s.\n", toupper((unsigned char)pace[0]), pace + 1);
  fputs("States in parentheses are inferred, the others rest on the side's own segments.\n", out);
  if (l->left_out > 0)
    fprintf(out, "%" PRIu64 " segments behind the first %u are not drawn.\n", l->left_out,
            LOOK_SEGMENTS);
}

// On a file, or to who takes the lines.
static bool draw(const struct look *l, FILE *out,
                 void (*take)(void *ctx, const struct ladder_line *line), void *ctx)
{
  struct look_drawing *d = calloc(1, sizeof *d);
  struct ladder_settings settings = {.name = {"originator", "responder"},
                                     .at = {ESTAB_CLOSED, ESTAB_CLOSED},
                                     .out = out,
                                     .take = take,
                                     .take_ctx = ctx,
                                     .explain = true};
  if (d == NULL) return false;
  d->look = l;
  d->whole = settings.full = l->count <= WHOLE_ROWS;
  d->ladder = ladder_new(&settings);
  if (d->ladder == NULL) {
    free(d);
    return false;
  }
  d->tuple = (struct estab_tuple){.local = l->conn.orig_ip,
                                  .remote = l->conn.resp_ip,
                                  .local_port = l->conn.orig_port,
                                  .remote_port = l->conn.resp_port};
  for (size_t i = 0; i < l->count; i++)
    d->remarkable += is_remarkable(l, i);
  for (size_t i = 0; i < l->count; i++)
    draw_segment(d, i);
  ladder_end(d->ladder, l->segments[l->count - 1].ts_ns);
  ladder_free(d->ladder);
  free(d);
  return true;
}

bool look_ladder(const struct look *l, FILE *out)
{
  if (!draw(l, out, NULL, NULL)) return false;
  caption(l, out);
  return true;
}

bool look_lines(const struct look *l, void (*take)(void *ctx, const struct ladder_line *line),
                void *ctx)
{
  return draw(l, NULL, take, ctx);
}
