// SPDX-License-Identifier: BSD-2-Clause
// test_icmp.c - errors we send and do not send, echoes, errors that come in, limits.
#include "ip_world.h"

static uint8_t packet[70000], out[70000];

// An ICMP message of type and code with `body` behind its 4 + 4 octets, checksum right.
static size_t icmp_packet(struct world *w, bool six, uint8_t type, uint8_t code, uint32_t rest,
                          const uint8_t *body, size_t body_bytes)
{
  size_t n = six ? packet6(packet, &w->peer6, &w->us6, ESTAB_PROTOCOL_ICMP6, 8 + body_bytes, NULL)
                 : packet4(packet, &w->peer4, &w->us4, ESTAB_PROTOCOL_ICMP4, 8 + body_bytes, NULL);
  uint8_t *icmp = packet + (six ? 40 : 20);
  icmp[0] = type;
  icmp[1] = code;
  put_be32(icmp + 4, rest);
  if (body_bytes) memcpy(icmp + 8, body, body_bytes);
  packet_icmp_checksum(packet, n);
  return n;
}

// A TCP segment of ours, as routers quote it: seq 0x01020304, ports 4000 > 80.
static size_t our_segment(struct world *w, bool six, uint8_t *bytes)
{
  size_t n = six ? packet6(bytes, &w->us6, &w->peer6, ESTAB_PROTOCOL_TCP, 1440, NULL)
                 : packet4(bytes, &w->us4, &w->peer4, ESTAB_PROTOCOL_TCP, 1440, NULL);
  uint8_t *tcp = bytes + n - 1440;
  put_be16(tcp, 4000);
  put_be16(tcp + 2, 80);
  put_be32(tcp + 4, 0x01020304);
  return n;
}

static int receive(struct world *w, size_t n, struct icmp_report *report)
{
  struct ip_packet p;
  assert_int_equal(world_input(w, packet, n, 0, &p), 0);
  return icmp_input(&w->ip, &p, report);
}

// ATTACKS B11: every code of the errors, and what kind it is.
// [RFC 1122 M15, RFC 1122 M21, RFC 1122 M22, RFC 4443 M2, RFC 4443 M10]
static void reports(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  for (unsigned type = 3; type <= 12; type++)
    for (unsigned code = 0; code < 16; code++) {
      uint8_t quoted[1500];
      our_segment(&w, false, quoted);
      struct icmp_report r;
      int answer =
          receive(&w, icmp_packet(&w, false, (uint8_t)type, (uint8_t)code, 1400, quoted, 28), &r);
      if (type != 3 && type != 11 && type != 12) {
        if (type != 8) assert_int_equal(answer, -ESTAB_DROP_ICMP_TYPE);
        continue;
      }
      assert_int_equal(answer, ICMP_ERROR_REPORT);
      unsigned kind = ICMP_REPORT_SOFT;
      if (type == 3 && (code == 2 || code == 3 || code == 9 || code == 10 || code == 13))
        kind = ICMP_REPORT_HARD;
      if (type == 3 && code == 4) kind = ICMP_REPORT_TOO_BIG;
      assert_int_equal(r.kind, kind);
      assert_int_equal(r.port_unreachable, type == 3 && code == 3);
      if (kind == ICMP_REPORT_TOO_BIG) assert_int_equal(r.mtu, 1400);
      assert_memory_equal(&r.tuple.local, &w.us4, 16);
      assert_memory_equal(&r.tuple.remote, &w.peer4, 16);
      assert_int_equal(r.tuple.local_port, 4000);
      assert_int_equal(r.tuple.remote_port, 80);
      assert_int_equal(r.seq, 0x01020304);
      assert_int_equal(r.protocol, ESTAB_PROTOCOL_TCP);
      assert_int_equal(r.type, type);
      assert_int_equal(r.code, code);
    }
  for (unsigned type = 1; type <= 5; type++)
    for (unsigned code = 0; code < 8; code++) {
      uint8_t quoted[1500];
      our_segment(&w, true, quoted);
      struct icmp_report r;
      assert_int_equal(
          receive(&w, icmp_packet(&w, true, (uint8_t)type, (uint8_t)code, 1280, quoted, 48), &r),
          ICMP_ERROR_REPORT);
      unsigned kind = ICMP_REPORT_SOFT;
      if (type == 1 && (code == 1 || code == 4 || code == 5 || code == 6)) kind = ICMP_REPORT_HARD;
      if (type == 2) kind = ICMP_REPORT_TOO_BIG;
      if (type == 4 && code == 1) kind = ICMP_REPORT_HARD;
      assert_int_equal(r.kind, kind);
      if (type == 2) assert_int_equal(r.mtu, 1280);
      assert_int_equal(r.seq, 0x01020304);
      assert_memory_equal(&r.tuple.local, &w.us6, 16);
    }
  world_end(&w);
}

