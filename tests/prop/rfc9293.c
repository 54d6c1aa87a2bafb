// SPDX-License-Identifier: BSD-2-Clause
// rfc9293.c - requirements of RFC 9293 that are about calls, headers and batches rather than about one exchange.
#include "support/lab.h"

#include "base/bytes.h"

#define A ESTAB_TCP_ACK
#define S ESTAB_TCP_SYN
#define F ESTAB_TCP_FIN
#define P ESTAB_TCP_PSH
#define U ESTAB_TCP_URG

static struct kit k;
static struct lab l;

// ---------------------------------------------------------------------------------------------
// Headers: every frame of whole lives, as it stands on the wire

// From the IP header on, in one piece. Answers where the TCP header begins; 0: no TCP.
static size_t flatten(const struct estab_frame *f, uint8_t *out, size_t *n)
{
  *n = 0;
  for (unsigned i = 0; i < f->piece_count; i++) {
    memcpy(out + *n, f->pieces[i].bytes, f->pieces[i].length);
    *n += f->pieces[i].length;
  }
  if (out[0] >> 4 == 4) return out[9] == 6 ? 20 : 0;
  return out[6] == 6 ? 40 : 0;
}

struct seen {
  unsigned frames, with_mss, syns;
  bool ok;
  uint8_t ttl, traffic_class; // wanted, 0 = any
};

// Options walked as any receiver would: kinds other than 0 and 1 have a length, and behind an end there are zeros.
static bool options_are_clean(const uint8_t *o, size_t n, bool *mss, bool *sack_permitted)
{
  for (size_t i = 0; i < n;) {
    if (o[i] == 0) {
      for (; i < n; i++)
        if (o[i] != 0) return false;
      return true;
    }
    if (o[i] == 1) {
      i++;
      continue;
    }
    if (i + 1 >= n || o[i + 1] < 2 || i + o[i + 1] > n) return false;
    if (o[i] == 2) *mss = true;
    if (o[i] == 4) *sack_permitted = true;
    i += o[i + 1];
  }
  return true;
}

static void look(struct seen *seen, const struct estab_frame *f)
{
  uint8_t bytes[4096];
  size_t n, tcp = flatten(f, bytes, &n);
  if (tcp == 0) return;
  seen->frames++;
  seen->ok = seen->ok && (tcp == 40 || bytes[0] == 0x45); // no IP options, so no source route
  struct estab_packet p;                                  // right checksum, or it is no packet
  seen->ok = seen->ok && estab_packet_parse(ESTAB_LINK_RAW, bytes, n, false, &p) >= 0;
  bool mss = false, sack_permitted = false;
  size_t header = (size_t)(bytes[tcp + 12] >> 4) * 4;
  seen->ok = seen->ok && options_are_clean(bytes + tcp + 20, header - 20, &mss, &sack_permitted);
  bool syn = bytes[tcp + 13] & S;
  seen->ok = seen->ok && (syn || !sack_permitted);
  if (tcp == 20) seen->ok = seen->ok && (bytes[6] & 0x40); // may not be fragmented
  seen->ok = seen->ok && mss == syn;                       // MUST-65, and MAY-3
  seen->syns += syn;
  uint8_t ttl = tcp == 20 ? bytes[8] : bytes[7];
  uint8_t class = tcp == 20 ? bytes[1] : (uint8_t)(get_be16(bytes) >> 4);
  if (seen->ttl) seen->ok = seen->ok && ttl == seen->ttl;
  if (seen->traffic_class) seen->ok = seen->ok && class == seen->traffic_class;
}

static void drain_and_look(struct seen *seen)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  for (int n; (n = estab_stack_output(k.s, k.now_ns, frames, ESTAB_OUTPUT_MAX)) > 0;) {
    for (int i = 0; i < n; i++)
      look(seen, &frames[i]);
    estab_stack_output_done(k.s, (unsigned)n, k.now_ns);
  }
}

