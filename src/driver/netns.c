// SPDX-License-Identifier: BSD-2-Clause
// netns.c - a network namespace of one's own, with or without privileges.
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_file(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = write(fd, text, strlen(text));
  int why = errno;
  close(fd);
  errno = why;
  return n == (ssize_t)strlen(text);
}

// In the new user namespace this user is root; nobody else exists.
static int map_users(uid_t uid, gid_t gid, struct estab_device_error *error)
{
  char text[64];
  // Older kernels have no such file and need no such word.
  if (!write_file("/proc/self/setgroups", "deny") && errno != ENOENT)
    return device_fail(error, ESTAB_ERR_UNSUPPORTED, "write /proc/self/setgroups", errno, "");
  snprintf(text, sizeof text, "0 %u 1", (unsigned)uid);
  if (!write_file("/proc/self/uid_map", text))
    return device_fail(error, ESTAB_ERR_UNSUPPORTED, "write /proc/self/uid_map", errno,
                       "run as root, or mount /proc writable");
  snprintf(text, sizeof text, "0 %u 1", (unsigned)gid);
  if (!write_file("/proc/self/gid_map", text))
    return device_fail(error, ESTAB_ERR_UNSUPPORTED, "write /proc/self/gid_map", errno,
                       "run as root, or mount /proc writable");
  return 0;
}

int estab_host_unshare(struct estab_device_error *error)
{
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWNET) < 0) {
    if (errno != EPERM)
      return device_fail(error, ESTAB_ERR_UNSUPPORTED, "unshare CLONE_NEWNET", errno,
                         "the kernel needs CONFIG_NET_NS and a free network namespace");
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
      return device_fail(error, ESTAB_ERR_UNSUPPORTED, "unshare CLONE_NEWUSER|CLONE_NEWNET", errno,
                         "run as root, or allow it: sysctl kernel.unprivileged_userns_clone=1, "
                         "kernel.apparmor_restrict_unprivileged_userns=0");
    int r = map_users(uid, gid, error);
    if (r < 0) return r;
  }
  return estab_host_up("lo", true, error);
}
