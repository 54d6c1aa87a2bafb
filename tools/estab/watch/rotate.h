// SPDX-License-Identifier: BSD-2-Clause
// rotate.h - files that are finished and begun anew, by time or size, and what the finished ones are called.
//
// The file being written has the name that was given. When it is complete and closed it is renamed: the UTC time
// at which it was begun goes before the extension, rows.json -> rows-20261126T050000Z.json.
#ifndef ESTAB_TOOL_WATCH_ROTATE_H
#define ESTAB_TOOL_WATCH_ROTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rotate {
  uint64_t every_ns; // at multiples of it since 1970; 0 = not by time
  uint64_t bytes;    // of a file, or a little more; 0 = not by size
  uint64_t next_ns;  // the next time; 0 = not known yet
};

// "1h", "10m", "30s", "1d", or "64K", "100M", "1G". NULL, or what is wrong.
const char *rotate_read(struct rotate *r, const char *text);
static inline bool rotate_wanted(const struct rotate *r)
{
  return r->every_ns != 0 || r->bytes != 0;
}
// Whether packet time has come to another interval.
bool rotate_due(struct rotate *r, uint64_t now_ns);

// The name of a finished file; `again` > 0: the so manieth of that name. false: too long.
bool rotate_name(char *out, size_t room, const char *path, uint64_t begun_ns, unsigned again);
// Gives a finished file its name. 0, or -1 and errno.
int rotate_rename(const char *path, uint64_t begun_ns);
// A file that a run which was killed has left is no complete one: it is put aside with ".part" at its end.
int rotate_leftover(const char *path);
// Whether it is, or will be, a file that can be finished under another name: no FIFO, device or link.
bool rotate_turns(const char *path);

#endif
