// SPDX-License-Identifier: BSD-2-Clause
// script.c - a story as a script: what was told, estab's answers up to the last step, and there the kernel's.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"

struct scripting {
  FILE *file;
  const struct telling *t;
  int fd;       // of the connection in the script; 0 = not yet
  bool passive; // opened by a listener, descriptor 3
  uint32_t ts_clock, ts_ours, ts_sent;
};

static bool agreed(const struct scripting *s)
{
  return s->t->story.timestamps;
}

static void put_option(struct scripting *s, unsigned *n, const char *text)
{
  fprintf(s->file, "%s%s", (*n)++ == 0 ? " <" : ",", text);
}

static void put_stamp(struct scripting *s, unsigned *n, uint32_t value, uint32_t echo)
{
  char text[64];
  snprintf(text, sizeof text, "nop,nop,TS val %u ecr %u", value, echo);
  put_option(s, n, text);
}

static void put_blocks(struct scripting *s, unsigned *n, const uint32_t (*blocks)[2],
                       unsigned count)
{
  char text[128];
  int used = snprintf(text, sizeof text, "nop,nop,sack");
  if (count == 0) return;
  for (unsigned i = 0; i < count; i++)
    used += snprintf(text + used, sizeof text - (size_t)used, " %u:%u", blocks[i][0], blocks[i][1]);
  put_option(s, n, text);
}

// The same options as render() puts on it.
static void put_segment(struct scripting *s, const struct step *step)
{
  const struct story *story = &s->t->story;
  char flags[32], text[32];
  unsigned n = 0;
  estab_flags_format(step->flags, flags, sizeof flags);
  fprintf(s->file, "+.001 < %s %u:%u(%u)", flags, step->seq, step->seq + step->bytes, step->bytes);
  if (step->flags & ESTAB_TCP_ACK) fprintf(s->file, " ack %u", step->ack);
  fprintf(s->file, " win %u", step->window);
  if (step->urgent > 0) fprintf(s->file, " urg %u", step->urgent);
  s->ts_clock++;
  if (step->flags & ESTAB_TCP_SYN) {
    snprintf(text, sizeof text, "mss %u", story->mss);
    if (story->mss > 0) put_option(s, &n, text);
    if (story->sack) put_option(s, &n, "nop,nop,sackOK");
    snprintf(text, sizeof text, "nop,wscale %u", story->wscale);
    if (story->scaling) put_option(s, &n, text);
  }
  if (agreed(s) && (step->ts || step->flags & ESTAB_TCP_SYN))
    put_stamp(s, &n, s->ts_clock + (uint32_t)step->ts_delta,
              step->flags & ESTAB_TCP_ACK ? s->ts_ours : 0);
  if (story->sack) put_blocks(s, &n, step->sack, step->sacks);
  fprintf(s->file, "%s\n", n > 0 ? ">" : "");
}

static void put_out(struct scripting *s, const struct out_segment *o)
{
  char flags[32], text[32];
  unsigned n = 0;
  estab_flags_format(o->flags, flags, sizeof flags);
  fprintf(s->file, "   +0 > %s %u:%u(%u)", flags, o->seq, o->seq + o->bytes, o->bytes);
  if (o->flags & ESTAB_TCP_ACK) fprintf(s->file, " ack %u", o->ack);
  if (o->options & OUT_WINDOW_ZERO) fprintf(s->file, " win 0");
  snprintf(text, sizeof text, "mss %u", o->mss);
  if (o->mss > 0) put_option(s, &n, text);
  if (o->options & OUT_SACK_PERMITTED) put_option(s, &n, "nop,nop,sackOK");
  snprintf(text, sizeof text, "nop,wscale %u", o->wscale);
  if (o->options & OUT_SCALE) put_option(s, &n, text);
  if (o->options & OUT_TIMESTAMPS) {
    put_stamp(s, &n, ++s->ts_sent, o->ts_echo);
    if (o->bytes > 0 || o->flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN)) s->ts_ours = s->ts_sent;
  }
  put_blocks(s, &n, o->sack, o->sacks);
  fprintf(s->file, "%s\n", n > 0 ? ">" : "");
}

static void put_open(struct scripting *s, bool passive)
{
  fprintf(s->file, "    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
                   "   +0 setsockopt(3, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0\n");
  s->passive = passive;
  if (passive) {
    fprintf(s->file, "   +0 bind(3, ..., ...) = 0\n   +0 listen(3, 4) = 0\n");
  } else {
    s->fd = 3;
    fprintf(s->file, "   +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
                     "   +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n");
  }
}

