// SPDX-License-Identifier: BSD-2-Clause
// scene.h - textbook situations between two live stacks, drawn from their trace events alone.
#ifndef ESTAB_SIM_SCENE_H
#define ESTAB_SIM_SCENE_H

#include "sim.h"

struct ladder;

struct stage {
  struct sim sim;
  struct ladder *ladder;
  bool lossy; // the next packet that is sent from side lossy_side is lost
};

struct scene {
  const char *name, *title;
  const char *about; // a sentence or two
  void (*play)(struct stage *stage);
  uint32_t recv_buffer_bytes; // of both hosts, 0 = as set
};

// Ends with a scene without name.
extern const struct scene scenes[];
const struct scene *scene_find(const char *name);

struct scene_options {
  bool json;
  bool ascii;
  const char *pcap; // a file, or NULL
};
// 0 or an exit status. settings: of both hosts, the link's delay.
int scene_show(const struct scene *scene, const struct sim_settings *settings,
               const struct scene_options *options);

// stage.c: what a scene is made of. Side 0 is the client, drawn on the left.
void stage_listen(struct stage *stage);
void stage_connect(struct stage *stage);
// Both ends connect to each other at the same moment.
void stage_connect_both(struct stage *stage);
void stage_open(struct stage *stage); // listen, connect, until both are ESTABLISHED
// The client connects to a port of the server and waits for what comes; an open connection is aborted.
void stage_try(struct stage *stage, uint16_t port);
// A bare segment with these flags and no option that no stack of the client knows of, as scanners send them.
void stage_probe(struct stage *stage, uint16_t flags, uint16_t port);
void stage_send(struct stage *stage, unsigned side, unsigned bytes);
void stage_close(struct stage *stage, unsigned side);
void stage_abort(struct stage *stage, unsigned side);
void stage_stop_reading(struct stage *stage, unsigned side, bool stop);
// The next `count` packets that side sends are lost.
void stage_lose(struct stage *stage, unsigned side, unsigned count);
// The host loses its memory of everything.
void stage_restart(struct stage *stage, unsigned side);
void stage_note(struct stage *stage, const char *text);
void stage_run(struct stage *stage, uint64_t ms);
// Until nothing more will happen, TIME-WAIT included.
void stage_finish(struct stage *stage);

#endif
