// SPDX-License-Identifier: BSD-2-Clause
// net_kernel.c - a host that is this machine's kernel: a network namespace with a TUN interface.
//
// Without offloads, so that what the kernel sends are the packets that a wire would see. The namespace is held by
// descriptors of this process alone: it ends with it.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

#define KERNEL_ROUNDS 8 // batches that it may send before others have their turn

struct net_kernel {
  int namespace_fd;
  struct estab_device device;
};

int net_kernel_failed(struct net *net, const char *call, const char *remedy)
{
  struct estab_device_error *e = &net->error;
  *e =
      (struct estab_device_error){.error = ESTAB_ERR_UNSUPPORTED, .sys_errno = errno, .call = call};
  snprintf(e->text, sizeof e->text, "%s: %s", call, strerror(errno));
  snprintf(e->remedy, sizeof e->remedy, "%s", remedy);
  return e->error;
}

// What is measured shall not depend on the transfers before it, nor on who hears whom.
static void settle(void)
{
  static const char *const values[][2] = {{"net/ipv4/tcp_no_metrics_save", "1"},
                                          {"net/ipv6/conf/all/accept_ra", "0"},
                                          {"net/ipv6/conf/default/router_solicitations", "0"}};
  struct estab_device_error ignored;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    estab_host_sysctl(values[i][0], values[i][1], &ignored);
}

static int open_interface(struct net *net, struct net_node *node)
{
  struct estab_device *device = &node->kernel->device;
  struct estab_tun_settings settings;
  estab_tun_settings_default(&settings);
  settings.name = "estab0";
  settings.mtu = node->spec->mtu;
  settings.gso = false;
  int r = estab_device_open_tun(&settings, device, &net->error);
  if (r < 0 && net->error.sys_errno == EACCES)
    snprintf(net->error.remedy, sizeof net->error.remedy,
             "run as root, or let everybody open it: chmod 666 /dev/net/tun");
  if (r >= 0) r = estab_host_up("estab0", true, &net->error);
  if (r >= 0)
    r = estab_host_address("estab0", &node->ip, net->scenario->ip6 ? 64 : 24, &net->error);
  return r;
}

int net_kernel_start(struct net *net, unsigned i)
{
  struct net_node *node = &net->nodes[i];
  node->alarm_ns = ESTAB_NEVER;
  node->kernel = calloc(1, sizeof *node->kernel);
  if (node->kernel == NULL) return ESTAB_ERR_NO_MEMORY;
  node->kernel->namespace_fd = -1;
  int r = estab_host_unshare(&net->error);
  if (r < 0) return r;
  node->kernel->namespace_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (node->kernel->namespace_fd < 0)
    return net_kernel_failed(net, "open /proc/self/ns/net", "mount /proc");
  settle();
  return open_interface(net, node);
}

void net_kernel_end(struct net_node *node)
{
  if (node->kernel == NULL) return;
  estab_device_close(&node->kernel->device);
  if (node->kernel->namespace_fd >= 0) close(node->kernel->namespace_fd);
  free(node->kernel);
  node->kernel = NULL;
}

int net_kernel_enter(const struct net_node *node)
{
  if (setns(node->kernel->namespace_fd, CLONE_NEWNET) == 0) return 0;
  return net_kernel_failed(node->net, "setns", "");
}

int net_kernel_fd(const struct net_node *node)
{
  return node->kernel->device.fd;
}

void net_kernel_hear(struct net_node *node, const uint8_t *bytes, size_t count)
{
  struct estab_frame frame = {.struct_bytes = sizeof frame, .piece_count = 1};
  frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = count};
  net_flows_wire(node->net, bytes, count, false);
  estab_device_send(&node->kernel->device, node->net->now_ns, &frame, 1);
}

// Not what it sends by itself, as to look for routers.
static bool is_from(const struct net_node *node, const uint8_t *p, size_t count)
{
  if (estab_ip_is4(&node->ip))
    return count >= 20 && p[0] >> 4 == 4 && memcmp(p + 12, node->ip.bytes + 12, 4) == 0;
  return count >= 40 && p[0] >> 4 == 6 && memcmp(p + 8, node->ip.bytes, 16) == 0;
}

static void kernel_says(struct net_node *node)
{
  struct net *net = node->net;
  struct estab_frame frames[ESTAB_DEVICE_BATCH];
  int n = ESTAB_DEVICE_BATCH;
  for (unsigned round = 0; round < KERNEL_ROUNDS && n > 0; round++) {
    net_clock(net);
    n = estab_device_recv(&node->kernel->device, net->now_ns, frames, ESTAB_DEVICE_BATCH);
    for (int i = 0; i < n; i++) {
      const struct estab_piece *p = &frames[i].pieces[0];
      if (!is_from(node, p->bytes, p->length)) continue;
      net_flows_wire(net, p->bytes, p->length, true);
      net_admit(net, node->lane, p->bytes, p->length);
    }
  }
}

void net_kernel_work(struct net_node *node)
{
  net_flows_work(node);
  kernel_says(node);
  node->net->when[2 * node->net->scenario->link_count + (unsigned)(node - node->net->nodes)] =
      node->alarm_ns;
}
