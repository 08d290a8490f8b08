/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a process could read a file by itself, from what /proc says of it. */
#include "symbol/target_rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static char status[512];

static struct target_rights rights(const char *uids, const char *gids, const char *caps, bool same_namespace)
{
	struct target_rights r;

	snprintf(status, sizeof status,
		 "Name:\tuid\\nUid:\t0\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t%s\nGid:\t%s\nFDSize:\t64\n"
		 "Groups:\t24 4000000000 27 \nNStgid:\t7\nCapPrm:\t00000000000001ff\nCapEff:\t%s\n",
		 uids, gids, caps);
	assert_true(target_rights_parse(&r, status, same_namespace));
	return r;
}

static bool reads(const struct target_rights *r, mode_t mode, uid_t uid, gid_t gid)
{
	const struct stat st = {.st_mode = S_IFREG | mode, .st_uid = uid, .st_gid = gid};

	return target_rights_allow(r, &st, TARGET_READS);
}

static void test_mode(void **state)
{
	struct target_rights r = rights("1000\t1000\t1000\t1000", "100\t100\t100\t100", "0", true);
	const struct stat folder = {.st_mode = S_IFDIR | 0711, .st_uid = 1, .st_gid = 1};

	(void)state;
	assert_true(reads(&r, 0400, 1000, 1));
	assert_false(reads(&r, 0377, 1000, 1)); /* an owner is not one of the others */
	assert_true(reads(&r, 0040, 1, 100));
	assert_true(reads(&r, 0040, 1, 4000000000));
	assert_true(reads(&r, 0040, 1, 27));
	assert_false(reads(&r, 0040, 1, 7)); /* the next line's */
	assert_false(reads(&r, 0704, 1, 24));
	assert_true(reads(&r, 0004, 1, 1));
	assert_false(reads(&r, 0770, 1, 1));
	assert_true(target_rights_allow(&r, &folder, TARGET_SEARCHES));
	assert_false(target_rights_allow(&r, &folder, TARGET_READS));
}

static void test_capabilities(void **state)
{
	struct target_rights r = rights("0\t0\t0\t0", "0\t0\t0\t0", "000001ffffffffff", true);

	(void)state;
	assert_true(reads(&r, 0, 1, 1));
	r = rights("0\t0\t0\t0", "0\t0\t0\t0", "0000000000000400",
		   true); /* a container's root that has lost them */
	assert_false(reads(&r, 0600, 1, 1));
	assert_true(reads(&r, 0600, 0, 1));
	r = rights("1000\t1000\t1000\t1000", "100\t100\t100\t100", "0000000000000004", true);
	assert_true(reads(&r, 0, 1, 1));
	/* Whoever makes a namespace of users has them all in it. */
	r = rights("1000\t1000\t1000\t1000", "100\t100\t100\t100", "000001ffffffffff", false);
	assert_false(reads(&r, 0600, 0, 0));
	assert_true(reads(&r, 0600, 1000, 0));
}

/* A program of another user's, as su: who has started it may not read what it may. */
static void test_lent_rights(void **state)
{
	struct target_rights r = rights("1000\t0\t0\t0", "100\t100\t100\t100", "000001ffffffffff", true);

	(void)state;
	assert_false(reads(&r, 0600, 0, 0));
	r = rights("1000\t1000\t1000\t1000", "100\t42\t42\t42", "0", true);
	assert_false(reads(&r, 0640, 0, 42));
	r = rights("0\t33\t0\t33", "0\t33\t0\t33", "0", true); /* a service that has stepped down */
	assert_true(reads(&r, 0640, 0, 33));
	assert_false(reads(&r, 0600, 0, 0));
}

static void test_nonsense(void **state)
{
	struct target_rights r;

	(void)state;
	assert_false(target_rights_parse(&r, "", true));
	assert_false(
		target_rights_parse(&r, "Name:\tx\nUid:\t1 1\nGid:\t1 1 1 1\nGroups:\t\nCapEff:\t0\n", true));
	assert_false(target_rights_parse(&r, "Name:\tx\nUid:\t1 1 1 1\nGid:\t1 1 1 1\nCapEff:\t0\n", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_lent_rights),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
