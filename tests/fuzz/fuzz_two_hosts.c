// SPDX-License-Identifier: BSD-2-Clause
// fuzz_two_hosts.c - two stacks and the wire between them; the input chooses the users' calls, what the wire and the
// devices do, which memory is refused and how time passes.
//
// What must hold after every step: only the edges of RFC 9293 Figure 5; SND.UNA <= SND.NXT, neither moves back; the
// right edge of an offered window never moves left; every octet read is the one that was sent at that place; an end of
// stream comes after all of them; nobody who waits for an event waits in vain; no event of a released handle; frames
// not taken are offered again first; held frames stay as they are; lent memory comes back once. In the end, with the
// wire whole again, all connections go in bounded time and all memory comes back.
#include "fuzz/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// ---- The users' books

static struct end *end_of(struct host *h, estab_conn conn)
{
  for (unsigned i = 0; i < h->end_count; i++)
    if (h->ends[i].live && h->ends[i].conn == conn) return &h->ends[i];
  return NULL;
}

static void look(struct host *h, struct end *e)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  MUST(estab_conn_info(h->s, e->conn, &info) == ESTAB_OK);
  const bool known = e->snd_nxt != 0;
  MUST((int32_t)(info.snd_nxt - info.snd_una) >= 0);
  MUST(!known || (int32_t)(info.snd_una - e->snd_una) >= 0);
  MUST(!known || (int32_t)(info.snd_nxt - e->snd_nxt) >= 0);
  MUST(!known || e->irs != info.irs || (int32_t)(info.rcv_nxt - e->rcv_nxt) >= 0);
  e->iss = info.iss;
  e->irs = info.irs;
  e->snd_una = info.snd_una;
  e->snd_nxt = info.snd_nxt;
  e->rcv_nxt = info.rcv_nxt;
}

static struct end *new_end(struct host *h, estab_conn conn)
{
  MUST(conn != 0 && end_of(h, conn) == NULL);
  if (h->end_count == ENDS) {
    MUST(estab_release(h->s, conn) == ESTAB_OK);
    return NULL;
  }
  struct end *e = &h->ends[h->end_count++];
  *e = (struct end){.conn = conn, .live = true};
  look(h, e);
  return e;
}

static void check_ends(struct world *w)
{
  for (unsigned i = 0; i < 2; i++)
    for (unsigned k = 0; k < w->hosts[i].end_count; k++)
      if (w->hosts[i].ends[k].live) look(&w->hosts[i], &w->hosts[i].ends[k]);
}

// When nothing is left to do at this moment, whoever may act has been told.
static void check_told(struct host *h)
{
  for (unsigned i = 0; i < h->end_count; i++) {
    const struct end *e = &h->ends[i];
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    if (!e->live || estab_conn_info(h->s, e->conn, &info) < 0) continue;
    MUST(e->shut || info.recv_queued_bytes == 0 || e->told_readable);
    const bool open = info.state == ESTAB_ESTABLISHED || info.state == ESTAB_CLOSE_WAIT;
    MUST(!open || e->closed || !e->waits_writable || info.send_queued_bytes != 0);
  }
}

static void got_octets(struct world *w, struct end *e, const uint8_t *bytes, size_t n)
{
  for (size_t i = 0; i < n; i++, e->got++)
    MUST(w->forged || bytes[i] == octet(e->irs, e->got));
}

// The stream has ended in order: the other side closed, and all it sent was read.
static void got_end(struct world *w, unsigned host, struct end *e)
{
  if (w->forged || e->shut) return;
  struct host *other = &w->hosts[1 - host];
  for (unsigned i = 0; i < other->end_count; i++) {
    const struct end *from = &other->ends[i];
    if (from->iss != e->irs || from->irs != e->iss) continue;
    MUST(from->closed && from->sent == e->got);
    return;
  }
}

// ---- Calls

static void release(struct world *w, unsigned host, struct end *e)
{
  struct host *h = &w->hosts[host];
  look(h, e);
  MUST(estab_release(h->s, e->conn) == ESTAB_OK);
  MUST(estab_status(h->s, e->conn) == ESTAB_ERR_NO_CONNECTION);
  MUST(estab_release(h->s, e->conn) == ESTAB_ERR_NO_CONNECTION);
  e->live = false;
  e->closed = true;
}

