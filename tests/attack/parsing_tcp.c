// SPDX-License-Identifier: BSD-2-Clause
// parsing_tcp.c - ATTACKS P1 to P5: TCP headers and options made to hurt.
#include "support/attack.h"
#include "support/lab.h"

#define A ESTAB_TCP_ACK
#define S ESTAB_TCP_SYN
#define F ESTAB_TCP_FIN
#define R ESTAB_TCP_RST
#define U ESTAB_TCP_URG

static struct kit k;

static struct estab_conn_info info_of(void)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (k.conn) (void)estab_conn_info(k.s, k.conn, &info);
  return info;
}

// ---- P1: any urgent pointer, in any state: a mark and never a length (RFC 9293 3.8.5, RFC 6093).

static bool urgent_lives(enum kit_place place, bool ip6, uint16_t pointer, uint32_t text_bytes,
                         bool fin)
{
  kit_init(&k, ip6, NULL);
  kit_make(&k, place);
  const struct seg_state *t = kit_seg(&k);
  struct kit_in in = {.flags = (uint16_t)(A | U | (fin ? F : 0)),
                      .seq = k.irs + 1,
                      .ack = k.iss + 1,
                      .text_bytes = text_bytes,
                      .urgent = pointer};
  if (t && place != KIT_SYN_SENT) {
    in.seq = t->rcv.nxt;
    in.ack = t->state == ESTAB_SYN_RECEIVED ? t->snd.nxt : t->snd.una;
  } else if (place != KIT_CLOSED) {
    in.seq = k.irs;
    in.flags = (uint16_t)((place == KIT_LISTEN ? S : S | A) | U | (fin ? F : 0));
  }
  kit_inject(&k, &in);
  kit_drain(&k);
  kit_inject(&k, &in); // the retransmission
  kit_drain(&k);
  if (place == KIT_CLOSED) return kit_is_gone(&k);
  struct estab_recv_marks marks = {0};
  if (k.conn && estab_recv_marks(k.s, k.conn, &marks) == ESTAB_OK &&
      marks.urgent_bytes > marks.readable_bytes) {
    kit_say(&k, "the mark lies beyond what can be read");
    return false;
  }
  return kit_lives(&k) && !k.wrong_octet;
}

static void p1(struct attack_run *r)
{
  static const uint16_t texts[] = {0, 1, 5, 1400};
  for (unsigned place = 0; place < KIT_PLACES; place++)
    for (unsigned i = 0; i < 16; i++) {
      uint32_t n = texts[i % 4];
      bool fin = i & 4, ip6 = i & 8;
      if (n > 50 && !fin) continue; // the kit's peer ends its stream after 60 octets
      const uint16_t pointers[] = {0, 1, (uint16_t)(n - 1), (uint16_t)n, (uint16_t)(n + 1), 65535};
      for (unsigned p = 0; p < 6; p++) {
        bool ok = urgent_lives((enum kit_place)place, ip6, pointers[p], n, fin);
        attack_case(r, kit_end(&k) && ok, k.log, "P1 %s, pointer %u, %u octets%s",
                    kit_place_name((enum kit_place)place), pointers[p], n, fin ? ", FIN" : "");
      }
    }
}

// ---- P2: option lengths 0, 1 and too long (RFC 9293 3.1 [MUST-5, MUST-6, MUST-7]), in SYNs and beside text.

static const uint8_t option_places[] = {0, 1, 2, 30, 38, 39};

static void put_option(uint8_t options[40], unsigned kind, unsigned length, unsigned at)
{
  memset(options, 1, 40);
  options[at] = (uint8_t)kind;
  if (at < 39) options[at + 1] = (uint8_t)length;
  for (unsigned i = at + 2; i < 40 && i < at + length; i++)
    options[i] = 0xa5;
}

// A listener answers every SYN, whatever its options are.
static bool syns_are_answered(unsigned kind)
{
  uint8_t options[40], frame[200];
  for (unsigned length = 0; length <= 41; length++)
    for (unsigned p = 0; p < sizeof option_places; p++) {
      put_option(options, kind, length, option_places[p]);
      struct estab_tcp_header h = {.seq = k.irs, .flags = S, .window = 1000};
      size_t n = lab_segment(&k, &h, 15, options, 40, frame);
      kit_clear(&k);
      lab_input(k.s, k.now_ns, frame, n, NULL, 0);
      kit_drain(&k);
      bool ok = k.outs == 1 && k.out[0].h.flags == (S | A) && k.out[0].h.ack == k.irs + 1;
      h.flags = R;
      h.seq = k.irs + 1;
      n = lab_segment(&k, &h, 5, NULL, 0, frame);
      lab_input(k.s, k.now_ns, frame, n, NULL, 0);
      if (!ok || kit_seg(&k)) {
        kit_say(&k, "kind %u, length %u at %u", kind, length, option_places[p]);
        return false;
      }
    }
  return true;
}

