// SPDX-License-Identifier: BSD-2-Clause
// row_json.h - records as JSON, one object a line: docs/watch.schema.json fixes every word.
#ifndef ESTAB_TOOL_WATCH_ROW_JSON_H
#define ESTAB_TOOL_WATCH_ROW_JSON_H

#include "estab/watch.h"
#include "text.h"

void row_json_conn(struct text *t, const struct estab_watch_conn *c);
void row_json_alert(struct text *t, const struct estab_watch_alert *a);
void row_json_ambiguity(struct text *t, const struct estab_watch_ambiguity *a);

// A capture that could not be read on: `offset` bytes from its start.
void row_json_error(struct text *t, const char *file, uint64_t offset, uint64_t packet,
                    const char *what);

// What only a live capture knows.
struct row_live {
  bool live;
  uint64_t kernel_drops, interface_drops;
  uint64_t lag_ns; // between a packet's time and its being read
};
void row_json_stats(struct text *t, const struct estab_watch_stats *s, const struct row_live *live,
                    bool final);

// The words that other outputs use too.
const char *row_who(uint8_t who);           // enum estab_watch_who
const char *row_basis(uint8_t basis);       // enum estab_watch_basis
const char *row_geometry(uint8_t geometry); // enum estab_watch_geometry; "" = none
const char *row_role(uint8_t role);         // enum estab_watch_role
const char *row_policy(uint8_t policy);     // enum estab_watch_policy
const char *row_answer(uint8_t answer);     // enum estab_watch_answer

#endif
