// SPDX-License-Identifier: BSD-2-Clause
// identifiers.c - ATTACKS E1 to E5: numbers that somebody wants to guess or to count.
#include "support/attack.h"
#include "support/lab.h"

#include "base/bytes.h"

#define MS UINT64_C(1000000)

static struct lab l;

// 192.0.2.2 is the router: everybody else lives behind it.
static struct estab_ip host(bool six, uint32_t n)
{
  struct estab_ip ip = estab_ip4(198, 18, (uint8_t)(n >> 8), (uint8_t)n);
  if (six) {
    (void)estab_ip_parse("2001:db8:1::", &ip);
    put_be16(ip.bytes + 14, (uint16_t)n);
  }
  return ip;
}

// An active OPEN, its SYN taken off the wire, and aborted. False: there was none.
static bool open_once(const struct estab_ip *remote, uint16_t remote_port, uint16_t local_port,
                      struct estab_tcp_header *syn)
{
  struct estab_connect_settings set;
  estab_connect_settings_default(&set);
  set.remote = *remote;
  set.remote_port = remote_port;
  set.local_port = local_port;
  estab_conn conn;
  if (estab_connect(l.s, &set, l.now_ns, &conn) != ESTAB_OK) return false;
  bool ok = lab_drain(&l) == 1;
  size_t header = estab_ip_is4(remote) ? 20 : 40;
  ok = ok && estab_tcp_parse(l.out[0].bytes + header, l.out[0].count - header, syn) > 0;
  (void)estab_abort(l.s, conn);
  (void)estab_release(l.s, conn);
  lab_drain(&l);
  return ok;
}

// Chi-square of `n` values in `bins` bins, in tenths.
static uint64_t chi_square(const uint32_t *counts, unsigned bins, uint32_t n)
{
  uint64_t sum = 0;
  for (unsigned i = 0; i < bins; i++)
    sum += (uint64_t)counts[i] * counts[i];
  return 10 * sum * bins / n - 10 * (uint64_t)n; // sum of (c - n/b)^2 / (n/b)
}

// ---- E1: initial sequence numbers (RFC 6528 [RFC 6528 S1, RFC 6528 M1, RFC 6528 S2], RFC 9293 3.4.1
// [MUST-8, MUST-9, SHLD-1]); NUMBER:JACK.

#define ISNS 10000

static uint32_t isns[ISNS];

// Predictions of the next number from those before: the same, a step, the last step again, second differences.
static unsigned isn_hits(uint32_t near)
{
  unsigned hits = 0;
  for (unsigned i = 3; i < ISNS; i++) {
    uint32_t a = isns[i - 3], b = isns[i - 2], c = isns[i - 1];
    const uint32_t guesses[] = {
        c, c + 1, c + 64000, c + 128000, c + 250, 2 * c - b, 3 * c - 3 * b + a, c ^ (b ^ c), b};
    for (unsigned g = 0; g < sizeof guesses / sizeof *guesses; g++)
      if (isns[i] - guesses[g] + near <= 2 * near) {
        hits++;
        break;
      }
  }
  return hits;
}

static void e1(struct attack_run *r)
{
  for (unsigned form = 0; form < 6; form++) { // which part of the tuple the guesser may choose
    bool six = form & 1;
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    bool ok = true;
    for (unsigned i = 0; ok && i < ISNS; i++) {
      struct estab_ip remote = host(six, form / 2 == 0 ? i : 7);
      struct estab_tcp_header syn;
      ok = open_once(&remote, (uint16_t)(form / 2 == 1 ? 1 + i : 443),
                     (uint16_t)(form / 2 == 2 ? 40000 + i : 40000), &syn);
      isns[i] = syn.seq - (uint32_t)(l.now_ns / 4000); // the clock is known to all
      lab_advance(&l, MS);
    }
    static const char *const parts[] = {"address", "remote port", "local port"};
    unsigned hits = isn_hits(16);
    attack_case(r, ok && hits == 0, NULL, "E1 %u of %u guessed, other %s each time over IPv%d",
                hits, ISNS, parts[form / 2], six ? 6 : 4);
    uint32_t counts[64] = {0};
    for (unsigned i = 0; i < ISNS; i++)
      counts[isns[i] >> 26]++;
    uint64_t chi = chi_square(counts, 64, ISNS);
    attack_case(r, chi < 1200 && chi > 300, NULL, "E1 chi-square %llu.%llu of 63",
                (unsigned long long)chi / 10, (unsigned long long)chi % 10);
    attack_case(r, lab_end(&l), NULL, "E1 memory");
  }
  // The same tuple goes forward with the clock of 4 us, so that an old connection's numbers stay behind.
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  struct estab_ip remote = host(false, 1);
  struct estab_tcp_header a, b;
  bool ok = open_once(&remote, 443, 40000, &a);
  lab_advance(&l, 1000 * MS);
  ok = ok && open_once(&remote, 443, 40000, &b);
  attack_case(r, ok && b.seq - a.seq == 250000, NULL, "E1 %u in a second", b.seq - a.seq);
  lab_end(&l);
}

