// SPDX-License-Identifier: BSD-2-Clause
// scan_explain.c - an alert in sentences: what it is, how it was recognised, what else it may be.
#include "base/fmt.h"
#include "watch/scan_parts.h"

static void explain_count(struct fmt *f, uint64_t n, const char *one, const char *many)
{
  fmt_u64(f, n);
  fmt_char(f, ' ');
  fmt_str(f, n == 1 ? one : many);
}

static void explain_sources(struct fmt *f, const struct campaign *it,
                            const struct estab_watch_alert *alert)
{
  if (alert->modifiers & ESTAB_WATCH_SPOOFED && alert->src_listed == 0) {
    fmt_str(f, "Forged sources (about ");
    fmt_u64(f, alert->src_count);
    fmt_char(f, ')');
  } else if (alert->src_count == 1) {
    fmt_ip(f, &alert->src[0]);
  } else {
    fmt_u64(f, alert->src_count);
    fmt_str(f, alert->modifiers & ESTAB_WATCH_DECOY ? " addresses, one of them real," : " sources");
  }
  if (it->role == ESTAB_WATCH_ROLE_ZOMBIE) fmt_str(f, ", a zombie that others use,");
}

static void explain_targets(struct fmt *f, const struct estab_watch_alert *alert)
{
  if (alert->port_count == 1 && alert->ports_listed) {
    fmt_str(f, " port ");
    fmt_u64(f, alert->ports[0]);
    fmt_str(f, " of ");
  } else if (alert->port_count > 1) {
    fmt_char(f, ' ');
    explain_count(f, alert->port_count, "port", "ports");
    fmt_str(f, " of ");
  } else {
    fmt_char(f, ' ');
  }
  if (alert->dst_count == 1 && alert->dst_listed)
    fmt_ip(f, &alert->dst[0]);
  else
    explain_count(f, alert->dst_count, "host", "hosts");
}

static void explain_learned(struct fmt *f, const struct estab_watch_alert *alert)
{
  static const char *const words[ESTAB_WATCH_ANSWERS] = {
      "open", "closed", "filtered", "open or filtered", "unfiltered", "without an answer seen"};
  const char *before = ": ";
  for (int i = 0; i < ESTAB_WATCH_ANSWERS; i++) {
    const struct estab_watch_targets *t = &alert->answers[i];
    if (t->count == 0) continue;
    fmt_str(f, before);
    before = ", ";
    fmt_u64(f, t->count);
    fmt_char(f, ' ');
    fmt_str(f, words[i]);
    if (i != ESTAB_WATCH_OPEN || t->count > 5 || t->listed < t->count) continue;
    for (uint32_t k = 0; k < t->listed; k++) {
      fmt_str(f, k ? " " : " (");
      fmt_u64(f, t->list[k].port);
    }
    fmt_char(f, ')');
  }
}

void scan_summary(const struct campaign *it, struct estab_watch_alert *alert)
{
  struct fmt f;
  fmt_init(&f, alert->summary, sizeof alert->summary);
  fmt_str(&f, estab_watch_kind_text((enum estab_watch_kind)it->kind));
  if (alert->geometry == ESTAB_WATCH_SLOW) fmt_str(&f, ", slow");
  if (alert->modifiers & ESTAB_WATCH_FRAGMENTED) fmt_str(&f, ", in fragments");
  if (alert->modifiers & ESTAB_WATCH_DATA) fmt_str(&f, ", with text");
  fmt_str(&f, ": ");
  if (it->kind == ESTAB_WATCH_KIND_BACKSCATTER) {
    fmt_str(&f, "the victim ");
    explain_sources(&f, it, alert);
    fmt_str(&f, " answers ");
    explain_count(&f, alert->dst_count, "host that never asked", "hosts that never asked");
  } else {
    if (it->role == ESTAB_WATCH_ROLE_VICTIM) fmt_str(&f, "in the name of ");
    explain_sources(&f, it, alert);
    fmt_str(&f, it->kind >= ESTAB_WATCH_KIND_SYN_FLOOD ? " against" : " probed");
    explain_targets(&f, alert);
  }
  explain_learned(&f, alert);
  fmt_str(&f, ". ");
  fmt_u64(&f, alert->probes);
  fmt_char(&f, ' ');
  fmt_str(&f, estab_watch_kind_unit((enum estab_watch_kind)it->kind));
  if (alert->probes != 1) fmt_char(&f, 's');
  uint64_t span_ns = alert->last_ns - alert->first_ns;
  if (span_ns >= 1000) {
    fmt_str(&f, " in ");
    fmt_seconds(&f, span_ns, span_ns < SCAN_S / 1000 ? 6 : span_ns < SCAN_S ? 3 : 1);
    fmt_str(&f, " s");
  }
  fmt_char(&f, '.');
}