static const char *error_name(int result)
{
  switch (result) {
  case CALL_WOULD_BLOCK: return "EAGAIN (Resource temporarily unavailable)";
  case CALL_RESET: return "ECONNRESET (Connection reset by peer)";
  default: return "EPIPE (Broken pipe)";
  }
}

static void put_result(struct scripting *s, int result)
{
  if (result >= 0)
    fprintf(s->file, " = %d\n", result);
  else
    fprintf(s->file, " = -1 %s\n", error_name(result));
}

static void put_call(struct scripting *s, const struct step *step, int result)
{
  if (step->kind <= STEP_CONNECT) {
    put_open(s, step->kind == STEP_LISTEN);
    return;
  }
  if (s->fd == 0) return; // nobody to call
  fprintf(s->file, "+.001 ");
  switch ((enum step_kind)step->kind) {
  case STEP_SEND: fprintf(s->file, "write(%d, ..., %u)", s->fd, step->bytes); break;
  case STEP_RECEIVE: fprintf(s->file, "read(%d, ..., 262144)", s->fd); break;
  case STEP_SHUTDOWN: fprintf(s->file, "shutdown(%d, SHUT_WR)", s->fd); break;
  case STEP_ABORT:
    fprintf(s->file, "setsockopt(%d, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n   +0 ",
            s->fd);
    fprintf(s->file, "close(%d)", s->fd);
    break;
  case STEP_CLOSE: fprintf(s->file, "close(%d)", s->fd); break;
  case STEP_LISTEN:
  case STEP_CONNECT:
  case STEP_SEGMENT:
  case STEP_KINDS: break;
  }
  put_result(s, result);
  if (step->kind == STEP_CLOSE || step->kind == STEP_ABORT) s->fd = 0;
}

static void put_step(struct scripting *s, unsigned i)
{
  const struct telling *t = s->t;
  const struct step *step = &t->story.steps[i];
  const struct outcome *o = (int)i == t->differs_at ? &t->kernel[i] : &t->estab[i];
  char text[512];
  if (step->kind == STEP_SEGMENT)
    put_segment(s, step);
  else
    put_call(s, step, o->result);
  if ((int)i == t->differs_at) {
    outcome_format(&t->estab[i], text, sizeof text);
    fprintf(s->file, "// estab answered: %s\n", text);
  }
  for (unsigned k = 0; k < o->out_count; k++)
    put_out(s, &o->outs[k]);
  if (s->passive && s->fd == 0 && o->state >= ESTAB_ESTABLISHED && !t->before[i].released) {
    s->fd = 4;
    fprintf(s->file, "   +0 accept(3, ..., ...) = 4\n"
                     "   +0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
                     "   +0 setsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0\n");
  }
}

// A reset for what belongs to no connection has numbers of its own, which the notation counts from the connection's.
static bool resets_from_zero(const struct outcome *o)
{
  for (unsigned i = 0; i < o->out_count; i++)
    if ((o->outs[i].flags & (ESTAB_TCP_RST | ESTAB_TCP_ACK)) == (ESTAB_TCP_RST | ESTAB_TCP_ACK) &&
        o->outs[i].seq == 0)
      return true;
  return false;
}

int script_write(const char *path, const struct telling *t)
{
  struct scripting s = {.t = t, .ts_clock = 1000, .ts_sent = 100};
  for (unsigned i = 0; i < t->story.count; i++)
    if (resets_from_zero((int)i == t->differs_at ? &t->kernel[i] : &t->estab[i])) {
      errno = ENOTSUP;
      return -ENOTSUP;
    }
  s.file = fopen(path, "w");
  if (s.file == NULL) return -errno;
  fprintf(s.file,
          "// The Linux kernel's answer where estab's was another. %s\n"
          "// Story %llu, made shorter.\n"
          "--profile=%s\n"
          "`sysctl -w estab.delayed_ack_ns=0 estab.challenge_interval_ns=0 "
          "estab.time_wait_ignores_rst=1`\n",
          t->name, (unsigned long long)t->story.seed, t->story.letter ? "rfc" : "default");
  for (unsigned i = 0; i < t->story.count; i++)
    put_step(&s, i);
  return fclose(s.file) == 0 ? 0 : -errno;
}
