// SPDX-License-Identifier: BSD-2-Clause
// parsing_ip.c - ATTACKS P6 to P14: frames, IP headers, extension chains, ICMP, ND and UDP made to hurt.
#include "support/attack.h"
#include "support/lab.h"

#include "base/bytes.h"

static struct lab l;
static uint8_t frame[70000];

#define MS UINT64_C(1000000)

static const char *family(bool six)
{
  return six ? "IPv6" : "IPv4";
}

// The ICMP type of the only frame that came out, or -1.
static int only_icmp(bool six)
{
  const struct lab_out *o = &l.out[0];
  if (l.outs != 1 || o->count < (six ? 44u : 24u)) return -1;
  if (six) return o->bytes[0] >> 4 == 6 && o->bytes[6] == 58 ? o->bytes[40] : -1;
  return o->bytes[0] >> 4 == 4 && o->bytes[9] == 1 ? o->bytes[20] : -1;
}

static bool echoed(bool six)
{
  return only_icmp(six) == (six ? ESTAB_ICMP6_ECHO_REPLY : ESTAB_ICMP4_ECHO_REPLY);
}

// Asks at a moment at which no limiter is in the way.
static unsigned ask(const uint8_t *bytes, size_t n)
{
  lab_advance(&l, 300 * MS);
  return lab_ask(&l, bytes, n);
}

// ---- P6: IPv4 lengths that contradict each other or the frame (RFC 791 3.1, RFC 1122 3.2.1.1).

static void p6(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  const size_t whole = lab_echo(&l, false, 32, frame);
  for (unsigned version = 0; version < 16; version++)
    for (unsigned ihl = 0; ihl < 16; ihl++) {
      bool ok = true;
      for (unsigned total = 0; ok && total <= whole + 64; total++)
        for (size_t pad = 0; ok && pad <= 64; pad += 32) {
          size_t n = lab_echo(&l, false, 32, frame);
          for (size_t i = 0; i < pad; i++)
            frame[n + i] = (uint8_t)(i * 37 + 11);
          frame[0] = (uint8_t)(version << 4 | ihl);
          put_be16(frame + 2, (uint16_t)total);
          put_be16(frame + 10, 0);
          size_t header = ihl * 4 < 20 ? 20 : ihl * 4;
          put_be16(frame + 10, estab_checksum_finish(estab_checksum_add(0, frame, header)));
          lab_advance(&l, 2 * MS);
          unsigned answers = lab_ask(&l, frame, n + pad);
          bool right = version == 4 && ihl == 5 && total == whole;
          ok = answers == (right ? 1u : 0u) && (!right || echoed(false));
          if (right) ok = ok && l.out[0].count == whole; // padding is not sent back
        }
      attack_case(r, ok, NULL, "P6 version %u, header length %u, any total length", version, ihl);
    }
  attack_case(r, lab_end(&l), NULL, "P6 memory");
}

// ---- P7: every frame cut at every octet, each in a heap block of its size; and padded.

static size_t make_ethernet(uint16_t type, const uint8_t *payload, size_t n, uint8_t *out)
{
  struct estab_eth_header eth = {.type = type};
  memcpy(eth.dst, "\2\0\0\0\0\1", 6);
  memcpy(eth.src, "\2\0\0\0\0\2", 6);
  memmove(out + 14, payload, n); // they may be one buffer
  estab_eth_emit(&eth, out);
  return 14 + n;
}

static size_t make_nd(uint8_t type, uint8_t *out)
{
  struct estab_nd nd = {.type = type, .present = ESTAB_ND_SOURCE_MAC, .target = l.us[1]};
  if (type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT) {
    nd.present = ESTAB_ND_TARGET_MAC;
    nd.target = l.peer[1];
  }
  memcpy(nd.source_mac, "\2\0\0\0\0\2", 6);
  memcpy(nd.target_mac, "\2\0\0\0\0\2", 6);
  uint8_t message[ESTAB_ND_MAX_BYTES];
  size_t n = lab_packet(&l, true, 58, message, estab_nd_emit(&nd, message), out);
  out[7] = 255;
  if (type == ESTAB_ICMP6_ROUTER_ADVERTISEMENT) memcpy(out + 8, "\xfe\x80\0\0\0\0\0", 8);
  lab_checksum(out, n, 0);
  return n;
}

