// SPDX-License-Identifier: BSD-2-Clause
// blind.c - ATTACKS B1 to B10: segments of somebody who knows addresses and ports, but not the numbers.
#include "support/attack.h"
#include "support/lab.h"

#define A ESTAB_TCP_ACK
#define S ESTAB_TCP_SYN
#define F ESTAB_TCP_FIN
#define P ESTAB_TCP_PSH
#define R ESTAB_TCP_RST

static struct kit k;

static void make(enum kit_place place, bool ip6)
{
  kit_init(&k, ip6, NULL);
  kit_make(&k, place);
  k.outs = 0;
}

// Sends it and takes the answers.
static unsigned ask(const struct kit_in *in)
{
  kit_clear(&k);
  kit_say(&k, "---- the attacker:");
  kit_inject(&k, in);
  return kit_drain(&k);
}

// What came is one ACK from where the connection stands.
static bool challenged(void)
{
  const struct seg_state *t = kit_seg(&k);
  return k.outs == 1 && t && k.out[0].h.flags == A && k.out[0].text_bytes == 0 &&
         k.out[0].h.seq == t->snd.nxt && k.out[0].h.ack == t->rcv.nxt;
}

static void end(struct attack_run *r, bool ok, const char *what, int64_t n, enum kit_place place)
{
  attack_case(r, kit_end(&k) && ok, k.log, "%s %lld in %s over IPv%d", what, (long long)n,
              kit_place_name(place), k.ip6 ? 6 : 4);
}

// ---- B1: RST in the window, but not at RCV.NXT (RFC 9293 3.10.7.4 second, RFC 5961 3.2).

static void b1(struct attack_run *r)
{
  for (unsigned i = 0; i < 2 * KIT_TIME_WAIT; i++) {
    enum kit_place place = (enum kit_place)(i / 2);
    if (place < KIT_SYN_RECEIVED) continue;
    bool ip6 = i & 1;
    for (unsigned n = 0; n < 3; n++) {
      make(place, ip6);
      uint32_t wnd = kit_seg(&k)->rcv.wnd;
      const uint32_t in_window[] = {1, 500, wnd - 1};
      ask(&(struct kit_in){.flags = R, .seq = kit_seg(&k)->rcv.nxt + in_window[n]});
      bool ok = challenged() && kit_state(&k) == kit_place_state(place);
      end(r, ok && kit_lives(&k), "B1 RST at RCV.NXT +", in_window[n], place);
      make(place, ip6);
      const uint32_t outside[] = {UINT32_MAX, wnd, wnd + 0x10000000u};
      unsigned answers =
          ask(&(struct kit_in){.flags = R, .seq = kit_seg(&k)->rcv.nxt + outside[n]});
      ok = answers == 0 && kit_state(&k) == kit_place_state(place) && kit_lives(&k);
      end(r, ok, "B1 RST outside the window, at RCV.NXT +", (int32_t)outside[n], place);
    }
    make(place, ip6); // the exact one is believed: a legitimate reset still works
    unsigned answers = ask(&(struct kit_in){.flags = R, .seq = kit_seg(&k)->rcv.nxt});
    end(r, answers == 0 && !kit_seg(&k), "B1 the exact RST, at RCV.NXT +", 0, place);
  }
}

// ---- B2: SYN into a synchronized connection (RFC 5961 4.2); a rebooted peer that takes the same port.

static void b2(struct attack_run *r)
{
  static const int32_t offsets[] = {0, 100, -1, -100000, 0x40000000, INT32_MIN};
  for (unsigned place = KIT_SYN_RECEIVED_ACTIVE; place < KIT_TIME_WAIT; place++)
    for (unsigned i = 0; i < 12; i++) {
      make((enum kit_place)place, i >= 6);
      if (place == KIT_SYN_RECEIVED_ACTIVE && offsets[i % 6] == -1) { // its own SYN again
        kit_end(&k);
        continue;
      }
      struct seg_state was = *kit_seg(&k);
      ask(&(struct kit_in){.flags = S, .seq = was.rcv.nxt + (uint32_t)offsets[i % 6]});
      bool ok = challenged() && kit_state(&k) == kit_place_state((enum kit_place)place);
      ok = ok && was.ts_recent == kit_seg(&k)->ts_recent && kit_lives(&k);
      end(r, ok, "B2 SYN at RCV.NXT +", offsets[i % 6], (enum kit_place)place);
      // The rebooted peer knows nothing of the number the challenge acknowledges: RST there, and all is clear.
      make((enum kit_place)place, i >= 6);
      ask(&(struct kit_in){.flags = S, .seq = was.rcv.nxt + (uint32_t)offsets[i % 6]});
      uint32_t ack = k.outs ? k.out[0].h.ack : 0;
      ask(&(struct kit_in){.flags = R, .seq = ack});
      end(r, !kit_seg(&k), "B2 RST of a rebooted peer after SYN at RCV.NXT +", offsets[i % 6],
          (enum kit_place)place);
    }
}

