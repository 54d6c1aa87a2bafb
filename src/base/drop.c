// SPDX-License-Identifier: BSD-2-Clause
// drop.c - the drops of drops.def in words.
#include "estab/base.h"

static const struct drop_words {
  const char *name, *citation, *english;
} drop_words[ESTAB_DROPS] = {
    [ESTAB_DROP_NONE] = {"NONE", "", "not dropped"},
#define DROP(name, citation, english) [ESTAB_DROP_##name] = {#name, citation, english},
#include "estab/drops.def"
#undef DROP
};

static const struct drop_words *drop_words_of(enum estab_drop drop)
{
  static const struct drop_words unknown = {"UNKNOWN", "", "unknown drop"};
  return (unsigned)drop < ESTAB_DROPS ? &drop_words[drop] : &unknown;
}

const char *estab_drop_name(enum estab_drop drop)
{
  return drop_words_of(drop)->name;
}

const char *estab_drop_citation(enum estab_drop drop)
{
  return drop_words_of(drop)->citation;
}

const char *estab_drop_text(enum estab_drop drop)
{
  return drop_words_of(drop)->english;
}
