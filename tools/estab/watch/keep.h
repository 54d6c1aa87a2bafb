// SPDX-License-Identifier: BSD-2-Clause
// keep.h - packets into a pcapng file: interfaces by name, nanoseconds, what was lost where, how long it lasted.
#ifndef ESTAB_TOOL_WATCH_KEEP_H
#define ESTAB_TOOL_WATCH_KEEP_H

#include "estab/capture.h"
#include "text.h"

struct keep_interface {
  uint32_t number, linktype; // as packets have them
  uint32_t snap_bytes;       // 0 = no limit
  char name[32];
  uint64_t lost;                        // packets, within this file
  uint64_t received, dropped;           // by the interface, since the start; live
  uint64_t received_base, dropped_base; // of these, before this file
};

struct keep {
  struct text text;
  struct keep_interface *interfaces; // those described in the file, in their order
  uint32_t count, room;
  uint64_t most;   // octets; 0 = all of them
  bool full;       // nothing goes in any more
  uint64_t end_ns; // the capture lasted until then, 0 = not known
  bool live;       // `received` and `dropped` mean something
  bool headed;     // the file has its beginning
};

// What an interface is called, before the first packet.
void keep_name(struct keep *k, uint32_t number, uint32_t linktype, const char *name,
               uint32_t snap_bytes);
void keep_packet(struct keep *k, const struct estab_capture_packet *p);
// ESTAB_CAPTURE_NOTE: so that the file read again says the same.
void keep_note(struct keep *k, const struct estab_capture_packet *note);
// The file ends, and with `last` the capture too. What comes then begins another.
void keep_tail(struct keep *k, uint64_t now_ns, bool last);
void keep_free(struct keep *k);

#endif
