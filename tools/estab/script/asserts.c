// SPDX-License-Identifier: BSD-2-Clause
// asserts.c - %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%: just enough of an expression.
#include "run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct asserts {
  struct run *run;
  const char *at;
  struct estab_conn_info info;
  bool alive;
  bool wrong;      // cannot be read: run->reason says why
  char names[200]; // values of the names that were looked at
};

static int64_t assert_or(struct asserts *a);

static void assert_blanks(struct asserts *a)
{
  while (*a->at == ' ' || *a->at == '\t' || *a->at == '\r')
    a->at++;
}

static bool assert_mark(struct asserts *a, const char *mark)
{
  assert_blanks(a);
  size_t n = strlen(mark);
  if (strncmp(a->at, mark, n) != 0) return false;
  a->at += n;
  return true;
}

static bool assert_keyword(struct asserts *a, const char *word)
{
  assert_blanks(a);
  size_t n = strlen(word);
  if (strncmp(a->at, word, n) != 0 || isalnum((unsigned char)a->at[n]) || a->at[n] == '_')
    return false;
  a->at += n;
  return true;
}

// Linux's numbers; the other system's names for the same states stand for the same numbers.
static const struct {
  const char *name;
  int64_t value;
} assert_constants[] = {
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCPI_ESTABLISHED", 1},
    {"TCPI_SYN_SENT", 2},
    {"TCPI_SYN_RECEIVED", 3},
    {"TCPI_FIN_WAIT_1", 4},
    {"TCPI_FIN_WAIT_2", 5},
    {"TCPI_TIME_WAIT", 6},
    {"TCPI_CLOSED", 7},
    {"TCPI_CLOSE_WAIT", 8},
    {"TCPI_LAST_ACK", 9},
    {"TCPI_LISTEN", 10},
    {"TCPI_CLOSING", 11},
    {"TCPI_OPT_TIMESTAMPS", 1},
    {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8},
    {"TCPI_OPT_ECN_SEEN", 16},
    {"TCPI_OPT_SYN_DATA", 32},
    {"TCP_INFINITE_SSTHRESH", 0x7fffffff},
    {"TCP_CA_Open", 0},
    {"TCP_CA_Disorder", 1},
    {"TCP_CA_CWR", 2},
    {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"True", 1},
    {"False", 0},
};

static int64_t assert_state(enum estab_state state)
{
  static const uint8_t numbers[ESTAB_STATES] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
  return state < ESTAB_STATES ? numbers[state] : 7;
}

