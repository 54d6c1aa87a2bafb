// SPDX-License-Identifier: BSD-2-Clause
// oracle.c - observers beside each host of the simulator and on the link against the host: states, octets, streams.
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/driver.h"
#include "estab/wire.h"
#include "phrase.h"

int oracle_start(struct oracle *o, struct sim *sim)
{
  *o = (struct oracle){0};
  const struct lane_faults *there = &sim->hosts[0].lane.faults, *back = &sim->hosts[1].lane.faults;
  o->link_ns = (there->delay_ns < back->delay_ns ? there->delay_ns : back->delay_ns) / 2;
  for (unsigned i = 0; i < 4; i++) {
    struct estab_watch_settings settings;
    estab_watch_settings_default(&settings);
    settings.mem = estab_system_mem();
    settings.max_bytes = 64 << 20;
    settings.rows = ESTAB_WATCH_ROWS_LIFE;
    settings.detect = false;
    settings.streams = true;
    settings.stream_hole_bytes = 8 << 20;
    settings.time_wait_ns = 2 * sim->settings.stack.msl_ns;
    o->sides[i / 2].ip = sim->hosts[i / 2].ip;
    int error = estab_watch_new(&settings, &o->sides[i / 2].view[i % 2].w);
    if (error < 0) return error;
  }
  return 0;
}

void oracle_end(struct oracle *o)
{
  for (unsigned i = 0; i < 4; i++) {
    struct oracle_view *v = &o->sides[i / 2].view[i % 2];
    if (v->w != NULL) estab_watch_free(v->w);
    v->w = NULL;
  }
  for (unsigned i = 0; i < 2; i++)
    while (o->sides[i].first != NULL) {
      struct oracle_late *next = o->sides[i].first->next;
      free(o->sides[i].first);
      o->sides[i].first = next;
    }
}

void oracle_event(struct oracle *o, unsigned side, const struct estab_trace *event)
{
  struct oracle_side *s = &o->sides[side];
  if (event->kind == ESTAB_TRACE_dropped && event->u.dropped.text_bytes > 0 &&
      (event->u.dropped.reason == ESTAB_DROP_TCP_PAWS ||
       event->u.dropped.reason == ESTAB_DROP_TCP_ACK_TOO_OLD))
    s->drops_text = true;
  if (event->kind == ESTAB_TRACE_dropped && event->u.dropped.reason == ESTAB_DROP_TCP_SEQUENCE &&
      s->state_count > 0 && s->states[s->state_count - 1] == ESTAB_SYN_RECEIVED)
    s->refuses_ack = true;
  if (event->kind != ESTAB_TRACE_state_changed || event->tuple == NULL) return;
  enum estab_state to = event->u.state_changed.to;
  if (to == ESTAB_LISTEN || s->state_count >= ORACLE_STATES) return;
  s->states[s->state_count++] = (uint8_t)to;
  s->silent_end = to == ESTAB_CLOSED && event->now_ns != s->heard_ns;
}

void oracle_aborted(struct oracle *o, unsigned side)
{
  o->sides[side].silent_end = o->sides[side].aborted = true;
  o->sides[side].mute = !o->sides[side].syn_sent;
}

// ---------------------------------------------------------------------------------------------
// Comparing

static void oracle_text(char *text, size_t room, const uint8_t *states, unsigned count)
{
  struct phrase all = phrase_in(text, room);
  for (unsigned i = 0; i < count; i++)
    phrase_add(&all, "%s%s", i > 0 ? " " : "", estab_state_name((enum estab_state)states[i]));
}

// A half-open connection that was given up and made anew looks like one that took its time.
static unsigned oracle_tidy(uint8_t *states, unsigned count, bool *silent)
{
  unsigned n = 0;
  for (unsigned i = 0; i < count; i++) {
    if (states[i] == ESTAB_CLOSED && n > 0 && states[n - 1] == ESTAB_SYN_RECEIVED &&
        i + 1 < count && states[i + 1] == ESTAB_SYN_RECEIVED) {
      i++;
      *silent = true;
      continue;
    }
    states[n++] = states[i];
  }
  return n;
}

// CLOSE was called before the peer's FIN came, but the own FIN left after it: on the wire that is the passive side.
static bool oracle_late_fin(const uint8_t *host, unsigned hosts, const uint8_t *seen,
                            unsigned seens)
{
  unsigned i = 0;
  while (i < hosts && i < seens && host[i] == seen[i])
    i++;
  if (hosts - i < 2 || seens - i < 1 || host[i] != ESTAB_FIN_WAIT_1 ||
      host[i + 1] != ESTAB_CLOSING || seen[i] != ESTAB_CLOSE_WAIT)
    return false;
  return true;
}

