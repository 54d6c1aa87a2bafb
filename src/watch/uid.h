// SPDX-License-Identifier: BSD-2-Clause
// uid.h - 96 bits that name a row or campaign, equal on every run over the same packets.
#ifndef ESTAB_WATCH_UID_H
#define ESTAB_WATCH_UID_H

#include "estab/watch.h"

// Of the sensor's name: uid_make()'s last argument.
uint64_t uid_sensor(const char *sensor);

// The ends in any fixed order. `apart`: 0, or what tells it from others of the same ends and time. Not keyed by the
// secret: equal for everybody who sees the same packets.
void uid_make(uint64_t ts_ns, const struct estab_ip ip[2], const uint16_t port[2],
              uint32_t tunnel_id, uint64_t sensor, uint64_t apart, struct estab_watch_uid *out);

#endif
