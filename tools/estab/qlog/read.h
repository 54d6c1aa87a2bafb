// SPDX-License-Identifier: BSD-2-Clause
// read.h - a qlog record by record: sequential JSON (RFC 7464) or one object a line. Says where it is damaged.
#ifndef ESTAB_QLOG_READ_H
#define ESTAB_QLOG_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct qlog_reader {
  FILE *in;
  const char *path; // for complaints
  unsigned long line_number;
  char *line; // getline()'s
  size_t line_bytes;
  char why[160];  // what is wrong with this line, "" = nothing
  char title[80]; // of the header
  char vantage[80];
};

struct qlog_record {
  uint64_t time_ns;  // from the reference time
  const char *name;  // "recovery:metrics_updated"
  const char *group; // "LOCAL:PORT REMOTE:PORT", "" = of no connection
  json_t *data;      // an object
  json_t *whole;     // what the pointers above live in
};

// Reads the header. False: r->why says what is wrong, at r->line_number.
bool qlog_read_header(struct qlog_reader *r);
// 1 and the next record, to be given back by qlog_done(); 0 at the end; -1: r->why.
int qlog_read(struct qlog_reader *r, struct qlog_record *record);
void qlog_done(struct qlog_record *record);
void qlog_reader_end(struct qlog_reader *r);

// A member of an object. Absent: `otherwise`, and *there (if not NULL) is false. Of another type: r->why is set.
double qlog_number(struct qlog_reader *r, json_t *object, const char *key, double otherwise,
                   bool *there);
const char *qlog_text(struct qlog_reader *r, json_t *object, const char *key,
                      const char *otherwise);
json_t *qlog_object(struct qlog_reader *r, json_t *object, const char *key); // NULL = absent

#endif
