// SPDX-License-Identifier: BSD-2-Clause
// cmd_sim.c - estab sim: two stacks and a link between them, on virtual time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "net/run.h"
#include "net/worlds.h"
#include "options.h"
#include "plain_file.h"
#include "qlog/write.h"
#include "say.h"
#include "sim/scene.h"

struct sim_command {
  struct sim_settings settings;
  bool given_matrix, json, ip6, list, ascii;
  uint64_t rtt_ns, rate, bytes, back_bytes, queue_bytes, jitter_ns, mtu, msl_ns, seed;
  uint64_t depth, blackout_at_ns, blackout_ns;
  uint32_t loss, duplicate, reorder, corrupt, burst;
  const char *scene, *worlds, *world, *pcap, *pcap_link, *plot, *plant, *seeds, *qlog, *qlog_host;
};

// Connections compared with what an observer beside the host says, and those of them that ended silently.
static unsigned sim_watched, sim_watched_silent, sim_watched_on_link;

static const char *const sim_verdicts[] = {"ok", "aborted", "broken"};

static void sim_say_json(const struct sim *sim, const struct sim_result *r)
{
  const struct check *check = &sim->check;
  printf("{\"seed\":%llu,\"verdict\":\"%s\",\"goodput_bits_per_s\":%llu,\"segments_sent\":%llu,"
         "\"retransmissions\":%llu,\"virtual_s\":%llu.%03llu,\"bytes\":%llu,",
         (unsigned long long)sim->settings.seed, sim_verdicts[r->verdict],
         (unsigned long long)r->goodput_bits_per_s, (unsigned long long)r->segments,
         (unsigned long long)r->retransmissions, (unsigned long long)(r->virtual_ns / 1000000000),
         (unsigned long long)(r->virtual_ns / 1000000 % 1000), (unsigned long long)r->bytes);
  printf("\"lost\":%llu,\"duplicated\":%llu,\"reordered\":%llu,\"corrupted\":%llu,\"broken\":",
         (unsigned long long)(r->lanes[0].lost + r->lanes[1].lost),
         (unsigned long long)(r->lanes[0].duplicated + r->lanes[1].duplicated),
         (unsigned long long)(r->lanes[0].reordered + r->lanes[1].reordered),
         (unsigned long long)(r->lanes[0].corrupted + r->lanes[1].corrupted));
  json_put(stdout, check->broken != INVARIANT_NONE ? invariant_name(check->broken) : "");
  printf(",\"text\":");
  json_put(stdout, check->text);
  printf("}\n");
}

static void sim_say(const struct sim *sim, const struct sim_result *r)
{
  const struct check *check = &sim->check;
  printf("seed %llu: %s, %llu octets in %llu.%03llu s, goodput %llu.%03llu Mbit/s\n",
         (unsigned long long)sim->settings.seed, sim_verdicts[r->verdict],
         (unsigned long long)r->bytes, (unsigned long long)(r->transfer_ns / 1000000000),
         (unsigned long long)(r->transfer_ns / 1000000 % 1000),
         (unsigned long long)(r->goodput_bits_per_s / 1000000),
         (unsigned long long)(r->goodput_bits_per_s / 1000 % 1000));
  printf("  %llu segments sent, %llu retransmissions; the link lost %llu, doubled %llu, reordered "
         "%llu, broke %llu\n",
         (unsigned long long)r->segments, (unsigned long long)r->retransmissions,
         (unsigned long long)(r->lanes[0].lost + r->lanes[1].lost),
         (unsigned long long)(r->lanes[0].duplicated + r->lanes[1].duplicated),
         (unsigned long long)(r->lanes[0].reordered + r->lanes[1].reordered),
         (unsigned long long)(r->lanes[0].corrupted + r->lanes[1].corrupted));
  if (check->broken == INVARIANT_NONE) return;
  printf("  %s does not hold: %s\n  %s, %llu.%03llu s after the start: %s\n",
         invariant_name(check->broken), invariant_text(check->broken),
         check->side == 0 ? "client" : "server",
         (unsigned long long)((check->when_ns - sim->start_ns) / 1000000000),
         (unsigned long long)((check->when_ns - sim->start_ns) / 1000000 % 1000), check->text);
}

