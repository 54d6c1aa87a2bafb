// SPDX-License-Identifier: BSD-2-Clause
// diag.h - what the kernel says of one of its TCP connections: what `ss` shows.
#ifndef ESTAB_TOOL_DIAG_H
#define ESTAB_TOOL_DIAG_H

#include "estab/base.h"

// The state of the kernel's connection whose tuple, seen from the peer's end, is *peer. 1 and *state (CLOSED = it
// has none), 0 = this kernel cannot be asked.
int diag_state(const struct estab_tuple *peer, enum estab_state *state);

#endif
