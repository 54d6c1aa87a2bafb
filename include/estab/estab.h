// SPDX-License-Identifier: BSD-2-Clause
// estab.h - speak TCP: a stack is a value; packets and time go in, packets and events come out.
//
// The motor of every program:
//
//   estab_stack_input(s, now, frames, n)            packets from the device
//   while (estab_stack_next_event(s, &ev)) ...      what they meant; estab_recv, estab_send, ...
//   n = estab_stack_output(s, now, frames, max)     packets for the device
//   estab_stack_output_done(s, sent, now)
//   wait until a packet comes or estab_stack_deadline(s), then
//   estab_stack_handle_deadline(s, now)
//
// Nothing here does I/O, reads a clock, locks, or calls back (but for the memory, random and trace
// hooks, and a controller of cc.h). A stack belongs to one thread at a time; stacks share nothing.
#ifndef ESTAB_H
#define ESTAB_H

#include "base.h"
#include "trace.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ESTAB_VERSION "0.1.0"
ESTAB_API const char *estab_version(void);

typedef struct estab_stack estab_stack;

// Handles: 64 bits of index and generation. 0 is never one. A stale handle is answered with
// ESTAB_ERR_NO_CONNECTION, never with another connection.
typedef uint64_t estab_conn;
typedef uint64_t estab_listener;
typedef uint64_t estab_udp;

// ---------------------------------------------------------------------------------------------
// Settings

// Fill with estab_settings_default() or estab_settings_rfc(), then change what you like.
// New fields are only appended.
struct estab_settings {
  size_t struct_bytes; // sizeof(struct estab_settings), set by the two functions
  struct estab_mem mem;
  struct estab_random random;
  struct estab_trace_hook trace; // event == NULL: none
  uint8_t secret[16]; // keys ISNs, ports, hashes and timestamp offsets; must be unpredictable

  // Caps. Beyond one, what is new is refused: ESTAB_ERR_NO_MEMORY, or a named drop; of TIME-WAIT the oldest goes. When
  // less than a sixteenth of max_bytes is free, fragments, half-open records, TIME-WAIT records and text out of order
  // are given up, in this order. What was acknowledged is never lost.
  uint64_t max_bytes; // through the memory door, 0 = no cap
  uint32_t max_connections;
  uint32_t max_half_open;
  uint32_t max_time_wait;

  // Times; ESTAB_NEVER = no limit, where nothing else is said
  uint64_t
      msl_ns; // maximum segment lifetime, RFC 9293 3.4.2: 2 min; TIME-WAIT is 2 x MSL; at most 10 days
  uint64_t user_timeout_ns;       // RFC 9293 3.8.3 [MUST-20, MUST-21] for data
  uint64_t syn_timeout_ns;        // R2 for a SYN of ours [MUST-23]
  uint64_t half_open_timeout_ns;  // R2 for a SYN-ACK of a listener; at most 20 days
  uint64_t fin_wait_2_timeout_ns; // for connections that the user has released; 0 = for ever
  uint64_t rto_initial_ns;        // RFC 6298 2.1
  uint64_t rto_min_ns;            // RFC 6298 2.4
  uint64_t rto_max_ns;            // RFC 6298 2.5: at least 60 s; at most a day
  uint64_t delayed_ack_ns;        // at most 500 ms [MUST-40]; 0 = acknowledge at once
  uint64_t keepalive_idle_ns;     // 0 = off [MUST-25]
  uint64_t keepalive_interval_ns;
  uint64_t
      challenge_interval_ns; // RFC 5961 7: at most one challenge ACK per connection in this time
  uint64_t
      timewait_reuse_min_ns; // an own TIME-WAIT tuple this old may be reused by connect with TS; ESTAB_NEVER = not
  uint32_t keepalive_count;

  // Buffers, bytes
  uint32_t send_buffer_bytes;       // at first; see send_buffer_max_bytes
  uint32_t recv_buffer_bytes;       // at first: the window that a connection begins with
  uint32_t recv_buffer_max_bytes;   // grows up to this with what is read; decides the window scale
  uint32_t initial_window_segments; // RFC 6928; 0 = RFC 5681 3.1

