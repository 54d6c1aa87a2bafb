// SPDX-License-Identifier: BSD-2-Clause
// worlds.h - scenarios by chance: topology, faults and what programs do, in the words of a scenario file.
#ifndef ESTAB_NET_WORLDS_H
#define ESTAB_NET_WORLDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// The scenario of this seed: the same one each time.
void world_write(FILE *out, uint64_t seed);

// Runs the worlds of seeds first to last and says which of them broke. Answers the exit status.
int worlds_run(uint64_t first, uint64_t last, bool json);

#endif
