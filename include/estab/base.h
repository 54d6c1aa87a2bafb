// SPDX-License-Identifier: BSD-2-Clause
// base.h - what every other header of estab needs: errors, memory door, addresses, states, drops, frames.
#ifndef ESTAB_BASE_H
#define ESTAB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ESTAB_API __attribute__((visibility("default")))
#else
#define ESTAB_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

// A deadline that never comes. All times are nanoseconds of one monotonic clock with any epoch.
#define ESTAB_NEVER UINT64_MAX
// The latest time of a packet, in 2262 where times count from 1970: no deadline that is counted from it comes near
// ESTAB_NEVER. What is later is taken for this one.
#define ESTAB_TIME_MAX (UINT64_MAX >> 1)

// ---------------------------------------------------------------------------------------------
// Errors. Functions answer >= 0 for success (often a count of bytes) or one of these.
// estab_strerror() says them in the words of RFC 9293 3.10 where it has any.

enum estab_error {
  ESTAB_OK = 0,
  ESTAB_ERR_INVALID = -1,         // an argument makes no sense
  ESTAB_ERR_NO_MEMORY = -2,       // the memory door or a cap refused: "insufficient resources"
  ESTAB_ERR_WOULD_BLOCK = -3,     // nothing to do now; an event will tell when there is
  ESTAB_ERR_NO_CONNECTION = -4,   // "connection does not exist": stale or unknown handle, or CLOSED
  ESTAB_ERR_EXISTS = -5,          // "connection already exists"
  ESTAB_ERR_CLOSING = -6,         // "connection closing"
  ESTAB_ERR_RESET = -7,           // "connection reset"
  ESTAB_ERR_REFUSED = -8,         // "connection refused"
  ESTAB_ERR_TIMEOUT = -9,         // "connection aborted due to user timeout"
  ESTAB_ERR_UNREACHABLE = -10,    // no route, or an ICMP error ended the attempt
  ESTAB_ERR_ADDRESS_IN_USE = -11, // the listening port, or a UDP port, is taken
  ESTAB_ERR_NO_PORT = -12,        // every local port towards that peer is taken
  ESTAB_ERR_NOT_LOCAL = -13,      // the local address is not one of ours
  ESTAB_ERR_TOO_BIG = -14,        // longer than the device or the protocol can carry
  ESTAB_ERR_UNSUPPORTED = -15,    // not in this state, or not by this stack
  ESTAB_ERR_ABORTED = -16,        // the local user called ABORT
};

// One English sentence fragment for an error; never NULL.
ESTAB_API const char *estab_strerror(int error);

// ---------------------------------------------------------------------------------------------
// Memory. The only door through which the core gets any.

enum estab_mem_kind {
  ESTAB_MEM_STACK,    // the stack itself, its batch and reply rings
  ESTAB_MEM_CONN,     // full connections
  ESTAB_MEM_HALF,     // half-open records
  ESTAB_MEM_TIMEWAIT, // TIME-WAIT records
  ESTAB_MEM_BLOCK,    // 16 KiB data blocks and the chains that hold them
  ESTAB_MEM_TABLE,    // flow table, slab directories
  ESTAB_MEM_WORK,     // what only a busy sender or receiver needs
  ESTAB_MEM_NET,      // addresses, routes, paths, neighbours, fragments
  ESTAB_MEM_UDP,      // UDP endpoints and their queues
  ESTAB_MEM_WATCH,    // the observer
  ESTAB_MEM_KINDS
};

// `resize(ctx, NULL, 0, n, kind)` allocates n bytes aligned for any type, `resize(ctx, p, n, 0,
// kind)` frees and must return NULL, anything else resizes and keeps the common part. On failure it
// returns NULL and p is unchanged. Shrinking and freeing must not fail. It must not call estab.
struct estab_mem {
  void *ctx;
  void *(*resize)(void *ctx, void *p, size_t old_bytes, size_t new_bytes, enum estab_mem_kind kind);
};

// Fresh unpredictable bytes. `fill` must not call estab. NULL: the stack's keyed generator alone.
struct estab_random {
  void *ctx;
  void (*fill)(void *ctx, void *bytes, size_t count);
};

// ---------------------------------------------------------------------------------------------
// Addresses and tuples. IPv4 lives in the IPv4-mapped range ::ffff:0:0/96 of RFC 4291 2.5.5.2.

struct estab_ip {
  uint8_t bytes[16];
};

// Both ends of a conversation as this host sees them. Ports in host order.
struct estab_tuple {
  struct estab_ip local, remote;
  uint16_t local_port, remote_port;
};

ESTAB_API struct estab_ip estab_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
ESTAB_API bool estab_ip_is4(const struct estab_ip *ip);
ESTAB_API bool estab_ip_equal(const struct estab_ip *a, const struct estab_ip *b);
ESTAB_API bool estab_ip_is_any(const struct estab_ip *ip); // 0.0.0.0 or ::

