// SPDX-License-Identifier: BSD-2-Clause
// outputs.c - where the records of a run go.
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "row_csv.h"
#include "say.h"

static bool outputs_is_local(const struct estab_ip *ip, const void *ctx)
{
  const struct outputs_settings *settings = ctx;
  for (unsigned i = 0; i < settings->local_count; i++)
    if (prefix_holds(&settings->local[i], ip)) return true;
  return false;
}

static int open_text(struct text *t, const char *path)
{
  text_init(t, strcmp(path, "-") == 0 ? stdout : fopen(path, "w"));
  return t->file != NULL ? 0 : -1;
}

bool outputs_terminal(int fd)
{
  const char *term = getenv("TERM");
  return isatty(fd) && (term == NULL || strcmp(term, "dumb") != 0);
}

// On a terminal, unless NO_COLOR has a value.
static bool wants_color(void)
{
  const char *no = getenv("NO_COLOR");
  return outputs_terminal(STDOUT_FILENO) && (no == NULL || *no == '\0');
}

int outputs_open(struct outputs *o, const struct outputs_settings *settings, const char **what)
{
  memset(o, 0, sizeof *o);
  o->settings = *settings;
  if (outputs_leftovers(settings, what) < 0) return -1;
  if (settings->json != NULL) {
    *what = settings->json;
    if (open_text(&o->json, settings->json) < 0) return -1;
    o->has_json = true;
  }
  if (settings->csv != NULL) {
    *what = settings->csv;
    if (open_text(&o->csv, settings->csv) < 0) return -1;
    o->has_csv = true;
    row_csv_heading(&o->csv);
  }
  if (settings->zeek != NULL) {
    *what = settings->zeek;
    if (row_zeek_open(&o->zeek, settings->zeek) < 0) return -1;
    if (!rotate_wanted(&settings->rotate) && row_zeek_clear(settings->zeek) < 0) return -1;
    o->has_zeek = true;
    o->zeek.may_be_none = rotate_wanted(&settings->rotate);
    if (settings->local != NULL) {
      o->zeek.local = outputs_is_local;
      o->zeek.local_ctx = &o->settings;
    }
  }
  if (settings->html != NULL) {
    *what = settings->html;
    o->page = page_open(settings->html, settings->files, settings->file_count);
    if (o->page == NULL) return -1;
  }
  if (settings->packets != NULL) {
    *what = settings->packets;
    if (open_text(&o->keep.text, settings->packets) < 0) return -1;
    o->has_packets = true;
  } else if (settings->kept != NULL) {
    text_init(&o->keep.text, settings->kept);
    o->keep.most = settings->kept_most;
    o->has_packets = true;
  }
  o->has_table = outputs_wants_table(settings);
  if (!o->has_table) return 0;
  *what = "standard output";
  o->alerts = calloc(OUTPUTS_ALERTS, sizeof *o->alerts);
  if (o->alerts == NULL) return -1;
  if (row_table_init(&o->table, stdout, wants_color()) < 0) {
    errno = ENOMEM;
    return -1;
  }
  return 0;
}

// Where it is among those that the table knows, or behind them.
static unsigned find_alert(const struct outputs *o, const struct estab_watch_uid *id)
{
  unsigned i = 0;
  while (i < o->alert_count && memcmp(&o->alerts[i].id, id, sizeof *id) != 0)
    i++;
  return i;
}

// The table tells alerts after the connections, each once, as it stood last. Beyond OUTPUTS_ALERTS they are told
// at once when they have ended.
static void keep_alert(struct outputs *o, const struct estab_watch_alert *a)
{
  char *text = NULL;
  size_t bytes;
  const unsigned i = find_alert(o, &a->id);
  o->campaigns += a->ended;
  if (i == OUTPUTS_ALERTS && !a->ended) return;
  FILE *memory = i < OUTPUTS_ALERTS ? open_memstream(&text, &bytes) : NULL;
  if (memory == NULL) {
    row_table_flush(&o->table);
    row_table_alert(stdout, o->table.color, a, o->table.base_ns);
    return;
  }
  row_table_alert(memory, o->table.color, a, o->table.base_ns);
  fclose(memory);
  if (i == o->alert_count) o->alerts[o->alert_count++].id = a->id;
  free(o->alerts[i].text);
  o->alerts[i].text = text;
}

