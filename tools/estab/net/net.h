// SPDX-License-Identifier: BSD-2-Clause
// net.h - a scenario at work: hosts with stacks, routers, links and flows on one clock.
//
// Theory of operation. Everything that can happen next has one entry in `when`: two lanes a link, then the
// nodes. A step takes the earliest time and lets all entries of that time work, in their order: so equal
// scenarios give equal runs, bit for bit. A host works until it has nothing more to say at this instant.
//
// In real time (live.c) the same entries work when the machine's clock has reached them, and between them packets
// come from the kernel's hosts: each is a network namespace with a TUN interface, and the flows that end there
// have sockets. All of it is in this process, and so is gone with it, however it ends.
#ifndef ESTAB_NET_NET_H
#define ESTAB_NET_NET_H

#include "estab/driver.h"
#include "net/scenario.h"
#include "net/seen.h"
#include "qlog/write.h"

#define NET_START_NS UINT64_C(1000000000) // what the clock says when a scenario begins
#define NET_PORT     5001                 // flow i is served at NET_PORT + i

// What the connections of a flow's sender say of themselves, in estab_conn_info, all transfers together.
struct net_told {
  uint64_t bytes_sent, segments_sent, segments_again, segments_spurious;
  uint64_t limited_application_ns, limited_cwnd_ns, limited_peer_window_ns, limited_send_buffer_ns;
  uint64_t limited_pacing_ns;
  bool reordering_seen;
};

// One transfer after another from scenario_flow.from to .to.
struct net_flow {
  const struct scenario_flow *spec;
  estab_listener listener;
  estab_conn sender, receiver;           // 0 = none
  int listen_fd, sender_fd, receiver_fd; // where the kernel is that end; -1 = none
  uint64_t sent, read;                   // of this transfer
  uint64_t begun_ns, next_ns;            // this transfer's SYN; when the next one begins
  uint32_t done, failed;                 // transfers
  bool open; // ESTABLISHED was reached: CLOSE before that would delete the connection
  bool sender_closed, stream_broken;
  uint16_t path_mtu;                  // as the sender saw it when it closed
  bool writable, readable;            // worth a try
  int error;                          // of the last that failed
  uint64_t first_ns, last_ns;         // of all: first SYN, last octet read
  uint64_t read_total, read_measured; // read_measured: since measure_from_ns
  uint64_t *completions_ns;           // one a transfer that was whole
  // As the wire has it
  bool max_known;
  uint32_t max_seq;                             // one past the highest octet sent
  struct seen seen;                             // what reached the receiver
  uint64_t segments, retransmissions, spurious; // with text
  struct net_told told;
};

struct net_paced {
  struct net_paced *next;
  uint64_t at_ns;
  size_t count;
  uint8_t bytes[];
};

struct net_node {
  struct net *net;
  const struct scenario_node *spec;
  struct estab_ip ip;
  estab_stack *stack; // NULL: a router
  uint32_t netif;
  unsigned lane;                        // of a host: the one it sends to
  struct net_paced *paced, *paced_last; // frames that may not leave yet
  uint8_t next_lane[SCENARIO_NODES];    // towards each node; UINT8_MAX = unreachable
  uint64_t alarm_ns;                    // of the flows here
  struct net_kernel *kernel;            // the kernel is this host; NULL = it is not
  struct sim_host *talker;              // one end of a talk; NULL = it is not
};

#define NET_SAMPLES_MAX 4000

// Of one flow's sender, for pictures.
struct net_sample {
  uint64_t at_ns, read_total, retransmissions;
  uint64_t queue_bytes, lost; // of all links
  uint32_t cwnd_bytes, flight_bytes;
  uint64_t srtt_ns;
};

// How well real time was kept: packets that left a link.
struct net_late {
  uint64_t departures;
  uint64_t late;   // by more than NET_LATE_NS
  uint64_t max_ns; // the latest
};
#define NET_LATE_NS        UINT64_C(1000000)
#define NET_LATE_LIMIT_PPM 10000 // a run with more of them than that says nothing

struct net {
  const struct scenario *scenario;
  uint64_t start_ns, now_ns;
  uint64_t epoch_ns; // real time: the machine's clock when now_ns was 0; 0 = virtual time
  struct net_late late;
  struct estab_device_error error; // of the kernel's side, if net_start() failed by it
  struct chance chance;
  struct net_node nodes[SCENARIO_NODES];
  struct lane lanes[2 * SCENARIO_LINKS]; // 2 i + d: direction d of link i
  struct net_flow flows[SCENARIO_FLOWS];
  enum plant plant;                  // the lie that is told in each talk
  struct sim *talks[SCENARIO_TALKS]; // each a small world of its own, but for the link
  uint64_t when[2 * SCENARIO_LINKS + SCENARIO_NODES];
  unsigned when_count, next_change;
  estab_pcap *pcap;  // of one lane's sender, or NULL
  int pcap_link;     // which link, both directions
  struct qlog *qlog; // of one host, or NULL
  unsigned qlog_node;
  bool sampling;
  uint64_t sample_every_ns, next_sample_ns;
  unsigned sample_count;
  struct net_sample *samples; // [sample * flow_count + flow]
};

