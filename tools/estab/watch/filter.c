// SPDX-License-Identifier: BSD-2-Clause
// filter.c - pcap-filter(7), compiled by libpcap.
#include "filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_PROGRAMS 16
#define FILTER_SNAPLEN  262144

struct filter {
  char *expression;
  unsigned count;
  struct {
    uint32_t linktype;
    bool compiled;
    struct bpf_program program;
  } programs[FILTER_PROGRAMS];
};

static bool compile(struct filter *filter, uint32_t linktype, char why[256])
{
  unsigned i = filter->count;
  pcap_t *pcap = pcap_open_dead((int)linktype, FILTER_SNAPLEN);
  if (pcap == NULL) return false;
  filter->programs[i].linktype = linktype;
  filter->programs[i].compiled = pcap_compile(pcap, &filter->programs[i].program,
                                              filter->expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
  if (why != NULL) snprintf(why, 256, "%s", pcap_geterr(pcap));
  pcap_close(pcap);
  filter->count++;
  return filter->programs[i].compiled;
}

struct filter *filter_open(const char *expression, char why[256])
{
  struct filter *filter = calloc(1, sizeof *filter);
  snprintf(why, 256, "no memory");
  if (filter == NULL) return NULL;
  filter->expression = strdup(expression);
  // An expression that means nothing on raw IP may do so on Ethernet ("vlan 5"), and the other way round.
  if (filter->expression != NULL &&
      (compile(filter, DLT_EN10MB, why) || compile(filter, DLT_RAW, why)))
    return filter;
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

bool filter_takes(struct filter *filter, uint32_t linktype, const uint8_t *bytes,
                  size_t captured_bytes, size_t wire_bytes)
{
  unsigned i = 0;
  if (linktype == 101) linktype = DLT_RAW; // LINKTYPE_RAW is numbered apart from DLT_RAW
  while (i < filter->count && filter->programs[i].linktype != linktype)
    i++;
  if (i == filter->count && i < FILTER_PROGRAMS) compile(filter, linktype, NULL);
  if (i == FILTER_PROGRAMS || !filter->programs[i].compiled) return false;
  struct pcap_pkthdr header = {.caplen = (bpf_u_int32)captured_bytes,
                               .len = (bpf_u_int32)wire_bytes};
  return pcap_offline_filter(&filter->programs[i].program, &header, bytes) != 0;
}
