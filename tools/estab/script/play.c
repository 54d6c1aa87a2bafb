// SPDX-License-Identifier: BSD-2-Clause
// play.c - script files from the command line: each over its IP versions, in one process or several.
#include "play.h"
#include "ladder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Which IP versions: what the script says, or what its name ends in, or both.
static bool play_wants(const struct script *script, bool ip6)
{
  for (const struct script_option *o = script->options; o != NULL; o = o->next)
    if (strcmp(o->name, "ip_version") == 0)
      return ip6 ? strcmp(o->value, "ipv6") == 0 : strcmp(o->value, "ipv6") != 0;
  const char *dot = strrchr(script->path, '.');
  if (dot != NULL && dot - script->path >= 2 && dot[-2] == 'v')
    return dot[-1] == '4' ? !ip6 : dot[-1] == '6' ? ip6 : true;
  return true;
}

// A second run starts when the stack's initial sequence number lies just under 2^32.
static uint64_t play_wrap_start(const struct run *run)
{
  if (run->flow_count == 0 || !run->flows[0].local_known) return 0;
  uint32_t steps = 0xfffffe0cu - run->flows[0].live_iss; // of 4 us: RFC 9293 3.4.1
  return run->host.start_ns + (uint64_t)steps * 4000;
}

// Plays it once more, the same to the bit, and draws it. The caller frees the text; NULL = there is none.
static char *play_ladder(const struct script *script, bool ip6, const struct run_options *options)
{
  char *text = NULL;
  size_t length;
  static struct run run;
  struct ladder_settings settings = {.name = {"script", "estab"},
                                     .live = {[LADDER_RIGHT] = true},
                                     .at = {ESTAB_CLOSED, ESTAB_CLOSED},
                                     .width = 100,
                                     .full = true};
  settings.out = open_memstream(&text, &length);
  if (settings.out == NULL) return NULL;
  struct run_options once = *options;
  once.ladder = ladder_new(&settings);
  if (once.ladder != NULL) {
    run_script(&run, script, ip6, &once);
    ladder_end(once.ladder, run.host.now_ns);
    run.options = options;
    run_end(&run);
    ladder_free(once.ladder);
  }
  fclose(settings.out);
  return text;
}

// run_end() still may find a leak, the log is wanted behind it.
static void play_end(struct run *run)
{
  struct log log = run->log;
  run->log.text = NULL;
  run_end(run);
  run->log = log;
}

static void play_once(struct report *report, const struct script *script, bool ip6,
                      const struct run_options *options)
{
  static struct run run;
  struct run_options now = *options;
  run_script(&run, script, ip6, options);
  if (run.verdict == VERDICT_PASS && options->start_ns == 0) {
    uint64_t start_ns = play_wrap_start(&run);
    if (start_ns != 0) {
      run_end(&run);
      now.start_ns = start_ns;
      if (run.verdict == VERDICT_PASS) run_script(&run, script, ip6, &now);
      run.options = options;
    }
  }
  play_end(&run);
  char *ladder = NULL;
  if (run.verdict == VERDICT_FAIL && report->form != REPORT_JSON)
    ladder = play_ladder(script, ip6, &now);
  report_script(report, script, &run, ladder);
  free(ladder);
  free(run.log.text);
  run.log.text = NULL;
}

// Each allocation fails in turn until a run needs no more. Packets may differ then, but not when the same stack
// plays the script once more; and no memory may leak.
static void play_without_memory(struct report *report, const struct script *script, bool ip6,
                                const struct run_options *options)
{
  static struct run run;
  struct run_options once = *options;
  bool failed;
  do {
    once.fail_at++;
    run_script(&run, script, ip6, &once);
    failed = run.host.failed_allocation;
    run.verdict = VERDICT_PASS;
    if (failed) run_replay(&run);
    play_end(&run);
    if (run.verdict != VERDICT_PASS || !failed) report_script(report, script, &run, NULL);
    free(run.log.text);
    run.log.text = NULL;
  } while (failed && run.verdict == VERDICT_PASS);
}

