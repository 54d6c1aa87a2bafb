// SPDX-License-Identifier: BSD-2-Clause
// plant.h - lies told to the checker, to see that it is not fooled.
#ifndef ESTAB_SIM_PLANT_H
#define ESTAB_SIM_PLANT_H

#include "check.h"

enum plant {
  PLANT_NONE,
#define PLANT(name, invariant, english) PLANT_##name,
#include "plants.def"
#undef PLANT
  PLANTS
};

struct planted {
  enum plant plant;
  bool told;         // the lie, if it is told once
  uint64_t count;    // of occasions
  uint64_t hidden;   // what the lie is about
  bool text_sent;    // by the client, as far as
  uint32_t text_end; // this number
  bool fin_sent;     // by the client
};

const char *plant_name(enum plant plant);
const char *plant_text(enum plant plant);
enum invariant plant_invariant(enum plant plant);
enum plant plant_find(const char *name); // PLANT_NONE: there is no such thing

// Each may change what it is given on its way to the checker. side 1 is the server, which receives.
void plant_stream(struct planted *p, unsigned side, uint8_t *bytes, size_t *count);
bool plant_end(struct planted *p, unsigned side, uint64_t read);
// bytes has room for 64 more.
void plant_packet(struct planted *p, unsigned side, uint8_t *bytes, size_t *count);
// The same on its way to the observers. false: they do not see it.
bool plant_seen(struct planted *p, unsigned side, uint8_t *bytes, size_t count);
// false: the event is swallowed.
bool plant_event(struct planted *p, unsigned side, struct estab_trace *event, uint64_t msl_ns);
void plant_info(struct planted *p, unsigned side, struct estab_conn_info *info);
// true: this packet does not reach the link. / is sent so many times more.
bool plant_swallows(struct planted *p, unsigned side);
unsigned plant_repeats(struct planted *p, unsigned side, size_t count);
bool plant_stops_timers(const struct planted *p, unsigned side);
bool plant_event_late(struct planted *p);
uint64_t plant_hides(struct planted *p, uint64_t bytes);

#endif
