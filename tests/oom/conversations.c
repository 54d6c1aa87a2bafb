// SPDX-License-Identifier: BSD-2-Clause
// conversations.c - whole conversations with allocation N refused, for every N: once, and from N on for two seconds.
//
// Whatever is refused: no crash, nothing leaked, a defined error or none, no wrong octet, no end of stream before all
// octets; a connection that was open before goes on and finishes once there is memory; afterwards the same stacks carry
// out the whole conversation; and a run without refusals is octet for octet the run before them.
#include "support/two.h"

#define SECONDS    UINT64_C(1000000000)
#define BIG_BYTES  60000
#define TALKS      5
#define PORT       7
#define JUDGE_PORT 9 // its listener judges each SYN
#define UDP_PORT   53

static uint8_t octet(unsigned talk, uint32_t i)
{
  return (uint8_t)(i * 5 + i / 257 + talk * 31);
}

// One echoed stream. [0] opens, [1] answers.
struct talk {
  estab_conn conn[2];
  uint32_t bytes;     // to be echoed
  uint32_t sent, got; // by the opener
  uint32_t echoed;    // by the answerer
  bool opened, asked_to_close, ended[2], wrong;
  int error[2]; // what the user was told, 0 = all in order
};

struct run {
  struct two two;
  estab_listener listener, judge;
  struct talk talks[TALKS]; // the first is the bystander
  estab_udp udp[2];
  unsigned datagrams;
  bool ip6;
  bool bad_answer; // an error that is not one of those that may be
};

// Errors a user may meet because there was no memory somewhere.
static void judge_error(struct run *r, int answer)
{
  switch (answer) {
  case ESTAB_ERR_NO_MEMORY:
  case ESTAB_ERR_WOULD_BLOCK:
  case ESTAB_ERR_NO_CONNECTION:
  case ESTAB_ERR_CLOSING:
  case ESTAB_ERR_RESET:
  case ESTAB_ERR_REFUSED:
  case ESTAB_ERR_TIMEOUT:
  case ESTAB_ERR_ABORTED:
  case ESTAB_ERR_ADDRESS_IN_USE: return; // the listener of the run before
  default:
    if (answer < 0) r->bad_answer = true, printf("answer %d: %s\n", answer, estab_strerror(answer));
  }
}

static void events(struct run *r, unsigned who)
{
  struct estab_event e;
  while (estab_stack_next_event(r->two.s[who], &e)) {
    if (e.events & ESTAB_EVENT_SYN) judge_error(r, estab_accept_syn(r->two.s[who], e.conn));
    if (!(e.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))) continue;
    for (unsigned i = 0; i < TALKS; i++)
      if (r->talks[i].conn[who] == e.conn) r->talks[i].error[who] = e.error;
  }
}

// A connection was accepted: whose it is, its remote port tells.
static void accept_all(struct run *r)
{
  estab_listener listeners[2] = {r->listener, r->judge};
  for (unsigned l = 0; l < 2; l++) {
    estab_conn c;
    while (listeners[l] && estab_accept(r->two.s[1], listeners[l], &c) == ESTAB_OK) {
      struct estab_conn_info info = {.struct_bytes = sizeof info};
      estab_conn_info(r->two.s[1], c, &info);
      unsigned i = (info.tuple.remote_port - 10000u) % 100;
      if (i < TALKS && !r->talks[i].conn[1])
        r->talks[i].conn[1] = c;
      else
        judge_error(r, estab_abort(r->two.s[1], c)), judge_error(r, estab_release(r->two.s[1], c));
    }
  }
}

static void end_of(struct run *r, struct talk *t, unsigned who, int error)
{
  if (error) t->error[who] = error;
  t->ended[who] = true;
  judge_error(r, estab_release(r->two.s[who], t->conn[who]));
  t->conn[who] = 0;
}

