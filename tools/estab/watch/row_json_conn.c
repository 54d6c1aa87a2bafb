// SPDX-License-Identifier: BSD-2-Clause
// row_json_conn.c - a connection as JSON: most of what a run writes, so names and marks come as they stand.
//
// Rows alternate with the packets' way, and both together are more than a first-level instruction cache holds: what
// both sides have is written by the same lines, what hardly any row has stands apart.
#include "community_id.h"
#include "put.h"
#include "row_json.h"

#define CONN_RARE __attribute__((cold))

// A word with what always follows it.
struct conn_word {
  char text[15];
  uint8_t bytes;
};

#define CONN_WHOS  (ESTAB_WATCH_BY_NONE + 1)
#define CONN_BASES (ESTAB_WATCH_BASIS_ORDER + 1)

static struct {
  struct conn_word states[ESTAB_STATES]; // SYN-SENT",
  struct conn_word whos[CONN_WHOS];      // orig"
  struct conn_word bases[CONN_BASES];    // syn"
} conn_words;

static void word_spell(struct conn_word *word, const char *name, const char *behind)
{
  char *const p = put_string(put_string(word->text, name), behind);
  word->bytes = (uint8_t)(p - word->text);
}

static CONN_RARE void words_spell(void)
{
  for (unsigned i = 0; i < ESTAB_STATES; i++)
    word_spell(&conn_words.states[i], estab_state_name((enum estab_state)i), "\",");
  for (unsigned i = 0; i < CONN_WHOS; i++)
    word_spell(&conn_words.whos[i], row_who((uint8_t)i), "\"");
  for (unsigned i = 0; i < CONN_BASES; i++)
    word_spell(&conn_words.bases[i], row_basis((uint8_t)i), "\"");
}

static inline char *put_conn_word(char *p, const struct conn_word *words, unsigned count,
                                  unsigned i)
{
  const struct conn_word *const word = &words[i < count ? i : 0];
  memcpy(p, word, sizeof *word);
  return p + word->bytes;
}

static char *put_uid(char *p, const struct estab_watch_uid *uid)
{
  estab_watch_uid_format(uid, p);
  return p + ESTAB_WATCH_UID_TEXT - 1;
}

static char *conn_zeek(char *p, const struct estab_watch_conn *c)
{
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  p = PUT(p, ",\"id.orig_h\":\"");
  p = put_ip(p, &c->orig_ip);
  p = PUT(p, "\",\"id.orig_p\":");
  p = put_number(p, c->orig_port);
  p = PUT(p, ",\"id.resp_h\":\"");
  p = put_ip(p, &c->resp_ip);
  p = PUT(p, "\",\"id.resp_p\":");
  p = put_number(p, c->resp_port);
  p = PUT(p, ",\"conn_state\":\"");
  p = put_string(p, c->conn_state);
  *p++ = '"';
  if (c->history[0] != '\0') {
    p = PUT(p, ",\"history\":\"");
    p = put_string(p, c->history);
    *p++ = '"';
  }
  if (c->has_duration) {
    p = PUT(p, ",\"duration\":");
    p = put_seconds(p, c->duration_ns);
    p = PUT(p, ",\"orig_bytes\":");
    p = put_number(p, o->bytes);
    p = PUT(p, ",\"resp_bytes\":");
    p = put_number(p, r->bytes);
  }
  p = PUT(p, ",\"orig_pkts\":");
  p = put_number(p, o->pkts);
  p = PUT(p, ",\"resp_pkts\":");
  p = put_number(p, r->pkts);
  p = PUT(p, ",\"missed_bytes\":");
  p = put_number(p, c->missed_bytes);
  p = PUT(p, ",\"orig_ip_bytes\":");
  p = put_number(p, o->ip_bytes);
  p = PUT(p, ",\"resp_ip_bytes\":");
  return put_number(p, r->ip_bytes);
}

static CONN_RARE char *conn_layers(char *p, const struct estab_watch_conn *c)
{
  if ((c->vlan[0] | c->vlan[1]) != 0) { // 0 gives a priority alone
    p = PUT(p, ",\"vlan\":[");
    if (c->vlan[0] != 0) p = put_number(p, c->vlan[0]);
    if (c->vlan[0] != 0 && c->vlan[1] != 0) *p++ = ',';
    if (c->vlan[1] != 0) p = put_number(p, c->vlan[1]);
    *p++ = ']';
  }
  if (c->tunnel != ESTAB_WATCH_TUNNEL_NONE) {
    p = PUT(p, ",\"tunnel\":{\"kind\":\"");
    p = put_string(p, estab_watch_tunnel_name((enum estab_watch_tunnel)c->tunnel));
    p = PUT(p, "\",\"id\":");
    p = put_number(p, c->tunnel_id);
    *p++ = '}';
  }
  return p;
}

