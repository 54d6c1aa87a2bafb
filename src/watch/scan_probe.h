// SPDX-License-Identifier: BSD-2-Clause
// scan_probe.h - the technique of a probe, from its flags, options, window and text. Pure functions.
#ifndef ESTAB_WATCH_SCAN_PROBE_H
#define ESTAB_WATCH_SCAN_PROBE_H

#include "watch/decode.h"
#include "watch/observation.h"

enum probe_technique {
  PROBE_NONE, // what any life may begin with when the capture was cut
  PROBE_SYN,
  PROBE_ACK,    // bare ACK
  PROBE_FINACK, // bare FIN+ACK: Maimon
  PROBE_SYNACK,
  PROBE_RST, // RST+ACK from sequence number 0: the answer to a SYN
  // One packet of these is enough: no TCP sends them
  PROBE_FIN,    // FIN alone
  PROBE_NULL,   // none of the six flags
  PROBE_XMAS,   // FIN and URG, with or without PSH, without ACK
  PROBE_SYNFIN, // SYN and FIN
  PROBE_BOGUS,  // SYN and RST, all six, PSH or URG alone ...
  PROBE_OS,     // bears the signature of nmap -O, whatever its flags
  PROBE_LAND,   // from its own destination
  PROBE_TECHNIQUES
};

struct probe {
  uint8_t technique;   // enum probe_technique
  uint8_t modifiers;   // ESTAB_WATCH_FRAGMENTED, _DATA, _TFO
  bool crafted;        // SYN: none of the options every kernel sends. Else: no timestamps
  uint8_t fingerprint; // 7 bits of window, options and MSS: equal for probes of one tool
};

// Of a life's first segment, or of one that belongs to none.
struct probe probe_of(const struct watch_packet *p, bool fragmented);

// Sixteen bits that the tracker keeps, and back. A tag is never 0 unless the technique is PROBE_NONE.
uint16_t probe_tag(const struct probe *p);
static inline struct probe probe_from_tag(uint16_t tag)
{
  return (struct probe){
      .technique = tag & 15,
      .modifiers = tag >> 4 & 7,
      .crafted = tag >> 7 & 1,
      .fingerprint = tag >> 8 & 0x7f,
  };
}

// One packet is enough.
static inline bool probe_alone(uint8_t technique)
{
  return technique >= PROBE_FIN;
}

// The kind of campaign that probes of this technique make; SYN: without a look at the handshakes.
enum estab_watch_kind probe_kind(uint8_t technique);

#endif