  // Ports for connect, RFC 6056
  uint16_t port_first, port_last;
  uint16_t max_mss; // 0 = what the path carries
  uint16_t min_mss; // floor for the peer's MSS, ATTACKS row P3

  bool timestamps;            // RFC 7323
  bool window_scaling;        // RFC 7323
  bool sack;                  // RFC 2018
  bool nagle;                 // RFC 9293 3.7.4
  bool limited_transmit;      // RFC 3042
  bool time_wait_ignores_rst; // RFC 1337; departs from RFC 9293 3.10.7.4
  bool syn_fin_drop;          // a SYN with FIN, but no ACK, is dropped in LISTEN and SYN-SENT
  bool require_timestamps;    // RFC 7323 3.2: drop segments that lack a negotiated timestamp
  bool
      icmp_aborts_connect; // a hard ICMP error ends an attempt in SYN-SENT (RFC 5927 4, RFC 1122 4.2.3.9)
  uint8_t hop_limit;       // RFC 1122: 64
  uint8_t congestion_control;      // enum estab_cc
  uint8_t duplicate_ack_threshold; // RFC 5681 3.2: 3
  uint8_t slow_start_segments;     // most an ACK adds to cwnd: RFC 5681 3.1: 1, RFC 3465 2.2: 2
  bool mss_option; // an MSS in every SYN [SHLD-5]; off only for peers that cannot bear any option
  // A peer that does not scale windows can be told of 65535 octets, no more. Whether RCV.WND is that, or all that fits
  // into the buffer, rounded up to whole segments, RFC 9293 leaves open. On: the latter, as FreeBSD has it; up to a
  // segment more that a blind attacker may hit, or the rest of a larger buffer.
  bool window_beyond_field;
  // Grows up to this with the congestion window while the user waits for room; not when this is less than
  // send_buffer_bytes.
  uint32_t send_buffer_max_bytes;
  bool pacing;  // CUBIC's slow start leaves evenly, at two windows a round trip; BBR always paces
  bool hystart; // CUBIC's first slow start ends when round trips grow, RFC 9406; else by loss alone
  // No connection sends faster, whatever its controller says and its peer acknowledges (ATTACKS S3); 0 = no bound. It
  // counts octets of text, sent again too; a burst is at most a millisecond of it, or two segments.
  uint64_t max_rate_bytes_per_s;
  uint8_t ecn;     // enum estab_ecn_use
  uint8_t plpmtud; // enum estab_plpmtud
  // The user timeout option, RFC 5482: what each connection tells its peer, which takes it as advice; only then is the
  // peer's own taken, for at least and at most so long. 0 = not used.
  uint64_t user_timeout_advertised_ns;
  uint64_t user_timeout_least_ns; // L_LIMIT: at least 100 s, says RFC 5482 3.1
  uint64_t user_timeout_most_ns;  // U_LIMIT
  uint32_t notsent_lowat_bytes;   // see ESTAB_OPT_NOTSENT_LOWAT_BYTES; 0 = no mark
  uint8_t ecn_option;             // enum estab_ecn_option
  // With Accurate ECN also pure ACKs, FINs and what is sent again are ECT, an experiment that RFC 8311 4.3 permits
  bool ecn_on_control;
  // So often a SYN is sent again before its timeout begins to double: Linux has 4, RFC 6298 5.5 none
  uint8_t syn_even_timeouts;
};

// RFC 3168 and RFC 9768, numbered as systems with such a switch do.
enum estab_ecn_use {
  ESTAB_ECN_OFF,
  ESTAB_ECN_REQUEST,              // classic: SYNs ask for it
  ESTAB_ECN_ACCEPT,               // classic, only where the peer's SYN asks
  ESTAB_ECN_ACCURATE,             // SYNs ask for Accurate ECN; a peer's SYN gets what it asks for
  ESTAB_ECN_ACCURATE_ASK_CLASSIC, // SYNs ask for classic ECN; a peer's SYN gets what it asks for
  ESTAB_ECN_ACCURATE_ACCEPT,      // only where the peer's SYN asks, and what it asks for
};

// Accurate ECN's counters of octets, RFC 9768 3.2.3. Those that come are read all the same.
enum estab_ecn_option {
  ESTAB_ECN_OPTION_NEVER,
  ESTAB_ECN_OPTION_WHERE_SEEN, // beyond a SYN-ACK only after the peer has sent some, as Linux does
  ESTAB_ECN_OPTION_ALWAYS,     // 3.2.3.2.3: that none comes says nothing of the other way
};

