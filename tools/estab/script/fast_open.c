// SPDX-License-Identifier: BSD-2-Clause
// fast_open.c - the doors of two systems to TCP Fast Open: MSG_FASTOPEN and TCP_FASTOPEN_CONNECT of Linux, sendto() of
// an unconnected socket of FreeBSD; cookies that only the live side knows.
#include "run.h"

#include <string.h>

static enum step fast_open_answers(struct outcome *out, int64_t value, const char *error)
{
  *out = (struct outcome){value, error};
  return STEP_DONE;
}

static size_t fast_open_room(const struct run *run, const struct sock *sock)
{
  struct estab_connect_settings settings;
  sock_connect_settings(&run->sockets, sock, &settings);
  int room = estab_fast_open_room(run->host.stack, &settings);
  return room > 0 ? (size_t)room : 0;
}

// A listener is told so after listen() as well: nothing has come to it yet, it begins anew.
enum step fast_open_option(struct run *run, struct sock *sock, bool connect, int64_t number,
                           struct outcome *out)
{
  if (connect) {
    sock->fast_open_connect = number != 0;
    return fast_open_answers(out, 0, NULL);
  }
  sock->fast_open = number > 0 ? (uint32_t)number : 0;
  if (strcmp(run->profile, "freebsd") == 0 && number > 0)
    sock->fast_open = 1024; // on, not how many
  if (sock->kind != SOCK_LISTENER) return fast_open_answers(out, 0, NULL);
  estab_listener_close(run->host.stack, sock->listener);
  sock->kind = SOCK_FRESH;
  return sock_listen(&run->sockets, sock, sock->backlog, out);
}

bool fast_open_connect_waits(struct run *run, struct sock *sock)
{
  if (sock->kind != SOCK_FRESH || !sock->fast_open_connect) return false;
  sock->fast_open_waits = fast_open_room(run, sock) > 0;
  return sock->fast_open_waits;
}

bool fast_open_wanted(const struct run *run, const struct sock *sock, bool said)
{
  if (sock->kind == SOCK_CONN) return sock->fast_open_blocks;
  if (sock->kind != SOCK_FRESH) return false;
  return said || sock->fast_open_waits ||
         (sock->fast_open > 0 && strcmp(run->profile, "freebsd") == 0);
}

// Connects, with what there is to write. A write that does not block has taken what the SYN carries, no more.
enum step fast_open_write(struct run *run, struct sock *sock, struct fast_open_text *text,
                          struct outcome *out)
{
  if (!text->started || sock->kind == SOCK_FRESH) {
    const bool implied = strcmp(run->profile, "freebsd") == 0;
    const size_t room = fast_open_room(run, sock);
    size_t count = text->count;
    if (sock->nonblock && !implied && count > room) count = room;
    sock->fast_open_connect = true;
    sock->fast_open_waits = false;
    struct outcome ignored;
    (void)sock_connect(&run->sockets, sock, false, &ignored);
    if (sock->kind != SOCK_CONN) {
      *out = ignored;
      return STEP_DONE;
    }
    enum step step = sock_write(&run->sockets, sock, text->bytes, count, &text->done, false, out);
    if (sock->nonblock || implied) {
      if (count == 0) return fast_open_answers(out, -1, "EINPROGRESS");
      return step;
    }
    sock->fast_open_blocks = true;
  }
  if (!sock->connected && !sock->over) return STEP_BLOCKS;
  sock->fast_open_blocks = false;
  sock->connect_told = true;
  if (sock->error != NULL) return fast_open_answers(out, -1, sock_take_error(sock));
  return sock_write(&run->sockets, sock, text->bytes, text->count, &text->done, false, out);
}

void fast_open_forget(const struct run *run)
{
  const struct estab_fast_open_cookie none = {
      .struct_bytes = sizeof none, .local = run->host.local, .remote = run->host.remote};
  (void)estab_fast_open_put(run->host.stack, &none);
}

bool fast_open_cookie_matches(struct run *run, const struct packet_spec *p,
                              const struct estab_tcp_options *got)
{
  const struct estab_tcp_options *want = &p->options;
  uint8_t live[8];
  if (got->tfo_bytes != want->tfo_bytes) return false;
  if (p->cookie_name == NULL) return memcmp(got->tfo_cookie, want->tfo_cookie, got->tfo_bytes) == 0;
  fast_open_named_cookie(run, p->cookie_name, live);
  return memcmp(got->tfo_cookie, live, sizeof live) == 0;
}
