// SPDX-License-Identifier: BSD-2-Clause
// pair.c - two devices in one process, joined.
#include "device.h"

#include <stdlib.h>
#include <string.h>

// A frame under way; its bytes follow the struct.
struct parcel {
  struct parcel *next;
  uint64_t due_ns;
  size_t n;
  uint16_t gso_bytes, segments, checksum_start, checksum_offset, l4_offset;
  uint8_t checksum, gso_type, ecn;
};

struct lane { // one direction
  struct parcel *first, **last;
  size_t bytes;
};

struct pair {
  struct estab_pair_settings settings;
  uint16_t l3_offset;
  unsigned open_ends;
  struct lane lanes[2]; // lanes[i] carries towards end i
  struct end {
    struct pair *pair;
    unsigned index;
    struct parcel *given; // what the last recv answered
    struct estab_gro gro[ESTAB_DEVICE_BATCH];
  } ends[2];
};

static const uint8_t *parcel_bytes(const struct parcel *p)
{
  return (const uint8_t *)(p + 1);
}

static void parcels_free(struct parcel *p)
{
  while (p) {
    struct parcel *next = p->next;
    free(p);
    p = next;
  }
}

static struct parcel *parcel_new(size_t room)
{
  struct parcel *p = malloc(sizeof *p + room);
  if (p) memset(p, 0, sizeof *p);
  return p;
}

static void lane_add(struct lane *lane, struct parcel *p, uint64_t due_ns)
{
  p->next = NULL;
  p->due_ns = due_ns;
  *lane->last = p;
  lane->last = &p->next;
  lane->bytes += p->n;
}

static struct parcel *lane_take(struct lane *lane)
{
  struct parcel *p = lane->first;
  lane->first = p->next;
  if (!lane->first) lane->last = &lane->first;
  lane->bytes -= p->n;
  p->next = NULL;
  return p;
}

// As a wire carries it: the index-th cut of the frame.
static struct parcel *cut(const struct estab_frame *frame, unsigned index)
{
  size_t room = estab_frame_bytes(frame);
  struct parcel *p = parcel_new(room);
  if (!p) return NULL;
  int n = estab_gso_cut(frame, index, (uint8_t *)(p + 1), room);
  if (n < 0) {
    free(p);
    return NULL;
  }
  p->n = (size_t)n;
  p->segments = 1;
  return p;
}

static struct parcel *whole(const struct estab_frame *frame)
{
  struct parcel *p = parcel_new(estab_frame_bytes(frame));
  if (!p) return NULL;
  p->n = frame_copy(frame, 0, (uint8_t *)(p + 1), estab_frame_bytes(frame));
  p->gso_bytes = frame->gso_bytes;
  p->gso_type = frame->gso_type;
  p->segments = frame->segments;
  p->checksum = frame->checksum;
  p->checksum_start = frame->checksum_start;
  p->checksum_offset = frame->checksum_offset;
  p->l4_offset = frame->l4_offset;
  return p;
}

static int pair_send(struct estab_device *dev, uint64_t now_ns, const struct estab_frame *frames,
                     unsigned count)
{
  struct end *end = dev->state;
  struct pair *pair = end->pair;
  struct lane *lane = &pair->lanes[1 - end->index];
  for (unsigned i = 0; i < count; i++) {
    if (lane->bytes >= pair->settings.queue_bytes) return (int)i;
    bool as_it_is = pair->settings.gso == ESTAB_PAIR_WHOLE;
    unsigned pieces = as_it_is ? 1 : estab_gso_count(&frames[i]);
    for (unsigned k = 0; k < pieces; k++) {
      struct parcel *p = as_it_is ? whole(&frames[i]) : cut(&frames[i], k);
      if (p)
        lane_add(lane, p, now_ns + pair->settings.delay_ns);
      else
        dev->counters.dropped_out++;
    }
  }
  return (int)count;
}

static void parcel_frame(const struct pair *pair, const struct parcel *p, struct estab_frame *frame)
{
  frame_set(frame, parcel_bytes(p), p->n, pair->l3_offset);
  frame->l4_offset = p->l4_offset;
  frame->checksum = p->checksum;
  frame->checksum_start = p->checksum_start;
  frame->checksum_offset = p->checksum_offset;
  frame->gso_type = p->gso_type;
  frame->gso_bytes = p->gso_bytes;
  frame->segments = p->segments ? p->segments : 1;
}

