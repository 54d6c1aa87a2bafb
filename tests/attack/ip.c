// SPDX-License-Identifier: BSD-2-Clause
// ip.c - ATTACKS I1 to I4: fragments that overlap, tiny ones, IPv4 options, messages that want to turn our routes.
#include "support/attack.h"
#include "support/lab.h"

#include "base/bytes.h"

static struct lab l;
static uint8_t frame[2000];

#define MS UINT64_C(1000000)

static const char *family(bool six)
{
  return six ? "IPv6" : "IPv4";
}

static bool is_icmp(bool six, int type)
{
  const struct lab_out *o = &l.out[0];
  return l.outs == 1 && o->count > (six ? 44u : 24u) && o->bytes[six ? 6 : 9] == (six ? 58 : 1) &&
         o->bytes[six ? 40 : 20] == type;
}

static bool echoed(bool six)
{
  return is_icmp(six, six ? ESTAB_ICMP6_ECHO_REPLY : ESTAB_ICMP4_ECHO_REPLY);
}

// ---- I1: overlaps (RFC 8200 4.5, RFC 5722 4; IPv4 the same by choice).

#define ECHO_BYTES 128

// Octets [from, to) of an echo of ECHO_BYTES as a fragment.
static void send_piece(bool six, uint32_t id, uint32_t from, uint32_t to, bool other_octets)
{
  uint8_t whole[300], payload[300];
  size_t header = six ? 40 : 20;
  lab_echo(&l, six, ECHO_BYTES - 8, whole);
  size_t n = 0;
  struct estab_fragment f = {.id = id, .offset = (uint16_t)from, .more = to < ECHO_BYTES};
  if (six) n = estab_ip6_fragment_emit(&f, 58, payload);
  memcpy(payload + n, whole + header + from, to - from);
  if (other_octets) payload[n] ^= 0xff;
  n = lab_packet(&l, six, six ? 44 : 1, payload, n + to - from, frame);
  if (!six) {
    put_be16(frame + 4, (uint16_t)id);
    put_be16(frame + 6, (uint16_t)(from / 8 | (f.more ? 0x2000u : 0)));
    lab_checksum(frame, n, SIZE_MAX);
  }
  lab_inject(&l, frame, n);
}

static void i1(struct attack_run *r)
{
  static const struct {
    const char *name;
    uint32_t pieces[5][2];
    bool whole; // an answer comes
  } forms[] = {
      {"no overlap", {{0, 64}, {64, 128}}, true},
      {"out of order", {{64, 128}, {0, 64}}, true},
      {"three in any order", {{88, 128}, {0, 40}, {40, 88}}, true},
      {"the same twice", {{0, 64}, {0, 64}, {64, 128}}, true},
      {"the last twice", {{64, 128}, {64, 128}, {0, 64}}, true},
      {"at the head", {{64, 128}, {0, 72}, {0, 64}}, false},
      {"at the tail", {{0, 64}, {56, 128}, {64, 128}}, false},
      {"in the middle", {{0, 128 - 8}, {40, 48}, {120, 128}}, false},
      {"around", {{40, 48}, {0, 64}, {64, 128}, {0, 40}}, false},
      {"a longer first one", {{0, 40}, {0, 48}, {40, 128}}, false},
      {"two last ones", {{64, 128}, {56, 128}, {0, 64}, {0, 56}}, false},
  };
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  uint32_t id = 100;
  for (unsigned i = 0; i < 2 * sizeof forms / sizeof *forms; i++) {
    bool six = i & 1;
    id++;
    lab_advance(&l, 10 * MS);
    for (unsigned p = 0; p < 5 && forms[i / 2].pieces[p][1]; p++)
      send_piece(six, id, forms[i / 2].pieces[p][0], forms[i / 2].pieces[p][1], false);
    lab_drain(&l);
    bool ok = forms[i / 2].whole ? echoed(six) && l.out[0].count == (six ? 40 : 20) + ECHO_BYTES
                                 : l.outs == 0; // silently
    attack_case(r, ok, NULL, "I1 %s over %s: %u answers", forms[i / 2].name, family(six), l.outs);
    if (!forms[i / 2].whole) { // later pieces are dropped, too, though they fit
      send_piece(six, id, 0, 64, false);
      send_piece(six, id, 64, 128, false);
      attack_case(r, lab_drain(&l) == 0, NULL, "I1 %s over %s, later pieces", forms[i / 2].name,
                  family(six));
    }
  }
  for (unsigned six = 0; six < 2; six++) { // by one unit of 8 octets, at every place
    for (uint32_t at = 8; at < 120; at += 8) {
      id++;
      send_piece(six, id, 0, at, false);
      send_piece(six, id, at - 8, 128, at & 8);
      attack_case(r, lab_drain(&l) == 0, NULL, "I1 overlap of 8 octets at %u over %s", at - 8,
                  family(six));
    }
  }
  lab_advance(&l, 120000 * MS);
  attack_case(r, lab_end(&l), NULL, "I1 memory");
}

