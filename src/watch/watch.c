// SPDX-License-Identifier: BSD-2-Clause
// watch.c - the observer's door: packets in, records out; who is asked in which order.
#include "estab/watch.h"

#include "base/bytes.h"
#include "watch/defrag.h"
#include "watch/duplicate.h"
#include "watch/flow_table.h"
#include "watch/scan.h"
#include "watch/track.h"
#include "watch/uid.h"

#define WATCH_LOCAL 10    // private, shared, link-local and loopback prefixes
#ifndef WATCH_LEAST_BYTES // fuzzers reach a ceiling sooner
#define WATCH_LEAST_BYTES (UINT64_C(4) << 20)
#endif

struct estab_watch {
  struct mem mem;
  struct estab_watch_settings settings;
  struct estab_watch_prefix *local; // the settings' own copy
  uint64_t now_ns;
  uint64_t loss_from_ns; // when capture_loss was called last
  struct estab_watch_stats stats;
  struct watch_defrag defrag;
  struct watch_duplicates duplicates;
  struct scan *scan; // NULL: not asked for
  bool alerts_may_wait;
  bool flushed;
  bool scan_ends; // once all lives have ended
  struct track track;
};

static const struct estab_watch_prefix watch_local_default[WATCH_LOCAL] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10}}, 104},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 16}}, 108},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168}}, 112},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 100, 64}}, 106},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}}, 112},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}}, 104},
    {{{0xfc}}, 7},
    {{{0xfe, 0x80}}, 10},
    {{{0xfe, 0xc0}}, 10},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128},
};

void estab_watch_settings_default(struct estab_watch_settings *settings)
{
  memset(settings, 0, sizeof *settings);
  settings->struct_bytes = sizeof *settings;
  settings->max_bytes = UINT64_C(256) << 20;
  settings->policy = ESTAB_WATCH_LINUX;
  settings->rows = ESTAB_WATCH_ROWS_ZEEK;
  settings->verify_checksums = true;
  settings->detect = true;
  settings->time_wait_ns = UINT64_C(240) * FLOW_SECOND_NS;
  settings->stream_hole_bytes = 1u << 20;
  settings->thresholds = (struct estab_watch_thresholds){
      .syn_targets = 8,
      .ack_targets = 5,
      .slow_targets = 30,
      .flood_rate = 1000,
      .backscatter_targets = 8,
      .exhaustion_open = 100,
      .zero_window_ns = UINT64_C(60) * FLOW_SECOND_NS,
      .zero_window_open = 10,
      .campaign_idle_ns = UINT64_C(60) * FLOW_SECOND_NS,
      .campaign_idle_gaps = 5,
  };
}

static uint16_t watch_observe(void *ctx, const struct observation *o)
{
  estab_watch *w = ctx;
  uint16_t answer = scan_observe(w->scan, o);
  w->track.observe_due_ns = scan_deadline(w->scan);
  if (scan_waits(w->scan)) w->alerts_may_wait = true;
  return answer;
}

static int watch_copy_local(estab_watch *w)
{
  const struct estab_watch_prefix *from = w->settings.local;
  if (!from) {
    from = watch_local_default;
    w->settings.local_count = WATCH_LOCAL;
  }
  size_t bytes = w->settings.local_count * sizeof *from;
  w->settings.local = NULL;
  if (!bytes) return 0;
  w->local = mem_new_raw(&w->mem, bytes, ESTAB_MEM_WATCH);
  if (!w->local) return ESTAB_ERR_NO_MEMORY;
  memcpy(w->local, from, bytes);
  w->settings.local = w->local;
  return 0;
}

