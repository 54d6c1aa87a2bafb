// SPDX-License-Identifier: BSD-2-Clause
// test_pcap.c - capture files hold what a wire could have carried, and say when they could not be written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "estab/driver.h"
#include "support/packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t word(FILE *f)
{
  uint32_t w;
  assert_int_equal(fread(&w, 4, 1, f), 1);
  return w;
}

static void super_segment(void **state)
{
  static uint8_t bytes[66000];
  char path[] = "/tmp/estab-test-XXXXXX";
  struct estab_device_error error;
  struct estab_frame f;
  estab_pcap *pcap;
  (void)state;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(estab_pcap_open(path, ESTAB_LINK_RAW, 1000, &pcap, &error), 0);
  packet_frame(&f, bytes, packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, 1, 2500, 0), 0);
  f.gso_type = ESTAB_GSO_TCP4;
  f.gso_bytes = 1000;
  assert_int_equal(estab_pcap_write(pcap, 1000 + 7, &f), 0);
  assert_int_equal(estab_pcap_close(pcap), 0);

  FILE *file = fdopen(fd, "rb");
  assert_int_equal(word(file), 0xa1b23c4d);
  assert_int_equal(word(file), 2 | 4 << 16);
  for (int i = 0; i < 3; i++)
    word(file);
  assert_int_equal(word(file), 101);
  for (int i = 0; i < 3; i++) {
    uint8_t packet[2000];
    struct estab_packet p;
    word(file);
    word(file);
    uint32_t n = word(file);
    assert_int_equal(word(file), n);
    assert_int_equal(fread(packet, 1, n, file), n);
    assert_true(estab_packet_parse(ESTAB_LINK_RAW, packet, n, false, &p) > 0);
    assert_int_equal(p.tcp.seq, 1 + i * 1000);
    assert_int_equal(p.payload_bytes, i == 2 ? 500 : 1000);
  }
  assert_int_equal(fgetc(file), EOF);
  fclose(file);
  unlink(path);
}

static void no_room(void **state)
{
  struct estab_device_error error;
  struct estab_frame f;
  uint8_t bytes[2000];
  estab_pcap *pcap;
  (void)state;
  assert_int_equal(estab_pcap_open("/nowhere/x.pcap", ESTAB_LINK_RAW, 0, &pcap, &error),
                   ESTAB_ERR_INVALID);
  assert_null(pcap);
  assert_string_equal(error.text, "open the capture file: No such file or directory");
  assert_int_equal(estab_pcap_open("/dev/full", ESTAB_LINK_RAW, 0, &pcap, &error), 0);
  packet_frame(&f, bytes, packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, 1, 100, 0), 0);
  estab_pcap_write(pcap, 0, &f);
  assert_true(estab_pcap_close(pcap) < 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(super_segment),
      cmocka_unit_test(no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
