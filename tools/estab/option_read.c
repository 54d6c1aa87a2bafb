// SPDX-License-Identifier: BSD-2-Clause
// option_read.c - the values of options: numbers with units, addresses, prefixes.
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
  const char *name;
  double factor;
};

static const struct unit byte_units[] = {
    {"", 1},          {"K", 1024},         {"M", 1048576}, {"G", 1073741824}, {"KiB", 1024},
    {"MiB", 1048576}, {"GiB", 1073741824}, {"B", 1},       {"k", 1024},       {NULL, 0}};
static const struct unit time_units[] = {{"", 1e9},     {"s", 1e9},     {"ms", 1e6},
                                         {"us", 1e3},   {"ns", 1},      {"m", 60e9},
                                         {"h", 3600e9}, {"d", 86400e9}, {NULL, 0}};
static const struct unit rate_units[] = {{"", 1},    {"k", 1e3}, {"K", 1e3},
                                         {"M", 1e6}, {"G", 1e9}, {NULL, 0}};
static const struct unit percent_units[] = {{"%", 1e4}, {"", 1e4}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

// A decimal number and a unit. NULL, or what is wrong.
static const char *read_number(const char *text, const struct unit *units, double max,
                               uint64_t *out)
{
  char *end;
  // strtod takes more than decimal numbers.
  if (!isdigit((unsigned char)text[0]) || text[1] == 'x' || text[1] == 'X')
    return "is not a number";
  double number = strtod(text, &end);
  for (const struct unit *u = units; u->name; u++)
    if (strcmp(end, u->name) == 0) {
      double value = number * u->factor;
      if (!(value <= max)) return "is too large";
      *out = (uint64_t)(value + 0.5);
      return NULL;
    }
  return "is not a number with a unit that is known here";
}

static const char *read_range(const struct option *o, uint64_t value)
{
  static char text[96]; // one complaint at a time
  if (value >= o->min && (o->max == 0 || value <= o->max)) return NULL;
  if (o->max)
    snprintf(text, sizeof text, "must be %llu to %llu", (unsigned long long)o->min,
             (unsigned long long)o->max);
  else
    snprintf(text, sizeof text, "must be at least %llu", (unsigned long long)o->min);
  return text;
}

static const char *read_prefix(const char *text, struct option_prefix *prefix)
{
  char address[ESTAB_IP_TEXT_BYTES];
  const char *slash = strchr(text, '/');
  size_t n = slash ? (size_t)(slash - text) : strlen(text);
  if (n >= sizeof address) return "is not an address";
  memcpy(address, text, n);
  address[n] = 0;
  if (estab_ip_parse(address, &prefix->ip) < 0) return "is not an address";
  unsigned most = estab_ip_is4(&prefix->ip) ? 32 : 128;
  uint64_t bits = most == 32 ? 24 : 64;
  if (slash && (read_number(slash + 1, no_units, 1e6, &bits) || bits > most))
    return "has a prefix length that is none";
  prefix->bits = (unsigned)bits;
  prefix->given = true;
  return NULL;
}

static const char *read_quantity(const struct option *o, const char *text, const struct unit *units)
{
  uint64_t value;
  const char *why = read_number(text, units, 9e18, &value);
  if (!why && units == no_units && strchr(text, '.')) why = "is not a whole number";
  if (!why) why = read_range(o, value);
  if (!why) *(uint64_t *)o->value = value;
  return why;
}

const char *option_read(const struct option *o, const char *text)
{
  switch (o->kind) {
  case OPTION_HEADING:
  case OPTION_FLAG: return "takes no value";
  case OPTION_TO:
  case OPTION_TEXT: *(const char **)o->value = text; return NULL;
  case OPTION_LIST: {
    struct option_list *list = o->value;
    if (list->count == OPTION_LIST_MAX) return "is one too many";
    list->values[list->count++] = text;
    return NULL;
  }
  case OPTION_COUNT: return read_quantity(o, text, no_units);
  case OPTION_BYTES: return read_quantity(o, text, byte_units);
  case OPTION_TIME: return read_quantity(o, text, time_units);
  case OPTION_RATE: return read_quantity(o, text, rate_units);
  case OPTION_PERCENT: {
    uint64_t ppm;
    const char *why = read_number(text, percent_units, 1e6, &ppm);
    if (!why) *(uint32_t *)o->value = (uint32_t)ppm;
    return why ? "must be 0% to 100%" : NULL;
  }
  case OPTION_IP: return estab_ip_parse(text, o->value) < 0 ? "is not an address" : NULL;
  case OPTION_PREFIX: return read_prefix(text, o->value);
  }
  return "is of no kind";
}
