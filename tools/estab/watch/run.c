// SPDX-License-Identifier: BSD-2-Clause
// run.c - a run of the observer over files.
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"
#include "input.h"
#include "say.h"
#include "tool_stack.h"

#define PROGRESS_PACKETS 65536

struct watching {
  const struct watch_run *run;
  estab_watch *watch;
  struct outputs outputs;
  struct input input;
  struct filter *filter;
  uint64_t packets;
  bool failed; // an error was told
  double begun_s, told_s;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
  if (interrupted) _exit(128 + signal); // twice: at once
  interrupted = 1;
}

static void pull(struct watching *w)
{
  static struct estab_watch_record record;
  while (estab_watch_next(w->watch, &record))
    outputs_record(&w->outputs, &record);
}

static void tell_error(struct watching *w, const struct input_error *error)
{
  const struct estab_capture_error *e = &error->capture;
  fprintf(stderr, "estab watch: %s: %s\n", error->path, e->text);
  if (w->packets > 0)
    fprintf(stderr, "%" PRIu64 " packets up to offset %" PRIu64 " were read.\n", w->packets,
            e->offset);
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
  fprintf(stderr, "\r");
  if (in->size > 0) {
    double share = (double)read / (double)in->size;
    double left = share > 0.01 ? (now - w->begun_s) / share * (1 - share) : 0;
    fprintf(stderr, "[%-30.*s] %3.0f %%, %.0f s left, ", (int)(share * 30),
            "##############################", share * 100, left);
  }
  fprintf(stderr, "%" PRIu64 " packets\033[K", w->packets);
}

static void read_all(struct watching *w)
{
  struct estab_capture_packet p;
  struct input_error error;
  bool tell = isatty(STDERR_FILENO);
  int answer;
  while (!interrupted && (answer = input_next(&w->input, &p, &error)) != 0) {
    if (answer < 0) {
      tell_error(w, &error);
      continue;
    }
    if (w->packets++ == 0) w->outputs.table.base_ns = p.ts_ns;
    if (tell && w->packets % PROGRESS_PACKETS == 0) progress(w);
    if (w->filter != NULL &&
        !filter_takes(w->filter, p.linktype, p.bytes, p.captured_bytes, p.wire_bytes))
      continue;
    estab_watch_input(w->watch, p.interface, p.linktype, p.bytes, p.captured_bytes, p.wire_bytes,
                      p.ts_ns);
    pull(w);
  }
  if (tell) fputs("\r\033[K", stderr);
}

static void finish(struct watching *w)
{
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_flush(w->watch);
  pull(w);
  estab_watch_stats(w->watch, &stats);
  outputs_stats(&w->outputs, &stats, true);
  if (stats.counts[ESTAB_WATCH_COUNT_OFFLOADED] == 0 || estab_ip_is_any(&stats.offloaded_host))
    return;
  char host[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(&stats.offloaded_host, host, sizeof host);
  fprintf(stderr,
          "estab watch: %" PRIu64
          " checksums of %s and others were left to the device; they count as "
          "right.\nIf rows look wrong, try --no-checksum.\n",
          stats.counts[ESTAB_WATCH_COUNT_OFFLOADED], host);
}

int watch_run(const struct watch_run *run, const struct outputs_settings *outputs)
{
  static struct watching w;
  struct estab_watch_settings settings = run->settings;
  const char *what = "";
  char why[256];
  w = (struct watching){.run = run, .begun_s = (double)estab_clock_ns() / 1e9};
  settings.mem = tool_mem();
  if (getentropy(settings.secret, sizeof settings.secret) < 0)
    return say_failure("watch", NULL, "getentropy: %s", strerror(errno));
  if (run->filter != NULL && (w.filter = filter_open(run->filter, why)) == NULL)
    return say_usage("watch", "--filter '%s': %s", run->filter, why);
  int error = estab_watch_new(&settings, &w.watch);
  if (error < 0) return say_failure("watch", NULL, "%s", estab_strerror(error));
  if (outputs_open(&w.outputs, outputs, &what) < 0)
    return say_failure("watch", NULL, "%s: %s", what, strerror(errno));
  if (input_start(&w.input, run->files, run->file_count, run->merge) < 0)
    return say_failure("watch", NULL, "no memory");
  struct sigaction action = {.sa_handler = on_interrupt};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  read_all(&w);
  finish(&w);
  int status = w.failed ? EXIT_FAIL : 0;
  if (outputs_close(&w.outputs, &what) < 0)
    status = say_failure("watch", NULL, "%s: %s", what, strerror(errno));
  if (outputs->explain != NULL && !w.outputs.explained && status == 0)
    status = say_failure("watch", "Ids are in the table and in --json.", "no alert has the id %s",
                         outputs->explain);
  input_end(&w.input);
  filter_close(w.filter);
  estab_watch_free(w.watch);
  return status;
}
