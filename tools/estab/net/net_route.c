// SPDX-License-Identifier: BSD-2-Clause
// net_route.c - which way a packet goes, and what a router says of one that is too long.
#include <string.h>

#include "estab/wire.h"
#include "net.h"

// Hosts have 10.0.0.N or 2001:db8::N, N = their number + 1.
static unsigned node_of(const uint8_t *packet, size_t count)
{
  if (count >= 20 && packet[0] >> 4 == 4) return packet[19] - 1u;
  if (count >= 40 && packet[0] >> 4 == 6) return packet[39] - 1u;
  return SCENARIO_NODES;
}

// Breadth first from each node: the fewest links.
static void route_to(struct net *net, unsigned target)
{
  const struct scenario *s = net->scenario;
  unsigned queue[SCENARIO_NODES], head = 0, tail = 0;
  bool reached[SCENARIO_NODES] = {false};
  for (unsigned i = 0; i < s->node_count; i++)
    net->nodes[i].next_lane[target] = UINT8_MAX;
  reached[target] = true;
  queue[tail++] = target;
  while (head < tail) {
    unsigned node = queue[head++];
    if (node != target && !s->nodes[node].router) continue; // hosts do not forward
    for (unsigned l = 0; l < s->link_count; l++)
      for (unsigned d = 0; d < 2; d++) {
        unsigned from = s->links[l].node[d];
        if (s->links[l].node[!d] != node || reached[from]) continue;
        reached[from] = true;
        net->nodes[from].next_lane[target] = (uint8_t)(2 * l + d);
        queue[tail++] = from;
      }
  }
}

int net_route(struct net *net, const char **what)
{
  const struct scenario *s = net->scenario;
  for (unsigned i = 0; i < s->node_count; i++) {
    unsigned links = 0;
    for (unsigned l = 0; l < s->link_count; l++)
      for (unsigned d = 0; d < 2; d++)
        if (s->links[l].node[d] == i) {
          links++;
          net->nodes[i].lane = 2 * l + d;
        }
    net->nodes[i].net = net;
    if (s->ip6)
      estab_ip_parse("2001:db8::", &net->nodes[i].ip);
    else
      net->nodes[i].ip = estab_ip4(10, 0, 0, 0);
    net->nodes[i].ip.bytes[15] = (uint8_t)(i + 1);
    net->nodes[i].spec = &s->nodes[i];
    route_to(net, i);
    *what = s->nodes[i].name;
    if (!s->nodes[i].router && links != 1) return ESTAB_ERR_INVALID; // a host has one link
  }
  for (unsigned f = 0; f < s->flow_count; f++) {
    *what = s->nodes[s->flows[f].from].name;
    if (net->nodes[s->flows[f].from].next_lane[s->flows[f].to] == UINT8_MAX ||
        net->nodes[s->flows[f].to].next_lane[s->flows[f].from] == UINT8_MAX)
      return ESTAB_ERR_UNREACHABLE;
  }
  return 0;
}

void net_admit(struct net *net, unsigned lane, const uint8_t *bytes, size_t count)
{
  if (net->pcap != NULL && (int)(lane / 2) == net->pcap_link) {
    struct estab_frame frame = {.struct_bytes = sizeof frame, .piece_count = 1};
    frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = count};
    estab_pcap_write(net->pcap, net->now_ns, &frame);
  }
  lane_admit(&net->lanes[lane], net->now_ns, bytes, count);
  net->when[lane] = lane_deadline(&net->lanes[lane]);
}

// RFC 1191 4, RFC 4443 3.2: the next link's MTU, and as much of the packet as fits.
static void say_too_big(struct net *net, unsigned node, unsigned lane, const uint8_t *bytes,
                        size_t count)
{
  struct estab_packet packet, answer = {.link = ESTAB_LINK_RAW, .ttl = 64};
  uint8_t out[1280];
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, count, true, &packet) < 0) return;
  bool ip4 = packet.version == 4;
  answer.kind = ip4 ? ESTAB_PACKET_ICMP4 : ESTAB_PACKET_ICMP6;
  answer.protocol = ip4 ? ESTAB_PROTOCOL_ICMP4 : ESTAB_PROTOCOL_ICMP6;
  answer.version = packet.version;
  answer.src = net->nodes[node].ip;
  answer.dst = packet.src;
  answer.icmp =
      (struct estab_icmp_header){.type = ip4 ? ESTAB_ICMP4_UNREACHABLE : ESTAB_ICMP6_PACKET_TOO_BIG,
                                 .code = ip4 ? ESTAB_ICMP4_CODE_FRAG_NEEDED : 0,
                                 .error = true,
                                 .mtu = net->lanes[lane].faults.mtu};
  answer.payload = bytes;
  answer.payload_bytes = ip4 ? 548 : 1232;
  if (answer.payload_bytes > count) answer.payload_bytes = count;
  int n = estab_packet_emit(&answer, out, sizeof out);
  if (n <= 0) return;
  net_forward(net, node, out, (size_t)n);
}

void net_forward(struct net *net, unsigned node, const uint8_t *bytes, size_t count)
{
  unsigned to = node_of(bytes, count);
  uint8_t lane = to < net->scenario->node_count ? net->nodes[node].next_lane[to] : UINT8_MAX;
  if (lane == UINT8_MAX) return;
  uint32_t mtu = net->lanes[lane].faults.mtu;
  if (mtu > 0 && count > mtu && !net->scenario->links[lane / 2].black_hole)
    say_too_big(net, node, lane, bytes, count);
  net_admit(net, lane, bytes, count);
}
