// SPDX-License-Identifier: BSD-2-Clause
// compare.c - two outcomes under the neutral rules, and the name of what differs.
#include <stdio.h>
#include <string.h>

#include "diff.h"

static const char *const place_names[PLACES] = {"",        "next", "old",  "before",
                                                "partial", "hole", "edge", "future"};
static const char *const kind_names[STEP_KINDS] = {"LISTEN",  "CONNECT",  "SEGMENT", "SEND",
                                                   "RECEIVE", "SHUTDOWN", "CLOSE",   "ABORT"};

// "A(text)", "FA", "-"
static void say_outs(const struct outcome *o, char *text, size_t room)
{
  size_t used = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < o->out_count && used < room; i++) {
    char flags[32];
    estab_flags_format(o->outs[i].flags, flags, sizeof flags);
    used += (size_t)snprintf(text + used, room - used, "%s%s%s%s", i > 0 ? "," : "", flags,
                             o->outs[i].bytes > 0 ? "(text)" : "",
                             o->outs[i].sacks > 0 ? "(sack)" : "");
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

static void say_step(const struct step *s, char *text, size_t room)
{
  if (s->kind != STEP_SEGMENT) {
    snprintf(text, room, "%s", kind_names[s->kind]);
    return;
  }
  char flags[32];
  estab_flags_format(s->flags & (uint16_t)~ESTAB_TCP_PSH, flags, sizeof flags);
  snprintf(text, room, "%s seq=%s%s%s%s%s%s", flags, place_names[s->seq_place],
           s->ack_place != PLACE_NONE ? " ack=" : "", place_names[s->ack_place],
           s->bytes > 0 ? " text" : "", s->ts_delta < 0 ? " old-ts" : "", s->ts ? "" : " no-ts");
}

const char *compare(const struct step *step, int state_before, const struct outcome *estab,
                    const struct outcome *kernel)
{
  static char name[512];
  char told[128], outs[2][128], fields[128] = "";
  // Of a connection that is over an error is told once there and always here.
  bool result = estab->result != kernel->result && state_before != ESTAB_CLOSED;
  // In TIME-WAIT the kernel's socket is CLOSED already: what stands guard is another thing there.
  bool waits = estab->state == ESTAB_TIME_WAIT && kernel->state == ESTAB_CLOSED;
  bool state = estab->state >= 0 && kernel->state >= 0 && estab->state != kernel->state && !waits;
  bool same_outs = outs_equal(estab, kernel);
  if (same_outs && !result && !state) return NULL;
  say_step(step, told, sizeof told);
  say_outs(estab, outs[0], sizeof outs[0]);
  say_outs(kernel, outs[1], sizeof outs[1]);
  if (!same_outs && strcmp(outs[0], outs[1]) == 0) say_fields(estab, kernel, fields, sizeof fields);
  size_t used = (size_t)snprintf(
      name, sizeof name, "%s: %s",
      state_before >= 0 ? estab_state_name((enum estab_state)state_before) : "none", told);
  if (!same_outs)
    used += (size_t)snprintf(name + used, sizeof name - used, " | estab %s, kernel %s%s%s", outs[0],
                             outs[1], fields[0] ? ", differ in" : "", fields);
  if (same_outs && result)
    used += (size_t)snprintf(name + used, sizeof name - used, " | result estab %s, kernel %s",
                             estab->result >= 0    ? "octets"
                             : estab->result == -1 ? "would-block"
                             : estab->result == -2 ? "reset"
                             : estab->result == -3 ? "closed"
                                                   : "other",
                             kernel->result >= 0    ? "octets"
                             : kernel->result == -1 ? "would-block"
                             : kernel->result == -2 ? "reset"
                             : kernel->result == -3 ? "closed"
                                                    : "other");
  if (same_outs && state)
    snprintf(name + used, sizeof name - used, " | state estab %s, kernel %s",
             estab_state_name((enum estab_state)estab->state),
             estab_state_name((enum estab_state)kernel->state));
  return name;
}
