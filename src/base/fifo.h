// SPDX-License-Identifier: BSD-2-Clause
// fifo.h - doubly linked lists of slab items by index: what waits, in the order it came.
#ifndef ESTAB_BASE_FIFO_H
#define ESTAB_BASE_FIFO_H

#include "base/slab.h"

// Sits in the item, at an offset that every call names. Meaningless while the item is in no list;
// whether it is in one, the owner knows.
struct fifo_link {
  uint32_t prev, next; // slab indices, SLAB_NONE at the ends
};

struct fifo {
  uint32_t head, tail; // slab indices, SLAB_NONE when empty
  uint32_t count;
};

static inline void fifo_init(struct fifo *f)
{
  f->head = f->tail = SLAB_NONE;
  f->count = 0;
}

static inline struct fifo_link *fifo_at(const struct slab *s, size_t offset, uint32_t index)
{
  void *link = (uint8_t *)slab_at(s, index) + offset;
  return link;
}

// Whoever comes after an item of a list, SLAB_NONE after the last.
static inline uint32_t fifo_next(const struct slab *s, size_t offset, uint32_t index)
{
  return fifo_at(s, offset, index)->next;
}

// To the end. link: the item's, for who has it at hand.
static inline void fifo_push_link(struct fifo *f, const struct slab *s, size_t offset,
                                  uint32_t index, struct fifo_link *link)
{
  link->prev = f->tail;
  link->next = SLAB_NONE;
  if (f->tail == SLAB_NONE)
    f->head = index;
  else
    fifo_at(s, offset, f->tail)->next = index;
  f->tail = index;
  f->count++;
}

// To the end. The item must be in no list over the same link.
static inline void fifo_push(struct fifo *f, const struct slab *s, size_t offset, uint32_t index)
{
  fifo_push_link(f, s, offset, index, fifo_at(s, offset, index));
}

// To the front.
static inline void fifo_push_front(struct fifo *f, const struct slab *s, size_t offset,
                                   uint32_t index)
{
  struct fifo_link *link = fifo_at(s, offset, index);
  link->prev = SLAB_NONE;
  link->next = f->head;
  if (f->head == SLAB_NONE)
    f->tail = index;
  else
    fifo_at(s, offset, f->head)->prev = index;
  f->head = index;
  f->count++;
}

// The same for who has the item's link at hand.
static inline void fifo_remove_link(struct fifo *f, const struct slab *s, size_t offset,
                                    struct fifo_link *link)
{
  if (link->prev == SLAB_NONE)
    f->head = link->next;
  else
    fifo_at(s, offset, link->prev)->next = link->next;
  if (link->next == SLAB_NONE)
    f->tail = link->prev;
  else
    fifo_at(s, offset, link->next)->prev = link->prev;
  link->prev = link->next = SLAB_NONE;
  f->count--;
}

// The item must be in this list.
static inline void fifo_remove(struct fifo *f, const struct slab *s, size_t offset, uint32_t index)
{
  fifo_remove_link(f, s, offset, fifo_at(s, offset, index));
}

// Takes the first item out; SLAB_NONE when there is none.
static inline uint32_t fifo_pop(struct fifo *f, const struct slab *s, size_t offset)
{
  uint32_t index = f->head;
  if (index != SLAB_NONE) fifo_remove(f, s, offset, index);
  return index;
}

#endif
