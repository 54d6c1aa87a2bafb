// SPDX-License-Identifier: BSD-2-Clause
// commands.h - the functions behind the subcommands.
#ifndef ESTAB_TOOL_COMMANDS_H
#define ESTAB_TOOL_COMMANDS_H

// Each takes its own name as argv[0] and answers the exit status: 0, 1 failure, 2 usage.
#define COMMAND(name, summary)       int cmd_##name(int argc, char **argv);
#define COMMAND_EXTRA(name, summary) COMMAND(name, summary)
#include "commands.def"
#undef COMMAND
#undef COMMAND_EXTRA

#endif
