// SPDX-License-Identifier: BSD-2-Clause
// page.c - the data of the page: JSON between its head and its tail. page/page.js reads what is written here.
#include "page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "estab/wire.h"
#include "estab/estab.h"
#include "json.h"
#include "plain_file.h"
#include "row_json.h"
#include "row_story.h"

struct page_alert {
  struct estab_watch_uid id;
  char *json;
};

// Items of JSON that wait in memory until their list's turn.
struct page_list {
  FILE *file;
  char *bytes;
  size_t byte_count;
  unsigned count;
  uint64_t left_out;
};

struct page {
  struct text text;
  const char *path; // as it was given
  struct page_lives lives;
  uint64_t rows, rows_left_out, ladders_left_out, ladder_bytes;
  struct page_alert *alerts;
  unsigned alert_count;
  uint64_t alerts_left_out;
  struct page_list doubts, errors;
  struct estab_watch_stats stats;
  uint64_t base_ns;
};

// A string of JSON that nothing in HTML can end.
static void page_string(struct text *t, const char *string)
{
  char piece[JSON_PIECE_BYTES];
  text_char(t, '"');
  while (*string != '\0') {
    size_t n = json_piece(&string, piece);
    if (n == 1 && strchr("<>&'", piece[0]) != NULL) {
      text_string(t, "\\u00");
      text_hex(t, (unsigned char)piece[0], 2);
    } else
      text_bytes(t, piece, n);
  }
  text_char(t, '"');
}

static void comma_number(struct text *t, uint64_t n)
{
  text_char(t, ',');
  text_number(t, n);
}

static void comma_string(struct text *t, const char *string)
{
  text_char(t, ',');
  page_string(t, string);
}

static void comma_ip(struct text *t, const struct estab_ip *ip)
{
  text_string(t, ",\"");
  text_ip(t, ip);
  text_char(t, '"');
}

static void list_open(struct page_list *l)
{
  l->file = open_memstream(&l->bytes, &l->byte_count);
}

// Begins an item. false: the list has as many as it may.
static bool list_item(struct page_list *l, struct text *t, unsigned most)
{
  if (l->count >= most) {
    l->left_out++;
    return false;
  }
  text_init(t, l->file);
  text_string(t, l->count++ > 0 ? ",[" : "[");
  return true;
}

static void list_free(struct page_list *l)
{
  if (l->file != NULL) fclose(l->file);
  free(l->bytes);
}

// ,"name":[items],"name_left_out":N
static void list_put(struct page_list *l, struct text *t, const char *name)
{
  comma_string(t, name);
  text_string(t, ":[");
  fclose(l->file);
  l->file = NULL;
  if (l->bytes != NULL) text_bytes(t, l->bytes, l->byte_count);
  text_string(t, "],\"");
  text_string(t, name);
  text_string(t, "_left_out\":");
  text_number(t, l->left_out);
}

struct page *page_open(const char *path, const char *const *files, unsigned file_count)
{
  struct page *p = calloc(1, sizeof *p);
  if (p == NULL) return NULL;
  p->alerts = calloc(PAGE_ALERTS, sizeof *p->alerts);
  list_open(&p->doubts);
  list_open(&p->errors);
  FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
  if (p->alerts == NULL || p->doubts.file == NULL || p->errors.file == NULL || file == NULL ||
      !page_lives_init(&p->lives)) {
    int error = errno ? errno : ENOMEM;
    if (file != NULL && file != stdout) fclose(file);
    list_free(&p->doubts);
    list_free(&p->errors);
    free(p->alerts);
    page_lives_free(&p->lives);
    free(p);
    errno = error;
    return NULL;
  }
  p->path = path;
  text_init(&p->text, file);
  text_bytes(&p->text, (const char *)page_head, page_head_bytes);
  text_string(&p->text, "{\"made\":");
  page_string(&p->text, estab_version());
  text_string(&p->text, ",\"files\":[");
  for (unsigned i = 0; i < file_count; i++) {
    if (i > 0) text_char(&p->text, ',');
    page_string(&p->text, files[i]);
  }
  text_string(&p->text, "],\"states\":[");
  for (unsigned i = 0; i < ESTAB_STATES; i++) {
    if (i > 0) text_char(&p->text, ',');
    page_string(&p->text, estab_state_name((enum estab_state)i));
  }
  text_string(&p->text, "],\"marks\":[");
  for (unsigned i = 0; i < ESTAB_WATCH_MARKS; i++) {
    text_string(&p->text, i > 0 ? ",[" : "[");
    page_string(&p->text, estab_watch_mark_name((enum estab_watch_mark)i));
    comma_string(&p->text, estab_watch_mark_text((enum estab_watch_mark)i));
    text_char(&p->text, ']');
  }
  text_string(&p->text, "],\"conns\":[");
  return p;
}

