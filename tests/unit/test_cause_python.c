/* SPDX-License-Identifier: Apache-2.0 */
/* Remedies for Python's loops beside asyncio: nothing is named that such a program cannot await. */
#include "told_stall.h"

#define THREADS "p:run@" SITE "gunicorn/workers/gthread.py a:<module>@/usr/bin/gunicorn"
#define HUB	"p:loop@" SITE "kombu/asynchronous/hub.py a:<module>@/usr/bin/celery"

static const struct told own_loops[] = {
	{"time.sleep() below an epoll object of its own",
	 "cpython 3.11",
	 {{"clock_nanosleep", "200 ms", TARGET_SLEEP, 200, 1, "clock_nanosleep@libc.so.6 " APP " " HUB}},
	 NULL,
	 {0},
	 0,
	 "sleep",
	 NULL,
	 "a timer of the loop"},
	{"requests, in a thread's loop",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:80", TARGET_INET, 200, 1,
	   "recv@libc.so.6 p:get@" SITE "requests/api.py " APP " p:run@" LIB "threading.py p:_bootstrap@" LIB
	   "threading.py"}},
	 NULL,
	 {0},
	 0,
	 "sync_http",
	 "by requests",
	 "a non-blocking client"},
	{"computing",
	 "cpython 3.11",
	 {{0}},
	 APP " " THREADS,
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 NULL,
	 "a process pool (threads share the GIL), or smaller steps"},
	{"json",
	 "cpython 3.11",
	 {{0}},
	 "p:loads@" LIB "json/__init__.py " APP " " THREADS,
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by json",
	 "orjson"},
	{"the collector, below trio",
	 "cpython 3.11",
	 {{0}},
	 "gc_collect_main@python3.11 " APP " p:step@" SITE "trio/_core/_run.py",
	 {.cpu_ns = 180 * MS},
	 0,
	 "gc",
	 NULL,
	 "gc.freeze()"},
};

#define GREEN "p:run@" SITE "eventlet/hubs/hub.py a:<module>@/srv/app.py"

static const struct told green_loops[] = {
	{"time.sleep() in eventlet's hub",
	 "cpython 3.11",
	 {{"clock_nanosleep", "200 ms", TARGET_SLEEP, 200, 1, "clock_nanosleep@libc.so.6 " APP " " GREEN}},
	 NULL,
	 {0},
	 0,
	 "sleep",
	 NULL,
	 "eventlet.sleep()"},
	{"a socket that is not patched, in eventlet",
	 "cpython 3.11",
	 {{"recvfrom", "tcp 10.0.3.9:4567", TARGET_INET, 200, 1, "recv@libc.so.6 " APP " " GREEN}},
	 NULL,
	 {0},
	 0,
	 "sync_io",
	 NULL,
	 "eventlet.monkey_patch()"},
	{"computing in eventlet",
	 "cpython 3.11",
	 {{0}},
	 APP " " GREEN,
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 NULL,
	 "eventlet.sleep(0)"},
	{"a name that gevent looks up",
	 "cpython 3.11",
	 {{"poll", "udp 10.0.3.9:53", TARGET_INET, 200, 1,
	   "poll@libc.so.6 getaddrinfo@libc.so.6 " APP " p:run@" SITE "gevent/hub.py"}},
	 NULL,
	 {0},
	 0,
	 "dns",
	 NULL,
	 "gevent.socket.getaddrinfo()"},
	{"a name that a JVM looks up",
	 "jvm 17",
	 {{"poll", "udp 10.0.3.9:53", TARGET_INET, 200, 1,
	   "poll@libc.so.6 getaddrinfo@libc.so.6 Lookup@[JIT]"}},
	 NULL,
	 {0},
	 0,
	 "dns",
	 NULL,
	 "an executor's thread"},
};

static const struct told no_loops_of_python[] = {
	{"a program in C that may be scripted",
	 "cpython 3.11",
	 {{"fsync", "/srv/root.key", TARGET_FILE, 200, 1,
	   "fsync@libc.so.6 c:autr_write@unbound c:main@unbound"}},
	 NULL,
	 {0},
	 0,
	 "fsync",
	 NULL,
	 "sync in another thread"},
};

/* What has asyncio in it, or does not reach the program's beginning, is taken for asyncio, which most are. */
static const struct told usual_loops[] = {
	{"asyncio below the program's module",
	 "cpython 3.11",
	 {{"clock_nanosleep", "200 ms", TARGET_SLEEP, 200, 1,
	   "clock_nanosleep@libc.so.6 " APP " p:run@" LIB "asyncio/runners.py a:<module>@/srv/app.py"}},
	 NULL,
	 {0},
	 0,
	 "sleep",
	 NULL,
	 "asyncio.sleep()"},
	{"uvloop, which is native",
	 "cpython 3.11",
	 {{"clock_nanosleep", "200 ms", TARGET_SLEEP, 200, 1,
	   "clock_nanosleep@libc.so.6 " APP " uv_run@loop.cpython-311-x86_64-linux-gnu.so "
	   "a:<module>@/srv/app.py"}},
	 NULL,
	 {0},
	 0,
	 "sleep",
	 NULL,
	 "asyncio.sleep()"},
};

static void test_own_loops(void **unused)
{
	(void)unused;
	told_check_all(own_loops, ARRAY_LEN(own_loops));
}

static void test_green_loops(void **unused)
{
	(void)unused;
	told_check_all(green_loops, ARRAY_LEN(green_loops));
}

static void test_no_loops_of_python(void **unused)
{
	(void)unused;
	told_check_all(no_loops_of_python, ARRAY_LEN(no_loops_of_python));
}

static void test_usual_loops(void **unused)
{
	(void)unused;
	told_check_all(usual_loops, ARRAY_LEN(usual_loops));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_loops),
		cmocka_unit_test(test_green_loops),
		cmocka_unit_test(test_no_loops_of_python),
		cmocka_unit_test(test_usual_loops),
	};
	return told_run("causes in Python's loops", tests, ARRAY_LEN(tests));
}
