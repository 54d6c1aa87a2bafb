// SPDX-License-Identifier: BSD-2-Clause
// compare.c - two outcomes under the neutral rules, and the name of what differs.
#include <stdio.h>
#include <string.h>

#include "diff.h"

static const char *const kind_names[STEP_KINDS] = {"LISTEN",  "CONNECT",  "SEGMENT", "SEND",
                                                   "RECEIVE", "SHUTDOWN", "CLOSE",   "ABORT"};

// ".+text", "F.", "-"
static void say_outs(const struct outcome *o, char *text, size_t room)
{
  size_t used = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < o->out_count && used < room; i++) {
    char flags[32];
    estab_flags_format(o->outs[i].flags, flags, sizeof flags);
    used +=
        (size_t)snprintf(text + used, room - used, "%s%s%s%s", i > 0 ? "," : "", flags,
                         o->outs[i].bytes > 0 ? "+text" : "", o->outs[i].sacks > 0 ? "+sack" : "");
  }
  if (o->out_count == 0) snprintf(text, room, "-");
}

// The fields of the first pair that differs, when flags and number of segments are the same.
static void say_fields(const struct outcome *a, const struct outcome *b, char *text, size_t room)
{
  size_t used = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < a->out_count && i < b->out_count; i++) {
    const struct out_segment *x = &a->outs[i], *y = &b->outs[i];
    if (x->flags != y->flags) return;
    const struct {
      bool differs;
      const char *name;
    } fields[] = {{x->seq != y->seq, " seq"},
                  {x->ack != y->ack, " ack"},
                  {x->bytes != y->bytes, " length"},
                  {x->mss != y->mss, " mss"},
                  {x->sacks != y->sacks || memcmp(x->sack, y->sack, sizeof x->sack) != 0, " sack"},
                  {((x->options ^ y->options) & OUT_TIMESTAMPS) != 0, " timestamps"},
                  {((x->options ^ y->options) & OUT_SACK_PERMITTED) != 0, " sack-permitted"},
                  {((x->options ^ y->options) & OUT_SCALE) != 0, " scale"},
                  {((x->options ^ y->options) & OUT_WINDOW_ZERO) != 0, " window-zero"}};
    for (size_t k = 0; k < sizeof fields / sizeof *fields && used < room; k++)
      if (fields[k].differs)
        used += (size_t)snprintf(text + used, room - used, "%s", fields[k].name);
    if (used > 0) return;
  }
}

static bool outs_equal(const struct outcome *a, const struct outcome *b)
{
  char fields[128];
  if (a->out_count != b->out_count) return false;
  for (unsigned i = 0; i < a->out_count; i++)
    if (a->outs[i].flags != b->outs[i].flags) return false;
  say_fields(a, b, fields, sizeof fields);
  return fields[0] == '\0';
}

// Where the segment's number stands to the window.
static const char *seq_fact(const struct step *s, const struct view *v)
{
  uint32_t len = s->bytes + ((s->flags & ESTAB_TCP_FIN) != 0) + ((s->flags & ESTAB_TCP_SYN) != 0);
  int32_t from = (int32_t)(s->seq - v->rcv_nxt), end = from + (int32_t)len;
  if (v->state == ESTAB_CLOSED || v->state == ESTAB_LISTEN || v->state == ESTAB_SYN_SENT) return "";
  if (from == 0) return v->rcv_wnd == 0 && len > 0 ? " seq=closed" : " seq=next";
  if (from < 0 && end > 0) return " seq=before";
  if (from == -1 && len == 0) return " seq=below";
  if (from < 0) return " seq=old";
  if ((uint32_t)from >= v->rcv_wnd) return " seq=future";
  return (uint32_t)end <= v->rcv_wnd ? " seq=hole" : " seq=edge";
}

// And its acknowledgment to what was sent.
static const char *ack_fact(const struct step *s, const struct view *v)
{
  if (!(s->flags & ESTAB_TCP_ACK)) return "";
  if (v->state == ESTAB_CLOSED || v->state == ESTAB_LISTEN) return "";
  if (s->ack == v->snd_nxt) return " ack=next";
  if ((int32_t)(s->ack - v->snd_nxt) > 0) return " ack=unsent";
  if (s->ack == v->snd_una) return " ack=una";
  if ((int32_t)(s->ack - v->snd_una) > 0) return " ack=partial";
  return (int32_t)s->ack > 0 ? " ack=old" : " ack=unborn";
}

