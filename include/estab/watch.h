// SPDX-License-Identifier: BSD-2-Clause
// watch.h - watch TCP: packets of others go in; the lives of their connections, and scans by name, come out.
//
// The motor of every program:
//
//   estab_watch_input(w, ...)                      one packet as the tap saw it
//   while (estab_watch_next(w, &record)) ...       what it meant; pull all before the next packet
//   estab_watch_advance(w, now_ns)                 live, when no packet comes: moves time alone
//   estab_watch_flush(w)                           the capture is over: every life is told
//
// No I/O, clock, thread or global inside. Time is packet time: nanoseconds since 1970-01-01. The same packets
// give the same records whatever the secret, and however they are cut into reads. All memory
// comes through the one door and stays under `max_bytes`; what had to be shed is counted and leaves its row.
#ifndef ESTAB_WATCH_H
#define ESTAB_WATCH_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct estab_watch estab_watch;
struct estab_tcp_options; // wire.h

// ---------------------------------------------------------------------------------------------
// Settings

// Whose receiver is assumed where the wire leaves two readings.
enum estab_watch_policy {
  ESTAB_WATCH_FIRST,   // bytes that came first stay
  ESTAB_WATCH_LAST,    // bytes that came last win, until they are read
  ESTAB_WATCH_LINUX,   // as Linux does
  ESTAB_WATCH_BSD,     // as 4.4BSD and its children do
  ESTAB_WATCH_WINDOWS, // as Windows does
};

enum estab_watch_rows {
  ESTAB_WATCH_ROWS_ZEEK, // Zeek's timers and splits
  ESTAB_WATCH_ROWS_LIFE, // one row a life; SYN retries are one attempt
};

struct estab_watch_prefix {
  struct estab_ip ip;
  uint8_t bits; // 0..128; IPv4 counts from 96
};

// Starting points of the detectors; docs/watch.md argues each one.
struct estab_watch_thresholds {
  uint32_t syn_targets;         // unsuccessful distinct (host, port) of a source: 8
  uint32_t ack_targets;         // bare ACK or FIN+ACK on unknown tuples: 5
  uint32_t slow_targets;        // distinct targets that name a slow scan: 30
  uint32_t flood_rate;          // segments a second towards one (host, port), sustained 3 s: 1000
  uint32_t backscatter_targets; // answers to distinct hosts that never asked: 8
  uint32_t
      exhaustion_open; // connections held open without a byte, one source to one (host, port): 100
  uint64_t zero_window_ns;     // a window held at zero by a connection: 60 s
  uint32_t zero_window_open;   // by so many connections of one source: 10
  uint64_t campaign_idle_ns;   // least silence that ends a campaign: 60 s
  uint32_t campaign_idle_gaps; // or so many of its median gaps: 5
};

#define ESTAB_WATCH_SENSOR_BYTES 63 // of a sensor's name count

// Fill with estab_watch_settings_default(), then change what you like. New fields are only appended.
struct estab_watch_settings {
  size_t struct_bytes; // sizeof(struct estab_watch_settings), set by the function
  struct estab_mem mem;
  uint8_t secret
      [16]; // keys the hash tables, so that nobody can fill one bucket. Not seen in any record
  uint64_t max_bytes;         // through the memory door: 256 MiB. At least 4 MiB
  const char *sensor;         // goes into every uid; NULL = "". Copied
  uint8_t policy;             // enum estab_watch_policy
  uint8_t rows;               // enum estab_watch_rows
  bool verify_checksums;      // a packet with a bad checksum is counted and not believed
  bool key_vlan;              // the same tuple in two VLANs is two connections
  bool streams;               // give the octets of both sides as ESTAB_WATCH_STREAM records
  bool detect;                // name scans and attacks
  uint64_t time_wait_ns;      // 2 x MSL of the hosts watched: 240 s
  uint32_t stream_hole_bytes; // octets kept above a hole, one side: 1 MiB
  const struct estab_watch_prefix
      *local; // networks that are ours; copied. NULL = the private ranges
  uint32_t local_count;
  struct estab_watch_thresholds thresholds;
  bool segments; // give every TCP segment, as it was judged, as ESTAB_WATCH_SEGMENT records
};

