// SPDX-License-Identifier: BSD-2-Clause
// net_host.c - a host of a scenario: its stack between the flows and one link.
#include <stdlib.h>
#include <string.h>

#include "estab/driver.h"
#include "net.h"

#define HOST_FRAMES 16

static void host_random(void *ctx, void *bytes, size_t count)
{
  struct net_node *node = ctx;
  uint8_t *out = bytes;
  for (size_t i = 0; i < count; i++)
    out[i] = (uint8_t)chance_next(&node->net->chance);
}

int net_host_start(struct net *net, unsigned i)
{
  struct net_node *node = &net->nodes[i];
  struct estab_settings settings = node->spec->stack;
  struct estab_netif_settings netif;
  settings.mem = estab_system_mem();
  settings.random = (struct estab_random){node, host_random};
  if (net->qlog != NULL && net->qlog_node == i) settings.trace = qlog_hook(net->qlog);
  for (size_t k = 0; k < sizeof settings.secret; k++)
    settings.secret[k] = (uint8_t)chance_next(&net->chance);
  int error = estab_stack_new(&settings, net->now_ns, &node->stack);
  if (error < 0) return error;
  estab_netif_settings_default(&netif);
  netif.link = ESTAB_LINK_RAW;
  netif.mtu = node->spec->mtu;
  netif.departure_times = node->spec->departure_times;
  int number = estab_netif_add(node->stack, &netif);
  if (number < 0) return number;
  node->netif = (uint32_t)number;
  node->alarm_ns = ESTAB_NEVER;
  return estab_address_add(node->stack, node->netif, &node->ip, net->scenario->ip6 ? 64 : 24);
}

void net_host_end(struct net_node *node)
{
  while (node->paced != NULL) {
    struct net_paced *next = node->paced->next;
    free(node->paced);
    node->paced = next;
  }
  if (node->stack != NULL) estab_stack_free(node->stack);
  node->stack = NULL;
}

uint64_t net_host_when(const struct net_node *node)
{
  uint64_t when = estab_stack_deadline(node->stack);
  if (node->alarm_ns < when) when = node->alarm_ns;
  if (node->paced != NULL && node->paced->at_ns < when) when = node->paced->at_ns;
  return when;
}

// A frame that is to leave later waits; one behind it never overtakes it.
static void host_send(struct net_node *node, const struct estab_frame *frame)
{
  struct net *net = node->net;
  size_t count = estab_frame_bytes(frame), at = 0;
  bool later = frame->not_before_ns > net->now_ns || node->paced != NULL;
  static uint8_t flat[65536];
  uint8_t *bytes = flat;
  struct net_paced *p = NULL;
  if (later) {
    p = malloc(sizeof *p + count);
    if (p == NULL) abort();
    bytes = p->bytes;
  }
  for (unsigned i = 0; i < frame->piece_count; i++) {
    memcpy(bytes + at, frame->pieces[i].bytes, frame->pieces[i].length);
    at += frame->pieces[i].length;
  }
  net_flows_wire(net, bytes, count, true);
  if (!later) {
    net_admit(net, node->lane, bytes, count);
    return;
  }
  p->next = NULL;
  p->count = count;
  p->at_ns = frame->not_before_ns;
  *(node->paced != NULL ? &node->paced_last->next : &node->paced) = p;
  node->paced_last = p;
}

static void host_release_paced(struct net_node *node)
{
  while (node->paced != NULL && node->paced->at_ns <= node->net->now_ns) {
    struct net_paced *p = node->paced;
    node->paced = p->next;
    net_admit(node->net, node->lane, p->bytes, p->count);
    free(p);
  }
}

static void host_pump(struct net_node *node)
{
  struct estab_frame frames[HOST_FRAMES];
  struct estab_event event;
  int n;
  do {
    while (estab_stack_next_event(node->stack, &event) > 0)
      net_flows_event(node, &event);
    net_flows_work(node);
    n = estab_stack_output(node->stack, node->net->now_ns, frames, HOST_FRAMES);
    for (int i = 0; i < n; i++)
      host_send(node, &frames[i]);
    estab_stack_output_done(node->stack, n > 0 ? (unsigned)n : 0, node->net->now_ns);
  } while (n > 0);
}

void net_host_hear(struct net_node *node, const uint8_t *bytes, size_t count)
{
  struct estab_frame frame = {.struct_bytes = sizeof frame, .netif = node->netif, .piece_count = 1};
  frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = count};
  net_flows_wire(node->net, bytes, count, false);
  estab_stack_input(node->stack, node->net->now_ns, &frame, 1);
  host_pump(node);
  unsigned entry = 2 * node->net->scenario->link_count + (unsigned)(node - node->net->nodes);
  node->net->when[entry] = net_host_when(node);
}

void net_host_work(struct net_node *node)
{
  host_release_paced(node);
  if (estab_stack_deadline(node->stack) <= node->net->now_ns)
    estab_stack_handle_deadline(node->stack, node->net->now_ns);
  host_pump(node);
}