struct sim_logged {
  struct qlog *qlog;
  unsigned side;
};

static void sim_log(void *ctx, unsigned side, const struct estab_trace *event)
{
  const struct sim_logged *logged = ctx;
  if (side == logged->side) qlog_event(logged->qlog, event);
}

// One world. Answers an exit status; the verdict and what broke go to *verdict and *broken.
static int sim_one(const struct sim_command *command, const struct sim_settings *settings,
                   bool quiet, enum sim_verdict *verdict, enum invariant *broken)
{
  static struct sim sim;
  struct sim_result result;
  struct estab_device_error error;
  estab_pcap *pcap = NULL;
  sim.pcap = NULL;
  int failed = sim_start(&sim, settings);
  if (failed < 0) return say_failure("sim", NULL, "no stack: %s", estab_strerror(failed));
  if (command->pcap != NULL &&
      estab_pcap_open(command->pcap, ESTAB_LINK_RAW, ESTAB_NEVER, &pcap, &error) < 0)
    return say_device("sim", command->pcap, &error);
  sim.pcap = pcap;
  struct sim_logged logged = {NULL, command->qlog_host && !strcmp(command->qlog_host, "server")};
  if (command->qlog != NULL) {
    logged.qlog = qlog_open("sim", command->qlog, "estab sim", logged.side ? "server" : "client",
                            QLOG_CLOCK_VIRTUAL, sim.start_ns);
    if (logged.qlog == NULL) return EXIT_FAIL;
    sim.ctx = &logged;
    sim.traced = sim_log;
  }
  sim_run(&sim, &result);
  if (qlog_close("sim", logged.qlog) != 0) return EXIT_FAIL;
  if (pcap != NULL && estab_pcap_close(pcap) < 0)
    return say_failure("sim", NULL, "%s could not be written", command->pcap);
  sim_watched += result.watched;
  sim_watched_silent += result.watched_silent;
  sim_watched_on_link += result.watched_on_link;
  *verdict = result.verdict;
  *broken = sim.check.broken;
  if (command->json) {
    sim_say_json(&sim, &result);
  } else if (!quiet || (result.verdict == SIM_BROKEN && settings->plant == PLANT_NONE)) {
    sim_say(&sim, &result);
  }
  return result.verdict == SIM_OK ? 0 : 1;
}

// "A-B" or "A".
static bool sim_range(const char *text, uint64_t *first, uint64_t *last)
{
  char *end;
  *first = *last = strtoull(text, &end, 10);
  if (*end == '-') *last = strtoull(end + 1, &end, 10);
  return *text != '\0' && *end == '\0' && *last >= *first;
}

// Worlds by chance: one to read or to keep as a file, or many to run.
static int sim_worlds(const struct sim_command *command, enum plant plant)
{
  uint64_t first, last;
  const char *text = command->world != NULL ? command->world : command->worlds;
  if (!sim_range(text, &first, &last) || (command->world != NULL && first != last))
    return say_usage("sim", "--world%s %s: is not %s", command->world != NULL ? "" : "s", text,
                     command->world != NULL ? "a number" : "A-B");
  if (command->plant != NULL && command->world == NULL) return worlds_plants(first, last, plant);
  if (command->world == NULL) return worlds_run(first, last, command->json);
  world_write(stdout, first);
  return 0;
}

