// SPDX-License-Identifier: BSD-2-Clause
// service.h - echo (RFC 862), discard (RFC 863) and character generator (RFC 864), for many connections at once.
#ifndef ESTAB_TOOL_SERVICE_H
#define ESTAB_TOOL_SERVICE_H

#include "motor.h"

enum service_kind { SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN, SERVICE_KINDS };

// The kind of that name, or SERVICE_KINDS.
enum service_kind service_kind(const char *name);

// Serves until the user stops it or the device is gone; answers the exit status.
int service_run(struct motor *m, enum service_kind kind, bool verbose);

#endif