// Path MTU discovery that needs no ICMP, RFC 4821 and RFC 8899, numbered as systems with such a switch do.
enum estab_plpmtud {
  ESTAB_PLPMTUD_OFF,
  ESTAB_PLPMTUD_BLACK_HOLE, // when timeouts in a row say that large segments vanish
  ESTAB_PLPMTUD_ALWAYS, // connections begin with packets of 1280 octets and find out what more is possible
};

enum estab_cc {
  ESTAB_CC_NEWRENO, // RFC 5681, RFC 6582
  ESTAB_CC_CUBIC,   // RFC 9438, with HyStart++ of RFC 9406
  ESTAB_CC_BBR,     // version 3, draft-ietf-ccwg-bbr
  // From ESTAB_CC_OWN on: what estab_cc_add() has answered, cc.h
};

// The profile people should run: secure against blind attacks, modern options on.
ESTAB_API void estab_settings_default(struct estab_settings *settings);
// As close to the letter of RFC 9293 and friends as it gets: every departure marked DEPARTS is gone.
ESTAB_API void estab_settings_rfc(struct estab_settings *settings);

// ---------------------------------------------------------------------------------------------
// Stack

// Makes a stack. settings is copied. ESTAB_ERR_INVALID names nothing further; NO_MEMORY leaves nothing.
ESTAB_API int estab_stack_new(const struct estab_settings *settings, uint64_t now_ns,
                              estab_stack **out);

// Other settings from now on: limits, times, options of connections yet to come. Memory, random numbers and the
// secret stay what they were. What a connection took from the settings when it began (buffers, windows, the options it
// negotiated, a timeout that already runs) it keeps. ESTAB_ERR_INVALID changes nothing.
ESTAB_API int estab_stack_set_settings(estab_stack *s, const struct estab_settings *settings);

// Frees everything at once; nothing is sent. Frames still held by a device become invalid; what was lent by
// estab_send_ref() is the caller's again. NULL is nothing.
ESTAB_API void estab_stack_free(estab_stack *s);

// Takes frames from a device, whole batch before any reply [MUST-58, MUST-59]. The bytes are not
// needed after return. Answers the number of frames that were not dropped.
ESTAB_API int estab_stack_input(estab_stack *s, uint64_t now_ns, const struct estab_frame *frames,
                                unsigned count);

// Fills up to count frames (at most ESTAB_OUTPUT_MAX) and answers how many. They and what they point to stay valid
// until estab_stack_output_done(), which must be called next, with how many of them (from the first) the
// device took. What was not taken is offered again first.
#define ESTAB_OUTPUT_MAX 64
ESTAB_API int estab_stack_output(estab_stack *s, uint64_t now_ns, struct estab_frame *frames,
                                 unsigned count);
ESTAB_API void estab_stack_output_done(estab_stack *s, unsigned sent, uint64_t now_ns);

// For a device that finishes later: between output and output_done, keeps what the frame points to alive;
// the frame itself stays where it is until estab_frame_release(). Survives the connection.
ESTAB_API void estab_frame_hold(estab_stack *s, struct estab_frame *frame);
ESTAB_API void estab_frame_release(estab_stack *s, struct estab_frame *frame);

// When estab_stack_handle_deadline() wants to be called next. Never late; may be early.
ESTAB_API uint64_t estab_stack_deadline(estab_stack *s);
ESTAB_API void estab_stack_handle_deadline(estab_stack *s, uint64_t now_ns);

// ---------------------------------------------------------------------------------------------
// Events

