// SPDX-License-Identifier: BSD-2-Clause
// run.c - a run of the observer over files, and what a run on interfaces shares with it.
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "estab/driver.h"
#include "live.h"
#include "say.h"
#include "watching.h"

#define PROGRESS_PACKETS 65536
#define STANDARD_OUTPUT  "standard output" // as outputs_close() calls it

volatile sig_atomic_t watching_interrupted;
static volatile sig_atomic_t hangup; // SIGHUP, where it does not end the run

static void on_interrupt(int signal)
{
  if (watching_interrupted) _exit(128 + signal); // twice: at once
  watching_interrupted = 1;
}

static void on_hangup(int signal)
{
  (void)signal;
  hangup = 1;
}

static struct estab_watch_record pulled; // too large for a stack

static __attribute__((noinline)) void pull_on(struct watching *w)
{
  do {
    outputs_record(&w->outputs, &pulled);
    outputs_grown(&w->outputs);
  } while (estab_watch_next(w->watch, &pulled));
}

static inline void pull(struct watching *w)
{
  if (estab_watch_next(w->watch, &pulled)) pull_on(w);
}

static __attribute__((noinline)) void until_on(struct watching *w, uint64_t ns, uint64_t due_ns)
{
  do {
    estab_watch_advance(w->watch, due_ns);
    pull(w);
  } while ((due_ns = estab_watch_deadline(w->watch)) <= ns);
}

static inline void until(struct watching *w, uint64_t ns)
{
  const uint64_t due_ns = estab_watch_deadline(w->watch);
  if (due_ns <= ns) until_on(w, ns, due_ns);
}

// In line where packets come from files; the rest of what it calls is rare.
static inline void packet(struct watching *w, const struct estab_capture_packet *p)
{
  outputs_time(&w->outputs, p->ts_ns);
  outputs_packet(&w->outputs, p);
  until(w, p->ts_ns);
  estab_watch_input(w->watch, p->interface, p->linktype, p->bytes, p->captured_bytes, p->wire_bytes,
                    p->ts_ns);
  pull(w);
}

void watching_until(struct watching *w, uint64_t ns)
{
  until(w, ns);
}

void watching_packet(struct watching *w, const struct estab_capture_packet *p)
{
  packet(w, p);
}

void watching_note(struct watching *w, const struct estab_capture_packet *note)
{
  uint64_t safe_ns = note->lost_packets > 0 ? note->lost_from_ns : note->ts_ns;
  if (note->lasted) until(w, safe_ns);
  if (note->lost_packets > 0) {
    estab_watch_capture_loss(w->watch, 0, note->lost_from_ns);
    estab_watch_capture_loss(w->watch, note->lost_packets, note->ts_ns);
  }
  outputs_note(&w->outputs, note);
}

// A name for people: it may be empty.
static const char *named(const char *name)
{
  return name[0] != '\0' ? name : "''";
}

void watching_turn(struct watching *w)
{
  if (!hangup) return;
  hangup = 0;
  outputs_turn(&w->outputs);
}

// The first FILE is not there: it may have been meant as an output's, whose value never stands apart.
static const char *mistaken(const struct watching *w, const char *path)
{
  const struct outputs_settings *const s = &w->outputs.settings;
  if (path != w->run->files[0] || strcmp(path, "-") == 0 || access(path, F_OK) == 0) return NULL;
  if (s->json != NULL && strcmp(s->json, "-") == 0)
    return "name a file for --json behind =, as --json=FILE";
  if (s->csv != NULL && strcmp(s->csv, "-") == 0)
    return "name a file for --csv behind =, as --csv=FILE";
  return NULL;
}

static bool interrupted(const struct watching *w)
{
  return watching_interrupted != w->interrupts;
}

static void tell_error(struct watching *w, const struct input_error *error)
{
  const struct estab_capture_error *e = &error->capture;
  if (w->run->again != NULL) return;
  row_table_bar(&w->outputs.table, false);
  (void)say_failure("watch", mistaken(w, error->path), "%s: %s", named(error->path), e->text);
  if (error->packets > 0)
    fprintf(stderr, "%" PRIu64 " packet%s up to offset %" PRIu64 "%s %s read.\n", error->packets,
            error->packets == 1 ? "" : "s", e->offset, error->packed ? " of what was unpacked" : "",
            error->packets == 1 ? "was" : "were");
  outputs_error(&w->outputs, error->path, e->offset, w->packets + 1, e->text);
  w->failed = true;
}

