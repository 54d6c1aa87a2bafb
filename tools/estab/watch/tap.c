// SPDX-License-Identifier: BSD-2-Clause
// tap.c - interfaces to capture from, by libpcap.
#include "tap.h"

#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "estab/watch.h"
#include "phrase.h"

#define TAP_EMPTY_AGAIN_NS                                                                         \
  UINT64_C(5000000) // an empty ring is not asked again sooner while others have packets

uint64_t tap_now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// ---------------------------------------------------------------------------------------------
// Opening

__attribute__((format(printf, 3, 4))) static int tap_fail(struct tap_error *error,
                                                          const char *remedy, const char *format,
                                                          ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  snprintf(error->remedy, sizeof error->remedy, "%s", remedy);
  for (char *p = error->text; *p != '\0'; p++)
    if (*p == '\n') *p = ' ';
  return -1;
}

// "name one of: any, lo, eth0"
static void list_interfaces(char *out, size_t room)
{
  struct if_nameindex *all = if_nameindex();
  struct phrase names = phrase_in(out, room);
  phrase_add(&names, "name one of: any");
  for (struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++) {
    if (names.used + strlen(i->if_name) + 8 > room) {
      phrase_add(&names, " ...");
      break;
    }
    phrase_add(&names, ", %s", i->if_name);
  }
  if (all != NULL) if_freenameindex(all);
}

static int tap_explain(const struct tap_source *s, int answer, struct tap_error *error)
{
  char remedy[256];
  switch (answer) {
  case PCAP_ERROR_NO_SUCH_DEVICE:
    list_interfaces(remedy, sizeof remedy);
    return tap_fail(error, remedy, "-i %s: there is no such interface", s->name);
  case PCAP_ERROR_PERM_DENIED:
  case PCAP_ERROR_PROMISC_PERM_DENIED:
    return tap_fail(error,
                    "run it as root (with --user NAME no longer than for opening it), or "
                    "setcap cap_net_raw+ep on the program",
                    "-i %s: not permitted to capture", s->name);
  case PCAP_ERROR_IFACE_NOT_UP:
    snprintf(remedy, sizeof remedy, "ip link set %.32s up", s->name);
    return tap_fail(error, remedy, "-i %s: the interface is down", s->name);
  default:
    return tap_fail(error, "", "-i %s: %s", s->name,
                    answer == PCAP_ERROR ? pcap_geterr(s->pcap) : pcap_statustostr(answer));
  }
}

// DLT_* are this system's numbers, LINKTYPE_* those of files: apart for raw IP.
static uint32_t linktype_of(int dlt)
{
  return dlt == DLT_RAW ? ESTAB_LINKTYPE_RAW : (uint32_t)dlt;
}

static int tap_filter(struct tap_source *s, const char *expression, struct tap_error *error)
{
  struct bpf_program program;
  if (pcap_compile(s->pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) < 0) {
    error->usage = true;
    return tap_fail(error, "", "--filter '%s': %s", expression, pcap_geterr(s->pcap));
  }
  int answer = pcap_setfilter(s->pcap, &program);
  pcap_freecode(&program);
  return answer < 0 ? tap_fail(error, "", "-i %s: --filter: %s", s->name, pcap_geterr(s->pcap)) : 0;
}

static int tap_open_one(struct tap_source *s, const struct tap_settings *settings,
                        struct tap_error *error)
{
  char why[PCAP_ERRBUF_SIZE] = "";
  s->pcap = pcap_create(s->name, why);
  if (s->pcap == NULL) return tap_fail(error, "", "-i %s: %s", s->name, why);
  bool any = strcmp(s->name, "any") == 0;
  pcap_set_snaplen(s->pcap, (int)settings->snap_bytes);
  pcap_set_promisc(s->pcap, settings->promiscuous && !any);
  pcap_set_timeout(s->pcap, (int)(TAP_RETIRE_NS / 1000000));
  pcap_set_buffer_size(s->pcap, (int)settings->buffer_bytes);
  pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO);
  int answer = pcap_activate(s->pcap);
  if (answer < 0) return tap_explain(s, answer, error);
  if (any)
    pcap_set_datalink(s->pcap, DLT_LINUX_SLL2); // names the interface; an old libpcap has it not
  s->linktype = linktype_of(pcap_datalink(s->pcap));
  if (!estab_watch_knows_linktype(s->linktype))
    return tap_fail(error, "name one of Ethernet, Linux cooked, loopback or raw IP",
                    "-i %s: its link type, %u, is not read", s->name, s->linktype);
  if (pcap_get_tstamp_precision(s->pcap) != PCAP_TSTAMP_PRECISION_NANO)
    return tap_fail(error, "", "-i %s: it has no times in nanoseconds", s->name);
  if (settings->filter != NULL && tap_filter(s, settings->filter, error) < 0) return -1;
  if (pcap_setnonblock(s->pcap, 1, why) < 0) return tap_fail(error, "", "-i %s: %s", s->name, why);
  return 0;
}

