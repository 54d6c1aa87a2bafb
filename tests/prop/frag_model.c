// SPDX-License-Identifier: BSD-2-Clause
// frag_model.c - reassembly against a byte map: random fragments, repetitions, overlaps, ends, memory that fails.
#include "support/prop.h"

#include "proto/frag.h"

enum { DATAGRAMS = 6, SPAN = 256, STEPS = 400 };

static const uint64_t key[2] = {1, 2};

// What a datagram in the making is, byte by byte.
struct model {
  bool open, poisoned, overlapped;
  bool has_first;
  int total; // -1 = end not seen
  uint8_t byte[SPAN + 64];
  bool there[SPAN + 64];
  struct {
    unsigned offset, count;
  } pieces[STEPS];
  unsigned piece_count;
};

struct world {
  struct prop_mem door;
  struct mem mem;
  struct frag frag;
  struct model models[DATAGRAMS];
};

static void model_reset(struct model *m)
{
  memset(m, 0, sizeof *m);
  m->total = -1;
}

static unsigned model_end(const struct model *m)
{
  unsigned end = 0;
  for (unsigned i = 0; i < sizeof m->there; i++)
    if (m->there[i]) end = i + 1;
  return end;
}

// What the answer must be, as the rules say it and not as the code does it.
static int model_input(struct model *m, const struct frag_piece *p, enum frag_overlap policy)
{
  unsigned end = p->offset + (unsigned)p->count;
  if (m->open && m->poisoned) return -ESTAB_DROP_FRAG_OVERLAP;
  bool bad = p->count == 0 || p->offset % 8 || (p->more && p->count % 8);
  if (m->total >= 0)
    bad |= p->more ? end > (unsigned)m->total : end != (unsigned)m->total;
  else if (!p->more)
    bad |= model_end(m) > end;
  if (bad) {
    model_reset(m);
    return -ESTAB_DROP_FRAG_BOUNDS;
  }
  m->open = true;
  bool touches = false, repeated = false;
  for (unsigned i = p->offset; i < end; i++)
    touches |= m->there[i];
  for (unsigned i = 0; i < m->piece_count; i++)
    repeated |= m->pieces[i].offset == p->offset && m->pieces[i].count == p->count &&
                memcmp(m->byte + p->offset, p->bytes, p->count) == 0;
  if (touches && policy == FRAG_OVERLAP_DROP && !repeated) {
    m->poisoned = true;
    return -ESTAB_DROP_FRAG_OVERLAP;
  }
  for (unsigned i = p->offset; i < end; i++) {
    uint8_t b = p->bytes[i - p->offset];
    if (m->there[i] && m->byte[i] != b) m->overlapped = true;
    if (!m->there[i] || policy == FRAG_OVERLAP_LAST) m->byte[i] = b;
    m->there[i] = true;
  }
  m->pieces[m->piece_count].offset = p->offset;
  m->pieces[m->piece_count++].count = (unsigned)p->count;
  m->has_first |= p->offset == 0;
  if (!p->more) m->total = (int)end;
  for (int i = 0; i < m->total; i++)
    if (!m->there[i]) return -ESTAB_DROP_FRAG_WAITING;
  return m->total < 0 ? -ESTAB_DROP_FRAG_WAITING : 0;
}

// Most ends agree with each other, most pieces stay before them: else hardly any datagram would become whole.
static struct frag_piece random_piece(struct prop_rng *r, bool grid, const uint8_t *header,
                                      uint8_t *bytes)
{
  const unsigned end = SPAN - 3;
  unsigned count = 8 * (1 + prop_below(r, 10));
  struct frag_piece p = {.bytes = bytes, .header = header, .header_bytes = 20};
  p.offset = 8 * prop_below(r, SPAN / 8);
  p.more = !prop_one_in(r, 8);
  if (!p.more) {
    count = end - p.offset;
  } else if (p.offset + count > end) {
    p.offset = 8 * prop_below(r, 4);
    count = 8 * (1 + prop_below(r, 20));
  }
  if (grid && !prop_one_in(r, 60)) { // neighbours that fit: else every datagram is poisoned soon
    p.offset = 64 * prop_below(r, SPAN / 64);
    p.more = p.offset + 64 < SPAN;
    count = p.more ? 64 : end - p.offset;
  }
  if (prop_one_in(r, 100)) p.offset++; // impossible ones
  if (prop_one_in(r, 100)) count = prop_below(r, 30);
  if (prop_one_in(r, 200)) p.more = !p.more;
  if (p.offset + count > SPAN) count = SPAN - p.offset;
  p.count = count;
  return p;
}

static unsigned completed[3],
    contested[3]; // datagrams by policy: whole; whole with differing bytes