// Reads "192.0.2.1" or an RFC 4291 2.2 text. 0, or ESTAB_ERR_INVALID and *ip untouched.
ESTAB_API int estab_ip_parse(const char *text, struct estab_ip *ip);

#define ESTAB_IP_TEXT_BYTES 46
// Writes the address (RFC 5952 for IPv6), always terminated; answers the length without the NUL.
ESTAB_API size_t estab_ip_format(const struct estab_ip *ip, char *text, size_t text_bytes);

// ---------------------------------------------------------------------------------------------
// States, RFC 9293 3.3.2, in the order of Figure 5.

enum estab_state {
  ESTAB_CLOSED,
  ESTAB_LISTEN,
  ESTAB_SYN_SENT,
  ESTAB_SYN_RECEIVED,
  ESTAB_ESTABLISHED,
  ESTAB_FIN_WAIT_1,
  ESTAB_FIN_WAIT_2,
  ESTAB_CLOSE_WAIT,
  ESTAB_CLOSING,
  ESTAB_LAST_ACK,
  ESTAB_TIME_WAIT,
  ESTAB_STATES
};

// "SYN-SENT" and so on, as the RFC spells them; never NULL.
ESTAB_API const char *estab_state_name(enum estab_state state);

// ---------------------------------------------------------------------------------------------
// Drops. Every packet that is not taken is dropped under one of these names.

enum estab_drop {
  ESTAB_DROP_NONE,
#define DROP(name, citation, english) ESTAB_DROP_##name,
#include "drops.def"
#undef DROP
  ESTAB_DROPS
};

ESTAB_API const char *estab_drop_name(enum estab_drop drop);     // "TCP_CHECKSUM"
ESTAB_API const char *estab_drop_citation(enum estab_drop drop); // "RFC 9293 3.1"
ESTAB_API const char *estab_drop_text(enum estab_drop drop);     // one English clause

// ---------------------------------------------------------------------------------------------
// Frames: a packet on its way between a device and a stack, with what the device knows of it.

enum estab_link {
  ESTAB_LINK_RAW,      // IP packets, as TUN
  ESTAB_LINK_ETHERNET, // Ethernet II, ARP, ND
};

#define ESTAB_FRAME_PIECES       8
#define ESTAB_FRAME_HEADER_BYTES 136 // Ethernet 14 + IPv6 40 + TCP 60, rounded

struct estab_piece {
  const uint8_t *bytes;
  size_t length; // bytes
  void *ref;     // the stack's: what keeps `bytes` alive; NULL for the frame's own header
};

enum estab_checksum {
  ESTAB_CHECKSUM_UNKNOWN, // in: verify it. out: it is filled in, or there is none
  ESTAB_CHECKSUM_VALID, // in: the device, or the same machine, vouches for it; out: nobody asks for it
  ESTAB_CHECKSUM_PARTIAL, // the field holds the pseudo-header's sum; sum from start, store at start + offset
};

enum estab_gso {
  ESTAB_GSO_NONE,
  ESTAB_GSO_TCP4,
  ESTAB_GSO_TCP6,
};

struct estab_frame {
  uint32_t struct_bytes; // sizeof(struct estab_frame) of whoever made it
  uint32_t netif;        // which of the stack's network interfaces, see estab_netif_add()
  uint16_t piece_count;
  uint16_t l3_offset;       // bytes before the IP header (0 without a link header)
  uint16_t l4_offset;       // bytes before the transport header; 0 = not known
  uint8_t checksum;         // enum estab_checksum
  uint8_t gso_type;         // enum estab_gso: a super-segment, to be cut (out) or merged (in)
  uint16_t checksum_start;  // bytes from the frame's start, for ESTAB_CHECKSUM_PARTIAL
  uint16_t checksum_offset; // bytes from checksum_start
  uint16_t gso_bytes;       // payload bytes of each segment of a super-segment
  uint16_t segments; // in: how many segments were merged, 0 or 1 = one. out: how many it becomes
  uint8_t ecn;       // IP ECN field, 0..3
  uint8_t held;      // the stack's: estab_frame_hold() was called
  uint64_t not_before_ns; // out: pacing; 0 = at once
  uint64_t conn;          // out: the connection it belongs to, 0 = none
  struct estab_piece pieces[ESTAB_FRAME_PIECES];
  uint8_t header[ESTAB_FRAME_HEADER_BYTES]; // out: pieces[0] points in here; so do not copy frames
};

// All bytes of all pieces.
static inline size_t estab_frame_bytes(const struct estab_frame *frame)
{
  size_t n = 0;
  for (unsigned i = 0; i < frame->piece_count; i++)
    n += frame->pieces[i].length;
  return n;
}

#ifdef __cplusplus
}
#endif
#endif
