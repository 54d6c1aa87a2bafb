// SPDX-License-Identifier: BSD-2-Clause
// tun.c - TUN devices of the bench.

#include "tun.h"

#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

int tun_open(const char *name, bool gso)
{
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (fd < 0) err(1, "/dev/net/tun");
  if (gso) request.ifr_flags |= IFF_VNET_HDR;
  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) err(1, "making the TUN device %s", name);
  if (gso && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
    err(1, "switching on offloads of %s", name);
  return fd;
}