// How each kind is recognised, and the honest doubt.
static const char *const explain_kinds[ESTAB_WATCH_KINDS] = {
    [ESTAB_WATCH_KIND_SYN_SCAN] =
        "SYNs without the options that every kernel sends (SACK-permitted, timestamps, window "
        "scale), or handshakes "
        "broken off by RST, to at least the threshold of distinct targets without success. A "
        "fixed source port and RST after "
        "SYN+ACK are also what an idle scan through this address looks like at the target: "
        "there, zombie and scanner "
        "cannot be told apart.",
    [ESTAB_WATCH_KIND_CONNECT_SCAN] =
        "SYNs with a kernel's options to many ports of a host or one port of many hosts that "
        "failed, without patience, and not "
        "visited again as a monitor would; where a port was open the connection was made and "
        "left without a byte. "
        "A tool that sends SYNs like a kernel's and found nothing open looks the same.",
    [ESTAB_WATCH_KIND_FIN_SCAN] =
        "A FIN without ACK that belongs to no connection: no TCP sends it, one is enough. No "
        "answer means open or filtered.",
    [ESTAB_WATCH_KIND_NULL_SCAN] =
        "A segment without any of the six flags: no TCP sends it, one is enough. No answer "
        "means open or filtered.",
    [ESTAB_WATCH_KIND_XMAS_SCAN] =
        "FIN and URG without ACK: no TCP sends it, one is enough. No answer means open or "
        "filtered.",
    [ESTAB_WATCH_KIND_ACK_OR_WINDOW_SCAN] =
        "Bare ACKs without timestamps, one each, to targets with which no conversation exists, "
        "answered by RST or not at all, and "
        "with one source port or answers from each. ACK scan and Window scan send the same "
        "packets: which of the two cannot be told. "
        "It maps filters; RST says unfiltered, never open.",
    [ESTAB_WATCH_KIND_MAIMON_SCAN] =
        "FIN+ACK, one each, to targets with which no conversation exists, from one source port "
        "or a row of them. "
        "No answer means open or filtered; most systems answer RST in any case.",
    [ESTAB_WATCH_KIND_SYNACK_SCAN] =
        "SYN+ACKs that nobody asked for, to many ports of a host or one port of many. A flood's "
        "victim answers to ports at random.",
    [ESTAB_WATCH_KIND_SYNFIN_SCAN] = "SYN and FIN together: no TCP sends it, one is enough.",
    [ESTAB_WATCH_KIND_BOGUS_FLAGS] =
        "A set of flags that no TCP sends (SYN with RST, all six, PSH or URG alone): one is "
        "enough.",
    [ESTAB_WATCH_KIND_IDLE_SCAN] =
        "SYNs with this source while somebody else reads its IP identification by SYN+ACKs: the "
        "source is a zombie, not the scanner.",
    [ESTAB_WATCH_KIND_OS_PROBE] =
        "Segments with timestamps of all ones and the windows and options of nmap -O. Its NULL, "
        "Xmas, ACK and SYN+FIN+PSH+URG "
        "probes are part of it and raise nothing else.",
    [ESTAB_WATCH_KIND_VERSION_PROBE] =
        "Connections in which one source said the openings of several protocols to one port, or "
        "one that only a version prober says.",
    [ESTAB_WATCH_KIND_SYN_FLOOD] =
        "SYNs to one port at the threshold's rate for three seconds, of which at most a quarter "
        "became connections.",
    [ESTAB_WATCH_KIND_SYNACK_FLOOD] =
        "Segments of no connection to one port at the threshold's rate for three seconds.",
    [ESTAB_WATCH_KIND_ACK_FLOOD] =
        "Segments of no connection to one port at the threshold's rate for three seconds.",
    [ESTAB_WATCH_KIND_RST_FLOOD] =
        "Segments of no connection to one port at the threshold's rate for three seconds.",
    [ESTAB_WATCH_KIND_FIN_FLOOD] =
        "Segments of no connection to one port at the threshold's rate for three seconds.",
    [ESTAB_WATCH_KIND_CONN_EXHAUSTION] =
        "Connections to one port opened and kept for half a minute without a byte, of which hardly "
        "any ended. "
        "A pool that a program opens far ahead of need looks the same.",
    [ESTAB_WATCH_KIND_ZERO_WINDOW_HOLD] =
        "Connections whose opener keeps its window at zero while the server has text for it.",
    [ESTAB_WATCH_KIND_LAND] = "A SYN from its own destination address and port: one is enough.",
    [ESTAB_WATCH_KIND_RST_INJECTION] =
        "The side went on after its RST, and the RST came over another number of hops, "
        "marched through the window or was where nothing had been sent yet; or both sides sent one "
        "at once, over hop counts that are neither's: "
        "somebody between sent it in its name. A load balancer that speaks for its servers may "
        "look the same.",
    [ESTAB_WATCH_KIND_OVERLAP_INJECTION] =
        "Other octets for a part of the stream that was already there, over another number of "
        "hops: somebody between wrote in "
        "this side's name.",
    [ESTAB_WATCH_KIND_BACKSCATTER] =
        "Answers from one port to hosts that never asked: somebody floods it with forged "
        "sources. It is a victim, not a scanner. "
        "On a tap that sees one direction, clients whose SYNs go another way look the same.",
};

