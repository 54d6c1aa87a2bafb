// SPDX-License-Identifier: BSD-2-Clause
// net_flow.c - the flows of a scenario: who writes, who reads and compares, and what the wire says of it.
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"
#include "octets.h"

#define PATTERN_BYTES 65536u
#define PIECE_BYTES   16384u
#define USER_SENDER   1u
#define USER_RECEIVER 1001u

// Octet n of every stream is pattern[n mod PATTERN_BYTES]; a piece more makes every piece contiguous.
static uint8_t pattern[PATTERN_BYTES + PIECE_BYTES];

int net_flows_start(struct net *net, const char **what)
{
  const struct scenario *s = net->scenario;
  struct chance c = {chance_mix(s->seed + 4711)};
  for (unsigned i = 0; i < PATTERN_BYTES; i++)
    pattern[i] = (uint8_t)chance_next(&c);
  memcpy(pattern + PATTERN_BYTES, pattern, PIECE_BYTES);
  for (unsigned i = 0; i < s->flow_count; i++) {
    struct net_flow *flow = &net->flows[i];
    struct net_node *to = &net->nodes[s->flows[i].to], *from = &net->nodes[s->flows[i].from];
    struct estab_listen_settings settings;
    flow->spec = &s->flows[i];
    flow->next_ns = net->start_ns + flow->spec->start_ns;
    flow->completions_ns = calloc(flow->spec->repeat, sizeof *flow->completions_ns);
    if (flow->completions_ns == NULL) return ESTAB_ERR_NO_MEMORY;
    if (flow->next_ns < from->alarm_ns) from->alarm_ns = flow->next_ns;
    estab_listen_settings_default(&settings);
    settings.port_first = settings.port_last = (uint16_t)(NET_PORT + i);
    settings.backlog = 16;
    *what = to->spec->name;
    int error = to->kernel != NULL ? net_socket_listen(net, flow)
                                   : estab_listen(to->stack, &settings, &flow->listener);
    if (error < 0) return error;
    *what = from->spec->name;
    if (from->kernel != NULL && (error = net_socket_try(from, flow)) < 0) return error;
  }
  return 0;
}

bool net_flow_has_sender(const struct net_flow *flow)
{
  return flow->sender != 0 || flow->sender_fd >= 0;
}

bool net_flow_has_receiver(const struct net_flow *flow)
{
  return flow->receiver != 0 || flow->receiver_fd >= 0;
}

static bool flow_idle(const struct net_flow *flow)
{
  return !net_flow_has_sender(flow) && !net_flow_has_receiver(flow);
}

static bool flow_done(const struct net_flow *flow)
{
  return flow->done + flow->failed == flow->spec->repeat && flow_idle(flow);
}

bool net_flows_done(const struct net *net)
{
  for (unsigned i = 0; i < net->scenario->flow_count; i++)
    if (!flow_done(&net->flows[i])) return false;
  return true;
}

// Before a sender's handle is given back.
static void flow_ask(struct net_node *node, struct net_flow *flow)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  struct net_told *t = &flow->told;
  if (node->stack == NULL || flow->sender == 0 ||
      estab_conn_info(node->stack, flow->sender, &info) < 0)
    return;
  t->bytes_sent += info.bytes_sent;
  t->segments_sent += info.segments_sent;
  t->segments_again += info.segments_retransmitted;
  t->segments_spurious += info.segments_spurious;
  t->limited_application_ns += info.limited_application_ns;
  t->limited_cwnd_ns += info.limited_cwnd_ns;
  t->limited_peer_window_ns += info.limited_peer_window_ns;
  t->limited_send_buffer_ns += info.limited_send_buffer_ns;
  t->limited_pacing_ns += info.limited_pacing_ns;
  t->reordering_seen |= info.reordering_seen;
}

void net_flows_ask(struct net *net)
{
  for (unsigned i = 0; i < net->scenario->flow_count; i++)
    flow_ask(&net->nodes[net->flows[i].spec->from], &net->flows[i]);
}

static int flow_connect(struct net_node *node, struct net_flow *flow)
{
  struct net *net = node->net;
  struct estab_connect_settings settings;
  unsigned i = (unsigned)(flow - net->flows);
  estab_connect_settings_default(&settings);
  settings.remote = net->nodes[flow->spec->to].ip;
  settings.remote_port = (uint16_t)(NET_PORT + i);
  flow->sender = 0;
  int error = estab_connect(node->stack, &settings, net->now_ns, &flow->sender);
  if (error < 0) return error;
  estab_conn_set_user(node->stack, flow->sender, USER_SENDER + i);
  if (flow->spec->congestion_control >= 0)
    estab_option_set(node->stack, flow->sender, ESTAB_OPT_CONGESTION_CONTROL,
                     (uint64_t)flow->spec->congestion_control);
  return 0;
}

