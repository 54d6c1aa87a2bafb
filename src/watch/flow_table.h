// SPDX-License-Identifier: BSD-2-Clause
// flow_table.h - connections by both ends: a keyed hash table that grows a little with each insertion.
//
// Hashes stand in it beside the records' numbers: no record is touched but the one that is meant, whether the table is
// searched, filled, left or grown. A cache line of it has eight.
#ifndef ESTAB_WATCH_FLOW_TABLE_H
#define ESTAB_WATCH_FLOW_TABLE_H

#include "watch/track.h"

void flow_key_make(const struct track *t, const struct estab_ip *src, uint16_t src_port,
                   const struct estab_ip *dst, uint16_t dst_port, const struct watch_packet *p,
                   struct flow_key *out);

// What flow_table_find() will read is asked of memory ahead: the line of a segment without tags and tunnels, the one
// after the next; then the first record of a key's hash, which it answers, or FLOW_NONE.
void flow_table_expect(struct track *t, const struct watch_ends *at);
uint32_t flow_table_expect_record(const struct track *t, const struct flow_key *key);

// Of a TCP segment; flow_table_expect() may have made it already. Until the next call of either.
const struct flow_key *flow_table_key(struct track *t, const struct watch_packet *p);

// A flow_ref, or FLOW_NONE. The search begins with what flow_table_expect_record() answered, if nothing came between.
uint32_t flow_table_find_from(const struct track *t, const struct flow_key *key, uint32_t ref);
uint32_t flow_table_find(const struct track *t, const struct flow_key *key);
// All of a key that has several (track_twin.h), in no order, at most `max`; answers how many.
unsigned flow_table_find_all(const struct track *t, const struct flow_key *key, uint32_t *refs,
                             unsigned max);
// Of a record that is in the table; flow_table_expect_of() answers the hash and asks memory for where it stands.
uint32_t flow_table_expect_of(const struct track *t, const struct flow_head *f);
uint32_t flow_table_ref_of(const struct track *t, const struct flow_head *f, uint32_t hash);
// The record has its key already. false: memory for a larger table is refused, and this one is full.
bool flow_table_insert(struct track *t, const struct flow_key *key, uint32_t ref);
// `ref` is what the table has of `head`.
void flow_table_remove(struct track *t, const struct flow_head *head, uint32_t ref);
// Another record takes its place: the same key, another size.
void flow_table_replace(struct track *t, const struct flow_key *key, uint32_t ref, uint32_t by);
// All leave at once. What the table took has room for as many numbers as there were records, and is lent until the
// table is emptied, of which nothing may be asked before.
uint64_t *flow_table_lend(struct track *t);
void flow_table_empty(struct track *t);
int flow_table_init(struct track *t);
void flow_table_destroy(struct track *t);

#endif
