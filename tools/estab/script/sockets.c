// SPDX-License-Identifier: BSD-2-Clause
// sockets.c - what a script's file descriptors stand for: POSIX manners over estab's calls.
#include "sockets.h"

#include <string.h>

const char *sock_error_name(int error)
{
  switch (error) {
  case ESTAB_ERR_INVALID: return "EINVAL";
  case ESTAB_ERR_NO_MEMORY: return "ENOBUFS";
  case ESTAB_ERR_WOULD_BLOCK: return "EAGAIN";
  case ESTAB_ERR_NO_CONNECTION: return "ENOTCONN";
  case ESTAB_ERR_EXISTS: return "EISCONN";
  case ESTAB_ERR_CLOSING: return "EPIPE";
  case ESTAB_ERR_RESET: return "ECONNRESET";
  case ESTAB_ERR_REFUSED: return "ECONNREFUSED";
  case ESTAB_ERR_TIMEOUT: return "ETIMEDOUT";
  case ESTAB_ERR_UNREACHABLE: return "EHOSTUNREACH";
  case ESTAB_ERR_ADDRESS_IN_USE: return "EADDRINUSE";
  case ESTAB_ERR_NO_PORT:
  case ESTAB_ERR_NOT_LOCAL: return "EADDRNOTAVAIL";
  case ESTAB_ERR_TOO_BIG: return "EMSGSIZE";
  case ESTAB_ERR_UNSUPPORTED: return "EOPNOTSUPP";
  case ESTAB_ERR_ABORTED: return "ECONNABORTED";
  }
  return "EIO";
}

struct sock *sock_find(struct sockets *sockets, int64_t fd)
{
  for (unsigned i = 0; i < SOCKETS; i++)
    if (sockets->list[i].used && sockets->list[i].fd == fd) return &sockets->list[i];
  return NULL;
}

struct sock *sock_new(struct sockets *sockets, int64_t fd)
{
  for (unsigned i = 0; i < SOCKETS; i++)
    if (!sockets->list[i].used) {
      sockets->list[i] = (struct sock){.used = true, .fd = fd};
      return &sockets->list[i];
    }
  return NULL;
}

static struct sock *sock_of_conn(struct sockets *sockets, estab_conn conn)
{
  for (unsigned i = 0; i < SOCKETS; i++)
    if (sockets->list[i].used && sockets->list[i].conn == conn) return &sockets->list[i];
  return NULL;
}

void sockets_news(struct sockets *sockets)
{
  struct estab_event ev;
  while (estab_stack_next_event(sockets->host->stack, &ev) > 0) {
    struct sock *sock = ev.conn != 0 ? sock_of_conn(sockets, ev.conn) : NULL;
    if (sock == NULL) continue;
    if ((ev.events & ESTAB_EVENT_CONNECTED) != 0) sock->connected = true;
    if ((ev.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) != 0) {
      sock->over = true;
      sock->error = sock_error_name(ev.error);
      if (ev.error == ESTAB_ERR_UNREACHABLE && !sock->connected && sockets->unreachable != NULL)
        sock->error = sockets->unreachable;
    }
  }
}

static enum step sock_done(struct outcome *out, int64_t value)
{
  *out = (struct outcome){value, NULL};
  return STEP_DONE;
}

static enum step sock_fails(struct outcome *out, const char *error)
{
  *out = (struct outcome){-1, error};
  return STEP_DONE;
}

const char *sock_take_error(struct sock *sock)
{
  const char *error = sock->error;
  sock->error = NULL;
  return error != NULL ? error : "0";
}

enum step sock_listen(struct sockets *sockets, struct sock *sock, int64_t backlog,
                      struct outcome *out)
{
  if (sock->kind == SOCK_CONN) return sock_fails(out, "EINVAL");
  if (sock->kind == SOCK_LISTENER) return sock_done(out, 0);
  struct estab_listen_settings settings;
  estab_listen_settings_default(&settings);
  settings.port_first = settings.port_last = sock->port;
  settings.backlog = backlog > 0 ? (uint32_t)backlog : 1;
  settings.fast_open = sock->fast_open ? sock->fast_open : sockets->fast_open_all;
  sock->backlog = backlog;
  int error = estab_listen(sockets->host->stack, &settings, &sock->listener);
  if (error < 0) return sock_fails(out, sock_error_name(error));
  sock->kind = SOCK_LISTENER;
  fast_open_use_keys(sockets, sock);
  return sock_done(out, 0);
}

// Options that were set before there was a connection, and what a listener hands down.
static void sock_apply(struct sockets *sockets, struct sock *sock, const struct sock *from)
{
  for (unsigned i = 0; i < from->option_count; i++)
    estab_option_set(sockets->host->stack, sock->conn, from->options[i].option,
                     from->options[i].value);
}