// A connection takes the octet beside any option; what belongs into a SYN means nothing here.
static bool octets_are_taken(unsigned kind)
{
  struct estab_conn_info was = info_of();
  for (unsigned length = 0; length <= 41; length++)
    for (unsigned p = 0; p < sizeof option_places; p++) {
      uint8_t rest[41], frame[200];
      put_option(rest, kind, length, option_places[p]);
      const struct seg_state *t = kit_seg(&k);
      rest[40] = kit_peer_octet(t->rcv.nxt - (k.irs + 1));
      struct estab_tcp_header h = {
          .seq = t->rcv.nxt, .ack = t->snd.nxt, .flags = A, .window = 65000};
      size_t n = lab_segment(&k, &h, 15, rest, 41, frame);
      uint32_t before = k.read_bytes;
      lab_input(k.s, k.now_ns, frame, n, NULL, 0);
      kit_user(&k);
      kit_drain(&k);
      if (k.read_bytes != before + 1 || k.wrong_octet) {
        kit_say(&k, "kind %u, length %u at %u: the octet was not taken", kind, length,
                option_places[p]);
        return false;
      }
    }
  struct estab_conn_info now = info_of();
  return now.snd_mss == was.snd_mss && now.snd_wscale == was.snd_wscale && now.sack == was.sack &&
         now.timestamps == was.timestamps;
}

static void p2_sweep(struct attack_run *r, bool ip6)
{
  kit_init(&k, ip6, NULL);
  k.quiet = true;
  kit_make(&k, KIT_LISTEN);
  for (unsigned kind = 0; kind < 256; kind++)
    attack_case(r, syns_are_answered(kind), k.log, "P2 SYN with option %u", kind);
  attack_case(r, kit_end(&k), k.log, "P2 memory");
  kit_init(&k, ip6, NULL);
  k.quiet = k.no_options = true;
  kit_make(&k, KIT_ESTABLISHED);
  for (unsigned kind = 0; kind < 256; kind++)
    attack_case(r, octets_are_taken(kind), k.log, "P2 text with option %u", kind);
  attack_case(r, kit_end(&k), k.log, "P2 memory");
}

// The packet of the public detector of CVE-2019-12258: SYN 0x4141 with a window scale of length 2, on an open tuple.
static void p2_detector(struct attack_run *r)
{
  static const uint8_t options[] = {2, 4, 0x05, 0xb4, 3, 2, 0, 0};
  for (unsigned place = KIT_ESTABLISHED; place <= KIT_TIME_WAIT_FULL; place++) {
    kit_init(&k, false, NULL);
    kit_make(&k, (enum kit_place)place);
    struct estab_tcp_header h = {.seq = 0x4141, .flags = S, .window = 8192};
    uint8_t frame[100];
    size_t n = lab_segment(&k, &h, 7, options, 8, frame);
    bool waits = kit_place_state((enum kit_place)place) == ESTAB_TIME_WAIT;
    lab_input(k.s, k.now_ns, frame, n, NULL, 0);
    kit_drain(&k);
    bool ok = k.outs == 1 && !(k.out[0].h.flags & R);
    // 0x4141 is above the peer's numbers here: to TIME-WAIT it is a new connection, which no RST ends either.
    ok = ok && (waits || kit_lives(&k));
    attack_case(r, kit_end(&k) && ok, k.log, "P2 CVE-2019-12258 in %s",
                kit_place_name((enum kit_place)place));
  }
}

static void p2(struct attack_run *r)
{
  p2_sweep(r, false);
  p2_sweep(r, true);
  p2_detector(r);
}

// ---- P3: MSS 0 and tiny (RFC 9293 3.7.1 [MUST-15]); a floor for what we send.

