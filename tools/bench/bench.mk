# SPDX-License-Identifier: Apache-2.0
# What tools/overhead measures with; included by the Makefile.
BENCHES := $(patsubst tools/bench/%.c,$(B)/bench/%,$(filter-out %/bench.c %/count_waits.c,$(wildcard tools/bench/*.c)))

bench: $(BENCHES) $(B)/bench/count_waits.so $(B)/bench/floor $(B)/bench/floor.bpf.o

$(B)/bench/%: tools/bench/%.c tools/bench/bench.c tools/bench/bench.h tools/bench/bench.mk
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE -O2 -g -fno-optimize-sibling-calls $(WARN) -o $@ $< tools/bench/bench.c -lpthread

$(B)/bench/count_waits.so: tools/bench/count_waits.c tools/bench/bench.mk
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE -O2 -g -fPIC -shared $(WARN) -o $@ $< -ldl

$(B)/bench/floor: tools/bench/floor/floor.c $(B)/src/capture/tracefs.o tools/bench/bench.mk
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) -D_GNU_SOURCE -O2 -g -Isrc $(WARN) $(PKG_CFLAGS) -o $@ $< $(B)/src/capture/tracefs.o $(PKG_LIBS)

$(B)/bench/floor.bpf.o: tools/bench/floor/floor.bpf.c tools/bench/bench.mk
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -g -O2 -target bpf -mcpu=v3 $(WARN) -Wno-missing-prototypes -Wno-unused-parameter -c $< -o $@

.PHONY: bench
