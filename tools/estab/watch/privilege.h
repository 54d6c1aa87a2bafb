// SPDX-License-Identifier: BSD-2-Clause
// privilege.h - another user, and no capabilities, once the interfaces are open.
#ifndef ESTAB_TOOL_WATCH_PRIVILEGE_H
#define ESTAB_TOOL_WATCH_PRIVILEGE_H

#include <stdbool.h>

// Whether there is such a user; asked before anything is opened.
bool privilege_user(const char *name);
// Becomes that user for good, with its groups and without capabilities, and looks whether it is so. name NULL: who is
// not root gives up its capabilities, and nothing else happens. NULL, or what went wrong; errno says why.
const char *privilege_drop(const char *name);

#endif
