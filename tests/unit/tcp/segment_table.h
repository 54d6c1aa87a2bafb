// SPDX-License-Identifier: BSD-2-Clause
// segment_table.h - 24 kinds of segment in every state: what must be answered, what comes next, the drop, and why.
//
// Read from RFC 9293 3.10.7, RFC 5961, RFC 7323 and RFC 6191, not from the code. The connection has timestamps and
// window scaling; each side has sent ten octets before; in ESTABLISHED and CLOSE-WAIT ten of ours are in flight, in
// FIN-WAIT-1, CLOSING and LAST-ACK our FIN is. A listener is there except in CLOSED, SYN-SENT and SYN-RECEIVED
// (active). Where there is no connection, RCV.NXT stands for the number after the peer's SYN.
#ifndef ESTAB_TEST_SEGMENT_TABLE_H
#define ESTAB_TEST_SEGMENT_TABLE_H

#include "support/kit.h"

enum answer {
  NOTHING,
  ACK,     // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, at once
  DELAYED, // the same, held back
  SYN_ACK, // <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
  RST_ACK, // <SEQ=SEG.ACK><CTL=RST>
  RST_SEQ, // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
};

enum seq_at { AT_NXT, AT_IRS, AT_EDGE }; // RCV.NXT, IRS, RCV.NXT + RCV.WND
enum ack_at { NO_ACK, AT_UNA, AT_SND_NXT, AT_ISS, TOO_OLD };

#define IN(place) (1u << KIT_##place)
#define RECEIVED  (IN(SYN_RECEIVED) | IN(SYN_RECEIVED_ACTIVE))
#define OPEN      (IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2))
#define ENDED     (IN(CLOSE_WAIT) | IN(CLOSING) | IN(LAST_ACK))
#define WAITING   (IN(TIME_WAIT) | IN(TIME_WAIT_FULL))
#define LIVING    (OPEN | ENDED)
#define SAME      ESTAB_STATES // the state stays

struct cell {
  uint32_t in;
  enum answer answer;
  enum estab_state next;
  const char *drop; // "" = taken
  const char *because;
};

struct kind {
  const char *name;
  uint16_t flags;
  enum seq_at seq;
  int32_t seq_plus;
  enum ack_at ack;
  int32_t ack_plus;
  uint32_t text_bytes;
  enum kit_ts ts;
  struct cell cells[12];
};

// clang-format off
#define FIN ESTAB_TCP_FIN
#define SYN ESTAB_TCP_SYN
#define RST ESTAB_TCP_RST
#define PSH ESTAB_TCP_PSH
#define ACK_BIT ESTAB_TCP_ACK

// Most kinds meet the same fate where there is no connection.
#define CLOSED_RST_ACK {IN(CLOSED), RST_ACK, SAME, "TCP_CLOSED", "RFC 9293 3.10.7.1"}
#define CLOSED_RST_SEQ {IN(CLOSED), RST_SEQ, SAME, "TCP_CLOSED", "RFC 9293 3.10.7.1"}
#define LISTEN_RST_ACK {IN(LISTEN), RST_ACK, SAME, "TCP_LISTEN_ACK", "RFC 9293 3.10.7.2 second"}
#define LISTEN_SYN     {IN(LISTEN), SYN_ACK, ESTAB_SYN_RECEIVED, "", "RFC 9293 3.10.7.2 third"}
#define SENT_SYN       {IN(SYN_SENT), SYN_ACK, ESTAB_SYN_RECEIVED, "", "RFC 9293 3.10.7.3 fourth, 3.5 Figure 7"}
#define SENT_NO_SYN    {IN(SYN_SENT), NOTHING, SAME, "TCP_SYN_SENT_NO_SYN", "RFC 9293 3.10.7.3 fifth"}
#define SENT_RST_ACK   {IN(SYN_SENT), RST_ACK, SAME, "TCP_SYN_SENT_ACK", "RFC 9293 3.10.7.3 first"}
#define CHALLENGED     {LIVING, ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth, RFC 5961 4.2"}
#define SEQUENCE(where) {where, ACK, SAME, "TCP_SEQUENCE", "RFC 9293 3.10.7.4 first"}