// ---- E2: local ports (RFC 6056 [RFC 6056 S1, RFC 6056 S2, RFC 6056 S3, RFC 6056 S4]).

static void e2(struct attack_run *r)
{
  static uint16_t ports[2][ISNS];
  for (unsigned six = 0; six < 2; six++) {
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    struct estab_ip a = host(six, 1), b = host(six, 2);
    bool ok = true;
    for (unsigned i = 0; ok && i < ISNS; i++) {
      struct estab_tcp_header syn;
      ok = open_once(&a, 443, 0, &syn);
      ports[0][i] = syn.src_port;
      ok = ok && open_once(&b, 443, 0, &syn);
      ports[1][i] = syn.src_port;
    }
    attack_case(r, ok, NULL, "E2 20000 connects");
    for (unsigned to = 0; to < 2; to++) {
      uint32_t counts[64] = {0}, range = l.settings.port_last - l.settings.port_first + 1u;
      bool inside = true;
      for (unsigned i = 0; i < ISNS; i++) {
        inside =
            inside && ports[to][i] >= l.settings.port_first && ports[to][i] <= l.settings.port_last;
        counts[(uint32_t)(ports[to][i] - l.settings.port_first) * 64 / range]++;
      }
      uint64_t chi = chi_square(counts, 64, ISNS);
      attack_case(r, inside && chi < 1200 && chi > 300, NULL, "E2 chi-square %llu.%llu of 63",
                  (unsigned long long)chi / 10, (unsigned long long)chi % 10);
    }
    unsigned leaks = 0,
             repeats = 0; // what one destination sees says nothing of the next port to the other
    for (unsigned i = 1; i < ISNS; i++) {
      uint16_t guess = (uint16_t)(ports[1][i - 1] + (ports[0][i] - ports[0][i - 1]));
      leaks += (uint16_t)(ports[1][i] - ports[0][i] + 4) <= 8 || ports[1][i] == guess;
      repeats += (uint16_t)(ports[0][i] - ports[0][i - 1] + 4) <= 8;
    }
    attack_case(r, leaks < 20, NULL, "E2 %u of %u guessed from the other destination", leaks, ISNS);
    attack_case(r, repeats < 20, NULL, "E2 %u of %u near the one before", repeats, ISNS);
    struct estab_settings rfc;
    estab_settings_rfc(&rfc);
    attack_case(r,
                l.settings.port_first == 32768 && l.settings.port_last == 60999 &&
                    rfc.port_first == 1024 && rfc.port_last == 65535,
                NULL, "E2 ranges of both profiles");
    attack_case(r, lab_end(&l), NULL, "E2 memory");
  }
}

// ---- E3: IPv4 identifiers and fragment numbers (RFC 6864, RFC 7739): no idle scan.

// Asks from this host; answers the identifier of what comes back, 0x10000 when it may not be fragmented and has none.
static uint32_t identifier(bool six, const struct estab_ip *from, unsigned how)
{
  uint8_t frame[1600];
  size_t n;
  if (how == 0) {
    n = lab_echo(&l, six, 20, frame);
  } else { // a SYN-ACK out of nowhere: RST comes
    uint8_t segment[20];
    struct estab_tcp_header h = {.src_port = 80, .dst_port = 999, .ack = 5, .flags = 0x12};
    n = lab_packet(&l, six, 6, segment, estab_tcp_emit(&h, segment), frame);
  }
  memcpy(frame + (six ? 8 : 12), from->bytes + (six ? 0 : 12), six ? 16 : 4);
  lab_checksum(frame, n, 0);
  lab_advance(&l, 10 * MS);
  if (lab_ask(&l, frame, n) != 1) return UINT32_MAX;
  const uint8_t *out = l.out[0].bytes;
  if (six) return out[6] == 44 ? get_be32(out + 44) : 0x10000;
  return (out[6] & 0x40) && get_be16(out + 4) == 0 ? 0x10000 : get_be16(out + 4);
}

