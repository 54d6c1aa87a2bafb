// SPDX-License-Identifier: BSD-2-Clause
// state.h - the state machine's legal edges, RFC 9293 3.3.2 Figure 5 with its notes.
#ifndef ESTAB_PROTO_STATE_H
#define ESTAB_PROTO_STATE_H

#include "estab/base.h"

// May a connection go from one state to the other? Endpoint and observer both ask this.
extern const uint16_t state_edges[ESTAB_STATES]; // a bit for each state that may follow
static inline bool state_edge_is_legal(enum estab_state from, enum estab_state to)
{
  return (unsigned)from < ESTAB_STATES && (unsigned)to < ESTAB_STATES &&
         (state_edges[from] >> to & 1) != 0;
}

// Has this state seen both SYNs (RFC 9293 3.3.2: "synchronized")?
static inline bool state_is_synchronized(enum estab_state state)
{
  return state >= ESTAB_ESTABLISHED;
}

#endif