// [MUST-2] checksums sent, [MUST-65, MAY-3] MSS in SYNs and nowhere else, [MUST-68] lengths in options,
// [MUST-69] padding of zeros, [MUST-51, MUST-52] and never a source route (a departure);
// [RFC 2018 M1] SACK-permitted in SYNs only, [RFC 1191 M1, RFC 8899 M9] nothing that may be fragmented.
static bool headers_sent(struct prop_rng *r)
{
  (void)r;
  for (unsigned i = 0; i < 2 * KIT_PLACES; i++) {
    kit_init(&k, i & 1, NULL);
    k.no_options = i & 2;
    kit_make(&k, (enum kit_place)(i / 2));
    struct seen seen = {.ok = true};
    if (kit_seg(&k) && k.conn) (void)kit_send(&k, 400);
    drain_and_look(&seen);
    const struct seg_state *t = kit_seg(&k);
    for (unsigned n = 0; n < 40; n++) { // every kind of answer: ACK, SACK, challenge, RST, SYN-ACK
      struct kit_in in = {.flags = (uint16_t)(n % 5 == 4   ? S
                                              : n % 7 == 6 ? ESTAB_TCP_RST
                                                           : A),
                          .seq = t ? t->rcv.nxt + 1 + n * 50 : k.irs,
                          .ack = t ? t->snd.una : 77,
                          .text_bytes = n % 3 ? 20 : 0};
      kit_inject(&k, &in);
      drain_and_look(&seen);
      estab_stack_handle_deadline(k.s, k.now_ns += 300000000);
      drain_and_look(&seen);
      t = kit_seg(&k);
    }
    PROP_CHECK(seen.ok);
    if (i / 2 != KIT_TIME_WAIT && i / 2 != KIT_TIME_WAIT_FULL) PROP_CHECK(seen.frames > 0);
    PROP_CHECK(kit_end(&k));
  }
  return true;
}

// [MUST-3]: a segment with any bit of its checksum wrong is dropped, in every state.
static bool checksum_checked(struct prop_rng *r)
{
  for (unsigned i = 0; i < 2 * KIT_PLACES; i++) {
    kit_init(&k, i & 1, NULL);
    kit_make(&k, (enum kit_place)(i / 2));
    const struct seg_state *t = kit_seg(&k);
    struct seg_state before = {0};
    if (t) before = *t;
    for (unsigned bit = 0; bit < 16; bit++) {
      struct estab_tcp_header h = {.flags = t ? A : S, .seq = k.irs, .window = 100};
      if (t) h.seq = t->rcv.nxt, h.ack = t->snd.nxt;
      uint8_t frame[200], text = (uint8_t)prop_u64(r);
      size_t n = lab_segment(&k, &h, 5, &text, 1, frame);
      frame[(i & 1 ? 40u : 20u) + 16 + bit / 8] ^= (uint8_t)(1u << bit % 8);
      kit_clear(&k);
      lab_input(k.s, k.now_ns, frame, n, NULL, 0);
      PROP_CHECK(kit_drain(&k) == 0);
      PROP_CHECK(strcmp(kit_dropped(&k), "TCP_CHECKSUM") == 0);
      PROP_CHECK(!t || memcmp(&before, kit_seg(&k), sizeof before) == 0);
    }
    PROP_CHECK(kit_end(&k));
  }
  return true;
}

// [MUST-50]: an IPv4 option that nobody here knows does not disturb a segment.
static bool ip_options_ignored(struct prop_rng *r)
{
  (void)r;
  static const uint8_t kinds[] = {7, 68, 130, 134, 136, 148, 222};
  for (unsigned i = 0; i < sizeof kinds; i++) {
    kit_init(&k, false, NULL);
    k.no_options = true;
    kit_make(&k, KIT_ESTABLISHED);
    const struct seg_state *t = kit_seg(&k);
    struct estab_tcp_header h = {.seq = t->rcv.nxt, .ack = t->snd.nxt, .flags = A, .window = 65000};
    uint8_t frame[200], octet = kit_peer_octet(t->rcv.nxt - (k.irs + 1)), with[200];
    size_t n = lab_segment(&k, &h, 5, &octet, 1, frame);
    const uint8_t options[8] = {kinds[i], 7, 5, 1, 2, 3, 4, 0};
    struct estab_ip4_header ip = {.src = k.tuple.remote,
                                  .dst = k.tuple.local,
                                  .protocol = 6,
                                  .ttl = 64,
                                  .total_bytes = (uint16_t)(n + 8),
                                  .options = options,
                                  .options_bytes = 8};
    size_t header = estab_ip4_emit(&ip, with);
    memcpy(with + header, frame + 20, n - 20);
    uint32_t before = k.read_bytes;
    lab_input(k.s, k.now_ns, with, n + 8, NULL, 0);
    kit_user(&k);
    PROP_CHECK(k.read_bytes == before + 1 && !k.wrong_octet);
    PROP_CHECK(kit_end(&k));
  }
  return true;
}

