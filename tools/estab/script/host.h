// SPDX-License-Identifier: BSD-2-Clause
// host.h - the host under test: one stack, one interface, a clock that only we move, what it sent.
#ifndef ESTAB_SCRIPT_HOST_H
#define ESTAB_SCRIPT_HOST_H

#include "estab/estab.h"

// One packet that left the stack.
struct sent {
  uint64_t ns;
  unsigned event;             // host->event when it left
  struct estab_packet packet; // points into bytes
  bool parsed;
  int drop; // why it could not be parsed
  struct sent *next;
  size_t count;
  uint8_t bytes[];
};

#define HOST_FLOWS 64

// What the trace said of a tuple: the state of whatever lives there now.
struct host_flow {
  struct estab_tuple tuple;
  enum estab_state state;
};

struct host {
  struct estab_settings settings;
  estab_stack *stack; // NULL until host_start()
  bool ready;         // host_start() has succeeded
  uint32_t netif;
  bool ip6;
  uint16_t mtu;
  struct estab_ip local, remote;
  uint64_t start_ns, now_ns;
  unsigned event; // number of the script's event that runs
  struct sent *first, **last;
  struct host_flow flows[HOST_FLOWS];
  unsigned flow_count;
  // Memory: everything the stack holds, and the allocation that is to fail (0 = none).
  uint64_t bytes_held, allocations, fail_at;
  bool failed_allocation;
  // Called whenever the stack may have news: takes events, retries pending calls.
  void *ctx;
  void (*news)(void *ctx);
  // Called for each trace event, or NULL.
  void (*traced)(void *ctx, const struct estab_trace *event);
};

// Addresses, MTU and clock for one IP version; settings are the caller's to fill in.
void host_begin(struct host *host, bool ip6);
// Makes the stack from host->settings. An enum estab_error.
int host_start(struct host *host);
void host_end(struct host *host);

// Gives one IP packet to the stack now.
void host_deliver(struct host *host, const uint8_t *bytes, size_t count);
// Lets the stack work at the present time: events, then everything it wants to send.
void host_pump(struct host *host);
// Moves the clock to `until_ns` with all timers on the way, or only to the first packet that is
// sent if stop_at_packet.
void host_advance(struct host *host, uint64_t until_ns, bool stop_at_packet);
// Takes the first packet off the queue; the caller frees it.
struct sent *host_take(struct host *host);

enum estab_state host_flow_state(const struct host *host, const struct estab_tuple *tuple);

#endif
