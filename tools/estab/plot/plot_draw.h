// SPDX-License-Identifier: BSD-2-Clause
// plot_draw.h - what the files that draw share: libcairo, loaded when it is first asked for, and a few strokes.
#ifndef ESTAB_TOOL_PLOT_DRAW_H
#define ESTAB_TOOL_PLOT_DRAW_H

#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>

#include "plot.h"

#define PLOT_WIDTH 1000.0 // pixels

// clang-format off
#define PLOT_CAIRO_CALLS \
  X(arc) X(clip) X(close_path) X(create) X(destroy) X(fill) X(image_surface_create) X(line_to) \
  X(move_to) X(rectangle) X(restore) X(save) X(select_font_face) X(set_font_size) \
  X(set_line_cap) X(set_line_width) X(set_source_rgb) X(set_source_rgba) X(show_text) \
  X(status) X(status_to_string) X(stroke) X(surface_destroy) X(surface_finish) \
  X(surface_status) X(surface_write_to_png_stream) X(svg_surface_create_for_stream) X(text_extents)
// clang-format on

struct plot_cairo {
#define X(name) __typeof__(cairo_##name) *name;
  PLOT_CAIRO_CALLS
#undef X
};
extern struct plot_cairo cairo;

// `items`, of `bytes` octets each, with room for one behind the `count` that there are. NULL: no memory, they stay.
void *plot_more(void *items, size_t count, size_t bytes);

// NULL, or why not.
const char *plot_cairo_load(void);
void plot_color(cairo_t *cr, unsigned which, double alpha);
// align: which part of it lies before x, 0 to 1.
void plot_text(cairo_t *cr, double x, double y, double align, const char *text);
// In letters of `size` pixels, or of less where it would be longer than `room`.
void plot_fit(cairo_t *cr, double size, double x, double y, double align, double room,
              const char *text);

double plot_ladder_height(const struct plot_ladder *ladder);
void plot_ladder_draw(cairo_t *cr, const struct plot_ladder *ladder, double top);

#endif