int estab_watch_new(const struct estab_watch_settings *settings, estab_watch **out)
{
  if (!settings || !out || settings->struct_bytes != sizeof *settings || !settings->mem.resize ||
      settings->max_bytes < WATCH_LEAST_BYTES || settings->policy > ESTAB_WATCH_WINDOWS ||
      settings->rows > ESTAB_WATCH_ROWS_LIFE || (settings->local_count && !settings->local))
    return ESTAB_ERR_INVALID;
  struct mem mem;
  mem_init(&mem, settings->mem);
  mem.limit_bytes = settings->max_bytes;
  estab_watch *w = mem_new(&mem, sizeof *w, ESTAB_MEM_WATCH);
  if (!w) return ESTAB_ERR_NO_MEMORY;
  w->mem = mem;
  w->settings = *settings;
  w->settings.sensor = NULL;
  int error = watch_copy_local(w);
  int tracker =
      track_init(&w->track, &w->mem, &w->settings, &w->stats); // always: it is freed below
  if (!error) error = tracker;
  w->track.sensor_hash = uid_sensor(settings->sensor);
  uint64_t key[2] = {get_le64(settings->secret), get_le64(settings->secret + 8)};
  uint32_t defrag = (uint32_t)u64_min(UINT64_C(4) << 20, settings->max_bytes / 32);
  watch_defrag_init(&w->defrag, &w->mem, watch_defrag_overlap(settings->policy), defrag, key);
  watch_duplicates_init(&w->duplicates, &w->mem, key);
  w->duplicates.key_vlan = settings->key_vlan;
  if (w->track.recall && w->track.recall->size >= WATCH_DUPLICATE_RECALL_BYTES)
    w->duplicates.recall = w->track.recall;
  w->track.duplicates = &w->duplicates;
  if (!error && settings->detect) {
    w->scan = scan_new(&w->mem, &w->settings);
    if (!w->scan) error = ESTAB_ERR_NO_MEMORY;
    w->track.observe = watch_observe;
    w->track.observe_ctx = w;
  }
  if (error) {
    estab_watch_free(w);
    return error;
  }
  *out = w;
  return 0;
}

void estab_watch_free(estab_watch *w)
{
  if (!w) return;
  scan_free(w->scan);
  track_destroy(&w->track);
  watch_duplicates_destroy(&w->duplicates);
  watch_defrag_destroy(&w->defrag);
  mem_free(&w->mem, w->local, w->settings.local_count * sizeof *w->local, ESTAB_MEM_WATCH);
  struct mem mem = w->mem;
  mem_free(&mem, w, sizeof *w, ESTAB_MEM_WATCH);
}

// ---------------------------------------------------------------------------------------------
// Packets

static void watch_time(estab_watch *w, uint64_t now_ns)
{
  w->now_ns = now_ns;
  track_advance(&w->track, now_ns);
  if (w->defrag.frag.datagrams)
    w->stats.counts[ESTAB_WATCH_COUNT_FRAGMENT_LOST] += watch_defrag_expire(&w->defrag, now_ns);
}

static void watch_count(estab_watch *w, enum estab_watch_count count)
{
  w->stats.counts[count]++;
}

// Puts a fragment to the others. Answers whether *p is now a packet.
static WATCH_RARE bool watch_join(estab_watch *w, struct watch_packet *p)
{
  watch_count(w, ESTAB_WATCH_COUNT_FRAGMENT);
  bool ambiguous = false;
  const uint64_t evicted = w->defrag.frag.evicted;
  int answer = watch_defrag_input(&w->defrag, p, w->now_ns, p, &ambiguous);
  w->stats.counts[ESTAB_WATCH_COUNT_FRAGMENT_LOST] += w->defrag.frag.evicted - evicted;
  if (ambiguous) track_fragment_doubt(&w->track, w->now_ns, w->stats.packets);
  if (answer == 0) return true;
  if (answer != -ESTAB_DROP_FRAG_WAITING)
    watch_count(w, answer == -ESTAB_DROP_FRAG_CAP ? ESTAB_WATCH_COUNT_FRAGMENT_CAP
                                                  : ESTAB_WATCH_COUNT_FRAGMENT_LOST);
  return false;
}

static WATCH_RARE void watch_offloaded(estab_watch *w, const struct watch_packet *p)
{
  watch_count(w, ESTAB_WATCH_COUNT_OFFLOADED);
  if (estab_ip_is_any(&w->stats.offloaded_host)) w->stats.offloaded_host = p->src;
}

