/* SPDX-License-Identifier: Apache-2.0 */
/* What the opener hands out, and what it does not; in this process, for nothing here needs root. */
#include "symbol/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_opener.XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return chdir("/") || rmdir(folder);
}

/* As if this process had mapped the file of that name. */
static int open_mapped(const char *name)
{
	struct opening o = {.kind = OPENING_MODULE, .pid = (uint32_t)getpid()};
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	o.row = (struct maps_row){.start = 4096,
				  .end = 8192,
				  .inode = st.st_ino,
				  .dev_major = major(st.st_dev),
				  .dev_minor = minor(st.st_dev)};
	snprintf(o.path, sizeof o.path, "%s/%s", folder, name);
	return opener_open(&o);
}

static void make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void test_regular_file(void **state)
{
	(void)state;
	make_file("file");
	int fd = open_mapped("file");
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	unlink("file");
}

/* A pipe in the place of the file: neither waits for a writer nor lets one see that it was opened. */
static void test_fifo(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(open_mapped("fifo"), -EINVAL);
	assert_int_equal(open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
	assert_int_equal(errno, ENXIO);
	unlink("fifo");
}

static void test_socket_folder_and_device(void **state)
{
	(void)state;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un here = {AF_UNIX, "socket"};
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
	assert_int_equal(open_mapped("socket"), -EINVAL);
	close(fd);
	unlink("socket");
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(open_mapped("sub"), -EINVAL);
	rmdir("sub");
	struct opening o = {.kind = OPENING_MODULE, .pid = (uint32_t)getpid(), .path = "/dev/null"};
	assert_int_equal(opener_open(&o), -EINVAL);
}

/* The name was given to another file after it had been mapped. */
static void test_exchanged_file(void **state)
{
	(void)state;
	struct opening o = {.kind = OPENING_MODULE, .pid = (uint32_t)getpid(), .row = {.inode = 1}};
	make_file("file");
	snprintf(o.path, sizeof o.path, "%s/file", folder);
	assert_int_equal(opener_open(&o), -ESTALE);
	unlink("file");
}

static void test_own_maps(void **state)
{
	(void)state;
	static struct opened_target seen;
	char own[PATH_MAX] = "";
	struct opening o = {.kind = OPENING_TARGET, .pid = (uint32_t)getpid()};
	int fd = opener_open(&o);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &seen, sizeof seen, 0), sizeof seen);
	assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
	assert_string_equal(seen.exe, own);
	assert_true(seen.n_files > 1);
	struct opened_file first;
	assert_int_equal(pread(fd, &first, sizeof first, sizeof seen), sizeof first);
	struct stat st;
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	assert_int_equal(first.bytes, st.st_size);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, sizeof seen + seen.n_files * sizeof first + seen.text_bytes);
	close(fd);
}

/* What comes of a line of that file for that process: 0 with the text, or -errno. */
static int read_line_of(pid_t pid, const char *name, uint32_t line, char text[OPENING_LINE_BYTES + 1])
{
	struct opening o = {.kind = OPENING_LINE, .pid = (uint32_t)pid, .line = line};

	snprintf(o.path, sizeof o.path, "%s/%s", folder, name);
	int fd = opener_open(&o);
	if (fd < 0)
		return fd;
	ssize_t n = pread(fd, text, OPENING_LINE_BYTES + 1, 0);
	assert_true(n >= 0 && n <= OPENING_LINE_BYTES);
	text[n] = 0;
	close(fd);
	return 0;
}

static int read_line(const char *name, uint32_t line, char text[OPENING_LINE_BYTES + 1])
{
	return read_line_of(getpid(), name, line, text);
}

