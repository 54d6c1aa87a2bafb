// SPDX-License-Identifier: BSD-2-Clause
// off_path.c - ATTACKS B11 to B14: ICMP about live connections, impossible sources, ends out of step.
#include "support/attack.h"
#include "support/lab.h"
#include "support/two.h"

#include "base/bytes.h"

static struct kit k;

// ---- B11: ICMP errors never end a live connection, and count only for what is in flight (RFC 5927 4, 5
// [RFC 5927 O1, RFC 5927 O2, RFC 5927 O3], RFC 1122 3.2.2.1 [RFC 1122 M17, RFC 1122 M18], RFC 9293 3.9.2.2
// [MUST-47, MUST-54, MUST-55, MUST-56, SHLD-25, SHLD-26]).

struct b11_error {
  uint8_t type, code;
  bool hard; // ends an attempt in SYN-SENT
};

static void b11_one(struct attack_run *r, enum kit_place place, bool ip6, struct b11_error e,
                    int where)
{
  static const char *const names[] = {"in flight", "below SND.UNA", "at SND.NXT", "far away"};
  kit_init(&k, ip6, NULL);
  kit_make(&k, place);
  const struct seg_state *t = kit_seg(&k);
  const uint32_t seqs[] = {t->snd.una, t->snd.una - 1, t->snd.nxt, t->snd.nxt + 0x40000000u};
  uint8_t frame[200];
  size_t n = lab_icmp_error(&k.tuple, e.type, e.code, 0, seqs[where], 20, frame);
  bool in_flight = where == 0 && t->snd.una != t->snd.nxt;
  k.events = 0;
  kit_say(&k, "---- ICMP type %u code %u about %s", e.type, e.code, names[where]);
  lab_input(k.s, k.now_ns, frame, n, NULL, 0);
  kit_user(&k);
  bool too_big = ip6 ? e.type == 2 : e.type == 3 && e.code == 4;
  bool ends = place == KIT_SYN_SENT && e.hard && in_flight;
  bool ok = (k.events & ESTAB_EVENT_ABORTED) ? ends : !ends;
  if (ends)
    ok = ok && !kit_seg(&k);
  else
    ok = ok && ((k.events & ESTAB_EVENT_SOFT_ERROR) != 0) == (in_flight && !too_big) &&
         kit_lives(&k);
  attack_case(r, kit_end(&k) && ok, k.log, "B11 type %u code %u about %s in %s", e.type, e.code,
              names[where], kit_place_name(place));
}

static void b11(struct attack_run *r)
{
  static const enum kit_place places[] = {KIT_SYN_SENT, KIT_ESTABLISHED, KIT_FIN_WAIT_1,
                                          KIT_CLOSE_WAIT};
  for (unsigned p = 0; p < 4; p++)
    for (int where = 0; where < 4; where++) {
      for (uint8_t code = 0; code < 16; code++)
        b11_one(r, places[p], false,
                (struct b11_error){3, code,
                                   code == 2 || code == 3 || code == 9 || code == 10 || code == 13},
                where);
      for (unsigned i = 0; i < 2; i++) {
        b11_one(r, places[p], false, (struct b11_error){11, (uint8_t)i, false}, where);
        b11_one(r, places[p], false, (struct b11_error){12, (uint8_t)i, false}, where);
      }
      for (uint8_t code = 0; code < 8; code++)
        b11_one(r, places[p], true,
                (struct b11_error){1, code, code == 1 || code >= 4 ? code != 7 : false}, where);
      b11_one(r, places[p], true, (struct b11_error){2, 0, false}, where);
      b11_one(r, places[p], true, (struct b11_error){3, 0, false}, where);
      b11_one(r, places[p], true, (struct b11_error){4, 0, false}, where);
      b11_one(r, places[p], true, (struct b11_error){4, 1, true}, where);
    }
  for (unsigned place = KIT_SYN_SENT; place < KIT_TIME_WAIT; place++) { // source quench: RFC 6633
    if (place == KIT_SYN_RECEIVED) continue;
    kit_init(&k, false, NULL);
    kit_make(&k, (enum kit_place)place);
    struct estab_conn_info was = {.struct_bytes = sizeof was}, now = was;
    (void)estab_conn_info(k.s, k.conn, &was);
    uint8_t frame[200];
    size_t n = lab_icmp_error(&k.tuple, 4, 0, 0, kit_seg(&k)->snd.una, 20, frame);
    k.events = 0;
    lab_input(k.s, k.now_ns, frame, n, NULL, 0);
    kit_user(&k);
    (void)estab_conn_info(k.s, k.conn, &now);
    bool ok = k.events == 0 && now.cwnd_bytes == was.cwnd_bytes && kit_lives(&k);
    attack_case(r, kit_end(&k) && ok, k.log, "B11 source quench in %s",
                kit_place_name((enum kit_place)place));
  }
}