// Whether the packet may be believed; counted if not.
static bool watch_checksums(estab_watch *w, const struct watch_packet *p)
{
  if (!w->settings.verify_checksums) return true;
  if (p->ip_checksum == WATCH_CHECKSUM_BAD) {
    watch_count(w, ESTAB_WATCH_COUNT_BAD_CHECKSUM);
    return false;
  }
  if (p->kind != WATCH_KIND_TCP && p->kind != WATCH_KIND_ICMP) return true;
  if (p->tcp_checksum == WATCH_CHECKSUM_OFFLOADED) watch_offloaded(w, p);
  if (p->tcp_checksum != WATCH_CHECKSUM_BAD) return true;
  watch_count(w, ESTAB_WATCH_COUNT_BAD_CHECKSUM);
  return p->kind == WATCH_KIND_TCP; // Zeek's history has a letter for it
}

// A fragment, or what comes of it. Answers whether *p is now a packet.
static WATCH_RARE bool watch_fragment_in(estab_watch *w, struct watch_packet *p)
{
  for (unsigned i = 0; p->kind == WATCH_KIND_FRAGMENT && i < WATCH_NESTED; i++) {
    if (!watch_checksums(w, p)) return false;
    if (watch_duplicate_seen(&w->duplicates, p, w->now_ns)) {
      watch_count(w, ESTAB_WATCH_COUNT_DUPLICATE);
      return false;
    }
    if (!watch_join(w, p)) return false;
  }
  return true;
}

// Whether the packet is to be looked at; counted in any case. `right`: its checksums are.
static inline bool watch_admit(estab_watch *w, const struct watch_packet *p, bool right)
{
  if (!p->joined && watch_duplicate_seen(&w->duplicates, p, w->now_ns)) {
    watch_count(w, ESTAB_WATCH_COUNT_DUPLICATE);
    return false;
  }
  if (!right && !watch_checksums(w, p)) return false;
  watch_count(w, (enum estab_watch_count)p->count);
  return true;
}

static WATCH_RARE void watch_other_in(estab_watch *w, const struct watch_packet *p)
{
  if (p->kind == WATCH_KIND_SKIPPED) {
    watch_count(w, (enum estab_watch_count)p->count);
    return;
  }
  if (!watch_admit(w, p, false)) return;
  if (p->kind == WATCH_KIND_ICMP && p->tcp_checksum != WATCH_CHECKSUM_BAD)
    track_icmp(&w->track, p, w->now_ns, w->stats.packets);
}

static inline void watch_packet_in(estab_watch *w, struct watch_packet *p, size_t wire_bytes)
{
  if (p->tunnels) watch_count(w, ESTAB_WATCH_COUNT_TUNNELED);
  if (p->kind == WATCH_KIND_FRAGMENT) {
    if (!watch_fragment_in(w, p)) return;
    wire_bytes = p->frame_bytes;
  }
  if (p->kind != WATCH_KIND_TCP) {
    watch_other_in(w, p);
    return;
  }
  track_expect(&w->track, p);
  const bool right = (p->ip_checksum | p->tcp_checksum) == WATCH_CHECKSUM_OK;
  if (watch_admit(w, p, right)) track_packet(&w->track, p, w->now_ns, w->stats.packets, wire_bytes);
}

// The detectors' campaigns end behind all lives.
static WATCH_RARE void watch_scan_end(estab_watch *w)
{
  w->scan_ends = false;
  scan_flush(w->scan, w->track.observed_ns);
}

// Packets, or time, although the end was told: it goes on, and may end again.
static WATCH_RARE void watch_go_on(estab_watch *w)
{
  track_left_end(&w->track);
  if (w->scan_ends) watch_scan_end(w);
  w->flushed = false;
}

