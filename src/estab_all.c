// SPDX-License-Identifier: BSD-2-Clause
// estab_all.c - the whole core in one file: cc -std=c17 -Iinclude -Isrc -c src/estab_all.c
// Written by tools/estab-all.sh; do not edit.

// base
#include "base/block.c"
#include "base/drop.c"
#include "base/err.c"
#include "base/fmt.c"
#include "base/hash.c"
#include "base/ip.c"
#include "base/mem.c"
#include "base/muldiv.c"
#include "base/rand.c"
#include "base/ranges.c"
#include "base/recvq.c"
#include "base/sendq.c"
#include "base/slab.c"
#include "base/trace.c"
#include "base/wheel.c"

// wire
#include "wire/arp.c"
#include "wire/checksum.c"
#include "wire/eth.c"
#include "wire/icmp.c"
#include "wire/ip4.c"
#include "wire/ip6.c"
#include "wire/nd.c"
#include "wire/packet.c"
#include "wire/packet_text.c"
#include "wire/quote.c"
#include "wire/tcp.c"
#include "wire/tcp_opt.c"
#include "wire/tcp_text.c"
#include "wire/udp.c"

// proto
#include "proto/frag.c"
#include "proto/rtt.c"
#include "proto/state.c"

// tcp
#include "tcp/ack.c"
#include "tcp/cc_newreno.c"
#include "tcp/isn.c"
#include "tcp/option.c"
#include "tcp/other_states.c"
#include "tcp/output.c"
#include "tcp/retransmit.c"
#include "tcp/segment_arrives.c"
#include "tcp/tcb.c"
#include "tcp/text.c"
#include "tcp/timeouts.c"
#include "tcp/trace.c"
#include "tcp/user.c"
#include "tcp/window.c"

// ip
#include "ip/address.c"
#include "ip/emit.c"
#include "ip/fragment.c"
#include "ip/icmp_in.c"
#include "ip/icmp_out.c"
#include "ip/input.c"
#include "ip/ip.c"
#include "ip/limit.c"
#include "ip/lowered.c"
#include "ip/path.c"
#include "ip/route.c"

// link
#include "link/arp.c"
#include "link/link.c"
#include "link/nd.c"
#include "link/neighbour.c"

// udp
#include "udp/udp.c"

// stack
#include "stack/calls.c"
#include "stack/collect.c"
#include "stack/connect.c"
#include "stack/demux.c"
#include "stack/half.c"
#include "stack/input.c"
#include "stack/input_tcp.c"
#include "stack/listen.c"
#include "stack/net.c"
#include "stack/output.c"
#include "stack/reply.c"
#include "stack/settings.c"
#include "stack/stack.c"
#include "stack/timewait.c"
