// SPDX-License-Identifier: BSD-2-Clause
// tool_stack.h - a stack for a program: the system's memory and random bytes, states to a file that is asked for.
#ifndef ESTAB_TOOL_STACK_H
#define ESTAB_TOOL_STACK_H

#include "estab/estab.h"

// The default settings with memory, randomness and secret filled in.
void tool_settings(struct estab_settings *settings);
// Answers 0, or the exit status after a complaint.
int tool_stack_new(const char *command, const struct estab_settings *settings, estab_stack **out);

#endif
