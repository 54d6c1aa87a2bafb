// SPDX-License-Identifier: BSD-2-Clause
// quiet.c - life as it is: scenarios that must raise no alert.
#include "support/quiet.h"

#include <stdarg.h>
#include <stdio.h>

unsigned quiet_random(struct quiet *q, unsigned below)
{
  q->random = q->random * 1664525 + 1013904223;
  return (q->random >> 8) % below;
}

static void quiet_life(struct quiet *q, double at, const char *src, const char *dst,
                       const char *flags, const char *fate)
{
  q->lives++;
  q->life(q, at, src, dst, flags, fate);
}

static const char *quiet_end(char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *quiet_end(char *text, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, 64, format, arguments);
  va_end(arguments);
  return text;
}

// `host` to `dst` from a port of the kernel's choice.
static void quiet_kernel(struct quiet *q, double at, const char *host, const char *dst,
                         const char *fate)
{
  char src[64];
  quiet_life(q, at, quiet_end(src, "%s:%u", host, 32768 + quiet_random(q, 28000)), dst, "S,k",
             fate);
}

// A monitor asks 200 targets each 15 s, 20 of them dead: refused, or silent.
static void quiet_monitor(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 40; round++)
    for (unsigned i = 0; i < 200; i++)
      quiet_kernel(q, round * 15 + i * .07, "10.1.0.1", quiet_end(dst, "10.2.0.%u:9100", i),
                   i % 10   ? "data"
                   : i % 20 ? "closed"
                            : "silent");
}

// All its targets are dead: a service discovery that was not told.
static void quiet_dead_targets(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 60; round++)
    for (unsigned i = 0; i < 30; i++)
      quiet_kernel(q, round * 30 + i * .9, "10.1.0.1", quiet_end(dst, "10.2.%u.7:8080", i),
                   i % 2 ? "closed" : "silent");
}

// Each five minutes, with twelve exporters on one dead host among them.
static void quiet_exporters(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 30; round++)
    for (unsigned i = 0; i < 40; i++)
      quiet_kernel(q, round * 300 + i * 5, "10.1.0.1",
                   quiet_end(dst, "10.2.0.%u:%u", i < 12 ? 200 : i, 9100 + i),
                   i < 12 ? "silent" : "data");
}

static void quiet_health_checks(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 300; round++)
    for (unsigned i = 0; i < 60; i++)
      quiet_kernel(q, round * 2 + i * .03, i % 2 ? "10.1.0.1" : "10.1.0.2",
                   quiet_end(dst, "10.3.%u.1:%u", i / 3, 8000 + i % 3),
                   i % 20 == 7 ? "closed"
                   : i % 5     ? "touch"
                               : "half");
}

// Three hundred clients behind one address, one in thirty attempts fails in one way or another.
static void quiet_translated(struct quiet *q)
{
  static const char *const bad[] = {"closed", "silent", "patient", "noroute",
                                    "admin",  "half",   "touch"};
  char src[64], dst[64];
  for (unsigned i = 0; i < 30000; i++) {
    unsigned x = quiet_random(q, 100000);
    unsigned port = x % 10 < 8 ? 443 : x % 10 == 8 ? 80 : 1024 + x / 10;
    quiet_life(q, i * .03, quiet_end(src, "192.0.2.1:%u", 1024 + quiet_random(q, 64000)),
               quiet_end(dst, "198.%u.%u.%u:%u", 18 + x % 2, x >> 3 & 255, x >> 9 & 255, port),
               x % 97 ? "S,k" : "S,m", x % 30 ? "data" : bad[x / 30 % 7]);
  }
}

static void quiet_proxy(struct quiet *q)
{
  char dst[64];
  for (unsigned i = 0; i < 20000; i++) {
    unsigned x = quiet_random(q, 60000);
    quiet_kernel(q, i * .02, "10.1.0.1",
                 quiet_end(dst, "203.0.%u.%u:%u", x & 63, x >> 6 & 255, x % 5 ? 443 : 80),
                 x % 25 == 0   ? "closed"
                 : x % 26 == 0 ? "silent"
                               : "data");
  }
}

