/* SPDX-License-Identifier: Apache-2.0 */
#include "model/remedy.h"

#include "base/array.h"

#include <fnmatch.h>
#include <string.h>

/* What the loop is built on, as far as it changes what to write: PYTHON is asyncio, OWN_PYTHON a loop that a Python program has made itself. */
enum family {
	FAMILY_ANY,
	PYTHON,
	TRIO,
	TWISTED,
	GEVENT,
	EVENTLET,
	OWN_PYTHON,
	ANY_PYTHON,
	NODE,
	JVM,
	TOKIO,
	FAMILIES
};

static const struct {
	const char *runtime; /* begins with */
	enum family family;
} runtimes[] = {
	{"cpython", PYTHON}, {"node", NODE}, {"deno", NODE}, {"bun", NODE}, {"jvm", JVM}, {"tokio", TOKIO},
};

/* Python's loops, each with a way to wait of its own; one may run on another, as Twisted does on asyncio. */
static const struct {
	const char *file;
	enum family family;
} frameworks[] = {
	{"*/python3*/asyncio/events.py", PYTHON}, {"*-packages/trio/*", TRIO},
	{"*-packages/twisted/*", TWISTED},	  {"*-packages/gevent/*", GEVENT},
	{"*-packages/eventlet/*", EVENTLET},
};

static bool is_python(enum family family)
{
	return family >= PYTHON && family <= ANY_PYTHON;
}

/* Asyncio's loop, or uvloop's, which is an extension and has no frames of Python's. */
static bool has_asyncio(const struct dictionary *d, const struct fact_stack *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (f &&
		    (!fnmatch("*/asyncio/*", f->file, 0) || !fnmatch("*-packages/uvloop/*", f->file, 0) ||
		     !fnmatch("loop.cpython-*", f->object, 0) || !fnmatch("_asyncio*.so", f->object, 0)))
			return true;
	}
	return false;
}

/* Whether a whole stack is that of Python alone, from where a program or a thread of it begins. */
static bool begins_in_python(const struct dictionary *d, const struct fact_stack *s)
{
	const struct fact_frame *outermost = NULL;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		outermost = f && f->kind == FRAME_PYTHON ? f : outermost;
	}
	return s->state == STACK_COMPLETE && outermost &&
	       (!strcmp(outermost->function, "<module>") || strstr(outermost->function, "_bootstrap"));
}

static bool is_own_loop(const struct dictionary *d, uint32_t stack)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	return s && begins_in_python(d, s) && !has_asyncio(d, s);
}

/* A program in C that can be scripted, as unbound, has Python's library in it, and its own loop knows nothing of that. */
static bool is_without_python(const struct dictionary *d, uint32_t stack)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	return s && s->n && s->state == STACK_COMPLETE && !library_has_cpython(d, stack);
}

static enum family family_of(const struct fact_loop *l, const struct dictionary *d, uint32_t stack)
{
	enum family family = FAMILY_ANY;
	for (size_t i = 0; l && !family && i < ARRAY_LEN(runtimes); i++)
		if (!strncmp(l->runtime, runtimes[i].runtime, strlen(runtimes[i].runtime)))
			family = runtimes[i].family;
	bool any_loop = family == PYTHON;
	if (any_loop && is_without_python(d, stack))
		return FAMILY_ANY;
	uint32_t nearest = UINT32_MAX; /* the innermost has called the code that waits */
	for (size_t i = 0; any_loop && i < ARRAY_LEN(frameworks); i++) {
		uint32_t depth = library_depth_of_file(d, stack, frameworks[i].file);
		if (depth < nearest)
			family = frameworks[i].family;
		nearest = depth < nearest ? depth : nearest;
	}
	return any_loop && nearest == UINT32_MAX && is_own_loop(d, stack) ? OWN_PYTHON : family;
}

#define RELEASED(instead)    "it releases the GIL: " instead " is enough"
#define UNLOCKED(instead)    "this Python has no GIL: " instead " is enough"
#define WAITS(what, instead) what " waits inside the loop: " instead

