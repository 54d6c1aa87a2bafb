// SPDX-License-Identifier: BSD-2-Clause
// calls_options.c - getsockopt, setsockopt, fcntl, ioctl.
#include "run.h"

#include "cc_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND 1000000u
#define SECOND      1000000000u

static enum step option_answers(struct outcome *out, int64_t value, const char *error)
{
  *out = (struct outcome){value, error};
  return STEP_DONE;
}

// What an option is called here, how its numbers are counted, and which setting it begins with.
static const struct socket_option {
  const char *name;
  enum estab_option option;
  uint64_t unit; // of ours in one of the script's
  uint64_t
      before; // value where nobody has set it; ESTAB_NEVER = not known before there is a connection
} socket_options[] = {
    {"TCP_CORK", ESTAB_OPT_CORK, 1, 0},
    {"TCP_NOPUSH", ESTAB_OPT_CORK, 1, 0},
    {"TCP_KEEPINTVL", ESTAB_OPT_KEEPALIVE_INTERVAL_NS, SECOND, ESTAB_NEVER},
    {"TCP_KEEPCNT", ESTAB_OPT_KEEPALIVE_COUNT, 1, ESTAB_NEVER},
    {"TCP_USER_TIMEOUT", ESTAB_OPT_USER_TIMEOUT_NS, MILLISECOND, 0},
    {"TCP_DELACK_MS", ESTAB_OPT_DELAYED_ACK_NS, MILLISECOND, ESTAB_NEVER},  // own word
    {"TCP_TIME_WAIT_MS", ESTAB_OPT_TIME_WAIT_NS, MILLISECOND, ESTAB_NEVER}, // own word
    {"TCP_UTO_MS", ESTAB_OPT_USER_TIMEOUT_ADVERTISED_NS, MILLISECOND, 0},   // own word
    {"TCP_UTO_CHANGEABLE", ESTAB_OPT_USER_TIMEOUT_CHANGEABLE, 1, 1},        // own word
    {"TCP_NOTSENT_LOWAT", ESTAB_OPT_NOTSENT_LOWAT_BYTES, 1, 0},
    {"SO_SNDBUF", ESTAB_OPT_SEND_BUFFER_BYTES, 1, ESTAB_NEVER},
    {"SO_RCVBUF", ESTAB_OPT_RECV_BUFFER_BYTES, 1, ESTAB_NEVER},
    {"IP_TTL", ESTAB_OPT_HOP_LIMIT, 1, 64},
    {"IPV6_UNICAST_HOPS", ESTAB_OPT_HOP_LIMIT, 1, 64},
    {"IP_TOS", ESTAB_OPT_TRAFFIC_CLASS, 1, 0},
    {"IPV6_TCLASS", ESTAB_OPT_TRAFFIC_CLASS, 1, 0},
};

static const struct socket_option *option_find(const struct value *name)
{
  for (size_t i = 0; i < sizeof socket_options / sizeof *socket_options; i++)
    if (value_is(name, socket_options[i].name)) return &socket_options[i];
  return NULL;
}

// The first item of [value] against what there is.
static void option_compare(struct run *run, const struct value *list, const char *got)
{
  const struct value *want = list != NULL && list->kind == VALUE_LIST ? list->items : NULL;
  char text[32];
  if (want == NULL || want->kind == VALUE_ANY) return;
  snprintf(text, sizeof text, "%lld", (long long)want->number);
  const char *wanted = want->kind == VALUE_WORD ? want->text : text;
  if (call_same_error(wanted, got)) return;
  snprintf(run->expected, sizeof run->expected, "[%s]", wanted);
  snprintf(run->got, sizeof run->got, "[%s]", got);
  run_stop(run, VERDICT_FAIL, "the option has another value");
}

static enum step option_is_list(struct run *run, const struct value *list, uint64_t got,
                                struct outcome *out)
{
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)got);
  option_compare(run, list, text);
  return option_answers(out, 0, NULL);
}

