// SPDX-License-Identifier: BSD-2-Clause
// inproc.c - one program, two stacks: runs a job in one of them and prints what it took as key=value.

#include "inproc.h"
#include "pattern.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define HUGE_BYTES ((uintptr_t)2 << 20) // of a page
#define HEAP_BYTES (256 << 20)          // untouched it costs nothing

static const char usage[] = "usage: inproc lwip|estab WORK COUNT [open=N] [ipv6] [lend] [copyout]\n"
                            "WORK: bulk conn exchange idle half timewait\n";

static const char *const work_names[] = {
    [WORK_BULK] = "bulk", [WORK_CONN] = "conn", [WORK_EXCHANGE] = "exchange",
    [WORK_IDLE] = "idle", [WORK_HALF] = "half", [WORK_TIMEWAIT] = "timewait",
};

uint64_t cpu_now_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void fail(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  fputs("inproc: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void *must_alloc(size_t bytes)
{
  void *p = calloc(1, bytes);
  if (!p) fail("no memory for %zu bytes", bytes);
  return p;
}

// What is whole huge pages of it may become some.
static void advise(const void *begin, const void *end)
{
  const uintptr_t from = ((uintptr_t)begin + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
  const uintptr_t to = (uintptr_t)end & ~(HUGE_BYTES - 1);
  if (from < to) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

// The memory of both stacks stands as that of a program with thousands of connections should: malloc's heap, which is
// made large at once, and the static arrays that hold lwIP's pools.
static void use_huge_pages(void)
{
  extern const char __bss_start[], _end[];
  advise(__bss_start, _end);
  (void)mallopt(M_TOP_PAD, HEAP_BYTES);
  void *first = malloc(1);
  advise(first, sbrk(0));
  free(first);
}

static void job_parse(struct job *job, char **words)
{
  int work = -1;
  for (int i = 0; i < (int)(sizeof work_names / sizeof *work_names); i++)
    if (strcmp(words[0], work_names[i]) == 0) work = i;
  if (work < 0 || !words[1]) fail("what is '%s'?\n%s", words[0], usage);
  job->work = (enum work)work;
  job->count = strtoull(words[1], NULL, 10);
  for (char **word = words + 2; *word; word++) {
    if (strncmp(*word, "open=", 5) == 0)
      job->open = (uint32_t)strtoul(*word + 5, NULL, 10);
    else if (strcmp(*word, "ipv6") == 0)
      job->ipv6 = true;
    else if (strcmp(*word, "lend") == 0)
      job->lend = true;
    else if (strcmp(*word, "copyout") == 0)
      job->copy_out = true;
    else
      fail("what is '%s'?\n%s", *word, usage);
  }
  if (job->count == 0 || job->open == 0) fail("COUNT and open= must be at least 1");
}

int main(int argc, char **argv)
{
  use_huge_pages();
  struct job job = {.open = 1};
  struct result result = {0};
  if (argc < 4) {
    fputs(usage, stderr);
    return 2;
  }
  job_parse(&job, argv + 2);
  pattern_init();
  if (strcmp(argv[1], "lwip") == 0)
    lwip_run(&job, &result);
  else if (strcmp(argv[1], "estab") == 0)
    estab_run(&job, &result);
  else
    fail("no stack is called '%s'\n%s", argv[1], usage);
  printf("stack=%s work=%s operations=%" PRIu64 " cpu_ns=%" PRIu64 " packets=%" PRIu64
         " client_bytes=%" PRIu64 " server_bytes=%" PRIu64 "\n",
         argv[1], argv[2], result.operations, result.cpu_ns, result.packets, result.client_bytes,
         result.server_bytes);
  return 0;
}