ESTAB_API void estab_watch_settings_default(struct estab_watch_settings *settings);

// ---------------------------------------------------------------------------------------------
// The observer

// settings is copied. ESTAB_ERR_INVALID, or ESTAB_ERR_NO_MEMORY and nothing is left behind.
ESTAB_API int estab_watch_new(const struct estab_watch_settings *settings, estab_watch **out);
ESTAB_API void estab_watch_free(estab_watch *w);

// Link types as capture files number them (LINKTYPE_*).
enum estab_linktype {
  ESTAB_LINKTYPE_NULL = 0, // BSD loopback, host order
  ESTAB_LINKTYPE_ETHERNET = 1,
  ESTAB_LINKTYPE_RAW_BSD = 12, // raw IP under its numbers on BSD and OpenBSD
  ESTAB_LINKTYPE_RAW_OPENBSD = 14,
  ESTAB_LINKTYPE_RAW = 101,
  ESTAB_LINKTYPE_LOOP = 108, // OpenBSD loopback, network order
  ESTAB_LINKTYPE_LINUX_SLL = 113,
  ESTAB_LINKTYPE_IPV4 = 228,
  ESTAB_LINKTYPE_IPV6 = 229,
  ESTAB_LINKTYPE_LINUX_SLL2 = 276,
};
ESTAB_API bool estab_watch_knows_linktype(uint32_t linktype);

// One packet. `captured_bytes` of `wire_bytes` are there; ts_ns is since 1970. Packets are numbered from 1 over the
// whole run. Time that runs backward is clamped and counted; what is later than ESTAB_TIME_MAX counts as that. Always
// taken: what cannot be read is counted under its name. Records that point into `frame` do so until the next input.
ESTAB_API void estab_watch_input(estab_watch *w, uint32_t interface, uint32_t linktype,
                                 const uint8_t *frame, size_t captured_bytes, size_t wire_bytes,
                                 uint64_t ts_ns);

// A hint that this frame comes soon: the place of its connection is asked of memory while the packet before it is
// looked at. Nothing else comes of it, whether it is true or not.
ESTAB_API void estab_watch_expect(estab_watch *w, uint32_t linktype, const uint8_t *frame,
                                  size_t captured_bytes);

// Moves time to now_ns, at most to ESTAB_TIME_MAX, without a packet: what ended by then is told now instead of with the
// next packet.
ESTAB_API void estab_watch_advance(estab_watch *w, uint64_t now_ns);

// When time alone may bring the next record: never later, now and then earlier; ESTAB_NEVER = not before a packet, nor
// by ESTAB_TIME_MAX. An alert is told as it stands when it is pulled, so where time moves by the clock and again by
// packets, and the same is to come out, both stop at each of these times:
//
//   while ((t = estab_watch_deadline(w)) <= until_ns) { estab_watch_advance(w, t); pull all; }
ESTAB_API uint64_t estab_watch_deadline(estab_watch *w);

// The packets are over: every open life and campaign becomes a record. If others come all the same, they begin anew.
ESTAB_API void estab_watch_flush(estab_watch *w);

// Packets that the system could not give us between now and the last call: rows that overlap say capture_loss. With
// packets 0: until now nothing was lost.
ESTAB_API void estab_watch_capture_loss(estab_watch *w, uint64_t packets, uint64_t now_ns);

// ---------------------------------------------------------------------------------------------
// Records

#define ESTAB_WATCH_UID_BYTES 12 // 96 bits of the first packet's time, tuple and the sensor's name
#define ESTAB_WATCH_UID_TEXT  19 // "C" and 17 digits of base 62, NUL included

