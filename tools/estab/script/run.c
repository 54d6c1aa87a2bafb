// SPDX-License-Identifier: BSD-2-Clause
// run.c - the events of a script in their order, on a clock that only the script moves.
#include "run.h"
#include "ladder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_TOLERANCE_NS 4000000u
// A packet that may come at any time is waited for this long.
#define RUN_PATIENCE_NS (24 * 3600 * UINT64_C(1000000000))

void log_line(struct log *log, const char *format, ...)
{
  char line[ESTAB_PACKET_TEXT_BYTES + 64];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line - 1, format, args);
  va_end(args);
  if (n < 0) return;
  size_t length = strlen(line);
  line[length++] = '\n';
  if (log->length + length + 1 > log->room) {
    size_t room = 2 * (log->room + length + 1);
    char *more = realloc(log->text, room);
    if (more == NULL) return;
    log->text = more;
    log->room = room;
  }
  memcpy(log->text + log->length, line, length);
  log->length += length;
  log->text[log->length] = '\0';
}

void run_stop(struct run *run, enum verdict verdict, const char *format, ...)
{
  if (run->verdict != VERDICT_PASS) return;
  va_list args;
  va_start(args, format);
  vsnprintf(run->reason, sizeof run->reason, format, args);
  va_end(args);
  run->verdict = verdict;
}

bool run_need_stack(struct run *run)
{
  if (run->host.stack != NULL) return true;
  int error = host_start(&run->host);
  run->settings = run->host.settings;
  if (error < 0) run_stop(run, VERDICT_ERROR, "no stack: %s", estab_strerror(error));
  return error >= 0;
}

// States and drops between the packets: why it went as it did.
static void run_traced(void *ctx, const struct estab_trace *event)
{
  struct run *run = ctx;
  if (run->options->ladder != NULL) ladder_event(run->options->ladder, LADDER_RIGHT, event);
  int64_t us = (int64_t)(event->now_ns - run->begin_ns) / 1000;
  if (event->kind == ESTAB_TRACE_state_changed)
    log_line(&run->log, "%6lld.%06lld   %s -> %s: %s", (long long)(us / 1000000),
             (long long)(us % 1000000), estab_state_name(event->u.state_changed.from),
             estab_state_name(event->u.state_changed.to), event->u.state_changed.cause);
  if (event->kind == ESTAB_TRACE_dropped)
    log_line(&run->log, "%6lld.%06lld   dropped, %s: %s", (long long)(us / 1000000),
             (long long)(us % 1000000), estab_drop_name(event->u.dropped.reason),
             estab_drop_text(event->u.dropped.reason));
}

// What happened since the last look, and what holds the sender back now: nothing changes between two looks.
static void run_busy(struct run *run)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  const struct sock *sock = run->sockets.under_test;
  uint64_t passed_ns = run->host.now_ns - run->busy.since_ns;
  if (run->busy.busy) run->busy.busy_ns += passed_ns;
  if (run->busy.rwnd) run->busy.rwnd_ns += passed_ns;
  run->busy.since_ns = run->host.now_ns;
  run->busy.busy = run->busy.rwnd = false;
  if (sock == NULL || run->host.stack == NULL ||
      estab_conn_info(run->host.stack, sock->conn, &info) < 0)
    return;
  run->busy.busy = info.send_queued_bytes > 0;
  run->busy.rwnd = info.not_sent_bytes > 0 &&
                   info.snd_wnd < info.flight_bytes + info.not_sent_bytes &&
                   info.cwnd_bytes > info.flight_bytes;
}

static void run_news(void *ctx)
{
  struct run *run = ctx;
  do
    sockets_news(&run->sockets);
  while (calls_retry(run));
  run_busy(run);
}

// Moves the clock like host_advance(), and wakes calls whose patience ends on the way.
static void run_clock(struct run *run, uint64_t until_ns, bool stop_at_packet)
{
  for (;;) {
    uint64_t next_ns = until_ns;
    for (unsigned i = 0; i < RUN_PENDING; i++) {
      const struct pending *pending = &run->pending[i];
      if (pending->used && pending->giveup_ns > run->host.now_ns && pending->giveup_ns < next_ns)
        next_ns = pending->giveup_ns;
    }
    host_advance(&run->host, next_ns, stop_at_packet);
    if (next_ns == until_ns || (stop_at_packet && run->host.first != NULL)) return;
    host_pump(&run->host);
  }
}