// The peer's SYN says mss (-1: nothing); 4000 octets go out. Octets on the wire for them; 0: something is wrong.
static uint32_t wire_octets(int mss, bool timestamps, uint32_t *largest)
{
  kit_make(&k, KIT_LISTEN);
  struct estab_tcp_header h = {.src_port = k.tuple.remote_port,
                               .dst_port = k.tuple.local_port,
                               .seq = k.irs,
                               .flags = S,
                               .window = 65000};
  if (timestamps) {
    h.options.present = ESTAB_TCP_OPT_TS;
    h.options.ts_value = k.ts_ms;
  }
  k.no_options = !timestamps;
  uint8_t options[16] = {2, 4, (uint8_t)(mss >> 8), (uint8_t)mss, 4, 2, 8, 10, 0, 0, 0, 1};
  uint8_t frame[200];
  size_t n = lab_segment(&k, &h, timestamps ? 9 : 6, options, timestamps ? 16 : 4, frame);
  if (mss < 0) // the same without the first option
    n = lab_segment(&k, &h, timestamps ? 8 : 5, options + 4, timestamps ? 12 : 0, frame);
  k.ts_ms = 1;
  lab_input(k.s, k.now_ns, frame, n, NULL, 0);
  kit_drain(&k);
  kit_inject(&k, &(struct kit_in){.flags = A, .seq = k.irs + 1, .ack = k.iss + 1, .window = 65000});
  kit_user(&k);
  if (!k.conn) return 0;
  uint32_t wire = 0;
  *largest = 0;
  for (unsigned turn = 0; turn < 400 && k.peer_rcv_nxt - (k.iss + 1) < 4000; turn++) {
    if (k.sent_bytes < 4000) (void)kit_send(&k, 500);
    k.outs = 0;
    kit_drain(&k);
    for (unsigned i = 0; i < k.outs; i++) {
      struct estab_tcp_options *o = &k.out[i].h.options;
      wire +=
          (k.ip6 ? 40u : 20u) + 20u + (uint32_t)estab_tcp_options_bytes(o) + k.out[i].text_bytes;
      if (k.out[i].text_bytes > *largest) *largest = k.out[i].text_bytes;
    }
    kit_inject(
        &k, &(struct kit_in){.flags = A, .seq = k.irs + 1, .ack = k.peer_rcv_nxt, .window = 65000});
    kit_advance(&k, 1000000);
  }
  return k.peer_rcv_nxt - (k.iss + 1) >= 4000 && !k.wrong_octet ? wire : 0;
}

static void p3(struct attack_run *r)
{
  static const int sizes[] = {-1, 0, 1, 7, 47, 48, 63, 64, 535, 65535};
  for (unsigned i = 0; i < 4 * sizeof sizes / sizeof *sizes; i++) {
    int mss = sizes[i / 4];
    bool ip6 = i & 1, timestamps = i & 2;
    kit_init(&k, ip6, NULL);
    k.quiet = true;
    uint32_t largest = 0, wire = wire_octets(mss, timestamps, &largest);
    uint32_t most = mss <= 0 ? (ip6 ? 1220u : 536u) : (uint32_t)mss;
    if (most < 64) most = 64;
    if (ip6 && timestamps && most < 84) most = 84; // no more octets of headers than of text
    if (most > (ip6 ? 1440 : 1460)) most = ip6 ? 1440 : 1460;
    if (timestamps) most -= 12;
    bool ok = wire != 0 && largest <= most && wire <= 2 * 4000;
    if (most > 500) ok = ok && largest > 500 - 12; // it can be more than the user's write, no less
    attack_case(
        r, kit_end(&k) && ok, k.log,
        "P3 MSS %d over IPv%d%s: %u octets on the wire for 4000, segments of %u (at most %u)", mss,
        ip6 ? 6 : 4, timestamps ? " with timestamps" : "", wire, largest, most);
  }
}

// ---- P4: what belongs into a SYN, in any later segment (RFC 9293 3.7.1, RFC 7323 2.2, RFC 2018 2).

static void p4(struct attack_run *r)
{
  static const struct {
    const char *name;
    int32_t offset; // from RCV.NXT
    uint32_t text_bytes;
  } where[] = {{"in order", 0, 0},
               {"with text", 0, 1},
               {"far outside", 0x60000000, 0},
               {"far outside, with text", 0x60000000, 1},
               {"below the window", -1, 0}};
  static const uint32_t kinds[] = {ESTAB_TCP_OPT_MSS, ESTAB_TCP_OPT_WSCALE,
                                   ESTAB_TCP_OPT_SACK_PERMITTED,
                                   ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE};
  for (unsigned i = 0; i < 5 * 4 * 2; i++) {
    unsigned w = i % 5, kind = i / 5 % 4;
    kit_init(&k, i >= 20, NULL);
    k.no_options = kind == 2; // nothing was agreed on, SACK-permitted comes late
    kit_make(&k, KIT_ESTABLISHED);
    struct estab_conn_info was = info_of();
    const struct seg_state *t = kit_seg(&k);
    struct estab_tcp_header h = {.src_port = k.tuple.remote_port,
                                 .dst_port = k.tuple.local_port,
                                 .seq = t->rcv.nxt + (uint32_t)where[w].offset,
                                 .ack = t->snd.nxt,
                                 .flags = A,
                                 .window = 512};
    h.options.present = kinds[kind] | (k.no_options ? 0 : ESTAB_TCP_OPT_TS);
    h.options.mss = 1;
    h.options.wscale = 14;
    h.options.ts_value = k.ts_ms;
    h.options.ts_echo = k.ts_echo;
    if (k.no_options) h.window = 65000;
    uint8_t octet = kit_peer_octet(h.seq - (k.irs + 1));
    kit_inject_raw(&k, &h, &octet, where[w].text_bytes);
    kit_drain(&k);
    kit_inject(
        &k, &(struct kit_in){.flags = A, .seq = kit_seg(&k)->rcv.nxt, .ack = kit_seg(&k)->snd.nxt});
    struct estab_conn_info now = info_of();
    bool ok = now.snd_mss == was.snd_mss && now.snd_wscale == was.snd_wscale &&
              now.sack == was.sack && now.timestamps == was.timestamps;
    k.outs = 0;
    for (unsigned n = 0; n < 6; n++)
      (void)kit_send(&k, 500);
    kit_drain(&k);
    ok = ok && k.outs > 0 && k.out[0].text_bytes == was.snd_mss;
    attack_case(r, kit_end(&k) && ok, k.log, "P4 options 0x%x %s over IPv%d", kinds[kind],
                where[w].name, k.ip6 ? 6 : 4);
  }
}