// Live, nobody waits for the end: told when it is first named, and when it has ended.
static void tell_alert(struct outputs *o, const struct estab_watch_alert *a)
{
  const unsigned i = find_alert(o, &a->id);
  const bool known = i < o->alert_count;
  if (a->ended && known) o->alerts[i] = o->alerts[--o->alert_count];
  o->campaigns += a->ended;
  if (!a->ended && (known || i == OUTPUTS_ALERTS)) return;
  if (!a->ended) o->alerts[o->alert_count++].id = a->id;
  row_table_flush(&o->table);
  putchar('\n');
  row_table_alert(stdout, o->table.color, a, o->table.base_ns);
  putchar('\n');
}

// Words in lines of at most 100 columns.
static void print_wrapped(FILE *out, const char *words)
{
  size_t column = 0;
  while (*words != '\0') {
    size_t n = strcspn(words, " \n");
    if (n > 0 && column > 0 && column + 1 + n > 100) {
      fputc('\n', out);
      column = 0;
    } else if (n > 0 && column > 0) {
      fputc(' ', out);
      column++;
    }
    fwrite(words, 1, n, out);
    column += n;
    words += n;
    if (*words == '\n') column = (fputc('\n', out), 0);
    words += *words != '\0';
  }
  fputc('\n', out);
}

static bool is_explained(const struct outputs *o, const struct estab_watch_alert *a)
{
  char id[ESTAB_WATCH_UID_TEXT];
  if (o->settings.explain == NULL || !a->ended) return false;
  estab_watch_uid_format(&a->id, id);
  return strcmp(id, o->settings.explain) == 0;
}

static void outputs_alert(struct outputs *o, const struct estab_watch_alert *a)
{
  for (unsigned i = 0; i < o->settings.ignore_count; i++)
    if (ignore_matches(&o->settings.ignore[i], a)) {
      o->alerts_ignored += a->ended;
      o->explain_ignored = o->explain_ignored || is_explained(o, a);
      return;
    }
  if (o->has_json) row_json_alert(&o->json, a);
  if (o->has_zeek) row_zeek_alert(&o->zeek, a);
  if (o->page != NULL) {
    struct estab_watch_record record = {.type = ESTAB_WATCH_ALERT, .alert = *a};
    page_record(o->page, &record, o->table.base_ns);
  }
  if (o->has_table) (o->live.live ? tell_alert : keep_alert)(o, a);
  if (!is_explained(o, a)) return;
  row_table_alert(stdout, wants_color(), a, o->table.base_ns);
  putchar('\n');
  print_wrapped(stdout, a->explanation);
  o->explained = true;
}

// Live, the first word on a row, which is minutes sooner than TIME-WAIT's end; of files the last.
static bool outputs_once(struct outputs *o, const struct estab_watch_conn *c)
{
  if (!o->live.live || !(o->has_zeek || o->has_table)) return c->final;
  return c->final ? !told_last(&o->told, &c->uid) : told_first(&o->told, &c->uid, 0);
}

static __attribute__((noinline)) void outputs_conn(struct outputs *o,
                                                   const struct estab_watch_conn *c)
{
  // If it comes again: the others tell a row once.
  if (c->final && o->has_csv) row_csv_conn(&o->csv, c);
  if (!outputs_once(o, c)) return;
  if (o->has_zeek) row_zeek_conn(&o->zeek, c);
  if (o->has_table) row_table_conn(&o->table, c);
}

static void outputs_ambiguity(struct outputs *o, const struct estab_watch_ambiguity *a)
{
  if (o->has_json) row_json_ambiguity(&o->json, a);
  if (o->has_zeek) row_zeek_ambiguity(&o->zeek, a);
  if (o->has_table && o->doubt_count < OUTPUTS_DOUBTS) o->doubts[o->doubt_count++] = *a;
}

// Apart from who asks for records, after each packet.
__attribute__((noinline)) void outputs_record(struct outputs *o,
                                              const struct estab_watch_record *record)
{
  if (record->type == ESTAB_WATCH_CONN && record->conn.again) { // the others tell a row once
    if (o->has_json) row_json_conn(&o->json, &record->conn);
    return;
  }
  if (o->settings.take != NULL) o->settings.take(o->settings.take_ctx, record);
  if (o->page != NULL && record->type != ESTAB_WATCH_ALERT)
    page_record(o->page, record, o->table.base_ns);
  if (record->type == ESTAB_WATCH_CONN) { // nearly all are
    if (o->has_json) row_json_conn(&o->json, &record->conn);
    if (o->has_csv || o->has_zeek || o->has_table) outputs_conn(o, &record->conn);
  } else if (record->type == ESTAB_WATCH_ALERT)
    outputs_alert(o, &record->alert);
  else if (record->type == ESTAB_WATCH_AMBIGUITY)
    outputs_ambiguity(o, &record->ambiguity);
}