static bool datagram_right(const struct model *m, const struct frag_datagram *d)
{
  PROP_CHECK(d->payload_bytes == (size_t)m->total);
  PROP_CHECK(memcmp(d->payload, m->byte, d->payload_bytes) == 0);
  PROP_CHECK(d->header + d->header_bytes == d->payload);
  PROP_CHECK(d->overlapped == m->overlapped);
  return true;
}

static bool runs_with(struct prop_rng *r, enum frag_overlap policy)
{
  struct world w;
  memset(&w, 0, sizeof w);
  struct frag_settings settings;
  frag_settings_default(&settings);
  settings.overlap = (uint8_t)policy;
  mem_init(&w.mem, prop_mem_door(&w.door));
  frag_init(&w.frag, &w.mem, &settings, key);
  uint8_t header[20] = {0x45}, content[DATAGRAMS][SPAN];
  for (unsigned i = 0; i < DATAGRAMS; i++) {
    model_reset(&w.models[i]);
    for (unsigned k = 0; k < SPAN; k++)
      content[i][k] = (uint8_t)prop_u64(r);
  }
  bool honest = prop_one_in(r, 2); // else the bytes may differ from fragment to fragment
  for (unsigned step = 0; step < STEPS; step++) {
    unsigned which = prop_below(r, DATAGRAMS);
    uint8_t bytes[SPAN];
    struct frag_piece p = random_piece(r, honest, header, bytes);
    memcpy(bytes, content[which] + p.offset, p.offset + p.count <= SPAN ? p.count : 0);
    if (!honest && p.count && prop_one_in(r, 4)) bytes[prop_below(r, (uint32_t)p.count)] ^= 0x55;
    p.key.version = which % 2 ? 6 : 4;
    p.key.id = which;
    struct model *m = &w.models[which];
    uint8_t *exact = malloc(p.count ? p.count : 1); // a read past the fragment is found out
    memcpy(exact, bytes, p.count);
    p.bytes = exact;
    struct frag_datagram d;
    int want = model_input(m, &p, policy), got = frag_input(&w.frag, &p, 0, &d);
    free(exact);
    PROP_CHECK(got == want);
    if (got == 0) {
      if (!datagram_right(m, &d)) return false;
      completed[policy]++;
      contested[policy] += d.overlapped;
      model_reset(m);
    }
  }
  unsigned open = 0;
  for (unsigned i = 0; i < DATAGRAMS; i++)
    open += w.models[i].open;
  PROP_CHECK(w.frag.datagrams == open);
  struct frag_datagram d;
  unsigned expired = 0;
  while (frag_expire(&w.frag, UINT64_C(60000000000), &d)) {
    const struct model *m = &w.models[d.key.id];
    expired++;
    PROP_CHECK((d.header != NULL) == (m->has_first && !m->poisoned));
    if (d.header) PROP_CHECK(memcmp(d.payload, m->byte, d.payload_bytes) == 0);
  }
  PROP_CHECK(expired == open);
  PROP_CHECK(frag_deadline(&w.frag) == ESTAB_NEVER);
  PROP_CHECK(w.frag.bytes == 0);
  frag_destroy(&w.frag);
  PROP_CHECK(w.door.live_bytes == 0);
  return true;
}

static bool drop_holds(struct prop_rng *r)
{
  return runs_with(r, FRAG_OVERLAP_DROP);
}

static bool first_holds(struct prop_rng *r)
{
  return runs_with(r, FRAG_OVERLAP_FIRST);
}

static bool last_holds(struct prop_rng *r)
{
  return runs_with(r, FRAG_OVERLAP_LAST);
}

// Small caps, many sources, memory that fails at random: never a wrong byte, never over the cap, nothing lost.
static bool caps_hold(struct prop_rng *r)
{
  struct prop_mem door;
  struct mem mem;
  struct frag f;
  struct frag_settings settings;
  frag_settings_default(&settings);
  settings.max_bytes = 40000 + prop_below(r, 200000);
  settings.max_per_source = (uint16_t)(1 + prop_below(r, 8));
  settings.overlap = (uint8_t)prop_below(r, 3);
  mem_init(&mem, prop_mem_door(&door));
  frag_init(&f, &mem, &settings, key);
  uint8_t header[60] = {0}, bytes[SPAN];
  for (unsigned i = 0; i < SPAN; i++)
    bytes[i] = (uint8_t)(i * 7);
  uint64_t now = 0;
  for (unsigned step = 0; step < 3000; step++) {
    struct frag_piece p = random_piece(r, true, header, bytes);
    p.header_bytes = 60;
    p.bytes = bytes + p.offset;
    if (p.offset + p.count > SPAN) p.count = SPAN - p.offset;
    p.key.version = prop_one_in(r, 2) ? 6 : 4;
    p.key.id = prop_below(r, 20);
    p.key.src.bytes[3] = (uint8_t)prop_below(r, 30);
    now += prop_below(r, 200000000);
    door.fail_after = prop_one_in(r, 20) ? prop_below(r, 3) : UINT64_MAX;
    struct frag_datagram d;
    int got = frag_input(&f, &p, now, &d);
    if (got == 0) PROP_CHECK(memcmp(d.payload, bytes, d.payload_bytes) == 0);
    PROP_CHECK(mem.by_kind[ESTAB_MEM_NET] <= settings.max_bytes);
    PROP_CHECK(f.bytes <= mem.by_kind[ESTAB_MEM_NET]);
    PROP_CHECK(f.datagrams <= 30u * 2 * settings.max_per_source);
    if (prop_one_in(r, 10))
      while (frag_expire(&f, now, &d))
        PROP_CHECK(!d.header || memcmp(d.payload, bytes, d.payload_bytes) == 0);
  }
  door.fail_after = UINT64_MAX;
  frag_destroy(&f);
  PROP_CHECK(door.live_bytes == 0 && door.live_pieces == 0 && mem.in_use_bytes == 0);
  return true;
}

