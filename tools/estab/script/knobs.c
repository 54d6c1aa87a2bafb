// SPDX-License-Identifier: BSD-2-Clause
// knobs.c - names of run-time values on other systems, and estab's settings behind them; profiles.
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum knob_kind {
  KNOB_BOOL,
  KNOB_U8,
  KNOB_U16,
  KNOB_U32,
  KNOB_U64,    // unit: ours in one of theirs
  KNOB_NONE,   // nothing here answers to it, and nothing needs to
  KNOB_ZERO,   // only 0 is what estab does
  KNOB_RANGE,  // three numbers: least, first, most
  KNOB_NOT,    // a bool that is true here when theirs is 0
  KNOB_TRIES,  // U64: a number of retransmissions; here the time until the next one would be due
  KNOB_ECN,    // U8: numbered as estab does
  KNOB_FAST,   // Linux's bits of Fast Open: 0x400 = every listener
  KNOB_KEY,    // of Fast Open's cookies
  KNOB_FORGET, // 0: what Fast Open has learned of servers is forgotten
  KNOB_IDLE,   // keepalive's idle time where a script asks for keepalive
};

struct knob {
  const char *name;
  enum knob_kind kind;
  size_t offset, offset2;
  uint64_t unit;
};

#define AT(field) offsetof(struct estab_settings, field)
#define OWN(k, f)                                                                                  \
  {                                                                                                \
    "estab." #f, k, AT(f), 0, 1                                                                    \
  }
#define MS 1000000u
#define S  1000000000u