// ---------------------------------------------------------------------------------------------
// Connections

static uint64_t micros(const struct page *p, uint64_t ts_ns)
{
  return ts_ns > p->base_ns ? (ts_ns - p->base_ns) / 1000 : 0;
}

// [us since the first, sender, flags, seq, octets, ack, window, states, inferred, marks, packet]
static void put_segment(struct text *t, const struct page_segment *s, uint64_t base_ns,
                        unsigned turned)
{
  text_char(t, '[');
  text_number(t, s->ts_ns > base_ns ? (s->ts_ns - base_ns) / 1000 : 0);
  comma_number(t, s->from ^ turned);
  comma_number(t, s->flags);
  comma_number(t, s->seq);
  comma_number(t, s->text_bytes);
  comma_number(t, s->ack);
  comma_number(t, s->window_bytes);
  comma_number(t, s->state[turned]);
  comma_number(t, s->state[1 - turned]);
  comma_number(t, turned ? (unsigned)((s->inferred & 1) << 1 | s->inferred >> 1) : s->inferred);
  comma_number(t, s->marks);
  comma_number(t, s->packet);
  text_char(t, ']');
}

// A fold is [segments and octets of the originator, the same of the responder].
static void put_ladder(struct page *p, const struct page_life *life,
                       const struct estab_watch_conn *c)
{
  struct text *t = &p->text;
  unsigned turned = !(c->orig_port == life->port && estab_ip_equal(&c->orig_ip, &life->ip));
  uint64_t base_ns = life->segments[0].ts_ns;
  bool folds = life->folded[0] + life->folded[1] > 0;
  uint32_t head = folds && life->kept > PAGE_HEAD ? PAGE_HEAD : life->kept;
  text_char(t, '[');
  for (uint32_t i = 0; i < life->kept; i++) {
    if (i > 0) text_char(t, ',');
    put_segment(t, page_life_at(life, i), base_ns, turned);
    if (!folds || i + 1 != head) continue;
    text_string(t, ",[");
    text_number(t, life->folded[turned]);
    comma_number(t, life->folded_bytes[turned]);
    comma_number(t, life->folded[1 - turned]);
    comma_number(t, life->folded_bytes[1 - turned]);
    text_char(t, ']');
  }
  text_char(t, ']');
  p->ladder_bytes += life->kept * UINT64_C(48);
}

// In the order of START to LADDER in page.js.
static void page_conn(struct page *p, const struct estab_watch_conn *c)
{
  struct text *t = &p->text;
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  char uid[ESTAB_WATCH_UID_TEXT], words[ROW_STORY_BYTES];
  struct page_life *life = page_lives_take(&p->lives, &c->life);
  if (p->rows >= PAGE_ROWS) {
    p->rows_left_out++;
    page_life_free(&p->lives, life);
    return;
  }
  text_string(t, p->rows++ > 0 ? ",\n[" : "\n[");
  text_number(t, micros(p, c->ts_ns));
  comma_ip(t, &c->orig_ip);
  comma_number(t, c->orig_port);
  comma_ip(t, &c->resp_ip);
  comma_number(t, c->resp_port);
  comma_string(t, row_who(c->opened_by));
  comma_number(t, o->state);
  comma_number(t, r->state);
  comma_number(t, (o->state_seen ? 0u : 1u) | (r->state_seen ? 0u : 2u));
  row_story_end(c, words);
  comma_string(t, words);
  comma_string(t, c->conn_state);
  comma_string(t, c->history);
  text_char(t, ',');
  if (c->has_duration)
    text_number(t, c->duration_ns / 1000);
  else
    text_string(t, "-1");
  comma_number(t, o->bytes);
  comma_number(t, r->bytes);
  comma_number(t, o->pkts);
  comma_number(t, r->pkts);
  row_story_notes(c, words);
  comma_string(t, words);
  estab_watch_uid_format(&c->uid, uid);
  comma_string(t, uid);
  row_story_pace(c, words);
  comma_string(t, words);
  text_char(t, ',');
  if (life != NULL && life->kept > 0 && p->ladder_bytes < PAGE_LADDER_BYTES)
    put_ladder(p, life, c);
  else {
    text_char(t, '0');
    p->ladders_left_out++;
  }
  text_char(t, ']');
  page_life_free(&p->lives, life);
}

