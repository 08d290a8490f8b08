# SPDX-License-Identifier: Apache-2.0
# make            the program, ./loopstall        make check   tests without root
# make static     ./loopstall.static              make test    all tests (root)
# make install    PREFIX=/usr/local DESTDIR=      V=1          show commands
VERSION  := 0.1.0
B        := build
PREFIX   ?= /usr/local
STATIC   ?= loopstall.static
CC       ?= cc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(shell command -v bpftool /usr/sbin/bpftool /sbin/bpftool 2>/dev/null) bpftool)
CFLAGS   ?= -O2 -g
ARCH     := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

LIBS     := libbpf libdw libelf zlib libzstd liblzma jansson libcap
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers
CPPFLAGS += -Isrc -I. -I$(B) -D_GNU_SOURCE -DLOOPSTALL_VERSION='"$(VERSION)"'
STD      := -std=gnu11

SOURCES  := $(filter-out src/cli/main.c,$(wildcard src/*/*.c))
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)
SKELETON := $(B)/loopstall.skel.h

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif
.DELETE_ON_ERROR:
.SECONDARY:

all: loopstall
include tests/tests.mk
include tools/bench/bench.mk

# Names what is missing before anything fails for want of it.
$(B)/.deps: tools/need tools/packages
	$(Q)mkdir -p $(B) && tools/need build && touch $@

PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -liberty -lpthread
# libdw.a needs bz2 for kernel images only, which nobody here opens.
PKG_STATIC := $(filter-out -lbz2,$(shell pkg-config --static --libs $(LIBS) 2>/dev/null)) -liberty -lpthread

loopstall: $(B)/src/cli/main.o $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

static: $(STATIC)
$(STATIC): $(B)/src/cli/main.o $(OBJECTS) $(B)/tools/libeu.o
	$(call say,STATIC,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^ $(PKG_STATIC)

# --- BPF: one object, its skeleton a header
$(B)/loopstall.bpf.o: bpf/loopstall.bpf.c | $(B)/.deps
	$(call say,BPF,$@)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) $(WARN) -Wno-missing-prototypes -Werror=incompatible-pointer-types -Ibpf -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp && rm -f $@.tmp
$(SKELETON): $(B)/loopstall.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name loopstall_bpf > $@

$(B)/%.o: %.c | $(SKELETON)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

install: loopstall
	install -D -m 0755 loopstall $(DESTDIR)$(PREFIX)/bin/loopstall
	install -D -m 0644 loopstall.8 $(DESTDIR)$(PREFIX)/share/man/man8/loopstall.8
	install -D -m 0644 completions/loopstall.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/loopstall
	install -D -m 0644 completions/_loopstall $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_loopstall
	install -D -m 0644 completions/loopstall.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/loopstall.fish

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/loopstall share/man/man8/loopstall.8 \
		share/bash-completion/completions/loopstall share/zsh/site-functions/_loopstall \
		share/fish/vendor_completions.d/loopstall.fish)

clean:
	rm -rf $(B) loopstall loopstall.static

.PHONY: all static install uninstall clean
-include $(shell find $(B) \( -path $(B)/vm -o -path $(B)/pythons \) -prune -o -type f -name '*.d' -print 2>/dev/null)
