// SPDX-License-Identifier: BSD-2-Clause
// scenario.c - the file of a scenario, statement by statement.
#include "scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc_names.h"
#include "options.h"
#include "scenario_words.h"

static int fail(struct scenario_words *w, unsigned word, const char *format, ...)
{
  va_list args;
  w->error->line = w->line;
  w->error->column = word < w->count ? w->column[word] : w->end_column;
  va_start(args, format);
  vsnprintf(w->error->text, sizeof w->error->text, format, args);
  va_end(args);
  return -1;
}

// A value of one of the command line's kinds, "name=value" with the name already known.
static int read_value(struct scenario_words *w, unsigned word, enum option_kind kind, void *out)
{
  const char *equals = strchr(w->word[word], '=');
  const char *text = equals != NULL ? equals + 1 : w->word[word];
  const struct option option = {.kind = kind, .value = out};
  const char *why = option_read(&option, text);
  return why == NULL ? 0 : fail(w, word, "%s %s", w->word[word], why);
}

static bool is_word(const char *word, const char *name)
{
  size_t n = strlen(name);
  return strncmp(word, name, n) == 0 && (word[n] == '\0' || word[n] == '=');
}

static int find_node(const struct scenario *s, const char *name)
{
  for (unsigned i = 0; i < s->node_count; i++)
    if (strcmp(s->nodes[i].name, name) == 0) return (int)i;
  return -1;
}

// ---------------------------------------------------------------------------------------------
// host, router

// sndbuf= and rcvbuf= fix a buffer, growto= says how far both may grow.
static int host_buffer(struct scenario_words *w, unsigned i, struct estab_settings *s)
{
  const char *word = w->word[i];
  uint64_t number = 0;
  if (read_value(w, i, OPTION_BYTES, &number) < 0) return -1;
  if (number < 2048 || number > (1u << 30)) return fail(w, i, "%s is not 2K to 1G", word);
  const uint32_t bytes = (uint32_t)number;
  if (word[0] == 's') s->send_buffer_bytes = s->send_buffer_max_bytes = bytes;
  if (word[0] == 'r') s->recv_buffer_bytes = s->recv_buffer_max_bytes = bytes;
  if (word[0] != 'g') return 0;
  if (bytes < s->recv_buffer_bytes || bytes < s->send_buffer_bytes)
    return fail(w, i, "%s is less than the buffers are at first", word);
  s->send_buffer_max_bytes = s->recv_buffer_max_bytes = bytes;
  return 0;
}