// ---- B3: text in the window with a nonsense ACK (RFC 5961 5.2, RFC 9293 3.10.7.4 [MAY-12]).

static void b3(struct attack_run *r)
{
  static const enum kit_place places[] = {KIT_ESTABLISHED, KIT_FIN_WAIT_1, KIT_FIN_WAIT_2};
  for (unsigned i = 0; i < 3 * 4 * 2; i++) {
    enum kit_place place = places[i / 8];
    make(place, i & 1);
    const struct seg_state *t = kit_seg(&k);
    uint32_t una = t->snd.una;
    const uint32_t acks[] = {una - (1u << 28), una - t->snd.max_wnd - 1, t->snd.nxt + 50000,
                             t->snd.nxt + 1};
    struct estab_tcp_header h = {.src_port = k.tuple.remote_port,
                                 .dst_port = k.tuple.local_port,
                                 .seq = t->rcv.nxt,
                                 .ack = acks[i / 2 % 4],
                                 .flags = A | P,
                                 .window = 512};
    h.options.present = ESTAB_TCP_OPT_TS;
    h.options.ts_value = k.ts_ms + 1000;
    struct seg_state was = *t;
    kit_clear(&k);
    kit_inject_raw(&k, &h, (const uint8_t *)"evil octets", 11);
    kit_drain(&k);
    t = kit_seg(&k);
    bool ok = challenged() && t->rcv.nxt == was.rcv.nxt && t->snd.una == was.snd.una &&
              t->ts_recent == was.ts_recent;
    end(r, ok && kit_lives(&k) && !k.wrong_octet, "B3 text with an ACK at SND.UNA +",
        (int32_t)(acks[i / 2 % 4] - una), place);
  }
}

// MAX.SND.WND is what the peer once offered, scaled [RFC 5961 M5]: 512 << 7 here, and 64000 in the SYN.
static void b3_edge(struct attack_run *r)
{
  for (unsigned i = 0; i < 4; i++) {
    make(KIT_ESTABLISHED, i & 1);
    uint32_t beyond = i / 2, nxt = kit_seg(&k)->rcv.nxt;
    ask(&(struct kit_in){.flags = A | P,
                         .seq = nxt,
                         .ack = kit_seg(&k)->snd.una - (512u << 7) - beyond,
                         .text_bytes = 10});
    bool taken = kit_seg(&k)->rcv.nxt != nxt;
    end(r, taken == (beyond == 0), "B3 text with an ACK below the largest window by", beyond,
        KIT_ESTABLISHED);
  }
}

// ---- B4: the right ACK on a wrong sequence number: sequence first (RFC 9293 3.10.7.4).

static void b4(struct attack_run *r)
{
  static const uint32_t offsets[] = {0x60000000, 0x20000000, 0x80000000, 0xa0000000};
  for (unsigned place = KIT_ESTABLISHED; place < KIT_TIME_WAIT; place++)
    for (unsigned i = 0; i < 8; i++) {
      make((enum kit_place)place, i >= 4);
      struct seg_state was = *kit_seg(&k);
      ask(&(struct kit_in){
          .flags = A, .seq = was.rcv.nxt + offsets[i % 4], .ack = was.snd.nxt, .window = 1});
      const struct seg_state *t = kit_seg(&k);
      bool ok = challenged() && t->snd.una == was.snd.una && t->state == was.state;
      end(r, ok && kit_lives(&k), "B4 ACK of all at RCV.NXT +", (int32_t)offsets[i % 4],
          (enum kit_place)place);
    }
}

// ---- B5: a forged closed window moves nothing (RFC 9293 3.10.7.4 first, fifth).

