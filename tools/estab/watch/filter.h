// SPDX-License-Identifier: BSD-2-Clause
// filter.h - pcap-filter(7): one program for each link type that turns up.
#ifndef ESTAB_TOOL_WATCH_FILTER_H
#define ESTAB_TOOL_WATCH_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;

// NULL and *why: the expression makes no sense.
struct filter *filter_open(const char *expression, char why[256]);
void filter_close(struct filter *filter);
// A link type for which the expression means nothing takes no packet.
bool filter_takes(struct filter *filter, uint32_t linktype, const uint8_t *bytes,
                  size_t captured_bytes, size_t wire_bytes);

#endif
