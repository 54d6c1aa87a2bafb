// SPDX-License-Identifier: BSD-2-Clause
// plot.h - line charts below each other over one axis of time, and below them a sequence diagram, by libcairo: SVG or
// PNG by the file's name.
#ifndef ESTAB_TOOL_PLOT_H
#define ESTAB_TOOL_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#define PLOT_PANELS 8
#define PLOT_SERIES 32 // in one panel

enum plot_style {
  PLOT_LINE,
  PLOT_STEPS,    // a value holds until the next
  PLOT_DOTS,     // unconnected
  PLOT_SEGMENTS, // from y to y2 at one x: a segment's octets in a time-sequence graph
  PLOT_LETTERS,  // the series' letter, above y
};

struct plot_series {
  char name[48]; // "" = not in the legend
  enum plot_style style;
  unsigned color; // 0..7, one palette for all panels
  char letter[4]; // PLOT_LETTERS
  bool below;     // PLOT_LETTERS: below y
  bool faint;     // thin and half transparent: there may be many
  size_t count;
  double *x, *y, *y2; // y2: PLOT_SEGMENTS only
};

struct plot_panel {
  char title[64], unit[24]; // "congestion window", "KiB"
  bool from_zero;           // the axis begins at 0 whatever the least value
  double most;              // of the axis: what is above is cut away. 0 = as the values ask
  unsigned series_count;
  struct plot_series series[PLOT_SERIES];
};

// Of a sequence diagram. What is too long is made small.
struct plot_row {
  int arrow;         // 1 = from left to right, -1 = back, 0 = none
  double at_s;       // with an arrow
  char text[200];    // along the arrow, or across
  char state[2][20]; // left and right; "" = as before
};

struct plot_ladder {
  char end[2][160], foot[200]; // who stands left and right
  size_t count;
  struct plot_row *rows;
};

struct plot {
  char title[256];
  double panel_height; // pixels, 0 = 220
  unsigned panel_count;
  struct plot_panel panels[PLOT_PANELS];
  struct plot_ladder ladder; // count 0: there is none
};

// A new panel or series; NULL when there is no room for one more.
struct plot_panel *plot_panel_add(struct plot *plot, const char *title, const char *unit);
struct plot_series *plot_series_add(struct plot_panel *panel, const char *name,
                                    enum plot_style style, unsigned color);
// y2 counts for PLOT_SEGMENTS. false: no memory.
bool plot_point(struct plot_series *series, double x, double y, double y2);
// The next one, all empty. NULL: no memory.
struct plot_row *plot_row_add(struct plot_ladder *ladder);
// 0, or -1 and *why: the name ends in neither .svg nor .png, or what the system said.
int plot_write(const struct plot *plot, const char *path, const char **why);
void plot_free(struct plot *plot);

#endif
