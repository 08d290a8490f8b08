/* SPDX-License-Identifier: Apache-2.0 */
/* Causes: peers and libraries, computing, what is around the program; and what belongs to all of them. */
#include "told_stall.h"

#include "model/remedy.h"

static const struct told peers[] = {
	{"requests",
	 "cpython 3.12",
	 {{"recvfrom", "tcp 93.184.216.34:8443", TARGET_INET, 300, 2,
	   "recv@libc.so.6 _ssl.cpython-312.so+1@_ssl.cpython-312.so p:recv_into@" LIB "ssl.py p:begin@" LIB
	   "http/client.py p:urlopen@" SITE "urllib3/connectionpool.py p:get@" SITE "requests/api.py " APP},
	  {"connect", "tcp 93.184.216.34:8443", TARGET_INET, 30, 1,
	   "connect@libc.so.6 p:connect@" SITE "urllib3/connection.py p:get@" SITE "requests/api.py " APP}},
	 NULL,
	 {0},
	 0,
	 "sync_http",
	 "recvfrom tcp 93.184.216.34:8443: 3 waits, 330 ms, 100 % of the lag, by requests",
	 "httpx.AsyncClient"},
	{"boto3, not the urllib3 below it",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 52.1.1.1:443", TARGET_INET, 300, 0,
	   "recv@libc.so.6 p:urlopen@/venv/lib/python3.11/site-packages/urllib3/connectionpool.py "
	   "p:send@/venv/lib/python3.11/site-packages/botocore/httpsession.py "
	   "p:upload@/venv/lib/python3.11/site-packages/boto3/s3/inject.py " APP}},
	 NULL,
	 {0},
	 0,
	 "sync_http",
	 "HTTPS at tcp 52.1.1.1:443: 300 ms, 100 % of the lag, by boto3",
	 "aiobotocore"},
	{"psycopg2 without Python's frames",
	 "cpython 3.11",
	 {{"poll", "tcp 10.0.3.9:5432", TARGET_INET, 120, 0,
	   "poll@libc.so.6 pqSocketCheck@libpq.so.5.15 PQexec@libpq.so.5.15 "
	   "+1@_psycopg.cpython-311-x86_64-linux-gnu.so " EVAL}},
	 NULL,
	 {0},
	 0,
	 "sync_db",
	 "PostgreSQL at tcp 10.0.3.9:5432: 120 ms, 100 % of the lag, by psycopg2",
	 "asyncpg"},
	{"SQLAlchemy over it",
	 "cpython 3.11",
	 {{"poll", "tcp 10.0.3.9:5432", TARGET_INET, 120, 0,
	   "poll@libc.so.6 PQexec@libpq.so.5 p:do_execute@" SITE "sqlalchemy/engine/default.py " APP}},
	 NULL,
	 {0},
	 0,
	 "sync_db",
	 "by SQLAlchemy",
	 "sqlalchemy.ext.asyncio"},
	{"redis-py on an unusual port",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:7001", TARGET_INET, 120, 0,
	   "recv@libc.so.6 p:read@" SITE "redis/connection.py " APP}},
	 NULL,
	 {0},
	 0,
	 "sync_db",
	 "by redis-py",
	 "redis.asyncio"},
	{"MySQL's socket from C",
	 "",
	 {{"recvfrom", "unix /run/mysqld/mysqld.sock", TARGET_UNIX, 120, 0,
	   "recv@libc.so.6 mysql_real_query@libmariadb.so.3 c:main@app"}},
	 NULL,
	 {0},
	 0,
	 "sync_db",
	 "MySQL at unix /run/mysqld/mysqld.sock",
	 "non-blocking interface"},
	{"HTTP by its port alone",
	 "node",
	 {{"recvfrom", "tcp 10.0.0.1:80", TARGET_INET, 90}},
	 NULL,
	 {0},
	 0,
	 "sync_http",
	 "HTTP at",
	 "fetch()"},
	{"a peer nobody knows",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 127.0.0.1:8101", TARGET_INET, 90, 0, "recv@libc.so.6 " APP}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 "recvfrom tcp 127.0.0.1:8101: 90 ms",
	 "asyncio streams"},
	{"D-Bus",
	 "",
	 {{"recvmsg", "unix /run/dbus/system_bus_socket", TARGET_UNIX, 90}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 "D-Bus at",
	 NULL},
	{"a name lookup by port",
	 "",
	 {{"poll", "udp 10.0.0.2:53", TARGET_INET, 5000}},
	 NULL,
	 {0},
	 0,
	 "dns",
	 "DNS at udp 10.0.0.2:53: 5.00 s",
	 NULL},
	{"a name lookup inside requests",
	 "cpython 3.11",
	 {{"poll", "udp 127.0.0.53:5353", TARGET_INET, 500, 0,
	   "poll@libc.so.6 __res_context_send@libc.so.6 getaddrinfo@libc.so.6 p:create_connection@" SITE
	   "urllib3/util/connection.py p:get@" SITE "requests/api.py " APP}},
	 NULL,
	 {0},
	 0,
	 "dns",
	 "by requests",
	 "httpx"},
	{"300 quick queries",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:5432", TARGET_INET, 210, 300,
	   "recv@libc.so.6 p:execute@" SITE "psycopg/cursor.py " APP}},
	 NULL,
	 {0},
	 0,
	 "many_calls",
	 "PostgreSQL at tcp 10.0.3.9:5432: 300 waits one after another, 700 us each, 210 ms, 100 % of the "
	 "lag, by psycopg",
	 "gather()"},
	{"the parts of one large answer",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:8080", TARGET_INET, 310, 300,
	   "recv@libc.so.6 p:get@" SITE "requests/api.py " APP}},
	 NULL,
	 {0},
	 0,
	 "many_calls",
	 NULL,
	 "or the parts of a large one"},
	/* not: */
	{"300 waits, each at another peer's block",
	 "",
	 {{"recvfrom", "tcp 10.0.3.9:7000", TARGET_INET, 100, 100},
	  {"recvfrom", "tcp 10.0.3.8:7000", TARGET_INET, 100, 100},
	  {"recvfrom", "tcp 10.0.3.7:7000", TARGET_INET, 100, 100}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 NULL,
	 NULL},
	{"five long ones are not many",
	 "",
	 {{"recvfrom", "tcp 10.0.3.9:7000", TARGET_INET, 500, 5}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 NULL,
	 NULL},
	{"a port in a path is none",
	 "",
	 {{"read", "/srv/a:5432", TARGET_FILE, 100}},
	 NULL,
	 {0},
	 0,
	 "file_io",
	 NULL,
	 NULL},
	{"an application file called redis",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:7000", TARGET_INET, 100, 0,
	   "recv@libc.so.6 a:f@/srv/redis/connection.py"}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 NULL,
	 NULL},
	{"requests further out than the application",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:7000", TARGET_INET, 100, 0,
	   "recv@libc.so.6 a:hook@/srv/app.py p:send@" SITE "requests/hooks.py"}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 NULL,
	 NULL},
	{"half here, a third there, nothing more than half",
	 "",
	 {{"recvfrom", "tcp 10.0.3.9:7000", TARGET_INET, 40},
	  {"nanosleep", "", TARGET_SLEEP, 35},
	  {"read", "/a", TARGET_FILE, 30}},
	 NULL,
	 {0},
	 0,
	 "",
	 NULL,
	 NULL},
};