// ATTACKS B12: quotes that are too short, not ours, of another family, of a later fragment.
static void quotes(void **state)
{
  (void)state;
  struct world w;
  struct icmp_report r;
  world_make(&w);
  for (int six = 0; six < 2; six++) {
    uint8_t quoted[1500];
    size_t header = six ? 40 : 20;
    uint8_t type = six ? ESTAB_ICMP6_PACKET_TOO_BIG : 3, code = six ? 0 : 4;
    our_segment(&w, six, quoted);
    for (size_t n = 0; n < header + 12; n++) {
      int answer = receive(&w, icmp_packet(&w, six, type, code, 1300, quoted, n), &r);
      assert_int_equal(answer, n >= header + 8 ? ICMP_ERROR_REPORT : -ESTAB_DROP_ICMP_EMBEDDED);
    }
    size_t where = six ? 8 : 12; // the quoted source: not ours
    uint8_t own = quoted[where];
    quoted[where] = 9;
    assert_int_equal(receive(&w, icmp_packet(&w, six, type, code, 1300, quoted, header + 8), &r),
                     -ESTAB_DROP_ICMP_EMBEDDED);
    quoted[where] = own;
    // Ours, but not the address the error was sent to.
    struct estab_ip second = six ? world_ip("2001:db8::5") : world_ip("192.0.2.5");
    assert_int_equal(ip_address_add(&w.ip, 1, &second, six ? 64 : 24), 0);
    quoted[where + (six ? 15 : 3)] = 5;
    assert_int_equal(receive(&w, icmp_packet(&w, six, type, code, 1300, quoted, header + 8), &r),
                     -ESTAB_DROP_ICMP_EMBEDDED);
    quoted[where + (six ? 15 : 3)] = 1;
    if (!six) {
      quoted[7] = 1; // a later fragment has no ports
      assert_int_equal(receive(&w, icmp_packet(&w, six, type, code, 1300, quoted, header + 8), &r),
                       -ESTAB_DROP_ICMP_EMBEDDED);
    }
    our_segment(&w, !six, quoted);
    assert_int_equal(receive(&w, icmp_packet(&w, six, type, code, 1300, quoted, 60), &r),
                     -ESTAB_DROP_ICMP_EMBEDDED);
  }
  // Sent to a group we are in and quoting that as the source: no packet of ours.
  uint8_t own[100];
  struct estab_ip all = world_ip("255.255.255.255");
  packet4(own, &all, &w.peer4, ESTAB_PROTOCOL_TCP, 8, NULL);
  size_t n = packet4(packet, &w.peer4, &all, ESTAB_PROTOCOL_ICMP4, 36, NULL);
  packet[20] = 3, packet[21] = 4;
  memcpy(packet + 28, own, 28);
  packet_icmp_checksum(packet, n);
  assert_int_equal(receive(&w, n, &r), -ESTAB_DROP_ICMP_EMBEDDED);
  // UDP needs its ports only.
  uint8_t quoted[100];
  packet4(quoted, &w.us4, &w.peer4, ESTAB_PROTOCOL_UDP, 8, NULL);
  put_be32(quoted + 20, 0x00350036);
  assert_int_equal(receive(&w, icmp_packet(&w, false, 3, 3, 0, quoted, 28), &r), ICMP_ERROR_REPORT);
  assert_int_equal(r.protocol, ESTAB_PROTOCOL_UDP);
  assert_int_equal(r.tuple.local_port, 53);
  assert_int_equal(r.tuple.remote_port, 54);
  assert_true(r.port_unreachable);
  world_end(&w);
}

