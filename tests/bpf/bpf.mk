# SPDX-License-Identifier: Apache-2.0
# The BPF programs compiled for user space, and what drives them; included by tests/tests.mk.
BPF_TESTS := $(patsubst tests/bpf/%.c,$(B)/asan/bpf/%,$(wildcard tests/bpf/test_*.c))
BPF_PARTS := $(addprefix $(B)/asan/bpf/,machine.o shim.o story.o reference.o)
BPF_FLAGS := $(STD) -O1 -g $(SANITIZE) $(WARN) -Itests/bpf

# The programs' own headers, unchanged: pragmas are clang's, and machine.c takes `const` off what user space fills in.
# Every basic block calls the shim, so that another CPU can come between (test_shared).
$(B)/asan/bpf/machine.o: tests/bpf/machine.c | $(B)/.check-deps
	$(call say,CC,'$< (asan)')
	$(Q)mkdir -p $(@D) && $(CC) $(BPF_FLAGS) -fsanitize-coverage=trace-pc -Wno-unknown-pragmas -Wno-discarded-qualifiers -Wno-missing-prototypes -D__TARGET_ARCH_$(ARCH) -Itests/bpf/include -Ibpf $(CPPFLAGS) -MMD -MP -c $< -o $@
$(B)/asan/bpf/%.o: tests/bpf/%.c | $(B)/.check-deps
	$(call say,CC,'$< (asan)')
	$(Q)mkdir -p $(@D) && $(CC) $(BPF_FLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@
$(B)/asan/bpf/%: tests/bpf/%.c $(BPF_PARTS) $(B)/asan/src/model/histogram.o
	$(call say,TEST,$@)
	$(Q)$(CC) $(BPF_FLAGS) $(CPPFLAGS) -MMD -MP -MF $@.d -MT $@ -o $@ $(filter-out %.h,$^) -lcmocka -lm
bpf-tests: $(BPF_TESTS)
.PHONY: bpf-tests