// ---------------------------------------------------------------------------------------------
// Alerts and ambiguities

static void put_addresses(struct text *t, const char *name, const struct estab_ip *ips,
                          uint32_t listed, uint64_t count)
{
  comma_string(t, name);
  text_string(t, ":[");
  for (uint32_t i = 0; i < listed && i < 64; i++) {
    text_string(t, i > 0 ? ",\"" : "\"");
    text_ip(t, &ips[i]);
    text_char(t, '"');
  }
  text_string(t, "]");
  text_string(t, ",\"");
  text_string(t, name);
  text_string(t, "_count\":");
  text_number(t, count);
}

static void put_answers(struct text *t, const struct estab_watch_alert *a)
{
  text_string(t, ",\"answers\":[");
  for (unsigned i = 0, n = 0; i < ESTAB_WATCH_ANSWERS; i++) {
    const struct estab_watch_targets *targets = &a->answers[i];
    if (targets->count == 0) continue;
    text_string(t, n++ > 0 ? ",[" : "[");
    page_string(t, row_answer((uint8_t)i));
    comma_number(t, targets->count);
    text_string(t, ",[");
    for (uint32_t k = 0; k < targets->listed && k < 256; k++) {
      text_string(t, k > 0 ? ",\"" : "\"");
      text_endpoint(t, &targets->list[k].ip, targets->list[k].port);
      text_char(t, '"');
    }
    text_string(t, "]]");
  }
  text_char(t, ']');
}

static void put_alert(const struct page *p, struct text *t, const struct estab_watch_alert *a)
{
  char id[ESTAB_WATCH_UID_TEXT];
  estab_watch_uid_format(&a->id, id);
  text_string(t, "{\"id\":");
  page_string(t, id);
  text_string(t, ",\"kind\":");
  page_string(t, estab_watch_kind_name((enum estab_watch_kind)a->kind));
  text_string(t, ",\"text\":");
  page_string(t, estab_watch_kind_text((enum estab_watch_kind)a->kind));
  text_string(t, ",\"geometry\":");
  page_string(t, row_geometry(a->geometry));
  text_string(t, ",\"role\":");
  page_string(t, row_role(a->role));
  text_string(t, ",\"summary\":");
  page_string(t, a->summary);
  text_string(t, ",\"explanation\":");
  page_string(t, a->explanation != NULL ? a->explanation : "");
  text_string(t, ",\"confidence\":");
  text_number(t, a->confidence);
  text_string(t, ",\"probes\":");
  text_number(t, a->probes);
  text_string(t, ",\"unit\":");
  page_string(t, estab_watch_kind_unit((enum estab_watch_kind)a->kind));
  text_string(t, ",\"first\":");
  text_number(t, micros(p, a->first_ns));
  text_string(t, ",\"last\":");
  text_number(t, micros(p, a->last_ns));
  put_addresses(t, "src", a->src, a->src_listed, a->src_count);
  put_addresses(t, "dst", a->dst, a->dst_listed, a->dst_count);
  put_answers(t, a);
  text_string(t, ",\"evidence\":[");
  for (uint32_t i = 0; i < a->evidence_count; i++) {
    text_string(t, i > 0 ? ",[" : "[");
    text_number(t, a->evidence[i].packet);
    comma_number(t, micros(p, a->evidence[i].ts_ns));
    comma_string(t, a->evidence[i].line);
    text_char(t, ']');
  }
  text_string(t, "]}");
}

static void page_alert(struct page *p, const struct estab_watch_alert *a)
{
  static struct text t;
  char *json = NULL;
  size_t bytes;
  unsigned i = 0;
  while (i < p->alert_count && memcmp(&p->alerts[i].id, &a->id, sizeof a->id) != 0)
    i++;
  FILE *memory = i < PAGE_ALERTS ? open_memstream(&json, &bytes) : NULL;
  if (memory == NULL) {
    p->alerts_left_out += a->ended;
    return;
  }
  text_init(&t, memory);
  put_alert(p, &t, a);
  text_flush(&t);
  fclose(memory);
  if (i == p->alert_count) p->alerts[p->alert_count++].id = a->id;
  free(p->alerts[i].json);
  p->alerts[i].json = json;
}

