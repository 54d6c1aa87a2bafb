// SPDX-License-Identifier: BSD-2-Clause
// tun.h - TUN devices of the bench, and the services that every stack offers on one.
#ifndef ESTAB_BENCH_TUN_H
#define ESTAB_BENCH_TUN_H

#include <stdbool.h>

enum {
  PORT_ECHO_FIRST = 7000, // echoes; several ports, so that the kernel has ports enough on its side
  PORT_ECHO_LAST = 7007,
  PORT_SINK = 9, // checks the pattern; answers the peer's FIN with 8 bytes, big-endian: the count
  PORT_SOURCE = 19, // sends the pattern until the peer closes
};

// Opens (and makes) TUN device `name` in the current network namespace, without blocking reads.
// gso: with the virtio header, and the kernel may send and take super-segments. Ends the process
// with a message when it cannot.
int tun_open(const char *name, bool gso);

#endif
