// SPDX-License-Identifier: BSD-2-Clause
// row_table.c - connections in columns, by libsmartcols.
#include "row_table.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "row_json.h"

enum column {
  COLUMN_START,
  COLUMN_ORIG,
  COLUMN_RESP,
  COLUMN_OPENED,
  COLUMN_ORIG_STATE,
  COLUMN_RESP_STATE,
  COLUMN_CLOSED,
  COLUMN_ZEEK,
  COLUMN_HISTORY,
  COLUMN_DURATION,
  COLUMN_SENT,
  COLUMN_RECEIVED,
  COLUMN_NOTE,
  COLUMNS
};

static int table_begin(struct row_table *t)
{
  static const struct {
    const char *name;
    bool right;
  } columns[COLUMNS] = {{"START", true},      {"ORIGINATOR", false}, {"RESPONDER", false},
                        {"OPENED BY", false}, {"ORIG STATE", false}, {"RESP STATE", false},
                        {"CLOSED BY", false}, {"ZEEK", false},       {"HISTORY", false},
                        {"DURATION", true},   {"SENT", true},        {"RECEIVED", true},
                        {"NOTES", false}};
  struct libscols_table *table = scols_new_table();
  if (table == NULL) return -1;
  for (unsigned i = 0; i < COLUMNS; i++)
    if (scols_table_new_column(table, columns[i].name, 0, columns[i].right ? SCOLS_FL_RIGHT : 0) ==
        NULL) {
      scols_unref_table(table);
      return -1;
    }
  scols_table_set_stream(table, t->out);
  scols_table_enable_colors(table, t->color);
  scols_table_enable_noheadings(table, t->begun);
  // A pipe has no width: nothing may be cut away.
  scols_table_enable_nowrap(table, 1);
  if (!t->color)
    scols_table_set_termwidth(table, 100000),
        scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
  t->table = table;
  t->lines = 0;
  return 0;
}

int row_table_init(struct row_table *t, FILE *out, bool color)
{
  *t = (struct row_table){.out = out, .color = color};
  scols_init_debug(0);
  return table_begin(t);
}

void row_table_flush(struct row_table *t)
{
  if (t->lines == 0 || t->table == NULL) return;
  scols_print_table(t->table);
  scols_unref_table(t->table);
  t->table = NULL;
  t->begun = true;
  table_begin(t);
}

void row_table_free(struct row_table *t)
{
  if (t->table != NULL) scols_unref_table(t->table);
  t->table = NULL;
}

static void endpoint_text(char *out, size_t room, const struct estab_ip *ip, uint16_t port)
{
  char text[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(ip, text, sizeof text);
  snprintf(out, room, estab_ip_is4(ip) ? "%s:%u" : "[%s]:%u", text, port);
}

// What a reader should not miss, a few words each.
static void notes(char *out, size_t room, const struct estab_watch_conn *c)
{
  uint64_t again = c->side[0].retransmitted_pkts + c->side[1].retransmitted_pkts;
  uint64_t shut = c->side[0].zero_windows + c->side[1].zero_windows;
  size_t used = 0;
  out[0] = '\0';
#define NOTE(...)                                                                                  \
  do {                                                                                             \
    if (used > 0 && used < room) used += (size_t)snprintf(out + used, room - used, ", ");          \
    if (used < room) used += (size_t)snprintf(out + used, room - used, __VA_ARGS__);               \
  } while (0)
  if (c->opened_by_basis != ESTAB_WATCH_BASIS_SYN) NOTE("begun before the capture");
  if (again > 0) NOTE("%" PRIu64 " retransmitted", again);
  if (shut > 0) NOTE("%" PRIu64 " zero windows", shut);
  if (c->missed_bytes > 0) NOTE("%" PRIu64 " octets not captured", c->missed_bytes);
  if (c->tunnel != ESTAB_WATCH_TUNNEL_NONE)
    NOTE("in %s %" PRIu32, estab_watch_tunnel_name((enum estab_watch_tunnel)c->tunnel),
         c->tunnel_id);
  if (c->vlan[0] != 0) NOTE("VLAN %u", c->vlan[0]);
  if (c->evicted) NOTE("shed for memory");
  if (c->capture_loss) NOTE("capture lost packets");
  if (!c->final) NOTE("more may come");
#undef NOTE
}

void row_table_conn(struct row_table *t, const struct estab_watch_conn *c)
{
  char text[COLUMNS][96];
  if (t->table == NULL) return;
  if (!t->begun && t->lines == 0) t->base_ns = c->ts_ns;
  const char *minus = c->ts_ns < t->base_ns ? "-" : "";
  uint64_t start = c->ts_ns < t->base_ns ? t->base_ns - c->ts_ns : c->ts_ns - t->base_ns;
  snprintf(text[COLUMN_START], 96, "%s%" PRIu64 ".%06" PRIu64, minus, start / 1000000000,
           start % 1000000000 / 1000);
  endpoint_text(text[COLUMN_ORIG], 96, &c->orig_ip, c->orig_port);
  endpoint_text(text[COLUMN_RESP], 96, &c->resp_ip, c->resp_port);
  snprintf(text[COLUMN_OPENED], 96, "%s", row_who(c->opened_by));
  for (unsigned i = 0; i < 2; i++)
    snprintf(text[COLUMN_ORIG_STATE + i], 96, "%s%s",
             estab_state_name((enum estab_state)c->side[i].state),
             c->side[i].state_seen ? "" : "?");
  snprintf(text[COLUMN_CLOSED], 96, "%s", row_who(c->closed_by));
  snprintf(text[COLUMN_ZEEK], 96, "%s", c->conn_state);
  snprintf(text[COLUMN_HISTORY], 96, "%s", c->history[0] ? c->history : "-");
  if (c->has_duration) {
    snprintf(text[COLUMN_DURATION], 96, "%" PRIu64 ".%06" PRIu64, c->duration_ns / 1000000000,
             c->duration_ns % 1000000000 / 1000);
    snprintf(text[COLUMN_SENT], 96, "%" PRIu64, c->side[0].bytes);
    snprintf(text[COLUMN_RECEIVED], 96, "%" PRIu64, c->side[1].bytes);
  } else {
    for (unsigned i = COLUMN_DURATION; i <= COLUMN_RECEIVED; i++)
      snprintf(text[i], 96, "-");
  }
  notes(text[COLUMN_NOTE], 96, c);
  struct libscols_line *line = scols_table_new_line(t->table, NULL);
  if (line == NULL) return;
  for (unsigned i = 0; i < COLUMNS; i++)
    scols_line_set_data(line, i, text[i]);
  if (t->color && (c->side[0].bytes | c->side[1].bytes) == 0)
    scols_line_set_color(line, "darkgray");
  if (++t->lines == ROW_TABLE_BATCH) row_table_flush(t);
}
