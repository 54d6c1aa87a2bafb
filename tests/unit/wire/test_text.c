// SPDX-License-Identifier: BSD-2-Clause
// test_text.c - the one notation: flags, segments, options, whole packets.

#include <estab/wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void flags_in_both_forms(void **state)
{
  (void)state;
  static const struct {
    uint16_t flags;
    const char *letters, *names;
  } rows[] = {
      {0x000, "-", "0"},
      {0x002, "S", "SYN"},
      {0x012, "S.", "SYN|ACK"},
      {0x010, ".", "ACK"},
      {0x018, "P.", "PSH|ACK"},
      {0x011, "F.", "FIN|ACK"},
      {0x004, "R", "RST"},
      {0x014, "R.", "RST|ACK"},
      {0x0c2, "SEW", "SYN|ECE|CWR"},
      {0x1c2, "SEWA", "SYN|ECE|CWR|AE"},
      {0x052, "SE.", "SYN|ACK|ECE"},
      {0x003, "SF", "FIN|SYN"},
      {0x030, "U.", "ACK|URG"},
      {0x029, "FPU", "FIN|PSH|URG"},
      {0x1ff, "SFRPUEWA.", "FIN|SYN|RST|PSH|ACK|URG|ECE|CWR|AE"},
      {0x200, "-", "0x200"},
      {0xe02, "S", "SYN|0xe00"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[64];
    assert_int_equal(estab_flags_format(rows[i].flags, text, sizeof text), strlen(rows[i].letters));
    assert_string_equal(text, rows[i].letters);
    assert_int_equal(estab_flags_format_names(rows[i].flags, text, sizeof text),
                     strlen(rows[i].names));
    assert_string_equal(text, rows[i].names);
  }
}

static void segments(void **state)
{
  (void)state;
  static const struct {
    struct estab_tcp_header h;
    size_t payload_bytes;
    struct estab_format_options how;
    const char *text;
  } rows[] = {
      {{.flags = 0x02,
        .window = 65535,
        .options = {.present = ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_SACK_PERMITTED | ESTAB_TCP_OPT_TS |
                               ESTAB_TCP_OPT_WSCALE,
                    .mss = 1460,
                    .ts_value = 1,
                    .wscale = 7}},
       0,
       {0},
       "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>"},
      {{.flags = 0x18, .seq = 1001, .ack = 501, .window = 512},
       100,
       {.seq_base = 1000, .ack_base = 500},
       "P. 1:101(100) ack 1 win 512"},
      {{.flags = 0x10, .seq = 4, .ack = 0xfffffff0, .window = 2},
       0,
       {.seq_base = 0xfffffffa,
        .ack_base = 0xffffffe0,
        .window_given = true,
        .window_bytes = 70000},
       ". 10:10(0) ack 16 win 70000"},
      {{.flags = 0x10, .seq = 0xffffffff, .window = 9}, 2, {0}, ". 4294967295:1(2) ack 0 win 9"},
      {{.flags = 0x04, .seq = 7, .ack = 8}, 0, {0}, "R 7:7(0) win 0"},
      {{.flags = 0x30, .seq = 7, .ack = 8, .urgent = 5}, 9, {0}, "U. 7:16(9) ack 8 win 0 urg 5"},
      {{.flags = 0x10,
        .ack = 11,
        .options = {.present = ESTAB_TCP_OPT_SACK, .sack_count = 2, .sack = {{21, 31}, {41, 51}}}},
       0,
       {.ack_base = 10},
       ". 0:0(0) ack 1 win 0 <nop,nop,sack 11:21 31:41>"},
      {{.flags = 0x10, .options = {.present = ESTAB_TCP_OPT_TS, .ts_value = 3, .ts_echo = 4}},
       0,
       {.no_options = true},
       ". 0:0(0) ack 0 win 0"},
      // [RFC 5482 M1]
      {{.options = {.present = ESTAB_TCP_OPT_TFO | ESTAB_TCP_OPT_UTO,
                    .tfo_bytes = 4,
                    .tfo_cookie = {0xab, 0xcd, 0x01, 0x23},
                    .user_timeout = 0x8005}},
       0,
       {0},
       "- 0:0(0) win 0 <FO abcd0123,nop,nop,uto 5m>"},
      {{.options = {.present = ESTAB_TCP_OPT_ACCECN0,
                    .accecn_count = 3,
                    .accecn = {1, 0xffffff, 3}}},
       0,
       {0},
       "- 0:0(0) win 0 <ECN e0b 1 ceb 16777215 e1b 3,nop>"},
      {{.options = {.present = ESTAB_TCP_OPT_ACCECN1, .accecn_count = 1, .accecn = {7}}},
       0,
       {0},
       "- 0:0(0) win 0 <ECN e1b 7,nop,nop,nop>"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[200];
    const size_t n =
        estab_tcp_format(&rows[i].h, rows[i].payload_bytes, &rows[i].how, text, sizeof text);
    assert_string_equal(text, rows[i].text);
    assert_int_equal(n, strlen(rows[i].text));
  }
}

// Options as they lie, also those that the codec does not take.
static void option_bytes_in_their_own_order(void **state)
{
  (void)state;
  static const struct {
    uint8_t bytes[40];
    size_t count;
    const char *text;
  } rows[] = {
      {{0}, 0, ""},
      {{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 12, "nop,nop,TS val 1 ecr 2"},
      {{2, 4, 5, 0xb4, 1, 3, 3, 200, 4, 2, 0, 0}, 12, "mss 1460,nop,wscale 200,sackOK,eol,eol"},
      {{34, 2, 0, 0}, 4, "FO,eol,eol"},
      {{172, 2, 1, 1}, 4, "ECN,nop,nop"},
      {{253, 4, 0xde, 0xad}, 4, "kind 253 0xdead"},
      {{253, 2, 1, 1}, 4, "kind 253,nop,nop"},
      {{2, 3, 5, 1}, 4, "kind 2 0x05,nop"},
      {{1, 2, 0, 9}, 4, "nop,bad 0x020009"},
      {{3}, 1, "bad 0x03"},
      {{5, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 10, "sack 1:2"},
      {{28, 4, 0, 30}, 4, "uto 30s"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[200];
    const size_t n =
        estab_tcp_options_format(rows[i].bytes, rows[i].count, NULL, text, sizeof text);
    assert_string_equal(text, rows[i].text);
    assert_int_equal(n, strlen(rows[i].text));
  }
}

static struct estab_ip address(const char *text)
{
  struct estab_ip ip;
  assert_int_equal(estab_ip_parse(text, &ip), 0);
  return ip;
}

// Made by hand, then from its bytes: the same line.
static void check_packet(struct estab_packet p, const char *src, const char *dst, const char *line)
{
  const struct estab_format_options how = {.addresses = true};
  uint8_t bytes[2000];
  char text[ESTAB_PACKET_TEXT_BYTES];
  struct estab_packet q;
  p.version = strchr(src, ':') != NULL ? 6 : 4;
  p.ttl = 255;
  p.src = address(src);
  p.dst = address(dst);
  const int n = estab_packet_emit(&p, bytes, sizeof bytes);
  assert_true(n > 0);
  assert_true(estab_packet_parse(p.link, bytes, (size_t)n, false, &q) >= 0);
  estab_packet_format(&q, &how, text, sizeof text);
  assert_string_equal(text, line);
  if (strstr(line, "neighbour") != NULL) return; // needs the bytes
  estab_packet_format(&p, &how, text, sizeof text);
  assert_string_equal(text, line);
}

static void packets(void **state)
{
  (void)state;
  const uint8_t twelve[12] = {0};
  const struct estab_packet syn = {
      .kind = ESTAB_PACKET_TCP,
      .tcp = {.src_port = 5000,
              .dst_port = 80,
              .flags = ESTAB_TCP_SYN,
              .window = 65535,
              .options = {.present = ESTAB_TCP_OPT_MSS, .mss = 1460}},
  };
  check_packet(syn, "192.0.2.1", "192.0.2.2",
               "192.0.2.1:5000 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460>");
  check_packet(syn, "2001:db8::1", "2001:db8::2",
               "[2001:db8::1]:5000 > [2001:db8::2]:80 S 0:0(0) win 65535 <mss 1460>");
  struct estab_packet marked = syn;
  marked.ecn = ESTAB_ECN_CE;
  check_packet(marked, "192.0.2.1", "192.0.2.2",
               "192.0.2.1:5000 > 192.0.2.2:80 [ce] S 0:0(0) win 65535 <mss 1460>");

  struct estab_packet udp = {.kind = ESTAB_PACKET_UDP, .payload = twelve, .payload_bytes = 12};
  udp.udp.src_port = 53;
  udp.udp.dst_port = 4000;
  check_packet(udp, "192.0.2.1", "192.0.2.2", "192.0.2.1:53 > 192.0.2.2:4000 udp (12)");
  check_packet(udp, "::1", "::2", "[::1]:53 > [::2]:4000 udp (12)");

  struct estab_packet echo = {.kind = ESTAB_PACKET_ICMP4, .payload = twelve, .payload_bytes = 12};
  echo.icmp = (struct estab_icmp_header){.type = 8, .id = 7, .seq = 9, .echo = true};
  check_packet(echo, "192.0.2.1", "192.0.2.2", "192.0.2.1 > 192.0.2.2 icmp echo id 7 seq 9 (12)");
  echo.icmp.type = ESTAB_ICMP6_ECHO_REPLY;
  echo.kind = ESTAB_PACKET_ICMP6;
  check_packet(echo, "::1", "::2", "::1 > ::2 icmp echo_reply id 7 seq 9 (12)");

  struct estab_packet other = {.protocol = 47, .payload = twelve, .payload_bytes = 12};
  check_packet(other, "192.0.2.1", "192.0.2.2", "192.0.2.1 > 192.0.2.2 proto 47 (12)");
  struct estab_packet piece = {.kind = ESTAB_PACKET_FRAGMENT,
                               .protocol = 17,
                               .fragment = {.id = 7, .offset = 1480, .more = false},
                               .payload = twelve,
                               .payload_bytes = 12};
  check_packet(piece, "192.0.2.1", "192.0.2.2",
               "192.0.2.1 > 192.0.2.2 frag id 7 offset 1480 (12) proto 17");
  piece.fragment.more = true;
  piece.payload_bytes = 8;
  check_packet(piece, "::1", "::2", "::1 > ::2 frag id 7 offset 1480+ (8) proto 17");
}

static void errors_and_what_they_quote(void **state)
{
  (void)state;
  struct estab_packet inner = {.kind = ESTAB_PACKET_TCP, .version = 4, .ttl = 64};
  uint8_t quote[200];
  inner.src = address("192.0.2.1");
  inner.dst = address("192.0.2.9");
  inner.tcp =
      (struct estab_tcp_header){.src_port = 80, .dst_port = 4000, .seq = 7, .flags = ESTAB_TCP_ACK};
  int n = estab_packet_emit(&inner, quote, sizeof quote);
  assert_int_equal(n, 40);
  struct estab_packet p = {.kind = ESTAB_PACKET_ICMP4, .payload = quote, .payload_bytes = 28};
  p.icmp = (struct estab_icmp_header){.type = 3, .code = 4, .mtu = 1400, .error = true};
  check_packet(p, "192.0.2.9", "192.0.2.1",
               "192.0.2.9 > 192.0.2.1 icmp unreachable frag_needed mtu 1400 "
               "[192.0.2.1:80 > 192.0.2.9:4000 tcp seq 7]");
  p.icmp = (struct estab_icmp_header){.type = 11, .error = true};
  p.payload_bytes = 27; // one byte short of the sequence number
  check_packet(p, "192.0.2.9", "192.0.2.1",
               "192.0.2.9 > 192.0.2.1 icmp time_exceeded in_transit "
               "[192.0.2.1:80 > 192.0.2.9:4000 tcp]");
  p.icmp = (struct estab_icmp_header){.type = 3, .code = 99, .error = true};
  p.payload_bytes = 20;
  check_packet(p, "192.0.2.9", "192.0.2.1",
               "192.0.2.9 > 192.0.2.1 icmp unreachable code 99 [192.0.2.1 > 192.0.2.9 tcp]");

  inner.version = 6;
  inner.src = address("2001:db8::1");
  inner.dst = address("2001:db8::9");
  n = estab_packet_emit(&inner, quote, sizeof quote);
  p = (struct estab_packet){
      .kind = ESTAB_PACKET_ICMP6, .payload = quote, .payload_bytes = (size_t)n};
  p.icmp = (struct estab_icmp_header){.type = 2, .mtu = 1280, .error = true};
  check_packet(p, "2001:db8::9", "2001:db8::1",
               "2001:db8::9 > 2001:db8::1 icmp packet_too_big mtu 1280 "
               "[[2001:db8::1]:80 > [2001:db8::9]:4000 tcp seq 7]");
}

static void neighbours(void **state)
{
  (void)state;
  struct estab_packet p = {.kind = ESTAB_PACKET_ARP, .link = ESTAB_LINK_ETHERNET};
  p.arp = (struct estab_arp){.operation = ESTAB_ARP_REQUEST,
                             .sender_ip = address("192.0.2.2"),
                             .target_ip = address("192.0.2.1"),
                             .sender_mac = {2, 0, 0, 0, 0, 0x0a}};
  check_packet(p, "192.0.2.2", "192.0.2.1", "arp who-has 192.0.2.1 tell 192.0.2.2");
  p.arp.operation = ESTAB_ARP_REPLY;
  check_packet(p, "192.0.2.2", "192.0.2.1", "arp reply 192.0.2.2 is-at 02:00:00:00:00:0a");

  struct estab_nd nd = {.type = ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT,
                        .target = address("fe80::1"),
                        .present = ESTAB_ND_TARGET_MAC,
                        .target_mac = {2, 0, 0, 0, 0, 0x0b}};
  uint8_t message[ESTAB_ND_MAX_BYTES];
  size_t n = estab_nd_emit(&nd, message);
  p = (struct estab_packet){
      .kind = ESTAB_PACKET_ICMP6, .payload = message + 8, .payload_bytes = n - 8};
  p.icmp.type = nd.type;
  check_packet(p, "fe80::1", "fe80::2",
               "fe80::1 > fe80::2 icmp neighbour_advertisement fe80::1 is-at 02:00:00:00:00:0b");
  nd.type = ESTAB_ICMP6_NEIGHBOUR_SOLICITATION;
  nd.present = 0;
  n = estab_nd_emit(&nd, message);
  p.payload_bytes = n - 8;
  p.icmp.type = nd.type;
  check_packet(p, "fe80::2", "ff02::1:ff00:1",
               "fe80::2 > ff02::1:ff00:1 icmp neighbour_solicitation who-has fe80::1");
}

static void short_buffers_are_terminated_and_counted(void **state)
{
  (void)state;
  const struct estab_tcp_header h = {.flags = 0x12, .window = 100};
  const char *const whole = "S. 0:0(0) ack 0 win 100";
  for (size_t room = 0; room <= strlen(whole) + 1; room++) {
    char text[64];
    memset(text, 'x', sizeof text);
    assert_int_equal(estab_tcp_format(&h, 0, NULL, text, room), strlen(whole));
    assert_int_equal(text[room], 'x');
    if (room == 0) continue;
    assert_int_equal(strlen(text), room - 1 < strlen(whole) ? room - 1 : strlen(whole));
    assert_int_equal(strncmp(text, whole, room - 1), 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(flags_in_both_forms),
      cmocka_unit_test(segments),
      cmocka_unit_test(option_bytes_in_their_own_order),
      cmocka_unit_test(packets),
      cmocka_unit_test(errors_and_what_they_quote),
      cmocka_unit_test(neighbours),
      cmocka_unit_test(short_buffers_are_terminated_and_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
