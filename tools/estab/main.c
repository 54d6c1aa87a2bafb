// SPDX-License-Identifier: BSD-2-Clause
// main.c - the estab command: finds the subcommand.
#include "commands.h"
#include "say.h"

#include "estab/estab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
  const char *name, *summary;
  int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
#define COMMAND(name, summary) {#name, summary, cmd_##name},
#ifdef ESTAB_EXTRAS
#define COMMAND_EXTRA(name, summary) COMMAND(name, summary)
#else
#define COMMAND_EXTRA(name, summary)
#endif
#include "commands.def"
#undef COMMAND
#undef COMMAND_EXTRA
    {NULL, NULL, NULL},
};

static void help(void)
{
  puts("usage: estab COMMAND [OPTION...] [ARGUMENT...]\n"
       "TCP in user space: speak it, watch it.\n"
       "\n"
       "Commands:");
  for (const struct command *c = commands; c->name; c++)
    printf("  %-10s %s\n", c->name, c->summary);
  puts("\n"
       "Options:\n"
       "  --help     this text; 'estab COMMAND --help' for a command's\n"
       "  --version  the version\n"
       "\n"
       "Exit status: 0 done, 1 failed, 2 the command line makes no sense.");
}

// Output that could not be written is a failure: "estab --help > /dev/full".
static int finish(int status)
{
  if (fflush(stdout) != 0 || ferror(stdout)) {
    if (!status && !say_to_nobody()) // who failed has said why
      fprintf(stderr, "estab: cannot write to standard output\n");
    return status ? status : EXIT_FAIL;
  }
  return status;
}

// A standard stream that is closed: the next file that is opened must not get its number, and with it what is meant
// for it. Opened the wrong way round, reading and writing fail as they would.
static void keep_standard_streams(void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      _exit(EXIT_FAIL);
}

int main(int argc, char **argv)
{
  keep_standard_streams();
  signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write()
  if (argc < 2) return say_usage("", "a command is needed");
  const char *word = argv[1];
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
    help();
    return finish(0);
  }
  if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
    printf("estab %s\n", estab_version());
    return finish(0);
  }
  for (const struct command *c = commands; c->name; c++)
    if (strcmp(word, c->name) == 0) return finish(c->run(argc - 1, argv + 1));
  if (word[0] == '-') return say_usage("", "unknown option %s", word);
  return say_usage("", "unknown command %s", word);
}
