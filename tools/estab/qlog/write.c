// SPDX-License-Identifier: BSD-2-Clause
// write.c - a stack's trace events as a qlog, one record a line, each with the separator of RFC 7464 before it.
#include "qlog/write.h"

#include "endpoint.h"
#include "estab/estab.h"
#include "json.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNS                                                                                      \
  1024 // of which the last values are remembered, so that only what has changed is written

enum phase { PHASE_NONE, PHASE_SLOW_START, PHASE_AVOIDANCE, PHASE_RECOVERY, PHASE_LOSS };

struct conn {
  uint64_t conn; // handle; 0 = nobody
  bool told;     // `last` has been written
  enum phase phase;
  uint64_t latest_rtt_ns; // measured and not yet written; 0 = none
  struct estab_trace_metrics_updated last;
  uint32_t again_seq; // the next segment at this number is a retransmission, while `again`
  bool again;
  char cause[32]; // of it
};

struct qlog {
  FILE *out;
  const char *path;
  uint64_t start_ns;
  struct conn conns[CONNS]; // by handle, the latest of those that fall together
};

static struct conn *conn_of(struct qlog *q, uint64_t handle)
{
  struct conn *c = &q->conns[handle % CONNS];
  if (handle == 0) return NULL;
  if (c->conn != handle) *c = (struct conn){.conn = handle};
  return c;
}

// ---------------------------------------------------------------------------------------------
// Parts of a record

static void put_ms(FILE *out, uint64_t ns)
{
  fprintf(out, "%" PRIu64 ".%06u", ns / 1000000, (unsigned)(ns % 1000000));
}

static void put_end(FILE *out, const struct estab_ip *ip, uint16_t port)
{
  char text[ENDPOINT_TEXT];
  endpoint_format(ip, port, text);
  fputs(text, out);
}

static void begin(struct qlog *q, const struct estab_trace *e, const char *name)
{
  fputs("\x1e{\"time\":", q->out);
  put_ms(q->out, e->now_ns >= q->start_ns ? e->now_ns - q->start_ns : 0);
  fprintf(q->out, ",\"name\":\"%s\"", name);
  if (e->tuple) {
    fputs(",\"group_id\":\"", q->out);
    put_end(q->out, &e->tuple->local, e->tuple->local_port);
    fputc(' ', q->out);
    put_end(q->out, &e->tuple->remote, e->tuple->remote_port);
    fputc('"', q->out);
  }
  fputs(",\"data\":{", q->out);
}

static void end(struct qlog *q)
{
  fputs("}}\n", q->out);
}

static void put_text(FILE *out, const char *key, const char *text)
{
  fprintf(out, "\"%s\":", key);
  json_put(out, text ? text : "");
}

// ---------------------------------------------------------------------------------------------
// Connectivity

