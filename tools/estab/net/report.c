// SPDX-License-Identifier: BSD-2-Clause
// report.c - what came out of a scenario.
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static bool flow_counts(int flow, unsigned i)
{
  return flow < 0 || (unsigned)flow == i;
}

static double flow_goodput(const struct net *net, const struct net_flow *f)
{
  uint64_t from = net->start_ns + net->scenario->measure_from_ns;
  if (f->first_ns > from) from = f->first_ns;
  if (f->last_ns <= from) return 0;
  return (double)f->read_measured * 8e9 / (double)(f->last_ns - from);
}

static double goodput(const struct net *net, int flow)
{
  if (flow >= 0) return flow_goodput(net, &net->flows[flow]);
  uint64_t from = UINT64_MAX, to = 0, bytes = 0;
  for (unsigned i = 0; i < net->scenario->flow_count; i++) {
    const struct net_flow *f = &net->flows[i];
    bytes += f->read_measured;
    if (f->first_ns > 0 && f->first_ns < from) from = f->first_ns;
    if (f->last_ns > to) to = f->last_ns;
  }
  uint64_t measured = net->start_ns + net->scenario->measure_from_ns;
  if (from < measured) from = measured;
  return to > from && from != UINT64_MAX ? (double)bytes * 8e9 / (double)(to - from) : 0;
}

// Jain's index of the flows' goodput.
static double jain(const struct net *net)
{
  double sum = 0, squares = 0;
  for (unsigned i = 0; i < net->scenario->flow_count; i++) {
    double g = flow_goodput(net, &net->flows[i]);
    sum += g;
    squares += g * g;
  }
  return squares > 0 ? sum * sum / (net->scenario->flow_count * squares) : 0;
}

