// SPDX-License-Identifier: BSD-2-Clause
// tcp_text.c - flags, options and segments in packetdrill's notation.

#include "wire/text.h"
#include "base/bytes.h"
#include "wire/tcp_opt.h"

static const struct estab_format_options text_plain;

void flags_put(struct fmt *f, uint16_t flags)
{
  static const struct {
    uint16_t bit;
    char letter;
  } letters[] = {
      {ESTAB_TCP_SYN, 'S'}, {ESTAB_TCP_FIN, 'F'}, {ESTAB_TCP_RST, 'R'},
      {ESTAB_TCP_PSH, 'P'}, {ESTAB_TCP_URG, 'U'}, {ESTAB_TCP_ECE, 'E'},
      {ESTAB_TCP_CWR, 'W'}, {ESTAB_TCP_AE, 'A'},  {ESTAB_TCP_ACK, '.'},
  };
  if ((flags & ~ESTAB_TCP_RESERVED) == 0) fmt_char(f, '-');
  for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
    if (flags & letters[i].bit) fmt_char(f, letters[i].letter);
}

size_t estab_flags_format(uint16_t flags, char *text, size_t text_bytes)
{
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  flags_put(&f, flags);
  return fmt_length(&f);
}

size_t estab_flags_format_names(uint16_t flags, char *text, size_t text_bytes)
{
  static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"};
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  for (unsigned bit = 0; bit < sizeof names / sizeof names[0]; bit++) {
    if (!(flags >> bit & 1)) continue;
    if (fmt_length(&f) > 0) fmt_char(&f, '|');
    fmt_str(&f, names[bit]);
  }
  if (flags & ESTAB_TCP_RESERVED) {
    fmt_str(&f, fmt_length(&f) > 0 ? "|0x" : "0x");
    fmt_hex(&f, flags & ESTAB_TCP_RESERVED, 3);
  }
  if (fmt_length(&f) == 0) fmt_char(&f, '0');
  return fmt_length(&f);
}

// ---------------------------------------------------------------------------------------------

static void tcp_text_bytes(struct fmt *f, const uint8_t *p, size_t count)
{
  for (size_t i = 0; i < count; i++)
    fmt_hex(f, p[i], 2);
}

static void tcp_text_accecn(struct fmt *f, const uint8_t *p, size_t bytes)
{
  static const char *const names0[] = {" e0b ", " ceb ", " e1b "};
  static const char *const names1[] = {" e1b ", " ceb ", " e0b "};
  fmt_str(f, "ECN");
  for (size_t i = 0; i < (bytes - 2) / 3; i++) {
    fmt_str(f, p[0] == TCP_OPT_KIND_ACCECN0 ? names0[i] : names1[i]);
    fmt_u64(f, (uint64_t)p[2 + 3 * i] << 16 | get_be16(p + 3 + 3 * i));
  }
}

static void tcp_text_sack(struct fmt *f, const uint8_t *p, size_t bytes, uint32_t base)
{
  fmt_str(f, "sack");
  for (size_t i = 2; i < bytes; i += 8) {
    text_number(f, " ", get_be32(p + i) - base);
    text_number(f, ":", get_be32(p + i + 4) - base);
  }
}

static void tcp_text_unknown(struct fmt *f, const uint8_t *p, size_t bytes)
{
  text_number(f, "kind ", p[0]);
  if (bytes > 2) fmt_str(f, " 0x");
  tcp_text_bytes(f, p + 2, bytes - 2);
}