/* The first row of the cause with the family or FAMILY_ANY. */
static const struct {
	const char *cause;
	enum family family;
	const char *text;
} remedies[] = {
	{"subprocess", PYTHON, WAITS("a child process", "asyncio.create_subprocess_exec() yields")},
	{"subprocess", TRIO, WAITS("a child process", "trio.run_process() yields")},
	{"subprocess", TWISTED, WAITS("a child process", "reactor.spawnProcess() yields")},
	{"subprocess", GEVENT, WAITS("a child process", "gevent.subprocess yields")},
	{"subprocess", EVENTLET, WAITS("a child process", "eventlet.green.subprocess yields")},
	{"subprocess", NODE,
	 WAITS("a child process", "child_process.execFile() or spawn() with a callback yields")},
	{"subprocess", JVM, WAITS("a child process", "Process.onExit() with a callback")},
	{"subprocess", TOKIO, WAITS("a child process", "tokio::process::Command yields")},
	{"subprocess", FAMILY_ANY, WAITS("a child process", "watch SIGCHLD or a pidfd in it instead")},

	{"spawn", ANY_PYTHON,
	 "the loop stands still until the child runs its program: fewer starts, a worker process that stays, "
	 "or "
	 "multiprocessing's forkserver"},
	{"spawn", FAMILY_ANY,
	 "the loop stands still until the child runs its program: fewer starts, a helper process that stays"},

	{"sleep", PYTHON, WAITS("time.sleep()", "await asyncio.sleep() yields")},
	{"sleep", TRIO, WAITS("time.sleep()", "await trio.sleep() yields")},
	{"sleep", TWISTED, WAITS("time.sleep()", "reactor.callLater() yields")},
	{"sleep", GEVENT, WAITS("time.sleep()", "gevent.sleep() or monkey.patch_all() yields")},
	{"sleep", EVENTLET, WAITS("time.sleep()", "eventlet.sleep() or eventlet.monkey_patch() yields")},
	{"sleep", NODE, WAITS("a sleep", "await timers/promises.setTimeout() yields")},
	{"sleep", JVM, WAITS("Thread.sleep()", "schedule a task on the event loop")},
	{"sleep", TOKIO, WAITS("std::thread::sleep()", "tokio::time::sleep().await yields")},
	{"sleep", FAMILY_ANY, WAITS("a sleep", "a timer of the loop serves meanwhile")},

	{"nested_loop", PYTHON,
	 WAITS("a second event loop", "await its work in this one, or asyncio.to_thread()")},
	{"nested_loop", TRIO, WAITS("a second event loop", "trio.to_thread.run_sync() yields")},
	{"nested_loop", TWISTED, WAITS("a second event loop", "deferToThread() yields")},
	{"nested_loop", NODE, WAITS("a second event loop", "the form with a callback or promise yields")},
	{"nested_loop", FAMILY_ANY,
	 WAITS("a second event loop", "add its descriptors to the first, or run it in a thread of its own")},

	{"sqlite", PYTHON,
	 WAITS("sqlite3", "aiosqlite or asyncio.to_thread(); short transactions, WAL mode against its lock")},
	{"sqlite", NODE,
	 WAITS("SQLite", "a worker_threads Worker; short transactions, WAL mode against its lock")},
	{"sqlite", FAMILY_ANY,
	 WAITS("SQLite", "a thread of its own; short transactions, WAL mode against its lock")},

	{"query", PYTHON,
	 "the query computes inside the loop: an index or fewer rows, or asyncio.to_thread(), for sqlite3 "
	 "releases the GIL"},
	{"query", NODE,
	 "the query computes inside the loop: an index or fewer rows, or a worker_threads Worker"},
	{"query", FAMILY_ANY,
	 "the query computes inside the loop: an index or fewer rows, or another thread"},

	{"dns", PYTHON, WAITS("a name lookup", "loop.getaddrinfo() runs it in a thread; cache the address")},
	{"dns", TRIO, WAITS("a name lookup", "trio.socket.getaddrinfo() yields")},
	{"dns", TWISTED, WAITS("a name lookup", "reactor.resolve() runs it in a thread")},
	{"dns", GEVENT, WAITS("a name lookup", "gevent.socket.getaddrinfo() yields")},
	{"dns", EVENTLET, WAITS("a name lookup", "eventlet.green.socket.getaddrinfo() yields")},
	{"dns", JVM, WAITS("a name lookup", "look names up in an executor's thread")},
	{"dns", TOKIO, WAITS("a name lookup", "tokio::net::lookup_host() yields")},
	{"dns", FAMILY_ANY,
	 WAITS("a name lookup", "look names up in a thread or with c-ares; cache the address")},

	{"fsync", PYTHON,
	 "the disk is waited for inside the loop: asyncio.to_thread(os.fsync, fd), and fewer of them"},
	{"fsync", NODE,
	 "the disk is waited for inside the loop: fs.promises, FileHandle.sync(), and fewer of them"},
	{"fsync", FAMILY_ANY,
	 "the disk is waited for inside the loop: sync in another thread, and less often"},

	{"file_lock", PYTHON,
	 "another process holds the file's lock: asyncio.to_thread(), or LOCK_NB and try later"},
	{"file_lock", FAMILY_ANY,
	 "another process holds the file's lock: take it in another thread, or try without waiting"},

	/* One large answer comes in as many parts: which of both it was is not seen. */
	{"many_calls", PYTHON,
	 "answers one after another, gather() or not, or the parts of a large one: batch the calls or ask "
	 "for "
	 "less, in an asynchronous client"},
	{"many_calls", NODE,
	 "answers one after another, or the parts of a large one: batch the calls or ask for less, in an "
	 "asynchronous client"},
	{"many_calls", FAMILY_ANY,
	 "answers one after another, or the parts of a large one: batch the calls or ask for less, outside "
	 "the "
	 "loop"},

	{"sync_db", PYTHON,
	 WAITS("a database call", "its asynchronous driver yields, or asyncio.to_thread()")},
	{"sync_http", PYTHON,
	 WAITS("an HTTP call", "httpx.AsyncClient or aiohttp yields, or asyncio.to_thread()")},
	{"sync_io", PYTHON,
	 WAITS("a blocking socket or pipe", "asyncio streams yield, or asyncio.to_thread()")},
	{"file_io", PYTHON, "a file is waited for inside the loop: asyncio.to_thread() or aiofiles"},
	{"lock", PYTHON,
	 "a lock is waited for inside the loop: asyncio.Lock among tasks; with threads hold it shorter, or "
	 "asyncio.to_thread()"},

	{"sync_db", JVM, WAITS("a database call", "an executor's thread, or a reactive driver")},
	{"sync_http", JVM, WAITS("an HTTP call", "HttpClient.sendAsync(), or an executor's thread")},
	{"sync_io", JVM,
	 WAITS("a blocking socket or pipe",
	       "a SocketChannel registered with the selector, or an executor's thread")},
	{"file_io", JVM, WAITS("a file", "AsynchronousFileChannel, or an executor's thread")},
	{"lock", JVM,
	 "a lock is waited for inside the loop: hold it shorter, or hand the work to an executor"},

	{"sync_db", NODE, WAITS("a database call", "its promise API yields")},
	{"sync_http", NODE, WAITS("an HTTP call", "fetch() yields")},
	{"sync_io", NODE, WAITS("a blocking socket or pipe", "net streams yield")},
	{"file_io", NODE, WAITS("a file", "fs.promises yields")},
	{"lock", NODE,
	 "a lock is waited for inside the loop: Atomics.waitAsync(), or a message to the worker"},

	{"sync_db", TRIO, WAITS("a database call", "trio.to_thread.run_sync() yields")},
	{"sync_http", TRIO, WAITS("an HTTP call", "httpx.AsyncClient yields")},
	{"sync_io", TRIO, WAITS("a blocking socket or pipe", "trio.SocketStream yields")},
	{"file_io", TRIO, WAITS("a file", "trio.open_file() yields")},
	{"lock", TRIO, WAITS("a thread's lock", "trio.Lock yields, or trio.to_thread.run_sync()")},
	{"sync_db", TWISTED, WAITS("a database call", "adbapi or deferToThread() yields")},
	{"sync_http", TWISTED, WAITS("an HTTP call", "treq yields")},
	{"sync_io", TWISTED, WAITS("a blocking socket or pipe", "an endpoint or deferToThread() yields")},
	{"file_io", TWISTED, WAITS("a file", "deferToThread() yields")},
	{"lock", TWISTED, WAITS("a thread's lock", "DeferredLock yields, or deferToThread()")},
	{"sync_db", GEVENT, WAITS("a database call", "monkey.patch_all() first, or a driver in pure Python")},
	{"sync_http", GEVENT, WAITS("an HTTP call", "monkey.patch_all() before the first import yields")},
	{"sync_io", GEVENT,
	 WAITS("a blocking socket or pipe", "monkey.patch_all() before the first import yields")},
	{"file_io", GEVENT, WAITS("a file", "gevent.get_hub().threadpool or FileObjectThread yields")},
	{"sync_db", EVENTLET,
	 WAITS("a database call", "eventlet.monkey_patch() first, or eventlet.tpool.execute()")},
	{"sync_http", EVENTLET,
	 WAITS("an HTTP call", "eventlet.monkey_patch() before the first import yields")},
	{"sync_io", EVENTLET,
	 WAITS("a blocking socket or pipe", "eventlet.monkey_patch() before the first import yields")},
	{"file_io", EVENTLET, WAITS("a file", "eventlet.tpool.execute() yields")},

	{"sync_db", FAMILY_ANY, WAITS("a database call", "its non-blocking interface, or another thread")},
	{"sync_http", FAMILY_ANY, WAITS("an HTTP call", "a non-blocking client, or another thread")},
	{"sync_db", TOKIO,
	 WAITS("a database call", "an asynchronous driver, or tokio::task::spawn_blocking()")},
	{"sync_http", TOKIO,
	 WAITS("an HTTP call", "an asynchronous client, or tokio::task::spawn_blocking()")},
	{"sync_io", TOKIO,
	 WAITS("a blocking descriptor", "tokio::net yields, or tokio::task::spawn_blocking()")},
	{"file_io", TOKIO, WAITS("a file", "tokio::fs or tokio::task::spawn_blocking()")},
	{"lock", TOKIO,
	 "a lock is waited for inside the loop: hold it shorter, or tokio::sync::Mutex where it is held "
	 "across an await"},
	{"cpu", TOKIO,
	 "nothing else runs meanwhile: tokio::task::spawn_blocking() or a pool, or smaller steps"},
	{"sync_io", FAMILY_ANY,
	 WAITS("a blocking descriptor", "make it non-blocking and add it to the loop")},
	{"file_io", FAMILY_ANY, WAITS("a file", "read and write it in another thread, or by io_uring")},
	{"lock", FAMILY_ANY,
	 "a lock is waited for inside the loop: hold it shorter, or hand the work over by a queue"},

	{"gil", FAMILY_ANY,
	 "other threads of the process hold the GIL: move their work to a process pool, or lower "
	 "sys.setswitchinterval()"},

	{"gc", ANY_PYTHON,
	 "the collector walks every object: gc.freeze() after start-up, a higher gc.set_threshold(), fewer "
	 "live objects"},
	{"gc", NODE, "the collector stops the loop: fewer live objects, a larger --max-semi-space-size"},
	{"gc", JVM, "the collector stops every thread: ZGC or Shenandoah, or a smaller live heap"},
	{"safepoint", FAMILY_ANY,
	 "-Xlog:safepoint names the operation: thread dumps, deoptimisation, a profiler, class redefinition"},
	{"gc", FAMILY_ANY, "the collector stops the loop: fewer live objects"},

	{"cpu", PYTHON,
	 "nothing else runs meanwhile: a ProcessPoolExecutor (threads share the GIL), or smaller steps with "
	 "await asyncio.sleep(0)"},
	{"cpu_released", PYTHON, RELEASED("await asyncio.to_thread()")},
	{"cpu_released", TRIO, RELEASED("await trio.to_thread.run_sync()")},
	{"cpu_released", GEVENT, RELEASED("gevent.get_hub().threadpool.apply()")},
	{"cpu_released", EVENTLET, RELEASED("eventlet.tpool.execute()")},
	{"cpu_released", TWISTED, RELEASED("deferToThread()")},
	{"cpu_released", FAMILY_ANY, RELEASED("a thread")},
	{"cpu_unlocked", PYTHON, UNLOCKED("await asyncio.to_thread()")},
	{"cpu_unlocked", TRIO, UNLOCKED("await trio.to_thread.run_sync()")},
	{"cpu_unlocked", GEVENT, UNLOCKED("gevent.get_hub().threadpool.apply()")},
	{"cpu_unlocked", EVENTLET, UNLOCKED("eventlet.tpool.execute()")},
	{"cpu_unlocked", TWISTED, UNLOCKED("deferToThread()")},
	{"cpu_unlocked", FAMILY_ANY, UNLOCKED("a thread")},
	{"cpu", TRIO,
	 "nothing else runs meanwhile: a process pool (threads share the GIL), or smaller steps with "
	 "trio.lowlevel.checkpoint()"},
	{"cpu", GEVENT,
	 "nothing else runs meanwhile: a process pool (threads share the GIL), or smaller steps with "
	 "gevent.sleep(0)"},
	{"cpu", EVENTLET,
	 "nothing else runs meanwhile: a process pool (threads share the GIL), or smaller steps with "
	 "eventlet.sleep(0)"},
	{"cpu", TWISTED,
	 "nothing else runs meanwhile: a process pool (threads share the GIL), or smaller steps with "
	 "task.cooperate()"},
	{"cpu", ANY_PYTHON,
	 "nothing else runs meanwhile: a process pool (threads share the GIL), or smaller steps"},
	{"cpu", JVM, "nothing else runs meanwhile: an executor's thread, or smaller steps"},
	{"cpu", NODE,
	 "nothing else runs meanwhile: a worker_threads Worker, or smaller steps with setImmediate()"},
	{"cpu", FAMILY_ANY, "nothing else runs meanwhile: another thread, or smaller steps"},

	{"hot_loop", PYTHON,
	 "it never yields: a ProcessPoolExecutor (threads share the GIL), or smaller steps with await "
	 "asyncio.sleep(0)"},
	{"hot_loop", TRIO,
	 "it never yields: a process pool (threads share the GIL), or smaller steps with "
	 "trio.lowlevel.checkpoint()"},
	{"hot_loop", GEVENT,
	 "it never yields: a process pool (threads share the GIL), or smaller steps with gevent.sleep(0)"},
	{"hot_loop", EVENTLET,
	 "it never yields: a process pool (threads share the GIL), or smaller steps with eventlet.sleep(0)"},
	{"hot_loop", TWISTED,
	 "it never yields: a process pool (threads share the GIL), or smaller steps with task.cooperate()"},
	{"hot_loop", ANY_PYTHON, "it never yields: a process pool (threads share the GIL), or smaller steps"},
	{"hot_loop", JVM, "it never yields: an executor's thread, or smaller steps"},
	{"hot_loop", NODE, "it never yields: a worker_threads Worker, or smaller steps with setImmediate()"},
	{"hot_loop", FAMILY_ANY, "it never yields: another thread, or smaller steps"},

	{"flood", PYTHON,
	 "all are started at once: a few workers on an asyncio.Queue or an asyncio.Semaphore, and one "
	 "keep-alive "
	 "session instead of a connection each"},
	{"flood", FAMILY_ANY,
	 "all are started at once: a limit on how many run, batches, and connections that are kept"},

	{"cascade", PYTHON,
	 "handlers make more events than they take: do not emit from a handler of the same event, or put "
	 "them into "
	 "an asyncio.Queue that one task drains with a limit"},
	{"cascade", FAMILY_ANY,
	 "handlers make more events than they take: do not emit from a handler of the same event, or queue "
	 "them "
	 "with a limit"},

	{"pile_up", PYTHON,
	 "they are started faster than they end: bound them with asyncio.Semaphore or a queue with maxsize, "
	 "await "
	 "them, and give each a timeout"},
	{"pile_up", FAMILY_ANY,
	 "they are started faster than they end: bound how many run, and give each a timeout"},

	{"pile_up_of_tasks", FAMILY_ANY,
	 "they are created faster than they end: bound them before create_task() (a semaphore inside of them "
	 "only makes them wait), or let a few workers take from an asyncio.Queue with maxsize"},

	{"polling", FAMILY_ANY,
	 "ask less often and back off, keep the connection, or let the peer tell (subscribe, long poll)"},

	{"throttled", FAMILY_ANY,
	 "the cgroup's CPU limit is too low for its bursts: raise cpu.max (cgroup v1: cpu.cfs_quota_us), or "
	 "run fewer threads in it"},
	{"throttled_v1", FAMILY_ANY,
	 "the cgroup's CPU limit is too low for its bursts: raise cpu.cfs_quota_us, or run fewer threads in "
	 "it"},
	{"throttled_v2", FAMILY_ANY,
	 "the cgroup's CPU limit is too low for its bursts: raise cpu.max, or run fewer threads in it"},
	{"throttled_unit", FAMILY_ANY,
	 "the unit's CPU limit is too low for its bursts: raise CPUQuota= (systemctl set-property), or run "
	 "fewer "
	 "threads in it"},
	{"throttled_container", FAMILY_ANY,
	 "the container's CPU limit is too low for its bursts: raise it (docker update --cpus, limits.cpu), "
	 "or "
	 "run fewer threads in it"},
	{"no_cpu", FAMILY_ANY,
	 "too few CPUs for what runs: move neighbours away, or raise its CPU weight or nice level"},
	{"no_cpu_own", FAMILY_ANY,
	 "its own threads take its CPU: run fewer of them, give them a higher nice level, or allow more "
	 "CPUs"},
	{"stolen", FAMILY_ANY,
	 "nothing in the code: the hypervisor runs other guests on this CPU; an instance with CPUs of its "
	 "own, or "
	 "another host"},
	{"interrupts", FAMILY_ANY,
	 "nothing in the code: interrupts are served on its CPU; spread them (irqbalance, RPS) or run it on "
	 "another"},
	{"stopped", FAMILY_ANY,
	 "nothing in the code: find who sends SIGSTOP, attaches a debugger or freezes the cgroup"},
	{"stopped_signal", FAMILY_ANY,
	 "nothing in the code: find who sends SIGSTOP or SIGTSTP, such as a shell's job control or a batch "
	 "system"},
	{"stopped_sent", FAMILY_ANY,
	 "nothing in the code: ask the sender of the signal why; shells' job control and batch systems send "
	 "it"},
	{"stopped_frozen", FAMILY_ANY,
	 "nothing in the code: find who freezes the cgroup, such as docker pause, a snapshot or systemctl "
	 "freeze"},
	{"stopped_traced", FAMILY_ANY,
	 "nothing in the code: a debugger or strace is attached and stops it; let it go, or use a tool that "
	 "does not stop it"},
	{"reclaim", FAMILY_ANY,
	 "the kernel takes pages back inside the loop: raise memory.high and memory.max (cgroup v1: "
	 "memory.limit_in_bytes), or "
	 "use less"},
	{"faults", FAMILY_ANY,
	 "its memory is fetched inside the loop: more memory, no swap, or touch mapped files elsewhere "
	 "first"},
};