static const struct told computing[] = {
	{"Python",
	 "cpython 3.11",
	 {{0}},
	 EVAL " a:load@/srv/app.py",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "180 ms, 100 % of the lag, load (/srv/app.py:7) in 100 % of 36 samples",
	 "ProcessPoolExecutor"},
	{"json",
	 "cpython 3.11",
	 {{0}},
	 "p:decode@" LIB "json/decoder.py p:loads@" LIB "json/__init__.py a:load@/srv/app.py",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by json",
	 "orjson"},
	{"hashlib lets others run",
	 "cpython 3.11",
	 {{0}},
	 "SHA256_Final@libcrypto.so.3 +1@_hashlib.cpython-311-x86_64-linux-gnu.so " EVAL,
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by hashlib",
	 "to_thread()"},
	{"a package that computes",
	 "node",
	 {{0}},
	 "j:_encipher@/srv/node_modules/bcryptjs/index.js j:hashSync@/srv/node_modules/bcryptjs/index.js "
	 "s:login@/srv/app.js "
	 "j:emit@node:events",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by bcryptjs, login (/srv/app.js:7)",
	 "bcrypt's"},
	{"a compiled pattern",
	 "node",
	 {{0}},
	 "RegExp:^(a+)+$@[JIT] Builtins_RegExpPrototypeTest@node s:check@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by RegExp, check",
	 "nested repetition"},
	{"a compiled pattern without a map",
	 "node",
	 {{0}},
	 "+0@[JIT] Builtins_RegExpPrototypeTest@node s:check@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by RegExp, check",
	 "nested repetition"},
	{"a handler that computes, called by a package",
	 "node",
	 {{0}},
	 "s:check@/srv/app.js j:hashSync@/srv/node_modules/bcryptjs/index.js s:login@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "180 ms, 100 % of the lag, check",
	 "Worker"},
	{"a callback of fs that computes",
	 "node",
	 {{0}},
	 "+0@[JIT] Builtins_JSEntry@node node::fs::FSReqAfterScope::Clear@node",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 NULL,
	 "Worker"},
	{"a promise of fs whose reaction computes, in a package",
	 "node",
	 {{0}},
	 "j:walk@/srv/node_modules/glob/index.js Builtins_JSRunMicrotasksEntry@node "
	 "node::fs::AfterMkdirp@node",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 NULL,
	 "Worker"},
	{"V8's collector",
	 "node",
	 {{0}},
	 "x@node v8::internal::Heap::CollectGarbage@node " JS,
	 {.cpu_ns = 180 * MS},
	 0,
	 "gc",
	 "100 % of 36 samples",
	 "semi-space"},
	{"Python's collector",
	 "cpython 3.11",
	 {{0}},
	 "visit_decref@libpython3.11.so.1.0 gc_collect_main@libpython3.11.so.1.0 " EVAL,
	 {.cpu_ns = 180 * MS},
	 0,
	 "gc",
	 NULL,
	 "gc.freeze()"},
	{"a file written, most of it copied",
	 "cpython 3.11",
	 {{"fsync", "/srv/f", TARGET_FILE, 80}},
	 "write@libc.so.6 a:save@/srv/app.py",
	 {.cpu_ns = 100 * MS},
	 0,
	 "file_io",
	 "fsync of /srv/f and copying in the kernel, 100 % of 20 samples: 80 ms",
	 "aiofiles"},
	{"a file read, nearly all of it from the page cache",
	 "cpython 3.11",
	 {{"read", "/srv/f", TARGET_FILE, 5}},
	 "read@libc.so.6 a:load@/srv/app.py",
	 {.cpu_ns = 95 * MS},
	 0,
	 "file_io",
	 "read of /srv/f and copying in the kernel",
	 "aiofiles"},
	{"written, and a line of a log beside it: perhaps a socket",
	 "cpython 3.11",
	 {{"write", "/srv/log", TARGET_FILE, 1}},
	 "write@libc.so.6 a:save@/srv/app.py",
	 {.cpu_ns = 99 * MS},
	 0,
	 "cpu",
	 NULL,
	 NULL},
	{"written, and no file waited for: perhaps a socket",
	 "cpython 3.11",
	 {{0}},
	 "write@libc.so.6 a:save@/srv/app.py",
	 {.cpu_ns = 100 * MS},
	 0,
	 "cpu",
	 NULL,
	 NULL},
	{"the application's own write() is none of libc",
	 "",
	 {{"fsync", "/srv/f", TARGET_FILE, 80}},
	 "c:write@app",
	 {.cpu_ns = 100 * MS},
	 0,
	 "cpu",
	 NULL,
	 NULL},
	{"CPU without a sample",
	 "",
	 {{0}},
	 NULL,
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "180 ms, 100 % of the lag",
	 "smaller steps"},
	{"with a tenth of it runnable",
	 "",
	 {{0}},
	 NULL,
	 {.cpu_ns = 160 * MS, .runnable_ns = 40 * MS},
	 0,
	 "cpu",
	 "160 ms, 80 % of the lag, and 40 ms without a CPU",
	 NULL},
};