static void e3(struct attack_run *r)
{
  for (unsigned i = 0; i < 8;
       i++) { // the zombie scan: what the victim does must not move what the prober sees
    bool six = i & 1;
    unsigned how = i / 2 % 2, between = i & 4 ? 50 : 0;
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    struct estab_ip prober = host(six, 1), victim = host(six, 2);
    unsigned plain = 0, near = 0;
    uint32_t last = identifier(six, &prober, how);
    bool ok = last != UINT32_MAX;
    for (unsigned n = 0; n < 100; n++) {
      for (unsigned v = 0; v < between; v++)
        (void)identifier(six, &victim, 1);
      uint32_t now = identifier(six, &prober, how);
      plain += now == 0x10000;
      near += now != 0x10000 && now - last - 1 <= 60;
      last = now;
    }
    attack_case(
        r, ok && (plain == 100 || near < 5), NULL,
        "E3 %s over IPv%d, %u packets of another's between: %u without identifier, %u counted",
        how ? "RST" : "echo", six ? 6 : 4, between, plain, near);
    lab_end(&l);
  }
  for (unsigned six = 0; six < 2; six++) { // numbers of fragments
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    struct estab_udp_settings set;
    estab_udp_settings_default(&set);
    set.local_port = 53;
    estab_udp udp;
    (void)estab_udp_open(l.s, &set, &udp);
    static const uint8_t text[3000];
    unsigned near = 0;
    uint32_t last = 0, ones = 0;
    for (unsigned i = 0; i < 500; i++) {
      struct estab_datagram to = {.remote = host(six, 1 + i % 2), .remote_port = 53};
      (void)estab_udp_send(l.s, udp, &to, text, sizeof text);
      bool ok = lab_drain(&l) == 3;
      const uint8_t *out = l.out[0].bytes;
      uint32_t id = !ok ? last + 1 : six ? get_be32(out + 44) : get_be16(out + 4);
      near += id - last <= 60 || last - id <= 60;
      ones += id & 1;
      last = id;
    }
    attack_case(r, near < 10 && ones > 200 && ones < 300, NULL,
                "E3 %u of 500 fragment numbers near the one before over IPv%d", near, six ? 6 : 4);
    lab_end(&l);
  }
}

// ---- E4: timestamps that tell the uptime (RFC 7323 5.4, 7.1 [RFC 7323 M18, RFC 7323 S6]).

static void e4(struct attack_run *r)
{
  for (unsigned six = 0; six < 2; six++) {
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    lab_advance(&l, 12345 * MS);
    uint32_t counts[64] = {0}, uptime_ms = (uint32_t)(l.now_ns / MS);
    unsigned near = 0;
    bool ok = true;
    uint32_t last = uptime_ms;
    for (unsigned i = 0; ok && i < 6400; i++) {
      struct estab_ip remote = host(six, i % 100);
      struct estab_tcp_header syn;
      ok = open_once(&remote, (uint16_t)(1 + i), 40000, &syn) &&
           (syn.options.present & ESTAB_TCP_OPT_TS);
      counts[syn.options.ts_value >> 26]++;
      near += syn.options.ts_value - last + 60000 <= 120000;
      last = syn.options.ts_value;
    }
    uint64_t chi = chi_square(counts, 64, 6400);
    attack_case(r, ok && chi < 1200 && chi > 300, NULL, "E4 chi-square %llu.%llu of 63 over IPv%d",
                (unsigned long long)chi / 10, (unsigned long long)chi % 10, six ? 6 : 4);
    attack_case(r, near <= 3, NULL, "E4 %u of 6400 within a minute of the one before", near);
    // One tuple's own clock runs on, as PAWS needs it.
    struct estab_ip remote = host(six, 1);
    struct estab_tcp_header a, b;
    ok = open_once(&remote, 443, 40000, &a);
    lab_advance(&l, 5000 * MS);
    ok = ok && open_once(&remote, 443, 40000, &b);
    attack_case(r, ok && b.options.ts_value - a.options.ts_value == 5000, NULL,
                "E4 the same tuple: %u ms in 5 s", b.options.ts_value - a.options.ts_value);
    attack_case(r, lab_end(&l), NULL, "E4 memory");
  }
}

// ---- E5: who measures our ICMP limit (CVE-2020-25705, SAD DNS): what is spoofed for one is not seen by another.

