// SPDX-License-Identifier: BSD-2-Clause
// cc_names.c - congestion controls by name.
#include "cc_names.h"

#include "estab/estab.h"

#include <string.h>

int cc_find(const char *name)
{
  static const char *const names[] = {
      [ESTAB_CC_NEWRENO] = "reno", [ESTAB_CC_CUBIC] = "cubic", [ESTAB_CC_BBR] = "bbr"};
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
    if (names[i] != NULL && strcmp(names[i], name) == 0) return i;
  return -1;
}
