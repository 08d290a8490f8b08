/* SPDX-License-Identifier: Apache-2.0 */
/* Two that record to the same file. */
#include "record/writer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static pid_t write_elsewhere(const char *path, int ready[2])
{
	pid_t child = fork();
	assert_int_not_equal(child, -1);
	if (child)
		return child;
	struct recording_writer *w = recording_writer_open(path, NULL);
	bool told = w && write(ready[1], "r", 1) == 1;
	if (told)
		pause();
	_exit(!told);
}

/* By a process that lives, which is named; when it has gone its file is an old one as any other. */
static void a_file_that_is_being_written_is_not_replaced(void **state)
{
	(void)state;
	char directory[] = "/tmp/loopstall-lock-XXXXXX", path[64], old[72], named[64], byte;
	struct diag d = {0};
	struct stat st;
	int ready[2], status;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/busy", directory);
	snprintf(old, sizeof old, "%s.old", path);
	assert_int_equal(pipe(ready), 0);
	pid_t child = write_elsewhere(path, ready);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_null(recording_writer_open(path, &d));
	snprintf(named, sizeof named, "is being written by test_lock_holde[%d]", child);
	assert_non_null(strstr(d.text, named));
	assert_non_null(strstr(d.hint, "kill -INT"));
	assert_int_equal(lstat(old, &st), -1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(recording_writer_close(recording_writer_open(path, &d), &d), 0);
	assert_int_equal(lstat(old, &st), 0);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(unlink(path) | unlink(old) | rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_that_is_being_written_is_not_replaced)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