static enum step option_is(struct run *run, const struct call *call, uint64_t got,
                           struct outcome *out)
{
  return option_is_list(run, call_argument(call, 3), got, out);
}

// What a socket that is no connection yet will start with.
static bool option_before(struct run *run, const struct sock *sock,
                          const struct socket_option *option, uint64_t *value)
{
  const struct estab_settings *settings = &run->host.settings;
  for (unsigned i = sock->option_count; i-- > 0;)
    if (sock->options[i].option == option->option) {
      *value = sock->options[i].value;
      return true;
    }
  *value = option->before;
  if (option->option == ESTAB_OPT_KEEPALIVE_COUNT) *value = settings->keepalive_count;
  if (option->option == ESTAB_OPT_KEEPALIVE_INTERVAL_NS) *value = settings->keepalive_interval_ns;
  return *value != ESTAB_NEVER;
}

static uint64_t option_keepidle(const struct run *run, const struct sock *sock)
{
  if (sock->keepidle_ns != 0) return sock->keepidle_ns;
  uint64_t idle = run->sockets.keepidle_ns;
  return idle != 0 ? idle : 7200ull * SECOND; // RFC 9293 3.8.4 [MUST-28]
}

static uint64_t option_maxseg(struct run *run, const struct sock *sock)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (sock->kind == SOCK_CONN && estab_conn_info(run->host.stack, sock->conn, &info) >= 0)
    return info.snd_mss;
  return run->host.settings.max_mss != 0 ? run->host.settings.max_mss : 536;
}

static enum step option_get_linger(struct run *run, const struct call *call,
                                   const struct sock *sock, struct outcome *out)
{
  const struct value *v = call_argument(call, 3);
  if (v != NULL && v->kind == VALUE_LIST) v = v->items;
  const struct value *on = value_member(v, "onoff"), *seconds = value_member(v, "linger");
  if (on == NULL) on = value_member(v, "l_onoff");
  if (seconds == NULL) seconds = value_member(v, "l_linger");
  if ((on != NULL && (value_number(on, 0) != 0) != sock->linger) ||
      (seconds != NULL && value_number(seconds, 0) != sock->linger_s))
    run_stop(run, VERDICT_FAIL, "the option has another value");
  return option_answers(out, 0, NULL);
}

enum step call_getsockopt(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  const struct value *name = call_argument(call, 2);
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 0), -1));
  if (sock == NULL) return option_answers(out, -1, "EBADF");
  const struct socket_option *option = option_find(name);
  uint64_t value = 0;
  if (value_is(name, "SO_ERROR")) {
    sockets_news(&run->sockets);
    option_compare(run, call_argument(call, 3), sock_take_error(sock));
    return option_answers(out, 0, NULL);
  }
  // Every stack rounds buffers in its own way: not compared.
  if (value_is(name, "SO_RCVBUF") || value_is(name, "SO_SNDBUF"))
    return option_answers(out, 0, NULL);
  if (value_is(name, "TCP_MAXSEG")) return option_is(run, call, option_maxseg(run, sock), out);
  if (value_is(name, "TCP_NODELAY")) return option_is(run, call, sock->nodelay, out);
  if (value_is(name, "SO_KEEPALIVE")) return option_is(run, call, sock->keepalive, out);
  if (value_is(name, "SO_LINGER")) return option_get_linger(run, call, sock, out);
  if (value_is(name, "TCP_KEEPIDLE"))
    return option_is(run, call, option_keepidle(run, sock) / SECOND, out);
  if (value_is(name, "TCP_KEEPINIT"))
    return option_is(run, call, run->host.settings.syn_timeout_ns / SECOND, out);
  if (value_is(name, "SO_ACCEPTCONN"))
    return option_is(run, call, sock->kind == SOCK_LISTENER, out);
  if (option == NULL) return call_not_here(out, "this option");
  if (sock->kind != SOCK_CONN) {
    if (!option_before(run, sock, option, &value)) return call_not_here(out, "this option");
  } else if (estab_option_get(run->host.stack, sock->conn, option->option, &value) < 0) {
    return option_answers(out, -1, "EINVAL");
  }
  return option_is(run, call, value / option->unit, out);
}