// "  42 %  1.2 M packets  0:03 left"
static void progress(struct watching *w)
{
  double now = (double)estab_clock_ns() / 1e9;
  if (now - w->told_s < 0.25) return;
  w->told_s = now;
  const struct input *in = &w->input;
  uint64_t read = in->read_bytes;
  for (unsigned i = 0; i < in->count; i++)
    if (in->files[i].pack != NULL) read += unpack_consumed(in->files[i].pack);
  row_table_bar(&w->outputs.table, true);
  if (in->size > 0) {
    double share = (double)read / (double)in->size;
    double left = share > 0.01 ? (now - w->begun_s) / share * (1 - share) : 0;
    fprintf(stderr, "[%-30.*s] %3.0f %%, %.0f s left, ", (int)(share * 30),
            "##############################", share * 100, left);
  }
  fprintf(stderr, "%" PRIu64 " packets", w->read);
}

// Nobody reads what goes to standard output.
static bool output_lost(const struct outputs *o)
{
  return (o->has_json && o->json.failed) || (o->has_csv && o->csv.failed) ||
         (o->has_packets && o->keep.text.failed) || ferror(stdout);
}

// The input may wait, or does: what there is, is given out. Whether what has come is all that is wanted.
static bool waiting(void *ctx)
{
  struct watching *w = ctx;
  const uint64_t now_ns = estab_clock_ns();
  watching_turn(w);
  if (now_ns - w->flushed_ns >= WATCHING_FLUSH_NS) {
    w->flushed_ns = now_ns;
    outputs_flush(&w->outputs);
  }
  return interrupted(w) || output_lost(&w->outputs);
}

static bool takes(struct watching *w, const struct estab_capture_packet *p)
{
  const int answer = filter_takes(w->filter, p);
  char why[512];
  if (answer >= 0) return answer > 0;
  if (w->run->again != NULL) return false;
  filter_why(w->filter, p->linktype, why, sizeof why);
  row_table_bar(&w->outputs.table, false);
  (void)say_failure("watch", NULL, "%s", why);
  outputs_error(&w->outputs, input_path(&w->input), p->offset, w->packets + 1, why);
  w->failed = true;
  return false;
}

// Rows that come to the same terminal would stand behind the bar; only the table takes it away before.
static bool bar_wanted(const struct watching *w)
{
  const struct outputs_settings *const s = &w->outputs.settings;
  const char *const files[] = {s->json, s->csv, s->packets};
  bool rows = s->explain != NULL;
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
    rows = rows || (files[i] != NULL && strcmp(files[i], "-") == 0);
  return outputs_terminal(STDERR_FILENO) && !(rows && isatty(STDOUT_FILENO));
}

static void read_all(struct watching *w)
{
  struct estab_capture_packet p;
  struct input_error error;
  uint32_t linktype;
  size_t bytes;
  const bool bar = bar_wanted(w);
  int answer;
  while (!interrupted(w) && (answer = input_next(&w->input, &p, &error)) != 0) {
    if (answer < 0) {
      tell_error(w, &error);
      continue;
    }
    if (answer == ESTAB_CAPTURE_NOTE) {
      watching_note(w, &p);
      continue;
    }
    if (w->read >= w->most) break;
    if (++w->read % PROGRESS_PACKETS == 0 && bar) progress(w);
    watching_turn(w);
    if (w->filter != NULL && !takes(w, &p)) continue;
    if (w->packets++ == 0) row_table_begin(&w->outputs.table, p.ts_ns);
    const uint8_t *const ahead = input_ahead(&w->input, &linktype, &bytes);
    if (ahead != NULL) estab_watch_expect(w->watch, linktype, ahead, bytes);
    packet(w, &p);
  }
  row_table_bar(&w->outputs.table, false);
}

