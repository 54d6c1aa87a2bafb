// SPDX-License-Identifier: BSD-2-Clause
// row_json.c - records but for connections as JSON.
#include "row_json.h"

#include "put.h"

// ,"name":
static void key(struct text *t, const char *name)
{
  text_bytes(t, ",\"", 2);
  text_string(t, name);
  text_bytes(t, "\":", 2);
}

static void member_number(struct text *t, const char *name, uint64_t n)
{
  key(t, name);
  text_number(t, n);
}

static void member_seconds(struct text *t, const char *name, uint64_t ns)
{
  if (ns == ESTAB_WATCH_TIME_NONE) return;
  key(t, name);
  text_seconds(t, ns);
}

// For words of ours, which need no escaping.
static void member_word(struct text *t, const char *name, const char *word)
{
  key(t, name);
  text_char(t, '"');
  text_string(t, word);
  text_char(t, '"');
}

static void member_bool(struct text *t, const char *name, bool value)
{
  key(t, name);
  text_string(t, value ? "true" : "false");
}

static void member_uid(struct text *t, const char *name, const struct estab_watch_uid *uid)
{
  char word[ESTAB_WATCH_UID_TEXT];
  estab_watch_uid_format(uid, word);
  member_word(t, name, word);
}

// ---------------------------------------------------------------------------------------------
// Alerts

static void alert_addresses(struct text *t, const char *name, const struct estab_ip *list,
                            uint32_t n)
{
  key(t, name);
  text_char(t, '[');
  for (uint32_t i = 0; i < n; i++) {
    char *const p = text_at(t);
    text_put(t, PUT(put_ip(i > 0 ? PUT(p, ",\"") : PUT(p, "\""), &list[i]), "\""));
  }
  text_char(t, ']');
}

static void alert_words(struct text *t, const struct estab_watch_alert *a)
{
  static const char *const modifiers[] = {"fragmented", "data", "tfo", "decoy", "spoofed"};
  key(t, "modifiers");
  text_char(t, '[');
  bool first = true;
  for (unsigned i = 0; i < sizeof modifiers / sizeof *modifiers; i++) {
    if (!(a->modifiers >> i & 1)) continue;
    text_string(t, first ? "\"" : ",\"");
    text_string(t, modifiers[i]);
    text_char(t, '"');
    first = false;
  }
  text_char(t, ']');
  if (a->geometry != ESTAB_WATCH_GEOMETRY_NONE)
    member_word(t, "geometry", row_geometry(a->geometry));
  member_word(t, "status", a->ended ? "ended" : "ongoing");
}

static void alert_answers(struct text *t, const struct estab_watch_alert *a)
{
  static const char *const counts[ESTAB_WATCH_ANSWERS] = {
      "open_count",       "closed_count", "filtered_count", "open_or_filtered_count",
      "unfiltered_count", "unknown_count"};
  bool truncated = a->port_count > a->ports_listed || a->dst_count > a->dst_listed ||
                   a->src_count > a->src_listed || a->src_proven_count > a->src_proven_listed;
  for (unsigned i = 0; i < ESTAB_WATCH_ANSWERS; i++) {
    const struct estab_watch_targets *targets = &a->answers[i];
    key(t, row_answer((uint8_t)i));
    text_char(t, '[');
    for (uint32_t j = 0; j < targets->listed; j++) {
      const struct estab_watch_endpoint *const e = &targets->list[j];
      char *const p = text_at(t);
      text_put(t, PUT(put_endpoint(j > 0 ? PUT(p, ",\"") : PUT(p, "\""), &e->ip, e->port), "\""));
    }
    text_char(t, ']');
    member_number(t, counts[i], targets->count);
    truncated |= targets->count > targets->listed;
  }
  member_bool(t, "truncated", truncated);
}

static void alert_evidence(struct text *t, const struct estab_watch_alert *a)
{
  key(t, "evidence");
  text_char(t, '[');
  for (uint32_t i = 0; i < a->evidence_count; i++) {
    text_string(t, i > 0 ? ",{\"packet\":" : "{\"packet\":");
    text_number(t, a->evidence[i].packet);
    member_seconds(t, "ts", a->evidence[i].ts_ns);
    key(t, "line");
    text_json(t, a->evidence[i].line);
    text_char(t, '}');
  }
  text_char(t, ']');
}