static void sent_result(struct end *e, int r, size_t asked)
{
  if (r > 0) {
    MUST((size_t)r <= asked);
    e->sent += (uint32_t)r;
  }
  if (r == ESTAB_ERR_WOULD_BLOCK || (r >= 0 && (size_t)r < asked)) e->waits_writable = true;
}

static void call_send(struct host *h, struct end *e, size_t n, bool urgent)
{
  static uint8_t bytes[1 << 16];
  for (size_t i = 0; i < n; i++)
    bytes[i] = octet(e->iss, e->sent + (uint32_t)i);
  sent_result(
      e, urgent ? estab_send_urgent(h->s, e->conn, bytes, n) : estab_send(h->s, e->conn, bytes, n),
      n);
}

static void call_send_ref(struct host *h, struct end *e, size_t n)
{
  for (unsigned k = 0; k < LOANS; k++) {
    if (h->loans[k].out) continue;
    uint8_t *bytes = malloc(n ? n : 1);
    MUST(bytes != NULL);
    for (size_t i = 0; i < n; i++)
      bytes[i] = octet(e->iss, e->sent + (uint32_t)i);
    const int r = estab_send_ref(h->s, e->conn, bytes, n, k);
    MUST(r < 0 || (size_t)r == n);
    if (r < 0)
      free(bytes);
    else
      h->loans[k] = (struct loan){true, bytes};
    sent_result(e, r, n);
    return;
  }
}

static void call_reserve(struct host *h, struct end *e, size_t n)
{
  void *room = NULL;
  size_t room_bytes = 0;
  const int r = estab_send_reserve(h->s, e->conn, &room, &room_bytes);
  if (r < 0) {
    sent_result(e, r, 1);
    return;
  }
  MUST(room && room_bytes > 0);
  if (n > room_bytes) n = room_bytes;
  for (size_t i = 0; i < n; i++)
    ((uint8_t *)room)[i] = octet(e->iss, e->sent + (uint32_t)i);
  const int took = estab_send_commit(h->s, e->conn, n);
  MUST(took < 0 || (size_t)took == n);
  sent_result(e, took, n);
}

static void read_result(struct world *w, unsigned host, struct end *e, int r, size_t asked)
{
  if (r == ESTAB_ERR_WOULD_BLOCK || (r >= 0 && (size_t)r < asked)) e->told_readable = false;
  if (r == 0 && asked > 0) got_end(w, host, e);
}

static void call_recv(struct world *w, unsigned host, struct end *e, size_t n)
{
  static uint8_t bytes[1 << 16];
  look(&w->hosts[host], e);
  const int r = estab_recv(w->hosts[host].s, e->conn, bytes, n);
  MUST(r <= (int)n);
  if (r > 0) got_octets(w, e, bytes, (size_t)r);
  read_result(w, host, e, r, n);
}

static void call_peek(struct world *w, unsigned host, struct end *e, size_t n)
{
  struct host *h = &w->hosts[host];
  struct estab_piece pieces[4];
  unsigned count = 4;
  look(h, e);
  const int r = estab_recv_peek(h->s, e->conn, pieces, &count);
  size_t left = r > 0 ? (n < (size_t)r ? n : (size_t)r) : 0;
  const size_t consumed = left;
  for (unsigned i = 0; i < count && left > 0; i++) {
    const size_t part = pieces[i].length < left ? pieces[i].length : left;
    got_octets(w, e, pieces[i].bytes, part);
    left -= part;
  }
  MUST(left == 0);
  if (r > 0) MUST(estab_recv_consume(h->s, e->conn, consumed) == (int)consumed);
  MUST(estab_recv_consume(h->s, e->conn, 1u << 30) == ESTAB_ERR_INVALID);
  if (r <= 0) read_result(w, host, e, r, 1);
}