// The fault matrix: seeds A-B.
static int sim_matrix(const struct sim_command *command)
{
  uint64_t first, last;
  if (!sim_range(command->seeds, &first, &last))
    return say_usage("sim", "--seeds %s: is not A-B", command->seeds);
  unsigned counts[3] = {0};
  for (uint64_t seed = first; seed <= last; seed++) {
    struct sim_settings settings;
    enum sim_verdict verdict = SIM_BROKEN;
    enum invariant broken;
    sim_settings_seeded(&settings, seed);
    sim_one(command, &settings, true, &verdict, &broken);
    counts[verdict]++;
  }
  if (command->json) {
    printf("{\"ok\":%u,\"aborted\":%u,\"broken\":%u,\"watched\":%u,\"watched_on_link\":%u}\n",
           counts[0], counts[1], counts[2], sim_watched, sim_watched_on_link);
  } else {
    printf("%u whole, %u ended by the user timeout\n"
           "%u connections are as an observer says, %u of them with a step that no packet shows\n"
           "%u are as an observer in the middle of the link says\n"
           "%u passed, %u failed\n",
           counts[0], counts[1], sim_watched, sim_watched_silent, sim_watched_on_link,
           counts[0] + counts[1], counts[2]);
  }
  return counts[2] == 0 && sim_watched > 0 && sim_watched_on_link > 0 ? 0 : 1;
}

