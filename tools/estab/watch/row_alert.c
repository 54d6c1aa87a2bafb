// SPDX-License-Identifier: BSD-2-Clause
// row_alert.c - alerts in sentences, and the last lines of a run.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "endpoint.h"
#include "row_json.h"
#include "row_table.h"

#define SHOWN_TARGETS  12
#define SHOWN_EVIDENCE 4

// "1 packet", "2 packets".
static void counted(FILE *out, uint64_t n, const char *what)
{
  fprintf(out, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void clock_text(char *out, size_t room, uint64_t ns, uint64_t base_ns)
{
  ns = ns > base_ns ? ns - base_ns : 0;
  snprintf(out, room, "%" PRIu64 ".%06" PRIu64, ns / 1000000000, ns % 1000000000 / 1000);
}

// "  open       192.0.2.1:22, 192.0.2.1:80 and 3 more"
static void say_targets(FILE *out, const char *name, const struct estab_watch_targets *targets)
{
  if (targets->count == 0) return;
  fprintf(out, "  %-17s", name);
  uint32_t shown = targets->listed < SHOWN_TARGETS ? targets->listed : SHOWN_TARGETS;
  for (uint32_t i = 0; i < shown; i++) {
    char text[ENDPOINT_TEXT];
    endpoint_format(&targets->list[i].ip, targets->list[i].port, text);
    fprintf(out, "%s%s", i > 0 ? ", " : "", text);
  }
  if (targets->count > shown)
    fprintf(out, "%s%" PRIu64 "%s", shown > 0 ? " and " : "", targets->count - shown,
            shown > 0 ? " more" : " targets");
  fputc('\n', out);
}

void row_table_alert(FILE *out, bool color, const struct estab_watch_alert *a, uint64_t base_ns)
{
  static const char *const learned[ESTAB_WATCH_ANSWERS] = {
      "open", "closed", "filtered", "open or filtered", "unfiltered", "no answer seen"};
  char id[ESTAB_WATCH_UID_TEXT], first[32], last[32];
  estab_watch_uid_format(&a->id, id);
  clock_text(first, sizeof first, a->first_ns, base_ns);
  clock_text(last, sizeof last, a->last_ns, base_ns);
  fprintf(out, "%s%s%s  %s%s%s\n", color ? "\033[1;31m" : "",
          estab_watch_kind_text((enum estab_watch_kind)a->kind), color ? "\033[0m" : "",
          row_geometry(a->geometry), a->geometry != ESTAB_WATCH_GEOMETRY_NONE ? ", " : "", id);
  fprintf(out, "  %s\n", a->summary);
  fputs("  ", out);
  counted(out, a->probes, estab_watch_kind_unit((enum estab_watch_kind)a->kind));
  fprintf(out, " from %s to %s s, confidence %u %%%s\n", first, last, a->confidence,
          a->ended ? "" : ", going on");
  for (unsigned i = 0; i < ESTAB_WATCH_ANSWERS; i++)
    say_targets(out, learned[i], &a->answers[i]);
  uint32_t shown = a->evidence_count < SHOWN_EVIDENCE ? a->evidence_count : SHOWN_EVIDENCE;
  for (uint32_t i = 0; i < shown; i++)
    fprintf(out, "  packet %-9" PRIu64 " %s\n", a->evidence[i].packet, a->evidence[i].line);
}

void row_table_ambiguity(FILE *out, const struct estab_watch_ambiguity *a)
{
  static const char *const english[ESTAB_WATCH_AMBIGUITIES] = {
#define AMBIGUITY(name, json, english) english,
#include "estab/watch_ambiguities.def"
#undef AMBIGUITY
  };
  fprintf(out, "  packet %" PRIu64 ": %s: %s; or %s\n", a->packet,
          a->kind < ESTAB_WATCH_AMBIGUITIES ? english[a->kind] : "", a->chosen, a->other);
}

// Of a count's text, "frames seen twice by the tap", one: its first word with an s at the end is what is counted.
static void counted_text(FILE *out, uint64_t n, const char *text)
{
  size_t word = 0;
  while (text[word] != '\0' &&
         !(text[word] == 's' && (text[word + 1] == ' ' || text[word + 1] == '\0')))
    word++;
  const bool one = n == 1 && text[word] == 's';
  fprintf(out, "  %" PRIu64 " %.*s%s\n", n, (int)word, text, text + word + one);
}

void row_table_stats(FILE *out, const struct estab_watch_stats *s, uint64_t campaigns,
                     uint64_t ignored, bool whole)
{
  uint64_t ns = s->last_ns - s->first_ns;
  char when[40] = "";
  time_t second = (time_t)(s->first_ns / 1000000000);
  struct tm date;
  if (s->packets > 0 && gmtime_r(&second, &date) != NULL)
    strftime(when, sizeof when, ", begun %Y-%m-%d %H:%M:%S UTC", &date);
  counted(out, s->packets, "packet");
  if (ns > 0 && ns < 10000000) // too little for three decimals
    fprintf(out, " in 0.%06" PRIu64 " s%s: ", ns / 1000, when);
  else
    fprintf(out, " in %" PRIu64 ".%03" PRIu64 " s%s: ", ns / 1000000000, ns % 1000000000 / 1000000,
            when);
  counted(out, s->flows, "connection");
  if (campaigns + ignored == 0)
    fputs(", no scan or attack recognised\n", out);
  else {
    fputs(", ", out);
    counted(out, campaigns, "alert");
    if (ignored > 0) fprintf(out, " and %" PRIu64 " ignored as asked", ignored);
    fputc('\n', out);
  }
  for (unsigned i = 0; i < ESTAB_WATCH_COUNTS; i++)
    if (s->counts[i] > 0 && i != ESTAB_WATCH_COUNT_TCP)
      counted_text(out, s->counts[i], estab_watch_count_text((enum estab_watch_count)i));
  if (s->counts[ESTAB_WATCH_COUNT_BAD_CHECKSUM] > 0)
    fputs("  What has a wrong checksum is not believed; --no-checksum believes it.\n", out);
  if (s->counts[ESTAB_WATCH_COUNT_OFFLOADED] > 0)
    fputs("  States and alerts take what was left to the device; ZEEK, HISTORY, DURATION, SENT and "
          "RECEIVED\n  leave it out, as Zeek does; --no-checksum counts it there, too.\n",
          out);
  if (s->flows_evicted > 0)
    counted_text(out, s->flows_evicted, "connections shed to stay under the memory ceiling");
  if (s->time_backward > 0)
    counted_text(out, s->time_backward, "packets older than the one before, and given its time");
  if (!whole) return;
  fprintf(out,
          "  %" PRIu64 " octets captured of %" PRIu64 ", memory at most %" PRIu64
          " octets, %" PRIu64 " refusals\n",
          s->captured_bytes, s->wire_bytes, s->memory_peak_bytes, s->memory_refusals);
}