static int host_option(struct scenario_words *w, unsigned i, struct scenario_node *node)
{
  struct estab_settings *s = &node->stack;
  const char *word = w->word[i];
  uint64_t number = 0;
  if (is_word(word, "cc")) {
    int cc = cc_find(strchr(word, '=') != NULL ? strchr(word, '=') + 1 : "");
    if (cc < 0) return fail(w, i, "%s: there is no such congestion control", word);
    s->congestion_control = (uint8_t)cc;
    return 0;
  }
  if (is_word(word, "rfc")) {
    estab_settings_rfc(s);
    return 0;
  }
  if (is_word(word, "mtu")) {
    if (read_value(w, i, OPTION_COUNT, &number) < 0) return -1;
    if (number < 576 || number > 65535) return fail(w, i, "%s is not 576 to 65535", word);
    node->mtu = (uint16_t)number;
    return 0;
  }
  if (is_word(word, "sndbuf") || is_word(word, "rcvbuf") || is_word(word, "growto"))
    return host_buffer(w, i, s);
  if (is_word(word, "delack")) {
    if (read_value(w, i, OPTION_TIME, &number) < 0) return -1;
    if (number > UINT64_C(500000000)) return fail(w, i, "%s is more than 500 ms", word);
    s->delayed_ack_ns = number;
    return 0;
  }
  if (is_word(word, "maxrate")) {
    if (read_value(w, i, OPTION_RATE, &number) < 0) return -1;
    s->max_rate_bytes_per_s = number / 8;
    return 0;
  }
  static const struct {
    const char *name;
    size_t offset;
  } without[] = {{"nosack", offsetof(struct estab_settings, sack)},
                 {"nots", offsetof(struct estab_settings, timestamps)},
                 {"nopacing", offsetof(struct estab_settings, pacing)},
                 {"nohystart", offsetof(struct estab_settings, hystart)}};
  for (size_t k = 0; k < sizeof without / sizeof *without; k++)
    if (strcmp(word, without[k].name) == 0) {
      *(bool *)((char *)s + without[k].offset) = false;
      return 0;
    }
  if (strcmp(word, "departures") == 0) {
    node->departure_times = true;
    return 0;
  }
  if (strcmp(word, "noplpmtud") == 0 || strcmp(word, "plpmtud") == 0) {
    s->plpmtud = word[0] == 'n' ? ESTAB_PLPMTUD_OFF : ESTAB_PLPMTUD_ALWAYS;
    return 0;
  }
  if (strcmp(word, "ecn") == 0) {
    s->ecn = ESTAB_ECN_REQUEST;
    return 0;
  }
  if (strcmp(word, "accecn") == 0) {
    s->ecn = ESTAB_ECN_ACCURATE;
    return 0;
  }
  return fail(
      w, i,
      "%s: a host has cc= rfc mtu= sndbuf= rcvbuf= growto= delack= maxrate= nosack nots nopacing "
      "nohystart departures ecn accecn plpmtud noplpmtud",
      word);
}

// A number of bytes for a kernel's host.
static int host_bytes(struct scenario_words *w, unsigned i, uint64_t least, uint64_t most,
                      uint64_t *out)
{
  if (read_value(w, i, OPTION_BYTES, out) < 0) return -1;
  if (*out >= least && *out <= most) return 0;
  return fail(w, i, "%s is not %llu to %llu", w->word[i], (unsigned long long)least,
              (unsigned long long)most);
}

static int kernel_cc(struct scenario_words *w, unsigned i, char out[SCENARIO_NAME])
{
  const char *name = strchr(w->word[i], '=');
  if (name == NULL || name[1] == '\0' || strlen(name + 1) > 15)
    return fail(w, i, "%s: is no name of a congestion control", w->word[i]);
  strcpy(out, name + 1);
  return 0;
}

static int kernel_option(struct scenario_words *w, unsigned i, struct scenario_node *node)
{
  const char *word = w->word[i];
  uint64_t number = 0;
  if (strcmp(word, "kernel") == 0) return 0;
  if (is_word(word, "cc")) return kernel_cc(w, i, node->kernel_cc);
  if (is_word(word, "mtu")) {
    if (host_bytes(w, i, 1280, 65535, &number) < 0) return -1;
    node->mtu = (uint16_t)number;
    return 0;
  }
  if (is_word(word, "sndbuf") || is_word(word, "rcvbuf")) {
    if (host_bytes(w, i, 4096, 1u << 30, &number) < 0) return -1;
    if (word[0] == 's')
      node->stack.send_buffer_bytes = node->stack.send_buffer_max_bytes = (uint32_t)number;
    else
      node->stack.recv_buffer_bytes = node->stack.recv_buffer_max_bytes = (uint32_t)number;
    return 0;
  }
  return fail(w, i, "%s: a kernel's host has cc= mtu= sndbuf= rcvbuf=", word);
}

