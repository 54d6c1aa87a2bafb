// SPDX-License-Identifier: BSD-2-Clause
// track_packet.c - one segment's way: whose is it, does it begin something new, what do both machines say.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "base/fmt.h"
#include "watch/defrag.h"
#include "watch/doubt.h"
#include "watch/duplicate.h"
#include "watch/life.h"
#include "watch/measure.h"
#include "watch/observe.h"
#include "watch/plain.h"
#include "watch/refused.h"
#include "watch/stream.h"
#include "watch/tell.h"
#include "watch/track_twin.h"
#include "watch/zeek.h"

void track_segment_make(const struct track *t, const struct watch_packet *p, uint64_t ts_ns,
                        uint64_t number, size_t wire_bytes, struct segment *g)
{
  const struct estab_tcp_header *h = &p->tcp;
  *g = (struct segment){
      .ts_ns = ts_ns,
      .packet = number,
      .seq = h->seq,
      .ack = h->ack,
      .text_bytes = p->payload_bytes,
      .ip_bytes = p->ip_bytes,
      .frame_more =
          (uint16_t)(wire_bytes <= p->ip_bytes ? 0
                                               : size_min(wire_bytes - p->ip_bytes, UINT16_MAX)),
      .window = h->window,
      .flags = h->flags,
      .ttl = p->ttl,
  };
  if (t->settings.verify_checksums) {
    if (p->tcp_checksum == WATCH_CHECKSUM_BAD || p->ip_checksum == WATCH_CHECKSUM_BAD)
      g->bits |= SEGMENT_BAD;
    if (p->tcp_checksum == WATCH_CHECKSUM_OFFLOADED) g->bits |= SEGMENT_OFFLOADED;
  }
  if (p->payload_captured_bytes < p->payload_bytes) g->bits |= SEGMENT_CUT;
  if (p->length_unset) g->bits |= SEGMENT_IP_UNSET;
  uint32_t present = h->options.present;
  if (present & ESTAB_TCP_OPT_TS) {
    g->ts_value = h->options.ts_value;
    g->bits |= SEGMENT_TS;
  }
  if (p->tcp_options_cut) {
    g->wscale = FLOW_WSCALE_UNKNOWN;
    g->bits |= SEGMENT_WSCALE;
  }
  if (!(present & ~(uint32_t)ESTAB_TCP_OPT_TS)) return; // nearly all behind the handshake
  if (present & ESTAB_TCP_OPT_MSS) g->mss = h->options.mss;
  if (present & ESTAB_TCP_OPT_WSCALE) {
    g->wscale = h->options.wscale;
    g->bits |= SEGMENT_WSCALE;
  }
}

struct track_signature {
  uint64_t side[2];
  uint8_t inactivity;
};

// To see whether a segment changed any.
static struct track_signature track_signature(const struct flow *f)
{
  static const struct flow_side counts = {
      .z = 0xf,
      .z_prev = 0xf,
      .z_bits = ZEEK_DID_CLOSE | ZEEK_DEFERRED | ZEEK_FIN | ZEEK_RST,
      .state = 0xff,
      .bits = SIDE_SENT,
  };
  struct track_signature all = {.inactivity = f->inactivity};
  for (unsigned i = 0; i < 2; i++)
    all.side[i] = side_states(&f->side[i]) & side_states(&counts);
  return all;
}

static bool track_is_same(const struct track_signature *a, const struct track_signature *b)
{
  return a->side[0] == b->side[0] && a->side[1] == b->side[1] && a->inactivity == b->inactivity;
}

void track_remember(struct track *t, uint64_t life_packet, const struct segment *g)
{
  if (g->text_bytes < RECALL_TEXT_MIN || (g->bits & (SEGMENT_BAD | SEGMENT_CUT))) return;
  const uint32_t place = recall_add(t->recall, doubt_who(life_packet, g->end),
                                    g->seq + (g->flags & ESTAB_TCP_SYN ? 1u : 0u),
                                    t->packet->payload, g->text_bytes, g->ttl);
  if (t->duplicates) watch_duplicate_recalled(t->duplicates, place);
}

// Zeek's machine does not take what the life takes: its time stays where it is.
static WATCH_RARE void track_zeek_rests(struct track *t, struct flow *f)
{
  struct flow_closing *c = track_closing(t, f);
  if (c && !c->z_last_ns) c->z_last_ns = f->last_ns;
}

