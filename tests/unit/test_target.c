/* SPDX-License-Identifier: Apache-2.0 */
/* Targets on a made-up host. */
#include "made_host.h"

/* --- asking ------------------------------------------------------------------------------------------------------------ */

static int ask(enum target_as as, const char *text)
{
	const struct target_request one = {as, text};
	target_free(&set);
	diag = (struct diag){0};
	return target_resolve(&roots, &one, 1, false, &set, &diag);
}

static void assert_found(const char *text, size_t n, const unsigned *pids)
{
	int err = ask(TARGET_AS_ANY, text);
	if (err)
		fail_msg("'%s': %s", text, diag.text);
	if (set.n_processes != n)
		fail_msg("'%s': %zu processes instead of %zu", text, set.n_processes, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(set.processes[i].pid, pids[i]);
}
#define FOUND(text, ...)                                                                                     \
	assert_found(text, sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned),                             \
		     (const unsigned[]){__VA_ARGS__})

static void assert_refused(enum target_as as, const char *text, int err, const char *says)
{
	int got = ask(as, text);
	if (got != err || !strstr(diag.text, says))
		fail_msg("'%s': %d '%s' instead of %d '%s'", text, got, diag.text, err, says);
	assert_int_equal(set.n_processes, 0);
	assert_null(set.text);
}
#define REFUSED(text, err, says) assert_refused(TARGET_AS_ANY, text, err, says)

/* --- numbers ----------------------------------------------------------------------------------------------------------- */

static void pid_is_itself(void **state)
{
	(void)state;
	make_process(&(struct made){12, 1, "redis-server", "/usr/bin/redis-server", "/usr/bin/redis-server"});
	FOUND("12", 12);
	assert_string_equal(set.processes[0].name, "redis-server");
	assert_int_equal(set.processes[0].ns_pid, 12);
	assert_string_equal(set.text, "12");
	assert_null(set.note);
}

static void workers_that_are_not_named_are_told_of(void **state)
{
	(void)state;
	make_process(&(struct made){10, 1, "gunicorn", "/usr/bin/python3.11", "gunicorn: master"});
	make_process(&(struct made){11, 10, "gunicorn", "/usr/bin/python3.11", "gunicorn: worker"});
	make_process(&(struct made){12, 10, "gunicorn", "/usr/bin/python3.11", "gunicorn: worker"});
	make_process(&(struct made){13, 10, "sh", "/bin/sh", "sh"});
	put("11 12 13 ", strlen("11 12 13 "), "%s/10/task/10/children", proc_root);
	FOUND("10", 10);
	assert_non_null(set.note);
	assert_non_null(strstr(set.note, "not watched: loopstall -p 10,11,12"));
	assert_null(strstr(set.note, "13"));
	FOUND("gunicorn", 10, 11, 12);
	assert_null(set.note);
}

static void thread_means_its_process(void **state)
{
	(void)state;
	make_process(&(struct made){12, 1, "node", "/usr/bin/node", "node"});
	make_thread(15, 12);
	FOUND("15", 12);
	assert_non_null(strstr(set.note, "15 is a thread of node 12"));
	assert_int_equal(set.n_tids, 0);
	assert_int_equal(ask(TARGET_AS_TID, "15"), 0);
	assert_int_equal(set.n_tids, 1);
	assert_int_equal(set.tids[0], 15);
	assert_int_equal(set.processes[0].pid, 12);
	assert_string_equal(set.text, "-t 15");
}

static void inner_number_is_taken_if_it_is_the_only_one(void **state)
{
	(void)state;
	make_process(&(struct made){
		.pid = 500, .parent = 1, .comm = "app", .exe = "/bin/app", .argv = "app", .inner = 7});
	FOUND("7", 500);
	assert_int_equal(set.processes[0].ns_pid, 7);
	assert_non_null(strstr(set.note, "7 in its container is process 500 (app) here"));
	make_process(&(struct made){
		.pid = 600, .parent = 1, .comm = "web", .exe = "/bin/web", .argv = "web", .inner = 7});
	REFUSED("7", -EEXIST, "500 (app), 600 (web)");
	make_process(&(struct made){7, 1, "own", "/bin/own",
				    "own"}); /* here the number is somebody's: that counts */
	FOUND("7", 7);
}