static void opener(struct run *r, unsigned i)
{
  struct talk *t = &r->talks[i];
  estab_stack *s = r->two.s[0];
  if (!t->conn[0]) return;
  uint8_t bytes[3000];
  int n;
  do {
    uint32_t left = t->bytes - t->sent, some = left < sizeof bytes ? left : sizeof bytes;
    for (uint32_t b = 0; b < some; b++)
      bytes[b] = octet(i, t->sent + b);
    n = some ? estab_send(s, t->conn[0], bytes, some) : 0;
    if (n > 0) t->sent += (uint32_t)n;
    judge_error(r, n);
  } while (n > 0);
  // CLOSE in SYN-SENT would delete the connection with all that is queued, RFC 9293 3.10.4.
  if (t->sent == t->bytes && !t->asked_to_close && estab_status(s, t->conn[0]) != ESTAB_SYN_SENT) {
    n = estab_close(s, t->conn[0]);
    judge_error(r, n);
    t->asked_to_close = true;
  }
  while ((n = estab_recv(s, t->conn[0], bytes, sizeof bytes)) > 0)
    for (int b = 0; b < n; b++)
      if (bytes[b] != octet(i, t->got++)) t->wrong = true;
  judge_error(r, n);
  if (n == 0 && t->got != t->bytes && !t->error[0]) t->wrong = true; // an end before the end
  if (n == 0 || n != ESTAB_ERR_WOULD_BLOCK) end_of(r, t, 0, n);
}

static void answerer(struct run *r, unsigned i)
{
  struct talk *t = &r->talks[i];
  estab_stack *s = r->two.s[1];
  if (!t->conn[1]) return;
  for (;;) {
    struct estab_piece piece;
    unsigned one = 1;
    int n = estab_recv_peek(s, t->conn[1], &piece, &one);
    if (n > 0) {
      int sent = estab_send(s, t->conn[1], piece.bytes, piece.length);
      judge_error(r, sent);
      if (sent <= 0) return;
      t->echoed += (uint32_t)sent;
      judge_error(r, estab_recv_consume(s, t->conn[1], (size_t)sent));
      continue;
    }
    judge_error(r, n);
    if (n != ESTAB_ERR_WOULD_BLOCK) end_of(r, t, 1, n);
    return;
  }
}

static void users(struct run *r)
{
  events(r, 0);
  events(r, 1);
  accept_all(r);
  for (unsigned i = 0; i < TALKS; i++) {
    opener(r, i);
    answerer(r, i);
  }
  uint8_t datagram[100];
  struct estab_datagram from;
  for (unsigned who = 0; who < 2; who++)
    while (r->udp[who] && estab_udp_recv(r->two.s[who], r->udp[who], &from, datagram, 100) >= 0)
      r->datagrams++;
}

static void turns(struct run *r, uint64_t until_ns)
{
  do
    users(r);
  while (two_turn(&r->two, until_ns));
  users(r);
}

static void open_talk(struct run *r, unsigned i, uint16_t ports, uint32_t bytes, uint16_t port)
{
  struct talk *t = &r->talks[i];
  *t = (struct talk){.bytes = bytes};
  int answer = two_connect(&r->two, 0, (uint16_t)(ports + i), port, &t->conn[0]);
  judge_error(r, answer);
  t->error[0] = answer;
  t->ended[0] = answer < 0;
  t->opened = answer == ESTAB_OK;
}

// A datagram in two fragments, the last first, from nowhere.
static void fragments(struct run *r)
{
  uint8_t packet[100] = {0};
  struct estab_packet p = {
      .kind = ESTAB_PACKET_UDP,
      .version = r->ip6 ? 6 : 4,
      .protocol = ESTAB_PROTOCOL_UDP,
      .ttl = 64,
      .src = r->two.ip[0],
      .dst = r->two.ip[1],
      .payload = packet,
      .payload_bytes = 24,
      .udp = {.src_port = 1000, .dst_port = UDP_PORT},
  };
  uint8_t whole[200];
  int n = estab_packet_emit(&p, whole, sizeof whole);
  if (n < 0) abort();
  size_t header = r->ip6 ? 40 : 20, all = (size_t)n - header;
  for (unsigned part = 2; part-- > 0;) {
    struct estab_packet f = p;
    f.kind = ESTAB_PACKET_FRAGMENT;
    f.fragment = (struct estab_fragment){.offset = part ? 16u : 0u, .more = part == 0, .id = 77};
    f.payload = whole + header + (part ? 16 : 0);
    f.payload_bytes = part ? all - 16 : 16;
    n = estab_packet_emit(&f, packet, sizeof packet);
    if (n < 0) abort();
    struct estab_frame frame = {.struct_bytes = sizeof frame, .netif = 1, .piece_count = 1};
    frame.pieces[0] = (struct estab_piece){.bytes = packet, .length = (size_t)n};
    estab_stack_input(r->two.s[1], r->two.now_ns, &frame, 1);
  }
}

