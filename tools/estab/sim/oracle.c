// SPDX-License-Identifier: BSD-2-Clause
// oracle.c - an observer at each host of the simulator against the host: states, octets, streams.
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/wire.h"
#include "tool_stack.h"

int oracle_start(struct oracle *o, struct sim *sim)
{
  *o = (struct oracle){0};
  for (unsigned i = 0; i < 2; i++) {
    struct estab_watch_settings settings;
    estab_watch_settings_default(&settings);
    settings.mem = tool_mem();
    settings.max_bytes = 16 << 20;
    settings.rows = ESTAB_WATCH_ROWS_LIFE;
    settings.detect = false;
    settings.streams = true;
    settings.stream_hole_bytes = 8 << 20;
    settings.time_wait_ns = 2 * sim->settings.stack.msl_ns;
    o->sides[i].ip = sim->hosts[i].ip;
    int error = estab_watch_new(&settings, &o->sides[i].w);
    if (error < 0) return error;
  }
  return 0;
}

void oracle_end(struct oracle *o)
{
  for (unsigned i = 0; i < 2; i++) {
    if (o->sides[i].w != NULL) estab_watch_free(o->sides[i].w);
    o->sides[i].w = NULL;
  }
}

void oracle_event(struct oracle *o, unsigned side, const struct estab_trace *event)
{
  struct oracle_side *s = &o->sides[side];
  if (event->kind != ESTAB_TRACE_state_changed || event->tuple == NULL) return;
  enum estab_state to = event->u.state_changed.to;
  if (to == ESTAB_LISTEN || s->state_count >= ORACLE_STATES) return;
  s->states[s->state_count++] = (uint8_t)to;
  s->silent_end = to == ESTAB_CLOSED && event->now_ns != s->heard_ns;
}

// ---------------------------------------------------------------------------------------------
// Comparing

static void oracle_text(char *text, size_t room, const uint8_t *states, unsigned count)
{
  size_t n = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < count && n + 16 < room; i++)
    n += (size_t)snprintf(text + n, room - n, "%s%s", i > 0 ? " " : "",
                          estab_state_name((enum estab_state)states[i]));
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

static void oracle_states(struct oracle *o, struct sim *sim, unsigned side,
                          const struct estab_watch_side_record *record)
{
  struct oracle_side *s = &o->sides[side];
  uint8_t seen[ORACLE_STATES];
  unsigned seens = 0;
  bool silent = false;
  for (uint32_t i = 0; i < record->step_count && i < ORACLE_STATES; i++)
    seen[seens++] = record->steps[i].state;
  unsigned hosts = oracle_tidy(s->states, s->state_count, &silent);
  if (!sim->check.sides[side].fin_sent) {
    unsigned before = hosts;
    hosts = oracle_without_fin(s->states, hosts);
    silent |= hosts != before;
  }
  if (!oracle_equal(s->states, hosts, seen, seens, s->silent_end, &silent)) {
    char host[100], seen_text[100];
    oracle_text(host, sizeof host, s->states, hosts);
    oracle_text(seen_text, sizeof seen_text, seen, seens);
    check_fails(&sim->check, side, INVARIANT_WATCHED, "seen: %s; was: %s", seen_text, host);
  }
  o->silent += silent;
}

// Octets, by sequence numbers and as streams.
static void oracle_octets(struct oracle *o, struct sim *sim, unsigned side,
                          const struct estab_watch_side_record *own,
                          const struct estab_watch_side_record *other)
{
  const struct oracle_side *s = &o->sides[side];
  const struct check_side *c = &sim->check.sides[side];
  if (s->stream_wrong)
    check_fails(&sim->check, side, INVARIANT_WATCHED, "a stream has other octets");
  // Zeek counts octets by sequence numbers; those of a second ISS, if it is not far, are among them.
  bool anew = sim->check.sides[0].anew || sim->check.sides[1].anew;
  if (s->syn_sent && ((!anew && s->sent != own->bytes) || s->streamed[0] != s->sent))
    check_fails(&sim->check, side, INVARIANT_WATCHED,
                "%u octets were sent, counted %llu, streamed %llu", s->sent,
                (unsigned long long)own->bytes, (unsigned long long)s->streamed[0]);
  if (s->streamed[1] < c->read)
    check_fails(&sim->check, side, INVARIANT_WATCHED, "%llu octets were read, %llu streamed",
                (unsigned long long)c->read, (unsigned long long)s->streamed[1]);
  if (c->end_told && (s->streamed[1] != c->read || (!anew && other->bytes != c->read)))
    check_fails(&sim->check, side, INVARIANT_WATCHED,
                "%llu octets came, counted %llu, streamed %llu", (unsigned long long)c->read,
                (unsigned long long)other->bytes, (unsigned long long)s->streamed[1]);
}