static const struct knob knobs[] = {
    // FreeBSD
    {"net.inet.tcp.sack.enable", KNOB_BOOL, AT(sack), 0, 1},
    {"net.inet.tcp.rfc1323", KNOB_BOOL, AT(timestamps), AT(window_scaling), 1},
    {"net.inet.tcp.tolerate_missing_ts", KNOB_NOT, AT(require_timestamps), 0, 1},
    {"net.inet.tcp.ecn.enable", KNOB_ECN, AT(ecn), 0, 1},
    {"net.inet.tcp.rfc3042", KNOB_BOOL, AT(limited_transmit), 0, 1},
    {"net.inet.tcp.recvspace", KNOB_U32, AT(recv_buffer_bytes), 0, 1},
    {"net.inet.tcp.sendspace", KNOB_U32, AT(send_buffer_bytes), 0, 1},
    {"kern.ipc.maxsockbuf", KNOB_U32, AT(recv_buffer_max_bytes), 0, 1},
    {"net.inet.tcp.recvbuf_max", KNOB_U32, AT(recv_buffer_max_bytes), 0, 1},
    {"net.inet.tcp.initcwnd_segments", KNOB_U32, AT(initial_window_segments), 0, 1},
    {"net.inet.tcp.minmss", KNOB_U16, AT(min_mss), 0, 1},
    {"net.inet.tcp.rexmit_initial", KNOB_U64, AT(rto_initial_ns), 0, MS},
    {"net.inet.tcp.rexmit_min", KNOB_U64, AT(rto_min_ns), 0, MS},
    {"net.inet.tcp.delacktime", KNOB_U64, AT(delayed_ack_ns), 0, MS},
    {"net.inet.tcp.msl", KNOB_U64, AT(msl_ns), 0, MS},
    {"net.inet.tcp.finwait2_timeout", KNOB_U64, AT(fin_wait_2_timeout_ns), 0, MS},
    {"net.inet.tcp.keepinit", KNOB_U64, AT(syn_timeout_ns), 0, MS},
    {"net.inet.tcp.keepidle", KNOB_IDLE, 0, 0, MS},
    {"net.inet.tcp.keepcnt", KNOB_U32, AT(keepalive_count), 0, 1},
    {"net.inet.tcp.keepintvl", KNOB_U64, AT(keepalive_interval_ns), 0, MS},
    {"net.inet.tcp.drop_synfin", KNOB_BOOL, AT(syn_fin_drop), 0, 1},
    {"net.inet.tcp.icmp_may_rst", KNOB_BOOL, AT(icmp_aborts_connect), 0, 1},
    {"net.inet.tcp.blackhole", KNOB_ZERO, 0, 0, 1},
    {"net.inet.tcp.always_keepalive", KNOB_ZERO, 0, 0, 1},
    {"net.inet.tcp.ecn.", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.fastopen.client_enable", KNOB_FORGET, 0, 0, 1},
    {"net.inet.tcp.fastopen.", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.hostcache.", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.syncache.", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.syncookies", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.insecure_rst", KNOB_NONE, 0, 0, 1}, // estab is never insecure
    {"net.inet.tcp.insecure_syn", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.insecure_ack", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.rexmit_slop", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.rexmit_drop_options", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.recvbuf_auto", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.sendbuf_auto", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.tso", KNOB_NONE, 0, 0, 1},
    {"net.inet.tcp.ts_offset_per_conn", KNOB_NONE, 0, 0, 1},
    {"net.inet.icmp.", KNOB_NONE, 0, 0, 1},
    // Linux
    {"net.ipv4.tcp_timestamps", KNOB_BOOL, AT(timestamps), 0, 1},
    {"net.ipv4.tcp_window_scaling", KNOB_BOOL, AT(window_scaling), 0, 1},
    {"net.ipv4.tcp_sack", KNOB_BOOL, AT(sack), 0, 1},
    {"net.ipv4.tcp_rfc1337", KNOB_BOOL, AT(time_wait_ignores_rst), 0, 1},
    {"net.ipv4.tcp_keepalive_time", KNOB_IDLE, 0, 0, S},
    {"net.ipv4.tcp_keepalive_intvl", KNOB_U64, AT(keepalive_interval_ns), 0, S},
    {"net.ipv4.tcp_keepalive_probes", KNOB_U32, AT(keepalive_count), 0, 1},
    {"net.ipv4.tcp_fin_timeout", KNOB_U64, AT(fin_wait_2_timeout_ns), 0, S},
    {"net.ipv4.tcp_invalid_ratelimit", KNOB_U64, AT(challenge_interval_ns), 0, MS},
    {"net.ipv4.tcp_syn_linear_timeouts", KNOB_U8, AT(syn_even_timeouts), 0, 1},
    {"net.ipv4.tcp_syn_retries", KNOB_TRIES, AT(syn_timeout_ns), 0, 1},
    {"net.ipv4.tcp_synack_retries", KNOB_TRIES, AT(half_open_timeout_ns), 0, 1},
    {"net.ipv4.tcp_rto_min_us", KNOB_U64, AT(rto_min_ns), 0, 1000},
    {"net.ipv4.tcp_rto_max_ms", KNOB_U64, AT(rto_max_ns), 0, MS},
    {"net.ipv4.tcp_min_snd_mss", KNOB_U16, AT(min_mss), 0, 1},
    {"net.ipv4.tcp_rmem", KNOB_RANGE, AT(recv_buffer_bytes), AT(recv_buffer_max_bytes), 1},
    {"net.ipv4.tcp_wmem", KNOB_RANGE, AT(send_buffer_bytes), AT(send_buffer_max_bytes), 1},
    {"net.ipv4.tcp_ecn", KNOB_ECN, AT(ecn), 0, 1},
    {"net.ipv4.tcp_ecn_option", KNOB_BOOL, AT(ecn_option), 0, 1},
    {"net.ipv4.tcp_ecn_", KNOB_NONE, 0, 0, 1}, // all that begin with it, as with a point
    {"net.ipv4.tcp_fastopen", KNOB_FAST, 0, 0, 1},
    {"net.ipv4.tcp_fastopen_cookies", KNOB_FORGET, 0, 0, 1},
    {"net.ipv4.tcp_fastopen_key", KNOB_KEY, 0, 0, 1},
    {"net.ipv4.tcp_fastopen_", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_mtu_probing", KNOB_U8, AT(plpmtud), 0, 1},
    {"net.ipv4.tcp_notsent_lowat", KNOB_U32, AT(notsent_lowat_bytes), 0, 1},
    {"net.ipv4.tcp_syncookies", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_tso_", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_min_tso_segs", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_no_metrics_save", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_slow_start_after_idle", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_moderate_rcvbuf", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_autocorking", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_limit_output_bytes", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_challenge_ack_limit", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_max_syn_backlog", KNOB_NONE, 0, 0, 1},
    {"net.ipv4.tcp_comp_sack_", KNOB_NONE, 0, 0, 1},
    {"net.core.", KNOB_NONE, 0, 0, 1},
    // Every setting by its own name
    OWN(KNOB_U64, max_bytes),
    OWN(KNOB_U32, max_connections),
    OWN(KNOB_U32, max_half_open),
    OWN(KNOB_U32, max_time_wait),
    OWN(KNOB_U64, msl_ns),
    OWN(KNOB_U64, user_timeout_ns),
    OWN(KNOB_U64, syn_timeout_ns),
    OWN(KNOB_U64, half_open_timeout_ns),
    OWN(KNOB_U64, fin_wait_2_timeout_ns),
    OWN(KNOB_U64, rto_initial_ns),
    OWN(KNOB_U64, rto_min_ns),
    OWN(KNOB_U64, rto_max_ns),
    OWN(KNOB_U64, delayed_ack_ns),
    OWN(KNOB_U64, keepalive_idle_ns),
    OWN(KNOB_U64, keepalive_interval_ns),
    OWN(KNOB_U32, keepalive_count),
    OWN(KNOB_U64, challenge_interval_ns),
    OWN(KNOB_U64, timewait_reuse_min_ns),
    OWN(KNOB_U32, send_buffer_bytes),
    OWN(KNOB_U32, recv_buffer_bytes),
    OWN(KNOB_U32, recv_buffer_max_bytes),
    OWN(KNOB_U32, initial_window_segments),
    OWN(KNOB_U16, port_first),
    OWN(KNOB_U16, port_last),
    OWN(KNOB_U16, max_mss),
    OWN(KNOB_U16, min_mss),
    OWN(KNOB_BOOL, timestamps),
    OWN(KNOB_BOOL, window_scaling),
    OWN(KNOB_BOOL, sack),
    OWN(KNOB_BOOL, nagle),
    OWN(KNOB_BOOL, limited_transmit),
    OWN(KNOB_BOOL, time_wait_ignores_rst),
    OWN(KNOB_BOOL, syn_fin_drop),
    OWN(KNOB_BOOL, require_timestamps),
    OWN(KNOB_BOOL, icmp_aborts_connect),
    OWN(KNOB_BOOL, mss_option),
    OWN(KNOB_BOOL, pacing),
    OWN(KNOB_BOOL, hystart),
    OWN(KNOB_U64, max_rate_bytes_per_s),
    OWN(KNOB_BOOL, window_beyond_field),
    OWN(KNOB_U32, send_buffer_max_bytes),
    OWN(KNOB_U8, ecn),
    OWN(KNOB_U8, plpmtud),
    OWN(KNOB_U64, user_timeout_advertised_ns),
    OWN(KNOB_U64, user_timeout_least_ns),
    OWN(KNOB_U64, user_timeout_most_ns),
    OWN(KNOB_U32, notsent_lowat_bytes),
    OWN(KNOB_U8, ecn_option),
    OWN(KNOB_BOOL, ecn_on_control),
    OWN(KNOB_U8, syn_even_timeouts),
    OWN(KNOB_U8, hop_limit),
    OWN(KNOB_U8, duplicate_ack_threshold),
};

// Writes a number into the field at offset; 1 if it was another one before.
static int knob_store(struct estab_settings *settings, enum knob_kind kind, size_t offset,
                      uint64_t value)
{
  uint8_t *at = (uint8_t *)settings + offset, before[8], width = 1;
  switch (kind) {
  case KNOB_U16: width = 2; break;
  case KNOB_U32:
  case KNOB_RANGE: width = 4; break;
  case KNOB_TRIES:
  case KNOB_U64: width = 8; break;
  case KNOB_BOOL:
  case KNOB_NOT:
  case KNOB_U8:
  case KNOB_ECN:
  case KNOB_NONE:
  case KNOB_IDLE:
  case KNOB_FAST:
  case KNOB_KEY:
  case KNOB_FORGET:
  case KNOB_ZERO: break;
  }
  memcpy(before, at, width);
  if (kind == KNOB_BOOL || kind == KNOB_NOT) {
    bool on = (value != 0) == (kind == KNOB_BOOL);
    memcpy(at, &on, sizeof on);
  } else if (width == 1) {
    *at = (uint8_t)value;
  } else if (width == 2) {
    memcpy(at, &(uint16_t){(uint16_t)value}, 2);
  } else if (width == 4) {
    memcpy(at, &(uint32_t){(uint32_t)value}, 4);
  } else {
    memcpy(at, &value, 8);
  }
  return memcmp(before, at, width) != 0;
}

// A name that ends in a mark, or has no setting behind it, stands for all that begin with it.
static const struct knob *knob_find(const char *name)
{
  for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
    size_t length = strlen(knobs[i].name);
    if (strncmp(knobs[i].name, name, length) == 0 &&
        (name[length] == '\0' || knobs[i].kind == KNOB_NONE))
      return &knobs[i];
  }
  return NULL;
}

uint64_t knobs_tries_ns(const struct estab_settings *settings, uint64_t tries)
{
  uint64_t sum = 0, wait = settings->rto_initial_ns;
  for (uint64_t i = 0; i <= tries && i < 30; i++) {
    sum += wait;
    wait = 2 * wait < settings->rto_max_ns ? 2 * wait : settings->rto_max_ns;
  }
  return sum;
}

int knob_set(struct run *run, const char *name, const char *value)
{
  const struct knob *knob = knob_find(name);
  if (knob == NULL) return -1;
  char *end;
  uint64_t n = strtoull(value, &end, 0) * knob->unit;
  if (strcmp(value, "never") == 0) n = ESTAB_NEVER;
  struct estab_settings *settings = &run->host.settings;
  int changed;
  switch (knob->kind) {
  case KNOB_NONE: return 0;
  case KNOB_ZERO: return n == 0 ? 0 : -1;
  case KNOB_ECN:
    if (n > ESTAB_ECN_ACCURATE_ACCEPT) return -1;
    break;
  case KNOB_IDLE: run->sockets.keepidle_ns = n; return 0;
  case KNOB_FAST: run->sockets.fast_open_all = (n & 0x400) ? 1024 : 0; return 0;
  case KNOB_KEY: return fast_open_key_knob(run, value);
  case KNOB_FORGET:
    if (n == 0 && run->host.stack != NULL) estab_stack_trim(run->host.stack);
    return 0;
  case KNOB_RANGE: {
    uint64_t first = strtoull(end, &end, 0), most = strtoull(end, &end, 0);
    changed = knob_store(settings, KNOB_U32, knob->offset, first);
    if (knob->offset2 != 0) changed |= knob_store(settings, KNOB_U32, knob->offset2, most);
    return changed;
  }
  case KNOB_TRIES: n = knobs_tries_ns(settings, n); break;
  case KNOB_BOOL:
  case KNOB_NOT:
  case KNOB_U8:
  case KNOB_U16:
  case KNOB_U32:
  case KNOB_U64: break;
  }
  changed = knob_store(settings, knob->kind, knob->offset, n);
  if (knob->offset2 != 0) changed |= knob_store(settings, knob->kind, knob->offset2, n);
  return changed;
}

// What another system's scripts take for granted.
static void knobs_linux(struct run *run)
{
  struct estab_settings *s = &run->host.settings;
  s->recv_buffer_bytes = 540000;
  s->recv_buffer_max_bytes = 15u << 20;
  s->send_buffer_bytes = 256u << 10;
  s->delayed_ack_ns = 0; // it acknowledges at once while a connection is young
  s->rto_initial_ns = S;
  s->rto_min_ns = 200 * MS;
  s->msl_ns = 30ull * S;
  s->fin_wait_2_timeout_ns = 60ull * S;
  s->initial_window_segments = 10;
  s->congestion_control = ESTAB_CC_CUBIC;
  s->pacing = false; // it paces only where its queueing discipline does
  s->ecn = ESTAB_ECN_ACCEPT;
  s->ecn_option = ESTAB_ECN_OPTION_WHERE_SEEN;
  s->ecn_on_control = true;
  s->syn_even_timeouts = 4;
}

static void knobs_freebsd(struct run *run)
{
  struct estab_settings *s = &run->host.settings;
  s->recv_buffer_bytes = 65536;
  s->recv_buffer_max_bytes = 2u << 20;
  s->send_buffer_bytes = 32768;
  s->delayed_ack_ns = 40 * MS;
  s->rto_initial_ns = S;
  s->rto_min_ns = 230 * MS;
  s->msl_ns = 30ull * S;
  s->challenge_interval_ns = 0;
  s->window_beyond_field = true;
  s->pacing = false;
  s->ecn = ESTAB_ECN_ACCEPT;
  run->sockets.unreachable = "ECONNREFUSED"; // whatever the ICMP error said
  bool one_version = false;                  // else 1460 octets fill a segment of either
  // The referee has no script, and is told the MTU.
  const struct script_option *o = run->script != NULL ? run->script->options : NULL;
  for (; o != NULL; o = o->next)
    one_version = one_version || strcmp(o->name, "ip_version") == 0;
  if (!run->mtu_given && one_version) run->host.mtu = 1500;
}

bool knobs_known(const char *profile)
{
  static const char *const names[] = {"rfc", "default", "linux", "freebsd"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(profile, names[i]) == 0) return true;
  return false;
}

bool knobs_profile(struct run *run, const char *name)
{
  if (strcmp(name, run->profile) == 0) return true;
  if (!knobs_known(name)) return false;
  struct estab_settings *settings = &run->host.settings, before = *settings;
  if (strcmp(name, "rfc") == 0) {
    estab_settings_rfc(settings);
  } else {
    estab_settings_default(settings);
  }
  settings->mem = before.mem; // of a stack that runs already
  settings->random = before.random;
  settings->trace = before.trace;
  if (strcmp(name, "linux") == 0) {
    knobs_linux(run);
  } else if (strcmp(name, "freebsd") == 0) {
    knobs_freebsd(run);
  }
  snprintf(run->profile, sizeof run->profile, "%s", name);
  return true;
}
