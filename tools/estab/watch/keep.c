// SPDX-License-Identifier: BSD-2-Clause
// keep.c - packets into a pcapng file.
#include "keep.h"

#include <stdlib.h>
#include <string.h>

#include "estab/estab.h"

enum block { SECTION = 0x0a0d0d0a, INTERFACE = 1, STATISTICS = 5, PACKET = 6 };
enum section_option { USERAPPL = 4 };
enum interface_option { NAME = 2, TSRESOL = 9 };
enum statistics_option { ENDTIME = 3, IFRECV = 4, IFDROP = 5, OSDROP = 7 };

#define KEEP_OPTIONS 256 // bytes of the options of a block, at most

// What stands in a block behind its type and length, packets' octets apart.
struct block_body {
  uint8_t bytes[32 + KEEP_OPTIONS];
  size_t used;
};

static void put(struct block_body *b, const void *bytes, size_t n)
{
  memcpy(b->bytes + b->used, bytes, n);
  b->used += n;
}

static void put16(struct block_body *b, unsigned value)
{
  uint16_t v = (uint16_t)value;
  put(b, &v, sizeof v);
}

static void put32(struct block_body *b, uint32_t value)
{
  put(b, &value, sizeof value);
}

static void put_time(struct block_body *b, uint64_t ns)
{
  put32(b, (uint32_t)(ns >> 32));
  put32(b, (uint32_t)ns);
}

static void put_option(struct block_body *b, unsigned code, const void *value, size_t n)
{
  static const uint8_t zeros[4];
  put16(b, code);
  put16(b, (unsigned)n);
  put(b, value, n);
  put(b, zeros, (size_t)-n & 3);
}

static void put_option64(struct block_body *b, unsigned code, uint64_t value)
{
  put_option(b, code, &value, sizeof value);
}

static void put_options_end(struct block_body *b)
{
  put32(b, 0);
}

static void write32(struct text *t, uint32_t value)
{
  text_bytes(t, (const char *)&value, sizeof value);
}

static void write_block(struct keep *k, uint32_t type, const struct block_body *b)
{
  uint32_t bytes = (uint32_t)b->used + 12;
  write32(&k->text, type);
  write32(&k->text, bytes);
  text_bytes(&k->text, (const char *)b->bytes, b->used);
  write32(&k->text, bytes);
}

static void write_interface(struct keep *k, const struct keep_interface *i)
{
  static const uint8_t nanoseconds = 9;
  struct block_body b = {.used = 0};
  put16(&b, i->linktype);
  put16(&b, 0);
  put32(&b, i->snap_bytes);
  if (i->name[0] != '\0') put_option(&b, NAME, i->name, strlen(i->name));
  put_option(&b, TSRESOL, &nanoseconds, 1);
  put_options_end(&b);
  write_block(k, INTERFACE, &b);
}

static struct keep_interface *add(struct keep *k, uint32_t number, uint32_t linktype)
{
  if (k->count == k->room) {
    uint32_t room = k->room ? k->room * 2 : 4;
    struct keep_interface *grown = realloc(k->interfaces, room * sizeof *grown);
    if (grown == NULL) return NULL;
    k->interfaces = grown;
    k->room = room;
  }
  struct keep_interface *i = &k->interfaces[k->count++];
  *i = (struct keep_interface){.number = number, .linktype = linktype};
  return i;
}

void keep_name(struct keep *k, uint32_t number, uint32_t linktype, const char *name,
               uint32_t snap_bytes)
{
  struct keep_interface *i = add(k, number, linktype);
  if (i == NULL) return;
  i->snap_bytes = snap_bytes;
  strncpy(i->name, name, sizeof i->name - 1);
}