static void datagrams(struct run *r)
{
  for (unsigned who = 0; who < 2; who++) {
    struct estab_udp_settings u;
    estab_udp_settings_default(&u);
    u.local_port = UDP_PORT;
    if (!r->udp[who]) judge_error(r, estab_udp_open(r->two.s[who], &u, &r->udp[who]));
  }
  for (unsigned who = 0; who < 2; who++) {
    struct estab_datagram to = {.remote = r->two.ip[!who], .remote_port = UDP_PORT};
    if (r->udp[who]) judge_error(r, estab_udp_send(r->two.s[who], r->udp[who], &to, "ping", 4));
    to.remote_port = 99; // nobody: port unreachable comes back
    if (r->udp[who]) judge_error(r, estab_udp_send(r->two.s[who], r->udp[who], &to, "ping", 4));
  }
  fragments(r);
}

// Everything but the bystander.
static void converse(struct run *r, uint16_t ports)
{
  if (!r->listener) r->listener = two_listen(&r->two, 1, PORT, 8);
  if (!r->judge) {
    struct estab_listen_settings l;
    estab_listen_settings_default(&l);
    l.port_first = l.port_last = JUDGE_PORT;
    l.syn_events = true;
    judge_error(r, estab_listen(r->two.s[1], &l, &r->judge));
  }
  open_talk(r, 1, ports, BIG_BYTES, PORT);
  open_talk(r, 2, ports, 3000, PORT);
  open_talk(r, 3, ports, 1, JUDGE_PORT);
  open_talk(r, 4, ports, 0, PORT);
  datagrams(r);
  turns(r, r->two.now_ns + 2 * SECONDS);
}

static void settings_of(struct estab_settings *settings)
{
  settings->msl_ns = SECONDS / 2;
  settings->send_buffer_bytes = 20000;
  settings->recv_buffer_bytes = 30000;
  settings->recv_buffer_max_bytes = 100000;
}

static void begin(struct run *r, bool ip6)
{
  *r = (struct run){.ip6 = ip6};
  two_init(&r->two, ip6, settings_of);
  r->two.lose_one_in = 13;
  r->listener = two_listen(&r->two, 1, PORT, 8);
  open_talk(r, 0, 10000, BIG_BYTES, PORT);
  for (unsigned i = 0; i < 12; i++) { // under way, not nearly over
    users(r);
    two_carry(&r->two);
    if (r->talks[0].got > 4000) break;
  }
  for (unsigned i = 0; i < 2; i++)
    estab_stack_trim(r->two.s[i]); // so that what follows has to ask for all it needs
}

static bool complain(const struct run *r, const char *what, unsigned i)
{
  const struct talk *t = &r->talks[i];
  printf("%s: talk %u: sent %u, echoed %u, got %u of %u, errors %d %d, ended %d %d\n", what, i,
         t->sent, t->echoed, t->got, t->bytes, t->error[0], t->error[1], t->ended[0], t->ended[1]);
  return false;
}

static bool finished(struct run *r, unsigned from, bool must_be_whole)
{
  for (unsigned i = from; i < TALKS; i++) {
    const struct talk *t = &r->talks[i];
    if (t->wrong) return complain(r, "a stream is wrong", i);
    if (!t->ended[0]) return complain(r, "it does not end", i);
    bool whole = t->got == t->bytes && !t->error[0] && !t->error[1];
    if (must_be_whole && !whole) return complain(r, "it is not whole", i);
    if (!whole && !t->error[0]) return complain(r, "it failed without an error", i);
  }
  return true;
}

// Lets all end, then does everything again on the same stacks.
static bool recovers(struct run *r)
{
  turns(r, r->two.now_ns + 400 * SECONDS);
  if (r->bad_answer) return false;
  struct run *x = r;
  if (x->talks[0].error[0] || x->talks[0].got != BIG_BYTES || x->talks[0].wrong)
    return complain(x, "the connection that was open before suffered", 0);
  if (!finished(x, 1, false)) return false;
  r->datagrams = 0;
  converse(r, 10100);
  turns(r, r->two.now_ns + 100 * SECONDS);
  if (!finished(r, 1, true)) return false;
  if (r->datagrams < 3) return printf("only %u datagrams\n", r->datagrams), false;
  return true;
}

static bool plain_run(bool ip6, uint64_t asked[2], uint64_t *digest)
{
  static struct run r;
  begin(&r, ip6);
  uint64_t before[2] = {r.two.mem[0].asked, r.two.mem[1].asked};
  converse(&r, 10000);
  for (unsigned i = 0; i < 2; i++)
    asked[i] = r.two.mem[i].asked - before[i];
  bool ok = recovers(&r);
  *digest = r.two.digest;
  return two_end(&r.two) && ok;
}

