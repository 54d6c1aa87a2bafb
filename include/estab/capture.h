// SPDX-License-Identifier: BSD-2-Clause
// capture.h - capture files: pcap and pcapng pulled packet by packet, whatever is in them.
//
//   struct estab_capture_error error;
//   estab_capture *c;
//   if (estab_capture_open_fd(fd, &c, &error) < 0) say(error.text);
//   while ((answer = estab_capture_next(c, &packet, &error)) > 0) ...
//   if (answer < 0) say(error.text, error.offset);      all before the damage was given
//   estab_capture_close(c);
//
// Nothing is asked of the files but what the formats ask: interfaces of several link types, several sections,
// either byte order, any resolution of time. A packet stays in the buffer that it was read into. Lengths are
// believed only once as many bytes have come: no file makes the reader take more than twice what it holds.
#ifndef ESTAB_CAPTURE_H
#define ESTAB_CAPTURE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

// Where the bytes come from: a file, a pipe, something that unpacks.
struct estab_capture_source {
  void *ctx;
  // Fills up to `room` bytes, waiting for at least one. Answers how many, 0 = that was all, or a negative
  // enum estab_error.
  ptrdiff_t (*read)(void *ctx, void *bytes, size_t room);
};

struct estab_capture_error {
  int error; // enum estab_error: ESTAB_ERR_INVALID: damaged, no capture at all, or not to be read;
             // ESTAB_ERR_UNSUPPORTED: packed, or a kind of capture that is not read;
             // ESTAB_ERR_NO_MEMORY; or what the source answered
  uint64_t offset; // bytes from the start to the record that cannot be read
  bool cut;        // it is whole so far, but the file ends within it
  char text
      [160]; // one line without full stop: "packet at 4711: captured length 70000000 is impossible"
};

struct estab_capture_packet {
  // since 1970-01-01, at most ESTAB_TIME_MAX. A simple packet block has no time: that of the one before it
  uint64_t ts_ns;
  uint64_t offset;         // bytes from the file's start to the packet's record
  uint32_t interface;      // from 0 in order of appearance, over all sections; pcap: 0
  uint32_t linktype;       // LINKTYPE_*, see enum estab_linktype in watch.h
  uint32_t captured_bytes; // that are there
  uint32_t wire_bytes;     // of the packet on the wire; never fewer
  const uint8_t *bytes;    // until the next call; of a note NULL
  // Of a note alone, see estab_capture_notes():
  uint64_t lost_packets; // that the capturing system could not keep, of this interface
  uint64_t lost_from_ns; // between then and ts_ns; 0 = not known
  bool lasted;           // ts_ns can be relied on: until then the capture went on
};

#define ESTAB_CAPTURE_PACKET_MAX (16u << 20) // bytes of a record, of either format: more is damage

enum estab_capture_format {
  ESTAB_CAPTURE_PCAP,
  ESTAB_CAPTURE_PCAPNG,
};

typedef struct estab_capture estab_capture;

// Reads the file header. `source` is copied; its ctx lives longer than the capture. Answers 0, or an error with
// *error filled and *out NULL. error may be NULL.
ESTAB_API int estab_capture_open(const struct estab_capture_source *source, estab_capture **out,
                                 struct estab_capture_error *error);
// The same of a descriptor, which stays the caller's to close.
ESTAB_API int estab_capture_open_fd(int fd, estab_capture **out, struct estab_capture_error *error);
ESTAB_API void estab_capture_close(estab_capture *c); // NULL: nothing happens

// 1 and the next packet; 0: there are no more; negative: the file cannot be read further, *error says why and
// where (may be NULL), and every later call answers the same.
ESTAB_API int estab_capture_next(estab_capture *c, struct estab_capture_packet *packet,
                                 struct estab_capture_error *error);

// With true, estab_capture_next() also answers ESTAB_CAPTURE_NOTE where a pcapng file says that packets were lost,
// or how long the capture lasted (of the latter only files that estab wrote are believed: what moves the packets'
// times seldom moves these).
ESTAB_API void estab_capture_notes(estab_capture *c, bool wanted);
#define ESTAB_CAPTURE_NOTE 2

// The packet behind the one that came last, where it was read along with it: its captured bytes, good until the next
// call, and their link type. NULL: it was not, which says nothing about whether there is one.
ESTAB_API const uint8_t *estab_capture_ahead(const estab_capture *c, uint32_t *linktype,
                                             size_t *captured_bytes);

ESTAB_API enum estab_capture_format estab_capture_format(const estab_capture *c);
ESTAB_API uint64_t estab_capture_offset(const estab_capture *c); // bytes read so far, records only
ESTAB_API uint32_t estab_capture_interfaces(const estab_capture *c); // described so far

#ifdef __cplusplus
}
#endif
#endif