// ---- B12: forged path MTUs: RFC 5927 7 [RFC 5927 O4], RFC 8201 4 [RFC 8201 M1, RFC 8201 M2, RFC 8201 M3]
// [RFC 8201 M4, RFC 8201 S1], RFC 1191 [RFC 1191 M3, RFC 1191 M4, RFC 1191 M5, RFC 1191 M6, RFC 1191 S1].

static uint32_t path_mtu(void)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  (void)estab_conn_info(k.s, k.conn, &info);
  return info.path_mtu;
}

static void b12(struct attack_run *r)
{
  static const uint32_t mtus[] = {0,   1,   40,   48,   55,   67,   68,
                                  551, 552, 1279, 1280, 1499, 1500, 65535};
  static const size_t quotes[] = {20, 8, 4, 0}; // octets of the TCP header that are quoted
  for (unsigned i = 0; i < 14 * 4 * 3 * 2; i++) {
    bool ip6 = i & 1;
    unsigned where = i / 2 % 3; // in flight, SND.NXT, below SND.UNA
    size_t quote = quotes[i / 6 % 4];
    uint32_t mtu = mtus[i / 24];
    kit_init(&k, ip6, NULL);
    kit_make(&k, KIT_ESTABLISHED);
    const struct seg_state *t = kit_seg(&k);
    const uint32_t seqs[] = {t->snd.una, t->snd.nxt, t->snd.una - 1};
    uint8_t frame[200];
    size_t n = lab_icmp_error(&k.tuple, ip6 ? 2 : 3, ip6 ? 0 : 4, mtu, seqs[where], quote, frame);
    lab_input(k.s, k.now_ns, frame, n, NULL, 0);
    uint32_t want = 1500;
    if (where == 0 && quote >= 8) {
      if (ip6 && mtu >= 1280 && mtu < 1500) want = mtu;
      if (!ip6 && mtu < 1500)
        want = mtu == 0 ? 1492 : mtu < 552 ? 552 : mtu; // 0: RFC 1191 7's plateau
    }
    uint32_t got = path_mtu();
    kit_drain(&k); // what was too big comes again
    kit_advance(&k, UINT64_C(599000000000));
    bool ok = got == want && (kit_state(&k) != ESTAB_ESTABLISHED || path_mtu() == want);
    kit_advance(&k, UINT64_C(2000000000));
    if (kit_seg(&k)) ok = ok && path_mtu() == 1500; // forgotten after ten minutes
    attack_case(r, kit_end(&k) && ok, k.log, "B12 MTU %u, %s, %zu octets quoted over IPv%d: %u",
                mtu,
                where == 0   ? "in flight"
                : where == 1 ? "at SND.NXT"
                             : "below SND.UNA",
                quote, ip6 ? 6 : 4, got);
  }
  for (unsigned ip6 = 0; ip6 < 2;
       ip6++) { // a connection lives on with the smallest MTU that is believed
    kit_init(&k, ip6, NULL);
    kit_make(&k, KIT_ESTABLISHED);
    uint8_t frame[200];
    size_t n = lab_icmp_error(&k.tuple, ip6 ? 2 : 3, ip6 ? 0 : 4, ip6 ? 1280 : 552,
                              kit_seg(&k)->snd.una, 20, frame);
    lab_input(k.s, k.now_ns, frame, n, NULL, 0);
    bool ok = kit_lives(&k);
    attack_case(r, kit_end(&k) && ok, k.log, "B12 the connection lives on over IPv%d", ip6 ? 6 : 4);
  }
}

// ---- B13: sources that nobody can have (LAND; RFC 1122 3.2.1.3, RFC 4291 2.5; RFC 9293 3.9.2.3 [MUST-57, MUST-63]).

static void b13(struct attack_run *r)
{
  static const struct {
    const char *src, *dst;
  } forged[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "192.0.2.1"},
      {"127.0.0.1", "192.0.2.1"},
      {"224.0.0.1", "192.0.2.1"},
      {"239.255.1.1", "192.0.2.1"},
      {"255.255.255.255", "192.0.2.1"},
      {"192.0.2.255", "192.0.2.1"},
      {"240.0.0.1", "192.0.2.1"},
      {"2001:db8::1", "2001:db8::1"},
      {"::", "2001:db8::1"},
      {"::1", "2001:db8::1"},
      {"ff02::1", "2001:db8::1"},
      {"::ffff:192.0.2.2", "2001:db8::1"},
      {"192.0.2.2", "192.0.2.255"},
      {"192.0.2.2", "224.0.0.1"},
      {"192.0.2.2", "255.255.255.255"},
      {"2001:db8::2", "ff02::1"},
      {"127.0.0.1", "127.0.0.1"},
  };
  static struct lab l;
  for (unsigned i = 0; i < 3 * sizeof forged / sizeof *forged; i++) {
    lab_init(&l, ESTAB_LINK_RAW, NULL);
    struct estab_listen_settings set;
    estab_listen_settings_default(&set);
    set.port_first = set.port_last = 80;
    estab_listener listener;
    (void)estab_listen(l.s, &set, &listener);
    unsigned which = i / 3;
    struct estab_ip src, dst;
    (void)estab_ip_parse(forged[which].src, &src);
    (void)estab_ip_parse(forged[which].dst, &dst);
    bool six = !estab_ip_is4(&dst);
    uint8_t segment[20], frame[100];
    // LAND itself, SYN and ACK to the listener, SYN to a closed port
    struct estab_tcp_header h = {.src_port = i % 3 == 0 ? 80 : 5000,
                                 .dst_port = i % 3 == 2 ? 81 : 80,
                                 .flags =
                                     i % 3 == 1 ? ESTAB_TCP_SYN | ESTAB_TCP_ACK : ESTAB_TCP_SYN};
    size_t bytes = estab_tcp_emit(&h, segment);
    size_t n = (six ? lab_ip6 : lab_ip4)(frame, &src, &dst, 6, segment, bytes);
    lab_checksum(frame, n, 0);
    unsigned answers = lab_ask(&l, frame, n);
    struct estab_stack_info info = {.struct_bytes = sizeof info};
    estab_stack_info(l.s, &info);
    bool ok = answers == 0 && info.half_open == 0 && info.connections == 0 && lab_drops(&l) == 1;
    attack_case(r, lab_end(&l) && ok, NULL, "B13 %s to %s, form %u", forged[which].src,
                forged[which].dst, i % 3);
  }
}

