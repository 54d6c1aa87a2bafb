// SPDX-License-Identifier: BSD-2-Clause
// scan.h - the detectors: from observations of lives to alerts, one for each campaign of scanning or attack.
//
// Order of calls: scan_begin() once; scan_observe() for each observation in the order of packets, then scan_next()
// until false. Times never run backward (the tracker clamps). What a campaign says does not depend on how often
// scan_advance() is called, on the secret or on the cut of the input into reads.
#ifndef ESTAB_WATCH_SCAN_H
#define ESTAB_WATCH_SCAN_H

#include "base/mem.h"
#include "watch/observation.h"

struct scan;

// Takes at most an eighth of settings->max_bytes through `mem`. Both live longer than the scan;
// settings->local is read from time to time. NULL: no memory, nothing is left behind.
struct scan *scan_new(struct mem *mem, const struct estab_watch_settings *settings);
void scan_free(struct scan *s); // NULL: nothing happens

// The capture begins, whatever its first packet is.
void scan_begin(struct scan *s, uint64_t now_ns);

// Takes one fact. Answers what the tracker keeps with the life and gives back as o->probe (FIRST; else 0).
uint16_t scan_observe(struct scan *s, const struct observation *o);

// Time passed without a packet: campaigns that ended by now_ns are told now.
void scan_advance(struct scan *s, uint64_t now_ns);
// When it should be called next: never later than something is due.
uint64_t scan_deadline(struct scan *s);

// The capture is over, every life has been told, now_ns or sooner: every open campaign ends.
void scan_flush(struct scan *s, uint64_t now_ns);

// Whether there is an alert that nobody fetched.
bool scan_waits(const struct scan *s);
// The next alert, in the order in which they arose; its pointers live until the next call of any function of s.
bool scan_next(struct scan *s, struct estab_watch_alert *alert);
// How many have been told, each counted once.
uint64_t scan_alerts(const struct scan *s);

#endif