// 0, or enum estab_error with *what naming the node.
int net_start(struct net *net, const struct scenario *scenario, const char **what);
// Until all flows are done or the scenario's time is over. `progress` is called now and then with virtual time.
void net_run(struct net *net, void (*progress)(const struct net *net));
void net_end(struct net *net);
// Lets work whatever is due, and answers when something will be next.
uint64_t net_work(struct net *net);
void net_clock(struct net *net); // real time: now_ns is now
bool net_is_late(const struct net *net);

// live.c: until the same end as net_run(), or Ctrl-C: false then.
bool net_run_live(struct net *net, void (*progress)(const struct net *net));

// net_host.c
int net_host_start(struct net *net, unsigned node);
void net_host_end(struct net_node *node);
void net_host_hear(struct net_node *node, const uint8_t *bytes, size_t count);
void net_host_work(struct net_node *node); // until it has nothing to say now
uint64_t net_host_when(const struct net_node *node);

// net_route.c
int net_route(struct net *net, const char **what); // fills next_lane
// A packet at a node that it is not for.
void net_forward(struct net *net, unsigned node, const uint8_t *bytes, size_t count);
void net_admit(struct net *net, unsigned lane, const uint8_t *bytes, size_t count);

// net_flow.c
int net_flows_start(struct net *net, const char **what);
void net_flows_event(struct net_node *node, const struct estab_event *event);
void net_flows_work(struct net_node *node); // begins, writes, reads what it can now
bool net_flows_done(const struct net *net);
void net_flows_ask(struct net *net); // connections that are still open what they say of themselves
// What passes a host's interface: for the counts of segments.
void net_flows_wire(struct net *net, const uint8_t *bytes, size_t count, bool sent);
bool net_flow_has_sender(const struct net_flow *flow);
bool net_flow_has_receiver(const struct net_flow *flow);
// A connection that ended by an error.
void net_flow_failed(struct net_node *node, struct net_flow *flow, bool sender, int error);
void net_flow_sender_over(struct net *net, struct net_flow *flow);

// net_talk.c
int net_talks_start(struct net *net, const char **what);
void net_talks_end(struct net *net);
void net_talker_hear(struct net_node *node, const uint8_t *bytes, size_t count);
void net_talker_work(struct net_node *node);
uint64_t net_talker_when(const struct net_node *node);
void net_talks_stepped(struct net *net); // after each step
bool net_talks_done(const struct net *net);
// Nothing more will happen by itself: true = time went by, and who waits for a peer that is gone has given up.
bool net_talks_give_up(struct net *net);
// All flows and talks are done: the stacks end what they have to, and nothing must be left. `step` is net's.
void net_talks_settle(struct net *net, bool (*step)(struct net *net, uint64_t until_ns));
// The first that an invariant does not hold in; NULL = none.
const struct sim *net_talks_broken(const struct net *net);

// net_kernel.c
// By errno, into net->error.
int net_kernel_failed(struct net *net, const char *call, const char *remedy);
int net_kernel_start(struct net *net, unsigned node);
void net_kernel_end(struct net_node *node);
int net_kernel_enter(const struct net_node *node); // sockets from now on are made there
int net_kernel_fd(const struct net_node *node);    // readable: it has sent packets
void net_kernel_hear(struct net_node *node, const uint8_t *bytes, size_t count);
void net_kernel_work(struct net_node *node); // the flows there, and what it sends

// net_socket.c: the ends of flows that are the kernel's. Answers as the calls of estab.h.
int net_socket_listen(struct net *net, struct net_flow *flow);
int net_socket_try(struct net_node *node, const struct net_flow *flow); // could it?
int net_socket_connect(struct net_node *node, struct net_flow *flow);
int net_socket_send(struct net_flow *flow, const uint8_t *bytes, size_t count);
int net_socket_recv(struct net_flow *flow, uint8_t *bytes, size_t count);
void net_socket_close(int *fd);
// What to wait for; `fds` has room for three. Answers how many.
struct pollfd;
unsigned net_socket_wait(const struct net_flow *flow, struct pollfd *fds);
void net_socket_ready(struct net *net, struct net_flow *flow, const struct pollfd *fds,
                      unsigned count);
void net_socket_sample(const struct net_flow *flow, struct net_sample *sample);

#endif
