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

	return target_rights_allow(r, &st, NULL, 0, TARGET_READS);
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
	assert_true(target_rights_allow(&r, &folder, NULL, 0, TARGET_SEARCHES));
	assert_false(target_rights_allow(&r, &folder, NULL, 0, TARGET_READS));
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

/* --- access lists, as the kernel hands them out: little endian */

#define ID(id)	     (id) & 0xff, (id) >> 8 & 0xff, (id) >> 16 & 0xff, (id) >> 24
#define OWNER(r)     1, 0, r, 0, ID(~0u)
#define USER(id, r)  2, 0, r, 0, ID(id)
#define OWN_GROUP(r) 4, 0, r, 0, ID(~0u)
#define GROUP(id, r) 8, 0, r, 0, ID(id)
#define MASK(r)	     16, 0, r, 0, ID(~0u)
#define OTHERS(r)    32, 0, r, 0, ID(~0u)

struct listed {
	const char *what;
	unsigned char list[64];
	unsigned n;    /* bytes */
	mode_t mode;   /* its middle is the mask */
	uid_t of_user; /* owner of the file */
	gid_t of_group;
	bool reads;
};
#define LIST(...) {2, 0, 0, 0, __VA_ARGS__}, sizeof((unsigned char[]){2, 0, 0, 0, __VA_ARGS__})

/* Asked for a process of user 1000 in the groups 100, 24, 27 and 4000000000. */
static void test_access_lists(void **state)
{
	static const struct listed cases[] = {
		{"a user is denied what others have",
		 LIST(OWNER(6), USER(1000, 0), OWN_GROUP(4), MASK(4), OTHERS(4)), 0644, 1, 1, false},
		{"a user has what others have not",
		 LIST(OWNER(6), USER(999, 0), USER(1000, 4), OWN_GROUP(0), MASK(4), OTHERS(0)), 0640, 1, 1,
		 true},
		{"the mask takes it", LIST(OWNER(6), USER(1000, 4), OWN_GROUP(4), MASK(1), OTHERS(4)), 0614,
		 1, 1, false},
		{"the middle of the mode is the mask, not the group's",
		 LIST(OWNER(6), USER(999, 4), OWN_GROUP(0), MASK(4), OTHERS(0)), 0640, 1, 100, false},
		{"the group's own entry", LIST(OWNER(6), USER(999, 4), OWN_GROUP(4), MASK(4), OTHERS(0)),
		 0640, 1, 27, true},
		{"one of its groups has it",
		 LIST(OWNER(6), OWN_GROUP(0), GROUP(24, 0), GROUP(4000000000, 4), MASK(4), OTHERS(0)), 0640,
		 1, 100, true},
		{"who is in a group without it is not one of the others",
		 LIST(OWNER(6), OWN_GROUP(4), GROUP(24, 0), MASK(4), OTHERS(4)), 0644, 1, 1, false},
		{"the others", LIST(OWNER(6), OWN_GROUP(0), GROUP(7, 0), MASK(4), OTHERS(4)), 0644, 1, 1,
		 true},
		{"the owner is asked by the mode",
		 LIST(OWNER(4), USER(1000, 0), OWN_GROUP(0), MASK(4), OTHERS(0)), 0440, 1000, 1, true},
		{"without a mask's bits the kernel does not look at it",
		 LIST(OWNER(6), USER(1000, 0), OWN_GROUP(4), MASK(0), OTHERS(4)), 0604, 1, 1, true},
		{"nor then for its group", LIST(OWNER(6), USER(1000, 4), OWN_GROUP(4), MASK(0), OTHERS(4)),
		 0604, 1, 100, false},
		{"without a mask", LIST(OWNER(6), OWN_GROUP(4), OTHERS(0)), 0640, 1, 100, true},
	};
	struct target_rights r = rights("1000\t1000\t1000\t1000", "100\t100\t100\t100", "0", true);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct listed *c = &cases[i];
		const struct stat st = {
			.st_mode = S_IFREG | c->mode, .st_uid = c->of_user, .st_gid = c->of_group};
		if (target_rights_allow(&r, &st, c->list, c->n, TARGET_READS) != c->reads)
			fail_msg("%s", c->what);
	}
}

/* What is not understood allows nothing but what the mode says of the owner. */
static void test_broken_access_lists(void **state)
{
	struct target_rights r = rights("1000\t1000\t1000\t1000", "100\t100\t100\t100", "0", true);
	const struct stat st = {.st_mode = S_IFREG | 0644, .st_uid = 1, .st_gid = 1};
	unsigned char list[] = {2, 0, 0, 0, OWNER(6), OWN_GROUP(4), OTHERS(4)};
	static unsigned char long_one[4 + 8 * 2000] = {2};

	(void)state;
	assert_true(target_rights_allow(&r, &st, list, sizeof list, TARGET_READS));
	for (size_t n = 1; n < sizeof list; n++)
		assert_false(target_rights_allow(&r, &st, list, n, TARGET_READS));
	list[0] = 3;
	assert_false(target_rights_allow(&r, &st, list, sizeof list, TARGET_READS));
	assert_false(target_rights_allow(&r, &st, long_one, sizeof long_one, TARGET_READS));
	r = rights("0\t0\t0\t0", "0\t0\t0\t0", "000001ffffffffff", true);
	assert_true(target_rights_allow(&r, &st, list, sizeof list, TARGET_READS));
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
		cmocka_unit_test(test_access_lists),
		cmocka_unit_test(test_broken_access_lists),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
