// SPDX-License-Identifier: BSD-2-Clause
// scan_kit.c - lives told to the detectors in one line each.
#include "support/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "estab/driver.h"

#define KIT_MS UINT64_C(1000000)
#define KIT_S  UINT64_C(1000000000)

struct scan_kit_waiting {
  uint64_t at_ns;
  struct observation o;
};

void scan_kit_start(struct scan_kit *k)
{
  memset(k, 0, sizeof *k);
  estab_watch_settings_default(&k->settings);
  k->start_ns = UINT64_C(1760000000) * KIT_S;
  mem_init(&k->mem, estab_system_mem());
}

void scan_kit_open(struct scan_kit *k)
{
  if (k->scan) return;
  k->scan = scan_new(&k->mem, &k->settings);
  if (!k->scan) abort();
}

void scan_kit_stop(struct scan_kit *k)
{
  scan_free(k->scan);
  free(k->waiting);
  if (k->mem.in_use_bytes) {
    fprintf(stderr, "%llu bytes are not given back\n", (unsigned long long)k->mem.in_use_bytes);
    abort();
  }
}

static void kit_digest(struct scan_kit *k, const void *bytes, size_t n)
{
  uint64_t key[2] = {k->digest, 1};
  k->digest = siphash13(key, bytes, n);
}

static void kit_take(struct scan_kit *k, const struct estab_watch_alert *a)
{
  struct scan_kit_alert *to = NULL;
  for (unsigned i = 0; i < k->alert_count && !to; i++)
    if (memcmp(&k->alerts[i].a.id, &a->id, sizeof a->id) == 0) to = &k->alerts[i];
  if (!to) {
    if (k->alert_count == SCAN_KIT_ALERTS) abort();
    to = &k->alerts[k->alert_count++];
    to->first_src_listed = a->src_listed;
    to->first_modifiers = a->modifiers;
  }
  to->a = *a;
  to->told++;
  for (unsigned i = 0; i < 4; i++) {
    if (i < a->src_listed) to->src[i] = a->src[i];
    if (i < a->dst_listed) to->dst[i] = a->dst[i];
  }
  to->open_listed = a->answers[ESTAB_WATCH_OPEN].listed;
  for (unsigned i = 0; i < to->open_listed && i < 64; i++)
    to->open[i] = a->answers[ESTAB_WATCH_OPEN].list[i].port;
  snprintf(to->explanation, sizeof to->explanation, "%s", a->explanation);
  for (unsigned i = 1; i < a->evidence_count; i++)
    to->evidence_twice |= a->evidence[i].packet == a->evidence[i - 1].packet;
  if (a->evidence_count) snprintf(to->evidence, sizeof to->evidence, "%s", a->evidence[0].line);
  kit_digest(k, &a->id, sizeof a->id);
  kit_digest(k, a->summary, strlen(a->summary));
  kit_digest(k, a->explanation, strlen(a->explanation));
  for (unsigned i = 0; i < a->evidence_count; i++)
    kit_digest(k, a->evidence[i].line, strlen(a->evidence[i].line));
  for (unsigned i = 0; i < ESTAB_WATCH_ANSWERS; i++)
    for (uint32_t j = 0; j < a->answers[i].listed; j++) {
      kit_digest(k, &a->answers[i].list[j].ip, 16);
      kit_digest(k, &a->answers[i].list[j].port, 2);
    }
}

static void kit_pull(struct scan_kit *k)
{
  struct estab_watch_alert a;
  while (scan_next(k->scan, &a))
    kit_take(k, &a);
}

// The capture begins with what is told first.
static uint16_t kit_tell(struct scan_kit *k, const struct observation *o)
{
  if (!k->begun) scan_begin(k->scan, o->ts_ns);
  k->begun = true;
  return scan_observe(k->scan, o);
}

void scan_kit_observe(struct scan_kit *k, struct observation *o)
{
  scan_kit_open(k);
  if (k->restless && o->ts_ns > 7 * KIT_MS) {
    scan_advance(k->scan, o->ts_ns - 7 * KIT_MS);
    scan_advance(k->scan, o->ts_ns);
  }
  (void)kit_tell(k, o);
  kit_pull(k);
}

