// SPDX-License-Identifier: BSD-2-Clause
// relay.c - stdin to a connection, the connection to stdout.
//
// End of stdin is our FIN; the peer's FIN ends stdout. Neither waits for the other.
#include "relay.h"

#include "say.h"
#include "tuning.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_NS   4000000000u // after Ctrl-C, for the connection to close in order
#define IDLE_NS   300000000u  // the same after silence
#define LINGER_NS 300000000u  // in TIME-WAIT: whether our last ACK is lost shows within this

struct relay_settings relay_options;
static bool shut; // as it is anyway

const struct option relay_table[] = {
    {.letter = 'v',
     .kind = OPTION_FLAG,
     .value = &relay_options.verbose,
     .help = "say what happens on stderr"},
    {.name = "info",
     .kind = OPTION_FLAG,
     .value = &relay_options.info,
     .help = "say on stderr at the end how it went, and what kept it back"},
    {.letter = 'w',
     .kind = OPTION_TIME,
     .value = &relay_options.timeout_ns,
     .argument = "SECONDS",
     .help = "give up an attempt, or an idle connection, after this"},
    {.letter = 'd',
     .kind = OPTION_FLAG,
     .value = &relay_options.no_input,
     .help = "do not read stdin"},
    {.letter = 'N',
     .kind = OPTION_FLAG,
     .value = &shut,
     .help = "as nc: FIN at the end of stdin; it is so without it too"},
    OPTION_END};

struct relay {
  struct motor *m;
  estab_conn conn;
  struct relay_settings settings;
  bool input_open;    // stdin may have more
  bool input_blocked; // the send buffer is full
  bool output_open;   // the peer may have more, or we have what stdout has not taken
  bool output_blocked;
  bool over; // the connection is
  bool plain_file;
  int error; // why it ended, 0 = in order
  uint64_t active_ns;
};

static void touch(struct relay *r)
{
  r->active_ns = estab_clock_ns();
}

static void close_ours(struct relay *r)
{
  r->input_open = false;
  estab_close(r->m->s, r->conn);
}

static void pump_in(struct relay *r)
{
  while (r->input_open) {
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
    void *room;
    size_t room_bytes;
    int w = estab_send_reserve(r->m->s, r->conn, &room, &room_bytes);
    r->input_blocked = w == ESTAB_ERR_WOULD_BLOCK;
    if (w < 0) return;
    if (poll(&ready, 1, 0) <= 0) return;
    ssize_t n = read(STDIN_FILENO, room, room_bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
      close_ours(r);
      return;
    }
    estab_send_commit(r->m->s, r->conn, (size_t)n);
    touch(r);
  }
}

// At most what cannot block: a pipe that is ready takes PIPE_BUF. 0 = not now, -1 = never again.
static ssize_t write_some(struct relay *r, const uint8_t *bytes, size_t n)
{
  struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
  if (!r->plain_file) {
    if (poll(&ready, 1, 0) <= 0) return 0;
    if (n > PIPE_BUF) n = PIPE_BUF;
  }
  ssize_t w = write(STDOUT_FILENO, bytes, n);
  return w < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : w;
}

static void pump_out(struct relay *r)
{
  r->output_blocked = false;
  while (r->output_open) {
    struct estab_piece pieces[1];
    unsigned count = 1;
    int got = estab_recv_peek(r->m->s, r->conn, pieces, &count);
    if (got == ESTAB_ERR_WOULD_BLOCK) return;
    if (got <= 0) {
      r->output_open = false;
      if (r->settings.no_input) close_ours(r);
      return;
    }
    ssize_t w = write_some(r, pieces[0].bytes, pieces[0].length);
    if (w == 0) {
      r->output_blocked = true;
      return;
    }
    if (w < 0) { // nobody reads: nor do we
      r->output_open = false;
      estab_abort(r->m->s, r->conn);
      r->error = ESTAB_ERR_ABORTED;
      return;
    }
    estab_recv_consume(r->m->s, r->conn, (size_t)w);
    touch(r);
  }
}

static void on_event(struct relay *r, const struct estab_event *e)
{
  if (e->conn != r->conn) return;
  touch(r);
  if (e->events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) {
    r->error = e->error ? e->error : ESTAB_ERR_RESET;
    r->over = true;
  }
  if (e->events & ESTAB_EVENT_CLOSED) r->over = true;
}

// Waits for stdin only if there is room for it, for stdout only if there is something for it.
static int turn(struct relay *r, uint64_t until)
{
  struct pollfd fds[2];
  unsigned n = 0;
  if (r->input_open && !r->input_blocked) fds[n++] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
  if (r->output_blocked) fds[n++] = (struct pollfd){STDOUT_FILENO, POLLOUT, 0};
  return motor_turn(r->m, until, fds, n);
}

static uint64_t idle_deadline(const struct relay *r)
{
  return r->settings.timeout_ns ? r->active_ns + r->settings.timeout_ns : ESTAB_NEVER;
}

// Until the last frames are out, and a little in TIME-WAIT.
static void linger(struct relay *r)
{
  uint64_t until = estab_clock_ns();
  if (estab_status(r->m->s, r->conn) == ESTAB_TIME_WAIT) until += LINGER_NS;
  do {
    if (motor_turn(r->m, until, NULL, 0)) return;
  } while (estab_clock_ns() < until && r->m->stops < 2);
}

static int finish(struct relay *r, int status)
{
  if (status) return status;
  linger(r);
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (r->settings.info && estab_conn_info(r->m->s, r->conn, &info) >= 0) tuning_say(&info, stderr);
  if (r->error == 0) return 0;
  if (r->error != ESTAB_ERR_ABORTED)
    return say_failure(r->m->command, NULL, "%s", estab_strerror(r->error));
  return r->m->stops ? EXIT_FAIL : 0; // silence is no failure
}

int relay_run(struct motor *m, estab_conn conn, const struct relay_settings *settings)
{
  struct stat st;
  struct relay r = {.m = m,
                    .conn = conn,
                    .settings = *settings,
                    .input_open = !settings->no_input,
                    .output_open = true,
                    .plain_file = fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode)};
  struct estab_event e;
  uint64_t stop_ns = ESTAB_NEVER;
  int status = 0;
  touch(&r);
  while (!status && !(r.over && (r.error || !r.output_open))) {
    pump_in(&r);
    pump_out(&r);
    uint64_t now = estab_clock_ns(), idle = idle_deadline(&r);
    if (stop_ns == ESTAB_NEVER && (m->stops > 0 || now >= idle)) {
      stop_ns = now + (m->stops > 0 ? STOP_NS : IDLE_NS);
      close_ours(&r);
    }
    if (m->stops > 1 || now >= stop_ns) {
      estab_abort(m->s, conn);
      r.error = ESTAB_ERR_ABORTED;
      break;
    }
    status = turn(&r, stop_ns < idle ? stop_ns : idle < now ? stop_ns : idle);
    while (!status && estab_stack_next_event(m->s, &e) > 0)
      on_event(&r, &e);
  }
  return finish(&r, status);
}