// Fills one super-segment from the lane. false: not enough memory for its buffer.
static bool merge_one(struct pair *pair, struct lane *lane, struct estab_gro *gro, uint64_t now_ns)
{
  if (!gro->bytes) gro->bytes = malloc(DEVICE_FRAME_BYTES);
  if (!gro->bytes) return false;
  gro->room = DEVICE_FRAME_BYTES;
  gro->segments = 0;
  while (lane->first && lane->first->due_ns <= now_ns &&
         estab_gro_merge(gro, parcel_bytes(lane->first), lane->first->n, pair->l3_offset))
    free(lane_take(lane));
  return true;
}

static int pair_recv(struct estab_device *dev, uint64_t now_ns, struct estab_frame *frames,
                     unsigned count)
{
  struct end *end = dev->state;
  struct pair *pair = end->pair;
  struct lane *lane = &pair->lanes[end->index];
  unsigned n = 0;
  if (count > ESTAB_DEVICE_BATCH) count = ESTAB_DEVICE_BATCH;
  parcels_free(end->given);
  end->given = NULL;
  while (n < count && lane->first && lane->first->due_ns <= now_ns) {
    if (pair->settings.gso == ESTAB_PAIR_CUT) {
      if (!merge_one(pair, lane, &end->gro[n], now_ns)) break;
      estab_gro_frame(&end->gro[n], &frames[n]);
    } else {
      struct parcel *p = lane_take(lane);
      parcel_frame(pair, p, &frames[n]);
      p->next = end->given;
      end->given = p;
    }
    n++;
  }
  return (int)n;
}

static uint64_t pair_deadline(struct estab_device *dev)
{
  struct end *end = dev->state;
  const struct parcel *first = end->pair->lanes[end->index].first;
  return first ? first->due_ns : ESTAB_NEVER;
}

static void pair_close(struct estab_device *dev)
{
  struct end *end = dev->state;
  struct pair *pair = end->pair;
  parcels_free(end->given);
  end->given = NULL;
  for (unsigned i = 0; i < ESTAB_DEVICE_BATCH; i++)
    free(end->gro[i].bytes);
  if (--pair->open_ends > 0) return;
  parcels_free(pair->lanes[0].first);
  parcels_free(pair->lanes[1].first);
  free(pair);
}

static const struct estab_device_ops pair_ops = {.recv = pair_recv,
                                                 .send = pair_send,
                                                 .deadline = pair_deadline,
                                                 .inner = NULL,
                                                 .close = pair_close};

void estab_pair_settings_default(struct estab_pair_settings *settings)
{
  *settings = (struct estab_pair_settings){
      .struct_bytes = sizeof *settings,
      .link = ESTAB_LINK_RAW,
      .gso = ESTAB_PAIR_PLAIN,
      .mtu = 1500,
      .queue_bytes = 4 << 20,
      .mac = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}},
  };
}

int estab_device_open_pair(const struct estab_pair_settings *settings, struct estab_device out[2],
                           struct estab_device_error *error)
{
  memset(out, 0, 2 * sizeof out[0]);
  if (settings->gso > ESTAB_PAIR_CUT || settings->queue_bytes == 0)
    return device_fail(error, ESTAB_ERR_INVALID, "no such kind of pair", 0, "");
  struct pair *pair = calloc(1, sizeof *pair);
  if (!pair) return device_no_memory(error);
  pair->settings = *settings;
  pair->l3_offset = settings->link == ESTAB_LINK_ETHERNET ? ESTAB_ETH_HEADER_BYTES : 0;
  pair->open_ends = 2;
  for (unsigned i = 0; i < 2; i++) {
    pair->lanes[i].last = &pair->lanes[i].first;
    pair->ends[i].pair = pair;
    pair->ends[i].index = i;
    out[i].ops = &pair_ops;
    out[i].state = &pair->ends[i];
    out[i].fd = -1;
    memcpy(out[i].name, i ? "pair:b" : "pair:a", sizeof "pair:a");
    estab_netif_settings_default(&out[i].netif);
    out[i].netif.link = settings->link;
    out[i].netif.mtu = settings->mtu;
    memcpy(out[i].netif.mac, settings->mac[i], 6);
    if (settings->gso == ESTAB_PAIR_PLAIN) continue;
    out[i].netif.checksum_offload = true;
    out[i].netif.gso_max_bytes = 65535 - 120; // any headers fit beside it
  }
  return 0;
}