static void kit_later(struct scan_kit *k, uint64_t at_ns, const struct observation *o)
{
  if (k->waiting_count == k->waiting_room) {
    k->waiting_room = k->waiting_room ? k->waiting_room * 2 : 64;
    k->waiting = realloc(k->waiting, k->waiting_room * sizeof *k->waiting);
    if (!k->waiting) abort();
  }
  // A heap by time; equal times keep the order of packets.
  size_t i = k->waiting_count++;
  struct scan_kit_waiting w = {.at_ns = at_ns, .o = *o};
  w.o.ts_ns = at_ns;
  while (i && k->waiting[(i - 1) / 2].at_ns > at_ns) {
    k->waiting[i] = k->waiting[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  k->waiting[i] = w;
}

static bool kit_due(struct scan_kit *k, uint64_t until_ns)
{
  if (k->waiting_count == 0 || k->waiting[0].at_ns > until_ns) return false;
  struct scan_kit_waiting w = k->waiting[0], last = k->waiting[--k->waiting_count];
  size_t i = 0;
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= k->waiting_count) break;
    if (child + 1 < k->waiting_count && k->waiting[child + 1].at_ns < k->waiting[child].at_ns)
      child++;
    if (k->waiting[child].at_ns >= last.at_ns) break;
    k->waiting[i] = k->waiting[child];
    i = child;
  }
  if (k->waiting_count) k->waiting[i] = last;
  scan_kit_observe(k, &w.o);
  return true;
}

static void kit_time(struct scan_kit *k, uint64_t ns)
{
  while (kit_due(k, ns))
    ;
}

void scan_kit_until(struct scan_kit *k, double seconds)
{
  scan_kit_open(k);
  uint64_t ns = k->start_ns + (uint64_t)(seconds * 1e9);
  kit_time(k, ns);
  scan_advance(k->scan, ns);
  kit_pull(k);
}

void scan_kit_finish(struct scan_kit *k)
{
  scan_kit_open(k);
  kit_time(k, UINT64_MAX);
  scan_flush(k->scan, 0);
  kit_pull(k);
}

// ---------------------------------------------------------------------------------------------
// Lives

static void kit_options(struct watch_packet *p, struct observation *o, const char *options)
{
  struct estab_tcp_options *t = &p->tcp.options;
  for (const char *c = options; *c; c++) {
    if (*c == 'k' || *c == 't') {
      t->present |= ESTAB_TCP_OPT_TS;
      t->ts_value = 12345;
    }
    if (*c == 'k' || *c == 'm') {
      t->present |= ESTAB_TCP_OPT_MSS;
      t->mss = 1460;
    }
    if (*c == 'k') {
      t->present |= ESTAB_TCP_OPT_SACK_PERMITTED | ESTAB_TCP_OPT_WSCALE;
      t->wscale = 7;
    }
    if (*c == 'o') {
      t->present |= ESTAB_TCP_OPT_TS | ESTAB_TCP_OPT_WSCALE;
      t->wscale = 10;
      t->ts_value = UINT32_MAX;
    }
    if (*c == 'd') p->payload_bytes = 24;
    if (*c == 'c') t->present |= ESTAB_TCP_OPT_TFO;
    if (*c == 'x') t->present |= ESTAB_TCP_OPT_TFO | ESTAB_TCP_OPT_TFO_EXP;
    if (*c == 'f') o->fragmented = true;
    if (*c == 'w') p->tcp.window = (uint16_t)atoi(c + 1);
    if (*c == 'q') p->tcp.seq = (uint32_t)atoi(c + 1);
  }
}

static uint16_t kit_flags(const char *text)
{
  static const char letters[] = "FSRP.UEWA";
  uint16_t flags = 0;
  for (const char *c = text; *c && *c != '-'; c++) {
    const char *at = strchr(letters, *c);
    if (!at) abort();
    flags |= (uint16_t)(1u << (at - letters));
  }
  return flags;
}

static void kit_endpoint(char *text, struct estab_ip *ip, uint16_t *port)
{
  char *colon = strrchr(text, ':');
  if (!colon) abort();
  *colon = 0;
  *port = (uint16_t)atoi(colon + 1);
  if (estab_ip_parse(text, ip) < 0) abort();
}

