// SPDX-License-Identifier: BSD-2-Clause
// filter.h - pcap-filter(7): one program for each link type that turns up.
#ifndef ESTAB_TOOL_WATCH_FILTER_H
#define ESTAB_TOOL_WATCH_FILTER_H

#include "estab/capture.h"

struct filter;

// NULL and *why: the expression makes no sense.
struct filter *filter_open(const char *expression, char why[256]);
void filter_close(struct filter *filter);
// 1 or 0. A link type for which the expression means nothing takes no packet: -1 at its first one, and
// filter_why() says why.
int filter_takes(struct filter *filter, const struct estab_capture_packet *packet);
void filter_why(struct filter *filter, uint32_t linktype, char *out, size_t room);

#endif
