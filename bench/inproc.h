// SPDX-License-Identifier: BSD-2-Clause
// inproc.h - what both stacks do in the in-process bench, and the packets between their two ends.
#ifndef ESTAB_BENCH_INPROC_H
#define ESTAB_BENCH_INPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum work {
  WORK_BULK,     // count: segments of 1460 bytes from client to server
  WORK_CONN,     // count: connect, one byte each way, close, everything freed
  WORK_EXCHANGE, // count: one byte each way on one of `open` connections
  WORK_IDLE,     // memory: connections that have been used and are at rest
  WORK_HALF,     // memory: half-open records of a listener
  WORK_TIMEWAIT, // memory: TIME-WAIT records
};

enum {
  SEGMENT_BYTES = 1460,
  MTU_BYTES = 1500,
  WRITE_BYTES = 16 * SEGMENT_BYTES, // of one call to the stack
  BATCH_FRAMES = 64,                // a link carries at most so many before it turns round
  CLIENT_PORT_FIRST = 1024,
  SERVER_PORT = 5001,
};

struct job {
  enum work work;
  bool ipv6;      // else IPv4
  bool lend;      // send without copying: the stack refers to the caller's memory
  bool copy_out;  // receive by copying; else in place
  uint64_t count; // operations
  uint32_t open;  // connections open during WORK_EXCHANGE
};

struct result {
  uint64_t operations;
  uint64_t cpu_ns;       // of the operations alone, opening of connections left out
  uint64_t packets;      // that crossed the link during them, both ways
  uint64_t client_bytes; // WORK_IDLE.. : memory of all `operations`, on the side that connected
  uint64_t server_bytes; // and on the side that listened
};

// Both end the process with a message when anything is not as it must be.
void lwip_run(const struct job *job, struct result *result);
void estab_run(const struct job *job, struct result *result);

// CPU time of this thread.
uint64_t cpu_now_ns(void);

// Says what went wrong and ends the process with 1.
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// Memory of a test that goes with `seed`; never NULL.
void *must_alloc(size_t bytes);

#endif