// CLOSE was called but the FIN has not left: on the wire nothing of it shows.
static unsigned oracle_without_fin(uint8_t *states, unsigned count)
{
  unsigned n = 0;
  for (unsigned i = 0; i < count; i++) {
    if (states[i] == ESTAB_FIN_WAIT_1 || states[i] == ESTAB_LAST_ACK) continue;
    states[n++] = states[i] == ESTAB_CLOSING ? ESTAB_CLOSE_WAIT : states[i];
  }
  return n;
}

// A RST that a host in TIME-WAIT ignores, RFC 1337 3: on the wire it looks like any other that is taken.
static bool oracle_ignored_rst(const uint8_t *host, unsigned hosts, const uint8_t *seen,
                               unsigned seens)
{
  return hosts > 0 && seens == hosts + 1 && memcmp(host, seen, hosts) == 0 &&
         host[hosts - 1] == ESTAB_TIME_WAIT && seen[hosts] == ESTAB_CLOSED;
}

// At the right edge of the window an empty segment is refused by RFC 9293 3.10.7.4 and taken by the kernel's TCP, and
// so its ACK of a SYN-ACK: which of both a host does shows nowhere.
static unsigned oracle_without_open(uint8_t *seen, unsigned seens, const uint8_t *host,
                                    unsigned hosts)
{
  if (seens < 2 || seen[0] != ESTAB_SYN_RECEIVED || seen[1] != ESTAB_ESTABLISHED || hosts < 1 ||
      host[0] != ESTAB_SYN_RECEIVED || (hosts > 1 && host[1] == ESTAB_ESTABLISHED))
    return seens;
  memmove(seen + 1, seen + 2, seens - 2);
  return seens - 1;
}

// Whether what was seen is what the host went through. *silent: but for a step that no packet shows.
static bool oracle_equal(const uint8_t *host, unsigned hosts, const uint8_t *seen, unsigned seens,
                         bool silent_end, bool *silent)
{
  if (hosts == seens && memcmp(host, seen, hosts) == 0) return true;
  *silent = true;
  // Gave up without a word; what came later was for nobody.
  if (silent_end && hosts > 0 && hosts <= seens + 1 && memcmp(host, seen, hosts - 1) == 0)
    return true;
  return oracle_late_fin(host, hosts, seen, seens) || oracle_ignored_rst(host, hosts, seen, seens);
}

static const char *oracle_where(const struct oracle_side *s, const struct oracle_view *v)
{
  return v == &s->view[0] ? "beside it" : "on the link";
}

static void oracle_states(struct oracle *o, struct sim *sim, unsigned side,
                          const struct oracle_view *v, const struct estab_watch_conn *row,
                          unsigned own)
{
  struct oracle_side *s = &o->sides[side];
  const struct estab_watch_side_record *record = &row->side[own];
  // Whether a FIN that is said again met its ACK or lost it, who stands apart tells by how far that is; and where a
  // segment of the handshake came twice that is not known.
  if (v == &s->view[1] && s->fin_met && row->rtt_handshake_ns == ESTAB_WATCH_TIME_NONE) return;
  uint8_t seen[ORACLE_STATES], states[ORACLE_STATES];
  unsigned seens = 0;
  bool silent = false;
  for (uint32_t i = 0; i < record->step_count && i < ORACLE_STATES; i++)
    seen[seens++] = record->steps[i].state;
  memcpy(states, s->states, sizeof states);
  unsigned hosts = oracle_tidy(states, s->state_count, &silent);
  if (!sim->check.sides[side].fin_sent) {
    unsigned before = hosts;
    hosts = oracle_without_fin(states, hosts);
    silent |= hosts != before;
  }
  // Where a listener's connection was aborted before its SYN-ACK left (Fast Open) only a RST shows. The link's copy of
  // the SYN may make another one, and is what a capture's copy is, too: that has to be seen only if it was opened.
  if (s->refuses_ack) seens = oracle_without_open(seen, seens, states, hosts);
  const bool mute = seens == 0 && s->mute && (hosts < 2 || states[1] == ESTAB_CLOSED);
  if (!mute && !oracle_equal(states, hosts, seen, seens, s->silent_end, &silent)) {
    char host[100], seen_text[100];
    oracle_text(host, sizeof host, states, hosts);
    oracle_text(seen_text, sizeof seen_text, seen, seens);
    check_fails(&sim->check, side, INVARIANT_WATCHED, "%s: seen: %s; was: %s", oracle_where(s, v),
                seen_text, host);
  }
  o->silent += silent && v == &s->view[0];
}