// What else it brings that explains an answer: a second end of the stream, a window that takes back what it gave,
// octets that wait for a larger one.
static void say_facts(const struct step *s, const struct view *v, char *text, size_t room)
{
  bool fin = s->flags & ESTAB_TCP_FIN, syn = s->flags & ESTAB_TCP_SYN;
  bool ack = s->flags & ESTAB_TCP_ACK && v->state >= ESTAB_SYN_RECEIVED;
  uint32_t end = s->seq + s->bytes + fin + syn;
  bool odd = (v->fin && end != s->seq && (int32_t)(v->top - v->fin_end) > 0) ||
             (fin && ((int32_t)(v->top - end) > 0 || (v->fin && end != v->fin_end))) ||
             (v->fin && end != s->seq && (int32_t)(end - v->fin_end) > 0);
  uint32_t edge = s->ack + ((uint32_t)s->window << v->snd_shift);
  bool shrinks = (ack && (int32_t)(edge - v->snd_nxt) < 0) ||
                 (int32_t)(v->snd_una + v->snd_wnd - v->snd_nxt) < 0;
  bool doubtful = v->doubtful || (ack && (int32_t)(s->seq - v->wl1) < 0);
  bool stamped = v->timestamps && !syn, synchronized = v->state >= ESTAB_ESTABLISHED;
  snprintf(
      text, room, "%s%s%s%s%s%s%s%s", s->bytes > 0 ? " text" : "",
      odd && v->state > ESTAB_SYN_SENT ? " odd-fin" : "", shrinks && synchronized ? " shrinks" : "",
      synchronized && (v->queued_bytes > 0 || doubtful) ? " queued" : "",
      ack && v->snd_wnd == 0 && s->window > 0 && synchronized ? " reopens" : "",
      s->sacks > 0 ? " blocks" : "", v->timestamps && s->ts && s->ts_delta < 0 ? " old-ts" : "",
      stamped && !s->ts ? " no-ts" : "");
}

static void say_step(const struct step *s, const struct view *v, char *text, size_t room)
{
  char flags[32], facts[96];
  if (s->kind != STEP_SEGMENT) {
    uint32_t room_left = v->snd_una + v->snd_wnd - v->snd_nxt;
    bool beyond = (int32_t)room_left < 0 ||
                  v->queued_bytes + (s->kind == STEP_SEND ? s->bytes : 0) > room_left;
    snprintf(text, room, "%s%s%s", kind_names[s->kind],
             beyond && v->state >= ESTAB_ESTABLISHED ? " beyond-window" : "",
             v->doubtful ? " doubtful-window" : "");
    return;
  }
  estab_flags_format(s->flags & (uint16_t)~ESTAB_TCP_PSH, flags, sizeof flags);
  say_facts(s, v, facts, sizeof facts);
  snprintf(text, room, "%s%s%s%s", flags, seq_fact(s, v), ack_fact(s, v), facts);
}

static const char *say_result(int result)
{
  switch (result) {
  case CALL_WOULD_BLOCK: return "would-block";
  case CALL_RESET: return "reset";
  case CALL_CLOSED: return "closed";
  case CALL_OTHER: return "other";
  default: return "octets";
  }
}

const char *compare(const struct step *step, const struct view *before, const struct outcome *estab,
                    const struct outcome *kernel)
{
  static char name[NAME_BYTES];
  char told[192], outs[2][96], fields[128] = "";
  // Of a connection that is over an error is told once there and always here.
  bool result = estab->result != kernel->result && before->state != ESTAB_CLOSED;
  // In TIME-WAIT the kernel's socket is CLOSED already: what stands guard is another thing there.
  bool waits = estab->state == ESTAB_TIME_WAIT && kernel->state == ESTAB_CLOSED;
  bool state = estab->state >= 0 && kernel->state >= 0 && estab->state != kernel->state && !waits;
  bool same_outs = outs_equal(estab, kernel);
  if (same_outs && !result && !state) return NULL;
  say_step(step, before, told, sizeof told);
  say_outs(estab, outs[0], sizeof outs[0]);
  say_outs(kernel, outs[1], sizeof outs[1]);
  if (!same_outs && strcmp(outs[0], outs[1]) == 0) say_fields(estab, kernel, fields, sizeof fields);
  size_t used = (size_t)snprintf(
      name, sizeof name, "%s%s: %s", estab_state_name((enum estab_state)before->state),
      before->released                                         ? " released"
      : before->state == ESTAB_SYN_RECEIVED && before->passive ? " passive"
                                                               : "",
      told);
  if (!same_outs)
    used += (size_t)snprintf(name + used, sizeof name - used, " | estab %s, kernel %s%s%s", outs[0],
                             outs[1], fields[0] ? ", differ in" : "", fields);
  if (result)
    used += (size_t)snprintf(name + used, sizeof name - used, " | result estab %s, kernel %s",
                             say_result(estab->result), say_result(kernel->result));
  if (state)
    snprintf(name + used, sizeof name - used, " | state estab %s, kernel %s",
             estab_state_name((enum estab_state)estab->state),
             estab_state_name((enum estab_state)kernel->state));
  return name;
}