static int read_node(struct scenario_words *w, struct scenario *s, bool router)
{
  if (w->count < 2) return fail(w, 1, "a name is missing");
  if (strlen(w->word[1]) >= SCENARIO_NAME || strpbrk(w->word[1], ">=") != NULL)
    return fail(w, 1, "%s: a name has at most %d letters and no > or =", w->word[1],
                SCENARIO_NAME - 1);
  if (find_node(s, w->word[1]) >= 0) return fail(w, 1, "%s is there already", w->word[1]);
  if (s->node_count == SCENARIO_NODES) return fail(w, 0, "more than %d nodes", SCENARIO_NODES);
  struct scenario_node *node = &s->nodes[s->node_count];
  strcpy(node->name, w->word[1]);
  node->router = router;
  node->mtu = 1500;
  estab_settings_default(&node->stack);
  for (unsigned i = 2; i < w->count && !router; i++)
    node->kernel |= strcmp(w->word[i], "kernel") == 0;
  if (node->kernel) {
    node->stack.send_buffer_bytes = node->stack.recv_buffer_bytes = 0; // the kernel's own
    strcpy(node->kernel_cc, "cubic");
    s->realtime = true;
  }
  for (unsigned i = 2; i < w->count; i++) {
    if (router) return fail(w, i, "%s: a router has no options", w->word[i]);
    if ((node->kernel ? kernel_option : host_option)(w, i, node) < 0) return -1;
  }
  s->node_count++;
  return 0;
}

// ---------------------------------------------------------------------------------------------
// link, at

static int read_queue_kind(struct scenario_words *w, unsigned i, struct lane_faults *f)
{
  const char *value = strchr(w->word[i], '=');
  if (value != NULL && strcmp(value, "=tail") == 0)
    f->queue = LANE_DROP_TAIL;
  else if (value != NULL && strcmp(value, "=red") == 0)
    f->queue = LANE_RED;
  else if (value != NULL && strcmp(value, "=codel") == 0)
    f->queue = LANE_CODEL;
  else
    return fail(w, i, "%s: is none of tail, red, codel", w->word[i]);
  return 0;
}

static const struct link_word {
  const char *name;
  enum option_kind kind;
  size_t offset;
  unsigned bytes;
} link_words[] = {
    {"rate", OPTION_RATE, offsetof(struct lane_faults, rate_bits_per_s), 8},
    {"delay", OPTION_TIME, offsetof(struct lane_faults, delay_ns), 8},
    {"jitter", OPTION_TIME, offsetof(struct lane_faults, jitter_ns), 8},
    {"queue", OPTION_BYTES, offsetof(struct lane_faults, queue_bytes), 8},
    {"loss", OPTION_PERCENT, offsetof(struct lane_faults, loss_ppm), 4},
    {"every", OPTION_COUNT, offsetof(struct lane_faults, loss_period), 4},
    {"lose", OPTION_COUNT, offsetof(struct lane_faults, lose_number), 4},
    {"duplicate", OPTION_PERCENT, offsetof(struct lane_faults, duplicate_ppm), 4},
    {"corrupt", OPTION_PERCENT, offsetof(struct lane_faults, corrupt_ppm), 4},
    {"reorder", OPTION_PERCENT, offsetof(struct lane_faults, reorder_ppm), 4},
    {"depth", OPTION_COUNT, offsetof(struct lane_faults, reorder_packets), 4},
    {"bad", OPTION_PERCENT, offsetof(struct lane_faults, bad_ppm), 4},
    {"good", OPTION_PERCENT, offsetof(struct lane_faults, good_ppm), 4},
    {"badloss", OPTION_PERCENT, offsetof(struct lane_faults, bad_loss_ppm), 4},
    {"police", OPTION_RATE, offsetof(struct lane_faults, police_bits_per_s), 8},
    {"bucket", OPTION_BYTES, offsetof(struct lane_faults, police_bytes), 8},
    {"mtu", OPTION_COUNT, offsetof(struct lane_faults, mtu), 4},
};

