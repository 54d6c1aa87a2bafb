// SPDX-License-Identifier: BSD-2-Clause
// netlink.h - one rtnetlink request, built, sent and acknowledged.
#ifndef ESTAB_DRIVER_NETLINK_H
#define ESTAB_DRIVER_NETLINK_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>

struct netlink_request {
  struct nlmsghdr header;
  unsigned char body[1000];
  bool overflow;
};

// Starts a request: `fixed` is the family's struct (struct ifinfomsg and so on).
void netlink_begin(struct netlink_request *r, unsigned short type, unsigned short flags,
                   const void *fixed, size_t fixed_bytes);
void netlink_put(struct netlink_request *r, unsigned short type, const void *bytes, size_t n);
// Attributes put between the two are inside this one. The answer of _open goes to _shut.
size_t netlink_open(struct netlink_request *r, unsigned short type);
void netlink_shut(struct netlink_request *r, size_t at);
// 0, or the errno of what failed.
int netlink_ask(struct netlink_request *r);

#endif
