// SPDX-License-Identifier: BSD-2-Clause
// calls.c - system calls of the script: begin, block, finish, compare.
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct value *call_argument(const struct call *call, unsigned n)
{
  const struct value *v = call->arguments;
  while (v != NULL && n-- > 0)
    v = v->next;
  return v;
}

int64_t value_number(const struct value *v, int64_t otherwise)
{
  if (v == NULL) return otherwise;
  if (v->kind == VALUE_INTEGER) return v->number;
  if (v->kind == VALUE_LIST && v->items != NULL) return value_number(v->items, otherwise);
  return otherwise;
}

bool value_is(const struct value *v, const char *word)
{
  return v != NULL && v->kind == VALUE_WORD && strcmp(v->text, word) == 0;
}

bool value_has(const struct value *v, const char *word)
{
  if (v == NULL || v->kind != VALUE_OR) return value_is(v, word);
  for (const struct value *i = v->items; i != NULL; i = i->next)
    if (value_is(i, word)) return true;
  return false;
}

bool value_known(const struct value *v, const char *const *words)
{
  if (v == NULL || v->kind == VALUE_INTEGER) return true;
  if (v->kind == VALUE_OR) {
    for (const struct value *i = v->items; i != NULL; i = i->next)
      if (!value_known(i, words)) return false;
    return true;
  }
  for (size_t i = 0; words[i] != NULL; i++)
    if (value_is(v, words[i])) return true;
  return false;
}

const struct value *value_member(const struct value *v, const char *name)
{
  if (v == NULL || (v->kind != VALUE_STRUCT && v->kind != VALUE_LIST)) return NULL;
  for (const struct value *i = v->items; i != NULL; i = i->next)
    if (i->name != NULL && strcmp(i->name, name) == 0) return i;
  return NULL;
}

enum step call_not_here(struct outcome *out, const char *what)
{
  *out = (struct outcome){-1, what};
  return STEP_NOT_HERE;
}

static enum step call_answers(struct outcome *out, int64_t value, const char *error)
{
  *out = (struct outcome){value, error};
  return STEP_DONE;
}

static struct sock *call_sock(struct run *run, const struct pending *pending)
{
  return sock_find(&run->sockets, value_number(call_argument(pending->call, 0), -1));
}

static enum step call_socket(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct value *type = call_argument(pending->call, 1);
  if (value_has(type, "SOCK_DGRAM") || value_is(call_argument(pending->call, 2), "IPPROTO_MPTCP"))
    return call_not_here(out, "sockets other than TCP");
  int64_t fd = value_number(pending->call->result, 3);
  struct sock *sock = sock_new(&run->sockets, fd);
  if (sock == NULL) return call_answers(out, -1, "EMFILE");
  sock->nonblock = value_has(type, "SOCK_NONBLOCK");
  return call_answers(out, fd, NULL);
}

static enum step call_bind(struct run *run, struct pending *pending, struct outcome *out)
{
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  if (sock->kind != SOCK_FRESH || sock->port != 0) return call_answers(out, -1, "EINVAL");
  sock->port = 8080;
  return call_answers(out, 0, NULL);
}

static enum step call_listen(struct run *run, struct pending *pending, struct outcome *out)
{
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  run->listen_is_fresh = true;
  return sock_listen(&run->sockets, sock, value_number(call_argument(pending->call, 1), 1), out);
}

static enum step call_accept(struct run *run, struct pending *pending, struct outcome *out)
{
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  return sock_accept(&run->sockets, sock, value_number(pending->call->result, -1), out);
}

// The flow of a connection that connect() has opened.
void call_note_flow(struct run *run, const struct sock *sock)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (run->flow_count == RUN_FLOWS || estab_conn_info(run->host.stack, sock->conn, &info) < 0)
    return;
  run->flow_now = (int)run->flow_count++;
  flow_start(&run->flows[run->flow_now], &info.tuple, run_counts_from_syn(run));
}

static enum step call_connect(struct run *run, struct pending *pending, struct outcome *out)
{
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  if (value_is(call_argument(pending->call, 1), "AF_UNSPEC"))
    return sock_disconnect(&run->sockets, sock, out);
  if (fast_open_connect_waits(run, sock)) return call_answers(out, 0, NULL);
  bool fresh = sock->kind == SOCK_FRESH;
  enum step step = sock_connect(&run->sockets, sock, pending->started, out);
  if (fresh && sock->kind == SOCK_CONN) call_note_flow(run, sock);
  return step;
}

