// SPDX-License-Identifier: BSD-2-Clause
// worlds.h - scenarios by chance: topology, faults and what programs do, in the words of a scenario file.
#ifndef ESTAB_NET_WORLDS_H
#define ESTAB_NET_WORLDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/plant.h"

// The scenario of this seed: the same one each time.
void world_write(FILE *out, uint64_t seed);

// Runs the worlds of seeds first to last and says which of them broke. Answers the exit status.
int worlds_run(uint64_t first, uint64_t last, bool json);

// Tells each lie (PLANT_NONE), or one, in every talk of these worlds: the checker must find it out, under its right
// name, in each world where there was an occasion, and there must be one. Answers the exit status.
int worlds_plants(uint64_t first, uint64_t last, enum plant only);

#endif