// The span in which the event should happen.
static void run_span(const struct run *run, const struct when *when, uint64_t *from, uint64_t *to)
{
  bool after = when->kind == WHEN_AFTER || when->kind == WHEN_AFTER_BETWEEN;
  uint64_t origin = after ? run->last_ns : run->begin_ns;
  bool range = when->kind == WHEN_BETWEEN || when->kind == WHEN_AFTER_BETWEEN;
  *from = origin + (uint64_t)when->ns;
  *to = range ? origin + (uint64_t)when->until_ns : *from;
  if (when->kind == WHEN_ANY) {
    *from = run->last_ns;
    *to = run->last_ns + RUN_PATIENCE_NS;
  }
}

static uint64_t run_tolerance(const struct run *run, uint64_t from)
{
  uint64_t gap = from > run->last_ns ? (from - run->last_ns) / 100 : 0;
  return gap > run->tolerance_ns ? gap : run->tolerance_ns;
}

static void run_show_got(struct run *run, const struct sent *sent)
{
  char text[ESTAB_PACKET_TEXT_BYTES];
  int64_t us = (int64_t)(sent->ns - run->begin_ns) / 1000;
  if (sent->parsed) {
    wire_format(run, &sent->packet, text, sizeof text);
  } else {
    snprintf(text, sizeof text, "%zu bytes: %s", sent->count,
             estab_drop_text((enum estab_drop) - sent->drop));
  }
  snprintf(run->got, sizeof run->got, "%lld.%06lld > %s", (long long)(us / 1000000),
           (long long)(us % 1000000), text);
}

static void run_show_expected(struct run *run, const struct packet_spec *p, uint64_t from,
                              uint64_t to)
{
  long long a = (long long)(from - run->begin_ns) / 1000,
            b = (long long)(to - run->begin_ns) / 1000;
  int length = (int)(p->end - p->begin);
  if (a == b) {
    snprintf(run->expected, sizeof run->expected, "%lld.%06lld %.*s", a / 1000000, a % 1000000,
             length, run->script->source + p->begin);
  } else {
    snprintf(run->expected, sizeof run->expected, "%lld.%06lld~%lld.%06lld %.*s", a / 1000000,
             a % 1000000, b / 1000000, b % 1000000, length, run->script->source + p->begin);
  }
}

// A packet of a connection that the script has left behind: a newer one is under test.
static bool run_of_another_time(struct run *run, const struct sent *sent)
{
  if (!sent->parsed || run->flow_now < 0) return false;
  const struct flow *flow = wire_flow(run, &sent->packet, false);
  return flow != NULL && flow != &run->flows[run->flow_now];
}

// Packets that left before `ns` and that no event asked for.
static void run_unexpected(struct run *run, uint64_t ns)
{
  while (run->host.first != NULL && run_of_another_time(run, run->host.first))
    free(host_take(&run->host));
  const struct sent *sent = run->host.first;
  if (sent == NULL || sent->ns >= ns) return;
  run_show_got(run, sent);
  run_stop(run, VERDICT_FAIL, "a packet that nobody expects");
}

// One packet out, or several that make up its octets.
static void run_packet_out(struct run *run, const struct packet_spec *p, uint64_t from, uint64_t to)
{
  uint64_t tolerance = run_tolerance(run, from), last = to + tolerance;
  uint32_t done = 0, text;
  do {
    if (run->host.stack != NULL && run->host.first == NULL) run_clock(run, last, true);
    struct sent *sent = host_take(&run->host);
    if (run->verdict != VERDICT_PASS) {
      free(sent);
      return;
    }
    if (sent != NULL && run_of_another_time(run, sent)) {
      wire_log(run, &sent->packet, sent->ns, '>');
      free(sent);
      text = 0;
      continue;
    }
    if (sent == NULL) {
      run_show_expected(run, p, from, to);
      snprintf(run->got, sizeof run->got, "nothing");
      run_stop(run, VERDICT_FAIL, done == 0 ? "the packet did not come" : "octet %u did not come",
               p->seq + done);
      return;
    }
    bool matches = wire_matches(run, p, sent, done, &text);
    if (sent->parsed) wire_log(run, &sent->packet, sent->ns, '>');
    if (!matches || sent->ns + tolerance < from || sent->ns > last) {
      char reason[sizeof run->reason];
      snprintf(reason, sizeof reason, "%s", run->reason);
      run_show_expected(run, p, from, to);
      run_show_got(run, sent);
      run_stop(run, VERDICT_FAIL, "%s",
               !matches          ? reason
               : sent->ns > last ? "it came too late"
                                 : "it came too early");
    } else {
      run->last_ns = sent->ns;
    }
    done += text;
    free(sent);
    if (done >= p->text_bytes) return;
  } while (run->verdict == VERDICT_PASS);
}