void outputs_error(struct outputs *o, const char *file, uint64_t offset, uint64_t packet,
                   const char *what)
{
  if (o->has_json) row_json_error(&o->json, file, offset, packet, what);
  if (o->page != NULL) page_error(o->page, file, offset, what);
}

void outputs_note(struct outputs *o, const struct estab_capture_packet *note)
{
  if (o->has_packets) keep_note(&o->keep, note);
}

void outputs_flush(struct outputs *o)
{
  if (o->has_packets) text_flush(&o->keep.text);
  if (o->has_json) text_flush(&o->json);
  if (o->has_csv) text_flush(&o->csv);
  for (unsigned i = 0; o->has_zeek && i < ZEEK_LOGS; i++)
    if (o->zeek.logs[i].file != NULL) text_flush(&o->zeek.logs[i]);
  if (o->has_table) {
    row_table_flush(&o->table);
    fflush(stdout);
  }
}

void outputs_stats(struct outputs *o, const struct estab_watch_stats *stats, bool final)
{
  if (o->has_json) row_json_stats(&o->json, stats, &o->live, final);
  if (o->page != NULL && final) page_stats(o->page, stats);
  if (final && o->zeek.last_ns == 0) o->zeek.last_ns = stats->last_ns; // of a log without lines
  if (!o->has_table || !final) return;
  row_table_flush(&o->table);
  for (unsigned i = 0; i < o->alert_count && !o->live.live; i++)
    printf("\n%s", o->alerts[i].text);
  if (o->doubt_count > 0)
    printf("\nThe wire leaves two readings%s:\n",
           stats->ambiguities > o->doubt_count ? ", at first" : "");
  for (unsigned i = 0; i < o->doubt_count; i++)
    row_table_ambiguity(stdout, &o->doubts[i]);
  if (stats->ambiguities > o->doubt_count)
    printf("  and at %llu more places (--json names them)\n",
           (unsigned long long)(stats->ambiguities - o->doubt_count));
  if (o->table.begun || o->alert_count + o->doubt_count > 0) putchar('\n');
  uint64_t campaigns =
      o->alert_count < OUTPUTS_ALERTS && !o->live.live ? o->alert_count : o->campaigns;
  row_table_stats(stdout, stats, campaigns, o->alerts_ignored, o->settings.stats);
  if (o->table.inferred) puts("  ? a state that the other side's segments suggest");
  row_table_left_out(&o->table);
}

int outputs_explained(const struct outputs *o)
{
  if (o->settings.explain == NULL || o->explained) return 0;
  if (o->explain_ignored)
    return say_failure("watch", "leave --ignore away", "the alert %s is ignored as asked",
                       o->settings.explain);
  return say_failure("watch", "take an id from the table or from --json", "no alert has the id %s",
                     o->settings.explain);
}

static int close_text(struct text *t)
{
  if (t->file == NULL) { // closed with its last turn
    errno = t->sys_errno;
    return t->failed ? -1 : 0;
  }
  bool whole = text_flush(t);
  if (t->file != stdout && fclose(t->file) != 0 && whole) {
    t->sys_errno = errno;
    whole = false;
  }
  errno = t->sys_errno;
  return whole ? 0 : -1;
}

int outputs_close(struct outputs *o, const char **what)
{
  int failed = 0;
  if (rotate_wanted(&o->settings.rotate) && outputs_turn_last(o, what) < 0) failed = errno;
  if (o->has_packets) {
    if (o->keep.text.file != NULL) keep_tail(&o->keep, o->now_ns, true);
    if (close_text(&o->keep.text) < 0) {
      *what = o->settings.packets != NULL ? o->settings.packets : "memory";
      failed = errno;
    }
    keep_free(&o->keep);
  }
  if (o->has_json && close_text(&o->json) < 0) {
    *what = o->settings.json;
    failed = errno;
  }
  if (o->has_csv && close_text(&o->csv) < 0) {
    *what = o->settings.csv;
    failed = errno;
  }
  if (o->has_zeek && !row_zeek_close(&o->zeek)) {
    *what = o->settings.zeek;
    failed = errno;
  }
  if (o->page != NULL && page_close(o->page) < 0) {
    *what = o->settings.html;
    failed = errno;
  }
  told_free(&o->told);
  if (o->has_table) {
    row_table_free(&o->table);
    for (unsigned i = 0; i < o->alert_count; i++)
      free(o->alerts[i].text);
    free(o->alerts);
  }
  if (fflush(stdout) != 0 && failed == 0) {
    *what = "standard output";
    failed = errno;
  }
  errno = failed;
  return failed == 0 ? 0 : -1;
}
