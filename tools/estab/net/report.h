// SPDX-License-Identifier: BSD-2-Clause
// report.h - what came out of a scenario, and whether it is what was expected.
#ifndef ESTAB_NET_REPORT_H
#define ESTAB_NET_REPORT_H

#include "net.h"

// The figure in its own unit (see enum scenario_metric); flow -1 = all.
double report_metric(const struct net *net, enum scenario_metric metric, int flow);
// "ok", "broken" (a stream was not what was written), "failed" (a connection ended by an error that was not
// allowed, or did not end in time), or "missed" (an expectation).
const char *report_verdict(const struct net *net);
void report_text(const struct net *net);
void report_json(const struct net *net);

#endif