// ---- P5: data offsets that lie, in frames cut at every octet (RFC 9293 3.1).

// Every payload up to 60 octets, cut in two at every place.
static bool offsets_are_judged(unsigned offset)
{
  uint8_t rest[60], frame[200], got[64];
  memset(rest, 1, sizeof rest); // NOP as option, 1 as text
  for (size_t text = 0; text <= sizeof rest; text++) {
    bool valid = offset >= 5 && offset * 4 <= 20 + text;
    size_t header = k.ip6 ? 40 : 20;
    for (size_t cut = header; cut < header + 20 + text; cut++) {
      const struct seg_state *t = kit_seg(&k);
      struct estab_tcp_header h = {
          .seq = t->rcv.nxt, .ack = t->snd.nxt, .flags = A, .window = 65000};
      uint32_t before = t->rcv.nxt;
      size_t n = lab_segment(&k, &h, offset, rest, text, frame);
      kit_clear(&k);
      lab_input(k.s, k.now_ns, frame, n, &cut, 1);
      uint32_t took = kit_seg(&k)->rcv.nxt - before;
      uint32_t want = valid ? (uint32_t)(20 + text) - offset * 4 : 0;
      bool dropped = strcmp(kit_dropped(&k), "TCP_DATA_OFFSET") == 0;
      while (estab_recv(k.s, k.conn, got, sizeof got) > 0)
        continue;
      kit_drain(&k);
      if (took != want || dropped == valid) {
        kit_say(&k, "offset %u, %zu octets behind the header: took %u instead of %u", offset, text,
                took, want);
        return false;
      }
    }
  }
  return true;
}

static void p5(struct attack_run *r)
{
  for (unsigned i = 0; i < 32; i++) {
    kit_init(&k, i & 1, NULL);
    k.quiet = k.no_options = true;
    kit_make(&k, KIT_ESTABLISHED);
    bool ok = offsets_are_judged(i / 2);
    attack_case(r, kit_end(&k) && ok, k.log, "P5 data offset %u over IPv%d", i / 2, i & 1 ? 6 : 4);
  }
  for (unsigned n = 0; n < 20; n++) { // less than a header
    kit_init(&k, n & 1, NULL);
    kit_make(&k, KIT_ESTABLISHED);
    struct seg_state before = *kit_seg(&k);
    static const uint8_t zeros[20];
    uint8_t frame[100];
    size_t bytes = (k.ip6 ? lab_ip6 : lab_ip4)(frame, &k.tuple.remote, &k.tuple.local,
                                               ESTAB_PROTOCOL_TCP, zeros, n);
    kit_clear(&k);
    lab_input(k.s, k.now_ns, frame, bytes, NULL, 0);
    kit_drain(&k);
    bool ok = k.outs == 0 && strcmp(kit_dropped(&k), "TCP_SHORT") == 0 &&
              memcmp(&before, kit_seg(&k), sizeof before) == 0 && kit_lives(&k);
    attack_case(r, kit_end(&k) && ok, k.log, "P5 a segment of %u octets", n);
  }
}

int main(int argc, char **argv)
{
  static const struct attack rows[] = {
      {"P1", "urgent pointers that point anywhere", p1},
      {"P2", "options of length 0, 1 or too long", p2},
      {"P3", "MSS 0 or tiny", p3},
      {"P4", "options of a SYN outside of one", p4},
      {"P5", "data offset below 5 or past the segment", p5},
  };
  return attack_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
