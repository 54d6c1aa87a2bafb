// SPDX-License-Identifier: BSD-2-Clause
// lex.c - words of the script language: blanks, comments and #ifdef are dealt with here.
#include "lex.h"

#include <ctype.h>
#include <string.h>

static int lex_peek(const struct lex *lx, size_t ahead)
{
  return lx->at + ahead < lx->bytes ? (unsigned char)lx->source[lx->at + ahead] : -1;
}

static void lex_step(struct lex *lx)
{
  if (lx->at >= lx->bytes) return;
  char c = lx->source[lx->at++];
  if (c == '\n') {
    lx->place.line++;
    lx->place.column = 1;
    lx->line_start = true;
    return;
  }
  lx->place.column++;
  if (!isspace((unsigned char)c)) lx->line_start = false;
}

void lex_fail(struct lex *lx, struct place place, const char *error)
{
  if (lx->error == NULL) {
    lx->error = error;
    lx->error_place = place;
  }
  lx->at = lx->bytes;
  lx->token = (struct token){.kind = TOKEN_END, .place = place};
}

static bool lex_reading(const struct lex *lx)
{
  for (unsigned i = 0; i < lx->conditions; i++)
    if (!lx->taken[i]) return false;
  return true;
}

static void lex_skip_line(struct lex *lx)
{
  while (lex_peek(lx, 0) >= 0 && lex_peek(lx, 0) != '\n')
    lex_step(lx);
}

// The word that is defined: what the RFCs want, where a script offers the choice.
static bool lex_defined(const char *word, size_t length)
{
  return length == 8 && memcmp(word, "STANDARD", 8) == 0;
}

// A line that starts with #.
static void lex_directive(struct lex *lx)
{
  struct place place = lx->place;
  const char *line = lx->source + lx->at + 1;
  lex_skip_line(lx);
  size_t n = (size_t)(lx->source + lx->at - line);
  while (n > 0 && isspace((unsigned char)line[n - 1]))
    n--;
  size_t word = 0;
  while (word < n && isalpha((unsigned char)line[word]))
    word++;
  size_t name = word;
  while (name < n && isspace((unsigned char)line[name]))
    name++;
  bool ifdef = word == 5 && memcmp(line, "ifdef", 5) == 0;
  bool ifndef = word == 6 && memcmp(line, "ifndef", 6) == 0;
  if (n > 0 && line[0] == '!' && place.line == 1) return; // what runs the file
  if (ifdef || ifndef) {
    if (name == n) {
      lex_fail(lx, place, "#ifdef without a name");
    } else if (lx->conditions == LEX_CONDITIONS) {
      lex_fail(lx, place, "#ifdef nested too deep");
    } else {
      lx->taken[lx->conditions++] = lex_defined(line + name, n - name) == ifdef;
    }
  } else if (word == 4 && memcmp(line, "else", 4) == 0 && lx->conditions > 0) {
    lx->taken[lx->conditions - 1] = !lx->taken[lx->conditions - 1];
  } else if (word == 5 && memcmp(line, "endif", 5) == 0 && lx->conditions > 0) {
    lx->conditions--;
  } else {
    lex_fail(lx, place, "unknown line starting with #");
  }
}

static void lex_comment(struct lex *lx)
{
  struct place place = lx->place;
  lex_step(lx);
  lex_step(lx);
  while (lex_peek(lx, 0) >= 0 && !(lex_peek(lx, 0) == '*' && lex_peek(lx, 1) == '/'))
    lex_step(lx);
  if (lex_peek(lx, 0) < 0) {
    lex_fail(lx, place, "comment without end");
    return;
  }
  lex_step(lx);
  lex_step(lx);
}

static void lex_skip(struct lex *lx)
{
  for (;;) {
    int c = lex_peek(lx, 0);
    if (c < 0) {
      if (lx->conditions > 0) lex_fail(lx, lx->place, "#ifdef without #endif");
      return;
    }
    if (isspace(c)) {
      lex_step(lx);
    } else if (c == '#' && lx->line_start) {
      lex_directive(lx);
    } else if (!lex_reading(lx) || (c == '/' && lex_peek(lx, 1) == '/')) {
      lex_skip_line(lx);
    } else if (c == '/' && lex_peek(lx, 1) == '*') {
      lex_comment(lx);
    } else {
      return;
    }
  }
}

static bool lex_word_char(int c)
{
  return c == '_' || isalnum(c);
}