static void numbers_that_are_none(void **state)
{
	(void)state;
	assert_refused(TARGET_AS_PID, "0", -EINVAL, "not a process id");
	assert_refused(TARGET_AS_PID, "12x", -EINVAL, "not a process id");
	assert_refused(TARGET_AS_PID, "4294967297", -EINVAL, "not a process id");
	assert_refused(TARGET_AS_PID, "99", -ESRCH, "no process '99'");
	assert_refused(TARGET_AS_TID, "99", -ESRCH, "no thread '99'");
}

static void untraceable_processes_say_why(void **state)
{
	(void)state;
	make_process(&(struct made){2, 0, "kthreadd", NULL, NULL});
	make_process(&(struct made){.pid = 20, .parent = 1, .comm = "gone", .exe = "/bin/x", .state = 'Z'});
	make_process(&(struct made){
		.pid = 30, .parent = 1, .comm = "old", .exe = "/bin/old", .argv = "old", .elf_class = 1});
	make_process(&(struct made){SELF, 1, "loopstall", "/bin/loopstall", "loopstall"});
	REFUSED("2", -EOPNOTSUPP, "kernel thread");
	REFUSED("20", -ESRCH, "zombie");
	REFUSED("30", -EOPNOTSUPP, "32-bit");
	REFUSED("900", -EINVAL, "loopstall itself");
	REFUSED("loopstall", -ESRCH, "no process");
}

static void foreign_process_without_rights(void **state)
{
	char path[160];
	(void)state;
	make_process(&(struct made){40, 1, "other", "/bin/other", "other"});
	snprintf(path, sizeof path, "%s/40/auxv", proc_root);
	if (geteuid() ==
	    0) { /* nothing is unreadable to root: a link that leads in a circle takes the place */
		assert_int_equal(unlink(path), 0);
		assert_int_equal(symlink("auxv", path), 0);
	} else {
		assert_int_equal(chmod(path, 0), 0);
	}
	roots.privileged = false;
	REFUSED("40", -EPERM, "no rights to look into process 40 (other)");
	assert_string_equal(diag.hint, "run it with sudo");
}

static void a_verb_that_comes_late(void **state)
{
	(void)state;
	REFUSED("report", -ESRCH, "no process, unit or container 'report'");
	assert_string_equal(diag.hint, "as a verb it comes first: loopstall report");
}

static void a_link_to_a_program_is_its_name(void **state)
{
	static const struct made all[] = {
		{10, 1, "redis-server", "/usr/bin/redis-check-rdb", "/usr/bin/redis-server 127.0.0.1:6379"},
		{11, 1, "application-ser", "/opt/multi", "application-server"},
		{12, 1, "vim", "/usr/bin/vim.basic", "vim"},	    /* the same, and more of it */
		{13, 1, "worker-3", "/usr/bin/service", "service"}, /* it calls itself so */
	};
	static const char *const names[] = {"redis-server", "application-server", "vim.basic", "service"};
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		char pid[16];
		snprintf(pid, sizeof pid, "%u", all[i].pid);
		make_process(&all[i]);
		FOUND(pid, all[i].pid);
		assert_string_equal(set.processes[0].name, names[i]);
	}
}

/* --- names ------------------------------------------------------------------------------------------------------------- */

#define WORDS(text) .argv = (text), .argv_len = sizeof(text)

static void scripts_go_by_their_own_name(void **state)
{
	static const struct made all[] = {
		{.pid = 10,
		 .parent = 1,
		 .comm = "python3",
		 .exe = "/usr/bin/python3.11",
		 WORDS("python3\0/usr/bin/uvicorn\0app:app")},
		{.pid = 11,
		 .parent = 1,
		 .comm = "python3",
		 .exe = "/usr/bin/python3.11",
		 WORDS("python3\0-W\0ignore\0-m\0celery\0x")},
		{.pid = 12,
		 .parent = 1,
		 .comm = "node",
		 .exe = "/usr/bin/node",
		 WORDS("node\0--max-old-space-size=9\0-r\0dotenv\0/srv/server.js")},
		{.pid = 13,
		 .parent = 1,
		 .comm = "java",
		 .exe = "/usr/bin/java",
		 WORDS("java\0-cp\0a:b\0-jar\0/opt/app.jar")},
		{.pid = 14,
		 .parent = 1,
		 .comm = "python3",
		 .exe = "/usr/bin/python3.11",
		 WORDS("python3\0-c\0uvicorn")},
		{.pid = 15, .parent = 1, .comm = "cat", .exe = "/usr/bin/cat", WORDS("cat\0celery")},
		{.pid = 17,
		 .parent = 1,
		 .comm = "lua5.4",
		 .exe = "/usr/bin/lua5.4",
		 WORDS("lua5.4\0-e\0x=1\0/usr/bin/prosody\0-F")},
		{.pid = 16, .parent = 1, .comm = "deno", .exe = "/usr/bin/deno", WORDS("deno\0run\0main.ts")},
	};
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		make_process(&all[i]);
	FOUND("uvicorn", 10);
	assert_string_equal(set.processes[0].name, "uvicorn");
	FOUND("celery", 11);
	FOUND("server.js", 12);
	FOUND("app.jar", 13);
	FOUND("main.ts", 16);
	FOUND("prosody", 17);
	FOUND("node", 12);
	REFUSED("python3", -EEXIST, "10 (uvicorn), 11 (celery), 14 (python3.11)");
	REFUSED("ignore", -ESRCH, "no process");
}