struct estab_watch_uid {
  uint8_t bytes[ESTAB_WATCH_UID_BYTES];
};
ESTAB_API void estab_watch_uid_format(const struct estab_watch_uid *uid,
                                      char text[ESTAB_WATCH_UID_TEXT]);

enum estab_watch_side { ESTAB_WATCH_ORIG, ESTAB_WATCH_RESP };

enum estab_watch_who {
  ESTAB_WATCH_BY_UNKNOWN,
  ESTAB_WATCH_BY_ORIG,
  ESTAB_WATCH_BY_RESP,
  ESTAB_WATCH_BY_BOTH, // simultaneous open, simultaneous close
  ESTAB_WATCH_BY_NONE, // not closed
};

// What the word on who opened rests on.
enum estab_watch_basis {
  ESTAB_WATCH_BASIS_SYN,
  ESTAB_WATCH_BASIS_SYNACK,
  ESTAB_WATCH_BASIS_PORT,  // one port is a likely server's
  ESTAB_WATCH_BASIS_ORDER, // who sent first
};

// A side's step into a state, dated as the packet that caused it passed the tap.
struct estab_watch_step {
  uint64_t ts_ns;
  uint64_t packet; // 0 = no packet: TIME-WAIT ran out
  uint8_t state;   // enum estab_state
};

struct estab_watch_side_record {
  uint64_t bytes;       // Zeek's: of text, by sequence numbers
  uint64_t pkts;        // with a good checksum
  uint64_t ip_bytes;    // sum of the IP total lengths as the headers say
  uint64_t frame_bytes; // whole frames as on the wire
  uint8_t state;        // enum estab_state, at the end of this row
  bool state_seen;      // false: inferred
  bool has_mss, has_window_scale;
  uint16_t mss;
  uint8_t window_scale;
  uint16_t flags;       // of all its segments, OR-ed; bits 8-11 = AE and reserved
  uint16_t first_flags; // of its first segment, as they were
  bool sent;            // it sent a segment: first_flags means something
  // In the order in which it took them. Where segments of both sides crossed on their way (a simultaneous open or
  // close) a step may be dated before the one it comes behind: the peer's segment passed the tap sooner than its own.
  const struct estab_watch_step *steps;
  uint32_t step_count, steps_lost; // steps_lost: beyond what is kept
  // Text that had passed before or fills a hole: sent again; spurious: of it, what had been acknowledged; reordered:
  // overtaken on its way, since by its timestamp (RFC 7323) it left before what overtook it; where there is none, or
  // both are the same, since it came sooner than half the shortest round trip known after that (3 ms where none is).
  // Not counted here: SYNs and FINs that come again, octets that ask a closed window, and text that passes for the
  // first time that soon behind its own acknowledgment, as captures from several queues have it.
  uint64_t retransmitted_bytes, retransmitted_pkts, spurious_pkts, reordered_pkts;
  uint64_t dup_acks; // the same acknowledged again, text being under way and the window not closed
  // How often it closed its window, or had it closed when the row began, and for how long in all.
  uint64_t zero_windows, zero_window_ns;
};

#define ESTAB_WATCH_TIME_NONE UINT64_MAX // a time that was not measured

