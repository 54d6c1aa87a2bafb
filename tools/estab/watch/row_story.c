// SPDX-License-Identifier: BSD-2-Clause
// row_story.c - a connection's life in a few words.
#include "row_story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "estab/wire.h"
#include "phrase.h"
#include "row_json.h"

static bool is_open(uint8_t state)
{
  return state == ESTAB_ESTABLISHED;
}

static bool is_closed(uint8_t state)
{
  return state == ESTAB_CLOSED || state == ESTAB_TIME_WAIT;
}

// Nobody closed it, or it is not known who.
static const char *unended(const struct estab_watch_conn *c)
{
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  bool unbelieved = (o->flags | r->flags) & ESTAB_TCP_RST;
  const bool attempt = o->state == ESTAB_SYN_SENT && !r->sent;
  if (c->next_by == ESTAB_WATCH_BY_RESP || (c->next_by == ESTAB_WATCH_BY_ORIG && !attempt))
    return "goes on in a later row";
  if (attempt) return unbelieved ? "no answer, RST of orig" : "no answer";
  if (o->state == ESTAB_SYN_SENT) return "not opened";
  if (o->state == ESTAB_SYN_RECEIVED || r->state == ESTAB_SYN_RECEIVED)
    return o->sent ? "half-open at the end" : "only the answer seen";
  if (is_open(o->state) || is_open(r->state))
    return unbelieved ? "open at the end, RST not believed" : "open at the end";
  return "not known";
}

// What no TCP begins a connection with.
static bool is_probe(const struct estab_watch_conn *c)
{
  return c->side[0].sent &&
         !(c->side[0].first_flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_RST));
}

void row_story_end(const struct estab_watch_conn *c, char text[ROW_STORY_BYTES])
{
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  if (is_probe(c)) {
    snprintf(text, ROW_STORY_BYTES, "%s",
             r->flags & ESTAB_TCP_RST ? "answered by RST"
             : r->sent                ? "answered"
                                      : "no answer");
    return;
  }
  if (c->closed_by == ESTAB_WATCH_BY_NONE || c->closed_by == ESTAB_WATCH_BY_UNKNOWN) {
    snprintf(text, ROW_STORY_BYTES, "%s", unended(c));
    return;
  }
  if (c->closed_by == ESTAB_WATCH_BY_BOTH) {
    snprintf(text, ROW_STORY_BYTES, "closed by both at once");
    return;
  }
  unsigned closer = c->closed_by == ESTAB_WATCH_BY_ORIG ? 0 : 1;
  const struct estab_watch_side_record *who = &c->side[closer], *other = &c->side[1 - closer];
  const char *rst_by = NULL;
  if ((other->flags & ESTAB_TCP_RST) && is_closed(o->state) && is_closed(r->state))
    rst_by = row_who(closer ? ESTAB_WATCH_BY_ORIG : ESTAB_WATCH_BY_RESP);
  bool at_once = closer == 1 && (r->first_flags & ESTAB_TCP_RST);
  if (at_once && o->sent)
    snprintf(text, ROW_STORY_BYTES, "%s",
             o->first_flags & ESTAB_TCP_SYN ? "refused" : "answered by RST");
  else if (!(who->flags & ESTAB_TCP_FIN))
    snprintf(text, ROW_STORY_BYTES, "reset by %s", row_who(c->closed_by));
  else if (rst_by != NULL)
    snprintf(text, ROW_STORY_BYTES, "closed by %s, reset by %s", row_who(c->closed_by), rst_by);
  else if (who->flags & ESTAB_TCP_RST)
    snprintf(text, ROW_STORY_BYTES, "closed and reset by %s", row_who(c->closed_by));
  else if (!(other->flags & ESTAB_TCP_FIN))
    snprintf(text, ROW_STORY_BYTES, "half closed by %s", row_who(c->closed_by));
  else if (is_closed(o->state) && is_closed(r->state))
    snprintf(text, ROW_STORY_BYTES, "closed by %s", row_who(c->closed_by));
  else
    snprintf(text, ROW_STORY_BYTES, "closing, begun by %s", row_who(c->closed_by));
}

#define NOTE_WAIT_NS UINT64_C(500000000) // shorter waits are nobody's question

// The next note stands behind a comma.
static struct phrase *next(struct phrase *notes)
{
  if (notes->used) phrase_add(notes, ", ");
  return notes;
}

