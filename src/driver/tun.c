// SPDX-License-Identifier: BSD-2-Clause
// tun.c - opens TUN and TAP interfaces.
#include "fd_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void estab_tun_settings_default(struct estab_tun_settings *settings)
{
  *settings = (struct estab_tun_settings){.struct_bytes = sizeof *settings, .gso = true};
}

static int fail_open(struct estab_device_error *error)
{
  const char *remedy = "run as root, or use --device packet:INTERFACE";
  if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
    remedy = "load the kernel module (modprobe tun), or use --device packet:INTERFACE";
  return device_fail(error, ESTAB_ERR_UNSUPPORTED, "open /dev/net/tun", errno, remedy);
}

static int fail_set(struct estab_device_error *error)
{
  const char *remedy = "";
  if (errno == EPERM)
    remedy = "making an interface needs CAP_NET_ADMIN: run as root, or inside `unshare -Urn`";
  else if (errno == EBUSY)
    remedy = "another program has this interface open: choose another name";
  else if (errno == EINVAL)
    remedy = "the name is taken by an interface of another kind, or has characters it may not have";
  else if (errno == ENOTTY)
    remedy = "/dev/net/tun is something else: mknod /dev/net/tun c 10 200";
  return device_fail(error, errno == EBUSY ? ESTAB_ERR_EXISTS : ESTAB_ERR_UNSUPPORTED,
                     "ioctl TUNSETIFF", errno, remedy);
}

// The interface's MTU; a wanted one is set, which may need privileges.
static int settle_mtu(const char *name, uint16_t wanted, uint16_t *mtu,
                      struct estab_device_error *error)
{
  struct ifreq ifr;
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return device_fail(error, ESTAB_ERR_UNSUPPORTED, "socket", errno, "");
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
  int r = ioctl(s, SIOCGIFMTU, &ifr);
  if (r == 0 && wanted != 0 && ifr.ifr_mtu != wanted) {
    ifr.ifr_mtu = wanted;
    r = ioctl(s, SIOCSIFMTU, &ifr);
  }
  int why = errno, found = ifr.ifr_mtu;
  // What the kernel queues towards us before it drops; a window of a megabyte is 700 packets. Best effort.
  ifr.ifr_qlen = 4000;
  ioctl(s, SIOCSIFTXQLEN, &ifr);
  close(s);
  if (r < 0)
    return device_fail(error, ESTAB_ERR_INVALID, "setting the interface's MTU", why,
                       "give an MTU that the interface can have, or leave it as it is");
  *mtu = (uint16_t)(found > 65535 ? 65535 : found);
  return 0;
}

static int open_fd(const struct estab_tun_settings *settings, short kind, struct ifreq *ifr,
                   int *out, struct estab_device_error *error)
{
  const char *name = settings->name ? settings->name : "";
  if (strlen(name) >= IFNAMSIZ)
    return device_fail(error, ESTAB_ERR_INVALID, "interface name too long", 0,
                       "use at most 15 characters");
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fail_open(error);
  memset(ifr, 0, sizeof *ifr);
  memcpy(ifr->ifr_name, name, strlen(name));
  ifr->ifr_flags = (short)(kind | IFF_NO_PI | (settings->gso ? IFF_VNET_HDR : 0));
  if (ioctl(fd, TUNSETIFF, ifr) < 0) {
    int r = fail_set(error);
    close(fd);
    return r;
  }
  unsigned offloads = settings->gso ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
  if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads) < 0) {
    int r = device_fail(error, ESTAB_ERR_UNSUPPORTED, "ioctl TUNSETOFFLOAD", errno,
                        "open it without offloads");
    close(fd);
    return r;
  }
  *out = fd;
  return 0;
}

static int open_kind(const struct estab_tun_settings *settings, bool tap, struct estab_device *out,
                     struct estab_device_error *error)
{
  struct ifreq ifr;
  int fd = -1;
  uint16_t mtu = 0;
  memset(out, 0, sizeof *out);
  out->fd = -1;
  int r = open_fd(settings, tap ? IFF_TAP : IFF_TUN, &ifr, &fd, error);
  if (r < 0) return r;
  r = settle_mtu(ifr.ifr_name, settings->mtu, &mtu, error);
  if (r < 0) {
    close(fd);
    return r;
  }
  r = fd_device_make(fd, tap ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW, settings->gso, settings->gso,
                     out, error);
  if (r < 0) return r;
  out->netif.mtu = mtu;
  if (tap) device_mac(out->netif.mac, settings->mac);
  snprintf(out->name, sizeof out->name, "%s:%.15s", tap ? "tap" : "tun", ifr.ifr_name);
  return 0;
}

int estab_device_open_tun(const struct estab_tun_settings *settings, struct estab_device *out,
                          struct estab_device_error *error)
{
  return open_kind(settings, false, out, error);
}

int estab_device_open_tap(const struct estab_tun_settings *settings, struct estab_device *out,
                          struct estab_device_error *error)
{
  return open_kind(settings, true, out, error);
}
