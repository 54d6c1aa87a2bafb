// SPDX-License-Identifier: BSD-2-Clause
// device.c - what holds for every device: counters, numbers, errors.
#include "device.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

int estab_device_recv(struct estab_device *dev, uint64_t now_ns, struct estab_frame *frames,
                      unsigned count)
{
  int n = dev->ops->recv(dev, now_ns, frames, count);
  for (int i = 0; i < n; i++) {
    frames[i].netif = dev->number;
    dev->counters.frames_in++;
    dev->counters.bytes_in += estab_frame_bytes(&frames[i]);
    dev->counters.segments_in += frames[i].segments > 1 ? frames[i].segments : 1;
  }
  return n;
}

int estab_device_send(struct estab_device *dev, uint64_t now_ns, const struct estab_frame *frames,
                      unsigned count)
{
  int n = dev->ops->send(dev, now_ns, frames, count);
  for (int i = 0; i < n; i++) {
    dev->counters.frames_out++;
    dev->counters.bytes_out += estab_frame_bytes(&frames[i]);
    dev->counters.segments_out += frames[i].segments > 1 ? frames[i].segments : 1;
  }
  return n;
}

uint64_t estab_device_deadline(struct estab_device *dev)
{
  return dev->ops->deadline ? dev->ops->deadline(dev) : ESTAB_NEVER;
}

void estab_device_close(struct estab_device *dev)
{
  if (dev->ops) dev->ops->close(dev);
  memset(dev, 0, sizeof *dev);
  dev->fd = -1;
}

int estab_device_attach(struct estab_device *dev, estab_stack *s)
{
  int number = estab_netif_add(s, &dev->netif);
  if (number > 0) dev->number = (uint32_t)number;
  return number;
}

int device_fail(struct estab_device_error *error, int code, const char *call, int sys_errno,
                const char *remedy)
{
  if (!error) return code;
  error->error = code;
  error->sys_errno = sys_errno;
  error->call = call;
  if (sys_errno)
    snprintf(error->text, sizeof error->text, "%s: %s", call, strerror(sys_errno));
  else
    snprintf(error->text, sizeof error->text, "%s", call);
  snprintf(error->remedy, sizeof error->remedy, "%s", remedy);
  return code;
}

int device_no_memory(struct estab_device_error *error)
{
  return device_fail(error, ESTAB_ERR_NO_MEMORY, "not enough memory", 0, "");
}

void device_mac(uint8_t mac[6], const uint8_t given[6])
{
  static const uint8_t none[6];
  memcpy(mac, given, 6);
  if (memcmp(given, none, 6) != 0) return;
  // Without randomness (only before the kernel's pool is ready) the rest stays zero, which still works.
  if (getrandom(mac, 6, GRND_NONBLOCK) != 6) memset(mac, 0, 6);
  mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}