static size_t make_syn(bool six, uint8_t *out)
{
  uint8_t segment[60];
  struct estab_tcp_header h = {.src_port = 5000, .dst_port = 81, .flags = ESTAB_TCP_SYN};
  h.options.present = ESTAB_TCP_OPT_MSS;
  h.options.mss = 1400;
  size_t n = lab_packet(&l, six, 6, segment, estab_tcp_emit(&h, segment), out);
  lab_checksum(out, n, 0);
  return n;
}

static size_t make_chained_echo(uint8_t *out)
{
  uint8_t payload[200] = {58, 0, 1, 4};
  size_t n = lab_echo(&l, true, 20, out);
  memcpy(payload + 8, out + 40, n - 40);
  return lab_packet(&l, true, 60, payload, n - 32, out); // the checksum is of the message, still
}

static size_t make_fragment(bool six, uint8_t *out)
{
  uint8_t payload[64] = {0};
  if (six) {
    struct estab_fragment f = {.id = 5, .more = true};
    estab_ip6_fragment_emit(&f, 58, payload);
    return lab_packet(&l, true, 44, payload, 8 + 16, out);
  }
  size_t n = lab_packet(&l, false, 1, payload, 16, out);
  put_be16(out + 6, 0x2000);
  lab_checksum(out, n, SIZE_MAX); // only the header
  return n;
}

static size_t make_frame(unsigned kind, uint8_t *out)
{
  struct estab_tuple tuple = {l.us[0], l.peer[0], 80, 5000};
  struct estab_arp arp = {.operation = ESTAB_ARP_REQUEST,
                          .sender_ip = l.peer[0],
                          .target_ip = l.us[0],
                          .sender_mac = {2, 0, 0, 0, 0, 2}};
  switch (kind) {
  case 0: return lab_echo(&l, false, 24, out);
  case 1: return lab_echo(&l, true, 24, out);
  case 2: return lab_udp(&l, false, 9, 30, out);
  case 3: return lab_udp(&l, true, 9, 30, out);
  case 4: return make_syn(false, out);
  case 5: return make_syn(true, out);
  case 6: return lab_icmp_error(&tuple, 3, 1, 0, 1, 20, out);
  case 7: return make_chained_echo(out);
  case 8: return make_fragment(false, out);
  case 9: return make_fragment(true, out);
  case 10: return make_nd(ESTAB_ICMP6_NEIGHBOUR_SOLICITATION, out);
  case 11: return make_nd(ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT, out);
  case 12: return make_nd(ESTAB_ICMP6_ROUTER_ADVERTISEMENT, out);
  case 13: return estab_arp_emit(&arp, out);
  default: arp.operation = ESTAB_ARP_REPLY; return estab_arp_emit(&arp, out);
  }
}

static void p7(struct attack_run *r)
{
  static const char *const names[] = {"echo 4", "echo 6",     "UDP 4", "UDP 6",  "SYN 4",
                                      "SYN 6",  "ICMP error", "chain", "frag 4", "frag 6",
                                      "NS",     "NA",         "RA",    "ARP",    "ARP reply"};
  for (unsigned ethernet = 0; ethernet < 2; ethernet++)
    for (unsigned kind = 0; kind < (ethernet ? 15u : 13u); kind++) {
      bool six = kind == 1 || kind == 3 || kind == 5 || kind == 7 || (kind >= 9 && kind <= 12);
      lab_init(&l, ethernet ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW, NULL);
      size_t n = make_frame(kind, frame);
      if (ethernet)
        n = make_ethernet(kind >= 13 ? ESTAB_ETH_ARP
                          : six      ? ESTAB_ETH_IP6
                                     : ESTAB_ETH_IP4,
                          frame, n, frame);
      bool ok = true;
      for (size_t cut = 0; ok && cut < n; cut++)
        ok = ask(frame, cut) == 0;
      attack_case(r, ok, NULL, "P7 %s over %s cut at every octet", names[kind],
                  ethernet ? "Ethernet" : "a raw link");
      unsigned whole = ask(frame, n);
      bool answered = kind <= 5 || kind == 7 || (kind == 10 && ethernet) || kind == 13;
      memset(frame + n, 0xaa, 64);
      attack_case(r, (whole > 0) == answered, NULL, "P7 %s whole: %u answers", names[kind], whole);
      lab_end(&l);
      lab_init(&l, ethernet ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW, NULL);
      ok = ask(frame, n + 46) == whole; // a new stack: nobody is asked for twice
      attack_case(r, lab_end(&l) && ok, NULL, "P7 %s padded", names[kind]);
    }
}