int tap_open(struct tap *t, const struct tap_settings *settings, struct tap_error *error)
{
  *t = (struct tap){.count = 0};
  *error = (struct tap_error){.usage = false};
  for (unsigned i = 0; i < settings->count && i < TAP_MAX; i++) {
    t->sources[i].name = settings->names[i];
    int answer = tap_open_one(&t->sources[i], settings, error);
    t->count = i + 1;
    if (answer < 0) {
      tap_close(t);
      return -1;
    }
  }
  return 0;
}

void tap_close(struct tap *t)
{
  for (unsigned i = 0; i < t->count; i++)
    if (t->sources[i].pcap != NULL) pcap_close(t->sources[i].pcap);
  t->count = 0;
}

// ---------------------------------------------------------------------------------------------
// Packets

// Fetches a packet if there is one. -1: the interface is gone.
static int tap_fetch(struct tap_source *s, unsigned number, uint64_t now_ns,
                     struct tap_error *error)
{
  struct pcap_pkthdr *header;
  const uint8_t *bytes;
  int answer = pcap_next_ex(s->pcap, &header, &bytes);
  if (answer == 0) {
    s->empty_ns = now_ns;
    return 0;
  }
  if (answer < 0) {
    error->where = s->name;
    return tap_fail(error, "", "-i %s: %s", s->name, pcap_geterr(s->pcap));
  }
  s->packet = (struct estab_capture_packet){
      .ts_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec,
      .interface = number,
      .linktype = s->linktype,
      .captured_bytes = header->caplen,
      .wire_bytes = header->len > header->caplen ? header->len : header->caplen,
      .bytes = bytes,
  };
  s->pending = true;
  return 1;
}

int tap_next(struct tap *t, uint64_t now_ns, struct estab_capture_packet *packet,
             struct tap_error *error)
{
  struct tap_source *best = NULL;
  uint64_t quiet_ns = ESTAB_NEVER; // the earliest time at which one that has nothing was empty
  for (unsigned i = 0; i < t->count; i++) {
    struct tap_source *s = &t->sources[i];
    bool again =
        t->count == 1 || now_ns >= s->empty_ns + TAP_EMPTY_AGAIN_NS || now_ns < s->empty_ns;
    if (!s->pending && again && tap_fetch(s, i, now_ns, error) < 0) return -1;
    if (!s->pending && s->empty_ns < quiet_ns) quiet_ns = s->empty_ns;
    if (s->pending && (best == NULL || s->packet.ts_ns < best->packet.ts_ns)) best = s;
  }
  // Another interface may still hand over an earlier one.
  if (best == NULL ||
      (quiet_ns != ESTAB_NEVER && t->count > 1 && best->packet.ts_ns + TAP_SETTLE_NS > quiet_ns))
    return 0;
  *packet = best->packet;
  best->pending = false;
  return 1;
}

uint64_t tap_complete_ns(const struct tap *t)
{
  uint64_t until = ESTAB_NEVER;
  for (unsigned i = 0; i < t->count; i++) {
    const struct tap_source *s = &t->sources[i];
    uint64_t own = s->empty_ns > TAP_SETTLE_NS ? s->empty_ns - TAP_SETTLE_NS : 0;
    if (s->pending) own = s->packet.ts_ns;
    if (own < until) until = own;
  }
  return until;
}

uint64_t tap_lost(struct tap *t, unsigned i)
{
  struct tap_source *s = &t->sources[i];
  struct pcap_stat stat;
  if (pcap_stats(s->pcap, &stat) < 0) return 0;
  uint32_t more = stat.ps_drop - s->raw_lost;
  s->lost += more;
  s->dropped += (uint32_t)(stat.ps_ifdrop - s->raw_dropped);
  s->received += (uint32_t)(stat.ps_recv - s->raw_received);
  s->raw_lost = stat.ps_drop;
  s->raw_dropped = stat.ps_ifdrop;
  s->raw_received = stat.ps_recv;
  return more;
}

void tap_wait(const struct tap *t, int milliseconds)
{
  struct pollfd fds[TAP_MAX];
  for (unsigned i = 0; i < t->count; i++)
    if (t->sources[i].pending) { // it is held back: more of them bring nothing
      poll(NULL, 0, milliseconds < 5 ? milliseconds : 5);
      return;
    }
  for (unsigned i = 0; i < t->count; i++)
    fds[i] = (struct pollfd){.fd = pcap_get_selectable_fd(t->sources[i].pcap), .events = POLLIN};
  poll(fds, t->count, milliseconds);
}