// Zeek begins its count anew with each SYN, also when that is said again behind text (Fast Open), and has of what came
// before only what is acknowledged afterwards. And of a second ISS, if it is not far, it counts all between the two.
static bool oracle_counts(const struct oracle_side *s, uint64_t counted, bool anew)
{
  return anew || counted == s->sent || (counted >= s->sent_anew && counted < s->sent);
}

// Octets, by sequence numbers and as streams.
static void oracle_octets(struct oracle *o, struct sim *sim, unsigned side,
                          const struct oracle_view *v, const struct estab_watch_side_record *own,
                          const struct estab_watch_side_record *other)
{
  const struct oracle_side *s = &o->sides[side];
  const struct check_side *c = &sim->check.sides[side];
  const char *where = oracle_where(s, v);
  // Text that comes before the peer's SYN (Fast Open, and it is lost) has no known place.
  if (v->stream_wrong && c->syn_heard)
    check_fails(&sim->check, side, INVARIANT_WATCHED, "%s: a stream has other octets", where);
  bool anew = sim->check.sides[0].anew || sim->check.sides[1].anew;
  uint64_t sent = v->streamed[side], came = v->streamed[!side];
  if (s->syn_sent && (!oracle_counts(s, own->bytes, anew) || sent != s->sent))
    check_fails(&sim->check, side, INVARIANT_WATCHED,
                "%s: %u octets were sent, counted %llu, streamed %llu", where, s->sent,
                (unsigned long long)own->bytes, (unsigned long long)sent);
  if (came < c->read)
    check_fails(&sim->check, side, INVARIANT_WATCHED, "%s: %llu octets were read, %llu streamed",
                where, (unsigned long long)c->read, (unsigned long long)came);
  if (c->end_told && (came != c->read || (!anew && other->bytes != c->read)))
    check_fails(&sim->check, side, INVARIANT_WATCHED,
                "%s: %llu octets came, counted %llu, streamed %llu", where,
                (unsigned long long)c->read, (unsigned long long)other->bytes,
                (unsigned long long)came);
}

// Whether the link did nothing to any packet but hand it on later.
static bool oracle_link_is_clean(const struct sim *sim)
{
  for (unsigned i = 0; i < 2; i++) {
    const struct lane *l = &sim->hosts[i].lane;
    if (l->counters.lost + l->counters.duplicated + l->counters.reordered + l->counters.corrupted >
            0 ||
        l->faults.jitter_ns > 0)
      return false;
  }
  return true;
}

static void oracle_compare(struct oracle *o, struct sim *sim, unsigned side,
                           const struct oracle_view *v, const struct estab_watch_conn *row)
{
  struct oracle_side *s = &o->sides[side];
  if (s->state_count == 0) return; // it heard only what concerned nobody
  if (s->drops_text && v != &s->view[0]) return;
  unsigned own = estab_ip_equal(&row->orig_ip, &s->ip) ? ESTAB_WATCH_ORIG : ESTAB_WATCH_RESP;
  oracle_states(o, sim, side, v, row, own);
  oracle_octets(o, sim, side, v, &row->side[own], &row->side[1 - own]);
  *(v == &s->view[0] ? &o->compared : &o->on_link) += 1;
}

static void oracle_row(struct oracle *o, struct sim *sim, unsigned side, struct oracle_view *v,
                       const struct estab_watch_conn *row)
{
  if (!row->side[0].sent && !row->side[1].sent) return; // a broken packet: anybody's
  if (v->compared) {
    o->more_lives++;
    return;
  }
  v->compared = true;
  oracle_compare(o, sim, side, v, row);
  const bool aborted =
      o->sides[0].aborted || o->sides[1].aborted; // what is on its way comes too late
  if (v == &o->sides[side].view[1] && !aborted && oracle_link_is_clean(sim))
    oracle_compare(o, sim, !side, v, row);
}

static void oracle_stream(struct sim *sim, struct oracle_view *v,
                          const struct estab_watch_stream *piece)
{
  if (v->compared) return;
  // The client is the originator wherever the SYN was seen.
  unsigned from = piece->side == ESTAB_WATCH_ORIG ? 0 : 1;
  // What one side had in flight when the other aborted does not come again.
  const bool aborted = sim->oracle.sides[0].aborted || sim->oracle.sides[1].aborted;
  if (piece->gap_bytes > 0 && !aborted) v->stream_wrong = true;
  v->streamed[from] += piece->gap_bytes;
  if (chance_agrees(sim->settings.seed, from, v->streamed[from], piece->bytes, piece->length) <
      piece->length)
    v->stream_wrong = true;
  v->streamed[from] += piece->length;
}