static void call_connect(struct world *w, unsigned host)
{
  struct estab_connect_settings peer;
  estab_connect_settings_default(&peer);
  const uint8_t how = feed_u8(&w->feed);
  peer.remote = ip_of(w, 1 - host);
  peer.remote_port = PORT;
  if (how & 1) peer.local_port = w->next_port++;
  if ((how & 6) == 6) { // both sides open: the same two ports from both
    peer.local_port = (uint16_t)(4000 + (how >> 3));
    peer.remote_port = peer.local_port;
    if (how & 1) w->forged = true; // perhaps a tuple once more, without TIME-WAIT between
    for (unsigned i = 0; i < w->hosts[host].end_count && !w->forged; i++) {
      struct estab_conn_info info = {.struct_bytes = sizeof info};
      const struct end *e = &w->hosts[host].ends[i];
      if (!e->live || estab_conn_info(w->hosts[host].s, e->conn, &info) < 0) w->forged = true;
    }
  }
  estab_conn conn = 0;
  const int r = estab_connect(w->hosts[host].s, &peer, w->now_ns, &conn);
  if (r == ESTAB_OK) (void)new_end(&w->hosts[host], conn);
}

static void call_option(struct world *w, struct host *h, struct end *e)
{
  const uint8_t which = feed_u8(&w->feed);
  uint64_t value = feed_u32(&w->feed), back = 0;
  if (which & 0x80) value <<= 12;
  if (which & 0x40) value &= 1;
  const enum estab_option option = (enum estab_option)((which & 63) % (ESTAB_OPTIONS + 1));
  if (option == ESTAB_OPT_TIME_WAIT_NS && value < 2 * w->msl_ns) value = 2 * w->msl_ns;
  const int r = estab_option_set(h->s, e->conn, option, value);
  MUST(r == ESTAB_OK || r == ESTAB_ERR_INVALID || r == ESTAB_ERR_UNSUPPORTED);
  MUST(option == ESTAB_OPTIONS || estab_option_get(h->s, e->conn, option, &back) == ESTAB_OK);
}

static void listen_on(struct host *h)
{
  struct estab_listen_settings settings;
  estab_listen_settings_default(&settings);
  settings.port_first = settings.port_last = PORT;
  settings.backlog = 3;
  settings.syn_events = h->syn_events;
  if (estab_listen(h->s, &settings, &h->listener) < 0) h->listener = 0;
}

// ---- Events

static void take_event(struct world *w, struct host *h, const struct estab_event *ev)
{
  MUST(ev->events != 0);
  if (ev->events & ESTAB_EVENT_SEND_RELEASED) { // comes also when the connection is gone
    MUST(ev->cookie < LOANS && h->loans[ev->cookie].out);
    memset(h->loans[ev->cookie].bytes, 0xee, 1);
    free(h->loans[ev->cookie].bytes);
    h->loans[ev->cookie] = (struct loan){0};
    return;
  }
  if (ev->events & ESTAB_EVENT_SYN) {
    const uint8_t how = feed_u8(&w->feed);
    const int r = how & 3 ? estab_accept_syn(h->s, ev->conn)
                          : estab_refuse_syn(h->s, ev->conn, (enum estab_refusal)(how / 4 % 3));
    MUST(r == ESTAB_OK);
    MUST(estab_accept_syn(h->s, ev->conn) == ESTAB_ERR_NO_CONNECTION);
    return;
  }
  if (ev->events & ESTAB_EVENT_ACCEPT) {
    estab_conn conn;
    MUST(ev->listener == h->listener);
    while (estab_accept(h->s, h->listener, &conn) == ESTAB_OK)
      (void)new_end(h, conn);
    return;
  }
  struct end *e = end_of(h, ev->conn);
  MUST(e != NULL);
  if (ev->events & ESTAB_EVENT_READABLE) e->told_readable = true;
  if (ev->events & ESTAB_EVENT_WRITABLE) e->waits_writable = false;
}

static void events(struct world *w, unsigned host)
{
  struct estab_event ev;
  for (unsigned rounds = 0; estab_stack_next_event(w->hosts[host].s, &ev); rounds++) {
    MUST(rounds < ROUNDS_MAX);
    take_event(w, &w->hosts[host], &ev);
  }
}

// ---- The wire

static void wire_remove(struct world *w, unsigned to, unsigned i)
{
  free(w->wire[to][i].data.bytes);
  memmove(&w->wire[to][i], &w->wire[to][i + 1], (--w->wire_count[to] - i) * sizeof w->wire[to][0]);
}

static void wire_add(struct world *w, unsigned to, const struct estab_frame *frame,
                     struct snapshot data)
{
  if (w->wire_count[to] == WIRE) {
    free(data.bytes); // the wire is full
    return;
  }
  w->wire[to][w->wire_count[to]++] = (struct packet){*frame, data, w->now_ns};
}

