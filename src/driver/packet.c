// SPDX-License-Identifier: BSD-2-Clause
// packet.c - opens AF_PACKET on an Ethernet interface.
//
// PACKET_VNET_HDR is always on: a veth hands over frames whose checksum nobody has computed yet and
// super-segments that nobody has cut, and only this header says so.
#include "fd_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void estab_packet_settings_default(struct estab_packet_settings *settings)
{
  *settings = (struct estab_packet_settings){.struct_bytes = sizeof *settings, .gso = true};
}

static int fail_close(int fd, struct estab_device_error *error, const char *call,
                      const char *remedy)
{
  int r = device_fail(error, ESTAB_ERR_UNSUPPORTED, call, errno, remedy);
  close(fd);
  return r;
}

// Answers the interface's index and MTU, or an error with fd closed.
static int find(int fd, const char *name, uint16_t *mtu, struct estab_device_error *error)
{
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
  if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
    return fail_close(fd, error, "ioctl SIOCGIFHWADDR",
                      "give the name of an interface that exists (ip link shows them)");
  if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    close(fd);
    return device_fail(error, ESTAB_ERR_UNSUPPORTED, "the interface is not Ethernet", 0,
                       "for a TUN interface use --device tun:NAME");
  }
  if (ioctl(fd, SIOCGIFMTU, &ifr) < 0) return fail_close(fd, error, "ioctl SIOCGIFMTU", "");
  *mtu = (uint16_t)(ifr.ifr_mtu > 65535 ? 65535 : ifr.ifr_mtu);
  if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0) return fail_close(fd, error, "ioctl SIOCGIFINDEX", "");
  return ifr.ifr_ifindex;
}

// Super-segments fill the system's default quickly. Best effort: more than the limit needs privileges.
static void grow_queue(int fd)
{
  const int bytes = 4 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static int set_up(int fd, int index, struct estab_device_error *error)
{
  const int on = 1;
  struct packet_mreq promiscuous = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0)
    return fail_close(fd, error, "setsockopt PACKET_VNET_HDR", "");
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0)
    return fail_close(fd, error, "setsockopt PACKET_IGNORE_OUTGOING", "this needs Linux 4.20");
  // The stack's hardware address is not the interface's, so frames to it must be asked for.
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0)
    return fail_close(fd, error, "setsockopt PACKET_ADD_MEMBERSHIP", "");
  grow_queue(fd);
  // Bound last, so that nothing arrives before all this holds.
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return fail_close(fd, error, "bind AF_PACKET", "is the interface up?");
  return 0;
}

int estab_device_open_packet(const struct estab_packet_settings *settings, struct estab_device *out,
                             struct estab_device_error *error)
{
  uint16_t mtu = 0;
  memset(out, 0, sizeof *out);
  out->fd = -1;
  if (!settings->name || settings->name[0] == 0 || strlen(settings->name) >= IFNAMSIZ)
    return device_fail(error, ESTAB_ERR_INVALID, "no such interface name", 0,
                       "give the name of an interface (ip link shows them)");
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return device_fail(error, ESTAB_ERR_UNSUPPORTED, "socket AF_PACKET", errno,
                       "run as root, with CAP_NET_RAW, or inside `unshare -Urn`");
  int index = find(fd, settings->name, &mtu, error);
  if (index < 0) return index;
  int r = set_up(fd, index, error);
  if (r < 0) return r;
  r = fd_device_make(fd, ESTAB_LINK_ETHERNET, true, settings->gso, out, error);
  if (r < 0) return r;
  out->netif.mtu = mtu;
  device_mac(out->netif.mac, settings->mac);
  snprintf(out->name, sizeof out->name, "packet:%s", settings->name);
  return 0;
}
