// SPDX-License-Identifier: BSD-2-Clause
// cmd_watch.c - estab watch: the life of every connection of a capture, and who is scanning.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "say.h"
#include "watch/ignore.h"
#include "watch/knobs.h"
#include "watch/look.h"
#include "watch/outputs.h"
#include "watch/run.h"

static struct watch_command {
  struct watch_run run;
  struct outputs_settings outputs;
  struct option_list set, local, ignore;
  struct option_list interfaces, rotate;
  const char *policy, *rows, *config, *ladder, *picture;
  bool no_checksum, list_settings;
} watch_command;

static const struct option watch_options[] = {
    {.help = "What to read:"},
    {"merge", 0, OPTION_FLAG, &watch_command.run.merge, NULL,
     "several files by time, not one after the other", 0, 0},
    {"filter", 0, OPTION_TEXT, &watch_command.run.filter, "EXPR",
     "only packets that pcap-filter(7) takes", 0, 0},
    {.help = "From interfaces, instead of FILE:"},
    {"interface", 'i', OPTION_LIST, &watch_command.interfaces, "NAME",
     "capture from it until Ctrl-C; any = all of them. May be repeated", 0, 0},
    {"snaplen", 0, OPTION_COUNT, &watch_command.run.snap_bytes, "N", "octets of a packet (262144)",
     64, 262144},
    {"buffer", 0, OPTION_BYTES, &watch_command.run.buffer_bytes, "SIZE",
     "the kernel's buffer, for each interface (32M)", 65536, 1u << 30},
    {"no-promisc", 0, OPTION_FLAG, &watch_command.run.no_promiscuous, NULL,
     "not what is addressed to other hosts", 0, 0},
    {"user", 0, OPTION_TEXT, &watch_command.run.user, "NAME",
     "become this user once the interfaces are open", 0, 0},
    {.help = "How to read it:"},
    {"no-checksum", 0, OPTION_FLAG, &watch_command.no_checksum, NULL,
     "believe packets whose checksum is wrong", 0, 0},
    {"policy", 0, OPTION_TEXT, &watch_command.policy, "POLICY",
     "where the wire leaves two readings: first, last, linux (default), bsd, windows", 0, 0},
    {"rows", 0, OPTION_TEXT, &watch_command.rows, "ROWS",
     "zeek (its timers and splits, default) or life (one a connection)", 0, 0},
    {"key-vlan", 0, OPTION_FLAG, &watch_command.run.settings.key_vlan, NULL,
     "the same addresses in two VLANs are two connections", 0, 0},
    {"sensor", 0, OPTION_TEXT, &watch_command.run.settings.sensor, "NAME",
     "goes into every uid and id: what two sensors see has two names", 0, 0},
    {"local", 0, OPTION_LIST, &watch_command.local, "NET,...",
     "networks that are ours (the private ranges)", 0, 0},
    {"set", 0, OPTION_LIST, &watch_command.set, "NAME=VALUE",
     "a threshold or another setting; see --list-settings", 0, 0},
    {"config", 0, OPTION_TEXT, &watch_command.config, "FILE", "a file of such lines", 0, 0},
    {"list-settings", 0, OPTION_FLAG, &watch_command.list_settings, NULL, "names, values, meanings",
     0, 0},
    {.help = "What to write (a table, if none of these is given):"},
    {"json", 0, OPTION_TO, &watch_command.outputs.json, "FILE",
     "objects, one a line: docs/watch.schema.json", 0, 0},
    {"csv", 0, OPTION_TO, &watch_command.outputs.csv, "FILE", "connections, a line each", 0, 0},
    {"zeek", 0, OPTION_TEXT, &watch_command.outputs.zeek, "DIR",
     "conn.log, notice.log and weird.log in this folder", 0, 0},
    {"html", 0, OPTION_TEXT, &watch_command.outputs.html, "FILE",
     "one page that needs nothing else: connections, ladders, alerts", 0, 0},
    {"explain", 0, OPTION_TEXT, &watch_command.outputs.explain, "ID",
     "how this alert was recognised, in sentences", 0, 0},
    {.help = "With any of these, or with the table:"},
    {"write", 'w', OPTION_TEXT, &watch_command.outputs.packets, "FILE",
     "keep the packets, as pcapng; - is standard output, without a table", 0, 0},
    {"rotate", 0, OPTION_LIST, &watch_command.rotate, "WHEN",
     "finish files and begin anew, each 10m, 1h, 1d, or at 100M, 1G", 0, 0},
    {"stats", 0, OPTION_FLAG, &watch_command.outputs.stats, NULL,
     "more counters at the end of the table", 0, 0},
    {"ignore", 0, OPTION_LIST, &watch_command.ignore, "WORDS",
     "alerts not to tell: 'src=NET dst=NET port=LIST kind=KIND'", 0, 0},
    {.help = "One connection instead. CONN: a row's number, a uid, or ADDR:PORT-ADDR:PORT:"},
    {"ladder", 0, OPTION_TEXT, &watch_command.ladder, "CONN", "its sequence diagram", 0, 0},
    {"picture", 0, OPTION_TEXT, &watch_command.picture, "CONN",
     "its time-sequence graph and diagram into the first FILE, named *.svg or *.png", 0, 0},
    OPTION_END};