// ---- B14: two ends out of step that acknowledge each other (the ACK war).

static void other_secret(struct estab_settings *settings)
{
  memset(settings->secret, 77, sizeof settings->secret);
}

// A connection of the same tuple in either world; then one end of each is put on the same wire.
static bool war(bool ip6, unsigned how, uint64_t *frames)
{
  static struct two t[2];
  estab_conn conn[2], accepted[2];
  bool ok = true;
  for (unsigned i = 0; i < 2; i++) {
    two_init(&t[i], ip6, i ? other_secret : NULL);
    estab_listener l = two_listen(&t[i], 0, 80, 4);
    ok = ok && two_connect(&t[i], 1, 5000, 80, &conn[i]) == ESTAB_OK;
    two_run(&t[i], t[i].now_ns + 1000000000);
    ok = ok && estab_accept(t[i].s[0], l, &accepted[i]) == ESTAB_OK;
  }
  estab_stack *mine = t[0].s[1];
  t[0].s[1] = t[1].s[1];
  uint64_t before = t[0].frames;
  if (how == 0) { // one octet from one end
    ok = ok && estab_send(t[0].s[0], accepted[0], "x", 1) == 1;
  } else if (how == 1) { // from both
    ok = ok && estab_send(t[0].s[0], accepted[0], "x", 1) == 1;
    ok = ok && estab_send(t[0].s[1], conn[1], "y", 1) == 1;
  } else { // FIN from both
    ok = ok && estab_close(t[0].s[0], accepted[0]) == ESTAB_OK;
    ok = ok && estab_close(t[0].s[1], conn[1]) == ESTAB_OK;
  }
  two_run(&t[0], t[0].now_ns + UINT64_C(60000000000));
  *frames = t[0].frames - before;
  t[0].s[1] = mine;
  bool clean = two_end(&t[0]);
  return two_end(&t[1]) && clean && ok;
}

static void b14(struct attack_run *r)
{
  for (unsigned i = 0; i < 6; i++) {
    uint64_t frames = 0;
    bool ok = war(i & 1, i / 2, &frames);
    attack_case(r, ok && frames > 0 && frames <= 60 * 4, NULL,
                "B14 form %u over IPv%d: %llu packets in 60 s", i / 2, i & 1 ? 6 : 4,
                (unsigned long long)frames);
  }
  // A bare ACK to a bare ACK: within the limit, whatever the peer does.
  for (unsigned place = KIT_ESTABLISHED; place < KIT_PLACES; place++) {
    if (place == KIT_ESTABLISHED || place == KIT_CLOSE_WAIT || place == KIT_FIN_WAIT_1 ||
        place == KIT_CLOSING || place == KIT_LAST_ACK)
      continue; // their own retransmissions are no answers
    kit_init(&k, false, NULL);
    k.quiet = true;
    kit_make(&k, (enum kit_place)place);
    unsigned answers = 0;
    for (unsigned i = 0; i < 10000; i++) {
      kit_clear(&k);
      kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_ACK,
                                      .seq = kit_seg(&k)->rcv.nxt + 0x40000000u,
                                      .ack = kit_seg(&k)->snd.nxt});
      answers += kit_drain(&k);
      kit_advance(&k, 1000000);
    }
    attack_case(r, answers >= 19 && answers <= 21, k.log, "B14 %u ACKs to 10000 ACKs in 10 s in %s",
                answers, kit_place_name((enum kit_place)place));
    kit_end(&k);
  }
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"B11", "ICMP errors about a live connection", b11},
      {"B12", "forged path MTUs", b12},
      {"B13", "sources that nobody can have", b13},
      {"B14", "two ends out of step", b14},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
