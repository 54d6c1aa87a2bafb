// SPDX-License-Identifier: BSD-2-Clause
// run.c - one scenario from its file to its verdict.
#include "run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef ESTAB_EXTRAS
#include "net_plot.h"
#endif
#include "report.h"
#include "say.h"

static void progress(const struct net *net)
{
  uint64_t ns = net->now_ns - net->start_ns, bytes = 0;
  for (unsigned i = 0; i < net->scenario->flow_count; i++)
    bytes += net->flows[i].read_total;
  fprintf(stderr, "\r%llu.%llu s, %llu MB carried ", (unsigned long long)(ns / 1000000000),
          (unsigned long long)(ns / 100000000 % 10), (unsigned long long)(bytes / 1000000));
}

// The link between two names "A-B"; -1 = none.
static int find_pcap_link(const struct scenario *s, const char *names)
{
  for (unsigned i = 0; i < s->link_count; i++)
    for (unsigned d = 0; d < 2; d++) {
      char both[2 * SCENARIO_NAME + 2];
      snprintf(both, sizeof both, "%s-%s", s->nodes[s->links[i].node[d]].name,
               s->nodes[s->links[i].node[!d]].name);
      if (strcmp(both, names) == 0) return (int)i;
    }
  return -1;
}

// 0, or the exit status after a complaint.
static int open_qlog(struct net *net, const struct scenario *s, const struct net_run_options *o)
{
  net->qlog_node = s->flow_count > 0 ? s->flows[0].from : s->talks[0].node[0];
  if (o->qlog_host != NULL) {
    for (net->qlog_node = 0; net->qlog_node < s->node_count; net->qlog_node++)
      if (strcmp(s->nodes[net->qlog_node].name, o->qlog_host) == 0) break;
    if (net->qlog_node == s->node_count || s->nodes[net->qlog_node].router)
      return say_usage("sim", "--qlog-host %s: the scenario has no such host", o->qlog_host);
  }
  if (o->qlog == NULL) return 0;
  if (s->nodes[net->qlog_node].kernel)
    return say_usage("sim", "--qlog %s: %s is the kernel, name another by --qlog-host", o->qlog,
                     s->nodes[net->qlog_node].name);
  net->qlog = qlog_open("sim", o->qlog, o->path, s->nodes[net->qlog_node].name, QLOG_CLOCK_VIRTUAL,
                        NET_START_NS);
  return net->qlog != NULL ? 0 : EXIT_FAIL;
}

static int draw(const struct net *net, const char *path)
{
#ifdef ESTAB_EXTRAS
  const char *why;
  return net_plot(net, path, &why) < 0 ? say_failure("sim", NULL, "%s: %s", path, why) : 0;
#else
  (void)net;
  return say_failure("sim", NULL, "%s: built without libcairo", path);
#endif
}

int net_run_file(const struct net_run_options *options)
{
  static struct scenario scenario;
  static struct net net;
  struct scenario_error error;
  struct estab_device_error device;
  const char *what = "";
  if (scenario_read(options->path, &scenario, &error) < 0) {
    if (error.line == 0) return say_failure("sim", NULL, "%s: %s", options->path, error.text);
    return say_failure("sim", NULL, "%s:%u:%u: %s", options->path, error.line, error.column,
                       error.text);
  }
  net = (struct net){.sampling = options->plot != NULL};
  if (options->pcap_link != NULL &&
      (net.pcap_link = find_pcap_link(&scenario, options->pcap_link)) < 0)
    return say_usage("sim", "--link %s: the scenario has no such link", options->pcap_link);
  if (options->pcap != NULL &&
      estab_pcap_open(options->pcap, ESTAB_LINK_RAW, ESTAB_NEVER, &net.pcap, &device) < 0)
    return say_device("sim", options->pcap, &device);
  int opened = open_qlog(&net, &scenario, options);
  if (opened) return opened;
  int failed = net_start(&net, &scenario, &what);
  if (failed == ESTAB_ERR_INVALID)
    return say_failure("sim", "Put a router between a host and several links",
                       "%s: %s: a host has exactly one link", options->path, what);
  if (failed < 0 && net.error.error != 0) return say_device("sim", what, &net.error);
  if (failed < 0)
    return say_failure("sim", NULL, "%s: %s: %s", options->path, what, estab_strerror(failed));
  bool tell = isatty(STDERR_FILENO), whole = true;
  if (scenario.realtime)
    whole = net_run_live(&net, tell ? progress : NULL);
  else
    net_run(&net, tell ? progress : NULL);
  if (tell) fputs("\r\033[K", stderr);
  if (!whole) say_failure("sim", NULL, "stopped");
  if (options->json)
    report_json(&net);
  else
    report_text(&net);
  int status = strcmp(report_verdict(&net), "ok") == 0 && whole ? 0 : 1;
  if (options->plot != NULL && draw(&net, options->plot) != 0) status = EXIT_FAIL;
  if (net.pcap != NULL && estab_pcap_close(net.pcap) < 0)
    status = say_failure("sim", NULL, "%s could not be written", options->pcap);
  net_end(&net);
  int logged = qlog_close("sim", net.qlog);
  return status ? status : logged;
}