static void b5(struct attack_run *r)
{
  for (unsigned i = 0; i < 16; i++) {
    enum kit_place place = i & 8 ? KIT_CLOSE_WAIT : KIT_ESTABLISHED;
    make(place, i & 1);
    struct estab_conn_info was = {.struct_bytes = sizeof was}, now = was;
    (void)estab_conn_info(k.s, k.conn, &was);
    const struct seg_state *t = kit_seg(&k);
    const struct kit_in forged[] = {
        {.flags = A, .seq = t->rcv.nxt + 0x60000000u, .ack = t->snd.nxt, .window_zero = true},
        {.flags = A, .seq = t->rcv.nxt + t->rcv.wnd, .ack = t->snd.nxt, .window_zero = true},
        {.flags = A, .seq = t->rcv.nxt, .ack = t->snd.nxt + 1, .window_zero = true},
        {.flags = A,
         .seq = t->rcv.nxt,
         .ack = was.snd_una - t->snd.max_wnd - 1,
         .window_zero = true},
    };
    ask(&forged[i / 2 % 4]);
    (void)estab_conn_info(k.s, k.conn, &now);
    bool ok = now.snd_wnd == was.snd_wnd && was.snd_wnd > 0;
    end(r, ok && kit_lives(&k), "B5 forged window 0, form", i / 2 % 4, place);
  }
}

// ---- B6: questions whose answers share a counter (CVE-2016-5696): the limit is each connection's own.

// Raw: any port of the peer, no options.
static unsigned ask_port(uint16_t port, uint16_t flags, uint32_t seq, uint32_t ack)
{
  struct estab_tcp_header h = {.src_port = port,
                               .dst_port = k.tuple.local_port,
                               .seq = seq,
                               .ack = ack,
                               .flags = flags,
                               .window = 65000};
  kit_clear(&k);
  kit_inject_raw(&k, &h, NULL, 0);
  return kit_drain(&k);
}

static const char *const b6_names[] = {"inexact RSTs", "SYNs", "ACKs of the unsent", "old ACKs",
                                       "ACKs out of the window"};

static struct kit_in b6_question(unsigned kind, unsigned n)
{
  const struct seg_state *t = kit_seg(&k);
  uint32_t nxt = t->rcv.nxt;
  switch (kind) {
  case 0: return (struct kit_in){.flags = R, .seq = nxt + 1 + n % 30000};
  case 1: return (struct kit_in){.flags = S, .seq = nxt + n};
  case 2: return (struct kit_in){.flags = A, .seq = nxt, .ack = t->snd.nxt + 1 + n};
  case 3:
    return (struct kit_in){.flags = A, .seq = nxt, .ack = t->snd.una - t->snd.max_wnd - 1 - n};
  default: return (struct kit_in){.flags = A, .seq = nxt + t->rcv.wnd + n, .ack = t->snd.nxt};
  }
}

static void b6(struct attack_run *r)
{
  for (unsigned kind = 0; kind < 5; kind++)
    for (unsigned ip6 = 0; ip6 < 2; ip6++) {
      make(KIT_FIN_WAIT_2, ip6); // nothing of ours is in flight: every segment is an answer
      k.quiet = true;
      unsigned answers = 0;
      for (unsigned i = 0; i < 1000; i++) {
        struct kit_in in = b6_question(kind, i);
        answers += ask(&in);
      }
      unsigned at_once = answers;
      for (unsigned i = 0; i < 10000; i++) { // 10 s
        kit_advance(&k, 1000000);
        struct kit_in in = b6_question(kind, i);
        answers += ask(&in);
      }
      attack_case(r, at_once == 1 && answers >= 20 && answers <= 22, k.log,
                  "B6 1000 %s at once: %u answers; 1000 a second for 10 s: %u", b6_names[kind],
                  at_once, answers);
      kit_end(&k);
    }
  // All forms share one limiter: a mixture earns no more.
  make(KIT_FIN_WAIT_2, false);
  unsigned answers = 0;
  for (unsigned i = 0; i < 1000; i++) {
    struct kit_in in = b6_question(i % 5, i);
    answers += ask(&in);
  }
  attack_case(r, answers == 1, NULL, "B6 1000 of all kinds: %u answers", answers);
  kit_end(&k);
  // Unacceptable text and FIN are always answered: their sender waits for it.
  for (unsigned fin = 0; fin < 2; fin++) {
    make(KIT_FIN_WAIT_2, false);
    k.quiet = true;
    answers = 0;
    for (unsigned i = 0; i < 100; i++)
      answers += ask(&(struct kit_in){.flags = fin ? F | A : A,
                                      .seq = kit_seg(&k)->rcv.nxt - 10,
                                      .ack = kit_seg(&k)->snd.nxt,
                                      .text_bytes = fin ? 0 : 10});
    attack_case(r, answers == 100, NULL, "B6 %u answers to 100 old %s", answers,
                fin ? "FINs" : "texts");
    kit_end(&k);
  }
  // Two connections: what the attacker sees on his own does not depend on what he spoofs into the victim's.
  static const unsigned spoofed[] = {0, 1, 10, 100, 1000};
  unsigned seen[5];
  for (unsigned i = 0; i < 5; i++) {
    make(KIT_ESTABLISHED, false);
    k.quiet = true;
    ask_port(40000, S, 1000, 0); // the attacker's own
    uint32_t iss = k.out[0].h.seq;
    ask_port(40000, A, 1001, iss + 1);
    kit_advance(&k, 1000000000);
    for (unsigned n = 0; n < spoofed[i]; n++)
      ask(&(struct kit_in){.flags = R, .seq = kit_seg(&k)->rcv.nxt + 1 + n});
    seen[i] = 0;
    for (unsigned n = 0; n < 100; n++)
      seen[i] += ask_port(40000, R, 1001 + 1 + n, 0);
    attack_case(r, seen[i] == seen[0] && seen[i] == 1, NULL,
                "B6 %u spoofed into another's connection: %u seen on one's own", spoofed[i],
                seen[i]);
    kit_end(&k);
  }
}

