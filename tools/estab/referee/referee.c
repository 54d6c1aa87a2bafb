// SPDX-License-Identifier: BSD-2-Clause
// referee.c - the host's clock and wire for packetdrill, and calls that block in a thread of their own.
#include "referee.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct referee referee = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define EXPORT __attribute__((visibility("default")))
EXPORT void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface);
EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict bytes);

void referee_lock(void)
{
  pthread_mutex_lock(&referee.lock);
}

// Who was woken shall take note of the time before it moves on: real time is all there is to wait for.
void referee_unlock(void)
{
  bool finished = referee.finished > 0;
  referee.finished = 0;
  pthread_mutex_unlock(&referee.lock);
  if (finished) nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
}

static void referee_news(void *ctx)
{
  (void)ctx;
  sockets_news(&referee.run.sockets);
  for (struct op **at = &referee.waiting; *at != NULL;) {
    struct op *op = *at;
    op->step = op->function(op);
    if (op->step == STEP_BLOCKS) {
      at = &op->next;
      continue;
    }
    *at = op->next;
    op->finished = true;
    referee.finished++;
    pthread_cond_signal(&op->done_cond);
  }
}

bool referee_need_stack(void)
{
  struct run *run = &referee.run;
  if (run->host.stack != NULL) return true;
  int error = host_start(&run->host);
  if (error < 0) fprintf(stderr, "estab: no stack: %s\n", estab_strerror(error));
  run->settings = run->host.settings;
  return error >= 0;
}

int referee_errno(const char *name)
{
  static const struct {
    const char *name;
    int number;
  } names[] = {{"EAGAIN", EAGAIN},
               {"EALREADY", EALREADY},
               {"EADDRINUSE", EADDRINUSE},
               {"EADDRNOTAVAIL", EADDRNOTAVAIL},
               {"EBADF", EBADF},
               {"ECONNABORTED", ECONNABORTED},
               {"ECONNREFUSED", ECONNREFUSED},
               {"ECONNRESET", ECONNRESET},
               {"EHOSTUNREACH", EHOSTUNREACH},
               {"EINPROGRESS", EINPROGRESS},
               {"EINVAL", EINVAL},
               {"EISCONN", EISCONN},
               {"EMFILE", EMFILE},
               {"EMSGSIZE", EMSGSIZE},
               {"ENOBUFS", ENOBUFS},
               {"ENOTCONN", ENOTCONN},
               {"EOPNOTSUPP", EOPNOTSUPP},
               {"EPIPE", EPIPE},
               {"ETIMEDOUT", ETIMEDOUT}};
  if (name == NULL || strcmp(name, "0") == 0) return 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i].name, name) == 0) return names[i].number;
  return EIO;
}

struct sock *referee_sock(int fd)
{
  return sock_find(&referee.run.sockets, fd);
}

ssize_t referee_call(struct op *op)
{
  struct host *host = &referee.run.host;
  referee_lock();
  if (op->giveup_ns == 0) op->giveup_ns = ESTAB_NEVER;
  if (!referee_need_stack()) {
    op->out = (struct outcome){-1, "ENOBUFS"};
    op->step = STEP_DONE;
  } else {
    host_pump(host);
    op->step = op->function(op);
    op->started = true;
  }
  if (op->step == STEP_BLOCKS) {
    pthread_cond_init(&op->done_cond, NULL);
    op->next = referee.waiting;
    referee.waiting = op;
    host_pump(host);
    while (!op->finished)
      pthread_cond_wait(&op->done_cond, &referee.lock);
    pthread_cond_destroy(&op->done_cond);
    pthread_mutex_unlock(&referee.lock); // who woke us waits already
  } else {
    if (host->stack != NULL) host_pump(host);
    referee_unlock();
  }
  if (op->step == STEP_NOT_HERE) op->out = (struct outcome){-1, "EOPNOTSUPP"};
  if (op->out.value < 0) errno = referee_errno(op->out.error);
  return (ssize_t)op->out.value;
}

// Moves the clock, but not past a call that finishes on the way, nor past a packet if stop_at_packet.
static void referee_advance(uint64_t until_ns, bool stop_at_packet)
{
  struct host *host = &referee.run.host;
  while (host->now_ns < until_ns && referee.finished == 0 &&
         !(stop_at_packet && host->first != NULL)) {
    uint64_t next_ns = until_ns;
    if (host->stack != NULL) {
      uint64_t deadline_ns = estab_stack_deadline(host->stack);
      if (deadline_ns > host->now_ns && deadline_ns < next_ns) next_ns = deadline_ns;
    }
    for (const struct op *op = referee.waiting; op != NULL; op = op->next)
      if (op->giveup_ns > host->now_ns && op->giveup_ns < next_ns) next_ns = op->giveup_ns;
    host_advance(host, next_ns, stop_at_packet);
    if (host->stack != NULL) host_pump(host);
    if (host->stack == NULL && host->now_ns < next_ns) host->now_ns = next_ns;
  }
}