static int link_option(struct scenario_words *w, unsigned i, struct lane_faults *f)
{
  const char *word = w->word[i];
  if (is_word(word, "aqm")) return read_queue_kind(w, i, f);
  if (is_word(word, "ecn")) {
    f->ecn = true;
    return 0;
  }
  for (size_t k = 0; k < sizeof link_words / sizeof *link_words; k++) {
    const struct link_word *l = &link_words[k];
    if (!is_word(word, l->name)) continue;
    uint64_t wide = 0;
    uint32_t narrow = 0;
    bool percent = l->kind == OPTION_PERCENT;
    if (read_value(w, i, l->kind, percent ? (void *)&narrow : (void *)&wide) < 0) return -1;
    if (!percent && l->bytes == 4) {
      if (wide > UINT32_MAX) return fail(w, i, "%s is too large", word);
      narrow = (uint32_t)wide;
    }
    if (l->kind == OPTION_RATE && wide > 0 && wide < 10000)
      return fail(w, i, "%s: the slowest link has 10 kbit/s", word);
    memcpy((char *)f + l->offset, l->bytes == 4 ? (void *)&narrow : (void *)&wide, l->bytes);
    return 0;
  }
  return fail(w, i, "%s: a link has no such word", word);
}

// "a b" or "a>b", from word *i on: the nodes, and which directions are meant.
static int read_ends(struct scenario_words *w, unsigned *i, const struct scenario *s,
                     unsigned nodes[2], bool directions[2])
{
  char *arrow = *i < w->count ? strchr(w->word[*i], '>') : NULL;
  const char *names[2] = {*i < w->count ? w->word[*i] : NULL, NULL};
  directions[0] = directions[1] = true;
  if (arrow != NULL) {
    *arrow = '\0';
    names[1] = arrow + 1;
    directions[1] = false;
  } else if (*i + 1 < w->count) {
    names[1] = w->word[*i + 1];
  }
  for (unsigned k = 0; k < 2; k++) {
    if (names[k] == NULL) return fail(w, *i, "two nodes are needed: a b, or a>b");
    int node = find_node(s, names[k]);
    if (node < 0) return fail(w, *i, "%s: there is no such node", names[k]);
    nodes[k] = (unsigned)node;
  }
  if (nodes[0] == nodes[1]) return fail(w, *i, "%s: both ends are the same", names[0]);
  *i += arrow != NULL ? 1 : 2;
  return 0;
}

// The link between two nodes, turned so that [0] is from nodes[0]; -1 = none.
static int find_link(const struct scenario *s, const unsigned nodes[2], bool *turned)
{
  for (unsigned i = 0; i < s->link_count; i++) {
    const unsigned *n = s->links[i].node;
    *turned = n[0] == nodes[1];
    if ((n[0] == nodes[0] && n[1] == nodes[1]) || (*turned && n[1] == nodes[0])) return (int)i;
  }
  return -1;
}

static int read_link(struct scenario_words *w, struct scenario *s)
{
  unsigned i = 1, nodes[2];
  bool directions[2], turned = false;
  if (read_ends(w, &i, s, nodes, directions) < 0) return -1;
  int found = find_link(s, nodes, &turned);
  if (found < 0) {
    if (s->link_count == SCENARIO_LINKS) return fail(w, 0, "more than %d links", SCENARIO_LINKS);
    found = (int)s->link_count++;
    struct scenario_link *fresh = &s->links[found];
    fresh->node[0] = nodes[0];
    fresh->node[1] = nodes[1];
    for (unsigned d = 0; d < 2; d++)
      fresh->faults[d] = (struct lane_faults){
          .queue_bytes = 256 * 1024, .reorder_packets = 3, .bad_loss_ppm = 1000000};
  }
  struct scenario_link *link = &s->links[found];
  for (; i < w->count; i++) {
    if (strcmp(w->word[i], "blackhole") == 0) {
      link->black_hole = true;
      continue;
    }
    for (unsigned d = 0; d < 2; d++)
      if (directions[d ^ turned] && link_option(w, i, &link->faults[d]) < 0) return -1;
  }
  return 0;
}

