// SPDX-License-Identifier: BSD-2-Clause
// scan_trw.c - threshold random walk (Jung et al., IEEE S&P 2004) over first contacts to local hosts.
//
// theta0 = 0.8 and theta1 = 0.2 are the chances that a first contact of a benign host and of a scanner
// succeeds; so a failure multiplies the likelihood ratio by (1 - theta1) / (1 - theta0) = 4, a success by
// theta1 / theta0 = 1/4. alpha = 0.01 and beta = 0.99 give the thresholds 99 and 1/99. Logarithms are to
// the base 2, in 1/256.
#include "watch/scan_parts.h"
#include "base/bytes.h"
#include "base/tuple.h"

#define TRW_STEP  (2 * 256) // log2(4)
#define TRW_UPPER 1697      // log2(99) = 6.6294
#define TRW_LOWER (-1697)

// --local, or the private ranges (RFC 1918, RFC 4193).
static bool scan_trw_local(const struct estab_watch_settings *settings, const struct estab_ip *ip)
{
  if (settings->local) {
    for (uint32_t i = 0; i < settings->local_count; i++)
      if (ip_prefix_match(ip, &settings->local[i].ip, settings->local[i].bits)) return true;
    return false;
  }
  if (!estab_ip_is4(ip)) return (ip->bytes[0] & 0xfe) == 0xfc;
  const uint8_t *b = ip->bytes + 12;
  return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
}

void scan_trw_contact(struct scan *s, struct source *source, const struct observation *o,
                      bool failed)
{
  if (scan_trw_local(s->settings, &o->orig_ip) || !scan_trw_local(s->settings, &o->resp_ip)) return;
  // A contact is the first when its bit is new; of two hosts with one bit the second does not count.
  uint64_t bit = UINT64_C(1) << (scan_fingerprint(&s->pool, &o->resp_ip, 0) & 63);
  if (source->trw_hosts & bit) return;
  source->trw_hosts |= bit;
  if (source->trw_log >= TRW_UPPER) return;
  source->trw_log += failed ? TRW_STEP : -TRW_STEP;
  if (source->trw_log <= TRW_LOWER) { // benign: the walk begins anew
    source->trw_log = 0;
    source->trw_hosts = 0;
  }
}

bool scan_trw_scanner(const struct source *source)
{
  return source->trw_log >= TRW_UPPER;
}
