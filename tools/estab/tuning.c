// SPDX-License-Identifier: BSD-2-Clause
// tuning.c - what the command line says of TCP itself, and what became of a connection.
#include "tuning.h"

#include "cc_names.h"
#include "qlog/write.h"
#include "say.h"

#include <string.h>

static const char *cc_name, *ecn_word, *mtu_word, *qlog_path;
static struct qlog *qlog;

const struct option tuning_table[] = {
    {.kind = OPTION_HEADING, .help = "TCP:"},
    {.name = "cc",
     .kind = OPTION_TEXT,
     .value = &cc_name,
     .argument = "NAME",
     .help = "congestion control (cubic)"},
    {.name = "ecn",
     .kind = OPTION_TEXT,
     .value = &ecn_word,
     .argument = "HOW",
     .help = "off, accept, ask; accurate, accurate-ask, accurate-accept"},
    {.name = "mtu-probing",
     .kind = OPTION_TEXT,
     .value = &mtu_word,
     .argument = "WHEN",
     .help = "off, black-hole (suspected) or always"},
    {.name = "qlog",
     .kind = OPTION_TEXT,
     .value = &qlog_path,
     .argument = "FILE",
     .help = "write what TCP does; 'estab qlog FILE' reads it"},
    OPTION_END};

static int apply_ecn(const char *command, struct estab_settings *settings)
{
  static const char *const ecn_words[] = {[ESTAB_ECN_OFF] = "off",
                                          [ESTAB_ECN_REQUEST] = "ask",
                                          [ESTAB_ECN_ACCEPT] = "accept",
                                          [ESTAB_ECN_ACCURATE] = "accurate",
                                          [ESTAB_ECN_ACCURATE_ASK_CLASSIC] = "accurate-ask",
                                          [ESTAB_ECN_ACCURATE_ACCEPT] = "accurate-accept"};
  if (!ecn_word) return 0;
  for (unsigned i = 0; i < sizeof ecn_words / sizeof *ecn_words; i++)
    if (strcmp(ecn_word, ecn_words[i]) == 0) {
      settings->ecn = (uint8_t)i;
      return 0;
    }
  return say_usage(command,
                   "--ecn %s: is off, accept, ask, accurate, accurate-ask or accurate-accept",
                   ecn_word);
}

static int apply_mtu_probing(const char *command, struct estab_settings *settings)
{
  static const char *const mtu_words[] = {[ESTAB_PLPMTUD_OFF] = "off",
                                          [ESTAB_PLPMTUD_BLACK_HOLE] = "black-hole",
                                          [ESTAB_PLPMTUD_ALWAYS] = "always"};
  if (!mtu_word) return 0;
  for (unsigned i = 0; i < sizeof mtu_words / sizeof *mtu_words; i++)
    if (strcmp(mtu_word, mtu_words[i]) == 0) {
      settings->plpmtud = (uint8_t)i;
      return 0;
    }
  return say_usage(command, "--mtu-probing %s: is off, black-hole or always", mtu_word);
}

int tuning_apply(const char *command, struct estab_settings *settings)
{
  if (cc_name) {
    int cc = cc_find(cc_name);
    if (cc < 0) return say_usage(command, "--cc %s: there is no such congestion control", cc_name);
    settings->congestion_control = (uint8_t)cc;
  }
  int status = apply_ecn(command, settings);
  if (!status) status = apply_mtu_probing(command, settings);
  if (status || !qlog_path) return status;
  qlog = qlog_open(command, qlog_path, "estab", command, QLOG_CLOCK_MONOTONIC, estab_clock_ns());
  if (!qlog) return EXIT_FAIL;
  settings->trace = qlog_hook(qlog);
  return 0;
}

int tuning_close(const char *command)
{
  struct qlog *q = qlog;
  qlog = NULL;
  return qlog_close(command, q);
}

static double milliseconds(uint64_t ns)
{
  return (double)ns / 1e6;
}

void tuning_say(const struct estab_conn_info *info, FILE *out)
{
  fprintf(out, "sent %llu octets in %llu segments, %llu of them again (%llu for nothing)\n",
          (unsigned long long)info->bytes_sent, (unsigned long long)info->segments_sent,
          (unsigned long long)info->segments_retransmitted,
          (unsigned long long)info->segments_spurious);
  fprintf(out, "received %llu octets in %llu segments%s%s\n",
          (unsigned long long)info->bytes_received, (unsigned long long)info->segments_received,
          info->reordering_seen ? "; reordering was seen" : "",
          info->ecn ? "; ECN was agreed on" : "");
  if (info->fast_open)
    fprintf(out, "Fast Open:%s%s%s%s; %u octets with the SYN%s\n",
            (info->fast_open & ESTAB_FAST_OPEN_ASKED) ? " asked for" : "",
            (info->fast_open & ESTAB_FAST_OPEN_COOKIE) ? ", with a cookie" : "",
            (info->fast_open & ESTAB_FAST_OPEN_LEARNED) ? ", a cookie was given" : "",
            (info->fast_open & ESTAB_FAST_OPEN_DENIED) ? " did not work there lately" : "",
            info->syn_text_bytes,
            (info->fast_open & ESTAB_FAST_OPEN_TAKEN) ? ", taken before the handshake" : "");
  if (info->ecn)
    fprintf(out, "%s ECN: %llu segments came marked; of ours %llu %s, by what the peer says\n",
            info->ecn_accurate ? "accurate" : "classic",
            (unsigned long long)info->ce_received_segments,
            (unsigned long long)info->ce_reported_segments,
            info->ecn_accurate ? "were" : "windows had some");
  fprintf(out, "round trip %.3f ms, %.3f at least; congestion window %u octets\n",
          milliseconds(info->srtt_ns), milliseconds(info->rtt_min_ns), info->cwnd_bytes);
  fprintf(out, "packets of at most %u octets%s; %u probes of larger ones, %u of them lost\n",
          info->path_mtu, info->mtu_search ? ", larger ones are being tried" : "",
          info->mtu_probes_sent, info->mtu_probes_lost);
  fprintf(out,
          "kept back by: application %.0f ms, congestion window %.0f, the peer's window %.0f, send "
          "buffer %.0f, pacing %.0f\n",
          milliseconds(info->limited_application_ns), milliseconds(info->limited_cwnd_ns),
          milliseconds(info->limited_peer_window_ns), milliseconds(info->limited_send_buffer_ns),
          milliseconds(info->limited_pacing_ns));
}
