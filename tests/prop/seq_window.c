// SPDX-License-Identifier: BSD-2-Clause
// seq_window.c - which segments touch the window, RFC 9293 3.4: against the same question in 64 bits.
#include "support/prop.h"

#include "proto/seq.h"

// Where a segment of a sequence number lies: within 2^31 of RCV.NXT on either side.
static bool touches(int64_t from, uint32_t len, uint32_t wnd)
{
  if (len == 0) return wnd == 0 ? from == 0 : from >= 0 && from < (int64_t)wnd;
  return wnd > 0 && from < (int64_t)wnd && from + (int64_t)len > 0;
}

static uint32_t some_length(struct prop_rng *r)
{
  static const uint32_t some[] = {0,     1,     2,      100,         1460,
                                  65535, 65536, 262144, 0x3fffc000u, 0x40000000u};
  return some[prop_below(r, sizeof some / sizeof *some)];
}

// Numbers near RCV.NXT, near the window's edge, and half of all numbers away from both [MUST-66].
static bool as_in_64_bits(struct prop_rng *r)
{
  const uint32_t nxt = (uint32_t)prop_u64(r), wnd = some_length(r);
  const uint32_t len = prop_one_in(r, 4) ? 0 : 1 + prop_below(r, 262144);
  const uint32_t near = prop_one_in(r, 2) ? nxt : nxt + wnd;
  const uint32_t half = prop_one_in(r, 2) ? 0x80000000u : 0;
  const uint32_t seq = near + half + prop_below(r, 600000) - 300000;
  const bool got = acceptable(seq, len, nxt, wnd);
  const int64_t from = (int32_t)(seq - nxt);
  if (got == touches(from, len, wnd)) return true;
  printf("SEG.SEQ %u SEG.LEN %u RCV.NXT %u RCV.WND %u: %d\n", seq, len, nxt, wnd, got);
  return false;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"window", as_in_64_bits, 200000}};
  return prop_main(argc, argv, props, 1);
}