enum estab_event_bits {
  ESTAB_EVENT_SYN =
      1u << 0, // a listener with syn_events: judge ev.conn by accept_syn or refuse_syn
  // ev.listener has connections for estab_accept(); re-armed when it gave the last one or answered WOULD_BLOCK
  ESTAB_EVENT_ACCEPT = 1u << 1,
  ESTAB_EVENT_CONNECTED = 1u << 2,   // an active open reached ESTABLISHED
  ESTAB_EVENT_READABLE = 1u << 3,    // re-armed when a read answers WOULD_BLOCK or took only part
  ESTAB_EVENT_WRITABLE = 1u << 4,    // re-armed when a write answers WOULD_BLOCK or took only part
  ESTAB_EVENT_END = 1u << 5,         // the peer closed its direction, in order, after all its data
  ESTAB_EVENT_CLOSED = 1u << 6,      // both directions are closed, in order
  ESTAB_EVENT_RESET = 1u << 7,       // the peer's RST ended it
  ESTAB_EVENT_ABORTED = 1u << 8,     // timeout, refusal, unreachable: see ev.error
  ESTAB_EVENT_URGENT = 1u << 9,      // the urgent mark moved, RFC 9293 3.8.5 [MUST-32]
  ESTAB_EVENT_SOFT_ERROR = 1u << 10, // an ICMP error that does not end the connection: see ev.error
  // Memory lent by estab_send_ref() came back: see ev.cookie. Comes even when ev.conn was released long ago.
  ESTAB_EVENT_SEND_RELEASED = 1u << 11,
  ESTAB_EVENT_UDP = 1u << 12, // ev.udp has datagrams
};

struct estab_event {
  uint32_t events; // bits of enum estab_event_bits, at least one
  int error;       // enum estab_error for ABORTED, RESET, SOFT_ERROR, else 0
  estab_conn conn; // or 0
  estab_listener listener;
  estab_udp udp;
  uint64_t cookie;
  uint64_t user; // estab_conn_set_user(), 0 at first
};

// 1 and *event, or 0 when there is none. One event gathers all that became true of one object.
ESTAB_API int estab_stack_next_event(estab_stack *s, struct estab_event *event);

// ---------------------------------------------------------------------------------------------
// Network interfaces, addresses, routes

struct estab_netif_settings {
  size_t struct_bytes;
  uint8_t link; // enum estab_link
  uint8_t mac[6];
  bool transparent;       // any local address may be used and answered on it (gateways)
  bool checksum_offload;  // out: the device completes ESTAB_CHECKSUM_PARTIAL
  bool checksum_trusted;  // in: a memory link; no checksum of frames or IPv4 headers is checked
  uint16_t mtu;           // bytes of an IP packet, 68..65535
  uint32_t gso_max_bytes; // out: payload of the largest super-segment, 0 = none
  uint32_t queue_frames;  // what the device holds before it drops; 0 = not known
  bool departure_times;   // out: it holds a frame back until not_before_ns, and what is behind it
  // out, with checksum_offload: a memory link whose other end checks nothing. TCP over IPv4 leaves without sums, its IP
  // header's too, as ESTAB_CHECKSUM_VALID.
  bool checksum_none;
};

ESTAB_API void estab_netif_settings_default(struct estab_netif_settings *settings);
// Answers the interface's number, from 1.
ESTAB_API int estab_netif_add(estab_stack *s, const struct estab_netif_settings *settings);
// Up at first. Down: nothing comes in or goes out by it; connections wait, their timeouts run.
ESTAB_API int estab_netif_set_up(estab_stack *s, uint32_t netif, bool up);
ESTAB_API int estab_netif_set_mtu(estab_stack *s, uint32_t netif, uint16_t mtu);

// An address of ours and the prefix that is on link with it.
ESTAB_API int estab_address_add(estab_stack *s, uint32_t netif, const struct estab_ip *ip,
                                unsigned prefix_bits);
ESTAB_API int estab_address_remove(estab_stack *s, uint32_t netif, const struct estab_ip *ip);
// prefix_bits counts within the address's own family; gateway NULL or any = on link.
ESTAB_API int estab_route_add(estab_stack *s, uint32_t netif, const struct estab_ip *prefix,
                              unsigned prefix_bits, const struct estab_ip *gateway);

// ---------------------------------------------------------------------------------------------
// TCP: OPEN

struct estab_listen_settings {
  size_t struct_bytes;
  struct estab_ip prefix; // local addresses; with prefix_bits 0: any address of any family
  uint8_t prefix_bits;    // of the 128 (IPv4-mapped: 96 + the IPv4 length)
  uint16_t port_first, port_last;
  uint32_t netif;   // 0 = any
  uint32_t backlog; // connections not yet accepted
  bool syn_events;  // hold the SYN-ACK until estab_accept_syn() or estab_refuse_syn()
  // TCP Fast Open, RFC 7413: a client that shows the cookie it was given before is accepted with its SYN, and the text
  // in it is there to read. So many connections at most may wait for their handshake to end (5.1), more take the usual
  // way; 0 = off: for servers whose first request may come twice (6.1). Not together with syn_events.
  uint32_t fast_open;
};