static int referee_netdev_send(void *userdata, const void *bytes, size_t count)
{
  (void)userdata;
  referee_lock();
  if (referee_need_stack()) host_deliver(&referee.run.host, bytes, count);
  referee_unlock();
  return 0;
}

// Nothing at all will come any more when nothing came for so long.
#define REFEREE_PATIENCE_NS (3600 * UINT64_C(1000000000))

static int referee_netdev_receive(void *userdata, void *bytes, size_t *count, long long *time_us)
{
  (void)userdata;
  struct host *host = &referee.run.host;
  referee_lock();
  uint64_t until_ns = host->now_ns + REFEREE_PATIENCE_NS;
  while (host->first == NULL && host->now_ns < until_ns && host->stack != NULL) {
    referee_advance(until_ns, true);
    if (referee.finished > 0) {
      referee_unlock();
      referee_lock();
    }
  }
  struct sent *sent = host_take(host);
  if (sent == NULL) {
    fprintf(stderr, "estab: the packet did not come\n");
    exit(1);
  }
  size_t room = *count;
  if (sent->count < *count) *count = sent->count;
  memcpy(bytes, sent->bytes, *count);
  if (referee.neutral) referee_neutral(bytes, count, room);
  *time_us = (long long)(sent->ns / 1000);
  free(sent);
  referee_unlock();
  return 0;
}

static int referee_usleep(void *userdata, useconds_t us)
{
  (void)userdata;
  referee_lock();
  referee_advance(referee.run.host.now_ns + (uint64_t)us * 1000, false);
  referee_unlock();
  return 0;
}

// A microsecond goes by each time somebody asks: packetdrill spins on this.
static int referee_gettimeofday(void *userdata, struct timeval *tv, struct timezone *zone)
{
  (void)userdata;
  (void)zone;
  struct host *host = &referee.run.host;
  pthread_mutex_lock(&referee.lock);
  host->now_ns += 1000;
  if (host->stack != NULL && estab_stack_deadline(host->stack) <= host->now_ns) {
    estab_stack_handle_deadline(host->stack, host->now_ns);
    host_pump(host);
  }
  tv->tv_sec = (time_t)(host->now_ns / 1000000000);
  tv->tv_usec = (suseconds_t)(host->now_ns / 1000 % 1000000);
  referee_unlock();
  return 0;
}

static void referee_free(void *userdata)
{
  (void)userdata;
  referee_lock();
  if (referee.run.host.stack != NULL) host_end(&referee.run.host);
  referee.ready = false;
  referee_unlock();
}

// NAME=VALUE[,...] in --so_flags: profile, ip (4 or 6), mtu, folder; and "neutral".
static void referee_flags(const char *flags)
{
  struct run *run = &referee.run;
  char copy[400], *rest = copy, *word;
  const char *profile = "rfc";
  bool ip6 = false;
  unsigned long mtu = 0;
  snprintf(copy, sizeof copy, "%s", flags != NULL ? flags : "");
  while ((word = strsep(&rest, ",")) != NULL) {
    if (strncmp(word, "profile=", 8) == 0) profile = word + 8;
    if (strncmp(word, "ip=", 3) == 0) ip6 = word[3] == '6';
    if (strncmp(word, "mtu=", 4) == 0) mtu = strtoul(word + 4, NULL, 10);
    if (strcmp(word, "neutral") == 0) referee.neutral = true;
    if (strncmp(word, "folder=", 7) == 0)
      snprintf(referee.folder, sizeof referee.folder, "%s", word + 7);
  }
  host_begin(&run->host, ip6);
  run->sockets.host = &run->host;
  run->host.news = referee_news;
  if (!knobs_profile(run, profile)) {
    fprintf(stderr, "estab: no profile %s\n", profile);
    exit(1);
  }
  if (mtu != 0) run->host.mtu = (uint16_t)mtu;
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface)
{
  referee_flags(flags);
  referee_fill_calls(interface);
  interface->userdata = &referee;
  interface->free = referee_free;
  interface->netdev_send = referee_netdev_send;
  interface->netdev_receive = referee_netdev_receive;
  interface->usleep = referee_usleep;
  interface->gettimeofday = referee_gettimeofday;
  referee.ready = true;
  if (referee.folder[0] != '\0') referee_shell_start();
}

// Code of a script asks for TCP_INFO by libc's call: answered here when this object is preloaded, too. Nobody in this
// process asks anything of a socket that is not estab's.
int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict bytes)
{
  if (referee.ready && referee_sock(fd) != NULL)
    return referee_getsockopt(&referee, fd, level, name, value, bytes);
  errno = ENOTSOCK;
  return -1;
}