static void quiet_browser(struct quiet *q)
{
  char dst[64];
  for (unsigned page = 0; page < 300; page++)
    for (unsigned i = 0; i < 20; i++) {
      unsigned x = quiet_random(q, 50000);
      quiet_kernel(q, page * 20 + i * .1, "10.1.0.7",
                   quiet_end(dst, "203.0.%u.%u:443", x & 63, x >> 6 & 255),
                   i % 4 == 3 ? "touch"
                   : x % 40   ? "data"
                              : "silent");
    }
}

// IPv6 leads nowhere: each connection has a silent loser first.
static void quiet_happy_eyeballs(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 600; i++) {
    unsigned x = quiet_random(q, 50000);
    quiet_life(q, i * 3, quiet_end(src, "2001:db8:5::7:%u", 40000 + i),
               quiet_end(dst, "2001:db8:%x:1::5:443", 100 + x % 900), "S,k", "silent");
    quiet_kernel(q, i * 3 + .26, "10.1.0.7",
                 quiet_end(dst, "203.0.%u.%u:443", x & 63, x >> 6 & 255), "data");
  }
}

// A queue of mail for hosts that are gone: each 15 minutes, with a client's patience.
static void quiet_mail(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 40; round++)
    for (unsigned i = 0; i < 60; i++)
      quiet_kernel(q, round * 900 + i * 6, "10.1.0.25", quiet_end(dst, "203.0.113.%u:25", i),
                   i % 12 == 0 ? "closed"
                   : i % 3     ? "patient"
                               : "noroute");
}

// Mail for hosts that take none, in nets all over, each 15 minutes: the first round is all there is for so long.
static void quiet_refusing_mail(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 20; round++)
    for (unsigned i = 0; i < 14; i++)
      quiet_kernel(q, round * 900 + i * .2, "10.1.0.25",
                   quiet_end(dst, "%u.%u.113.%u:25", 20 + i * 7, i * 31 % 256, i), "closed");
}

// Containers that wait for twenty services of a host, a second between any two looks.
static void quiet_port_waits(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 14; round++)
    for (unsigned i = 0; i < 20; i++)
      quiet_kernel(q, round + i * .01, "10.1.0.30", quiet_end(dst, "10.2.0.30:%u", 8101 + i),
                   round < 13 ? "closed" : "touch");
}

static void quiet_closed_port(struct quiet *q)
{
  for (unsigned i = 0; i < 5000; i++)
    quiet_kernel(q, i * .5, "10.1.0.7", "10.2.0.1:5432", "closed");
}

static void quiet_knocking(struct quiet *q)
{
  static const unsigned ports[] = {7000, 8123, 9555, 1234, 4321};
  char dst[64];
  for (unsigned round = 0; round < 100; round++) {
    for (unsigned i = 0; i < 5; i++)
      quiet_kernel(q, round * 600 + i * .3, "10.1.0.7", quiet_end(dst, "10.2.0.1:%u", ports[i]),
                   "silent");
    quiet_kernel(q, round * 600 + 2, "10.1.0.7", "10.2.0.1:22", "data");
  }
}

// Two thousand clients lose their VPN; the server is down at first, then refuses, then serves.
static void quiet_reconnect(struct quiet *q)
{
  char src[64];
  for (unsigned i = 0; i < 12000; i++)
    quiet_life(q, i * .0009,
               quiet_end(src, "10.%u.%u.7:%u", 10 + i % 8, i / 8 % 250, 30000 + i / 2000),
               "192.0.2.10:443", "S,k",
               i < 4000   ? "patient"
               : i < 7000 ? "closed"
                          : "data");
}