struct estab_watch_conn {
  struct estab_watch_uid uid;  // of this row
  struct estab_watch_uid life; // uid of the life's first row
  uint64_t ts_ns, first_packet, last_packet;
  struct estab_ip orig_ip, resp_ip;
  uint16_t orig_port, resp_port;
  uint16_t vlan[2];       // outer, inner; 0 = none
  uint8_t tunnel;         // enum estab_watch_tunnel of the innermost one
  uint32_t tunnel_id;     // VNI, TEID, GRE key
  const char *conn_state; // Zeek's: "SF"
  const char *history;    // Zeek's: "ShADadFf"
  uint64_t duration_ns;   // with has_duration
  bool has_duration;      // false: Zeek writes - for duration and bytes
  uint64_t missed_bytes;
  bool final;              // no later row of this uid will come, but for one told again
  bool again;              // was told as final: the RST that it ended with has proved false since
  bool evicted;            // the ceiling took it
  bool capture_loss;       // the system lost packets while it lived
  uint8_t opened_by;       // enum estab_watch_who
  uint8_t opened_by_basis; // enum estab_watch_basis
  uint8_t closed_by;       // enum estab_watch_who
  uint8_t next_by;         // the same: whose segment began the life's next row; NONE: none has
  // Round trips from end to end, ESTAB_WATCH_TIME_NONE where not known: SYN to the ACK of the SYN-ACK; the shortest one
  // of text, and about the median. A round trip of text is that from the capture to who acknowledges it, and the
  // shortest one known from there to its sender: where that end never answered anything (the SYN came twice or was
  // missed, and there was no text towards it) neither of the two is known.
  uint64_t rtt_handshake_ns, rtt_min_ns, rtt_median_ns;
  uint64_t limited_receiver_window_ns, limited_sender_or_path_ns, limited_loss_ns, limited_idle_ns;
  struct estab_watch_side_record side[2]; // by enum estab_watch_side
};

enum estab_watch_tunnel {
  ESTAB_WATCH_TUNNEL_NONE,
  ESTAB_WATCH_TUNNEL_IPIP, // IP in IP, 6in4, 4in6
  ESTAB_WATCH_TUNNEL_GRE,
  ESTAB_WATCH_TUNNEL_VXLAN,
  ESTAB_WATCH_TUNNEL_GENEVE,
  ESTAB_WATCH_TUNNEL_GTPU,
  ESTAB_WATCH_TUNNEL_TEREDO,
  ESTAB_WATCH_TUNNELS
};
ESTAB_API const char *estab_watch_tunnel_name(enum estab_watch_tunnel tunnel);

// Kinds of alert: names and one English clause in watch_kinds.def.
enum estab_watch_kind {
#define KIND(name, json, english) ESTAB_WATCH_KIND_##name,
#include "watch_kinds.def"
#undef KIND
  ESTAB_WATCH_KINDS
};
ESTAB_API const char *estab_watch_kind_name(enum estab_watch_kind kind); // "syn_scan"
ESTAB_API const char *estab_watch_kind_text(enum estab_watch_kind kind); // "SYN scan (half-open)"
// What `probes` of an alert of this kind counts: "segment", or "connection".
ESTAB_API const char *estab_watch_kind_unit(enum estab_watch_kind kind);

enum estab_watch_modifier {
  ESTAB_WATCH_FRAGMENTED = 1u << 0,
  ESTAB_WATCH_DATA = 1u << 1,
  ESTAB_WATCH_TFO = 1u << 2,
  ESTAB_WATCH_DECOY = 1u << 3,
  ESTAB_WATCH_SPOOFED = 1u << 4,
};

enum estab_watch_geometry { // "" = none of them can be said
  ESTAB_WATCH_GEOMETRY_NONE,
  ESTAB_WATCH_VERTICAL,    // many ports of one host
  ESTAB_WATCH_HORIZONTAL,  // one port of many hosts
  ESTAB_WATCH_BLOCK,       // many ports of many hosts
  ESTAB_WATCH_DISTRIBUTED, // many sources share the work
  ESTAB_WATCH_DECOY_SET,   // many sources, one of them real
  ESTAB_WATCH_SLOW,        // below one probe a minute
};

enum estab_watch_role {
  ESTAB_WATCH_ROLE_ACTOR,
  ESTAB_WATCH_ROLE_ZOMBIE,    // used by somebody else
  ESTAB_WATCH_ROLE_VICTIM,    // backscatter: it only answers
  ESTAB_WATCH_ROLE_CANDIDATE, // one of a decoy set
};

struct estab_watch_endpoint {
  struct estab_ip ip;
  uint16_t port;
};

