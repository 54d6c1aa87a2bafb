// SPDX-License-Identifier: BSD-2-Clause
// tcp_plain.c - what segment_is_plain() lets by, judge_segment() passes, and changes nothing of it.
#include "support/prop.h"

#include <string.h>

#include "tcp/tcb.h"

static struct estab_settings settings;

// Near a corner of the sequence space, so that all comparisons meet their edges.
static uint32_t near(struct prop_rng *r, uint32_t center)
{
  return center + prop_below(r, 5) - 2;
}

static bool plain_is_judged_plain(struct prop_rng *r)
{
  static const uint32_t windows[] = {0, 1, 2, 3, 1000, 65535, 1u << 30};
  static const uint8_t flags[] = {0, SEG_TS, SEG_PASSIVE, SEG_TS | SEG_SACK};
  settings.require_timestamps = prop_one_in(r, 2);
  unsigned plain = 0;
  for (unsigned i = 0; i < 20000; i++) {
    struct seg_state t = {
        .state = (uint8_t)(ESTAB_SYN_RECEIVED + prop_below(r, ESTAB_STATES - ESTAB_SYN_RECEIVED)),
        .flags = flags[prop_below(r, 4)],
        .ts_recent = (uint32_t)prop_u64(r),
        .ts_recent_s = 100,
    };
    t.rcv.nxt = near(r, 0);
    t.last_ack_sent = near(r, t.rcv.nxt);
    t.rcv.wnd = windows[prop_below(r, 7)];
    t.snd.una = near(r, 0);
    t.snd.nxt = t.snd.una + prop_below(r, 3);
    t.snd.max_wnd = windows[prop_below(r, 7)];
    const struct estab_tcp_options options = {
        .present = prop_one_in(r, 4) ? 0 : ESTAB_TCP_OPT_TS,
        .ts_value = near(r, t.ts_recent),
    };
    uint8_t text[8] = {0};
    struct seg g = {
        .seq = near(r, t.rcv.nxt),
        .ack = prop_one_in(r, 3) ? near(r, t.snd.una - t.snd.max_wnd) : near(r, t.snd.nxt),
        .wnd = 1000,
        .text_bytes = prop_below(r, 5),
        .flags = (uint16_t)(prop_one_in(r, 3) ? prop_below(r, 64) : ESTAB_TCP_ACK),
        .segments = 1,
        .text = text,
        .options = &options,
    };
    g.seq_arrived = g.seq;
    if (!segment_is_plain(&t, &g)) continue;
    plain++;
    struct seg_state short_way = t, long_way = t;
    struct seg judged = g;
    update_ts_recent(&short_way, &g, 200000000000u);
    struct verdict v = judge_segment(&settings, &long_way, &judged, 200000000000u);
    PROP_CHECK(!v.stop && v.drop == ESTAB_DROP_NONE && v.reply == REPLY_NONE);
    PROP_CHECK(memcmp(&judged, &g, sizeof g) == 0);
    PROP_CHECK(memcmp(&short_way, &long_way, sizeof t) == 0);
  }
  PROP_CHECK(plain > 200); // it is worth having
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"plain_is_judged_plain", plain_is_judged_plain, 50}};
  estab_settings_default(&settings);
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
