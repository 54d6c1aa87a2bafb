// SPDX-License-Identifier: BSD-2-Clause
// run.h - estab sim FILE: one scenario from its file to its verdict.
#ifndef ESTAB_NET_RUN_H
#define ESTAB_NET_RUN_H

#include <stdbool.h>

struct net_run_options {
  const char *path; // of the scenario, "-" = standard input
  bool json;
  const char *pcap;      // what both ends of a link send, NULL = not wanted
  const char *plot;      // a picture of the run, .svg or .png; NULL = not wanted
  const char *pcap_link; // "A-B", NULL = the first one of the file
  const char *qlog;      // what one host's stack does, NULL = not wanted
  const char *qlog_host; // which, NULL = the one that sends the first flow
};

// Answers the exit status: 0 = the verdict is ok.
int net_run_file(const struct net_run_options *options);

#endif
