// SPDX-License-Identifier: BSD-2-Clause
// cookie_file.h - Fast Open cookies of servers in a file, so that the next run of a command knows them.
#ifndef ESTAB_COOKIE_FILE_H
#define ESTAB_COOKIE_FILE_H

#include <estab/estab.h>

// Tells the stack what the file says; a file that is not there says nothing. 0, or an exit status.
int cookie_file_read(const char *command, const char *path, estab_stack *s);
// Writes down what the stack knows of the server of this connection, beside the other lines.
int cookie_file_write(const char *command, const char *path, estab_stack *s,
                      const struct estab_ip *local, const struct estab_ip *remote);

#endif
