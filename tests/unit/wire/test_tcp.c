// SPDX-License-Identifier: BSD-2-Clause
// test_tcp.c - TCP headers and options against bytes written by hand.

#include <estab/wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum {
  MSS = ESTAB_TCP_OPT_MSS,
  WS = ESTAB_TCP_OPT_WSCALE,
  SACKOK = ESTAB_TCP_OPT_SACK_PERMITTED,
  SACK = ESTAB_TCP_OPT_SACK,
  TS = ESTAB_TCP_OPT_TS,
  UTO = ESTAB_TCP_OPT_UTO,
  TFO = ESTAB_TCP_OPT_TFO,
  FOEXP = ESTAB_TCP_OPT_TFO | ESTAB_TCP_OPT_TFO_EXP,
  ACC0 = ESTAB_TCP_OPT_ACCECN0,
  ACC1 = ESTAB_TCP_OPT_ACCECN1,
  BAD = ESTAB_TCP_OPT_MALFORMED,
};

static void a_syn_as_it_lies(void **state)
{
  (void)state;
  static const uint8_t wire[40] = {0x13, 0x88, 0x00, 0x50, 0xff, 0xff, 0xff, 0xfe, 0x00, 0x00,
                                   0x00, 0x00, 0xa0, 0x02, 0xff, 0xff, 0x00, 0x00, 0x00, 0x07,
                                   0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x00, 0x00,
                                   0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07};
  const struct estab_tcp_header h = {
      .src_port = 5000,
      .dst_port = 80,
      .seq = 0xfffffffe,
      .flags = ESTAB_TCP_SYN,
      .window = 65535,
      .urgent = 7,
      .options = {.present = MSS | SACKOK | TS | WS, .mss = 1460, .wscale = 7, .ts_value = 1},
  };
  uint8_t out[ESTAB_TCP_HEADER_MAX_BYTES];
  struct estab_tcp_header g;
  assert_int_equal(estab_tcp_emit(&h, out), sizeof wire);
  assert_memory_equal(out, wire, sizeof wire);
  assert_int_equal(estab_tcp_parse(wire, sizeof wire, &g), sizeof wire);
  assert_int_equal(g.seq, 0xfffffffe);
  assert_int_equal(g.options.present, h.options.present);
}

static void all_twelve_flag_bits_are_kept(void **state)
{
  (void)state;
  for (unsigned flags = 0; flags < 0x1000; flags++) {
    const struct estab_tcp_header h = {.flags = (uint16_t)flags};
    struct estab_tcp_header g;
    uint8_t out[ESTAB_TCP_HEADER_MAX_BYTES];
    estab_tcp_emit(&h, out);
    assert_int_equal(estab_tcp_parse(out, 20, &g), 20);
    assert_int_equal(g.flags, flags);
  }
}

