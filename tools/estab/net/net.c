// SPDX-License-Identifier: BSD-2-Clause
// net.c - the clock of a scenario: what happens next, until the flows are done.
#include "net.h"

#include <stdlib.h>
#include <string.h>

#define NET_SECOND     UINT64_C(1000000000)
#define NET_LONGEST_NS (UINT64_C(24) * 3600 * NET_SECOND) // of a run without `until`

static uint64_t entry_when(const struct net *net, unsigned i)
{
  unsigned lanes = 2 * net->scenario->link_count;
  if (i < lanes) return lane_deadline(&net->lanes[i]);
  const struct net_node *node = &net->nodes[i - lanes];
  if (node->kernel != NULL) return node->alarm_ns;
  if (node->talker != NULL) return net_talker_when(node);
  return node->stack != NULL ? net_host_when(node) : ESTAB_NEVER;
}

int net_start(struct net *net, const struct scenario *scenario, const char **what)
{
  *net = (struct net){.scenario = scenario,
                      .chance = {chance_mix(scenario->seed)},
                      .pcap = net->pcap,
                      .pcap_link = net->pcap_link,
                      .qlog = net->qlog,
                      .qlog_node = net->qlog_node,
                      .sampling = net->sampling,
                      .plant = net->plant};
  net->start_ns = net->now_ns = NET_START_NS;
  for (unsigned i = 0; i < scenario->flow_count; i++)
    net->flows[i].listen_fd = net->flows[i].sender_fd = net->flows[i].receiver_fd = -1;
  for (unsigned i = 0; i < scenario->link_count; i++)
    for (unsigned d = 0; d < 2; d++)
      lane_start(&net->lanes[2 * i + d], &scenario->links[i].faults[d],
                 scenario->seed * 131 + 2 * i + d, net->now_ns);
  int error = net_route(net, what);
  if (error >= 0) error = net_talks_start(net, what);
  for (unsigned i = 0; i < scenario->node_count && error >= 0; i++) {
    *what = scenario->nodes[i].name;
    if (scenario->nodes[i].kernel)
      error = net_kernel_start(net, i);
    else if (!scenario->nodes[i].router && net->nodes[i].talker == NULL)
      error = net_host_start(net, i);
  }
  if (error >= 0) error = net_flows_start(net, what);
  net->when_count = 2 * scenario->link_count + scenario->node_count;
  for (unsigned i = 0; i < net->when_count && error >= 0; i++)
    net->when[i] = entry_when(net, i);
  if (net->sampling && error >= 0) {
    net->samples = calloc((size_t)NET_SAMPLES_MAX * scenario->flow_count, sizeof *net->samples);
    net->sample_every_ns = NET_SECOND / 1000;
    net->next_sample_ns = net->now_ns;
    if (net->samples == NULL) error = ESTAB_ERR_NO_MEMORY;
  }
  return error < 0 ? error : 0;
}

void net_end(struct net *net)
{
  for (unsigned i = 0; i < net->scenario->node_count; i++) {
    net_host_end(&net->nodes[i]);
    net_kernel_end(&net->nodes[i]);
  }
  for (unsigned i = 0; i < 2 * net->scenario->link_count; i++)
    lane_end(&net->lanes[i]);
  net_talks_end(net);
  for (unsigned i = 0; i < net->scenario->flow_count; i++) {
    net_socket_close(&net->flows[i].sender_fd);
    net_socket_close(&net->flows[i].receiver_fd);
    net_socket_close(&net->flows[i].listen_fd);
    seen_end(&net->flows[i].seen);
    free(net->flows[i].completions_ns);
  }
  free(net->samples);
}

static uint64_t next_change_ns(const struct net *net)
{
  const struct scenario *s = net->scenario;
  if (net->next_change == s->change_count) return ESTAB_NEVER;
  return net->start_ns + s->changes[net->next_change].at_ns;
}

static void apply_change(struct net *net)
{
  const struct scenario_change *c = &net->scenario->changes[net->next_change++];
  for (unsigned d = 0; d < 2; d++) {
    struct lane *lane = &net->lanes[2 * c->link + d];
    if (!c->direction[d]) continue;
    lane->faults = c->faults[d];
    lane->cut = c->cut[d];
    if (lane->tokens > lane->faults.police_bytes) lane->tokens = lane->faults.police_bytes;
  }
}

// Halves what is kept once there is too much of it, and goes on half as often.
static void thin_samples(struct net *net)
{
  unsigned flows = net->scenario->flow_count;
  for (unsigned i = 0; i < NET_SAMPLES_MAX / 2; i++)
    memmove(&net->samples[i * flows], &net->samples[2 * i * flows], flows * sizeof *net->samples);
  net->sample_count = NET_SAMPLES_MAX / 2;
  net->sample_every_ns *= 2;
}