static void test_peers(void **unused)
{
	(void)unused;
	told_check_all(peers, ARRAY_LEN(peers));
}

static void test_computing(void **unused)
{
	(void)unused;
	told_check_all(computing, ARRAY_LEN(computing));
}

/* A JVM stops its threads by a futex that its VM Thread ends: a collection only if the collector's threads ran. */
/* Process.waitFor(): a thread of the JVM waits for the child, and the caller for that thread. */
static void test_jvm_child(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t loop = story_loop(t, "java", 812, "jvm");
	struct fact_stall s = {.loop = loop,
			       .lag_ns = 300 * MS,
			       .gap_ns = 300 * MS,
			       .verdict = VERDICT_LOCK,
			       .ledger.blocked_ns = 290 * MS,
			       .n_blocks = 1};
	s.blocks[0] = (struct block){.call = "futex", .target = "0x7f00", .kind = TARGET_FUTEX, .count = 1};
	s.blocks[0].sum_ns = s.blocks[0].max_ns = 290 * MS;
	s.blocks[0].waker = (struct waker){812, 840, "process reaper", "", 0};
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	assert_string_equal(s.cause, "subprocess");
	assert_non_null(strstr(s.evidence, "child process: 290 ms"));
	assert_non_null(strstr(s.remedy, "onExit()"));
	s.blocks[0].waker.comm = "worker-7";
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	assert_string_equal(s.cause, "lock");
	story_free(t);
}

