// SPDX-License-Identifier: BSD-2-Clause
// cc_own.h - controllers that the user has plugged in, behind the same table as all others.
#ifndef ESTAB_TCP_CC_OWN_H
#define ESTAB_TCP_CC_OWN_H

#include "base/mem.h"
#include "estab/cc.h"
#include "tcp/cc.h"

struct cc_own {
  struct cc_verbs verbs; // first: what a connection points to
  struct estab_cc_controller user;
  uint32_t number; // in the API
  struct cc_own *next;
};

// Its number, or an error.
int cc_own_add(struct cc_own **list, struct mem *mem, const struct estab_cc_controller *user);
void cc_own_free(struct cc_own **list, struct mem *mem);

// Also the built-in ones. NULL = there is none.
const struct cc_verbs *cc_own_find(const struct cc_own *list, uint64_t number);
uint64_t cc_own_number(const struct cc_own *list, const struct cc_verbs *verbs);

#endif