static void oracle_row(struct oracle *o, struct sim *sim, unsigned side,
                       const struct estab_watch_conn *row)
{
  struct oracle_side *s = &o->sides[side];
  if (!row->side[0].sent && !row->side[1].sent) return; // a broken packet: anybody's
  if (s->compared) {
    o->more_lives++;
    return;
  }
  s->compared = true;
  if (s->state_count == 0) return; // it heard only what concerned nobody
  unsigned own = estab_ip_equal(&row->orig_ip, &s->ip) ? ESTAB_WATCH_ORIG : ESTAB_WATCH_RESP;
  oracle_states(o, sim, side, &row->side[own]);
  oracle_octets(o, sim, side, &row->side[own], &row->side[1 - own]);
  o->compared++;
}

static void oracle_stream(struct oracle *o, struct sim *sim, unsigned side,
                          const struct estab_watch_stream *piece)
{
  struct oracle_side *s = &o->sides[side];
  if (s->compared) return;
  // The client is the originator wherever the SYN was seen.
  unsigned from = piece->side == ESTAB_WATCH_ORIG ? 0 : 1;
  uint64_t *streamed = &s->streamed[from != side];
  if (piece->gap_bytes > 0) s->stream_wrong = true;
  for (size_t i = 0; i < piece->length; i++)
    if (piece->bytes[i] != chance_octet(sim->settings.seed, from, *streamed + i))
      s->stream_wrong = true;
  *streamed += piece->length;
}

static void oracle_pull(struct oracle *o, struct sim *sim, unsigned side)
{
  struct estab_watch_record r;
  while (estab_watch_next(o->sides[side].w, &r)) {
    if (r.type == ESTAB_WATCH_CONN) oracle_row(o, sim, side, &r.conn);
    if (r.type == ESTAB_WATCH_STREAM) oracle_stream(o, sim, side, &r.stream);
  }
}

// How far the host's own text went.
static void oracle_sent(struct oracle_side *s, const uint8_t *bytes, size_t count)
{
  struct estab_packet p;
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, count, true, &p) < 0 ||
      p.kind != ESTAB_PACKET_TCP || !estab_ip_equal(&p.src, &s->ip))
    return;
  if ((p.tcp.flags & ESTAB_TCP_SYN) != 0) {
    s->syn_sent = true;
    s->iss = p.tcp.seq;
  }
  uint32_t end = p.tcp.seq + (uint32_t)p.payload_bytes - s->iss - 1;
  if (s->syn_sent && p.payload_bytes > 0 && (int32_t)(end - s->sent) > 0) s->sent = end;
}

void oracle_heard(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                  size_t count)
{
  o->sides[side].heard_ns = sim->now_ns;
  oracle_packet(o, sim, side, bytes, count);
}

void oracle_packet(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                   size_t count)
{
  oracle_sent(&o->sides[side], bytes, count);
  estab_watch_input(o->sides[side].w, side, ESTAB_LINKTYPE_RAW, bytes, count, count, sim->now_ns);
  oracle_pull(o, sim, side);
}

void oracle_finish(struct oracle *o, struct sim *sim)
{
  for (unsigned i = 0; i < 2; i++) {
    estab_watch_advance(o->sides[i].w, sim->now_ns);
    oracle_pull(o, sim, i);
    estab_watch_flush(o->sides[i].w);
    oracle_pull(o, sim, i);
  }
}
