// SPDX-License-Identifier: BSD-2-Clause
// fast_open.c - the user's calls on cookies: those that servers gave us, and those that our listeners give.
#include "stack/stack.h"
#include <string.h>

int estab_fast_open_room(estab_stack *s, const struct estab_connect_settings *settings)
{
  if (settings->struct_bytes < sizeof *settings) return ESTAB_ERR_INVALID;
  struct ip_route_result route;
  int r = ip_route(&s->ip, &settings->local, &settings->remote, settings->netif, &route);
  if (r < 0) return r;
  const struct cookie *k = cookies_find(&s->tcp.cookies, &route.local, &settings->remote);
  return (int)fastopen_room(&s->tcp, k, settings->remote_port, route.mtu,
                            ip_is_mapped(&settings->remote), s->now_ns);
}

int estab_fast_open_get(estab_stack *s, struct estab_fast_open_cookie *cookie)
{
  if (cookie->struct_bytes < sizeof *cookie) return ESTAB_ERR_INVALID;
  const struct cookie *k = cookies_find(&s->tcp.cookies, &cookie->local, &cookie->remote);
  if (!k || k->bytes_count == 0) return 0;
  memcpy(cookie->bytes, k->bytes, sizeof cookie->bytes);
  cookie->count = k->bytes_count;
  cookie->peer_mss = k->peer_mss;
  return 1;
}

int estab_fast_open_put(estab_stack *s, const struct estab_fast_open_cookie *cookie)
{
  if (cookie->struct_bytes < sizeof *cookie) return ESTAB_ERR_INVALID;
  if (cookie->count == 0) {
    struct cookie *known = cookies_find(&s->tcp.cookies, &cookie->local, &cookie->remote);
    if (known) known->live = false;
    return ESTAB_OK;
  }
  if (cookie->count < 4 || cookie->count > sizeof cookie->bytes || cookie->count % 2 != 0)
    return ESTAB_ERR_INVALID;
  struct cookie *k =
      cookies_place(&s->tcp.cookies, &s->mem, &cookie->local, &cookie->remote, s->now_ns);
  if (!k) return ESTAB_ERR_NO_MEMORY;
  memcpy(k->bytes, cookie->bytes, sizeof k->bytes);
  k->bytes_count = cookie->count;
  k->peer_mss = cookie->peer_mss;
  memset(k->ports, 0, sizeof k->ports);
  return ESTAB_OK;
}

void estab_fast_open_set_key(estab_stack *s, const uint8_t key[16])
{
  cookies_set_key(&s->tcp.cookies, key);
}

void estab_fast_open_cookie(estab_stack *s, const struct estab_ip *local,
                            const struct estab_ip *client, uint8_t cookie[8])
{
  cookies_make(&s->tcp.cookies, local, client, s->now_ns, cookie);
}
