/* SPDX-License-Identifier: Apache-2.0 */
/* What a blocked call waited for, in words. */
#include "capture/block_text.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define NOBODY 0x7ffffff0u /* no process has this number */

static struct lst_child children[2];

static void expect_of(uint32_t pid, const struct lst_block *b, const char *text)
{
	struct bytes out = {0};
	block_target_text(&out, b, &(struct block_context){.pid = pid, .children = children});
	assert_string_equal(bytes_text(&out), text);
	bytes_free(&out);
}

static void expect(const struct lst_block *b, const char *text)
{
	expect_of(NOBODY, b, text);
}

/* Names from the file upwards, each with its NUL, as the kernel side writes them. */
#define NAMES(text)                                                                                          \
	({                                                                                                   \
		static struct lst_block b;                                                                   \
		memset(&b, 0, sizeof b);                                                                     \
		b.kind = LST_TARGET_FILE;                                                                    \
		b.fd = ~0u;                                                                                  \
		memcpy(b.target, text, sizeof text < sizeof b.target ? sizeof text : sizeof b.target);       \
		&b;                                                                                          \
	})

static void paths_are_turned_round(void **state)
{
	(void)state;
	expect(NAMES("x\0lib\0var\0"), "/var/lib/x");
	expect(NAMES("only\0"), "/only");
	expect(NAMES(""), "");
}

/* Of several sleeps the first's length is known. */
static void sleeps_of_several_lengths(void **state)
{
	(void)state;
	struct lst_block b = {.kind = LST_TARGET_SLEEP,
			      .count = 1,
			      .object = 1000000,
			      .sum_ns = 1100000,
			      .max_ns = 1100000};
	expect(&b, "1.0 ms");
	b.count = 14; /* a back-off: 1 ms at first, 100 ms at last */
	b.sum_ns = 529000000;
	expect(&b, "1.0 ms");
	b.max_ns = 100100000;
	expect(&b, "");
}

/* Without the empty name that stands for the root, the beginning is missing. */
static void a_path_cut_short_says_so(void **state)
{
	(void)state;
	struct lst_block b = {.kind = LST_TARGET_FILE, .fd = ~0u};
	memset(b.target, 'a', sizeof b.target);
	memcpy(b.target, "file\0dir\0", 9);
	expect(&b, "…/dir/file");
	memset(b.target, 'a', sizeof b.target); /* not one NUL */
	expect(&b, "");
}

static void a_descriptor_that_is_still_open_is_asked(void **state)
{
	(void)state;
	char path[] = "/tmp/loopstall-text-XXXXXX";
	struct stat st;
	int fd = mkstemp(path);
	assert_int_equal(fstat(fd, &st), 0);
	struct lst_block b = {.kind = LST_TARGET_FILE, .fd = (uint32_t)fd, .object = st.st_ino};
	memcpy(b.target, "cut\0", 4);
	expect_of((uint32_t)getpid(), &b, path);
	b.object++; /* another file by now */
	expect_of((uint32_t)getpid(), &b, "/cut");
	close(fd);
	unlink(path);
}

static struct lst_block inet_block(const char *address, uint16_t port, uint16_t protocol)
{
	struct lst_block b = {.kind = LST_TARGET_INET};
	struct lst_inet inet = {.family = strchr(address, ':') ? AF_INET6 : AF_INET,
				.protocol = protocol,
				.port = port,
				.local_port = 4000};
	assert_int_equal(inet_pton(inet.family, address, inet.address), 1);
	memcpy(b.target, &inet, sizeof inet);
	return b;
}

static void peers_have_address_and_port(void **state)
{
	(void)state;
	struct lst_block b = inet_block("10.0.3.9", 5432, IPPROTO_TCP);
	expect(&b, "tcp 10.0.3.9:5432");
	b = inet_block("fe80::1", 53, IPPROTO_UDP);
	expect(&b, "udp [fe80::1]:53");
	b = inet_block("::ffff:127.0.0.1", 80, IPPROTO_TCP);
	expect(&b, "tcp 127.0.0.1:80");
	b = inet_block("0.0.0.0", 0, IPPROTO_TCP);
	expect(&b, "tcp port 4000, no peer");
	b = inet_block("1.2.3.4", 5, 255);
	expect(&b, "ip 1.2.3.4:5");
}

