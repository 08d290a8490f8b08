# SPDX-License-Identifier: Apache-2.0
# How tests are built and run; included by the Makefile.
# make check   all that needs no root       make test           and the live tests (root)
# make unit    build the unit tests         make test-programs  build all that the tests run
# make lint    clang-tidy and cppcheck
# make fuzz    run the fuzzers for long     FUZZ_SECONDS=N      for all fuzzers together: 600, and 30 in make check
# make test-vm the kernel matrix            CELLS='5.10 newest' of tools/vm/cells; all without
include tests/progs/progs.mk
include tests/truth/truth.mk
include tests/faults/faults.mk

SANITIZE     := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZING      := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer

UNITS   := $(patsubst tests/unit/%.c,$(B)/asan/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
LIVE    := $(sort $(wildcard tests/live/*.bats))
CLI     := $(sort $(wildcard tests/cli/*.bats))

$(B)/.check-deps: tools/need tools/packages | $(B)/.deps
	$(Q)tools/need check && touch $@
$(B)/.test-deps: tools/need tools/packages | $(B)/.check-deps
	$(Q)tools/need test && touch $@

# --- unit tests: everything but main(), with the sanitizers, as an archive so that a test links what it uses
$(B)/asan/%.o: %.c | $(SKELETON) $(B)/.check-deps
	$(call say,CC,'$< (asan)')
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -O1 -g $(SANITIZE) $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@
$(B)/asan/all.a: $(SOURCES:%.c=$(B)/asan/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/asan/unit/%: tests/unit/%.c $(B)/asan/all.a
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -O1 -g $(SANITIZE) $(WARN) -Wno-missing-prototypes $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -MF $@.d -MT $@ -o $@ $< $(B)/asan/all.a $(UNIT_LDFLAGS) $(PKG_LIBS) -lm -lcmocka
unit: $(UNITS)

# As Go and most distributions write theirs.
$(B)/asan/unit/test_source_lines: UNIT_LDFLAGS := -Wl,--compress-debug-sections=zlib $(B)/asan/unit/namespaced.o
$(B)/asan/unit/test_source_lines: $(B)/asan/unit/namespaced.o
$(B)/asan/unit/namespaced.o: tests/unit/namespaced.cc | $(SKELETON) $(B)/.check-deps
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -O1 -g -fno-sanitize=all -c $< -o $@

# A kernel that refuses what is attached late.
$(B)/asan/unit/test_live_reads: UNIT_LDFLAGS := -Wl,--wrap=capture_watch_reads

# The program with the sanitizers, for a live capture.
$(B)/asan/loopstall: $(B)/asan/src/cli/main.o $(B)/asan/all.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ $(PKG_LIBS)

# --- fuzzers
$(B)/fuzz/%.o: %.c | $(SKELETON) $(B)/.check-deps
	$(call say,CC,'$< (fuzz)')
	$(Q)mkdir -p $(@D) && $(CLANG) $(STD) -O1 -g -fsanitize=fuzzer-no-link $(FUZZING) $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@
$(B)/fuzz/all.a: $(SOURCES:%.c=$(B)/fuzz/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/fuzz/%: tests/fuzz/%.c $(B)/fuzz/all.a
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(STD) -O1 -g -fsanitize=fuzzer $(FUZZING) $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -MF $@.d -MT $@ -o $@ $< $(B)/fuzz/all.a $(PKG_LIBS) -lm -lcmocka
fuzzers: $(FUZZERS)
fuzz: $(FUZZERS)
	@tests/fuzz/smoke $(or $(FUZZ_SECONDS),600) $(FUZZERS)

# What they reach, after a run of them: built without sanitizers, for llvm-cov
COVERAGE := -fprofile-instr-generate -fcoverage-mapping
$(B)/cov/%.o: %.c | $(SKELETON) $(B)/.check-deps
	$(call say,CC,'$< (coverage)')
	$(Q)mkdir -p $(@D) && $(CLANG) $(STD) -O1 -g $(COVERAGE) -fsanitize=fuzzer-no-link $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@
$(B)/cov/all.a: $(SOURCES:%.c=$(B)/cov/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/cov/fuzz_%: tests/fuzz/fuzz_%.c $(B)/cov/all.a
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(STD) -O1 -g $(COVERAGE) -fsanitize=fuzzer $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -MF $@.d -MT $@ -o $@ $< $(B)/cov/all.a $(PKG_LIBS) -lm -lcmocka
fuzz-coverage: $(patsubst $(B)/fuzz/%,$(B)/cov/%,$(FUZZERS))
	@tests/fuzz/coverage $^

# --- the BPF programs in user space
include tests/bpf/bpf.mk

# --- all of it; one counting runner, so that the last line counts everything
CHECKS := --at-once 2 'format=tools/format --check' tools/shape 'generated=tools/generate --check' $(UNITS) $(BPF_TESTS) $(CLI) \
	--at-once 1 'fuzz=tests/fuzz/smoke $(or $(FUZZ_SECONDS),30) $(FUZZERS)'

# Our stacks against gdb's: a program of its own that asks the resolver about a process.
$(B)/live/unwind_once: tests/live/unwind_once.c $(OBJECTS)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) -o $@ $^ $(PKG_LIBS)

# A file system that stops to answer.
$(B)/live/fuse_hang: tests/live/fuse_hang.c
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE $(CFLAGS) $(WARN) -o $@ $<

# Live tests mostly sleep: two suites at a time, the long ones first. Alone stand those that need the machine: a client that probes at random
# moments, loops without a CPU, and storms.
LIVE_ALONE := $(addprefix tests/live/,arrivals.bats cpu.bats faults.bats)
LIVE_LONG  := $(addprefix tests/live/,python.bats frameworks.bats truth.bats progs.bats node.bats)
LIVE_TESTS := --at-once 2 $(LIVE_LONG) $(filter-out $(LIVE_ALONE) $(LIVE_LONG),$(LIVE)) \
	'unwind=tests/live/unwind_gdb.sh $(B)/live/unwind_once' --at-once 1 $(LIVE_ALONE)

lint: $(SKELETON)
	@tools/lint

check-programs: loopstall $(UNITS) $(BPF_TESTS) $(FUZZERS)
test-programs: check-programs $(B)/asan/loopstall $(PROGS) $(TRUTHS) $(FAULTS) $(B)/live/unwind_once $(B)/live/fuse_hang | $(B)/.test-deps

check: check-programs
	@tests/run $(CHECKS)
test: test-programs
	@[ "$$(id -u)" -eq 0 ] || { echo 'make test traces: run it as root, or make check' >&2; exit 1; }
	@tests/run $(CHECKS) tools/lint $(LIVE_TESTS) $(if $(VM),$(VM_BRIEF))

# The kernel matrix: an hour or two in all, since everything in it is emulated, each machine by one thread. VM=1 adds what fits into three minutes of it to `make test`.
VM_BRIEF = 'vm=tools/vm/run --budget 180 --two brief-5.10 cost-newest brief-newest'
test-vm:
	@TEST_TIMEOUT=28800 tests/run 'vm=tools/vm/run $(if $(filter-out 1,$(shell nproc)),--two) $(CELLS)'

.PHONY: test-vm unit fuzzers fuzz fuzz-coverage lint check test check-programs test-programs
