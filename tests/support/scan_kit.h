// SPDX-License-Identifier: BSD-2-Clause
// scan_kit.h - lives told to the detectors in one line each, and the alerts that came of them.
#ifndef ESTAB_SUPPORT_SCAN_KIT_H
#define ESTAB_SUPPORT_SCAN_KIT_H

#include <estab/watch.h>
#include "base/mem.h"
#include "watch/decode.h"
#include "watch/scan.h"

#define SCAN_KIT_ALERTS 4096

// The last word of an alert, with the lists' ends cut off.
struct scan_kit_alert {
  struct estab_watch_alert a; // pointers are gone
  struct estab_ip src[4], dst[4];
  uint16_t open[64];
  uint32_t open_listed;
  uint32_t told;
  uint32_t first_src_listed; // as it was told first
  uint8_t first_modifiers;
  bool evidence_twice; // a packet stood twice in its evidence
  char explanation[1024];
  char evidence[120]; // the first line
};

struct scan_kit {
  struct mem mem;
  struct estab_watch_settings settings;
  struct scan *scan;
  uint64_t start_ns, packets;
  bool begun;    // something was told
  bool one_way;  // the tap sees what originators send, and nothing else
  bool midway;   // the tap was opened while they lived: SYNs of what succeeds were not seen
  bool restless; // scan_advance() is called between any two observations
  struct scan_kit_waiting *waiting; // what becomes SILENCE or END later, by time
  size_t waiting_count, waiting_room;
  struct scan_kit_alert alerts[SCAN_KIT_ALERTS];
  unsigned alert_count;
  uint64_t digest; // of everything told, in its order
};

void scan_kit_start(struct scan_kit *k); // after it, settings may be changed until the first life
void scan_kit_open(struct scan_kit *k);
void scan_kit_stop(struct scan_kit *k);

// "SECONDS SRC:PORT > DST:PORT FLAGS[OPTIONS] FATE", in the order of time. FLAGS as in estab_flags_format(),
// OPTIONS of the first segment after a comma: k kernel's, m MSS only, t timestamps, o nmap -O's, c TFO's cookie,
// d text, f fragments, wN window N, qN sequence number N. FATE:
//   closed      answered by RST            silent    one segment, no answer
//   waits       two SYNs 4 s apart         retries   two SYNs a second apart
//   patient     three SYNs, no answer      half      SYN-ACK, then RST by the originator
//   flood       SYN-ACK, nothing after it  touch     handshake, then RST without text
//   look        handshake, text of the server alone, then RST
//   data        handshake, text, FIN       hold      handshake, then nothing until the end
//   unheard     as data, but DATA was not told: its text came in the SYN, or the tap lost it
//   fed         handshake, then text of the server again and again until the end
//   noroute     ICMP: no way to the host   admin     ICMP: forbidden
//   alive       answered by an ACK, text follows
//   alone       more ACKs of the originator, nothing seen of the other side
void scan_kit(struct scan_kit *k, const char *line);
void scan_kitf(struct scan_kit *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A segment of no life, or a contradiction: the caller fills in the observation.
void scan_kit_observe(struct scan_kit *k, struct observation *o);

void scan_kit_until(struct scan_kit *k, double seconds); // time passes
void scan_kit_finish(struct scan_kit *k);                // flush, and all alerts

// The alert of a kind; NULL.
struct scan_kit_alert *scan_kit_find(struct scan_kit *k, enum estab_watch_kind kind);

// Fails unless there are exactly these kinds: "syn_scan connect_scan", "" = none.
void scan_kit_expect(struct scan_kit *k, const char *kinds);

#endif
