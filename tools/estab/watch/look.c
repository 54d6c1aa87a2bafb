// SPDX-License-Identifier: BSD-2-Clause
// look.c - one connection of a capture: a first pass finds it, a second one gathers its segments.
#include "look.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

enum look_by { LOOK_BY_NUMBER, LOOK_BY_UID, LOOK_BY_ENDS };

struct looking {
  enum look_by by;
  uint64_t number; // of the row
  const char *uid;
  struct estab_watch_endpoint end[2];
  uint64_t rows; // told so far
  bool found;
  struct look *look;
};

// ADDR:PORT or [ADDR]:PORT.
static bool read_endpoint(const char *text, size_t n, struct estab_watch_endpoint *out)
{
  char copy[80], *end;
  if (n >= sizeof copy) return false;
  memcpy(copy, text, n);
  copy[n] = '\0';
  char *colon = strrchr(copy, ':'), *address = copy;
  if (colon == NULL) return false;
  *colon = '\0';
  if (*address == '[' && colon > copy + 1 && colon[-1] == ']') {
    address++;
    colon[-1] = '\0';
  }
  unsigned long port = strtoul(colon + 1, &end, 10);
  if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > UINT16_MAX) return false;
  out->port = (uint16_t)port;
  return estab_ip_parse(address, &out->ip) == 0;
}

static bool read_what(struct looking *l, const char *what)
{
  char *end;
  const char *dash = strchr(what, '-');
  l->uid = what;
  l->by = LOOK_BY_UID;
  if (dash != NULL) {
    l->by = LOOK_BY_ENDS;
    return read_endpoint(what, (size_t)(dash - what), &l->end[0]) &&
           read_endpoint(dash + 1, strlen(dash + 1), &l->end[1]);
  }
  if (*what == 'C') return strlen(what) == ESTAB_WATCH_UID_TEXT - 1;
  l->by = LOOK_BY_NUMBER;
  l->number = strtoull(what, &end, 10);
  return *what >= '1' && *what <= '9' && *end == '\0';
}

static bool same_end(const struct estab_watch_endpoint *e, const struct estab_ip *ip, uint16_t port)
{
  return e->port == port && estab_ip_equal(&e->ip, ip);
}

static bool fits(const struct looking *l, const struct estab_watch_conn *c)
{
  char text[ESTAB_WATCH_UID_TEXT];
  switch (l->by) {
  case LOOK_BY_NUMBER: return l->rows == l->number;
  case LOOK_BY_UID:
    estab_watch_uid_format(&c->uid, text);
    if (strcmp(text, l->uid) == 0) return true;
    estab_watch_uid_format(&c->life, text);
    return strcmp(text, l->uid) == 0;
  case LOOK_BY_ENDS: break;
  }
  for (unsigned i = 0; i < 2; i++)
    if (same_end(&l->end[i], &c->orig_ip, c->orig_port) &&
        same_end(&l->end[1 - i], &c->resp_ip, c->resp_port))
      return true;
  return false;
}

static void take_row(struct look *look, const struct estab_watch_conn *c)
{
  look->conn = *c;
  snprintf(look->conn_state, sizeof look->conn_state, "%s", c->conn_state);
  snprintf(look->history, sizeof look->history, "%s", c->history);
  look->conn.conn_state = look->conn_state;
  look->conn.history = look->history;
  for (unsigned i = 0; i < 2; i++) {
    look->conn.side[i].steps = NULL;
    look->conn.side[i].step_count = 0;
  }
}

static bool same_life(const struct estab_watch_uid *a, const struct estab_watch_uid *b)
{
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void on_first_pass(void *ctx, const struct estab_watch_record *record)
{
  struct looking *l = ctx;
  if (record->type != ESTAB_WATCH_CONN || !record->conn.final) return;
  l->rows++;
  if (!fits(l, &record->conn)) return;
  if (!l->found)
    take_row(l->look, &record->conn);
  else if (!same_life(&record->conn.life, &l->look->conn.life))
    l->look->others++;
  l->found = true;
}

static void take_segment(struct look *look, const struct estab_watch_segment *s)
{
  const struct estab_watch_conn *c = &look->conn;
  if (look->count == look->room) {
    size_t room = look->room ? 2 * look->room : 256;
    void *more =
        look->count < LOOK_SEGMENTS ? realloc(look->segments, room * sizeof *look->segments) : NULL;
    if (more == NULL) {
      look->left_out++;
      return;
    }
    look->segments = more;
    look->room = room;
  }
  // Who opened may have been learned later: sides are the row's.
  bool orig = s->src_port == c->orig_port && estab_ip_equal(&s->src, &c->orig_ip);
  unsigned turned = orig != (s->side == ESTAB_WATCH_ORIG);
  struct look_segment *to = &look->segments[look->count++];
  *to = (struct look_segment){.ts_ns = s->ts_ns,
                              .packet = s->packet,
                              .seq = s->seq,
                              .ack = s->ack,
                              .window_bytes = s->window_bytes,
                              .text_bytes = s->text_bytes,
                              .marks = s->marks,
                              .flags = s->flags,
                              .from = orig ? ESTAB_WATCH_ORIG : ESTAB_WATCH_RESP,
                              .options = *s->options};
  for (unsigned i = 0; i < 2; i++) {
    to->state[i] = s->state[i ^ turned];
    to->sure[i] = s->state_seen[i ^ turned];
  }
}

static void on_second_pass(void *ctx, const struct estab_watch_record *record)
{
  struct looking *l = ctx;
  if (record->type == ESTAB_WATCH_SEGMENT) {
    if (same_life(&record->segment.uid, &l->look->conn.life))
      take_segment(l->look, &record->segment);
  } else if (record->type == ESTAB_WATCH_CONN && record->conn.final &&
             same_life(&record->conn.life, &l->look->conn.life))
    take_row(l->look, &record->conn);
}

int look_find(struct look *look, const struct watch_run *run, const char *what)
{
  struct looking l = {.look = look};
  struct passes passes;
  memset(look, 0, sizeof *look);
  if (!read_what(&l, what))
    return say_usage("watch", "%s: is neither a row's number, a uid nor ADDR:PORT-ADDR:PORT", what);
  int status = passes_open(&passes, run);
  if (status == 0) status = passes_make(&passes, false, on_first_pass, &l);
  if (status == 0 && !l.found)
    status = say_failure("watch", "Numbers are in the table, uids in --json and in --csv",
                         "no connection is %s", what);
  if (status == 0) status = passes_make(&passes, true, on_second_pass, &l);
  if (status == 0 && look->count == 0 && passes.kept < 0)
    status =
        say_failure("watch", NULL, "%s was not met again: Ctrl-C, or a file has changed", what);
  else if (status == 0 && look->count == 0)
    status = say_failure("watch", "Save it to a file: files are read twice",
                         "%s lies beyond the %" PRIu64 " MiB that are kept of standard input", what,
                         PASSES_KEPT_BYTES >> 20);
  look->damaged = passes.end.failed;
  if (status == 0 && look->others > 0)
    fprintf(stderr,
            "estab watch: %" PRIu64 " more connection%s of these two ends: name one by uid\n",
            look->others, look->others == 1 ? "" : "s");
  passes_close(&passes);
  return status;
}

void look_free(struct look *l)
{
  free(l->segments);
}
