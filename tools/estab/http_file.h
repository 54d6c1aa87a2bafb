// SPDX-License-Identifier: BSD-2-Clause
// http_file.h - what a request path names: a file below the served folder, or a listing.
#ifndef ESTAB_TOOL_HTTP_FILE_H
#define ESTAB_TOOL_HTTP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HTTP_PATH_BYTES 4096

// Where files come from: a folder, or one file that answers to every path.
struct http_root {
  int folder; // descriptor of the folder, -1 = none
  int file;   // descriptor of the one file, -1 = none
};

struct http_file {
  int fd;     // of the file, to be closed by the caller; -1 = see text
  char *text; // a listing, to be freed by the caller; NULL = see fd
  uint64_t bytes;
  time_t modified;
  const char *type; // media type
  bool redirect;    // a folder asked for without its last '/'
};

// `path` as it stands in the request, up to '?' and percent-encoded. Answers 200, 301 (redirect), 400, 403, 404 or 503.
int http_file_open(const struct http_root *root, const char *path, struct http_file *out);

// Decodes percent-encoding in place; false: it is malformed, or names a NUL.
bool http_decode(char *path);

#endif
