// SPDX-License-Identifier: BSD-2-Clause
// diff.h - the differential oracle: one story told to estab and to the Linux kernel, and what each answered.
//
// Theory of operation. A story is a list of steps: a call of the user, or a segment of the peer, in numbers that
// are relative (to the peer's and to our initial sequence number), so that both can be told it. The generator
// tells it to estab while it makes it up, since a good next step depends on the answers; then the kernel hears
// the same story. After each step what left is compared under neutral rules; a difference gets a name, made of what
// was told, where it stood to the windows, and what was answered. explained.tsv says by such names who is right.
// Nothing here waits for a timer; timers.c has the stories that do. A difference that nothing explains is told again
// with fewer steps (shrink.c) and written down as a script (script.c). plant.c doctors estab, so that one can see
// that a wrong stack is found.
#ifndef ESTAB_DIFF_DIFF_H
#define ESTAB_DIFF_DIFF_H

#include "estab/estab.h"
#include "estab/wire.h"

#define STORY_STEPS 40
#define STEP_OUTS   16
#define NAME_BYTES  384

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
  bool ts;        // SEGMENT: with timestamps, once they are agreed on
  uint16_t flags; // SEGMENT: enum estab_tcp_flag
  uint32_t seq;   // SEGMENT: from the peer's ISS
  uint32_t ack;   // SEGMENT: from our ISS
  uint32_t bytes; // SEGMENT: of text, octet i of the stream is i's; SEND: octets
  uint16_t window, urgent;
  int32_t ts_delta;    // SEGMENT: TSval from the one the peer's clock shows
  uint32_t sack[2][2]; // SEGMENT: blocks, from our ISS; where SACK is agreed on
  uint8_t sacks;
};

// Settings of stories that wait, the same for both.
enum story_timers {
  TIMERS_RUN = 1u << 0,       // the defaults; a released connection is 1 s in FIN-WAIT-2
  TIMERS_KEEPALIVE = 1u << 1, // after 1 s of silence, each second
  TIMERS_USER = 1u << 2,      // user timeout
};
#define TIMERS_KEEPALIVES 2
#define TIMERS_USER_MS    1500

struct story {
  uint64_t seed;
  bool ip6;
  bool timestamps, sack, scaling; // what the peer's SYN or SYN-ACK offers
  bool letter;                    // estab under the letter's settings: estab_settings_rfc()
  uint8_t wscale;                 // of the peer
  uint8_t timers;                 // 0 = nothing waits; else enum story_timers
  uint16_t mss;                   // 0 = no option
  uint32_t peer_iss;
  unsigned count;
  struct step steps[STORY_STEPS];
};

// A segment that left, as the neutral rules see it.
struct out_segment {
  uint16_t flags;  // PSH apart
  uint16_t window; // field; only whether it is 0 is compared
  uint32_t seq;    // from our ISS
  uint32_t ack;    // from the peer's ISS; 0 without ACK
  uint32_t bytes;  // of text; segments that follow each other are one
  uint16_t mss;    // on a SYN; 0 = none
  uint8_t options; // enum out_options
  uint8_t wscale;
  uint32_t ts_echo; // for scripts
  unsigned sacks;
  uint32_t sack[4][2]; // from the peer's ISS
};

enum out_options {
  OUT_TIMESTAMPS = 1u << 0,
  OUT_SACK_PERMITTED = 1u << 1,
  OUT_SCALE = 1u << 2,
  OUT_WINDOW_ZERO = 1u << 3,
};

// Where a connection stands, in the story's numbers: names of differences and the next step come from it.
struct view {
  int state;     // enum estab_state
  bool released; // by CLOSE: the user's handle is gone
  bool passive;
  bool timestamps;
  uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd;
  uint32_t queued_bytes; // by SEND, and not yet sent
  uint8_t snd_shift;     // what the peer's window fields are multiplied by
  uint32_t top;          // behind the last octet that the peer has sent
  uint32_t wl1;          // highest sequence number that came with an ACK
  bool doubtful;         // the last window came with a lower one, or with one before RCV.NXT
  bool fin;              // it has sent a FIN, whose end is
  uint32_t fin_end;
};

// What one step brought about.
struct outcome {
  struct out_segment outs[STEP_OUTS];
  unsigned out_count;
  int result; // of a call: octets, 0, or enum call_error
  int state;  // enum estab_state where the target's handle can tell, -1 = it cannot
};

// Errors of calls that both name: what a program would do about them.
enum call_error {
  CALL_WOULD_BLOCK = -1,
  CALL_RESET = -2,  // or refused
  CALL_CLOSED = -3, // not connected, or not for writing any more
  CALL_OTHER = -9,
};