// An uplink is gone for a minute: everything fails, then everybody comes back.
static void quiet_outage(struct quiet *q)
{
  char dst[64], src[64];
  for (unsigned i = 0; i < 20000; i++) {
    double t = i * .01;
    unsigned x = quiet_random(q, 60000);
    const char *fate = t < 60 || t > 120 ? "data" : x % 3 ? "patient" : "noroute";
    quiet_kernel(q, t, quiet_end(src, "10.1.%u.7", x % 5),
                 quiet_end(dst, "203.0.%u.%u:443", x & 15, x >> 6 & 63), fate);
  }
}

// A service with its fifty instances is restarted: those that are known refuse for a while.
static void quiet_restart(struct quiet *q)
{
  char dst[64];
  for (unsigned round = 0; round < 30; round++)
    for (unsigned i = 0; i < 60; i++)
      quiet_kernel(q, round * 20 + i * .3, "10.1.0.1", quiet_end(dst, "10.2.0.%u:8080", i),
                   round > 9 && round < 12 ? "closed" : "data");
}

static void quiet_peer_to_peer(struct quiet *q)
{
  char dst[64];
  for (unsigned i = 0; i < 6000; i++) {
    unsigned x = quiet_random(q, 65000);
    quiet_kernel(q, i * .4, "10.1.0.66",
                 quiet_end(dst, "%u.%u.%u.9:%u", 20 + x % 90, x >> 4 & 255, x >> 7 & 255,
                           x % 12 == 0 ? 6881 : 1025 + x % 60000),
                 x % 10 < 3   ? "data"
                 : x % 10 < 6 ? "closed"
                 : x % 10 < 8 ? "patient"
                              : "silent");
  }
}

// Live connections when the capture begins: each of them first shows an ACK.
static void quiet_cut(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 3000; i++) {
    const char *flags = i % 3 ? ".,t" : i % 2 ? "." : "F.";
    if (i % 5)
      quiet_life(q, i * .002, quiet_end(src, "10.1.0.%u:%u", i % 40, 33000 + i),
                 quiet_end(dst, "203.0.%u.7:443", i % 97), flags, i % 11 ? "alive" : "alone");
    else
      quiet_life(q, i * .002, quiet_end(src, "203.0.%u.7:443", i % 97),
                 quiet_end(dst, "10.1.0.%u:%u", i % 40, 33000 + i), flags,
                 i % 11 ? "alive" : "silent");
  }
}

// Keepalives of idle connections, some to hosts that went away.
static void quiet_keepalives(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 2000; i++)
    quiet_life(q, i * .5, quiet_end(src, "10.2.0.1:%u", i % 2 ? 22 : 443),
               quiet_end(dst, "10.1.%u.7:%u", i % 40, 40000 + i % 400), i % 2 ? "." : ".,t",
               i % 4 < 2    ? "alive"
               : i % 4 == 2 ? "silent"
                            : "closed");
  for (unsigned i = 0; i < 400; i++)
    quiet_life(q, 2000 + i * .5, quiet_end(src, "10.1.0.1:%u", 40000 + i % 40 * 37),
               quiet_end(dst, "10.2.0.%u:5432", i % 40), ".,t", i % 4 ? "alive" : "closed");
}

// Programs end and close what they had, some of it forgotten at the other end.
static void quiet_closing(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 60; i++)
    quiet_life(q, i * .003, quiet_end(src, "10.1.0.7:%u", 35000 + quiet_random(q, 20000)),
               quiet_end(dst, "203.0.%u.7:443", i), i % 2 ? "F.,t" : "F.",
               i % 5 ? "alive" : "closed");
}

// Resets of lives that the capture did not see begin.
static void quiet_aborted(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 500; i++)
    quiet_life(q, i * .05, quiet_end(src, "10.2.0.1:443"),
               quiet_end(dst, "10.1.%u.7:%u", i % 90, 40000 + i), i % 2 ? "R,q7777" : "R.,q99",
               "silent");
}

