// SPDX-License-Identifier: BSD-2-Clause
// port.h - where packets go: the device that --device names, with addresses, routes, faults and records.
#ifndef ESTAB_TOOL_PORT_H
#define ESTAB_TOOL_PORT_H

#include "options.h"

#include "estab/driver.h"

#include <stdio.h>

struct port_options {
  const char *device; // auto, tun[:NAME], tap[:NAME], veth, packet:INTERFACE
  struct option_list addresses, hosts, routes;
  struct estab_ip gateway;
  uint64_t mtu;
  bool plain;       // no offloads
  bool trace;       // a line a packet on stderr
  const char *pcap; // file, or NULL
  uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
  uint64_t delay_ns, seed;
};

// What the command line said of the port. A command has one, so one is enough, and so is one table for all that speak.
extern struct port_options port_options;
extern const struct option port_table[];   // the device and its addresses
extern const struct option packet_table[]; // how packets are made and recorded
extern const struct option fault_table[];  // the faulty link, for commands that offer one

#define PORT_ADDRESSES 8

struct port {
  struct estab_device dev;
  struct port_options options;
  struct option_prefix address[PORT_ADDRESSES], host[PORT_ADDRESSES];
  unsigned address_count, host_count;
  estab_pcap *pcap;
  char made[16]; // an interface to be removed at the end, "" = none
};

// Opens the device and sets the host's side up. 0, or the exit status after a complaint.
int port_open(const char *command, const struct port_options *options, struct port *port);
// Attaches it to the stack, with addresses and routes. 0, or the exit status after a complaint.
int port_start(const char *command, struct port *port, estab_stack *s);
// Closes what was opened. Answers 0, or the exit status after a complaint (a capture that could not be written).
int port_close(const char *command, struct port *port);
// What befell packets, in one line on `out`; nothing if there is no faulty link.
void port_say_faults(struct port *port, const char *prefix, FILE *out);
// Our first address of the family (4, 6; 0 = any), or NULL.
const struct estab_ip *port_address(const struct port *port, int family);
const struct estab_ip *port_host(const struct port *port, int family);

#endif