void row_story_notes(const struct estab_watch_conn *c, char text[ROW_STORY_BYTES])
{
  struct phrase n = phrase_in(text, ROW_STORY_BYTES);
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  uint64_t again = o->retransmitted_pkts + r->retransmitted_pkts;
  uint64_t late = o->reordered_pkts + r->reordered_pkts;
  uint64_t shut = o->zero_windows + r->zero_windows;
  const bool nothing = (o->flags | r->flags) == 0 && o->pkts + r->pkts == 0;
  if (memcmp(c->uid.bytes, c->life.bytes, sizeof c->uid.bytes) != 0)
    phrase_add(next(&n), "goes on from an earlier row");
  else if (is_probe(c)) {
    char flags[16];
    estab_flags_format(o->first_flags, flags, sizeof flags);
    phrase_add(next(&n), "begins with %s, no TCP does that", o->first_flags ? flags : "no flag");
  } else if (c->opened_by_basis != ESTAB_WATCH_BASIS_SYN)
    phrase_add(next(&n), nothing ? "no segment with a right checksum" : "begun before the capture");
  if (o->pkts + r->pkts == 0 && strpbrk(c->history, "Cc") != NULL)
    phrase_add(next(&n), "checksums that Zeek does not take");
  if (c->opened_by == ESTAB_WATCH_BY_BOTH) phrase_add(next(&n), "opened by both at once");
  if (again > 0) phrase_add(next(&n), "%" PRIu64 " sent again", again);
  if (late > 0) phrase_add(next(&n), "%" PRIu64 " out of order", late);
  if (shut > 0)
    phrase_add(next(&n), "%" PRIu64 " zero window%s for %.1f s", shut, shut == 1 ? "" : "s",
               (double)(o->zero_window_ns + r->zero_window_ns) / 1e9);
  if (c->limited_receiver_window_ns > NOTE_WAIT_NS)
    phrase_add(next(&n), "%.1f s waiting for window", (double)c->limited_receiver_window_ns / 1e9);
  if (c->limited_loss_ns > NOTE_WAIT_NS)
    phrase_add(next(&n), "%.1f s repairing loss", (double)c->limited_loss_ns / 1e9);
  if (c->missed_bytes > 0) phrase_add(next(&n), "%" PRIu64 " octets not captured", c->missed_bytes);
  if (c->tunnel != ESTAB_WATCH_TUNNEL_NONE)
    phrase_add(next(&n), "in %s %" PRIu32,
               estab_watch_tunnel_name((enum estab_watch_tunnel)c->tunnel), c->tunnel_id);
  const unsigned vlan = c->vlan[0] != 0 ? c->vlan[0] : c->vlan[1]; // 0 gives a priority alone
  if (vlan != 0) phrase_add(next(&n), "VLAN %u", vlan);
  if (c->vlan[0] != 0 && c->vlan[1] != 0) phrase_add(&n, ".%u", c->vlan[1]);
  if (c->evicted) phrase_add(next(&n), "shed for memory");
  if (c->capture_loss) phrase_add(next(&n), "capture lost packets");
  if (!c->final) phrase_add(next(&n), "more may come");
}

void row_story_pace(const struct estab_watch_conn *c, char text[ROW_STORY_BYTES])
{
  const struct {
    uint64_t ns;
    const char *what;
  } times[] = {{c->rtt_handshake_ns, "in the handshake"},
               {c->rtt_min_ns, "least"},
               {c->rtt_median_ns, "median"}},
    limits[] = {{c->limited_receiver_window_ns, "the receiver's window"},
                {c->limited_sender_or_path_ns, "sender or path"},
                {c->limited_loss_ns, "loss"},
                {c->limited_idle_ns, "nothing to send"}};
  struct phrase n = phrase_in(text, ROW_STORY_BYTES);
  for (unsigned i = 0; i < 3; i++)
    if (times[i].ns != ESTAB_WATCH_TIME_NONE) {
      const char *before = n.used == 0 ? "round trip " : "";
      phrase_add(next(&n), "%s%.3f ms %s", before, (double)times[i].ns / 1e6, times[i].what);
    }
  bool first = true;
  for (unsigned i = 0; i < 4; i++) {
    if (limits[i].ns == 0) continue;
    phrase_add(next(&n), "%s%s %.3f s", first ? "limited by " : "", limits[i].what,
               (double)limits[i].ns / 1e9);
    first = false;
  }
}