static void sockets_of_other_families_are_named(void **state)
{
	(void)state;
	expect(&(struct lst_block){.kind = LST_TARGET_UNIX, .target = "/run/db.sock"}, "unix /run/db.sock");
	expect(&(struct lst_block){.kind = LST_TARGET_UNIX, .target = "@abstract"}, "unix @abstract");
	expect(&(struct lst_block){.kind = LST_TARGET_UNIX}, "unix socket");
	expect(&(struct lst_block){.kind = LST_TARGET_SOCKET, .object = AF_NETLINK}, "netlink socket");
	expect(&(struct lst_block){.kind = LST_TARGET_SOCKET, .object = 40}, "socket of family 40");
	struct lst_block b = {.kind = LST_TARGET_UNIX};
	memset(b.target, 'u', sizeof b.target); /* as long as a path may be, without a NUL */
	struct bytes out = {0};
	block_target_text(&out, &b, &(struct block_context){.pid = NOBODY, .children = children});
	assert_int_equal(out.len, strlen("unix ") + 108);
	bytes_free(&out);
}

static void a_child_is_named_when_there_is_one(void **state)
{
	(void)state;
	struct lst_block pipe = {.kind = LST_TARGET_PIPE, .fd = ~0u, .fds = 2},
			 wait = {.kind = LST_TARGET_CHILD, .object = 4180};
	expect(&pipe, "2 pipes");
	expect(&wait, "pid 4180");
	wait.object = 0;
	expect(&wait, "any child");
	children[0] = (struct lst_child){.pid = 77, .comm = "nvidia-smi"};
	expect(&pipe, "2 pipes of pid 77 (nvidia-smi)");
	expect(&wait, "pid 77 (nvidia-smi)");
	pipe.fds = 0;
	pipe.waker = (struct lst_waker){.tid = 88, .tgid = 88, .why = LST_WAKER_PIPE};
	memcpy(pipe.waker.comm, "sixteen-bytes-ab", 16); /* no NUL */
	expect(&pipe, "a pipe of pid 88 (sixteen-bytes-ab)");
	memset(children, 0, sizeof children);
}

static void the_rest_says_what_it_has(void **state)
{
	(void)state;
	expect(&(struct lst_block){.kind = LST_TARGET_ANON, .fd = 5, .target = "[eventfd]"},
	       "eventfd (fd 5)");
	expect(&(struct lst_block){.kind = LST_TARGET_ANON, .fd = ~0u, .target = "[timerfd]"}, "timerfd");
	expect(&(struct lst_block){.kind = LST_TARGET_ANON, .fd = ~0u, .target = "["}, "[");
	expect(&(struct lst_block){.kind = LST_TARGET_SLEEP, .object = 120000000}, "120 ms");
	expect(&(struct lst_block){.kind = LST_TARGET_SLEEP}, "");
	expect(&(struct lst_block){.kind = LST_TARGET_FAULT}, "");
	expect(&(struct lst_block){.kind = LST_TARGET_PATH, .target = "relative/%s%n"}, "relative/%s%n");
	expect(&(struct lst_block){.kind = LST_TARGET_NONE}, "");
	expect(&(struct lst_block){.kind = LST_TARGET_KINDS}, "");
	expect(&(struct lst_block){.kind = ~0u}, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeps_of_several_lengths),
		cmocka_unit_test(paths_are_turned_round),
		cmocka_unit_test(a_path_cut_short_says_so),
		cmocka_unit_test(a_descriptor_that_is_still_open_is_asked),
		cmocka_unit_test(peers_have_address_and_port),
		cmocka_unit_test(sockets_of_other_families_are_named),
		cmocka_unit_test(a_child_is_named_when_there_is_one),
		cmocka_unit_test(the_rest_says_what_it_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