// Behind the others: what they tried did come to something.
static bool enough_happened(struct prop_rng *r)
{
  (void)r;
  for (int policy = 0; policy < 3; policy++)
    PROP_CHECK(completed[policy] > 100);
  PROP_CHECK(!contested[FRAG_OVERLAP_DROP]);
  PROP_CHECK(contested[FRAG_OVERLAP_FIRST] > 100 && contested[FRAG_OVERLAP_LAST] > 100);
  return true;
}

// The longest datagram there can be, and one byte more.
static bool edges_hold(struct prop_rng *r)
{
  static uint8_t bytes[FRAG_PAYLOAD_BYTES];
  struct prop_mem door;
  struct mem mem;
  struct frag f;
  struct frag_settings settings;
  frag_settings_default(&settings);
  mem_init(&mem, prop_mem_door(&door));
  frag_init(&f, &mem, &settings, key);
  uint8_t header[60] = {0};
  size_t header_bytes = 20 + 4 * prop_below(r, 11);
  for (unsigned version = 4; version <= 6; version += 2)
    for (unsigned over = 0; over < 2; over++) {
      uint32_t whole = FRAG_PAYLOAD_BYTES + over - (version == 4 ? (uint32_t)header_bytes : 0);
      uint32_t at = 0;
      int got = 0;
      struct frag_datagram d;
      while (at < whole) {
        struct frag_piece p = {.bytes = bytes, .header = header, .header_bytes = header_bytes};
        p.key.version = (uint8_t)version;
        p.offset = at;
        p.count = 8 * (80 + prop_below(r, 100));
        p.more = at + p.count < whole;
        if (!p.more) p.count = whole - at;
        at += (uint32_t)p.count;
        got = frag_input(&f, &p, 0, &d);
        if (p.more) PROP_CHECK(got == -ESTAB_DROP_FRAG_WAITING);
      }
      PROP_CHECK(got == (over ? -ESTAB_DROP_FRAG_BOUNDS : 0));
      if (!over) PROP_CHECK(d.payload_bytes == whole);
      PROP_CHECK(f.bytes == 0);
    }
  // One that can never fit is refused at once; so is what only the first header makes too long.
  struct frag_datagram d;
  struct frag_piece last = {.bytes = bytes, .header = header, .header_bytes = 20};
  last.key.version = 4;
  last.offset = 65512;
  last.count = 4;
  PROP_CHECK(frag_input(&f, &last, 0, &d) == -ESTAB_DROP_FRAG_BOUNDS);
  last.count = 3;
  PROP_CHECK(frag_input(&f, &last, 0, &d) == -ESTAB_DROP_FRAG_WAITING);
  int got = -ESTAB_DROP_FRAG_WAITING;
  for (uint32_t at = 0; at < 65512; at += 1080) {
    struct frag_piece p = {
        .bytes = bytes, .header = header, .header_bytes = at ? 20 : 24, .more = true};
    p.key.version = 4;
    p.offset = at;
    p.count = at + 1080 < 65512 ? 1080 : 65512 - at;
    PROP_CHECK(got == -ESTAB_DROP_FRAG_WAITING);
    got = frag_input(&f, &p, 0, &d);
  }
  PROP_CHECK(got == -ESTAB_DROP_FRAG_BOUNDS && f.bytes == 0);
  frag_destroy(&f);
  PROP_CHECK(door.live_bytes == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"drop", drop_holds, 150},      {"first", first_holds, 150}, {"last", last_holds, 150},
      {"enough", enough_happened, 1}, {"edges", edges_hold, 20},   {"caps", caps_hold, 40},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof *props);
}