static bool refused_run(bool ip6, unsigned who, uint64_t nth, bool once)
{
  static struct run r;
  begin(&r, ip6);
  struct kit_mem *m = &r.two.mem[who];
  m->fail_at = m->asked + nth;
  m->fail_count = once ? 1 : UINT64_MAX;
  converse(&r, 10000);
  m->fail_at = 0; // there is memory again
  bool ok = recovers(&r);
  if (m->refused == 0) printf("nothing was refused\n"), ok = false;
  ok = two_end(&r.two) && ok;
  if (!ok)
    printf("FAILED: IPv%u, stack %u, allocation %llu %s\n", ip6 ? 6u : 4u, who,
           (unsigned long long)nth, once ? "once" : "and all after it");
  return ok;
}

// Nothing is there yet: a stack, its interface, addresses, routes and a listener.
static bool birth(bool ip6, uint64_t nth, bool once, bool *refused)
{
  struct kit_mem mem;
  struct estab_settings settings;
  struct estab_netif_settings link;
  struct estab_listen_settings l;
  struct estab_ip ip = estab_ip4(192, 0, 2, 1), gateway = estab_ip4(192, 0, 2, 9),
                  any = estab_ip4(0, 0, 0, 0);
  estab_stack *s = NULL;
  estab_listener listener;
  if (ip6 && (estab_ip_parse("2001:db8::1", &ip) || estab_ip_parse("2001:db8::9", &gateway) ||
              estab_ip_parse("::", &any)))
    return false;
  estab_settings_default(&settings);
  settings.mem = kit_mem_door(&mem);
  mem.fail_at = nth;
  mem.fail_count = once ? 1 : UINT64_MAX;
  estab_netif_settings_default(&link);
  estab_listen_settings_default(&l);
  l.port_first = l.port_last = PORT;
  int a[5] = {estab_stack_new(&settings, 0, &s)};
  if (a[0] == ESTAB_OK) {
    a[1] = estab_netif_add(s, &link);
    a[2] = a[1] < 0 ? 0 : estab_address_add(s, 1, &ip, ip6 ? 64 : 24);
    a[3] = a[1] < 0 ? 0 : estab_route_add(s, 1, &any, 0, &gateway);
    a[4] = estab_listen(s, &l, &listener);
  }
  bool ok = true;
  for (unsigned i = 0; i < 5; i++)
    if (a[i] < 0 && a[i] != ESTAB_ERR_NO_MEMORY && a[i] != ESTAB_ERR_UNREACHABLE) ok = false;
  estab_stack_free(s);
  *refused = mem.refused > 0;
  if (mem.strict.live_bytes || !ok)
    printf("FAILED: a stack's birth, allocation %llu: answers %d %d %d %d %d, %llu bytes left\n",
           (unsigned long long)nth, a[0], a[1], a[2], a[3], a[4],
           (unsigned long long)mem.strict.live_bytes),
        ok = false;
  return ok;
}

static bool births(unsigned *runs)
{
  bool ok = true;
  for (unsigned kind = 0; kind < 4; kind++) {
    bool refused = true;
    for (uint64_t nth = 1; refused; nth++, ++*runs)
      if (!birth(kind & 1, nth, kind & 2, &refused)) ok = false;
  }
  return ok;
}

static bool sweep(bool ip6, unsigned *runs)
{
  uint64_t asked[2], again[2], digest, after;
  if (!plain_run(ip6, asked, &digest)) return false;
  bool ok = true;
  // From some N on nothing is refused any more: connections are too far by then to ask for much.
  for (unsigned who = 0; who < 2; who++)
    for (uint64_t nth = 1; nth <= asked[who]; nth++)
      for (unsigned once = 0; once < 2; once++, ++*runs)
        if (!refused_run(ip6, who, nth, once)) ok = false;
  if (!plain_run(ip6, again, &after) || after != digest) {
    printf("FAILED: a run after all these differs from the one before\n");
    ok = false;
  }
  return ok;
}

int main(int argc, char **argv)
{
  if (argc == 5) // VERSION STACK N once|on: one run again
    return !refused_run(argv[1][0] == '6', (unsigned)atoi(argv[2]), strtoull(argv[3], NULL, 0),
                        argv[4][0] == 'o' && argv[4][1] == 'n' && argv[4][2] == 'c');
  unsigned runs = 0;
  bool ok = births(&runs);
  ok = sweep(false, &runs) && ok;
  ok = sweep(true, &runs) && ok;
  printf("%u runs with something refused\n", runs);
  printf("%d passed, %d failed\n", ok, !ok);
  return !ok;
}