// ---------------------------------------------------------------------------------------------
// Batches

// n segments of 10 octets, from the kit's peer, in one call. in_order: each at its place, else every second is
// missing.
static void inject_batch(unsigned n, bool in_order)
{
  static uint8_t bytes[32][200];
  struct estab_frame f[32];
  memset(f, 0, sizeof f);
  const struct seg_state *t = kit_seg(&k);
  for (unsigned i = 0; i < n; i++) {
    struct estab_tcp_header h = {.seq = t->rcv.nxt + (in_order ? i : 2 * i + 1) * 10,
                                 .ack = t->snd.nxt,
                                 .flags = A,
                                 .window = 65000};
    uint8_t text[10];
    for (uint32_t o = 0; o < 10; o++)
      text[o] = kit_peer_octet(h.seq + o - (k.irs + 1));
    size_t count = lab_segment(&k, &h, 5, text, 10, bytes[i]);
    f[i] = (struct estab_frame){.struct_bytes = sizeof f[i], .netif = 1, .piece_count = 1};
    f[i].pieces[0] = (struct estab_piece){.bytes = bytes[i], .length = count};
  }
  estab_stack_input(k.s, k.now_ns, f, n);
}

// [MUST-58, MUST-59, RFC 5681 M18]: a batch is processed whole before an ACK leaves, and one ACK answers all
// that came in order.
static bool batch_acknowledged_once(struct prop_rng *r)
{
  (void)r;
  for (unsigned n = 2; n <= 32; n += 6)
    for (unsigned ip6 = 0; ip6 < 2; ip6++) {
      kit_init(&k, ip6, NULL);
      k.no_options = true;
      kit_make(&k, KIT_ESTABLISHED);
      uint32_t nxt = kit_seg(&k)->rcv.nxt;
      inject_batch(n, true);
      kit_drain(&k);
      PROP_CHECK(k.outs == 1 && k.out[0].h.ack == nxt + 10 * n);
      PROP_CHECK(kit_end(&k));
      kit_init(&k, ip6, NULL); // then what waits, and what answers it, in one call
      k.no_options = true;
      kit_make(&k, KIT_FIN_WAIT_1);
      nxt = kit_seg(&k)->rcv.nxt;
      inject_batch(n, true); // the first acknowledges our FIN, too
      kit_drain(&k);
      PROP_CHECK(k.outs == 1 && k.out[0].h.ack == nxt + 10 * n &&
                 kit_state(&k) == ESTAB_FIN_WAIT_2);
      PROP_CHECK(kit_end(&k));
    }
  return true;
}

// ---------------------------------------------------------------------------------------------
// OPEN

static int open_to(const char *remote, const char *local, uint16_t local_port, estab_conn *conn)
{
  struct estab_connect_settings set;
  estab_connect_settings_default(&set);
  if (estab_ip_parse(remote, &set.remote) < 0) abort();
  if (local && estab_ip_parse(local, &set.local) < 0) abort();
  set.remote_port = 80;
  set.local_port = local_port;
  return estab_connect(l.s, &set, l.now_ns, conn);
}

// The source address of the only frame that came out.
static bool came_from(const char *text)
{
  struct estab_ip want;
  if (estab_ip_parse(text, &want) < 0 || l.outs == 0) return false;
  return estab_ip_is4(&want) ? memcmp(l.out[0].bytes + 12, want.bytes + 12, 4) == 0
                             : memcmp(l.out[0].bytes + 8, want.bytes, 16) == 0;
}