// RFC 1191 7: routers that do not say.
static void plateaus(void **state)
{
  (void)state;
  static const uint16_t table[][2] = {{1500, 1492}, {1492, 1006}, {1006, 508}, {508, 296},
                                      {296, 68},    {68, 68},     {20, 68},    {65535, 32000}};
  struct world w;
  struct icmp_report r;
  world_make(&w);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    uint8_t quoted[1500];
    our_segment(&w, false, quoted);
    put_be16(quoted + 2, table[i][0]);
    assert_int_equal(receive(&w, icmp_packet(&w, false, 3, 4, 0, quoted, 28), &r),
                     ICMP_ERROR_REPORT);
    assert_int_equal(r.mtu, table[i][1]);
  }
  world_end(&w);
}

// ATTACKS I4: what must not move anything is dropped, the routes stay.
// [RFC 1122 M13, RFC 1122 M19, RFC 1122 M20, RFC 4443 M1]
static void ignored(void **state)
{
  (void)state;
  struct world w;
  struct icmp_report r;
  world_make(&w);
  uint8_t quoted[1500];
  struct ip_route_entry before[8];
  memcpy(before, w.ip.routes, w.ip.route_count * sizeof *before);
  for (unsigned type = 0; type < 256; type++) {
    our_segment(&w, false, quoted);
    int answer = receive(&w, icmp_packet(&w, false, (uint8_t)type, 1, 0xc0000263, quoted, 28), &r);
    bool used = type == 3 || type == 8 || type == 11 || type == 12;
    assert_true(used ? answer > 0 : answer == -ESTAB_DROP_ICMP_TYPE);
    our_segment(&w, true, quoted);
    answer = receive(&w, icmp_packet(&w, true, (uint8_t)type, 0, 0, quoted, 60), &r);
    if (type == 0 || type == 127 || (type > 128 && type < 133) || type > 136) {
      if (type != 127) assert_int_equal(answer, -ESTAB_DROP_ICMP_TYPE);
    } else {
      assert_true(answer > 0);
    }
  }
  assert_memory_equal(before, w.ip.routes, w.ip.route_count * sizeof *before);
  world_end(&w);
}

// [RFC 4443 M5]
static void checksums_and_lengths(void **state)
{
  (void)state;
  struct world w;
  struct icmp_report r;
  world_make(&w);
  for (int six = 0; six < 2; six++)
    for (size_t n = 0; n <= 16; n++) {
      // Cut at every length, the checksum of what is left being right.
      size_t header = six ? 40 : 20;
      icmp_packet(&w, six, six ? 128 : 8, 0, 0x00010002, (const uint8_t *)"12345678", 8);
      if (six) {
        put_be16(packet + 4, (uint16_t)n);
      } else {
        put_be16(packet + 2, (uint16_t)(20 + n));
        put_be16(packet + 10, 0);
        put_be16(packet + 10, estab_checksum_finish(estab_checksum_add(0, packet, 20)));
      }
      if (n >= 4) packet_icmp_checksum(packet, header + n);
      int answer = receive(&w, header + n, &r);
      assert_int_equal(answer, n < 8 ? -ESTAB_DROP_ICMP_SHORT : ICMP_ECHO_REQUEST);
      if (n < 8) continue;
      packet[header + n - 1] ^= 1;
      assert_int_equal(receive(&w, header + n, &r), -ESTAB_DROP_ICMP_CHECKSUM);
    }
  world_end(&w);
}