// A TCP segment of another kind with right sums, as an attacker who sees everything could make it.
static void forge(struct world *w, struct packet *p)
{
  struct estab_packet q;
  if (p->meta.gso_type || p->meta.checksum == ESTAB_CHECKSUM_PARTIAL) return;
  if (estab_packet_parse(ESTAB_LINK_RAW, p->data.bytes, p->data.n, true, &q) < 0 ||
      q.kind != ESTAB_PACKET_TCP)
    return;
  w->forged = true;
  switch (feed_u8(&w->feed) & 7) {
  case 0: q.tcp.flags ^= (uint16_t)(1u << (feed_u8(&w->feed) % 9)); break;
  case 1: q.tcp.seq += (uint32_t)(int8_t)feed_u8(&w->feed); break;
  case 2: q.tcp.ack += (uint32_t)(int8_t)feed_u8(&w->feed); break;
  case 3: q.tcp.window = feed_u16(&w->feed); break;
  case 4: q.tcp.seq = feed_u32(&w->feed); break;
  case 5: q.tcp.ack = feed_u32(&w->feed); break;
  case 6: q.tcp.options.present ^= 1u << (feed_u8(&w->feed) % 6); break;
  default: q.payload_bytes /= 2;
  }
  uint8_t *bytes = malloc(p->data.n + 64);
  MUST(bytes != NULL);
  if (q.tcp.options.sack_count > 4) q.tcp.options.sack_count = 0;
  const int n = estab_packet_emit(&q, bytes, p->data.n + 64);
  if (n > 0) {
    free(p->data.bytes);
    p->data = (struct snapshot){malloc((size_t)n), (size_t)n};
    MUST(p->data.bytes != NULL);
    memcpy(p->data.bytes, bytes, (size_t)n);
  }
  free(bytes);
}

static void deliver(struct world *w, unsigned to, unsigned i)
{
  struct packet *p = &w->wire[to][i];
  if (w->now_ns - p->born_ns < w->msl_ns) {
    struct estab_frame frame = p->meta;
    frame.netif = 1;
    frame.piece_count = 1;
    frame.pieces[0] = (struct estab_piece){.bytes = p->data.bytes, .length = p->data.n};
    (void)estab_stack_input(w->hosts[to].s, w->now_ns, &frame, 1);
  }
  wire_remove(w, to, i);
}

// What the wire does to a frame that is under way.
static void op_wire(struct world *w, unsigned to)
{
  const uint8_t how = feed_u8(&w->feed);
  if (w->wire_count[to] == 0) return;
  const unsigned i = (how >> 4) % w->wire_count[to];
  struct packet *p = &w->wire[to][i];
  switch (how & 15) {
  case 0:
  case 1:
  case 2: wire_remove(w, to, i); break; // lost
  case 3: {
    struct snapshot twice = {malloc(p->data.n), p->data.n};
    MUST(twice.bytes != NULL);
    memcpy(twice.bytes, p->data.bytes, p->data.n);
    wire_add(w, to, &p->meta, twice);
    break;
  }
  case 4:
    if (p->meta.checksum == ESTAB_CHECKSUM_UNKNOWN && !w->gso) // one bit: the sum shows it
      p->data.bytes[feed_u16(&w->feed) % p->data.n] ^= (uint8_t)(1u << (how >> 5));
    break;
  case 5: forge(w, p); break;
  default: deliver(w, to, i); // before its turn
  }
}

// ---- Devices

static void hold(struct host *h, struct batch *batch, struct estab_frame *frame)
{
  for (unsigned k = 0; k < HELD; k++) {
    if (h->held[k].frame) continue;
    estab_frame_hold(h->s, frame);
    batch->held++;
    h->held[k] = (struct held){batch, frame, take(frame)};
    return;
  }
}

static void let_go(struct host *h, unsigned k)
{
  struct held *x = &h->held[k];
  if (!x->frame) return;
  MUST(same(&x->as_sent, x->frame)); // alive and unchanged, whatever became of the connection
  estab_frame_release(h->s, x->frame);
  free(x->as_sent.bytes);
  if (--x->batch->held == 0) free(x->batch);
  *x = (struct held){0};
}

