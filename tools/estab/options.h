// SPDX-License-Identifier: BSD-2-Clause
// options.h - command lines as tables: one parser, one --help, one kind of complaint for all commands.
#ifndef ESTAB_TOOL_OPTIONS_H
#define ESTAB_TOOL_OPTIONS_H

#include "estab/base.h"

enum option_kind {
  OPTION_HEADING, // only a line in --help
  OPTION_FLAG,    // bool
  OPTION_TEXT,    // const char *
  OPTION_LIST,    // struct option_list: may be repeated
  OPTION_TO,      // const char *: --name alone ("-") or --name=FILE
  OPTION_COUNT,   // uint64_t, min..max
  OPTION_BYTES,   // uint64_t: 64K, 10M, 1G (1024s)
  OPTION_TIME,    // uint64_t, ns: 50ms, 2s, 1m; a bare number is seconds
  OPTION_RATE,    // uint64_t, bits/s: 100M, 2.5G (1000s)
  OPTION_PERCENT, // uint32_t, ppm: 5%, 0.1%
  OPTION_IP,      // struct estab_ip
  OPTION_PREFIX,  // struct option_prefix: 192.0.2.2/24
};

#define OPTION_LIST_MAX 16

struct option_list {
  const char *values[OPTION_LIST_MAX];
  unsigned count;
};

struct option_prefix {
  struct estab_ip ip;
  unsigned bits; // within the address's family
  bool given;
};

struct option {
  const char *name; // without the dashes; NULL = only a letter
  char letter;      // 0 = none
  enum option_kind kind;
  void *value;          // of the type that `kind` says
  const char *argument; // "ADDRESS/BITS", for --help; NULL = takes none
  const char *help;     // one line
  uint64_t min, max;    // of numbers; max 0 = any
};

// Goes into every table's end; --help and --version need no entry.
#define OPTION_END                                                                                 \
  {                                                                                                \
    .name = NULL, .letter = 0                                                                      \
  }

struct command_line {
  const char *command;                // "serve"
  const char *operands;               // "[OPTION...] DIR"
  const char *about;                  // what it does, one or more lines
  const struct option *const *tables; // NULL-terminated list of tables
  const char *notes;                  // below the options, or NULL
};

// Parses argv[1..). 0: *operands and *operand_count are what is left, in order. Else it is over and *status is the
// exit status: help was printed, or a complaint.
int options_parse(const struct command_line *line, int argc, char **argv, char ***operands,
                  int *operand_count, int *status);

// One value of a kind, as options_parse() reads it: NULL, or what is wrong with it ("is not a number").
const char *option_read(const struct option *option, const char *text);

#endif