// [MUST-43] the user may name the local address, [MUST-44] or IP chooses it, [MUST-45] and all segments have it.
static bool local_addresses(struct prop_rng *r)
{
  (void)r;
  struct estab_ip second, second6;
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  PROP_CHECK(!estab_ip_parse("203.0.113.7", &second) && !estab_ip_parse("2001:db8:7::7", &second6));
  PROP_CHECK(estab_address_add(l.s, 1, &second, 24) == ESTAB_OK);
  PROP_CHECK(estab_address_add(l.s, 1, &second6, 64) == ESTAB_OK);
  static const struct {
    const char *remote, *local, *from; // from: NULL = refused
  } opens[] = {
      {"192.0.2.9", NULL, "192.0.2.1"},
      {"203.0.113.9", NULL, "203.0.113.7"},
      {"2001:db8::9", NULL, "2001:db8::1"},
      {"2001:db8:7::9", NULL, "2001:db8:7::7"},
      {"192.0.2.9", "203.0.113.7", "203.0.113.7"},
      {"2001:db8::9", "2001:db8:7::7", "2001:db8:7::7"},
      {"192.0.2.9", "192.0.2.77", NULL},
      {"192.0.2.9", "2001:db8::1", NULL},
  };
  for (unsigned i = 0; i < sizeof opens / sizeof *opens; i++) {
    estab_conn conn;
    int answer = open_to(opens[i].remote, opens[i].local, 0, &conn);
    PROP_CHECK((answer == ESTAB_OK) == (opens[i].from != NULL));
    if (!opens[i].from) continue;
    PROP_CHECK(lab_drain(&l) == 1 && came_from(opens[i].from));
    lab_advance(&l, UINT64_C(1100000000)); // the SYN again
    PROP_CHECK(l.outs == 1 && came_from(opens[i].from));
    PROP_CHECK(estab_abort(l.s, conn) == ESTAB_OK && estab_release(l.s, conn) == ESTAB_OK);
  }
  return lab_end(&l);
}

// [MUST-46]: no OPEN to an address that cannot be one host's.
static bool impossible_remotes(struct prop_rng *r)
{
  (void)r;
  static const char *const remotes[] = {"224.0.0.1", "239.1.2.3", "255.255.255.255", "192.0.2.255",
                                        "0.0.0.0",   "ff02::1",   "ff0e::5",         "::"};
  lab_init(&l, ESTAB_LINK_RAW, NULL);
  for (unsigned i = 0; i < sizeof remotes / sizeof *remotes; i++) {
    estab_conn conn;
    PROP_CHECK(open_to(remotes[i], NULL, 0, &conn) < 0);
    PROP_CHECK(lab_drain(&l) == 0);
  }
  return lab_end(&l);
}

// [MUST-41] a passive OPEN touches no other connection; [MUST-42] it works while one of the same port is in SYN-SENT
// or SYN-RECEIVED.
static bool listen_beside(struct prop_rng *r)
{
  (void)r;
  for (unsigned place = KIT_SYN_SENT; place < KIT_PLACES; place++) {
    kit_init(&k, place & 1, NULL);
    kit_make(&k, (enum kit_place)place);
    struct seg_state before = *kit_seg(&k);
    struct estab_listen_settings set;
    estab_listen_settings_default(&set);
    set.port_first = set.port_last = k.tuple.local_port;
    estab_listener other;
    int answer = estab_listen(k.s, &set, &other);
    // Where the kit has a listener of the same port already, the second one is an error.
    PROP_CHECK(answer == (k.listener ? ESTAB_ERR_ADDRESS_IN_USE : ESTAB_OK));
    PROP_CHECK(memcmp(&before, kit_seg(&k), sizeof before) == 0);
    if (!k.listener) k.listener = other;
    struct estab_tcp_header h = {// somebody else's SYN finds the listener
                                 .src_port = 40000,
                                 .dst_port = k.tuple.local_port,
                                 .seq = 5,
                                 .flags = S,
                                 .window = 1000};
    kit_clear(&k);
    kit_inject_raw(&k, &h, NULL, 0);
    kit_drain(&k);
    bool answered = false;
    for (unsigned i = 0; i < k.outs; i++)
      answered = answered || (k.out[i].h.flags == (S | A) && k.out[i].h.dst_port == 40000);
    PROP_CHECK(answered);
    PROP_CHECK(kit_seg(&k) && kit_seg(&k)->state == before.state);
    PROP_CHECK(kit_end(&k));
  }
  return true;
}

