// SPDX-License-Identifier: BSD-2-Clause
// plot.c - line charts by libcairo.
#include "plot.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain_file.h"
#include "plot_draw.h"

#define PANEL_HEIGHT 220.0
#define LEFT         80.0
#define RIGHT        160.0 // legend
#define TOP          40.0
#define GAP          44.0
#define BOTTOM       44.0
#define LETTERS      16.0 // of letters at a panel's edge, beyond it

struct plot_panel *plot_panel_add(struct plot *plot, const char *title, const char *unit)
{
  if (plot->panel_count == PLOT_PANELS) return NULL;
  struct plot_panel *panel = &plot->panels[plot->panel_count++];
  snprintf(panel->title, sizeof panel->title, "%s", title);
  snprintf(panel->unit, sizeof panel->unit, "%s", unit);
  panel->from_zero = true;
  return panel;
}

struct plot_series *plot_series_add(struct plot_panel *panel, const char *name,
                                    enum plot_style style, unsigned color)
{
  if (panel == NULL || panel->series_count == PLOT_SERIES) return NULL;
  struct plot_series *series = &panel->series[panel->series_count++];
  snprintf(series->name, sizeof series->name, "%s", name);
  series->style = style;
  series->color = color;
  return series;
}

void *plot_more(void *items, size_t count, size_t bytes)
{
  if ((count & (count - 1)) != 0) return items; // full at none, and at each power of two
  return realloc(items, (count > 0 ? 2 * count : 1) * bytes);
}

static bool grow(double **values, size_t count)
{
  double *more = plot_more(*values, count, sizeof **values);
  if (more == NULL) return false;
  *values = more;
  return true;
}

bool plot_point(struct plot_series *series, double x, double y, double y2)
{
  if (series == NULL) return true;
  if (!grow(&series->x, series->count) || !grow(&series->y, series->count) ||
      (series->style == PLOT_SEGMENTS && !grow(&series->y2, series->count)))
    return false;
  series->x[series->count] = x;
  series->y[series->count] = y;
  if (series->style == PLOT_SEGMENTS) series->y2[series->count] = y2;
  series->count++;
  return true;
}

void plot_free(struct plot *plot)
{
  for (unsigned i = 0; i < plot->panel_count; i++)
    for (unsigned k = 0; k < plot->panels[i].series_count; k++) {
      free(plot->panels[i].series[k].x);
      free(plot->panels[i].series[k].y);
      free(plot->panels[i].series[k].y2);
    }
  free(plot->ladder.rows);
  memset(plot, 0, sizeof *plot);
}

// ---------------------------------------------------------------------------------------------
// Drawing

struct axis {
  double low, high, step; // of the ticks
  double from, to;        // pixels
};

