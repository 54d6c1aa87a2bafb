// SPDX-License-Identifier: BSD-2-Clause
// estab_all.c - the whole core in one file: cc -std=c17 -Iinclude -Isrc -c src/estab_all.c
// Written by tools/estab-all.sh; do not edit.

// base

// wire

// proto

// tcp

// ip

// link

// udp

// stack