static void run_advance(struct run *run, uint64_t ns, uint64_t tolerance)
{
  if (ns > run->host.now_ns) run_clock(run, ns, false);
  run_unexpected(run, ns > tolerance ? ns - tolerance : 0);
  run->last_ns = run->host.now_ns;
}

static void run_event(struct run *run, const struct event *event)
{
  uint64_t from, to;
  run->event = event;
  run->host.event++;
  run->line = event->place.line;
  run_span(run, &event->when, &from, &to);
  if (event->kind == EVENT_PACKET && !event->packet->inbound) {
    run_packet_out(run, event->packet, from, to);
    return;
  }
  uint64_t origin = event->when.kind == WHEN_AFTER ? run->last_ns : run->begin_ns;
  run_advance(run, from, run_tolerance(run, from));
  if (run->verdict != VERDICT_PASS) return;
  switch (event->kind) {
  case EVENT_PACKET: wire_deliver(run, event->packet); break;
  case EVENT_CALL:
    if (run->host.stack != NULL) host_pump(&run->host); // so that it knows what time it is
    call_begin(run, event, event->call, origin + (uint64_t)event->call->end_ns);
    if (run->host.stack != NULL) host_pump(&run->host);
    break;
  case EVENT_COMMAND: command_run(run, event->text); break;
  case EVENT_CODE:
    if (run->host.stack != NULL) host_pump(&run->host);
    asserts_run(run, event->text);
    break;
  }
}

static void run_settle(struct run *run)
{
  // Calls that should still finish.
  for (unsigned i = 0; i < RUN_PENDING && run->verdict == VERDICT_PASS; i++) {
    struct pending *pending = &run->pending[i];
    if (!pending->used) continue;
    run_clock(run, pending->end_ns + run->tolerance_ns, false);
    if (!pending->used) continue;
    run->line = pending->call->place.line;
    run_stop(run, VERDICT_FAIL, "%s() never finished", pending->call->name);
  }
  run_unexpected(run, run->last_ns > run->tolerance_ns ? run->last_ns - run->tolerance_ns : 0);
  // What the last events brought about must have been asked for, too, unless they only tidy up. (Scripts of other
  // systems end as they like: their runner does not look there. Who says --profile in a script knows this one.)
  bool foreign = !run->profile_said &&
                 (strcmp(run->profile, "linux") == 0 || strcmp(run->profile, "freebsd") == 0);
  if (!foreign && run->host.first != NULL && run->host.first->event < run->tidy_from)
    run_unexpected(run, ESTAB_NEVER);
}

// Closing descriptors and shell lines at the end of a script: nobody looks at what follows.
static bool run_tidies(const struct event *event)
{
  return (event->kind == EVENT_COMMAND && strstr(event->text, "grep") == NULL) ||
         (event->kind == EVENT_CALL && strcmp(event->call->name, "close") == 0);
}

static void run_find_tidying(struct run *run)
{
  unsigned number = 0;
  run->tidy_from = 1;
  for (const struct event *e = run->script->events; e != NULL; e = e->next) {
    number++;
    if (!run_tidies(e)) run->tidy_from = number + 1;
  }
}

