// SPDX-License-Identifier: BSD-2-Clause
// plot_ladder.c - a sequence diagram: two lines of life, an arrow a segment, time on the left, states beside.
#include <stdio.h>
#include <string.h>

#include "plot_draw.h"

#define TIME_X  80.0 // times end here
#define LEFT_X  200.0
#define RIGHT_X (PLOT_WIDTH - 115.0)
#define HEAD    56.0
#define FOOT    34.0
#define ARROW   26.0 // pixels of a row with an arrow
#define WORDS   16.0 // of another one
#define SLANT   5.0  // of an arrow: nothing arrives when it is sent
#define POINT   8.0  // of its head
#define TEXT    11.0 // pixels of letters

struct plot_row *plot_row_add(struct plot_ladder *ladder)
{
  struct plot_row *more = plot_more(ladder->rows, ladder->count, sizeof *more);
  if (more == NULL) return NULL;
  ladder->rows = more;
  struct plot_row *row = &ladder->rows[ladder->count++];
  memset(row, 0, sizeof *row);
  return row;
}

static double row_height(const struct plot_row *row)
{
  return row->arrow != 0 ? ARROW : WORDS;
}

double plot_ladder_height(const struct plot_ladder *ladder)
{
  if (ladder->count == 0) return 0;
  double height = HEAD + FOOT;
  for (size_t i = 0; i < ladder->count; i++)
    height += row_height(&ladder->rows[i]);
  return height;
}

static void draw_arrow(cairo_t *cr, const struct plot_row *row, double y)
{
  const double from = row->arrow > 0 ? LEFT_X : RIGHT_X, to = row->arrow > 0 ? RIGHT_X : LEFT_X;
  char time[32];
  snprintf(time, sizeof time, "%.6f", row->at_s);
  cairo.set_source_rgb(cr, 0.35, 0.35, 0.35);
  plot_text(cr, TIME_X, y, 1, time);
  plot_color(cr, row->arrow > 0 ? 0 : 2, 1);
  cairo.set_line_width(cr, 1.2);
  cairo.move_to(cr, from, y);
  cairo.line_to(cr, to, y + SLANT);
  cairo.stroke(cr);
  cairo.move_to(cr, to, y + SLANT);
  cairo.line_to(cr, to - row->arrow * POINT, y + SLANT - POINT / 2);
  cairo.line_to(cr, to - row->arrow * POINT, y + SLANT + POINT / 2);
  cairo.close_path(cr);
  cairo.fill(cr);
  cairo.set_source_rgb(cr, 0, 0, 0);
  plot_fit(cr, TEXT, (LEFT_X + RIGHT_X) / 2, y - 2, 0.5, RIGHT_X - LEFT_X - 2 * POINT, row->text);
}

static void draw_states(cairo_t *cr, const struct plot_row *row, double y)
{
  cairo.set_source_rgb(cr, 0, 0, 0);
  if (row->state[0][0] != '\0')
    plot_fit(cr, TEXT, LEFT_X - 8, y, 1, LEFT_X - TIME_X - 16, row->state[0]);
  if (row->state[1][0] != '\0')
    plot_fit(cr, TEXT, RIGHT_X + 8, y + (row->arrow != 0 ? SLANT : 0), 0, PLOT_WIDTH - RIGHT_X - 12,
             row->state[1]);
}

void plot_ladder_draw(cairo_t *cr, const struct plot_ladder *ladder, double top)
{
  const double bottom = top + plot_ladder_height(ladder) - FOOT;
  cairo.set_font_size(cr, TEXT);
  cairo.set_source_rgb(cr, 0, 0, 0);
  plot_fit(cr, TEXT, TIME_X, top + 20, 0, 400, ladder->end[0]);
  plot_fit(cr, TEXT, PLOT_WIDTH - 8, top + 20, 1, 400, ladder->end[1]);
  cairo.set_source_rgb(cr, 0.6, 0.6, 0.6);
  cairo.set_line_width(cr, 1);
  for (unsigned i = 0; i < 2; i++) {
    cairo.move_to(cr, i ? RIGHT_X : LEFT_X, top + 30);
    cairo.line_to(cr, i ? RIGHT_X : LEFT_X, bottom);
    cairo.stroke(cr);
  }
  double y = top + HEAD;
  for (size_t i = 0; i < ladder->count; i++) {
    const struct plot_row *row = &ladder->rows[i];
    if (row->arrow != 0)
      draw_arrow(cr, row, y);
    else if (row->text[0] != '\0') {
      cairo.set_source_rgb(cr, 0.35, 0.35, 0.35);
      plot_fit(cr, TEXT, LEFT_X + 16, y - 2, 0, RIGHT_X - LEFT_X - 32, row->text);
    }
    draw_states(cr, row, y);
    y += row_height(row);
  }
  cairo.set_source_rgb(cr, 0.35, 0.35, 0.35);
  plot_fit(cr, TEXT, TIME_X, bottom + 20, 0, PLOT_WIDTH - TIME_X - 8, ladder->foot);
}
