// SPDX-License-Identifier: BSD-2-Clause
// scan_version.c - service version probing: one source says the openings of several protocols to one port.
//
// A client speaks the one protocol that it came for. Who asks a port in HTTP, then in RTSP, then in RPC
// wants to know what is there: three openings of different protocols are enough, within ten minutes: a prober
// says them one after the other, within one or two; behind one address many clients with their own protocols
// say them within days. Some openings are the prober's own and enough alone; and so is HTTP/1.0 without any
// header, said after five seconds of listening for a greeting.
#include <string.h>

#include "watch/scan_parts.h"
#include "base/bytes.h"

#define VERSION_OPENINGS       3
#define VERSION_WITHIN_NS      (600 * SCAN_S)
#define VERSION_LISTEN_FROM_NS (4500 * UINT64_C(1000000))
#define VERSION_LISTEN_TO_NS   (9 * SCAN_S)

struct version_pair {
  struct scan_node node; // source; fingerprint of (host, port)
  uint64_t first_ns;     // of `openings`
  uint32_t openings;     // a bit for each protocol
};

// Openings by their first octets; `own`: nobody but a prober says this. Offset: where they begin.
static const struct version_opening {
  const char *text;
  uint8_t bytes, offset, protocol;
  bool own;
} version_openings[] = {
    {"GET /nice%20ports", 17, 0, 0, true},
    {"OPTIONS sip:nm ", 15, 0, 1, true},
    {"random1random2random3", 21, 15, 2, true},
    {"\x3f\x47\xd7\xf7\xba\x2c\xee\xea", 8, 11, 2, true},
    {"\x80\x00\x00\x28\x72\xfe\x1d\x13", 8, 0, 3, true},
    {"mstshash=nmap", 13, 19, 4, true},
    {"OPTIONS / RTSP/1.0\r\n\r\n", 22, 0, 5, false},
    {"OPTIONS / HTTP/1.0\r\n\r\n", 22, 0, 6, false},
    {"GET / HTTP/1.0\r\n\r\n", 18, 0, 7, false},
    {"HELP\r\n", 6, 0, 8, false},
    {"\r\n\r\n", 4, 0, 9, false},
    {"\x00\x1e\x00\x06\x01\x00\x00\x01", 8, 0, 10, false},
    {"\x00\x0c\x00\x00\x10\x00", 6, 0, 11, false},
    {"\x16\x03", 2, 0, 12, false},
    {"\x00\x00\x00\x71\x6a\x81\x6e\x30", 8, 0, 13, false},
    {"\x00\x00\x00\xa4\xffSMB", 8, 0, 14, false},
    {"l\x00\x0b\x00\x00\x00", 6, 0, 15, false},
    {"\x01"
     "default\n",
     9, 0, 16, false},
    {"0\x84\x00\x00\x00-\x02\x01", 8, 0, 17, false},
    {"0\x0c\x02\x01\x01`\x07", 7, 0, 18, false},
    {"TNMP\x04\x00", 6, 0, 19, false},
    {"DmdT\x00\x00", 6, 0, 20, false},
    {":\x00\x00\x00/", 5, 0, 21, false},
    {"JRMI\x00\x02K", 7, 0, 22, false},
    {"GIOP\x01\x00", 6, 0, 23, false},
};

#define VERSION_TEXTS (sizeof version_openings / sizeof *version_openings)

static unsigned version_first_in(const struct watch_packet *p, const uint8_t *next, unsigned at)
{
  for (; at < VERSION_TEXTS; at = next[at]) {
    const struct version_opening *v = &version_openings[at];
    if (p->payload_captured_bytes >= (uint32_t)v->offset + v->bytes &&
        p->payload[v->offset + v->bytes - 1] == (uint8_t)v->text[v->bytes - 1] && // mostly not
        memcmp(p->payload + v->offset, v->text, v->bytes) == 0)
      break;
  }
  return at;
}

// The first of the list. By their first octet few can be meant.
static const struct version_opening *version_opening_of(const struct scan *s,
                                                        const struct watch_packet *p)
{
  if (p->payload_captured_bytes == 0) return NULL;
  const struct scan_openings *o = &s->openings;
  const unsigned begins = version_first_in(p, o->next, o->by_octet[p->payload[0]]);
  const unsigned behind = version_first_in(p, o->next, o->behind);
  const unsigned at = begins < behind ? begins : behind;
  return at < VERSION_TEXTS ? &version_openings[at] : NULL;
}

static void version_openings_sort(struct scan_openings *o)
{
  _Static_assert(VERSION_TEXTS <= SCAN_OPENINGS, "room for all");
  memset(o, VERSION_TEXTS, sizeof *o);
  for (unsigned i = VERSION_TEXTS; i-- > 0;) {
    const struct version_opening *v = &version_openings[i];
    uint8_t *head = v->offset ? &o->behind : &o->by_octet[(uint8_t)v->text[0]];
    o->next[i] = *head;
    *head = (uint8_t)i;
  }
}

// HTTP/1.0 without a header, after a wait that a client with a question does not make once it is connected.
static bool version_listened(const struct observation *o, const struct version_opening *v)
{
  uint64_t waited_ns = o->ts_ns - o->handshake_ns;
  return v->protocol == 7 && o->packet->payload_bytes == v->bytes &&
         waited_ns >= VERSION_LISTEN_FROM_NS && waited_ns <= VERSION_LISTEN_TO_NS;
}

void scan_version(struct scan *s, const struct observation *o)
{
  if (o->kind != OBSERVE_DATA || !o->packet || o->side != ESTAB_WATCH_ORIG) return;
  const struct version_opening *v = version_opening_of(s, o->packet);
  if (!v) return;
  struct scan_key key = scan_source_key(&o->orig_ip, scan_service(s, o));
  uint32_t index = scan_table_get(&s->versions, &key);
  if (index == SLAB_NONE) return;
  struct version_pair *pair = scan_table_at(&s->versions, index);
  if (o->ts_ns > pair->first_ns + VERSION_WITHIN_NS) pair->openings = 0;
  if (pair->openings == 0) pair->first_ns = o->ts_ns;
  pair->openings |= UINT32_C(1) << v->protocol;

  struct campaigns *c = &s->campaigns;
  struct campaign *it =
      campaign_find(c, CAMPAIGN_BY_SOURCE, &o->orig_ip, ESTAB_WATCH_KIND_VERSION_PROBE);
  unsigned openings = 0;
  for (uint32_t x = pair->openings; x; x &= x - 1)
    openings++;
  if (!it && !v->own && openings < VERSION_OPENINGS && !version_listened(o, v)) return;
  static const struct probe none = {.technique = PROBE_NONE};
  struct campaign_probe record = scan_probe_record(o, &none, ESTAB_WATCH_OPEN);
  record.flags = o->packet->tcp.flags;
  record.packet = o->packet_number;
  record.ts_ns = o->ts_ns;
  if (!it) it = campaign_start(c, ESTAB_WATCH_KIND_VERSION_PROBE, &o->orig_ip, &record);
  if (!it) return;
  campaign_proven(c, it, &o->orig_ip);
  campaign_add(c, it, &record);
}

bool scan_versions_init(struct scan *s, uint32_t max)
{
  version_openings_sort(&s->openings);
  return scan_table_init(&s->versions, s->mem, sizeof(struct version_pair), max,
                         s->settings->secret);
}