// ---- P8: IPv6 payload lengths (RFC 8200 3); 0 with a jumbo option (RFC 2675: not taken).

static void p8(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  static const size_t texts[] = {0, 1, 8, 100, 1000};
  for (unsigned t = 0; t < 5; t++) {
    const size_t n = lab_echo(&l, true, texts[t], frame);
    const size_t payload = n - 40;
    const size_t lengths[] = {0,           1,  7,   8,   payload - 1, payload, payload + 1,
                              payload + 8, 60, 255, 256, 1280,        32768,   65535};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      lab_echo(&l, true, texts[t], frame);
      put_be16(frame + 4, (uint16_t)lengths[i]);
      bool shorter = lengths[i] >= 8 && lengths[i] < payload;
      if (shorter) lab_checksum(frame, 40 + lengths[i], 0); // a whole message, and octets behind it
      unsigned answers = ask(frame, n);
      bool right = shorter || lengths[i] == payload;
      bool ok = answers == (right ? 1u : 0u);
      if (right) ok = ok && echoed(true) && l.out[0].count == 40 + lengths[i];
      attack_case(r, ok, NULL, "P8 payload length %zu of %zu", lengths[i], payload);
    }
  }
  for (unsigned length = 0; length < 2; length++) { // jumbo option, payload length 0 or right
    static const uint8_t jumbo[8] = {58, 0, 0xc2, 4, 0, 1, 0, 0};
    uint8_t payload[64];
    size_t n = lab_echo(&l, true, 20, frame);
    memcpy(payload, jumbo, 8);
    memcpy(payload + 8, frame + 40, n - 40);
    n = lab_packet(&l, true, 0, payload, n - 32, frame);
    if (length == 0) put_be16(frame + 4, 0);
    unsigned answers = ask(frame, n);
    attack_case(r, answers == 0 || (length && only_icmp(true) == ESTAB_ICMP6_PARAMETER_PROBLEM),
                NULL, "P8 jumbo option, payload length %s", length ? "right" : "0");
  }
  attack_case(r, lab_end(&l), NULL, "P8 memory");
}

// ---- P9: extension headers without end (RFC 8200 4.1, RFC 7112 5, RFC 8504 5.3, RFC 5095).

// A chain as it grows, and what a host may make of it.
struct chain {
  uint8_t bytes[1400];
  size_t count, next_at; // next_at: where the next header's number goes, SIZE_MAX = the IPv6 header
  uint8_t first;
  unsigned headers, fragments;
  bool taken;
};

static void chain_number(struct chain *c, uint8_t number)
{
  if (c->next_at == SIZE_MAX)
    c->first = number;
  else
    c->bytes[c->next_at] = number;
}

// a, b: options in it; or routing type and segments left; or the offset field of a fragment header.
static void chain_add(struct chain *c, uint8_t kind, unsigned a, unsigned b)
{
  chain_number(c, kind);
  uint8_t *h = c->bytes + c->count;
  size_t bytes = 8;
  memset(h, 0, 48);
  if (kind == 0 || kind == 60) {
    bytes = (2 + 2 * a + 7) / 8 * 8;
    for (unsigned i = 0; i < a; i++)
      h[2 + 2 * i] = 0x1e; // unknown, to be skipped; the rest is Pad1
    c->taken = c->taken && a <= 8 && (kind == 60 || c->headers == 0);
    h[1] = (uint8_t)(bytes / 8 - 1);
  } else if (kind == 43) {
    h[2] = (uint8_t)a;
    h[3] = (uint8_t)b;
    c->taken = c->taken && a != 0 && b == 0;
  } else {
    put_be16(h + 2, (uint16_t)a);
    c->taken = c->taken && a == 0 && c->fragments++ == 0;
  }
  c->next_at = c->count;
  c->count += bytes;
  c->taken = c->taken && ++c->headers <= 8;
}

static void chain_start(struct chain *c)
{
  memset(c, 0, sizeof *c);
  c->next_at = SIZE_MAX;
  c->taken = true;
}

static bool chain_is_judged(struct chain *c)
{
  chain_number(c, 58);
  uint8_t echo[100];
  size_t n = lab_echo(&l, true, 16, echo);
  memcpy(c->bytes + c->count, echo + 40, n - 40);
  n = lab_packet(&l, true, c->first, c->bytes, c->count + n - 40, frame);
  unsigned answers = ask(frame, n);
  if (c->taken) return echoed(true);
  return answers == 0 || only_icmp(true) == ESTAB_ICMP6_PARAMETER_PROBLEM;
}