static int read_change(struct scenario_words *w, struct scenario *s)
{
  unsigned i = 3, nodes[2];
  bool directions[2], turned = false;
  if (w->count < 4 || strcmp(w->word[2], "link") != 0)
    return fail(w, 1, "at TIME link a b WORD... is what can happen");
  if (s->change_count == SCENARIO_CHANGES) return fail(w, 0, "too many changes");
  struct scenario_change *change = &s->changes[s->change_count];
  *change = (struct scenario_change){0};
  if (read_value(w, 1, OPTION_TIME, &change->at_ns) < 0) return -1;
  if (s->change_count > 0 && change->at_ns < s->changes[s->change_count - 1].at_ns)
    return fail(w, 1, "%s is before the change above it", w->word[1]);
  if (read_ends(w, &i, s, nodes, directions) < 0) return -1;
  int link = find_link(s, nodes, &turned);
  if (link < 0) return fail(w, 3, "there is no such link");
  change->link = (unsigned)link;
  for (unsigned d = 0; d < 2; d++) {
    change->direction[d] = directions[d ^ turned];
    change->faults[d] = s->links[link].faults[d];
    // Earlier changes of the same link stand.
    for (unsigned k = 0; k < s->change_count; k++)
      if (s->changes[k].link == change->link && s->changes[k].direction[d]) {
        change->faults[d] = s->changes[k].faults[d];
        change->cut[d] = s->changes[k].cut[d];
      }
  }
  for (; i < w->count; i++)
    for (unsigned d = 0; d < 2; d++) {
      if (!change->direction[d]) continue;
      if (strcmp(w->word[i], "down") == 0)
        change->cut[d] = true;
      else if (strcmp(w->word[i], "up") == 0)
        change->cut[d] = false;
      else if (link_option(w, i, &change->faults[d]) < 0)
        return -1;
    }
  s->change_count++;
  return 0;
}

// ---------------------------------------------------------------------------------------------
// flow, expect, the rest

static int flow_option(struct scenario_words *w, unsigned i, struct scenario_flow *flow,
                       bool from_kernel)
{
  const char *word = w->word[i];
  uint64_t number = 0;
  if (is_word(word, "bytes")) return read_value(w, i, OPTION_BYTES, &flow->bytes);
  if (is_word(word, "for")) return read_value(w, i, OPTION_TIME, &flow->for_ns);
  if (is_word(word, "chunk")) return read_value(w, i, OPTION_BYTES, &flow->chunk_bytes);
  if (is_word(word, "each")) return read_value(w, i, OPTION_TIME, &flow->each_ns);
  if (is_word(word, "start")) return read_value(w, i, OPTION_TIME, &flow->start_ns);
  if (is_word(word, "gap")) return read_value(w, i, OPTION_TIME, &flow->gap_ns);
  if (is_word(word, "mayfail")) {
    flow->timed_out_ok = true;
    return 0;
  }
  if (is_word(word, "repeat")) {
    if (read_value(w, i, OPTION_COUNT, &number) < 0) return -1;
    if (number < 1 || number > 100000) return fail(w, i, "%s is not 1 to 100000", word);
    flow->repeat = (uint32_t)number;
    return 0;
  }
  if (is_word(word, "cc") && from_kernel) return kernel_cc(w, i, flow->kernel_cc);
  if (is_word(word, "cc")) {
    flow->congestion_control = cc_find(strchr(word, '=') != NULL ? strchr(word, '=') + 1 : "");
    return flow->congestion_control >= 0
               ? 0
               : fail(w, i, "%s: there is no such congestion control", word);
  }
  return fail(w, i, "%s: a flow has bytes= for= chunk= each= start= repeat= gap= cc= mayfail",
              word);
}

// The talk that a host takes part in, and on which side; NULL = none.
static struct scenario_talk *find_talk(struct scenario *s, unsigned node, unsigned *side)
{
  for (unsigned i = 0; i < s->talk_count; i++)
    for (*side = 0; *side < 2; ++*side)
      if (s->talks[i].node[*side] == node) return &s->talks[i];
  return NULL;
}

