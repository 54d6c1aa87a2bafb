// SPDX-License-Identifier: BSD-2-Clause
// plain_file.h - to take away what was written, and nothing else.
#ifndef ESTAB_TOOL_PLAIN_FILE_H
#define ESTAB_TOOL_PLAIN_FILE_H

// Removes a plain file. A device, a FIFO, a link stays, and that is no failure, nor that there is nothing. 0, or -1 and
// errno.
int plain_file_remove(const char *path);

#endif