// [RFC 1122 M23, RFC 1122 O2, RFC 1122 M27, RFC 4443 M7, RFC 4443 M8, RFC 4443 M9, RFC 4443 S4]
static void echoes(void **state)
{
  (void)state;
  struct world w;
  struct icmp_report r;
  struct ip_packet p, back;
  struct ip_route_result to;
  world_make(&w);
  for (int six = 0; six < 2; six++) {
    size_t header = six ? 40 : 20;
    size_t n = icmp_packet(&w, six, six ? 128 : 8, 0, 0x00010002, (const uint8_t *)"some data", 9);
    assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
    assert_int_equal(icmp_input(&w.ip, &p, &r), ICMP_ECHO_REQUEST);
    assert_int_equal(icmp_echo_reply(&w.ip, &p, 0, out, sizeof out, &to), (int)n);
    assert_int_equal(to.netif, 1);
    assert_memory_equal(out + header + 4, packet + header + 4, n - header - 4);
    // Read it as the peer would.
    struct world peer;
    world_make(&peer);
    ip_address_remove(&peer.ip, 1, &w.us4);
    ip_address_remove(&peer.ip, 1, &w.us6);
    ip_address_add(&peer.ip, 1, &w.peer4, 24);
    ip_address_add(&peer.ip, 1, &w.peer6, 64);
    assert_int_equal(world_input(&peer, out, n, 0, &back), 0);
    assert_int_equal(back.payload[0], six ? 129 : 0);
    assert_int_equal(icmp_input(&peer.ip, &back, &r), -ESTAB_DROP_ICMP_TYPE); // checksum was right
    assert_memory_equal(&back.src, &p.dst, 16);
    world_end(&peer);

    assert_int_equal(icmp_echo_reply(&w.ip, &p, 0, out, n - 1, &to), -ESTAB_DROP_IP_TOO_BIG);
    ip_netif_set_mtu(&w.ip, 1, 68); // then it is for ip_fragment()
    n = icmp_packet(&w, six, six ? 128 : 8, 0, 1, out, 100);
    assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
    assert_int_equal(icmp_echo_reply(&w.ip, &p, 0, out, sizeof out, &to), n);
    assert_int_equal(to.mtu, 68);
    ip_netif_set_mtu(&w.ip, 1, 1500);
  }
  // Not to groups: nobody is flooded through us.
  struct estab_ip all = world_ip("255.255.255.255");
  size_t n = packet4(packet, &w.peer4, &all, ESTAB_PROTOCOL_ICMP4, 16, NULL);
  packet[20] = 8;
  packet_icmp_checksum(packet, n);
  assert_int_equal(receive(&w, n, &r), -ESTAB_DROP_ICMP_TYPE);
  all = world_ip("ff02::1");
  n = packet6(packet, &w.peer6, &all, ESTAB_PROTOCOL_ICMP6, 16, NULL);
  packet[40] = ESTAB_ICMP6_ECHO;
  packet_icmp_checksum(packet, n);
  assert_int_equal(receive(&w, n, &r), -ESTAB_DROP_ICMP_TYPE);
  world_end(&w);
}

static void neighbours(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  struct icmp_report r;
  struct estab_nd nd;
  world_make(&w);
  for (unsigned hop = 0; hop < 256; hop++) { // ATTACKS P11
    size_t n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_ICMP6, 24, NULL);
    packet[7] = (uint8_t)hop;
    memset(packet + 40, 0, 8);
    packet[40] = ESTAB_ICMP6_NEIGHBOUR_SOLICITATION;
    memcpy(packet + 48, w.us6.bytes, 16);
    packet_icmp_checksum(packet, n);
    assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
    assert_int_equal(icmp_input(&w.ip, &p, &r), ICMP_NEIGHBOUR);
    assert_int_equal(icmp_neighbour(&p, &nd), hop == 255 ? 0 : -ESTAB_DROP_ND_BAD);
  }
  assert_memory_equal(&nd.target, &w.us6, 16);
  p.fragment_header = true; // RFC 6980 5
  assert_int_equal(icmp_neighbour(&p, &nd), -ESTAB_DROP_ND_BAD);
  world_end(&w);
}