static void test_jvm_pause(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t loop = story_loop(t, "java", 812, "jvm");
	struct fact_stall s = {
		.loop = loop, .pid = 812, .verdict = VERDICT_LOCK, .lag_ns = 80 * MS, .n_blocks = 1};
	s.ledger.blocked_ns = 80 * MS;
	s.blocks[0] = (struct block){
		"futex", "0x1", TARGET_FUTEX, 1, 1, 80 * MS, 80 * MS, {812, 820, "VM Thread", "futex", 0}, 0};
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	assert_string_equal(s.cause, "safepoint");
	assert_string_equal(s.evidence,
			    "the JVM stopped all threads at a safepoint, ended by VM Thread[820], not for a "
			    "collection: 80 ms, 100 % of the lag");
	s.collector_ns = 75 * MS;
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	assert_string_equal(s.cause, "gc");
	assert_string_equal(
		s.evidence,
		"a pause of the collector, whose threads ran for 75 ms, ended by VM Thread[820]: 80 "
		"ms, 100 % of the lag");
	s.blocks[0].waker.comm = "pool-1-thread-3";
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	assert_string_equal(s.cause, "lock");
	story_free(t);
}

static void test_holder_is_named_with_its_line(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t loop = story_loop(t, "api", 812, "cpython 3.11");
	struct fact_stall s = {
		.loop = loop, .pid = 812, .verdict = VERDICT_LOCK, .lag_ns = 80 * MS, .n_blocks = 1};
	uint32_t holder = told_stack(t, "sem_post@libc.so.6 a:flush@/srv/app/cache.py");
	s.blocks[0] = (struct block){"futex", "0x1",   TARGET_FUTEX, 1,
				     1,	      80 * MS, 80 * MS,	     {812, 820, "flusher", "futex", holder},
				     0};
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	assert_string_equal(s.evidence,
			    "held by flusher[820] in flush (/srv/app/cache.py:7): 80 ms, 100 % of the lag");
	story_free(t);
}

/* The collector has no name in a stripped interpreter, but the samples know that it ran. */
static void test_collection_without_names(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct fact_stall s = {
		.lag_ns = 80 * MS, .gap_ns = 80 * MS, .n_samples = 1, .collecting_ns = 60 * MS};
	s.ledger.cpu_ns = 80 * MS;
	s.samples[0] = (struct sample){80 * MS, told_stack(t, "+50baf4@python3.11 a:clean@/srv/app.py"), 16};
	verdict_decide(&s, 50 * MS);
	cause_decide(&s, NULL, t->dictionary);
	assert_string_equal(s.cause, "gc");
	assert_string_equal(s.evidence, "garbage collection: 75 % of 16 samples");
	story_free(t);
}

