// SPDX-License-Identifier: BSD-2-Clause
// port_host.c - the addresses of both ends, the host's side, and the stack's routes.
#include "port_host.h"

#include "say.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

// Chosen when nothing is given: the documentation's own networks (RFC 5737, RFC 3849), which nobody uses.
static const char *const chosen_address[] = {"192.0.2.2/24", "2001:db8::2/64"};
static const char *const chosen_host[] = {"192.0.2.1/24", "2001:db8::1/64"};

static int read_prefixes(const char *command, const char *name, const struct option_list *list,
                         struct option_prefix *out, unsigned *count)
{
  for (unsigned i = 0; i < list->count; i++) {
    struct option o = {.kind = OPTION_PREFIX, .value = &out[*count]};
    const char *why =
        *count < PORT_ADDRESSES ? option_read(&o, list->values[i]) : "is one too many";
    if (why) return say_usage(command, "--%s %s: %s", name, list->values[i], why);
    ++*count;
  }
  return 0;
}

static void choose(const char *const texts[2], struct option_prefix *out, unsigned *count)
{
  for (unsigned i = 0; i < 2; i++) {
    struct option o = {.kind = OPTION_PREFIX, .value = &out[(*count)++]};
    option_read(&o, texts[i]);
  }
}

// The neighbour of our address: the lowest one in its network that is not ours.
static struct option_prefix neighbour(const struct option_prefix *ours)
{
  struct option_prefix n = *ours;
  unsigned bits = estab_ip_is4(&ours->ip) ? 96 + ours->bits : ours->bits;
  for (unsigned i = bits; i < 128; i++)
    n.ip.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
  n.ip.bytes[15] |= 1;
  if (estab_ip_equal(&n.ip, &ours->ip)) n.ip.bytes[15] ^= 3;
  return n;
}

int port_read_addresses(const char *command, struct port *port)
{
  const struct port_options *o = &port->options;
  int status =
      read_prefixes(command, "address", &o->addresses, port->address, &port->address_count);
  if (!status) status = read_prefixes(command, "host", &o->hosts, port->host, &port->host_count);
  if (status) return status;
  bool packet = strncmp(o->device, "packet", 6) == 0;
  if (port->address_count == 0 && packet)
    return say_usage(command, "--device %s needs an --address of its network", o->device);
  if (port->address_count == 0) {
    choose(chosen_address, port->address, &port->address_count);
    if (port->host_count == 0) choose(chosen_host, port->host, &port->host_count);
  }
  if (port->host_count == 0 && !packet)
    while (port->host_count < port->address_count) {
      port->host[port->host_count] = neighbour(&port->address[port->host_count]);
      port->host_count++;
    }
  return 0;
}

// Whether the interface has been given addresses already (the kernel's own link-local one apart).
static bool has_addresses(const char *name)
{
  struct ifaddrs *list;
  bool found = false;
  if (getifaddrs(&list) < 0) return false;
  for (const struct ifaddrs *a = list; a; a = a->ifa_next)
    if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && strcmp(a->ifa_name, name) == 0)
      found = true;
  freeifaddrs(list);
  return found;
}

int port_set_up_host(const char *command, struct port *port)
{
  struct estab_device_error error;
  const char *name = port->made[0] ? port->made : strchr(port->dev.name, ':') + 1;
  bool ours = port->made[0] || strncmp(port->dev.name, "packet", 6) != 0;
  if (!ours || (port->options.hosts.count == 0 && has_addresses(name))) return 0;
  for (unsigned i = 0; i < port->host_count; i++) {
    const struct option_prefix *h = &port->host[i];
    int r = estab_host_address(name, &h->ip, h->bits, &error);
    // Chosen IPv6 addresses are an offer: a host without IPv6 has no use for them.
    if (r < 0 && r != ESTAB_ERR_EXISTS && (estab_ip_is4(&h->ip) || port->options.addresses.count))
      return say_device(command, name, &error);
  }
  if (estab_host_up(name, true, &error) < 0) return say_device(command, name, &error);
  return 0;
}