static void play_file(struct report *report, const struct play *play, const char *path)
{
  struct script script;
  script_read(&script, path);
  if (script.error != NULL) report_script(report, &script, NULL, NULL);
  for (int ip6 = 0; script.error == NULL && ip6 < 2; ip6++) {
    if (!play_wants(&script, ip6 != 0)) continue;
    if (play->oom) {
      play_without_memory(report, &script, ip6 != 0, &play->options);
    } else {
      play_once(report, &script, ip6 != 0, &play->options);
    }
  }
  script_free(&script);
}

// What a worker writes before the text of a file.
struct play_head {
  struct report_totals totals; // of this file
  uint64_t text_bytes;
};

// Every jobs-th file from `first` on, into an unlinked file of its own.
static void play_worker(const struct play *play, char **files, int count, unsigned first,
                        enum report_form form, FILE *results)
{
  for (int i = (int)first; i < count; i += (int)play->jobs) {
    char *text = NULL;
    size_t length = 0;
    struct report report = {.form = form, .out = open_memstream(&text, &length)};
    if (report.out == NULL) _exit(1);
    play_file(&report, play, files[i]);
    fclose(report.out);
    struct play_head head = {report.totals, length};
    if (fwrite(&head, sizeof head, 1, results) != 1 || fwrite(text, 1, length, results) != length)
      _exit(1);
    free(text);
  }
  _exit(fflush(results) == 0 ? 0 : 1);
}

// Takes the next file's part over from a worker's results.
static bool play_collect(FILE *results, struct report *report)
{
  struct play_head head;
  char buffer[4096];
  if (fread(&head, sizeof head, 1, results) != 1) return false;
  report->totals.passed += head.totals.passed;
  report->totals.failed += head.totals.failed;
  report->totals.unsupported += head.totals.unsupported;
  report->totals.errors += head.totals.errors;
  while (head.text_bytes > 0) {
    size_t most = head.text_bytes < sizeof buffer ? (size_t)head.text_bytes : sizeof buffer;
    if (fread(buffer, 1, most, results) != most) return false;
    fwrite(buffer, 1, most, report->out);
    head.text_bytes -= most;
  }
  return true;
}

#define PLAY_JOBS_MAX 64

static int play_parallel(const struct play *play, char **files, int count, struct report *report)
{
  FILE *results[PLAY_JOBS_MAX] = {NULL};
  pid_t workers[PLAY_JOBS_MAX];
  unsigned started = 0;
  bool good = true;
  fflush(NULL);
  for (; started < play->jobs && good; started++) {
    results[started] = tmpfile();
    workers[started] = results[started] != NULL ? fork() : -1;
    good = workers[started] >= 0;
    if (workers[started] == 0)
      play_worker(play, files, count, started, report->form, results[started]);
  }
  for (unsigned i = 0; i < started; i++) {
    int status = 1;
    if (workers[i] > 0 && (waitpid(workers[i], &status, 0) < 0 || status != 0)) good = false;
    if (results[i] != NULL) rewind(results[i]);
  }
  for (int i = 0; i < count && good; i++)
    good = play_collect(results[(unsigned)i % play->jobs], report);
  for (unsigned i = 0; i < started; i++)
    if (results[i] != NULL) fclose(results[i]);
  return good ? 0 : -1;
}

static int play_all(const struct play *play, char **files, int count, struct report *report)
{
  if (play->jobs > 1 && count > 1) return play_parallel(play, files, count, report);
  for (int i = 0; i < count; i++)
    play_file(report, play, files[i]);
  return 0;
}

int play_files(const struct play *play, char **files, int count, struct report *report)
{
  struct play some = *play;
  if (some.jobs > PLAY_JOBS_MAX) some.jobs = PLAY_JOBS_MAX;
  if (some.jobs > (unsigned)count) some.jobs = (unsigned)count;
  if (report->form != REPORT_JUNIT) { // what is known is shown at once
    report_head(report);
    if (play_all(&some, files, count, report) != 0) return -1;
    report_foot(report);
    return 0;
  }
  char *text = NULL;
  size_t length = 0;
  FILE *out = report->out;
  report->out = open_memstream(&text, &length);
  if (report->out == NULL) {
    report->out = out;
    return -1;
  }
  int r = play_all(&some, files, count, report);
  fclose(report->out);
  report->out = out;
  if (r == 0) {
    report_head(report);
    fwrite(text, 1, length, out);
    report_foot(report);
  }
  free(text);
  return r;
}
