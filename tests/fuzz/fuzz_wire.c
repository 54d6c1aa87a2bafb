// SPDX-License-Identifier: BSD-2-Clause
// fuzz_wire.c - any bytes through every parser, the formatter and back: nothing read too far, and
// what is written again is read as the same packet.

#include <estab/wire.h>
#include "wire/encap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
  if (!condition) abort();
}

static void check_text(const struct estab_packet *p)
{
  static const struct estab_format_options how = {.addresses = true, .seq_base = 1, .ack_base = 2};
  char text[ESTAB_PACKET_TEXT_BYTES];
  const size_t length = estab_packet_format(p, &how, text, sizeof text);
  must(length < sizeof text && strlen(text) == length);
}

// What one emission gives, the next gives again.
static void check_again(const struct estab_packet *p)
{
  static uint8_t first[70000], second[70000];
  struct estab_packet q;
  const int n = estab_packet_emit(p, first, sizeof first);
  if (n == ESTAB_ERR_TOO_BIG)
    must(p->payload_bytes > 65000); // options may take more room than before
  if (n == ESTAB_ERR_TOO_BIG) return;
  must(n > 0);
  const int at = estab_packet_parse(p->link, first, (size_t)n, false, &q);
  must(at >= 0 && q.kind == p->kind);
  if (p->kind != ESTAB_PACKET_ARP) {
    must(q.payload_bytes == p->payload_bytes && q.payload == first + at);
    must(memcmp(q.payload, p->payload, p->payload_bytes) == 0);
  }
  must(estab_packet_emit(&q, second, sizeof second) == n);
  must(memcmp(first, second, (size_t)n) == 0);
  check_text(&q);
}

static void check_frame(int link, const uint8_t *bytes, size_t size, bool checksum_known)
{
  struct estab_packet p;
  const int at = estab_packet_parse(link, bytes, size, checksum_known, &p);
  must(at > -ESTAB_DROPS && at <= (int)size);
  if (at == -ESTAB_DROP_TCP_CHECKSUM || at == -ESTAB_DROP_UDP_CHECKSUM ||
      at == -ESTAB_DROP_ICMP_CHECKSUM)
    check_text(&p);
  if (at < 0) return;
  must(p.kind == ESTAB_PACKET_ARP ||
       (p.payload == bytes + at && p.payload_bytes <= size - (size_t)at));
  check_text(&p);
  check_again(&p);
}

static void check_parts(const uint8_t *bytes, size_t size)
{
  struct estab_tcp_options options;
  struct estab_ip6_header ip6 = {.hop_limit = 255, .src = {{0xfe, 0x80}}};
  struct estab_ip4_header ip4;
  struct estab_quote quote;
  struct estab_nd nd;
  char text[200];
  uint8_t again[ESTAB_ND_MAX_BYTES];

  estab_tcp_options_parse(bytes, size, &options);
  estab_tcp_options_format(bytes, size, NULL, text, sizeof text);
  estab_tcp_options_emit(&options, again);
  if (size > 0) ip6.protocol = bytes[0];
  const int inner = estab_ip6_parse_reassembled(bytes, size, &ip6);
  must(inner > -ESTAB_DROPS && inner <= (int)size);
  must(estab_quote_parse(4, bytes, size, &quote) <= (int)size);
  must(estab_quote_parse(6, bytes, size, &quote) <= (int)size);
  must(estab_ip4_parse_cut(bytes, size, SIZE_MAX, &ip4) <= (int)size);
  if (estab_nd_parse(&ip6, bytes, size, &nd) > 0) {
    const size_t n = estab_nd_emit(&nd, again);
    must(n > 0 && n <= sizeof again);
    must(estab_nd_parse(&ip6, again, n, &nd) == (int)n);
  }
  must(estab_ip6_parse_cut(bytes, size, SIZE_MAX, &ip6) <= (int)size);
}

// Around packets: each answers a header within the bytes, or one of its own drops.
static void check_encap(const uint8_t *bytes, size_t size)
{
  struct vlan_tag vlan;
  struct mpls_stack mpls;
  struct pppoe_header pppoe;
  struct llc_header llc;
  struct sll_header sll;
  struct gre_header gre;
  struct vxlan_header vxlan;
  struct geneve_header geneve;
  struct gtpu_header gtpu;
  struct teredo_header teredo;
  const int answers[] = {
      vlan_parse(bytes, size, &vlan),     mpls_parse(bytes, size, &mpls),
      pppoe_parse(bytes, size, &pppoe),   llc_parse(bytes, size, &llc),
      sll_parse(bytes, size, &sll),       sll2_parse(bytes, size, &sll),
      gre_parse(bytes, size, &gre),       vxlan_parse(bytes, size, &vxlan),
      geneve_parse(bytes, size, &geneve), gtpu_parse(bytes, size, &gtpu),
      teredo_parse(bytes, size, &teredo),
  };
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
    must(answers[i] <= (int)size &&
         (answers[i] >= 0 || answers[i] == -ESTAB_DROP_ENCAP_SHORT ||
          answers[i] == -ESTAB_DROP_ENCAP_BAD || answers[i] == -ESTAB_DROP_ENCAP_VERSION));
}

// A random checksum is a wall that hides what lies behind it.
static void fill_ip4_checksum(uint8_t *bytes, size_t size)
{
  const size_t header_bytes = size > 0 ? (bytes[0] & 15U) * 4 : 0;
  if (header_bytes < ESTAB_IP4_HEADER_BYTES || header_bytes > size) return;
  bytes[10] = bytes[11] = 0;
  const uint16_t sum = estab_checksum_finish(estab_checksum_add(0, bytes, header_bytes));
  bytes[10] = (uint8_t)(sum >> 8);
  bytes[11] = (uint8_t)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1 || size > 66000) return 0;
  // bit 0: link, bit 1: checksum known, bit 2: IPv4 header made right, bits 3, 4: EtherType
  const uint8_t how = data[0];
  static const uint8_t types[4][2] = {{0, 0}, {0x08, 0x00}, {0x08, 0x06}, {0x86, 0xdd}};
  const size_t link_bytes = how & 1 ? ESTAB_ETH_HEADER_BYTES : 0;
  uint8_t *bytes = malloc(size > 1 ? size - 1 : 1);
  if (bytes == NULL) return 0;
  memcpy(bytes, data + 1, size - 1);
  if ((how & 1) && (how >> 3 & 3) && size - 1 >= link_bytes)
    memcpy(bytes + 12, types[how >> 3 & 3], 2);
  if ((how & 4) && size - 1 > link_bytes)
    fill_ip4_checksum(bytes + link_bytes, size - 1 - link_bytes);
  check_frame(how & 1 ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW, bytes, size - 1, how & 2);
  check_parts(bytes, size - 1);
  check_encap(bytes, size - 1);
  free(bytes);
  return 0;
}
