// SPDX-License-Identifier: BSD-2-Clause
// test_encap.c - tags and tunnels: what each header says, and what is refused; every one cut at every byte.
#include "wire/encap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

// One of each, so that one table serves all parsers.
union any {
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
};

#define PARSER(noun, member)                                                                       \
  static int parse_##noun(const uint8_t *bytes, size_t have, union any *out)                       \
  {                                                                                                \
    return noun##_parse(bytes, have, &out->member);                                                \
  }
PARSER(vlan, vlan)
PARSER(mpls, mpls)
PARSER(pppoe, pppoe)
PARSER(llc, llc)
PARSER(sll, sll)
PARSER(sll2, sll)
PARSER(gre, gre)
PARSER(vxlan, vxlan)
PARSER(geneve, geneve)
PARSER(gtpu, gtpu)
PARSER(teredo, teredo)

typedef int parser(const uint8_t *bytes, size_t have, union any *out);

// In a buffer of exactly its size, so that a sanitizer sees the first byte read too far.
static int parse_exact(parser *parse, const uint8_t *bytes, size_t have, union any *out)
{
  uint8_t *copy = malloc(have > 0 ? have : 1);
  assert_non_null(copy);
  if (have > 0) memcpy(copy, bytes, have);
  memset(out, 0xa5, sizeof *out);
  const int answer = parse(copy, have, out);
  free(copy);
  return answer;
}

// The header is `header` of the bytes; fewer are too few.
static void whole_and_cut(parser *parse, const uint8_t *bytes, size_t have, int header,
                          union any *out)
{
  union any scratch;
  for (size_t n = 0; n < (size_t)header; n++) {
    const int answer = parse_exact(parse, bytes, n, &scratch);
    assert_true(answer == -ESTAB_DROP_ENCAP_SHORT || answer == -ESTAB_DROP_ENCAP_BAD);
  }
  assert_int_equal(parse_exact(parse, bytes, have, out), header);
}

static void vlan(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0xb0, 0x64, 0x81, 0x00, 0x99};
  union any out;
  whole_and_cut(parse_vlan, bytes, sizeof bytes, 4, &out);
  assert_int_equal(out.vlan.priority, 5);
  assert_int_equal(out.vlan.id, 100);
  assert_int_equal(out.vlan.type, ENCAP_ETH_VLAN);
  assert_true(vlan_is_tag(0x8100) && vlan_is_tag(0x88a8) && vlan_is_tag(0x9100));
  assert_false(vlan_is_tag(0x0800));
}

static void mpls(void **state)
{
  (void)state;
  static const uint8_t two[] = {0x00, 0x01, 0x00, 0xff, 0x12, 0x34, 0x51, 0x40, 0x45};
  static const uint8_t word[] = {0x00, 0x01, 0x01, 0xff, 0x00, 0x00, 0x00, 0x00, 2, 0, 0,
                                 0,    0,    1,    2,    0,    0,    0,    0,    2, 8, 0};
  static const uint8_t bare[] = {0x00, 0x01, 0x01, 0xff, 0, 0, 0x5e, 0,    1,
                                 1,    2,    0,    0,    0, 0, 2,    0x86, 0xdd};
  union any out;
  whole_and_cut(parse_mpls, two, sizeof two, 8, &out);
  assert_int_equal(out.mpls.labels, 2);
  assert_int_equal(out.mpls.label, 0x12345);
  assert_int_equal(out.mpls.inner, MPLS_INNER_IP);
  assert_int_equal(parse_exact(parse_mpls, two, 8, &out), 8);
  assert_int_equal(out.mpls.inner, MPLS_INNER_UNKNOWN);
  assert_int_equal(parse_exact(parse_mpls, word, sizeof word, &out), 8);
  assert_int_equal(out.mpls.inner, MPLS_INNER_ETHERNET);
  assert_int_equal(parse_exact(parse_mpls, word, sizeof word - 1, &out), 4);
  assert_int_equal(out.mpls.inner, MPLS_INNER_UNKNOWN);
  assert_int_equal(parse_exact(parse_mpls, bare, sizeof bare, &out),
                   4); // an address, no control word
  assert_int_equal(out.mpls.inner, MPLS_INNER_ETHERNET);
}

static void mpls_without_a_bottom(void **state)
{
  (void)state;
  uint8_t bytes[4 * (MPLS_LABELS + 1)] = {0};
  union any out;
  bytes[sizeof bytes - 2] = 1; // one label too many
  assert_int_equal(parse_exact(parse_mpls, bytes, sizeof bytes, &out), -ESTAB_DROP_ENCAP_BAD);
  assert_int_equal(parse_exact(parse_mpls, bytes + 4, sizeof bytes - 4, &out), 4 * MPLS_LABELS);
}

