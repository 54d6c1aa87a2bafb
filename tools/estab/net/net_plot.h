// SPDX-License-Identifier: BSD-2-Clause
// net_plot.h - a run as a picture.
#ifndef ESTAB_NET_NET_PLOT_H
#define ESTAB_NET_NET_PLOT_H

#include "net.h"

// Of a run with `sampling`. 0, or -1 and *why.
int net_plot(const struct net *net, const char *path, const char **why);

#endif
