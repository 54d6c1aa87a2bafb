// SPDX-License-Identifier: BSD-2-Clause
// referee.h - estab as a shared object that the stock packetdrill loads: one host on virtual time, judged by strangers.
#ifndef ESTAB_REFEREE_REFEREE_H
#define ESTAB_REFEREE_REFEREE_H

#include "script/run.h"

#include "interface.h"

#include <pthread.h>

struct op;
// Tries a call. STEP_BLOCKS: again after news.
typedef enum step op_function(struct op *op);

// A call on its way; those that block wait for each other's news.
struct op {
  op_function *function;
  struct sock *sock;
  uint8_t *bytes; // what it reads into or writes from
  size_t count, done;
  int flags;
  int fd; // of accept
  struct pollfd *fds;
  nfds_t fd_count;            // room, of both
  struct epoll_event *events; // what epoll_wait() fills
  bool started, finished;
  uint64_t giveup_ns; // ESTAB_NEVER = it waits for ever
  enum step step;
  struct outcome out;
  pthread_cond_t done_cond;
  struct op *next;
};

struct referee {
  pthread_mutex_t lock;
  struct run run; // the host, its sockets and its settings; no script
  struct op *waiting;
  unsigned finished; // ops that finished since somebody looked
  char folder[200];  // where shell commands ask, "" = none
  bool neutral;      // packets are given in one form, see referee_neutral.c
  bool ready;
};

// All there is; packetdrill runs one script in a process.
extern struct referee referee;

void referee_lock(void);
// Lets calls that have finished go their way first.
void referee_unlock(void);
bool referee_need_stack(void);
// Runs a call to its end and gives what POSIX would.
ssize_t referee_call(struct op *op);
// The errno of a name like "EAGAIN".
int referee_errno(const char *name);
struct sock *referee_sock(int fd);

// referee_calls.c, referee_options.c
void referee_fill_calls(struct packetdrill_interface *interface);
int referee_getsockopt(void *, int fd, int level, int name, void *value, socklen_t *bytes);
int referee_setsockopt(void *, int fd, int level, int name, const void *value, socklen_t bytes);
// referee_shell.c: answers shell commands of the script in a thread of its own.
void referee_shell_start(void);
// referee_neutral.c: rewrites a packet in room bytes, *count long.
void referee_neutral(uint8_t *bytes, size_t *count, size_t room);

#endif
