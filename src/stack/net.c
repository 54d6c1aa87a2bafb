// SPDX-License-Identifier: BSD-2-Clause
// net.c - the user's calls on network interfaces, addresses, routes and UDP endpoints.
#include "base/bytes.h"
#include "stack/stack.h"

void estab_netif_settings_default(struct estab_netif_settings *settings)
{
  *settings = (struct estab_netif_settings){.struct_bytes = sizeof *settings, .mtu = 1500};
}

int estab_netif_add(estab_stack *s, const struct estab_netif_settings *settings)
{
  if (settings->struct_bytes < sizeof *settings) return ESTAB_ERR_INVALID;
  if (settings->gso_max_bytes && !settings->checksum_offload)
    return ESTAB_ERR_INVALID; // a cut segment needs a new sum
  int number = ip_netif_add(&s->ip, settings);
  if (number < 0 || settings->link != ESTAB_LINK_ETHERNET) return number;
  int r = link_netif_add(&s->link, (uint32_t)number, settings->mac);
  if (r < 0) ip_netif_take_back(&s->ip);
  return r < 0 ? r : number;
}

int estab_netif_set_up(estab_stack *s, uint32_t netif, bool up)
{
  int r = ip_netif_set_up(&s->ip, netif, up);
  if (r < 0) return r;
  if (!up) {
    link_netif_down(&s->link, netif);
    stack_link_news(s);
  }
  stack_unpark(s);
  return r;
}

int estab_netif_set_mtu(estab_stack *s, uint32_t netif, uint16_t mtu)
{
  return ip_netif_set_mtu(&s->ip, netif, mtu);
}

int estab_address_add(estab_stack *s, uint32_t netif, const struct estab_ip *ip,
                      unsigned prefix_bits)
{
  return ip_address_add(&s->ip, netif, ip, prefix_bits);
}

int estab_address_remove(estab_stack *s, uint32_t netif, const struct estab_ip *ip)
{
  return ip_address_remove(&s->ip, netif, ip);
}

int estab_route_add(estab_stack *s, uint32_t netif, const struct estab_ip *prefix,
                    unsigned prefix_bits, const struct estab_ip *gateway)
{
  return ip_route_add(&s->ip, netif, prefix, prefix_bits, gateway);
}

// ---- UDP

void estab_udp_settings_default(struct estab_udp_settings *settings)
{
  *settings =
      (struct estab_udp_settings){.struct_bytes = sizeof *settings, .queue_bytes = UDP_QUEUE_BYTES};
}

int estab_udp_open(estab_stack *s, const struct estab_udp_settings *settings, estab_udp *out)
{
  if (settings->struct_bytes < sizeof *settings) return ESTAB_ERR_INVALID;
  if (!estab_ip_is_any(&settings->local) && !ip_is_local(&s->ip, settings->netif, &settings->local))
    return ESTAB_ERR_NOT_LOCAL;
  return udp_open(&s->udp, settings, out);
}

int estab_udp_send(estab_stack *s, estab_udp udp, const struct estab_datagram *to,
                   const void *bytes, size_t n)
{
  const struct udp_endpoint *e = udp_find(&s->udp, udp);
  if (!e) return ESTAB_ERR_NO_CONNECTION;
  if (to->remote_port == 0) return ESTAB_ERR_INVALID;
  struct ip_route_result route;
  const struct estab_ip *local = estab_ip_is_any(&to->local) ? &e->local : &to->local;
  struct estab_ip any = {{0}};
  if (estab_ip_is_any(local)) local = &any;
  int r = ip_route(&s->ip, local, &to->remote, e->netif, &route);
  if (r < 0) return r;
  uint16_t port = to->local_port ? to->local_port : e->local_port;
  size_t ip_bytes = ip_header_bytes(&to->remote);
  size_t bytes_all = ip_bytes + ESTAB_UDP_HEADER_BYTES + n;
  if (n > 65535 || bytes_all > 65535) return ESTAB_ERR_TOO_BIG;
  uint8_t *packet = mem_new_raw(&s->mem, bytes_all, ESTAB_MEM_UDP);
  if (!packet) return ESTAB_ERR_NO_MEMORY;
  r = udp_emit(&route.local, &to->remote, port, to->remote_port, bytes, n, packet + ip_bytes,
               bytes_all - ip_bytes);
  if (r > 0) {
    ip_emit_to(&s->ip, &route.local, &to->remote, ESTAB_PROTOCOL_UDP, (size_t)r, 0,
               s->settings.hop_limit, (uint32_t)port << 16 | to->remote_port, packet);
    r = reply_packet(s, &route, &to->remote, packet, bytes_all);
  }
  mem_free(&s->mem, packet, bytes_all, ESTAB_MEM_UDP);
  return r < 0 ? r : (int)n;
}

int estab_udp_recv(estab_stack *s, estab_udp udp, struct estab_datagram *from, void *bytes,
                   size_t n)
{
  return udp_recv(&s->udp, udp, from, bytes, n);
}

int estab_udp_close(estab_stack *s, estab_udp udp)
{
  return udp_close(&s->udp, udp);
}
