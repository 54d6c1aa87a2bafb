// SPDX-License-Identifier: BSD-2-Clause
// limits.h - why is it slow: for how long what kept a busy sender from sending more.
#ifndef ESTAB_TCP_LIMITS_H
#define ESTAB_TCP_LIMITS_H

#include <stdint.h>

enum limit {
  LIMIT_APPLICATION, // all was sent, or Nagle and cork wait for more
  LIMIT_CWND,        // the congestion window
  LIMIT_PEER_WINDOW, // SND.WND
  LIMIT_SEND_BUFFER, // all was sent, and the user has no room for more until it is acknowledged
  LIMIT_PACING,      // pacing, or a device that takes no more
  LIMITS
};

struct limits {
  uint64_t since_ns;   // up to when ns[] counts
  uint64_t ns[LIMITS]; // since the work block was taken
};

#endif
