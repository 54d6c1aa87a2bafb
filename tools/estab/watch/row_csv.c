// SPDX-License-Identifier: BSD-2-Clause
// row_csv.c - connections as comma-separated values (RFC 4180), one heading.
#include "row_csv.h"

#include "community_id.h"
#include "row_json.h"

void row_csv_heading(struct text *t)
{
  text_string(t, "ts,uid,orig_h,orig_p,resp_h,resp_p,conn_state,history,duration,orig_bytes,"
                 "resp_bytes,orig_pkts,resp_pkts,missed_bytes,orig_ip_bytes,resp_ip_bytes,"
                 "opened_by,closed_by,orig_state,resp_state,orig_flags,resp_flags,"
                 "orig_first_flags,resp_first_flags,rtt_handshake_s,orig_retransmitted_pkts,"
                 "resp_retransmitted_pkts,community_id\r\n");
}

static void comma_number(struct text *t, uint64_t n)
{
  text_char(t, ',');
  text_number(t, n);
}

static void comma_string(struct text *t, const char *word)
{
  text_char(t, ',');
  text_string(t, word);
}

static void comma_flags(struct text *t, const struct estab_watch_side_record *s, uint16_t flags)
{
  text_char(t, ',');
  if (s->sent) text_hex(t, flags, 2);
}

// No value holds a comma, a quote or a line end: addresses, numbers and fixed words.
void row_csv_conn(struct text *t, const struct estab_watch_conn *c)
{
  const struct estab_watch_side_record *o = &c->side[0], *r = &c->side[1];
  char word[ESTAB_WATCH_UID_TEXT], community[COMMUNITY_ID_ROOM];
  uint32_t block[SHA1_BLOCK_WORDS];
  estab_watch_uid_format(&c->uid, word);
  text_seconds(t, c->ts_ns);
  comma_string(t, word);
  text_char(t, ',');
  text_ip(t, &c->orig_ip);
  comma_number(t, c->orig_port);
  text_char(t, ',');
  text_ip(t, &c->resp_ip);
  comma_number(t, c->resp_port);
  comma_string(t, c->conn_state);
  comma_string(t, c->history);
  text_char(t, ',');
  if (c->has_duration) {
    text_seconds(t, c->duration_ns);
    comma_number(t, o->bytes);
    comma_number(t, r->bytes);
  } else {
    text_string(t, ",,");
  }
  comma_number(t, o->pkts);
  comma_number(t, r->pkts);
  comma_number(t, c->missed_bytes);
  comma_number(t, o->ip_bytes);
  comma_number(t, r->ip_bytes);
  comma_string(t, row_who(c->opened_by));
  comma_string(t, row_who(c->closed_by));
  comma_string(t, estab_state_name((enum estab_state)o->state));
  comma_string(t, estab_state_name((enum estab_state)r->state));
  comma_flags(t, o, o->flags);
  comma_flags(t, r, r->flags);
  comma_flags(t, o, o->first_flags);
  comma_flags(t, r, r->first_flags);
  text_char(t, ',');
  if (c->rtt_handshake_ns != ESTAB_WATCH_TIME_NONE) text_seconds(t, c->rtt_handshake_ns);
  comma_number(t, o->retransmitted_pkts);
  comma_number(t, r->retransmitted_pkts);
  community_id_block(c, block);
  community_id(block, community);
  comma_string(t, community);
  text_bytes(t, "\r\n", 2);
}