static void track_judge(struct track *t, uint32_t ref, struct flow *f, const struct segment *g)
{
  struct segment old;
  const bool blind = !(g->bits & SEGMENT_BAD) && life_is_blind(t, f, g);
  if (blind || ((g->bits & (SEGMENT_TS | SEGMENT_BAD)) == SEGMENT_TS && life_is_old(t, f, g))) {
    old = *g;
    old.bits |= SEGMENT_OLD;
    g = &old;
  }
  const struct track_signature before = track_signature(f);
  struct tell_before told;
  if (t->settings.segments) {
    tell_before(t, f, g, &told);
    told.blind = blind;
  }
  if (t->loss_ns > f->last_ns) f->bits |= FLOW_LOSS;
  if (t->observe && observe_is_strange(t, f, g)) observe_strange(t, f, g);
  doubt_segment(t, f, g, t->packet->tcp.urgent);
  // What is no text of this life is kept for its copies alone, by a name that no life has.
  track_remember(t, blind ? g->packet : f->life_packet, g);
  if (!blind) {
    if (t->settings.streams) stream_segment(t, f, g, t->packet->payload);
    measure_segment(t, f, g);
  }
  if ((g->flags & ESTAB_TCP_SYN) && t->settings.rows == ESTAB_WATCH_ROWS_LIFE) life_keep(t, f, g);
  zeek_segment(t, f, g);
  life_segment(t, f, g);
  measure_limits(t, f, g);
  if (t->settings.segments) tell_segment(t, f, g, &told);
  if (!(g->bits & SEGMENT_BAD)) {
    if (g->bits & SEGMENT_OFFLOADED) track_zeek_rests(t, f);
    f->last_ns = g->ts_ns;
    flow_last(f, g);
  }
  if (t->observe) observe_segment(t, f, g);
  const struct track_signature after = track_signature(f);
  const bool same = track_is_same(&before, &after) && wheel_has(&f->timer);
  if (!same) track_relist(t, ref, f);
  if (!same || measure_is_shut(f)) track_arm_sooner(t, f);
}

static void track_begin(struct track *t, const struct flow_key *key, const struct segment *g)
{
  uint32_t ref = track_new(t, key, g);
  if (ref == FLOW_NONE) {
    t->stats->memory_refusals++;
    return;
  }
  track_remember(t, g->packet, g);
  if (g->bits & SEGMENT_BAD) doubt_first(t, track_at(t, ref), g);
  // A record of one segment has no room for text that was not captured behind a FIN, for streams, and doubts.
  bool text = t->settings.streams && g->text_bytes;
  bool doubt = g->text_bytes && (g->flags & ESTAB_TCP_SYN);
  bool fin = (g->flags & ESTAB_TCP_FIN) && (g->bits & SEGMENT_CUT);
  if (!text && !doubt && !fin) {
    const struct flow_one *one = (const struct flow_one *)track_at(t, ref);
    if (t->settings.segments)
      tell_segment(t, track_whole(t, one), g, NULL); // rows stay as they are
    return;
  }
  ref = track_promote(t, key, ref);
  if (ref == FLOW_NONE) return;
  struct flow *f = (struct flow *)track_at(t, ref);
  track_arm(t, f);
  if (doubt) doubt_segment(t, f, g, 0);
  if (text) stream_first(t, f, g, t->packet->payload);
  if (t->settings.segments) tell_segment(t, f, g, NULL);
}

// Another life has begun with a SYN that had seemed a stray one. Zeek's row began there, too, and is not told; where it
// did not, or is, nothing is done. Of lives there is no row yet.
static WATCH_RARE void track_go_anew(struct track *t, uint32_t ref, struct flow *f,
                                     const struct segment *asked)
{
  if ((f->bits & (FLOW_QUEUED | FLOW_TOLD)) || (f->life_bits & LIFE_ROW_TOLD)) return;
  if (t->settings.rows == ESTAB_WATCH_ROWS_LIFE) {
    life_take_back(t, f, asked->end);
    track_tell_copy(t, ref, NULL);
    track_next_row(t, f, asked);
    zeek_segment(t, f, asked);
  }
  const struct flow_closing *c = f->bits & FLOW_CONTINUES ? track_has_closing(t, f) : NULL;
  if (!c || c->row_packet != asked->packet) return;
  life_begin_anew(t, f, asked);
  t->stats->flows++;
}

