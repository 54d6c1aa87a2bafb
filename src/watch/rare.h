// SPDX-License-Identifier: BSD-2-Clause
// rare.h - what hardly any packet needs.
#ifndef ESTAB_WATCH_RARE_H
#define ESTAB_WATCH_RARE_H

// Of functions: compiled for size, put apart from all others, and whatever leads there counts as unlikely. What every
// packet runs through is more than a first-level instruction cache holds, so what it does not need must not lie
// between.
#define WATCH_RARE __attribute__((cold))

#endif
