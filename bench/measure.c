// SPDX-License-Identifier: BSD-2-Clause
// measure.c - runs a program with its output thrown away and says what it cost: CPU time and peak memory.
//
// usage: measure PROGRAM [ARGUMENT...]
// A process of its own because the peak of a child that Python starts is at least Python's.
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long nanoseconds(struct timeval t)
{
  return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

int main(int argc, char **argv)
{
  int status;
  struct rusage used;
  if (argc < 2) {
    fputs("usage: measure PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  const pid_t child = fork();
  if (child < 0) {
    perror("measure: fork");
    return 1;
  }
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0) {
      dup2(nothing, STDIN_FILENO);
      dup2(nothing, STDOUT_FILENO);
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  if (wait4(child, &status, 0, &used) != child) {
    perror("measure: wait4");
    return 1;
  }
  printf("cpu_ns=%lld rss_bytes=%lld\n", nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime),
         used.ru_maxrss * 1024LL);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
