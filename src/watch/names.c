// SPDX-License-Identifier: BSD-2-Clause
// names.c - the words of the observer's enums, as --json has them.
#include "estab/watch.h"

static const char *const watch_kind_names[][2] = {
#define KIND(name, json, english) {json, english},
#include "estab/watch_kinds.def"
#undef KIND
};

static const char *const watch_ambiguity_names[] = {
#define AMBIGUITY(name, json, english) json,
#include "estab/watch_ambiguities.def"
#undef AMBIGUITY
};

static const char *const watch_count_names[][2] = {
#define COUNT(name, json, english) {json, english},
#include "estab/watch_counts.def"
#undef COUNT
};

static const char *const watch_mark_names[][2] = {
#define MARK(name, json, english) {json, english},
#include "estab/watch_marks.def"
#undef MARK
};

static const char *const watch_shed_names[] = {
#define SHED(name, json, english) json,
#include "estab/watch_sheds.def"
#undef SHED
};

const char *estab_watch_kind_name(enum estab_watch_kind kind)
{
  return (unsigned)kind < ESTAB_WATCH_KINDS ? watch_kind_names[kind][0] : "";
}

const char *estab_watch_kind_text(enum estab_watch_kind kind)
{
  return (unsigned)kind < ESTAB_WATCH_KINDS ? watch_kind_names[kind][1] : "";
}

const char *estab_watch_kind_unit(enum estab_watch_kind kind)
{
  const bool connections =
      kind == ESTAB_WATCH_KIND_CONN_EXHAUSTION || kind == ESTAB_WATCH_KIND_ZERO_WINDOW_HOLD ||
      kind == ESTAB_WATCH_KIND_RST_INJECTION || kind == ESTAB_WATCH_KIND_OVERLAP_INJECTION;
  return connections ? "connection" : "segment";
}

const char *estab_watch_ambiguity_name(enum estab_watch_ambiguity_kind kind)
{
  return (unsigned)kind < ESTAB_WATCH_AMBIGUITIES ? watch_ambiguity_names[kind] : "";
}

const char *estab_watch_count_name(enum estab_watch_count count)
{
  return (unsigned)count < ESTAB_WATCH_COUNTS ? watch_count_names[count][0] : "";
}

const char *estab_watch_shed_name(enum estab_watch_shed shed)
{
  return (unsigned)shed < ESTAB_WATCH_SHEDS ? watch_shed_names[shed] : "";
}

const char *estab_watch_count_text(enum estab_watch_count count)
{
  return (unsigned)count < ESTAB_WATCH_COUNTS ? watch_count_names[count][1] : "";
}

const char *estab_watch_mark_name(enum estab_watch_mark mark)
{
  return (unsigned)mark < ESTAB_WATCH_MARKS ? watch_mark_names[mark][0] : "";
}

const char *estab_watch_mark_text(enum estab_watch_mark mark)
{
  return (unsigned)mark < ESTAB_WATCH_MARKS ? watch_mark_names[mark][1] : "";
}