static void page_ambiguity(struct page *p, const struct estab_watch_ambiguity *a)
{
  static struct text t;
  char uid[ESTAB_WATCH_UID_TEXT];
  if (!list_item(&p->doubts, &t, PAGE_DOUBTS)) return;
  estab_watch_uid_format(&a->uid, uid);
  text_number(&t, a->packet);
  comma_number(&t, micros(p, a->ts_ns));
  comma_string(&t, uid);
  comma_string(&t, estab_watch_ambiguity_name((enum estab_watch_ambiguity_kind)a->kind));
  comma_string(&t, a->chosen);
  comma_string(&t, a->other);
  text_char(&t, ']');
  text_flush(&t);
}

void page_record(struct page *p, const struct estab_watch_record *record, uint64_t base_ns)
{
  p->base_ns = base_ns;
  switch (record->type) {
  case ESTAB_WATCH_CONN:
    if (record->conn.final) page_conn(p, &record->conn);
    break;
  case ESTAB_WATCH_ALERT: page_alert(p, &record->alert); break;
  case ESTAB_WATCH_AMBIGUITY: page_ambiguity(p, &record->ambiguity); break;
  case ESTAB_WATCH_SEGMENT: page_lives_add(&p->lives, &record->segment); break;
  case ESTAB_WATCH_STREAM: break;
  }
}

void page_error(struct page *p, const char *file, uint64_t offset, const char *what)
{
  static struct text t;
  if (!list_item(&p->errors, &t, PAGE_ERRORS)) return;
  text_number(&t, offset);
  comma_string(&t, file);
  comma_string(&t, what);
  text_char(&t, ']');
  text_flush(&t);
}

void page_stats(struct page *p, const struct estab_watch_stats *stats)
{
  p->stats = *stats;
}

static void put_counts(struct page *p)
{
  struct text *t = &p->text;
  const struct estab_watch_stats *s = &p->stats;
  text_string(t, ",\"begun\":");
  text_number(t, s->first_ns / 1000000);
  text_string(t, ",\"lasted\":");
  text_number(t, (s->last_ns - s->first_ns) / 1000);
  text_string(t, ",\"packets\":");
  text_number(t, s->packets);
  text_string(t, ",\"flows\":");
  text_number(t, s->flows);
  text_string(t, ",\"ambiguities\":");
  text_number(t, s->ambiguities);
  text_string(t, ",\"rows_left_out\":");
  text_number(t, p->rows_left_out);
  text_string(t, ",\"ladders_left_out\":");
  text_number(t, p->ladders_left_out);
  text_string(t, ",\"alerts_left_out\":");
  text_number(t, p->alerts_left_out);
  text_string(t, ",\"counts\":[");
  for (unsigned i = 0, n = 0; i < ESTAB_WATCH_COUNTS; i++) {
    if (s->counts[i] == 0) continue;
    text_string(t, n++ > 0 ? ",[" : "[");
    text_number(t, s->counts[i]);
    comma_string(t, estab_watch_count_text((enum estab_watch_count)i));
    text_char(t, ']');
  }
  text_char(t, ']');
}

int page_close(struct page *p)
{
  struct text *t = &p->text;
  text_string(t, "\n],\"alerts\":[");
  for (unsigned i = 0; i < p->alert_count; i++) {
    text_string(t, i > 0 ? ",\n" : "\n");
    text_string(t, p->alerts[i].json);
    free(p->alerts[i].json);
  }
  text_char(t, ']');
  list_put(&p->errors, t, "errors");
  list_put(&p->doubts, t, "doubts");
  put_counts(p);
  text_string(t, "}\n");
  text_bytes(t, (const char *)page_tail, page_tail_bytes);
  bool whole = text_flush(t);
  int error = t->sys_errno;
  if (t->file != stdout && fclose(t->file) != 0 && whole) {
    error = errno;
    whole = false;
  }
  if (!whole && t->file != stdout) plain_file_remove(p->path); // without its end it shows nothing
  list_free(&p->errors);
  list_free(&p->doubts);
  free(p->alerts);
  page_lives_free(&p->lives);
  free(p);
  errno = error;
  return whole ? 0 : -1;
}