// One turn of a device: asks for `most` frames, takes all but `refuse` of them, keeps every `keep`-th for later.
static unsigned device(struct world *w, unsigned host, unsigned most, unsigned refuse,
                       unsigned keep)
{
  struct host *h = &w->hosts[host];
  struct batch *batch = malloc(sizeof *batch);
  MUST(batch != NULL);
  batch->held = 0;
  const int r = estab_stack_output(h->s, w->now_ns, batch->frames, most);
  MUST(r >= 0 && (unsigned)r <= most);
  const unsigned n = (unsigned)r, sent = n > refuse ? n - refuse : 0;
  for (unsigned i = 0; i < n && i < h->again_count; i++)
    MUST(same(&h->again[i], &batch->frames[i])); // what was not taken comes first
  const unsigned old = n < h->again_count ? n : h->again_count;
  for (unsigned i = 0; i < sent; i++) {
    struct estab_frame *f = &batch->frames[i];
    MUST(f->piece_count >= 1 && f->netif == 1 && f->held == 0);
    struct snapshot data = take(f);
    struct estab_packet p;
    const bool known = f->checksum == ESTAB_CHECKSUM_PARTIAL;
    MUST(estab_packet_parse(ESTAB_LINK_RAW, data.bytes, data.n, known, &p) >= 0);
    wire_add(w, 1 - host, f, data);
    if (keep && i % keep == 0) hold(h, batch, f);
  }
  struct snapshot fresh[BATCH];
  for (unsigned i = sent > old ? sent : old; i < n; i++)
    fresh[i] = take(&batch->frames[i]);
  const uint64_t lost = estab_drop_count(h->s, ESTAB_DROP_OUTPUT_RING_FULL);
  estab_stack_output_done(h->s, sent, w->now_ns);
  const unsigned gone = sent < old ? sent : old;
  for (unsigned i = 0; i < gone; i++)
    free(h->again[i].bytes);
  memmove(h->again, h->again + gone, (h->again_count - gone) * sizeof h->again[0]);
  h->again_count -= gone;
  const bool kept = estab_drop_count(h->s, ESTAB_DROP_OUTPUT_RING_FULL) == lost; // else no memory
  for (unsigned i = sent > old ? sent : old; i < n; i++) {
    if (kept)
      h->again[h->again_count++] = fresh[i];
    else
      free(fresh[i].bytes);
    MUST(h->again_count <= AGAIN);
  }
  if (batch->held == 0) free(batch);
  return sent;
}

// ---- Time

static uint64_t deadline(struct world *w)
{
  const uint64_t a = estab_stack_deadline(w->hosts[0].s), b = estab_stack_deadline(w->hosts[1].s);
  return a < b ? a : b;
}

// Everything that can happen at this moment; ends, or a program would spin.
static void settle(struct world *w, bool carry)
{
  for (unsigned rounds = 0;; rounds++) {
    MUST(rounds < ROUNDS_MAX);
    unsigned moved = 0;
    for (unsigned i = 0; i < 2; i++) {
      if (estab_stack_deadline(w->hosts[i].s) <= w->now_ns)
        estab_stack_handle_deadline(w->hosts[i].s, w->now_ns);
      moved += device(w, i, BATCH, 0, 0);
      for (; carry && w->wire_count[i] > 0; moved++)
        deliver(w, i, 0);
      events(w, i);
    }
    if (moved == 0 && deadline(w) > w->now_ns) break;
  }
  check_told(&w->hosts[0]);
  check_told(&w->hosts[1]);
}

static void pass(struct world *w, uint64_t wait_ns, bool carry)
{
  const uint64_t until = w->now_ns + wait_ns;
  for (unsigned i = 0; i < 64; i++) {
    settle(w, carry);
    const uint64_t next = deadline(w);
    if (next > until) break;
    w->now_ns = next;
  }
  w->now_ns = until;
}

// ---- Steps