static int read_flow(struct scenario_words *w, struct scenario *s)
{
  if (w->count < 3) return fail(w, 1, "a flow needs two hosts");
  if (s->flow_count == SCENARIO_FLOWS) return fail(w, 0, "more than %d flows", SCENARIO_FLOWS);
  struct scenario_flow *flow = &s->flows[s->flow_count];
  *flow = (struct scenario_flow){.repeat = 1, .congestion_control = -1};
  unsigned *ends[2] = {&flow->from, &flow->to};
  for (unsigned k = 0; k < 2; k++) {
    int node = find_node(s, w->word[1 + k]);
    if (node < 0) return fail(w, 1 + k, "%s: there is no such host", w->word[1 + k]);
    unsigned side;
    if (s->nodes[node].router) return fail(w, 1 + k, "%s is a router", w->word[1 + k]);
    if (find_talk(s, (unsigned)node, &side) != NULL)
      return fail(w, 1 + k, "%s talks: it has nothing else to do", w->word[1 + k]);
    *ends[k] = (unsigned)node;
  }
  for (unsigned i = 3; i < w->count; i++)
    if (flow_option(w, i, flow, s->nodes[flow->from].kernel) < 0) return -1;
  if ((flow->bytes == 0) == (flow->for_ns == 0))
    return fail(w, w->count, "a flow ends by bytes= or by for=, one of them");
  if ((flow->chunk_bytes == 0) != (flow->each_ns == 0))
    return fail(w, w->count, "chunk= and each= need each other");
  if (flow->for_ns > 0) flow->bytes = UINT64_MAX;
  s->flow_count++;
  return 0;
}

static const struct {
  const char *name;
  enum option_kind kind;
} metrics[METRICS] = {
    [METRIC_GOODPUT] = {"goodput", OPTION_RATE},
    [METRIC_SPURIOUS] = {"spurious", OPTION_PERCENT},
    [METRIC_RETRANSMIT] = {"retransmitted", OPTION_PERCENT},
    [METRIC_JAIN] = {"jain", OPTION_HEADING},
    [METRIC_SHARE] = {"share", OPTION_HEADING},
    [METRIC_P99] = {"p99", OPTION_TIME},
    [METRIC_LONGEST] = {"longest", OPTION_TIME},
    [METRIC_QUEUE] = {"queue", OPTION_BYTES},
    [METRIC_QUEUE_LOSS] = {"queue_loss", OPTION_COUNT},
    [METRIC_MARKED] = {"marked", OPTION_COUNT},
    [METRIC_TIME] = {"time", OPTION_TIME},
    [METRIC_FAILED] = {"failed", OPTION_COUNT},
    [METRIC_MTU] = {"mtu", OPTION_COUNT},
    [METRIC_LATE] = {"late", OPTION_PERCENT},
    [METRIC_LATENESS] = {"lateness", OPTION_TIME},
};

const char *scenario_metric_name(enum scenario_metric metric)
{
  return metrics[metric].name;
}