// ---- B7: ACKs of what was not sent yet, though it is queued (RFC 9293 3.10.7.4 fifth).

static void small_windows(struct estab_settings *settings)
{
  settings->initial_window_segments = 2;
}

static void b7(struct attack_run *r)
{
  static const uint32_t beyond[] = {1, 100, 1448, 5000, 8000, 1u << 30};
  for (unsigned i = 0; i < 24; i++) {
    kit_init(&k, i & 1, small_windows);
    kit_make(&k, KIT_ESTABLISHED);
    for (unsigned n = 0; n < 16; n++)
      (void)kit_send(&k, 500);
    kit_drain(&k);
    struct seg_state was = *kit_seg(&k);
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    (void)estab_conn_info(k.s, k.conn, &info);
    uint32_t text_bytes = i & 2 ? 10 : 0;
    ask(&(struct kit_in){.flags = A,
                         .seq = was.rcv.nxt,
                         .ack = was.snd.nxt + beyond[i / 4],
                         .text_bytes = text_bytes});
    const struct seg_state *t = kit_seg(&k);
    bool ok = info.not_sent_bytes > 0 && challenged() && t->snd.una == was.snd.una &&
              t->snd.nxt == was.snd.nxt && t->rcv.nxt == was.rcv.nxt;
    for (unsigned turn = 0; turn < 30 && k.peer_rcv_nxt - (k.iss + 1) < k.sent_bytes; turn++) {
      kit_inject(&k, &(struct kit_in){.flags = A, .seq = t->rcv.nxt, .ack = k.peer_rcv_nxt});
      kit_advance(&k, 10000000);
    }
    ok = ok && k.peer_rcv_nxt - (k.iss + 1) == k.sent_bytes;
    end(r, ok && kit_lives(&k), "B7 ACK at SND.NXT +", beyond[i / 4], KIT_ESTABLISHED);
  }
}

// ---- B8: timestamps from the future, old duplicates (RFC 7323 4.3, 5.3, 5.5, 3.2).

// Injects with this TSval; answers whether the text was taken.
static bool tsval_taken(uint32_t tsval, uint32_t seq, uint32_t ack, uint32_t text_bytes,
                        uint16_t flags)
{
  uint32_t honest = k.ts_ms, before = kit_seg(&k)->rcv.nxt;
  k.ts_ms = tsval;
  ask(&(struct kit_in){.flags = flags, .seq = seq, .ack = ack, .text_bytes = text_bytes});
  k.ts_ms = honest;
  return kit_seg(&k) && kit_seg(&k)->rcv.nxt != before;
}

