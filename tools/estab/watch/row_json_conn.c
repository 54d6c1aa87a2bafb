// SPDX-License-Identifier: BSD-2-Clause
// row_json_conn.c - a connection as JSON: most of what a run writes, so names and marks come as they stand.
#include "community_id.h"
#include "put.h"
#include "row_json.h"

// A state as a step says it: ,"SYN-SENT",
struct state_word {
  char text[16];
  uint8_t bytes;
};

static void states_spell(struct state_word words[ESTAB_STATES])
{
  for (unsigned i = 0; i < ESTAB_STATES; i++) {
    char *p = PUT(words[i].text, ",\"");
    p = put_string(p, estab_state_name((enum estab_state)i));
    words[i].bytes = (uint8_t)(PUT(p, "\",") - words[i].text);
  }
}

static const struct state_word *state_words(void)
{
  static struct state_word words[ESTAB_STATES];
  if (words[0].bytes == 0) states_spell(words);
  return words;
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

static char *conn_layers(char *p, const struct estab_watch_conn *c)
{
  if (c->vlan[0] != 0) {
    p = PUT(p, ",\"vlan\":[");
    p = put_number(p, c->vlan[0]);
    if (c->vlan[1] != 0) {
      *p++ = ',';
      p = put_number(p, c->vlan[1]);
    }
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

#define PUT_BOOL(p, name, value)                                                                   \
  ((value) ? PUT(p, ",\"" name "\":true") : PUT(p, ",\"" name "\":false"))

static char *conn_life(char *p, const struct estab_watch_conn *c)
{
  if (memcmp(c->life.bytes, c->uid.bytes, sizeof c->uid.bytes) != 0) {
    p = PUT(p, ",\"life\":\"");
    p = put_uid(p, &c->life);
    *p++ = '"';
  }
  p = PUT_BOOL(p, "final", c->final);
  p = PUT_BOOL(p, "evicted", c->evicted);
  p = PUT_BOOL(p, "capture_loss", c->capture_loss);
  p = PUT(p, ",\"opened_by\":\"");
  p = put_string(p, row_who(c->opened_by));
  p = PUT(p, "\",\"closed_by\":\"");
  p = put_string(p, row_who(c->closed_by));
  p = PUT(p, "\",\"opened_by_basis\":\"");
  p = put_string(p, row_basis(c->opened_by_basis));
  *p++ = '"';
  if (c->rtt_handshake_ns != ESTAB_WATCH_TIME_NONE)
    p = put_seconds(PUT(p, ",\"rtt_handshake_s\":"), c->rtt_handshake_ns);
  if (c->rtt_min_ns != ESTAB_WATCH_TIME_NONE)
    p = put_seconds(PUT(p, ",\"rtt_min_s\":"), c->rtt_min_ns);
  if (c->rtt_median_ns != ESTAB_WATCH_TIME_NONE)
    p = put_seconds(PUT(p, ",\"rtt_median_s\":"), c->rtt_median_ns);
  if (!(c->limited_receiver_window_ns | c->limited_sender_or_path_ns | c->limited_loss_ns |
        c->limited_idle_ns))
    return PUT(p, ",\"limited_by\":{\"receiver_window\":0.000000000,\"sender_or_path\":0.000000000,"
                  "\"loss\":0.000000000,\"idle\":0.000000000}");
  p = put_seconds(PUT(p, ",\"limited_by\":{\"receiver_window\":"), c->limited_receiver_window_ns);
  p = put_seconds(PUT(p, ",\"sender_or_path\":"), c->limited_sender_or_path_ns);
  p = put_seconds(PUT(p, ",\"loss\":"), c->limited_loss_ns);
  p = put_seconds(PUT(p, ",\"idle\":"), c->limited_idle_ns);
  *p++ = '}';
  return p;
}

// ---------------------------------------------------------------------------------------------
// Sides

#define CONN_STEPS 31 // put at a time: a row of two sides with as many fits PUT_ROOM

static char *conn_steps(struct text *t, char *p, const struct estab_watch_side_record *s,
                        struct put_second *second)
{
  const struct state_word *words = state_words();
  for (uint32_t i = 0; i < s->step_count; i++) {
    const struct estab_watch_step *step = &s->steps[i];
    const struct state_word *word = &words[step->state < ESTAB_STATES ? step->state : 0];
    if (i % CONN_STEPS == CONN_STEPS - 1) { // there are never as many, as things are
      text_put(t, p);
      p = text_at(t);
    }
    p = i == 0 ? PUT(p, "[") : PUT(p, ",[");
    p = put_time(p, step->ts_ns, second);
    memcpy(p, word->text, sizeof word->text);
    p = put_number(p + word->bytes, step->packet);
    *p++ = ']';
  }
  return p;
}

// Names are the same on both sides but for how they begin: WHOSE is orig_ or resp_.
#define SIDE(WHOSE)                                                                                \
  static char *conn_##WHOSE##counts(char *p, const struct estab_watch_side_record *s)              \
  {                                                                                                \
    if (!(s->retransmitted_bytes | s->retransmitted_pkts | s->spurious_pkts | s->reordered_pkts |  \
          s->dup_acks | s->zero_windows | s->zero_window_ns)) {                                    \
      p = PUT(p, ",\"" #WHOSE "retransmitted_bytes\":0,\"" #WHOSE                                  \
                 "retransmitted_pkts\":0,\"" #WHOSE "spurious_pkts\":0,\"" #WHOSE                  \
                 "reordered_pkts\":0,\"" #WHOSE "dup_acks\":0,\"" #WHOSE                           \
                 "zero_windows\":0,\"" #WHOSE "zero_window_s\":0.000000000");                      \
    } else {                                                                                       \
      p = put_number(PUT(p, ",\"" #WHOSE "retransmitted_bytes\":"), s->retransmitted_bytes);       \
      p = put_number(PUT(p, ",\"" #WHOSE "retransmitted_pkts\":"), s->retransmitted_pkts);         \
      p = put_number(PUT(p, ",\"" #WHOSE "spurious_pkts\":"), s->spurious_pkts);                   \
      p = put_number(PUT(p, ",\"" #WHOSE "reordered_pkts\":"), s->reordered_pkts);                 \
      p = put_number(PUT(p, ",\"" #WHOSE "dup_acks\":"), s->dup_acks);                             \
      p = put_number(PUT(p, ",\"" #WHOSE "zero_windows\":"), s->zero_windows);                     \
      p = put_seconds(PUT(p, ",\"" #WHOSE "zero_window_s\":"), s->zero_window_ns);                 \
    }                                                                                              \
    p = put_number(PUT(p, ",\"" #WHOSE "frame_bytes\":"), s->frame_bytes);                         \
    if (s->has_mss) p = put_number(PUT(p, ",\"" #WHOSE "mss\":"), s->mss);                         \
    if (s->has_window_scale)                                                                       \
      p = put_number(PUT(p, ",\"" #WHOSE "window_scale\":"), s->window_scale);                     \
    return p;                                                                                      \
  }                                                                                                \
                                                                                                   \
  static char *conn_##WHOSE##side(                                                                 \
      struct text *t, char *p, const struct estab_watch_side_record *s, struct put_second *second) \
  {                                                                                                \
    const struct state_word *word = &state_words()[s->state < ESTAB_STATES ? s->state : 0];        \
    p = PUT(p, ",\"" #WHOSE "state\":");                                                           \
    memcpy(p, word->text + 1, sizeof word->text - 1); /* without its commas */                     \
    p += word->bytes - 2u;                                                                         \
    p = s->state_seen ? PUT(p, ",\"" #WHOSE "state_basis\":\"seen\",\"" #WHOSE "states\":[")       \
                      : PUT(p, ",\"" #WHOSE "state_basis\":\"inferred\",\"" #WHOSE "states\":[");  \
    p = conn_steps(t, p, s, second);                                                               \
    *p++ = ']';                                                                                    \
    if (s->sent) {                                                                                 \
      p = put_hex(PUT(p, ",\"" #WHOSE "flags\":\""), s->flags);                                    \
      p = put_hex(PUT(p, "\",\"" #WHOSE "first_flags\":\""), s->first_flags);                      \
      *p++ = '"';                                                                                  \
    }                                                                                              \
    return conn_##WHOSE##counts(p, s);                                                             \
  }

SIDE(orig_)
SIDE(resp_)

void row_json_conn(struct text *t, const struct estab_watch_conn *c)
{
  static struct put_second kept; // the last row's second is mostly this one's, too
  struct put_second *const second = &kept;
  char *p = PUT(text_at(t), "{\"type\":\"conn\",\"ts\":");
  p = put_time(p, c->ts_ns, second);
  p = put_uid(PUT(p, ",\"uid\":\""), &c->uid);
  p = conn_zeek(PUT(p, "\",\"proto\":\"tcp\""), c);
  p = PUT(p, ",\"community_id\":\"");
  p = PUT(community_id(c, p), "\"");
  p = conn_life(conn_layers(p, c), c);
  p = conn_orig_side(t, p, &c->side[0], second);
  p = conn_resp_side(t, p, &c->side[1], second);
  text_put(t, PUT(p, "}\n"));
}
