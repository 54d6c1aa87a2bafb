// SPDX-License-Identifier: BSD-2-Clause
// scenes.c - the textbook's pictures, as what two stacks are told to do.
#include "scene.h"

#include <stddef.h>

static void scene_handshake(struct stage *s)
{
  stage_open(s);
}

static void scene_refused(struct stage *s)
{
  stage_connect(s);
  stage_run(s, 200);
}

static void scene_lost_syn(struct stage *s)
{
  stage_listen(s);
  stage_lose(s, 0, 1);
  stage_connect(s);
  stage_run(s, 3000);
}

static void scene_simultaneous_open(struct stage *s)
{
  stage_connect_both(s);
  stage_run(s, 300);
}

static void scene_close(struct stage *s)
{
  stage_open(s);
  stage_close(s, 0);
  stage_run(s, 100);
  stage_close(s, 1);
  stage_finish(s);
}

static void scene_half_close(struct stage *s)
{
  stage_open(s);
  stage_send(s, 0, 100);
  stage_close(s, 0);
  stage_run(s, 300);
  stage_note(s, "the client has no more to say, but still listens");
  stage_send(s, 1, 500);
  stage_run(s, 300);
  stage_close(s, 1);
  stage_finish(s);
}

static void scene_simultaneous_close(struct stage *s)
{
  stage_open(s);
  stage_close(s, 0);
  stage_close(s, 1);
  stage_finish(s);
}

static void scene_time_wait(struct stage *s)
{
  stage_open(s);
  stage_close(s, 0);
  stage_run(s, 100);
  stage_note(s, "the last acknowledgment will be lost");
  stage_lose(s, 0, 1);
  stage_close(s, 1);
  stage_finish(s);
}

static void scene_lost_fin(struct stage *s)
{
  stage_open(s);
  stage_lose(s, 0, 1);
  stage_close(s, 0);
  stage_run(s, 3000);
  stage_close(s, 1);
  stage_finish(s);
}

static void scene_late_data(struct stage *s)
{
  stage_open(s);
  stage_note(s, "the segment with the last 300 octets will be lost");
  stage_lose(s, 0, 1);
  stage_send(s, 0, 300);
  stage_close(s, 0);
  stage_run(s, 30);
  stage_note(s, "the FIN came first: remembered, not acted upon");
  stage_run(s, 5000);
  stage_close(s, 1);
  stage_finish(s);
}

static void scene_half_open(struct stage *s)
{
  stage_open(s);
  stage_restart(s, 1);
  stage_send(s, 0, 100);
  stage_run(s, 300);
}

static void scene_rst(struct stage *s)
{
  stage_open(s);
  stage_send(s, 0, 100);
  stage_run(s, 300);
  stage_abort(s, 0);
  stage_run(s, 300);
}

static void scene_zero_window(struct stage *s)
{
  stage_open(s);
  stage_stop_reading(s, 1, true);
  stage_send(s, 0, 12000);
  stage_run(s, 20000);
  stage_note(s, "the server's application reads again");
  stage_stop_reading(s, 1, false);
  stage_run(s, 3000);
}

static void scene_retransmission(struct stage *s)
{
  stage_open(s);
  stage_lose(s, 0, 1);
  stage_send(s, 0, 500);
  stage_run(s, 5000);
}

static void scene_fast_retransmit(struct stage *s)
{
  stage_open(s);
  stage_lose(s, 0, 1);
  stage_send(s, 0, 10000);
  stage_run(s, 3000);
}

static const uint16_t scanned[] = {21, 22, 23, 25, 53, 80, 110, 139, 143, 443};
#define SCANNED (sizeof scanned / sizeof *scanned)

static void scene_connect_scan(struct stage *s)
{
  stage_listen(s);
  for (unsigned i = 0; i < SCANNED; i++)
    stage_try(s, scanned[i]);
  stage_note(
      s, "and nine more ports; at 80 somebody listens, and hears a RST as soon as it has accepted");
}

static void scene_syn_scan(struct stage *s)
{
  stage_listen(s);
  for (unsigned i = 0; i < SCANNED; i++)
    stage_probe(s, ESTAB_TCP_SYN, scanned[i]);
  stage_note(s, "and nine more ports; the SYN-ACK of port 80 finds nobody who asked, and is reset");
}

static void scene_xmas_scan(struct stage *s)
{
  stage_listen(s);
  for (unsigned i = 0; i < SCANNED; i++)
    stage_probe(s, ESTAB_TCP_FIN | ESTAB_TCP_PSH | ESTAB_TCP_URG, scanned[i]);
  stage_note(s, "and nine more ports; port 80 says nothing, and gives itself away");
}

const struct scene scenes[] = {
    {"handshake", "Three-way handshake",
     "Both sides tell where their sequence numbers begin, and acknowledge the other's.",
     scene_handshake, 0},
    {"refused", "Nobody listens", "A SYN to a port without a listener is answered with RST.",
     scene_refused, 0},
    {"lost-syn", "A lost SYN", "The SYN is sent again when the retransmission timer fires.",
     scene_lost_syn, 0},
    {"simultaneous-open", "Simultaneous open",
     "Both sides connect to each other at the same moment: one connection, no listener.",
     scene_simultaneous_open, 0},
    {"close", "Four-way close",
     "Each side ends its own direction with FIN. Who closes first waits in TIME-WAIT.", scene_close,
     0},
    {"half-close", "Half-close",
     "The client ends its direction; the server's stays open until it has said everything.",
     scene_half_close, 0},
    {"simultaneous-close", "Simultaneous close",
     "Both FINs cross on the way: CLOSING on both sides, and TIME-WAIT on both.",
     scene_simultaneous_close, 0},
    {"time-wait", "What TIME-WAIT is for",
     "The last acknowledgment is lost. The FIN comes again, finds somebody who answers, and the\n"
     "wait begins anew.",
     scene_time_wait, 0},
    {"lost-fin", "A lost FIN", "A FIN is retransmitted like data.", scene_lost_fin, 0},
    {"late-data", "Data that comes after the FIN",
     "A FIN that overtakes data marks where the stream ends. Nothing else changes until the hole\n"
     "before it is filled: then the data is read, then the end, and then the state changes.",
     scene_late_data, 0},
    {"half-open", "A host that forgot",
     "One host restarts. What the other still believes is answered with RST.", scene_half_open, 0},
    {"rst", "Abort", "RST ends both directions at once; nothing is acknowledged, nobody waits.",
     scene_rst, 0},
    {"zero-window", "A closed window",
     "The reader rests, its window closes, and the sender asks with probes until it opens.",
     scene_zero_window, 4096},
    {"retransmission", "A lost segment, alone",
     "Nothing tells the sender of the loss but its own timer.", scene_retransmission, 0},
    {"fast-retransmit", "A lost segment, followed by others",
     "Duplicate acknowledgments tell of the loss long before the timer.", scene_fast_retransmit, 0},
    {"connect-scan", "A port scan by connect()",
     "A program tries ten ports one after the other. Nine refuse, one does not.",
     scene_connect_scan, 0},
    {"syn-scan", "A half-open port scan",
     "A tool sends bare SYNs that its own stack knows nothing of. Only an open port answers with "
     "SYN-ACK.",
     scene_syn_scan, 0},
    {"xmas-scan", "A port scan by FIN, PSH and URG",
     "A closed port answers with RST, an open one is silent: RFC 9293 3.10.7.1 and 3.10.7.2.",
     scene_xmas_scan, 0},
    {NULL, NULL, NULL, NULL, 0},
};