static void quiet_devices(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned round = 0; round < 50; round++)
    for (unsigned i = 0; i < 30; i++)
      quiet_life(q, round * 60 + i * 2, quiet_end(src, "10.4.0.%u:%u", i, 50000 + round),
                 quiet_end(dst, "203.0.113.%u:8883", i % 3), "S,m", i % 7 ? "data" : "closed");
}

static void quiet_ftp(struct quiet *q)
{
  char dst[64];
  for (unsigned i = 0; i < 400; i++) {
    quiet_kernel(q, i * 2, "10.1.0.7", "10.2.0.21:21", "data");
    quiet_kernel(q, i * 2 + .5, "10.1.0.7", quiet_end(dst, "10.2.0.21:%u", 40000 + i * 7 % 20000),
                 i % 50 ? "look" : "silent");
  }
}

static void quiet_crawler(struct quiet *q)
{
  char dst[64];
  for (unsigned i = 0; i < 8000; i++) {
    unsigned x = quiet_random(q, 60000);
    quiet_kernel(q, i * .1, "10.1.0.88", quiet_end(dst, "203.%u.%u.1:443", x & 15, x >> 5 & 255),
                 x % 6 == 0   ? "silent"
                 : x % 7 == 0 ? "closed"
                              : "data");
  }
}

static void quiet_backup(struct quiet *q)
{
  char dst[64];
  for (unsigned i = 0; i < 300; i++)
    quiet_kernel(q, i * 10, "10.1.0.5", quiet_end(dst, "10.2.%u.1:22", i % 250),
                 i % 60 ? "data" : "patient");
}

static void quiet_database_pool(struct quiet *q)
{
  for (unsigned i = 0; i < 90; i++)
    quiet_kernel(q, i * .01, "10.1.0.5", "10.2.0.5:5432", "hold");
  for (unsigned i = 0; i < 5000; i++)
    quiet_kernel(q, 2 + i * .05, "10.1.0.5", "10.2.0.5:5432", "data");
}

static void quiet_reverse_proxy(struct quiet *q)
{
  char dst[64];
  for (unsigned i = 0; i < 20000; i++)
    quiet_kernel(q, i * .005, "10.1.0.1", quiet_end(dst, "10.3.0.%u:8080", i % 24),
                 i % 24 == 3 || i % 24 == 9 ? "closed" : "data");
}

static void quiet_tarpit(struct quiet *q)
{
  for (unsigned i = 0; i < 500; i++)
    quiet_kernel(q, i * .4, "10.1.0.7", "10.2.0.7:80", i % 2 ? "look" : "touch");
}

// Eight addresses on the open net: strangers with the tools of the trade, one probe each, mostly at what is popular.
static void quiet_background(struct quiet *q)
{
  static const unsigned popular[] = {22,   23,   80,   443,  445,  1433, 2222, 3306, 3389, 5060,
                                     5432, 5555, 5900, 6379, 8080, 8081, 8443, 8888, 9200, 37215};
  static const char *const makes[] = {"S,mw1024", "S,mw1024", "S,w65535", "S,mw29200"};
  char src[64], dst[64];
  for (unsigned i = 0; i < 11520; i++) {
    unsigned x = (i * 2654435761u ^ quiet_random(q, 65536)) % 1000003;
    unsigned port = x % 10 < 6 ? popular[x / 10 % 20] : 1 + x / 10 % 65535;
    quiet_life(q, i * .625,
               quiet_end(src, "100.%u.%u.%u:%u", 64 + i / 65536, i / 256 % 256, i % 256,
                         1024 + quiet_random(q, 60000)),
               quiet_end(dst, "198.51.100.%u:%u", 1 + i % 8, port), makes[quiet_random(q, 4)],
               x & 1 ? "silent" : "closed");
  }
}

