// SPDX-License-Identifier: BSD-2-Clause
// tcp_opt.h - the numbers of TCP options, for the codec and the formatter.
#ifndef ESTAB_WIRE_TCP_OPT_H
#define ESTAB_WIRE_TCP_OPT_H

#include <estab/wire.h>

enum tcp_opt_kind {
  TCP_OPT_KIND_END = 0,
  TCP_OPT_KIND_NOP = 1,
  TCP_OPT_KIND_MSS = 2,
  TCP_OPT_KIND_WSCALE = 3,
  TCP_OPT_KIND_SACK_PERMITTED = 4,
  TCP_OPT_KIND_SACK = 5,
  TCP_OPT_KIND_TS = 8,
  TCP_OPT_KIND_UTO = 28,
  TCP_OPT_KIND_TFO = 34,
  TCP_OPT_KIND_ACCECN0 = 172,
  TCP_OPT_KIND_ACCECN1 = 174,
  TCP_OPT_KIND_EXP = 254, // what of, its first two octets say (RFC 6994 3.1)
};

#define TCP_OPT_EXP_TFO 0xf989U

// NOP NOP TS, as most stacks lay it out in every segment but the SYN.
#define TCP_OPT_NOP_NOP_TS 0x0101080aU
#define TCP_OPT_TS_ALIGNED 12 // bytes of it with its values

#endif
