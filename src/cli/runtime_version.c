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
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES	  (1u << 20)
#define OVERLAP_BYTES	  64u
#define PROGRAM_MAX_BYTES (512ll << 20)

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

/* Node carries the address of its own headers: ".../download/release/v20.20.2/node-v20.20.2-headers.tar.gz". */
static bool find_in_file(int fd, char version[RUNTIME_VERSION_BYTES])
{
	static const char mark[] = "/node-v";
	char *piece = malloc(PIECE_BYTES + OVERLAP_BYTES);
	bool found = false;
	ssize_t n;

	for (off_t at = 0; piece && !found && at < PROGRAM_MAX_BYTES &&
			   (n = pread(fd, piece, PIECE_BYTES + OVERLAP_BYTES, at)) > 0;
	     at += PIECE_BYTES) {
		const char *hit = memmem(piece, (size_t)n, mark, strlen(mark));
		found = hit && take_version(hit + strlen(mark), piece + n, version);
	}
	free(piece);
	return found;
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

static bool node_version(uint32_t pid, char version[RUNTIME_VERSION_BYTES])
{
	char path[64];
	struct stat st;
	bool found;

	if (node_of_library(pid, version))
		return true;
	snprintf(path, sizeof path, "/proc/%u/exe", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	found = !fstat(fd, &st) && S_ISREG(st.st_mode) && find_in_file(fd, version);
	close(fd);
	return found;
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
