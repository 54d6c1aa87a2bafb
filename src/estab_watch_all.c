// SPDX-License-Identifier: BSD-2-Clause
// estab_watch_all.c - the observer with what it needs in one file: cc -std=c17 -Iinclude -Isrc -c src/estab_watch_all.c
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
#include "wire/geneve.c"
#include "wire/gre.c"
#include "wire/gtpu.c"
#include "wire/icmp.c"
#include "wire/ip4.c"
#include "wire/ip6.c"
#include "wire/llc.c"
#include "wire/mpls.c"
#include "wire/nd.c"
#include "wire/packet.c"
#include "wire/packet_text.c"
#include "wire/pppoe.c"
#include "wire/quote.c"
#include "wire/sll.c"
#include "wire/tcp.c"
#include "wire/tcp_opt.c"
#include "wire/tcp_text.c"
#include "wire/teredo.c"
#include "wire/udp.c"
#include "wire/vlan.c"
#include "wire/vxlan.c"

// proto
#include "proto/frag.c"
#include "proto/rtt.c"
#include "proto/state.c"

// watch
#include "watch/decode.c"
#include "watch/decode_ip.c"
#include "watch/decode_transport.c"
#include "watch/defrag.c"
#include "watch/duplicate.c"
