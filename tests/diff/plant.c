// SPDX-License-Identifier: BSD-2-Clause
// plant.c - wrong stacks: estab hears other segments than the peer sent, or its answers are changed. All must be found.
#include <string.h>

#include "diff.h"

// ---------------------------------------------------------------------------------------------
// What estab hears

static void hears_any_rst(struct step *s, const struct view *v)
{
  if (s->flags & ESTAB_TCP_RST && s->seq - v->rcv_nxt < v->rcv_wnd) s->seq = v->rcv_nxt;
}

static void hears_no_paws(struct step *s, const struct view *v)
{
  (void)v;
  if (s->ts_delta < 0) s->ts_delta = 0;
}

static void hears_unsent_ack(struct step *s, const struct view *v)
{
  if (s->flags & ESTAB_TCP_ACK && (int32_t)(s->ack - v->snd_nxt) > 0) s->ack = v->snd_nxt;
}

static void hears_no_syn(struct step *s, const struct view *v)
{
  if (v->state >= ESTAB_ESTABLISHED) s->flags &= (uint16_t)~ESTAB_TCP_SYN;
}

static void hears_no_ack_bit(struct step *s, const struct view *v)
{
  if (v->state != ESTAB_ESTABLISHED || s->flags & (ESTAB_TCP_ACK | ESTAB_TCP_RST)) return;
  s->flags |= ESTAB_TCP_ACK;
  s->ack = v->snd_nxt;
}

static void hears_fin_early(struct step *s, const struct view *v)
{
  if (s->flags & ESTAB_TCP_FIN && s->bytes == 0 && s->seq - v->rcv_nxt < v->rcv_wnd)
    s->seq = v->rcv_nxt;
}

static void hears_urgent_less(struct step *s, const struct view *v)
{
  (void)v;
  if (s->flags & ESTAB_TCP_URG && s->bytes > 0)
    s->bytes--; // takes the urgent octet out of the text
}

static void hears_window_unscaled(struct step *s, const struct view *v)
{
  if (v->state >= ESTAB_ESTABLISHED && !(s->flags & ESTAB_TCP_SYN)) s->window >>= 7;
}

static void hears_closed_window_open(struct step *s, const struct view *v)
{
  (void)v;
  if (s->window == 0) s->window = 60000;
}

static void hears_old_text_as_new(struct step *s, const struct view *v)
{
  if (s->bytes > 0 && (int32_t)(s->seq - v->rcv_nxt) < 0 &&
      (int32_t)(s->seq + s->bytes - v->rcv_nxt) > 0)
    s->seq = v->rcv_nxt;
}

// ---------------------------------------------------------------------------------------------
// What it answers

static void says_no_sack(struct outcome *o, const struct step *s)
{
  (void)s;
  for (unsigned i = 0; i < o->out_count; i++)
    o->outs[i].sacks = 0;
}

static void says_sack_late(struct outcome *o, const struct step *s)
{
  (void)s;
  for (unsigned i = 0; i < o->out_count; i++)
    if (o->outs[i].sacks > 0) o->outs[i].sack[0][1]++;
}

static void says_ack_of_more(struct outcome *o, const struct step *s)
{
  if (s->kind != STEP_SEGMENT || s->bytes != 536) return;
  for (unsigned i = 0; i < o->out_count; i++)
    o->outs[i].ack++;
}

static void says_nothing(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_SEGMENT && s->flags & ESTAB_TCP_RST) o->out_count = 0; // no challenge
}

static void says_nothing_to_syn(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_SEGMENT && s->flags == ESTAB_TCP_SYN && o->state >= ESTAB_ESTABLISHED)
    o->out_count = 0;
}

static void says_nothing_to_old(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_SEGMENT && s->flags == ESTAB_TCP_ACK && s->bytes == 0) o->out_count = 0;
}

static void says_reset_from_zero(struct outcome *o, const struct step *s)
{
  (void)s;
  for (unsigned i = 0; i < o->out_count; i++)
    if (o->outs[i].flags & ESTAB_TCP_RST) o->outs[i].seq = 0;
}

static void says_timestamps_never(struct outcome *o, const struct step *s)
{
  (void)s;
  for (unsigned i = 0; i < o->out_count; i++)
    if (!(o->outs[i].flags & ESTAB_TCP_SYN)) o->outs[i].options &= (uint8_t)~OUT_TIMESTAMPS;
}

static void says_fin_twice(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_SHUTDOWN && o->out_count == 1) o->outs[o->out_count++] = o->outs[0];
}

static void says_text_short(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_SEND && o->out_count > 0 && o->outs[0].bytes > 1000) o->outs[0].bytes--;
}

static void says_mss_wrong(struct outcome *o, const struct step *s)
{
  (void)s;
  for (unsigned i = 0; i < o->out_count; i++)
    if (o->outs[i].mss > 0) o->outs[i].mss -= 12; // options taken off, RFC 6691
}

static void says_read_all(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_RECEIVE && o->result == CALL_WOULD_BLOCK)
    o->result = 0; // an end that is none
}

static void says_window_zero(struct outcome *o, const struct step *s)
{
  if (s->kind == STEP_SEGMENT && s->bytes >= 1400)
    for (unsigned i = 0; i < o->out_count; i++)
      o->outs[i].options |= OUT_WINDOW_ZERO;
}

const struct plant plants[] = {
    {"any-rst", "a RST anywhere in the window resets", hears_any_rst, NULL},
    {"no-paws", "old timestamps are taken", hears_no_paws, NULL},
    {"unsent-ack", "an ACK of what was never sent is taken", hears_unsent_ack, NULL},
    {"no-syn", "a SYN in a synchronized state is overlooked", hears_no_syn, NULL},
    {"no-ack-bit", "a segment without ACK is taken", hears_no_ack_bit, NULL},
    {"early-fin", "a FIN ahead of a hole is taken", hears_fin_early, NULL},
    {"urgent-out", "the urgent octet is taken out of the stream", hears_urgent_less, NULL},
    {"no-scale", "the peer's windows are not scaled", hears_window_unscaled, NULL},
    {"no-zero", "a closed window is taken for an open one", hears_closed_window_open, NULL},
    {"no-trim", "octets received before are taken again", hears_old_text_as_new, NULL},
    {"no-sack", "no SACK blocks", NULL, says_no_sack},
    {"sack-late", "a SACK block one octet too long", NULL, says_sack_late},
    {"ack-more", "an ACK of an octet that did not come", NULL, says_ack_of_more},
    {"no-challenge", "no answer to a RST beside RCV.NXT", NULL, says_nothing},
    {"no-syn-challenge", "no answer to a SYN in a synchronized state", NULL, says_nothing_to_syn},
    {"no-answer", "no answer to an unacceptable ACK", NULL, says_nothing_to_old},
    {"reset-zero", "each reset has the sequence number 0", NULL, says_reset_from_zero},
    {"no-timestamps", "timestamps on SYNs only", NULL, says_timestamps_never},
    {"two-fins", "the FIN is sent twice", NULL, says_fin_twice},
    {"short-text", "an octet of text stays behind", NULL, says_text_short},
    {"mss", "the MSS option without the options' length", NULL, says_mss_wrong},
    {"false-end", "RECEIVE says end where there is none", NULL, says_read_all},
    {"window-zero", "a closed window without need", NULL, says_window_zero},
    {NULL, NULL, NULL, NULL},
};

const struct plant *plant_of(const char *name)
{
  for (const struct plant *p = plants; p->name != NULL; p++)
    if (strcmp(p->name, name) == 0) return p;
  return NULL;
}