// What a campaign's targets answered; what the scanner now knows of them.
enum estab_watch_answer {
  ESTAB_WATCH_OPEN,
  ESTAB_WATCH_CLOSED,
  ESTAB_WATCH_FILTERED,         // an ICMP error said so, or silence where both directions are seen
  ESTAB_WATCH_OPEN_OR_FILTERED, // silence to FIN, NULL, Xmas, Maimon
  ESTAB_WATCH_UNFILTERED,       // RST to an ACK
  ESTAB_WATCH_UNKNOWN,          // silence on a tap that sees one direction
  ESTAB_WATCH_ANSWERS
};

struct estab_watch_targets {
  const struct estab_watch_endpoint *list; // sorted, at most ESTAB_WATCH_LIST_MAX
  uint32_t listed;
  uint64_t count; // of all; > listed: truncated
};
#define ESTAB_WATCH_LIST_MAX      1024
#define ESTAB_WATCH_ADDRESSES_MAX 256
#define ESTAB_WATCH_EVIDENCE_MAX  16
#define ESTAB_WATCH_SUMMARY_BYTES 320

struct estab_watch_evidence {
  uint64_t packet, ts_ns;
  char line[120]; // the segment in one line, as engineers read it
};

struct estab_watch_alert {
  struct estab_watch_uid id; // of the campaign; an id told again replaces the earlier
  uint8_t kind;              // enum estab_watch_kind
  uint8_t modifiers;         // enum estab_watch_modifier
  uint8_t geometry;          // enum estab_watch_geometry
  uint8_t role;              // enum estab_watch_role, of the sources
  bool ended;
  const struct estab_ip *src, *src_proven, *dst; // sorted, at most ESTAB_WATCH_ADDRESSES_MAX each
  uint32_t src_listed, src_proven_listed, dst_listed;
  uint64_t src_count, src_proven_count, dst_count, port_count;
  const uint16_t *ports; // sorted, at most ESTAB_WATCH_LIST_MAX
  uint32_t ports_listed;
  struct estab_watch_targets answers[ESTAB_WATCH_ANSWERS];
  uint64_t probes, first_ns, last_ns;
  uint32_t rate_milli;                     // probes a second, thousandths
  uint8_t confidence;                      // percent
  char summary[ESTAB_WATCH_SUMMARY_BYTES]; // one sentence
  const char *explanation; // sentences: how it was recognised, and what else it may be
  const struct estab_watch_evidence *evidence; // oldest first
  uint32_t evidence_count;
};

enum estab_watch_ambiguity_kind {
#define AMBIGUITY(name, json, english) ESTAB_WATCH_AMBIGUITY_##name,
#include "watch_ambiguities.def"
#undef AMBIGUITY
  ESTAB_WATCH_AMBIGUITIES
};
ESTAB_API const char *estab_watch_ambiguity_name(enum estab_watch_ambiguity_kind kind);

// The wire left two readings. Texts are the two, in words or hex, printable ASCII.
struct estab_watch_ambiguity {
  uint64_t ts_ns, packet;
  struct estab_watch_uid uid;       // of the life
  struct estab_ip orig_ip, resp_ip; // of its first row; of fragments that are of none: all 0
  uint16_t orig_port, resp_port;
  uint8_t kind;   // enum estab_watch_ambiguity_kind
  uint8_t policy; // enum estab_watch_policy
  char chosen[64], other[64];
};

// Octets of one side, in order. Contiguous with what came before, or after `gap_bytes` never captured.
struct estab_watch_stream {
  struct estab_watch_uid uid; // of the life
  uint8_t side;               // enum estab_watch_side
  bool end;                   // FIN: nothing follows
  uint64_t offset;            // of bytes[0] in the side's stream, gaps counted
  uint64_t gap_bytes;         // lost right before
  const uint8_t *bytes; // in the frame where it came in order; until the next call of next or input
  size_t length;
};