static void oracle_pull(struct oracle *o, struct sim *sim, unsigned side, struct oracle_view *v)
{
  struct estab_watch_record r;
  while (estab_watch_next(v->w, &r)) {
    if (r.type == ESTAB_WATCH_CONN) oracle_row(o, sim, side, v, &r.conn);
    if (r.type == ESTAB_WATCH_STREAM) oracle_stream(sim, v, &r.stream);
  }
}

static void oracle_see(struct oracle *o, struct sim *sim, unsigned side, struct oracle_view *v,
                       const uint8_t *bytes, size_t count, uint64_t at_ns)
{
  estab_watch_input(v->w, side, ESTAB_LINKTYPE_RAW, bytes, count, count, at_ns);
  oracle_pull(o, sim, side, v);
}

// How far the host's own text went, and that it said its FIN again.
static void oracle_sent(struct oracle_side *s, const uint8_t *bytes, size_t count, uint64_t now_ns)
{
  struct estab_packet p;
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, count, true, &p) < 0 ||
      p.kind != ESTAB_PACKET_TCP || !estab_ip_equal(&p.src, &s->ip))
    return;
  if ((p.tcp.flags & ESTAB_TCP_SYN) != 0) {
    s->syn_sent = true;
    s->iss = p.tcp.seq;
    s->sent_anew = 0;
  }
  const bool syn = (p.tcp.flags & ESTAB_TCP_SYN) != 0; // which may carry text, RFC 7413
  const uint32_t end = p.tcp.seq + syn + (uint32_t)p.payload_bytes - s->iss - 1;
  if ((p.tcp.flags & ESTAB_TCP_FIN) != 0) {
    if (s->fin_sent) s->fin_again_ns = now_ns;
    s->fin_sent = true;
    s->fin_end = p.tcp.seq + syn + (uint32_t)p.payload_bytes + 1;
  }
  if (!s->syn_sent || p.payload_bytes == 0) return;
  if ((int32_t)(end - s->sent) > 0) s->sent = end;
  if ((int32_t)(end - s->sent_anew) > 0) s->sent_anew = end;
}

static void oracle_met(struct oracle *o, struct oracle_side *s, const uint8_t *bytes, size_t count,
                       uint64_t now_ns)
{
  struct estab_packet p;
  if (s->fin_again_ns == 0 || now_ns - s->fin_again_ns > 2 * o->link_ns ||
      estab_packet_parse(ESTAB_LINK_RAW, bytes, count, false, &p) < 0)
    return;
  s->fin_met |=
      p.kind == ESTAB_PACKET_TCP && (p.tcp.flags & ESTAB_TCP_ACK) != 0 && p.tcp.ack == s->fin_end;
}

// What the host sent passes its observer on the link. Nothing can come to the host any more that passed there earlier.
static void oracle_late_until(struct oracle *o, struct sim *sim, unsigned side, uint64_t at_ns)
{
  struct oracle_side *s = &o->sides[side];
  while (s->first != NULL && s->first->at_ns <= at_ns) {
    struct oracle_late *p = s->first;
    oracle_see(o, sim, side, &s->view[1], p->bytes, p->count, p->at_ns);
    s->first = p->next;
    if (s->first == NULL) s->last = NULL;
    free(p);
  }
}

void oracle_heard(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                  size_t count)
{
  struct oracle_side *s = &o->sides[side];
  uint64_t passed_ns = sim->now_ns - o->link_ns;
  s->heard_ns = sim->now_ns;
  oracle_met(o, s, bytes, count, sim->now_ns);
  oracle_see(o, sim, side, &s->view[0], bytes, count, sim->now_ns);
  oracle_late_until(o, sim, side, passed_ns);
  oracle_see(o, sim, side, &s->view[1], bytes, count, passed_ns);
}

void oracle_packet(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                   size_t count)
{
  struct oracle_side *s = &o->sides[side];
  struct oracle_late *p = malloc(sizeof *p + count);
  if (p == NULL) abort();
  oracle_sent(s, bytes, count, sim->now_ns);
  oracle_see(o, sim, side, &s->view[0], bytes, count, sim->now_ns);
  *p = (struct oracle_late){.at_ns = sim->now_ns + o->link_ns, .count = count};
  memcpy(p->bytes, bytes, count);
  *(s->last != NULL ? &s->last->next : &s->first) = p;
  s->last = p;
}

void oracle_finish(struct oracle *o, struct sim *sim)
{
  for (unsigned i = 0; i < 2; i++) {
    oracle_late_until(o, sim, i, ESTAB_NEVER);
    for (unsigned k = 0; k < 2; k++) {
      struct oracle_view *v = &o->sides[i].view[k];
      estab_watch_advance(v->w, sim->now_ns);
      oracle_pull(o, sim, i, v);
      estab_watch_flush(v->w);
      oracle_pull(o, sim, i, v);
    }
  }
}