static void pppoe(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0x11, 0x00, 0x12, 0x34, 0x00, 0x16, 0x00, 0x21, 0x45};
  static const uint8_t compressed[] = {0x11, 0x00, 0x12, 0x34, 0x00, 0x15, 0x57};
  uint8_t bad[sizeof bytes];
  union any out;
  whole_and_cut(parse_pppoe, bytes, sizeof bytes, 8, &out);
  assert_int_equal(out.pppoe.session, 0x1234);
  assert_int_equal(out.pppoe.protocol, ENCAP_PPP_IP4);
  assert_int_equal(out.pppoe.payload_bytes, 20);
  whole_and_cut(parse_pppoe, compressed, sizeof compressed, 7, &out);
  assert_int_equal(out.pppoe.protocol, ENCAP_PPP_IP6);
  assert_int_equal(out.pppoe.payload_bytes, 20);
  memcpy(bad, bytes, sizeof bad);
  bad[0] = 0x21;
  assert_int_equal(parse_exact(parse_pppoe, bad, sizeof bad, &out), -ESTAB_DROP_ENCAP_VERSION);
  memcpy(bad, bytes, sizeof bad);
  bad[1] = 0x09; // discovery
  assert_int_equal(parse_exact(parse_pppoe, bad, sizeof bad, &out), -ESTAB_DROP_ENCAP_VERSION);
  memcpy(bad, bytes, sizeof bad);
  bad[5] = 1; // shorter than the protocol field
  assert_int_equal(parse_exact(parse_pppoe, bad, sizeof bad, &out), -ESTAB_DROP_ENCAP_BAD);
}

static void llc(void **state)
{
  (void)state;
  static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00, 0x86, 0xdd, 0x60};
  static const uint8_t cisco[] = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00};
  static const uint8_t ip[] = {0x06, 0x06, 0x03, 0x45};
  static const uint8_t stp[] = {0x42, 0x42, 0x03, 0x00};
  static const uint8_t numbered[] = {0xaa, 0xaa, 0x00, 0x00};
  union any out;
  whole_and_cut(parse_llc, snap, sizeof snap, 8, &out);
  assert_int_equal(out.llc.type, ESTAB_ETH_IP6);
  whole_and_cut(parse_llc, cisco, sizeof cisco, 8, &out);
  assert_int_equal(out.llc.type, 0);
  whole_and_cut(parse_llc, ip, sizeof ip, 3, &out);
  assert_int_equal(out.llc.type, ESTAB_ETH_IP4);
  whole_and_cut(parse_llc, stp, sizeof stp, 3, &out);
  assert_int_equal(out.llc.type, 0);
  whole_and_cut(parse_llc, numbered, sizeof numbered, 3, &out);
  assert_int_equal(out.llc.type, 0);
}

static void sll(void **state)
{
  (void)state;
  static const uint8_t v1[] = {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00, 0x45};
  static const uint8_t v2[] = {0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 3, 6, 2, 0, 0, 0, 0, 1, 0, 0, 9};
  union any out;
  whole_and_cut(parse_sll, v1, sizeof v1, 16, &out);
  assert_int_equal(out.sll.type, ESTAB_ETH_IP4);
  assert_int_equal(out.sll.direction, 4);
  assert_int_equal(out.sll.hardware, 1);
  whole_and_cut(parse_sll2, v2, sizeof v2, 20, &out);
  assert_int_equal(out.sll.type, ESTAB_ETH_IP6);
  assert_int_equal(out.sll.direction, 3);
  assert_int_equal(out.sll.hardware, 1);
}

static void gre(void **state)
{
  (void)state;
  static const uint8_t plain[] = {0, 0, 0x08, 0x00};
  static const uint8_t keyed[] = {0xb0, 0, 0x65, 0x58, 1, 2, 3, 4, 0, 0, 0, 77, 5, 6, 7, 8};
  static const uint8_t routed[] = {0x40, 0, 0x08, 0, 0, 0, 0, 0, 8, 0,   0,
                                   4,    9, 9,    9, 9, 0, 0, 0, 0, 0x45};
  static const uint8_t pptp[] = {0x30, 0x81, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 0};
  union any out;
  whole_and_cut(parse_gre, plain, sizeof plain, 4, &out);
  assert_false(out.gre.has_key);
  assert_int_equal(out.gre.type, ESTAB_ETH_IP4);
  whole_and_cut(parse_gre, keyed, sizeof keyed, 16, &out);
  assert_true(out.gre.has_key);
  assert_int_equal(out.gre.key, 77);
  assert_int_equal(out.gre.type, ENCAP_ETH_BRIDGED);
  whole_and_cut(parse_gre, routed, sizeof routed, 20, &out);
  assert_int_equal(out.gre.key, 0);
  assert_int_equal(parse_exact(parse_gre, pptp, sizeof pptp, &out), -ESTAB_DROP_ENCAP_VERSION);
}

static void gre_routes_without_an_end(void **state)
{
  (void)state;
  uint8_t bytes[8 + 4 * 17] = {0x40, 0, 0x08, 0};
  union any out;
  for (size_t i = 8; i < sizeof bytes; i += 4)
    bytes[i] = 8; // a family, and no more: empty but not the end
  assert_int_equal(parse_exact(parse_gre, bytes, sizeof bytes, &out), -ESTAB_DROP_ENCAP_BAD);
}