static void layouts(void **state)
{
  (void)state;
  static const struct {
    struct estab_tcp_options o;
    size_t bytes;
    const char *text;
  } rows[] = {
      {{.present = 0}, 0, ""},
      {{.present = TS, .ts_value = 1, .ts_echo = 2}, 12, "nop,nop,TS val 1 ecr 2"},
      {{.present = SACKOK}, 4, "nop,nop,sackOK"},
      {{.present = MSS | SACKOK | WS, .mss = 536, .wscale = 2},
       12,
       "mss 536,nop,nop,sackOK,nop,wscale 2"},
      {{.present = MSS | TS | WS, .mss = 1}, 20, "mss 1,nop,nop,TS val 0 ecr 0,nop,wscale 0"},
      {{.present = TFO}, 4, "FO,nop,nop"},
      {{.present = TFO, .tfo_bytes = 6}, 8, "FO 000000000000"},
      {{.present = FOEXP}, 4, "FOEXP"},
      {{.present = FOEXP, .tfo_bytes = 6, .tfo_cookie = {0xab, 0xcd, 0xef}},
       12,
       "FOEXP abcdef000000,nop,nop"},
      {{.present = ESTAB_TCP_OPT_TFO_EXP, .tfo_bytes = 6}, 0, ""},
      {{.present = SACK, .sack_count = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
       36,
       "nop,nop,sack 1:2 3:4 5:6 7:8"},
      // With timestamps three blocks fit, in a crowded header one.
      {{.present = SACK | TS, .sack_count = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
       40,
       "nop,nop,TS val 0 ecr 0,nop,nop,sack 1:2 3:4 5:6"},
      {{.present = SACK | TS | MSS | WS | UTO, .sack_count = 2, .sack = {{1, 2}, {3, 4}}, .mss = 9},
       36,
       "mss 9,nop,nop,TS val 0 ecr 0,nop,wscale 0,uto 0s,nop,nop,sack 1:2"},
      {{.present = SACK, .sack_count = 0}, 0, ""},
      // AccECN takes what SACK leaves, and says as much as fits.
      {{.present = TS | SACK | ACC0, .sack_count = 2, .accecn_count = 3, .accecn = {1, 2, 3}},
       40,
       "nop,nop,TS val 0 ecr 0,nop,nop,sack 0:0 0:0,ECN e0b 1 ceb 2"},
      {{.present = TS | SACK | ACC1, .sack_count = 3, .accecn_count = 3},
       40,
       "nop,nop,TS val 0 ecr 0,nop,nop,sack 0:0 0:0 0:0"},
      {{.present = ACC1}, 4, "ECN,nop,nop"},
      {{.present = UTO, .user_timeout = 9}, 4, "uto 9s"},
      {{.present = MSS | SACKOK | TS | WS | TFO | UTO, .mss = 9, .tfo_bytes = 16},
       40,
       "mss 9,sackOK,TS val 0 ecr 0,nop,wscale 0,FO 00000000000000000000000000000000,nop,nop"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t out[ESTAB_TCP_OPTIONS_BYTES];
    char text[200];
    assert_int_equal(estab_tcp_options_emit(&rows[i].o, out), rows[i].bytes);
    assert_int_equal(estab_tcp_options_bytes(&rows[i].o), rows[i].bytes);
    estab_tcp_options_format(out, rows[i].bytes, NULL, text, sizeof text);
    assert_string_equal(text, rows[i].text);
  }
}

// [P2] An illegal length ends the walk; what came before it counts. [MUST-6] [MUST-7]
static void what_is_taken(void **state)
{
  (void)state;
  static const struct {
    uint8_t bytes[40];
    size_t count;
    uint32_t present;
  } rows[] = {
      {{0}, 0, 0},
      {{0, 2, 4, 5}, 4, 0}, // behind the end
      {{1, 1, 1, 1}, 4, 0},
      {{2, 4, 5, 0xb4}, 4, MSS},
      {{2, 4, 0, 0}, 4, 0}, // an MSS of 0 is none [P3]
      {{2, 3, 5, 1}, 4, BAD},
      {{2, 4, 5, 0xb4, 3, 2, 4, 2}, 8, MSS | BAD}, // window scale of length 2: CVE-2019-12258
      {{3, 3, 7, 0}, 4, WS},
      {{4, 2, 0, 0}, 4, SACKOK},
      {{4, 3, 0, 0}, 4, BAD},
      {{4, 2, 2, 0, 5, 5, 5, 5}, 8, SACKOK | BAD}, // length 0: CVE-2020-24337
      {{4, 2, 2, 1, 5, 5, 5, 5}, 8, SACKOK | BAD},
      {{4, 2, 2, 7, 5, 5, 5, 5}, 8, SACKOK | BAD}, // past the end
      {{4, 2, 1, 2}, 4, SACKOK | BAD},             // length byte itself past the end
      {{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0}, 12, TS},
      {{8, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0}, 12, BAD},
      {{5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0}, 12, SACK},
      {{5, 2, 0, 0}, 4, BAD},
      {{5, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0}, 12, BAD},
      {{28, 4, 0, 9}, 4, UTO},
      {{28, 3, 0, 4, 2, 0, 0, 0}, 8, SACKOK}, // RFC 5482, 7413: only that option is ignored
      {{34, 2, 4, 2}, 4, TFO | SACKOK},
      {{34, 4, 1, 1, 4, 2}, 6, SACKOK},
      {{34, 6, 1, 2, 3, 4}, 6, TFO},
      {{34, 7, 1, 2, 3, 4, 5, 0}, 8, 0},
      {{172, 11, 0, 0, 1, 0, 0, 2, 0, 0, 3, 1}, 12, ACC0},
      {{174, 8, 0, 0, 1, 0, 0, 2}, 8, ACC1},
      {{172, 2, 174, 2}, 4, ACC1}, // the later one
      {{172, 4, 0, 0}, 4, ACC0},
      {{253, 4, 9, 9, 4, 2, 0, 0}, 8, SACKOK}, // unknown: stepped over
      {{253, 0, 4, 2}, 4, BAD},
      // [RFC 7413 S5] kind 254 is Fast Open's where its first two octets say so
      {{254, 4, 0xf9, 0x89, 4, 2, 0, 0}, 8, FOEXP | SACKOK},
      {{254, 8, 0xf9, 0x89, 1, 2, 3, 4}, 8, FOEXP},
      {{254, 6, 0xf9, 0x89, 1, 2, 4, 2}, 8, SACKOK},
      {{254, 9, 0xf9, 0x89, 1, 2, 3, 4, 5, 4, 2, 0}, 12, SACKOK},
      {{254, 8, 0xf9, 0x88, 1, 2, 3, 4}, 8, 0},
      {{253, 8, 0xf9, 0x89, 1, 2, 3, 4}, 8, 0},
      {{254, 3, 0xf9, 0x89}, 4, BAD}, // the next one's length
      {{254, 2, 0xf9, 2}, 4, 0},
      {{254, 4, 0xf9, 0x89, 34, 2}, 6, TFO}, // the later one
      {{34, 2, 254, 4, 0xf9, 0x89}, 6, FOEXP},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct estab_tcp_options o;
    estab_tcp_options_parse(rows[i].bytes, rows[i].count, &o);
    if (o.present != rows[i].present) fail_msg("row %zu: present 0x%x", i, (unsigned)o.present);
  }
}

// Of both kinds and every length that there can be, the whole counters are taken. [RFC 9768 M41]
static void counters_of_any_length(void **state)
{
  (void)state;
  for (unsigned kind = 172; kind <= 174; kind += 2)
    for (unsigned length = 2; length <= 40; length++) {
      uint8_t bytes[ESTAB_TCP_OPTIONS_BYTES];
      for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(200 + i);
      bytes[0] = (uint8_t)kind;
      bytes[1] = (uint8_t)length;
      struct estab_tcp_options o;
      estab_tcp_options_parse(bytes, length, &o);
      assert_int_equal(o.present, kind == 172 ? ACC0 : ACC1);
      unsigned most = (length - 2) / 3;
      assert_int_equal(o.accecn_count, most < 3 ? most : 3);
      for (unsigned i = 0; i < o.accecn_count; i++)
        assert_int_equal(o.accecn[i], (202u + 3 * i) << 16 | (203u + 3 * i) << 8 | (204u + 3 * i));
    }
}

// What is written with every number of counters beside every number of blocks, with timestamps and without, is read
// again, as many as fit. [RFC 9768 M42]
static void counters_are_written(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 2 * 2 * 4 * 5; i++) {
    const unsigned counters = i / 4 % 4, blocks = i / 16;
    const bool reverse = i & 1, ts = i & 2;
    struct estab_tcp_options o = {.accecn_count = (uint8_t)counters,
                                  .accecn = {0x123456, 0xffffff, 0x000001},
                                  .sack_count = (uint8_t)blocks},
                             back;
    o.present = (reverse ? ACC1 : ACC0) | (ts ? TS : 0u) | (blocks ? SACK : 0u);
    uint8_t out[ESTAB_TCP_OPTIONS_BYTES];
    size_t bytes = estab_tcp_options_emit(&o, out);
    estab_tcp_options_parse(out, bytes, &back);
    const unsigned most = ts ? 3 : 4, written = blocks < most ? blocks : most;
    const unsigned left = 40u - (ts ? 12u : 0u) - (written ? 4u + 8u * written : 0u);
    unsigned fit = counters;
    while (fit > 0 && (2 + 3 * fit + 3) / 4 * 4 > left)
      fit--;
    const bool there = left >= 4 && (fit > 0 || counters == 0);
    assert_int_equal(back.present & (ACC0 | ACC1), there ? (reverse ? ACC1 : ACC0) : 0u);
    if (!there) continue;
    assert_int_equal(back.accecn_count, fit);
    for (unsigned k = 0; k < fit; k++)
      assert_int_equal(back.accecn[k], o.accecn[k]);
  }
}

static void window_scale_is_clamped(void **state)
{
  (void)state;
  for (unsigned shift = 0; shift < 256; shift++) {
    const uint8_t bytes[3] = {3, 3, (uint8_t)shift};
    struct estab_tcp_options o;
    estab_tcp_options_parse(bytes, 3, &o);
    assert_int_equal(o.wscale, shift < 14 ? shift : 14);
  }
}

// Only `present` is written for what is not there, and the usual timestamps take a way of their own.
static void other_fields_are_left_alone(void **state)
{
  (void)state;
  const struct estab_tcp_header h = {.options = {.present = TS, .ts_value = 3, .ts_echo = 4}};
  struct estab_tcp_header g = {.options = {.mss = 77, .wscale = 9}};
  uint8_t out[ESTAB_TCP_HEADER_MAX_BYTES];
  assert_int_equal(estab_tcp_emit(&h, out), 32);
  assert_int_equal(estab_tcp_parse(out, 32, &g), 32);
  assert_int_equal(g.options.present, TS);
  assert_int_equal(g.options.ts_value, 3);
  assert_int_equal(g.options.ts_echo, 4);
  assert_int_equal(g.options.mss, 77);
  assert_int_equal(g.options.wscale, 9);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_syn_as_it_lies),
      cmocka_unit_test(all_twelve_flag_bits_are_kept),
      cmocka_unit_test(layouts),
      cmocka_unit_test(what_is_taken),
      cmocka_unit_test(counters_of_any_length),
      cmocka_unit_test(counters_are_written),
      cmocka_unit_test(window_scale_is_clamped),
      cmocka_unit_test(other_fields_are_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
