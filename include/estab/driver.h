// SPDX-License-Identifier: BSD-2-Clause
// driver.h - devices: what carries frames between a stack and the world, and what wraps a device.
//
// A device is a value: a table of operations, the driver's own state, and what a stack needs to
// know of it (`netif`). Middleware takes a device and is one: trace(fault(pcap(tun))).
//
//   struct estab_device dev;
//   struct estab_device_error error;
//   if (estab_device_open_tun(&settings, &dev, &error) < 0) say(error.text, error.remedy);
//   estab_device_attach(&dev, stack);
//   for (;;) { estab_run_once(stack, &dev, ESTAB_NEVER); handle the stack's events; }
//   estab_device_close(&dev);
//
// This is the only part of the library with system calls in it; the core never calls it.
#ifndef ESTAB_DRIVER_H
#define ESTAB_DRIVER_H

#include "base.h"
#include "estab.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pollfd; // <poll.h>

// Nanoseconds of the monotonic clock: the `now_ns` of programs that run in real time.
ESTAB_API uint64_t estab_clock_ns(void);

// The C library's malloc behind the memory door: estab_settings.mem, estab_watch_settings.mem. With thousands of
// connections each is met cold, and huge pages pay: glibc's malloc takes them when the program is started with
// GLIBC_TUNABLES=glibc.malloc.hugetlb=1.
ESTAB_API struct estab_mem estab_system_mem(void);

// The kernel's random bytes, getrandom(2): estab_settings.random, and what fills its `secret`.
//   settings.random = estab_system_random();
//   settings.random.fill(NULL, settings.secret, sizeof settings.secret);
ESTAB_API struct estab_random estab_system_random(void);

// ---------------------------------------------------------------------------------------------
// Errors of opening and of a device that is gone

struct estab_device_error {
  int error;        // enum estab_error
  int sys_errno;    // of the system call that failed, 0 = none did
  const char *call; // that call, "open /dev/net/tun"; "" = none; a literal, never freed
  char text
      [160]; // what went wrong, one line without full stop: "open /dev/net/tun: Permission denied"
  char remedy[160]; // what to do about it, one line; "" = nothing is known
};

// ---------------------------------------------------------------------------------------------
// Devices

#define ESTAB_DEVICE_BATCH      32 // frames that recv gives and send is offered at once, at most
#define ESTAB_DEVICE_NAME_BYTES 32

struct estab_device;

struct estab_device_counters {
  uint64_t frames_in, bytes_in, frames_out, bytes_out;
  uint64_t segments_in, segments_out; // super-segments counted as what they stand for
  uint64_t dropped_in, dropped_out;   // cut short, oversized, or refused by the system for good
};

// What a driver implements. Times are the caller's: real or virtual, see estab_clock_ns().
struct estab_device_ops {
  // Fills up to count frames and answers how many. They stay valid until the next recv on this
  // device. Negative: the device is gone, dev->error says why.
  int (*recv)(struct estab_device *dev, uint64_t now_ns, struct estab_frame *frames,
              unsigned count);
  // Takes frames from the first on and answers how many; fewer than count: it is full for now,
  // offer the rest again when fd is writable or the deadline has come. It has copied or sent what
  // it took. Negative: the device is gone.
  int (*send)(struct estab_device *dev, uint64_t now_ns, const struct estab_frame *frames,
              unsigned count);
  // When recv wants to be called next though fd is silent; ESTAB_NEVER = not. NULL = never.
  uint64_t (*deadline)(struct estab_device *dev);
  // Middleware: the device it wraps. NULL: it wraps none.
  const struct estab_device *(*inner)(const struct estab_device *dev);
  void (*close)(struct estab_device *dev);
};

// Opaque but for what is written here. May be moved by assignment until it is wrapped; not copied.
struct estab_device {
  const struct estab_device_ops *ops;
  void *state;                        // the driver's own
  int fd;                             // for poll; -1 = none: ask it
  uint32_t number;                    // the stack's number for it, put into each received frame
  struct estab_netif_settings netif;  // for estab_netif_add(); filled by the driver
  char name[ESTAB_DEVICE_NAME_BYTES]; // "tun:estab0"
  struct estab_device_counters counters;
  struct estab_device_error error; // set before a negative answer
};

ESTAB_API int estab_device_recv(struct estab_device *dev, uint64_t now_ns,
                                struct estab_frame *frames, unsigned count);
ESTAB_API int estab_device_send(struct estab_device *dev, uint64_t now_ns,
                                const struct estab_frame *frames, unsigned count);
ESTAB_API uint64_t estab_device_deadline(struct estab_device *dev);
// Closes it and all that it wraps. A zeroed device may be closed.
ESTAB_API void estab_device_close(struct estab_device *dev);
// estab_netif_add() with dev->netif; remembers the number. Answers it, or an error.
ESTAB_API int estab_device_attach(struct estab_device *dev, estab_stack *s);