// expect METRIC[:FLOW] OP VALUE
static int read_expect(struct scenario_words *w, struct scenario *s)
{
  if (w->count != 4) return fail(w, w->count, "expect METRIC <= VALUE, >= VALUE or = VALUE");
  if (s->expect_count == SCENARIO_EXPECTS) return fail(w, 0, "too many expectations");
  struct scenario_expect *e = &s->expects[s->expect_count];
  *e = (struct scenario_expect){.flow = -1, .line = w->line, .metric = METRICS};
  snprintf(e->text, sizeof e->text, "%.40s %.2s %.40s", w->word[1], w->word[2], w->word[3]);
  char *colon = strchr(w->word[1], ':');
  if (colon != NULL) {
    char *end;
    unsigned long number = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || number < 1 || number > SCENARIO_FLOWS)
      return fail(w, 1, "%s: flows are counted from 1", w->word[1]);
    e->flow = (int)number - 1;
    *colon = '\0';
  }
  for (int m = 0; m < METRICS; m++)
    if (strcmp(w->word[1], metrics[m].name) == 0) e->metric = (enum scenario_metric)m;
  if (e->metric == METRICS) return fail(w, 1, "%s: there is no such figure", w->word[1]);
  if (strcmp(w->word[2], "<=") != 0 && strcmp(w->word[2], ">=") != 0 &&
      strcmp(w->word[2], "=") != 0)
    return fail(w, 2, "%s is none of <= >= =", w->word[2]);
  strcpy(e->op, w->word[2]);
  if (metrics[e->metric].kind == OPTION_HEADING) {
    char *end;
    e->value = strtod(w->word[3], &end) * 1e6;
    if (*end != '\0') return fail(w, 3, "%s is not a number from 0 to 1", w->word[3]);
    s->expect_count++;
    return 0;
  }
  uint64_t wide = 0;
  uint32_t ppm = 0;
  bool percent = metrics[e->metric].kind == OPTION_PERCENT;
  if (read_value(w, 3, metrics[e->metric].kind, percent ? (void *)&ppm : (void *)&wide) < 0)
    return -1;
  e->value = percent ? ppm : (double)wide;
  s->expect_count++;
  return 0;
}

static int talk_option(struct scenario_words *w, unsigned i, struct scenario_talk *talk)
{
  const char *word = w->word[i];
  if (is_word(word, "bytes")) return read_value(w, i, OPTION_BYTES, &talk->habits[0].bytes);
  if (is_word(word, "back")) return read_value(w, i, OPTION_BYTES, &talk->habits[1].bytes);
  if (is_word(word, "start")) return read_value(w, i, OPTION_TIME, &talk->start_ns);
  if (strcmp(word, "closed") == 0)
    talk->closed = true;
  else if (strcmp(word, "fastopen") == 0)
    talk->fast_open = true;
  else
    return fail(w, i, "%s: a talk has bytes= back= start= closed fastopen", word);
  return 0;
}

static int read_talk(struct scenario_words *w, struct scenario *s)
{
  unsigned i = 1, side;
  bool directions[2];
  if (s->talk_count == SCENARIO_TALKS) return fail(w, 0, "more than %d talks", SCENARIO_TALKS);
  struct scenario_talk *talk = &s->talks[s->talk_count];
  *talk = (struct scenario_talk){0};
  if (read_ends(w, &i, s, talk->node, directions) < 0) return -1;
  for (unsigned k = 0; k < 2; k++) {
    const struct scenario_node *node = &s->nodes[talk->node[k]];
    if (node->router || node->kernel) return fail(w, 1, "%s is no host with a stack", node->name);
    if (find_talk(s, talk->node[k], &side) != NULL)
      return fail(w, 1, "%s talks already", node->name);
    for (unsigned f = 0; f < s->flow_count; f++)
      if (s->flows[f].from == talk->node[k] || s->flows[f].to == talk->node[k])
        return fail(w, 1, "%s has a flow: who talks has nothing else to do", node->name);
    talk->habits[k] = (struct app_habits){.write_bytes = 16384, .read_bytes = 16384};
  }
  for (; i < w->count; i++)
    if (talk_option(w, i, talk) < 0) return -1;
  s->talk_count++;
  return 0;
}