// Every lie must be found out, under the right name, in a world that is well without it.
static int sim_plants(const struct sim_command *command, enum plant only)
{
  unsigned passed = 0, failed = 0;
  for (int i = PLANT_NONE + 1; i < PLANTS; i++) {
    enum plant plant = (enum plant)i;
    if (only != PLANT_NONE && plant != only) continue;
    struct sim_settings settings = command->settings;
    enum sim_verdict verdict = SIM_OK;
    enum invariant broken = INVARIANT_NONE;
    settings.plant = plant;
    struct sim_command quiet = *command;
    quiet.json = false;
    sim_one(&quiet, &settings, true, &verdict, &broken);
    bool found = verdict == SIM_BROKEN && broken == plant_invariant(plant);
    printf("%-6s %-18s %s: %s\n", found ? "found" : "MISSED", plant_name(plant), plant_text(plant),
           broken == INVARIANT_NONE ? "nothing is noticed" : invariant_name(broken));
    if (found)
      passed++;
    else
      failed++;
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

static void sim_list(void)
{
  puts("Scenes:");
  for (const struct scene *s = scenes; s->name != NULL; s++)
    printf("  %-20s %s\n", s->name, s->title);
  puts("\nInvariants:");
  for (int i = INVARIANT_NONE + 1; i < INVARIANTS; i++)
    printf("  %-20s %s\n", invariant_name((enum invariant)i), invariant_text((enum invariant)i));
  puts("\nPlanted lies:");
  for (int i = PLANT_NONE + 1; i < PLANTS; i++)
    printf("  %-20s %s\n", plant_name((enum plant)i), plant_text((enum plant)i));
}

static void sim_apply(struct sim_command *c)
{
  struct sim_settings *s = &c->settings;
  s->seed = c->seed;
  s->ip6 = c->ip6;
  s->mtu = (uint16_t)c->mtu;
  s->stack.msl_ns = c->msl_ns;
  for (unsigned i = 0; i < 2; i++) {
    struct lane_faults *f = &s->faults[i];
    f->loss_ppm = c->loss;
    f->duplicate_ppm = c->duplicate;
    f->reorder_ppm = c->reorder;
    f->corrupt_ppm = c->corrupt;
    f->burst_ppm = c->burst;
    f->reorder_packets = (uint32_t)c->depth;
    f->delay_ns = c->rtt_ns / 2;
    f->jitter_ns = c->jitter_ns;
    f->rate_bits_per_s = c->rate;
    f->queue_bytes = c->queue_bytes;
    f->blackout_at_ns = c->blackout_at_ns;
    f->blackout_ns = c->blackout_ns;
  }
  s->habits[0].bytes = c->bytes;
  s->habits[1].bytes = c->back_bytes;
}

static int sim_scene(const struct sim_command *c)
{
  const struct scene *scene = scene_find(c->scene);
  if (scene == NULL)
    return say_usage("sim", "--scene %s: there is no such scene; see --list", c->scene);
  struct scene_options options = {.json = c->json, .ascii = c->ascii, .pcap = c->pcap};
  return scene_show(scene, &c->settings, &options);
}

static struct sim_command sim_command;

static const struct option sim_options[] = {
    {.help = "The link, each way:"},
    {"rtt", 0, OPTION_TIME, &sim_command.rtt_ns, "TIME", "round-trip time without queues (20ms)", 0,
     0},
    {"rate", 0, OPTION_RATE, &sim_command.rate, "BITS", "bits per second; without: no limit", 10000,
     0},
    {"queue", 0, OPTION_BYTES, &sim_command.queue_bytes, "BYTES",
     "in front of the rate limit (256K)", 0, 0},
    {"loss", 0, OPTION_PERCENT, &sim_command.loss, "PERCENT", "of packets that vanish", 0, 0},
    {"duplicate", 0, OPTION_PERCENT, &sim_command.duplicate, "PERCENT",
     "of packets that come twice", 0, 0},
    {"reorder", 0, OPTION_PERCENT, &sim_command.reorder, "PERCENT",
     "of packets that others overtake", 0, 0},
    {"depth", 0, OPTION_COUNT, &sim_command.depth, "PACKETS", "how many overtake them, at most (3)",
     1, 100000},
    {"jitter", 0, OPTION_TIME, &sim_command.jitter_ns, "TIME", "more delay, at most", 0, 0},
    {"corrupt", 0, OPTION_PERCENT, &sim_command.corrupt, "PERCENT", "of packets with broken bits",
     0, 0},
    {"burst", 0, OPTION_PERCENT, &sim_command.burst, "PERCENT",
     "of packets that begin a run of losses", 0, 0},
    {"blackout", 0, OPTION_TIME, &sim_command.blackout_ns, "TIME", "nothing passes for so long", 0,
     0},
    {"blackout-at", 0, OPTION_TIME, &sim_command.blackout_at_ns, "TIME",
     "and this is when it begins (0)", 0, 0},
    {.help = "The hosts:"},
    {"bytes", 0, OPTION_BYTES, &sim_command.bytes, "BYTES", "from client to server (1M)", 0, 0},
    {"back", 0, OPTION_BYTES, &sim_command.back_bytes, "BYTES", "from server to client (0)", 0, 0},
    {"mtu", 0, OPTION_COUNT, &sim_command.mtu, "BYTES", "of both interfaces (1500)", 68, 65535},
    {"ipv6", 0, OPTION_FLAG, &sim_command.ip6, NULL, "instead of IPv4", 0, 0},
    {"msl", 0, OPTION_TIME, &sim_command.msl_ns, "TIME", "TIME-WAIT lasts twice as long (2m)", 0,
     0},
    {.help = "What to do:"},
    {"seed", 0, OPTION_COUNT, &sim_command.seed, "N", "of all chance (1)", 0, 0},
    {"seeds", 0, OPTION_TEXT, &sim_command.seeds, "A-B",
     "many worlds over the whole range of faults", 0, 0},
    {"worlds", 0, OPTION_TEXT, &sim_command.worlds, "A-B",
     "many scenarios by chance: hosts, links, faults and what programs do", 0, 0},
    {"world", 0, OPTION_TEXT, &sim_command.world, "N", "print one of those, as a scenario FILE", 0,
     0},
    {"scene", 0, OPTION_TEXT, &sim_command.scene, "NAME", "draw a textbook situation", 0, 0},
    {"plant", 0, OPTION_TEXT, &sim_command.plant, "NAME",
     "lie to the checker: it must find out; or 'all'", 0, 0},
    {"list", 0, OPTION_FLAG, &sim_command.list, NULL, "scenes, invariants and planted lies", 0, 0},
    {"json", 0, OPTION_FLAG, &sim_command.json, NULL,
     "objects, one a line; the last one is the verdict", 0, 0},
    {"ascii", 0, OPTION_FLAG, &sim_command.ascii, NULL, "pictures without arrows beyond ASCII", 0,
     0},
    {"pcap", 0, OPTION_TEXT, &sim_command.pcap, "FILE", "write what was sent", 0, 0},
    {"plot", 0, OPTION_TEXT, &sim_command.plot, "FILE",
     "of a scenario: windows, round trips, goodput, queues as FILE.svg or FILE.png", 0, 0},
    {"qlog", 0, OPTION_TEXT, &sim_command.qlog, "FILE",
     "write what one host's TCP does; 'estab qlog FILE' reads it", 0, 0},
    {"qlog-host", 0, OPTION_TEXT, &sim_command.qlog_host, "HOST",
     "which: client or server; of a scenario, a host's name (the first that sends)", 0, 0},
    {"link", 0, OPTION_TEXT, &sim_command.pcap_link, "A-B",
     "of a scenario: which link --pcap is of (the first)", 0, 0},
    OPTION_END};

int cmd_sim(int argc, char **argv)
{
  struct sim_command *c = &sim_command;
  *c = (struct sim_command){.seed = 1,
                            .rtt_ns = 20000000,
                            .bytes = 1 << 20,
                            .depth = 3,
                            .queue_bytes = 256 * 1024,
                            .mtu = 1500};
  sim_settings_default(&c->settings);
  c->msl_ns = c->settings.stack.msl_ns;

  const struct option *const tables[] = {sim_options, NULL};
  const struct command_line line = {
      .command = "sim",
      .operands = "[OPTION...] [FILE]",
      .about = "Two stacks and a link between them, in this process, on virtual time; or the "
               "hosts, links\n"
               "and flows of a scenario FILE.",
      .tables = tables,
      .notes =
          "Exit status: 0 both streams arrived whole and every invariant held, 1 not, 2 usage."};
  char **operands;
  int operand_count, status;
  if (options_parse(&line, argc, argv, &operands, &operand_count, &status) != 0) return status;
  if (operand_count > 1) return say_usage("sim", "%s: one FILE at a time", operands[1]);
  sim_apply(c);
  if (operand_count == 1) {
    const char *const writes[][2] = {{"pcap", c->pcap}, {"qlog", c->qlog}, {"plot", c->plot}};
    for (unsigned i = 0; i < sizeof writes / sizeof *writes; i++)
      if (writes[i][1] != NULL && plain_file_same(writes[i][1], operands[0]))
        return say_usage("sim", "--%s: %s would be written over, and it is to be read",
                         writes[i][0], writes[i][1]);
    const struct net_run_options run = {.path = operands[0],
                                        .json = c->json,
                                        .plot = c->plot,
                                        .pcap = c->pcap,
                                        .pcap_link = c->pcap_link,
                                        .qlog = c->qlog,
                                        .qlog_host = c->qlog_host};
    return net_run_file(&run);
  }
  if (c->qlog != NULL && (c->list || c->scene != NULL || c->seeds != NULL || c->plant != NULL))
    return say_usage("sim", "--qlog %s: is of one run, or of a scenario FILE", c->qlog);
  if (c->qlog_host != NULL && strcmp(c->qlog_host, "client") != 0 &&
      strcmp(c->qlog_host, "server") != 0)
    return say_usage("sim", "--qlog-host %s: is client or server", c->qlog_host);
  if (c->list) {
    sim_list();
    return 0;
  }
  if (c->scene != NULL) return sim_scene(c);
  enum plant plant = PLANT_NONE;
  if (c->plant != NULL) {
    plant = plant_find(c->plant);
    if (plant == PLANT_NONE && strcmp(c->plant, "all") != 0)
      return say_usage("sim", "--plant %s: there is no such lie; see --list", c->plant);
  }
  if (c->world != NULL || c->worlds != NULL) return sim_worlds(c, plant);
  if (c->seeds != NULL) return sim_matrix(c);
  if (c->plant != NULL) return sim_plants(c, plant);
  enum sim_verdict verdict;
  enum invariant broken;
  return sim_one(c, &c->settings, false, &verdict, &broken);
}