ESTAB_API void estab_listen_settings_default(
    struct estab_listen_settings *settings); // any address, no port

// Passive OPEN, RFC 9293 3.10.1. ESTAB_ERR_ADDRESS_IN_USE when the same prefix and an overlapping port range listen.
ESTAB_API int estab_listen(estab_stack *s, const struct estab_listen_settings *settings,
                           estab_listener *out);
// CLOSE of a listener: connections not yet accepted are reset, half-open records are forgotten: their peers' next
// segment is answered with RST.
ESTAB_API int estab_listener_close(estab_stack *s, estab_listener listener);
// Next connection in ESTABLISHED or later, or with Fast Open in SYN-RECEIVED, or ESTAB_ERR_WOULD_BLOCK.
ESTAB_API int estab_accept(estab_stack *s, estab_listener listener, estab_conn *out);

enum estab_refusal {
  ESTAB_REFUSE_RST,
  ESTAB_REFUSE_ICMP, // administratively prohibited
  ESTAB_REFUSE_SILENT,
};
ESTAB_API int estab_accept_syn(estab_stack *s, estab_conn syn);
ESTAB_API int estab_refuse_syn(estab_stack *s, estab_conn syn, enum estab_refusal how);

struct estab_connect_settings {
  size_t struct_bytes;
  struct estab_ip local; // any = chosen by route
  struct estab_ip remote;
  uint16_t local_port; // 0 = chosen, RFC 6056
  uint16_t remote_port;
  uint32_t netif; // 0 = chosen by route
  // TCP Fast Open, RFC 7413: the SYN asks the server for a cookie; when one is known from before, it carries that and
  // as much as fits of what estab_send() has queued until estab_stack_output() makes it. That text may reach the
  // server's program twice (6.1): for requests of which this is no matter. What the server does not take is sent again.
  bool fast_open;
  // With the option's form before it had a number of its own, kind 254 (RFC 6994): for old servers, which may know no
  // other. Those who listen answer in the form that the client speaks.
  bool fast_open_experimental;
};
ESTAB_API void estab_connect_settings_default(struct estab_connect_settings *settings);
// Active OPEN. The handle is usable at once: data may be queued before the handshake ends. ESTAB_ERR_EXISTS when the
// tuple asked for is taken, ESTAB_ERR_NO_PORT when no local port is left to choose.
ESTAB_API int estab_connect(estab_stack *s, const struct estab_connect_settings *settings,
                            uint64_t now_ns, estab_conn *out);

// Octets of text that the SYN of such a connection would carry; 0: no cookie is known yet, or Fast Open did not work
// there lately (RFC 7413 4.1.3.1). Who has nothing to say yet may wait with estab_connect() until there is, if this is
// not 0.
ESTAB_API int estab_fast_open_room(estab_stack *s, const struct estab_connect_settings *settings);
// What is known of a server as seen from one address of ours: to keep it where a stack does not outlive its use.
struct estab_fast_open_cookie {
  size_t struct_bytes; // set by the caller
  struct estab_ip local, remote;
  uint8_t bytes[16];
  uint8_t count;     // of bytes[], 4..16, even
  uint16_t peer_mss; // 0 = not known
};
// For local and remote: 1 and the rest is filled in, or 0: no cookie is known.
ESTAB_API int estab_fast_open_get(estab_stack *s, struct estab_fast_open_cookie *cookie);
// As if the server had just given it; with a count of 0 all is forgotten that is known of the server, also that Fast
// Open did not work. ESTAB_ERR_INVALID, ESTAB_ERR_NO_MEMORY.
ESTAB_API int estab_fast_open_put(estab_stack *s, const struct estab_fast_open_cookie *cookie);
// The key of the cookies that listeners give, 16 bytes: the same on all hosts that stand behind one address; Linux with
// this TCP_FASTOPEN_KEY gives the same cookies (the words of net.ipv4.tcp_fastopen_key are little-endian). The one
// before stays good until the next call: who comes while keys change says the older one first. Without it: a
// secret of the stack's, which changes once a day.
ESTAB_API void estab_fast_open_set_key(estab_stack *s, const uint8_t key[16]);
// The cookie that a listener of ours gives to a client now, 8 bytes.
ESTAB_API void estab_fast_open_cookie(estab_stack *s, const struct estab_ip *local,
                                      const struct estab_ip *client, uint8_t cookie[8]);