// One option with a legal length, all there. An option of a length that is not its kind's is shown
// as an unknown one.
static void tcp_text_option(struct fmt *f, const uint8_t *p, size_t bytes, uint32_t ack_base)
{
  const uint8_t kind = p[0];
  if (kind == TCP_OPT_KIND_MSS && bytes == 4) {
    text_number(f, "mss ", get_be16(p + 2));
  } else if (kind == TCP_OPT_KIND_WSCALE && bytes == 3) {
    text_number(f, "wscale ", p[2]);
  } else if (kind == TCP_OPT_KIND_SACK_PERMITTED && bytes == 2) {
    fmt_str(f, "sackOK");
  } else if (kind == TCP_OPT_KIND_SACK && bytes >= 10 && bytes <= 34 && bytes % 8 == 2) {
    tcp_text_sack(f, p, bytes, ack_base);
  } else if (kind == TCP_OPT_KIND_TS && bytes == 10) {
    text_number(f, "TS val ", get_be32(p + 2));
    text_number(f, " ecr ", get_be32(p + 6));
  } else if (kind == TCP_OPT_KIND_UTO && bytes == 4) {
    text_number(f, "uto ", get_be16(p + 2) & 0x7fff);
    fmt_char(f, get_be16(p + 2) & 0x8000 ? 'm' : 's');
  } else if (kind == TCP_OPT_KIND_TFO) {
    fmt_str(f, bytes > 2 ? "FO " : "FO");
    tcp_text_bytes(f, p + 2, bytes - 2);
  } else if (kind == TCP_OPT_KIND_EXP && bytes >= 4 && get_be16(p + 2) == TCP_OPT_EXP_TFO) {
    fmt_str(f, bytes > 4 ? "FOEXP " : "FOEXP");
    tcp_text_bytes(f, p + 4, bytes - 4);
  } else if ((kind == TCP_OPT_KIND_ACCECN0 || kind == TCP_OPT_KIND_ACCECN1) && bytes <= 11 &&
             bytes % 3 == 2) {
    tcp_text_accecn(f, p, bytes);
  } else {
    tcp_text_unknown(f, p, bytes);
  }
}

static void tcp_text_options(struct fmt *f, const uint8_t *bytes, size_t count, uint32_t ack_base)
{
  for (size_t at = 0; at < count;) {
    const uint8_t *p = bytes + at;
    if (at > 0) fmt_char(f, ',');
    if (p[0] == TCP_OPT_KIND_END || p[0] == TCP_OPT_KIND_NOP) {
      fmt_str(f, p[0] == TCP_OPT_KIND_END ? "eol" : "nop");
      at++;
      continue;
    }
    if (count - at < 2 || p[1] < 2 || p[1] > count - at) {
      fmt_str(f, "bad 0x");
      tcp_text_bytes(f, p, count - at);
      return;
    }
    tcp_text_option(f, p, p[1], ack_base);
    at += p[1];
  }
}

size_t estab_tcp_options_format(const uint8_t *bytes, size_t count,
                                const struct estab_format_options *how, char *text,
                                size_t text_bytes)
{
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  tcp_text_options(&f, bytes, count, how != NULL ? how->ack_base : 0);
  return fmt_length(&f);
}

// ---------------------------------------------------------------------------------------------

void tcp_text_put(struct fmt *f, const struct estab_tcp_header *h, size_t payload_bytes,
                  const struct estab_format_options *how, const uint8_t *raw, size_t raw_bytes)
{
  uint8_t scratch[ESTAB_TCP_OPTIONS_BYTES];
  const uint32_t seq = h->seq - how->seq_base;
  flags_put(f, h->flags);
  text_number(f, " ", seq);
  text_number(f, ":", (uint32_t)(seq + payload_bytes));
  text_number(f, "(", payload_bytes);
  fmt_char(f, ')');
  if (h->flags & ESTAB_TCP_ACK) text_number(f, " ack ", (uint32_t)(h->ack - how->ack_base));
  text_number(f, " win ", how->window_given ? how->window_bytes : h->window);
  if (h->flags & ESTAB_TCP_URG) text_number(f, " urg ", h->urgent);
  if (how->no_options) return;
  if (raw == NULL) {
    raw = scratch;
    raw_bytes = estab_tcp_options_emit(&h->options, scratch);
  }
  if (raw_bytes == 0) return;
  fmt_str(f, " <");
  tcp_text_options(f, raw, raw_bytes, how->ack_base);
  fmt_char(f, '>');
}

size_t estab_tcp_format(const struct estab_tcp_header *h, size_t payload_bytes,
                        const struct estab_format_options *how, char *text, size_t text_bytes)
{
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  tcp_text_put(&f, h, payload_bytes, how != NULL ? how : &text_plain, NULL, 0);
  return fmt_length(&f);
}
