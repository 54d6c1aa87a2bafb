// SPDX-License-Identifier: BSD-2-Clause
// tell.c - stories as text and as JSON.
#include "qlog/tell.h"

#include "json.h"

#include <inttypes.h>
#include <string.h>

typedef unsigned long long ull;

static double seconds(uint64_t ns)
{
  return (double)ns / 1e9;
}

// ---------------------------------------------------------------------------------------------
// One record

static double number_of(json_t *object, const char *key)
{
  return json_number_value(json_object_get(object, key));
}

static const char *text_of(json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

static void tell_packet(const struct story *s, json_t *data, const char *verb, bool ours)
{
  json_t *header = json_object_get(data, "header"), *raw = json_object_get(data, "raw");
  const struct span *from = ours ? &s->ours : &s->theirs, *to = ours ? &s->theirs : &s->ours;
  const char *flags = text_of(header, "flags");
  uint32_t text = (uint32_t)number_of(raw, "payload_length");
  uint32_t seq = (uint32_t)number_of(header, "seq"), ack = (uint32_t)number_of(header, "ack");
  uint32_t at = seq - (strchr(flags, 'S') || !from->known ? seq : from->base);
  printf("%-9s %s %u:%u(%u)", verb, flags, at, at + text, text);
  if (strchr(flags, '.')) printf(" ack %u", to->known ? ack - to->base : ack);
  if (json_object_get(header, "window")) printf(" win %.0f", number_of(header, "window"));
  if (number_of(data, "segments") > 1) printf(" in %.0f", number_of(data, "segments"));
  if (json_is_true(json_object_get(data, "is_retransmission"))) printf(" again");
  if (text_of(data, "trigger")[0]) printf(" (%s)", text_of(data, "trigger"));
}

// "key value, key value", as the log has them.
static void tell_members(json_t *data)
{
  const char *key, *comma = "";
  json_t *value;
  json_object_foreach(data, key, value)
  {
    printf("%s%s ", comma, key);
    comma = ", ";
    if (json_is_object(value)) {
      printf("{");
      tell_members(value);
      printf("}");
    } else if (json_is_string(value)) {
      printf("%s", json_string_value(value));
    } else if (json_is_number(value)) {
      printf("%.10g", json_number_value(value));
    } else {
      printf("%s", json_is_true(value) ? "yes" : "no");
    }
  }
}

void tell_record(const struct story *s, const struct qlog_record *record)
{
  const char *name = strchr(record->name, ':');
  name = name ? name + 1 : record->name;
  printf("%12.6f ", seconds(record->time_ns));
  if (strcmp(name, "packet_sent") == 0) {
    tell_packet(s, record->data, "sent", true);
  } else if (strcmp(name, "packet_received") == 0) {
    tell_packet(s, record->data, "received", false);
  } else if (strcmp(name, "packet_dropped") == 0) {
    tell_packet(s, record->data, "dropped", false);
  } else if (strcmp(name, "connection_state_updated") == 0) {
    printf("%-9s %s: %s", "state", text_of(record->data, "new"), text_of(record->data, "trigger"));
  } else {
    printf("%-9s ", name);
    tell_members(record->data);
  }
  putchar('\n');
}

// ---------------------------------------------------------------------------------------------
// A connection

static void tell_tallies(const struct tally *list)
{
  for (unsigned i = 0; i < STORY_TALLIES && list[i].count > 0; i++)
    printf("%s %s %u", i > 0 ? "," : "", list[i].what, list[i].count);
}

static uint32_t tally_of(const struct tally *list, const char *what)
{
  for (unsigned i = 0; i < STORY_TALLIES; i++)
    if (list[i].count > 0 && strcmp(list[i].what, what) == 0) return list[i].count;
  return 0;
}

static uint64_t limited_in_all(const uint64_t ns[STORY_LIMITS])
{
  uint64_t sum = 0;
  for (unsigned i = 0; i < STORY_LIMITS; i++)
    sum += ns[i];
  return sum;
}

static void tell_slice(const struct story *s, unsigned i)
{
  const struct slice *slice = &s->slices[i];
  uint64_t from_ns = s->begin_ns + i * s->slice_ns, all = limited_in_all(slice->limited_ns);
  printf("%12.6f %9.3f %9llu %9llu %8.3f %6u %7u ", seconds(from_ns),
         (double)slice->acked_bytes * 8e3 / (double)s->slice_ns, (ull)slice->cwnd_bytes,
         (ull)slice->flight_bytes, (double)slice->srtt_ns / 1e6, slice->again, slice->spurious);
  unsigned most = 0;
  for (unsigned k = 1; k < STORY_LIMITS; k++)
    if (slice->limited_ns[k] > slice->limited_ns[most]) most = k;
  if (all > 0)
    printf("%s %.0f %%", story_limits[most], (double)slice->limited_ns[most] * 100.0 / (double)all);
  putchar('\n');
}

static void tell_time_line(const struct story *s)
{
  unsigned last = 0;
  bool data = s->sent_bytes > 0;
  for (unsigned i = 0; i < STORY_SLICES; i++)
    if (s->slices[i].used) last = i + 1;
  if (!data || last == 0) return;
  printf("\n%12s %9s %9s %9s %8s %6s %7s %s\n", "FROM", "MBIT/S", "CWND", "IN FLIGHT", "RTT MS",
         "AGAIN", "NEEDLESS", "KEPT BACK BY");
  for (unsigned i = 0; i < last; i++)
    tell_slice(s, i);
  putchar('\n');
}

static void tell_why(const struct story *s)
{
  uint64_t all = limited_in_all(s->limited_ns);
  if (all == 0) return;
  printf("  why it was not faster:");
  bool told[STORY_LIMITS] = {false};
  for (unsigned n = 0; n < STORY_LIMITS; n++) {
    unsigned most = STORY_LIMITS;
    for (unsigned i = 0; i < STORY_LIMITS; i++)
      if (!told[i] && (most == STORY_LIMITS || s->limited_ns[i] > s->limited_ns[most])) most = i;
    told[most] = true;
    if (s->limited_ns[most] == 0) continue;
    printf("%s %s %.3f s (%.0f %%)", n > 0 ? "," : "", story_limits[most],
           seconds(s->limited_ns[most]), (double)s->limited_ns[most] * 100.0 / (double)all);
  }
  putchar('\n');
}

static void tell_ends(const struct story *s)
{
  const char *gap = strchr(s->group, ' ');
  int n = gap ? (int)(gap - s->group) : (int)strlen(s->group);
  printf("%.*s to %s", n, s->group, gap ? gap + 1 : "?");
}

void tell_story(const struct story *s)
{
  printf("%u  ", s->number);
  tell_ends(s);
  printf(", %.3f s\n", seconds(s->end_ns - s->begin_ns));
  for (unsigned i = 0; i < s->state_count; i++)
    printf("%12.6f %-12s %s\n", seconds(s->states[i].at_ns), s->states[i].what, s->states[i].why);
  tell_time_line(s);
  printf("  sent %llu octets in %llu segments, %llu again", (ull)s->sent_bytes,
         (ull)s->sent_segments, (ull)s->again_segments);
  if (s->again_segments > 0) {
    printf(" (%.2f %%):", (double)s->again_segments * 100.0 / (double)s->sent_segments);
    tell_tallies(s->again);
    printf("; %llu for nothing", (ull)s->spurious_segments);
  }
  printf("\n  received %llu octets in %llu segments", (ull)story_received_bytes(s),
         (ull)s->received_segments);
  if (s->dropped > 0) {
    printf(", %llu dropped:", (ull)s->dropped);
    tell_tallies(s->drops);
  }
  printf("\n  round trip %.3f ms, %.3f at least; congestion window %llu octets, %llu at most%s\n",
         (double)s->srtt_ns / 1e6, (double)s->min_rtt_ns / 1e6, (ull)s->cwnd_bytes,
         (ull)s->cwnd_most_bytes, s->reordering_seen ? "; reordering was seen" : "");
  uint32_t wrong =
      tally_of(s->turns, "Eifel") + tally_of(s->turns, "F-RTO") + tally_of(s->turns, "DSACK");
  printf("  recoveries: RACK %u, duplicate ACKs %u, loss probe %u, timeout %u, ECN %u; %u were a "
         "mistake and taken back\n",
         tally_of(s->turns, "RACK"), tally_of(s->turns, "duplicate ACKs"),
         tally_of(s->turns, "loss probe"), tally_of(s->turns, "timeout"), tally_of(s->turns, "ECN"),
         wrong);
  tell_why(s);
}

void tell_rows_head(void)
{
  printf("%5s %10s %10s %12s %12s %7s %8s %-12s %s\n", "#", "START", "SECONDS", "SENT", "RECEIVED",
         "AGAIN", "NEEDLESS", "STATE", "CONNECTION");
}

void tell_row(const struct story *s)
{
  printf("%5u %10.6f %10.6f %12llu %12llu %7llu %8llu %-12s ", s->number, seconds(s->begin_ns),
         seconds(s->end_ns - s->begin_ns), (ull)s->sent_bytes, (ull)story_received_bytes(s),
         (ull)s->again_segments, (ull)s->spurious_segments,
         s->state_count > 0 ? s->states[s->state_count - 1].what : "?");
  tell_ends(s);
  putchar('\n');
}

static void put_tallies(const char *key, const struct tally *list)
{
  printf(",\"%s\":{", key);
  for (unsigned i = 0; i < STORY_TALLIES && list[i].count > 0; i++) {
    if (i > 0) putchar(',');
    json_put(stdout, list[i].what);
    printf(":%u", list[i].count);
  }
  putchar('}');
}

void tell_json(const struct story *s)
{
  printf("{\"conn\":%u,\"group_id\":", s->number);
  json_put(stdout, s->group);
  printf(",\"start_s\":%.9f,\"duration_s\":%.9f,\"state\":", seconds(s->begin_ns),
         seconds(s->end_ns - s->begin_ns));
  json_put(stdout, s->state_count > 0 ? s->states[s->state_count - 1].what : "");
  printf(",\"bytes_sent\":%llu,\"bytes_acked\":%llu,\"bytes_received\":%llu,"
         "\"bytes_retransmitted\":%llu,\"segments_sent\":%llu,\"segments_received\":%llu,"
         "\"retransmissions\":%llu,\"spurious_retransmissions\":%llu,\"bytes_lost\":%llu,"
         "\"dropped\":%llu,\"smoothed_rtt_s\":%.9f,\"min_rtt_s\":%.9f,\"congestion_window\":%llu,"
         "\"reordering_seen\":%s",
         (ull)s->sent_bytes, (ull)story_acked_bytes(s), (ull)story_received_bytes(s),
         (ull)s->again_bytes, (ull)s->sent_segments, (ull)s->received_segments,
         (ull)s->again_segments, (ull)s->spurious_segments, (ull)s->lost_bytes, (ull)s->dropped,
         seconds(s->srtt_ns), seconds(s->min_rtt_ns), (ull)s->cwnd_bytes,
         s->reordering_seen ? "true" : "false");
  for (unsigned i = 0; i < STORY_LIMITS; i++)
    printf(",\"limited_%s_s\":%.9f", story_limit_keys[i], seconds(s->limited_ns[i]));
  put_tallies("retransmitted_by", s->again);
  put_tallies("congestion", s->turns);
  put_tallies("timers", s->timers);
  put_tallies("drops", s->drops);
  puts("}");
}
