// SPDX-License-Identifier: BSD-2-Clause
// test_text.c - rows on their way to a file: nothing is lost on any way, strings come out as JSON wants them.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../../../tools/estab/json.c"
#include "../../../tools/estab/watch/put.c"
#include "../../../tools/estab/watch/text.c"

#define LINES 20000 // several times what is kept back

static void say_lines(struct text *t)
{
  for (unsigned i = 0; i < LINES; i++) {
    text_string(t, "line ");
    text_number(t, i);
    char *const p = text_at(t);
    text_put(t, PUT(put_number(PUT(p, " of "), LINES), "\n"));
  }
}

static unsigned lines_read(FILE *file)
{
  char line[64], want[64];
  unsigned n = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    snprintf(want, sizeof want, "line %u of %u\n", n, LINES);
    if (strcmp(line, want) != 0) return 0;
    n++;
  }
  return n;
}

static void in_memory(void **state)
{
  (void)state;
  static struct text t;
  char *bytes = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&bytes, &size);
  assert_non_null(memory);
  text_init(&t, memory);
  say_lines(&t);
  assert_true(text_flush(&t));
  fclose(memory);
  assert_int_equal(t.written, size);
  memory = fmemopen(bytes, size, "r");
  assert_int_equal(lines_read(memory), LINES);
  fclose(memory);
  free(bytes);
}

// What was given to the file itself before stays before.
static void behind_others(void **state)
{
  (void)state;
  static struct text t;
  FILE *file = tmpfile();
  assert_non_null(file);
  fputs("line 0 of 20000\n", file);
  text_init(&t, file);
  text_string(&t, "line 1 of 20000\n");
  assert_true(text_flush(&t));
  fputs("line 2 of 20000\n", file);
  rewind(file);
  assert_int_equal(lines_read(file), 3);
  fclose(file);
}

static volatile sig_atomic_t ticks;

static void on_tick(int signal)
{
  (void)signal;
  ticks = 1;
}

// A slow reader, and a signal each fifth of a millisecond: a write ends early, or with nothing.
static void interrupted(void **state)
{
  (void)state;
  static struct text t;
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    char *const all = malloc((size_t)LINES * 64);
    size_t used = 0;
    ssize_t n;
    while ((n = read(ends[0], all + used, 3000)) > 0) {
      used += (size_t)n;
      usleep(100);
    }
    FILE *file = fmemopen(all, used, "r");
    _exit(lines_read(file) != LINES);
  }
  close(ends[0]);
  FILE *file = fdopen(ends[1], "w");
  const struct sigaction act = {.sa_handler = on_tick}; // without SA_RESTART
  const struct itimerval often = {{0, 200}, {0, 200}}, never = {0};
  struct sigaction before;
  sigaction(SIGALRM, &act, &before);
  setitimer(ITIMER_REAL, &often, NULL);
  text_init(&t, file);
  say_lines(&t);
  const bool whole = text_flush(&t);
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &before, NULL);
  fclose(file);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(whole);
  assert_true(ticks);
  assert_int_equal(status, 0);
}

static void strings(void **state)
{
  (void)state;
  static const char *const cases[][2] = {
      {"", "\"\""},
      {"plain words ~ and !", "\"plain words ~ and !\""},
      {"a \"quoted\" \\ one", "\"a \\\"quoted\\\" \\\\ one\""},
      {"\"", "\"\\\"\""},
      {"tab\there\x7f", "\"tab\\u0009here\\u007f\""},
      {"gr\xc3\xbc\xc3\x9f gott", "\"gr\xc3\xbc\xc3\x9f gott\""},
      {"bad \xff\xc3 end", "\"bad \\ufffd\\ufffd end\""},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct text t;
    char *bytes = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&bytes, &size);
    text_init(&t, memory);
    text_json(&t, cases[i][0]);
    assert_true(text_flush(&t));
    fclose(memory);
    assert_string_equal(bytes, cases[i][1]);
    free(bytes);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_memory),
      cmocka_unit_test(behind_others),
      cmocka_unit_test(interrupted),
      cmocka_unit_test(strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
