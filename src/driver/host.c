// SPDX-License-Identifier: BSD-2-Clause
// host.c - the host's side of a link: interfaces, addresses, routes, by rtnetlink.
#include "device.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(struct estab_device_error *error, const char *call, int why)
{
  const char *remedy = "";
  if (why == EPERM || why == EACCES)
    remedy = "this needs CAP_NET_ADMIN: run as root, or inside `unshare -Urn`";
  else if (why == EEXIST)
    remedy = "remove what is there already, or choose another name or address";
  else if (why == ENODEV || why == ENXIO)
    remedy = "give the name of an interface that exists (ip link shows them)";
  else if (why == EOPNOTSUPP)
    remedy = "load the kernel module (modprobe veth)";
  return device_fail(error, why == EEXIST ? ESTAB_ERR_EXISTS : ESTAB_ERR_UNSUPPORTED, call, why,
                     remedy);
}

static int ask(struct netlink_request *r, const char *call, struct estab_device_error *error)
{
  int why = netlink_ask(r);
  return why ? fail(error, call, why) : 0;
}

static void put_string(struct netlink_request *r, unsigned short type, const char *text)
{
  netlink_put(r, type, text, strlen(text) + 1);
}

// An address in its own family's length: 4 or 16 bytes.
static void put_ip(struct netlink_request *r, unsigned short type, const struct estab_ip *ip)
{
  if (estab_ip_is4(ip))
    netlink_put(r, type, ip->bytes + 12, 4);
  else
    netlink_put(r, type, ip->bytes, 16);
}

int estab_host_veth(const char *name, const char *end, uint16_t mtu,
                    struct estab_device_error *error)
{
  struct netlink_request r;
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
  unsigned mtu_bytes = mtu ? mtu : 1500;
  const unsigned char no_addresses = IN6_ADDR_GEN_MODE_NONE;
  netlink_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
  put_string(&r, IFLA_IFNAME, name);
  netlink_put(&r, IFLA_MTU, &mtu_bytes, sizeof mtu_bytes);
  size_t info = netlink_open(&r, IFLA_LINKINFO);
  put_string(&r, IFLA_INFO_KIND, "veth");
  size_t data = netlink_open(&r, IFLA_INFO_DATA);
  size_t peer = netlink_open(&r, VETH_INFO_PEER);
  // Behind the attribute's header stands a struct ifinfomsg of its own.
  memset(r.body + NLMSG_ALIGN(r.header.nlmsg_len) - NLMSG_LENGTH(0), 0, sizeof link);
  r.header.nlmsg_len += (unsigned)sizeof link;
  put_string(&r, IFLA_IFNAME, end);
  netlink_put(&r, IFLA_MTU, &mtu_bytes, sizeof mtu_bytes);
  netlink_shut(&r, peer);
  netlink_shut(&r, data);
  netlink_shut(&r, info);
  int why = ask(&r, "make a veth pair", error);
  if (why < 0) return why;

  link.ifi_index = (int)if_nametoindex(end);
  netlink_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
  size_t spec = netlink_open(&r, IFLA_AF_SPEC);
  size_t inet6 = netlink_open(&r, AF_INET6);
  netlink_put(&r, IFLA_INET6_ADDR_GEN_MODE, &no_addresses, sizeof no_addresses);
  netlink_shut(&r, inet6);
  netlink_shut(&r, spec);
  netlink_ask(&r); // a kernel without IPv6 has none to give
  return 0;
}

int estab_host_remove(const char *name, struct estab_device_error *error)
{
  struct netlink_request r;
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
  if (link.ifi_index == 0) return fail(error, "remove the interface", ENODEV);
  netlink_begin(&r, RTM_DELLINK, 0, &link, sizeof link);
  return ask(&r, "remove the interface", error);
}

int estab_host_up(const char *name, bool up, struct estab_device_error *error)
{
  struct netlink_request r;
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
                           .ifi_index = (int)if_nametoindex(name),
                           .ifi_flags = up ? IFF_UP : 0,
                           .ifi_change = IFF_UP};
  if (link.ifi_index == 0) return fail(error, "set the interface up", ENODEV);
  netlink_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
  return ask(&r, "set the interface up", error);
}

int estab_host_mtu(const char *name, uint16_t mtu, struct estab_device_error *error)
{
  struct netlink_request r;
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
  unsigned mtu_bytes = mtu;
  if (link.ifi_index == 0) return fail(error, "set the interface's MTU", ENODEV);
  netlink_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
  netlink_put(&r, IFLA_MTU, &mtu_bytes, sizeof mtu_bytes);
  return ask(&r, "set the interface's MTU", error);
}

int estab_host_address(const char *name, const struct estab_ip *ip, unsigned prefix_bits,
                       struct estab_device_error *error)
{
  struct netlink_request r;
  bool v4 = estab_ip_is4(ip);
  struct ifaddrmsg address = {.ifa_family = v4 ? AF_INET : AF_INET6,
                              .ifa_prefixlen = (unsigned char)prefix_bits,
                              .ifa_flags = v4 ? 0 : IFA_F_NODAD, // there is nobody else to ask
                              .ifa_index = if_nametoindex(name)};
  if (address.ifa_index == 0) return fail(error, "add an address", ENODEV);
  netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &address, sizeof address);
  put_ip(&r, IFA_LOCAL, ip);
  put_ip(&r, IFA_ADDRESS, ip);
  return ask(&r, "add an address", error);
}

int estab_host_route(const char *name, const struct estab_ip *prefix, unsigned prefix_bits,
                     const struct estab_ip *gateway, struct estab_device_error *error)
{
  struct netlink_request r;
  struct rtmsg route = {.rtm_family = estab_ip_is4(prefix) ? AF_INET : AF_INET6,
                        .rtm_dst_len = (unsigned char)prefix_bits,
                        .rtm_table = RT_TABLE_MAIN,
                        .rtm_protocol = RTPROT_STATIC,
                        .rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                        .rtm_type = RTN_UNICAST};
  unsigned index = if_nametoindex(name);
  if (index == 0) return fail(error, "add a route", ENODEV);
  netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
  put_ip(&r, RTA_DST, prefix);
  netlink_put(&r, RTA_OIF, &index, sizeof index);
  if (gateway) put_ip(&r, RTA_GATEWAY, gateway);
  return ask(&r, "add a route", error);
}

int estab_host_sysctl(const char *path, const char *value, struct estab_device_error *error)
{
  char file[256];
  snprintf(file, sizeof file, "/proc/sys/%s", path);
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, "open below /proc/sys", errno);
  ssize_t n = write(fd, value, strlen(value));
  int why = errno;
  close(fd);
  return n < 0 ? fail(error, "write below /proc/sys", why) : 0;
}