// SO_KEEPALIVE and TCP_KEEPIDLE are one option here: an idle time, 0 = off.
static enum step option_keepalive(struct run *run, struct sock *sock, struct outcome *out)
{
  return sock_set(&run->sockets, sock, ESTAB_OPT_KEEPALIVE_IDLE_NS,
                  sock->keepalive ? option_keepidle(run, sock) : 0, out);
}

static bool option_without_effect(const struct value *name)
{
  static const char *const words[] = {"SO_REUSEADDR", "SO_REUSEPORT",    "SO_ZEROCOPY",
                                      "TCP_QUICKACK", "IP_MTU_DISCOVER", "IPV6_MTU_DISCOVER",
                                      "SO_PRIORITY",  "IP_RECVERR",      "IPV6_RECVERR"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (value_is(name, words[i])) return true;
  return false;
}

static enum step option_linger(struct sock *sock, const struct value *v, struct outcome *out)
{
  if (v != NULL && v->kind == VALUE_LIST) v = v->items;
  const struct value *on = value_member(v, "onoff"), *seconds = value_member(v, "linger");
  if (on == NULL) on = value_member(v, "l_onoff");
  if (seconds == NULL) seconds = value_member(v, "l_linger");
  sock->linger = value_number(on, 0) != 0;
  sock->linger_s = value_number(seconds, 0);
  return option_answers(out, 0, NULL);
}

static enum step option_nodelay(struct run *run, struct sock *sock, bool on, struct outcome *out)
{
  sock->nodelay = on;
  if (on) sock_set(&run->sockets, sock, ESTAB_OPT_CORK, 0, out);
  return sock_set(&run->sockets, sock, ESTAB_OPT_NAGLE, !on, out);
}

// Options of one socket that are settings of the whole stack here: a script has one connection under test.
static bool option_of_stack(struct run *run, const struct value *name, int64_t number,
                            struct outcome *out)
{
  struct estab_settings *settings = &run->host.settings;
  if (value_is(name, "TCP_MAXSEG")) {
    if (number < 0 || number > UINT16_MAX) return false;
    settings->max_mss = (uint16_t)number;
  } else if (value_is(name, "TCP_NOOPT")) {
    settings->mss_option = settings->timestamps = number == 0;
    settings->sack = settings->window_scaling = number == 0;
  } else if (value_is(name, "TCP_LINGER2")) {
    settings->fin_wait_2_timeout_ns = number > 0 ? (uint64_t)number * SECOND : 1;
  } else if (value_is(name, "TCP_SYNCNT")) {
    settings->syn_timeout_ns = knobs_tries_ns(settings, number > 0 ? (uint64_t)number : 0);
  } else if (value_is(name, "TCP_KEEPINIT")) {
    settings->syn_timeout_ns = (uint64_t)number * SECOND;
  } else {
    return false;
  }
  int error = estab_stack_set_settings(run->host.stack, settings);
  option_answers(out, error < 0 ? -1 : 0, error < 0 ? sock_error_name(error) : NULL);
  return true;
}

static enum step option_congestion(struct run *run, struct sock *sock, const struct value *v,
                                   struct outcome *out)
{
  int cc = -1;
  if (v != NULL && v->kind == VALUE_STRING) // FreeBSD's name is another
    cc = cc_find(strcmp(v->text, "newreno") == 0 ? "reno" : v->text);
  if (cc < 0) return call_not_here(out, "this congestion control");
  return sock_set(&run->sockets, sock, ESTAB_OPT_CONGESTION_CONTROL, (uint64_t)cc, out);
}

static enum step option_key(struct run *run, struct sock *sock, const struct call *call,
                            struct outcome *out)
{
  const struct value *v = call_argument(call, 3);
  uint8_t bytes[33] = {0};
  const size_t said = (size_t)value_number(call_argument(call, 4), 0);
  if (v == NULL || v->kind != VALUE_STRING) return call_not_here(out, "this form of a key");
  const size_t count = fast_open_key_read(v->text, bytes, sizeof bytes);
  return fast_open_key_option(run, sock, bytes, said <= count ? said : 0, out);
}

enum step call_setsockopt(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  const struct value *name = call_argument(call, 2), *v = call_argument(call, 3);
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 0), -1));
  if (sock == NULL) return option_answers(out, -1, "EBADF");
  int64_t number = value_number(v, 0);
  if (option_without_effect(name)) return option_answers(out, 0, NULL);
  if (option_of_stack(run, name, number, out)) return STEP_DONE;
  if (value_is(name, "SO_LINGER")) return option_linger(sock, v, out);
  if (value_is(name, "TCP_NODELAY")) return option_nodelay(run, sock, number != 0, out);
  if (value_is(name, "TCP_CONGESTION")) return option_congestion(run, sock, v, out);
  if (value_is(name, "TCP_INQ")) {
    sock->inq = number != 0;
    return option_answers(out, 0, NULL);
  }
  if (value_is(name, "SO_KEEPALIVE")) {
    sock->keepalive = number != 0;
    return option_keepalive(run, sock, out);
  }
  if (value_is(name, "TCP_KEEPIDLE")) {
    sock->keepidle_ns = (uint64_t)number * SECOND;
    return sock->keepalive ? option_keepalive(run, sock, out) : option_answers(out, 0, NULL);
  }
  if (value_is(name, "TCP_FASTOPEN") || value_is(name, "TCP_FASTOPEN_CONNECT"))
    return fast_open_option(run, sock, value_is(name, "TCP_FASTOPEN_CONNECT"), number, out);
  if (value_is(name, "TCP_FASTOPEN_EXPERIMENTAL")) {
    sock->fast_open_experimental = number != 0;
    return option_answers(out, 0, NULL);
  }
  if (value_is(name, "TCP_FASTOPEN_KEY")) return option_key(run, sock, call, out);
  const struct socket_option *option = option_find(name);
  if (option == NULL) return call_not_here(out, "this option");
  return sock_set(&run->sockets, sock, option->option, (uint64_t)number * option->unit, out);
}

