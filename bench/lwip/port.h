// SPDX-License-Identifier: BSD-2-Clause
// port.h - the bench's handles on lwIP's port: its clock, and what its pools hold.
#ifndef ESTAB_BENCH_LWIP_PORT_H
#define ESTAB_BENCH_LWIP_PORT_H

#include <stddef.h>
#include <stdint.h>

// What sys_now() answers, milliseconds. Whoever drives lwIP moves it.
extern uint32_t bench_lwip_now_ms;

// Bytes of all pool elements handed out, whatever the pool.
size_t bench_lwip_bytes_in_use(void);

// Takes TCP control blocks out of the pool for good until `keep` are left. lwIP is at its fastest
// with few: a TIME-WAIT then gives way at once to the next connection.
void bench_lwip_leave_pcbs(size_t keep);

#endif
