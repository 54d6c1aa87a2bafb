// SPDX-License-Identifier: BSD-2-Clause
// passes.c - two runs over the same packets.
#include "passes.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

static bool readable_twice(const char *path)
{
  struct stat status;
  return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

int passes_open(struct passes *p, const struct watch_run *run)
{
  bool keeps = false;
  *p = (struct passes){.run = *run, .kept = -1};
  for (unsigned i = 0; i < run->file_count; i++)
    keeps = keeps || !readable_twice(run->files[i]);
  if (keeps && (p->kept = memfd_create("packets", MFD_CLOEXEC)) < 0)
    return say_failure("watch", NULL, "memory for packets: %s", strerror(errno));
  return 0;
}

void passes_close(struct passes *p)
{
  if (p->kept >= 0) close(p->kept);
}

// What was kept takes the place of standard input: of all inputs, in the order in which they were read.
static bool read_kept(struct passes *p)
{
  static const char *const standard_input = "-";
  p->run.files = &standard_input;
  p->run.file_count = 1;
  p->run.filter = NULL; // it took these
  return lseek(p->kept, 0, SEEK_SET) == 0 && dup2(p->kept, STDIN_FILENO) >= 0;
}

int passes_make(struct passes *p, bool segments, outputs_taker *take, void *ctx)
{
  struct outputs_settings outputs = {.take = take, .take_ctx = ctx};
  p->run.settings.segments = segments;
  if (p->count++ == 0) {
    const int own = p->kept >= 0 ? dup(p->kept) : -1;
    if (p->kept >= 0 && (outputs.kept = fdopen(own, "w")) == NULL)
      return say_failure("watch", NULL, "memory for packets: %s", strerror(errno));
    outputs.kept_most = PASSES_KEPT_BYTES;
    const int status = watch_run(&p->run, &outputs, &p->end);
    return p->end.failed ? 0 : status;
  }
  p->run.again = &p->end;
  if (p->kept >= 0 && !read_kept(p))
    return say_failure("watch", NULL, "memory for packets: %s", strerror(errno));
  return watch_run(&p->run, &outputs, NULL);
}
