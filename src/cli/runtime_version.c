/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/runtime_version.h"

#include "base/array.h"
#include "base/bytes.h"
#include "cli/proc.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES	  (1u << 20)
#define PAGE_BYTES	  4096u
#define PROGRAM_MAX_BYTES (512ull << 20)

/* "20.20.2" at the beginning of a text; false unless it has a dot and digits around it. */
static bool take_version(const char *text, const char *end, char version[RUNTIME_VERSION_BYTES])
{
	size_t n = 0;
	while (text + n < end && n < RUNTIME_VERSION_BYTES - 1 &&
	       (isdigit((unsigned char)text[n]) || text[n] == '.'))
		n++;
	while (n && text[n - 1] == '.')
		n--;
	snprintf(version, RUNTIME_VERSION_BYTES, "%.*s", (int)n, text);
	return n && isdigit((unsigned char)version[0]) && strchr(version, '.');
}

/* The pages of a process that are in memory now: to read others may mean to wait for a file system that does not answer. */
struct pages {
	int memory, map; /* /proc/PID/mem and pagemap; -1 closed */
};

static bool pages_open(struct pages *p, uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%u/mem", pid);
	p->memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/%u/pagemap", pid);
	p->map = open(path, O_RDONLY | O_CLOEXEC);
	return sysconf(_SC_PAGESIZE) == PAGE_BYTES && p->memory >= 0 && p->map >= 0;
}

static void pages_close(const struct pages *p)
{
	if (p->memory >= 0)
		close(p->memory);
	if (p->map >= 0)
		close(p->map);
}

/* From an address on, as far as the pages are there, at most `most` bytes. */
static size_t pages_read(const struct pages *p, uint64_t address, char *to, size_t most)
{
	static uint64_t entries[PIECE_BYTES / PAGE_BYTES];
	size_t wanted = most / PAGE_BYTES, n = 0;
	ssize_t got = pread(p->map, entries, wanted * sizeof *entries,
			    (off_t)(address / PAGE_BYTES * sizeof *entries));

	while (got > 0 && n < (size_t)got / sizeof *entries && entries[n] >> 63)
		n++;
	got = n ? pread(p->memory, to, n * PAGE_BYTES, (off_t)address) : 0;
	return got > 0 ? (size_t)got : 0;
}

/* Node carries the address of its own headers: ".../download/release/v20.20.2/node-v20.20.2-headers.tar.gz". */
static bool find_in_mapping(const struct pages *p, uint64_t start, uint64_t end, char *piece,
			    char version[RUNTIME_VERSION_BYTES])
{
	static const char mark[] = "/node-v";

	for (uint64_t at = start; at < end;) {
		size_t most = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
		size_t n = pages_read(p, at, piece, most);
		const char *hit = n ? memmem(piece, n, mark, strlen(mark)) : NULL;
		if (hit && take_version(hit + strlen(mark), piece + n, version))
			return true;
		at += n > PAGE_BYTES ? n - PAGE_BYTES
				     : PAGE_BYTES; /* what lies across two reads is seen by the next */
	}
	return false;
}

/* Debian's program is small; the number of its library is that of the interface for native modules. */
static bool node_of_library(uint32_t pid, char version[RUNTIME_VERSION_BYTES])
{
	static const struct {
		unsigned interface;
		const char *version;
	} releases[] = {{93, "16"}, {108, "18"}, {115, "20"}, {127, "22"}, {137, "24"}};
	struct bytes maps = {0};
	unsigned interface = 0;

	if (!proc_file(&maps, "/proc/%u/maps", pid)) {
		const char *library = strstr(bytes_text(&maps), "/libnode.so.");
		interface = library ? (unsigned)strtoul(library + strlen("/libnode.so."), NULL, 10) : 0;
	}
	bytes_free(&maps);
	for (size_t i = 0; i < ARRAY_LEN(releases); i++)
		if (releases[i].interface == interface)
			snprintf(version, RUNTIME_VERSION_BYTES, "%s", releases[i].version);
	return version[0];
}

/* In the program's own rows, which are the first of the table. */
static bool node_of_program(uint32_t pid, char version[RUNTIME_VERSION_BYTES])
{
	struct bytes maps = {0};
	struct pages pages = {-1, -1};
	char *piece = malloc(PIECE_BYTES), perms[5];
	unsigned long long start, end, inode, program = 0;
	bool found = false;

	if (!piece || !pages_open(&pages, pid) || proc_file(&maps, "/proc/%u/maps", pid))
		goto out;
	for (const char *row = bytes_text(&maps); row && *row && !found;) {
		if (sscanf(row, "%llx-%llx %4s %*x %*s %llu", &start, &end, perms, &inode) != 4)
			break;
		program = program ? program : inode;
		if (inode == program && perms[0] == 'r' && end - start < PROGRAM_MAX_BYTES)
			found = find_in_mapping(&pages, start, end, piece, version);
		row = strchr(row, '\n');
		row = row ? row + 1 : NULL;
	}
out:
	pages_close(&pages);
	bytes_free(&maps);
	free(piece);
	return found;
}

static bool node_version(uint32_t pid, char version[RUNTIME_VERSION_BYTES])
{
	return node_of_library(pid, version) || node_of_program(pid, version);
}

/* ".../java-17-openjdk-amd64/lib/server/libjvm.so", ".../jdk-21.0.3/lib/server/libjvm.so" */
static bool jvm_version(uint32_t pid, char version[RUNTIME_VERSION_BYTES])
{
	static const char *const marks[] = {"/java-", "/jdk-", "/jdk"};
	struct bytes maps = {0};
	const char *end = NULL, *start;

	if (!proc_file(&maps, "/proc/%u/maps", pid))
		end = strstr(bytes_text(&maps), "/libjvm.so");
	for (start = end; start && start > bytes_text(&maps) && start[-1] != ' ' && start[-1] != '\n';)
		start--;
	for (size_t i = 0; end && !version[0] && i < ARRAY_LEN(marks); i++) {
		const char *at = memmem(start, (size_t)(end - start), marks[i], strlen(marks[i]));
		if (at && isdigit((unsigned char)at[strlen(marks[i])]))
			take_version(at + strlen(marks[i]), end, version);
	}
	bytes_free(&maps);
	return version[0];
}

bool runtime_version(uint32_t pid, const char *runtime, char version[RUNTIME_VERSION_BYTES])
{
	static const struct {
		const char *runtime;
		bool (*find)(uint32_t pid, char version[RUNTIME_VERSION_BYTES]);
	} finders[] = {{"node", node_version}, {"jvm", jvm_version}};

	version[0] = 0;
	for (size_t i = 0; i < ARRAY_LEN(finders); i++)
		if (!strcmp(finders[i].runtime, runtime))
			return finders[i].find(pid, version);
	return false;
}