// A datagram to a closed port in the name of `from`: how many answers?
static unsigned e5_ask(bool six, const struct estab_ip *from)
{
  uint8_t frame[200];
  size_t n = lab_udp(&l, six, 5353, 10, frame);
  memcpy(frame + (six ? 8 : 12), from->bytes + (six ? 0 : 12), six ? 16 : 4);
  lab_checksum(frame, n, 0);
  return lab_ask(&l, frame, n);
}

// Who has many addresses looks for those that are refused when the victim is: their buckets are one. What he has found
// must be worth nothing a little later.
static void e5_collisions(struct attack_run *r, bool six)
{
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  const struct estab_ip victim = host(six, 2000);
  unsigned found = 0, still = 0;
  for (unsigned round = 0; round < 20; round++) {
    uint16_t shares[100];
    unsigned count = 0;
    for (unsigned i = 0; i < 20; i++)
      (void)e5_ask(six, &victim);
    for (unsigned i = 0; i < 100; i++) { // so few hardly meet each other
      struct estab_ip mine = host(six, 100 * round + i);
      if (e5_ask(six, &mine) == 0) shares[count++] = (uint16_t)(100 * round + i);
    }
    lab_advance(&l, 10000 * MS);
    for (unsigned i = 0; i < 20; i++)
      (void)e5_ask(six, &victim);
    for (unsigned i = 0; i < count; i++) {
      struct estab_ip mine = host(six, shares[i]);
      still += e5_ask(six, &mine) == 0;
    }
    found += count;
    lab_advance(&l, 10000 * MS);
  }
  attack_case(r, found > 3 && still <= found / 4, NULL,
              "E5 %u addresses shared the victim's bucket, %u of them 10 s later, over IPv%d",
              found, still, six ? 6 : 4);
  lab_end(&l);
}

static void e5(struct attack_run *r)
{
  static const unsigned spoofed[] = {0, 1, 10, 50};
  for (unsigned six = 0; six < 2; six++) {
    unsigned seen[4];
    for (unsigned s = 0; s < 4; s++) {
      lab_init(&l, ESTAB_LINK_RAW, NULL);
      seen[s] = 0;
      for (unsigned pair = 0; pair < 100; pair++) {
        uint8_t frame[200];
        lab_advance(&l, 60000 * MS); // one victim and one attacker at a time
        size_t n = lab_udp(&l, six, 5353, 10, frame);
        struct estab_ip victim = host(six, 1000 + pair), attacker = host(six, pair);
        for (unsigned i = 0; i < spoofed[s] + 60; i++) {
          const struct estab_ip *from = i < spoofed[s] ? &victim : &attacker;
          memcpy(frame + (six ? 8 : 12), from->bytes + (six ? 0 : 12), six ? 16 : 4);
          lab_checksum(frame, n, 0);
          unsigned answers = lab_ask(&l, frame, n);
          if (i >= spoofed[s]) seen[s] += answers;
        }
      }
      lab_end(&l);
    }
    for (unsigned s = 0; s < 4; s++) { // a mean of about 6 each; 100 attackers
      unsigned low = seen[0] - seen[0] / 6, high = seen[0] + seen[0] / 6;
      attack_case(r, seen[s] > 300 && seen[s] >= low && seen[s] <= high, NULL,
                  "E5 %u spoofed each: 100 attackers see %u answers over IPv%d", spoofed[s],
                  seen[s], six ? 6 : 4);
    }
    e5_collisions(r, six);
    // And the height itself cannot be counted: it differs from time to time.
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    unsigned heights[32] = {0}, kinds = 0;
    for (unsigned round = 0; round < 200; round++) {
      uint8_t frame[200];
      size_t n = lab_udp(&l, six, 5353, 10, frame);
      unsigned got = 0;
      for (unsigned i = 0; i < 40; i++)
        got += lab_ask(&l, frame, n);
      heights[got < 32 ? got : 31]++;
      lab_advance(&l, 20000 * MS);
    }
    for (unsigned i = 0; i < 32; i++)
      kinds += heights[i] > 5;
    attack_case(r, kinds >= 4, NULL, "E5 %u different heights of one bucket", kinds);
    lab_end(&l);
  }
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"E1", "who guesses the next ISN", e1},    {"E2", "who guesses the next port", e2},
      {"E3", "who counts our IP IDs", e3},       {"E4", "who reads our uptime", e4},
      {"E5", "who measures our ICMP limit", e5},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
