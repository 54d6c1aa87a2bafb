// SPDX-License-Identifier: BSD-2-Clause
// scenario.h - a scenario as its file says it: nodes, links, flows, what happens when, what must come out.
//
// One statement a line, words separated by blanks, # begins a comment:
//
//   seed 7
//   host a cc=cubic                 a stack; options of it
//   host b mtu=1500
//   host k kernel cc=bbr            this machine's kernel; the run is in real time then
//   router r
//   link a r rate=1G delay=1ms      both directions alike; a>r only that one
//   link r b rate=200M delay=33ms queue=1M loss=0.1% reorder=0.5% depth=30
//   flow a b bytes=100M             or for=10s; chunk=, each=, start=, cc=, port=, repeat=, gap=
//   talk c d bytes=1M back=20K      both ways, by programs with habits, and every invariant is checked
//   habit c read=512 pause=1% rest=2s
//   at 5s link r>b rate=50M         or down, up, loss=...
//   until 30s
//   expect goodput >= 180M
//
#ifndef ESTAB_NET_SCENARIO_H
#define ESTAB_NET_SCENARIO_H

#include "estab/estab.h"
#include <stdio.h>

#include "sim/sim.h"

#define SCENARIO_NODES   64
#define SCENARIO_LINKS   64
#define SCENARIO_FLOWS   256
#define SCENARIO_TALKS   8
#define SCENARIO_CHANGES 256
#define SCENARIO_EXPECTS 64
#define SCENARIO_NAME    24

struct scenario_node {
  char name[SCENARIO_NAME];
  bool router;
  struct estab_settings stack; // of a host; memory, random and secret are the simulator's
  uint16_t mtu;
  bool departure_times; // its device holds a frame back until its time
  bool kernel;          // this machine's kernel, in a namespace of its own
  char kernel_cc[SCENARIO_NAME];
};

struct scenario_link {
  unsigned node[2];
  struct lane_faults faults[2]; // [0]: from node[0] to node[1]
  bool black_hole;              // routers say nothing of packets that are too long
};

struct scenario_flow {
  unsigned from, to; // nodes, hosts
  uint64_t bytes;    // of each transfer; UINT64_MAX = as many as go
  uint64_t for_ns;   // ends by time instead; 0 = not
  uint64_t start_ns;
  uint64_t chunk_bytes, each_ns; // so many at once, so often; 0 = all as soon as it goes
  uint32_t repeat;               // transfers one after another, each its own connection
  uint64_t gap_ns;               // between them
  int congestion_control;        // enum estab_cc, -1 = the host's
  char kernel_cc[SCENARIO_NAME]; // from a kernel's host; "" = the host's
  bool timed_out_ok;             // its connections may end by an error
};

// One connection, between two hosts that have no other.
struct scenario_talk {
  unsigned node[2];            // [0]: who opens it
  struct app_habits habits[2]; // bytes among them
  uint64_t start_ns;           // when it is opened
  bool closed;                 // nobody listens
  bool fast_open;              // with a cookie that is known
};

// Something about a link changes.
struct scenario_change {
  uint64_t at_ns;
  unsigned link;
  bool direction[2];
  struct lane_faults faults[2]; // what it is from then on
  bool cut[2];
};

enum scenario_metric {
  METRIC_GOODPUT,    // bits a second of all flows, from the first SYN to the last octet
  METRIC_SPURIOUS,   // ppm of segments with text that brought nothing new
  METRIC_RETRANSMIT, // ppm of segments that were sent again
  METRIC_JAIN,       // ppm: fairness of the flows' goodput
  METRIC_SHARE,      // ppm: the first flow's part of all goodput
  METRIC_P99,        // ns: completion of transfers, 99 of 100
  METRIC_LONGEST,    // ns: the slowest one
  METRIC_QUEUE,      // octets: the most in a queue; of a link alone when a number is given
  METRIC_QUEUE_LOSS, // packets lost in queues
  METRIC_MARKED,     // packets marked in queues
  METRIC_TIME,       // ns: virtual time of the run
  METRIC_FAILED,     // connections that ended by an error
  METRIC_MTU, // bytes of an IP packet: the path's, as the sender saw it when it had no more to write
  METRIC_LATE,     // ppm of departures that real time was more than 1 ms late for
  METRIC_LATENESS, // ns: the latest of them
  METRICS
};

struct scenario_expect {
  enum scenario_metric metric;
  int flow;   // or link, of a queue; counted from 0, -1 = all
  char op[3]; // <=, >=, =
  double value;
  unsigned line;
  char text[120];
};

struct scenario {
  uint64_t seed, until_ns;  // until_ns: at the latest; 0 = when all flows are done
  uint64_t measure_from_ns; // goodput counts from here
  bool ip6;
  bool realtime; // by the machine's clock
  struct scenario_node nodes[SCENARIO_NODES];
  struct scenario_link links[SCENARIO_LINKS];
  struct scenario_flow flows[SCENARIO_FLOWS];
  struct scenario_talk talks[SCENARIO_TALKS];
  struct scenario_change changes[SCENARIO_CHANGES]; // in order of time
  struct scenario_expect expects[SCENARIO_EXPECTS];
  unsigned node_count, link_count, flow_count, talk_count, change_count, expect_count;
};

// Where reading failed.
struct scenario_error {
  unsigned line, column; // from 1
  char text[160];
};

// Reads the file. 0, -1: *error says what is wrong, or with line 0 that it cannot be read.
int scenario_read(const char *path, struct scenario *scenario, struct scenario_error *error);

// The same from a stream, which it leaves open.
int scenario_read_stream(FILE *file, struct scenario *scenario, struct scenario_error *error);

// "goodput" and so on, as `expect` and --json spell it.
const char *scenario_metric_name(enum scenario_metric metric);

#endif
