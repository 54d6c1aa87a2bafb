// SPDX-License-Identifier: BSD-2-Clause
// rotate.c - when files are finished, and their names then.
#include "rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS    UINT64_C(1000000000)
#define ROTATE_NAMES 10000 // files of one name and second
#define ROTATE_PATH  4352

const char *rotate_read(struct rotate *r, const char *text)
{
  static const struct {
    char unit;
    bool time;
    uint64_t factor, min;
  } units[] = {{'s', true, SECOND_NS, 1},        {'m', true, 60 * SECOND_NS, 1},
               {'h', true, 3600 * SECOND_NS, 1}, {'d', true, 86400 * SECOND_NS, 1},
               {'K', false, 1u << 10, 4},        {'M', false, 1u << 20, 1},
               {'G', false, 1u << 30, 1}};
  uint64_t number = 0;
  bool large = false;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++)
    large |= __builtin_mul_overflow(number, 10, &number) ||
             __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number);
  for (size_t i = 0; p > text && i < sizeof units / sizeof *units; i++) {
    if (*p != units[i].unit || p[1] != '\0') continue;
    if (!large && number < units[i].min) return "is too small";
    if (large || __builtin_mul_overflow(number, units[i].factor, &number)) return "is too large";
    uint64_t *const field = units[i].time ? &r->every_ns : &r->bytes;
    if (*field != 0) return units[i].time ? "is a second time" : "is a second size";
    *field = number;
    return NULL;
  }
  return "is neither a time (30s, 10m, 1h, 1d) nor a size (64K, 100M, 1G)";
}

bool rotate_due(struct rotate *r, uint64_t now_ns)
{
  if (r->every_ns == 0 || now_ns < r->next_ns) return false;
  bool first = r->next_ns == 0;
  if (__builtin_mul_overflow(now_ns / r->every_ns + 1, r->every_ns, &r->next_ns))
    r->next_ns = UINT64_MAX;
  return !first;
}

bool rotate_name(char *out, size_t room, const char *path, uint64_t begun_ns, unsigned again)
{
  const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
  const char *dot = strrchr(base, '.');
  if (dot == NULL || dot == base) dot = base + strlen(base);
  char date[32] = "19700101T000000Z", number[16] = "";
  time_t seconds = (time_t)(begun_ns / 1000000000);
  struct tm tm;
  if (gmtime_r(&seconds, &tm) != NULL) strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
  if (again > 0) snprintf(number, sizeof number, "_%u", again + 1);
  int n = snprintf(out, room, "%.*s-%s%s%s", (int)(dot - path), path, date, number, dot);
  return n > 0 && (size_t)n < room;
}

// Never over another file.
static int rename_aside(const char *from, const char *to)
{
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (access(to, F_OK) == 0) {
    errno = EEXIST;
    return -1;
  }
  return rename(from, to);
}

static int rename_dated(const char *path, uint64_t begun_ns, const char *suffix)
{
  char name[ROTATE_PATH];
  for (unsigned again = 0; again < ROTATE_NAMES; again++) {
    if (!rotate_name(name, sizeof name - strlen(suffix), path, begun_ns, again)) {
      errno = ENAMETOOLONG;
      return -1;
    }
    strcat(name, suffix);
    if (rename_aside(path, name) == 0) return 0;
    if (errno != EEXIST) return -1;
  }
  return -1;
}

int rotate_rename(const char *path, uint64_t begun_ns)
{
  return rename_dated(path, begun_ns, "");
}

bool rotate_turns(const char *path)
{
  struct stat status;
  return lstat(path, &status) < 0 || S_ISREG(status.st_mode);
}

int rotate_leftover(const char *path)
{
  struct stat status;
  if (lstat(path, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return 0;
  return rename_dated(path, (uint64_t)status.st_mtime * 1000000000, ".part");
}
