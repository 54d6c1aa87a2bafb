// SPDX-License-Identifier: BSD-2-Clause
// prr.h - Proportional Rate Reduction, RFC 9937: what may leave on each ACK of a fast recovery.
#ifndef ESTAB_TCP_PRR_H
#define ESTAB_TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct prr {
  uint32_t recover_fs_bytes; // RecoverFS: in flight when the recovery began
  uint32_t delivered_bytes;  // prr_delivered
  uint32_t out_bytes;        // prr_out
};

static inline void prr_begin(struct prr *p, uint32_t recover_fs_bytes)
{
  *p = (struct prr){.recover_fs_bytes = recover_fs_bytes ? recover_fs_bytes : 1};
}

// An ACK delivered something; `safe`: it advanced SND.UNA and told of no further loss. Answers the new cwnd.
uint32_t prr_on_ack(struct prr *p, uint32_t delivered_bytes, uint32_t flight_bytes,
                    uint32_t ssthresh_bytes, uint32_t mss_bytes, bool safe);

static inline void prr_on_sent(struct prr *p, uint32_t bytes)
{
  p->out_bytes += bytes;
}

#endif
