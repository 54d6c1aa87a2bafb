// SPDX-License-Identifier: BSD-2-Clause
// http_response.h - what a request is answered with.
#ifndef ESTAB_TOOL_HTTP_RESPONSE_H
#define ESTAB_TOOL_HTTP_RESPONSE_H

#include "http_conn.h"

// Fills the response's part of c for the request that was read; status 0 = find out, else that error.
void http_respond(struct http_conn *c, int status);

#endif
