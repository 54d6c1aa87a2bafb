// SPDX-License-Identifier: BSD-2-Clause
// sockets.h - what a script's file descriptors stand for: POSIX manners over estab's calls.
#ifndef ESTAB_SCRIPT_SOCKETS_H
#define ESTAB_SCRIPT_SOCKETS_H

#include "host.h"

#define SOCKETS 64

enum sock_kind {
  SOCK_FRESH, // socket(), perhaps bound
  SOCK_LISTENER,
  SOCK_CONN,
  SOCK_EPOLL,
};

struct sock_option {
  enum estab_option option;
  uint64_t value;
};

// Of Fast Open's cookies: the one they are made with, and another one that is good, too.
struct fast_open_keys {
  uint8_t bytes[2][16];
  unsigned count; // 0 = no own ones
};

struct sock {
  bool used;
  enum sock_kind kind;
  int64_t fd; // the script's number
  bool nonblock;
  uint16_t port; // bound to, 0 = none
  estab_listener listener;
  estab_conn conn;
  const char *error; // pending, "ECONNRESET"; told once
  bool connected;    // the handshake ended well
  bool connect_told; // a connect() has said so
  bool over;         // reset, aborted or refused
  bool shut_read, shut_write;
  bool linger, keepalive, nodelay;
  bool inq;               // recvmsg tells how much more there is
  uint32_t fast_open;     // of a listener: how many may wait; of others: asked for with connect()
  bool fast_open_connect; // Linux: connect() asks for a cookie, or waits for what there is to write
  bool fast_open_waits;   // it does
  bool fast_open_blocks;  // a write that connects goes on
  bool fast_open_experimental; // asks with the option's experimental form
  struct fast_open_keys fast_open_keys;
  int64_t backlog;
  int64_t linger_s;
  uint64_t read_bytes, written_bytes; // stream positions
  unsigned option_count;
  struct sock_option options[16]; // to be set once there is a connection
  uint32_t epoll_events;          // asked for; 0 = not watched
  uint32_t epoll_last;            // ready when told last (edge)
  uint64_t epoll_data;            // the caller's
  uint64_t keepidle_ns;           // 0 = not set
};

struct sockets {
  struct host *host;
  struct sock list[SOCKETS];
  struct sock *under_test; // connected or accepted last
  const char *unreachable; // errno of an attempt that an ICMP error ended, NULL = EHOSTUNREACH
  uint64_t keepidle_ns;    // for sockets that ask for keepalive, 0 = RFC 9293's two hours
  uint32_t fast_open_all;  // of every listener that says nothing of it
  struct fast_open_keys fast_open_keys;
  bool fast_open_keys_used; // the stack has not its own key any more
};

// The answer of a call: value, and the name of an error when value is -1.
struct outcome {
  int64_t value;
  const char *error;
};

enum step {
  STEP_DONE,
  STEP_BLOCKS,   // try again after news
  STEP_NOT_HERE, // estab, or this runner, has no such thing: outcome.error says what
};

struct sock *sock_find(struct sockets *sockets, int64_t fd);
struct sock *sock_new(struct sockets *sockets, int64_t fd);
// Takes all events of the stack.
void sockets_news(struct sockets *sockets);

enum step sock_listen(struct sockets *sockets, struct sock *sock, int64_t backlog,
                      struct outcome *out);
void sock_connect_settings(const struct sockets *sockets, const struct sock *sock,
                           struct estab_connect_settings *settings);
// fast_open_keys.c: the keys of that listener are the stack's, or, with NULL, those of all.
void fast_open_use_keys(struct sockets *sockets, const struct sock *sock);
// connect() to nobody: what it was is reset, and it is as new.
enum step sock_disconnect(struct sockets *sockets, struct sock *sock, struct outcome *out);
enum step sock_accept(struct sockets *sockets, struct sock *sock, int64_t fd, struct outcome *out);
// started: this is the second or a later try of the same call.
enum step sock_connect(struct sockets *sockets, struct sock *sock, bool started,
                       struct outcome *out);
// Fills bytes; peek leaves them where they are.
enum step sock_read(struct sockets *sockets, struct sock *sock, uint8_t *bytes, size_t count,
                    bool peek, struct outcome *out);
// Goes on from bytes[*done] of count; STEP_BLOCKS keeps *done.
enum step sock_write(struct sockets *sockets, struct sock *sock, const uint8_t *bytes, size_t count,
                     size_t *done, bool urgent, struct outcome *out);
enum step sock_shutdown(struct sockets *sockets, struct sock *sock, bool read, bool write,
                        struct outcome *out);
void sock_close(struct sockets *sockets, struct sock *sock);
// close() that lingers: started as above. Done when the peer has acknowledged everything, or at deadline_ns.
enum step sock_linger(struct sockets *sockets, struct sock *sock, bool started,
                      uint64_t deadline_ns);
// Sets an option now or as soon as there is a connection.
enum step sock_set(struct sockets *sockets, struct sock *sock, enum estab_option option,
                   uint64_t value, struct outcome *out);
const char *sock_error_name(int estab_error);
// SO_ERROR: tells the pending error and forgets it; "0" if there is none.
const char *sock_take_error(struct sock *sock);
bool sock_readable(struct sockets *sockets, const struct sock *sock);
bool sock_writable(struct sockets *sockets, const struct sock *sock);

#endif