// A full record gets a segment. The row may be over, or the segment be another connection's.
static void track_go_on(struct track *t, const struct flow_key *key, uint32_t ref,
                        const struct segment *g)
{
  struct flow *f = (struct flow *)track_at(t, ref);
  struct segment asked;
  if ((f->life_bits & LIFE_CANDIDATE) && life_is_anew(t, f, g, &asked))
    track_go_anew(t, ref, f, &asked);
  bool told = f->life_bits & LIFE_ROW_TOLD;
  bool other_row = !told && zeek_is_reuse(t, f, g);
  if ((told || other_row || t->settings.rows == ESTAB_WATCH_ROWS_LIFE) && life_is_reuse(t, f, g)) {
    track_finish(t, ref, false);
    track_begin(t, key, g);
    return;
  }
  if (t->settings.rows == ESTAB_WATCH_ROWS_LIFE) {
    track_judge(t, ref, f, g);
    return;
  }
  if (told && life_is_over(f) && !(f->life_bits & LIFE_RST_HELD)) {
    track_finish(t, ref, false);
    track_begin(t, key, g);
    return;
  }
  if (f->bits & FLOW_QUEUED) { // the last row waits to be told: as it is now, without this segment
    track_tell_copy(t, ref, g);
    track_unqueue(t, ref);
  } else if (other_row || (told && !(f->bits & FLOW_TOLD)))
    track_tell_copy(t, ref, g); // that uid's last word
  if (told && (f->life_bits & LIFE_RST_HELD)) track_keep_reset(t, ref);
  if (told || other_row) track_next_row(t, f, g);
  track_judge(t, ref, f, g);
  const struct flow_closing *c = track_has_closing(t, f);
  if (c && c->reset != FLOW_NONE && !(f->life_bits & LIFE_RST_HELD)) track_tell_again(t, f, g);
}

// Its time was over while its last row waited to be told.
static bool track_is_forgotten(struct track *t, uint32_t ref)
{
  struct flow_head *f = track_at(t, ref);
  const uint32_t waits = FLOW_TOLD | FLOW_QUEUED;
  if ((f->bits & waits) != waits) return false;
  return t->now_ns >= (ref & FLOW_REF_FULL ? track_deadline(t, (struct flow *)f)
                                           : track_told_deadline((struct flow_one *)f));
}

void track_expect(struct track *t, const struct watch_packet *p)
{
  t->expected = flow_table_key(t, p);
  t->expected_ref = flow_table_expect_record(t, t->expected);
}

// Whether silence was told of a first segment without SYN, and its sender goes on all the same.
static bool track_goes_on_alone(const struct flow_one *one, const struct segment *g)
{
  return (one->bits & (FLOW_SILENT | FLOW_ANSWERED | FLOW_ICMP)) == FLOW_SILENT &&
         g->end == one->first.end && !((one->first.flags | g->flags) & ESTAB_TCP_SYN) &&
         !(g->bits & SEGMENT_BAD);
}

// Whether it is the first segment itself, a hop further: the tap is a router's, and listens on all its interfaces.
static bool track_is_routed(const struct flow_one *one, const struct segment *g)
{
  const struct segment *const first = &one->first;
  return g->end == first->end && g->ttl + 1 == first->ttl && g->seq == first->seq &&
         g->ack == first->ack && g->flags == first->flags && g->window == first->window &&
         g->ip_bytes == first->ip_bytes && g->ts_ns - first->ts_ns <= WATCH_DUPLICATE_WINDOW_NS &&
         !flow_is_refused((const struct flow_head *)one);
}

// Any segment of a key that has the record `ref`, or none.
static __attribute__((noinline)) void track_any(struct track *t, const struct flow_key *key,
                                                uint32_t ref, const struct segment *g)
{
  if (ref != FLOW_NONE && track_is_forgotten(t, ref)) {
    track_finish(t, ref, false);
    ref = FLOW_NONE;
  }
  if (ref == FLOW_NONE) {
    track_begin(t, key, g);
    return;
  }
  enum plain_answer answer = PLAIN_NO_ANSWER;
  bool goes_on = false;
  if (!(ref & FLOW_REF_FULL)) {
    if (t->plain) answer = plain_is_answer(t, (struct flow_one *)track_at(t, ref), g);
    if (answer == PLAIN_END && refused_keep(t, ref, g)) return;
    goes_on = track_goes_on_alone((struct flow_one *)track_at(t, ref), g);
    const bool routed = track_is_routed((struct flow_one *)track_at(t, ref), g);
    ref = track_promote(t, key, ref);
    if (routed && ref != FLOW_NONE)
      ((struct flow *)track_at(t, ref))->side[g->end].bits |= SIDE_ROUTED;
  }
  if (ref == FLOW_NONE)
    t->stats->memory_refusals++;
  else if (!plain_answer(t, ref, (struct flow *)track_at(t, ref), g, answer))
    track_go_on(t, key, ref, g);
  // The same record still: a first segment without SYN is no attempt that another could follow.
  if (goes_on && ref != FLOW_NONE)
    observe_flow(t, (struct flow *)track_at(t, ref), OBSERVE_SILENCE, g);
}

