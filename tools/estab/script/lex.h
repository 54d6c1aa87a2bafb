// SPDX-License-Identifier: BSD-2-Clause
// lex.h - words of the script language, with their places.
#ifndef ESTAB_SCRIPT_LEX_H
#define ESTAB_SCRIPT_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
  unsigned line, column; // from 1
};

enum token_kind {
  TOKEN_END,
  TOKEN_INTEGER,  // decimal or 0x...; value
  TOKEN_DECIMAL,  // with a point; ns = value * 10^9
  TOKEN_WORD,     // letters, digits, _
  TOKEN_STRING,   // "..." without the quotes
  TOKEN_COMMAND,  // `...` without the quotes
  TOKEN_CODE,     // %{ ... }% without the marks
  TOKEN_OPTION,   // --name=value as one piece of text, without the dashes
  TOKEN_ELLIPSIS, // ...
  TOKEN_FLAGS,    // only from lex_flags()
  TOKEN_MARK,     // any other character: mark
};

struct token {
  enum token_kind kind;
  struct place place;
  size_t begin, end; // offsets in the source, quotes included
  const char *text;  // not terminated
  size_t length;
  int64_t value; // TOKEN_INTEGER
  int64_t ns;    // TOKEN_INTEGER, TOKEN_DECIMAL: taken as seconds
  char mark;
};

#define LEX_CONDITIONS 16

struct lex {
  const char *source;
  size_t bytes, at;
  struct place place; // of `at`
  struct token token; // the current one
  bool line_start;    // nothing but blanks before `at` on its line
  unsigned conditions;
  bool taken[LEX_CONDITIONS]; // of #ifdef levels: is this branch read?
  const char *error;          // NULL, or what is wrong at error_place
  struct place error_place;
};

// The source must live as long as the tokens. The first token is read at once.
void lex_start(struct lex *lx, const char *source, size_t bytes);
// Reads the next token into lx->token; after an error it stays at TOKEN_END.
void lex_next(struct lex *lx);
// Reads the current token again, as TCP flags: everything up to a blank.
void lex_flags(struct lex *lx);
// Notes the first error.
void lex_fail(struct lex *lx, struct place place, const char *error);

bool token_is_word(const struct token *token, const char *word);
bool token_is_mark(const struct token *token, char mark);

#endif
