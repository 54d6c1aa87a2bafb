// SPDX-License-Identifier: BSD-2-Clause
// pcap_loop.c - the bare libpcap read loop that the observer is measured by: counts packets and bytes, no more.
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

struct counts {
  uint64_t packets, bytes;
};

static void count(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *bytes)
{
  struct counts *counts = (struct counts *)user;
  (void)bytes;
  counts->packets++;
  counts->bytes += header->caplen;
}

int main(int argc, char **argv)
{
  char error[PCAP_ERRBUF_SIZE];
  struct counts counts = {0, 0};
  if (argc != 2) {
    fputs("usage: pcap-loop FILE\n", stderr);
    return 2;
  }
  pcap_t *pcap = pcap_open_offline(argv[1], error);
  if (pcap == NULL) {
    fprintf(stderr, "pcap-loop: %s\n", error);
    return 1;
  }
  const int answer = pcap_loop(pcap, -1, count, (unsigned char *)&counts);
  if (answer < 0) pcap_perror(pcap, "pcap-loop");
  printf("packets=%" PRIu64 " bytes=%" PRIu64 "\n", counts.packets, counts.bytes);
  pcap_close(pcap);
  return answer < 0;
}
