// SPDX-License-Identifier: BSD-2-Clause
// state.c - names of the states and the table of legal edges.
#include "proto/state.h"

#define TO(state) (1u << ESTAB_##state)

// Figure 5 of RFC 9293 and the edges its notes and 3.10 add. Every state may fall to CLOSED: RST, ABORT, timeouts.
const uint16_t state_edges[ESTAB_STATES] = {
    [ESTAB_CLOSED] = TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED),
    // SYN_RECEIVED by a SYN, SYN_SENT by the user's SEND or active OPEN (3.10.1, 3.10.2)
    [ESTAB_LISTEN] = TO(CLOSED) | TO(SYN_RECEIVED) | TO(SYN_SENT),
    [ESTAB_SYN_SENT] = TO(CLOSED) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
    // LISTEN again after RST of a passive open (note 1), FIN_WAIT_1 by CLOSE (3.10.4)
    [ESTAB_SYN_RECEIVED] =
        TO(CLOSED) | TO(LISTEN) | TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT),
    [ESTAB_ESTABLISHED] = TO(CLOSED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT),
    // TIME_WAIT directly when the FIN carries the ACK of ours (note 2)
    [ESTAB_FIN_WAIT_1] = TO(CLOSED) | TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT),
    [ESTAB_FIN_WAIT_2] = TO(CLOSED) | TO(TIME_WAIT),
    [ESTAB_CLOSE_WAIT] = TO(CLOSED) | TO(LAST_ACK),
    [ESTAB_CLOSING] = TO(CLOSED) | TO(TIME_WAIT),
    [ESTAB_LAST_ACK] = TO(CLOSED),
    // SYN_RECEIVED by a SYN above the old sequence space (3.6.1 [MAY-2], RFC 6191)
    [ESTAB_TIME_WAIT] = TO(CLOSED) | TO(SYN_RECEIVED),
};

const char *estab_state_name(enum estab_state state)
{
  static const char *const names[ESTAB_STATES] = {
      "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
      "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT",
  };
  return (unsigned)state < ESTAB_STATES ? names[state] : "UNKNOWN";
}
