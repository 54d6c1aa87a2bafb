// SPDX-License-Identifier: BSD-2-Clause
// read.c - a qlog record by record.
#include "qlog/read.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define LINE_MOST_BYTES (1u << 20)
#define RECORD_MARK     '\x1e' // RFC 7464 2.2
#define NUMBER_MOST     1.8e19
#define TIME_MOST_MS    1e13 // three centuries: what is later is damage

__attribute__((format(printf, 2, 3))) static void complain(struct qlog_reader *r,
                                                           const char *format, ...)
{
  va_list list;
  if (r->why[0]) return;
  va_start(list, format);
  vsnprintf(r->why, sizeof r->why, format, list);
  va_end(list);
}

double qlog_number(struct qlog_reader *r, json_t *object, const char *key, double otherwise,
                   bool *there)
{
  json_t *value = json_object_get(object, key);
  if (there) *there = value != NULL;
  if (!value) return otherwise;
  if (!json_is_number(value) || json_number_value(value) < 0 ||
      json_number_value(value) > NUMBER_MOST) {
    complain(r, "%s: is not a number that can be", key);
    return otherwise;
  }
  return json_number_value(value);
}

const char *qlog_text(struct qlog_reader *r, json_t *object, const char *key, const char *otherwise)
{
  json_t *value = json_object_get(object, key);
  if (!value) return otherwise;
  if (!json_is_string(value)) {
    complain(r, "%s: is not a text", key);
    return otherwise;
  }
  return json_string_value(value);
}

json_t *qlog_object(struct qlog_reader *r, json_t *object, const char *key)
{
  json_t *value = json_object_get(object, key);
  if (value && !json_is_object(value)) {
    complain(r, "%s: is not an object", key);
    return NULL;
  }
  return value;
}

// The object of the next line that is not empty. NULL at the end, or with r->why.
static json_t *next_object(struct qlog_reader *r)
{
  json_error_t error;
  ssize_t n;
  const char *p;
  do {
    n = getline(&r->line, &r->line_bytes, r->in);
    if (n < 0) {
      if (ferror(r->in)) complain(r, "cannot be read");
      return NULL;
    }
    r->line_number++;
    p = r->line;
    while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
      n--;
    if (n > 0 && *p == RECORD_MARK) {
      p++;
      n--;
    }
  } while (n == 0);
  if ((size_t)n > LINE_MOST_BYTES) {
    complain(r, "is longer than %u octets", LINE_MOST_BYTES);
    return NULL;
  }
  json_t *object = json_loadb(p, (size_t)n, JSON_REJECT_DUPLICATES, &error);
  if (!object) {
    complain(r, "is not JSON: %s, at octet %d", error.text, error.position);
    return NULL;
  }
  if (json_is_object(object)) return object;
  complain(r, "is not a JSON object");
  json_decref(object);
  return NULL;
}

static void keep(char *out, size_t out_bytes, const char *text)
{
  snprintf(out, out_bytes, "%s", text);
}

bool qlog_read_header(struct qlog_reader *r)
{
  json_t *header = next_object(r);
  if (!header) {
    complain(r, "is empty");
    return false;
  }
  const char *format = qlog_text(r, header, "serialization_format", NULL);
  if (!format) format = qlog_text(r, header, "qlog_format", NULL); // before draft 12 of the schema
  json_t *trace = qlog_object(r, header, "trace");
  if (!format || !trace)
    complain(r, "is no header of a qlog: it has no serialization_format and trace");
  if (format && !strstr(format, "json-seq") && !strstr(format, "JSON-SEQ") &&
      !strstr(format, "NDJSON"))
    complain(r, "serialization_format: only sequential ones are read");
  json_t *vantage = trace ? qlog_object(r, trace, "vantage_point") : NULL;
  keep(r->title, sizeof r->title, qlog_text(r, header, "title", ""));
  keep(r->vantage, sizeof r->vantage, vantage ? qlog_text(r, vantage, "name", "") : "");
  json_decref(header);
  return r->why[0] == '\0';
}

int qlog_read(struct qlog_reader *r, struct qlog_record *record)
{
  bool timed;
  json_t *object = next_object(r);
  if (!object) return r->why[0] ? -1 : 0;
  double ms = qlog_number(r, object, "time", 0, &timed);
  *record = (struct qlog_record){.name = qlog_text(r, object, "name", NULL),
                                 .group = qlog_text(r, object, "group_id", ""),
                                 .data = qlog_object(r, object, "data"),
                                 .whole = object};
  if (!timed) complain(r, "has no time");
  if (!record->name) complain(r, "has no name");
  if (!record->data) complain(r, "has no data");
  if (ms > TIME_MOST_MS) complain(r, "time: is beyond what can be");
  if (r->why[0]) {
    json_decref(object);
    return -1;
  }
  record->time_ns = (uint64_t)(ms * 1e6 + 0.5);
  return 1;
}

void qlog_done(struct qlog_record *record)
{
  json_decref(record->whole);
}

void qlog_reader_end(struct qlog_reader *r)
{
  free(r->line);
  if (r->in && r->in != stdin) fclose(r->in);
}