static void long_and_rewritten_names(void **state)
{
	(void)state;
	make_process(&(struct made){10, 1, "a-very-long-nam", "/opt/a-very-long-name-indeed",
				    "a-very-long-name-indeed"});
	make_process(&(struct made){11, 1, "postgres", "/usr/lib/postgresql/15/bin/postgres",
				    "postgres: writer process"});
	make_process(&(struct made){12, 1, "odd) S 1 (x", "/bin/odd", "odd"});
	FOUND("a-very-long-name-indeed", 10);
	FOUND("postgres", 11);
	FOUND("odd", 12);
	FOUND("odd) S 1 (x", 12);
}

static void prefork_servers_are_one_family(void **state)
{
	(void)state;
	make_process(&(struct made){10, 1, "nginx", "/usr/sbin/nginx", "nginx: master process"});
	make_process(&(struct made){11, 10, "nginx", "/usr/sbin/nginx", "nginx: worker process"});
	make_process(&(struct made){12, 10, "nginx", "/usr/sbin/nginx", "nginx: worker process"});
	make_process(&(struct made){13, 12, "sh", "/bin/sh", "sh"});
	FOUND("nginx", 10, 11, 12);
	make_process(&(struct made){20, 1, "nginx", "/usr/sbin/nginx", "nginx: master process"});
	REFUSED("nginx", -EEXIST, "'nginx' is ambiguous: 10 (nginx), 11 (nginx), 12 (nginx), 20 (nginx)");
}

/* uvicorn --workers: the children are started anew and are called python3 -c …, but run the same program. */
static void workers_under_another_name_belong_to_it(void **state)
{
	(void)state;
	make_process(&(struct made){.pid = 30,
				    .parent = 1,
				    .comm = "uvicorn",
				    .exe = "/usr/bin/python3.11",
				    WORDS("/usr/bin/python3\0/usr/bin/uvicorn")});
	make_process(&(struct made){.pid = 25,
				    .parent = 30,
				    .comm = "python3",
				    .exe = "/usr/bin/python3.11",
				    WORDS("python3\0-c\0spawn")});
	make_process(&(struct made){31, 25, "git", "/usr/bin/git", "git"});
	make_process(&(struct made){.pid = 40,
				    .parent = 1,
				    .comm = "python3",
				    .exe = "/usr/bin/python3.11",
				    WORDS("python3\0x.py")});
	FOUND("uvicorn", 25, 30);
}

static void several_targets_are_each_kept_once(void **state)
{
	const struct target_request asked[] = {
		{TARGET_AS_ANY, "b"}, {TARGET_AS_PID, "10"}, {TARGET_AS_ANY, "11"}};
	(void)state;
	make_process(&(struct made){10, 1, "a", "/bin/a", "a"});
	make_process(&(struct made){11, 1, "b", "/bin/b", "b"});
	assert_int_equal(target_resolve(&roots, asked, 3, false, &set, &diag), 0);
	assert_int_equal(set.n_processes, 2);
	assert_int_equal(set.processes[0].pid, 10);
	assert_string_equal(set.text, "b -p 10 11");
	assert_true(target_has(&set, 11));
	assert_true(target_add(&set, 5, "cmd"));
	assert_int_equal(set.processes[0].pid, 5);
	assert_false(target_has(&set, 6));
}