static bool assert_variable(struct asserts *a, const char *name, int64_t *value)
{
  const struct estab_conn_info *i = &a->info;
  int64_t mss = i->snd_mss > 0 ? i->snd_mss : 1;
  const struct {
    const char *name;
    int64_t value;
  } variables[] = {
      {"tcpi_state", a->alive ? assert_state(i->state) : 7},
      {"tcpi_options", (i->timestamps ? 1 : 0) | (i->sack ? 2 : 0) | (i->window_scaling ? 4 : 0) |
                           (i->ecn ? 8 : 0) | ((i->fast_open & ESTAB_FAST_OPEN_TAKEN) ? 32 : 0)},
      {"tcpi_snd_cwnd", i->cwnd_bytes / mss},
      {"tcpi_snd_ssthresh", i->ssthresh_bytes >= 0x3fffffff ? 0x7fffffff : i->ssthresh_bytes / mss},
      {"tcpi_unacked", (i->flight_bytes + mss - 1) / mss},
      {"tcpi_snd_mss", i->snd_mss},
      {"tcpi_rcv_mss", i->rcv_mss},
      {"tcpi_pmtu", i->path_mtu},
      {"tcpi_snd_wscale", i->snd_wscale},
      {"tcpi_rcv_wscale", i->rcv_wscale},
      {"tcpi_rtt", (int64_t)(i->srtt_ns / 1000)},
      {"tcpi_rttvar", (int64_t)(i->rttvar_ns / 1000)},
      {"tcpi_min_rtt", (int64_t)(i->rtt_min_ns / 1000)},
      {"tcpi_rto", (int64_t)(i->rto_ns / 1000)},
      {"tcpi_backoff", i->retransmit_count},
      {"tcpi_retransmits", i->retransmit_count},
      {"tcpi_total_retrans", (int64_t)i->segments_retransmitted},
      {"tcpi_bytes_acked", (int64_t)i->bytes_acked},
      {"tcpi_bytes_received", (int64_t)i->bytes_received},
      {"tcpi_notsent_bytes", i->not_sent_bytes},
      {"tcpi_delivered_ce", (int64_t)i->ce_reported_segments},
      {"tcpi_delivered_ce_bytes", i->ce_reported_bytes},
      {"tcpi_delivered_e0_bytes", i->ect0_reported_bytes},
      {"tcpi_received_ce", (int64_t)i->ce_received_segments},
      {"tcpi_advmss", i->rcv_mss},
      {"tcpi_rcv_space", i->rcv_wnd},
      {"tcpi_busy_time", (int64_t)(a->run->busy.busy_ns / 1000)},
      {"tcpi_rwnd_limited", (int64_t)(a->run->busy.rwnd_ns / 1000)},
      {"tcpi_snd_wnd", i->snd_wnd},
      {"tcpi_rcv_wnd", i->rcv_wnd},
      {"tcpi_segs_out", (int64_t)i->segments_sent},
      {"tcpi_segs_in", (int64_t)i->segments_received},
      {"tcpi_bytes_sent", (int64_t)i->bytes_sent},
      {"tcpi_bytes_retrans", (int64_t)i->bytes_retransmitted},
      {"tcpi_dsack_dups", (int64_t)i->segments_spurious},
      {"tcpi_reord_seen", i->reordering_seen},
      {"tcpi_sndbuf_limited", (int64_t)(i->limited_send_buffer_ns / 1000)},
      {"estab_iss", i->iss}, // RFC 6528: no packet of a script shows it
      {"estab_irs", i->irs},
      {"tcpi_last_data_sent", (int64_t)((a->run->host.now_ns - i->last_send_ns) / 1000000)},
      {"tcpi_last_data_recv", (int64_t)((a->run->host.now_ns - i->last_recv_ns) / 1000000)},
  };
  for (size_t v = 0; v < sizeof variables / sizeof *variables; v++)
    if (strcmp(variables[v].name, name) == 0) {
      *value = variables[v].value;
      size_t used = strlen(a->names);
      snprintf(a->names + used, sizeof a->names - used, "%s%s = %lld", used > 0 ? ", " : "", name,
               (long long)*value);
      return true;
    }
  return false;
}

static int64_t assert_name(struct asserts *a)
{
  char name[64];
  size_t n = 0;
  for (; isalnum((unsigned char)*a->at) || *a->at == '_'; a->at++)
    if (n + 1 < sizeof name) name[n++] = *a->at;
  name[n] = '\0';
  int64_t value = 0;
  for (unsigned i = 0; i < a->run->variable_count; i++)
    if (strcmp(a->run->variables[i].name, name) == 0) return a->run->variables[i].value;
  for (size_t i = 0; i < sizeof assert_constants / sizeof *assert_constants; i++)
    if (strcmp(assert_constants[i].name, name) == 0) return assert_constants[i].value;
  if (n > 0 && assert_variable(a, name, &value)) return value;
  if (!a->wrong) run_stop(a->run, VERDICT_UNSUPPORTED, "in code: %s", n > 0 ? name : a->at);
  a->wrong = true;
  return 0;
}

static int64_t assert_one(struct asserts *a)
{
  if (assert_mark(a, "(")) {
    int64_t v = assert_or(a);
    if (!assert_mark(a, ")")) a->wrong = true;
    return v;
  }
  if (assert_mark(a, "-")) return -assert_one(a);
  assert_blanks(a);
  if (!isdigit((unsigned char)*a->at)) return assert_name(a);
  char *end;
  int64_t v = strtoll(a->at, &end, 0);
  a->at = end;
  return v;
}

static int64_t assert_product(struct asserts *a)
{
  int64_t v = assert_one(a);
  while (!a->wrong && assert_mark(a, "*"))
    v *= assert_one(a);
  return v;
}

static int64_t assert_sum(struct asserts *a)
{
  int64_t v = assert_product(a);
  for (;;) {
    if (assert_mark(a, "+")) {
      v += assert_product(a);
    } else if (assert_mark(a, "-")) {
      v -= assert_product(a);
    } else {
      return v;
    }
  }
}

static int64_t assert_bits(struct asserts *a)
{
  int64_t v = assert_sum(a);
  for (;;) {
    if (assert_mark(a, "&")) {
      v &= assert_sum(a);
    } else if (assert_mark(a, "|")) {
      v |= assert_sum(a);
    } else {
      return v;
    }
  }
}

