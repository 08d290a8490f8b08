/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuse_hang FILE FOLDER NAME: mounts a file system on the folder with one file in it, NAME, a copy of FILE. Serves it until SIGUSR1; from
 * then on no request is answered any more, as by a dead network share. Says "ready", and ends at SIGTERM, which ends the mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROG_INODE  2
#define REQUEST_MAX (1 << 18)
#define FOR_EVER_S  3600
#define READ_MAX    (128u << 10)

static volatile sig_atomic_t silent, over;

static struct fs {
	int fuse;
	const char *name, *bytes;
	uint64_t n;
} fs;

static void be_silent(int sig)
{
	(void)sig;
	silent = 1;
}

static void end(int sig)
{
	(void)sig;
	over = 1;
}

static void reply(uint64_t unique, int error, const void *data, size_t bytes)
{
	char out[sizeof(struct fuse_out_header) + READ_MAX];
	const struct fuse_out_header head = {
		.len = (uint32_t)(sizeof head + bytes), .error = error, .unique = unique};

	memcpy(out, &head, sizeof head);
	memcpy(out + sizeof head, data, bytes);
	if (write(fs.fuse, out, sizeof head + bytes) < 0 && errno != ENOENT)
		perror("fuse_hang: write");
}

static struct fuse_attr attr_of(uint64_t inode)
{
	bool is_prog = inode == PROG_INODE;
	return (struct fuse_attr){
		.ino = inode,
		.size = is_prog ? fs.n : 0,
		.mode = is_prog ? S_IFREG | 0755 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void look_up(const struct fuse_in_header *in, const char *name)
{
	/* What it is has to be asked each time, so that fstat() hangs too. */
	const struct fuse_entry_out out = {
		.nodeid = PROG_INODE, .entry_valid = FOR_EVER_S, .attr = attr_of(PROG_INODE)};
	if (strcmp(name, fs.name) != 0)
		reply(in->unique, -ENOENT, NULL, 0);
	else
		reply(in->unique, 0, &out, sizeof out);
}

static void read_some(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	uint64_t left = r->offset < fs.n ? fs.n - r->offset : 0, n = r->size < left ? r->size : left;
	reply(in->unique, 0, fs.bytes + (n ? r->offset : 0), n < READ_MAX ? n : READ_MAX);
}

static void serve(const struct fuse_in_header *in)
{
	const void *body = in + 1;
	const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
					   .minor = FUSE_KERNEL_MINOR_VERSION,
					   .max_readahead = READ_MAX,
					   .max_write = 4096};
	const struct fuse_attr_out attr = {.attr = attr_of(in->nodeid)};
	const struct fuse_open_out open = {.open_flags = FOPEN_KEEP_CACHE};

	switch (in->opcode) {
	case FUSE_INIT: reply(in->unique, 0, &init, sizeof init); break;
	case FUSE_LOOKUP: look_up(in, body); break;
	case FUSE_GETATTR: reply(in->unique, 0, &attr, sizeof attr); break;
	case FUSE_OPEN:
	case FUSE_OPENDIR: reply(in->unique, 0, &open, sizeof open); break;
	case FUSE_READ: read_some(in, body); break;
	case FUSE_RELEASE:
	case FUSE_FLUSH: reply(in->unique, 0, NULL, 0); break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: break; /* have no answer */
	default: reply(in->unique, -ENOSYS, NULL, 0);
	}
}

static bool map_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return false;
	fs.n = (uint64_t)st.st_size;
	fs.bytes = mmap(NULL, fs.n, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return fs.bytes != MAP_FAILED;
}

static bool mount_on(const char *folder)
{
	char options[128];
	fs.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", fs.fuse);
	return fs.fuse >= 0 && !mount("loopstall-test", folder, "fuse", MS_NODEV | MS_NOSUID, options);
}

int main(int argc, char **argv)
{
	static char request[REQUEST_MAX] __attribute__((aligned(8)));
	struct sigaction hush = {.sa_handler = be_silent}, stop = {.sa_handler = end};

	sigaction(SIGUSR1, &hush, NULL);
	sigaction(SIGTERM, &stop, NULL);
	fs.name = argc == 4 ? argv[3] : "";
	if (argc != 4 || !map_file(argv[1]) || !mount_on(argv[2])) {
		perror("fuse_hang");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (!over) {
		struct pollfd p = {.fd = silent ? -1 : fs.fuse, .events = POLLIN};
		if (poll(&p, 1, 100) <= 0)
			continue;
		ssize_t n = read(fs.fuse, request, sizeof request);
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve((const struct fuse_in_header *)request);
	}
	umount2(argv[2], MNT_DETACH);
	return 0;
}
