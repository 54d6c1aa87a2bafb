// SPDX-License-Identifier: BSD-2-Clause
// cc_list.c - the congestion controls by their numbers in the API.
#include <string.h>

#include "estab/estab.h"
#include "tcp/cc.h"

static const struct cc_verbs *const cc_list[] = {
    [ESTAB_CC_NEWRENO] = &cc_newreno,
    [ESTAB_CC_CUBIC] = &cc_cubic,
    [ESTAB_CC_BBR] = &cc_bbr,
};

const struct cc_verbs *cc_by_number(uint64_t number)
{
  return number < sizeof cc_list / sizeof *cc_list ? cc_list[number] : NULL;
}

unsigned cc_number(const struct cc_verbs *verbs)
{
  unsigned i = 0;
  while (cc_list[i] != verbs)
    i++;
  return i;
}

void cc_wake(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  work->pacing_bytes_per_s = 0;
  memset(work->room, 0, cc->verbs->room_bytes);
  if (cc->verbs->wake) cc->verbs->wake(cc, work, now_ns);
}
