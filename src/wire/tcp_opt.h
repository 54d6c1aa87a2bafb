// SPDX-License-Identifier: BSD-2-Clause
// tcp_opt.h - the numbers of TCP options, for the codec and the formatter.
#ifndef ESTAB_WIRE_TCP_OPT_H
#define ESTAB_WIRE_TCP_OPT_H

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
};

#endif
