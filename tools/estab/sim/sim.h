// SPDX-License-Identifier: BSD-2-Clause
// sim.h - two hosts and a link on virtual time.
#ifndef ESTAB_SIM_SIM_H
#define ESTAB_SIM_SIM_H

#include "chance.h"
#include "check.h"
#include "lane.h"
#include "oracle.h"
#include "plant.h"

#include "estab/driver.h"

// What an application does with its connection.
struct app_habits {
  uint64_t bytes;       // to send
  uint32_t write_bytes; // at most so many a call
  uint32_t read_bytes;  // at most so many a call
  uint32_t pause_ppm;   // it rests after a read,
  uint64_t pause_ns;    // for at most so long
  uint64_t late_ns;     // begins to read so long after the start
  uint64_t abort_ns;    // aborts so long after the start, 0 = never
  uint32_t calls_ppm;   // now and then changes an option of its connection
  bool close_after_end; // only closes once the other side has
  bool release_early;   // gives the connection back before all it wrote was acknowledged
};

struct sim_settings {
  uint64_t seed;
  bool ip6;
  struct lane_faults faults[2]; // [0]: from the client
  struct app_habits habits[2];  // [0]: the client
  struct estab_settings stack;  // of both; memory, random, trace, secret are the simulator's
  uint16_t mtu;
  enum plant plant;
  uint64_t give_up_ns; // virtual time the whole run may take
};

struct sim_app {
  struct app_habits habits;
  estab_listener listener;
  estab_conn conn; // 0 = none
  uint64_t sent, read;
  bool open; // ESTABLISHED was reached: CLOSE before that would delete the connection
  bool end_seen, closed, all_closed, done; // done: released, or over with an error
  int error;
  uint64_t paused_until_ns;
  uint64_t connect_ns;  // of a client: when it opens the connection; 0 = somebody else does
  bool fast_open;       // with its first octets in the SYN
  bool reading_stopped; // scenes: does not read
  bool by_hand;         // scenes: neither writes nor closes by itself
  bool next_made;       // `next` holds what is to be written next
  uint8_t next[16384];
};

struct sim;

struct sim_host {
  struct sim *sim;
  unsigned side;
  estab_stack *stack;
  uint32_t netif;
  struct estab_ip ip;
  uint64_t held_bytes, held_before;
  struct lane lane; // towards the other host
  struct sim_app app;
};

struct sim {
  struct sim_settings settings;
  struct sim_host hosts[2]; // 0 client, 1 server
  struct check check;
  struct planted planted;
  struct chance chance;
  uint64_t start_ns, now_ns, silent_since_ns;
  struct oracle oracle;
  estab_pcap *pcap; // or NULL
  // For scenes: called for each trace event, and each packet that is lost.
  void *ctx;
  void (*traced)(void *ctx, unsigned side, const struct estab_trace *event);
  void (*lost)(void *ctx, unsigned from);
  // For scenarios: takes what a host sends instead of its lane.
  void (*carry)(void *ctx, unsigned from, const uint8_t *bytes, size_t count);
  unsigned spins; // steps that this instant has lasted
  uint64_t spin_ns;
};

enum sim_verdict {
  SIM_OK,      // both streams whole, both ends seen, nothing held
  SIM_ABORTED, // a clean error after the user timeout
  SIM_BROKEN,  // an invariant does not hold: see check
};

struct sim_result {
  enum sim_verdict verdict;
  uint64_t virtual_ns, transfer_ns; // of the run; from the first SYN to the last octet read
  uint64_t bytes, segments, retransmissions, goodput_bits_per_s;
  struct lane_counters lanes[2];
  unsigned watched, watched_silent; // connections compared with what an observer says of them
  unsigned watched_on_link;         // and with one on the link
};

// Everything perfect: no faults, RTT 20 ms, 1 MiB from client to server.
void sim_settings_default(struct sim_settings *settings);
// Settings of seed n in the fault matrix.
void sim_settings_seeded(struct sim_settings *settings, uint64_t seed);
// 0, or an enum estab_error.
int sim_start(struct sim *sim, const struct sim_settings *settings);
void sim_end(struct sim *sim);
// Runs until both applications are done and nothing is left.
void sim_run(struct sim *sim, struct sim_result *result);
// One step: to the next thing that happens, at most until_ns. false: nothing left before that.
bool sim_step(struct sim *sim, uint64_t until_ns);
// Lets both hosts work at the present time.
void sim_settle(struct sim *sim);

// What a scenario needs to be the world of two hosts of its own. Begins without hosts, without a clock;
void sim_begin(struct sim *sim, const struct sim_settings *settings, uint64_t start_ns);
// all of it is over: both applications are;
bool sim_apps_busy(struct sim *sim);
// one of them waits for a peer that will never say anything;
bool sim_waits_in_vain(const struct sim *sim);
// so many connections of its stacks are left;
bool sim_stacks_busy(struct sim *sim);
// called after each step: who waits in vain gives up, and a clock that stands still is a fault;
void sim_stepped(struct sim *sim);
// called when both applications are over and the stacks had time: nothing must be left.
void sim_settle_up(struct sim *sim, uint64_t patience_ns);
uint64_t sim_patience(const struct sim *sim); // how long stacks may take to that
uint64_t sim_held(struct sim_host *host);     // bytes, but for what is known about paths

// app.c
int app_listen(struct sim_host *host);
int app_connect(struct sim_host *host);
void app_work(struct sim_host *host);
uint64_t app_deadline(const struct sim_host *host);

// host.c
int sim_host_start(struct sim *sim, unsigned side);
// Its stack, with the simulator's hooks; host->sim and ->side are set.
int sim_host_make(struct sim_host *host, const struct estab_settings *stack, uint16_t mtu,
                  const struct estab_ip *ip, unsigned prefix_bits);
void sim_host_end(struct sim_host *host);
void sim_host_pump(struct sim_host *host);
void sim_host_hear(struct sim_host *host, const uint8_t *bytes, size_t count);

#endif
