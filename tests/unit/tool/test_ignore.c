// SPDX-License-Identifier: BSD-2-Clause
// test_ignore.c - which words of --ignore are taken, and which alerts they keep silent.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "../../../tools/estab/watch/ignore.c"

static void words(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    bool taken;
    unsigned ports;
  } rows[] = {
      {"port=22", true, 1},
      {"port=22,80-90", true, 2},
      {"port=0,65535", true, 2},
      {"port=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", true, 16},
      {"port=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", false, 0},
      {"port=", false, 0},
      {"kind=syn_scan port=", false, 0},
      {"port= 22", false, 0},
      {"port=,", false, 0},
      {"port=80,", false, 0},
      {"port=,80", false, 0},
      {"port=22,,80", false, 0},
      {"port=90-80", false, 0},
      {"port=80-", false, 0},
      {"port=65536", false, 0},
      {"port=-1", false, 0},
      {"port=+1", false, 0},
      {"port=1-+2", false, 0},
      {"port=18446744073709551617", false, 0},
      {"port=22 port=80", false, 0}, // all words must match: no alert could
      {"src=192.0.2.0/24", true, 0},
      {"src=2001:db8::/32 dst=192.0.2.1 kind=land", true, 0},
      {"src=", false, 0},
      {"dst=", false, 0},
      {"src=/24", false, 0},
      {"src=192.0.2.0/", false, 0},
      {"src=192.0.2.0/33", false, 0},
      {"src=192.0.2.0/-1", false, 0},
      {"src=1.2.3.4 src=1.2.3.5", false, 0},
      {"dst=1.2.3.4 dst=1.2.3.5", false, 0},
      {"kind=", false, 0},
      {"kind=bla", false, 0},
      {"kind=land kind=syn_scan", false, 0},
      {"", false, 0},
      {" \t", false, 0},
      {"x=1", false, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ignore ignore;
    const char *why = ignore_read(rows[i].text, &ignore);
    if ((why == NULL) != rows[i].taken)
      fail_msg("'%s': %s", rows[i].text, why != NULL ? why : "taken");
    if (why == NULL) assert_int_equal(ignore.port_count, rows[i].ports);
  }
}

static struct estab_ip ip(const char *text)
{
  struct estab_ip out;
  assert_int_equal(estab_ip_parse(text, &out), 0);
  return out;
}

static void alerts(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    bool silent;
  } rows[] = {
      {"kind=syn_scan", true},
      {"kind=land", false},
      {"src=192.0.2.0/24", true},
      {"src=192.0.2.0/31", false},
      {"src=192.0.2.0/24 dst=198.51.100.7", true},
      {"dst=198.51.100.8", false},
      {"port=22,80", true},
      {"port=20-90", true},
      {"port=22", false}, // 80 is another
      {"src=192.0.2.0/24 port=443", false},
  };
  const struct estab_ip src[2] = {ip("192.0.2.1"), ip("192.0.2.9")}, dst = ip("198.51.100.7");
  const uint16_t ports[2] = {22, 80};
  struct estab_watch_alert a = {.kind = ESTAB_WATCH_KIND_SYN_SCAN,
                                .src = src,
                                .src_listed = 2,
                                .src_count = 2,
                                .dst = &dst,
                                .dst_listed = 1,
                                .dst_count = 1,
                                .ports = ports,
                                .ports_listed = 2,
                                .port_count = 2};
  struct ignore ignore;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_null(ignore_read(rows[i].text, &ignore));
    if (ignore_matches(&ignore, &a) != rows[i].silent) fail_msg("%s", rows[i].text);
  }
  a.port_count = 3; // what is not listed might be another
  assert_null(ignore_read("port=22,80", &ignore));
  assert_false(ignore_matches(&ignore, &a));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(alerts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