enum step call_fcntl(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  const struct value *what = call_argument(call, 1);
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 0), -1));
  if (sock == NULL) return option_answers(out, -1, "EBADF");
  if (value_is(what, "F_GETFL")) {
    // O_NONBLOCK is 4 on one system and 0x800 on another: the script's own is right.
    int64_t want = value_number(call->result, 2);
    bool nonblock = want == (2 | 4) || want == (2 | 0x800);
    return option_answers(out, nonblock == sock->nonblock ? want : 2, NULL);
  }
  if (!value_is(what, "F_SETFL")) return call_not_here(out, "this command");
  sock->nonblock = value_has(call_argument(call, 2), "O_NONBLOCK");
  return option_answers(out, 0, NULL);
}

enum step call_ioctl(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  const struct value *what = call_argument(call, 1);
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 0), -1));
  if (sock == NULL) return option_answers(out, -1, "EBADF");
  struct estab_recv_marks marks = {0};
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (sock->kind == SOCK_CONN) {
    estab_recv_marks(run->host.stack, sock->conn, &marks);
    estab_conn_info(run->host.stack, sock->conn, &info);
  } else if (sock->kind == SOCK_LISTENER) {
    return option_answers(out, -1, "EINVAL");
  }
  if (value_is(what, "SIOCINQ") || value_is(what, "FIONREAD"))
    return option_is_list(run, call_argument(call, 2), marks.readable_bytes, out);
  if (value_is(what, "SIOCOUTQ"))
    return option_is_list(run, call_argument(call, 2), info.send_queued_bytes, out);
  if (value_is(what, "SIOCOUTQNSD"))
    return option_is_list(run, call_argument(call, 2), info.not_sent_bytes, out);
  if (value_is(what, "SIOCATMARK"))
    return option_is_list(run, call_argument(call, 2), marks.urgent_bytes == 1, out);
  return call_not_here(out, "this request");
}