static double at(const struct axis *axis, double value)
{
  return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

// 1, 2 or 5 times a power of ten, so that about `ticks` fit.
static void axis_set(struct axis *axis, double low, double high, unsigned ticks)
{
  if (!(high > low)) high = low + 1;
  double rough = (high - low) / ticks, power = pow(10, floor(log10(rough)));
  double part = rough / power;
  axis->step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  axis->low = floor(low / axis->step) * axis->step;
  axis->high = ceil(high / axis->step) * axis->step;
}

static void tick_text(char *out, size_t room, double value, double step)
{
  int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
  snprintf(out, room, "%.*f", decimals, fabs(value) < step / 1e6 ? 0.0 : value);
}

static void draw_axes(cairo_t *cr, const struct axis *x, const struct axis *y,
                      const struct plot_panel *panel, bool last)
{
  char text[64];
  cairo.set_line_width(cr, 0.5);
  for (double v = y->low; v <= y->high + y->step / 2; v += y->step) {
    cairo.set_source_rgb(cr, 0.85, 0.85, 0.85);
    cairo.move_to(cr, x->from, at(y, v));
    cairo.line_to(cr, x->to, at(y, v));
    cairo.stroke(cr);
    cairo.set_source_rgb(cr, 0.2, 0.2, 0.2);
    tick_text(text, sizeof text, v, y->step);
    plot_text(cr, x->from - 6, at(y, v) + 4, 1, text);
  }
  for (double v = x->low; v <= x->high + x->step / 2; v += x->step) {
    cairo.set_source_rgb(cr, 0.9, 0.9, 0.9);
    cairo.move_to(cr, at(x, v), y->from);
    cairo.line_to(cr, at(x, v), y->to);
    cairo.stroke(cr);
    cairo.set_source_rgb(cr, 0.2, 0.2, 0.2);
    tick_text(text, sizeof text, v, x->step);
    if (last) plot_text(cr, at(x, v), y->from + 16, 0.5, text);
  }
  if (last) plot_text(cr, x->to, y->from + 32, 1, "seconds");
  snprintf(text, sizeof text, "%s, %s", panel->title, panel->unit);
  cairo.set_source_rgb(cr, 0, 0, 0);
  plot_text(cr, x->from, y->to - 8, 0, text);
}

static void draw_series(cairo_t *cr, const struct plot_series *s, const struct axis *x,
                        const struct axis *y)
{
  plot_color(cr, s->color, s->faint ? 0.4 : 1);
  cairo.set_line_width(cr, s->style == PLOT_SEGMENTS && !s->faint ? 2 : 1.2);
  // A short bar is a dot at least.
  cairo.set_line_cap(cr, s->style == PLOT_SEGMENTS && !s->faint ? CAIRO_LINE_CAP_SQUARE
                                                                : CAIRO_LINE_CAP_BUTT);
  for (size_t i = 0; i < s->count; i++) {
    double px = at(x, s->x[i]), py = at(y, s->y[i]);
    switch (s->style) {
    case PLOT_LINE:
    case PLOT_STEPS:
      if (i == 0) cairo.move_to(cr, px, py);
      if (i > 0 && s->style == PLOT_STEPS) cairo.line_to(cr, px, at(y, s->y[i - 1]));
      cairo.line_to(cr, px, py);
      break;
    case PLOT_DOTS:
      cairo.arc(cr, px, py, 1.8, 0, 2 * M_PI);
      cairo.fill(cr);
      break;
    case PLOT_SEGMENTS:
      cairo.move_to(cr, px, py);
      cairo.line_to(cr, px, at(y, s->y2[i]));
      break;
    case PLOT_LETTERS: plot_text(cr, px, s->below ? py + 12 : py - 3, 0.5, s->letter); break;
    }
  }
  cairo.stroke(cr);
}

static void draw_legend(cairo_t *cr, const struct plot_panel *panel, const struct axis *x,
                        const struct axis *y)
{
  for (unsigned i = 0, row = 0; i < panel->series_count && row < 14; i++) {
    if (panel->series[i].name[0] == '\0') continue;
    double line = y->to + 12 + 14 * row++;
    plot_color(cr, panel->series[i].color, 1);
    double name = x->to + 25;
    if (panel->series[i].style == PLOT_LETTERS) {
      cairo_text_extents_t extents;
      cairo.text_extents(cr, panel->series[i].letter, &extents);
      name = fmax(name, x->to + 11 + extents.width + 6);
      plot_text(cr, x->to + 11, line, 0, panel->series[i].letter);
    } else {
      cairo.rectangle(cr, x->to + 10, line - 8, 10, 8);
      cairo.fill(cr);
    }
    cairo.set_source_rgb(cr, 0, 0, 0);
    plot_text(cr, name, line, 0, panel->series[i].name);
  }
}

static void panel_range(const struct plot_panel *panel, double *low, double *high)
{
  *low = panel->from_zero ? 0 : DBL_MAX;
  *high = -DBL_MAX;
  for (unsigned k = 0; k < panel->series_count; k++)
    for (size_t i = 0; i < panel->series[k].count; i++) {
      const struct plot_series *s = &panel->series[k];
      *low = fmin(*low, s->y[i]);
      *high = fmax(*high, s->style == PLOT_SEGMENTS ? s->y2[i] : s->y[i]);
    }
  if (panel->most > 0) *high = panel->most;
  if (*high == -DBL_MAX) *low = 0, *high = 1;
}

static double panel_height(const struct plot *plot)
{
  return plot->panel_height > 0 ? plot->panel_height : PANEL_HEIGHT;
}

static double panels_height(const struct plot *plot)
{
  return TOP + plot->panel_count * (panel_height(plot) + GAP) + BOTTOM;
}

static void draw(cairo_t *cr, const struct plot *plot, double height)
{
  double low = DBL_MAX, high = -DBL_MAX;
  for (unsigned p = 0; p < plot->panel_count; p++)
    for (unsigned k = 0; k < plot->panels[p].series_count; k++)
      for (size_t i = 0; i < plot->panels[p].series[k].count; i++) {
        low = fmin(low, plot->panels[p].series[k].x[i]);
        high = fmax(high, plot->panels[p].series[k].x[i]);
      }
  if (high == -DBL_MAX) low = 0, high = 1;
  struct axis x = {.from = LEFT, .to = PLOT_WIDTH - RIGHT};
  axis_set(&x, low, high, 10);
  cairo.set_source_rgb(cr, 1, 1, 1);
  cairo.rectangle(cr, 0, 0, PLOT_WIDTH, height);
  cairo.fill(cr);
  cairo.select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo.set_source_rgb(cr, 0, 0, 0);
  plot_fit(cr, 14, LEFT, 20, 0, PLOT_WIDTH - LEFT - 8, plot->title);
  cairo.set_font_size(cr, 11);
  for (unsigned p = 0; p < plot->panel_count; p++) {
    const struct plot_panel *panel = &plot->panels[p];
    double top = TOP + GAP / 2 + p * (panel_height(plot) + GAP);
    struct axis y = {.from = top + panel_height(plot), .to = top};
    panel_range(panel, &low, &high);
    axis_set(&y, low, high, 5);
    draw_axes(cr, &x, &y, panel, p + 1 == plot->panel_count);
    cairo.save(cr);
    if (panel->most > 0) {
      cairo.rectangle(cr, x.from - LETTERS, y.to - 4, x.to - x.from + 2 * LETTERS,
                      y.from - y.to + 16);
      cairo.clip(cr);
    }
    for (unsigned k = 0; k < panel->series_count; k++)
      draw_series(cr, &panel->series[k], &x, &y);
    cairo.restore(cr);
    draw_legend(cr, panel, &x, &y);
  }
  if (plot->ladder.count > 0) plot_ladder_draw(cr, &plot->ladder, panels_height(plot));
}

// cairo has one word for all that a system may say of a file.
struct sink {
  FILE *file;
  int error; // errno of the write that failed
};

static cairo_status_t put(void *ctx, const unsigned char *bytes, unsigned count)
{
  struct sink *sink = ctx;
  if (sink->error == 0 && fwrite(bytes, 1, count, sink->file) != count) sink->error = errno;
  return sink->error == 0 ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_status_t draw_to(struct sink *sink, const struct plot *plot, bool svg)
{
  double height = panels_height(plot) + plot_ladder_height(&plot->ladder);
  cairo_surface_t *surface =
      svg ? cairo.svg_surface_create_for_stream(put, sink, PLOT_WIDTH, height)
          : cairo.image_surface_create(CAIRO_FORMAT_RGB24, (int)PLOT_WIDTH, (int)height);
  cairo_t *cr = cairo.create(surface);
  draw(cr, plot, height);
  cairo_status_t status = cairo.status(cr);
  cairo.destroy(cr);
  if (!svg && status == CAIRO_STATUS_SUCCESS)
    status = cairo.surface_write_to_png_stream(surface, put, sink);
  cairo.surface_finish(surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo.surface_status(surface);
  cairo.surface_destroy(surface);
  return status;
}

int plot_write(const struct plot *plot, const char *path, const char **why)
{
  size_t n = strlen(path);
  bool svg = n > 4 && strcmp(path + n - 4, ".svg") == 0;
  bool png = n > 4 && strcmp(path + n - 4, ".png") == 0;
  *why = "the name must end in .svg or .png";
  if (!svg && !png) return -1;
  *why = plot_cairo_load();
  if (*why != NULL) return -1;
  struct sink sink = {.file = fopen(path, "wb")};
  if (sink.file == NULL) {
    *why = strerror(errno);
    return -1;
  }
  cairo_status_t status = draw_to(&sink, plot, svg);
  if (fclose(sink.file) != 0 && sink.error == 0) sink.error = errno;
  if (sink.error == 0 && status == CAIRO_STATUS_SUCCESS) return 0;
  *why = sink.error != 0 ? strerror(sink.error) : cairo.status_to_string(status);
  plain_file_remove(path); // half of it
  return -1;
}