static void take_sample(struct net *net)
{
  unsigned flows = net->scenario->flow_count;
  uint64_t queue_bytes = 0, lost = 0;
  if (net->sample_count == NET_SAMPLES_MAX) thin_samples(net);
  for (unsigned i = 0; i < 2 * net->scenario->link_count; i++) {
    queue_bytes += net->lanes[i].queue.bytes;
    lost += net->lanes[i].counters.lost;
  }
  for (unsigned i = 0; i < flows; i++) {
    struct net_flow *flow = &net->flows[i];
    struct net_sample *sample = &net->samples[net->sample_count * flows + i];
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    *sample = (struct net_sample){.at_ns = net->now_ns - net->start_ns,
                                  .read_total = flow->read_total,
                                  .queue_bytes = queue_bytes,
                                  .lost = lost,
                                  .retransmissions = flow->retransmissions};
    if (flow->sender_fd >= 0) net_socket_sample(flow, sample);
    if (flow->sender == 0 ||
        estab_conn_info(net->nodes[flow->spec->from].stack, flow->sender, &info) < 0)
      continue;
    sample->cwnd_bytes = info.cwnd_bytes;
    sample->flight_bytes = info.flight_bytes;
    sample->srtt_ns = info.srtt_ns;
  }
  net->sample_count++;
  net->next_sample_ns = net->now_ns + net->sample_every_ns;
}

void net_clock(struct net *net)
{
  if (net->epoch_ns != 0) net->now_ns = estab_clock_ns() - net->epoch_ns;
}

static void note_late(struct net *net, uint64_t due_ns)
{
  struct net_late *l = &net->late;
  uint64_t late_ns = net->now_ns - due_ns;
  l->departures++;
  l->late += late_ns > NET_LATE_NS;
  if (late_ns > l->max_ns) l->max_ns = late_ns;
}

bool net_is_late(const struct net *net)
{
  return net->late.late * 1000000 > net->late.departures * NET_LATE_LIMIT_PPM;
}

// The packets of one lane that have arrived.
static void lane_work(struct net *net, unsigned i)
{
  unsigned node = net->scenario->links[i / 2].node[!(i % 2)];
  struct lane_packet *p;
  net_clock(net);
  while ((p = lane_take(&net->lanes[i], net->now_ns)) != NULL) {
    if (net->epoch_ns != 0) note_late(net, p->due_ns);
    if (net->nodes[node].talker != NULL)
      net_talker_hear(&net->nodes[node], p->bytes, p->count);
    else if (net->nodes[node].stack != NULL)
      net_host_hear(&net->nodes[node], p->bytes, p->count);
    else if (net->nodes[node].kernel != NULL)
      net_kernel_hear(&net->nodes[node], p->bytes, p->count);
    else
      net_forward(net, node, p->bytes, p->count);
    free(p);
  }
}

static uint64_t net_next(const struct net *net)
{
  uint64_t next = next_change_ns(net);
  for (unsigned i = 0; i < net->when_count; i++)
    if (net->when[i] < next) next = net->when[i];
  return next;
}

uint64_t net_work(struct net *net)
{
  unsigned lanes = 2 * net->scenario->link_count;
  if (net->sampling && net->now_ns >= net->next_sample_ns) take_sample(net);
  while (next_change_ns(net) <= net->now_ns)
    apply_change(net);
  for (unsigned i = 0; i < net->when_count; i++) {
    if (net->when[i] > net->now_ns) continue;
    if (i < lanes)
      lane_work(net, i);
    else if (net->nodes[i - lanes].kernel != NULL)
      net_kernel_work(&net->nodes[i - lanes]);
    else if (net->nodes[i - lanes].talker != NULL)
      net_talker_work(&net->nodes[i - lanes]);
    else
      net_host_work(&net->nodes[i - lanes]);
    net->when[i] = entry_when(net, i);
  }
  return net_next(net);
}

static bool net_step(struct net *net, uint64_t until_ns)
{
  uint64_t next = net_next(net);
  if (next > until_ns) return false;
  if (next > net->now_ns) net->now_ns = next;
  net_work(net);
  net_talks_stepped(net);
  return true;
}

void net_run(struct net *net, void (*progress)(const struct net *net))
{
  const struct scenario *s = net->scenario;
  uint64_t until = net->start_ns + (s->until_ns > 0 ? s->until_ns : NET_LONGEST_NS);
  uint64_t told = 0;
  for (uint64_t steps = 0; !net_flows_done(net) || !net_talks_done(net); steps++) {
    if (!net_step(net, until) && !net_talks_give_up(net)) break;
    if (progress != NULL && steps - told >= 100000) {
      progress(net);
      told = steps;
    }
  }
  if (!net_flows_done(net) && s->until_ns > 0) net->now_ns = until;
  net_talks_settle(net, net_step);
  net_flows_ask(net);
  if (net->sampling) take_sample(net);
}
