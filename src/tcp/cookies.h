// SPDX-License-Identifier: BSD-2-Clause
// cookies.h - Fast Open cookies, RFC 7413 4.1: those we give to clients, and what we know of servers.
//
// A cookie of ours is SipHash-2-4 of both addresses as they stand in the client's packets, little-endian: what Linux
// computes, so that hosts behind one address need only share the key. Servers' cookies are kept by pair of addresses
// (4.1.3) in a table of fixed size; within a set of places the one not used for longest goes. That Fast Open did not
// work is known by port as well, as a server takes part by port (4.1.3.1): of a few ports, the rest is tried again.
#ifndef ESTAB_TCP_COOKIES_H
#define ESTAB_TCP_COOKIES_H

#include "base/mem.h"
#include "estab/base.h"

#define COOKIE_BYTES        8  // of those we give
#define COOKIE_MOST_BYTES   16 // of those we may be given, RFC 7413 4.1.1
#define COOKIES_SETS        64
#define COOKIES_WAYS        4
#define COOKIE_KEY_LIFE_NS  (UINT64_C(86400) * 1000000000) // then there is a new key, RFC 7413 4.1.2
#define COOKIE_REFUSED_S    3600u // a server that did not take part is left alone for so long, 4.1.3.1
#define COOKIE_LOST_S       120u // a path that lost a SYN with text, doubled each time
#define COOKIE_LOSSES_COUNT 9    // doublings at most
#define COOKIE_PORTS        4    // of a server, where Fast Open did not work

struct cookie_port {
  uint32_t
      denied_s;  // until then nothing is asked, seconds of the stack's clock; 0 = nothing is denied
  uint16_t port; // 0 = not in use
  uint8_t losses; // SYNs with something new that were lost in a row
};

// What is known of one server as seen from one address of ours.
struct cookie {
  struct estab_ip local, remote;
  uint8_t bytes[COOKIE_MOST_BYTES];
  uint32_t used_s;     // seconds of the stack's clock
  uint16_t peer_mss;   // of its last SYN-ACK, 0 = absent: bounds the text of a SYN (4.1.3)
  uint8_t bytes_count; // of bytes[], 0 = none
  bool live;
  struct cookie_port ports[COOKIE_PORTS]; // RFC 7413 4.1.3.1
};

// One a stack.
struct cookies {
  uint64_t key[2][2]; // of those we give: now, and before that
  uint64_t master[2]; // keys are made of it, one after the other
  uint64_t epoch;     // how many lives of a key the clock has counted
  uint64_t table_key[2];
  struct cookie *table; // COOKIES_SETS * COOKIES_WAYS, NULL before the first
  bool key_is_users;    // then time does not change it
  uint64_t texts_taken; // SYNs of ours whose text the server took
};

void cookies_init(struct cookies *c, const uint64_t secret[2], const uint64_t table_key[2],
                  uint64_t now_ns);
void cookies_destroy(struct cookies *c, struct mem *mem);

// ---- Those we give

void cookies_set_key(struct cookies *c, const uint8_t key[16]); // the one before stays good
// out: COOKIE_BYTES for the client at `remote`.
void cookies_make(struct cookies *c, const struct estab_ip *local, const struct estab_ip *remote,
                  uint64_t now_ns, uint8_t *out);
enum cookie_verdict { COOKIE_BAD, COOKIE_GOOD, COOKIE_OF_OLD_KEY };
enum cookie_verdict cookies_check(struct cookies *c, const struct estab_ip *local,
                                  const struct estab_ip *remote, const uint8_t *bytes, size_t n,
                                  uint64_t now_ns);

// ---- Those we were given

// NULL: nothing is known. Valid until the next cookies_place().
struct cookie *cookies_find(const struct cookies *c, const struct estab_ip *local,
                            const struct estab_ip *remote);
// The place of this path, made if there is none; NULL without memory.
struct cookie *cookies_place(struct cookies *c, struct mem *mem, const struct estab_ip *local,
                             const struct estab_ip *remote, uint64_t now_ns);
// The server did not take part at that port, or the path lost what was new in our SYN: a cookie, text, or the request
// for a cookie alone, of which the first loss says nothing.
void cookie_deny(struct cookie *k, uint16_t port, uint64_t now_ns);
void cookie_lost(struct cookie *k, uint16_t port, bool request, uint64_t now_ns);
void cookie_allow(struct cookie *k, uint16_t port); // it worked there
bool cookie_is_denied(const struct cookie *k, uint16_t port, uint64_t now_ns);

#endif
