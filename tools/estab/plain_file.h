// SPDX-License-Identifier: BSD-2-Clause
// plain_file.h - to take away what was written, and to write over nothing that is read.
#ifndef ESTAB_TOOL_PLAIN_FILE_H
#define ESTAB_TOOL_PLAIN_FILE_H

#include <stdbool.h>

// Removes a plain file. A device, a FIFO, a link stays, and that is no failure, nor that there is nothing. 0, or -1 and
// errno.
int plain_file_remove(const char *path);
// Whether both name one plain file that is there.
bool plain_file_same(const char *a, const char *b);

#endif
