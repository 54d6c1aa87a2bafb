// SPDX-License-Identifier: BSD-2-Clause
// demo_say.c - what the demo says of a connection, and of all of them.
#include "demo.h"

#include "json.h"

#include <inttypes.h>
#include <string.h>

static void say_states(const enum estab_state *states, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    printf("%s%s", i ? ", " : "", estab_state_name(states[i]));
}

void demo_say(const struct demo *d, const struct demo_result *r)
{
  if (d->json) return;
  if (r->sent[0]) {
    printf("\n   SHA-256 sent      %s\n   SHA-256 received  %s  %" PRIu64 " bytes, %s\n", r->sent,
           r->received, r->bytes, strcmp(r->sent, r->received) == 0 ? "equal" : "NOT EQUAL");
  }
  if (r->checked_count > 0) {
    printf("   The kernel's own word (sock_diag, as ss): ");
    say_states(r->checked, r->checked_count);
    puts(", as inferred");
  } else if (r->unchecked) {
    puts("   The kernel cannot be asked for its states (no sock_diag): they stay inferred");
  }
  if (!r->ok) printf("   FAILED: %s\n", r->why);
}

static void json_states(const char *key, const enum estab_state *states, unsigned count)
{
  printf("\"%s\":[", key);
  for (unsigned i = 0; i < count; i++)
    printf("%s\"%s\"", i ? "," : "", estab_state_name(states[i]));
  putchar(']');
}

static void json_result(const struct demo_result *r)
{
  printf("{\"what\":");
  json_put(stdout, r->what);
  printf(",\"ok\":%s,", r->ok ? "true" : "false");
  if (r->why) {
    printf("\"why\":");
    json_put(stdout, r->why);
    putchar(',');
  }
  if (r->sent[0])
    printf("\"sha256_sent\":\"%s\",\"sha256_received\":\"%s\",\"bytes\":%" PRIu64 ",", r->sent,
           r->received, r->bytes);
  printf("\"seconds\":%.6f,\"states\":{", r->seconds);
  json_states("kernel", r->states[0], r->state_count[0]);
  putchar(',');
  json_states("estab", r->states[1], r->state_count[1]);
  printf("},");
  json_states("kernel_confirmed", r->checked, r->checked_count);
  putchar('}');
}

// The last object: the first connection's own words at the top, and all three below.
static void json_all(const struct demo *d, bool ok, double seconds)
{
  const struct demo_result *r = &d->results[0];
  printf("{\"ok\":%s,\"sha256_sent\":\"%s\",\"sha256_received\":\"%s\",\"bytes\":%" PRIu64
         ",\"seconds\":%.6f,\"states\":{",
         ok ? "true" : "false", r->sent, r->received, r->bytes, seconds);
  json_states("kernel", r->states[0], r->state_count[0]);
  putchar(',');
  json_states("estab", r->states[1], r->state_count[1]);
  printf("},\"device\":");
  json_put(stdout, d->m.port.dev.name);
  printf(",\"connections\":[");
  for (unsigned i = 0; i < d->result_count; i++) {
    if (i) putchar(',');
    json_result(&d->results[i]);
  }
  puts("]}");
}

void demo_say_all(const struct demo *d, bool ok, double seconds)
{
  if (d->json) {
    json_all(d, ok, seconds);
    return;
  }
  putchar('\n');
  uint64_t again = 0;
  for (unsigned i = 0; i < d->result_count; i++)
    again += d->results[i].totals.again[0] + d->results[i].totals.again[1];
  if (again) printf("%" PRIu64 " segments were sent again.\n", again);
  if (ok)
    printf("Opened, carried, closed and refused as it should be; hashes equal both ways; %.1f s.\n",
           seconds);
  else
    printf("Something went wrong, see above; %.1f s.\n", seconds);
}
