// SPDX-License-Identifier: BSD-2-Clause
// net_plot.c - a run as a picture: windows, round trips, goodput, queues, losses over time.
#include "net_plot.h"

#include <stdio.h>
#include <string.h>

#include "plot/plot.h"

#define PLOT_FLOWS 16 // drawn; more would be a blur

static double seconds(uint64_t ns)
{
  return (double)ns / 1e9;
}

static void flow_name(char *out, size_t room, const struct net *net, unsigned i)
{
  const struct scenario_flow *f = &net->scenario->flows[i];
  snprintf(out, room, "%u: %s > %s", i + 1, net->scenario->nodes[f->from].name,
           net->scenario->nodes[f->to].name);
}

// Goodput between samples, over stretches long enough to be read.
static void add_goodput(const struct net *net, unsigned i, struct plot_series *series)
{
  unsigned flows = net->scenario->flow_count, stride = net->sample_count / 200 + 1;
  for (unsigned k = stride; k < net->sample_count; k += stride) {
    const struct net_sample *now = &net->samples[k * flows + i];
    const struct net_sample *then = &net->samples[(k - stride) * flows + i];
    if (now->at_ns <= then->at_ns) continue;
    double bits = (double)(now->read_total - then->read_total) * 8;
    plot_point(series, seconds(now->at_ns), bits / seconds(now->at_ns - then->at_ns) / 1e6, 0);
  }
}

static void add_flow(const struct net *net, unsigned i, struct plot_panel *panels[4])
{
  char name[48];
  struct plot_series *series[4];
  unsigned flows = net->scenario->flow_count;
  flow_name(name, sizeof name, net, i);
  for (unsigned p = 0; p < 4; p++)
    series[p] = plot_series_add(panels[p], name, p == 3 ? PLOT_STEPS : PLOT_LINE, i);
  for (unsigned k = 0; k < net->sample_count; k++) {
    const struct net_sample *s = &net->samples[k * flows + i];
    if (s->cwnd_bytes > 0) plot_point(series[0], seconds(s->at_ns), s->cwnd_bytes / 1024.0, 0);
    if (s->srtt_ns > 0) plot_point(series[1], seconds(s->at_ns), (double)s->srtt_ns / 1e6, 0);
    plot_point(series[3], seconds(s->at_ns), (double)s->retransmissions, 0);
  }
  add_goodput(net, i, series[2]);
}

int net_plot(const struct net *net, const char *path, const char **why)
{
  static struct plot plot;
  const struct scenario *s = net->scenario;
  memset(&plot, 0, sizeof plot);
  snprintf(plot.title, sizeof plot.title, "%u flows, %u links, seed %llu", s->flow_count,
           s->link_count, (unsigned long long)s->seed);
  struct plot_panel *panels[4] = {plot_panel_add(&plot, "congestion window", "KiB"),
                                  plot_panel_add(&plot, "smoothed round trip", "ms"),
                                  plot_panel_add(&plot, "goodput", "Mbit/s"),
                                  plot_panel_add(&plot, "segments sent again", "in all")};
  for (unsigned i = 0; i < s->flow_count && i < PLOT_FLOWS; i++)
    add_flow(net, i, panels);
  struct plot_panel *queues = plot_panel_add(&plot, "octets in queues", "KiB");
  struct plot_panel *losses = plot_panel_add(&plot, "packets lost on links", "in all");
  struct plot_series *queue = plot_series_add(queues, "all links", PLOT_STEPS, 7);
  struct plot_series *lost = plot_series_add(losses, "all links", PLOT_STEPS, 1);
  for (unsigned k = 0; k < net->sample_count; k++) {
    const struct net_sample *first = &net->samples[k * s->flow_count];
    plot_point(queue, seconds(first->at_ns), (double)first->queue_bytes / 1024, 0);
    plot_point(lost, seconds(first->at_ns), (double)first->lost, 0);
  }
  int answer = plot_write(&plot, path, why);
  plot_free(&plot);
  return answer;
}
