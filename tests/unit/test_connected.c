/* SPDX-License-Identifier: Apache-2.0 */
/* Who has begun a connection: tables as the kernel prints them, and a process' descriptors made up below a temporary directory. */
#include "cli/connected.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD                                                                                                 \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define ROW(n, local, other, state, inode)                                                                   \
	"   " n ": " local " " other " " state                                                               \
	" 00000000:00000000 00:00000000 00000000  1000        0 " inode                                      \
	" 1 0000000000000000 20 4 30 10 -1\n"
#define HOST	  "0100007F:"
#define HOST6	  "00000000000000000000000001000000:"
#define LISTENER  ROW("0", HOST "1F90", "00000000:0000", "0A", "100")
#define ACCEPTED  ROW("1", HOST "1F90", HOST "C001", "01", "101")
#define BEGUN	  ROW("2", HOST "C002", HOST "1538", "01", "102")
#define BEGINNING ROW("3", HOST "C003", HOST "1538", "02", "103")
#define ENDING	  ROW("4", HOST "C004", HOST "1538", "06", "0")
#define LISTENER_6                                                                                           \
	ROW("0", "00000000000000000000000000000000:0BB8", "00000000000000000000000000000000:0000", "0A",     \
	    "200")
#define ACCEPTED_6 ROW("1", HOST6 "0BB8", HOST6 "C005", "01", "201")

static struct connected_table table;

static void read_tables(const char *tcp, const char *tcp6)
{
	memset(&table, 0, sizeof table);
	connected_listeners(&table, tcp, strlen(tcp));
	connected_listeners(&table, tcp6, strlen(tcp6));
	connected_sockets(&table, tcp, strlen(tcp));
	connected_sockets(&table, tcp6, strlen(tcp6));
}

static bool began(uint64_t inode)
{
	return idmap_get(&table.began, inode);
}

static void test_who_began(void **state)
{
	(void)state;
	read_tables(HEAD LISTENER ACCEPTED BEGUN BEGINNING ENDING, HEAD LISTENER_6 ACCEPTED_6);
	assert_false(began(100));
	assert_false(began(101));
	assert_true(began(102));
	assert_true(began(103));
	assert_false(began(0));
	assert_false(began(201));
	assert_int_equal(table.began.n, 2);
	connected_free(&table);
}

/* Accepted by IPv6's listener, which takes IPv4 as well; and cut off in the middle of a row. */
static void test_rows_of_both_tables(void **state)
{
	(void)state;
	read_tables(HEAD ROW("0", HOST "0BB8", HOST "C005", "01", "300"), HEAD LISTENER_6);
	assert_false(began(300));
	connected_free(&table);
	read_tables(HEAD BEGUN "   5: 0100007F:C006 0100007F:1538 01 00000000:000", "");
	assert_int_equal(table.began.n, 1);
	connected_free(&table);
}

static char top[64];

static void put(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/7/net/%s", top, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void open_as(const char *number, const char *target)
{
	char path[128];
	snprintf(path, sizeof path, "%s/7/fd/%s", top, number);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static int make_process(void **state)
{
	static const char *const folders[] = {"7", "7/net", "7/fd"};
	(void)state;
	strcpy(top, "/tmp/loopstall-connected-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	for (int i = 0; i < 3; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/%s", top, folders[i]);
		if (mkdir(path, 0755))
			return -1;
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int remove_process(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_only_its_own_sockets_count(void **state)
{
	(void)state;
	put("tcp", HEAD LISTENER ACCEPTED BEGUN);
	put("tcp6", HEAD);
	open_as("0", "/dev/null");
	open_as("3", "socket:[100]");
	open_as("4", "socket:[101]");
	assert_false(connected_out(top, 7)); /* another process has begun that one */
	open_as("5", "socket:[102]");
	assert_true(connected_out(top, 7));
}

/* What cannot be told is taken for a yes: no line is lost by it. */
static void test_what_cannot_be_read(void **state)
{
	(void)state;
	assert_true(connected_out(top, 7));
	put("tcp", HEAD LISTENER ACCEPTED);
	assert_false(connected_out(top, 7)); /* a host without IPv6 */
	assert_true(connected_out(top, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_began),
		cmocka_unit_test(test_rows_of_both_tables),
		cmocka_unit_test_setup_teardown(test_only_its_own_sockets_count, make_process,
						remove_process),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_read, make_process, remove_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
