// SPDX-License-Identifier: BSD-2-Clause
// run.h - one run of one script over one IP version.
#ifndef ESTAB_SCRIPT_RUN_H
#define ESTAB_SCRIPT_RUN_H

#include "flow.h"
#include "host.h"
#include "script.h"
#include "sockets.h"

#include <string.h>

enum verdict {
  VERDICT_PASS,
  VERDICT_FAIL,
  VERDICT_UNSUPPORTED, // the script needs what estab or this runner does not have
  VERDICT_ERROR,       // the script is wrong
};

struct run_options {
  const char *profile; // NULL = what the script asks for
  bool strict;         // compare what the neutral rules forgive, too
  bool verbose;
  uint64_t fail_at;      // the allocation that is to fail, 0 = none
  uint64_t start_ns;     // 0 = any
  struct ladder *ladder; // NULL, or what draws the run
};

#define RUN_FLOWS     32
#define RUN_PENDING   8
#define RUN_VARIABLES 16
#define RUN_COOKIES   4

// A call between its start and its end.
struct pending {
  bool used, started;
  const struct event *event;
  const struct call *call;
  uint64_t end_ns;    // when it should finish
  uint64_t giveup_ns; // when it stops waiting by itself, ESTAB_NEVER = it does not
  uint8_t *bytes;     // what it reads or writes
  size_t count, done;
  struct outcome outcome;
  char option_got[64]; // getsockopt: what it read, "" = not compared
};

// A Fast Open cookie that has a name in a script: what the host gave when it was first said.
struct named_cookie {
  const char *name;
  uint8_t bytes[8];
};

struct log {
  char *text;
  size_t length, room;
};

struct run {
  const struct script *script;
  const struct run_options *options;
  struct host host;
  struct estab_settings settings; // host.settings when the stack was made
  struct sockets sockets;
  struct flow flows[RUN_FLOWS];
  unsigned flow_count;
  int flow_now;         // the one inbound packets belong to, -1 = none
  bool listen_is_fresh; // listen() since the last inbound SYN that opened a flow
  uint16_t next_port;   // the far side's next ephemeral port
  char profile[16];
  bool profile_given;
  bool profile_said; // by the script
  bool mtu_given;
  uint64_t tolerance_ns;
  uint64_t begin_ns, last_ns; // script time 0, the previous event
  struct pending pending[RUN_PENDING];
  const struct event *event; // the one that runs
  unsigned tidy_from;        // number of the event from which on the script only tidies up
  enum verdict verdict;
  unsigned line;
  char reason[512];
  char expected[320], got[640];
  struct log log; // both directions so far
  // What code has set with name = value.
  unsigned variable_count;
  struct {
    char name[32];
    int64_t value;
  } variables[RUN_VARIABLES];
  unsigned cookie_count;
  struct named_cookie cookies[RUN_COOKIES];
  // How long the connection under test had something to send, and how long only the peer's window held it back.
  struct {
    uint64_t since_ns, busy_ns, rwnd_ns;
    bool busy, rwnd;
  } busy;
  uint64_t memory_peak_bytes;
};

// Runs the whole script. The caller reads verdict, line, reason, expected, got and log, then calls
// run_end().
void run_script(struct run *run, const struct script *script, bool ip6,
                const struct run_options *options);
// Plays it once more to the same stack, after everything was closed and had time to end: what failed
// before must not show. Does nothing if there is no stack.
void run_replay(struct run *run);
void run_end(struct run *run);

// The first verdict other than pass stays.
void run_stop(struct run *run, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_line(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Makes the stack if there is none yet; false when that failed.
bool run_need_stack(struct run *run);

// wire_in.c
void wire_deliver(struct run *run, const struct packet_spec *p);
// wire_out.c: is this packet what p says (of which `done` octets were seen before)? *text = octets
// it carries. false with run->reason.
bool wire_matches(struct run *run, const struct packet_spec *p, const struct sent *sent,
                  uint32_t done, uint32_t *text);
void wire_log(struct run *run, const struct estab_packet *packet, uint64_t ns, char mark);
// What a packet looks like in the script's numbers.
void wire_format(struct run *run, const struct estab_packet *packet, char *text, size_t text_bytes);
// The flow of a packet that the host sent (or got, if inbound); NULL = none.
struct flow *wire_flow(struct run *run, const struct estab_packet *packet, bool inbound);

// calls.c: begins a call.
void call_begin(struct run *run, const struct event *event, const struct call *call,
                uint64_t end_ns);
// Tries pending calls again; true if one finished.
bool calls_retry(struct run *run);

// calls_*.c: one call each.
typedef enum step call_function(struct run *run, struct pending *pending, struct outcome *out);
call_function call_getsockopt, call_setsockopt, call_fcntl, call_ioctl;
call_function call_poll, call_epoll_create, call_epoll_ctl, call_epoll_wait;

// Arguments.
const struct value *call_argument(const struct call *call, unsigned n);
int64_t value_number(const struct value *v, int64_t otherwise);
bool value_is(const struct value *v, const char *word);  // the word alone
bool value_has(const struct value *v, const char *word); // alone or joined by |
const struct value *value_member(const struct value *v, const char *name);
// True if v is one of, or joined from, the words of a list that ends with NULL (or a number).
bool value_known(const struct value *v, const char *const *words);
enum step call_not_here(struct outcome *out, const char *what);
// Names of one error, as far as estab tells them apart.
bool call_same_error(const char *a, const char *b);

static inline bool run_counts_from_syn(const struct run *run)
{
  return strcmp(run->profile, "linux") == 0;
}
void call_note_flow(struct run *run, const struct sock *sock);

// fast_open.c: TCP_FASTOPEN and TCP_FASTOPEN_CONNECT; connect() that waits for what there is to write, and that write.
enum step fast_open_option(struct run *run, struct sock *sock, bool connect, int64_t number,
                           struct outcome *out);
bool fast_open_connect_waits(struct run *run, struct sock *sock);
// said: MSG_FASTOPEN is among the flags.
bool fast_open_wanted(const struct run *run, const struct sock *sock, bool said);
// What there is to write; done goes up.
struct fast_open_text {
  const uint8_t *bytes;
  size_t count, done;
  bool started; // a later try
};
enum step fast_open_write(struct run *run, struct sock *sock, struct fast_open_text *text,
                          struct outcome *out);
// What was learned of the far side is no more.
void fast_open_forget(const struct run *run);
bool fast_open_cookie_matches(struct run *run, const struct packet_spec *p,
                              const struct estab_tcp_options *got);

// fast_open_keys.c: one key of 16 octets, or two: the second is good as well.
enum step fast_open_key_option(struct run *run, struct sock *sock, const uint8_t *bytes,
                               size_t count, struct outcome *out);
// The octets of a string of the script; how many there are, at most room.
size_t fast_open_key_read(const char *text, uint8_t *bytes, size_t room);
int fast_open_key_knob(struct run *run, const char *text); // 0, or -1: it is none
void fast_open_named_cookie(struct run *run, const char *name, uint8_t cookie[8]);

// command.c: a `command` of the script.
void command_run(struct run *run, const char *text);
// knobs.c: sets a value by the name of a sysctl. -1 unknown, 0 nothing changed, 1 changed.
int knob_set(struct run *run, const char *name, const char *value);
// How long a SYN is repeated that is sent `tries` times more.
uint64_t knobs_tries_ns(const struct estab_settings *settings, uint64_t tries);
bool knobs_known(const char *profile);
bool knobs_profile(struct run *run, const char *name);
// asserts.c: the code of %{ }%.
void asserts_run(struct run *run, const char *code);

#endif
