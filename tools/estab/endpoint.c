// SPDX-License-Identifier: BSD-2-Clause
// endpoint.c - an address with its port as text.
#include "endpoint.h"

#include <stdio.h>

void endpoint_format(const struct estab_ip *ip, uint16_t port, char text[ENDPOINT_TEXT])
{
  char address[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(ip, address, sizeof address);
  snprintf(text, ENDPOINT_TEXT, estab_ip_is4(ip) ? "%s:%u" : "[%s]:%u", address, port);
}
