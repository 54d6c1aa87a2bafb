// SPDX-License-Identifier: BSD-2-Clause
// row_zeek.c - conn.log, notice.log, weird.log.
//
// Field for field as Zeek 6 writes them by default; what estab does not know is "-". A notice is written when a
// campaign is first named and once more, whole, when it has ended.
#include "row_zeek.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "plain_file.h"

static const struct {
  const char *path, *fields, *types;
} zeek_logs[ZEEK_LOGS] = {
    {"conn",
     "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\t"
     "resp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\t"
     "orig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents",
     "time\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\t"
     "bool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]"},
    {"notice",
     "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tfuid\tfile_mime_type\tfile_desc\tproto\t"
     "note\tmsg\tsub\tsrc\tdst\tp\tn\tpeer_descr\tactions\temail_dest\tsuppress_for\t"
     "remote_location.country_code\tremote_location.region\tremote_location.city\t"
     "remote_location.latitude\tremote_location.longitude",
     "time\tstring\taddr\tport\taddr\tport\tstring\tstring\tstring\tenum\tenum\tstring\tstring\t"
     "addr\taddr\tport\tcount\tstring\tset[enum]\tset[string]\tinterval\tstring\tstring\tstring\t"
     "double\tdouble"},
    {"weird",
     "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tname\taddl\tnotice\tpeer\tsource",
     "time\tstring\taddr\tport\taddr\tport\tstring\tstring\tbool\tstring\tstring"},
};

static void zeek_time(struct text *t, const char *word, uint64_t ns)
{
  char text[32] = "1970-01-01-00-00-00";
  time_t seconds = (time_t)(ns / 1000000000);
  struct tm tm;
  if (gmtime_r(&seconds, &tm) != NULL) strftime(text, sizeof text, "%Y-%m-%d-%H-%M-%S", &tm);
  text_string(t, word);
  text_char(t, '\t');
  text_string(t, text);
  text_char(t, '\n');
}

// The log, opened and headed at its first line: packet time, so that a re-run writes the same bytes. NULL: it
// cannot be opened; errno is kept in the text.
static struct text *zeek_log(struct row_zeek *z, enum zeek_log log, uint64_t ns)
{
  struct text *t = &z->logs[log];
  char path[ROW_ZEEK_PATH];
  if (ns > z->last_ns) z->last_ns = ns;
  if (t->file != NULL || t->failed) return t->failed ? NULL : t;
  row_zeek_path(z->directory, log, path);
  text_init(t, fopen(path, z->append ? "a" : "w"));
  if (t->file == NULL) {
    t->failed = true;
    t->sys_errno = errno;
    return NULL;
  }
  text_string(t, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n");
  text_string(t, "#path\t");
  text_string(t, zeek_logs[log].path);
  text_char(t, '\n');
  zeek_time(t, "#open", ns);
  text_string(t, "#fields\t");
  text_string(t, zeek_logs[log].fields);
  text_string(t, "\n#types\t");
  text_string(t, zeek_logs[log].types);
  text_char(t, '\n');
  return t;
}

void row_zeek_path(const char *directory, enum zeek_log log, char path[ROW_ZEEK_PATH])
{
  snprintf(path, ROW_ZEEK_PATH, "%.4095s/%s.log", directory, zeek_logs[log].path);
}

bool row_zeek_finish(struct row_zeek *z, enum zeek_log log)
{
  struct text *t = &z->logs[log];
  if (t->file == NULL) return false;
  zeek_time(t, "#close", z->last_ns);
  text_flush(t);
  if (fclose(t->file) != 0 && !t->failed) {
    t->failed = true;
    t->sys_errno = errno;
  }
  t->file = NULL;
  return true;
}

int row_zeek_open(struct row_zeek *z, const char *directory)
{
  for (unsigned i = 0; i < ZEEK_LOGS; i++)
    text_init(&z->logs[i], NULL);
  z->last_ns = 0;
  z->append = z->may_be_none = false;
  if (strlen(directory) >= sizeof z->directory) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(z->directory, directory);
  struct stat status;
  if (mkdir(directory, 0777) < 0 && errno != EEXIST) return -1;
  if (stat(directory, &status) < 0) return -1;
  if (!S_ISDIR(status.st_mode)) {
    errno = ENOTDIR;
    return -1;
  }
  return 0;
}

int row_zeek_clear(const char *directory)
{
  char path[ROW_ZEEK_PATH];
  for (unsigned i = 0; i < ZEEK_LOGS; i++) {
    row_zeek_path(directory, (enum zeek_log)i, path);
    if (plain_file_remove(path) < 0) return -1;
  }
  return 0;
}

static void tab_number(struct text *t, uint64_t n)
{
  text_char(t, '\t');
  text_number(t, n);
}

static void tab_string(struct text *t, const char *word)
{
  text_char(t, '\t');
  text_string(t, word);
}

// Free text: tabs, line ends and what is no printable ASCII become \xNN, as Zeek's writer does.
static void put_text(struct text *t, const char *text)
{
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      text_char(t, (char)c);
    } else {
      text_string(t, "\\x");
      text_hex(t, c, 2);
    }
  }
}

static void tab_text(struct text *t, const char *text)
{
  text_char(t, '\t');
  put_text(t, text);
}

static void tab_uid(struct text *t, const struct estab_watch_uid *uid)
{
  char word[ESTAB_WATCH_UID_TEXT];
  estab_watch_uid_format(uid, word);
  tab_string(t, word);
}

static void tab_ip(struct text *t, const struct estab_ip *ip)
{
  text_char(t, '\t');
  text_ip(t, ip);
}

static const char *zeek_local(const struct row_zeek *z, const struct estab_ip *ip)
{
  return z->local == NULL ? "-" : z->local(ip, z->local_ctx) ? "T" : "F";
}