static void run_options(struct run *run)
{
  const struct script_option *o = run->script->options;
  for (; o != NULL && run->verdict == VERDICT_PASS; o = o->next) {
    run->line = o->place.line;
    if (strcmp(o->name, "tolerance_usecs") == 0) {
      run->tolerance_ns = strtoull(o->value, NULL, 10) * 1000;
    } else if (strcmp(o->name, "mtu") == 0) {
      run->host.mtu = (uint16_t)strtoul(o->value, NULL, 10);
      run->mtu_given = true;
    } else if (strcmp(o->name, "profile") == 0) {
      if (run->options->profile == NULL && !knobs_profile(run, o->value))
        run_stop(run, VERDICT_ERROR, "no profile %s", o->value);
      run->profile_given = run->profile_said = true;
    } else if (strcmp(o->name, "local_ip") == 0 || strcmp(o->name, "remote_ip") == 0) {
      struct estab_ip *ip = o->name[0] == 'l' ? &run->host.local : &run->host.remote;
      if (estab_ip_parse(o->value, ip) < 0 || estab_ip_is4(ip) == run->host.ip6)
        run_stop(run, VERDICT_ERROR, "%s is no address of this IP version", o->value);
    } else if (strcmp(o->name, "strict_segments") == 0 || strcmp(o->name, "define") == 0 ||
               strcmp(o->name, "tolerance_percent") == 0 ||
               strcmp(o->name, "tcp_ts_ecr_scaled") == 0) {
      run_stop(run, VERDICT_UNSUPPORTED, "the option --%s", o->name);
    } // ports, gateways, speeds and interpreters make no difference to a host alone
  }
}

static void run_play(struct run *run)
{
  run_find_tidying(run);
  for (const struct event *e = run->script->events; e != NULL && run->verdict == VERDICT_PASS;
       e = e->next)
    run_event(run, e);
  if (run->verdict == VERDICT_PASS) run_settle(run);
}

void run_script(struct run *run, const struct script *script, bool ip6,
                const struct run_options *options)
{
  memset(run, 0, sizeof *run);
  run->script = script;
  run->options = options;
  run->flow_now = -1;
  run->next_port = 40000;
  run->tolerance_ns = RUN_TOLERANCE_NS;
  host_begin(&run->host, ip6);
  run->host.fail_at = options->fail_at;
  if (options->start_ns != 0) run->host.start_ns = run->host.now_ns = options->start_ns;
  run->host.ctx = run;
  run->host.news = run_news;
  run->host.traced = run_traced;
  run->sockets.host = &run->host;
  run->begin_ns = run->last_ns = run->host.now_ns;
  run->profile_given = options->profile != NULL;
  if (!knobs_profile(run, run->profile_given ? options->profile : "rfc"))
    run_stop(run, VERDICT_ERROR, "no profile %s", options->profile);
  run_options(run);
  run->line = script->init_place.line;
  if (script->init != NULL && run->verdict == VERDICT_PASS) command_run(run, script->init);
  run_play(run);
}

// Long enough for every timer: TIME-WAIT, path MTUs, half-open records.
#define RUN_QUIET_NS (1200 * UINT64_C(1000000000))

void run_replay(struct run *run)
{
  struct host *host = &run->host;
  if (!host->ready) return;
  for (unsigned i = 0; i < RUN_PENDING; i++)
    free(run->pending[i].bytes);
  memset(run->pending, 0, sizeof run->pending);
  for (unsigned i = 0; i < SOCKETS; i++)
    if (run->sockets.list[i].used) sock_close(&run->sockets, &run->sockets.list[i]);
  host->fail_at = 0;
  host->settings = run->settings;
  estab_stack_set_settings(host->stack, &host->settings);
  host_pump(host);
  host_advance(host, host->now_ns + RUN_QUIET_NS, false);
  while (host->first != NULL)
    free(host_take(host));
  fast_open_forget(run);
  memset(run->flows, 0, sizeof run->flows);
  run->cookie_count = 0;
  run->flow_count = host->flow_count = host->event = 0;
  run->flow_now = -1;
  run->listen_is_fresh = false;
  run->log.length = 0;
  run->verdict = VERDICT_PASS;
  run->reason[0] = run->expected[0] = run->got[0] = '\0';
  run->begin_ns = run->last_ns = host->now_ns;
  run_play(run);
}

void run_end(struct run *run)
{
  for (unsigned i = 0; i < RUN_PENDING; i++)
    free(run->pending[i].bytes);
  memset(run->pending, 0, sizeof run->pending);
  if (run->host.stack != NULL) {
    host_end(&run->host);
    if (run->host.bytes_held != 0)
      run_stop(run, VERDICT_FAIL, "%llu bytes were not given back",
               (unsigned long long)run->host.bytes_held);
  }
  free(run->log.text);
  run->log.text = NULL;
}