static void explain_geometry(struct fmt *f, const struct campaign *it,
                             const struct estab_watch_alert *alert)
{
  switch ((enum estab_watch_geometry)alert->geometry) {
  case ESTAB_WATCH_VERTICAL: fmt_str(f, " Vertical: many ports of one host."); break;
  case ESTAB_WATCH_HORIZONTAL: fmt_str(f, " Horizontal: one port of many hosts."); break;
  case ESTAB_WATCH_BLOCK: fmt_str(f, " A block: many ports of many hosts."); break;
  case ESTAB_WATCH_SLOW: fmt_str(f, " Slow: below one probe a minute."); break;
  case ESTAB_WATCH_DISTRIBUTED:
    fmt_str(f,
            it->mixed
                ? " Distributed: several sources ask one host, with probes of several makes: they "
                  "may have nothing to do with each other."
                : " Distributed: several sources with probes of the same make share one host's "
                  "ports.");
    if (it->gathered)
      fmt_str(f,
              " None of them alone asked for enough to be named. Sources with one probe each may "
              "be forged.");
    break;
  case ESTAB_WATCH_DECOY_SET:
    fmt_str(f, " Decoys: several sources sent the same probes to the same targets within a second. "
               "One of them may be real; which "
               "one the wire does not say.");
    break;
  case ESTAB_WATCH_GEOMETRY_NONE: break;
  }
}

void scan_explain(struct scan *s, const struct campaign *it, struct estab_watch_alert *alert)
{
  struct fmt f;
  fmt_init(&f, s->explanation, sizeof s->explanation);
  fmt_str(&f, explain_kinds[it->kind]);
  explain_geometry(&f, it, alert);
  if (it->kind == ESTAB_WATCH_KIND_IDLE_SCAN) {
    fmt_str(&f, " The SYN+ACKs came from ");
    fmt_ip(&f, &it->other);
    fmt_char(&f, '.');
  }
  if ((it->kind == ESTAB_WATCH_KIND_RST_INJECTION ||
       it->kind == ESTAB_WATCH_KIND_OVERLAP_INJECTION) &&
      (it->detail & 0xff) != it->detail >> 8) {
    fmt_str(&f, " Hop counts: ");
    fmt_u64(&f, it->detail & 0xff);
    fmt_str(&f, ", otherwise ");
    fmt_u64(&f, it->detail >> 8);
    fmt_char(&f, '.');
  }
  if (it->window_seen)
    fmt_str(&f,
            " Some RSTs carried a window: on those hosts a Window scan tells open from closed.");
  if (it->trw)
    fmt_str(&f,
            " The threshold random walk over first contacts to local hosts says scanner as well.");
  if (alert->answers[ESTAB_WATCH_UNKNOWN].count)
    fmt_str(&f, " Silence is unknown here, not filtered: answers may pass where this tap does not "
                "see them.");
  alert->explanation = s->explanation;
}
