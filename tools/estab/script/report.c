// SPDX-License-Identifier: BSD-2-Clause
// report.c - what a run of scripts came to: lines for people, JSON and JUnit's XML for programs.
#include "report.h"
#include "json.h"

#include <string.h>

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

// One script over one IP version, in words.
struct report_row {
  enum verdict verdict;
  const char *ip, *profile;
  unsigned line;
  unsigned long long virtual_ms;
  char reason[1600]; // with what was expected and what came
};

static void report_row(struct report_row *row, const struct script *script, const struct run *run)
{
  bool ran = script->error == NULL;
  *row =
      (struct report_row){.verdict = ran ? run->verdict : VERDICT_ERROR, .ip = "", .profile = ""};
  if (!ran) {
    row->line = script->error_place.line;
    snprintf(row->reason, sizeof row->reason, "%s", script->error);
    if (script->error_place.column != 0)
      snprintf(row->reason, sizeof row->reason, "column %u: %s", script->error_place.column,
               script->error);
    return;
  }
  row->ip = run->host.ip6 ? "ipv6" : "ipv4";
  row->profile = run->profile;
  row->virtual_ms = (unsigned long long)(run->host.now_ns - run->host.start_ns) / 1000000;
  if (run->verdict == VERDICT_PASS) return;
  row->line = run->line;
  snprintf(row->reason, sizeof row->reason, "%s%s%s%s%s", run->reason,
           run->expected[0] != '\0' ? "; expected " : "", run->expected,
           run->got[0] != '\0' ? "; got " : "", run->got);
}

static void report_string(FILE *out, const char *name, const char *text)
{
  fprintf(out, "\"%s\":", name);
  json_put(out, text);
  fputc(',', out);
}

static void report_json(FILE *out, const struct script *script, const struct report_row *row)
{
  fputc('{', out);
  report_string(out, "script", script->path);
  report_string(out, "ip_version", row->ip);
  report_string(out, "verdict", verdict_name(row->verdict));
  fprintf(out, "\"line\":%u,", row->line);
  report_string(out, "reason", row->reason);
  report_string(out, "profile", row->profile);
  fprintf(out, "\"virtual_ms\":%llu}\n", row->virtual_ms);
}

// Text of XML 1.0: what it cannot hold becomes a question mark.
static void report_xml(FILE *out, const char *text)
{
  for (const char *c = text; *c != '\0'; c++) {
    switch (*c) {
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '&': fputs("&amp;", out); break;
    case '"': fputs("&quot;", out); break;
    case '\n': fputs("&#10;", out); break;
    default: fputc((unsigned char)*c < 0x20 && *c != '\t' ? '?' : *c, out);
    }
  }
}

static void report_junit(FILE *out, const struct script *script, const struct report_row *row,
                         const char *ladder)
{
  fputs("<testcase classname=\"", out);
  report_xml(out, script->path);
  fprintf(out, "\" name=\"%s\" time=\"%llu.%03llu\"", row->ip[0] != '\0' ? row->ip : "read",
          row->virtual_ms / 1000, row->virtual_ms % 1000);
  if (row->verdict == VERDICT_PASS) {
    fputs("/>\n", out);
    return;
  }
  const char *tag = row->verdict == VERDICT_FAIL    ? "failure"
                    : row->verdict == VERDICT_ERROR ? "error"
                                                    : "skipped";
  fprintf(out, "><%s message=\"line %u: ", tag, row->line);
  report_xml(out, row->reason);
  if (ladder != NULL && ladder[0] != '\0') {
    fputs("\">", out);
    report_xml(out, ladder);
    fprintf(out, "</%s></testcase>\n", tag);
  } else {
    fputs("\"/></testcase>\n", out);
  }
}

static void report_text(FILE *out, const struct script *script, const struct run *run,
                        const char *ladder)
{
  if (script->error != NULL) {
    if (script->error_place.line == 0) {
      fprintf(out, "%s: %s\n", script->path, script->error);
    } else {
      fprintf(out, "%s:%u:%u: %s\n", script->path, script->error_place.line,
              script->error_place.column, script->error);
    }
    return;
  }
  const char *ip = run->host.ip6 ? "ipv6" : "ipv4";
  if (run->verdict != VERDICT_PASS) {
    fprintf(out, "%s:%u: %s: %s: %s\n", script->path, run->line, ip, verdict_name(run->verdict),
            run->reason);
    if (run->expected[0] != '\0') fprintf(out, "  expected  %s\n", run->expected);
    if (run->got[0] != '\0') fprintf(out, "  got       %s\n", run->got);
  } else if (run->options->verbose) {
    fprintf(out, "%s: %s: pass\n", script->path, ip);
  }
  if (ladder != NULL) fputs(ladder, out);
  if (run->options->verbose && run->log.text != NULL) fputs(run->log.text, out);
}

void report_script(struct report *report, const struct script *script, const struct run *run,
                   const char *ladder)
{
  struct report_row row;
  report_row(&row, script, run);
  switch (row.verdict) {
  case VERDICT_PASS: report->totals.passed++; break;
  case VERDICT_FAIL: report->totals.failed++; break;
  case VERDICT_UNSUPPORTED: report->totals.unsupported++; break;
  case VERDICT_ERROR: report->totals.errors++; break;
  }
  switch (report->form) {
  case REPORT_TEXT: report_text(report->out, script, run, ladder); break;
  case REPORT_JSON: report_json(report->out, script, &row); break;
  case REPORT_JUNIT: report_junit(report->out, script, &row, ladder); break;
  }
}

bool report_ok(const struct report *report)
{
  const struct report_totals *t = &report->totals;
  return t->failed + t->unsupported + t->errors == 0;
}

void report_head(const struct report *report)
{
  const struct report_totals *t = &report->totals;
  if (report->form != REPORT_JUNIT) return;
  unsigned tests = t->passed + t->failed + t->unsupported + t->errors;
  fprintf(report->out,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"estab "
          "script\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n",
          tests, t->failed, t->errors, t->unsupported);
}

void report_foot(const struct report *report)
{
  const struct report_totals *t = &report->totals;
  switch (report->form) {
  case REPORT_JSON:
    fprintf(report->out,
            "{\"passed\":%u,\"failed\":%u,\"unsupported\":%u,\"errors\":%u,\"ok\":%s}\n", t->passed,
            t->failed, t->unsupported, t->errors, report_ok(report) ? "true" : "false");
    return;
  case REPORT_JUNIT: fputs("</testsuite>\n</testsuites>\n", report->out); return;
  case REPORT_TEXT: break;
  }
  fprintf(report->out, "%u passed, %u failed", t->passed, t->failed + t->errors);
  if (t->errors > 0) fprintf(report->out, " (%u could not be read)", t->errors);
  if (t->unsupported > 0) fprintf(report->out, ", %u unsupported", t->unsupported);
  fputc('\n', report->out);
}
