// SPDX-License-Identifier: BSD-2-Clause
// run.c - the loop: what every program does between its stack and its device.
#include "device.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define POLL_MAX      16 // descriptors beside the device's
#define INPUT_BATCHES 8 // taken in one turn, so that a flood cannot keep the caller from its events

// Gives the device all that the stack has for it. Answers how many frames, *full = it took no more.
static int push_output(estab_stack *s, struct estab_device *dev, bool *full)
{
  struct estab_frame frames[ESTAB_DEVICE_BATCH];
  int moved = 0;
  *full = false;
  for (;;) {
    uint64_t now = estab_clock_ns();
    int n = estab_stack_output(s, now, frames, ESTAB_DEVICE_BATCH);
    if (n <= 0) return moved;
    int sent = estab_device_send(dev, now, frames, (unsigned)n);
    estab_stack_output_done(s, sent < 0 ? 0 : (unsigned)sent, now);
    if (sent < 0) return sent;
    moved += sent;
    if (sent < n) {
      *full = true;
      return moved;
    }
  }
}

static int pull_input(estab_stack *s, struct estab_device *dev)
{
  struct estab_frame frames[ESTAB_DEVICE_BATCH];
  int moved = 0;
  for (unsigned i = 0; i < INPUT_BATCHES; i++) {
    uint64_t now = estab_clock_ns();
    int n = estab_device_recv(dev, now, frames, ESTAB_DEVICE_BATCH);
    if (n < 0) return n;
    if (n > 0) estab_stack_input(s, now, frames, (unsigned)n);
    moved += n;
    if (n < ESTAB_DEVICE_BATCH) break;
  }
  return moved;
}

static int wait_for(struct estab_device *dev, bool full, uint64_t until_ns, struct pollfd *fds,
                    unsigned count)
{
  struct pollfd all[1 + POLL_MAX];
  uint64_t now = estab_clock_ns();
  uint64_t left_ns = until_ns > now ? until_ns - now : 0;
  struct timespec wait = {(time_t)(left_ns / 1000000000u), (long)(left_ns % 1000000000u)};
  all[0] = (struct pollfd){.fd = dev->fd, .events = (short)(POLLIN | (full ? POLLOUT : 0))};
  for (unsigned i = 0; i < count; i++)
    all[1 + i] = fds[i];
  int r = ppoll(all, 1 + count, until_ns == ESTAB_NEVER ? NULL : &wait, NULL);
  for (unsigned i = 0; i < count; i++)
    fds[i].revents = r > 0 ? all[1 + i].revents : 0;
  return r < 0 && errno != EINTR ? ESTAB_ERR_INVALID : 0;
}

int estab_run_once_with(estab_stack *s, struct estab_device *dev, uint64_t until_ns,
                        struct pollfd *fds, unsigned count)
{
  bool full;
  if (count > POLL_MAX) return ESTAB_ERR_INVALID;
  int out = push_output(s, dev, &full);
  if (out < 0) return out;

  uint64_t stack_due = estab_stack_deadline(s), device_due = estab_device_deadline(dev);
  if (stack_due < until_ns) until_ns = stack_due;
  if (device_due < until_ns) until_ns = device_due;
  int r = wait_for(dev, full, until_ns, fds, count);
  if (r < 0) return r;

  int in = pull_input(s, dev);
  if (in < 0) return in;
  uint64_t now = estab_clock_ns();
  if (now >= estab_stack_deadline(s)) estab_stack_handle_deadline(s, now);
  return out + in;
}

int estab_run_once(estab_stack *s, struct estab_device *dev, uint64_t until_ns)
{
  return estab_run_once_with(s, dev, until_ns, NULL, 0);
}
