// SPDX-License-Identifier: BSD-2-Clause
// ignore.h - alerts that nobody wants to see: 'src=192.0.2.0/24 dst=… port=22,80-90 kind=syn_scan'.
#ifndef ESTAB_TOOL_WATCH_IGNORE_H
#define ESTAB_TOOL_WATCH_IGNORE_H

#include "estab/watch.h"

#define IGNORE_PORTS 16

// What is not given matches everything; all that is given must match.
struct ignore {
  bool has_src, has_dst;
  struct estab_watch_prefix src, dst;
  struct {
    uint16_t first, last;
  } ports[IGNORE_PORTS];
  unsigned port_count;
  int kind; // enum estab_watch_kind, -1 = any
};

// NULL, or what is wrong with the text.
const char *ignore_read(const char *text, struct ignore *ignore);
// Every source, every victim and every port of the alert lies within.
bool ignore_matches(const struct ignore *ignore, const struct estab_watch_alert *a);

// "192.0.2.0/24", "::1"; NULL, or what is wrong.
const char *prefix_read(const char *text, struct estab_watch_prefix *prefix);
bool prefix_holds(const struct estab_watch_prefix *prefix, const struct estab_ip *ip);

#endif