enum step sock_accept(struct sockets *sockets, struct sock *sock, int64_t fd, struct outcome *out)
{
  if (sock->kind != SOCK_LISTENER) return sock_fails(out, "EINVAL");
  estab_conn conn;
  int error = estab_accept(sockets->host->stack, sock->listener, &conn);
  if (error == ESTAB_ERR_WOULD_BLOCK)
    return sock->nonblock ? sock_fails(out, "EAGAIN") : STEP_BLOCKS;
  if (error < 0) return sock_fails(out, sock_error_name(error));
  struct sock *accepted = sock_new(sockets, fd);
  if (accepted == NULL) return sock_fails(out, "EMFILE");
  accepted->kind = SOCK_CONN;
  accepted->conn = conn;
  accepted->connected = accepted->connect_told = true;
  accepted->linger = sock->linger;
  accepted->linger_s = sock->linger_s;
  sock_apply(sockets, accepted, sock);
  sockets->under_test = accepted;
  return sock_done(out, fd);
}

void sock_connect_settings(const struct sockets *sockets, const struct sock *sock,
                           struct estab_connect_settings *settings)
{
  estab_connect_settings_default(settings);
  settings->remote = sockets->host->remote;
  settings->remote_port = 8080;
  settings->local_port = sock->port;
  settings->fast_open = sock->fast_open > 0 || sock->fast_open_connect;
  settings->fast_open_experimental = sock->fast_open_experimental;
}

enum step sock_disconnect(struct sockets *sockets, struct sock *sock, struct outcome *out)
{
  if (sock->kind == SOCK_CONN) {
    estab_abort(sockets->host->stack, sock->conn);
    estab_release(sockets->host->stack, sock->conn);
  }
  *sock = (struct sock){.used = true, .fd = sock->fd, .nonblock = sock->nonblock};
  return sock_done(out, 0);
}

static enum step sock_connect_now(struct sockets *sockets, struct sock *sock, struct outcome *out)
{
  struct estab_connect_settings settings;
  struct host *host = sockets->host;
  sock_connect_settings(sockets, sock, &settings);
  int error = estab_connect(host->stack, &settings, host->now_ns, &sock->conn);
  if (error < 0) return sock_fails(out, sock_error_name(error));
  sock->kind = SOCK_CONN;
  sock_apply(sockets, sock, sock);
  sockets->under_test = sock;
  return sock->nonblock ? sock_fails(out, "EINPROGRESS") : STEP_BLOCKS;
}

enum step sock_connect(struct sockets *sockets, struct sock *sock, bool started,
                       struct outcome *out)
{
  if (sock->kind == SOCK_FRESH) return sock_connect_now(sockets, sock, out);
  if (sock->kind != SOCK_CONN) return sock_fails(out, "EISCONN");
  if (sock->error != NULL) return sock_fails(out, sock_take_error(sock));
  if (sock->over) return sock_fails(out, "ECONNABORTED");
  if (!sock->connected) {
    if (!sock->nonblock) return STEP_BLOCKS;
    return sock_fails(out, started ? "EINPROGRESS" : "EALREADY");
  }
  if (sock->connect_told) return sock_fails(out, "EISCONN");
  sock->connect_told = true;
  return sock_done(out, 0);
}

// Copies without taking.
static int sock_peek(struct sockets *sockets, struct sock *sock, uint8_t *bytes, size_t count)
{
  struct estab_piece pieces[32];
  unsigned n = 32;
  int sum = estab_recv_peek(sockets->host->stack, sock->conn, pieces, &n);
  if (sum <= 0) return sum;
  size_t at = 0;
  for (unsigned i = 0; i < n && at < count; i++) {
    size_t take = pieces[i].length < count - at ? pieces[i].length : count - at;
    memcpy(bytes + at, pieces[i].bytes, take);
    at += take;
  }
  return (int)at;
}

enum step sock_read(struct sockets *sockets, struct sock *sock, uint8_t *bytes, size_t count,
                    bool peek, struct outcome *out)
{
  if (sock->fast_open_waits && sock->nonblock) return sock_fails(out, "EAGAIN");
  if (sock->kind != SOCK_CONN) return sock_fails(out, "ENOTCONN");
  if (sock->shut_read) return sock_done(out, 0);
  int n = peek ? sock_peek(sockets, sock, bytes, count)
               : estab_recv(sockets->host->stack, sock->conn, bytes, count);
  if (n >= 0) {
    if (!peek) sock->read_bytes += (uint64_t)n;
    return sock_done(out, n);
  }
  sockets_news(sockets); // the reason why it ended may still wait to be told
  if (sock->error != NULL) return sock_fails(out, sock_take_error(sock));
  if (sock->over) return sock_done(out, 0);
  if (n == ESTAB_ERR_WOULD_BLOCK) return sock->nonblock ? sock_fails(out, "EAGAIN") : STEP_BLOCKS;
  return sock_fails(out, sock_error_name(n));
}

