// SPDX-License-Identifier: BSD-2-Clause
// quiet.h - life as it is: scenarios that must raise no alert, in lives of one line each (scan_kit.h).
#ifndef ESTAB_SUPPORT_QUIET_H
#define ESTAB_SUPPORT_QUIET_H

struct quiet {
  // Told of each life, in the order of time: seconds, SRC:PORT, DST:PORT, first segment, fate.
  void (*life)(struct quiet *q, double at, const char *src, const char *dst, const char *flags,
               const char *fate);
  void *ctx;
  unsigned random; // seed
  unsigned lives;  // told so far
};

struct quiet_scenario {
  const char *name;
  void (*play)(struct quiet *q);
};

extern const struct quiet_scenario quiet_scenarios[];
extern const unsigned quiet_scenario_count;

unsigned quiet_random(struct quiet *q, unsigned below);

#endif