// ---------------------------------------------------------------------------------------------
// Drivers. Each constructor answers 0 or an ESTAB_ERR_* with *error filled, and then *out is zero.

// TUN (IP packets) and TAP (Ethernet) of Linux.
struct estab_tun_settings {
  size_t struct_bytes;
  const char *name; // existing or to be made; NULL or "" = the kernel chooses
  uint16_t
      mtu;  // of an interface that is made now, 0 = 1500; of one that exists already it is asked
  bool gso; // IFF_VNET_HDR: super-segments up to 64 KiB and unfinished checksums both ways
  uint8_t mac[6]; // TAP: the stack's own hardware address; zero = chosen at random
};
ESTAB_API void estab_tun_settings_default(struct estab_tun_settings *settings); // gso on
ESTAB_API int estab_device_open_tun(const struct estab_tun_settings *settings,
                                    struct estab_device *out, struct estab_device_error *error);
ESTAB_API int estab_device_open_tap(const struct estab_tun_settings *settings,
                                    struct estab_device *out, struct estab_device_error *error);

// AF_PACKET on an Ethernet interface that exists. The stack has a hardware address of its own on
// it; what the kernel sends from this very interface is not seen, what arrives for the kernel is
// not answered.
struct estab_packet_settings {
  size_t struct_bytes;
  const char *name; // of the interface
  bool gso;         // offer super-segments to it (it may deliver merged ones either way)
  uint8_t mac[6];   // zero = chosen at random
};
ESTAB_API void estab_packet_settings_default(struct estab_packet_settings *settings); // gso on
ESTAB_API int estab_device_open_packet(const struct estab_packet_settings *settings,
                                       struct estab_device *out, struct estab_device_error *error);

// Two ends in one process: what is sent into one is received from the other, copied. (To pass
// frames without a copy no device is needed: what estab_stack_output() gives, estab_stack_input()
// of another stack takes.)
enum estab_pair_gso {
  ESTAB_PAIR_PLAIN, // frames of at most the MTU, checksums filled in
  ESTAB_PAIR_WHOLE, // super-segments pass whole, checksums unfinished
  ESTAB_PAIR_CUT, // takes super-segments, cuts them on the way and merges what belongs together again
};
struct estab_pair_settings {
  size_t struct_bytes;
  uint8_t link; // enum estab_link
  uint8_t gso;  // enum estab_pair_gso
  uint16_t mtu;
  uint32_t queue_bytes; // each way; a full queue takes no more
  uint64_t delay_ns;    // each way
  uint8_t mac[2][6];    // Ethernet: zero = 02:00:00:00:00:01 and :02
};
ESTAB_API void estab_pair_settings_default(struct estab_pair_settings *settings);
ESTAB_API int estab_device_open_pair(const struct estab_pair_settings *settings,
                                     struct estab_device out[2], struct estab_device_error *error);

// ---------------------------------------------------------------------------------------------
// Middleware. *dev is wrapped in place and *dev becomes the wrapper; on an error it stays as it
// was.

// One line a packet: time, direction, and the packet as engineers read it. Called synchronously.
struct estab_line_hook {
  void *ctx;
  void (*line)(void *ctx, const char *text); // no line end in text
};
ESTAB_API int estab_device_wrap_trace(struct estab_device *dev, struct estab_line_hook hook,
                                      struct estab_device_error *error);

// What happens to frames in one direction. Super-segments are cut first, as a wire would have them.
struct estab_fault_rates {
  uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm; // of a million frames
  uint32_t reorder_frames; // a reordered frame is overtaken by at most this many, 0 = 3
  uint64_t delay_ns;       // every frame
  uint64_t jitter_ns;      // and up to this much more; may reorder
};
struct estab_fault_counters {
  uint64_t frames, lost, duplicated, reordered, corrupted;
};
struct estab_fault_settings {
  size_t struct_bytes;
  uint64_t seed;                    // equal seeds and frames: equal faults
  struct estab_fault_rates out, in; // as the stack sees it: out = what it sends
  uint32_t queue_frames; // frames under way in one direction; beyond it sends are not taken
};
ESTAB_API void estab_fault_settings_default(struct estab_fault_settings *settings); // no faults
ESTAB_API int estab_device_wrap_fault(struct estab_device *dev,
                                      const struct estab_fault_settings *settings,
                                      struct estab_device_error *error);
// Of the outermost fault middleware in dev; ESTAB_ERR_INVALID if there is none.
ESTAB_API int estab_device_fault_counters(const struct estab_device *dev,
                                          struct estab_fault_counters *out,
                                          struct estab_fault_counters *in);

// Writes every frame both ways to a capture file, as a wire could have carried it: super-segments
// cut, checksums filled in. `pcap` outlives the device.
typedef struct estab_pcap estab_pcap;
ESTAB_API int estab_device_wrap_pcap(struct estab_device *dev, estab_pcap *pcap,
                                     struct estab_device_error *error);