void row_json_alert(struct text *t, const struct estab_watch_alert *a)
{
  text_string(t, "{\"type\":\"alert\"");
  member_uid(t, "id", &a->id);
  member_word(t, "kind", estab_watch_kind_name((enum estab_watch_kind)a->kind));
  alert_words(t, a);
  alert_addresses(t, "src", a->src, a->src_listed);
  member_number(t, "src_count", a->src_count);
  alert_addresses(t, "src_proven", a->src_proven, a->src_proven_listed);
  member_number(t, "src_proven_count", a->src_proven_count);
  member_word(t, "role", row_role(a->role));
  alert_addresses(t, "dst", a->dst, a->dst_listed);
  member_number(t, "dst_count", a->dst_count);
  key(t, "ports");
  text_char(t, '[');
  for (uint32_t i = 0; i < a->ports_listed; i++) {
    if (i > 0) text_char(t, ',');
    text_number(t, a->ports[i]);
  }
  text_char(t, ']');
  member_number(t, "ports_count", a->port_count);
  alert_answers(t, a);
  member_number(t, "probes", a->probes);
  member_seconds(t, "first", a->first_ns);
  member_seconds(t, "last", a->last_ns);
  key(t, "rate_per_s");
  text_number(t, a->rate_milli / 1000);
  text_char(t, '.');
  text_char(t, (char)('0' + a->rate_milli / 100 % 10));
  text_char(t, (char)('0' + a->rate_milli / 10 % 10));
  text_char(t, (char)('0' + a->rate_milli % 10));
  key(t, "confidence");
  text_string(t, a->confidence >= 100 ? "1." : "0.");
  text_char(t, (char)('0' + a->confidence / 10 % 10));
  text_char(t, (char)('0' + a->confidence % 10));
  key(t, "summary");
  text_json(t, a->summary);
  alert_evidence(t, a);
  text_bytes(t, "}\n", 2);
}

// ---------------------------------------------------------------------------------------------
// The rest

void row_json_ambiguity(struct text *t, const struct estab_watch_ambiguity *a)
{
  text_string(t, "{\"type\":\"ambiguity\"");
  member_seconds(t, "ts", a->ts_ns);
  member_uid(t, "uid", &a->uid);
  member_number(t, "packet", a->packet);
  member_word(t, "kind", estab_watch_ambiguity_name((enum estab_watch_ambiguity_kind)a->kind));
  member_word(t, "policy", row_policy(a->policy));
  key(t, "chosen");
  text_json(t, a->chosen);
  key(t, "other");
  text_json(t, a->other);
  text_bytes(t, "}\n", 2);
}

void row_json_error(struct text *t, const char *file, uint64_t offset, uint64_t packet,
                    const char *what)
{
  text_string(t, "{\"type\":\"error\",\"file\":");
  text_json(t, file);
  member_number(t, "offset", offset);
  member_number(t, "packet", packet);
  key(t, "what");
  text_json(t, what);
  text_bytes(t, "}\n", 2);
}

void row_json_stats(struct text *t, const struct estab_watch_stats *s, const struct row_live *live,
                    bool final)
{
  text_string(t, "{\"type\":\"stats\"");
  member_bool(t, "final", final);
  member_number(t, "packets", s->packets);
  member_number(t, "captured_bytes", s->captured_bytes);
  member_number(t, "wire_bytes", s->wire_bytes);
  if (s->packets > 0) {
    member_seconds(t, "first", s->first_ns);
    member_seconds(t, "last", s->last_ns);
  }
  member_number(t, "flows", s->flows);
  member_number(t, "flows_open", s->flows_open);
  member_number(t, "flows_evicted", s->flows_evicted);
  member_number(t, "alerts", s->alerts);
  member_number(t, "ambiguities", s->ambiguities);
  member_number(t, "ambiguities_counted_only", s->ambiguities_counted_only);
  member_number(t, "time_backward", s->time_backward);
  member_number(t, "capture_losses", s->capture_losses);
  member_number(t, "memory_bytes", s->memory_bytes);
  member_number(t, "memory_peak_bytes", s->memory_peak_bytes);
  member_number(t, "memory_refusals", s->memory_refusals);
  key(t, "shed");
  for (unsigned i = 0; i < ESTAB_WATCH_SHEDS; i++) {
    text_string(t, i > 0 ? ",\"" : "{\"");
    text_string(t, estab_watch_shed_name((enum estab_watch_shed)i));
    text_string(t, "\":");
    text_number(t, s->shed[i]);
  }
  text_char(t, '}');
  if (live->live) {
    member_number(t, "kernel_drops", live->kernel_drops);
    member_number(t, "interface_drops", live->interface_drops);
    member_seconds(t, "lag_s", live->lag_ns);
  }
  key(t, "counts");
  text_char(t, '{');
  for (unsigned i = 0; i < ESTAB_WATCH_COUNTS; i++) {
    text_string(t, i > 0 ? ",\"" : "\"");
    text_string(t, estab_watch_count_name((enum estab_watch_count)i));
    text_string(t, "\":");
    text_number(t, s->counts[i]);
  }
  text_bytes(t, "}}\n", 3);
}
