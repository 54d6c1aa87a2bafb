// SPDX-License-Identifier: BSD-2-Clause
// observation.h - what the tracker tells the detectors: the facts of a life that may name a probe.
//
// The tracker knows lives, the detectors know sources and victims; neither looks into the other's tables.
// For each life the tracker reports, in this order and at most once each but for SEGMENT: FIRST, ANSWER or
// SILENCE, ESTABLISHED, SERVED, DATA, CLOSE, END. What belongs to no life, or contradicts one, is a SEGMENT or
// SUSPECT. SILENCE comes in the attempt time (5 s) after the last segment of the attempt, or once the life
// is shed, and also of a life whose originator went on alone (a tap that sees one direction): flags[] and
// segments[] tell. It comes once more when the originator goes on behind it, having begun without a SYN. An
// answer after it is told, and one of TCP after an ICMP error: it is `late` then. What comes by a timer bears
// the time at which it ran out, not that of the packet that showed it.
#ifndef ESTAB_WATCH_OBSERVATION_H
#define ESTAB_WATCH_OBSERVATION_H

#include "estab/watch.h"

struct watch_packet;

// Of what scan_observe() answers to FIRST: CLOSE and END of this life say something although its originator sent text.
// Of others they are not told then, nor where no SYN came back and no handshake ended; unless DATA was not told, or a
// window is held.
#define OBSERVE_TO_ITS_END 0x8000u

enum observation_kind {
  OBSERVE_FIRST,   // the first segment of a tuple, whatever its flags
  OBSERVE_ANSWER,  // the other side's first answer: a segment, or an ICMP error that quotes ours
  OBSERVE_SILENCE, // no answer in the attempt time, or none when the life was shed
  OBSERVE_ESTABLISHED, // the originator acknowledged the SYN-ACK: it is where it says it is
  OBSERVE_SERVED, // it has not spoken, and the responder goes on behind a greeting that was taken
  OBSERVE_DATA,   // the originator's first text after that
  OBSERVE_CLOSE, // the first FIN or RST behind an answer that was none: the life may go on, its END is far
  OBSERVE_END, // the life is over, its facts are final
  OBSERVE_SEGMENT, // strange to the life it has the ports of (floods, OS probes): only head, side, packet and
                   // answer_flags count
  OBSERVE_SUSPECT, // the life contradicts itself: see enum observation_suspicion
};

enum observation_suspicion {
  SUSPECT_NOTHING,
  SUSPECT_RST, // text or ACKs of the same side after its RST, RSTs marching through the window, or of both sides
  SUSPECT_RST_PASSED,  // text of the same side arrived past a RST that was beyond all it had sent
  SUSPECT_OVERLAP,     // other octets where there were some
  SUSPECT_ZERO_WINDOW, // held at zero for thresholds.zero_window_ns, the peer has text waiting
  SUSPECT_WINDOW_OPEN, // what was told as held is so no longer; it may be again
};

struct observation {
  // What is told, and of which life. ESTABLISHED, SERVED and DATA have no more.
  uint8_t kind;      // enum observation_kind
  uint8_t suspicion; // enum observation_suspicion
  uint8_t
      side; // enum estab_watch_side that sent `packet`; orig is who sent the life's first segment
  uint64_t ts_ns, packet_number;
  const struct watch_packet *packet; // NULL: SILENCE, END and SUSPECT by a timer
  struct estab_ip orig_ip, resp_ip;  // as the first segment went, never flipped
  uint16_t orig_port, resp_port;
  uint16_t vlan[2];
  uint32_t tunnel_id;
  uint16_t probe;        // what scan_observe() answered to this life's FIRST; 0 in FIRST itself
  uint16_t first_flags;  // of its first segment, bits 8-11 = AE and reserved
  uint64_t first_ns;     // of the life
  uint64_t last_ns;      // of the segment before this; SILENCE: the last one
  uint64_t first_packet; // number of the life's first packet
  uint64_t handshake_ns; // DATA: when the originator was ESTABLISHED
  bool used;             // SERVED or DATA was told before, or the SYN's text was taken

  // The life so far
  uint16_t answer_flags;        // of the first answer, 0 = none yet
  uint16_t answer_window;       // of the first answer, as on the wire
  uint8_t icmp_type, icmp_code; // ANSWER by ICMP or ICMPv6 (told by the address family); else 0
  bool answered_by_icmp;
  bool late;      // ANSWER: the detectors had heard of silence, or of an ICMP error
  bool midstream; // text or ACKs both ways follow a first segment without SYN: no probe, a life cut
  bool established;
  bool reset_by_orig, reset_by_resp, closed_by_fin;
  bool held;              // the originator's window is shut, and SUSPECT told it
  uint64_t text_bytes[2]; // by enum estab_watch_side
  uint32_t segments[2];   // seen, the current one included; identical frames of a mirror port not
  uint16_t flags[2];      // of all its segments, OR-ed, by enum estab_watch_side

  bool fragmented; // FIRST: its TCP header came in more than one IP fragment

  // SUSPECT: what speaks for another sender than the side that `side` names
  uint8_t suspect_ttl; // of the RST, or of the text that contradicts; 0 = not known
  uint8_t
      usual_ttl; // of what contradicts it; RSTs that march: the same; of both sides: its side's; 0 = not known
  // OVERLAP: octets of the segment that showed it. RST: at how many places this side sent one
  uint32_t suspect_count;
};

#endif