// ---- I2: atomic fragments (RFC 6946), tiny first ones (RFC 1858, 3128; RFC 7112 5).

static void i2(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  for (unsigned i = 0; i < 8; i++) { // alone, whatever waits under its number
    if (i & 1) {
      send_piece(true, i / 2, 0, 64, false);
      lab_drain(&l);
    }
    uint8_t payload[200];
    size_t n = lab_echo(&l, true, 40, frame);
    estab_ip6_fragment_emit(&(struct estab_fragment){.id = i / 2}, 58, payload);
    memcpy(payload + 8, frame + 40, n - 40);
    n = lab_packet(&l, true, 44, payload, n - 32, frame);
    lab_advance(&l, 10 * MS);
    lab_ask(&l, frame, n);
    attack_case(r, echoed(true), NULL, "I2 an atomic fragment%s, number %u",
                i & 1 ? " while others of it wait" : "", i / 2);
    if (i & 1) {
      send_piece(true, i / 2, 64, 128, false);
      lab_drain(&l);
      attack_case(r, echoed(true), NULL, "I2 those that wait are not disturbed, number %u", i / 2);
    }
  }
  static const struct {
    uint8_t protocol;
    uint8_t least; // octets of its header that the first fragment must hold
  } headers[] = {{6, 20}, {17, 8}, {1, 8}, {58, 8}};
  for (unsigned i = 0; i < 4; i++)
    for (size_t bytes = 8; bytes <= 24; bytes += 8) {
      bool six = headers[i].protocol == 58 || (headers[i].protocol != 1 && bytes == 16);
      uint8_t payload[64] = {0};
      size_t n = 0;
      struct estab_fragment f = {.id = 700 + i, .more = true};
      if (six) n = estab_ip6_fragment_emit(&f, headers[i].protocol, payload);
      n = lab_packet(&l, six, six ? 44 : headers[i].protocol, payload, n + bytes, frame);
      if (!six) {
        put_be16(frame + 6, 0x2000);
        lab_checksum(frame, n, SIZE_MAX);
      }
      uint64_t before = estab_drop_count(l.s, ESTAB_DROP_FRAG_FIRST_SHORT);
      lab_advance(&l, 70000 * MS);
      lab_ask(&l, frame, n);
      bool dropped = estab_drop_count(l.s, ESTAB_DROP_FRAG_FIRST_SHORT) > before;
      attack_case(r, dropped == (bytes < headers[i].least), NULL,
                  "I2 a first fragment of %zu octets, protocol %u over %s", bytes,
                  headers[i].protocol, family(six));
    }
  attack_case(r, lab_end(&l), NULL, "I2 memory");
}

// ---- I3: IPv4 options (RFC 7126 4; CVE-2019-12256): source routes dropped (a departure from
// RFC 9293 3.9.2.1 [MUST-53, SHLD-24]), the others skipped within bounds.

// What a careful reader makes of them: 1 taken, 0 dropped.
static bool options_fit(const uint8_t *o, size_t n)
{
  for (size_t i = 0; i < n;) {
    if (o[i] == 0) return true;
    if (o[i] == 1) {
      i++;
      continue;
    }
    if (i + 1 >= n || o[i + 1] < 2 || i + o[i + 1] > n) return false;
    if (o[i] == 131 || o[i] == 137) return false;
    i += o[i + 1];
  }
  return true;
}

static bool options_are_judged(const uint8_t *options, size_t n)
{
  uint8_t echo[100];
  size_t bytes = lab_echo(&l, false, 20, echo);
  struct estab_ip4_header h = {.src = l.peer[0],
                               .dst = l.us[0],
                               .protocol = 1,
                               .ttl = 64,
                               .total_bytes = (uint16_t)(bytes + n),
                               .options = options,
                               .options_bytes = (uint8_t)n};
  size_t header = estab_ip4_emit(&h, frame);
  memcpy(frame + header, echo + 20, bytes - 20);
  lab_advance(&l, 10 * MS);
  lab_ask(&l, frame, bytes + n);
  bool fit = options_fit(options, n);
  if (!fit) return l.outs == 0;
  return echoed(false) && l.out[0].count == bytes; // an answer has no options: nothing is recorded
}