static bool random_chains(struct prop_rng *rng, unsigned *taken)
{
  static const uint8_t kinds[] = {60, 60, 60, 43, 43, 44, 0};
  for (unsigned i = 0; i < 500; i++) {
    struct chain c;
    chain_start(&c);
    for (unsigned n = prop_one_in(rng, 3) ? prop_below(rng, 41) : prop_below(rng, 6); n > 0; n--) {
      uint8_t kind = c.headers == 0 && prop_one_in(rng, 2) ? 0 : kinds[prop_below(rng, 7)];
      if (kind == 43)
        chain_add(&c, 43, prop_one_in(rng, 4) ? 0 : 3, prop_one_in(rng, 4));
      else if (kind == 44)
        chain_add(&c, 44, prop_one_in(rng, 4) ? 1 : 0, 0);
      else
        chain_add(&c, kind, prop_one_in(rng, 4) ? prop_below(rng, 12) : 1, 0);
      if (kind == 44 && !c.taken && c.fragments == 1) break; // a real fragment: it only waits
    }
    *taken += c.taken;
    if (!chain_is_judged(&c)) return false;
  }
  return true;
}

static void p9(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  struct chain c;
  for (unsigned n = 0; n <= 40; n++) {
    chain_start(&c);
    for (unsigned i = 0; i < n; i++)
      chain_add(&c, 60, 1, 0);
    attack_case(r, chain_is_judged(&c), NULL, "P9 %u destination option headers", n);
  }
  for (unsigned at = 0; at < 8; at++) {
    chain_start(&c);
    for (unsigned i = 0; i < 8; i++)
      chain_add(&c, i == at ? 0 : 60, 1, 0);
    attack_case(r, chain_is_judged(&c), NULL, "P9 hop-by-hop as header %u", at);
  }
  for (unsigned options = 0; options <= 20; options++) {
    chain_start(&c);
    chain_add(&c, options & 1 ? 0 : 60, options, 0);
    attack_case(r, chain_is_judged(&c), NULL, "P9 %u options in a header", options);
  }
  for (unsigned type = 0; type < 5; type++)
    for (unsigned left = 0; left < 2; left++) {
      chain_start(&c);
      chain_add(&c, 43, type, left);
      attack_case(r, chain_is_judged(&c), NULL, "P9 routing type %u, %u left", type, left);
    }
  for (unsigned n = 1; n < 5; n++) {
    chain_start(&c);
    for (unsigned i = 0; i < n; i++)
      chain_add(&c, 44, 0, 0);
    attack_case(r, chain_is_judged(&c), NULL, "P9 %u fragment headers", n);
  }
  for (unsigned length = 1; length < 256;
       length++) { // header lengths past the packet; 255 must not wrap
    chain_start(&c);
    chain_add(&c, 60, 1, 0);
    c.bytes[1] = (uint8_t)length;
    c.taken = false;
    bool ok = chain_is_judged(&c);
    if (length == 255 || length % 50 == 1)
      attack_case(r, ok, NULL, "P9 header length octet %u", length);
    else if (!ok)
      attack_case(r, false, NULL, "P9 header length octet %u", length);
  }
  unsigned taken = 0;
  for (unsigned seed = 1; seed <= 8; seed++) {
    struct prop_rng rng = {seed};
    attack_case(r, random_chains(&rng, &taken), NULL, "P9 500 random chains, seed %u", seed);
  }
  attack_case(r, taken > 400, NULL, "P9 %u of the random chains are fit to be taken", taken);
  attack_case(r, lab_end(&l), NULL, "P9 memory");
}

// ---- P10: error messages that hostile packets provoke (RFC 1122 3.2.2, RFC 4443 2.4, 3.1
// [RFC 1122 S2, RFC 1122 S3, RFC 4443 S2], RFC 1812 4.3.2).

static bool error_quotes(bool six, size_t n)
{
  size_t limit = six ? 1280 : 576, head = six ? 48 : 28;
  const struct lab_out *o = &l.out[0];
  size_t quote = n < limit - head ? n : limit - head;
  return o->count == head + quote && memcmp(o->bytes + head, frame, quote) == 0;
}

