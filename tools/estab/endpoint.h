// SPDX-License-Identifier: BSD-2-Clause
// endpoint.h - an address with its port as text: 192.0.2.1:80, [::1]:80.
#ifndef ESTAB_TOOL_ENDPOINT_H
#define ESTAB_TOOL_ENDPOINT_H

#include "estab/base.h"

#define ENDPOINT_TEXT (ESTAB_IP_TEXT_BYTES + 8) // two brackets, a colon, five digits

void endpoint_format(const struct estab_ip *ip, uint16_t port, char text[ENDPOINT_TEXT]);

#endif
