// SPDX-License-Identifier: BSD-2-Clause
// cmd_script.c - estab script: runs scripts in packetdrill's notation against a stack of its own.
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "say.h"
#include "script/report.h"

// Which IP versions: what the script says, or what its name ends in, or both.
static bool script_wants(const struct script *script, bool ip6)
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
static uint64_t script_wrap_start(const struct run *run)
{
  if (run->flow_count == 0 || !run->flows[0].local_known) return 0;
  uint32_t steps = 0xfffffe0cu - run->flows[0].live_iss; // of 4 us: RFC 9293 3.4.1
  return run->host.start_ns + (uint64_t)steps * 4000;
}

static void script_once(struct report *report, const struct script *script, bool ip6,
                        const struct run_options *options)
{
  static struct run run;
  run_script(&run, script, ip6, options);
  if (run.verdict == VERDICT_PASS && options->start_ns == 0) {
    struct run_options again = *options;
    again.start_ns = script_wrap_start(&run);
    if (again.start_ns != 0) {
      run_end(&run);
      if (run.verdict == VERDICT_PASS) run_script(&run, script, ip6, &again);
      run.options = options;
    }
  }
  struct log log = run.log; // run_end() still may find a leak
  run.log.text = NULL;
  run_end(&run);
  run.log = log;
  report_script(report, script, &run);
  free(log.text);
  run.log.text = NULL;
}

// Each allocation fails in turn until a run needs no more. Packets may differ then, but not when the same stack
// plays the script once more; and no memory may leak.
static void script_without_memory(struct report *report, const struct script *script, bool ip6,
                                  const struct run_options *options)
{
  static struct run run;
  struct run_options once = *options;
  bool failed;
  do {
    once.fail_at++;
    run_script(&run, script, ip6, &once);
    failed = run.host.failed_allocation;
    struct log log = run.log;
    run.log.text = NULL;
    run.verdict = VERDICT_PASS;
    run.log = log;
    if (failed) run_replay(&run);
    log = run.log;
    run.log.text = NULL;
    run_end(&run);
    run.log = log;
    if (run.verdict != VERDICT_PASS || !failed) report_script(report, script, &run);
    free(log.text);
    run.log.text = NULL;
  } while (failed && run.verdict == VERDICT_PASS);
}

static void script_file(struct report *report, const char *path, bool oom,
                        const struct run_options *options)
{
  struct script script;
  script_read(&script, path);
  if (script.error != NULL) report_script(report, &script, NULL);
  for (int ip6 = 0; script.error == NULL && ip6 < 2; ip6++) {
    if (!script_wants(&script, ip6 != 0)) continue;
    if (oom) {
      script_without_memory(report, &script, ip6 != 0, options);
    } else {
      script_once(report, &script, ip6 != 0, options);
    }
  }
  script_free(&script);
}

int cmd_script(int argc, char **argv)
{
  static struct run_options options;
  static struct report report;
  static bool oom;
  static const struct option table[] = {
      {"profile", 0, OPTION_TEXT, &options.profile, "NAME",
       "rfc (the default), default, linux or freebsd, whatever the script says", 0, 0},
      {"strict", 0, OPTION_FLAG, &options.strict, NULL,
       "compare window sizes, PSH and window scales, too", 0, 0},
      {"oom", 0, OPTION_FLAG, &oom, NULL,
       "let each allocation fail in turn: no crash, no memory lost", 0, 0},
      {"json", 0, OPTION_FLAG, &report.json, NULL,
       "one object a script and IP version, totals last", 0, 0},
      {"verbose", 'v', OPTION_FLAG, &options.verbose, NULL,
       "show the packets of scripts that pass, too", 0, 0},
      OPTION_END};
  static const struct option *const tables[] = {table, NULL};
  static const struct command_line line = {
      .command = "script",
      .operands = "[OPTION...] FILE.pkt...",
      .about =
          "Plays each script to a stack in this process, on virtual time, and compares what it\n"
          "answers. The notation is packetdrill's.",
      .tables = tables,
      .notes = "Exit status: 0 all passed, 1 something did not, 2 usage."};
  char **files;
  int count, status;
  options = (struct run_options){0};
  report = (struct report){0};
  oom = false;
  if (options_parse(&line, argc, argv, &files, &count, &status) != 0) return status;
  if (count == 0) return say_usage("script", "no script is named");
  if (options.profile != NULL && !knobs_known(options.profile))
    return say_usage("script", "--profile %s: there is no such profile", options.profile);
  for (int i = 0; i < count; i++)
    script_file(&report, files[i], oom, &options);
  report_totals(&report);
  return report.failed + report.unsupported + report.errors == 0 ? 0 : 1;
}
