// SPDX-License-Identifier: BSD-2-Clause
// measure.c - runs a program with its output thrown away and says what it cost: CPU time and peak memory.
//
// usage: measure PROGRAM [ARGUMENT...]
// A process of its own because the peak of a child that Python starts is at least Python's. The program runs twice and
// the second run counts: a hypervisor takes back memory that a guest has not used for seconds, and whoever touches it
// next pays for its return, a microsecond a page and more; so does who reads a file first.
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long nanoseconds(struct timeval t)
{
  return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

// One run of argv. Answers its status as wait4() has it, -1 = there is none.
static int run(char **argv, struct rusage *used)
{
  int status;
  const pid_t child = fork();
  if (child < 0) {
    perror("measure: fork");
    return -1;
  }
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0) {
      dup2(nothing, STDIN_FILENO);
      dup2(nothing, STDOUT_FILENO);
    }
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
  }
  if (wait4(child, &status, 0, used) != child) {
    perror("measure: wait4");
    return -1;
  }
  return status;
}

int main(int argc, char **argv)
{
  struct rusage used;
  if (argc < 2) {
    fputs("usage: measure PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  int status = run(argv + 1, &used);
  if (status == 0) status = run(argv + 1, &used);
  if (status == -1) return 1;
  printf("cpu_ns=%lld rss_bytes=%lld\n", nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime),
         used.ru_maxrss * 1024LL);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
