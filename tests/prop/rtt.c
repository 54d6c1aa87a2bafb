// SPDX-License-Identifier: BSD-2-Clause
// rtt.c - the estimator of round trips beside RFC 6298's formulas, reckoned in another way.
#include "support/prop.h"

#include "proto/rtt.h"

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

static bool near_to(uint64_t a, uint64_t b)
{
  return (a > b ? a - b : b - a) <= 64; // roundings of a few samples
}

// [RFC 6298 M1] the first sample, [RFC 6298 M2] the later ones, RTTVAR before SRTT, [RFC 6298 S2, RFC 6298 O1] floor
// and ceiling, both profiles.
static bool formulas_hold(struct prop_rng *r)
{
  uint64_t floor = prop_one_in(r, 2) ? SEC : 200 * MS, ceiling = 120 * SEC;
  struct rtt e;
  rtt_init(&e, SEC);
  PROP_CHECK(e.rto_ns == SEC);
  uint64_t srtt = 0, var = 0; // in eighths and quarters of a nanosecond, so that nothing is lost
  uint64_t base = MS * (1 + prop_below(r, 3000));
  for (unsigned i = 0; i < 5; i++) {
    uint64_t sample = base + MS * prop_below(r, 1 + (uint32_t)(base / MS));
    rtt_sample(&e, sample, MS, floor, ceiling);
    if (i == 0) {
      srtt = sample;
      var = sample / 2;
    } else {
      uint64_t error = srtt > sample ? srtt - sample : sample - srtt; // with the old SRTT
      var = (3 * var + error) / 4;
      srtt = (7 * srtt + sample) / 8;
    }
    uint64_t rto = srtt + (4 * var > MS ? 4 * var : MS);
    if (rto < floor) rto = floor;
    if (rto > ceiling) rto = ceiling;
    PROP_CHECK(near_to(e.srtt_ns, srtt) && near_to(e.rttvar_ns, var));
    PROP_CHECK((e.rto_ns > rto ? e.rto_ns - rto : rto - e.rto_ns) <= 512);
  }
  return true;
}

// [RFC 6298 M5]: a path that never varies: the clock's grain is added, not nothing.
static bool grain_counts(struct prop_rng *r)
{
  uint64_t sample = SEC + MS * prop_below(r, 5000);
  struct rtt e;
  rtt_init(&e, SEC);
  for (unsigned i = 0; i < 200; i++)
    rtt_sample(&e, sample, MS, 200 * MS, 120 * SEC);
  PROP_CHECK(e.rttvar_ns < 1000);
  PROP_CHECK(e.rto_ns == e.srtt_ns + MS);
  return true;
}

// [RFC 6298 M11, RFC 6298 O1]: each backoff doubles, as far as the ceiling, and no further.
static bool backoff_doubles(struct prop_rng *r)
{
  struct rtt e;
  rtt_init(&e, MS * (200 + prop_below(r, 3000)));
  uint64_t want = e.rto_ns;
  for (unsigned n = 0; n < 40; n++) {
    PROP_CHECK(rtt_backed_off(&e, n, 120 * SEC) == want);
    want = want * 2 < 120 * SEC ? want * 2 : 120 * SEC;
  }
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"formulas", formulas_hold, 2000},
                                      {"grain", grain_counts, 200},
                                      {"backoff", backoff_doubles, 200}};
  return prop_main(argc, argv, props, 3);
}
