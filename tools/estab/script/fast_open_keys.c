// SPDX-License-Identifier: BSD-2-Clause
// fast_open_keys.c - whose cookies are good: TCP_FASTOPEN_KEY and net.ipv4.tcp_fastopen_key of Linux; cookies that have
// a name in a script.
//
// A key is a listener's on Linux and the stack's here: the listener that came last decides.
#include "run.h"

#include <stdlib.h>
#include <string.h>

void fast_open_use_keys(struct sockets *sockets, const struct sock *sock)
{
  static const struct fast_open_keys none = {{"nobody's own key"}, 1}; // when one's own have gone
  const struct fast_open_keys *keys = &sockets->fast_open_keys;
  if (sock != NULL && sock->fast_open_keys.count > 0) keys = &sock->fast_open_keys;
  if (keys->count == 0) {
    if (!sockets->fast_open_keys_used) return; // the stack has one
    keys = &none;
  }
  sockets->fast_open_keys_used = true;
  uint8_t before[16];
  for (size_t i = 0; i < sizeof before; i++)
    before[i] = keys->count > 1 ? keys->bytes[1][i] : (uint8_t)~keys->bytes[0][i]; // nobody's
  estab_fast_open_set_key(sockets->host->stack, before);
  estab_fast_open_set_key(sockets->host->stack, keys->bytes[0]);
}

enum step fast_open_key_option(struct run *run, struct sock *sock, const uint8_t *bytes,
                               size_t count, struct outcome *out)
{
  struct fast_open_keys *keys = &sock->fast_open_keys;
  *out = (struct outcome){-1, "EINVAL"};
  if (count != sizeof keys->bytes[0] && count != sizeof keys->bytes) return STEP_DONE;
  keys->count = (unsigned)(count / sizeof keys->bytes[0]);
  memcpy(keys->bytes, bytes, count);
  if (sock->kind == SOCK_LISTENER) fast_open_use_keys(&run->sockets, sock);
  *out = (struct outcome){0, NULL};
  return STEP_DONE;
}

static int keys_digit(char c)
{
  const char *digits = "0123456789abcdef", *at = c == '\0' ? NULL : strchr(digits, c);
  return at != NULL ? (int)(at - digits) : -1;
}

// "\xa1\x01..." as it stands in a script.
size_t fast_open_key_read(const char *text, uint8_t *bytes, size_t room)
{
  size_t count = 0;
  for (; *text != '\0' && count < room; count++) {
    if (text[0] == '\\' && text[1] == 'x' && keys_digit(text[2]) >= 0 && keys_digit(text[3]) >= 0) {
      bytes[count] = (uint8_t)(keys_digit(text[2]) << 4 | keys_digit(text[3]));
      text += 4;
    } else {
      bytes[count] = (uint8_t)*text++;
    }
  }
  return count;
}

// a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4, and a second one behind a comma: four words each, their octets the last one
// first.
int fast_open_key_knob(struct run *run, const char *text)
{
  struct fast_open_keys keys = {.count = 0};
  for (unsigned word = 0; word < 8; word++) {
    char *end;
    unsigned long n = strtoul(text, &end, 16);
    if (end == text || n > UINT32_MAX) return -1;
    for (unsigned i = 0; i < 4; i++)
      keys.bytes[word / 4][word % 4 * 4 + i] = (uint8_t)(n >> 8 * i);
    keys.count = word / 4 + 1;
    if (word % 4 == 3 && *end == '\0') break;
    if (*end != (word == 3 ? ',' : '-')) return -1;
    text = end + 1;
  }
  run->sockets.fast_open_keys = keys;
  if (run->host.stack != NULL) fast_open_use_keys(&run->sockets, NULL);
  return 0;
}

void fast_open_named_cookie(struct run *run, const char *name, uint8_t cookie[8])
{
  struct named_cookie *n = run->cookies;
  while (n < run->cookies + run->cookie_count && strcmp(n->name, name) != 0)
    n++;
  if (n == run->cookies + RUN_COOKIES) n--;
  if (n == run->cookies + run->cookie_count || strcmp(n->name, name) != 0) {
    n->name = name;
    estab_fast_open_cookie(run->host.stack, &run->host.local, &run->host.remote, n->bytes);
    run->cookie_count = (unsigned)(n - run->cookies) + 1;
  }
  memcpy(cookie, n->bytes, sizeof n->bytes);
}
