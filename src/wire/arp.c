// SPDX-License-Identifier: BSD-2-Clause
// arp.c - ARP requests and replies of Ethernet and IPv4, RFC 826.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/ip.h"

#include <string.h>

#define ARP_HARDWARE_ETHERNET 1

int estab_arp_parse(const uint8_t *bytes, size_t have, struct estab_arp *out)
{
  if (have < ESTAB_ARP_BYTES) return -ESTAB_DROP_ARP_BAD;
  const uint16_t operation = get_be16(bytes + 6);
  if (get_be16(bytes) != ARP_HARDWARE_ETHERNET || get_be16(bytes + 2) != ESTAB_ETH_IP4 ||
      bytes[4] != 6 || bytes[5] != 4)
    return -ESTAB_DROP_ARP_BAD;
  if (operation != ESTAB_ARP_REQUEST && operation != ESTAB_ARP_REPLY) return -ESTAB_DROP_ARP_BAD;
  out->operation = operation;
  memcpy(out->sender_mac, bytes + 8, 6);
  ip_read4(&out->sender_ip, bytes + 14);
  memcpy(out->target_mac, bytes + 18, 6);
  ip_read4(&out->target_ip, bytes + 24);
  return ESTAB_ARP_BYTES;
}

size_t estab_arp_emit(const struct estab_arp *h, uint8_t *out)
{
  put_be16(out, ARP_HARDWARE_ETHERNET);
  put_be16(out + 2, ESTAB_ETH_IP4);
  out[4] = 6;
  out[5] = 4;
  put_be16(out + 6, h->operation);
  memcpy(out + 8, h->sender_mac, 6);
  memcpy(out + 14, h->sender_ip.bytes + 12, 4);
  memcpy(out + 18, h->target_mac, 6);
  memcpy(out + 24, h->target_ip.bytes + 12, 4);
  return ESTAB_ARP_BYTES;
}
