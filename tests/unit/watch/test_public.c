// SPDX-License-Identifier: BSD-2-Clause
// test_public.c - rows equal to those another tool printed, from a folder of captures: ESTAB_GOLDEN=DIR.
//
// DIR has expected*.tsv with the columns pcap orig_h orig_p resp_h resp_p conn_state history orig_bytes resp_bytes
// orig_pkts resp_pkts missed_bytes orig_ip_bytes resp_ip_bytes class checksums; "?" = not known, "-" = not set.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "estab/driver.h"
#include "estab/watch.h"

#define ROWS    128
#define COLUMNS 16

struct row {
  char text[512];
};

static struct row rows[ROWS];
static unsigned row_count;

static void number(char *out, bool set, uint64_t n)
{
  if (set)
    sprintf(out, "%llu", (unsigned long long)n);
  else
    strcpy(out, "-");
}

static void keep(const struct estab_watch_conn *c)
{
  char o[ESTAB_IP_TEXT_BYTES], r[ESTAB_IP_TEXT_BYTES], ob[24], rb[24];
  estab_ip_format(&c->orig_ip, o, sizeof o);
  estab_ip_format(&c->resp_ip, r, sizeof r);
  number(ob, c->has_duration, c->side[0].bytes);
  number(rb, c->has_duration, c->side[1].bytes);
  assert_true(row_count < ROWS);
  snprintf(rows[row_count++].text, sizeof rows[0].text,
           "%s\t%u\t%s\t%u\t%s\t%s\t%s\t%s\t%llu\t%llu\t%llu\t%llu\t%llu", o, c->orig_port, r,
           c->resp_port, c->conn_state, c->history, ob, rb, (unsigned long long)c->side[0].pkts,
           (unsigned long long)c->side[1].pkts, (unsigned long long)c->missed_bytes,
           (unsigned long long)c->side[0].ip_bytes, (unsigned long long)c->side[1].ip_bytes);
}

static void pull(estab_watch *w)
{
  struct estab_watch_record record;
  while (estab_watch_next(w, &record))
    if (record.type == ESTAB_WATCH_CONN) keep(&record.conn);
}

static uint32_t get32(const uint8_t *p, bool swap)
{
  return swap ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
              : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

// A pcap file of either byte order, through an observer with Zeek's rows.
static void watch_file(const char *path, bool verify)
{
  static uint8_t bytes[1 << 20];
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t n = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  assert_true(n >= 24 && n < sizeof bytes);
  uint32_t magic = get32(bytes, false);
  bool swap = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
  magic = get32(bytes, swap);
  assert_true(magic == 0xa1b2c3d4 || magic == 0xa1b23c4d);
  struct estab_watch_settings settings;
  estab_watch_settings_default(&settings);
  settings.mem = estab_system_mem();
  settings.verify_checksums = verify;
  settings.max_bytes = 4 << 20;
  estab_watch *w;
  assert_int_equal(estab_watch_new(&settings, &w), 0);
  row_count = 0;
  for (size_t at = 24; at + 16 <= n;) {
    uint64_t ts = get32(bytes + at, swap) * UINT64_C(1000000000) +
                  get32(bytes + at + 4, swap) * (magic == 0xa1b23c4d ? UINT64_C(1) : 1000);
    uint32_t captured = get32(bytes + at + 8, swap), wire = get32(bytes + at + 12, swap);
    if (captured > n - at - 16) break;
    estab_watch_input(w, 0, get32(bytes + 20, swap) & 0xfffffff, bytes + at + 16, captured, wire,
                      ts);
    pull(w);
    at += 16 + captured;
  }
  estab_watch_flush(w);
  pull(w);
  estab_watch_free(w);
}

static unsigned split(char *line, char *fields[COLUMNS])
{
  unsigned n = 0;
  line[strcspn(line, "\n")] = 0;
  for (char *at = line; at && n < COLUMNS; n++) {
    fields[n] = at;
    at = strchr(at, '\t');
    if (at) *at++ = 0;
  }
  return n;
}

// Whether a row says what the columns from `orig_h` on want.
static bool agrees(const char *row, char *const want[13], unsigned columns)
{
  char copy[512], *got[COLUMNS];
  snprintf(copy, sizeof copy, "%s", row);
  split(copy, got);
  for (unsigned i = 0; i < columns; i++)
    if (strcmp(want[i], "?") != 0 && strcmp(want[i], got[i]) != 0) return false;
  return true;
}

static unsigned compare(const char *folder, const char *name, unsigned *bad)
{
  char path[512], line[2048], *f[COLUMNS];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *tsv = fopen(path, "r");
  if (!tsv) return 0;
  unsigned count = 0;
  while (fgets(line, sizeof line, tsv)) {
    if (line[0] == '#' || split(line, f) < COLUMNS) continue;
    snprintf(path, sizeof path, "%s/%s", folder, f[0]);
    watch_file(path, strcmp(f[15], "validate") == 0);
    bool found = false;
    for (unsigned i = 0; i < row_count; i++)
      found |= agrees(rows[i].text, &f[1], 13);
    count++;
    if (found) continue;
    ++*bad;
    print_error("%s: no such row:", f[0]);
    for (unsigned i = 1; i < 14; i++)
      print_error(" %s", f[i]);
    print_error("\n");
    for (unsigned i = 0; i < row_count; i++)
      if (agrees(rows[i].text, &f[1], 4)) print_error("  but %s\n", rows[i].text);
  }
  fclose(tsv);
  return count;
}

static void public_rows(void **state)
{
  (void)state;
  unsigned bad = 0, count = compare(getenv("ESTAB_GOLDEN"), "expected_public.tsv", &bad);
  print_message("%u rows compared, %u differ\n", count, bad);
  assert_true(count > 0);
  assert_int_equal(bad, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(public_rows)};
  if (getenv("ESTAB_GOLDEN") == NULL) {
    print_message("SKIPPED: ESTAB_GOLDEN names no folder of captures with expected_public.tsv\n");
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
