// SPDX-License-Identifier: BSD-2-Clause
// privilege.c - another user, and no capabilities.
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool privilege_user(const char *name)
{
  return getpwnam(name) != NULL;
}

static struct __user_cap_header_struct cap_header(void)
{
  return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

// Permitted, effective, inheritable and ambient.
static bool no_capabilities(void)
{
  struct __user_cap_header_struct header = cap_header();
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_capset, &header, data) < 0) return false;
  header = cap_header();
  memset(data, 0xff, sizeof data);
  if (syscall(SYS_capget, &header, data) < 0) return false;
  errno = EPERM;
  return (data[0].effective | data[0].permitted | data[0].inheritable | data[1].effective |
          data[1].permitted | data[1].inheritable) == 0;
}

static const char *become(const struct passwd *user)
{
  uid_t uid[3];
  gid_t gid[3];
  if (initgroups(user->pw_name, user->pw_gid) < 0) return "setgroups";
  if (setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0) return "setgid";
  if (setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0) return "setuid";
  if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
    return "getresuid";
  errno = EPERM;
  for (unsigned i = 0; i < 3; i++)
    if (uid[i] != user->pw_uid || gid[i] != user->pw_gid) return "the user is still another";
  return NULL;
}

const char *privilege_drop(const char *name)
{
  if (name == NULL && geteuid() == 0) return NULL;
  if (name != NULL) {
    errno = 0;
    const struct passwd *user = getpwnam(name);
    if (user == NULL) {
      if (errno == 0) errno = ENOENT;
      return "there is no such user";
    }
    const char *why = become(user);
    if (why != NULL) return why;
    if (user->pw_uid == 0) return NULL; // root by its own wish
  }
  if (!no_capabilities()) return "capabilities are left";
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  errno = EPERM;
  if (name != NULL && setuid(0) == 0) return "root can be had again";
  return NULL;
}
