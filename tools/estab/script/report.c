// SPDX-License-Identifier: BSD-2-Clause
// report.c - what a run of scripts came to, for people and for programs.
#include "report.h"
#include "json.h"

#include <stdio.h>

const char *verdict_name(enum verdict verdict)
{
  switch (verdict) {
  case VERDICT_PASS: return "pass";
  case VERDICT_FAIL: return "fail";
  case VERDICT_UNSUPPORTED: return "unsupported";
  case VERDICT_ERROR: return "error";
  }
  return "error";
}

static void report_string(const char *name, const char *text, const char *end)
{
  printf("\"%s\":", name);
  json_string(stdout, text);
  fputs(end, stdout);
}

static void report_json(const struct script *script, const struct run *run)
{
  enum verdict verdict = script->error != NULL ? VERDICT_ERROR : run->verdict;
  bool ran = script->error == NULL;
  putchar('{');
  report_string("script", script->path, ",");
  report_string("ip_version", ran ? run->host.ip6 ? "ipv6" : "ipv4" : "", ",");
  report_string("verdict", verdict_name(verdict), ",");
  unsigned line = !ran ? script->error_place.line : verdict == VERDICT_PASS ? 0 : run->line;
  printf("\"line\":%u,", line);
  report_string("reason", !ran ? script->error : verdict == VERDICT_PASS ? "" : run->reason, ",");
  report_string("expected", ran ? run->expected : "", ",");
  report_string("got", ran ? run->got : "", ",");
  report_string("profile", ran ? run->profile : "", ",");
  unsigned long long ms =
      ran ? (unsigned long long)(run->host.now_ns - run->host.start_ns) / 1000000 : 0;
  printf("\"virtual_ms\":%llu}\n", ms);
}

static void report_text(const struct script *script, const struct run *run)
{
  if (script->error != NULL) {
    if (script->error_place.line == 0) {
      printf("%s: %s\n", script->path, script->error);
    } else {
      printf("%s:%u:%u: %s\n", script->path, script->error_place.line, script->error_place.column,
             script->error);
    }
    return;
  }
  if (run->verdict != VERDICT_PASS) {
    printf("%s:%u: %s: %s: %s\n", script->path, run->line, run->host.ip6 ? "ipv6" : "ipv4",
           verdict_name(run->verdict), run->reason);
    if (run->expected[0] != '\0') printf("  expected  %s\n", run->expected);
    if (run->got[0] != '\0') printf("  got       %s\n", run->got);
  } else if (run->options->verbose) {
    printf("%s: %s: pass\n", script->path, run->host.ip6 ? "ipv6" : "ipv4");
  }
  if ((run->verdict == VERDICT_FAIL || run->options->verbose) && run->log.text != NULL)
    printf("%s", run->log.text);
}

void report_script(struct report *report, const struct script *script, const struct run *run)
{
  enum verdict verdict = script->error != NULL ? VERDICT_ERROR : run->verdict;
  switch (verdict) {
  case VERDICT_PASS: report->passed++; break;
  case VERDICT_FAIL: report->failed++; break;
  case VERDICT_UNSUPPORTED: report->unsupported++; break;
  case VERDICT_ERROR: report->errors++; break;
  }
  if (report->json) {
    report_json(script, run);
  } else {
    report_text(script, run);
  }
}

void report_totals(const struct report *report)
{
  if (report->json) {
    printf("{\"passed\":%u,\"failed\":%u,\"unsupported\":%u,\"errors\":%u,\"ok\":%s}\n",
           report->passed, report->failed, report->unsupported, report->errors,
           report->failed + report->unsupported + report->errors == 0 ? "true" : "false");
    return;
  }
  printf("%u passed, %u failed", report->passed, report->failed + report->errors);
  if (report->errors > 0) printf(" (%u could not be read)", report->errors);
  if (report->unsupported > 0) printf(", %u unsupported", report->unsupported);
  printf("\n");
}