static void flow_begin(struct net_node *node, struct net_flow *flow)
{
  struct net *net = node->net;
  int error = node->kernel != NULL ? net_socket_connect(node, flow) : flow_connect(node, flow);
  if (error < 0) {
    flow->error = error;
    flow->failed++;
    flow->next_ns = net->now_ns + flow->spec->gap_ns;
    return;
  }
  if (flow->done + flow->failed == 0) flow->first_ns = net->now_ns;
  flow->begun_ns = net->now_ns;
  flow->sent = flow->read = 0;
  flow->open = flow->sender_closed = false;
  flow->writable = true;
}

// Chunks that the user has had by now.
static uint64_t flow_chunks(const struct net *net, const struct net_flow *flow)
{
  return (net->now_ns - flow->begun_ns) / flow->spec->each_ns + 1;
}

static void flow_write(struct net_node *node, struct net_flow *flow)
{
  uint64_t bytes = flow->spec->bytes;
  uint64_t most = UINT64_MAX;
  if (flow->spec->each_ns > 0) most = flow->spec->chunk_bytes * flow_chunks(node->net, flow);
  if (flow->spec->for_ns > 0 &&
      node->net->now_ns >= node->net->start_ns + flow->spec->start_ns + flow->spec->for_ns)
    bytes = flow->sent;
  const uint64_t now_bytes = bytes < most ? bytes : most;
  while (flow->writable && flow->sent < now_bytes) {
    uint64_t n = now_bytes - flow->sent < PIECE_BYTES ? now_bytes - flow->sent : PIECE_BYTES;
    const uint8_t *text = pattern + flow->sent % PATTERN_BYTES;
    int took = node->kernel != NULL ? net_socket_send(flow, text, (size_t)n)
                                    : estab_send(node->stack, flow->sender, text, (size_t)n);
    flow->writable = took == (int)n;
    if (took > 0) flow->sent += (uint64_t)took;
  }
  if (flow->sent < bytes || flow->sender_closed || !flow->open) return;
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (node->kernel != NULL)
    shutdown(flow->sender_fd, SHUT_WR);
  else if (estab_conn_info(node->stack, flow->sender, &info) >= 0)
    flow->path_mtu = info.path_mtu;
  if (node->kernel == NULL) estab_close(node->stack, flow->sender);
  flow->sender_closed = true;
}

static void flow_release_receiver(struct net_node *node, struct net_flow *flow)
{
  if (node->kernel != NULL)
    net_socket_close(&flow->receiver_fd);
  else
    estab_release(node->stack, flow->receiver);
  flow->receiver = 0;
}

static void flow_read(struct net_node *node, struct net_flow *flow)
{
  struct net *net = node->net;
  static uint8_t bytes[PIECE_BYTES];
  while (flow->readable && net_flow_has_receiver(flow)) {
    int got = node->kernel != NULL ? net_socket_recv(flow, bytes, sizeof bytes)
                                   : estab_recv(node->stack, flow->receiver, bytes, sizeof bytes);
    if (got < 0) {
      flow->readable = false;
      return;
    }
    if (got == 0) { // the end of the stream
      flow->completions_ns[flow->done++] = net->now_ns - flow->begun_ns;
      flow->stream_broken |= flow->spec->for_ns == 0 && flow->read != flow->spec->bytes;
      if (node->kernel == NULL) estab_close(node->stack, flow->receiver);
      flow_release_receiver(node, flow);
      return;
    }
    if (memcmp(bytes, pattern + flow->read % PATTERN_BYTES, (size_t)got) != 0)
      flow->stream_broken = true;
    flow->read += (uint64_t)got;
    flow->read_total += (uint64_t)got;
    if (net->now_ns - net->start_ns >= net->scenario->measure_from_ns)
      flow->read_measured += (uint64_t)got;
    flow->last_ns = net->now_ns;
  }
}

// A connection that ended by an error: the transfer failed, unless its reader has seen its end already.
void net_flow_failed(struct net_node *node, struct net_flow *flow, bool sender, int error)
{
  bool was_read =
      sender && !net_flow_has_receiver(flow) && flow->read == flow->sent && flow->sender_closed;
  if (!was_read) {
    flow->failed++;
    flow->error = error;
  }
  if (!sender) {
    flow_release_receiver(node, flow);
    return;
  }
  flow_ask(node, flow);
  if (node->kernel == NULL) estab_release(node->stack, flow->sender);
  net_flow_sender_over(node->net, flow);
}

void net_flow_sender_over(struct net *net, struct net_flow *flow)
{
  net_socket_close(&flow->sender_fd);
  flow->sender = 0;
  flow->next_ns = net->now_ns + flow->spec->gap_ns;
}

static void flow_sender_event(struct net_node *node, struct net_flow *flow,
                              const struct estab_event *event)
{
  if (event->conn != flow->sender) return;
  if (event->events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) {
    net_flow_failed(node, flow, true, event->error != 0 ? event->error : ESTAB_ERR_RESET);
    return;
  }
  if (event->events & ESTAB_EVENT_CONNECTED) flow->open = true;
  if (event->events & (ESTAB_EVENT_WRITABLE | ESTAB_EVENT_CONNECTED)) flow->writable = true;
  if ((event->events & ESTAB_EVENT_END) == 0) return;
  // The receiver closes when it has read all: nothing is left to do here.
  flow_ask(node, flow);
  estab_release(node->stack, flow->sender);
  net_flow_sender_over(node->net, flow);
}

