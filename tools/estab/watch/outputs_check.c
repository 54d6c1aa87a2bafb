// SPDX-License-Identifier: BSD-2-Clause
// outputs_check.c - before anything is opened: no output goes where another one goes, over what is read, or over a
// capture that was meant to be read.
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "estab/capture.h"
#include "input.h"
#include "outputs.h"
#include "say.h"

struct target {
  const char *option, *path; // as they were given
  char place[PATH_MAX];      // the same for every name of the file, also if there is none yet
  struct stat status;
  bool exists;
  bool keeps; // is meant to be a capture
};

#define TARGETS (7 + ZEEK_LOGS)

struct targets {
  struct target list[TARGETS];
  unsigned count;
};

// A file that is not there yet is known by its folder and its name.
static void find_place(const char *path, char place[PATH_MAX])
{
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
  if (realpath(path, place) != NULL) return;
  place[0] = '\0';
  if (strlen(path) >= sizeof folder) return;
  memcpy(folder, path, (size_t)(name - path));
  folder[name - path] = '\0';
  if (realpath(slash != NULL ? folder : ".", place) == NULL) place[0] = '\0';
  const size_t n = strlen(place);
  snprintf(place + n, PATH_MAX - n, "/%s", n > 0 ? name : path);
}

static void add(struct targets *t, const char *option, const char *path)
{
  if (path == NULL) return;
  struct target *to = &t->list[t->count++];
  const bool standard = strcmp(path, "-") == 0;
  *to = (struct target){.option = option, .path = path};
  to->keeps = strcmp(option, "--write") == 0;
  to->exists = (standard ? fstat(STDOUT_FILENO, &to->status) : stat(path, &to->status)) == 0;
  if (standard)
    strcpy(to->place, "-");
  else
    find_place(path, to->place);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

// What all may write to at once, as nobody reads it.
static bool is_nothing(const struct target *t)
{
  return t->exists && S_ISCHR(t->status.st_mode) && t->status.st_rdev == makedev(1, 3);
}

static bool same_target(const struct target *a, const struct target *b)
{
  if (strcmp(a->place, b->place) == 0) return !is_nothing(a) || strcmp(a->path, "-") == 0;
  return a->exists && b->exists && same_file(&a->status, &b->status) && !is_nothing(a);
}

static bool is_read(const struct target *t, const char *input)
{
  struct stat status;
  const int answer = strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &status) : stat(input, &status);
  return answer == 0 && S_ISREG(status.st_mode) && t->exists && same_file(&t->status, &status);
}

// A file that begins as one, packed or not, or of a kind that is not read here.
static bool is_capture(const struct target *t)
{
  uint8_t first[4];
  bool found = false;
  estab_capture *capture;
  struct estab_capture_error error;
  if (!t->exists || !S_ISREG(t->status.st_mode) || strcmp(t->path, "-") == 0) return false;
  struct input in = {0};
  struct input_file file = {.in = &in, .path = t->path, .fd = open(t->path, O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return false;
  if (read(file.fd, first, sizeof first) == sizeof first) {
    struct unpacker *pack = unpack_open(&file, first, sizeof first);
    if (pack != NULL) {
      struct estab_capture_source source = unpack_source(pack);
      const int answer = estab_capture_open(&source, &capture, &error);
      if (answer == 0) estab_capture_close(capture);
      found = answer == 0 || answer == ESTAB_ERR_UNSUPPORTED;
      unpack_close(pack);
    }
  }
  close(file.fd);
  return found;
}

static const char *shown(const struct target *t)
{
  return strcmp(t->path, "-") == 0 ? "standard output" : t->path;
}

static int check(const struct targets *t, const char *const *inputs, unsigned input_count)
{
  for (unsigned i = 0; i < t->count; i++) {
    const struct target *a = &t->list[i];
    for (unsigned k = 0; k < i; k++)
      if (same_target(&t->list[k], a))
        return say_usage("watch", "%s and %s would both write to %s", t->list[k].option, a->option,
                         shown(a));
    for (unsigned k = 0; k < input_count; k++)
      if (is_read(a, inputs[k]))
        return say_usage("watch", "%s: %s would be written over, and it is to be read", a->option,
                         shown(a));
    if (!a->keeps && is_capture(a))
      return say_usage("watch", "%s: %s holds a capture that would be written over", a->option,
                       shown(a));
  }
  return 0;
}

// Some file is there that --rotate can finish.
static bool turns_any(const struct outputs_settings *s, char logs[ZEEK_LOGS][ROW_ZEEK_PATH])
{
  const char *const files[] = {s->json, s->csv, s->packets};
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
    if (files[i] != NULL && strcmp(files[i], "-") != 0 && rotate_turns(files[i])) return true;
  for (unsigned i = 0; s->zeek != NULL && i < ZEEK_LOGS; i++)
    if (rotate_turns(logs[i])) return true;
  return false;
}

bool outputs_wants_table(const struct outputs_settings *s)
{
  return !s->json && !s->csv && !s->zeek && !s->html && !s->explain && !s->take &&
         !(s->packets != NULL && strcmp(s->packets, "-") == 0);
}

int outputs_check(const struct outputs_settings *s, const char *ladder, const char *picture,
                  const char *const *inputs, unsigned input_count)
{
  static struct targets targets;
  static char logs[ZEEK_LOGS][ROW_ZEEK_PATH];
  const bool table = picture == NULL && outputs_wants_table(s);
  targets.count = 0;
  add(&targets, "--json", s->json);
  add(&targets, "--csv", s->csv);
  add(&targets, "--html", s->html);
  add(&targets, "--explain", s->explain != NULL ? "-" : NULL);
  if (ladder != NULL || table) add(&targets, ladder ? "--ladder" : "the table", "-");
  add(&targets, "--write", s->packets);
  add(&targets, "--picture", picture);
  for (unsigned i = 0; s->zeek != NULL && i < ZEEK_LOGS; i++) {
    row_zeek_path(s->zeek, (enum zeek_log)i, logs[i]);
    add(&targets, "--zeek", logs[i]);
  }
  if (rotate_wanted(&s->rotate) && !turns_any(s, logs))
    return say_usage("watch",
                     "--rotate: nothing is written to a file that could be finished; name one by "
                     "--json=FILE, --csv=FILE, --zeek or -w");
  if (s->stats && !table)
    return say_usage("watch",
                     "--stats: there is no table that it could end; --json has all counters");
  return check(&targets, inputs, input_count);
}