// What is remarkable about a segment: names and one English clause in watch_marks.def.
enum estab_watch_mark {
#define MARK(name, json, english) ESTAB_WATCH_MARK_##name,
#include "watch_marks.def"
#undef MARK
  ESTAB_WATCH_MARKS
};
ESTAB_API const char *estab_watch_mark_name(enum estab_watch_mark mark);
ESTAB_API const char *estab_watch_mark_text(enum estab_watch_mark mark);

// A segment of a connection, as the observer judged it when it passed the tap.
struct estab_watch_segment {
  struct estab_watch_uid uid; // of the life
  uint64_t ts_ns, packet;
  struct estab_ip src, dst;
  uint16_t src_port, dst_port;
  uint8_t side; // enum estab_watch_side that sent it, as far as is known by now who opened
  uint8_t ttl;
  uint16_t flags; // enum estab_tcp_flag bits
  uint32_t seq, ack;
  uint32_t window_bytes;                   // scaled, where both SYNs were seen and have a scale
  uint32_t text_bytes;                     // by the headers
  uint32_t marks;                          // 1 << enum estab_watch_mark
  const struct estab_tcp_options *options; // of wire.h
  uint8_t state[2];                        // enum estab_state after it, by side
  bool state_seen[2];                      // false: inferred
};

enum estab_watch_record_type {
  ESTAB_WATCH_CONN,
  ESTAB_WATCH_ALERT,
  ESTAB_WATCH_AMBIGUITY,
  ESTAB_WATCH_STREAM,
  ESTAB_WATCH_SEGMENT,
};

struct estab_watch_record {
  enum estab_watch_record_type type;
  union {
    struct estab_watch_conn conn;
    struct estab_watch_alert alert;
    struct estab_watch_ambiguity ambiguity;
    struct estab_watch_stream stream;
    struct estab_watch_segment segment;
  };
};

// true and the next record, whose pointers live until the next call of any function of w; false: none waits.
ESTAB_API bool estab_watch_next(estab_watch *w, struct estab_watch_record *record);

// ---------------------------------------------------------------------------------------------
// Counters

// Why a packet was not tracked, beyond TCP: named in watch_counts.def.
enum estab_watch_count {
#define COUNT(name, json, english) ESTAB_WATCH_COUNT_##name,
#include "watch_counts.def"
#undef COUNT
  ESTAB_WATCH_COUNTS
};
ESTAB_API const char *estab_watch_count_name(enum estab_watch_count count);
ESTAB_API const char *estab_watch_count_text(enum estab_watch_count count);

// What was shed when the ceiling was reached: named in watch_sheds.def.
enum estab_watch_shed {
#define SHED(name, json, english) ESTAB_WATCH_SHED_##name,
#include "watch_sheds.def"
#undef SHED
  ESTAB_WATCH_SHEDS
};
ESTAB_API const char *estab_watch_shed_name(enum estab_watch_shed shed);

struct estab_watch_stats {
  size_t struct_bytes; // set by the caller: no more than that is written; then what was
  uint64_t packets, captured_bytes, wire_bytes;
  uint64_t first_ns, last_ns;
  uint64_t flows, flows_open; // lives, of which each may have several rows
  uint64_t flows_evicted;     // each left its row or is summed in an alert
  uint64_t alerts;            // by id: told again they count once
  uint64_t ambiguities, ambiguities_counted_only;
  uint64_t time_backward; // packets older than their predecessor: clamped
  uint64_t capture_losses;
  uint64_t memory_bytes, memory_peak_bytes, memory_refusals;
  struct estab_ip
      offloaded_host; // the first host whose checksums were left to its device; any = none
  uint64_t counts[ESTAB_WATCH_COUNTS];
  uint64_t shed
      [ESTAB_WATCH_SHEDS]; // records the ceiling took; those that were told before leave no row evicted
};
ESTAB_API void estab_watch_stats(estab_watch *w, struct estab_watch_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
