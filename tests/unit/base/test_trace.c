// SPDX-License-Identifier: BSD-2-Clause
// test_trace.c - trace events by name and as JSON.

#include "estab/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void names(void **state)
{
  (void)state;
  assert_string_equal(estab_trace_name(ESTAB_TRACE_segment_sent), "segment_sent");
  for (int i = 0; i < ESTAB_TRACE_KINDS; i++) {
    assert_true(strlen(estab_trace_name((enum estab_trace_kind)i)) > 0);
    assert_true(strlen(estab_trace_text_of((enum estab_trace_kind)i)) > 0);
  }
  assert_string_equal(estab_trace_name(ESTAB_TRACE_KINDS), "unknown");
}

static void check(const struct estab_trace *event, const char *want)
{
  char text[1024];
  assert_int_equal(estab_trace_json(event, text, sizeof text), strlen(want));
  assert_string_equal(text, want);
  assert_int_equal(estab_trace_json(event, text, 9), strlen(want)); // cut, and terminated
  assert_int_equal(strlen(text), 8);
}

static void a_state_change(void **state)
{
  (void)state;
  struct estab_tuple tuple = {.local = estab_ip4(192, 0, 2, 1),
                              .remote = {{0x20, 1, 0xd, 0xb8}},
                              .local_port = 80,
                              .remote_port = 65535};
  tuple.remote.bytes[15] = 1;
  struct estab_trace event = {
      .kind = ESTAB_TRACE_state_changed, .now_ns = UINT64_MAX, .conn = 7, .tuple = &tuple};
  event.u.state_changed = (struct estab_trace_state_changed){
      .from = ESTAB_SYN_SENT, .to = ESTAB_ESTABLISHED, .cause = "SYN,ACK \"quoted\"\\\n"};
  check(&event, "{\"event\":\"state_changed\",\"now_ns\":18446744073709551615,\"conn\":7,"
                "\"local\":\"192.0.2.1\",\"local_port\":80,\"remote\":\"2001:db8::1\","
                "\"remote_port\":65535,\"from\":\"SYN-SENT\",\"to\":\"ESTABLISHED\","
                "\"cause\":\"SYN,ACK \\\"quoted\\\"\\\\\\u000a\"}");
}

static void a_segment(void **state)
{
  (void)state;
  struct estab_tcp_options options = {.present = ESTAB_TCP_OPT_MSS, .mss = 1460};
  struct estab_trace event = {.kind = ESTAB_TRACE_segment_sent, .now_ns = 1};
  event.u.segment_sent = (struct estab_trace_segment_sent){.flags = ESTAB_TCP_SYN | ESTAB_TCP_ACK,
                                                           .seq = UINT32_MAX,
                                                           .ack = 2,
                                                           .window = 65535,
                                                           .segments = 1,
                                                           .options = &options,
                                                           .state = ESTAB_SYN_RECEIVED};
  check(&event, "{\"event\":\"segment_sent\",\"now_ns\":1,\"flags\":\"S.\",\"seq\":4294967295,"
                "\"ack\":2,\"window\":65535,\"text_bytes\":0,\"segments\":1,\"urgent\":0,"
                "\"options\":\"mss 1460\",\"state\":\"SYN-RECEIVED\"}");
  event.u.segment_sent.options = NULL;
  char text[1024];
  estab_trace_json(&event, text, sizeof text);
  assert_non_null(strstr(text, "\"options\":\"\""));
}

static void a_drop(void **state)
{
  (void)state;
  struct estab_trace event = {.kind = ESTAB_TRACE_dropped, .now_ns = 5};
  event.u.dropped = (struct estab_trace_dropped){.reason = ESTAB_DROP_TCP_PAWS, .seq = 1};
  check(&event, "{\"event\":\"dropped\",\"now_ns\":5,\"reason\":\"TCP_PAWS\",\"netif\":0,"
                "\"flags\":\"-\",\"seq\":1,\"ack\":0,\"text_bytes\":0}");
}

// Every event there is gives a whole object, also when all its fields are 0 or NULL.
static void every_event(void **state)
{
  (void)state;
  for (int i = 0; i < ESTAB_TRACE_KINDS; i++) {
    struct estab_trace event = {.kind = (enum estab_trace_kind)i};
    char text[1024];
    size_t n = estab_trace_json(&event, text, sizeof text);
    assert_true(n == strlen(text) && text[0] == '{' && text[n - 1] == '}');
    assert_non_null(strstr(text, estab_trace_name(event.kind)));
    unsigned quotes = 0;
    for (size_t k = 0; k < n; k++)
      quotes += text[k] == '"';
    assert_int_equal(quotes % 2, 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names),  cmocka_unit_test(a_state_change), cmocka_unit_test(a_segment),
      cmocka_unit_test(a_drop), cmocka_unit_test(every_event),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
