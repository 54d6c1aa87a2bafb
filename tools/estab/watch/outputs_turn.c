// SPDX-License-Identifier: BSD-2-Clause
// outputs_turn.c - files that are finished and begun anew while the run goes on.
#include "outputs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "row_csv.h"

// The text of a file. NULL: there is none, or it is standard output.
static struct text *turn_text(struct outputs *o, unsigned file)
{
  const struct outputs_settings *s = &o->settings;
  const char *name = NULL;
  struct text *t = NULL;
  if (file >= OUTPUTS_ZEEK) return o->has_zeek ? &o->zeek.logs[file - OUTPUTS_ZEEK] : NULL;
  if (file == OUTPUTS_JSON && o->has_json) name = s->json, t = &o->json;
  if (file == OUTPUTS_CSV && o->has_csv) name = s->csv, t = &o->csv;
  if (file == OUTPUTS_PACKETS && o->has_packets) name = s->packets, t = &o->keep.text;
  return name == NULL || strcmp(name, "-") == 0 ? NULL : t;
}

// As it was given.
static const char *turn_name(const struct outputs *o, unsigned file)
{
  const struct outputs_settings *s = &o->settings;
  const char *const names[] = {s->json, s->csv, s->packets};
  return file >= OUTPUTS_ZEEK ? s->zeek : names[file];
}

static void turn_path(const struct outputs *o, unsigned file, char path[ROW_ZEEK_PATH])
{
  if (file >= OUTPUTS_ZEEK)
    row_zeek_path(o->zeek.directory, (enum zeek_log)(file - OUTPUTS_ZEEK), path);
  else
    snprintf(path, ROW_ZEEK_PATH, "%s", turn_name(o, file));
}

static void turn_failed(struct text *t)
{
  if (!t->failed) t->sys_errno = errno;
  t->failed = true;
}

static void turn_close(struct text *t)
{
  text_flush(t);
  if (fclose(t->file) != 0) turn_failed(t);
  t->file = NULL;
}

static void turn_open(struct outputs *o, unsigned file, const char *path, struct text *t)
{
  struct stat status;
  FILE *f = fopen(path, rotate_wanted(&o->settings.rotate) ? "w" : "a");
  if (f == NULL) {
    turn_failed(t);
    return;
  }
  text_init(t, f);
  if (file == OUTPUTS_CSV && fstat(fileno(f), &status) == 0 && status.st_size == 0)
    row_csv_heading(t);
}

// A FIFO or a device goes on as it is. What stands where its name was is not ours to rename; on SIGHUP the name may
// also be a link, whose end was moved.
static bool turns(const struct text *t, const char *path, bool rotates)
{
  struct stat status;
  if (t->file == NULL || fstat(fileno(t->file), &status) < 0 || !S_ISREG(status.st_mode))
    return false;
  return !rotates || rotate_turns(path);
}

// Finished and, with `again`, begun anew.
static void turn_one(struct outputs *o, unsigned file, bool again)
{
  char path[ROW_ZEEK_PATH];
  struct text *t = turn_text(o, file);
  if (t == NULL || t->failed) return;
  turn_path(o, file, path);
  bool rotates = rotate_wanted(&o->settings.rotate);
  if (file >= OUTPUTS_ZEEK) o->zeek.append = !rotates;
  if (!turns(t, path, rotates)) return;
  if (file >= OUTPUTS_ZEEK) {
    row_zeek_finish(&o->zeek, (enum zeek_log)(file - OUTPUTS_ZEEK));
  } else {
    if (file == OUTPUTS_PACKETS) keep_tail(&o->keep, o->now_ns, !again);
    turn_close(t);
  }
  if (!t->failed && rotates && rotate_rename(path, o->begun_ns[file]) < 0 && errno != ENOENT)
    turn_failed(t); // ENOENT: somebody has taken it away
  o->begun_ns[file] = o->now_ns;
  if (again && !t->failed && file < OUTPUTS_ZEEK) turn_open(o, file, path, t);
}

void outputs_turn(struct outputs *o)
{
  for (unsigned file = 0; file < OUTPUTS_FILES; file++)
    turn_one(o, file, true);
}

void outputs_rotate(struct outputs *o, uint64_t now_ns)
{
  struct rotate *r = &o->settings.rotate;
  bool first = o->now_ns == 0;
  o->now_ns = now_ns;
  if (first)
    for (unsigned file = 0; file < OUTPUTS_FILES; file++)
      o->begun_ns[file] = now_ns;
  if (rotate_due(r, now_ns)) outputs_turn(o);
  outputs_grown(o);
}

void outputs_grown(struct outputs *o)
{
  const struct rotate *r = &o->settings.rotate;
  if (r->bytes == 0) return;
  for (unsigned file = 0; file < OUTPUTS_FILES; file++) {
    const struct text *t = turn_text(o, file);
    if (t != NULL && t->file != NULL && t->written + t->used >= r->bytes) turn_one(o, file, true);
  }
}

int outputs_leftovers(const struct outputs_settings *settings, const char **what)
{
  const char *const files[] = {settings->json, settings->csv, settings->packets};
  if (!rotate_wanted(&settings->rotate)) return 0;
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
    *what = files[i];
    if (files[i] != NULL && strcmp(files[i], "-") != 0 && rotate_leftover(files[i]) < 0) return -1;
  }
  *what = settings->zeek;
  for (unsigned i = 0; settings->zeek != NULL && i < ZEEK_LOGS; i++) {
    char path[ROW_ZEEK_PATH];
    row_zeek_path(settings->zeek, (enum zeek_log)i, path);
    if (rotate_leftover(path) < 0) return -1;
  }
  return 0;
}

int outputs_turn_last(struct outputs *o, const char **what)
{
  for (unsigned file = 0; file < OUTPUTS_FILES; file++) {
    struct text *t = turn_text(o, file);
    if (t == NULL) continue;
    turn_one(o, file, false);
    if (!t->failed) continue;
    *what = turn_name(o, file);
    errno = t->sys_errno;
    return -1;
  }
  return 0;
}

bool outputs_failed(struct outputs *o, const char **what)
{
  for (unsigned file = 0; file < OUTPUTS_FILES; file++) {
    const struct text *t = turn_text(o, file);
    if (t == NULL || !t->failed) continue;
    *what = turn_name(o, file);
    errno = t->sys_errno;
    return true;
  }
  return false;
}
