// SPDX-License-Identifier: BSD-2-Clause
// http_file.c - what a request path names. The kernel keeps it below the folder: RESOLVE_BENEATH refuses "..",
// absolute links and links that lead out, whatever the path looks like.
#include "http_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LISTING_MAX 1000 // entries

static int open_beneath(int folder, const char *path, int flags)
{
  struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

static int hex(char c)
{
  return isdigit((unsigned char)c)    ? c - '0'
         : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                      : -1;
}

bool http_decode(char *path)
{
  char *to = path;
  for (const char *p = path; *p; p++) {
    if (*p != '%') {
      *to++ = *p;
      continue;
    }
    int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);
    if (low < 0 || high * 16 + low == 0) return false;
    *to++ = (char)(high * 16 + low);
    p += 2;
  }
  *to = 0;
  return true;
}

static const char *media_type(const char *path)
{
  static const struct {
    const char *ending, *type;
  } types[] = {
      {".html", "text/html; charset=utf-8"},
      {".htm", "text/html; charset=utf-8"},
      {".txt", "text/plain; charset=utf-8"},
      {".md", "text/plain; charset=utf-8"},
      {".css", "text/css"},
      {".js", "text/javascript"},
      {".json", "application/json"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".gif", "image/gif"},
      {".svg", "image/svg+xml"},
      {".webp", "image/webp"},
      {".pdf", "application/pdf"},
      {".wasm", "application/wasm"},
      {".mp4", "video/mp4"},
      {".gz", "application/gzip"},
      {".xml", "application/xml"},
  };
  size_t n = strlen(path);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t m = strlen(types[i].ending);
    if (n >= m && strcasecmp(path + n - m, types[i].ending) == 0) return types[i].type;
  }
  return "application/octet-stream";
}

// Text of a page: only characters that mean nothing in HTML stay as they are.
static void put_html(FILE *out, const char *text)
{
  for (; *text; text++)
    if (strchr("<>&\"'", *text))
      fprintf(out, "&#%d;", *text);
    else
      fputc(*text, out);
}

static void put_link(FILE *out, const char *name)
{
  for (const unsigned char *p = (const unsigned char *)name; *p; p++)
    if (isalnum(*p) || strchr("-._~", *p))
      fputc(*p, out);
    else
      fprintf(out, "%%%02X", *p);
}

static int name_order(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_entries(FILE *out, DIR *dir)
{
  char *names[LISTING_MAX];
  size_t count = 0;
  const struct dirent *e;
  while (count < LISTING_MAX && (e = readdir(dir)) != NULL) {
    if (e->d_name[0] == '.') continue;
    char *name = malloc(strlen(e->d_name) + 2);
    if (!name) break;
    sprintf(name, "%s%s", e->d_name, e->d_type == DT_DIR ? "/" : "");
    names[count++] = name;
  }
  qsort(names, count, sizeof names[0], name_order);
  for (size_t i = 0; i < count; i++) {
    size_t n = strlen(names[i]);
    bool folder = names[i][n - 1] == '/';
    if (folder) names[i][n - 1] = 0;
    fputs("<li><a href=\"./", out);
    put_link(out, names[i]);
    fputs(folder ? "/\">" : "\">", out);
    put_html(out, names[i]);
    fputs(folder ? "/</a></li>\n" : "</a></li>\n", out);
    free(names[i]);
  }
}

static int list_folder(int fd, const char *path, struct http_file *out)
{
  size_t n = 0;
  DIR *dir = fdopendir(fd);
  FILE *page = dir ? open_memstream(&out->text, &n) : NULL;
  if (!page) {
    if (dir)
      closedir(dir);
    else
      close(fd);
    return 503;
  }
  fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>/", page);
  put_html(page, path);
  fputs("</title>\n<h1>/", page);
  put_html(page, path);
  fputs("</h1>\n<ul>\n", page);
  if (path[0]) fputs("<li><a href=\"../\">../</a></li>\n", page);
  put_entries(page, dir);
  fputs("</ul>\n", page);
  closedir(dir);
  if (fclose(page) != 0) return 503;
  out->bytes = n;
  out->type = "text/html; charset=utf-8";
  return 200;
}

static int status_of_errno(void)
{
  switch (errno) {
  case EMFILE:
  case ENFILE:
  case ENOMEM: return 503;
  case EACCES:
  case EPERM:
  case EXDEV: // leads out of the folder
  case ELOOP: return 403;
  default: return 404;
  }
}

static int take_file(int fd, const struct stat *st, const char *path, struct http_file *out)
{
  if (!S_ISREG(st->st_mode)) {
    close(fd);
    return 403; // no devices, no pipes
  }
  out->fd = fd;
  out->bytes = (uint64_t)st->st_size;
  out->modified = st->st_mtime;
  out->type = media_type(path);
  return 200;
}

static int open_folder(const struct http_root *root, int fd, const char *path,
                       struct http_file *out)
{
  struct stat st;
  size_t n = strlen(path);
  if (n > 0 && path[n - 1] != '/') {
    close(fd);
    out->redirect = true;
    return 301;
  }
  int index = open_beneath(fd, "index.html", O_RDONLY);
  if (index < 0 || fstat(index, &st) < 0) return list_folder(fd, path, out);
  (void)root;
  close(fd);
  return take_file(index, &st, "index.html", out);
}

int http_file_open(const struct http_root *root, const char *path, struct http_file *out)
{
  char name[HTTP_PATH_BYTES];
  struct stat st;
  *out = (struct http_file){.fd = -1};
  size_t n = strcspn(path, "?#");
  if (path[0] != '/' || n >= sizeof name) return 400;
  memcpy(name, path + 1, n - 1);
  name[n - 1] = 0;
  if (!http_decode(name)) return 400;
  if (root->file >= 0) {
    int copy = fcntl(root->file, F_DUPFD_CLOEXEC, 0);
    if (copy < 0 || fstat(copy, &st) < 0) return 503;
    return take_file(copy, &st, name, out);
  }
  int fd = open_beneath(root->folder, name[0] ? name : ".", O_RDONLY);
  if (fd < 0) return status_of_errno();
  if (fstat(fd, &st) < 0) {
    close(fd);
    return 503;
  }
  return S_ISDIR(st.st_mode) ? open_folder(root, fd, name, out) : take_file(fd, &st, name, out);
}