// ---------------------------------------------------------------------------------------------
// What the user sets and hears

// [MUST-48, SHLD-21, SHLD-22, RFC 1122 M7] the traffic class, changed while the connection lives, and the hop limit
// [MUST-49, RFC 1122 M10], which is never 0 [RFC 1122 M8].
static bool fields_of_the_user(struct prop_rng *r)
{
  (void)r;
  for (unsigned i = 0; i < 6; i++) {
    static const uint8_t classes[] = {0xb8, 0x28, 0x04}, limits[] = {1, 77, 255};
    kit_init(&k, i & 1, NULL);
    kit_make(&k, KIT_ESTABLISHED);
    PROP_CHECK(estab_option_set(k.s, k.conn, ESTAB_OPT_TRAFFIC_CLASS, classes[i / 2]) == 0);
    PROP_CHECK(estab_option_set(k.s, k.conn, ESTAB_OPT_HOP_LIMIT, limits[i / 2]) == 0);
    PROP_CHECK(estab_option_set(k.s, k.conn, ESTAB_OPT_HOP_LIMIT, 0) == ESTAB_ERR_INVALID);
    struct seen seen = {.ok = true, .ttl = limits[i / 2], .traffic_class = classes[i / 2]};
    kit_inject(
        &k, &(struct kit_in){.flags = A, .seq = kit_seg(&k)->rcv.nxt, .ack = kit_seg(&k)->snd.nxt});
    (void)kit_send(&k, 100);
    drain_and_look(&seen);
    PROP_CHECK(estab_close(k.s, k.conn) == ESTAB_OK);
    drain_and_look(&seen);
    estab_stack_handle_deadline(k.s, k.now_ns += UINT64_C(2000000000)); // and again
    drain_and_look(&seen);
    PROP_CHECK(seen.ok && seen.frames >= 3);
    PROP_CHECK(kit_end(&k));
  }
  return true;
}

// [MUST-32] the user hears of an urgent mark when there was none, and when it moves; [MUST-33] and can ask how much is
// still to be read; [MUST-31] whatever its length [RFC 6093 M1, RFC 6093 M2].
static bool urgent_told(struct prop_rng *r)
{
  (void)r;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_ESTABLISHED);
  uint32_t first = kit_seg(&k)->rcv.nxt;
  struct estab_event e;
  static const struct {
    uint32_t text_bytes;
    uint16_t urgent; // from the segment's first octet
    bool told;
  } steps[] = {{100, 50, true},
               {100, 0, false},
               {100, 60000, true},
               {1000, 58999, false},
               {1000, 64000, true}};
  for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
    const struct seg_state *t = kit_seg(&k);
    uint16_t flags = steps[i].urgent ? A | U : A;
    kit_inject(&k, &(struct kit_in){.flags = flags,
                                    .seq = t->rcv.nxt,
                                    .ack = t->snd.nxt,
                                    .text_bytes = steps[i].text_bytes,
                                    .urgent = steps[i].urgent});
    uint32_t events = 0;
    while (estab_stack_next_event(k.s, &e))
      events |= e.events;
    PROP_CHECK(((events & ESTAB_EVENT_URGENT) != 0) == steps[i].told);
    kit_drain(&k);
  }
  struct estab_recv_marks marks;
  PROP_CHECK(estab_recv_marks(k.s, k.conn, &marks) == ESTAB_OK);
  PROP_CHECK(marks.urgent_ahead && marks.readable_bytes == kit_seg(&k)->rcv.nxt - first);
  uint8_t bytes[4000];
  PROP_CHECK(estab_recv(k.s, k.conn, bytes, sizeof bytes) == 2300);
  PROP_CHECK(estab_recv_marks(k.s, k.conn, &marks) == ESTAB_OK && marks.urgent_ahead);
  for (uint32_t at = 2300;
       at < 1300 + 64000;) { // up to the urgent octet, and all of it is read in line
    const struct seg_state *t = kit_seg(&k);
    uint32_t n = 1300 + 64000 - at < 1000 ? 1300 + 64000 - at : 1000;
    kit_inject(&k,
               &(struct kit_in){.flags = A, .seq = t->rcv.nxt, .ack = t->snd.nxt, .text_bytes = n});
    kit_drain(&k);
    at += n;
    PROP_CHECK(estab_recv_marks(k.s, k.conn, &marks) == ESTAB_OK);
    PROP_CHECK(at < 1300 + 64000 ? marks.urgent_ahead : marks.urgent_bytes == n);
    PROP_CHECK(estab_recv(k.s, k.conn, bytes, sizeof bytes) == (int)n);
  }
  PROP_CHECK(estab_recv_marks(k.s, k.conn, &marks) == ESTAB_OK);
  PROP_CHECK(!marks.urgent_ahead && marks.urgent_bytes == 0);
  return kit_end(&k);
}