static void whole_host(void **state)
{
	(void)state;
	assert_int_equal(target_resolve(&roots, NULL, 0, true, &set, &diag), 0);
	assert_true(set.all);
	assert_string_equal(set.text, "-a");
}

/* --- cgroups ----------------------------------------------------------------------------------------------------------- */

static void unit_in_v2(void **state)
{
	const char *line = "0::/system.slice/web.service\n";
	(void)state;
	make_cgroup(".", "", true);
	make_cgroup("system.slice", "", true);
	make_cgroup("system.slice/web.service", "50\n51\n900\n", true);
	make_cgroup("system.slice/web.service/sub", "52\n", true);
	make_process(&(struct made){50, 1, "web", "/bin/web", "web", line});
	make_process(&(struct made){51, 50, "web", "/bin/web", "web", line});
	make_process(&(struct made){52, 50, "w2", "/bin/w2", "w2", "0::/system.slice/web.service/sub\n"});
	make_process(&(struct made){SELF, 50, "loopstall", "/bin/loopstall", "loopstall", line});
	FOUND("web.service", 50, 51, 52);
	assert_int_equal(set.n_cgroups, 1);
	assert_true(set.cgroups[0].is_v2);
	assert_true(set.cgroups[0].id != 0);
	assert_int_equal(set.cgroups[0].level, 2);
	FOUND("system.slice", 50, 51, 52);
	REFUSED("db.service", -ESRCH, "no running unit 'db.service'");
}

static void unit_name_without_suffix(void **state)
{
	(void)state;
	make_cgroup("system.slice/api.service", "50\n", true);
	make_process(&(struct made){50, 1, "gunicorn", "/bin/gunicorn", "gunicorn",
				    "0::/system.slice/api.service\n"});
	FOUND("api", 50);
}

static void unit_in_a_mixed_hierarchy(void **state)
{
	const char *lines =
		"4:memory:/system.slice/web.service\n1:name=systemd:/system.slice/web.service\n0::/\n";
	(void)state;
	make_cgroup("unified", "", true);
	make_cgroup("memory/system.slice/web.service", "50\n", false);
	make_cgroup("systemd/system.slice/web.service", "50\n", false);
	make_process(&(struct made){50, 1, "web", "/bin/web", "web", lines});
	FOUND("web.service", 50);
	assert_false(set.cgroups[0].is_v2);
	assert_non_null(strstr(set.cgroups[0].path, "/systemd/system.slice/web.service"));
}

static void containers_by_the_beginning_of_their_id(void **state)
{
	static const struct {
		const char *line, *directory;
	} shapes[] = {
		{"0::/system.slice/docker-" CONTAINER ".scope\n", "system.slice/docker-" CONTAINER ".scope"},
		{"0::/docker/" CONTAINER "\n", "docker/" CONTAINER},
		{"0::/kubepods.slice/pod1.slice/cri-containerd-" CONTAINER ".scope\n",
		 "kubepods.slice/pod1.slice/cri-containerd-" CONTAINER ".scope"},
		{"0::/machine.slice/libpod-" CONTAINER ".scope/container\n",
		 "machine.slice/libpod-" CONTAINER ".scope"},
		{"0::/system.slice/containerd.service/kubepods-x-pod2:cri-containerd:" CONTAINER "\n",
		 "system.slice/containerd.service/kubepods-x-pod2:cri-containerd:" CONTAINER},
	};
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		tear_down(NULL);
		set_up(NULL);
		make_process(&(struct made){60, 1, "app", "/bin/app", "app", shapes[i].line});
		make_cgroup(shapes[i].directory, "60\n", true);
		FOUND("0123456789ab", 60);
		FOUND(CONTAINER, 60);
		FOUND("012345", 60);
		REFUSED("01234", -ESRCH, "no process");
		REFUSED("0123456789ac", -ESRCH, "no process, unit or container");
	}
}

static void container_helpers_and_twins(void **state)
{
	(void)state;
	make_process(&(struct made){60, 1, "app", "/bin/app", "app", "0::/libpod-" CONTAINER ".scope\n"});
	make_process(&(struct made){61, 1, "conmon", "/bin/conmon", "conmon",
				    "0::/libpod-conmon-" CONTAINER ".scope\n"});
	make_cgroup("libpod-" CONTAINER ".scope", "60\n", true);
	make_cgroup("libpod-conmon-" CONTAINER ".scope", "61\n", true);
	FOUND("0123456789ab", 60);
	make_process(&(struct made){62, 1, "app", "/bin/app", "app", "0::/libpod-" OTHER ".scope\n"});
	make_cgroup("libpod-" OTHER ".scope", "62\n", true);
	REFUSED("0123456789", -EEXIST, "ambiguous");
	FOUND("0123456789f", 62);
}