static void vxlan(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0x08, 0, 0, 0, 0xab, 0xcd, 0xef, 0, 1};
  static const uint8_t no_vni[] = {0, 0, 0, 0, 0xab, 0xcd, 0xef, 0};
  union any out;
  whole_and_cut(parse_vxlan, bytes, sizeof bytes, 8, &out);
  assert_int_equal(out.vxlan.vni, 0xabcdef);
  assert_int_equal(parse_exact(parse_vxlan, no_vni, sizeof no_vni, &out), -ESTAB_DROP_ENCAP_BAD);
}

static void geneve(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0x02, 0x40, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  uint8_t other[sizeof bytes];
  union any out;
  whole_and_cut(parse_geneve, bytes, sizeof bytes, 16, &out);
  assert_int_equal(out.geneve.vni, 9);
  assert_int_equal(out.geneve.type, ENCAP_ETH_BRIDGED);
  memcpy(other, bytes, sizeof other);
  other[0] = 0x42;
  assert_int_equal(parse_exact(parse_geneve, other, sizeof other, &out), -ESTAB_DROP_ENCAP_VERSION);
}

static void gtpu(void **state)
{
  (void)state;
  static const uint8_t plain[] = {0x30, 0xff, 0, 20, 0, 0, 0x12, 0x34, 0x45};
  static const uint8_t extended[] = {0x34, 0xff, 0,    28, 0,    0, 0x12, 0x34, 0, 0,   0,
                                     0x85, 1,    0x10, 9,  0x40, 1, 0,    0,    0, 0x45};
  uint8_t other[sizeof extended];
  union any out;
  whole_and_cut(parse_gtpu, plain, sizeof plain, 8, &out);
  assert_int_equal(out.gtpu.teid, 0x1234);
  assert_int_equal(out.gtpu.payload_bytes, 20);
  whole_and_cut(parse_gtpu, extended, sizeof extended, 20, &out);
  assert_int_equal(out.gtpu.payload_bytes, 16);
  memcpy(other, extended, sizeof other);
  other[12] = 0; // an extension of no length would never end
  assert_int_equal(parse_exact(parse_gtpu, other, sizeof other, &out), -ESTAB_DROP_ENCAP_BAD);
  memcpy(other, extended, sizeof other);
  other[3] = 11; // shorter than its own extensions
  assert_int_equal(parse_exact(parse_gtpu, other, sizeof other, &out), -ESTAB_DROP_ENCAP_BAD);
  memcpy(other, extended, sizeof other);
  other[1] = 1; // an echo request
  assert_int_equal(parse_exact(parse_gtpu, other, sizeof other, &out), -ESTAB_DROP_ENCAP_VERSION);
  memcpy(other, extended, sizeof other);
  other[0] = 0x54; // version 2 is the control plane's
  assert_int_equal(parse_exact(parse_gtpu, other, sizeof other, &out), -ESTAB_DROP_ENCAP_VERSION);
}

static void gtpu_extensions_without_an_end(void **state)
{
  (void)state;
  uint8_t bytes[12 + 4 * 17] = {0x34, 0xff, 0, 200, 0, 0, 0, 1, 0, 0, 0, 0x40};
  union any out;
  for (size_t i = 12; i < sizeof bytes; i += 4) {
    bytes[i] = 1;
    bytes[i + 3] = 0x40;
  }
  assert_int_equal(parse_exact(parse_gtpu, bytes, sizeof bytes, &out), -ESTAB_DROP_ENCAP_BAD);
}

static void teredo(void **state)
{
  (void)state;
  static const uint8_t plain[] = {0x60, 0, 0, 0};
  static const uint8_t origin[] = {0, 0, 0xf2, 0x27, 0x3f, 0x57, 0xfe, 0xfd, 0x60};
  static const uint8_t both[] = {0, 1, 1, 2, 9, 8, 8, 1, 2, 3, 4, 5,   6,
                                 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0x60};
  static const uint8_t other[] = {0, 0, 0xf2, 0x27, 0x3f, 0x57, 0xfe, 0xfd, 0x45};
  union any out;
  assert_int_equal(parse_exact(parse_teredo, plain, sizeof plain, &out), 0);
  assert_false(out.teredo.has_origin || out.teredo.has_authentication);
  whole_and_cut(parse_teredo, origin, sizeof origin, 8, &out);
  assert_true(out.teredo.has_origin && !out.teredo.has_authentication);
  whole_and_cut(parse_teredo, both, sizeof both, 24, &out);
  assert_true(out.teredo.has_origin && out.teredo.has_authentication);
  assert_int_equal(parse_exact(parse_teredo, other, sizeof other, &out), -ESTAB_DROP_ENCAP_BAD);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vlan),
      cmocka_unit_test(mpls),
      cmocka_unit_test(mpls_without_a_bottom),
      cmocka_unit_test(pppoe),
      cmocka_unit_test(llc),
      cmocka_unit_test(sll),
      cmocka_unit_test(gre),
      cmocka_unit_test(gre_routes_without_an_end),
      cmocka_unit_test(vxlan),
      cmocka_unit_test(geneve),
      cmocka_unit_test(gtpu),
      cmocka_unit_test(gtpu_extensions_without_an_end),
      cmocka_unit_test(teredo),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