static CONN_RARE char *conn_life(char *p, const struct estab_watch_conn *c)
{
  p = put_uid(PUT(p, ",\"life\":\""), &c->life);
  *p++ = '"';
  return p;
}

#define PUT_BOOL(p, name, value)                                                                   \
  ((value) ? PUT(p, ",\"" name "\":true") : PUT(p, ",\"" name "\":false"))

static CONN_RARE char *conn_marks(char *p, const struct estab_watch_conn *c)
{
  p = PUT_BOOL(p, "final", c->final);
  p = PUT_BOOL(p, "evicted", c->evicted);
  return PUT_BOOL(p, "capture_loss", c->capture_loss);
}

static CONN_RARE char *conn_limits(char *p, const struct estab_watch_conn *c)
{
  p = put_seconds(PUT(p, ",\"limited_by\":{\"receiver_window\":"), c->limited_receiver_window_ns);
  p = put_seconds(PUT(p, ",\"sender_or_path\":"), c->limited_sender_or_path_ns);
  p = put_seconds(PUT(p, ",\"loss\":"), c->limited_loss_ns);
  p = put_seconds(PUT(p, ",\"idle\":"), c->limited_idle_ns);
  *p++ = '}';
  return p;
}

static char *conn_whole(char *p, const struct estab_watch_conn *c)
{
  if (c->vlan[0] | c->vlan[1] | c->tunnel) p = conn_layers(p, c);
  if (memcmp(c->life.bytes, c->uid.bytes, sizeof c->uid.bytes) != 0) p = conn_life(p, c);
  if (!c->final || c->evicted || c->capture_loss)
    p = conn_marks(p, c);
  else
    p = PUT(p, ",\"final\":true,\"evicted\":false,\"capture_loss\":false");
  p = PUT(p, ",\"opened_by\":\"");
  p = put_conn_word(p, conn_words.whos, CONN_WHOS, c->opened_by);
  p = PUT(p, ",\"closed_by\":\"");
  p = put_conn_word(p, conn_words.whos, CONN_WHOS, c->closed_by);
  p = PUT(p, ",\"opened_by_basis\":\"");
  p = put_conn_word(p, conn_words.bases, CONN_BASES, c->opened_by_basis);
  if (c->rtt_handshake_ns != ESTAB_WATCH_TIME_NONE)
    p = put_seconds(PUT(p, ",\"rtt_handshake_s\":"), c->rtt_handshake_ns);
  if (c->rtt_min_ns != ESTAB_WATCH_TIME_NONE)
    p = put_seconds(PUT(p, ",\"rtt_min_s\":"), c->rtt_min_ns);
  if (c->rtt_median_ns != ESTAB_WATCH_TIME_NONE)
    p = put_seconds(PUT(p, ",\"rtt_median_s\":"), c->rtt_median_ns);
  if (c->limited_receiver_window_ns | c->limited_sender_or_path_ns | c->limited_loss_ns |
      c->limited_idle_ns)
    return conn_limits(p, c);
  return PUT(p, ",\"limited_by\":{\"receiver_window\":0.000000000,\"sender_or_path\":0.000000000,"
                "\"loss\":0.000000000,\"idle\":0.000000000}");
}

// ---------------------------------------------------------------------------------------------
// Sides

// Names are the same on both sides but for how they begin, and of one length.
#define SIDE_NAMES(NAME)                                                                           \
  NAME(state, "state\":\"")                                                                        \
  NAME(seen, "state_basis\":\"seen\"")                                                             \
  NAME(inferred, "state_basis\":\"inferred\"")                                                     \
  NAME(steps, "states\":[")                                                                        \
  NAME(flags, "flags\":\"")                                                                        \
  NAME(first_flags, "first_flags\":\"")                                                            \
  NAME(retransmitted_bytes, "retransmitted_bytes\":")                                              \
  NAME(retransmitted_pkts, "retransmitted_pkts\":")                                                \
  NAME(spurious_pkts, "spurious_pkts\":")                                                          \
  NAME(reordered_pkts, "reordered_pkts\":")                                                        \
  NAME(dup_acks, "dup_acks\":")                                                                    \
  NAME(zero_windows, "zero_windows\":")                                                            \
  NAME(zero_window, "zero_window_s\":")                                                            \
  NAME(frame_bytes, "frame_bytes\":")                                                              \
  NAME(mss, "mss\":")                                                                              \
  NAME(window_scale, "window_scale\":")

struct side_names {
#define NAME(name, text) char name[sizeof(",\"orig_" text) - 1];
  SIDE_NAMES(NAME)
#undef NAME
  char no_troubles[177];
};

#define NO_TROUBLES(WHOSE)                                                                         \
  ",\"" WHOSE "retransmitted_bytes\":0,\"" WHOSE "retransmitted_pkts\":0,\"" WHOSE                 \
  "spurious_pkts\":0,\"" WHOSE "reordered_pkts\":0,\"" WHOSE "dup_acks\":0,\"" WHOSE               \
  "zero_windows\":0,\"" WHOSE "zero_window_s\":0.000000000"

