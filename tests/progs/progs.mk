# SPDX-License-Identifier: Apache-2.0
# Loops that stall in one known way each, and the demo; included by tests/tests.mk. Plain -O2, no frame pointers: as
# programs are found in the field. Without sibling calls, so that the function that stalls is in every stack.
PROGS := $(patsubst tests/progs/%.c,$(B)/progs/%,$(filter-out %/truth.c,$(wildcard tests/progs/*.c)))

PROGS += $(patsubst tests/services/frameworks/%.c,$(B)/services/%,$(wildcard tests/services/frameworks/*.c))

progs: $(PROGS)

$(B)/services/%: tests/services/frameworks/%.c tests/progs/progs.mk
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -O2 -g -fno-optimize-sibling-calls $(WARN) -o $@ $<

$(B)/progs/%: tests/progs/%.c tests/progs/truth.c tests/progs/truth.h tests/progs/progs.mk
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE -O2 -g -fno-optimize-sibling-calls $(WARN) -o $@ $< tests/progs/truth.c -lpthread

# Complete by itself: the file to copy and play with.
$(B)/progs/demo: tests/progs/demo.c tests/progs/progs.mk
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE -O2 -g -fno-optimize-sibling-calls $(WARN) -o $@ $< -lpthread

.PHONY: progs
