// SPDX-License-Identifier: BSD-2-Clause
// command.c - shell lines of a script, understood rather than run: knobs, questions, host set-up.
#include "run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_WORDS 32

// Splits a line in place; quotes keep blanks together.
static unsigned command_split(char *line, char **words)
{
  unsigned count = 0;
  for (char *c = line; *c != '\0' && count < COMMAND_WORDS;) {
    while (isspace((unsigned char)*c))
      c++;
    if (*c == '\0') break;
    char *to = c;
    words[count++] = to;
    bool quoted = false;
    for (; *c != '\0' && (quoted || !isspace((unsigned char)*c)); c++) {
      if (*c == '"') {
        quoted = !quoted;
      } else {
        *to++ = *c;
      }
    }
    if (*c != '\0') c++;
    *to = '\0';
  }
  return count;
}

static void command_knob(struct run *run, char *word, const char *prefix)
{
  char *equals = strchr(word, '='), name[128];
  if (equals == NULL) return; // a question: nobody waits for the answer
  snprintf(name, sizeof name, "%s%.*s", prefix, (int)(equals - word), word);
  if (!run->profile_given && strncmp(name, "net.inet.", 9) == 0) knobs_profile(run, "freebsd");
  int changed = knob_set(run, name, equals + 1);
  if (changed < 0) run_stop(run, VERDICT_UNSUPPORTED, "no setting answers to %s", name);
  if (changed > 0 && run->host.stack != NULL) {
    int error = estab_stack_set_settings(run->host.stack, &run->host.settings);
    if (error < 0) run_stop(run, VERDICT_ERROR, "%s: %s", name, estab_strerror(error));
  }
}

// sockstat ... | grep -c STATE | grep N: how many sockets are in STATE?
static void command_sockstat(struct run *run, char *const *words, unsigned count)
{
  static const char *const names[ESTAB_STATES] = {
      "CLOSED",     "LISTEN",     "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1",
      "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",  "LAST_ACK", "TIME_WAIT"};
  int state = -1;
  long want = -1;
  for (unsigned i = 1; i + 1 < count; i++) {
    if (strcmp(words[i], "-c") == 0)
      for (int s = 0; s < ESTAB_STATES; s++)
        if (strcmp(words[i + 1], names[s]) == 0) state = s;
    if (strcmp(words[i], "grep") == 0 && isdigit((unsigned char)words[i + 1][0]))
      want = strtol(words[i + 1], NULL, 10);
  }
  if (state < 0 || want < 0) {
    run_stop(run, VERDICT_UNSUPPORTED, "this question to sockstat");
    return;
  }
  if (!run_need_stack(run)) return;
  uint32_t got = estab_state_count(run->host.stack, (enum estab_state)state);
  if (got == (uint32_t)want) return;
  snprintf(run->expected, sizeof run->expected, "%ld in %s", want, names[state]);
  snprintf(run->got, sizeof run->got, "%u", got);
  run_stop(run, VERDICT_FAIL, "another number of connections in %s",
           estab_state_name((enum estab_state)state));
}

static bool command_ends(const char *word, const char *end)
{
  size_t n = strlen(word), m = strlen(end);
  return n >= m && strcmp(word + n - m, end) == 0;
}

// ip link set dev tun0 mtu N, ip tcp_metrics flush: the rest of ip is not for one host alone.
static void command_ip(struct run *run, char *const *words, unsigned count)
{
  for (unsigned i = 0; i + 1 < count; i++) {
    if (strcmp(words[i], "tcp_metrics") == 0) return; // none are kept
    if (strcmp(words[i], "mtu") == 0) {
      run->host.mtu = (uint16_t)strtoul(words[i + 1], NULL, 10);
      if (run->host.stack != NULL)
        estab_netif_set_mtu(run->host.stack, run->host.netif, run->host.mtu);
      return;
    }
  }
  run_stop(run, VERDICT_UNSUPPORTED, "this ip command");
}

// A file under /proc/sys is a sysctl by another name.
static void command_proc(struct run *run, const char *path, const char *value)
{
  static const char proc[] = "/proc/sys/";
  char word[160];
  if (strncmp(path, proc, sizeof proc - 1) != 0) {
    run_stop(run, VERDICT_UNSUPPORTED, "the file %s", path);
    return;
  }
  int n = snprintf(word, sizeof word, "%s=%s", path + sizeof proc - 1, value);
  if (n < 0 || (size_t)n >= sizeof word) return;
  for (char *c = word; *c != '=' && *c != '\0'; c++)
    if (*c == '/') *c = '.';
  command_knob(run, word, "");
}

// Shell words end a command's own: what is done when it fails, or with what it prints, is not needed.
static unsigned command_own_words(char *const *words, unsigned count)
{
  static const char *const ends[] = {"||", "&>", "2>", "2>/dev/null", ">/dev/null"};
  for (unsigned i = 0; i < count; i++) {
    if (words[i][0] == '#') return i;
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++)
      if (strcmp(words[i], ends[e]) == 0) return i;
  }
  return count;
}

// Commands that change nothing a stack can see.
static bool command_idle(const char *name)
{
  static const char *const idle[] = {"tcpdrop", "ethtool", "true", "tc", "modprobe"};
  for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
    if (strcmp(name, idle[i]) == 0) return true;
  return strncmp(name, "/tmp/sysctl_restore", 19) == 0;
}

static void command_line(struct run *run, char *line)
{
  char *words[COMMAND_WORDS];
  unsigned count = command_own_words(words, command_split(line, words));
  if (count == 0) return;
  if (strcmp(words[0], "sysctl") == 0) {
    for (unsigned i = 1; i < count; i++)
      command_knob(run, words[i], "");
  } else if (command_ends(words[0], "set_sysctls.py")) {
    for (unsigned i = 1; i < count; i++) {
      char *equals = strchr(words[i], '=');
      if (equals == NULL) continue;
      *equals = '\0';
      command_proc(run, words[i], equals + 1);
    }
  } else if (command_ends(words[0], "defaults.sh")) {
    if (!run->profile_given) knobs_profile(run, "linux");
  } else if (strcmp(words[0], "sockstat") == 0) {
    command_sockstat(run, words, count);
  } else if (strcmp(words[0], "ip") == 0) {
    command_ip(run, words, count);
  } else if (strcmp(words[0], "echo") == 0 && count == 4 && strcmp(words[2], ">") == 0) {
    command_proc(run, words[3], words[1]);
  } else if (strcmp(words[0], "nstat") == 0 && command_own_words(words, count) == 2) {
    // nstat -n: counts from now on, for a question that may follow
  } else if (!command_idle(words[0])) {
    run_stop(run, VERDICT_UNSUPPORTED, "the command %s", words[0]);
  }
}

void command_run(struct run *run, const char *text)
{
  char *copy = strdup(text), *rest = copy;
  if (copy == NULL) return;
  // A backslash joins lines; a line, && or ; ends a command.
  for (char *c = copy; *c != '\0'; c++) {
    if (c[0] == '\\' && c[1] == '\n') c[0] = c[1] = ' ';
    if (c[0] == '&' && c[1] == '&') c[0] = c[1] = '\n';
    if (c[0] == ';') c[0] = '\n';
  }
  while (rest != NULL && run->verdict == VERDICT_PASS)
    command_line(run, strsep(&rest, "\n"));
  free(copy);
}
