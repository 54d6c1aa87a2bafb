// SPDX-License-Identifier: BSD-2-Clause
// wrap_fault.c - middleware that makes a bad link of a good one.
#include "fault_lane.h"

#include <stdlib.h>

struct fault {
  struct estab_device inner;
  struct fault_lane out, in;
  struct fault_parcel *given; // what the last recv answered
  size_t queue_frames;
  uint64_t retry_ns; // the inner device took nothing: not before this
};

// How long to leave a full device alone. It is asked again when its fd is writable only by the caller's poll,
// which watches for frames of the caller's; ours must not wait for those.
#define RETRY_NS 1000000u

static int push_out(struct fault *f, uint64_t now_ns)
{
  const struct fault_parcel *due;
  f->retry_ns = 0;
  while ((due = fault_lane_due(&f->out, now_ns)) != NULL) {
    struct estab_frame frame;
    frame_set(&frame, (const uint8_t *)(due + 1), due->n, (uint16_t)f->out.l3_offset);
    int n = estab_device_send(&f->inner, now_ns, &frame, 1);
    if (n < 0) return n;
    if (n == 0) {
      f->retry_ns = now_ns + RETRY_NS;
      break;
    }
    free(fault_lane_take(&f->out));
  }
  return 0;
}

static int fault_send(struct estab_device *dev, uint64_t now_ns, const struct estab_frame *frames,
                      unsigned count)
{
  struct fault *f = dev->state;
  unsigned n = 0;
  while (n < count && fault_lane_count(&f->out) < f->queue_frames)
    fault_lane_admit(&f->out, now_ns, &frames[n++]);
  if (push_out(f, now_ns) < 0 && n == 0) {
    dev->error = f->inner.error;
    return f->inner.error.error;
  }
  return (int)n;
}

static void parcels_free(struct fault_parcel *p)
{
  while (p) {
    struct fault_parcel *next = p->next;
    free(p);
    p = next;
  }
}

static int fault_recv(struct estab_device *dev, uint64_t now_ns, struct estab_frame *frames,
                      unsigned count)
{
  struct fault *f = dev->state;
  struct estab_frame batch[ESTAB_DEVICE_BATCH];
  int r = push_out(f, now_ns), got = ESTAB_DEVICE_BATCH;
  while (r >= 0 && got == ESTAB_DEVICE_BATCH && fault_lane_count(&f->in) < f->queue_frames) {
    r = got = estab_device_recv(&f->inner, now_ns, batch, ESTAB_DEVICE_BATCH);
    for (int i = 0; i < got; i++)
      fault_lane_admit(&f->in, now_ns, &batch[i]);
  }
  if (r < 0) {
    dev->error = f->inner.error;
    return r;
  }
  parcels_free(f->given);
  f->given = NULL;
  unsigned n = 0;
  while (n < count && fault_lane_due(&f->in, now_ns)) {
    struct fault_parcel *p = fault_lane_take(&f->in);
    frame_set(&frames[n++], fault_parcel_bytes(p), p->n, (uint16_t)f->in.l3_offset);
    p->next = f->given;
    f->given = p;
  }
  return (int)n;
}

static uint64_t fault_deadline(struct estab_device *dev)
{
  struct fault *f = dev->state;
  uint64_t due = fault_lane_deadline(&f->out), in = fault_lane_deadline(&f->in);
  uint64_t inner = estab_device_deadline(&f->inner);
  if (due < f->retry_ns) due = f->retry_ns;
  if (in < due) due = in;
  return inner < due ? inner : due;
}

static const struct estab_device *fault_inner(const struct estab_device *dev)
{
  const struct fault *f = dev->state;
  return &f->inner;
}

static void fault_close(struct estab_device *dev)
{
  struct fault *f = dev->state;
  estab_device_close(&f->inner);
  fault_lane_free(&f->out);
  fault_lane_free(&f->in);
  parcels_free(f->given);
  free(f);
}

static const struct estab_device_ops fault_ops = {
    .recv = fault_recv,
    .send = fault_send,
    .deadline = fault_deadline,
    .inner = fault_inner,
    .close = fault_close,
};

void estab_fault_settings_default(struct estab_fault_settings *settings)
{
  *settings = (struct estab_fault_settings){
      .struct_bytes = sizeof *settings, .seed = 1, .queue_frames = 4096};
}

int estab_device_wrap_fault(struct estab_device *dev, const struct estab_fault_settings *settings,
                            struct estab_device_error *error)
{
  size_t l3_offset = dev->netif.link == ESTAB_LINK_ETHERNET ? ESTAB_ETH_HEADER_BYTES : 0;
  if (settings->queue_frames == 0)
    return device_fail(error, ESTAB_ERR_INVALID, "a faulty link that holds no frame", 0, "");
  struct fault *f = malloc(sizeof *f);
  if (!f) return device_no_memory(error);
  f->inner = *dev;
  f->given = NULL;
  f->queue_frames = settings->queue_frames;
  f->retry_ns = 0;
  // Two streams of chance, so that one direction's traffic does not change the other's fate.
  fault_lane_init(&f->out, &settings->out, settings->seed, l3_offset);
  fault_lane_init(&f->in, &settings->in, ~settings->seed, l3_offset);
  dev->ops = &fault_ops;
  dev->state = f;
  return 0;
}

int estab_device_fault_counters(const struct estab_device *dev, struct estab_fault_counters *out,
                                struct estab_fault_counters *in)
{
  while (dev->ops != &fault_ops) {
    if (!dev->ops || !dev->ops->inner) return ESTAB_ERR_INVALID;
    dev = dev->ops->inner(dev);
  }
  const struct fault *f = dev->state;
  *out = f->out.counters;
  *in = f->in.counters;
  return 0;
}
