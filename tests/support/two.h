// SPDX-License-Identifier: BSD-2-Clause
// two.h - two stacks and the wire between them, on virtual time.
#ifndef ESTAB_SUPPORT_TWO_H
#define ESTAB_SUPPORT_TWO_H

#include "support/kit.h"

struct two {
  struct kit_mem mem[2];
  struct estab_settings settings;
  estab_stack *s[2];
  struct estab_ip ip[2];
  uint64_t now_ns;
  uint64_t digest;      // of every frame that left either stack, and when
  uint64_t frames;      // that left
  uint32_t lose_one_in; // frames with text; 0 = none. The same ones in each run
  uint32_t text_frames;
  size_t most_bytes; // larger frames vanish, 0 = none do
  bool unplugged;    // nothing arrives
};

// 192.0.2.1 and .2, or 2001:db8::1 and ::2. change: what differs from estab_settings_default().
void two_init(struct two *t, bool ip6, void (*change)(struct estab_settings *settings));
// False: memory is not back to nothing.
bool two_end(struct two *t);
// Carries frames both ways until nobody sends any more. Answers how many.
unsigned two_carry(struct two *t);
// One turn: carries; if there was nothing to carry, goes to the next deadline, at most to until_ns. False: it is
// until_ns, or nobody waits for anything.
bool two_turn(struct two *t, uint64_t until_ns);
// Turns until then.
void two_run(struct two *t, uint64_t until_ns);

estab_listener two_listen(struct two *t, unsigned who, uint16_t port, uint32_t backlog);
int two_connect(struct two *t, unsigned who, uint16_t local_port, uint16_t port, estab_conn *out);
// two_init() over IPv4, and a connection from the first stack to the second: the first one's end, and *peer.
estab_conn two_open(struct two *t, void (*change)(struct estab_settings *settings),
                    estab_conn *peer);

#endif