static void kit_say(struct scan_kit *k, struct observation o, enum observation_kind kind,
                    uint64_t ts_ns, unsigned side)
{
  static struct watch_packet other; // of answers nothing is read
  o.kind = (uint8_t)kind;
  o.ts_ns = ts_ns;
  o.side = (uint8_t)side;
  o.packet_number = ++k->packets;
  o.packet = &other;
  scan_kit_observe(k, &o);
}

static void kit_end(struct scan_kit *k, struct observation o, uint64_t at_ns)
{
  o.kind = OBSERVE_END;
  o.packet = NULL;
  kit_later(k, at_ns, &o);
}

// Closed at at_ns; its END comes when TIME-WAIT is over.
static void kit_close(struct scan_kit *k, struct observation o, uint64_t at_ns)
{
  o.kind = OBSERVE_CLOSE;
  o.packet = NULL;
  kit_later(k, at_ns, &o);
  kit_end(k, o, at_ns + 240 * KIT_S);
}

static void kit_silence(struct scan_kit *k, struct observation o)
{
  o.kind = OBSERVE_SILENCE;
  o.packet = NULL;
  kit_later(k, o.ts_ns + 5 * KIT_S, &o);
}

static void kit_handshake(struct scan_kit *k, struct observation o, const char *fate)
{
  uint64_t t = o.ts_ns;
  bool text = strcmp(fate, "data") == 0, look = strcmp(fate, "look") == 0;
  bool unheard = strcmp(fate, "unheard") == 0, fed = strcmp(fate, "fed") == 0;
  bool hold = fed || strcmp(fate, "hold") == 0, half = strcmp(fate, "half") == 0;
  o.answer_flags = ESTAB_TCP_SYN | ESTAB_TCP_ACK;
  o.segments[1] = 1;
  o.flags[1] = o.answer_flags;
  if (k->one_way) { // the originator's half of it
    o.answer_flags = o.flags[1] = 0;
    o.segments[1] = 0;
    o.segments[0] += half ? 1 : 3;
    o.flags[0] |= half ? ESTAB_TCP_RST : ESTAB_TCP_ACK;
    o.text_bytes[0] = text ? 100 : 0;
    kit_silence(k, o);
    return;
  }
  kit_say(k, o, OBSERVE_ANSWER, t + KIT_MS, ESTAB_WATCH_RESP);
  if (half || strcmp(fate, "flood") == 0) {
    o.reset_by_orig = half;
    if (half) o.flags[0] |= ESTAB_TCP_RST;
    if (half)
      kit_close(k, o, t + 2 * KIT_MS);
    else
      kit_end(k, o, t + 5 * KIT_S);
    return;
  }
  o.established = true;
  o.segments[0]++;
  o.flags[0] |= ESTAB_TCP_ACK;
  kit_say(k, o, OBSERVE_ESTABLISHED, t + 2 * KIT_MS, ESTAB_WATCH_ORIG);
  if (text || unheard) o.text_bytes[0] = 100;
  if (text) kit_say(k, o, OBSERVE_DATA, t + 3 * KIT_MS, ESTAB_WATCH_ORIG);
  text |= unheard;
  if (text || look || fed) o.text_bytes[1] = 1000;
  o.used = fed || (text && !unheard);
  if (fed) {
    struct observation served = o;
    served.kind = OBSERVE_SERVED;
    served.used = false;
    served.side = ESTAB_WATCH_RESP;
    kit_later(k, t + 5 * KIT_S, &served);
  }
  o.closed_by_fin = text;
  o.reset_by_orig = !text && !hold;
  if (hold)
    kit_end(k, o, k->start_ns + 100000 * KIT_S);
  else
    kit_close(k, o, t + 20 * KIT_MS);
}

