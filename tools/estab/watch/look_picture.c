// SPDX-License-Identifier: BSD-2-Clause
// look_picture.c - the time-sequence graph of a captured connection.
#include "look.h"
int look_picture(const struct look *l, const char *path, const char **why)
{
  (void)l;
  (void)path;
  *why = "later";
  return -1;
}