static const char *by_family(const char *cause, enum family family)
{
	for (size_t i = 0; i < ARRAY_LEN(remedies); i++)
		if (remedies[i].family == family && !strcmp(remedies[i].cause, cause))
			return remedies[i].text;
	return NULL;
}

/* What the environment causes is not the library's, and many quick calls stay many in an asynchronous one. */
static bool takes_library(const char *cause)
{
	static const char *const elsewhere[] = {"throttled", "no_cpu",	"stopped", "reclaim",
						"faults",    "gil",	"gc",	   "many_calls",
						"flood",     "cascade", "spawn",   "safepoint"};
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (!strcmp(cause, elsewhere[i]))
			return false;
	return true;
}

/* Of a library's remedies those against computing hold in any loop; the others name what yields in the usual one. */
static bool suits(const struct library *library, enum family family)
{
	return family == PYTHON || family == NODE || (family == OWN_PYTHON && library->kind == LIBRARY_CPU);
}

const char *remedy_for(const char *cause, const struct library *library, const struct fact_loop *l,
		       const struct dictionary *d, uint32_t stack)
{
	enum family family = family_of(l, d, stack);
	if (library && library->remedy && suits(library, family) && takes_library(cause))
		return library->remedy;
	const char *text = by_family(cause, family);
	if (!text && is_python(family))
		text = by_family(cause, ANY_PYTHON);
	return text ? text : by_family(cause, FAMILY_ANY);
}