void net_flows_event(struct net_node *node, const struct estab_event *event)
{
  struct net *net = node->net;
  if (event->listener != 0) {
    for (unsigned i = 0; i < net->scenario->flow_count; i++) {
      struct net_flow *flow = &net->flows[i];
      estab_conn conn;
      if (flow->listener != event->listener || &net->nodes[flow->spec->to] != node) continue;
      while (flow->receiver == 0 && estab_accept(node->stack, flow->listener, &conn) >= 0) {
        flow->receiver = conn;
        flow->readable = true;
        estab_conn_set_user(node->stack, conn, USER_RECEIVER + i);
      }
    }
    return;
  }
  if (event->user >= USER_RECEIVER) {
    struct net_flow *flow = &net->flows[event->user - USER_RECEIVER];
    if (event->conn != flow->receiver) return;
    if (event->events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
      net_flow_failed(node, flow, false, event->error != 0 ? event->error : ESTAB_ERR_RESET);
    else if (event->events & (ESTAB_EVENT_READABLE | ESTAB_EVENT_END))
      flow->readable = true;
  } else if (event->user >= USER_SENDER) {
    flow_sender_event(node, &net->flows[event->user - USER_SENDER], event);
  }
}

// When the flows of this host want to be asked again.
static void flows_set_alarm(struct net_node *node)
{
  struct net *net = node->net;
  node->alarm_ns = ESTAB_NEVER;
  for (unsigned i = 0; i < net->scenario->flow_count; i++) {
    const struct net_flow *flow = &net->flows[i];
    uint64_t at = ESTAB_NEVER;
    if (&net->nodes[flow->spec->from] != node) continue;
    if (flow_idle(flow) && flow->done + flow->failed < flow->spec->repeat)
      at = flow->next_ns;
    else if (flow->spec->for_ns > 0 && net_flow_has_sender(flow) && !flow->sender_closed)
      at = net->start_ns + flow->spec->start_ns + flow->spec->for_ns;
    if (flow->spec->each_ns > 0 && net_flow_has_sender(flow) && !flow->sender_closed) {
      uint64_t chunk_at = flow->begun_ns + flow_chunks(net, flow) * flow->spec->each_ns;
      if (chunk_at < at) at = chunk_at;
    }
    if (at < node->alarm_ns) node->alarm_ns = at;
  }
}

void net_flows_work(struct net_node *node)
{
  struct net *net = node->net;
  for (unsigned i = 0; i < net->scenario->flow_count; i++) {
    struct net_flow *flow = &net->flows[i];
    if (&net->nodes[flow->spec->to] == node) flow_read(node, flow);
    if (&net->nodes[flow->spec->from] != node) continue;
    bool more = flow->done + flow->failed < flow->spec->repeat;
    if (flow_idle(flow) && more && net->now_ns >= flow->next_ns) flow_begin(node, flow);
    if (net_flow_has_sender(flow)) flow_write(node, flow);
  }
  flows_set_alarm(node);
}

// ---------------------------------------------------------------------------------------------
// The wire

// The flow and the TCP header of a packet with text, without options' sake; NULL = neither.
static struct net_flow *wire_flow(struct net *net, const uint8_t *p, size_t count, uint32_t *seq,
                                  uint32_t *text, bool *syn)
{
  size_t ip = count >= 20 && p[0] >> 4 == 4 ? (size_t)(p[0] & 15) * 4 : 40;
  uint8_t protocol = p[0] >> 4 == 4 ? p[9] : p[6];
  if (protocol != 6 || count < ip + 20) return NULL;
  const uint8_t *t = p + ip;
  unsigned port = (unsigned)(t[2] << 8 | t[3]), header = (t[12] >> 4) * 4u;
  if (port < NET_PORT || port >= NET_PORT + net->scenario->flow_count || count < ip + header)
    return NULL;
  *seq = octets_get32(t + 4);
  *text = (uint32_t)(count - ip - header);
  *syn = (t[13] & 2) != 0;
  return &net->flows[port - NET_PORT];
}

void net_flows_wire(struct net *net, const uint8_t *bytes, size_t count, bool sent)
{
  uint32_t seq, text;
  bool syn;
  struct net_flow *flow = wire_flow(net, bytes, count, &seq, &text, &syn);
  if (flow == NULL) return;
  if (syn) {
    if (sent) flow->max_known = false;
    if (!sent) seen_start(&flow->seen, seq + 1);
    return;
  }
  if (text == 0) return;
  if (!sent) {
    flow->spurious += seen_add(&flow->seen, seq, text);
    return;
  }
  flow->segments++;
  if (flow->max_known && (int32_t)(seq - flow->max_seq) < 0) flow->retransmissions++;
  if (!flow->max_known || (int32_t)(seq + text - flow->max_seq) > 0) flow->max_seq = seq + text;
  flow->max_known = true;
}