// [MAY-17]: up to where a push came, the user can ask; a later write without one moves nothing.
static bool push_told(struct prop_rng *r)
{
  (void)r;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_ESTABLISHED);
  static const struct {
    uint16_t flags;
    uint32_t pushed;
  } steps[] = {{A, 0}, {A | P, 20}, {A, 20}, {A | P, 40}};
  struct estab_recv_marks marks;
  for (unsigned i = 0; i < 4; i++) {
    const struct seg_state *t = kit_seg(&k);
    kit_inject(
        &k, &(struct kit_in){
                .flags = steps[i].flags, .seq = t->rcv.nxt, .ack = t->snd.nxt, .text_bytes = 10});
    PROP_CHECK(estab_recv_marks(k.s, k.conn, &marks) == ESTAB_OK);
    PROP_CHECK(marks.readable_bytes == 10 * (i + 1) && marks.pushed_bytes == steps[i].pushed);
  }
  return kit_end(&k);
}

// [MUST-12]: the user is told how it ended: in order, or by RST.
static bool end_told(struct prop_rng *r)
{
  (void)r;
  for (unsigned place = KIT_ESTABLISHED; place <= KIT_LAST_ACK; place++)
    for (unsigned rst = 0; rst < 2; rst++) {
      kit_init(&k, place & 1, NULL);
      kit_make(&k, (enum kit_place)place);
      k.events = 0;
      if (rst) {
        kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_RST, .seq = kit_seg(&k)->rcv.nxt});
        kit_user(&k);
        PROP_CHECK((k.events & ESTAB_EVENT_RESET) && !(k.events & ESTAB_EVENT_CLOSED));
        PROP_CHECK(k.error == ESTAB_ERR_RESET);
      } else {
        PROP_CHECK(kit_lives(&k));
        kit_user(&k);
        PROP_CHECK((k.events & (ESTAB_EVENT_END | ESTAB_EVENT_CLOSED)) || k.read_end);
        PROP_CHECK(!(k.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) && k.error == 0);
      }
      PROP_CHECK(kit_end(&k));
    }
  return true;
}

// [SHLD-20]: events are pulled: who does not ask for soft errors pays nothing for them, however many come.
static bool soft_errors_unheard(struct prop_rng *r)
{
  (void)r;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_ESTABLISHED);
  uint8_t frame[200];
  size_t n = lab_icmp_error(&k.tuple, 3, 1, 0, kit_seg(&k)->snd.una, 20, frame);
  lab_input(k.s, k.now_ns, frame, n, NULL, 0);
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k.s, &info);
  uint64_t bytes = info.memory_bytes;
  for (unsigned i = 0; i < 10000; i++)
    lab_input(k.s, k.now_ns, frame, n, NULL, 0);
  estab_stack_info(k.s, &info);
  PROP_CHECK(info.memory_bytes == bytes);
  struct estab_event e;
  unsigned events = 0;
  while (estab_stack_next_event(k.s, &e))
    events++;
  PROP_CHECK(events == 1); // one event gathers them
  PROP_CHECK(kit_lives(&k));
  return kit_end(&k);
}