static void b8_poison(struct attack_run *r)
{
  static const uint32_t futures[] = {1, 1000, 0x40000000, 0x7fffffff};
  for (unsigned i = 0; i < 4 * 5 * 2; i++) {
    make(KIT_ESTABLISHED, i & 1);
    struct seg_state was = *kit_seg(&k);
    uint32_t tsval = was.ts_recent + futures[i / 10], nxt = was.rcv.nxt;
    static const char *const how[] = {"outside the window", "below it", "with an ACK of the unsent",
                                      "above a hole", "as a SYN"};
    switch (i / 2 % 5) {
    case 0: tsval_taken(tsval, nxt + 0x50000000u, was.snd.nxt, 10, A); break;
    case 1: tsval_taken(tsval, nxt - 11, was.snd.nxt, 10, A); break;
    case 2: tsval_taken(tsval, nxt, was.snd.nxt + 1, 10, A); break;
    case 3: tsval_taken(tsval, nxt + 10, was.snd.nxt, 10, A); break;
    default: tsval_taken(tsval, nxt, 0, 0, S); break;
    }
    bool ok = kit_seg(&k)->ts_recent == was.ts_recent;
    attack_case(r, ok && kit_lives(&k), k.log, "B8 TSval + 0x%x %s", futures[i / 10],
                how[i / 2 % 5]);
    kit_end(&k);
  }
}

static void b8(struct attack_run *r)
{
  b8_poison(r);
  static const struct {
    int64_t delta; // TSval - TS.Recent
    bool taken;
  } edges[] = {{0, true},
               {1, true},
               {2, true},
               {0x7fffffff, true},
               {-1, false},
               {-2, false},
               {-0x7fffffff, false},
               {-0x80000000LL, false},
               {-0x10000000, false}};
  for (unsigned i = 0; i < 2 * sizeof edges / sizeof *edges; i++) {
    make(KIT_ESTABLISHED, i & 1);
    struct seg_state was = *kit_seg(&k);
    bool took = tsval_taken(was.ts_recent + (uint32_t)edges[i / 2].delta, was.rcv.nxt, was.snd.nxt,
                            10, A | P);
    attack_case(r, took == edges[i / 2].taken, k.log, "B8 text with TSval at TS.Recent %+lld",
                (long long)edges[i / 2].delta);
    kit_end(&k);
  }
  for (unsigned days = 23; days <= 25; days++) { // idle
    make(KIT_FIN_WAIT_2, false);
    kit_advance(&k, days * UINT64_C(86400000000000));
    struct seg_state was = *kit_seg(&k);
    bool took = tsval_taken(was.ts_recent - 1, was.rcv.nxt, was.snd.nxt, 10, A);
    attack_case(r, took == (days > 23), k.log, "B8 an old TSval after %u days", days);
    kit_end(&k);
  }
  for (unsigned old = 0; old < 2; old++) { // RST is exempt from PAWS, and needs no timestamp
    make(KIT_ESTABLISHED, false);
    ask(&(struct kit_in){
        .flags = R, .seq = kit_seg(&k)->rcv.nxt, .ts = old ? KIT_TS_OLD : KIT_TS_NONE});
    attack_case(r, !kit_seg(&k), k.log, "B8 an exact RST with %s timestamp", old ? "an old" : "no");
    kit_end(&k);
  }
  for (unsigned place = KIT_ESTABLISHED; place < KIT_TIME_WAIT;
       place++) { // once negotiated, none is none
    make((enum kit_place)place, false);
    struct seg_state was = *kit_seg(&k);
    unsigned answers = ask(&(struct kit_in){
        .flags = A, .seq = was.rcv.nxt, .ack = was.snd.nxt, .text_bytes = 10, .ts = KIT_TS_NONE});
    bool ok = answers == 0 && kit_seg(&k)->rcv.nxt == was.rcv.nxt &&
              kit_seg(&k)->snd.una == was.snd.una && kit_lives(&k);
    end(r, ok, "B8 text without a timestamp, case", 0, (enum kit_place)place);
  }
}

// ---- B9: TIME-WAIT assassination (RFC 1337 2); by the letter of RFC 9293 an exact RST ends it.

static void by_the_letter(struct estab_settings *settings)
{
  struct estab_mem mem = settings->mem;
  uint8_t secret[16];
  memcpy(secret, settings->secret, 16);
  estab_settings_rfc(settings);
  settings->mem = mem;
  memcpy(settings->secret, secret, 16);
}

