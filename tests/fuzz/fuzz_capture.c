// SPDX-License-Identifier: BSD-2-Clause
// fuzz_capture.c - any bytes as a capture file, in one piece and in many: packets within the file, in order, and
// the same story both times.
#include "fuzz/feed.h"
#include "support/captures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_all(const uint8_t *bytes, size_t count, size_t piece)
{
  struct pieces pieces = {.bytes = bytes, .count = count, .piece = piece};
  const struct estab_capture_source source = {&pieces, pieces_read};
  struct estab_capture_packet p;
  struct estab_capture_error error;
  estab_capture *c;
  uint64_t told = 7, offset = 0;
  int answer = estab_capture_open(&source, &c, &error);
  if (answer < 0) return error.offset;
  estab_capture_notes(c, true);
  while ((answer = estab_capture_next(c, &p, &error)) > 0) {
    MUST(p.offset > offset && p.offset + p.captured_bytes <= count);
    MUST(p.captured_bytes <= p.wire_bytes && p.interface < estab_capture_interfaces(c));
    offset = p.offset;
    for (uint32_t i = 0; i < p.captured_bytes; i++)
      told = told * 31 + p.bytes[i];
    if (answer == ESTAB_CAPTURE_NOTE) {
      MUST(p.captured_bytes == 0 && (p.lost_packets || p.lasted));
      told += p.lost_packets * 31 + p.lost_from_ns;
    }
    told = ((told * 31 + p.ts_ns) * 31 + p.offset) * 31 + p.linktype;
  }
  if (answer < 0)
    MUST(error.error == answer && error.offset <= count && error.text[0]);
  else
    MUST(estab_capture_offset(c) == count);
  estab_capture_close(c);
  return told * 31 + (unsigned)-answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t *exact = malloc(size ? size : 1);
  MUST(exact != NULL);
  if (size) memcpy(exact, data, size);
  const uint64_t whole = read_all(exact, size, size + 1);
  MUST(read_all(exact, size, 1 + size % 37) == whole);
  free(exact);
  return 0;
}
