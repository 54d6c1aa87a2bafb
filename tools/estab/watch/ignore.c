// SPDX-License-Identifier: BSD-2-Clause
// ignore.c - alerts that nobody wants to see.
#include "ignore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *prefix_read(const char *text, struct estab_watch_prefix *prefix)
{
  char address[ESTAB_IP_TEXT_BYTES];
  const char *slash = strchr(text, '/');
  size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
  if (n >= sizeof address) return "is not an address";
  memcpy(address, text, n);
  address[n] = '\0';
  if (estab_ip_parse(address, &prefix->ip) < 0) return "is not an address";
  unsigned long family = estab_ip_is4(&prefix->ip) ? 32 : 128, bits = family;
  if (slash != NULL) {
    char *end;
    bits = strtoul(slash + 1, &end, 10);
    if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > family)
      return family == 32 ? "has not 0 to 32 bits" : "has not 0 to 128 bits";
  }
  prefix->bits = (uint8_t)(bits + 128 - family);
  return NULL;
}

bool prefix_holds(const struct estab_watch_prefix *prefix, const struct estab_ip *ip)
{
  unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
  if (memcmp(prefix->ip.bytes, ip->bytes, whole) != 0) return false;
  return rest == 0 || (prefix->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

// A decimal number up to 65535, as a whole; *text goes behind it.
static bool read_port(const char **text, uint16_t *port)
{
  char *end;
  if (**text < '0' || **text > '9') return false;
  const unsigned long number = strtoul(*text, &end, 10);
  *text = end;
  *port = (uint16_t)number;
  return number <= UINT16_MAX;
}

// At least one: a list of none would be no condition, and silence everything.
static const char *read_ports(const char *text, struct ignore *ignore)
{
  for (;;) {
    if (ignore->port_count == IGNORE_PORTS) return "has more than 16 ports";
    uint16_t first, last;
    if (!read_port(&text, &first)) return "is no list of ports from 0 to 65535";
    last = first;
    if (*text == '-' && (text++, !read_port(&text, &last) || last < first))
      return "has a range of ports that is none";
    ignore->ports[ignore->port_count].first = first;
    ignore->ports[ignore->port_count++].last = last;
    if (*text == '\0') return NULL;
    if (*text++ != ',') return "is no list of ports from 0 to 65535";
  }
}

static const char *read_kind(const char *text, struct ignore *ignore)
{
  for (int i = 0; i < ESTAB_WATCH_KINDS; i++)
    if (strcmp(text, estab_watch_kind_name((enum estab_watch_kind)i)) == 0) {
      ignore->kind = i;
      return NULL;
    }
  return "is no kind of alert; see estab-watch(1)";
}

static const char *read_word(const char *word, struct ignore *ignore)
{
  const char *value = strchr(word, '=');
  const size_t n = value != NULL ? (size_t)(value++ - word) : 0;
  const bool src = n == 3 && strncmp(word, "src", n) == 0;
  if (src || (n == 3 && strncmp(word, "dst", n) == 0)) {
    bool *has = src ? &ignore->has_src : &ignore->has_dst;
    if (*has) return "has a word twice, and all must match";
    *has = true;
    return prefix_read(value, src ? &ignore->src : &ignore->dst);
  }
  if (n == 4 && strncmp(word, "port", n) == 0)
    return ignore->port_count > 0 ? "has a word twice: give ports as a list"
                                  : read_ports(value, ignore);
  if (n == 4 && strncmp(word, "kind", n) == 0)
    return ignore->kind >= 0 ? "has a word twice, and all must match" : read_kind(value, ignore);
  return "has a word that is not src=, dst=, port= or kind=";
}

const char *ignore_read(const char *text, struct ignore *ignore)
{
  char copy[256], *rest = copy, *word;
  *ignore = (struct ignore){.kind = -1};
  if (strlen(text) >= sizeof copy) return "is too long";
  strcpy(copy, text);
  bool any = false;
  while ((word = strsep(&rest, " \t")) != NULL) {
    if (*word == '\0') continue;
    any = true;
    const char *why = read_word(word, ignore);
    if (why != NULL) return why;
  }
  return any ? NULL : "is empty";
}

static bool all_within(const struct estab_watch_prefix *prefix, const struct estab_ip *list,
                       uint32_t listed, uint64_t count)
{
  for (uint32_t i = 0; i < listed; i++)
    if (!prefix_holds(prefix, &list[i])) return false;
  return listed > 0 && count == listed; // what is not listed might lie elsewhere
}

bool ignore_matches(const struct ignore *ignore, const struct estab_watch_alert *a)
{
  if (ignore->kind >= 0 && ignore->kind != a->kind) return false;
  if (ignore->has_src && !all_within(&ignore->src, a->src, a->src_listed, a->src_count))
    return false;
  if (ignore->has_dst && !all_within(&ignore->dst, a->dst, a->dst_listed, a->dst_count))
    return false;
  if (ignore->port_count == 0) return true;
  for (uint32_t i = 0; i < a->ports_listed; i++) {
    bool within = false;
    for (unsigned j = 0; j < ignore->port_count; j++)
      within |= a->ports[i] >= ignore->ports[j].first && a->ports[i] <= ignore->ports[j].last;
    if (!within) return false;
  }
  return a->ports_listed > 0 && a->port_count == a->ports_listed;
}