static void put_started(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_tuple *t = e->tuple;
  char src[ESTAB_IP_TEXT_BYTES], dst[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(&t->local, src, sizeof src);
  estab_ip_format(&t->remote, dst, sizeof dst);
  begin(q, e, "connectivity:connection_started");
  fprintf(q->out,
          "\"ip_version\":\"v%d\",\"src_ip\":\"%s\",\"dst_ip\":\"%s\",\"protocol\":\"TCP\","
          "\"src_port\":%u,\"dst_port\":%u",
          estab_ip_is4(&t->local) ? 4 : 6, src, dst, t->local_port, t->remote_port);
  end(q);
}

static void put_state(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_trace_state_changed *s = &e->u.state_changed;
  if (e->tuple && (s->from == ESTAB_CLOSED || s->from == ESTAB_LISTEN)) put_started(q, e);
  begin(q, e, "connectivity:connection_state_updated");
  fprintf(q->out, "\"old\":\"%s\",\"new\":\"%s\",", estab_state_name(s->from),
          estab_state_name(s->to));
  put_text(q->out, "trigger", s->cause);
  end(q);
}

// ---------------------------------------------------------------------------------------------
// Transport

// segment_sent and segment_received have the same fields.
static void put_segment(struct qlog *q, const struct estab_trace *e, const char *name,
                        const struct estab_trace_segment_sent *s, const char *again)
{
  char flags[16], options[256] = "";
  uint8_t bytes[ESTAB_TCP_OPTIONS_BYTES];
  estab_flags_format(s->flags, flags, sizeof flags);
  if (s->options)
    estab_tcp_options_format(bytes, estab_tcp_options_emit(s->options, bytes), NULL, options,
                             sizeof options);
  begin(q, e, name);
  fprintf(q->out, "\"header\":{\"flags\":\"%s\",\"seq\":%u,\"ack\":%u,\"window\":%u", flags, s->seq,
          s->ack, s->window);
  if (s->flags & ESTAB_TCP_URG) fprintf(q->out, ",\"urgent\":%u", s->urgent);
  if (options[0]) {
    fputc(',', q->out);
    put_text(q->out, "options", options);
  }
  fprintf(q->out, "},\"raw\":{\"payload_length\":%u},\"segments\":%u", s->text_bytes,
          s->segments > 0 ? s->segments : 1);
  if (again) {
    fputs(",\"is_retransmission\":true,", q->out);
    put_text(q->out, "trigger", again);
  }
  end(q);
}

static void put_sent(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_trace_segment_sent *s = &e->u.segment_sent;
  struct conn *c = conn_of(q, e->conn);
  bool again = c && c->again && c->again_seq == s->seq;
  put_segment(q, e, "transport:packet_sent", s, again ? c->cause : NULL);
  if (c) c->again = false;
}

static void put_received(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_trace_segment_received *r = &e->u.segment_received;
  const struct estab_trace_segment_sent s = {.flags = r->flags,
                                             .seq = r->seq,
                                             .ack = r->ack,
                                             .window = r->window,
                                             .text_bytes = r->text_bytes,
                                             .segments = r->segments,
                                             .urgent = r->urgent,
                                             .options = r->options};
  put_segment(q, e, "transport:packet_received", &s, NULL);
}

static void put_dropped(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_trace_dropped *d = &e->u.dropped;
  char flags[16];
  estab_flags_format(d->flags, flags, sizeof flags);
  begin(q, e, "transport:packet_dropped");
  fprintf(q->out,
          "\"header\":{\"flags\":\"%s\",\"seq\":%u,\"ack\":%u},\"raw\":{\"payload_length\":%u},"
          "\"trigger\":\"%s\"",
          flags, d->seq, d->ack, d->text_bytes, estab_drop_name(d->reason));
  end(q);
}

// ---------------------------------------------------------------------------------------------
// Recovery

static const char *const phase_names[] = {"none", "slow_start", "congestion_avoidance", "recovery",
                                          "timeout_recovery"};

static void put_phase(struct qlog *q, const struct estab_trace *e, struct conn *c, enum phase to,
                      const char *cause, const uint32_t bytes[3]) // cwnd, ssthresh, in flight
{
  begin(q, e, "recovery:congestion_state_updated");
  if (c && c->phase != PHASE_NONE) fprintf(q->out, "\"old\":\"%s\",", phase_names[c->phase]);
  fprintf(q->out, "\"new\":\"%s\",", phase_names[to]);
  put_text(q->out, "trigger", cause);
  fprintf(q->out, ",\"congestion_window\":%u,\"ssthresh\":%u,\"bytes_in_flight\":%u", bytes[0],
          bytes[1], bytes[2]);
  end(q);
  if (c) c->phase = to;
}

static void put_congestion(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_trace_congestion_changed *g = &e->u.congestion_changed;
  const uint32_t bytes[3] = {g->cwnd_bytes, g->ssthresh_bytes, g->flight_bytes};
  bool loss = strcmp(g->cause, "RACK") == 0 || strcmp(g->cause, "duplicate ACKs") == 0;
  enum phase to = loss                                ? PHASE_RECOVERY
                  : strcmp(g->cause, "timeout") == 0  ? PHASE_LOSS
                  : g->cwnd_bytes < g->ssthresh_bytes ? PHASE_SLOW_START
                                                      : PHASE_AVOIDANCE;
  put_phase(q, e, conn_of(q, e->conn), to, g->cause, bytes);
}

// Slow start ends, or begins, without an episode.
static void put_phase_of(struct qlog *q, const struct estab_trace *e, struct conn *c)
{
  const struct estab_trace_metrics_updated *m = &e->u.metrics_updated;
  const uint32_t bytes[3] = {m->cwnd_bytes, m->ssthresh_bytes, m->flight_bytes};
  enum phase to = m->cwnd_bytes < m->ssthresh_bytes ? PHASE_SLOW_START : PHASE_AVOIDANCE;
  if (c->phase == to || c->phase == PHASE_RECOVERY || c->phase == PHASE_LOSS) return;
  const char *why = c->phase == PHASE_NONE   ? "connection began"
                    : to == PHASE_SLOW_START ? "ssthresh is above the window"
                                             : "the window reached ssthresh";
  put_phase(q, e, c, to, why, bytes);
}

static const char *const limit_names[] = {"application", "congestion_window", "peer_window",
                                          "send_buffer", "pacing"};
#define LIMITS 5

static void limits_of(const struct estab_trace_metrics_updated *m, uint64_t ns[LIMITS])
{
  ns[0] = m->limited_application_ns;
  ns[1] = m->limited_cwnd_ns;
  ns[2] = m->limited_peer_window_ns;
  ns[3] = m->limited_send_buffer_ns;
  ns[4] = m->limited_pacing_ns;
}

struct fields {
  FILE *out;
  bool any;
};

static void field(struct fields *f, const char *key)
{
  fprintf(f->out, "%s\"%s\":", f->any ? "," : "", key);
  f->any = true;
}

static void field_u64(struct fields *f, const char *key, uint64_t now, uint64_t before, bool all)
{
  if (!all && now == before) return;
  field(f, key);
  fprintf(f->out, "%" PRIu64, now);
}

static void field_ms(struct fields *f, const char *key, uint64_t now, uint64_t before, bool all)
{
  if (!all && now == before) return;
  field(f, key);
  put_ms(f->out, now);
}

static void field_limits(struct fields *f, const struct estab_trace_metrics_updated *m,
                         const struct estab_trace_metrics_updated *before, bool all)
{
  uint64_t now_ns[LIMITS], before_ns[LIMITS], most = 0;
  unsigned by = LIMITS;
  limits_of(m, now_ns);
  limits_of(before, before_ns);
  for (unsigned i = 0; i < LIMITS; i++)
    if (now_ns[i] > before_ns[i] && now_ns[i] - before_ns[i] > most) {
      most = now_ns[i] - before_ns[i];
      by = i;
    }
  if (by < LIMITS) {
    field(f, "limited_by");
    fprintf(f->out, "\"%s\"", limit_names[by]);
  }
  if (by == LIMITS && !all && memcmp(now_ns, before_ns, sizeof now_ns) == 0) return;
  field(f, "limited");
  for (unsigned i = 0; i < LIMITS; i++) {
    fprintf(f->out, "%s\"%s\":", i > 0 ? "," : "{", limit_names[i]);
    put_ms(f->out, now_ns[i]);
  }
  fputc('}', f->out);
}

static void put_metrics(struct qlog *q, const struct estab_trace *e)
{
  const struct estab_trace_metrics_updated *m = &e->u.metrics_updated;
  struct conn *c = conn_of(q, e->conn);
  if (!c) return;
  const struct estab_trace_metrics_updated *b = &c->last;
  struct fields f = {q->out, false};
  bool all = !c->told;
  begin(q, e, "recovery:metrics_updated");
  field_u64(&f, "congestion_window", m->cwnd_bytes, b->cwnd_bytes, all);
  field_u64(&f, "ssthresh", m->ssthresh_bytes, b->ssthresh_bytes, all);
  field_u64(&f, "bytes_in_flight", m->flight_bytes, b->flight_bytes, all);
  field_u64(&f, "bytes_lost", m->lost_bytes, b->lost_bytes, all);
  field_u64(&f, "send_window", m->window_bytes, b->window_bytes, all);
  field_u64(&f, "bytes_queued", m->queued_bytes, b->queued_bytes, all);
  field_ms(&f, "latest_rtt", c->latest_rtt_ns, 0, false);
  field_ms(&f, "smoothed_rtt", m->srtt_ns, b->srtt_ns, all);
  field_ms(&f, "rtt_variance", m->rttvar_ns, b->rttvar_ns, all);
  field_ms(&f, "min_rtt", m->rtt_min_ns, b->rtt_min_ns, all);
  field_ms(&f, "rto", m->rto_ns, b->rto_ns, all);
  field_u64(&f, "pacing_rate", m->pacing_bytes_per_s * 8, b->pacing_bytes_per_s * 8, all);
  if (all || m->reordering != b->reordering) {
    field(&f, "reordering_seen");
    fputs(m->reordering ? "true" : "false", q->out);
  }
  field_limits(&f, m, b, all);
  end(q);
  c->last = *m;
  c->told = true;
  c->latest_rtt_ns = 0;
  put_phase_of(q, e, c);
}

static void put_lost(struct qlog *q, const struct estab_trace *e)
{
  begin(q, e, "recovery:packet_lost");
  fprintf(q->out, "\"header\":{\"seq\":%u},\"raw\":{\"payload_length\":%u},", e->u.lost.seq,
          e->u.lost.lost_bytes);
  put_text(q->out, "trigger", e->u.lost.cause);
  end(q);
}

static void put_spurious(struct qlog *q, const struct estab_trace *e)
{
  begin(q, e, "recovery:spurious_retransmission");
  fprintf(q->out, "\"header\":{\"seq\":%u},\"raw\":{\"payload_length\":%u},\"segments\":%u",
          e->u.spurious.seq, e->u.spurious.text_bytes, e->u.spurious.segments);
  end(q);
}

static void put_timer(struct qlog *q, const struct estab_trace *e)
{
  begin(q, e, "recovery:timer_updated");
  put_text(q->out, "timer_type", e->u.timer_fired.timer);
  fputs(",\"event_type\":\"expired\"", q->out);
  end(q);
}

static void put_path(struct qlog *q, const struct estab_trace *e)
{
  begin(q, e, "connectivity:mtu_updated");
  fprintf(q->out, "\"new\":%u", e->u.path_changed.mtu);
  end(q);
}

static void put_neighbour(struct qlog *q, const struct estab_trace *e)
{
  char text[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(&e->u.neighbour_changed.neighbour, text, sizeof text);
  begin(q, e, "connectivity:neighbour_updated");
  fprintf(q->out, "\"ip\":\"%s\",\"reachable\":%s", text,
          e->u.neighbour_changed.reachable ? "true" : "false");
  end(q);
}

void qlog_event(void *ctx, const struct estab_trace *e)
{
  struct qlog *q = ctx;
  struct conn *c = conn_of(q, e->conn);
  switch (e->kind) {
  case ESTAB_TRACE_segment_received: put_received(q, e); break;
  case ESTAB_TRACE_segment_sent: put_sent(q, e); break;
  case ESTAB_TRACE_state_changed: put_state(q, e); break;
  case ESTAB_TRACE_dropped: put_dropped(q, e); break;
  case ESTAB_TRACE_timer_fired: put_timer(q, e); break;
  case ESTAB_TRACE_retransmitted: // said with the segment itself
    if (!c) break;
    c->again = true;
    c->again_seq = e->u.retransmitted.seq;
    snprintf(c->cause, sizeof c->cause, "%s", e->u.retransmitted.cause);
    break;
  case ESTAB_TRACE_rtt_sampled: // said with the metrics
    if (c) c->latest_rtt_ns = e->u.rtt_sampled.rtt_ns;
    break;
  case ESTAB_TRACE_congestion_changed: put_congestion(q, e); break;
  case ESTAB_TRACE_path_changed: put_path(q, e); break;
  case ESTAB_TRACE_neighbour_changed: put_neighbour(q, e); break;
  case ESTAB_TRACE_metrics_updated: put_metrics(q, e); break;
  case ESTAB_TRACE_lost: put_lost(q, e); break;
  case ESTAB_TRACE_spurious: put_spurious(q, e); break;
  case ESTAB_TRACE_KINDS: break;
  }
}

// ---------------------------------------------------------------------------------------------
// The file

static void put_header(struct qlog *q, const char *title, const char *vantage,
                       enum qlog_clock clock)
{
  fputs("\x1e{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
        "\"serialization_format\":\"application/qlog+json-seq\",",
        q->out);
  put_text(q->out, "title", title);
  fputs(",\"trace\":{\"vantage_point\":{", q->out);
  put_text(q->out, "name", vantage);
  fputs(",\"type\":\"unknown\"},\"event_schemas\":[\"urn:estab:qlog:tcp-1\"],"
        "\"common_fields\":{\"time_format\":\"relative_to_epoch\",\"reference_time\":{",
        q->out);
  if (clock == QLOG_CLOCK_VIRTUAL) {
    fputs("\"clock_type\":\"virtual\",\"epoch\":\"unknown\"", q->out);
  } else {
    time_t now = time(NULL);
    struct tm tm;
    char text[32];
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    fprintf(q->out, "\"clock_type\":\"monotonic\",\"epoch\":\"unknown\",\"wall_clock_time\":\"%s\"",
            text);
  }
  fprintf(q->out, "}}},\"generator\":\"estab %s\"}\n", estab_version());
}

struct qlog *qlog_open(const char *command, const char *path, const char *title,
                       const char *vantage, enum qlog_clock clock, uint64_t start_ns)
{
  struct qlog *q = calloc(1, sizeof *q);
  bool standard = strcmp(path, "-") == 0;
  if (q) q->out = standard ? stdout : fopen(path, "we");
  if (!q || !q->out) {
    say_failure(command, NULL, "%s: %s", path, strerror(errno));
    free(q);
    return NULL;
  }
  q->path = path;
  q->start_ns = start_ns;
  put_header(q, title, vantage, clock);
  return q;
}

struct estab_trace_hook qlog_hook(struct qlog *q)
{
  return (struct estab_trace_hook){q, qlog_event};
}

int qlog_close(const char *command, struct qlog *q)
{
  if (!q) return 0;
  bool failed = ferror(q->out) != 0;
  failed = (q->out == stdout ? fflush(q->out) : fclose(q->out)) != 0 || failed;
  int status = failed ? say_failure(command, NULL, "%s could not be written", q->path) : 0;
  free(q);
  return status;
}
