// SPDX-License-Identifier: BSD-2-Clause
// oracle.h - observers beside each host of the simulator and on its link must say of the connection what the host
// itself says.
//
// Each host has two: one beside it, and one on the link, half the link's delay away from it. All that the link does -
// loss, queues, disorder - happens beyond that one, so it must be right about its host as well; and about the other
// host where the link did nothing but delay. What the host itself drops, for its timestamp or its old ACK, is lost
// behind it: whether it does depends on what the host has just sent, which is still on its way to there.
#ifndef ESTAB_SIM_ORACLE_H
#define ESTAB_SIM_ORACLE_H

#include "estab/estab.h"
#include "estab/watch.h"

#define ORACLE_STATES 64

struct sim;

struct oracle_view {
  estab_watch *w;
  uint64_t streamed[2]; // octets of the client's and of the server's stream that it gave out
  bool stream_wrong;    // other octets than were written
  bool compared;        // its first row has been looked at
};

// What a host has sent and its observer on the link has not seen yet.
struct oracle_late {
  struct oracle_late *next;
  uint64_t at_ns; // when it will
  size_t count;
  uint8_t bytes[];
};

struct oracle_side {
  struct oracle_view view[2]; // beside the host, on the link
  struct oracle_late *first, *last;
  uint8_t states[ORACLE_STATES]; // what the host went through
  unsigned state_count;
  struct estab_ip ip; // of the host
  uint64_t heard_ns;  // when a packet last came to it
  bool silent_end;    // it went to CLOSED when none came
  bool aborted;       // by its program
  bool mute;          // and before its SYN left: of that connection only a RST shows
  bool drops_text;    // text came that it did not take
  bool refuses_ack;   // a segment in SYN-RECEIVED, for its place
  bool fin_met; // its FIN was said again when what acknowledged it had passed the link's observer
  bool fin_sent;
  uint32_t fin_end;      // one past it
  uint64_t fin_again_ns; // when it was said again last, 0 = never
  bool syn_sent;
  uint32_t iss, sent; // octets of text that the host put on the wire
  uint32_t sent_anew; // the same since its last SYN
};

struct oracle {
  struct oracle_side sides[2];
  unsigned compared;   // connections, one a host
  unsigned silent;     // of which ended in a way that no packet shows
  unsigned on_link;    // the same by observers on the link, of their own host or of the other one
  uint64_t link_ns;    // how far they are from their host
  unsigned more_lives; // rows after the first: segments that came too late for it
};

// 0, or an enum estab_error.
int oracle_start(struct oracle *o, struct sim *sim);
void oracle_packet(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                   size_t count);
// The same, of one that came to the host.
void oracle_heard(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                  size_t count);
void oracle_event(struct oracle *o, unsigned side, const struct estab_trace *event);
// The host's program aborted: not all of that shows on the wire, and what is on its way comes too late.
void oracle_aborted(struct oracle *o, unsigned side);
// All is over: compares, and tells the checker what differs.
void oracle_finish(struct oracle *o, struct sim *sim);
void oracle_end(struct oracle *o);

#endif