static bool call_take_bytes(struct pending *pending, int64_t count)
{
  if (pending->bytes != NULL) return true;
  if (count < 0 || count > 1 << 28) return false;
  pending->count = (size_t)count;
  pending->bytes = calloc(1, (size_t)count + 1);
  return pending->bytes != NULL;
}

// The lengths of [{..., 40}, {..., 20}] together.
static int64_t call_iovec_bytes(const struct value *list)
{
  int64_t sum = 0;
  for (const struct value *i = list != NULL ? list->items : NULL; i != NULL; i = i->next)
    sum += i->kind == VALUE_STRUCT && i->items != NULL ? value_number(i->items->next, 0) : 0;
  return sum;
}

static const struct value *call_msg_iov(const struct call *call)
{
  const struct value *msg = call_argument(call, 1);
  for (const struct value *i = msg != NULL ? msg->items : NULL; i != NULL; i = i->next)
    if (i->name != NULL && strcmp(i->name, "msg_iov") == 0) return i;
  return NULL;
}

static enum step call_read_bytes(struct run *run, struct pending *pending, int64_t count,
                                 const struct value *flags, struct outcome *out)
{
  static const char *const known[] = {"MSG_PEEK",    "MSG_DONTWAIT", "MSG_NOSIGNAL",
                                      "MSG_WAITALL", "MSG_TRUNC",    NULL};
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  if (!value_known(flags, known)) return call_not_here(out, "this flag of recv");
  if (value_has(flags, "MSG_WAITALL") && !sock->nonblock)
    return call_not_here(out, "MSG_WAITALL of a blocking socket");
  if (!call_take_bytes(pending, count)) return call_answers(out, -1, "EINVAL");
  bool peek = value_has(flags, "MSG_PEEK");
  uint64_t position = sock->read_bytes;
  enum step step = sock_read(&run->sockets, sock, pending->bytes, pending->count, peek, out);
  if (step == STEP_BLOCKS && value_has(flags, "MSG_DONTWAIT"))
    return call_answers(out, -1, "EAGAIN");
  for (int64_t i = 0; step == STEP_DONE && i < out->value; i++)
    if (pending->bytes[i] != flow_octet(0, (uint32_t)(position + (uint64_t)i)))
      run_stop(run, VERDICT_FAIL, "octet %llu of the stream is not what was sent",
               (unsigned long long)(position + (uint64_t)i));
  return step;
}

// How much there is still to read, in a control message of recvmsg's.
static void call_compare_inq(struct run *run, const struct sock *sock, const struct value *msg)
{
  struct estab_recv_marks marks = {0};
  const struct value *control = value_member(msg, "msg_control");
  const struct value *cmsg = control != NULL ? control->items : NULL;
  if (!sock->inq || cmsg == NULL || !value_is(value_member(cmsg, "cmsg_type"), "TCP_CM_INQ"))
    return;
  estab_recv_marks(run->host.stack, sock->conn, &marks);
  int64_t want = value_number(value_member(cmsg, "cmsg_data"), 0);
  if (want == marks.readable_bytes) return;
  snprintf(run->expected, sizeof run->expected, "cmsg_data=%lld", (long long)want);
  snprintf(run->got, sizeof run->got, "cmsg_data=%u", marks.readable_bytes);
  run_stop(run, VERDICT_FAIL, "another number of octets can be read");
}

static enum step call_recvmsg(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct value *msg = call_argument(pending->call, 1);
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  if (value_has(call_argument(pending->call, 2), "MSG_ERRQUEUE"))
    return call_not_here(out, "the queue of errors");
  enum step step = call_read_bytes(run, pending, call_iovec_bytes(call_msg_iov(pending->call)),
                                   call_argument(pending->call, 2), out);
  if (step == STEP_DONE && out->value >= 0) call_compare_inq(run, sock, msg);
  return step;
}

static enum step call_readv(struct run *run, struct pending *pending, struct outcome *out)
{
  return call_read_bytes(run, pending, call_iovec_bytes(call_argument(pending->call, 1)), NULL,
                         out);
}

