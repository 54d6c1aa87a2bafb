// SPDX-License-Identifier: BSD-2-Clause
// page_lives.c - segments that wait until the row of their connection is told.
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "estab/wire.h"

// Uids are made by a fixed function of what a capture holds: who writes a capture must not choose buckets.
static uint32_t life_bucket(const struct page_lives *l, const struct estab_watch_uid *uid)
{
  uint64_t a, b = 0;
  memcpy(&a, uid->bytes, 8);
  memcpy(&b, uid->bytes + 8, 4);
  a = (a ^ l->key[0]) * UINT64_C(0x9e3779b97f4a7c15);
  a = (a ^ (a >> 29) ^ b ^ l->key[1]) * UINT64_C(0xbf58476d1ce4e5b9);
  return (uint32_t)(a >> 32) & (l->bucket_count - 1);
}

bool page_lives_init(struct page_lives *l)
{
  *l = (struct page_lives){.bucket_count = 1024};
  l->buckets = calloc(l->bucket_count, sizeof(struct page_life *));
  return l->buckets != NULL && getentropy(l->key, sizeof l->key) == 0;
}

static void grow(struct page_lives *l)
{
  uint32_t before = l->bucket_count;
  struct page_life **old = l->buckets, **more = calloc((size_t)before * 4, sizeof *more);
  if (more == NULL) return;
  l->buckets = more;
  l->bucket_count = before * 4;
  for (uint32_t i = 0; i < before; i++)
    for (struct page_life *life = old[i], *next; life != NULL; life = next) {
      struct page_life **to = &l->buckets[life_bucket(l, &life->uid)];
      next = life->next;
      life->next = *to;
      *to = life;
    }
  free(old);
}

static struct page_life *find_or_begin(struct page_lives *l, const struct estab_watch_segment *s)
{
  struct page_life *life = l->buckets[life_bucket(l, &s->uid)];
  while (life != NULL && memcmp(&life->uid, &s->uid, sizeof life->uid) != 0)
    life = life->next;
  if (life != NULL || l->bytes > PAGE_SEGMENT_BYTES) return life;
  life = calloc(1, sizeof *life);
  if (life == NULL) return NULL;
  life->uid = s->uid;
  life->ip = s->src;
  life->port = s->src_port;
  if (l->lives++ >= l->bucket_count) grow(l);
  struct page_life **to = &l->buckets[life_bucket(l, &s->uid)];
  life->next = *to;
  *to = life;
  l->bytes += sizeof *life;
  return life;
}

static struct page_segment *place(struct page_lives *l, struct page_life *life)
{
  if (life->kept < life->room) return &life->segments[life->kept++];
  if (life->room < PAGE_HEAD + PAGE_TAIL && l->bytes <= PAGE_SEGMENT_BYTES) {
    uint32_t room = life->room == 0 ? 8 : life->room * 2;
    if (room > PAGE_HEAD + PAGE_TAIL) room = PAGE_HEAD + PAGE_TAIL;
    void *more = realloc(life->segments, room * sizeof *life->segments);
    if (more == NULL) return NULL;
    l->bytes += (room - life->room) * sizeof *life->segments;
    life->segments = more;
    life->room = room;
    return &life->segments[life->kept++];
  }
  if (life->room < PAGE_HEAD + PAGE_TAIL) return NULL;
  // The oldest of the ring gives way.
  struct page_segment *oldest = &life->segments[PAGE_HEAD + (life->count - PAGE_HEAD) % PAGE_TAIL];
  life->folded[oldest->from]++;
  life->folded_bytes[oldest->from] += oldest->text_bytes;
  return oldest;
}

void page_lives_add(struct page_lives *l, const struct estab_watch_segment *s)
{
  struct page_life *life = find_or_begin(l, s);
  if (life == NULL) return;
  unsigned from = !(s->src_port == life->port && estab_ip_equal(&s->src, &life->ip));
  unsigned turned = from != s->side; // end 0 need not be the originator
  if (!life->sent[from] && !(s->flags & ESTAB_TCP_RST)) {
    life->base[from] = s->seq;
    life->sent[from] = life->has_base[from] = true;
  }
  if (!life->has_base[1 - from] && (s->flags & ESTAB_TCP_ACK)) {
    life->base[1 - from] = s->ack;
    life->has_base[1 - from] = true;
  }
  struct page_segment *to = place(l, life);
  if (to == NULL) {
    life->folded[from]++;
    life->folded_bytes[from] += s->text_bytes;
    return;
  }
  life->count++;
  *to = (struct page_segment){.ts_ns = s->ts_ns,
                              .packet = s->packet,
                              .seq = s->seq - life->base[from],
                              .ack = s->ack - life->base[1 - from],
                              .window_bytes = s->window_bytes,
                              .text_bytes = s->text_bytes,
                              .marks = s->marks,
                              .flags = s->flags,
                              .from = (uint8_t)from};
  for (unsigned i = 0; i < 2; i++) {
    to->state[i] = s->state[i ^ turned];
    if (!s->state_seen[i ^ turned]) to->inferred |= (uint8_t)(1u << i);
  }
}

const struct page_segment *page_life_at(const struct page_life *life, uint32_t i)
{
  if (i < PAGE_HEAD || life->count <= PAGE_HEAD + PAGE_TAIL) return &life->segments[i];
  return &life->segments[PAGE_HEAD + (life->count - PAGE_HEAD + i - PAGE_HEAD) % PAGE_TAIL];
}

struct page_life *page_lives_take(struct page_lives *l, const struct estab_watch_uid *uid)
{
  struct page_life **at = &l->buckets[life_bucket(l, uid)];
  while (*at != NULL && memcmp(&(*at)->uid, uid, sizeof *uid) != 0)
    at = &(*at)->next;
  struct page_life *life = *at;
  if (life == NULL) return NULL;
  *at = life->next;
  l->lives--;
  return life;
}

void page_life_free(struct page_lives *l, struct page_life *life)
{
  if (life == NULL) return;
  l->bytes -= sizeof *life + life->room * sizeof *life->segments;
  free(life->segments);
  free(life);
}

void page_lives_free(struct page_lives *l)
{
  for (uint32_t i = 0; l->buckets != NULL && i < l->bucket_count; i++)
    for (struct page_life *life = l->buckets[i], *next; life != NULL; life = next) {
      next = life->next;
      page_life_free(l, life);
    }
  free(l->buckets);
}
