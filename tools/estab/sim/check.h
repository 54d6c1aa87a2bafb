// SPDX-License-Identifier: BSD-2-Clause
// check.h - the invariant checker: sees frames, events, streams and numbers, and believes none of them.
#ifndef ESTAB_SIM_CHECK_H
#define ESTAB_SIM_CHECK_H

#include "estab/estab.h"

enum invariant {
  INVARIANT_NONE,
#define INVARIANT(name, english) INVARIANT_##name,
#include "invariants.def"
#undef INVARIANT
  INVARIANTS
};

// More segments than this without an octet of progress are a storm.
#define CHECK_STORM 20000u

const char *invariant_name(enum invariant invariant);
const char *invariant_text(enum invariant invariant);

// One side's facts. "Sent" is what it put on the wire, "heard" what the wire brought to it.
struct check_side {
  enum estab_state state;
  uint64_t event_ns, time_wait_ns, time_wait_again_ns;
  bool syn_sent, syn_heard, fin_sent;
  uint32_t iss, irs;
  uint32_t snd_max; // one past the highest sequence number sent
  uint32_t fin_end; // one past the FIN
  bool fin_counts;  // fin_end is of this ISS
  bool anew;        // it had another ISS before
  uint8_t scale_offered, scale_heard;
  bool scales, scale_in_syn, scale_in_heard;
  uint32_t edge_heard; // highest ACK + window that reached it: it may send up to here
  bool edge_known;
  uint32_t edge_sent; // highest ACK + window that it offered
  bool offered;
  uint32_t ack_sent; // highest ACK that it sent
  bool acked;
  uint64_t written, read; // octets, by the application
  bool end_told, released;
  bool numbers_known;
  uint64_t una_ns; // when SND.UNA moved last
  uint32_t una, nxt, rcv_nxt;
  uint64_t segments, segments_at_progress;
};

struct check {
  enum invariant broken; // the first one; INVARIANT_NONE = all hold
  unsigned side;
  uint64_t when_ns;
  char text[200];
  uint64_t seed, msl_ns, user_timeout_ns;
  bool may_reset;      // somebody aborted
  bool shrink_allowed; // the receive buffer was made smaller
  uint64_t progress_ns, now_ns;
  struct check_side sides[2];
};

void check_start(struct check *c, uint64_t seed, uint64_t now_ns, uint64_t msl_ns,
                 uint64_t user_timeout_ns);
void check_fails(struct check *c, unsigned side, enum invariant broken, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void check_event(struct check *c, unsigned side, const struct estab_trace *event);
void check_sent(struct check *c, unsigned side, const uint8_t *bytes, size_t count);
void check_heard(struct check *c, unsigned side, const uint8_t *bytes, size_t count);
void check_written(struct check *c, unsigned side, size_t count);
void check_read(struct check *c, unsigned side, const uint8_t *bytes, size_t count);
void check_end(struct check *c, unsigned side);
void check_info(struct check *c, unsigned side, const struct estab_conn_info *info);
void check_handle(struct check *c, unsigned side, uint64_t conn);
void check_memory(struct check *c, unsigned side, uint64_t bytes, uint64_t bytes_before);
// Called after every step of time.
void check_time(struct check *c, uint64_t now_ns);

#endif
