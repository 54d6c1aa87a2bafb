// SPDX-License-Identifier: BSD-2-Clause
// referee_shell.c - shell commands of a script, which packetdrill runs on the host: shims in its PATH write
// "name<tab>argument<tab>..." into FOLDER/ask and print what FOLDER/answer says.
#include "referee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELL_WORDS 32

static void shell_knob(char *word, const char *prefix)
{
  struct run *run = &referee.run;
  char *equals = strchr(word, '='), name[160];
  if (equals == NULL) return;
  snprintf(name, sizeof name, "%s%.*s", prefix, (int)(equals - word), word);
  for (char *c = name; *c != '\0'; c++)
    if (*c == '/') *c = '.';
  if (knob_set(run, name, equals + 1) > 0 && run->host.stack != NULL)
    estab_stack_set_settings(run->host.stack, &run->host.settings);
}

// One line for each connection, as sockstat -s has them at its end: the state.
static void shell_sockstat(FILE *answer)
{
  static const char *const names[ESTAB_STATES] = {
      "CLOSED",     "LISTEN",     "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1",
      "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",  "LAST_ACK", "TIME_WAIT"};
  struct host *host = &referee.run.host;
  for (int s = 0; s < ESTAB_STATES && host->stack != NULL; s++)
    for (uint32_t i = estab_state_count(host->stack, (enum estab_state)s); i > 0; i--)
      fprintf(answer, "root packetdril 1 3 tcp *:8080 *:* %s\n", names[s]);
}

static void shell_command(char **words, unsigned count, FILE *answer)
{
  if (strcmp(words[0], "sysctl") == 0) {
    for (unsigned i = 1; i < count; i++)
      shell_knob(words[i], "");
  } else if (strcmp(words[0], "set_sysctls.py") == 0) {
    static const char proc[] = "/proc/sys/";
    for (unsigned i = 1; i < count; i++)
      if (strncmp(words[i], proc, sizeof proc - 1) == 0) shell_knob(words[i] + sizeof proc - 1, "");
  } else if (strcmp(words[0], "sockstat") == 0) {
    shell_sockstat(answer);
  } else if (strcmp(words[0], "ip") == 0) {
    for (unsigned i = 1; i + 1 < count; i++)
      if (strcmp(words[i], "mtu") == 0) {
        struct host *host = &referee.run.host;
        host->mtu = (uint16_t)strtoul(words[i + 1], NULL, 10);
        if (host->stack != NULL) estab_netif_set_mtu(host->stack, host->netif, host->mtu);
      }
  }
}

static void *shell_serve(void *unused)
{
  (void)unused;
  char path[256], line[2048];
  for (;;) {
    snprintf(path, sizeof path, "%s/ask", referee.folder);
    FILE *ask = fopen(path, "r");
    if (ask == NULL) return NULL;
    bool asked = fgets(line, sizeof line, ask) != NULL;
    fclose(ask);
    if (!asked) continue;
    char *words[SHELL_WORDS], *rest = line;
    unsigned count = 0;
    while (rest != NULL && count < SHELL_WORDS) {
      char *word = strsep(&rest, "\t\n");
      if (*word != '\0') words[count++] = word;
    }
    snprintf(path, sizeof path, "%s/answer", referee.folder);
    FILE *answer = fopen(path, "w");
    if (answer == NULL) return NULL;
    referee_lock();
    if (count > 0) shell_command(words, count, answer);
    if (referee.run.host.stack != NULL) host_pump(&referee.run.host);
    referee_unlock();
    fclose(answer);
  }
}

void referee_shell_start(void)
{
  pthread_t thread;
  if (pthread_create(&thread, NULL, shell_serve, NULL) == 0) pthread_detach(thread);
}