void track_packet(struct track *t, const struct watch_packet *p, uint64_t ts_ns, uint64_t number,
                  size_t wire_bytes)
{
  struct segment g;
  const struct flow_key *const key = t->expected;
  track_segment_make(t, p, ts_ns, number, wire_bytes, &g);
  g.end = key->src_end;
  t->packet = p;
  uint32_t ref = flow_table_find_from(t, key, t->expected_ref);
  if (ref != FLOW_NONE && track_has_twins(t, key)) ref = track_twin(t, key, &g);
  bool full = ref != FLOW_NONE && (ref & FLOW_REF_FULL);
  bool plain = full && t->plain && plain_segment(t, ref, (struct flow *)track_at(t, ref), &g);
  if (!plain) track_any(t, key, ref, &g);
  bool grown = !plain || (g.flags & ESTAB_TCP_FIN); // else no record can have become longer
  if (grown && track_is_full(t)) evict_some(t);
  t->packet = NULL;
}

void track_icmp(struct track *t, const struct watch_packet *p, uint64_t ts_ns, uint64_t number)
{
  if (!p->has_quote || p->quote.protocol != ESTAB_PROTOCOL_TCP || !p->quote.has_ports) return;
  struct flow_key key;
  flow_key_make(t, &p->quote.src, p->quote.src_port, &p->quote.dst, p->quote.dst_port, p, &key);
  uint32_t ref = flow_table_find(t, &key);
  if (ref == FLOW_NONE) return;
  if (track_has_twins(t, &key)) ref = track_twin_quoted(t, &key, p->quote.seq);
  t->packet = p;
  observe_icmp(t, track_at(t, ref), key.src_end, ts_ns, number);
  t->packet = NULL;
}

// The packet is of no connection yet, and where it is dropped it never is.
void track_fragment_doubt(struct track *t, uint64_t ts_ns, uint64_t number)
{
  struct estab_watch_ambiguity *a =
      doubt_of_nobody(t, ESTAB_WATCH_AMBIGUITY_FRAGMENT_OVERLAP, ts_ns, number);
  if (!a) return;
  const enum frag_overlap how = watch_defrag_overlap((enum estab_watch_policy)t->settings.policy);
  static const char *const words[] = {[FRAG_OVERLAP_DROP] = "dropped whole",
                                      [FRAG_OVERLAP_FIRST] = "joined, of two octets the first one",
                                      [FRAG_OVERLAP_LAST] = "joined, of two octets the last one"};
  struct fmt out;
  fmt_init(&out, a->chosen, sizeof a->chosen);
  fmt_str(&out, words[how]);
  fmt_init(&out, a->other, sizeof a->other);
  fmt_str(&out, words[how == FRAG_OVERLAP_FIRST ? FRAG_OVERLAP_LAST : FRAG_OVERLAP_FIRST]);
}

bool track_next_note(struct track *t, struct estab_watch_record *out)
{
  if (t->note_at >= t->note_count) {
    t->note_at = t->note_count = 0;
    out->type = ESTAB_WATCH_SEGMENT;
    if (tell_next(t, &out->segment)) return true;
    out->type = ESTAB_WATCH_STREAM;
    return t->settings.streams && stream_next(t, &out->stream);
  }
  const struct track_note *n = &t->notes[t->note_at++];
  out->type = ESTAB_WATCH_AMBIGUITY;
  out->ambiguity = n->ambiguity;
  return true;
}

void track_advance(struct track *t, uint64_t now_ns)
{
  if (now_ns >= t->due_ns) track_expire(t, now_ns);
  t->now_ns = now_ns;
}

void track_loss(struct track *t, uint64_t from_ns, uint64_t until_ns)
{
  t->loss_from_ns = from_ns;
  t->loss_ns = until_ns;
}
