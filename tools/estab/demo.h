// SPDX-License-Identifier: BSD-2-Clause
// demo.h - the parts of `estab demo`: three connections, each watched by a ladder and by the kernel's own books.
#ifndef ESTAB_TOOL_DEMO_H
#define ESTAB_TOOL_DEMO_H

#include "hash.h"
#include "ladder.h"
#include "motor.h"

#define DEMO_SERVER_PORT 8080 // of the kernel's server
#define DEMO_CLOSED_PORT 9    // where nobody listens
#define DEMO_CONNECTIONS 3

struct demo_result {
  const char *what;
  bool ok;
  const char *why;            // why not
  char sent[HASH_TEXT_BYTES]; // SHA-256, "" = no data
  char received[HASH_TEXT_BYTES];
  uint64_t bytes;
  double seconds;
  enum estab_state states[2][LADDER_STATES_MAX]; // kernel, estab
  unsigned state_count[2];
  enum estab_state checked[LADDER_STATES_MAX]; // of the kernel's: the kernel itself said so
  unsigned checked_count;
  bool unchecked; // the kernel cannot be asked
  struct ladder_totals totals;
};

struct demo {
  struct motor m;
  struct ladder *ladder; // of the connection that goes on; NULL = none
  uint64_t time_wait_ns;
  bool ipv6, full, json;
  int content; // descriptor of the file
  uint64_t content_bytes;
  char content_hash[HASH_TEXT_BYTES];
  struct demo_result results[DEMO_CONNECTIONS];
  unsigned result_count;
};

// Makes the file to be carried. 0, or the exit status after a complaint.
int demo_make_content(struct demo *d);

// A connection's frame: a ladder from before its first segment to after its last.
struct demo_result *demo_begin(struct demo *d, const char *what, const char *kernel_name,
                               enum estab_state kernel_at, enum estab_state estab_at);
void demo_end(struct demo *d, struct demo_result *r, uint64_t start_ns);
// Between turns: compares the inferred state of the kernel's side with what the kernel says.
void demo_check(struct demo *d, struct demo_result *r);
// Whether the kernel has been asked about the state that it is in now.
bool demo_checked(const struct demo *d, const struct demo_result *r);

// The three connections. 0, or the exit status when going on makes no sense; what went wrong is in the result.
int demo_serve(struct demo *d);
int demo_fetch(struct demo *d);
int demo_refused(struct demo *d);

// The kernel's side of demo_fetch(): answers one request on a listening socket with the file. For child_call().
struct demo_server {
  int listener, content;
  uint64_t bytes;
};
int demo_kernel_server(void *server);
// A kernel socket that listens at ip and port, or -1.
int demo_kernel_listen(const struct estab_ip *ip, uint16_t port);

// The summary, as text or as the last JSON object.
void demo_say(const struct demo *d, const struct demo_result *r);
void demo_say_all(const struct demo *d, bool ok, double seconds);

#endif