struct target {
  void *ctx;
  // A fresh connection's world for a story. false: it cannot be made.
  bool (*begin)(void *ctx, const struct story *story);
  // `wait_ms`: how long an answer may take to come out.
  void (*tell)(void *ctx, const struct step *step, unsigned wait_ms, struct outcome *outcome);
  void (*end)(void *ctx);
  // Where the connection stands; NULL = the target cannot tell.
  void (*look)(void *ctx, struct view *view);
};

// ---- target_estab.c, target_kernel.c
// plant: one of plant.c's, NULL = estab as it is.
bool target_estab_open(struct target *t, const char *plant);
// In a namespace of its own with a TUN device. false: *why says which step failed.
bool target_kernel_open(struct target *t, const char **why);

// Virtual time goes on to `ms` after the story's begin; what leaves meanwhile is told with its time.
void target_estab_until(uint64_t ms, void (*left)(void *ctx, uint64_t ms, const struct outcome *o),
                        void *ctx);

// ---- render.c

#define STORY_MTU    1500
#define STORY_WINDOW 100 // segments that may leave at first

struct ends {
  struct estab_ip peer, us;
  uint16_t peer_port, our_port;
  uint32_t iss, peer_iss;
  bool iss_known;
  bool timestamps;    // we offered or agreed to them
  bool sack;          // the same
  uint32_t ts_recent; // the last TSval that came from us
  uint32_t last_ack;  // what we acknowledged last, absolute
  uint32_t ts_clock;  // the peer's
};

// A connection of the kernel's: many live at a time in stories about timers.
struct kernel_target {
  const struct story *story;
  struct ends ends;
  int listener, conn; // descriptors, -1 = none
};
void kernel_life_begin(struct kernel_target *t, const struct story *story);
void kernel_life_tell(struct kernel_target *t, const struct step *step, struct outcome *outcome);
void kernel_life_accept(struct kernel_target *t);
void kernel_life_end(struct kernel_target *t);
// Whatever left the kernel, of all of them. Answers how many packets.
int kernel_life_drain(void (*packet)(void *ctx, const uint8_t *bytes, size_t n), void *ctx);
int kernel_life_fd(void);

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
  bool ours_closed, peer_fin, over; // calls and segments so far
};
void generator_start(struct generator *g, struct story *story, uint64_t seed);
// The next step, given where estab stands; false: the story is over.
bool generator_next(struct generator *g, const struct view *view, struct step *step);

// ---- compare.c

// NULL: alike. Else how they differ, made of what was told and what was answered, the same for all stories that
// differ for the same reason; lives until the next call.
const char *compare(const struct step *step, const struct view *before, const struct outcome *estab,
                    const struct outcome *kernel);

// ---- explain.c: the list of differences that are understood

#define EXPLAINED_MAX 256

struct explanation {
  char *pattern, *verdict, *rule, *words;
  bool goes_on; // +: both stand where they stood, the story need not end here
  bool seldom;  // ?: not each long run has one
};
extern struct explanation explained[EXPLAINED_MAX];
extern unsigned explained_count;
// < 0: it cannot be read; what is wrong with it ends the program.
int explanations_read(const char *path);
// Index of the first pattern that fits, -1 = none.
int explanation_of(const char *name);

// ---- tell.c: a story and its two hearers

#define TELLING_NOTED 16

struct telling {
  struct story story;
  struct outcome estab[STORY_STEPS], kernel[STORY_STEPS];
  struct view before[STORY_STEPS], after;
  int differs_at;        // first step whose difference ends the story, -1 = none
  int explanation;       // of it
  char name[NAME_BYTES]; // of it
  unsigned noted;        // explained ones on the way, after which the story went on
  int notes[TELLING_NOTED];
};
// Makes the story of t->story.seed up while estab hears it; then the kernel hears it.
void tell_new(struct target *estab, struct target *kernel, struct telling *t, uint64_t seed);
// The story as it stands in t->story.
void tell_again(struct target *estab, struct target *kernel, struct telling *t);
void telling_print(const struct telling *t);

// ---- shrink.c

// Fewer and plainer steps, as long as they end with an unexplained difference of the same two answers. Answers how
// often the story was told for that.
unsigned shrink(struct target *estab, struct target *kernel, struct telling *t);

// ---- script.c

// What was told, with the kernel's answers, as a script for `estab script`. < 0: it cannot be written;
// -ENOTSUP: it has a reset with numbers that the notation does not have.
int script_write(const char *path, const struct telling *t);

// ---- timers.c

// `count` stories in real time, all at once. Answers how many differ without an explanation; *skipped = no device.
unsigned timers_run(unsigned count, bool verbose);

// ---- plant.c: wrong stacks, to see that they are found

struct plant {
  const char *name, *words;
  // What the peer sends before estab hears it, what estab answers before it is judged; either may be NULL.
  void (*hears)(struct step *step, const struct view *view);
  void (*says)(struct outcome *outcome, const struct step *step);
};
extern const struct plant plants[];
const struct plant *plant_of(const char *name);

#endif