static void p10_sizes(struct attack_run *r)
{
  static const size_t texts[] = {0, 1, 8, 500, 548, 549, 1200, 1400};
  static uint8_t payload[1500];
  for (unsigned ihl = 5; ihl < 16; ihl++)
    for (unsigned t = 0; t < 8; t++) {
      size_t text = texts[t] + ihl * 4 > 1500 ? 1500 - ihl * 4 : texts[t];
      uint8_t options[40];
      memset(options, 1, sizeof options);
      struct estab_ip4_header h = {.src = l.peer[0],
                                   .dst = l.us[0],
                                   .protocol = 200,
                                   .ttl = 64,
                                   .total_bytes = (uint16_t)(ihl * 4 + text),
                                   .options = options,
                                   .options_bytes = (uint8_t)(ihl * 4 - 20)};
      estab_ip4_emit(&h, frame);
      memcpy(frame + ihl * 4, payload, text);
      ask(frame, ihl * 4 + text);
      attack_case(r, only_icmp(false) == 3 && error_quotes(false, ihl * 4 + text), NULL,
                  "P10 unknown protocol behind %u octets of header, %zu of text", ihl * 4, text);
    }
  for (unsigned headers = 0; headers < 9; headers++)
    for (unsigned t = 0; t < 8; t++) {
      struct chain c;
      chain_start(&c);
      for (unsigned i = 0; i < headers; i++)
        chain_add(&c, 60, 1, 0);
      chain_number(&c, 200);
      size_t text = texts[t] + c.count + 40 > 1500 ? 1460 - c.count : texts[t];
      size_t n = lab_packet(&l, true, c.first, c.bytes,
                            c.count + text > 1400 ? 1400 : c.count + text, frame);
      ask(frame, n);
      attack_case(r, only_icmp(true) == 4 && error_quotes(true, n), NULL,
                  "P10 unknown next header behind %u headers, %zu octets", headers, n);
    }
}

// About whom no error is ever sent.
static void p10_silence(struct attack_run *r)
{
  static const uint8_t payload[40];
  static const char *const sources[] = {"0.0.0.0",     "127.0.0.1", "224.0.0.9", "255.255.255.255",
                                        "192.0.2.255", "240.0.0.1", "::",        "::1",
                                        "ff02::5"};
  static const char *const destinations[] = {"224.0.0.1", "192.0.2.255", "255.255.255.255",
                                             "ff02::1", "ff02::1:ff00:1"};
  for (unsigned i = 0; i < 14; i++) {
    const char *text = i < 9 ? sources[i] : destinations[i - 9];
    struct estab_ip ip;
    (void)estab_ip_parse(text, &ip);
    bool six = !estab_ip_is4(&ip);
    const struct estab_ip *src = i < 9 ? &ip : &l.peer[six], *dst = i < 9 ? &l.us[six] : &ip;
    size_t n = (six ? lab_ip6 : lab_ip4)(frame, src, dst, 200, payload, sizeof payload);
    attack_case(r, ask(frame, n) == 0, NULL, "P10 no error %s %s", i < 9 ? "to" : "about one to",
                text);
  }
  struct estab_tuple tuple = {l.us[0], l.peer[0], 80, 5000};
  for (unsigned type = 0; type < 256;
       type++) { // ICMP errors and unknown types are never answered with an error
    if (type == 8) continue;
    size_t n = lab_icmp_error(&tuple, (uint8_t)type, 0, 0, 1, 20, frame);
    bool ok = ask(frame, n) == 0;
    if (!ok || type % 32 == 3) attack_case(r, ok, NULL, "P10 no error about ICMP type %u", type);
  }
  struct estab_tuple tuple6 = {l.us[1], l.peer[1], 80, 5000};
  for (unsigned type = 0; type < 128; type++) {
    size_t n = lab_icmp_error(&tuple6, (uint8_t)type, 0, 0, 1, 20, frame);
    bool ok = ask(frame, n) == 0;
    if (!ok || type % 16 == 1) attack_case(r, ok, NULL, "P10 no error about ICMPv6 type %u", type);
  }
  size_t n = lab_packet(&l, false, 200, payload, sizeof payload, frame);
  put_be16(frame + 6, 5);
  lab_checksum(frame, n, SIZE_MAX);
  attack_case(r, ask(frame, n) == 0, NULL, "P10 no error about a later fragment");
}