// ---------------------------------------------------------------------------------------------
// TCP: SEND

// Copies up to n bytes into the send buffer. Answers how many (1..n), or WOULD_BLOCK when it is full.
// A push is implied at the end of each call (RFC 9293 3.9.1.2).
ESTAB_API int estab_send(estab_stack *s, estab_conn conn, const void *bytes, size_t n);
// The same; the last byte becomes the urgent mark (RFC 9293 3.8.5 [MUST-30, SHLD-13]: for old peers only).
ESTAB_API int estab_send_urgent(estab_stack *s, estab_conn conn, const void *bytes, size_t n);
// Zero-copy: room inside the send buffer, to be filled and committed before any other call on conn.
ESTAB_API int estab_send_reserve(estab_stack *s, estab_conn conn, void **room, size_t *room_bytes);
ESTAB_API int estab_send_commit(estab_stack *s, estab_conn conn, size_t n);
// Zero-copy: lends n bytes (all or WOULD_BLOCK); they must not change until SEND_RELEASED with this cookie.
ESTAB_API int estab_send_ref(estab_stack *s, estab_conn conn, const void *bytes, size_t n,
                             uint64_t cookie);

// ---------------------------------------------------------------------------------------------
// TCP: RECEIVE

// Copies up to n bytes. > 0: bytes; 0: the peer has closed and all was read; WOULD_BLOCK: nothing yet.
ESTAB_API int estab_recv(estab_stack *s, estab_conn conn, void *bytes, size_t n);
// Zero-copy: the next readable bytes in place, in up to *count pieces; answers their sum as estab_recv would.
ESTAB_API int estab_recv_peek(estab_stack *s, estab_conn conn, struct estab_piece *pieces,
                              unsigned *count);
ESTAB_API int estab_recv_consume(estab_stack *s, estab_conn conn, size_t n);

// What flags said about the bytes that can be read now.
struct estab_recv_marks {
  uint32_t readable_bytes;
  uint32_t pushed_bytes; // up to and with the last octet that came with PSH, 0 = none
  uint32_t
      urgent_bytes; // up to and with the urgent octet (RFC 6093 reading: it stays in line), 0 = none
  bool urgent_ahead; // the urgent octet has not arrived yet
};
ESTAB_API int estab_recv_marks(estab_stack *s, estab_conn conn, struct estab_recv_marks *marks);

// ---------------------------------------------------------------------------------------------
// TCP: CLOSE, ABORT, STATUS

// CLOSE, RFC 9293 3.10.4: I have no more to send. Reading goes on until the peer closes.
ESTAB_API int estab_close(estab_stack *s, estab_conn conn);
// No more reading: what is unread and what comes is answered with RST [SHLD-3].
ESTAB_API int estab_shutdown_recv(estab_stack *s, estab_conn conn);
// ABORT, RFC 9293 3.10.5: RST to the peer, everything queued is lost.
ESTAB_API int estab_abort(estab_stack *s, estab_conn conn);
// Gives the handle back; it is dead after this call. Closes if that was not done. With unread data, or when data
// arrives later, the peer gets RST. A connection that still has to send or wait goes on by itself.
ESTAB_API int estab_release(estab_stack *s, estab_conn conn);
// STATUS: the state, or ESTAB_ERR_NO_CONNECTION.
ESTAB_API int estab_status(estab_stack *s, estab_conn conn);

ESTAB_API int estab_conn_set_user(estab_stack *s, estab_conn conn, uint64_t user);