static int habit_option(struct scenario_words *w, unsigned i, struct app_habits *h)
{
  const char *word = w->word[i];
  uint64_t number = 0;
  if (is_word(word, "pause")) return read_value(w, i, OPTION_PERCENT, &h->pause_ppm);
  if (is_word(word, "calls")) return read_value(w, i, OPTION_PERCENT, &h->calls_ppm);
  if (is_word(word, "rest")) return read_value(w, i, OPTION_TIME, &h->pause_ns);
  if (is_word(word, "late")) return read_value(w, i, OPTION_TIME, &h->late_ns);
  if (is_word(word, "abort")) return read_value(w, i, OPTION_TIME, &h->abort_ns);
  if (is_word(word, "read") || is_word(word, "write")) {
    if (read_value(w, i, OPTION_BYTES, &number) < 0) return -1;
    if (number < 1 || number > 16384) return fail(w, i, "%s is not 1 to 16K", word);
    *(word[0] == 'r' ? &h->read_bytes : &h->write_bytes) = (uint32_t)number;
  } else if (strcmp(word, "closelast") == 0) {
    h->close_after_end = true;
  } else if (strcmp(word, "early") == 0) {
    h->release_early = true;
  } else {
    return fail(
        w, i, "%s: a habit is read= write= pause= rest= late= abort= calls= closelast early", word);
  }
  return 0;
}

static int read_habit(struct scenario_words *w, struct scenario *s)
{
  unsigned side = 0;
  int node = w->count > 1 ? find_node(s, w->word[1]) : -1;
  struct scenario_talk *talk = node >= 0 ? find_talk(s, (unsigned)node, &side) : NULL;
  if (talk == NULL) return fail(w, 1, "no talk above is of this host");
  for (unsigned i = 2; i < w->count; i++)
    if (habit_option(w, i, &talk->habits[side]) < 0) return -1;
  return 0;
}

static int read_statement(struct scenario_words *w, struct scenario *s)
{
  const char *verb = w->word[0];
  if (strcmp(verb, "host") == 0) return read_node(w, s, false);
  if (strcmp(verb, "router") == 0) return read_node(w, s, true);
  if (strcmp(verb, "link") == 0) return read_link(w, s);
  if (strcmp(verb, "at") == 0) return read_change(w, s);
  if (strcmp(verb, "flow") == 0) return read_flow(w, s);
  if (strcmp(verb, "talk") == 0) return read_talk(w, s);
  if (strcmp(verb, "habit") == 0) return read_habit(w, s);
  if (strcmp(verb, "expect") == 0) return read_expect(w, s);
  if (strcmp(verb, "ipv6") == 0 && w->count == 1) {
    s->ip6 = true;
    return 0;
  }
  if (strcmp(verb, "realtime") == 0 && w->count == 1) {
    s->realtime = true;
    return 0;
  }
  if (w->count == 2 && strcmp(verb, "seed") == 0) return read_value(w, 1, OPTION_COUNT, &s->seed);
  if (w->count == 2 && strcmp(verb, "until") == 0)
    return read_value(w, 1, OPTION_TIME, &s->until_ns);
  if (w->count == 2 && strcmp(verb, "measure") == 0)
    return read_value(w, 1, OPTION_TIME, &s->measure_from_ns);
  return fail(
      w, 0,
      "%s: is no statement (host router link flow talk habit at expect seed until measure ipv6 "
      "realtime)",
      verb);
}

int scenario_read_stream(FILE *file, struct scenario *s, struct scenario_error *error)
{
  static struct scenario_words words;
  *s = (struct scenario){.seed = 1};
  *error = (struct scenario_error){0};
  words = (struct scenario_words){.error = error};
  int answer = 0, got;
  while (answer == 0 && (got = scenario_words_next(&words, file)) != 0)
    answer = got < 0 ? -1 : read_statement(&words, s);
  words.count = 0;
  if (answer == 0 && s->flow_count + s->talk_count == 0)
    answer = fail(&words, 0, "there is no flow and no talk: nothing would happen");
  if (answer == 0 && s->talk_count > 0 && s->realtime)
    answer = fail(&words, 0, "talks are of virtual time, without the kernel");
  return answer;
}

int scenario_read(const char *path, struct scenario *s, struct scenario_error *error)
{
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
  *error = (struct scenario_error){0};
  if (file == NULL) {
    snprintf(error->text, sizeof error->text, "%s", strerror(errno));
    return -1;
  }
  int answer = scenario_read_stream(file, s, error);
  if (file != stdin) fclose(file);
  return answer;
}
