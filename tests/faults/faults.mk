# SPDX-License-Identifier: Apache-2.0
# What is put before libc to let a process fail; included by tests/tests.mk.
FAULTS := $(B)/faults/fail_alloc.so $(B)/faults/refuse_event.so $(B)/faults/step_clock.so

$(B)/faults/%.so: tests/faults/%.c
	$(call say,FAULT,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE -O2 -g $(WARN) -fPIC -shared -o $@ $<

faults: $(FAULTS)
.PHONY: faults