const struct estab_ip *port_address(const struct port *port, int family)
{
  for (unsigned i = 0; i < port->address_count; i++)
    if (family == 0 || estab_ip_is4(&port->address[i].ip) == (family == 4))
      return &port->address[i].ip;
  return NULL;
}

const struct estab_ip *port_host(const struct port *port, int family)
{
  for (unsigned i = 0; i < port->host_count; i++)
    if (family == 0 || estab_ip_is4(&port->host[i].ip) == (family == 4)) return &port->host[i].ip;
  return NULL;
}

static int add_route(const char *command, estab_stack *s, uint32_t netif, const char *text)
{
  char prefix_text[80];
  const char *equals = strchr(text, '=');
  struct option_prefix prefix;
  struct estab_ip gateway;
  struct option as_prefix = {.kind = OPTION_PREFIX, .value = &prefix};
  size_t n = equals ? (size_t)(equals - text) : strlen(text);
  if (n >= sizeof prefix_text) return say_usage(command, "--route %s: is not a route", text);
  memcpy(prefix_text, text, n);
  prefix_text[n] = 0;
  const char *why = option_read(&as_prefix, prefix_text);
  if (why || (equals && estab_ip_parse(equals + 1, &gateway) < 0))
    return say_usage(command, "--route %s: %s", text,
                     why ? why : "has a router that is no address");
  int r = estab_route_add(s, netif, &prefix.ip, prefix.bits, equals ? &gateway : NULL);
  if (r < 0) return say_failure(command, NULL, "--route %s: %s", text, estab_strerror(r));
  return 0;
}

// Everything else goes through the host, or the router that was named.
static int add_defaults(const char *command, const struct port *port, estab_stack *s,
                        uint32_t netif)
{
  static const struct estab_ip any6;
  const struct estab_ip any4 = estab_ip4(0, 0, 0, 0);
  bool raw = port->dev.netif.link == ESTAB_LINK_RAW;
  for (int family = 4; family <= 6; family += 2) {
    const struct estab_ip *gateway = port_host(port, family);
    if (!port_address(port, family)) continue;
    if (!estab_ip_is_any(&port->options.gateway) &&
        estab_ip_is4(&port->options.gateway) == (family == 4))
      gateway = &port->options.gateway;
    if (!gateway && !raw) continue;
    int r = estab_route_add(s, netif, family == 4 ? &any4 : &any6, 0, raw ? NULL : gateway);
    if (r < 0) return say_failure(command, NULL, "default route: %s", estab_strerror(r));
  }
  return 0;
}

int port_start(const char *command, struct port *port, estab_stack *s)
{
  int netif = estab_device_attach(&port->dev, s);
  if (netif < 0) {
    const char *why = netif == ESTAB_ERR_INVALID ? "an MTU too small" : estab_strerror(netif);
    return say_failure(command, "give a larger --mtu", "%s: %s", port->dev.name, why);
  }
  for (unsigned i = 0; i < port->address_count; i++) {
    const struct option_prefix *a = &port->address[i];
    int r = estab_address_add(s, (uint32_t)netif, &a->ip, a->bits);
    // IPv6 does not go below an MTU of 1280 (RFC 8200 5): only an address that was asked for is missed.
    if (r < 0 && (estab_ip_is4(&a->ip) || port->options.addresses.count)) {
      char text[ESTAB_IP_TEXT_BYTES];
      estab_ip_format(&a->ip, text, sizeof text);
      return say_failure(command, NULL, "address %s: %s", text, estab_strerror(r));
    }
  }
  for (unsigned i = 0; i < port->options.routes.count; i++) {
    int status = add_route(command, s, (uint32_t)netif, port->options.routes.values[i]);
    if (status) return status;
  }
  return add_defaults(command, port, s, (uint32_t)netif);
}