// ---------------------------------------------------------------------------------------------
// Capture files: pcap with nanoseconds, link type raw IP or Ethernet

// Makes or empties the file. now_ns and the wall clock are read together, so that later times can
// be written as dates. ESTAB_NEVER: later times are dates, nanoseconds since 1970, as in a simulator
// whose files are to repeat.
ESTAB_API int estab_pcap_open(const char *path, enum estab_link link, uint64_t now_ns,
                              estab_pcap **out, struct estab_device_error *error);
ESTAB_API int estab_pcap_write(estab_pcap *pcap, uint64_t now_ns, const struct estab_frame *frame);
ESTAB_API int estab_pcap_flush(estab_pcap *pcap);
// Flushes and closes: 0, or an error if anything written since the opening was lost.
ESTAB_API int estab_pcap_close(estab_pcap *pcap);

// ---------------------------------------------------------------------------------------------
// Super-segments in software

// How many frames a wire would need for this one: 1 if it is not a super-segment.
ESTAB_API unsigned estab_gso_count(const struct estab_frame *frame);
// Writes the index-th of them, whole, headers made and checksums filled in, into bytes. Answers its
// length, or ESTAB_ERR_TOO_BIG (room), ESTAB_ERR_INVALID (no such index, or not what gso_type
// says).
ESTAB_API int estab_gso_cut(const struct estab_frame *frame, unsigned index, uint8_t *bytes,
                            size_t room);
// Completes an unfinished checksum in a contiguous frame: false if start and offset do not fit.
ESTAB_API bool estab_checksum_complete(uint8_t *bytes, size_t n, size_t start, size_t offset);

// A super-segment being merged. bytes[0..length) is a frame with valid checksums if segments is 1.
struct estab_gro {
  uint8_t *bytes; // caller's buffer
  size_t room, length;
  uint16_t l3_offset, l4_offset;
  uint16_t gso_bytes; // text of the first segment
  uint16_t segments;  // 0 = empty
  uint8_t gso_type;   // enum estab_gso
  bool finished;      // nothing more may be added: PSH, FIN or a shorter segment came
  uint32_t next_seq;
};
// Adds a frame if it goes on where the super-segment ends and differs in nothing that would be
// lost. true: taken. An empty one takes any frame. l3_offset as in struct estab_frame.
ESTAB_API bool estab_gro_merge(struct estab_gro *gro, const uint8_t *bytes, size_t n,
                               uint16_t l3_offset);
// Makes it a frame for estab_stack_input(); the bytes stay in gro.
ESTAB_API void estab_gro_frame(struct estab_gro *gro, struct estab_frame *frame);

// ---------------------------------------------------------------------------------------------
// The loop

// One turn: what the stack wants to send goes to the device; waits until a packet comes, a deadline
// of either is due, or until_ns (0 = do not wait, ESTAB_NEVER = as long as it takes); hands over
// what came. Answers how many frames moved, or a negative error when the device is gone. Handle the
// stack's events between turns. A signal ends the wait.
ESTAB_API int estab_run_once(estab_stack *s, struct estab_device *dev, uint64_t until_ns);
// The same, waiting on the caller's descriptors too; their revents are filled.
ESTAB_API int estab_run_once_with(estab_stack *s, struct estab_device *dev, uint64_t until_ns,
                                  struct pollfd *fds, unsigned count);

// ---------------------------------------------------------------------------------------------
// The host's side: namespaces and interfaces, without other programs

// Moves this process into a network namespace of its own, which ends with its last process;
// loopback is up in it. Without privileges it takes a user namespace too, in which this user is
// root.
ESTAB_API int estab_host_unshare(struct estab_device_error *error);
// Two Ethernet interfaces joined by a cable. `end` is meant for AF_PACKET: it gets no addresses by
// itself.
ESTAB_API int estab_host_veth(const char *name, const char *end, uint16_t mtu,
                              struct estab_device_error *error);
ESTAB_API int estab_host_remove(const char *name, struct estab_device_error *error);
ESTAB_API int estab_host_up(const char *name, bool up, struct estab_device_error *error);
ESTAB_API int estab_host_mtu(const char *name, uint16_t mtu, struct estab_device_error *error);
ESTAB_API int estab_host_address(const char *name, const struct estab_ip *ip, unsigned prefix_bits,
                                 struct estab_device_error *error);
// prefix_bits within the address's own family; gateway NULL = on link.
ESTAB_API int estab_host_route(const char *name, const struct estab_ip *prefix,
                               unsigned prefix_bits, const struct estab_ip *gateway,
                               struct estab_device_error *error);
// Writes a value below /proc/sys: estab_host_sysctl("net/ipv4/tcp_congestion_control", "cubic",
// &error).
ESTAB_API int estab_host_sysctl(const char *path, const char *value,
                                struct estab_device_error *error);

#ifdef __cplusplus
}
#endif
#endif