static void op_end(struct world *w, unsigned host, uint8_t what)
{
  struct host *h = &w->hosts[host];
  const unsigned i = feed_u8(&w->feed);
  if (h->end_count == 0) return;
  struct end *e = &h->ends[i % h->end_count];
  if (!e->live) return;
  switch (what) {
  case 0: call_send(h, e, feed_u8(&w->feed), false); break;
  case 1: call_send(h, e, feed_u16(&w->feed), i & 0x80); break;
  case 2: call_send_ref(h, e, feed_u16(&w->feed) % LOAN_BYTES); break;
  case 3: call_reserve(h, e, feed_u16(&w->feed)); break;
  case 4: call_recv(w, host, e, feed_u16(&w->feed)); break;
  case 5: call_peek(w, host, e, feed_u16(&w->feed)); break;
  case 6:
    if (estab_close(h->s, e->conn) == ESTAB_OK) e->closed = true;
    break;
  case 7:
    MUST(estab_shutdown_recv(h->s, e->conn) == ESTAB_OK);
    e->shut = true;
    break;
  case 8: (void)estab_abort(h->s, e->conn); break;
  case 9: release(w, host, e); break;
  default: call_option(w, h, e);
  }
}

static void op_netif(struct world *w, unsigned host)
{
  const uint8_t how = feed_u8(&w->feed);
  estab_stack *s = w->hosts[host].s;
  if (how & 1)
    (void)estab_netif_set_up(s, 1, how & 2);
  else if (!w->gso)
    (void)estab_netif_set_mtu(s, 1, (uint16_t)((w->ip6 ? 1280 : 300) + feed_u8(&w->feed)));
}

static void step(struct world *w)
{
  const uint8_t b = feed_u8(&w->feed);
  const unsigned host = b >> 7;
  struct host *h = &w->hosts[host];
  const uint8_t what = b & 31;
  if (what <= 10) {
    op_end(w, host, what);
  } else if (what <= 12) {
    call_connect(w, host);
  } else if (what <= 16) {
    op_wire(w, host);
  } else if (what <= 18) {
    const uint8_t how = feed_u8(&w->feed);
    (void)device(w, host, 1 + (how & 7), how >> 3 & 3, how >> 5);
  } else if (what == 19) {
    let_go(h, feed_u8(&w->feed) % HELD);
  } else if (what == 20) {
    h->mem.refuse = 1 + (feed_u8(&w->feed) & 7);
  } else if (what == 21) {
    op_netif(w, host);
  } else if (what == 22) {
    if (h->listener) (void)estab_listener_close(h->s, h->listener);
    h->listener = 0;
    if (feed_u8(&w->feed) & 1) listen_on(h);
  } else if (what == 23) {
    estab_stack_trim(h->s);
  } else if (what <= 26) {
    pass(w, feed_wait_ns(&w->feed), b & 0x40);
  } else {
    settle(w, true);
  }
}

// ---- Birth and end

// What is not switched on by default, or comes in several kinds. 0 leaves everything as it is.
static void choose_modern(struct estab_settings *settings, uint8_t what)
{
  if (what & 1) settings->plpmtud = ESTAB_PLPMTUD_ALWAYS;
  const uint8_t ecn = (what >> 1) & 7, cc = (what >> 4) & 3;
  if (ecn) settings->ecn = ecn % (ESTAB_ECN_ACCURATE_ACCEPT + 1);
  if (ecn > 5) settings->ecn_option = ESTAB_ECN_OPTION_ALWAYS;
  if (cc) settings->congestion_control = cc % (ESTAB_CC_BBR + 1);
  if (what & 64) settings->ecn_on_control = true;
}

static void begin_host(struct world *w, unsigned number, uint8_t how)
{
  struct host *h = &w->hosts[number];
  struct estab_settings settings;
  if (how & 1)
    estab_settings_rfc(&settings);
  else
    estab_settings_default(&settings);
  settings.fin_wait_2_timeout_ns = 60 * FUZZ_SECONDS;
  settings.mem = fuzz_mem_door(&h->mem);
  settings.trace = (struct estab_trace_hook){h, traced};
  settings.secret[0] = (uint8_t)(1 + number);
  if (how & 2) settings.max_bytes = 300000;
  if (how & 4) settings.recv_buffer_bytes = 3000, settings.send_buffer_bytes = 4000;
  if (how & 8) settings.recv_buffer_max_bytes = settings.recv_buffer_bytes;
  if (how & 16) settings.timestamps = settings.sack = false;
  if (how & 32) settings.max_time_wait = settings.max_half_open = 1;
  if (w->modern) choose_modern(&settings, feed_u8(&w->feed));
  settings.msl_ns = w->msl_ns;
  h->syn_events = how & 64;
  h->number = number;
  MUST(estab_stack_new(&settings, w->now_ns, &h->s) == ESTAB_OK);
  struct estab_netif_settings netif;
  estab_netif_settings_default(&netif);
  netif.checksum_offload = w->gso;
  netif.gso_max_bytes = w->gso ? 60000 : 0;
  MUST(estab_netif_add(h->s, &netif) == 1);
  struct estab_ip ip = ip_of(w, number);
  MUST(estab_address_add(h->s, 1, &ip, w->ip6 ? 64 : 24) == ESTAB_OK);
  listen_on(h);
}

