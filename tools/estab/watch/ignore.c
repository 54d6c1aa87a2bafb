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

static const char *read_ports(const char *text, struct ignore *ignore)
{
  while (*text != '\0') {
    char *end;
    unsigned long first = strtoul(text, &end, 10), last = first;
    if (end == text || ignore->port_count == IGNORE_PORTS) return "is no list of at most 16 ports";
    if (*end == '-') {
      const char *from = end + 1;
      last = strtoul(from, &end, 10);
      if (end == from) return "is no range of ports";
    }
    if (last > 65535 || last < first || (*end != '\0' && *end != ','))
      return "is no list of ports from 0 to 65535";
    ignore->ports[ignore->port_count].first = (uint16_t)first;
    ignore->ports[ignore->port_count++].last = (uint16_t)last;
    text = *end == ',' ? end + 1 : end;
  }
  return NULL;
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

const char *ignore_read(const char *text, struct ignore *ignore)
{
  char copy[256], *rest = copy, *word;
  *ignore = (struct ignore){.kind = -1};
  if (strlen(text) >= sizeof copy) return "is too long";
  strcpy(copy, text);
  bool any = false;
  while ((word = strsep(&rest, " \t")) != NULL) {
    const char *why = NULL;
    if (*word == '\0') continue;
    any = true;
    if (strncmp(word, "src=", 4) == 0) {
      why = prefix_read(word + 4, &ignore->src);
      ignore->has_src = true;
    } else if (strncmp(word, "dst=", 4) == 0) {
      why = prefix_read(word + 4, &ignore->dst);
      ignore->has_dst = true;
    } else if (strncmp(word, "port=", 5) == 0) {
      why = read_ports(word + 5, ignore);
    } else if (strncmp(word, "kind=", 5) == 0) {
      why = read_kind(word + 5, ignore);
    } else {
      why = "has a word that is not src=, dst=, port= or kind=";
    }
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
