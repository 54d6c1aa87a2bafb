// SPDX-License-Identifier: BSD-2-Clause
// scan_probe.c - the technique of a probe, from its flags, options, window and text.
#include "watch/scan_probe.h"
#include "base/tuple.h"

#define PROBE_SIX 0x3f // FIN SYN RST PSH ACK URG

enum {
  BIT_F = ESTAB_TCP_FIN,
  BIT_S = ESTAB_TCP_SYN,
  BIT_R = ESTAB_TCP_RST,
  BIT_P = ESTAB_TCP_PSH,
  BIT_A = ESTAB_TCP_ACK,
  BIT_U = ESTAB_TCP_URG,
};

// The first row whose flags under `mask` equal `flags` decides.
static const struct {
  uint8_t mask, flags, technique;
} probe_rows[] = {
    {PROBE_SIX, 0, PROBE_NULL},
    {PROBE_SIX, BIT_F, PROBE_FIN},
    {PROBE_SIX, BIT_F | BIT_U, PROBE_XMAS},
    {PROBE_SIX, BIT_F | BIT_P | BIT_U, PROBE_XMAS},
    {BIT_S | BIT_F | BIT_R | BIT_A, BIT_S | BIT_F, PROBE_SYNFIN},
    {BIT_S | BIT_F, BIT_S | BIT_F, PROBE_BOGUS},
    {BIT_S | BIT_R, BIT_S | BIT_R, PROBE_BOGUS},
    {BIT_S | BIT_A, BIT_S | BIT_A, PROBE_SYNACK},
    {BIT_S, BIT_S, PROBE_SYN},
    {BIT_R | BIT_A, BIT_R | BIT_A, PROBE_RST},
    {BIT_R, BIT_R, PROBE_NONE},
    {PROBE_SIX, BIT_A, PROBE_ACK},
    {PROBE_SIX, BIT_F | BIT_A, PROBE_FINACK},
    {BIT_A, 0, PROBE_BOGUS},
};

// nmap -O: timestamps that no clock shows, or the ECN probe's window and options together.
static bool probe_is_os(const struct estab_tcp_header *h)
{
  const struct estab_tcp_options *o = &h->options;
  if (o->present & ESTAB_TCP_OPT_TS && o->ts_value == UINT32_MAX && o->ts_echo == 0) return true;
  uint32_t want = ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED;
  return (h->flags & (BIT_S | BIT_A)) == BIT_S && h->flags & ESTAB_TCP_ECE &&
         h->flags & ESTAB_TCP_CWR && h->window == 3 &&
         (o->present & (want | ESTAB_TCP_OPT_TS)) == want && o->wscale == 10;
}

static uint8_t probe_fingerprint(const struct estab_tcp_header *h)
{
  uint32_t x = h->window;
  x = x * 31 + (h->options.present & 0xfff);
  x = x * 31 + (h->options.present & ESTAB_TCP_OPT_MSS ? h->options.mss : 0u);
  x *= UINT32_C(2654435761);
  return (uint8_t)(x >> 25);
}

static uint8_t probe_by_flags(uint16_t flags)
{
  for (size_t i = 0; i < sizeof probe_rows / sizeof *probe_rows; i++)
    if ((flags & probe_rows[i].mask) == probe_rows[i].flags) return probe_rows[i].technique;
  return PROBE_NONE;
}

struct probe probe_of(const struct watch_packet *p, bool fragmented)
{
  const struct estab_tcp_header *h = &p->tcp;
  struct probe out = {.technique = PROBE_SYN, .fingerprint = probe_fingerprint(h)};
  if ((h->flags & PROBE_SIX) != BIT_S) out.technique = probe_by_flags(h->flags);
  bool text = p->payload_bytes > 0;
  // Text is what lives are for: a segment of one that was cut.
  if (text && (out.technique == PROBE_ACK || out.technique == PROBE_FINACK))
    out.technique = PROBE_NONE;
  // What a closed port says to a SYN begins at 0; other RSTs end lives whose beginning was not seen.
  if (out.technique == PROBE_RST && h->seq != 0) out.technique = PROBE_NONE;
  if (out.technique != PROBE_NONE && out.technique != PROBE_RST && probe_is_os(h))
    out.technique = PROBE_OS;
  if (h->src_port == h->dst_port && out.technique == PROBE_SYN && ip_equal(&p->src, &p->dst))
    out.technique = PROBE_LAND;

  uint32_t kernel = ESTAB_TCP_OPT_TS;
  if (out.technique == PROBE_SYN) kernel |= ESTAB_TCP_OPT_SACK_PERMITTED | ESTAB_TCP_OPT_WSCALE;
  out.crafted = !(h->options.present & kernel);
  if (fragmented) out.modifiers |= ESTAB_WATCH_FRAGMENTED;
  if (text && out.technique != PROBE_NONE) out.modifiers |= ESTAB_WATCH_DATA;
  if (h->options.present & ESTAB_TCP_OPT_TFO && h->flags & BIT_S) out.modifiers |= ESTAB_WATCH_TFO;
  return out;
}

// technique 4 bits, modifiers 3, crafted 1, fingerprint 7, OBSERVE_TO_ITS_END 1
uint16_t probe_tag(const struct probe *p)
{
  unsigned tag = p->technique | (p->modifiers & 7u) << 4 | (p->crafted ? 1u : 0u) << 7 |
                 (p->fingerprint & 0x7fu) << 8 |
                 (probe_alone(p->technique) ? OBSERVE_TO_ITS_END : 0);
  return (uint16_t)(p->technique == PROBE_NONE ? 0 : tag);
}

enum estab_watch_kind probe_kind(uint8_t technique)
{
  static const uint8_t kinds[PROBE_TECHNIQUES] = {
      [PROBE_SYN] = ESTAB_WATCH_KIND_SYN_SCAN,
      [PROBE_ACK] = ESTAB_WATCH_KIND_ACK_OR_WINDOW_SCAN,
      [PROBE_FINACK] = ESTAB_WATCH_KIND_MAIMON_SCAN,
      [PROBE_SYNACK] = ESTAB_WATCH_KIND_SYNACK_SCAN,
      [PROBE_RST] = ESTAB_WATCH_KIND_BACKSCATTER,
      [PROBE_FIN] = ESTAB_WATCH_KIND_FIN_SCAN,
      [PROBE_NULL] = ESTAB_WATCH_KIND_NULL_SCAN,
      [PROBE_XMAS] = ESTAB_WATCH_KIND_XMAS_SCAN,
      [PROBE_SYNFIN] = ESTAB_WATCH_KIND_SYNFIN_SCAN,
      [PROBE_BOGUS] = ESTAB_WATCH_KIND_BOGUS_FLAGS,
      [PROBE_OS] = ESTAB_WATCH_KIND_OS_PROBE,
      [PROBE_LAND] = ESTAB_WATCH_KIND_LAND,
  };
  return kinds[technique];
}
