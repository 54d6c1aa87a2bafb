// SPDX-License-Identifier: BSD-2-Clause
// zeek_row.c - when Zeek's row ends, and what it is called.
#include "watch/zeek.h"

#include "base/bytes.h"
#include "watch/history.h"

static uint64_t zeek_row_ns(struct track *t, struct flow *f)
{
  const struct flow_closing *c = f->bits & FLOW_CONTINUES ? track_has_closing(t, f) : NULL;
  return c ? c->row_ns : f->life_ns;
}

uint64_t zeek_deadline(struct track *t, struct flow *f)
{
  unsigned o = flow_orig((struct flow_head *)f);
  const struct flow_side *orig = &f->side[o], *resp = &f->side[1 - o];
  struct flow_closing *c = track_has_closing(t, f);
  if (c && c->z_delete_ns != ESTAB_NEVER) return c->z_delete_ns;
  uint64_t row = zeek_row_ns(t, f), last = zeek_last_ns(c, f);
  if ((orig->z == ZEEK_SYN_SENT || orig->z == ZEEK_SYN_ACK_SENT) && resp->z == ZEEK_INACTIVE &&
      last <= row + ZEEK_ATTEMPT_NS)
    return row + ZEEK_ATTEMPT_NS;
  uint64_t idle = last + f->inactivity * UINT64_C(60) * FLOW_SECOND_NS;
  bool any = (orig->z_bits | resp->z_bits) & ZEEK_DID_CLOSE;
  bool both = (orig->z_bits & resp->z_bits) & ZEEK_DID_CLOSE;
  bool reset = orig->z == ZEEK_RESET || resp->z == ZEEK_RESET;
  bool inactive = orig->z == ZEEK_INACTIVE || resp->z == ZEEK_INACTIVE;
  if ((any && (both || reset || inactive)) ||
      (orig->z == ZEEK_INACTIVE && resp->z == ZEEK_INACTIVE)) {
    // The first tick of a timer that began with the row and finds five idle seconds.
    uint64_t tick = row + ZEEK_ATTEMPT_NS, need = last + ZEEK_ATTEMPT_NS;
    if (tick <= need) tick += ((need - tick) / ZEEK_SESSION_NS + 1) * ZEEK_SESSION_NS;
    return u64_min(tick, idle);
  }
  return idle;
}

enum flow_class zeek_class_of_first(uint16_t flags, uint8_t bits, bool flipped)
{
  if (bits & (SEGMENT_BAD | SEGMENT_OFFLOADED)) return FLOW_ONE_BAD;
  if (flags & (ESTAB_TCP_FIN | ESTAB_TCP_RST)) return FLOW_ONE_SHORT;
  return (flags & ESTAB_TCP_SYN) && !flipped ? FLOW_ONE_SHORT : FLOW_ONE_LONG;
}

uint64_t zeek_class_ns(enum flow_class class)
{
  if (class == FLOW_ONE_SHORT) return ZEEK_ATTEMPT_NS;
  if (class == FLOW_ONE_BAD) return ZEEK_ATTEMPT_NS + ZEEK_SESSION_NS;
  return ZEEK_INACTIVITY_MINUTES * UINT64_C(60) * FLOW_SECOND_NS;
}

// "S", perhaps behind "^", then none of HAFGIQ before an R.
static bool zeek_history_is_s_r(struct track *t, struct flow *f)
{
  unsigned i = 0, n = f->history_count;
  if (n && history_at(t, f, 0) == '^') i++;
  if (i >= n || history_at(t, f, i) != 'S') return false;
  for (i++; i < n; i++) {
    char c = history_at(t, f, i);
    if (c == 'R') return true;
    if (c == 'H' || c == 'A' || c == 'F' || c == 'G' || c == 'I' || c == 'Q') return false;
  }
  return false;
}

const char *zeek_conn_state(struct track *t, struct flow *f)
{
  // By the originator's state and the responder's, which stand in the order of enum zeek_state.
  static const char states[ZEEK_RESET + 1][ZEEK_RESET + 1][6] = {
      {"OTH", "OTH", "OTH", "OTH", "OTH", "SHR", "RSTRH"}, // INACTIVE
      {"S0", "OTH", "OTH", "OTH", "OTH", "S3", "REJ"},     // SYN_SENT
      {"OTH", "OTH", "OTH", "OTH", "OTH", "S3", "REJ"},    // SYN_ACK_SENT
      {"OTH", "OTH", "OTH", "OTH", "OTH", "SHR", "RSTRH"}, // PARTIAL
      {"OTH", "OTH", "OTH", "OTH", "S1", "S3", "RSTR"},    // ESTABLISHED
      {"SH", "S2", "S2", "SH", "S2", "SF", "RSTR"},        // CLOSED
      {"OTH", "RSTO", "RSTO", "OTH", "RSTO", "RSTO", "RSTR"},
  };
  const unsigned end = flow_orig((struct flow_head *)f);
  const unsigned o = f->side[end].z, r = f->side[1 - end].z;
  if (o == ZEEK_RESET) { // what it had said by then decides, too
    if (r == ZEEK_RESET && zeek_bytes(f, 0) == 0 && zeek_bytes(f, 1) == 0) return "REJ";
    if ((r == ZEEK_INACTIVE || r == ZEEK_PARTIAL) && zeek_history_is_s_r(t, f)) return "RSTOS0";
  }
  return states[o][r];
}
