// SPDX-License-Identifier: BSD-2-Clause
// host.c - the host under test: memory, clock, input and output of one stack.
#include "host.h"

#include <stdlib.h>
#include <string.h>

static void *host_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                         enum estab_mem_kind kind)
{
  (void)kind;
  struct host *host = ctx;
  if (new_bytes == 0) {
    free(p);
    host->bytes_held -= old_bytes;
    return NULL;
  }
  if (new_bytes > old_bytes && ++host->allocations == host->fail_at) {
    host->failed_allocation = true;
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q == NULL) return NULL;
  host->bytes_held += new_bytes - old_bytes;
  return q;
}

// The same bytes in every run.
static void host_random(void *ctx, void *bytes, size_t count)
{
  struct host *host = ctx;
  uint8_t *out = bytes;
  uint64_t x = 0x9e3779b97f4a7c15u + host->now_ns;
  for (size_t i = 0; i < count; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    out[i] = (uint8_t)(x >> 32);
  }
}

static bool host_same_tuple(const struct estab_tuple *a, const struct estab_tuple *b)
{
  return a->local_port == b->local_port && a->remote_port == b->remote_port &&
         estab_ip_equal(&a->local, &b->local) && estab_ip_equal(&a->remote, &b->remote);
}

enum estab_state host_flow_state(const struct host *host, const struct estab_tuple *tuple)
{
  for (unsigned i = 0; i < host->flow_count; i++)
    if (host_same_tuple(&host->flows[i].tuple, tuple)) return host->flows[i].state;
  return ESTAB_CLOSED;
}

static void host_state_changed(struct host *host, const struct estab_trace *event)
{
  for (unsigned i = 0; i < host->flow_count; i++)
    if (host_same_tuple(&host->flows[i].tuple, event->tuple)) {
      host->flows[i].state = event->u.state_changed.to;
      return;
    }
  if (host->flow_count == HOST_FLOWS) return;
  host->flows[host->flow_count].tuple = *event->tuple;
  host->flows[host->flow_count++].state = event->u.state_changed.to;
}

static void host_trace(void *ctx, const struct estab_trace *event)
{
  struct host *host = ctx;
  if (event->kind == ESTAB_TRACE_state_changed && event->tuple != NULL)
    host_state_changed(host, event);
  if (host->traced != NULL) host->traced(host->ctx, event);
}

void host_begin(struct host *host, bool ip6)
{
  *host = (struct host){.ip6 = ip6, .mtu = ip6 ? 1520 : 1500}; // so that the MSS is 1460 in both
  host->last = &host->first;
  host->start_ns = host->now_ns = 1000000000000; // any moment: 1,000 s
  estab_ip_parse(ip6 ? "fd3d:0a0b:17d6::1" : "192.168.0.1", &host->local);
  estab_ip_parse(ip6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1", &host->remote);
}

int host_start(struct host *host)
{
  struct estab_netif_settings netif;
  struct estab_ip any;
  host->settings.mem = (struct estab_mem){host, host_resize};
  host->settings.random = (struct estab_random){host, host_random};
  host->settings.trace = (struct estab_trace_hook){host, host_trace};
  memcpy(host->settings.secret, "estab's scripts.", sizeof host->settings.secret);
  int error = estab_stack_new(&host->settings, host->now_ns, &host->stack);
  if (error < 0) return error;
  estab_netif_settings_default(&netif);
  netif.link = ESTAB_LINK_RAW;
  netif.mtu = host->mtu;
  int number = estab_netif_add(host->stack, &netif);
  if (number < 0) return number;
  host->netif = (uint32_t)number;
  error = estab_address_add(host->stack, host->netif, &host->local, host->ip6 ? 64 : 24);
  if (error < 0) return error;
  estab_ip_parse(host->ip6 ? "::" : "0.0.0.0", &any);
  error = estab_route_add(host->stack, host->netif, &any, 0, NULL);
  host->ready = error >= 0;
  return error;
}

void host_end(struct host *host)
{
  if (host->stack != NULL) estab_stack_free(host->stack);
  host->stack = NULL;
  while (host->first != NULL)
    free(host_take(host));
}

// Flattens a frame, so that it is read as the wire would carry it.
static void host_keep(struct host *host, const struct estab_frame *frame)
{
  size_t count = estab_frame_bytes(frame), at = 0;
  struct sent *sent = malloc(sizeof *sent + count);
  if (sent == NULL) abort();
  memset(sent, 0, sizeof *sent);
  for (unsigned i = 0; i < frame->piece_count; i++) {
    memcpy(sent->bytes + at, frame->pieces[i].bytes, frame->pieces[i].length);
    at += frame->pieces[i].length;
  }
  sent->ns = host->now_ns;
  sent->event = host->event;
  sent->count = count;
  sent->drop = estab_packet_parse(ESTAB_LINK_RAW, sent->bytes, count, false, &sent->packet);
  sent->parsed = sent->drop >= 0;
  *host->last = sent;
  host->last = &sent->next;
}

void host_pump(struct host *host)
{
  struct estab_frame frames[8];
  for (unsigned rounds = 0; rounds < 100000; rounds++) {
    if (host->news != NULL) host->news(host->ctx);
    int n = estab_stack_output(host->stack, host->now_ns, frames, 8);
    for (int i = 0; i < n; i++)
      host_keep(host, &frames[i]);
    estab_stack_output_done(host->stack, n > 0 ? (unsigned)n : 0, host->now_ns);
    if (n <= 0) return;
  }
}

void host_deliver(struct host *host, const uint8_t *bytes, size_t count)
{
  // An exact-size copy, so that a sanitizer sees a read past it.
  uint8_t *copy = malloc(count);
  if (copy == NULL) abort();
  memcpy(copy, bytes, count);
  struct estab_frame frame = {.struct_bytes = sizeof frame, .netif = host->netif, .piece_count = 1};
  frame.pieces[0] = (struct estab_piece){.bytes = copy, .length = count};
  estab_stack_input(host->stack, host->now_ns, &frame, 1);
  free(copy);
  host_pump(host);
}

void host_advance(struct host *host, uint64_t until_ns, bool stop_at_packet)
{
  if (host->stack == NULL) {
    if (until_ns > host->now_ns && !stop_at_packet) host->now_ns = until_ns;
    return;
  }
  while (!stop_at_packet || host->first == NULL) {
    uint64_t deadline = estab_stack_deadline(host->stack);
    if (deadline > until_ns) break;
    // A deadline that stays in the past must not hold the clock: a microsecond goes by.
    static const uint64_t nudge_ns = 1000;
    host->now_ns = deadline > host->now_ns ? deadline : host->now_ns + nudge_ns;
    if (host->now_ns > until_ns) host->now_ns = until_ns;
    estab_stack_handle_deadline(host->stack, host->now_ns);
    host_pump(host);
    if (host->now_ns == until_ns && estab_stack_deadline(host->stack) <= until_ns) break;
  }
  if ((!stop_at_packet || host->first == NULL) && until_ns > host->now_ns && until_ns != UINT64_MAX)
    host->now_ns = until_ns;
}

struct sent *host_take(struct host *host)
{
  struct sent *sent = host->first;
  if (sent == NULL) return NULL;
  host->first = sent->next;
  if (host->first == NULL) host->last = &host->first;
  return sent;
}
