// SPDX-License-Identifier: BSD-2-Clause
// settings.c - the two profiles, side by side: what people should run, and the letter of the RFCs.
#include "estab/estab.h"

#define SECONDS UINT64_C(1000000000)
#define MILLIS  UINT64_C(1000000)

void estab_settings_default(struct estab_settings *settings)
{
  *settings = (struct estab_settings){
      .struct_bytes = sizeof *settings,
      .max_connections = 1u << 20,
      .max_half_open = 1u << 16,
      .max_time_wait = 1u << 20,
      .msl_ns = 120 * SECONDS,
      .user_timeout_ns = 300 * SECONDS, // RFC 9293 3.8.3: R2 at least 100 s [SHLD-11]
      .syn_timeout_ns = 180 * SECONDS,  // [MUST-23]
      // DEPARTS: RFC 9293 3.8.3 [MUST-23] because a flood of SYNs would be kept three times as long.
      .half_open_timeout_ns = 63 * SECONDS,
      .fin_wait_2_timeout_ns = 60 * SECONDS,
      .rto_initial_ns = 1 * SECONDS, // RFC 6298 2.1
      // DEPARTS: RFC 6298 2.4 because 1 s is many round trips today; what Linux and FreeBSD use has served for decades.
      .rto_min_ns = 200 * MILLIS,
      .rto_max_ns = 120 * SECONDS,
      .delayed_ack_ns = 40 * MILLIS,
      .keepalive_interval_ns = 75 * SECONDS,
      .keepalive_count = 9,
      .challenge_interval_ns = 500 * MILLIS,
      .timewait_reuse_min_ns = 1 * SECONDS,
      .send_buffer_bytes = 1u << 18,
      .recv_buffer_bytes = 1u << 18,
      .recv_buffer_max_bytes = 1u << 25,
      .initial_window_segments = 10, // RFC 6928
      .port_first = 32768,
      .port_last = 60999,
      .min_mss = 64,
      .timestamps = true,
      .window_scaling = true,
      .sack = true,
      .nagle = true,
      .limited_transmit = true,
      .time_wait_ignores_rst = true,
      .syn_fin_drop = true,
      .require_timestamps = true,
      .icmp_aborts_connect = true,
      .hop_limit = 64,
      .congestion_control = ESTAB_CC_CUBIC,
      .duplicate_ack_threshold = 3,
      // DEPARTS: RFC 5681 3.1 because with delayed ACKs one segment an ACK is half of slow start (RFC 3465 2.2).
      .slow_start_segments = 2,
      .mss_option = true,
      .send_buffer_max_bytes = 1u << 25,
      .pacing = true,
      .hystart = true,
      .plpmtud = ESTAB_PLPMTUD_BLACK_HOLE,
      .user_timeout_least_ns = 100 * SECONDS, // RFC 5482 3.1
      .user_timeout_most_ns = 3600 * SECONDS,
      .ecn = ESTAB_ECN_ACCURATE_ACCEPT,
      .ecn_option = ESTAB_ECN_OPTION_ALWAYS,
  };
}

void estab_settings_rfc(struct estab_settings *settings)
{
  estab_settings_default(settings);
  settings->half_open_timeout_ns = 180 * SECONDS; // [MUST-23]
  settings->fin_wait_2_timeout_ns = 0;
  settings->rto_min_ns = 1 * SECONDS; // RFC 6298 2.4
  settings->timewait_reuse_min_ns = ESTAB_NEVER;
  settings->port_first = 1024; // RFC 6056 3.2
  settings->port_last = 65535;
  settings->time_wait_ignores_rst = false;
  settings->syn_fin_drop = false;
  settings->slow_start_segments = 1;
  settings->pacing = false;
  settings->congestion_control = ESTAB_CC_NEWRENO; // RFC 5681
}