// [MUST-1, REC-1]: windows above 2^15, and above 2^31 octets ahead by their scale, are numbers without a sign.
static bool windows_unsigned(struct prop_rng *r)
{
  (void)r;
  static const uint16_t windows[] = {0x7fff, 0x8000, 0xffff};
  for (unsigned i = 0; i < 6; i++) {
    kit_init(&k, i & 1, NULL);
    k.no_options = true; // not scaled
    kit_make(&k, KIT_ESTABLISHED);
    const struct seg_state *t = kit_seg(&k);
    kit_inject(&k, &(struct kit_in){
                       .flags = A, .seq = t->rcv.nxt, .ack = t->snd.nxt, .window = windows[i / 2]});
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    PROP_CHECK(estab_conn_info(k.s, k.conn, &info) == ESTAB_OK && info.snd_wnd == windows[i / 2]);
    k.outs = 0;
    PROP_CHECK(kit_send(&k, 500) == 500 && kit_drain(&k) == 1 && k.out[0].text_bytes == 500);
    PROP_CHECK(kit_end(&k));
  }
  kit_init(&k, false, NULL); // 512 << 7 in the kit's SYN; 65535 << 7 is 8 MiB
  kit_make(&k, KIT_ESTABLISHED);
  kit_inject(&k, &(struct kit_in){.flags = A,
                                  .seq = kit_seg(&k)->rcv.nxt,
                                  .ack = kit_seg(&k)->snd.nxt,
                                  .window = 65535});
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  PROP_CHECK(estab_conn_info(k.s, k.conn, &info) == ESTAB_OK && info.snd_wnd == 65535u << 7);
  return kit_end(&k);
}

// [MUST-26]: a keep-alive asks only when nothing of ours is outstanding: what is in flight asks by itself.
static bool keepalive_waits_for_data(struct prop_rng *r)
{
  (void)r;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_ESTABLISHED); // 10 octets are in flight, and nobody acknowledges them
  PROP_CHECK(estab_option_set(k.s, k.conn, ESTAB_OPT_KEEPALIVE_IDLE_NS, UINT64_C(10000000000)) ==
             0);
  PROP_CHECK(estab_option_set(k.s, k.conn, ESTAB_OPT_KEEPALIVE_INTERVAL_NS, 1000000000) == 0);
  uint32_t una = kit_seg(&k)->snd.una;
  unsigned probes = 0;
  for (unsigned i = 0; i < 100; i++) {
    k.outs = 0;
    kit_advance(&k, 1000000000);
    for (unsigned n = 0; n < k.outs; n++)
      probes += k.out[n].h.seq == una - 1;
  }
  PROP_CHECK(probes == 0 && kit_state(&k) == ESTAB_ESTABLISHED);
  kit_inject(
      &k, &(struct kit_in){.flags = A, .seq = kit_seg(&k)->rcv.nxt, .ack = kit_seg(&k)->snd.nxt});
  for (unsigned i = 0; i < 12; i++) { // acknowledged: now it asks
    k.outs = 0;
    kit_advance(&k, 1000000000);
    for (unsigned n = 0; n < k.outs; n++)
      probes += k.out[n].h.seq == kit_seg(&k)->snd.una - 1;
  }
  PROP_CHECK(probes > 0);
  return kit_end(&k);
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"headers_sent", headers_sent, 1},
      {"checksum_checked", checksum_checked, 1},
      {"ip_options_ignored", ip_options_ignored, 1},
      {"batch_acknowledged_once", batch_acknowledged_once, 1},
      {"local_addresses", local_addresses, 1},
      {"impossible_remotes", impossible_remotes, 1},
      {"listen_beside", listen_beside, 1},
      {"fields_of_the_user", fields_of_the_user, 1},
      {"urgent_told", urgent_told, 1},
      {"push_told", push_told, 1},
      {"end_told", end_told, 1},
      {"soft_errors_unheard", soft_errors_unheard, 1},
      {"windows_unsigned", windows_unsigned, 1},
      {"keepalive_waits_for_data", keepalive_waits_for_data, 1},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof *props);
}
