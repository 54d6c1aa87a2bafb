// SPDX-License-Identifier: BSD-2-Clause
// cmd_script.c - estab script: runs scripts in packetdrill's notation against a stack of its own.
#include "commands.h"
#include "options.h"
#include "say.h"
#include "script/play.h"

int cmd_script(int argc, char **argv)
{
  static struct play play;
  static bool json, junit;
  static uint64_t jobs;
  static const struct option table[] = {
      {"profile", 0, OPTION_TEXT, &play.options.profile, "NAME",
       "rfc (the default), default, linux or freebsd, whatever the script says", 0, 0},
      {"strict", 0, OPTION_FLAG, &play.options.strict, NULL,
       "compare window sizes, PSH and the order of options, too", 0, 0},
      {"oom", 0, OPTION_FLAG, &play.oom, NULL,
       "let each allocation fail in turn: no crash, no memory lost", 0, 0},
      {"json", 0, OPTION_FLAG, &json, NULL, "one object a script and IP version, totals last", 0,
       0},
      {"junit", 0, OPTION_FLAG, &junit, NULL, "JUnit's XML", 0, 0},
      {"jobs", 'j', OPTION_COUNT, &jobs, "N", "that many processes; the report is the same", 1, 64},
      {"verbose", 'v', OPTION_FLAG, &play.options.verbose, NULL,
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
  play = (struct play){.oom = false};
  json = junit = false;
  jobs = 1;
  if (options_parse(&line, argc, argv, &files, &count, &status) != 0) return status;
  if (count == 0) return say_usage("script", "no script is named");
  if (json && junit) return say_usage("script", "--json or --junit, not both");
  if (play.options.profile != NULL && !knobs_known(play.options.profile))
    return say_usage("script", "--profile %s: there is no such profile", play.options.profile);
  struct report report = {.form = json    ? REPORT_JSON
                                  : junit ? REPORT_JUNIT
                                          : REPORT_TEXT,
                          .out = stdout};
  play.jobs = (unsigned)jobs;
  if (play_files(&play, files, count, &report) != 0) {
    fputs("estab script: no process or no temporary file\n", stderr);
    return 1;
  }
  return report_ok(&report) ? 0 : 1;
}