static void b9(struct attack_run *r)
{
  static const int32_t offsets[] = {0, 1, -1, 1000};
  for (unsigned i = 0; i < 2 * 2 * 4 * 2; i++) {
    enum kit_place place = i & 1 ? KIT_TIME_WAIT : KIT_TIME_WAIT_FULL;
    bool letter = i & 2, ip6 = i & 4;
    int32_t offset = offsets[i / 8];
    kit_init(&k, ip6, letter ? by_the_letter : NULL);
    kit_make(&k, place);
    ask(&(struct kit_in){.flags = R, .seq = kit_seg(&k)->rcv.nxt + (uint32_t)offset});
    bool gone = !kit_seg(&k);
    bool ok = gone == (letter && offset == 0);
    if (!gone) ok = ok && (letter || k.outs == 0) && kit_lives(&k);
    end(r, ok, letter ? "B9 by the letter, RST at RCV.NXT +" : "B9 RST at RCV.NXT +", offset,
        place);
  }
  for (unsigned place = KIT_TIME_WAIT; place < KIT_PLACES;
       place++) { // RFC 1337 2: old text, then its RST
    make((enum kit_place)place, false);
    struct seg_state was = *kit_seg(&k);
    ask(&(struct kit_in){
        .flags = A, .seq = was.rcv.nxt - 11, .ack = was.snd.nxt, .text_bytes = 10});
    bool ok = challenged();
    ask(&(struct kit_in){.flags = R, .seq = k.outs ? k.out[0].h.ack : was.rcv.nxt});
    end(r, ok && kit_state(&k) == ESTAB_TIME_WAIT && kit_lives(&k), "B9 old text, then RST, case",
        0, (enum kit_place)place);
  }
}

// ---- B10: SYN-SENT believes only who acknowledges its SYN (RFC 9293 3.10.7.3).

static void b10(struct attack_run *r)
{
  static const struct {
    const char *name;
    uint16_t flags;
  } sets[] = {{"RST", R},
              {"RST ACK", R | A},
              {"ACK", A},
              {"SYN ACK", S | A},
              {"FIN ACK", F | A},
              {"PSH ACK", P | A},
              {"SYN RST ACK", S | R | A},
              {"none", 0}};
  for (unsigned i = 0; i < 8 * 3 * 2; i++) {
    uint16_t flags = sets[i / 6].flags;
    make(KIT_SYN_SENT, i & 1);
    uint32_t ack = k.iss + i / 2 % 3; // ISS, ISS + 1, ISS + 2
    unsigned answers = ask(&(struct kit_in){.flags = flags, .seq = k.irs, .ack = ack});
    bool right = (flags & A) && ack == k.iss + 1;
    bool ok;
    if (!(flags & A)) // nothing acknowledged: nothing happens
      ok = answers == 0 && kit_state(&k) == ESTAB_SYN_SENT;
    else if (!right) // RST back, but never to an RST
      ok = kit_state(&k) == ESTAB_SYN_SENT &&
           (flags & R ? answers == 0
                      : answers == 1 && k.out[0].h.flags == R && k.out[0].h.seq == ack);
    else if (flags & R)
      ok = answers == 0 && !kit_seg(&k);
    else if (flags & S)
      ok = kit_state(&k) == ESTAB_ESTABLISHED && challenged();
    else
      ok = answers == 0 && kit_state(&k) == ESTAB_SYN_SENT;
    k.peer_got_rst = false; // it was for the attacker
    if (kit_seg(&k)) ok = ok && kit_lives(&k);
    attack_case(r, kit_end(&k) && ok, k.log, "B10 %s with ACK at ISS + %u over IPv%d",
                sets[i / 6].name, i / 2 % 3, i & 1 ? 6 : 4);
  }
}

static void b3_all(struct attack_run *r)
{
  b3(r);
  b3_edge(r);
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"B1", "RST in the window, but not at RCV.NXT", b1},
      {"B2", "SYN into a synchronized connection", b2},
      {"B3", "text with an acknowledgment out of nowhere", b3_all},
      {"B4", "the right ACK on a wrong sequence number", b4},
      {"B5", "a closed window, forged", b5},
      {"B6", "questions whose answers share a counter", b6},
      {"B7", "ACKs of what was not sent", b7},
      {"B8", "timestamps from the future, old duplicates", b8},
      {"B9", "RST in TIME-WAIT", b9},
      {"B10", "RST and SYN-ACK in SYN-SENT without the right ACK", b10},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