static void p10(struct attack_run *r)
{
  static const uint8_t payload[40];
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  p10_sizes(r);
  p10_silence(r);
  for (unsigned six = 0; six < 2; six++) {
    ask(frame, lab_udp(&l, six, 9, 20, frame));
    bool port = only_icmp(six) == (six ? 1 : 3) && l.out[0].bytes[six ? 41 : 21] == (six ? 4 : 3);
    attack_case(r, port, NULL, "P10 port unreachable over %s", family(six));
  }
  for (unsigned six = 0; six < 2; six++) {
    lab_advance(&l, 10000 * MS);
    size_t n = lab_packet(&l, six, 200, payload, sizeof payload, frame);
    unsigned errors = 0;
    for (unsigned i = 0; i < 1000; i++)
      errors += lab_ask(&l, frame, n);
    attack_case(r, errors > 0 && errors <= 16, NULL,
                "P10 %u errors for 1000 packets at once over %s", errors, family(six));
  }
  attack_case(r, lab_end(&l), NULL, "P10 memory");
}

// ---- P11: neighbour discovery that lies (RFC 4861 4.6, 6.1, 7.1 [RFC 4861 M1, RFC 4861 M2, RFC 4861 M3]; RFC 6980).

static unsigned ask_nd(size_t n)
{
  uint8_t ethernet[400];
  lab_checksum(frame, n, 0);
  return ask(ethernet, make_ethernet(ESTAB_ETH_IP6, frame, n, ethernet));
}

static void p11(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_ETHERNET, NULL);
  for (unsigned limit = 0; limit < 256; limit++) {
    size_t n = make_nd(ESTAB_ICMP6_NEIGHBOUR_SOLICITATION, frame);
    frame[7] = (uint8_t)limit;
    attack_case(r, ask_nd(n) == (limit == 255 ? 1u : 0u), NULL, "P11 hop limit %u", limit);
  }
  for (unsigned kind = 0; kind < 32; kind++)
    for (unsigned length = 0; length < 5; length++) { // one option of 8 octets
      size_t n = make_nd(ESTAB_ICMP6_NEIGHBOUR_SOLICITATION, frame);
      frame[n - 8] = (uint8_t)kind;
      frame[n - 7] = (uint8_t)length;
      uint64_t bad = estab_drop_count(l.s, ESTAB_DROP_ND_BAD);
      unsigned answers = ask_nd(n);
      bool dropped = estab_drop_count(l.s, ESTAB_DROP_ND_BAD) > bad;
      bool ok = length == 1 ? !dropped : dropped && answers == 0;
      if (length == 0 || !ok)
        attack_case(r, ok, NULL, "P11 option %u of length %u: %u answers", kind, length, answers);
    }
  for (unsigned more = 0; more < 2; more++) { // any fragment header, an atomic one too
    uint8_t payload[100];
    size_t n = make_nd(ESTAB_ICMP6_NEIGHBOUR_SOLICITATION, frame);
    estab_ip6_fragment_emit(&(struct estab_fragment){.id = 3, .more = more}, 58, payload);
    memcpy(payload + 8, frame + 40, n - 40);
    n = lab_packet(&l, true, 44, payload, n - 32, frame);
    frame[7] = 255;
    uint8_t ethernet[400];
    attack_case(r, ask(ethernet, make_ethernet(ESTAB_ETH_IP6, frame, n, ethernet)) == 0, NULL,
                "P11 a solicitation behind %s fragment header", more ? "a" : "an atomic");
  }
  // Router advertisements: RDNSS of any length octet, a prefix past 128 bits; nothing comes of either.
  for (unsigned length = 0; length < 8; length++) {
    struct estab_ip6_header ip = {.hop_limit = 255, .protocol = 58, .src.bytes = {0xfe, 0x80}};
    uint8_t message[16 + 56] = {ESTAB_ICMP6_ROUTER_ADVERTISEMENT};
    message[16] = 25;
    message[17] = (uint8_t)length;
    struct estab_nd nd;
    size_t n = 16 + 8 * (length ? length : 1);
    int whole = estab_nd_parse(&ip, message, n, &nd);
    attack_case(r, (whole > 0) == (length > 0) && (whole < 0 || nd.prefix_count == 0), NULL,
                "P11 RDNSS of %u units", length);
  }
  for (unsigned bits = 126; bits < 256; bits += 13) {
    struct estab_ip6_header ip = {.hop_limit = 255, .protocol = 58, .src.bytes = {0xfe, 0x80}};
    uint8_t message[16 + 32] = {ESTAB_ICMP6_ROUTER_ADVERTISEMENT};
    message[16] = 3;
    message[17] = 4;
    message[18] = (uint8_t)bits;
    struct estab_nd nd;
    int whole = estab_nd_parse(&ip, message, sizeof message, &nd);
    bool ok = whole < 0 || nd.prefix_count == 0 || nd.prefixes[0].prefix_bits <= 128;
    attack_case(r, ok && (bits > 128 || nd.prefix_count == 1), NULL, "P11 a prefix of %u bits",
                bits);
  }
  attack_case(r, lab_end(&l), NULL, "P11 memory");
}