// ATTACKS P10: sizes, and the many who get no error.
// [RFC 1122 M14, RFC 1122 S1, RFC 4443 M6]
static void error_sizes(void **state)
{
  (void)state;
  struct world w;
  struct ip_route_result to;
  world_make(&w);
  for (int six = 0; six < 2; six++)
    for (unsigned bytes = 0; bytes < 3000; bytes += bytes < 60 ? 1 : 97) {
      struct ip_packet p;
      const uint64_t now = ((uint64_t)six * 3000 + bytes) * SECOND;
      size_t header = six ? 40 : 20, most = six ? 1280 : 576;
      size_t n = six ? packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_UDP, bytes, NULL)
                     : packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_UDP, bytes, NULL);
      assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
      icmp_error_set(&p, ICMP_ERROR_PORT);
      uint8_t *room = malloc(most); // exactly what it may write
      int answer = icmp_error_build(&w.ip, &p, now, room, most, &to);
      size_t want = header + 8 + n;
      assert_int_equal(answer, want < most ? want : most);
      assert_memory_equal(room + header + 8, packet, (size_t)answer - header - 8);
      assert_int_equal(room[header], six ? 1 : 3);
      assert_int_equal(room[header + 1], six ? 4 : 3);
      uint64_t sum = six ? estab_checksum_pseudo(&w.us6, &w.peer6, 58, (uint32_t)answer - 40) : 0;
      sum = estab_checksum_add(sum, room + header, (size_t)answer - header);
      assert_int_equal(estab_checksum_finish(sum), 0);
      free(room);
    }
  world_end(&w);
}

// [RFC 1122 M16, RFC 4443 M3]
static void error_suppression(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p, good;
  struct ip_route_result to;
  world_make(&w);
  size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_UDP, 30, NULL);
  assert_int_equal(world_input(&w, packet, n, 0, &good), 0);
  icmp_error_set(&good, ICMP_ERROR_PORT);
  uint64_t now = 0;
#define EXPECT(answer)                                                                             \
  assert_int_equal(icmp_error_build(&w.ip, &p, now += SECOND, out, sizeof out, &to), answer)
  p = good;
  EXPECT(20 + 8 + 50);
  p = good, p.version = 0;
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  p = good, p.link_multicast = true;
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  p = good, p.unicast = false;
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  p = good, p.dst = world_ip("192.0.2.255");
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  static const char *const nobody[] = {"0.0.0.0",     "224.0.0.1",       "240.0.0.1",
                                       "192.0.2.255", "255.255.255.255", "0.0.0.9"};
  for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
    p = good, p.src = world_ip(nobody[i]);
    EXPECT(-ESTAB_DROP_ICMP_TYPE);
  }
  // About ICMP errors never, about queries yes.
  uint8_t icmp[8] = {0};
  p = good, p.protocol = ESTAB_PROTOCOL_ICMP4, p.payload = icmp;
  for (unsigned type = 0; type < 256; type++) {
    icmp[0] = (uint8_t)type;
    bool query = type == 0 || type == 8 || (type >= 13 && type <= 18);
    assert_int_equal(icmp_error_build(&w.ip, &p, now += SECOND, out, sizeof out, &to) > 0, query);
  }
  p.payload_bytes = 0;
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  // Later fragments.
  uint8_t later[50];
  memcpy(later, w.frame, 50);
  later[7] = 1;
  p = good, p.header = later;
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  // Room for the header at least.
  p = good;
  assert_int_equal(icmp_error_build(&w.ip, &p, now += SECOND, out, 27, &to),
                   -ESTAB_DROP_IP_TOO_BIG);

  struct estab_ip all = world_ip("ff02::1");
  n = packet6(packet, &w.peer6, &all, ESTAB_PROTOCOL_ICMP6, 30, NULL);
  assert_int_equal(world_input(&w, packet, n, 0, &good), 0);
  memset(w.frame + 40, 0, 8);
  w.frame[40] = 128;
  icmp_error_set(&good, ICMP_ERROR_PORT);
  p = good;
  EXPECT(-ESTAB_DROP_ICMP_TYPE);
  p = good, p.error_multicast = true; // RFC 4443 2.4 (e.3): parameter problem code 2
  EXPECT(40 + 8 + 70);
  assert_memory_equal(&to.local, &w.us6, 16); // not the group
  for (unsigned type = 0; type < 256; type++) {
    p = good, p.error_multicast = true;
    w.frame[40] = (uint8_t)type;
    assert_int_equal(icmp_error_build(&w.ip, &p, now += SECOND, out, sizeof out, &to) > 0,
                     type >= 128 && type != 137);
  }
  world_end(&w);
}

// ATTACKS E5, R12.
static unsigned burst(struct world *w, enum ip_limit limit, const struct estab_ip *peer,
                      uint64_t now_ns)
{
  unsigned n = 0;
  while (n < 100000 && ip_limit_take(&w->ip, limit, peer, now_ns))
    n++;
  return n;
}

