// SPDX-License-Identifier: BSD-2-Clause
// receivers.c - ATTACKS S1 to S4: receivers that cheat to make us send more, or forget what they had.
#include "support/attack.h"
#include "support/lab.h"

#define A ESTAB_TCP_ACK

static struct kit k;

static struct estab_conn_info info_of(void)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  (void)estab_conn_info(k.s, k.conn, &info);
  return info;
}

static void large(struct estab_settings *settings)
{
  settings->send_buffer_bytes = 1 << 20;
}

static void bounded(struct estab_settings *settings)
{
  large(settings);
  settings->max_rate_bytes_per_s = 125000; // 1 Mbit/s
}

static void make_with(bool ip6, bool options, void (*change)(struct estab_settings *settings))
{
  kit_init(&k, ip6, change);
  k.no_options = !options;
  k.quiet = true;
  kit_make(&k, KIT_ESTABLISHED);
  kit_inject(
      &k, &(struct kit_in){.flags = A, .seq = kit_seg(&k)->rcv.nxt, .ack = kit_seg(&k)->snd.nxt});
  kit_drain(&k);
}

static void make(bool ip6, bool options)
{
  make_with(ip6, options, large);
}

static void fill(uint32_t n)
{
  for (uint32_t i = 0; i < n; i += 500)
    (void)kit_send(&k, 500);
}

static void ack(uint32_t number)
{
  kit_inject(&k, &(struct kit_in){.flags = A, .seq = kit_seg(&k)->rcv.nxt, .ack = number});
}

// ---- S1: many ACKs for one segment (RFC 5681 3.1 [RFC 5681 S3], RFC 3465): growth counts octets.

// cwnd after `n` octets were acknowledged in steps of `step`, a round trip for each window; after_loss: in congestion
// avoidance.
static uint32_t cwnd_after(bool options, bool after_loss, uint32_t step, uint32_t n)
{
  make(false, options);
  fill(n + 200000);
  kit_drain(&k);
  if (after_loss) { // a timeout, and what was lost comes again: ssthresh is low now
    kit_advance(&k, 3000000000u);
    for (unsigned i = 0; i < 10; i++) {
      kit_advance(&k, 10000000);
      ack(k.peer_rcv_nxt);
      kit_drain(&k);
    }
  }
  uint32_t start = kit_seg(&k)->snd.una, at = start;
  while (at - start < n) {
    kit_advance(&k, 50000000);
    uint32_t round = k.peer_rcv_nxt; // everything of the round before
    while (at != round && at - start < n) {
      at = round - at < step ? round : at + step;
      ack(at);
      kit_clear(&k);
      kit_drain(&k);
    }
  }
  uint32_t cwnd = info_of().cwnd_bytes;
  kit_end(&k);
  return cwnd;
}

static void s1(struct attack_run *r)
{
  static const uint32_t steps[] = {1, 10, 100, 700};
  for (unsigned i = 0; i < 4 * 2 * 2; i++) {
    bool options = i & 1, loss = i & 2;
    uint32_t n = loss ? 60000 : 29200;
    uint32_t honest = cwnd_after(options, loss, 2 * 1460, n);
    uint32_t divided = cwnd_after(options, loss, steps[i / 4], n);
    attack_case(r, divided <= honest + honest / 10, NULL,
                "S1 ACKs of %u octets%s%s: cwnd %u, honestly %u", steps[i / 4],
                options ? ", timestamps" : "", loss ? ", after a loss" : "", divided, honest);
  }
}

// ---- S2: duplicate ACKs out of nothing (RFC 5681 3.2 [RFC 5681 O1]).

static void s2(struct attack_run *r)
{
  for (unsigned i = 0; i < 4; i++) {
    bool options = i & 1;
    make(i & 2, options);
    fill(400000);
    kit_drain(&k);
    uint32_t una = kit_seg(&k)->snd.una, flight = kit_seg(&k)->snd.nxt - una;
    uint32_t most = 0;
    for (unsigned n = 0; n < 10000; n++) {
      ack(una);
      kit_clear(&k);
      kit_drain(&k);
      struct estab_conn_info now = info_of();
      if (now.cwnd_bytes > most) most = now.cwnd_bytes;
    }
    uint32_t out = kit_seg(&k)->snd.nxt - una;
    // Nothing left the network: no more than limited transmit's two segments and what the window first held, twice.
    attack_case(r, out <= 2 * flight + 3 * 1460, k.log,
                "S2 10000 duplicate ACKs%s: %u octets in flight, %u before; cwnd at most %u",
                options ? ", SACK agreed" : "", out, flight, most);
    attack_case(r, most <= 3 * flight + 3 * 1460, k.log, "S2 cwnd %u for %u in flight", most,
                flight);
    kit_end(&k);
  }
}

// ---- S3: ACKs ahead of the data (optimistic ACKs).