void watching_warn(struct watching *w, const struct estab_watch_stats *stats)
{
  if (w->warned || stats->counts[ESTAB_WATCH_COUNT_OFFLOADED] == 0 ||
      estab_ip_is_any(&stats->offloaded_host))
    return;
  w->warned = true;
  char host[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(&stats->offloaded_host, host, sizeof host);
  fprintf(stderr,
          "estab watch: %" PRIu64 " checksum%s of %s and others left to the device. What counts as "
          "Zeek does\n(conn_state, history, octets, packets) leaves these packets out: "
          "--no-checksum takes them.\n",
          stats->counts[ESTAB_WATCH_COUNT_OFFLOADED],
          stats->counts[ESTAB_WATCH_COUNT_OFFLOADED] == 1 ? "" : "s", host);
}

static void finish(struct watching *w)
{
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_flush(w->watch);
  pull(w);
  estab_watch_stats(w->watch, &stats);
  outputs_stats(&w->outputs, &stats, true);
  if (w->run->again == NULL) watching_warn(w, &stats);
}

// SIGHUP opens the files again where there are some to keep; else it ends the run, as Ctrl-C does.
static void take_signals(const struct outputs_settings *outputs)
{
  const char *const files[] = {outputs->json, outputs->csv, outputs->packets};
  bool keeps = outputs->zeek != NULL;
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
    if (files[i] != NULL && strcmp(files[i], "-") != 0) keeps = true;
  struct sigaction action = {.sa_handler = on_interrupt};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  if (keeps) action.sa_handler = on_hangup;
  sigaction(SIGHUP, &action, NULL);
}

// The observer and what goes into it and comes out. 0, or the exit status after a complaint.
static int watching_open(struct watching *w, const struct outputs_settings *outputs,
                         struct tap *tap)
{
  const struct watch_run *run = w->run;
  struct estab_watch_settings settings = run->settings;
  const char *what = "";
  char why[256];
  settings.mem = memory_door(&w->memory);
  if (getentropy(settings.secret, sizeof settings.secret) < 0)
    return say_failure("watch", NULL, "getentropy: %s", strerror(errno));
  memcpy(w->secret, settings.secret, sizeof w->secret);
  if (run->filter != NULL && (w->filter = filter_open(run->filter, why)) == NULL)
    return say_usage("watch", "--filter '%s': %s", run->filter, why);
  int error = estab_watch_new(&settings, &w->watch);
  if (error < 0) return say_failure("watch", NULL, "%s", estab_strerror(error));
  take_signals(outputs);
  if (run->interface_count > 0) {
    int status = live_open(w, tap);
    if (status != 0) return status;
  }
  if (outputs_open(&w->outputs, outputs, &what) < 0)
    return say_failure(
        "watch",
        run->user ? "name files where the user of --user may write: they are opened as that user"
                  : NULL,
        "%s: %s", named(what), strerror(errno));
  if (input_start(&w->input, run->files, run->file_count, run->merge) < 0)
    return say_failure("watch", NULL, "no memory");
  w->input.notes = true;
  w->input.wait = waiting;
  w->input.wait_ctx = w;
  w->flushed_ns = estab_clock_ns();
  return 0;
}

static int watching_run(struct watching *w, struct tap *tap)
{
  const char *what = "";
  if (w->run->interface_count > 0)
    live_run(w, tap);
  else
    read_all(w);
  finish(w);
  int status = w->failed ? EXIT_FAIL : 0;
  if (outputs_close(&w->outputs, &what) < 0) {
    const int error = errno;
    const char *name = strcmp(what, "-") == 0 ? STANDARD_OUTPUT : what;
    status = EXIT_FAIL;
    if (error != EPIPE || strcmp(name, STANDARD_OUTPUT) != 0 || !say_to_nobody())
      status = say_failure("watch", NULL, "%s: %s", name, strerror(error));
  }
  return status == 0 ? outputs_explained(&w->outputs) : status;
}

int watch_run(const struct watch_run *run, const struct outputs_settings *outputs,
              struct watch_end *end)
{
  static struct tap tap;
  struct watching *w = calloc(1, sizeof *w); // large
  if (w == NULL) return say_failure("watch", NULL, "no memory");
  w->run = run;
  w->most = run->again != NULL ? run->again->read : UINT64_MAX;
  w->interrupts = run->again != NULL ? watching_interrupted : 0;
  w->begun_s = (double)estab_clock_ns() / 1e9;
  int status = watching_open(w, outputs, &tap);
  if (status == 0) status = watching_run(w, &tap);
  tap_close(&tap);
  input_end(&w->input);
  filter_close(w->filter);
  estab_watch_free(w->watch);
  if (end != NULL) *end = (struct watch_end){.read = w->read, .failed = w->failed};
  free(w);
  return status;
}