static void lex_hex(struct lex *lx, struct token *t)
{
  uint64_t v = 0;
  lex_step(lx);
  lex_step(lx);
  for (; isxdigit(lex_peek(lx, 0)); lex_step(lx)) {
    int c = lex_peek(lx, 0);
    v = v << 4 | (uint64_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
  }
  t->kind = TOKEN_INTEGER;
  t->value = (int64_t)(v & INT64_MAX);
}

// Digits, perhaps with a point and more digits; "0..." is 0 and an ellipsis.
static void lex_number(struct lex *lx, struct token *t, bool minus)
{
  int64_t whole = 0, part = 0, unit = 100000000;
  for (; isdigit(lex_peek(lx, 0)); lex_step(lx))
    if (whole < INT64_MAX / 1000) whole = whole * 10 + (lex_peek(lx, 0) - '0');
  t->kind = TOKEN_INTEGER;
  if (lex_peek(lx, 0) == '.' && isdigit(lex_peek(lx, 1))) {
    t->kind = TOKEN_DECIMAL;
    lex_step(lx);
    for (; isdigit(lex_peek(lx, 0)); lex_step(lx)) {
      part += unit * (lex_peek(lx, 0) - '0');
      unit /= 10;
    }
  }
  t->value = minus ? -whole : whole;
  if (whole < INT64_MAX / 1000000000 - 1) {
    t->ns = whole * 1000000000 + part;
    if (minus) t->ns = -t->ns;
  }
}

// "..." and `...`: up to the same mark, a backslash takes the next character as it is.
static void lex_quoted(struct lex *lx, struct token *t, char mark, enum token_kind kind)
{
  lex_step(lx);
  t->text = lx->source + lx->at;
  while (lex_peek(lx, 0) >= 0 && lex_peek(lx, 0) != mark) {
    if (lex_peek(lx, 0) == '\\') lex_step(lx);
    lex_step(lx);
  }
  if (lex_peek(lx, 0) < 0) {
    lex_fail(lx, t->place, kind == TOKEN_STRING ? "string without end" : "command without end");
    return;
  }
  t->kind = kind;
  t->length = (size_t)(lx->source + lx->at - t->text);
  lex_step(lx);
}

static void lex_code(struct lex *lx, struct token *t)
{
  lex_step(lx);
  lex_step(lx);
  t->text = lx->source + lx->at;
  while (lex_peek(lx, 0) >= 0 && !(lex_peek(lx, 0) == '}' && lex_peek(lx, 1) == '%'))
    lex_step(lx);
  if (lex_peek(lx, 0) < 0) {
    lex_fail(lx, t->place, "code without end");
    return;
  }
  t->kind = TOKEN_CODE;
  t->length = (size_t)(lx->source + lx->at - t->text);
  lex_step(lx);
  lex_step(lx);
}

static void lex_option(struct lex *lx, struct token *t)
{
  lex_step(lx);
  lex_step(lx);
  t->kind = TOKEN_OPTION;
  t->text = lx->source + lx->at;
  while (lex_peek(lx, 0) >= 0 && !isspace(lex_peek(lx, 0)))
    lex_step(lx);
  t->length = (size_t)(lx->source + lx->at - t->text);
}

// A word may begin with digits (a Fast Open cookie): then it is a word all the same.
static bool lex_word_with_digits(const struct lex *lx)
{
  size_t i = 0;
  while (isdigit(lex_peek(lx, i)))
    i++;
  return lex_word_char(lex_peek(lx, i));
}

void lex_next(struct lex *lx)
{
  lex_skip(lx);
  if (lx->error != NULL) return;
  struct token t = {.kind = TOKEN_END, .place = lx->place, .begin = lx->at};
  t.text = lx->source + lx->at;
  int c = lex_peek(lx, 0);
  if (c < 0) {
    t.end = lx->at;
    lx->token = t;
    return;
  }
  if (c == '.' && lex_peek(lx, 1) == '.' && lex_peek(lx, 2) == '.') {
    t.kind = TOKEN_ELLIPSIS;
    for (int i = 0; i < 3; i++)
      lex_step(lx);
  } else if (c == '0' && lex_peek(lx, 1) == 'x' && isxdigit(lex_peek(lx, 2))) {
    lex_hex(lx, &t);
  } else if ((isdigit(c) && !lex_word_with_digits(lx)) || (c == '.' && isdigit(lex_peek(lx, 1)))) {
    lex_number(lx, &t, false);
  } else if (c == '-' && isdigit(lex_peek(lx, 1))) {
    lex_step(lx);
    lex_number(lx, &t, true);
  } else if (lex_word_char(c)) {
    t.kind = TOKEN_WORD;
    while (lex_word_char(lex_peek(lx, 0)))
      lex_step(lx);
  } else if (c == '"') {
    lex_quoted(lx, &t, '"', TOKEN_STRING);
  } else if (c == '`') {
    lex_quoted(lx, &t, '`', TOKEN_COMMAND);
  } else if (c == '%' && lex_peek(lx, 1) == '{') {
    lex_code(lx, &t);
  } else if (c == '-' && lex_peek(lx, 1) == '-') {
    lex_option(lx, &t);
  } else {
    t.kind = TOKEN_MARK;
    t.mark = (char)c;
    lex_step(lx);
  }
  if (lx->error != NULL) return;
  t.end = lx->at;
  if (t.length == 0 && t.kind != TOKEN_STRING && t.kind != TOKEN_COMMAND && t.kind != TOKEN_CODE)
    t.length = (size_t)(lx->source + lx->at - t.text);
  lx->token = t;
}

void lex_flags(struct lex *lx)
{
  lx->at = lx->token.begin;
  lx->place = lx->token.place;
  struct token t = {.kind = TOKEN_FLAGS, .place = lx->place, .begin = lx->at};
  t.text = lx->source + lx->at;
  while (lex_peek(lx, 0) >= 0 && !isspace(lex_peek(lx, 0)))
    lex_step(lx);
  t.end = lx->at;
  t.length = t.end - t.begin;
  lx->token = t;
}

void lex_start(struct lex *lx, const char *source, size_t bytes)
{
  *lx = (struct lex){.source = source, .bytes = bytes, .place = {1, 1}, .line_start = true};
  lex_next(lx);
}

bool token_is_word(const struct token *token, const char *word)
{
  return token->kind == TOKEN_WORD && token->length == strlen(word) &&
         memcmp(token->text, word, token->length) == 0;
}

bool token_is_mark(const struct token *token, char mark)
{
  return token->kind == TOKEN_MARK && token->mark == mark;
}
