// SPDX-License-Identifier: BSD-2-Clause
// fmt.h - text into a buffer of the caller's, without stdio: always terminated, never too far.
#ifndef ESTAB_BASE_FMT_H
#define ESTAB_BASE_FMT_H

#include "estab/base.h"

struct fmt {
  char *at, *end; // where the next character goes; where the terminating NUL goes at the latest
  size_t wanted;  // characters that were to be written, whether there was room or not
};

// bytes includes the terminating NUL; 0: nothing is written, only counted.
void fmt_init(struct fmt *f, char *out, size_t bytes);

void fmt_char(struct fmt *f, char c);
void fmt_str(struct fmt *f, const char *text);
void fmt_u64(struct fmt *f, uint64_t value);
void fmt_i64(struct fmt *f, int64_t value);

// Lower-case hexadecimal, filled up with zeros to at least `digits`.
void fmt_hex(struct fmt *f, uint64_t value, unsigned digits);

// A value counted in units of 10^-decimals, decimals <= 19: (1500, 3) is "1.500".
void fmt_fixed(struct fmt *f, uint64_t value, unsigned decimals);

// Nanoseconds as seconds with 0 to 9 decimals, cut: (1999999999, 3) is "1.999".
void fmt_seconds(struct fmt *f, uint64_t ns, unsigned decimals);

// As estab_ip_format(): dotted decimal, or RFC 5952.
void fmt_ip(struct fmt *f, const struct estab_ip *ip);

// Characters wanted so far, without the NUL; as snprintf(), more than fit says that some were cut.
static inline size_t fmt_length(const struct fmt *f)
{
  return f->wanted;
}

#endif