// How a handshake used TCP Fast Open, bits.
enum estab_fast_open {
  ESTAB_FAST_OPEN_ASKED = 1u << 0,   // the SYN had the option
  ESTAB_FAST_OPEN_COOKIE = 1u << 1,  // with a cookie: one we knew, or one of ours that is good
  ESTAB_FAST_OPEN_LEARNED = 1u << 2, // the SYN-ACK brought a cookie
  ESTAB_FAST_OPEN_TEXT = 1u << 3,    // the SYN carried text
  ESTAB_FAST_OPEN_TAKEN = 1u << 4, // the SYN-ACK has acknowledged all of it: a round trip was saved
  ESTAB_FAST_OPEN_DENIED = 1u << 5, // active: wanted, but it did not work there lately; not tried
  ESTAB_FAST_OPEN_EXPERIMENTAL = 1u << 6, // with the option's experimental form
};

// tcp_info's fields as far as they apply, with units. The caller sets struct_bytes.
struct estab_conn_info {
  size_t struct_bytes;
  struct estab_tuple tuple;
  enum estab_state state;
  int error;      // why it ended, enum estab_error
  estab_conn syn; // the handle this connection had in its SYN event, or 0
  uint32_t netif;
  bool passive;                          // opened by a listener
  bool timestamps, window_scaling, sack; // negotiated
  uint8_t snd_wscale, rcv_wscale;
  uint16_t snd_mss, rcv_mss; // bytes of text, options not counted
  uint16_t path_mtu; // bytes of an IP packet, by what the path's routers and our own probes say
  uint32_t iss, irs;
  uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd;
  uint32_t cwnd_bytes, ssthresh_bytes, flight_bytes;
  uint32_t send_queued_bytes, not_sent_bytes, recv_queued_bytes, out_of_order_bytes;
  uint64_t srtt_ns, rttvar_ns, rtt_min_ns, rto_ns;
  uint8_t retransmit_count; // of the segment now in doubt
  uint32_t duplicate_acks;
  uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
  uint64_t segments_sent, segments_received, segments_retransmitted;
  uint64_t time_wait_left_ns; // in TIME-WAIT
  uint64_t last_send_ns, last_recv_ns;
  uint64_t segments_spurious; // retransmissions that the peer has reported as duplicates, RFC 2883
  bool reordering_seen;       // segments arrived in another order than they were sent, RFC 8985
  // Why it was not faster: for how long each of these kept data back while the connection was busy sending
  uint64_t limited_application_ns; // nothing more to send, or Nagle and cork waited for more
  uint64_t limited_cwnd_ns;        // the congestion window
  uint64_t limited_peer_window_ns; // the window the peer offers
  uint64_t limited_send_buffer_ns; // the send buffer was full of what was not yet acknowledged
  uint64_t limited_pacing_ns;      // pacing, or a device that took no more
  bool mtu_search;                 // packets larger than path_mtu are being tried, RFC 8899
  uint8_t mtu_probes_sent, mtu_probes_lost; // up to 255
  uint64_t user_timeout_ns;                 // in force, 0 = none
  uint64_t peer_user_timeout_ns; // what the peer's option said last, 0 = nothing that counts
  bool ecn;                      // negotiated: RFC 3168, or
  bool ecn_accurate;             // RFC 9768
  // Marks of the network. Reported: what the peer says of ours; with RFC 3168 the windows in which it said so
  uint64_t ce_received_segments, ce_reported_segments;
  uint32_t ce_reported_bytes, ect0_reported_bytes; // by the peer's option of RFC 9768, modulo 2^24
  uint8_t fast_open;                               // bits of enum estab_fast_open, RFC 7413
  uint32_t syn_text_bytes;                         // octets of text that the SYN carried
};
ESTAB_API int estab_conn_info(estab_stack *s, estab_conn conn, struct estab_conn_info *info);

