// SPDX-License-Identifier: BSD-2-Clause
// diff.h - the differential oracle: one story told to estab and to the Linux kernel, and what each answered.
//
// Theory of operation. A story is a list of steps: a call of the user, or a segment of the peer, in numbers that
// are relative (to the peer's and to our initial sequence number), so that both can be told it. The generator
// tells it to estab while it makes it up, since a good next step depends on the answers; then the kernel hears
// the same story. After each step what left is compared under neutral rules. Nothing here waits for a timer.
#ifndef ESTAB_DIFF_DIFF_H
#define ESTAB_DIFF_DIFF_H

#include "estab/estab.h"
#include "estab/wire.h"

#define STORY_STEPS 40
#define STEP_OUTS   16

enum step_kind {
  STEP_LISTEN,   // passive OPEN; always first, or
  STEP_CONNECT,  // active OPEN
  STEP_SEGMENT,  // the peer sends
  STEP_SEND,     // SEND of `bytes` octets
  STEP_RECEIVE,  // RECEIVE of all that is there
  STEP_SHUTDOWN, // CLOSE, the handle stays
  STEP_CLOSE,    // CLOSE, the handle goes: unread text makes it a reset
  STEP_ABORT,    // ABORT
  STEP_KINDS
};

struct step {
  uint8_t kind;   // enum step_kind
  uint16_t flags; // SEGMENT: enum estab_tcp_flag
  uint32_t seq;   // SEGMENT: from the peer's ISS
  uint32_t ack;   // SEGMENT: from our ISS
  uint32_t bytes; // SEGMENT: of text, octet i of the stream is i's; SEND: octets
  uint16_t window, urgent;
  int32_t ts_delta; // SEGMENT: TSval from the one the peer's clock shows
  bool ts;          // SEGMENT: with timestamps, once they are agreed on
  uint8_t seq_place,
      ack_place; // SEGMENT: enum place: how the numbers were meant, for the names of differences
};

enum place {
  PLACE_NONE,    // no such number: an ACK field without ACK
  PLACE_NEXT,    // what is expected next; all that was sent
  PLACE_OLD,     // wholly before that; acknowledged already
  PLACE_BEFORE,  // begins before, ends behind
  PLACE_PARTIAL, // acknowledges a part of what is in flight
  PLACE_HOLE,    // in the window, but not next
  PLACE_EDGE,    // the window's last octet, or the first behind it
  PLACE_FUTURE,  // far beyond the window; never sent
  PLACES
};

struct story {
  uint64_t seed;
  bool ip6;
  bool timestamps, sack, scaling; // what the peer's SYN or SYN-ACK offers
  uint16_t mss;                   // 0 = no option
  unsigned count;
  struct step steps[STORY_STEPS];
};

// A segment that left, as the neutral rules see it.
struct out_segment {
  uint16_t flags;  // PSH apart
  uint32_t seq;    // from our ISS
  uint32_t ack;    // from the peer's ISS; 0 without ACK
  uint32_t bytes;  // of text; segments that follow each other are one
  uint16_t mss;    // on a SYN; 0 = none
  uint8_t options; // enum out_options
  unsigned sacks;
  uint32_t sack[4][2]; // from the peer's ISS
};

enum out_options {
  OUT_TIMESTAMPS = 1u << 0,
  OUT_SACK_PERMITTED = 1u << 1,
  OUT_SCALE = 1u << 2,
  OUT_WINDOW_ZERO = 1u << 3,
};

// What one step brought about.
struct outcome {
  struct out_segment outs[STEP_OUTS];
  unsigned out_count;
  int result; // of a call: octets, 0, or minus enum estab_error's classes below
  int state;  // enum estab_state where the target can tell, -1 = it cannot
};

// Errors of calls that both name: what a program would do about them.
enum call_error {
  CALL_WOULD_BLOCK = -1,
  CALL_RESET = -2,  // or refused
  CALL_CLOSED = -3, // not connected, or not for writing any more
  CALL_OTHER = -9,
};

struct target {
  const char *name;
  void *ctx;
  // A fresh connection's world for a story. false: it cannot be made.
  bool (*begin)(void *ctx, const struct story *story);
  // `wait_ms`: how long an answer may take to come out.
  void (*tell)(void *ctx, const struct step *step, unsigned wait_ms, struct outcome *outcome);
  void (*end)(void *ctx);
};

// ---- target_estab.c, target_kernel.c
bool target_estab_open(struct target *t);
// In a namespace of its own with a TUN device. false: *why says which step failed.
bool target_kernel_open(struct target *t, const char **why);

// ---- render.c

#define PEER_ISS  0x10000000u
#define STORY_MTU 1500

struct ends {
  struct estab_ip peer, us;
  uint16_t peer_port, our_port;
  uint32_t iss; // ours
  bool iss_known;
  bool timestamps;    // both offered them
  uint32_t ts_recent; // the last TSval that came from us
  uint32_t last_ack;  // what we acknowledged last, absolute
  uint32_t ts_clock;  // the peer's
};

// The bytes of the peer's segment; answers how many.
size_t render(const struct story *story, const struct step *step, struct ends *ends, uint8_t *out,
              size_t room);
// Takes a packet that left: learns our ISS from a SYN, adds to the outcome. false: not of this story.
bool observe(struct ends *ends, const uint8_t *bytes, size_t count, struct outcome *outcome);
// One line; answers its length.
size_t step_format(const struct step *step, char *text, size_t room);
size_t outcome_format(const struct outcome *outcome, char *text, size_t room);

// ---- generate.c

struct generator {
  uint64_t random;
  struct story *story;
  // What is known from estab's answers
  uint32_t snd_nxt, snd_una_max; // ours, relative: what the peer may acknowledge
  uint32_t rcv_nxt;              // what we expect from the peer, relative
  uint32_t peer_fin;             // 0 = the peer has not sent its FIN
  int state;
  bool opened, ours_closed;
};
void generator_start(struct generator *g, struct story *story, uint64_t seed);
// The next step; false: the story is over.
bool generator_next(struct generator *g, struct step *step);
void generator_hears(struct generator *g, const struct step *step, const struct outcome *outcome);

// ---- compare.c

// NULL: alike. Else a short word for how they differ, made of what was told and what was answered, the same for
// all stories that differ for the same reason; lives until the next call.
const char *compare(const struct step *step, int state_before, const struct outcome *estab,
                    const struct outcome *kernel);

#endif
