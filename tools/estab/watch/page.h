// SPDX-License-Identifier: BSD-2-Clause
// page.h - records as one HTML page that needs nothing else: connections, ladders, alerts with their evidence.
//
// Rows go to the file as they come; segments wait, a bounded number a connection and in all, until the row
// they belong to is told. The page's own source is in page/ and is built in.
#ifndef ESTAB_TOOL_WATCH_PAGE_H
#define ESTAB_TOOL_WATCH_PAGE_H

#include "estab/watch.h"

#define PAGE_ROWS          200000u // connections; more are counted only
#define PAGE_HEAD          40u     // segments of a ladder that are kept from its begin,
#define PAGE_TAIL          20u     // and from its end
#define PAGE_SEGMENT_BYTES (UINT64_C(64) << 20) // of segments that wait
#define PAGE_LADDER_BYTES  (UINT64_C(32) << 20) // of ladders in the page
#define PAGE_ALERTS        4096u
#define PAGE_DOUBTS        1000u // ambiguities
#define PAGE_ERRORS        1000u // places where an input cannot be read

struct page;

// NULL: errno says why. `path` is used until page_close().
struct page *page_open(const char *path, const char *const *files, unsigned file_count);
// base_ns: times count from here. Alerts that are to be told only; the caller's observer gives segments.
void page_record(struct page *p, const struct estab_watch_record *record, uint64_t base_ns);
void page_error(struct page *p, const char *file, uint64_t offset, const char *what);
void page_stats(struct page *p, const struct estab_watch_stats *stats);
// Writes the rest and frees all. 0, or -1: errno; half a page is taken away.
int page_close(struct page *p);

// page_lives.c: what waits for its row.

struct page_segment {
  uint64_t ts_ns, packet;
  uint32_t seq, ack, window_bytes, text_bytes, marks;
  uint16_t flags;
  uint8_t from;               // end that sent it: 0 is the first one's
  uint8_t state[2], inferred; // after it, by end; bit i: state[i] is inferred
};

struct page_life {
  struct estab_watch_uid uid;
  struct estab_ip ip; // of end 0
  uint16_t port;
  uint32_t base[2]; // by end: what relative number 0 stands for
  bool has_base[2], sent[2];
  uint32_t kept;                       // in `segments`: the first PAGE_HEAD, then a ring
  uint64_t count;                      // of all
  uint64_t folded[2], folded_bytes[2]; // by end: what is in neither
  struct page_segment *segments;
  uint32_t room;
  struct page_life *next; // of the same bucket
};

struct page_lives {
  struct page_life **buckets;
  uint32_t bucket_count; // a power of 2
  uint32_t lives;
  uint64_t bytes; // of segments
  uint64_t key[2];
};

bool page_lives_init(struct page_lives *l);
void page_lives_add(struct page_lives *l, const struct estab_watch_segment *s);
// Out of the table; NULL: none. The caller frees it.
struct page_life *page_lives_take(struct page_lives *l, const struct estab_watch_uid *uid);
void page_life_free(struct page_lives *l, struct page_life *life);
void page_lives_free(struct page_lives *l);
// The i-th kept one in the order of time.
const struct page_segment *page_life_at(const struct page_life *life, uint32_t i);

// page_parts.c, made of page/ when the program is built.
extern const unsigned char page_head[], page_tail[];
extern const unsigned page_head_bytes, page_tail_bytes;

#endif