// The network heals, the users read everything, close and go.
static void heal(struct world *w)
{
  for (unsigned i = 0; i < 2; i++) {
    struct host *h = &w->hosts[i];
    h->mem.refuse = 0;
    (void)estab_netif_set_up(h->s, 1, true);
    if (h->listener) MUST(estab_listener_close(h->s, h->listener) == ESTAB_OK);
    h->listener = 0;
    for (unsigned k = 0; k < HELD; k++)
      let_go(h, k);
  }
  for (unsigned rounds = 0; rounds < 8; rounds++) { // twice as long each time: 100 s in all
    for (unsigned i = 0; i < 2; i++)
      for (unsigned k = 0; k < w->hosts[i].end_count; k++) {
        struct end *e = &w->hosts[i].ends[k];
        if (e->live) call_recv(w, i, e, 65535);
        if (e->live && rounds == 4 && estab_close(w->hosts[i].s, e->conn) == ESTAB_OK)
          e->closed = true;
      }
    pass(w, (uint64_t)400 * FUZZ_MILLIS << rounds, true);
  }
  for (unsigned i = 0; i < 2; i++)
    for (unsigned k = 0; k < w->hosts[i].end_count; k++)
      if (w->hosts[i].ends[k].live) release(w, i, &w->hosts[i].ends[k]);
  settle(w, true); // RSTs of what nobody read
  const uint64_t latest =
      w->now_ns + 21 * 86400 * FUZZ_SECONDS; // a user may ask for 20 days of TIME-WAIT
  for (unsigned rounds = 0; deadline(w) != ESTAB_NEVER; rounds++) {
    MUST(rounds < ROUNDS_MAX && w->now_ns < latest);
    const uint64_t next = deadline(w);
    pass(w, next > w->now_ns ? next - w->now_ns : 0, true);
  }
}

static void end_host(struct host *h)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(h->s, &info);
  MUST(info.connections == 0 && info.half_open == 0 && info.time_wait == 0 && info.listeners == 0);
  for (unsigned k = 0; k < LOANS; k++)
    MUST(!h->loans[k].out);
  estab_stack_free(h->s);
  MUST(h->mem.strict.live_bytes == 0 && h->mem.strict.live_pieces == 0);
}

// Without warning: held frames are given up first, what is lent is ours again.
static void drop_host(struct host *h)
{
  for (unsigned k = 0; k < HELD; k++)
    let_go(h, k);
  estab_stack_free(h->s);
  MUST(h->mem.strict.live_bytes == 0 && h->mem.strict.live_pieces == 0);
  for (unsigned k = 0; k < LOANS; k++)
    free(h->loans[k].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  w.feed = (struct feed){data, data + size};
  w.now_ns = UINT64_C(0xffff0000) * FUZZ_MILLIS;
  w.next_port = 5000;
  const uint8_t how = feed_u8(&w.feed);
  w.ip6 = how & 1;
  w.gso = how & 2;
  w.modern = how & 16;
  w.msl_ns = how & 4 ? FUZZ_SECONDS : 120 * FUZZ_SECONDS;
  begin_host(&w, 0, feed_u8(&w.feed));
  begin_host(&w, 1, feed_u8(&w.feed));
  for (unsigned i = 0; i < STEPS_MAX && feed_more(&w.feed); i++) {
    step(&w);
    check_ends(&w);
    if (i & 1) events(&w, i / 2 % 2);
  }
  if (how & 8) {
    drop_host(&w.hosts[0]);
    drop_host(&w.hosts[1]);
  } else {
    heal(&w);
    end_host(&w.hosts[0]);
    end_host(&w.hosts[1]);
  }
  for (unsigned i = 0; i < 2; i++) {
    while (w.wire_count[i] > 0)
      wire_remove(&w, i, 0);
    for (unsigned k = 0; k < w.hosts[i].again_count; k++)
      free(w.hosts[i].again[k].bytes);
  }
  return 0;
}