/* A cause stays the stall's own: decided again, nothing of the first is left. */
static void test_decided_anew(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct fact_stall s = {.verdict = VERDICT_STOPPED, .lag_ns = 80 * MS};
	s.ledger.stopped_ns = 80 * MS;
	cause_decide(&s, NULL, t->dictionary);
	assert_string_equal(s.cause, "stopped");
	s.verdict = VERDICT_NONE;
	cause_decide(&s, NULL, t->dictionary);
	assert_string_equal(s.cause, "");
	assert_string_equal(s.evidence, "");
	assert_string_equal(s.remedy, "");
	story_free(t);
}

static void test_evidence_fits(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	char path[400];
	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = 0;
	struct fact_stall s = {.verdict = VERDICT_BLOCKED, .lag_ns = 80 * MS, .n_blocks = 1};
	s.blocks[0] =
		(struct block){"read", path, TARGET_FILE, 0, 1, 80 * MS, 80 * MS, {.comm = "", .why = ""}, 0};
	cause_decide(&s, NULL, t->dictionary);
	assert_int_equal(strlen(s.evidence), FACT_EVIDENCE_BYTES - 1);
	assert_string_equal(s.evidence + FACT_EVIDENCE_BYTES - 4, "…");
	story_free(t);
}

/* Whatever the loop is built on, every cause has something to do about it. */
static void test_every_cause_has_a_remedy(void **unused)
{
	static const char *const causes[] = {"stopped",	   "throttled",
					     "no_cpu",	   "reclaim",
					     "faults",	   "gil",
					     "gc",	   "subprocess",
					     "sqlite",	   "sleep",
					     "dns",	   "fsync",
					     "file_lock",  "lock",
					     "many_calls", "sync_db",
					     "sync_http",  "sync_io",
					     "file_io",	   "cpu",
					     "spawn",	   "flood",
					     "cascade",	   "hot_loop",
					     "pile_up",	   "pile_up_of_tasks",
					     "polling",	   "nested_loop",
					     "query"};
	static const char *const loops[] = {"", "cpython 3.11", "node", "jvm", "redis"};
	(void)unused;
	struct story *t = story_new();
	for (size_t l = 0; l < ARRAY_LEN(loops); l++) {
		struct fact_loop loop = {.runtime = loops[l]};
		for (size_t i = 0; i < ARRAY_LEN(causes); i++)
			assert_non_null(remedy_for(causes[i], NULL, &loop, t->dictionary, 0));
	}
	assert_null(remedy_for("bogus", NULL, NULL, t->dictionary, 0));
	story_free(t);
}

static void check_saturated(struct story *t, uint64_t iterations, const char *stack, const char *evidence)
{
	struct fact_saturated s = {.loop = 1, .busy_ns = 2 * S, .iterations = iterations};
	if (stack) {
		s.n_samples = 2;
		s.samples[0] = (struct sample){990 * MS, told_stack(t, stack), 198};
		s.samples[1] = (struct sample){10 * MS, told_stack(t, "a:other@/srv/app.py"), 2};
	}
	cause_of_saturation(&s, 2 * S, t->dictionary);
	assert_string_equal(s.evidence, evidence);
}

static void test_saturation(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	check_saturated(t, 1, "a:spin@/srv/app.py", "spin (/srv/app.py:7) 99 % of its samples, no yield");
	check_saturated(t, 200000, "a:spin@/srv/app.py",
			"spin (/srv/app.py:7) 99 % of its samples, yields 100000 times a second");
	check_saturated(t, 400, "a:spin@/srv/app.py",
			"spin (/srv/app.py:7) 99 % of its samples, 5 ms an iteration");
	check_saturated(t, 400, NULL, "5 ms an iteration");
	story_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_computing),
		cmocka_unit_test(test_jvm_child),
		cmocka_unit_test(test_jvm_pause),
		cmocka_unit_test(test_holder_is_named_with_its_line),
		cmocka_unit_test(test_collection_without_names),
		cmocka_unit_test(test_decided_anew),
		cmocka_unit_test(test_evidence_fits),
		cmocka_unit_test(test_every_cause_has_a_remedy),
		cmocka_unit_test(test_saturation),
	};
	return told_run("causes", tests, ARRAY_LEN(tests));
}