static void keep_head(struct keep *k)
{
  if (k->headed) return;
  k->headed = true;
  struct block_body b = {.used = 0};
  char program[64] = "estab ";
  strncat(program, estab_version(), sizeof program - 8);
  put32(&b, 0x1a2b3c4d);
  put16(&b, 1);
  put16(&b, 0);
  put_time(&b, UINT64_MAX); // the section's length is not known
  put_option(&b, USERAPPL, program, strlen(program));
  put_options_end(&b);
  write_block(k, SECTION, &b);
  for (uint32_t i = 0; i < k->count; i++) {
    struct keep_interface *f = &k->interfaces[i];
    f->lost = 0;
    f->received_base = f->received;
    f->dropped_base = f->dropped;
    write_interface(k, f);
  }
}

// The index of a packet's interface; described now if it is new. -1: no memory.
static int64_t find(struct keep *k, const struct estab_capture_packet *p)
{
  for (uint32_t i = 0; i < k->count; i++)
    if (k->interfaces[i].number == p->interface && k->interfaces[i].linktype == p->linktype)
      return i;
  struct keep_interface *f = add(k, p->interface, p->linktype);
  if (f == NULL) return -1;
  write_interface(k, f);
  return k->count - 1;
}

static bool is_full(struct keep *k, uint64_t more_bytes)
{
  if (k->most > 0 && k->text.written + k->text.used + more_bytes > k->most) k->full = true;
  return k->full;
}

void keep_packet(struct keep *k, const struct estab_capture_packet *p)
{
  static const char zeros[4];
  if (is_full(k, p->captured_bytes)) return;
  keep_head(k);
  int64_t interface = find(k, p);
  if (interface < 0) return;
  struct block_body b = {.used = 0};
  uint32_t padding = (uint32_t)-p->captured_bytes & 3;
  uint32_t bytes = 32 + p->captured_bytes + padding;
  put32(&b, PACKET);
  put32(&b, bytes);
  put32(&b, (uint32_t)interface);
  put_time(&b, p->ts_ns);
  put32(&b, p->captured_bytes);
  put32(&b, p->wire_bytes);
  text_bytes(&k->text, (const char *)b.bytes, b.used);
  text_bytes(&k->text, (const char *)p->bytes, p->captured_bytes);
  text_bytes(&k->text, zeros, padding);
  write32(&k->text, bytes);
}

static void write_statistics(struct keep *k, uint32_t index, uint64_t at_ns, bool ended)
{
  const struct keep_interface *i = &k->interfaces[index];
  struct block_body b = {.used = 0};
  put32(&b, index);
  put_time(&b, at_ns);
  if (ended) {
    struct block_body time = {.used = 0};
    put_time(&time, at_ns);
    put_option(&b, ENDTIME, time.bytes, time.used);
  }
  if (k->live) {
    put_option64(&b, IFRECV, i->received - i->received_base);
    put_option64(&b, IFDROP, i->dropped - i->dropped_base);
  }
  put_option64(&b, OSDROP, i->lost);
  put_options_end(&b);
  write_block(k, STATISTICS, &b);
}

void keep_note(struct keep *k, const struct estab_capture_packet *note)
{
  if (note->lost_packets == 0) {
    k->end_ns = note->ts_ns; // told with the last file's end
    return;
  }
  if (is_full(k, 0)) return;
  keep_head(k);
  int64_t index = find(k, note);
  if (index < 0) return;
  write_statistics(k, (uint32_t)index, note->lost_from_ns, false);
  k->interfaces[index].lost += note->lost_packets;
  write_statistics(k, (uint32_t)index, note->ts_ns, false);
}

void keep_tail(struct keep *k, uint64_t now_ns, bool last)
{
  bool ended = last && k->end_ns != 0;
  keep_head(k);
  k->headed = false;
  if (!ended && !k->live) return;
  for (uint32_t i = 0; i < k->count; i++)
    write_statistics(k, i, ended ? k->end_ns : now_ns, ended);
}

void keep_free(struct keep *k)
{
  free(k->interfaces);
  k->interfaces = NULL;
  k->count = k->room = 0;
}
