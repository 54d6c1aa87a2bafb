// SPDX-License-Identifier: BSD-2-Clause
// pending.c - stands in until the link and udp rooms land; goes then.
#include "link/link.h"
#include "udp/udp.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
__attribute__((weak)) void link_init(struct link *l, struct mem *m, const uint64_t k[2])
{
  (void)l;
  (void)m;
  (void)k;
}
__attribute__((weak)) void link_destroy(struct link *l)
{
  (void)l;
}
__attribute__((weak)) void link_trim(struct link *l)
{
  (void)l;
}
__attribute__((weak)) int link_netif_add(struct link *l, uint32_t n, const uint8_t m[6])
{
  (void)l;
  (void)n;
  (void)m;
  return 0;
}
__attribute__((weak)) void link_netif_down(struct link *l, uint32_t n)
{
  (void)l;
  (void)n;
}
__attribute__((weak)) int link_eth_accept(const struct link *l, uint32_t n,
                                          const struct estab_eth_header *e)
{
  (void)l;
  (void)n;
  (void)e;
  return 0;
}
__attribute__((weak)) void link_resolve_slow(struct link *l, struct path *p, uint64_t n)
{
  (void)l;
  (void)p;
  (void)n;
}
__attribute__((weak)) int link_send(struct link *l, uint32_t n, const struct estab_ip *a,
                                    const struct estab_ip *b, const uint8_t *c, size_t d,
                                    uint64_t e, uint8_t h[14])
{
  return 0;
}
__attribute__((weak)) size_t link_output(struct link *l, uint64_t n, uint8_t *o, uint32_t *f)
{
  return 0;
}
__attribute__((weak)) bool link_output_pending(const struct link *l, uint64_t n)
{
  return false;
}
__attribute__((weak)) struct path *link_woken(struct link *l)
{
  return NULL;
}
__attribute__((weak)) int link_arp_input(struct link *l, uint32_t netif,
                                         const struct estab_arp *arp, bool t, uint64_t now_ns,
                                         uint8_t reply[128], size_t *r)
{
  return 0;
}
__attribute__((weak)) int link_nd_input(struct link *l, uint32_t netif, const struct estab_ip *src,
                                        const struct estab_ip *dst, const struct estab_nd *nd,
                                        bool t, uint64_t now_ns, uint8_t reply[128], size_t *rb)
{
  return 0;
}
__attribute__((weak)) uint64_t link_deadline(const struct link *l)
{
  return UINT64_MAX;
}
__attribute__((weak)) void link_handle_deadline(struct link *l, uint64_t n)
{
}
__attribute__((weak)) void udp_init(struct udp *u, struct mem *m, struct rng *r,
                                    const uint64_t k[2])
{
}
__attribute__((weak)) void udp_destroy(struct udp *u)
{
}
__attribute__((weak)) void udp_trim(struct udp *u)
{
}
__attribute__((weak)) int udp_open(struct udp *u, const struct estab_udp_settings *s, estab_udp *o)
{
  return -1;
}
__attribute__((weak)) int udp_close(struct udp *u, estab_udp h)
{
  return -1;
}
__attribute__((weak)) struct udp_endpoint *udp_find(struct udp *u, estab_udp h)
{
  return NULL;
}
__attribute__((weak)) int udp_emit(const struct estab_ip *src, const struct estab_ip *dst,
                                   uint16_t sp, uint16_t dp, const void *p, size_t pb, uint8_t *out,
                                   size_t room)
{
  return -1;
}
__attribute__((weak)) int udp_input(struct udp *u, uint32_t netif, const struct estab_ip *src,
                                    const struct estab_ip *dst, const uint8_t *bytes, size_t have,
                                    bool c)
{
  return -ESTAB_DROP_UDP_NO_ENDPOINT;
}
__attribute__((weak)) int udp_report(struct udp *u, uint32_t netif, const struct estab_tuple *tuple,
                                     int error)
{
  return 0;
}
__attribute__((weak)) int udp_recv(struct udp *u, estab_udp handle, struct estab_datagram *from,
                                   void *bytes, size_t room)
{
  return -1;
}
__attribute__((weak)) estab_udp udp_ready(struct udp *u)
{
  return 0;
}
