// SPDX-License-Identifier: BSD-2-Clause
// filter.c - pcap-filter(7), compiled by libpcap.
#include "filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/watch.h"

#define FILTER_PROGRAMS 16
#define FILTER_SNAPLEN  262144

struct filter_program {
  uint32_t linktype;
  bool compiled;
  bool told; // that it is not
  struct bpf_program program;
  char why[256];
};

struct filter {
  char *expression;
  unsigned count;
  struct filter_program programs[FILTER_PROGRAMS + 1]; // the last one: of all the link types beyond
};

static bool compile(struct filter *filter, uint32_t linktype)
{
  struct filter_program *const p = &filter->programs[filter->count];
  pcap_t *pcap = pcap_open_dead((int)linktype, FILTER_SNAPLEN);
  snprintf(p->why, sizeof p->why, "no memory");
  if (pcap == NULL) return false;
  p->linktype = linktype;
  p->compiled = pcap_compile(pcap, &p->program, filter->expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
  snprintf(p->why, sizeof p->why, "%s", pcap_geterr(pcap));
  for (char *c = p->why; *c != '\0'; c++)
    if (*c == '\n') *c = ' ';
  pcap_close(pcap);
  filter->count++;
  return p->compiled;
}

struct filter *filter_open(const char *expression, char why[256])
{
  struct filter *filter = calloc(1, sizeof *filter);
  snprintf(why, 256, "no memory");
  if (filter == NULL) return NULL;
  snprintf(filter->programs[FILTER_PROGRAMS].why, sizeof filter->programs->why,
           "these are more than %d of them", FILTER_PROGRAMS);
  filter->expression = strdup(expression);
  // An expression that means nothing on raw IP may do so on Ethernet ("vlan 5"), and the other way round.
  if (filter->expression != NULL && (compile(filter, DLT_EN10MB) || compile(filter, DLT_RAW)))
    return filter;
  if (filter->count > 0) memcpy(why, filter->programs[filter->count - 1].why, 256);
  filter_close(filter);
  return NULL;
}

void filter_close(struct filter *filter)
{
  if (filter == NULL) return;
  for (unsigned i = 0; i < filter->count; i++)
    if (filter->programs[i].compiled) pcap_freecode(&filter->programs[i].program);
  free(filter->expression);
  free(filter);
}

static struct filter_program *program_of(struct filter *filter, uint32_t linktype)
{
  unsigned i = 0;
  // Raw IP has three numbers in files, and one here.
  if (linktype == ESTAB_LINKTYPE_RAW || linktype == ESTAB_LINKTYPE_RAW_OPENBSD) linktype = DLT_RAW;
  while (i < filter->count && filter->programs[i].linktype != linktype)
    i++;
  if (i == filter->count && i < FILTER_PROGRAMS) compile(filter, linktype);
  return &filter->programs[i];
}

int filter_takes(struct filter *filter, const struct estab_capture_packet *packet)
{
  struct filter_program *const p = program_of(filter, packet->linktype);
  if (!p->compiled) {
    const bool first = !p->told;
    p->told = true;
    return first ? -1 : 0;
  }
  struct pcap_pkthdr header = {.caplen = packet->captured_bytes, .len = packet->wire_bytes};
  return pcap_offline_filter(&p->program, &header, packet->bytes) != 0;
}

void filter_why(struct filter *filter, uint32_t linktype, char *out, size_t room)
{
  snprintf(out, room, "--filter '%s' cannot be asked of link type %u: %s", filter->expression,
           (unsigned)linktype, program_of(filter, linktype)->why);
}
