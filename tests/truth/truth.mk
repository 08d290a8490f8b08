# SPDX-License-Identifier: Apache-2.0
# What tests/truth runs; included by tests/tests.mk. As tests/progs are built.
TRUTH_FLAGS := $(STD) -D_GNU_SOURCE -O2 -g -fno-optimize-sibling-calls $(WARN)
TRUTHS      := $(B)/truth/planned $(B)/truth/echo $(B)/truth/churn $(B)/truth/wait_clock.so

$(B)/truth/planned: tests/truth/planned.c tests/truth/planned_kinds.c tests/truth/planned.h tests/progs/truth.c tests/progs/truth.h
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(TRUTH_FLAGS) -o $@ $(filter %.c,$^) -lpthread

$(B)/truth/echo $(B)/truth/churn: $(B)/truth/%: tests/truth/%.c tests/progs/truth.c tests/progs/truth.h
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(TRUTH_FLAGS) -o $@ $(filter %.c,$^) -lpthread -lm

$(B)/truth/%.so: tests/truth/%.c
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(TRUTH_FLAGS) -Wno-missing-prototypes -fPIC -shared -o $@ $< -ldl

truth: $(TRUTHS)
.PHONY: truth