static void test_source_line(void **state)
{
	const struct timespec later[2] = {{.tv_sec = UINT32_MAX}, {.tv_sec = UINT32_MAX}};
	char text[OPENING_LINE_BYTES + 1], wide[2 * OPENING_LINE_BYTES];

	(void)state;
	memset(wide, 'x', sizeof wide);
	FILE *f = fopen("source.py", "wxe");
	assert_non_null(f);
	fprintf(f, "first\n\n\tthird\n%.*s\nlast", (int)sizeof wide, wide);
	fclose(f);
	assert_int_equal(read_line("source.py", 3, text), 0);
	assert_string_equal(text, "\tthird");
	assert_int_equal(read_line("source.py", 2, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(read_line("source.py", 4, text), 0);
	assert_int_equal(strlen(text), OPENING_LINE_BYTES);
	assert_int_equal(read_line("source.py", 5, text), 0);
	assert_string_equal(text, "last");
	assert_int_equal(read_line("source.py", 6, text), -ENOENT);
	assert_int_equal(read_line("source.py", 0, text), -EINVAL);
	assert_int_equal(read_line("missing.py", 1, text), -ENOENT);
	assert_int_equal(utimensat(AT_FDCWD, "source.py", later, 0), 0); /* changed after we began */
	assert_int_equal(read_line("source.py", 1, text), -ESTALE);
	unlink("source.py");
	assert_int_equal(mkfifo("fifo.py", 0600), 0);
	assert_int_equal(read_line("fifo.py", 1, text), -EINVAL);
	unlink("fifo.py");
}

#define SOMEBODY 4321

/* A process of somebody's, without rights; it ends with us at the latest. */
static pid_t start_somebody(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		if (setgroups(0, NULL) || setresgid(SOMEBODY, SOMEBODY, SOMEBODY) ||
		    setresuid(SOMEBODY, SOMEBODY, SOMEBODY) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* What lies where, and who may read it: by its own mode, and by those of the folders that it is in, whatever link leads there. */
static void test_source_of_others(void **state)
{
	char text[OPENING_LINE_BYTES + 1];

	(void)state;
	if (geteuid())
		return; /* there is no other user to ask for then */
	pid_t pid = start_somebody();
	assert_int_equal(chmod(folder, 0711), 0);
	assert_int_equal(mkdir("closed", 0700), 0);
	make_file("secret.py");
	make_file("closed/plain.py");
	assert_int_equal(chmod("closed/plain.py", 0644), 0);
	assert_int_equal(symlink("closed/plain.py", "link.py"), 0);
	assert_int_equal(read_line_of(pid, "secret.py", 1, text), -EACCES);
	assert_int_equal(read_line_of(pid, "closed/plain.py", 1, text), -EACCES);
	assert_int_equal(read_line_of(pid, "link.py", 1, text), -EACCES);
	assert_int_equal(read_line("secret.py", 1, text), 0); /* root's own process may */
	assert_int_equal(read_line("link.py", 1, text), 0);
	assert_int_equal(chown("secret.py", SOMEBODY, 0), 0);
	assert_int_equal(chmod("closed", 0711), 0);
	assert_int_equal(read_line_of(pid, "secret.py", 1, text), 0);
	assert_int_equal(read_line_of(pid, "link.py", 1, text), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink("link.py");
	unlink("secret.py");
	unlink("closed/plain.py");
	rmdir("closed");
}

/* Others may read it, that one may not. */
static int deny(const char *name, uint32_t uid)
{
	const struct {
		struct posix_acl_xattr_header head;
		struct posix_acl_xattr_entry entries[5];
	} list = {{POSIX_ACL_XATTR_VERSION},
		  {{ACL_USER_OBJ, 6, ~0u},
		   {ACL_USER, 0, uid},
		   {ACL_GROUP_OBJ, 4, ~0u},
		   {ACL_MASK, 4, ~0u},
		   {ACL_OTHER, 4, ~0u}}};

	return setxattr(name, "system.posix_acl_access", &list, sizeof list, 0);
}

static void test_source_behind_an_access_list(void **state)
{
	char text[OPENING_LINE_BYTES + 1];

	(void)state;
	make_file("listed.py");
	if (!geteuid() && !deny("listed.py", SOMEBODY)) { /* else the file system has none */
		pid_t pid = start_somebody();
		assert_int_equal(chmod(folder, 0711), 0);
		assert_int_equal(read_line_of(pid, "listed.py", 1, text), -EACCES);
		assert_int_equal(deny("listed.py", SOMEBODY + 1), 0);
		assert_int_equal(read_line_of(pid, "listed.py", 1, text), 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	unlink("listed.py");
}

/* The debug file that a mapped program names: what is opened of it for that process, or -errno. */
static int open_linked(pid_t pid, const char *link)
{
	struct opening o = {.kind = OPENING_DEBUG, .pid = (uint32_t)pid};

	snprintf(o.path, sizeof o.path, "%s/prog", folder);
	snprintf(o.link, sizeof o.link, "%s", link);
	return opener_open(&o);
}

static void assert_opened(int fd, const char *name)
{
	struct stat opened, there;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(stat(name, &there), 0);
	assert_int_equal(opened.st_ino, there.st_ino);
	close(fd);
}

static void test_linked_debug_file(void **state)
{
	pid_t own = getpid();

	(void)state;
	assert_int_equal(mkdir(".debug", 0755), 0);
	make_file("prog");
	make_file(".debug/prog");
	make_file(".debug/link");
	assert_opened(open_linked(own, "link"), ".debug/link");
	make_file("link");
	assert_opened(open_linked(own, "link"), "link");
	assert_opened(open_linked(own, "prog"), ".debug/prog"); /* it is not its own */
	assert_int_equal(open_linked(own, ".debug/link"), -ENOENT);
	assert_int_equal(open_linked(own, "missing"), -ENOENT);
	assert_int_equal(open_linked(own, ""), -ENOENT);
	if (!geteuid()) {
		pid_t pid = start_somebody();
		assert_int_equal(chmod(folder, 0711), 0);
		assert_int_equal(open_linked(pid, "prog"), -ENOENT);
		assert_int_equal(chmod(".debug/prog", 0644), 0);
		assert_opened(open_linked(pid, "prog"), ".debug/prog");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	unlink("link");
	unlink("prog");
	unlink(".debug/link");
	unlink(".debug/prog");
	rmdir(".debug");
}

static void test_nonsense(void **state)
{
	(void)state;
	struct opening o = {.kind = OPENINGS};
	assert_int_equal(opener_open(&o), -EINVAL);
	o = (struct opening){.kind = OPENING_DEBUG, .pid = (uint32_t)getpid(), .build_id_bytes = ~0u};
	assert_int_equal(opener_open(&o), -ENOENT);
	o = (struct opening){.kind = OPENING_TARGET, .pid = 0x7ffffff0};
	assert_int_equal(opener_open(&o), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regular_file),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_socket_folder_and_device),
		cmocka_unit_test(test_exchanged_file),
		cmocka_unit_test(test_own_maps),
		cmocka_unit_test(test_source_line),
		cmocka_unit_test(test_source_of_others),
		cmocka_unit_test(test_source_behind_an_access_list),
		cmocka_unit_test(test_linked_debug_file),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