// ---- P12: UDP lengths that lie, checksums that are missing or wrong (RFC 768, RFC 8200 8.1).

static void p12(struct attack_run *r)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  struct estab_udp_settings set;
  estab_udp_settings_default(&set);
  set.local_port = 53;
  set.queue_bytes = 4000;
  estab_udp udp;
  attack_case(r, estab_udp_open(l.s, &set, &udp) == ESTAB_OK, NULL, "P12 an endpoint");
  for (unsigned six = 0; six < 2; six++)
    for (unsigned sum = 0; sum < 3; sum++) { // right, none, wrong
      static const char *const sums[] = {"right", "no", "wrong"};
      static const unsigned lengths[] = {0, 1, 7, 8, 9, 20, 27, 28, 29, 36, 1000, 65535};
      for (unsigned i = 0; i < 12; i++) {
        const size_t header = six ? 40 : 20;
        size_t n = lab_udp(&l, six, 53, 20, frame);
        unsigned length = lengths[i];
        put_be16(frame + header + 4, (uint16_t)length);
        size_t covered = length >= 8 && length <= 28 ? length : 28;
        put_be16(frame + header + 6, 0);
        uint64_t partial = estab_checksum_pseudo(&l.peer[six], &l.us[six], 17, (uint32_t)covered);
        uint16_t right =
            estab_checksum_finish(estab_checksum_add(partial, frame + header, covered));
        put_be16(frame + header + 6, sum == 0 ? right : sum == 1 ? 0 : (uint16_t)(right ^ 0x101));
        lab_inject(&l, frame, n);
        lab_drain(&l);
        uint8_t text[100];
        struct estab_datagram from;
        int got = estab_udp_recv(l.s, udp, &from, text, sizeof text);
        bool taken = length >= 8 && length <= 28 && (sum == 0 || (sum == 1 && !six));
        attack_case(r, got == (taken ? (int)length - 8 : ESTAB_ERR_WOULD_BLOCK), NULL,
                    "P12 length %u of 28 over %s, %s checksum: %d", length, family(six), sums[sum],
                    got);
      }
    }
  attack_case(r, lab_end(&l), NULL, "P12 memory");
}

// ---- P13: fragments past 65535 octets and with two ends: given up at once.

// One fragment of an echo, all zero.
static size_t fragment(bool six, uint32_t id, uint32_t offset, size_t n, bool more)
{
  uint8_t payload[1480] = {0};
  struct estab_fragment f = {.id = id, .offset = (uint16_t)offset, .more = more};
  if (offset == 0) payload[six ? 8 : 0] = six ? ESTAB_ICMP6_ECHO : ESTAB_ICMP4_ECHO;
  if (six) {
    estab_ip6_fragment_emit(&f, 58, payload);
    return lab_packet(&l, true, 44, payload, 8 + n, frame);
  }
  size_t bytes = lab_packet(&l, false, 1, payload, n, frame);
  put_be16(frame + 4, (uint16_t)id);
  put_be16(frame + 6, (uint16_t)(offset / 8 | (more ? 0x2000u : 0)));
  lab_checksum(frame, bytes, SIZE_MAX);
  return bytes;
}

static uint64_t net_bytes(void)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(l.s, &info);
  return info.memory_by_kind_bytes[ESTAB_MEM_NET];
}