// The index of a word in a list, or -1.
static int word_index(const char *word, const char *const *words, int n)
{
  for (int i = 0; i < n; i++)
    if (strcmp(word, words[i]) == 0) return i;
  return -1;
}

// --policy, --rows, --sensor, --config, --set. 0, or the exit status after a complaint.
static int apply_words(struct watch_command *c)
{
  struct estab_watch_settings *s = &c->run.settings;
  if (c->policy != NULL) {
    static const char *const words[] = {"first", "last", "linux", "bsd", "windows"};
    int i = word_index(c->policy, words, 5);
    if (i < 0)
      return say_usage("watch", "--policy %s: is none of first, last, linux, bsd, windows",
                       c->policy);
    s->policy = (uint8_t)i;
  }
  if (c->rows != NULL) {
    static const char *const words[] = {"zeek", "life"};
    int i = word_index(c->rows, words, 2);
    if (i < 0) return say_usage("watch", "--rows %s: is neither zeek nor life", c->rows);
    s->rows = (uint8_t)i;
  }
  if (s->sensor != NULL && strlen(s->sensor) > ESTAB_WATCH_SENSOR_BYTES)
    return say_usage("watch", "--sensor %s: has more than %d octets", s->sensor,
                     ESTAB_WATCH_SENSOR_BYTES);
  if (c->config != NULL) {
    const char *why;
    int line = knobs_read_file(s, c->config, &why);
    if (line < 0) return say_failure("watch", NULL, "--config %s: %s", c->config, strerror(errno));
    if (line > 0) return say_usage("watch", "--config %s, line %d: %s", c->config, line, why);
  }
  for (unsigned i = 0; i < c->set.count; i++) {
    const char *why = knobs_set(s, c->set.values[i]);
    if (why != NULL) return say_usage("watch", "--set %s: %s", c->set.values[i], why);
  }
  return 0;
}

#define LOCAL_MAX 64

// -i and what goes with it, --rotate. 0, or the exit status after a complaint.
static int apply_live(struct watch_command *c, int operand_count)
{
  struct watch_run *run = &c->run;
  run->interfaces = c->interfaces.values;
  run->interface_count = c->interfaces.count;
  for (unsigned i = 0; i < run->interface_count; i++)
    for (unsigned k = 0; k < i; k++)
      if (strcmp(run->interfaces[i], run->interfaces[k]) == 0)
        return say_usage("watch", "-i %s: is given twice", run->interfaces[i]);
  if (run->interface_count > 0 && operand_count > 0)
    return say_usage("watch", "either -i %s or a file, not both", run->interfaces[0]);
  if (run->interface_count > 0 && (c->ladder != NULL || c->picture != NULL))
    return say_usage("watch", "one connection is drawn of files: keep the packets with -w FILE");
  if (run->interface_count > 0 && c->outputs.html != NULL)
    return say_usage("watch", "--html: pages are made of files: keep the packets with -w FILE");
  if (run->interface_count > 0 && run->merge)
    return say_usage("watch", "--merge: interfaces are merged by time anyway");
  const char *alone = run->interface_count > 0 ? NULL
                      : run->user != NULL      ? "--user: for files no privileges are needed"
                      : run->snap_bytes != 0   ? "--snaplen: files hold what was captured"
                      : run->buffer_bytes != 0 ? "--buffer: files need none"
                      : run->no_promiscuous    ? "--no-promisc: files hold what was captured"
                                               : NULL;
  if (alone != NULL) return say_usage("watch", "%s: it goes with -i", alone);
  if (run->snap_bytes == 0) run->snap_bytes = 262144;
  if (run->buffer_bytes == 0) run->buffer_bytes = 32u << 20;
  for (unsigned i = 0; i < c->rotate.count; i++) {
    const char *why = rotate_read(&c->outputs.rotate, c->rotate.values[i]);
    if (why != NULL) return say_usage("watch", "--rotate %s: %s", c->rotate.values[i], why);
  }
  return 0;
}

// --local and --ignore. 0, or the exit status after a complaint.
static int apply_lists(struct watch_command *c)
{
  static struct estab_watch_prefix local[LOCAL_MAX];
  static struct ignore ignore[OPTION_LIST_MAX];
  unsigned count = 0;
  for (unsigned i = 0; i < c->local.count; i++) {
    char copy[1024], *rest = copy, *word;
    if (strlen(c->local.values[i]) >= sizeof copy)
      return say_usage("watch", "--local: the list is too long");
    strcpy(copy, c->local.values[i]);
    while ((word = strsep(&rest, ",")) != NULL) {
      if (count == LOCAL_MAX)
        return say_usage("watch", "--local: more than %d networks", LOCAL_MAX);
      const char *why = prefix_read(word, &local[count++]);
      if (why != NULL) return say_usage("watch", "--local %s: %s", word, why);
    }
  }
  if (count > 0) {
    c->run.settings.local = c->outputs.local = local;
    c->run.settings.local_count = c->outputs.local_count = count;
  }
  for (unsigned i = 0; i < c->ignore.count; i++) {
    const char *why = ignore_read(c->ignore.values[i], &ignore[i]);
    if (why != NULL) return say_usage("watch", "--ignore '%s': %s", c->ignore.values[i], why);
  }
  c->outputs.ignore = ignore;
  c->outputs.ignore_count = c->ignore.count;
  return 0;
}