enum estab_option {
  ESTAB_OPT_NAGLE,             // 1 on, 0 off [MUST-17]
  ESTAB_OPT_CORK,              // 1: hold back partial segments (at most 200 ms)
  ESTAB_OPT_DELAYED_ACK_NS,    // 0 = none
  ESTAB_OPT_KEEPALIVE_IDLE_NS, // 0 = off
  ESTAB_OPT_KEEPALIVE_INTERVAL_NS,
  ESTAB_OPT_KEEPALIVE_COUNT,
  ESTAB_OPT_USER_TIMEOUT_NS,   // 0 = none
  ESTAB_OPT_SEND_BUFFER_BYTES, // set: as large from now on, grows no more
  ESTAB_OPT_RECV_BUFFER_BYTES, // the same; at most the setting recv_buffer_max_bytes
  ESTAB_OPT_TIME_WAIT_NS,      // 2 x MSL of this connection, at most 20 days
  ESTAB_OPT_HOP_LIMIT,
  ESTAB_OPT_TRAFFIC_CLASS,      // DSCP << 2
  ESTAB_OPT_CONGESTION_CONTROL, // enum estab_cc
  // No more than this waits unsent in the send buffer, or the rest of one segment more: SEND takes up to the mark, then
  // answers WOULD_BLOCK; WRITABLE comes when less than half of it is left. So what is written leaves soon, and what
  // the program has in hand is never old. 0 = no mark: the buffer alone decides. As TCP_NOTSENT_LOWAT elsewhere.
  ESTAB_OPT_NOTSENT_LOWAT_BYTES,
  // See the setting: told to the peer with the next segment, up to 32767 minutes. 0 = none, and none is taken.
  ESTAB_OPT_USER_TIMEOUT_ADVERTISED_NS,
  // 1: the peer's option may change ESTAB_OPT_USER_TIMEOUT_NS, as long as nobody has set that; 0: it may not
  ESTAB_OPT_USER_TIMEOUT_CHANGEABLE,
  ESTAB_OPTIONS
};
ESTAB_API int estab_option_set(estab_stack *s, estab_conn conn, enum estab_option option,
                               uint64_t value);
ESTAB_API int estab_option_get(estab_stack *s, estab_conn conn, enum estab_option option,
                               uint64_t *value);

// ---------------------------------------------------------------------------------------------
// UDP, enough for a DNS exchange

struct estab_udp_settings {
  size_t struct_bytes;
  struct estab_ip local; // any = every address of ours
  uint16_t local_port;   // 0 = chosen
  uint32_t netif;        // 0 = any
  uint32_t queue_bytes;  // received datagrams wait in at most this much
};
struct estab_datagram {
  struct estab_ip local, remote;
  uint16_t local_port, remote_port;
  int error; // of an earlier send: ESTAB_ERR_REFUSED after port unreachable, else 0
};
ESTAB_API void estab_udp_settings_default(struct estab_udp_settings *settings);
ESTAB_API int estab_udp_open(estab_stack *s, const struct estab_udp_settings *settings,
                             estab_udp *out);
// to->local any and local_port 0: the endpoint's own. Answers n or an error; nothing is queued beyond one ring.
ESTAB_API int estab_udp_send(estab_stack *s, estab_udp udp, const struct estab_datagram *to,
                             const void *bytes, size_t n);
// Answers the datagram's whole length; what exceeds n is lost.
ESTAB_API int estab_udp_recv(estab_stack *s, estab_udp udp, struct estab_datagram *from,
                             void *bytes, size_t n);
ESTAB_API int estab_udp_close(estab_stack *s, estab_udp udp);

// ---------------------------------------------------------------------------------------------
// Counters

struct estab_stack_info {
  size_t struct_bytes; // set by the caller: no more than that is written; then what was
  uint32_t connections, half_open, time_wait, listeners;
  uint64_t memory_bytes, memory_peak_bytes, memory_refusals;
  uint64_t memory_by_kind_bytes[ESTAB_MEM_KINDS];
  uint64_t frames_in, frames_out;
  uint64_t segments_in, segments_out, retransmissions;
  uint64_t active_opens, passive_opens, resets_in, resets_out, challenge_acks;
  // SYNs of ours whose text was taken; SYNs of others whose text we took; their cookies that were not good
  uint64_t fast_opens_active, fast_opens_passive, fast_open_bad_cookies;
};
ESTAB_API void estab_stack_info(estab_stack *s, struct estab_stack_info *info);
ESTAB_API uint64_t estab_drop_count(estab_stack *s, enum estab_drop drop);
// Full connections, half-open and TIME-WAIT records in a state.
ESTAB_API uint32_t estab_state_count(estab_stack *s, enum estab_state state);
// Gives cached blocks and spare tables back to the memory door; what Fast Open has learned of servers is forgotten.
ESTAB_API void estab_stack_trim(estab_stack *s);

#ifdef __cplusplus
}
#endif
#endif