static void kit_fate(struct scan_kit *k, struct observation o, const char *fate)
{
  uint64_t t = o.ts_ns;
  bool icmp = strcmp(fate, "noroute") == 0 || strcmp(fate, "admin") == 0;
  if (strcmp(fate, "closed") == 0 || icmp) {
    if (k->one_way) {
      kit_silence(k, o);
      return;
    }
    o.answered_by_icmp = icmp;
    o.icmp_type = icmp ? 3 : 0;
    o.icmp_code = icmp ? (fate[0] == 'n' ? 1 : 13) : 0;
    o.answer_flags = icmp ? 0 : ESTAB_TCP_RST | ESTAB_TCP_ACK;
    kit_say(k, o, OBSERVE_ANSWER, t + KIT_MS, ESTAB_WATCH_RESP);
    kit_end(k, o, t + 5 * KIT_MS);
  } else if (strcmp(fate, "silent") == 0) {
    kit_silence(k, o);
  } else if (strcmp(fate, "patient") == 0) {
    o.segments[0] = 3;
    kit_silence(k, o);
  } else if (strcmp(fate, "waits") == 0 || strcmp(fate, "retries") == 0) {
    o.segments[0] = 2;
    o.last_ns = t + (fate[0] == 'w' ? 4 : 1) * KIT_S;
    kit_silence(k, o);
  } else if (strcmp(fate, "alive") == 0 && !k->one_way) {
    o.answer_flags = ESTAB_TCP_ACK;
    kit_say(k, o, OBSERVE_ANSWER, t + KIT_MS, ESTAB_WATCH_RESP);
    o.midstream = true;
    o.text_bytes[0] = 500;
    kit_end(k, o, t + 10 * KIT_S);
  } else if (strcmp(fate, "alive") == 0 || strcmp(fate, "alone") == 0) {
    o.segments[0] = 6;
    o.text_bytes[0] = strcmp(fate, "alive") == 0 ? 500 : 0;
    kit_silence(k, o);
  } else {
    kit_handshake(k, o, fate);
  }
}

void scan_kit(struct scan_kit *k, const char *line)
{
  double seconds;
  char src[64], dst[64], flags[32], fate[16];
  if (sscanf(line, "%lf %63s > %63s %31s %15s", &seconds, src, dst, flags, fate) != 5) {
    fprintf(stderr, "not understood: %s\n", line);
    abort();
  }
  scan_kit_open(k);
  struct watch_packet p = {.kind = WATCH_KIND_TCP, .ttl = 64, .tcp = {.window = 1024}};
  struct observation o = {.kind = OBSERVE_FIRST, .packet = &p, .segments = {1, 0}};
  char *options = strchr(flags, ',');
  if (options) *options++ = 0;
  p.tcp.flags = o.first_flags = o.flags[0] = kit_flags(flags);
  kit_options(&p, &o, options ? options : "");
  kit_endpoint(src, &p.src, &p.tcp.src_port);
  kit_endpoint(dst, &p.dst, &p.tcp.dst_port);
  o.orig_ip = p.src;
  o.resp_ip = p.dst;
  o.orig_port = p.tcp.src_port;
  o.resp_port = p.tcp.dst_port;
  o.ts_ns = o.first_ns = k->start_ns + (uint64_t)(seconds * 1e9);
  o.packet_number = o.first_packet = ++k->packets;
  kit_time(k, o.ts_ns);
  if (k->restless) scan_advance(k->scan, o.ts_ns);
  o.probe = kit_tell(k, &o);
  kit_pull(k);
  o.packet = NULL;
  kit_fate(k, o, fate);
}

void scan_kitf(struct scan_kit *k, const char *format, ...)
{
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  scan_kit(k, line);
}

struct scan_kit_alert *scan_kit_find(struct scan_kit *k, enum estab_watch_kind kind)
{
  for (unsigned i = 0; i < k->alert_count; i++)
    if (k->alerts[i].a.kind == kind) return &k->alerts[i];
  return NULL;
}

void scan_kit_expect(struct scan_kit *k, const char *kinds)
{
  char found[1024] = "", copy[1024];
  for (unsigned i = 0; i < k->alert_count && i < 16; i++) {
    snprintf(copy, sizeof copy, "%s%s%s", found, i ? " " : "",
             estab_watch_kind_name((enum estab_watch_kind)k->alerts[i].a.kind));
    memcpy(found, copy, sizeof found);
  }
  if (strcmp(found, kinds) == 0) return;
  fprintf(stderr, "expected \"%s\", found \"%s\"\n", kinds, found);
  for (unsigned i = 0; i < k->alert_count && i < 8; i++)
    fprintf(stderr, "  %s\n  %s\n  %s\n", k->alerts[i].a.summary, k->alerts[i].explanation,
            k->alerts[i].evidence);
  abort();
}