enum step sock_write(struct sockets *sockets, struct sock *sock, const uint8_t *bytes, size_t count,
                     size_t *done, bool urgent, struct outcome *out)
{
  if (sock->kind != SOCK_CONN) return sock_fails(out, "EPIPE");
  if (sock->error != NULL) return sock_fails(out, sock_take_error(sock));
  if (sock->shut_write || sock->over) return sock_fails(out, "EPIPE");
  while (*done < count) {
    estab_stack *stack = sockets->host->stack;
    int n = urgent ? estab_send_urgent(stack, sock->conn, bytes + *done, count - *done)
                   : estab_send(stack, sock->conn, bytes + *done, count - *done);
    if (n > 0) {
      *done += (size_t)n;
      sock->written_bytes += (uint64_t)n;
      continue;
    }
    if (n == ESTAB_ERR_WOULD_BLOCK && !sock->nonblock) return STEP_BLOCKS;
    if (*done > 0) break;
    return sock_fails(out, n == ESTAB_ERR_NO_CONNECTION ? "EPIPE" : sock_error_name(n));
  }
  return sock_done(out, (int64_t)*done);
}

enum step sock_shutdown(struct sockets *sockets, struct sock *sock, bool read, bool write,
                        struct outcome *out)
{
  if (sock->kind != SOCK_CONN || sock->over) return sock_fails(out, "ENOTCONN");
  if (write && !sock->shut_write) {
    int error = estab_close(sockets->host->stack, sock->conn);
    if (error < 0) return sock_fails(out, "ENOTCONN");
    sock->shut_write = true;
  }
  if (read && !sock->shut_read) {
    estab_shutdown_recv(sockets->host->stack, sock->conn);
    sock->shut_read = true;
  }
  return sock_done(out, 0);
}

void sock_close(struct sockets *sockets, struct sock *sock)
{
  estab_stack *stack = sockets->host->stack;
  if (sock->kind == SOCK_LISTENER) estab_listener_close(stack, sock->listener);
  if (sock->kind == SOCK_CONN) {
    if (sock->linger && sock->linger_s == 0) estab_abort(stack, sock->conn);
    estab_release(stack, sock->conn);
  }
  if (sockets->under_test == sock) sockets->under_test = NULL;
  *sock = (struct sock){.used = false};
}

enum step sock_linger(struct sockets *sockets, struct sock *sock, bool started,
                      uint64_t deadline_ns)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  bool waits = sock->kind == SOCK_CONN && sock->linger && sock->linger_s > 0 && !sock->nonblock;
  if (waits && !started && !sock->shut_write) estab_close(sockets->host->stack, sock->conn);
  waits = waits && sockets->host->now_ns < deadline_ns && !sock->over &&
          estab_conn_info(sockets->host->stack, sock->conn, &info) >= 0 &&
          (info.state == ESTAB_FIN_WAIT_1 || info.state == ESTAB_CLOSING ||
           info.state == ESTAB_LAST_ACK || info.send_queued_bytes > 0);
  if (waits) return STEP_BLOCKS;
  sock_close(sockets, sock);
  return STEP_DONE;
}

enum step sock_set(struct sockets *sockets, struct sock *sock, enum estab_option option,
                   uint64_t value, struct outcome *out)
{
  if (sock->kind == SOCK_CONN) {
    int error = estab_option_set(sockets->host->stack, sock->conn, option, value);
    return error < 0 ? sock_fails(out, sock_error_name(error)) : sock_done(out, 0);
  }
  if (sock->option_count == sizeof sock->options / sizeof *sock->options)
    return sock_fails(out, "ENOBUFS");
  sock->options[sock->option_count++] = (struct sock_option){option, value};
  return sock_done(out, 0);
}

bool sock_readable(struct sockets *sockets, const struct sock *sock)
{
  if (sock->kind != SOCK_CONN) return false;
  if (sock->over || sock->error != NULL) return true;
  struct estab_piece piece;
  unsigned one = 1;
  return estab_recv_peek(sockets->host->stack, sock->conn, &piece, &one) >= 0;
}

// At least a third of the send buffer is free.
bool sock_writable(struct sockets *sockets, const struct sock *sock)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  uint64_t room = 0, mark = 0;
  if (sock->fast_open_waits) return true;
  if (sock->kind != SOCK_CONN || (!sock->connected && !sock->over)) return false;
  if (sock->over) return true;
  if (estab_conn_info(sockets->host->stack, sock->conn, &info) < 0) return true;
  estab_option_get(sockets->host->stack, sock->conn, ESTAB_OPT_SEND_BUFFER_BYTES, &room);
  estab_option_get(sockets->host->stack, sock->conn, ESTAB_OPT_NOTSENT_LOWAT_BYTES, &mark);
  if (mark != 0 && 2 * (uint64_t)info.not_sent_bytes >= mark) return false;
  return info.send_queued_bytes <= room - room / 3;
}