static void i3(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  for (unsigned kind = 0; kind < 256; kind++) {
    bool ok = true;
    for (unsigned length = 0; ok && length <= 41; length++)
      for (unsigned at = 0; ok && at < 12; at += 3) {
        uint8_t options[12];
        memset(options, 1, sizeof options);
        options[at] = (uint8_t)kind;
        if (at + 1 < 12) options[at + 1] = (uint8_t)length;
        if (at + 2 < 12)
          options[at + 2] = (uint8_t)(length & 1 ? 4 : 255); // a pointer, perhaps far out
        ok = options_are_judged(options, sizeof options);
      }
    attack_case(r, ok, NULL, "I3 option %u of any length", kind);
  }
  for (unsigned seed = 1; seed <= 20; seed++) {
    struct prop_rng rng = {seed};
    bool ok = true;
    for (unsigned i = 0; ok && i < 200; i++) {
      static const uint8_t kinds[] = {0, 1, 7, 68, 131, 137, 148, 130, 255};
      uint8_t options[40];
      size_t n = 4 * prop_below(&rng, 11);
      for (size_t at = 0; at < n; at++)
        options[at] =
            prop_one_in(&rng, 3) ? kinds[prop_below(&rng, 9)] : (uint8_t)prop_below(&rng, 42);
      ok = options_are_judged(options, n);
    }
    attack_case(r, ok, NULL, "I3 200 random options, seed %u", seed);
  }
  attack_case(r, lab_end(&l), NULL, "I3 memory");
}

// ---- I4: redirects, source quench, mask and timestamp requests (RFC 6633, RFC 1122 3.2.2).

static void i4(struct attack_run *r)
{
  static const struct {
    const char *name;
    bool six;
    uint8_t type, code;
  } messages[] = {{"redirect for a net", false, 5, 0},
                  {"redirect for a host", false, 5, 1},
                  {"redirect, other code", false, 5, 9},
                  {"source quench", false, 4, 0},
                  {"mask request", false, 17, 0},
                  {"mask reply", false, 18, 0},
                  {"timestamp request", false, 13, 0},
                  {"timestamp reply", false, 14, 0},
                  {"information request", false, 15, 0},
                  {"router advertisement", false, 9, 0},
                  {"router solicitation", false, 10, 0},
                  {"unknown type", false, 77, 0},
                  {"redirect", true, 137, 0},
                  {"router advertisement", true, 134, 0},
                  {"router solicitation", true, 133, 0},
                  {"multicast listener query", true, 130, 0},
                  {"node information", true, 139, 0},
                  {"unknown informational", true, 200, 0}};
  static struct kit k;
  for (unsigned i = 0; i < 2 * sizeof messages / sizeof *messages; i++) {
    bool six = messages[i / 2].six;
    kit_init(&k, six, NULL);
    kit_make(&k, KIT_ESTABLISHED);
    // As an error about what is in flight, with a gateway in its second word; and as a message of 8 octets.
    uint8_t packet[200];
    size_t n = lab_icmp_error(&k.tuple, messages[i / 2].type, messages[i / 2].code, 0xc0000263u,
                              kit_seg(&k)->snd.una, 20, packet);
    if (i & 1) {
      n = (six ? 40u : 20u) + 8u;
      put_be16(packet + (six ? 4 : 2), six ? 8 : 28);
    }
    if (six) packet[7] = 255;
    lab_checksum(packet, n, 0);
    struct estab_conn_info was = {.struct_bytes = sizeof was}, now = was;
    (void)estab_conn_info(k.s, k.conn, &was);
    kit_clear(&k);
    k.events = 0;
    lab_input(k.s, k.now_ns, packet, n, NULL, 0);
    kit_user(&k);
    unsigned answers = kit_drain(&k);
    (void)estab_conn_info(k.s, k.conn, &now);
    bool ok = answers == 0 && k.events == 0 && strcmp(kit_dropped(&k), "") != 0 &&
              memcmp(&was, &now, sizeof was) == 0 && kit_lives(&k); // it goes where it went
    attack_case(r, kit_end(&k) && ok, k.log, "I4 %s over %s, form %u", messages[i / 2].name,
                family(six), i & 1);
  }
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"I1", "fragments that overlap", i1},
      {"I2", "atomic fragments, tiny first ones", i2},
      {"I3", "source routes and other IPv4 options", i3},
      {"I4", "redirects, source quench, mask replies", i4},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