static void p13(struct attack_run *r)
{
  static const uint32_t offsets[] = {65528, 65520, 65512, 65504, 64800, 64000};
  static const size_t sizes[] = {8, 16, 24, 1000, 1400};
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  uint32_t id = 0;
  for (unsigned six = 0; six < 2; six++) {
    lab_inject(&l, frame, fragment(six, ++id, 0, 16, true)); // what a source's table costs is there
    lab_advance(&l, 70000 * MS);
    for (unsigned i = 0; i < 6 * 5; i++) {
      uint64_t before = net_bytes();
      uint32_t offset = offsets[i % 6];
      size_t n = sizes[i / 6];
      bool past = offset + n > 65535u - (six ? 0 : 20);
      id++;
      lab_inject(&l, frame, fragment(six, id, 0, 16, true));
      lab_inject(&l, frame, fragment(six, id, offset, n, false));
      unsigned answers = lab_drain(&l);
      bool kept = net_bytes() > before;
      // IPv6 tells the sender (RFC 8200 4.5): the datagram is gone in either case.
      bool ok = answers == 0 || (six && past && only_icmp(true) == ESTAB_ICMP6_PARAMETER_PROBLEM);
      lab_advance(&l, 70000 * MS);
      attack_case(r, ok && (past || kept) && net_bytes() <= before, NULL,
                  "P13 %s fragment of %zu octets at %u: %s", family(six), n, offset,
                  kept ? "kept" : "dropped");
      if (past && kept)
        attack_case(r, false, NULL, "P13 %s %u: not freed at once", family(six), offset);
    }
    for (unsigned other = 0; other < 2; other++) { // two ends
      uint64_t before = net_bytes();
      id++;
      lab_inject(&l, frame, fragment(six, id, 64, 16, false));
      lab_inject(&l, frame, fragment(six, id, other ? 96 : 32, 16, false));
      lab_inject(&l, frame, fragment(six, id, 0, 64, true));
      bool ok = lab_drain(&l) == 0;
      lab_advance(&l, 70000 * MS);
      attack_case(r, ok && net_bytes() <= before, NULL, "P13 %s two last fragments, the other %s",
                  family(six), other ? "later" : "earlier");
    }
  }
  attack_case(r, lab_end(&l), NULL, "P13 memory");
}

// ---- P14: IP in IP (CVE-2020-11896): nothing is taken out of a tunnel that nobody set up.

static void p14(struct attack_run *r)
{
  static const uint8_t protocols[] = {4, 41, 47};
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  struct estab_udp_settings set;
  estab_udp_settings_default(&set);
  set.local_port = 53;
  estab_udp udp;
  (void)estab_udp_open(l.s, &set, &udp);
  for (unsigned i = 0; i < 6; i++) {
    bool six = i & 1;
    uint8_t inner[100], text[100];
    struct estab_datagram from;
    size_t n = lab_udp(&l, six, 53, 20, inner);
    if (!six) put_be16(inner + 2, 36); // its total length is below its data
    n = lab_packet(&l, six, protocols[i / 2], inner, n, frame);
    lab_advance(&l, 300 * MS);
    for (unsigned pieces = 1; pieces <= 8; pieces++) {
      size_t cuts[7];
      for (unsigned c = 0; c + 1 < pieces; c++)
        cuts[c] = n * (c + 1) / pieces;
      lab_advance(&l, 300 * MS);
      lab_input(l.s, l.now_ns, frame, n, cuts, pieces - 1);
      lab_drain(&l);
      bool ok = only_icmp(six) == (six ? 4 : 3) &&
                estab_udp_recv(l.s, udp, &from, text, sizeof text) == ESTAB_ERR_WOULD_BLOCK;
      attack_case(r, ok, NULL, "P14 protocol %u over %s in %u pieces", protocols[i / 2],
                  family(six), pieces);
    }
  }
  // The original: UDP in IP in IP in two fragments, the inner length short.
  uint8_t inner[100], text[100];
  struct estab_datagram from;
  size_t n = lab_udp(&l, false, 53, 20, inner);
  put_be16(inner + 2, 28);
  lab_advance(&l, 300 * MS);
  for (unsigned half = 0; half < 2; half++) {
    size_t bytes = lab_packet(&l, false, 4, inner + half * 24, half ? n - 24 : 24, frame);
    put_be16(frame + 6, half ? 3 : 0x2000);
    lab_checksum(frame, bytes, SIZE_MAX);
    lab_inject(&l, frame, bytes);
  }
  lab_drain(&l);
  bool silent = estab_udp_recv(l.s, udp, &from, text, sizeof text) == ESTAB_ERR_WOULD_BLOCK;
  attack_case(r, silent && only_icmp(false) == 3, NULL, "P14 CVE-2020-11896: two fragments");
  attack_case(r, lab_end(&l), NULL, "P14 memory");
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"P6", "IPv4 lengths that contradict each other or the frame", p6},
      {"P7", "frames cut at every octet", p7},
      {"P8", "IPv6 payload lengths", p8},
      {"P9", "IPv6 extension headers without end", p9},
      {"P10", "packets that provoke error messages", p10},
      {"P11", "neighbour discovery that lies", p11},
      {"P12", "UDP lengths that lie", p12},
      {"P13", "fragments past 65535 octets", p13},
      {"P14", "IP in IP", p14},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
