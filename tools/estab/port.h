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

#define PORT_OPTIONS_DEFAULT                                                                       \
  {                                                                                                \
    .device = "auto", .seed = 1                                                                    \
  }

// Entries for a command's table; o is a struct port_options.
#define PORT_TABLE(o)                                                                              \
  {.kind = OPTION_HEADING, .help = "Device:"},                                                     \
      {.name = "device",                                                                           \
       .kind = OPTION_TEXT,                                                                        \
       .value = &(o).device,                                                                       \
       .argument = "DEVICE",                                                                       \
       .help = "auto, tun[:NAME], tap[:NAME], veth or packet:INTERFACE"},                          \
      {.name = "address",                                                                          \
       .kind = OPTION_LIST,                                                                        \
       .value = &(o).addresses,                                                                    \
       .argument = "IP/BITS",                                                                      \
       .help = "an address of ours; repeat (192.0.2.2/24, 2001:db8::2/64)"},                       \
      {.name = "host",                                                                             \
       .kind = OPTION_LIST,                                                                        \
       .value = &(o).hosts,                                                                        \
       .argument = "IP/BITS",                                                                      \
       .help = "the host's own address on an interface made now; repeat"},                         \
      {.name = "gateway",                                                                          \
       .kind = OPTION_IP,                                                                          \
       .value = &(o).gateway,                                                                      \
       .argument = "IP",                                                                           \
       .help = "the router for everything else (the host)"},                                       \
      {.name = "route",                                                                            \
       .kind = OPTION_LIST,                                                                        \
       .value = &(o).routes,                                                                       \
       .argument = "IP/BITS[=IP]",                                                                 \
       .help = "a route, through a router; repeat"},                                               \
      {.name = "mtu",                                                                              \
       .kind = OPTION_COUNT,                                                                       \
       .value = &(o).mtu,                                                                          \
       .argument = "BYTES",                                                                        \
       .help = "bytes of the largest packet (the interface's, or 1500)",                           \
       .min = 68,                                                                                  \
       .max = 65535},                                                                              \
      {.name = "plain",                                                                            \
       .kind = OPTION_FLAG,                                                                        \
       .value = &(o).plain,                                                                        \
       .help = "no super-segments, every checksum filled in"},                                     \
      {.name = "trace",                                                                            \
       .kind = OPTION_FLAG,                                                                        \
       .value = &(o).trace,                                                                        \
       .help = "say each packet in one line on stderr"},                                           \
  {                                                                                                \
    .name = "pcap", .kind = OPTION_TEXT, .value = &(o).pcap, .argument = "FILE",                   \
    .help = "write each packet to a capture file"                                                  \
  }

// The faulty link, for commands that offer one.
#define FAULT_TABLE(o)                                                                             \
  {.kind = OPTION_HEADING, .help = "Faults, in both directions:"},                                 \
      {.name = "loss",                                                                             \
       .kind = OPTION_PERCENT,                                                                     \
       .value = &(o).loss_ppm,                                                                     \
       .argument = "N%",                                                                           \
       .help = "packets lost"},                                                                    \
      {.name = "duplicate",                                                                        \
       .kind = OPTION_PERCENT,                                                                     \
       .value = &(o).duplicate_ppm,                                                                \
       .argument = "N%",                                                                           \
       .help = "packets that come twice"},                                                         \
      {.name = "reorder",                                                                          \
       .kind = OPTION_PERCENT,                                                                     \
       .value = &(o).reorder_ppm,                                                                  \
       .argument = "N%",                                                                           \
       .help = "packets overtaken by others"},                                                     \
      {.name = "corrupt",                                                                          \
       .kind = OPTION_PERCENT,                                                                     \
       .value = &(o).corrupt_ppm,                                                                  \
       .argument = "N%",                                                                           \
       .help = "packets with a bit flipped"},                                                      \
      {.name = "delay",                                                                            \
       .kind = OPTION_TIME,                                                                        \
       .value = &(o).delay_ns,                                                                     \
       .argument = "TIME",                                                                         \
       .help = "each packet's delay (10ms)"},                                                      \
  {                                                                                                \
    .name = "seed", .kind = OPTION_COUNT, .value = &(o).seed, .argument = "N",                     \
    .help = "equal seeds, equal faults (1)"                                                        \
  }

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
