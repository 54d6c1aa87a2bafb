// SPDX-License-Identifier: BSD-2-Clause
// port_host.h - the addresses of both ends of a port.
#ifndef ESTAB_TOOL_PORT_HOST_H
#define ESTAB_TOOL_PORT_HOST_H

#include "port.h"

// Reads --address and --host, or chooses. 0, or the exit status after a complaint.
int port_read_addresses(const char *command, struct port *port);
// Gives the host's end of an interface its addresses, unless it has some, and sets it up.
int port_set_up_host(const char *command, struct port *port);

#endif