static enum step call_read(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  return call_read_bytes(run, pending, value_number(call_argument(call, 2), 0),
                         call_argument(call, 3), out);
}

// A write that connects.
static enum step call_open_with(struct run *run, struct pending *pending, struct sock *sock,
                                struct outcome *out)
{
  struct fast_open_text text = {pending->bytes, pending->count, pending->done, pending->started};
  const bool fresh = sock->kind == SOCK_FRESH;
  enum step step = fast_open_write(run, sock, &text, out);
  pending->done = text.done;
  if (fresh && sock->kind == SOCK_CONN) call_note_flow(run, sock);
  return step;
}

static enum step call_write_bytes(struct run *run, struct pending *pending, int64_t count,
                                  const struct value *flags, struct outcome *out)
{
  static const char *const known[] = {"MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_MORE", "MSG_OOB",
                                      "MSG_ZEROCOPY", "MSG_FASTOPEN", NULL};
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  if (!value_known(flags, known)) return call_not_here(out, "this flag of send");
  if (!call_take_bytes(pending, count)) return call_answers(out, -1, "EINVAL");
  if (!pending->started)
    for (size_t i = 0; i < pending->count; i++)
      pending->bytes[i] = flow_octet(1, (uint32_t)(sock->written_bytes + i));
  bool more = value_has(flags, "MSG_MORE"), nonblock = sock->nonblock;
  struct outcome ignored;
  if (more) sock_set(&run->sockets, sock, ESTAB_OPT_CORK, 1, &ignored);
  if (value_has(flags, "MSG_DONTWAIT")) sock->nonblock = true;
  if (fast_open_wanted(run, sock, value_has(flags, "MSG_FASTOPEN"))) {
    enum step opened = call_open_with(run, pending, sock, out);
    sock->nonblock = nonblock;
    return opened;
  }
  enum step step = sock_write(&run->sockets, sock, pending->bytes, pending->count, &pending->done,
                              value_has(flags, "MSG_OOB"), out);
  sock->nonblock = nonblock;
  return step;
}

static enum step call_write(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  return call_write_bytes(run, pending, value_number(call_argument(call, 2), 0),
                          call_argument(call, 3), out);
}

static enum step call_writev(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  return call_write_bytes(run, pending, call_iovec_bytes(call_argument(call, 1)), NULL, out);
}

static enum step call_sendmsg(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  return call_write_bytes(run, pending, call_iovec_bytes(call_msg_iov(call)),
                          call_argument(call, 2), out);
}

static enum step call_shutdown(struct run *run, struct pending *pending, struct outcome *out)
{
  struct sock *sock = call_sock(run, pending);
  const struct value *how = call_argument(pending->call, 1);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  bool both = value_is(how, "SHUT_RDWR");
  return sock_shutdown(&run->sockets, sock, both || value_is(how, "SHUT_RD"),
                       both || value_is(how, "SHUT_WR"), out);
}

static enum step call_close(struct run *run, struct pending *pending, struct outcome *out)
{
  struct sock *sock = call_sock(run, pending);
  if (sock == NULL) return call_answers(out, -1, "EBADF");
  if (!pending->started && sock->linger)
    pending->giveup_ns = run->host.now_ns + (uint64_t)sock->linger_s * 1000000000u;
  enum step step = sock_linger(&run->sockets, sock, pending->started, pending->giveup_ns);
  return step == STEP_BLOCKS ? step : call_answers(out, 0, NULL);
}

static const struct {
  const char *name;
  call_function *function;
} call_table[] = {{"socket", call_socket},
                  {"bind", call_bind},
                  {"listen", call_listen},
                  {"accept", call_accept},
                  {"accept4", call_accept},
                  {"connect", call_connect},
                  {"read", call_read},
                  {"recv", call_read},
                  {"recvfrom", call_read},
                  {"recvmsg", call_recvmsg},
                  {"readv", call_readv},
                  {"write", call_write},
                  {"send", call_write},
                  {"sendto", call_write},
                  {"writev", call_writev},
                  {"sendmsg", call_sendmsg},
                  {"shutdown", call_shutdown},
                  {"close", call_close},
                  {"getsockopt", call_getsockopt},
                  {"setsockopt", call_setsockopt},
                  {"fcntl", call_fcntl},
                  {"ioctl", call_ioctl},
                  {"poll", call_poll},
                  {"epoll_create", call_epoll_create},
                  {"epoll_ctl", call_epoll_ctl},
                  {"epoll_wait", call_epoll_wait}};

