// SPDX-License-Identifier: BSD-2-Clause
// calls_options.c - getsockopt, setsockopt, fcntl, ioctl.
#include "run.h"

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

// What an option is called here, and how its numbers are counted.
static const struct socket_option {
  const char *name;
  enum estab_option option;
  uint64_t unit; // of ours in one of the script's
} socket_options[] = {
    {"TCP_CORK", ESTAB_OPT_CORK, 1},
    {"TCP_KEEPINTVL", ESTAB_OPT_KEEPALIVE_INTERVAL_NS, SECOND},
    {"TCP_KEEPCNT", ESTAB_OPT_KEEPALIVE_COUNT, 1},
    {"TCP_USER_TIMEOUT", ESTAB_OPT_USER_TIMEOUT_NS, MILLISECOND},
    {"TCP_DELACK_MS", ESTAB_OPT_DELAYED_ACK_NS, MILLISECOND},  // own word
    {"TCP_TIME_WAIT_MS", ESTAB_OPT_TIME_WAIT_NS, MILLISECOND}, // own word
    {"SO_SNDBUF", ESTAB_OPT_SEND_BUFFER_BYTES, 1},
    {"SO_RCVBUF", ESTAB_OPT_RECV_BUFFER_BYTES, 1},
    {"IP_TTL", ESTAB_OPT_HOP_LIMIT, 1},
    {"IP_TOS", ESTAB_OPT_TRAFFIC_CLASS, 1},
};

static const struct socket_option *option_find(const struct value *name)
{
  for (size_t i = 0; i < sizeof socket_options / sizeof *socket_options; i++)
    if (value_is(name, socket_options[i].name)) return &socket_options[i];
  return NULL;
}

static void option_compare(struct run *run, const struct call *call, const char *got)
{
  const struct value *list = call_argument(call, 3);
  const struct value *want = list != NULL && list->kind == VALUE_LIST ? list->items : NULL;
  char text[32];
  if (want == NULL || want->kind == VALUE_ANY) return;
  snprintf(text, sizeof text, "%lld", (long long)want->number);
  const char *wanted = want->kind == VALUE_WORD ? want->text : text;
  if (strcmp(wanted, got) == 0) return;
  snprintf(run->expected, sizeof run->expected, "[%s]", wanted);
  snprintf(run->got, sizeof run->got, "[%s]", got);
  run_stop(run, VERDICT_FAIL, "the option has another value");
}

static void option_compare_number(struct run *run, const struct call *call, uint64_t got)
{
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)got);
  option_compare(run, call, text);
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
    option_compare(run, call, sock_take_error(sock));
  } else if (value_is(name, "SO_RCVBUF") || value_is(name, "SO_SNDBUF")) {
    // Every stack rounds in its own way: not compared.
  } else if (value_is(name, "TCP_NOTSENT_LOWAT")) {
    option_compare_number(run, call, sock->notsent_lowat);
  } else if (value_is(name, "TCP_MAXSEG")) {
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    if (sock->kind == SOCK_CONN) estab_conn_info(run->host.stack, sock->conn, &info);
    option_compare_number(run, call, sock->kind == SOCK_CONN ? info.snd_mss : 536);
  } else if (value_is(name, "TCP_KEEPCNT") && sock->kind != SOCK_CONN) {
    option_compare_number(run, call,
                          sock->keepcnt != 0 ? sock->keepcnt : run->host.settings.keepalive_count);
  } else if (option != NULL && sock->kind == SOCK_CONN) {
    estab_option_get(run->host.stack, sock->conn, option->option, &value);
    option_compare_number(run, call, value / option->unit);
  } else {
    return call_not_here(out, "this option");
  }
  return option_answers(out, 0, NULL);
}

// SO_KEEPALIVE and TCP_KEEPIDLE are one option here: an idle time, 0 = off.
static enum step option_keepalive(struct run *run, struct sock *sock, struct outcome *out)
{
  uint64_t idle = sock->keepidle_ns != 0 ? sock->keepidle_ns : run->host.settings.keepalive_idle_ns;
  if (idle == 0) idle = 7200ull * SECOND; // RFC 9293 3.8.4 [MUST-27]
  return sock_set(&run->sockets, sock, ESTAB_OPT_KEEPALIVE_IDLE_NS, sock->keepalive ? idle : 0,
                  out);
}

static bool option_without_effect(const struct value *name)
{
  static const char *const words[] = {"SO_REUSEADDR", "SO_REUSEPORT",    "SO_ZEROCOPY",
                                      "TCP_QUICKACK", "IP_MTU_DISCOVER", "SO_PRIORITY"};
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
  if (on) sock_set(&run->sockets, sock, ESTAB_OPT_CORK, 0, out);
  return sock_set(&run->sockets, sock, ESTAB_OPT_NAGLE, !on, out);
}

enum step call_setsockopt(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  const struct value *name = call_argument(call, 2), *v = call_argument(call, 3);
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 0), -1));
  if (sock == NULL) return option_answers(out, -1, "EBADF");
  int64_t number = value_number(v, 0);
  if (option_without_effect(name)) return option_answers(out, 0, NULL);
  if (value_is(name, "SO_LINGER")) return option_linger(sock, v, out);
  if (value_is(name, "TCP_NODELAY")) return option_nodelay(run, sock, number != 0, out);
  if (value_is(name, "TCP_NOTSENT_LOWAT")) {
    sock->notsent_lowat = (uint32_t)number;
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
    return number == 0 ? option_answers(out, 0, NULL) : call_not_here(out, "Fast Open");
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
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 0), -1));
  if (sock == NULL) return option_answers(out, -1, "EBADF");
  if (!value_is(call_argument(call, 1), "SIOCINQ") || sock->kind != SOCK_CONN)
    return call_not_here(out, "this request");
  struct estab_recv_marks marks = {0};
  estab_recv_marks(run->host.stack, sock->conn, &marks);
  const struct value *list = call_argument(call, 2);
  if (value_number(list, 0) != marks.readable_bytes) {
    snprintf(run->got, sizeof run->got, "[%u]", marks.readable_bytes);
    run_stop(run, VERDICT_FAIL, "another number of octets can be read");
  }
  return option_answers(out, 0, NULL);
}