static void cgroup_by_path(void **state)
{
	char absolute[256];
	(void)state;
	make_process(&(struct made){70, 1, "a", "/bin/a", "a"});
	make_process(&(struct made){71, 1, "b", "/bin/b", "b"});
	make_process(&(struct made){2, 0, "kthreadd", NULL, NULL});
	make_cgroup("unified/apps", "", true);
	make_cgroup("systemd/apps/one", "70\n2\n", false);
	make_cgroup("systemd/apps", "71\n", false);
	make_cgroup("cpu/empty", "", false);
	FOUND("apps/one", 70);
	FOUND("/apps", 70, 71); /* not the empty one of v2 */
	snprintf(absolute, sizeof absolute, "%s/systemd/apps/one", cgroup_root);
	FOUND(absolute, 70);
	assert_int_equal(ask(TARGET_AS_CGROUP, "apps/one"), 0);
	assert_string_equal(set.text, "-c apps/one");
	REFUSED("cpu/none", -ESRCH, "no cgroup 'cpu/none'");
	REFUSED("/empty", -ESRCH, "has no processes");
}

static void members_are_read_again(void **state)
{
	(void)state;
	make_process(&(struct made){70, 1, "a", "/bin/a", "a"});
	make_cgroup("systemd/apps", "70\n", false);
	FOUND("/apps", 70);
	make_process(&(struct made){80, 70, "a", "/bin/a", "a"});
	make_cgroup("systemd/apps", "70\n80\n81\n", false); /* 81 is gone already */
	assert_int_equal(target_refresh(&roots, &set), 0);
	assert_int_equal(set.n_processes, 2);
	assert_int_equal(set.processes[1].pid, 80);
}

/* A child of each thread; one is older, one a zombie, one gone. Theirs are asked for when they are in. */
static void children_that_came_since_are_added(void **state)
{
	(void)state;
	roots.now_ticks = 100;
	make_process(&(struct made){10, 1, "app", "/bin/app", "app", .start = 20});
	make_process(&(struct made){11, 10, "app", "/bin/app", "app", .start = 99});
	FOUND("10", 10);
	make_process(&(struct made){12, 10, "app", "/bin/app", "app", .start = 100});
	make_process(&(struct made){13, 10, "tool", "/bin/tool", "tool", .start = 101});
	make_process(&(struct made){14, 10, "x", "/bin/x", "", .state = 'Z', .start = 102});
	make_process(&(struct made){20, 12, "app", "/bin/app", "app", .start = 102});
	put("11 12 14 15 ", 12, "%s/10/task/10/children", proc_root);
	put("13 ", 3, "%s/10/task/17/children", proc_root);
	put("20 ", 3, "%s/12/task/12/children", proc_root);
	for (size_t n = 3; n <= 4; n++) {
		assert_true(!target_add_born(&roots, &set) && set.n_processes == n);
		assert_int_equal(set.processes[n - 1].pid, n == 3 ? 13 : 20);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pid_is_itself),
		TEST(thread_means_its_process),
		TEST(inner_number_is_taken_if_it_is_the_only_one),
		TEST(numbers_that_are_none),
		TEST(untraceable_processes_say_why),
		TEST(foreign_process_without_rights),
		TEST(a_verb_that_comes_late),
		TEST(a_link_to_a_program_is_its_name),
		TEST(scripts_go_by_their_own_name),
		TEST(long_and_rewritten_names),
		TEST(prefork_servers_are_one_family),
		TEST(workers_that_are_not_named_are_told_of),
		TEST(workers_under_another_name_belong_to_it),
		TEST(several_targets_are_each_kept_once),
		TEST(whole_host),
		TEST(unit_in_v2),
		TEST(unit_name_without_suffix),
		TEST(unit_in_a_mixed_hierarchy),
		TEST(containers_by_the_beginning_of_their_id),
		TEST(container_helpers_and_twins),
		TEST(cgroup_by_path),
		TEST(members_are_read_again),
		TEST(children_that_came_since_are_added),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