static void s3(struct attack_run *r)
{
  static const uint32_t ahead[] = {1, 1460, 14600, 65535};
  for (unsigned i = 0; i < 8;
       i++) { // ahead of SND.NXT nothing is believed, so that no window opens
    make(i & 1, true);
    fill(400000);
    kit_drain(&k);
    uint32_t una = kit_seg(&k)->snd.una, nxt = kit_seg(&k)->snd.nxt, cwnd = info_of().cwnd_bytes;
    for (unsigned n = 0; n < 1000; n++) {
      ack(nxt + ahead[i / 2] + n);
      kit_clear(&k);
      kit_drain(&k);
    }
    const struct seg_state *t = kit_seg(&k);
    attack_case(r, t->snd.una == una && t->snd.nxt == nxt && info_of().cwnd_bytes == cwnd, k.log,
                "S3 1000 ACKs at SND.NXT + %u", ahead[i / 2]);
    kit_end(&k);
  }
  // On schedule, whatever arrives: flight stays within the offered window and the send buffer.
  for (unsigned i = 0; i < 2; i++) {
    make(i & 1, true);
    uint32_t most = 0;
    for (unsigned n = 0; n < 2000; n++) {
      fill(4000);
      kit_clear(&k);
      kit_drain(&k);
      uint32_t flight = kit_seg(&k)->snd.nxt - kit_seg(&k)->snd.una;
      if (flight > most) most = flight;
      ack(kit_seg(&k)->snd.una + flight / 2);
      kit_advance(&k, 1000000);
    }
    attack_case(r, most <= 512u << 7 && most <= k.settings.send_buffer_bytes, k.log,
                "S3 ACKs every millisecond: %u octets in flight at most", most);
    kit_end(&k);
  }
  // All of it, however fast it is acknowledged: the settings' bound on the rate holds, by any controller.
  for (unsigned i = 0; i < 8; i++) {
    make_with(i & 1, (i & 2) == 0, bounded);
    estab_option_set(k.s, k.conn, ESTAB_OPT_CONGESTION_CONTROL, i / 4);
    uint32_t start = kit_seg(&k)->snd.nxt;
    for (unsigned n = 0; n < 3000; n++) { // 3 s
      fill(4000);
      kit_clear(&k);
      kit_drain(&k);
      ack(kit_seg(&k)->snd.nxt);
      kit_clear(&k);
      kit_drain(&k);
      kit_advance(&k, 1000000);
    }
    uint32_t sent = kit_seg(&k)->snd.nxt - start;
    attack_case(r, sent <= 3 * 125000 + 2 * 1460 && sent >= 3 * 125000 * 9 / 10, k.log,
                "S3 all is acknowledged every millisecond: %u octets in 3 s at 125000 a second",
                sent);
    kit_end(&k);
  }
}

// ---- S4: SACK taken back (RFC 2018 8 [RFC 2018 M5, RFC 2018 M6, RFC 2018 M7]): kept until the cumulative ACK.

static void s4(struct attack_run *r)
{
  for (unsigned i = 0; i < 8; i++) {
    bool ip6 = i & 1, fin = i & 2;
    unsigned reneged = i & 4 ? 1 : 2; // how often it forgets everything
    make(ip6, true);
    fill(10000);
    if (fin) (void)estab_close(k.s, k.conn);
    kit_drain(&k);
    uint32_t start = kit_seg(&k)->snd.una, sacked = 0;
    for (unsigned again = 0; again < reneged; again++) {
      // The first segment is missing; all others are there, so it says, three times.
      const struct seg_state *t = kit_seg(&k);
      for (unsigned n = 0; n < 3; n++) {
        const struct estab_sack_block block = {start + 1000, t->snd.nxt};
        kit_inject(
            &k, &(struct kit_in){
                    .seq = t->rcv.nxt, .ack = start, .flags = A, .sack_count = 1, .sack = &block});
        kit_drain(&k);
      }
      sacked = kit_seg(&k)->snd.nxt - start - 1000;
      k.peer_rcv_nxt = start; // and now nothing of it
      k.peer_got_fin = false;
      kit_advance(&k, UINT64_C(20000000000));
    }
    for (unsigned turn = 0; turn < 200 && k.peer_rcv_nxt - start < 10000 + (fin ? 1u : 0u);
         turn++) {
      ack(k.peer_rcv_nxt);
      kit_drain(&k);
      kit_advance(&k, UINT64_C(500000000));
    }
    bool ok = k.peer_rcv_nxt - start == 10000 + (fin ? 1u : 0u) && !k.wrong_octet;
    attack_case(r, kit_end(&k) && ok, k.log, "S4 %u octets taken back %u times over IPv%d%s",
                sacked, reneged, ip6 ? 6 : 4, fin ? ", with FIN" : "");
  }
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"S1", "many ACKs for one segment", s1},
      {"S2", "duplicate ACKs out of nothing", s2},
      {"S3", "ACKs ahead of the data", s3},
      {"S4", "SACK taken back", s4},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