static void tab_ends(struct text *t, const struct estab_ip *orig_ip, uint16_t orig_port,
                     const struct estab_ip *resp_ip, uint16_t resp_port)
{
  tab_ip(t, orig_ip);
  tab_number(t, orig_port);
  tab_ip(t, resp_ip);
  tab_number(t, resp_port);
}

void row_zeek_conn(struct row_zeek *z, const struct estab_watch_conn *c)
{
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  struct text *t = zeek_log(z, ZEEK_CONN, c->ts_ns);
  if (t == NULL) return;
  text_seconds6(t, c->ts_ns);
  tab_uid(t, &c->uid);
  tab_ends(t, &c->orig_ip, c->orig_port, &c->resp_ip, c->resp_port);
  tab_string(t, "tcp\t-");
  if (c->has_duration) {
    text_char(t, '\t');
    text_seconds6(t, c->duration_ns);
    tab_number(t, o->bytes);
    tab_number(t, r->bytes);
  } else {
    tab_string(t, "-\t-\t-");
  }
  tab_string(t, c->conn_state);
  tab_string(t, zeek_local(z, &c->orig_ip));
  tab_string(t, zeek_local(z, &c->resp_ip));
  tab_number(t, c->missed_bytes);
  tab_string(t, c->history[0] != '\0' ? c->history : "-");
  tab_number(t, o->pkts);
  tab_number(t, o->ip_bytes);
  tab_number(t, r->pkts);
  tab_number(t, r->ip_bytes);
  tab_string(t, "-\n");
}

// Scan::Port_Scan and Scan::Address_Scan where Zeek's words fit, else Estab::<Kind>: "Estab::Syn_Flood".
static void notice_name(struct text *t, const struct estab_watch_alert *a)
{
  const char *kind = estab_watch_kind_name((enum estab_watch_kind)a->kind);
  bool scan = strstr(kind, "_scan") != NULL && a->kind != ESTAB_WATCH_KIND_IDLE_SCAN;
  if (scan && a->geometry == ESTAB_WATCH_VERTICAL) {
    tab_string(t, "Scan::Port_Scan");
    return;
  }
  if (scan && a->geometry == ESTAB_WATCH_HORIZONTAL) {
    tab_string(t, "Scan::Address_Scan");
    return;
  }
  tab_string(t, "Estab::");
  for (bool upper = true; *kind != '\0'; upper = *kind++ == '_')
    text_char(t, upper && *kind >= 'a' ? (char)(*kind - 32) : *kind);
}

// Whether an alert has a notice: named, named otherwise, or ended; not where it only grows.
static bool notice_wanted(struct row_zeek *z, const struct estab_watch_alert *a)
{
  _Static_assert(ESTAB_WATCH_KINDS <= 32, "each kind has a bit of what was told");
  if (!a->ended) return told_first(&z->notices, &a->id, a->kind);
  (void)told_last(&z->notices, &a->id);
  return true;
}

void row_zeek_alert(struct row_zeek *z, const struct estab_watch_alert *a)
{
  if (!notice_wanted(z, a)) return;
  struct text *t = zeek_log(z, ZEEK_NOTICE, a->last_ns);
  if (t == NULL) return;
  text_seconds6(t, a->last_ns);
  tab_string(t, "-\t-\t-\t-\t-\t-\t-\t-\ttcp");
  notice_name(t, a);
  tab_text(t, a->summary);
  tab_string(t, estab_watch_kind_name((enum estab_watch_kind)a->kind));
  text_string(t, a->ended ? " ended " : " ongoing ");
  char id[ESTAB_WATCH_UID_TEXT];
  estab_watch_uid_format(&a->id, id);
  text_string(t, id);
  if (a->src_count == 1 && a->src_listed == 1)
    tab_ip(t, &a->src[0]);
  else
    tab_string(t, "-");
  if (a->dst_count == 1 && a->dst_listed == 1)
    tab_ip(t, &a->dst[0]);
  else
    tab_string(t, "-");
  if (a->port_count == 1 && a->ports_listed == 1)
    tab_number(t, a->ports[0]);
  else
    tab_string(t, "-");
  tab_number(t, a->probes);
  tab_string(t, "-\tNotice::ACTION_LOG\t(empty)\t3600.000000\t-\t-\t-\t-\t-\n");
}

void row_zeek_ambiguity(struct row_zeek *z, const struct estab_watch_ambiguity *a)
{
  struct text *t = zeek_log(z, ZEEK_WEIRD, a->ts_ns);
  if (t == NULL) return;
  text_seconds6(t, a->ts_ns);
  tab_uid(t, &a->uid);
  if (estab_ip_is_any(&a->orig_ip) && estab_ip_is_any(&a->resp_ip)) // of no connection
    tab_string(t, "-\t-\t-\t-");
  else
    tab_ends(t, &a->orig_ip, a->orig_port, &a->resp_ip, a->resp_port);
  tab_string(t, estab_watch_ambiguity_name((enum estab_watch_ambiguity_kind)a->kind));
  tab_text(t, a->chosen);
  text_string(t, " | ");
  put_text(t, a->other);
  tab_string(t, "F\t-\tTCP\n");
}

bool row_zeek_close(struct row_zeek *z)
{
  int failed = 0;
  if (!z->may_be_none)
    zeek_log(z, ZEEK_CONN,
             z->last_ns); // a capture without connections leaves an empty log, not none
  for (unsigned i = 0; i < ZEEK_LOGS; i++) {
    row_zeek_finish(z, (enum zeek_log)i);
    if (z->logs[i].failed) failed = z->logs[i].sys_errno;
  }
  told_free(&z->notices);
  errno = failed;
  return failed == 0;
}