// a <= b < c is a <= b and b < c.
static int64_t assert_comparison(struct asserts *a)
{
  static const char *const marks[] = {"==", "!=", "<=", ">=", "<", ">"};
  int64_t left = assert_bits(a), result = 0;
  bool compared = false;
  for (;;) {
    unsigned m = 0;
    while (m < 6 && !assert_mark(a, marks[m]))
      m++;
    if (m == 6 || a->wrong) return compared ? result : left;
    int64_t right = assert_bits(a);
    const bool holds[] = {left == right, left != right, left <= right, left >= right,
                          left<right, left> right};
    result = (!compared || result != 0) && holds[m];
    compared = true;
    left = right;
  }
}

static int64_t assert_not(struct asserts *a)
{
  if (assert_keyword(a, "not")) return assert_not(a) == 0;
  return assert_comparison(a);
}

static int64_t assert_and(struct asserts *a)
{
  int64_t v = assert_not(a);
  while (!a->wrong && assert_keyword(a, "and")) {
    int64_t right = assert_not(a);
    v = v != 0 && right != 0;
  }
  return v;
}

static int64_t assert_or(struct asserts *a)
{
  int64_t v = assert_and(a);
  while (!a->wrong && assert_keyword(a, "or")) {
    int64_t right = assert_and(a);
    v = v != 0 || right != 0;
  }
  return v;
}

static void assert_skip_statement(struct asserts *a)
{
  while (*a->at != '\0' && *a->at != ';' && *a->at != '\n')
    a->at++;
}

// name = expression: kept for the rest of the script.
static void assert_variable_set(struct asserts *a)
{
  char name[sizeof a->run->variables[0].name];
  size_t n = 0;
  for (; isalnum((unsigned char)*a->at) || *a->at == '_'; a->at++)
    if (n + 1 < sizeof name) name[n++] = *a->at;
  name[n] = '\0';
  if (n == 0 || !assert_mark(a, "=") || *a->at == '=') {
    run_stop(a->run, VERDICT_UNSUPPORTED, "code other than assert and name = value");
    a->wrong = true;
    return;
  }
  int64_t value = assert_or(a);
  if (a->wrong) return;
  struct run *run = a->run;
  unsigned i = 0;
  while (i < run->variable_count && strcmp(run->variables[i].name, name) != 0)
    i++;
  if (i == RUN_VARIABLES) {
    run_stop(run, VERDICT_UNSUPPORTED, "code with more variables than %d", RUN_VARIABLES);
    return;
  }
  if (i == run->variable_count) run->variable_count++;
  snprintf(run->variables[i].name, sizeof run->variables[i].name, "%s", name);
  run->variables[i].value = value;
}

static void assert_statement(struct asserts *a)
{
  const char *begin = a->at;
  if (assert_keyword(a, "print")) {
    assert_skip_statement(a);
    return;
  }
  if (!assert_keyword(a, "assert")) {
    assert_variable_set(a);
    return;
  }
  a->names[0] = '\0';
  int64_t holds = assert_or(a);
  int length = (int)(a->at - begin);
  assert_blanks(a);
  if (!a->wrong && *a->at != ',' && *a->at != ';' && *a->at != '\n' && *a->at != '\0') {
    run_stop(a->run, VERDICT_UNSUPPORTED, "in code: %.20s", a->at);
    a->wrong = true;
  }
  assert_skip_statement(a);
  if (a->wrong || holds != 0) return;
  snprintf(a->run->expected, sizeof a->run->expected, "%.*s", length, begin);
  snprintf(a->run->got, sizeof a->run->got, "%s", a->names);
  run_stop(a->run, VERDICT_FAIL, "the assertion does not hold");
}

void asserts_run(struct run *run, const char *code)
{
  struct asserts a = {.run = run};
  const struct sock *sock = run->sockets.under_test;
  char *copy = strdup(code);
  if (copy == NULL) return;
  for (char *c = copy; *c != '\0'; c++)
    if (c[0] == '\\' && c[1] == '\n') c[0] = c[1] = ' ';
  a.info.struct_bytes = sizeof a.info;
  a.alive = sock != NULL && run->host.stack != NULL &&
            estab_conn_info(run->host.stack, sock->conn, &a.info) >= 0;
  for (a.at = copy; *a.at != '\0' && !a.wrong;) {
    assert_blanks(&a);
    if (*a.at == ';' || *a.at == '\n') {
      a.at++;
    } else if (*a.at == '#') {
      while (*a.at != '\0' && *a.at != '\n')
        a.at++;
    } else if (*a.at != '\0') {
      assert_statement(&a);
    }
  }
  free(copy);
}
