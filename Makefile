# SPDX-License-Identifier: BSD-2-Clause
# For people. Each target installs what it lacks by apt and says so; the build itself is Meson's.
PREFIX ?= /usr/local
ARGS   ?=
# Public packetdrill scripts: LIST.tsv and a folder for each repository. They are not part of this one.
PACKETDRILL ?= tests/conformance/packetdrill
MAKEFLAGS += --no-print-directory

.PHONY: help build demo test long asan fuzz-smoke conformance bench install clean

help:
	@echo 'make demo        watch curl fetch a file from a TCP in user space (ARGS="--ipv6 --loss 5%")'
	@echo 'make test        everything that must pass: two compilers, sanitizers, 32-bit, big-endian'
	@echo 'make long        the large runs at their whole size, then make fuzz-long'
	@echo 'make build       build/ with tests, for work on the code'
	@echo 'make asan        the tests under AddressSanitizer and UBSan'
	@echo 'make fuzz-smoke  each fuzzer for its share of a minute'
	@echo 'make fuzz-long   each fuzzer for its count of executions, hours; goes on where it stopped (ARGS=-n: how far)'
	@echo 'make attack      every row of docs/attacks.md that has its test, with its cases (ARGS="-v B6", ARGS="--target kernel")'
	@echo 'make conformance PACKETDRILL=DIR  plays public packetdrill scripts; writes docs/conformance.md'
	@echo 'make conformance-kernel  the same scripts to this kernel, by the stock packetdrill (PACKETDRILL_BINARY=FILE; root)'
	@echo 'make referee     what the stock packetdrill says of estab, beside its own runner (PACKETDRILL_BINARY=FILE)'
	@echo 'make diff        the same stories to estab and to the kernel, what differs and why (STORIES=N, PLANT=FAULT, ARGS=-P; root)'
	@echo 'make screens     what estab watch shows, into tests/golden, the manual and the README: after an intended change'
	@echo 'make sender      tail loss, fairness, and goodput over round trip, loss and rate; writes docs/sender.md'
	@echo 'make beside      estab and the kernel on equal paths, in real time; writes docs/sender.md (root)'
	@echo 'make bench       instructions, bytes and Gbit/s; writes docs/performance.md'
	@echo 'make install     library, headers, command, man pages (PREFIX=/usr/local)'
	@echo 'make clean       remove what was built'

build:
	@tools/deps.sh build test
	@tools/setup.sh build
	@ninja -C build

# Without tests: what only uses the library and the command needs no more.
release:
	@tools/deps.sh build
	@tools/setup.sh build-release -Dtests=false -Dwerror=false -Doptimization=3 -Db_lto=true --prefix=$(PREFIX)
	@ninja -C build-release
.PHONY: release

demo: release
	@tools/deps.sh demo
	@build-release/tools/estab/estab demo $(ARGS)

test:
	@tools/deps.sh build test demo fuzz
	@tools/test.sh

# The other compiler, the sanitizers and the other machines learn nothing from size: `make test` has them.
long:
	@tools/deps.sh build test demo fuzz
	@ESTAB_LONG=1 tools/test.sh gcc
	@$(MAKE) fuzz-long

asan:
	@tools/deps.sh build test
	@tools/test.sh asan

fuzz-smoke:
	@tools/deps.sh build test fuzz
	@tools/test.sh fuzz

# 10^8 executions of the codec, 10^7 of the stack and so on, in parts: may be stopped, and goes on where it was.
fuzz-long:
	@tools/deps.sh build test fuzz
	@CC=clang tools/setup.sh build-fuzz -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=2 -Dfuzz=true \
	  -Dunit=false "-Dc_args=-fno-sanitize-recover=all -fno-sanitize-coverage=trace-cmp"
	@ninja -C build-fuzz >build-fuzz/ninja.log || { tail -20 build-fuzz/ninja.log; exit 1; }
	@tools/fuzz-long.sh $(ARGS)
.PHONY: fuzz-long

sender: release
	@ESTAB=build-release/tools/estab/estab python3 tests/sim/tail-loss.py --write
	@ESTAB=build-release/tools/estab/estab python3 tests/sim/fairness.py --write
	@ESTAB=build-release/tools/estab/estab python3 tests/sim/matrix.py --write
.PHONY: sender

# In real time: half an hour and more. ARGS="--what=share --runs=1" for a part.
beside: release
	@ESTAB=build-release/tools/estab/estab python3 tests/sim/beside.py --write $(ARGS)
.PHONY: beside

attack: build
	@tools/attack.sh build $(ARGS)
.PHONY: attack

conformance: release
	@test -f $(PACKETDRILL)/LIST.tsv || { echo 'PACKETDRILL=DIR must name the folder of the public scripts (LIST.tsv)'; exit 2; }
	@tests/conformance/needs.py $(PACKETDRILL)
	@ESTAB=build-release/tools/estab/estab tests/conformance/conformance.py $(PACKETDRILL) --write

# PACKETDRILL_BINARY names a stock packetdrill; none is built here.
referee: build
	@tests/conformance/referee.py $(PACKETDRILL) $(PACKETDRILL_BINARY) --write
.PHONY: referee

# The kernel of this machine, judged by the public scripts: root.
conformance-kernel: build
	@tests/conformance/kernel.py $(PACKETDRILL) $(PACKETDRILL_BINARY) --write
.PHONY: conformance-kernel

diff: build
	@mkdir -p build/found
	@build/tests/diff -n $(or $(STORIES),10000) -e tests/diff/explained.tsv -o build/found $(if $(PLANT),-p $(PLANT)) $(ARGS)
.PHONY: diff

screens: build
	@python3 tests/golden/transcript.py --write tests/golden/watch/*.txt docs/man/estab-watch.1.scd README.md
	@[ -z "$$ESTAB_GOLDEN" ] || \
	  python3 tests/golden/transcript.py --write --public "$$ESTAB_GOLDEN" tests/golden/watch/public/*.txt
.PHONY: screens

bench: release
	@tools/deps.sh bench
	@bench/run.sh $(ARGS)
	@ESTAB=build-release/tools/estab/estab python3 tests/sim/speed.py

install: release
	@meson install -C build-release --no-rebuild

clean:
	@rm -rf build build-*/ compile_commands.json
