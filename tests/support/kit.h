// SPDX-License-Identifier: BSD-2-Clause
// kit.h - one stack and a peer made of templates: any state, any segment, what comes out parsed and written down.
//
// The peer's sequence numbers begin just under 2^32, and so do the stack's: the clock starts at the moment at which
// RFC 6528 gives such a number. Every octet of either stream is a function of its place, so that whatever arrives
// can be checked wherever it came from.
#ifndef ESTAB_SUPPORT_KIT_H
#define ESTAB_SUPPORT_KIT_H

#include "estab/wire.h"
#include "stack/stack.h"
#include "support/prop.h"

// ---------------------------------------------------------------------------------------------
// Memory that fails where it is told to

struct kit_mem {
  struct prop_mem strict; // sizes are checked, every resize moves, new bytes are dirty
  uint64_t asked;         // requests for more, so far
  uint64_t fail_at;       // the first that is refused, counted from 1; 0 = none
  uint64_t fail_count;    // how many are refused from there on; UINT64_MAX = all
  uint64_t refused;
};

struct estab_mem kit_mem_door(struct kit_mem *m);

// ---------------------------------------------------------------------------------------------
// The host under test

// How a connection came to be where it is. The eleven states, and where a state has two sizes or two ways in, both.
enum kit_place {
  KIT_CLOSED,
  KIT_LISTEN,
  KIT_SYN_SENT,
  KIT_SYN_RECEIVED,        // a half-open record of a listener
  KIT_SYN_RECEIVED_ACTIVE, // a full TCB, by simultaneous open
  KIT_ESTABLISHED,
  KIT_FIN_WAIT_1,
  KIT_FIN_WAIT_2,
  KIT_CLOSE_WAIT,
  KIT_CLOSING,
  KIT_LAST_ACK,
  KIT_TIME_WAIT,      // a record
  KIT_TIME_WAIT_FULL, // a full TCB whose user has not released it
  KIT_PLACES
};

#define KIT_OUTS      64
#define KIT_LOG_BYTES 16384
#define KIT_STREAM    4096 // octets of the stack's stream that are kept

struct kit_out {
  struct estab_tcp_header h;
  uint32_t text_bytes;
};

struct kit {
  struct kit_mem mem;
  struct estab_settings settings;
  estab_stack *s;
  uint64_t now_ns;
  bool ip6;
  bool active; // kit_make() opens from this side
  struct estab_tuple tuple;
  estab_listener listener;
  estab_conn conn; // 0 = none, or released
  enum kit_place place;

  // The peer
  uint32_t iss, irs;     // first number of the stack, of the peer
  uint32_t peer_una;     // highest acknowledgment seen
  uint32_t peer_rcv_nxt; // next octet of the stack's stream, in order
  bool peer_got_fin, peer_got_rst;
  uint32_t ts_ms;   // the peer's timestamp clock
  uint32_t ts_echo; // the last TSval seen
  bool no_options;  // the peer knows neither timestamps nor window scaling nor SACK

  // What came out since kit_drain() was last called with nothing read
  struct kit_out out[KIT_OUTS];
  unsigned outs;
  unsigned bad_frames; // what estab_packet_parse() refused, checksums included

  // The user
  uint32_t read_bytes; // of the peer's stream, all of them checked
  uint32_t sent_bytes; // handed to estab_send()
  bool read_end;       // estab_recv() answered 0
  bool user_closed;    // nothing more is to be written
  bool wrong_octet;    // either stream differed
  uint32_t events;     // all that were told of conn
  int error;           // the last event's

  bool quiet;              // no log: there are very many segments
  char log[KIT_LOG_BYTES]; // the exchange in packetdrill's notation
  size_t log_bytes;
};

// change: what differs from estab_settings_default(), or NULL.
void kit_init(struct kit *k, bool ip6, void (*change)(struct estab_settings *settings));
// Frees the stack; false when memory is not back to nothing.
bool kit_end(struct kit *k);
// Brings the connection there, everything sent and read on the way.
void kit_make(struct kit *k, enum kit_place place);
const char *kit_place_name(enum kit_place place);
enum estab_state kit_place_state(enum kit_place place);

// ---------------------------------------------------------------------------------------------
// Segments

enum kit_ts { KIT_TS_NOW, KIT_TS_OLD, KIT_TS_NONE };

// One segment of the peer. Absolute sequence numbers.
struct kit_in {
  uint32_t seq, ack;
  uint32_t text_bytes;
  uint16_t flags;
  uint16_t window; // as in the header; 0 = 512
  uint16_t urgent;
  uint8_t ts;       // enum kit_ts
  bool window_zero; // window 0 is meant
  uint8_t sack_count;
  const struct estab_sack_block *sack;
};

void kit_inject(struct kit *k, const struct kit_in *in);
// Any header and any octets; the frame is an exact-size heap block.
void kit_inject_raw(struct kit *k, const struct estab_tcp_header *h, const uint8_t *text,
                    uint32_t text_bytes);
// Takes what the stack sends: into k->out, the log and the peer's variables. Answers how many segments.
unsigned kit_drain(struct kit *k);
// Forgets k->out.
void kit_clear(struct kit *k);
// Lets time pass, every deadline at its moment, and drains.
void kit_advance(struct kit *k, uint64_t ns);

// Octet number i (from 0) of the peer's stream and of the stack's.
uint8_t kit_peer_octet(uint32_t i);
uint8_t kit_user_octet(uint32_t i);

// ---------------------------------------------------------------------------------------------
// Looking inside

// The connection of the tuple in whatever size; NULL = none.
struct seg_state *kit_seg(struct kit *k);
// Its state; CLOSED if the handle is dead, LISTEN if only the listener is there.
enum estab_state kit_state(struct kit *k);
// The last drop counted since kit_clear(), by name; "" = none, "several".
const char *kit_dropped(struct kit *k);

// ---------------------------------------------------------------------------------------------
// Proofs

// The peer goes on honestly, whatever was injected: it completes the handshake, acknowledges all, sends its stream and
// FIN; the user sends where he may, reads all, closes. True: streams equal, end in TIME-WAIT or CLOSED, as it must be.
bool kit_lives(struct kit *k);
// The peer begins anew with this number; what either side has read and sent is forgotten.
void kit_new_peer(struct kit *k, uint32_t irs);
// True: no connection of this tuple: a segment of it is answered with RST.
bool kit_is_gone(struct kit *k);
// The user's part of both: events, reading; accepts what waits.
void kit_user(struct kit *k);
int kit_send(struct kit *k, uint32_t n);

// CPU time of this process, so that an attack's price can be told.
uint64_t kit_cpu_ns(void);

void kit_say(struct kit *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