static const struct kind kinds[] = {
  {"rst-exact", RST, AT_NXT, 0, NO_ACK, 0, 0, KIT_TS_NONE, {
    {IN(CLOSED), NOTHING, SAME, "TCP_CLOSED", "RFC 9293 3.10.7.1"},
    {IN(LISTEN), NOTHING, SAME, "TCP_LISTEN_RST", "RFC 9293 3.10.7.2 first"},
    {IN(SYN_SENT), NOTHING, SAME, "TCP_SYN_SENT_RST", "RFC 9293 3.10.7.3 second: no ACK"},
    {IN(SYN_RECEIVED), NOTHING, ESTAB_LISTEN, "", "RFC 9293 3.10.7.4 second: passive, back to LISTEN"},
    {IN(SYN_RECEIVED_ACTIVE), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 second: refused"},
    {LIVING, NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 second, 2): exact"},
    {WAITING, NOTHING, SAME, "TCP_RST_TIME_WAIT", "RFC 1337 3"}}},
  {"rst-ack-exact", RST | ACK_BIT, AT_NXT, 0, AT_SND_NXT, 0, 0, KIT_TS_NONE, {
    {IN(CLOSED), NOTHING, SAME, "TCP_CLOSED", "RFC 9293 3.10.7.1"},
    {IN(LISTEN), NOTHING, SAME, "TCP_LISTEN_RST", "RFC 9293 3.10.7.2 first: RST before ACK"},
    {IN(SYN_SENT), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.3 second: the ACK was acceptable"},
    {IN(SYN_RECEIVED), NOTHING, ESTAB_LISTEN, "", "RFC 9293 3.10.7.4 second"},
    {IN(SYN_RECEIVED_ACTIVE), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 second: refused"},
    {LIVING, NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 second, 2): exact"},
    {WAITING, NOTHING, SAME, "TCP_RST_TIME_WAIT", "RFC 1337 3"}}},
  {"rst-in-window", RST, AT_NXT, 1, NO_ACK, 0, 0, KIT_TS_NONE, {
    {IN(CLOSED), NOTHING, SAME, "TCP_CLOSED", "RFC 9293 3.10.7.1"},
    {IN(LISTEN), NOTHING, SAME, "TCP_LISTEN_RST", "RFC 9293 3.10.7.2 first"},
    {IN(SYN_SENT), NOTHING, SAME, "TCP_SYN_SENT_RST", "RFC 9293 3.10.7.3 second: no ACK"},
    {RECEIVED | LIVING, ACK, SAME, "TCP_RST_INEXACT", "RFC 9293 3.10.7.4 second, 3): challenge"},
    {WAITING, NOTHING, SAME, "TCP_RST_TIME_WAIT", "RFC 1337 3"}}},
  {"rst-outside", RST, AT_NXT, -1, NO_ACK, 0, 0, KIT_TS_NONE, {
    {IN(CLOSED), NOTHING, SAME, "TCP_CLOSED", "RFC 9293 3.10.7.1"},
    {IN(LISTEN), NOTHING, SAME, "TCP_LISTEN_RST", "RFC 9293 3.10.7.2 first"},
    {IN(SYN_SENT), NOTHING, SAME, "TCP_SYN_SENT_RST", "RFC 9293 3.10.7.3 second: no ACK"},
    {RECEIVED | LIVING | WAITING, NOTHING, SAME, "TCP_SEQUENCE", "RFC 9293 3.10.7.4 second, 1): silently"}}},
  {"syn-in-window", SYN, AT_NXT, 100, NO_ACK, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_SEQ, LISTEN_SYN, SENT_SYN,
    {IN(SYN_RECEIVED), NOTHING, ESTAB_LISTEN, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth: passive, to LISTEN"},
    {IN(SYN_RECEIVED_ACTIVE), ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth: as synchronized"},
    CHALLENGED,
    {WAITING, SYN_ACK, ESTAB_SYN_RECEIVED, "", "RFC 6191 2: TSval is newer; RFC 9293 3.6.1 [MAY-2]"}}},
  {"syn-repeated", SYN, AT_IRS, 0, NO_ACK, 0, 0, KIT_TS_OLD, {
    CLOSED_RST_SEQ, LISTEN_SYN, SENT_SYN,
    {RECEIVED, SYN_ACK, SAME, "TCP_DUPLICATE", "RFC 9293 3.10.7.4 first answers; 3.8.1: the SYN-ACK was lost"},
    CHALLENGED,
    {WAITING, ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 6191 2: not newer; RFC 9293 3.10.7.4 fourth"}}},
  {"syn-old", SYN, AT_NXT, -100000, NO_ACK, 0, 0, KIT_TS_OLD, {
    CLOSED_RST_SEQ, LISTEN_SYN, SENT_SYN,
    {RECEIVED, ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 5961 4.2: whatever its number"},
    CHALLENGED,
    {WAITING, ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 6191 2: not newer; RFC 9293 3.10.7.4 fourth"}}},
  {"syn-ack-repeated", SYN | ACK_BIT, AT_IRS, 0, AT_ISS, 1, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK,
    {IN(SYN_SENT), ACK, ESTAB_ESTABLISHED, "", "RFC 9293 3.10.7.3 fourth"},
    {RECEIVED, NOTHING, ESTAB_ESTABLISHED, "", "RFC 9293 3.5 Figure 7 line 6, A.2: its ACK counts"},
    CHALLENGED,
    {WAITING, ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth"}}},
  {"syn-fin", SYN | FIN, AT_NXT, 100, NO_ACK, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_SEQ,
    {IN(LISTEN), NOTHING, SAME, "TCP_LISTEN_SYN_FIN", "departs from RFC 9293 3.10.7.2: scanners"},
    {IN(SYN_SENT), NOTHING, SAME, "TCP_SYN_SENT_SYN_FIN", "departs from RFC 9293 3.10.7.3: as LISTEN"},
    {IN(SYN_RECEIVED), NOTHING, ESTAB_LISTEN, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth: passive, to LISTEN"},
    {IN(SYN_RECEIVED_ACTIVE), ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth"},
    CHALLENGED,
    {WAITING, ACK, SAME, "TCP_SYN_IN_WINDOW", "RFC 9293 3.10.7.4 fourth: no listener would take it"}}},
  {"ack-una", ACK_BIT, AT_NXT, 0, AT_UNA, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_RST_ACK,
    {RECEIVED, RST_ACK, SAME, "TCP_ACK_SYN_RECEIVED", "RFC 9293 3.10.7.4 fifth"},
    {LIVING | WAITING, NOTHING, SAME, "", "RFC 9293 3.10.7.4 fifth: a duplicate"}}},
  {"ack-all", ACK_BIT, AT_NXT, 0, AT_SND_NXT, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED, NOTHING, ESTAB_ESTABLISHED, "", "RFC 9293 3.10.7.4 fifth"},
    {IN(ESTABLISHED) | IN(FIN_WAIT_2) | IN(CLOSE_WAIT) | WAITING, NOTHING, SAME, "", "RFC 9293 3.10.7.4 fifth"},
    {IN(FIN_WAIT_1), NOTHING, ESTAB_FIN_WAIT_2, "", "RFC 9293 3.10.7.4 fifth"},
    {IN(CLOSING), NOTHING, ESTAB_TIME_WAIT, "", "RFC 9293 3.10.7.4 fifth"},
    {IN(LAST_ACK), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 fifth"}}},
  {"ack-unsent", ACK_BIT, AT_NXT, 0, AT_SND_NXT, 1, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_RST_ACK,
    {RECEIVED, RST_ACK, SAME, "TCP_ACK_SYN_RECEIVED", "RFC 9293 3.10.7.4 fifth"},
    {LIVING | WAITING, ACK, SAME, "TCP_ACK_UNSENT", "RFC 9293 3.10.7.4 fifth"}}},
  {"ack-too-old", ACK_BIT, AT_NXT, 0, TOO_OLD, -1, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_RST_ACK,
    {RECEIVED, RST_ACK, SAME, "TCP_ACK_SYN_RECEIVED", "RFC 9293 3.10.7.4 fifth"},
    {LIVING | WAITING, ACK, SAME, "TCP_ACK_TOO_OLD", "RFC 5961 5.2"}}},
  {"ack-seq-below", ACK_BIT, AT_NXT, -1, AT_SND_NXT, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN, SEQUENCE(RECEIVED | LIVING | WAITING)}},
  {"ack-seq-beyond", ACK_BIT, AT_EDGE, 0, AT_SND_NXT, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN, SEQUENCE(RECEIVED | LIVING | WAITING)}},
  {"data-in-order", PSH | ACK_BIT, AT_NXT, 0, AT_SND_NXT, 0, 10, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED, DELAYED, ESTAB_ESTABLISHED, "", "RFC 9293 3.10.7.4 fifth, seventh"},
    {IN(ESTABLISHED) | IN(FIN_WAIT_2), DELAYED, SAME, "", "RFC 9293 3.10.7.4 seventh"},
    {IN(FIN_WAIT_1), DELAYED, ESTAB_FIN_WAIT_2, "", "RFC 9293 3.10.7.4 fifth, seventh"},
    {IN(CLOSE_WAIT) | WAITING, ACK, SAME, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 seventh: ignored"},
    {IN(CLOSING), ACK, ESTAB_TIME_WAIT, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 fifth, seventh"},
    {IN(LAST_ACK), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 fifth: and return"}}},
  {"data-ahead", PSH | ACK_BIT, AT_NXT, 10, AT_SND_NXT, 0, 10, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED, ACK, ESTAB_ESTABLISHED, "", "RFC 9293 3.10.7.4 first [SHLD-31], seventh [MAY-13]"},
    {IN(ESTABLISHED) | IN(FIN_WAIT_2), ACK, SAME, "", "RFC 9293 3.10.7.4 first [SHLD-31]"},
    {IN(FIN_WAIT_1), ACK, ESTAB_FIN_WAIT_2, "", "RFC 9293 3.10.7.4 fifth, seventh"},
    {IN(CLOSE_WAIT) | WAITING, ACK, SAME, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 seventh: ignored"},
    {IN(CLOSING), ACK, ESTAB_TIME_WAIT, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 fifth, seventh"},
    {IN(LAST_ACK), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 fifth: and return"}}},
  {"data-no-ack", PSH, AT_NXT, 0, NO_ACK, 0, 10, KIT_TS_NOW, {
    CLOSED_RST_SEQ,
    {IN(LISTEN), NOTHING, SAME, "TCP_LISTEN_NO_SYN", "RFC 9293 3.10.7.2 fourth"},
    SENT_NO_SYN,
    {RECEIVED | LIVING | WAITING, NOTHING, SAME, "TCP_NO_ACK_BIT", "RFC 9293 3.10.7.4 fifth"}}},
  {"data-old-tsval", PSH | ACK_BIT, AT_NXT, 0, AT_SND_NXT, 0, 10, KIT_TS_OLD, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED | LIVING | WAITING, ACK, SAME, "TCP_PAWS", "RFC 7323 5.3 R1"}}},
  {"data-no-tsval", PSH | ACK_BIT, AT_NXT, 0, AT_SND_NXT, 0, 10, KIT_TS_NONE, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED | LIVING | WAITING, NOTHING, SAME, "TCP_NO_TIMESTAMP", "RFC 7323 3.2: silently"}}},
  {"fin-una", FIN | ACK_BIT, AT_NXT, 0, AT_UNA, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_RST_ACK,
    {RECEIVED, RST_ACK, SAME, "TCP_ACK_SYN_RECEIVED", "RFC 9293 3.10.7.4 fifth"},
    {IN(ESTABLISHED), ACK, ESTAB_CLOSE_WAIT, "", "RFC 9293 3.10.7.4 eighth"},
    {IN(FIN_WAIT_1), ACK, ESTAB_CLOSING, "", "RFC 9293 3.10.7.4 eighth"},
    {IN(FIN_WAIT_2), ACK, ESTAB_TIME_WAIT, "", "RFC 9293 3.10.7.4 eighth"},
    {ENDED | WAITING, ACK, SAME, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 eighth: remain"}}},
  {"fin-all", FIN | ACK_BIT, AT_NXT, 0, AT_SND_NXT, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED, ACK, ESTAB_CLOSE_WAIT, "", "RFC 9293 3.10.7.4 fifth, eighth"},
    {IN(ESTABLISHED), ACK, ESTAB_CLOSE_WAIT, "", "RFC 9293 3.10.7.4 eighth"},
    {IN(FIN_WAIT_1), ACK, ESTAB_TIME_WAIT, "", "RFC 9293 3.10.7.4 eighth: ours was acknowledged"},
    {IN(FIN_WAIT_2), ACK, ESTAB_TIME_WAIT, "", "RFC 9293 3.10.7.4 eighth"},
    {IN(CLOSE_WAIT) | WAITING, ACK, SAME, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 eighth: remain"},
    {IN(CLOSING), ACK, ESTAB_TIME_WAIT, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 fifth"},
    {IN(LAST_ACK), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 fifth: and return"}}},
  {"fin-ahead", FIN | ACK_BIT, AT_NXT, 10, AT_SND_NXT, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN,
    {RECEIVED, ACK, ESTAB_ESTABLISHED, "", "RFC 9293 3.10.7.4 first [SHLD-31]: the hole first"},
    {IN(ESTABLISHED) | IN(FIN_WAIT_2), ACK, SAME, "", "RFC 9293 3.10.7.4 first [SHLD-31]: the hole first"},
    {IN(FIN_WAIT_1), ACK, ESTAB_FIN_WAIT_2, "", "RFC 9293 3.10.7.4 fifth"},
    {IN(CLOSE_WAIT) | WAITING, ACK, SAME, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 eighth: remain"},
    {IN(CLOSING), ACK, ESTAB_TIME_WAIT, "TCP_TEXT_AFTER_FIN", "RFC 9293 3.10.7.4 fifth"},
    {IN(LAST_ACK), NOTHING, ESTAB_CLOSED, "", "RFC 9293 3.10.7.4 fifth: and return"}}},
  {"fin-repeated", FIN | ACK_BIT, AT_NXT, -1, AT_SND_NXT, 0, 0, KIT_TS_NOW, {
    CLOSED_RST_ACK, LISTEN_RST_ACK, SENT_NO_SYN, SEQUENCE(RECEIVED | LIVING | WAITING)}},
};
// clang-format on

#endif