static const struct side_names side_names[2] = {
#define NAME(name, text) .name = ",\"orig_" text,
    {SIDE_NAMES(NAME).no_troubles = NO_TROUBLES("orig_")},
#undef NAME
#define NAME(name, text) .name = ",\"resp_" text,
    {SIDE_NAMES(NAME).no_troubles = NO_TROUBLES("resp_")},
#undef NAME
};
_Static_assert(sizeof(NO_TROUBLES("orig_")) - 1 == sizeof side_names->no_troubles, "all of it");

#define PUT_NAME(p, name) put_bytes((p), (name), sizeof(name))

#define CONN_STEPS 31 // put at a time: a row of two sides with as many fits PUT_ROOM

static char *conn_steps(struct text *t, char *p, const struct estab_watch_side_record *s,
                        struct put_second *second)
{
  const struct estab_watch_step *step = s->steps;
  for (uint32_t left = s->step_count, room = CONN_STEPS; left > 0; left--, step++) {
    if (--room == 0) { // there are never as many, as things are
      text_put(t, p);
      p = text_at(t);
      room = CONN_STEPS;
    }
    *p++ = '[';
    p = put_time(p, step->ts_ns, second);
    p = PUT(p, ",\"");
    p = put_conn_word(p, conn_words.states, ESTAB_STATES, step->state);
    p = put_number(p, step->packet);
    p = PUT(p, "],");
  }
  return s->step_count > 0 ? p - 1 : p; // none follows the last one
}

static CONN_RARE char *side_troubles(char *p, const struct estab_watch_side_record *s,
                                     const struct side_names *names)
{
  p = put_number(PUT_NAME(p, names->retransmitted_bytes), s->retransmitted_bytes);
  p = put_number(PUT_NAME(p, names->retransmitted_pkts), s->retransmitted_pkts);
  p = put_number(PUT_NAME(p, names->spurious_pkts), s->spurious_pkts);
  p = put_number(PUT_NAME(p, names->reordered_pkts), s->reordered_pkts);
  p = put_number(PUT_NAME(p, names->dup_acks), s->dup_acks);
  p = put_number(PUT_NAME(p, names->zero_windows), s->zero_windows);
  return put_seconds(PUT_NAME(p, names->zero_window), s->zero_window_ns);
}

static __attribute__((noinline)) char *conn_side(struct text *t, char *p,
                                                 const struct estab_watch_side_record *s,
                                                 const struct side_names *names,
                                                 struct put_second *second)
{
  p = PUT_NAME(p, names->state);
  p = put_conn_word(p, conn_words.states, ESTAB_STATES, s->state) - 1;
  p = s->state_seen ? PUT_NAME(p, names->seen) : PUT_NAME(p, names->inferred);
  p = conn_steps(t, PUT_NAME(p, names->steps), s, second);
  *p++ = ']';
  if (s->sent) {
    p = put_hex(PUT_NAME(p, names->flags), s->flags);
    *p++ = '"';
    p = put_hex(PUT_NAME(p, names->first_flags), s->first_flags);
    *p++ = '"';
  }
  if (s->retransmitted_bytes | s->retransmitted_pkts | s->spurious_pkts | s->reordered_pkts |
      s->dup_acks | s->zero_windows | s->zero_window_ns)
    p = side_troubles(p, s, names);
  else
    p = PUT_NAME(p, names->no_troubles);
  p = put_number(PUT_NAME(p, names->frame_bytes), s->frame_bytes);
  if (s->has_mss) p = put_number(PUT_NAME(p, names->mss), s->mss);
  if (s->has_window_scale) p = put_number(PUT_NAME(p, names->window_scale), s->window_scale);
  return p;
}

void row_json_conn(struct text *t, const struct estab_watch_conn *c)
{
  static struct put_second kept; // the last row's second is mostly this one's, too
  struct put_second *const second = &kept;
  if (conn_words.states[0].bytes == 0) words_spell();
  uint32_t block[SHA1_BLOCK_WORDS];
  community_id_block(c, block);
  char *p = PUT(text_at(t), "{\"type\":\"conn\",\"ts\":");
  p = put_time(p, c->ts_ns, second);
  p = put_uid(PUT(p, ",\"uid\":\""), &c->uid);
  p = conn_zeek(PUT(p, "\",\"proto\":\"tcp\""), c);
  p = PUT(p, ",\"community_id\":\"");
  p = PUT(community_id(block, p), "\"");
  p = conn_whole(p, c);
  for (unsigned i = 0; i < 2; i++)
    p = conn_side(t, p, &c->side[i], &side_names[i], second);
  text_put(t, PUT(p, "}\n"));
}