// --ladder and --picture: the exit status.
static int look_at(struct watch_command *c)
{
  static struct look look;
  const char *picture = NULL, *why, *what = c->ladder != NULL ? c->ladder : c->picture;
  if (c->picture != NULL) {
    size_t n = c->run.file_count > 0 ? strlen(c->run.files[0]) : 0;
    const char *end = n > 4 ? c->run.files[0] + n - 4 : "";
    if (strcmp(end, ".svg") != 0 && strcmp(end, ".png") != 0)
      return say_usage("watch",
                       "--picture CONN FILE.svg|png CAPTURE...: the first file is no picture");
    picture = *c->run.files++;
    c->run.file_count--;
  }
  if (c->ladder != NULL && c->picture != NULL && strcmp(c->ladder, c->picture) != 0)
    return say_usage("watch", "--ladder and --picture are of one connection at a time");
  const struct outputs_settings *o = &c->outputs;
  if (o->json || o->csv || o->zeek || o->html || o->explain || o->packets)
    return say_usage("watch", "--ladder and --picture go without other outputs");
  if (rotate_wanted(&o->rotate) || o->stats || o->ignore_count > 0)
    return say_usage("watch", "--ladder and --picture go without --rotate, --stats and --ignore");
  if (c->run.file_count == 0)
    return say_usage("watch", "which capture? name a FILE, or - for stdin");
  int status = outputs_check(&c->outputs, c->ladder, picture, c->run.files, c->run.file_count);
  if (status == 0) status = look_find(&look, &c->run, what);
  if (status == 0 && c->ladder != NULL && !look_ladder(&look, stdout))
    status = say_failure("watch", NULL, "no memory");
  if (status == 0 && picture != NULL && look_picture(&look, picture, &why) < 0)
    status = say_failure("watch", NULL, "%s: %s", picture, why);
  if (status == 0 && look.damaged) status = EXIT_FAIL;
  look_free(&look);
  return status;
}

int cmd_watch(int argc, char **argv)
{
  struct watch_command *c = &watch_command;
  *c = (struct watch_command){0};
  estab_watch_settings_default(&c->run.settings);
  const struct option *const tables[] = {watch_options, NULL};
  const struct command_line line = {
      .command = "watch",
      .operands = "[OPTION...] FILE... | [OPTION...] -i NAME",
      .about =
          "What every connection of a capture did, and who is scanning. FILE is pcap or pcapng, "
          "also\ncompressed by gzip or zstd; - is standard input. NAME is an interface.",
      .tables = tables,
      .notes =
          "Exit status: 0 all was read, or Ctrl-C; 1 a file is no capture or ends within a packet, "
          "an\ninterface cannot be had or is gone, something cannot be written or is not there; 2 "
          "usage."};
  char **operands;
  int operand_count, status;
  if (options_parse(&line, argc, argv, &operands, &operand_count, &status) != 0) return status;
  c->run.settings.verify_checksums = !c->no_checksum;
  if ((status = apply_words(c)) != 0 || (status = apply_lists(c)) != 0) return status;
  if (c->list_settings) {
    knobs_list(stdout, &c->run.settings);
    return 0;
  }
  if ((status = apply_live(c, operand_count)) != 0) return status;
  if (c->outputs.zeek != NULL && strcmp(c->outputs.zeek, "-") == 0)
    return say_usage("watch", "--zeek -: its logs are several files, and need a folder");
  if (c->outputs.packets != NULL && strcmp(c->outputs.packets, "-") == 0 && isatty(STDOUT_FILENO))
    return say_usage("watch", "--write -: packets are no text, and standard output is a terminal");
  if (operand_count == 0 && c->run.interface_count == 0)
    return say_usage("watch", "which capture? name a FILE, - for stdin, or an interface by -i");
  for (int i = 0; i < operand_count; i++)
    if (strcmp(operands[i], "-") == 0 && isatty(STDIN_FILENO))
      return say_usage("watch", "-: standard input is a terminal; a capture comes through a pipe");
  c->run.files = (const char *const *)operands;
  c->run.file_count = (unsigned)operand_count;
  if (c->ladder != NULL || c->picture != NULL) return look_at(c);
  c->run.settings.segments = c->outputs.html != NULL;
  c->outputs.files = c->run.files;
  c->outputs.file_count = c->run.file_count;
  status = outputs_check(&c->outputs, NULL, NULL, c->run.files, c->run.file_count);
  if (status != 0) return status;
  return watch_run(&c->run, &c->outputs, NULL);
}
