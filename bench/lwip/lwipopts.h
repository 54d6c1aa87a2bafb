// SPDX-License-Identifier: BSD-2-Clause
// lwipopts.h - how the bench builds lwIP: its fastest single-threaded form, with estab's features.
#ifndef ESTAB_BENCH_LWIPOPTS_H
#define ESTAB_BENCH_LWIPOPTS_H

// No threads, no sockets: the raw API, as an embedder of a bare stack uses it.
#define NO_SYS                1
#define SYS_LIGHTWEIGHT_PROT  0
#define LWIP_NETCONN          0
#define LWIP_SOCKET           0
#define LWIP_NETIF_API        0
#define LWIP_ALTCP            0
#define LWIP_NOASSERT         1 // see arch/cc.h too
#define LWIP_STATS            0
#define LWIP_DBG_TYPES_ON     0
#define LWIP_PERF             0
#define LWIP_CHECKSUM_ON_COPY 0

// What estab has too.
#define LWIP_IPV4                  1
#define LWIP_IPV6                  1
#define LWIP_TCP                   1
#define LWIP_UDP                   1
#define LWIP_ICMP                  1
#define LWIP_ICMP6                 1
#define IP_REASSEMBLY              1
#define IP_FRAG                    1
#define LWIP_IPV6_REASS            1
#define LWIP_IPV6_FRAG             1
#define TCP_QUEUE_OOSEQ            1
#define LWIP_TCP_SACK_OUT          1
#define LWIP_TCP_KEEPALIVE         1
#define LWIP_WND_SCALE             1
#define TCP_RCV_SCALE              BENCH_WINDOW_SCALE
#define TCP_WND                    BENCH_WINDOW_BYTES
#define TCP_SND_BUF                BENCH_WINDOW_BYTES
#define TCP_MSS                    1460
#define TCP_SND_QUEUELEN           (4 * (TCP_SND_BUF) / (TCP_MSS))
#define TCP_SNDLOWAT               32768 // of the sockets, unused; the default is too big for lwIP
#define TCP_LISTEN_BACKLOG         1
#define TCP_DEFAULT_LISTEN_BACKLOG 255
// Off in both stacks here, so that a full segment carries 1460 bytes as the figures say.
#define LWIP_TCP_TIMESTAMPS 0

// What would only cost.
#define LWIP_ARP                      0
#define LWIP_ETHERNET                 0
#define LWIP_RAW                      0
#define LWIP_DHCP                     0
#define LWIP_AUTOIP                   0
#define LWIP_DNS                      0
#define LWIP_IGMP                     0
#define LWIP_IPV6_MLD                 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_AUTOCONFIG          0
#define LWIP_ND6_QUEUEING             0
#define LWIP_NETIF_LOOPBACK           0
#define LWIP_HAVE_LOOPIF              0
#define ARP_QUEUEING                  0
#define PBUF_LINK_HLEN                0

// Pools for everything, mem_malloc() included (lwippools.h), and no statistics.
#define MEM_ALIGNMENT                 8
#define MEM_LIBC_MALLOC               0
#define MEMP_MEM_MALLOC               0
#define MEM_USE_POOLS                 1
#define MEMP_USE_CUSTOM_POOLS         1
#define MEM_USE_POOLS_TRY_BIGGER_POOL 1
#define MEMP_NUM_TCP_PCB              20100
#define MEMP_NUM_TCP_PCB_LISTEN       16
#define MEMP_NUM_TCP_SEG              40000
#define MEMP_NUM_PBUF                 8192
#define PBUF_POOL_SIZE                8192
#define PBUF_POOL_BUFSIZE             1536

// The same checksum routine as estab. BENCH_CHECKSUMS 0 is the row "checksums off".
#include <stdint.h>
uint16_t bench_lwip_checksum(const void *bytes, int length_bytes);
#define LWIP_CHKSUM         bench_lwip_checksum
#define CHECKSUM_GEN_IP     BENCH_CHECKSUMS
#define CHECKSUM_GEN_TCP    BENCH_CHECKSUMS
#define CHECKSUM_GEN_UDP    BENCH_CHECKSUMS
#define CHECKSUM_GEN_ICMP   1
#define CHECKSUM_CHECK_IP   BENCH_CHECKSUMS
#define CHECKSUM_CHECK_TCP  BENCH_CHECKSUMS
#define CHECKSUM_CHECK_UDP  BENCH_CHECKSUMS
#define CHECKSUM_CHECK_ICMP 1

#endif