// [RFC 4443 M4, RFC 4443 S3]
static void limits(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  unsigned seen[64] = {0}, kinds = 0;
  for (unsigned i = 0; i < 200; i++) { // bursts after a long rest: of no fixed height
    unsigned n = burst(&w, IP_LIMIT_ERROR, &w.peer4, i * 100 * SECOND);
    assert_in_range(n, 3, 20);
    kinds += seen[n]++ == 0;
  }
  assert_true(kinds >= 5);
  // Nor may the packets after the burst come at a steady beat.
  uint64_t before = 0, least = UINT64_MAX, most = 0;
  for (uint64_t now = 100000 * SECOND; now < 100010 * SECOND; now += SECOND / 1000) {
    if (!ip_limit_take(&w.ip, IP_LIMIT_ERROR, &w.peer4, now)) continue;
    uint64_t gap = now - before;
    if (before && gap > SECOND / 1000) {
      least = gap < least ? gap : least;
      most = gap > most ? gap : most;
    }
    before = now;
  }
  assert_true(most - least > SECOND / 25);
  // The long run: ten a second, within the noise.
  unsigned n = 0;
  const uint64_t start = 200000 * SECOND;
  for (uint64_t now = 0; now < 100 * SECOND; now += SECOND / 100)
    n += ip_limit_take(&w.ip, IP_LIMIT_ERROR, &w.peer6, start + now);
  assert_in_range(n, 900, 1250); // and what a full bucket gives every four seconds
  n = 0;
  for (uint64_t now = 0; now < 10 * SECOND; now += SECOND / 10000)
    n += ip_limit_take(&w.ip, IP_LIMIT_ECHO, &w.peer6, start + now);
  assert_in_range(n, 9000, 11500);
  world_end(&w);
}

// An attacker's own allowance must not tell how much others used: two thousand peers, one spoofed target.
static void limits_are_apart(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  unsigned touched = 0;
  for (unsigned i = 0; i < 2000; i++) {
    struct estab_ip attacker = estab_ip4(198, 18, (uint8_t)(i >> 8), (uint8_t)i);
    uint64_t now = i * 1000 * SECOND;
    burst(&w, IP_LIMIT_ERROR, &w.peer4, now); // the victim's is used up
    touched += !ip_limit_take(&w.ip, IP_LIMIT_ERROR, &attacker, now);
  }
  assert_in_range(touched, 0, 25); // 1 in 256 shares its bucket
  // Nor may errors use up what echoes and resets have.
  burst(&w, IP_LIMIT_ERROR, &w.peer6, 0);
  assert_true(ip_limit_take(&w.ip, IP_LIMIT_ECHO, &w.peer6, 0));
  assert_true(ip_limit_take(&w.ip, IP_LIMIT_RST, &w.peer6, 0));
  world_end(&w);
}

// All peers together: what a flood of forged sources gets out of us is bounded.
static void limits_in_all(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  unsigned n = 0;
  for (unsigned i = 0; i < 200000; i++) {
    struct estab_ip peer = estab_ip4(198, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
    n += ip_limit_take(&w.ip, IP_LIMIT_ERROR, &peer, i * 5000); // one second
  }
  assert_in_range(n, 1000, 256 * (10 + 12));
  world_end(&w);
}

static void limit_needs_memory(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  w.door.fail_after = 0;
  assert_false(ip_limit_take(&w.ip, IP_LIMIT_ERROR, &w.peer4, 0));
  w.door.fail_after = UINT64_MAX;
  assert_true(ip_limit_take(&w.ip, IP_LIMIT_ERROR, &w.peer4, 0));
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports),
      cmocka_unit_test(quotes),
      cmocka_unit_test(plateaus),
      cmocka_unit_test(ignored),
      cmocka_unit_test(checksums_and_lengths),
      cmocka_unit_test(echoes),
      cmocka_unit_test(neighbours),
      cmocka_unit_test(error_sizes),
      cmocka_unit_test(error_suppression),
      cmocka_unit_test(limits),
      cmocka_unit_test(limits_are_apart),
      cmocka_unit_test(limits_in_all),
      cmocka_unit_test(limit_needs_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
