// SPDX-License-Identifier: BSD-2-Clause
// test_life.c - connections in letters: Zeek's row of each, and both sides' states with the packets that caused them.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "estab/wire.h"
#include "support/watch_kit.h"

struct line {
  const char *name, *tokens, *want;
};

static unsigned differ(const struct line *lines, size_t count)
{
  unsigned bad = 0;
  for (size_t i = 0; i < count; i++)
    for (int version = 4; version <= 6; version += 2) {
      static struct watch_kit k;
      watch_kit_init(&k);
      k.version = version;
      watch_kit_run(&k, lines[i].tokens);
      const char *got = watch_kit_flush(&k);
      if (strcmp(got, lines[i].want) != 0) {
        bad++;
        print_error("%s (IPv%d): %s\n  got  %s\n  want %s\n", lines[i].name, version,
                    lines[i].tokens, got, lines[i].want);
      }
      watch_kit_free(&k);
    }
  return bad;
}

#define OPEN_O "o=SYN-SENT@1,ESTABLISHED@2"
#define OPEN_R "r=SYN-RECEIVED@1,ESTABLISHED@3"

static void normal(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"an attempt", "S", "S0 S o=SYN-SENT@1 r="},
      {"refused, and asked again", "S ra -S -S ra -S sa A A10 a",
       "REJ Sr o=SYN-SENT@1,CLOSED@2 r=\nREJ Sr o=SYN-SENT@1,CLOSED@5 r=\n"
       "S1 ShADa o=SYN-SENT@1,ESTABLISHED@7 r=SYN-RECEIVED@6,ESTABLISHED@8"},
      {"text in the SYN", "S10 sa A A10 a", "ambiguity syn_data\nS1 SThADa " OPEN_O " " OPEN_R},
      {"an attempt repeated", "S @1 -S @2 -S", "S0 S o=SYN-SENT@1 r="},
      {"refused", "S ra", "REJ Sr o=SYN-SENT@1,CLOSED@2 r="},
      {"open", "S sa A", "S1 ShA " OPEN_O " " OPEN_R},
      {"open, text", "S sa A A100 a a200 A", "S1 ShADad " OPEN_O " " OPEN_R},
      {"half-open", "S sa", "S1 Sh o=SYN-SENT@1,ESTABLISHED@2 r=SYN-RECEIVED@1"},
      {"SYN-ACK repeated", "S sax @1 -sax", "S1 Sh o=SYN-SENT@1,ESTABLISHED@3 r=SYN-RECEIVED@1"},
      {"last ACK of the handshake lost", "S sa Ax -sa A",
       "S1 ShA " OPEN_O " r=SYN-RECEIVED@1,ESTABLISHED@5"},
      {"closed by the client", "S sa A FA a fa A",
       "SF ShAFaf " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@6 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@6,CLOSED@7"},
      {"closed by the client in three", "S sa A FA fa A",
       "SF ShAFf " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6"},
      {"half-closed", "S sa A FA a a100 A",
       "S2 ShAFad " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5 " OPEN_R ",CLOSE-WAIT@4"},
      {"both at once", "S sa A FAx fax -FA -fa A a",
       "SF ShAFfa " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@7,TIME-WAIT@7 " OPEN_R
       ",FIN-WAIT-1@5,CLOSING@6,TIME-WAIT@8"},
      {"FINs that cross", "S sa A FAx fa A a#1",
       "SF ShAFfa " OPEN_O ",FIN-WAIT-1@4,CLOSING@5,TIME-WAIT@7 " OPEN_R
       ",FIN-WAIT-1@5,CLOSING@4,TIME-WAIT@6"},
      {"all text of one side lost", "S sa A A10 a fa+2000 A#2001 FA#2001 a",
       "SF ShADafgF " OPEN_O ",CLOSE-WAIT@6,LAST-ACK@8,CLOSED@9 " OPEN_R
       ",FIN-WAIT-1@6,FIN-WAIT-2@7,TIME-WAIT@8"},
      {"aborted by the client", "S sa A A10 a RA",
       "RSTO ShADaR " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6"},
      {"aborted by the server", "S sa A A10 a ra",
       "RSTR ShADar " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// ATTACKS O4: RFC 9293 3.5 Figure 7; a listener that answers a SYN by an ACK and a SYN of its own.
static void o4_other_handshakes(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"simultaneous open", "S s -SA -sa",
       "S0 S o=SYN-SENT@1 r=\nS1 Sh o=SYN-SENT@2,SYN-RECEIVED@1,ESTABLISHED@3 "
       "r=SYN-SENT@1,SYN-RECEIVED@2,ESTABLISHED@4"},
      {"split handshake", "S a s -SA a A10",
       "S0 Sa o=SYN-SENT@1 r=\nS1 ShAd o=SYN-RECEIVED@1,ESTABLISHED@4 "
       "r=SYN-SENT@1,SYN-RECEIVED@3,ESTABLISHED@5"},
      {"another SYN before the answer", "S ~ S sa A",
       "S0 S o=SYN-SENT@1 r=\nambiguity several_syns\nS1 ShA o=SYN-SENT@2,ESTABLISHED@3 "
       "r=SYN-RECEIVED@2,ESTABLISHED@4"},
      {"two SYN-ACKs, the first counts", "S sa sa+5000 A A10 a",
       "ambiguity several_synacks\nS1 ShADa o=SYN-SENT@1,ESTABLISHED@2 "
       "r=SYN-RECEIVED@1,ESTABLISHED@4"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// The capture has not how the connection before ended; and SYNs that are none but late.
static void ports_again(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"an old SYN late, where it was closed", "S sa A FA fa A sa+5000#-1 A#-5000 r-5000",
       "ambiguity several_synacks\n"
       "SF ShAFfhr " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5,CLOSED@9 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6,SYN-RECEIVED@7"},
      {"the same, and told so", "S sa A FA fa A sa+5000#-1 R-1",
       "ambiguity several_synacks\n"
       "SF ShAFfhR " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5,CLOSED@8 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6,SYN-RECEIVED@7,CLOSED@8"},
      {"the same, given up before", "S sa A FA fa sa+5000#-1 A#-5000 r-5000",
       "ambiguity several_synacks\n"
       "SF ShAFfhr " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5,CLOSED@8 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6,SYN-RECEIVED@6"},
      {"its end was not seen", "S sa A A10 a @20 ~ S sa+70000 A A10 a FA fa A",
       "S1 ShADa " OPEN_O " " OPEN_R "\n"
       "ambiguity several_syns\n"
       "SF ShADaFf o=SYN-SENT@6,ESTABLISHED@7,FIN-WAIT-1@11,FIN-WAIT-2@12,TIME-WAIT@12 "
       "r=SYN-RECEIVED@6,ESTABLISHED@8,CLOSE-WAIT@11,LAST-ACK@12,CLOSED@13"},
      {"only one FIN was", "S sa A A10 a FA a @70 ~ S sa+70000 A A10 a FA fa A",
       "S2 ShADaF " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@7 " OPEN_R ",CLOSE-WAIT@6\n"
       "ambiguity several_syns\n"
       "SF ShADaFf o=SYN-SENT@8,ESTABLISHED@9,FIN-WAIT-1@13,FIN-WAIT-2@14,TIME-WAIT@14 "
       "r=SYN-RECEIVED@8,ESTABLISHED@10,CLOSE-WAIT@13,LAST-ACK@14,CLOSED@15"},
      {"it asked twice", "S sa A A10 a @20 ~ S @1 -S sa+70000 A A10 a FA fa A",
       "S1 ShADa " OPEN_O " " OPEN_R "\n"
       "ambiguity several_syns\n"
       "ambiguity several_syns\n"
       "SF ShADaFf o=SYN-SENT@6,ESTABLISHED@8,FIN-WAIT-1@12,FIN-WAIT-2@13,TIME-WAIT@13 "
       "r=SYN-RECEIVED@6,ESTABLISHED@9,CLOSE-WAIT@12,LAST-ACK@13,CLOSED@14"},
      {"the SYN is not answered", "S sa A A10 a @20 ~ S a A10 a",
       "S1 ShADa " OPEN_O " " OPEN_R "\n"
       "ambiguity several_syns\n"
       "S0 SaD " OPEN_O " " OPEN_R},
      {"answered by the same number", "S sa A A10 a @20 ~ S sa-1 A10 a",
       "S1 ShADa " OPEN_O " " OPEN_R "\n"
       "ambiguity several_syns\n"
       "S1 ShDa " OPEN_O " " OPEN_R},
      {"a late copy of the SYN", "S sa A A100 @0.05 S-101 a RA",
       "RSTO ShADaR " OPEN_O ",CLOSED@7 " OPEN_R ",CLOSED@7"},
      {"of the SYN-ACK", "S10 sa A a100 @0.05 sa-101 A ra",
       "ambiguity syn_data\n"
       "RSTR SThAdr " OPEN_O ",CLOSED@7 " OPEN_R ",CLOSED@7"},
      {"one way, its ACK has the text", "S A100 A90",
       "ambiguity syn_data\nS0 SD o=SYN-SENT@1,ESTABLISHED@2 r=ESTABLISHED@2"},
      {"text before any answer", "S P100 sa A",
       "ambiguity syn_data\nS1 SDhA o=SYN-SENT@1,ESTABLISHED@3 r=SYN-RECEIVED@2,ESTABLISHED@4"},
      {"one way, behind its own FIN", "S A A100 A FA A @2.5 ~ S A A100 A FA A",
       "SH SADF o=SYN-SENT@1,ESTABLISHED@2,FIN-WAIT-1@5 r=ESTABLISHED@2,CLOSE-WAIT@5\n"
       "SH SADF o=SYN-SENT@7,ESTABLISHED@8,FIN-WAIT-1@11 r=ESTABLISHED@8,CLOSE-WAIT@11"},
      {"one way, begun in the middle", "A100 A FA A @2.5 ~ S A A100 A FA A",
       "SH DAF o=ESTABLISHED@1,FIN-WAIT-1@3 r=\n"
       "SH SADF o=SYN-SENT@5,ESTABLISHED@6,FIN-WAIT-1@9 r=ESTABLISHED@6,CLOSE-WAIT@9"},
      {"the server's way", "sa a a100 fa a @2.5 ~ sa a a100 fa a",
       "SHR ^hadf o=ESTABLISHED@3,CLOSE-WAIT@4 r=SYN-RECEIVED@1,ESTABLISHED@3,FIN-WAIT-1@4\n"
       "SHR ^hadf o=ESTABLISHED@8,CLOSE-WAIT@9 r=SYN-RECEIVED@6,ESTABLISHED@8,FIN-WAIT-1@9"},
      {"of the SYN behind a FIN", "S sa A A100 a FA fa A @0.05 S-102",
       "SF ShADaFf " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@7,TIME-WAIT@7 " OPEN_R
       ",CLOSE-WAIT@6,LAST-ACK@7,CLOSED@8\n"
       "S0 S " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@7,TIME-WAIT@7 " OPEN_R
       ",CLOSE-WAIT@6,LAST-ACK@7,CLOSED@8"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// Zeek's machine takes no segment whose checksum the device computes, and asks for another connection before it looks
// at checksums. The states take all.
static void offloaded(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"all of one side", "So sa Ao A10o a FAo fa Ao",
       "OTH C o=SYN-SENT@1 r=\n"
       "SHR ^hCaf " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@7,TIME-WAIT@7 " OPEN_R
       ",CLOSE-WAIT@6,LAST-ACK@7,CLOSED@8"},
      {"the SYN said again", "So -So sa Ao",
       "OTH C o=SYN-SENT@1 r=\n"
       "OTH C o=SYN-SENT@1 r=\n"
       "OTH ^hC o=SYN-SENT@1,ESTABLISHED@3 r=SYN-RECEIVED@2,ESTABLISHED@4"},
      {"the same ports again", "So sa Ao FAo fa Ao @3 ~ So sa Ao FAo fa Ao",
       "OTH C o=SYN-SENT@1 r=\n"
       "SHR ^hCf " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6\n"
       "OTH C o=SYN-SENT@7 r=\n"
       "SHR ^hCf o=SYN-SENT@7,ESTABLISHED@8,FIN-WAIT-1@10,FIN-WAIT-2@11,TIME-WAIT@11 "
       "r=SYN-RECEIVED@7,ESTABLISHED@9,CLOSE-WAIT@10,LAST-ACK@11,CLOSED@12"},
      {"another SYN with a wrong checksum", "S sa A A10 a S+5000! A10 a",
       "S1 ShADa " OPEN_O " " OPEN_R "\n"
       "ambiguity bad_checksum\n"
       "ambiguity data_past_window\n"
       "OTH CDa " OPEN_O " " OPEN_R},
      {"all of both sides", "So sao Ao A10o ao",
       "OTH C o=SYN-SENT@1 r=\n"
       "OTH ^cC " OPEN_O " " OPEN_R},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

static void midstream(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"an ACK to nobody", "A#77", "OTH A o=ESTABLISHED@1 r="},
      {"an ACK to nobody, refused", "=5000 A#6000 r", "RSTRH Ar o=ESTABLISHED@1,CLOSED@2 r="},
      {"both ways", "A100 a A a50 A", "OTH DaAd o=ESTABLISHED@1 r=ESTABLISHED@2"},
      {"FIN to nobody", "F", "SH F o=FIN-WAIT-1@1 r="},
      {"NULL", "N", "OTH  o= r="},
      {"SYN-ACK first", "sa A A10 a", "S1 ^hADa o=ESTABLISHED@2 r=SYN-RECEIVED@1,ESTABLISHED@2"},
      {"one way, the client's", "S A A100 A FA A",
       "SH SADF o=SYN-SENT@1,ESTABLISHED@2,FIN-WAIT-1@5 r=ESTABLISHED@2,CLOSE-WAIT@5"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// ATTACKS O3: a RST or FIN that its receiver does not take closes nothing.
static void o3_not_taken(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"RST beyond the window", "S sa A A10 a r+5000 A10 a A10 a FA fa A",
       "ambiguity rst_out_of_window\nRSTR ShADarFf " OPEN_O
       ",FIN-WAIT-1@11,FIN-WAIT-2@12,TIME-WAIT@12 " OPEN_R ",CLOSE-WAIT@11,LAST-ACK@12,CLOSED@13"},
      {"RST inside the window but not exact", "S sa A A10 a r+1 A10 a",
       "ambiguity rst_out_of_window\nRSTR ShADar " OPEN_O " " OPEN_R},
      {"an ACK of somebody who knows nothing", "S sa A A10 a A+3000000#3000000 A10 a FA fa A",
       "SF ShADagTFf " OPEN_O ",FIN-WAIT-1@9,FIN-WAIT-2@10,TIME-WAIT@10 " OPEN_R
       ",CLOSE-WAIT@9,LAST-ACK@10,CLOSED@11"},
      {"text of such a one",
       "S sa A A10 a A10+3000000#3000000 A10-3000010 a FA-3000000 fa A-2999999",
       "ambiguity data_past_window\n"
       "SF ShADagTFf " OPEN_O ",FIN-WAIT-1@9,FIN-WAIT-2@10,TIME-WAIT@10 " OPEN_R
       ",CLOSE-WAIT@9,LAST-ACK@10,CLOSED@11"},
      {"FIN of such a one", "S sa A A10 a FA+3000000#3000000 A10-3000001 a RA-2999991",
       "ambiguity fin_out_of_window\n"
       "RSTO ShADaFgTR " OPEN_O ",CLOSED@9 " OPEN_R ",CLOSED@9"},
      {"no flags at all", "S sa A A10 a N+3000000 A10 a FA fa A",
       "SF ShADaTFf " OPEN_O ",FIN-WAIT-1@9,FIN-WAIT-2@10,TIME-WAIT@10 " OPEN_R
       ",CLOSE-WAIT@9,LAST-ACK@10,CLOSED@11"},
      {"far beyond, but it knows what to acknowledge",
       "S sa A A10 a A10+3000000 A10-3000010 a FA-3000000 fa A-2999999",
       "ambiguity data_past_window\n"
       "SF ShADaTFf " OPEN_O ",FIN-WAIT-1@9,FIN-WAIT-2@10,TIME-WAIT@10 " OPEN_R
       ",CLOSE-WAIT@9,LAST-ACK@10,CLOSED@11"},
      {"in order, but acknowledges what was never sent", "S sa A A10 a A#3000000 a10 A10 a FA fa A",
       "SF ShADagdFf " OPEN_O ",FIN-WAIT-1@10,FIN-WAIT-2@11,TIME-WAIT@11 " OPEN_R
       ",CLOSE-WAIT@10,LAST-ACK@11,CLOSED@12"},
      {"and what the capture lacks of both ways",
       "S sa A A10 a A10+300000#3000000 A10#3000000 A10#3000000 a+3000000 FA#3000000",
       "ambiguity data_past_window\n"
       "ambiguity data_past_window\n"
       "ambiguity data_past_window\n"
       "S2 ShADagF " OPEN_O ",FIN-WAIT-1@10 " OPEN_R},
      {"FIN beyond the text", "S sa A A100 a FA-50 A10 a",
       "ambiguity fin_out_of_window\nS2 ShADaF " OPEN_O " " OPEN_R},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// What its receiver has, and so where a RST or FIN must stand, is not what Zeek's rules count.
static void where_text_ends(void **state)
{
  (void)state;
  static const struct line lines[] = {
      // What a window is shifted by is not known: nothing lies beyond it, and a RST behind all of it is taken.
      {"of SYNs the capture has no options", "St9c sat9c A A10 a A1400c A1400c RA",
       "RSTO ShADaR " OPEN_O ",CLOSED@8 " OPEN_R ",CLOSED@8"},
      {"of one SYN, and the other had none", "S sat9c A A10 a A1400 A1400 RA",
       "ambiguity data_past_window\nambiguity data_past_window\nambiguity rst_out_of_window\n"
       "RSTO ShADaR " OPEN_O " " OPEN_R},
      {"of SYNs that were not seen", "A100 a A1400 A1400 RA",
       "OTH DaR o=ESTABLISHED@1,CLOSED@5 r=ESTABLISHED@2,CLOSED@5"},
      // The octets before the FIN came with an old timestamp: RFC 7323 5.3 drops them, the FIN waits.
      {"a hole that PAWS left", "St9 sat9 At9 A10t20 A10xt8 FAxt20",
       "ambiguity old_timestamp\nS2 ShADF " OPEN_O ",FIN-WAIT-1@6 " OPEN_R},
      {"and that is filled", "St9 sat9 At9 A10t20 A10xt8 FAxt20 A10-11t21 a#1t9 fa#1t10 At22",
       "ambiguity old_timestamp\nSF ShADFTaf " OPEN_O
       ",FIN-WAIT-1@6,FIN-WAIT-2@8,TIME-WAIT@9 " OPEN_R ",CLOSE-WAIT@7,LAST-ACK@9,CLOSED@10"},
      {"RST behind text that the capture cut", "S sa A A100c RA",
       "RSTO ShADR " OPEN_O ",CLOSED@5 " OPEN_R ",CLOSED@5"},
      {"RST behind text without its checksum", "S sa A A100o A100o RA",
       "RSTO ShACR " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6"},
      {"RST behind a probe of a closed window", "S saw10 A A10 aw0 A1x aw0 RA-1",
       "RSTO ShADawR " OPEN_O ",CLOSED@8 " OPEN_R ",CLOSED@8"},
      // RFC 5961 5.2: it acknowledges less than SND.UNA - MAX.SND.WND.
      {"RST behind text with an old ACK", "Sw10 sa Aw10 a10 Aw10 a10 Aw10 A10x#-11w10 RA-10",
       "RSTO ShAdDR " OPEN_O ",CLOSED@9 " OPEN_R ",CLOSED@9"},
      {"RST behind text with the oldest ACK there may be",
       "Sw10 sa Aw10 a10 Aw10 a10 Aw10 A10x#-10w10 RA-10",
       "ambiguity rst_out_of_window\nRSTO ShAdDR " OPEN_O " " OPEN_R},
      {"RST behind a hole", "S sa A A100 A100+50x RA",
       "ambiguity rst_out_of_window\nRSTO ShADR " OPEN_O " " OPEN_R},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// A tap in the middle of the path sees a repetition behind what it met on its way.
static void on_the_link(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"SYN again met its SYN-ACK", "S sa -S A A10 a",
       "S1 ShADa o=SYN-SENT@1,ESTABLISHED@4 r=SYN-RECEIVED@1,ESTABLISHED@4"},
      {"SYN-ACK again met the ACK, then text", "S sa A -sa a10 A",
       "S1 ShAd " OPEN_O " r=SYN-RECEIVED@1,ESTABLISHED@5"},
      {"SYN-ACK again met the text, then its ACK", "S sa A10 -sa#-10 a",
       "S1 ShDa " OPEN_O " r=SYN-RECEIVED@1,ESTABLISHED@5"},
      {"SYN-ACK again met the ACK, then FIN", "S sa A -sa fa A",
       "S3 ShAf o=SYN-SENT@1,ESTABLISHED@2,CLOSE-WAIT@5 "
       "r=SYN-RECEIVED@1,ESTABLISHED@5,FIN-WAIT-1@5,FIN-WAIT-2@6"},
      {"FIN again met its ACK", "S sa @0.5 A FA a -FA",
       "S2 ShAFa " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5 " OPEN_R ",CLOSE-WAIT@4"},
      {"FIN again, lost with the text before it, and the other's FIN was acknowledged meanwhile",
       "S sa A A10x FAx fa A FA10-11 a",
       "SF ShADFfTa " OPEN_O ",FIN-WAIT-1@5,CLOSING@6,TIME-WAIT@9 " OPEN_R
       ",FIN-WAIT-1@6,FIN-WAIT-2@7,TIME-WAIT@8"},
      {"FIN again, the ACK was lost", "S sa @0.1 A FA a -FA",
       "S2 ShAFa " OPEN_O ",FIN-WAIT-1@4 " OPEN_R ",CLOSE-WAIT@4"},
      // Its server is 300 ms away: so soon no answer to the first one can have come back.
      {"FIN again before an answer to the first can have come", "S sa @0.3 A fax FAx -fa#1 a#1 A#1",
       "SF ShAfFa o=SYN-SENT@1,ESTABLISHED@2,FIN-WAIT-1@5,CLOSING@4,TIME-WAIT@6 " OPEN_R
       ",FIN-WAIT-1@4,CLOSING@5,TIME-WAIT@8"},
      {"FIN again met the peer's", "S sa A FA fa -FA#-1 A",
       "SF ShAFf " OPEN_O ",FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5 " OPEN_R
       ",CLOSE-WAIT@4,LAST-ACK@5,CLOSED@7"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// What comes before all that its receiver has acknowledged is answered, no more: RFC 9293 3.10.7.4, first. Of what ends
// there hosts take the ACK; those that do not say their FIN again.
static void what_is_not_looked_at(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"text again, with an ACK of the FIN", "S sa A a10 A FA -a10 a",
       "S2 ShAdFta " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@7 " OPEN_R ",CLOSE-WAIT@6"},
      {"text again, the ACK was not taken", "S sa A a10 A FA -a10x @1 -FA a",
       "S2 ShAdFta " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@9 " OPEN_R ",CLOSE-WAIT@6"},
      {"older text again", "S sa A a10 A a10 A FA a10-20 a",
       "S2 ShAdFta " OPEN_O ",FIN-WAIT-1@8,FIN-WAIT-2@10 " OPEN_R ",CLOSE-WAIT@8"},
      {"FINs that crossed, their ACKs lost, cross again",
       "S @0.3 sa @0.3 A FAx fa Ax a#1x @1 -FAx -fa#1x",
       "SF ShAFfa " OPEN_O ",FIN-WAIT-1@4,CLOSING@5,TIME-WAIT@9 " OPEN_R
       ",FIN-WAIT-1@5,CLOSING@4,TIME-WAIT@8"},
      {"a keepalive", "S sa A a10 A FA a-1 a",
       "S2 ShAdFa " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@8 " OPEN_R ",CLOSE-WAIT@6"},
      {"text that nobody has acknowledged", "S sa A a10x FA -a10",
       "S2 ShAdFt " OPEN_O ",FIN-WAIT-1@5,FIN-WAIT-2@6 " OPEN_R ",CLOSE-WAIT@5"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// The side that is said to have sent a RST goes on: it did not.
static void rst_proves_false(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"forged exactly", "S sa A A10 a r a50 A a50 A", "RSTR ShADard " OPEN_O " " OPEN_R},
      {"what was on its way does not say so", "S sa A A10 a r A10 A20",
       "RSTR ShADar " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6"},
      {"a FIN was on its way", "S sa A A10 fa ra FA",
       "SF ShADfrF " OPEN_O ",CLOSE-WAIT@5,LAST-ACK@7,CLOSED@6 " OPEN_R ",FIN-WAIT-1@5,CLOSED@6"},
      // RFC 9293 3.10.7.1: the answer of who has no connection any more.
      {"true, and a FIN was overtaken", "S sa A A10 a R FA50 r",
       "RSTR ShADaRFr " OPEN_O ",CLOSED@8 " OPEN_R ",CLOSED@8"},
      {"false: the FIN was acknowledged first", "S sa A A10 a R FA50 a r",
       "RSTR ShADaRFr " OPEN_O ",FIN-WAIT-1@7,FIN-WAIT-2@8,CLOSED@9 " OPEN_R
       ",CLOSE-WAIT@7,CLOSED@9"},
      // Its row was told: it is told again, and another one goes on.
      {"forged, and told", "S sa A A10 a r @10 a50 A",
       "RSTR ShADar " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6\n"
       "RSTR ShADar " OPEN_O " " OPEN_R "\n"
       "OTH ^dA " OPEN_O " " OPEN_R},
      {"told, and its peer goes on first", "S sa A A10 a r @10 A20 a50 A",
       "RSTR ShADar " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6\n"
       "RSTR ShADar " OPEN_O " " OPEN_R "\n"
       "OTH DdA " OPEN_O " " OPEN_R},
      {"behind forged text that died", "S sa A A10 a A100h3x R-100h40 -A20 a",
       "ambiguity low_ttl\nambiguity low_ttl\nRSTO ShADaR " OPEN_O " " OPEN_R},
      // Its answer to a repeated ACK, which overtakes text of before: that had left before the reset.
      {"behind a hole, and overtakes text", "S sa A A100+100 a R-200 A50-150 a",
       "RSTO ShADaR " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6"},
      {"no RST, but a FIN before the end of what died", "S sa A A10 a A100h3x -A6 a FA-94 fa A-93",
       "ambiguity low_ttl\nSF ShADaTFf " OPEN_O ",FIN-WAIT-1@9,FIN-WAIT-2@10,TIME-WAIT@10 " OPEN_R
       ",CLOSE-WAIT@9,LAST-ACK@10,CLOSED@11"},
      {"told, and no text behind its end", "S sa A A10 a r @10 a A20",
       "RSTR ShADar " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6\n"
       "OTH ^aD " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6"},
      {"told more than a minute ago", "S sa A A10 a r @70 a50 A",
       "RSTR ShADar " OPEN_O ",CLOSED@6 " OPEN_R ",CLOSED@6\n"
       "OTH ^dA o=ESTABLISHED@8 r=ESTABLISHED@7"},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

// ATTACKS O7: a SYN in LAST-ACK: the challenge ACK that answers it acknowledges no FIN.
static void o7_challenge_ack(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"SYN in LAST-ACK", "S sa A fa A FAx S+70000 a", NULL},
  };
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, lines[0].tokens);
  const char *got = watch_kit_flush(&k);
  assert_non_null(strstr(got, "LAST-ACK@6"));
  assert_null(strstr(got, "CLOSED"));
  watch_kit_free(&k);
}

static void time_wait(void **state)
{
  (void)state;
  static const char first[] =
      "SF ShAFf o=SYN-SENT@1,ESTABLISHED@2,FIN-WAIT-1@4,FIN-WAIT-2@5,"
      "TIME-WAIT@5 r=SYN-RECEIVED@1,ESTABLISHED@3,CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6";
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "S sa A FA fa A");
  assert_string_equal(watch_kit_pull(&k), "");
  estab_watch_advance(k.w, k.now_ns + UINT64_C(5000000000));
  assert_string_equal(watch_kit_pull(&k), first);
  k.out[0] = 0;
  estab_watch_advance(k.w, k.now_ns + UINT64_C(239000000000));
  assert_string_equal(watch_kit_pull(&k), "");
  estab_watch_advance(k.w, k.now_ns + UINT64_C(240000000000));
  assert_string_equal(watch_kit_pull(&k),
                      "SF ShAFf o=SYN-SENT@1,ESTABLISHED@2,FIN-WAIT-1@4,FIN-WAIT-2@5,"
                      "TIME-WAIT@5,CLOSED@t r=SYN-RECEIVED@1,ESTABLISHED@3,CLOSE-WAIT@4,"
                      "LAST-ACK@5,CLOSED@6");
  k.out[0] = 0;
  assert_string_equal(watch_kit_flush(&k), "");
  watch_kit_free(&k);
}

static void rows_and_lives(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"reuse of a closed tuple", "S sa A FA fa A @1 ~ S sa A",
       "SF ShAFf o=SYN-SENT@1,ESTABLISHED@2,FIN-WAIT-1@4,FIN-WAIT-2@5,TIME-WAIT@5 "
       "r=SYN-RECEIVED@1,ESTABLISHED@3,CLOSE-WAIT@4,LAST-ACK@5,CLOSED@6\n"
       "S1 ShA o=SYN-SENT@7,ESTABLISHED@8 r=SYN-RECEIVED@7,ESTABLISHED@9"},
      {"a pause longer than Zeek waits", "S sa A A10 a @400 A10 a",
       "S1 ShADa " OPEN_O " " OPEN_R "\nOTH Da " OPEN_O " " OPEN_R},
      {"attempts further apart than Zeek waits", "S @7 -S @14 -S",
       "S0 S o=SYN-SENT@1 r=\nS0 S o=SYN-SENT@1 r=\nS0 S o=SYN-SENT@1 r="},
  };
  assert_int_equal(differ(lines, sizeof lines / sizeof *lines), 0);
}

static void rows_of_lives(void **state)
{
  (void)state;
  static const struct line lines[] = {
      {"asked four times", "S @7 -S @14 -S @30 -S sa A A10 a @400 A10 a",
       "S1 ShADa o=SYN-SENT@1,ESTABLISHED@5 r=SYN-RECEIVED@4,ESTABLISHED@6"},
      {"taken over by another", "S sa A A10 a FA a @70 ~ S sa+70000 A A10 a",
       "ambiguity several_syns\n"
       "S2 ShADaF " OPEN_O ",FIN-WAIT-1@6,FIN-WAIT-2@7 " OPEN_R ",CLOSE-WAIT@6\n"
       "S1 ShADa o=SYN-SENT@8,ESTABLISHED@9 r=SYN-RECEIVED@8,ESTABLISHED@10"},
      {"reset, which proves false later", "S sa A A10 a r @10 a50 A",
       "RSTR ShADard " OPEN_O " " OPEN_R},
      {"begun in the middle, one way", "A10 @100 A10 @100 A10 @100 A10",
       "OTH D o=ESTABLISHED@1 r="},
      {"all checksums left to the device", "So sao Ao @4000 A10o ao @4000 A10o ao",
       "OTH Cc " OPEN_O " " OPEN_R},
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    static struct watch_kit k;
    watch_kit_init(&k);
    k.settings.rows = ESTAB_WATCH_ROWS_LIFE;
    watch_kit_run(&k, lines[i].tokens);
    assert_string_equal(watch_kit_flush(&k), lines[i].want);
    watch_kit_free(&k);
  }
}

// Rows of lives, of which every record is still to be pulled.
static void begin_lives(struct watch_kit *k, const char *tokens)
{
  watch_kit_init(k);
  k->settings.rows = ESTAB_WATCH_ROWS_LIFE;
  k->split_reads = true;
  watch_kit_run(k, tokens);
}

// A SYN that somebody else puts into a life moves no numbers of its row.
static void strange_syns(void **state)
{
  (void)state;
  static const char *const tokens[] = {"S sa A A10 a S-500", "S sa A A10 a S+500",
                                       "S sa A A10 a S+70000000", "S sa A A10 a S+4000000000 a r",
                                       "S sa A A10 a FA a S+70000"};
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
    static struct watch_kit k;
    struct estab_watch_record r;
    begin_lives(&k, tokens[i]);
    estab_watch_flush(k.w);
    unsigned rows = 0;
    while (estab_watch_next(k.w, &r)) {
      if (r.type != ESTAB_WATCH_CONN) continue;
      rows++;
      assert_int_equal(r.conn.side[0].bytes, 10);
      assert_int_equal(r.conn.missed_bytes, 0);
    }
    assert_int_equal(rows, 1);
    watch_kit_free(&k);
  }
}

// Hours of a connection that says something in each.
static void late_hours(struct watch_kit *k, unsigned hours, const char *tokens)
{
  for (unsigned i = 0; i < hours; i++)
    watch_kit_run(k, tokens);
}

static uint64_t late_step(const struct estab_watch_side_record *s, enum estab_state state)
{
  for (uint32_t i = 0; i < s->step_count; i++)
    if (s->steps[i].state == (uint8_t)state) return s->steps[i].ts_ns;
  return 0;
}

// Steps are dated to the nanosecond however long the life is; and what is said a fortnight behind the first late one.
static void late_steps(void **state)
{
  (void)state;
  static const struct {
    const char *begin;
    unsigned hours, half_closed;
  } rows[] = {{"S sa A", 10, 1},
              {"S sa A", 78, 1},
              {"S sa A", 79, 1},
              {"S sa A", 100, 230},
              {"S sa A", 312, 1},
              {"S sa A", 313, 100},
              {"S sa A", 400, 230},
              {"S sa A", 20000, 230},
              {"=5000 A10 a10 A", 100, 100},
              {"=5000 A10 a10 A", 400, 100}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct watch_kit k;
    struct estab_watch_record r;
    begin_lives(&k, rows[i].begin);
    late_hours(&k, rows[i].hours, "@3600 A1 a");
    const uint64_t first_ns = k.now_ns;
    watch_kit_run(&k, "FA a");
    late_hours(&k, rows[i].half_closed, "@3600 a1 A");
    const uint64_t second_ns = k.now_ns;
    watch_kit_run(&k, "fa A");
    const uint64_t last_ns = k.now_ns - 1000000;
    estab_watch_flush(k.w);
    unsigned count = 0;
    while (estab_watch_next(k.w, &r)) {
      if (r.type != ESTAB_WATCH_CONN) continue;
      count++;
      const struct estab_watch_side_record *o = &r.conn.side[0], *p = &r.conn.side[1];
      const bool right = late_step(o, ESTAB_FIN_WAIT_1) == first_ns &&
                         late_step(p, ESTAB_CLOSE_WAIT) == first_ns &&
                         late_step(o, ESTAB_FIN_WAIT_2) == first_ns + 1000000 &&
                         late_step(p, ESTAB_LAST_ACK) == second_ns &&
                         late_step(o, ESTAB_TIME_WAIT) == second_ns &&
                         late_step(p, ESTAB_CLOSED) == last_ns;
      if (!right) print_error("%s, %u hours\n", rows[i].begin, rows[i].hours);
      assert_true(right);
    }
    assert_int_equal(count, 1);
    watch_kit_free(&k);
  }
}

// Who ended it: the first FIN or RST that counts. A RST without ACK answers what came to nobody (RFC 9293 3.10.7.1): if
// the other side had sent RSTs before, that one of them was taken.
static void who_closed(void **state)
{
  (void)state;
  static const struct {
    const char *name, *tokens;
    uint8_t who; // enum estab_watch_who
  } rows[] = {
      {"the originator", "S sa A FA a fa A", ESTAB_WATCH_BY_ORIG},
      {"the responder", "S sa A fa A FA a", ESTAB_WATCH_BY_RESP},
      {"at once", "S sa A FAx fa#-1 A a#1", ESTAB_WATCH_BY_BOTH},
      {"a RST", "S sa A A10 a RA", ESTAB_WATCH_BY_ORIG},
      {"a RST of the other", "S sa A A10 a ra", ESTAB_WATCH_BY_RESP},
      {"RSTs behind a hole, and one is answered", "S sa A A10 A10+100 RA+200 R+50 r",
       ESTAB_WATCH_BY_ORIG},
      {"RSTs behind a hole, and the other resets it", "S sa A A10 A10+100 RA+200 ra",
       ESTAB_WATCH_BY_RESP},
      {"text to nobody", "S sa A A10 r", ESTAB_WATCH_BY_RESP},
      {"nobody", "S sa A A10 a", ESTAB_WATCH_BY_NONE},
  };
  unsigned failed = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct watch_kit k;
    struct estab_watch_record record;
    watch_kit_init(&k);
    watch_kit_run(&k, rows[i].tokens);
    estab_watch_flush(k.w);
    unsigned who = 99;
    while (estab_watch_next(k.w, &record))
      if (record.type == ESTAB_WATCH_CONN) who = record.conn.closed_by;
    if (who != rows[i].who) {
      print_error("%s: %u\n", rows[i].name, who);
      failed++;
    }
    watch_kit_free(&k);
  }
  assert_int_equal(failed, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normal),           cmocka_unit_test(o4_other_handshakes),
      cmocka_unit_test(offloaded),        cmocka_unit_test(ports_again),
      cmocka_unit_test(midstream),        cmocka_unit_test(strange_syns),
      cmocka_unit_test(o3_not_taken),     cmocka_unit_test(rst_proves_false),
      cmocka_unit_test(o7_challenge_ack), cmocka_unit_test(time_wait),
      cmocka_unit_test(late_steps),       cmocka_unit_test(rows_and_lives),
      cmocka_unit_test(rows_of_lives),    cmocka_unit_test(where_text_ends),
      cmocka_unit_test(on_the_link),      cmocka_unit_test(what_is_not_looked_at),
      cmocka_unit_test(who_closed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