void estab_watch_input(estab_watch *w, uint32_t interface, uint32_t linktype, const uint8_t *frame,
                       size_t captured_bytes, size_t wire_bytes, uint64_t ts_ns)
{
  (void)interface; // the same connection may cross several
  if (w->flushed) watch_go_on(w);
  w->track.ready.stream = NULL; // what nobody pulled lay in the last frame
  if (wire_bytes < captured_bytes) wire_bytes = captured_bytes;
  ts_ns = u64_min(ts_ns, ESTAB_TIME_MAX);
  if (w->stats.packets++ == 0) {
    w->stats.first_ns = ts_ns;
    if (w->scan) scan_begin(w->scan, ts_ns);
    if (!w->now_ns) w->now_ns = ts_ns;
  }
  w->stats.captured_bytes += captured_bytes;
  w->stats.wire_bytes += wire_bytes;
  if (ts_ns < w->now_ns) {
    w->stats.time_backward++;
    ts_ns = w->now_ns;
  }
  w->stats.last_ns = ts_ns;
  watch_time(w, ts_ns);
  struct watch_packet p;
  watch_decode(linktype, frame, captured_bytes, wire_bytes, &p);
  watch_packet_in(w, &p, wire_bytes);
}

void estab_watch_expect(estab_watch *w, uint32_t linktype, const uint8_t *frame,
                        size_t captured_bytes)
{
  const struct watch_ends ends = watch_decode_ends(linktype, frame, captured_bytes);
  if (ends.address_words) flow_table_expect(&w->track, &ends);
}

void estab_watch_advance(estab_watch *w, uint64_t now_ns)
{
  now_ns = u64_min(now_ns, ESTAB_TIME_MAX);
  if (now_ns <= w->now_ns) return;
  if (w->flushed) watch_go_on(w);
  watch_time(w, now_ns);
  if (!w->scan) return;
  scan_advance(w->scan, now_ns);
  w->alerts_may_wait = true;
  w->track.observe_due_ns = scan_deadline(w->scan);
}

uint64_t estab_watch_deadline(estab_watch *w)
{
  uint64_t due_ns = w->track.due_ns;
  if (w->scan) due_ns = u64_min(due_ns, scan_deadline(w->scan));
  if (due_ns <= w->now_ns) due_ns = w->now_ns + 1; // what seemed due then was not
  return due_ns <= ESTAB_TIME_MAX ? due_ns : ESTAB_NEVER;
}

void estab_watch_flush(estab_watch *w)
{
  if (w->flushed) return;
  w->flushed = true;
  track_flush(&w->track);
  w->stats.counts[ESTAB_WATCH_COUNT_FRAGMENT_LOST] +=
      watch_defrag_expire(&w->defrag, ESTAB_NEVER - 1);
  w->scan_ends = w->alerts_may_wait = w->scan != NULL;
}

void estab_watch_capture_loss(estab_watch *w, uint64_t packets, uint64_t now_ns)
{
  if (packets) track_loss(&w->track, w->loss_from_ns, now_ns);
  w->stats.capture_losses += packets;
  w->loss_from_ns = now_ns;
}

// ---------------------------------------------------------------------------------------------
// Records

static __attribute__((noinline)) bool watch_next_that_waits(estab_watch *w,
                                                            struct estab_watch_record *record)
{
  if (track_waits(&w->track)) {
    if (track_next_row_told(&w->track, &record->conn)) {
      record->type = ESTAB_WATCH_CONN;
      return true;
    }
    if (track_next_note(&w->track, record)) return true;
  }
  if (w->scan_ends) watch_scan_end(w);
  if (!w->alerts_may_wait) return false;
  w->alerts_may_wait = scan_next(w->scan, &record->alert);
  if (!w->alerts_may_wait) return false;
  record->type = ESTAB_WATCH_ALERT;
  return true;
}

bool estab_watch_next(estab_watch *w, struct estab_watch_record *record)
{
  const bool waits =
      w->alerts_may_wait || track_waits(&w->track); // after most packets nothing does
  return waits && watch_next_that_waits(w, record);
}

void estab_watch_stats(estab_watch *w, struct estab_watch_stats *stats)
{
  w->stats.flows_open = w->track.flows;
  w->stats.memory_bytes = w->mem.in_use_bytes;
  w->stats.memory_peak_bytes = w->mem.peak_bytes;
  w->stats.memory_refusals = w->mem.refused;
  w->stats.alerts = w->scan ? scan_alerts(w->scan) : 0;
  // An older caller knows less of it.
  w->stats.struct_bytes = size_min(stats->struct_bytes, sizeof w->stats);
  memcpy(stats, &w->stats, w->stats.struct_bytes);
}
