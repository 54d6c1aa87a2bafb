// SPDX-License-Identifier: BSD-2-Clause
// row_words.c - the fixed words of rows.
#include "row_json.h"

#include <stddef.h>

#define WORD(words, i)                                                                             \
  ((i) < sizeof(words) / sizeof *(words) && (words)[i] ? (words)[i] : "unknown")

const char *row_who(uint8_t who)
{
  static const char *const words[] = {[ESTAB_WATCH_BY_UNKNOWN] = "unknown",
                                      [ESTAB_WATCH_BY_ORIG] = "orig",
                                      [ESTAB_WATCH_BY_RESP] = "resp",
                                      [ESTAB_WATCH_BY_BOTH] = "both",
                                      [ESTAB_WATCH_BY_NONE] = "none"};
  return WORD(words, who);
}

const char *row_basis(uint8_t basis)
{
  static const char *const words[] = {[ESTAB_WATCH_BASIS_SYN] = "syn",
                                      [ESTAB_WATCH_BASIS_SYNACK] = "synack",
                                      [ESTAB_WATCH_BASIS_PORT] = "port",
                                      [ESTAB_WATCH_BASIS_ORDER] = "order"};
  return WORD(words, basis);
}

const char *row_geometry(uint8_t geometry)
{
  static const char *const words[] = {[ESTAB_WATCH_GEOMETRY_NONE] = "",
                                      [ESTAB_WATCH_VERTICAL] = "vertical",
                                      [ESTAB_WATCH_HORIZONTAL] = "horizontal",
                                      [ESTAB_WATCH_BLOCK] = "block",
                                      [ESTAB_WATCH_DISTRIBUTED] = "distributed",
                                      [ESTAB_WATCH_DECOY_SET] = "decoy",
                                      [ESTAB_WATCH_SLOW] = "slow"};
  return WORD(words, geometry);
}

const char *row_role(uint8_t role)
{
  static const char *const words[] = {[ESTAB_WATCH_ROLE_ACTOR] = "actor",
                                      [ESTAB_WATCH_ROLE_ZOMBIE] = "zombie",
                                      [ESTAB_WATCH_ROLE_VICTIM] = "victim",
                                      [ESTAB_WATCH_ROLE_CANDIDATE] = "candidate"};
  return WORD(words, role);
}

const char *row_policy(uint8_t policy)
{
  static const char *const words[] = {[ESTAB_WATCH_FIRST] = "first",
                                      [ESTAB_WATCH_LAST] = "last",
                                      [ESTAB_WATCH_LINUX] = "linux",
                                      [ESTAB_WATCH_BSD] = "bsd",
                                      [ESTAB_WATCH_WINDOWS] = "windows"};
  return WORD(words, policy);
}

const char *row_answer(uint8_t answer)
{
  static const char *const words[] = {[ESTAB_WATCH_OPEN] = "open",
                                      [ESTAB_WATCH_CLOSED] = "closed",
                                      [ESTAB_WATCH_FILTERED] = "filtered",
                                      [ESTAB_WATCH_OPEN_OR_FILTERED] = "open_or_filtered",
                                      [ESTAB_WATCH_UNFILTERED] = "unfiltered",
                                      [ESTAB_WATCH_UNKNOWN] = "unknown"};
  return WORD(words, answer);
}
