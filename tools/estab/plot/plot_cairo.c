// SPDX-License-Identifier: BSD-2-Clause
// plot_cairo.c - libcairo, and what all that is drawn asks of it.
#include <dlfcn.h>
#include <math.h>
#include <string.h>

#include "plot_draw.h"

// Loaded when something is drawn: it brings twenty libraries, two milliseconds that no other run has to spend.
#define CAIRO_LIBRARY "libcairo.so.2"

#define SMALLEST 6.0 // pixels of letters

struct plot_cairo cairo;

const char *plot_cairo_load(void)
{
  void *const library = dlopen(CAIRO_LIBRARY, RTLD_NOW);
  void *call;
  if (library == NULL) return dlerror();
#define X(name)                                                                                    \
  if ((call = dlsym(library, "cairo_" #name)) == NULL) return dlerror();                           \
  memcpy(&cairo.name, &call, sizeof call);
  PLOT_CAIRO_CALLS
#undef X
  return NULL;
}

void plot_color(cairo_t *cr, unsigned which, double alpha)
{
  static const double palette[8][3] = {{0.12, 0.37, 0.67}, {0.80, 0.27, 0.13}, {0.17, 0.55, 0.25},
                                       {0.53, 0.27, 0.62}, {0.75, 0.55, 0.05}, {0.15, 0.60, 0.62},
                                       {0.55, 0.34, 0.24}, {0.35, 0.35, 0.35}};
  const double *c = palette[which % 8];
  cairo.set_source_rgba(cr, c[0], c[1], c[2], alpha);
}

void plot_text(cairo_t *cr, double x, double y, double align, const char *text)
{
  cairo_text_extents_t extents;
  cairo.text_extents(cr, text, &extents);
  cairo.move_to(cr, x - align * extents.width, y);
  cairo.show_text(cr, text);
}

void plot_fit(cairo_t *cr, double size, double x, double y, double align, double room,
              const char *text)
{
  cairo_text_extents_t extents;
  cairo.set_font_size(cr, size);
  cairo.text_extents(cr, text, &extents);
  if (extents.width > room) cairo.set_font_size(cr, fmax(SMALLEST, size * room / extents.width));
  plot_text(cr, x, y, align, text);
  cairo.set_font_size(cr, size);
}