static enum step call_try(struct run *run, struct pending *pending)
{
  for (size_t i = 0; i < sizeof call_table / sizeof *call_table; i++)
    if (strcmp(call_table[i].name, pending->call->name) == 0) {
      enum step step = call_table[i].function(run, pending, &pending->outcome);
      pending->started = true;
      return step;
    }
  return call_not_here(&pending->outcome, "this call");
}

bool call_same_error(const char *a, const char *b)
{
  if (a == NULL || b == NULL) return a == b;
  static const char *const same[][2] = {
      {"EWOULDBLOCK", "EAGAIN"}, {"ENETUNREACH", "EHOSTUNREACH"}, {"ENOPROTOOPT", "EHOSTUNREACH"}};
  if (strcmp(a, b) == 0) return true;
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    if (strcmp(a, same[i][0]) == 0 && strcmp(b, same[i][1]) == 0) return true;
  return false;
}

static void call_compare(struct run *run, struct pending *pending)
{
  const struct call *call = pending->call;
  const struct outcome *got = &pending->outcome;
  const struct value *want = call->result;
  bool value_differs = want->kind == VALUE_INTEGER && want->number != got->value;
  const bool any_error = want->kind == VALUE_INTEGER && want->number == -1 && call->error == NULL;
  if (!value_differs && (any_error || call_same_error(call->error, got->error))) return;
  unsigned line = run->line;
  run->line = call->place.line;
  snprintf(run->expected, sizeof run->expected, "%s() = %lld %s", call->name,
           (long long)value_number(want, 0), call->error != NULL ? call->error : "");
  snprintf(run->got, sizeof run->got, "%s() = %lld %s", call->name, (long long)got->value,
           got->error != NULL ? got->error : "");
  run_stop(run, VERDICT_FAIL, "the call answered something else");
  if (run->verdict == VERDICT_PASS) run->line = line;
}

static void call_finish(struct run *run, struct pending *pending, enum step step)
{
  uint64_t now = run->host.now_ns;
  run->line = pending->call->place.line;
  if (step == STEP_NOT_HERE) {
    run_stop(run, VERDICT_UNSUPPORTED, "%s: %s", pending->call->name, pending->outcome.error);
  } else {
    call_compare(run, pending);
  }
  if (pending->call->has_end && now + run->tolerance_ns < pending->end_ns)
    run_stop(run, VERDICT_FAIL, "%s() finished %llu us too early", pending->call->name,
             (unsigned long long)(pending->end_ns - now) / 1000);
  if (pending->call->has_end && now > pending->end_ns + run->tolerance_ns)
    run_stop(run, VERDICT_FAIL, "%s() finished %llu us too late", pending->call->name,
             (unsigned long long)(now - pending->end_ns) / 1000);
  free(pending->bytes);
  pending->bytes = NULL;
  pending->used = false;
}

void call_begin(struct run *run, const struct event *event, const struct call *call,
                uint64_t end_ns)
{
  struct pending *pending = NULL;
  for (unsigned i = 0; i < RUN_PENDING; i++)
    if (!run->pending[i].used) pending = &run->pending[i];
  if (pending == NULL) {
    run_stop(run, VERDICT_ERROR, "too many calls wait at the same time");
    return;
  }
  if (!run_need_stack(run)) return;
  *pending = (struct pending){
      .used = true, .event = event, .call = call, .end_ns = end_ns, .giveup_ns = ESTAB_NEVER};
  enum step step = call_try(run, pending);
  if (step != STEP_BLOCKS) {
    call_finish(run, pending, step);
  } else if (!call->has_end) {
    free(pending->bytes);
    *pending = (struct pending){.used = false};
    run_stop(run, VERDICT_FAIL, "%s() would block", call->name);
  }
}

bool calls_retry(struct run *run)
{
  bool finished = false;
  for (unsigned i = 0; i < RUN_PENDING; i++) {
    struct pending *pending = &run->pending[i];
    if (!pending->used || !pending->started) continue;
    enum step step = call_try(run, pending);
    if (step == STEP_BLOCKS) continue;
    call_finish(run, pending, step);
    finished = true;
  }
  return finished;
}