static int compare_times(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

// The completion time that a share (ppm) of all transfers did not exceed.
static double completion(const struct net *net, int flow, unsigned ppm)
{
  size_t n = 0, at = 0;
  for (unsigned i = 0; i < net->scenario->flow_count; i++)
    if (flow_counts(flow, i)) n += net->flows[i].done;
  uint64_t *all = n > 0 ? malloc(n * sizeof *all) : NULL;
  if (all == NULL) return 0;
  for (unsigned i = 0; i < net->scenario->flow_count; i++)
    if (flow_counts(flow, i)) {
      memcpy(all + at, net->flows[i].completions_ns, net->flows[i].done * sizeof *all);
      at += net->flows[i].done;
    }
  qsort(all, n, sizeof *all, compare_times);
  size_t rank = (size_t)(((uint64_t)n * ppm + 999999) / 1000000);
  double value = (double)all[rank > 0 ? rank - 1 : 0];
  free(all);
  return value;
}

// Of one link, both ways, or of all (-1).
static double lanes_sum(const struct net *net, int link, bool marked)
{
  uint64_t sum = 0;
  for (unsigned i = 0; i < 2 * net->scenario->link_count; i++)
    if (flow_counts(link, i / 2))
      sum += marked ? net->lanes[i].counters.marked : net->lanes[i].counters.lost_in_queue;
  return (double)sum;
}

static double lanes_peak(const struct net *net, int link)
{
  uint64_t peak = 0;
  for (unsigned i = 0; i < 2 * net->scenario->link_count; i++)
    if (flow_counts(link, i / 2) && net->lanes[i].counters.queue_peak_bytes > peak)
      peak = net->lanes[i].counters.queue_peak_bytes;
  return (double)peak;
}

struct segment_sums {
  uint64_t sent, again, spurious; // with text
};

static struct segment_sums segment_sums(const struct net *net, int flow)
{
  struct segment_sums sums = {0};
  for (unsigned i = 0; i < net->scenario->flow_count; i++) {
    if (!flow_counts(flow, i)) continue;
    sums.sent += net->flows[i].segments;
    sums.again += net->flows[i].retransmissions;
    sums.spurious += net->flows[i].spurious;
  }
  return sums;
}

static double share_ppm(uint64_t part, uint64_t whole)
{
  return whole > 0 ? (double)part * 1e6 / (double)whole : 0;
}

double report_metric(const struct net *net, enum scenario_metric metric, int flow)
{
  uint64_t failed = 0;
  struct segment_sums sums = segment_sums(net, flow);
  switch (metric) {
  case METRIC_GOODPUT: return goodput(net, flow);
  case METRIC_SPURIOUS: return share_ppm(sums.spurious, sums.sent);
  case METRIC_RETRANSMIT: return share_ppm(sums.again, sums.sent);
  case METRIC_JAIN: return jain(net) * 1e6;
  case METRIC_SHARE: {
    double sum = 0;
    for (unsigned i = 0; i < net->scenario->flow_count; i++)
      sum += flow_goodput(net, &net->flows[i]);
    return sum > 0 ? flow_goodput(net, &net->flows[flow < 0 ? 0 : flow]) * 1e6 / sum : 0;
  }
  case METRIC_P99: return completion(net, flow, 990000);
  case METRIC_LONGEST: return completion(net, flow, 1000000);
  case METRIC_QUEUE: return lanes_peak(net, flow);
  case METRIC_QUEUE_LOSS: return lanes_sum(net, flow, false);
  case METRIC_MARKED: return lanes_sum(net, flow, true);
  case METRIC_TIME: return (double)(net->now_ns - net->start_ns);
  case METRIC_FAILED:
    for (unsigned i = 0; i < net->scenario->flow_count; i++)
      if (flow_counts(flow, i)) failed += net->flows[i].failed;
    return (double)failed;
  case METRIC_MTU: return net->flows[flow < 0 ? 0 : flow].path_mtu;
  case METRIC_LATE: return share_ppm(net->late.late, net->late.departures);
  case METRIC_LATENESS: return (double)net->late.max_ns;
  case METRICS: break;
  }
  return 0;
}

static bool expectation_holds(const struct net *net, const struct scenario_expect *e)
{
  double value = report_metric(net, e->metric, e->flow);
  if (e->op[0] == '<') return value <= e->value;
  if (e->op[0] == '>') return value >= e->value;
  return value == e->value;
}

const char *report_verdict(const struct net *net)
{
  const struct scenario *s = net->scenario;
  if (net_talks_broken(net) != NULL) return "broken";
  for (unsigned i = 0; i < s->flow_count; i++)
    if (net->flows[i].stream_broken) return "broken";
  for (unsigned i = 0; i < s->flow_count; i++) {
    const struct net_flow *f = &net->flows[i];
    bool whole = f->done == f->spec->repeat || f->spec->for_ns > 0;
    if (!f->spec->timed_out_ok && (f->failed > 0 || !whole)) return "failed";
  }
  if (net_is_late(net)) return "late";
  for (unsigned i = 0; i < s->expect_count; i++)
    if (!expectation_holds(net, &s->expects[i])) return "missed";
  return "ok";
}

static void say_links(const struct net *net)
{
  const struct scenario *s = net->scenario;
  for (unsigned i = 0; i < 2 * s->link_count; i++) {
    const struct lane_counters *c = &net->lanes[i].counters;
    const struct scenario_link *l = &s->links[i / 2];
    printf("  %s > %s: %llu packets, %llu lost (%llu in the queue), %llu marked, queue at most "
           "%llu octets\n",
           s->nodes[l->node[i % 2]].name, s->nodes[l->node[!(i % 2)]].name,
           (unsigned long long)c->packets, (unsigned long long)c->lost,
           (unsigned long long)c->lost_in_queue, (unsigned long long)c->marked,
           (unsigned long long)c->queue_peak_bytes);
  }
}

static void say_late(const struct net *net)
{
  if (net->epoch_ns == 0) return;
  printf("  real time: %llu departures, %.3f %% more than 1 ms late, the latest by %.3f ms%s\n",
         (unsigned long long)net->late.departures,
         share_ppm(net->late.late, net->late.departures) / 1e4, (double)net->late.max_ns / 1e6,
         net_is_late(net) ? ": TOO LATE, this machine was too busy" : "");
}

static void say_told(const struct net_told *t)
{
  printf("  kept back by: application %.3f s, congestion window %.3f, the peer's window %.3f, send "
         "buffer %.3f, pacing %.3f%s\n",
         (double)t->limited_application_ns / 1e9, (double)t->limited_cwnd_ns / 1e9,
         (double)t->limited_peer_window_ns / 1e9, (double)t->limited_send_buffer_ns / 1e9,
         (double)t->limited_pacing_ns / 1e9, t->reordering_seen ? "; reordering was seen" : "");
}

// As the sender itself counts: SYN and FIN are segments, too, and spurious is what its peer has told.
static void put_told(const struct net_told *t)
{
  printf(",\"sender\":{\"bytes_sent\":%llu,\"segments_sent\":%llu,\"retransmissions\":%llu,"
         "\"spurious_retransmissions\":%llu,\"limited_application_s\":%.9f,"
         "\"limited_cwnd_s\":%.9f,\"limited_peer_window_s\":%.9f,\"limited_send_buffer_s\":%.9f,"
         "\"limited_pacing_s\":%.9f,\"reordering_seen\":%s}",
         (unsigned long long)t->bytes_sent, (unsigned long long)t->segments_sent,
         (unsigned long long)t->segments_again, (unsigned long long)t->segments_spurious,
         (double)t->limited_application_ns / 1e9, (double)t->limited_cwnd_ns / 1e9,
         (double)t->limited_peer_window_ns / 1e9, (double)t->limited_send_buffer_ns / 1e9,
         (double)t->limited_pacing_ns / 1e9, t->reordering_seen ? "true" : "false");
}

// "" = both streams were whole.
static const char *talk_error(const struct sim *talk)
{
  int error = talk->hosts[0].app.error;
  if (error == 0) error = talk->hosts[1].app.error;
  return error != 0 ? estab_strerror(error) : "";
}

static void say_talks(const struct net *net)
{
  const struct scenario *s = net->scenario;
  for (unsigned i = 0; i < s->talk_count; i++) {
    const struct sim *t = net->talks[i];
    const char *error = talk_error(t);
    printf("talk %u, %s to %s: %llu octets there, %llu back%s%s\n", i + 1,
           s->nodes[s->talks[i].node[0]].name, s->nodes[s->talks[i].node[1]].name,
           (unsigned long long)t->check.sides[1].read, (unsigned long long)t->check.sides[0].read,
           *error ? ", ended by: " : ", whole", error);
    if (t->check.broken == INVARIANT_NONE) continue;
    uint64_t ns = t->check.when_ns - t->start_ns;
    printf("  %s does not hold: %s\n  %s, %llu.%03llu s after the start: %s\n",
           invariant_name(t->check.broken), invariant_text(t->check.broken),
           s->nodes[s->talks[i].node[t->check.side]].name, (unsigned long long)(ns / 1000000000),
           (unsigned long long)(ns / 1000000 % 1000), t->check.text);
  }
}

static void put_talks(const struct net *net)
{
  const struct scenario *s = net->scenario;
  for (unsigned i = 0; i < s->talk_count; i++) {
    const struct sim *t = net->talks[i];
    printf("{\"talk\":%u,\"from\":", i + 1);
    json_put(stdout, s->nodes[s->talks[i].node[0]].name);
    printf(",\"to\":");
    json_put(stdout, s->nodes[s->talks[i].node[1]].name);
    printf(",\"bytes\":%llu,\"back_bytes\":%llu,\"error\":",
           (unsigned long long)t->check.sides[1].read, (unsigned long long)t->check.sides[0].read);
    json_put(stdout, talk_error(t));
    printf(",\"broken\":");
    json_put(stdout, t->check.broken != INVARIANT_NONE ? invariant_name(t->check.broken) : "");
    printf(",\"text\":");
    json_put(stdout, t->check.text);
    puts("}");
  }
}

void report_text(const struct net *net)
{
  const struct scenario *s = net->scenario;
  for (unsigned i = 0; i < s->flow_count; i++) {
    const struct net_flow *f = &net->flows[i];
    printf("flow %u, %s to %s: %u of %u transfers, %llu octets, %.3f Mbit/s, %llu segments, %llu "
           "again, %llu of them for nothing%s%s\n",
           i + 1, s->nodes[f->spec->from].name, s->nodes[f->spec->to].name, f->done,
           f->spec->repeat, (unsigned long long)f->read_total, flow_goodput(net, f) / 1e6,
           (unsigned long long)f->segments, (unsigned long long)f->retransmissions,
           (unsigned long long)f->spurious, f->error != 0 ? ", the last error: " : "",
           f->error != 0 ? estab_strerror(f->error) : "");
    if (net->nodes[f->spec->from].stack != NULL) say_told(&f->told);
  }
  say_talks(net);
  say_links(net);
  say_late(net);
  for (unsigned i = 0; i < s->expect_count; i++) {
    const struct scenario_expect *e = &s->expects[i];
    printf("  line %u: %s: %s, it is %.6g\n", e->line, e->text,
           expectation_holds(net, e) ? "holds" : "DOES NOT HOLD",
           report_metric(net, e->metric, e->flow));
  }
  uint64_t ns = net->now_ns - net->start_ns;
  printf("%s: %.3f Mbit/s in %llu.%03llu s\n", report_verdict(net), goodput(net, -1) / 1e6,
         (unsigned long long)(ns / 1000000000), (unsigned long long)(ns / 1000000 % 1000));
}

void report_json(const struct net *net)
{
  const struct scenario *s = net->scenario;
  uint64_t ns = net->now_ns - net->start_ns;
  for (unsigned i = 0; i < s->flow_count; i++) {
    const struct net_flow *f = &net->flows[i];
    printf("{\"flow\":%u,\"from\":", i + 1);
    json_put(stdout, s->nodes[f->spec->from].name);
    printf(",\"to\":");
    json_put(stdout, s->nodes[f->spec->to].name);
    printf(",\"transfers\":%u,\"failed\":%u,\"bytes\":%llu,\"goodput_bits_per_s\":%.0f,"
           "\"segments_sent\":%llu,\"retransmissions\":%llu,\"spurious_retransmissions\":%llu,"
           "\"completion_p50_s\":%.6f,\"completion_p99_s\":%.6f",
           f->done, f->failed, (unsigned long long)f->read_total, flow_goodput(net, f),
           (unsigned long long)f->segments, (unsigned long long)f->retransmissions,
           (unsigned long long)f->spurious, completion(net, (int)i, 500000) / 1e9,
           completion(net, (int)i, 990000) / 1e9);
    if (net->nodes[f->spec->from].stack != NULL) put_told(&f->told);
    puts("}");
  }
  put_talks(net);
  struct segment_sums sums = segment_sums(net, -1);
  printf("{\"verdict\":\"%s\",\"goodput_bits_per_s\":%.0f,\"segments_sent\":%llu,"
         "\"retransmissions\":%llu,\"spurious_retransmissions\":%llu,\"jain\":%.6f,"
         "\"queue_loss\":%.0f,\"marked\":%.0f,\"completion_p50_s\":%.6f,\"completion_p99_s\":%.6f,",
         report_verdict(net), goodput(net, -1), (unsigned long long)sums.sent,
         (unsigned long long)sums.again, (unsigned long long)sums.spurious, jain(net),
         lanes_sum(net, -1, false), lanes_sum(net, -1, true), completion(net, -1, 500000) / 1e9,
         completion(net, -1, 990000) / 1e9);
  if (net->epoch_ns != 0)
    printf("\"departures\":%llu,\"late\":%llu,\"lateness_s\":%.6f,",
           (unsigned long long)net->late.departures, (unsigned long long)net->late.late,
           (double)net->late.max_ns / 1e9);
  printf("\"virtual_s\":%llu.%09llu}\n", (unsigned long long)(ns / 1000000000),
         (unsigned long long)(ns % 1000000000));
}
