// SPDX-License-Identifier: BSD-2-Clause
// cmd_qlog.c - estab qlog: reads the log of a sender and says in text what happened, and why it was not faster.
#include "commands.h"
#include "options.h"
#include "qlog/tell.h"
#include "say.h"

#include <errno.h>
#include <string.h>

#define NAME       "qlog"
#define WHOLE_MOST 3 // connections that are told at length unasked

static bool events, json;
static uint64_t only;

static const struct option own[] = {
    {.name = "conn",
     .kind = OPTION_COUNT,
     .value = &only,
     .argument = "N",
     .help = "only the N-th connection",
     .min = 1,
     .max = UINT32_MAX},
    {.name = "events", .kind = OPTION_FLAG, .value = &events, .help = "every event, one a line"},
    {.name = "json", .kind = OPTION_FLAG, .value = &json, .help = "an object for each connection"},
    OPTION_END};
static const struct option *const tables[] = {own, NULL};

static const struct command_line line = {
    .command = NAME,
    .operands = "[OPTION...] FILE",
    .about =
        "Reads a log of connect, listen, serve, demo or sim (- is standard input): states, a time\n"
        "line of windows, round trips and losses, and what kept a connection from being faster.",
    .tables = tables,
    .notes = "Exit status: 0 read to its end, 1 damaged or not there, 2 usage.",
};

static void tell_all(const struct stories *all, const struct qlog_reader *r)
{
  bool rows = only == 0 && all->count > WHOLE_MOST && !json;
  unsigned told = 0;
  if (!json && (r->title[0] || r->vantage[0]))
    printf("%s, as %s saw it\n\n", r->title, r->vantage[0] ? r->vantage : "somebody");
  if (rows) tell_rows_head();
  for (const struct story *s = all->first; s; s = s->next) {
    if (only != 0 && s->number != only) continue;
    if (!json && !rows && told++ > 0) putchar('\n');
    (json ? tell_json : rows ? tell_row : tell_story)(s);
  }
}

// All that can be read. What is damaged ends it: r->why.
static void read_all(struct qlog_reader *r, struct stories *all)
{
  struct qlog_record record;
  int got;
  if (!qlog_read_header(r)) return;
  while ((got = qlog_read(r, &record)) > 0) {
    struct story *s = stories_take(all, r, &record);
    if (events && s && (only == 0 || s->number == only) && !r->why[0]) tell_record(s, &record);
    qlog_done(&record);
    if (r->why[0]) return;
  }
}

int cmd_qlog(int argc, char **argv)
{
  char **operands;
  int operand_count, status;
  struct stories all = {0};
  if (options_parse(&line, argc, argv, &operands, &operand_count, &status)) return status;
  if (operand_count != 1)
    return say_usage(NAME, operand_count < 1 ? "needs a FILE" : "takes one FILE, not '%s'",
                     operand_count < 1 ? "" : operands[1]);
  struct qlog_reader r = {.path = operands[0]};
  r.in = strcmp(r.path, "-") == 0 ? stdin : fopen(r.path, "re");
  if (!r.in) return say_failure(NAME, NULL, "%s: %s", r.path, strerror(errno));
  read_all(&r, &all);
  if (!events && all.count > 0) tell_all(&all, &r);
  if (r.why[0])
    status = say_failure(NAME, NULL, "%s:%lu: %s", r.path, r.line_number, r.why);
  else if (only > all.count)
    status = say_failure(NAME, NULL, "%s: has no connection %llu, but %u", r.path,
                         (unsigned long long)only, all.count);
  stories_end(&all);
  qlog_reader_end(&r);
  return status;
}