// One address that thousands shared yesterday: peers still look for the ports they were given then.
static void quiet_yesterday(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 4000; i++)
    quiet_kernel(q, i * .5, quiet_end(src, "100.%u.%u.7", 64 + i % 60, i / 3 % 256),
                 quiet_end(dst, "192.0.2.1:%u", 1024 + quiet_random(q, 64000)),
                 i % 3 ? "silent" : "closed");
}

// A translator of addresses forgot whom it served: peers without clocks still acknowledge, and close.
static void quiet_translator(struct quiet *q)
{
  char src[64], dst[64];
  for (unsigned i = 0; i < 600; i++)
    quiet_life(q, i * .4, quiet_end(src, "100.64.%u.7:%u", i / 4, i / 4 % 3 ? 51413 : 27015),
               quiet_end(dst, "192.0.2.1:%u", 1024 + quiet_random(q, 31000)), i / 300 ? "F." : ".",
               i % 4 ? "closed" : "silent");
}

// Two ports of one client to one server, used again as soon as that lets them.
static void quiet_port_reuse(struct quiet *q)
{
  char src[64];
  for (unsigned i = 0; i < 3000; i++)
    quiet_life(q, i * .5, quiet_end(src, "10.1.0.8:%u", 40000 + i % 2), "10.2.0.8:80", "S,k",
               i % 50 ? "data" : "closed");
}

// 24 h: a workstation with a few dead ends each hour, and a printer that nobody turned on.
static void quiet_a_day(struct quiet *q)
{
  char dst[64];
  for (unsigned minute = 0; minute < 1440; minute++) {
    for (unsigned i = 0; i < 8; i++) {
      unsigned x = quiet_random(q, 30000);
      quiet_kernel(q, minute * 60 + i * 5, "10.1.0.9",
                   quiet_end(dst, "203.0.%u.%u:443", x & 15, x >> 4 & 255), "data");
    }
    if (minute % 20 == 0) {
      unsigned x = quiet_random(q, 30000);
      quiet_kernel(q, minute * 60 + 50, "10.1.0.9",
                   quiet_end(dst, "198.51.100.%u:%u", x & 255, x % 3 ? 443 : 8080),
                   x % 2 ? "closed" : "silent");
    }
    quiet_kernel(q, minute * 60 + 55, "10.1.0.9", "10.1.0.250:9100", "silent");
  }
}

const struct quiet_scenario quiet_scenarios[] = {
    {"monitor", quiet_monitor},
    {"dead targets", quiet_dead_targets},
    {"exporters", quiet_exporters},
    {"health checks", quiet_health_checks},
    {"translated", quiet_translated},
    {"proxy", quiet_proxy},
    {"browser", quiet_browser},
    {"happy eyeballs", quiet_happy_eyeballs},
    {"mail", quiet_mail},
    {"refusing mail", quiet_refusing_mail},
    {"port waits", quiet_port_waits},
    {"closed port", quiet_closed_port},
    {"knocking", quiet_knocking},
    {"reconnect", quiet_reconnect},
    {"outage", quiet_outage},
    {"restart", quiet_restart},
    {"peer to peer", quiet_peer_to_peer},
    {"cut", quiet_cut},
    {"keepalives", quiet_keepalives},
    {"closing", quiet_closing},
    {"aborted", quiet_aborted},
    {"devices", quiet_devices},
    {"ftp", quiet_ftp},
    {"crawler", quiet_crawler},
    {"backup", quiet_backup},
    {"database pool", quiet_database_pool},
    {"reverse proxy", quiet_reverse_proxy},
    {"tarpit", quiet_tarpit},
    {"background", quiet_background},
    {"yesterday", quiet_yesterday},
    {"translator", quiet_translator},
    {"port reuse", quiet_port_reuse},
    {"a day", quiet_a_day},
};

const unsigned quiet_scenario_count = sizeof quiet_scenarios / sizeof *quiet_scenarios;
