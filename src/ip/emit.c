// SPDX-License-Identifier: BSD-2-Clause
// emit.c - IP headers in front of a payload that the caller writes. Called once a packet.
#include <string.h>

#include "base/bytes.h"
#include "ip/ip_internal.h"

size_t ip_emit_to(const struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                  uint8_t protocol, size_t payload_bytes, uint8_t traffic_class, uint8_t hop_limit,
                  uint32_t flow, uint8_t *out)
{
  if (ip_is_mapped(remote))
    return ip4_header_put(local, remote,
                          estab_checksum_fold(estab_checksum_pseudo(local, remote, 0, 0)), protocol,
                          payload_bytes, traffic_class, hop_limit, true, out);
  return ip6_header_put(local, remote, protocol, payload_bytes, traffic_class, hop_limit,
                        ip_label_mix(ip_flow_label(ip, local, remote), flow), out);
}
