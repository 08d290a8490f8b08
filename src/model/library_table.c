/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries that are known to block or to compute, and what does the same without. The first row that matches a frame holds. */
#include "model/library.h"

#include <stddef.h>

#define WAITS(name, instead) name " waits inside the loop: " instead
#define PACKAGE(folder)	     "*-packages/" folder "/*"
#define MODULE(folder)	     "*/node_modules/" folder "/*"
#define STDLIB(path)	     "*/python3*/" path

#define SUBPROCESS WAITS("subprocess", "asyncio.create_subprocess_exec() yields")

/* What update() of a hash, an HMAC and a cipher computes, it computes in the loop. */
#define DIGEST "crypto.subtle.digest() and sign() run in the thread pool; update() computes in the loop"
#define CIPHER "crypto.subtle.encrypt() and decrypt() run in the thread pool; update() computes in the loop"

/* Where it is the start of the program itself that stalls, this is no wrong advice. */
#define LOADS(how) how " loads modules inside the loop: load them when the program starts, before it serves"

/* clang-format off */
const struct library libraries[] = {
	/* --- programs */
	/* Not asyncio/subprocess.py, which is what to use instead: here an asterisk would match its folder. */
	{"subprocess", LIBRARY_PROCESS, IN_FILE, "*/python3.[0-9]/subprocess.py", SUBPROCESS},
	{"subprocess", LIBRARY_PROCESS, IN_FILE, "*/python3.[0-9][0-9]/subprocess.py", SUBPROCESS},
	{"subprocess", LIBRARY_PROCESS, IN_FILE, "*/python3.[0-9][0-9]t/subprocess.py", SUBPROCESS},
	{"_posixsubprocess", LIBRARY_PROCESS, IN_OBJECT, "_posixsubprocess*.so", NULL},
	{"system()", LIBRARY_PROCESS, IN_FUNCTION, "do_system",
	 WAITS("os.system()", "asyncio.create_subprocess_shell() yields")},
	{"pexpect", LIBRARY_PROCESS, IN_FILE, PACKAGE("pexpect"),
	 WAITS("pexpect", "pass async_=True to expect() and await it")},
	{"sh", LIBRARY_PROCESS, IN_FILE, "*-packages/sh.py",
	 WAITS("sh", "pass _async=True and await it, or asyncio.create_subprocess_exec()")},
	{"execSync()/spawnSync()", LIBRARY_PROCESS, IN_FUNCTION, "node::SyncProcessRunner::*",
	 WAITS("execSync()/spawnSync()", "child_process.execFile() or spawn() with a callback yields")},

	/* --- HTTP and what speaks it */
	{"requests", LIBRARY_HTTP, IN_FILE, PACKAGE("requests"),
	 WAITS("requests", "httpx.AsyncClient or aiohttp yields, or asyncio.to_thread()")},
	{"boto3", LIBRARY_HTTP, IN_FILE, PACKAGE("boto3"),
	 WAITS("boto3", "aioboto3 or aiobotocore yields, or asyncio.to_thread()")},
	{"botocore", LIBRARY_HTTP, IN_FILE, PACKAGE("botocore"),
	 WAITS("botocore", "aiobotocore yields, or asyncio.to_thread()")},
	{"httpx.Client", LIBRARY_HTTP, IN_FILE, PACKAGE("httpx"),
	 WAITS("httpx.Client", "httpx.AsyncClient yields")},
	{"urllib3", LIBRARY_HTTP, IN_FILE, PACKAGE("urllib3"),
	 WAITS("urllib3", "aiohttp or httpx.AsyncClient yields, or asyncio.to_thread()")},
	{"urllib.request", LIBRARY_HTTP, IN_STDLIB, STDLIB("urllib/request.py"),
	 WAITS("urllib.request", "aiohttp or httpx.AsyncClient yields, or asyncio.to_thread()")},
	{"http.client", LIBRARY_HTTP, IN_STDLIB, STDLIB("http/client.py"),
	 WAITS("http.client", "aiohttp or httpx.AsyncClient yields, or asyncio.to_thread()")},
	{"pycurl", LIBRARY_HTTP, IN_OBJECT, "pycurl*.so",
	 WAITS("pycurl", "aiohttp or httpx.AsyncClient yields, or asyncio.to_thread()")},
	{"libcurl", LIBRARY_HTTP, IN_OBJECT, "libcurl*.so*", NULL},
	{"openai", LIBRARY_HTTP, IN_FILE, PACKAGE("openai"),
	 WAITS("openai", "AsyncOpenAI yields")},
	{"docker", LIBRARY_HTTP, IN_FILE, PACKAGE("docker"),
	 WAITS("docker", "aiodocker yields, or asyncio.to_thread()")},
	{"kubernetes", LIBRARY_HTTP, IN_FILE, PACKAGE("kubernetes"),
	 WAITS("kubernetes", "kubernetes_asyncio yields")},
	{"google-cloud", LIBRARY_HTTP, IN_FILE, PACKAGE("google"),
	 WAITS("the Google client", "its asynchronous client, or asyncio.to_thread()")},
	{"grpc", LIBRARY_OTHER, IN_FILE, PACKAGE("grpc"), WAITS("grpc", "grpc.aio yields")},

	/* --- databases, queues */
	{"SQLAlchemy", LIBRARY_DB, IN_FILE, PACKAGE("sqlalchemy"),
	 WAITS("SQLAlchemy", "sqlalchemy.ext.asyncio with an asynchronous driver yields")},
	{"Django's ORM", LIBRARY_DB, IN_FILE, PACKAGE("django/db"),
	 WAITS("Django's ORM", "aget(), acreate() and the like, or sync_to_async() yield")},
	{"peewee", LIBRARY_DB, IN_FILE, "*-packages/peewee.py",
	 WAITS("peewee", "peewee-async yields, or asyncio.to_thread()")},
	{"psycopg2", LIBRARY_DB, IN_FILE, PACKAGE("psycopg2"),
	 WAITS("psycopg2", "asyncpg or psycopg 3's AsyncConnection yields")},
	{"psycopg2", LIBRARY_DB, IN_OBJECT, "_psycopg.*.so",
	 WAITS("psycopg2", "asyncpg or psycopg 3's AsyncConnection yields")},
	{"psycopg", LIBRARY_DB, IN_FILE, PACKAGE("psycopg"),
	 WAITS("psycopg", "psycopg.AsyncConnection yields")},
	{"PyMySQL", LIBRARY_DB, IN_FILE, PACKAGE("pymysql"),
	 WAITS("PyMySQL", "aiomysql or asyncmy yields")},
	{"mysqlclient", LIBRARY_DB, IN_FILE, PACKAGE("MySQLdb"),
	 WAITS("mysqlclient", "aiomysql or asyncmy yields")},
	{"mysqlclient", LIBRARY_DB, IN_OBJECT, "_mysql.*.so",
	 WAITS("mysqlclient", "aiomysql or asyncmy yields")},
	{"mysql.connector", LIBRARY_DB, IN_FILE, PACKAGE("mysql/connector"),
	 WAITS("mysql.connector", "mysql.connector.aio yields")},
	{"redis-py", LIBRARY_DB, IN_FILE, PACKAGE("redis"), WAITS("redis-py", "redis.asyncio yields")},
	{"PyMongo", LIBRARY_DB, IN_FILE, PACKAGE("pymongo"),
	 WAITS("PyMongo", "pymongo.AsyncMongoClient yields")},
	{"elasticsearch", LIBRARY_DB, IN_FILE, PACKAGE("elasticsearch"),
	 WAITS("elasticsearch", "AsyncElasticsearch yields")},
	{"cassandra-driver", LIBRARY_DB, IN_FILE, PACKAGE("cassandra"),
	 WAITS("cassandra-driver", "execute_async() with its callbacks yields")},
	{"oracledb", LIBRARY_DB, IN_FILE, PACKAGE("oracledb"),
	 WAITS("oracledb", "oracledb.connect_async() yields")},
	{"pyodbc", LIBRARY_DB, IN_OBJECT, "pyodbc*.so",
	 WAITS("pyodbc", "aioodbc yields, or asyncio.to_thread()")},
	{"pymemcache", LIBRARY_DB, IN_FILE, PACKAGE("pymemcache"),
	 WAITS("pymemcache", "aiomcache yields, or asyncio.to_thread()")},
	{"clickhouse", LIBRARY_DB, IN_FILE, PACKAGE("clickhouse_*"),
	 WAITS("the ClickHouse client", "clickhouse_connect.get_async_client() yields")},
	{"kafka", LIBRARY_OTHER, IN_FILE, PACKAGE("kafka"), WAITS("kafka", "aiokafka yields")},
	{"pika", LIBRARY_OTHER, IN_FILE, PACKAGE("pika"), WAITS("pika", "aio-pika yields")},
	{"pyzmq", LIBRARY_OTHER, IN_OBJECT, "libzmq*.so*", WAITS("pyzmq", "zmq.asyncio yields")},
	{"libpq", LIBRARY_DB, IN_OBJECT, "libpq*.so*", NULL},
	{"libmysqlclient", LIBRARY_DB, IN_OBJECT, "libmysqlclient*.so*", NULL},
	{"libmariadb", LIBRARY_DB, IN_OBJECT, "libmariadb*.so*", NULL},
	{"hiredis", LIBRARY_DB, IN_OBJECT, "libhiredis*.so*", NULL},
	{"sqlite3", LIBRARY_SQLITE, IN_OBJECT, "_sqlite3*.so", NULL},
	{"SQLite", LIBRARY_SQLITE, IN_OBJECT, "libsqlite3.so*", NULL},
	{"SQLite", LIBRARY_SQLITE, IN_FUNCTION, "sqlite3_*", NULL},
	{"better-sqlite3", LIBRARY_SQLITE, IN_OBJECT, "better_sqlite3.node", NULL},
	{"sync-request", LIBRARY_HTTP, IN_FILE, MODULE("sync-request"), WAITS("sync-request", "fetch() yields")},
	{"sync-fetch", LIBRARY_HTTP, IN_FILE, MODULE("sync-fetch"), WAITS("sync-fetch", "fetch() yields")},

	/* --- other networking */
	{"getaddrinfo()", LIBRARY_DNS, IN_FUNCTION, "*getaddrinfo*", NULL},
	{"gethostbyname()", LIBRARY_DNS, IN_FUNCTION, "*gethostby*", NULL},
	{"getnameinfo()", LIBRARY_DNS, IN_FUNCTION, "*getnameinfo*",
	 WAITS("getnameinfo()", "loop.getnameinfo() runs it in a thread")},
	{"resolver", LIBRARY_DNS, IN_FUNCTION, "__res_*", NULL},
	{"dnspython", LIBRARY_DNS, IN_FILE, PACKAGE("dns"),
	 WAITS("dnspython", "dns.asyncresolver yields")},
	{"smtplib", LIBRARY_OTHER, IN_STDLIB, STDLIB("smtplib.py"), WAITS("smtplib", "aiosmtplib yields")},
	{"ftplib", LIBRARY_OTHER, IN_STDLIB, STDLIB("ftplib.py"), WAITS("ftplib", "aioftp yields")},
	{"imaplib", LIBRARY_OTHER, IN_STDLIB, STDLIB("imaplib.py"), WAITS("imaplib", "aioimaplib yields")},
	{"python-ldap", LIBRARY_OTHER, IN_FILE, PACKAGE("ldap"),
	 WAITS("python-ldap", "bonsai yields, or asyncio.to_thread()")},
	{"ldap3", LIBRARY_OTHER, IN_FILE, PACKAGE("ldap3"), WAITS("ldap3", "bonsai yields, or asyncio.to_thread()")},
	{"paramiko", LIBRARY_OTHER, IN_FILE, PACKAGE("paramiko"), WAITS("paramiko", "asyncssh yields")},
	{"multiprocessing", LIBRARY_OTHER, IN_STDLIB, STDLIB("multiprocessing/*"),
	 WAITS("multiprocessing", "run_in_executor() with a ProcessPoolExecutor yields")},
	{"concurrent.futures", LIBRARY_OTHER, IN_STDLIB, STDLIB("concurrent/futures/*"),
	 WAITS("Future.result()", "await asyncio.wrap_future(), or loop.run_in_executor()")},
	{"queue.Queue", LIBRARY_OTHER, IN_STDLIB, STDLIB("queue.py"),
	 WAITS("queue.Queue", "asyncio.Queue yields")},
	{"logging", LIBRARY_OTHER, IN_STDLIB, STDLIB("logging/*"),
	 WAITS("logging", "logging.handlers.QueueHandler hands records to a thread")},
	{"Atomics.wait()", LIBRARY_OTHER, IN_FUNCTION, "v8::internal::FutexEmulation::Wait*",
	 WAITS("Atomics.wait()", "Atomics.waitAsync() or a message yields")},

	/* --- files */
	{"fs.*Sync()", LIBRARY_FILE, IN_FUNCTION, "node::fs::*",
	 WAITS("fs.*Sync()", "fs.promises yields")},

	/* --- garbage collectors */
	{"V8's collector", LIBRARY_GC, IN_FUNCTION, "v8::internal::Heap::*Garbage*", NULL},
	{"V8's collector", LIBRARY_GC, IN_FUNCTION, "v8::internal::MarkCompactCollector::*", NULL},
	{"V8's collector", LIBRARY_GC, IN_FUNCTION, "v8::internal::Scavenger*", NULL},
	{"V8's collector", LIBRARY_GC, IN_FUNCTION, "v8::internal::IncrementalMarking*", NULL},
	{"Python's collector", LIBRARY_GC, IN_FUNCTION, "gc_collect*", NULL},
	{"Python's collector", LIBRARY_GC, IN_FUNCTION, "PyGC_Collect", NULL},
	{"Python's collector", LIBRARY_GC, IN_FUNCTION, "_PyGC_Collect*", NULL},

	{"the JVM", LIBRARY_SAFEPOINT, IN_FUNCTION, "SafepointSynchronize::block", NULL},
	{"Thread.sleep()", LIBRARY_SLEEP, IN_FUNCTION, "JVM_Sleep*", NULL},

	/* --- computing; those that let other threads run meanwhile say so */
	{"hashlib", LIBRARY_RELEASES, IN_OBJECT, "_hashlib*.so",
	 "it releases the GIL: await asyncio.to_thread() is enough"},
	{"bcrypt", LIBRARY_RELEASES, IN_OBJECT, "_bcrypt*.so",
	 "it releases the GIL: await asyncio.to_thread() is enough"},
	{"zlib", LIBRARY_RELEASES, IN_OBJECT, "zlib.*.so",
	 "it releases the GIL: await asyncio.to_thread() is enough"},
	{"lzma", LIBRARY_RELEASES, IN_OBJECT, "_lzma*.so",
	 "it releases the GIL: await asyncio.to_thread() is enough"},
	{"bz2", LIBRARY_RELEASES, IN_OBJECT, "_bz2*.so",
	 "it releases the GIL: await asyncio.to_thread() is enough"},
	{"json", LIBRARY_CPU, IN_STDLIB, STDLIB("json/*"),
	 "json holds the GIL: a faster parser (orjson), less data at once, or a ProcessPoolExecutor"},
	{"re", LIBRARY_CPU, IN_STDLIB, STDLIB("re/*"),
	 "re holds the GIL: a pattern without backtracking, less text, or a ProcessPoolExecutor"},
	{"import", LIBRARY_CPU, IN_FILE, "<frozen?importlib*", LOADS("import")},
	{"require()", LIBRARY_CPU, IN_FILE, "node:internal/modules/cjs/*", LOADS("require()")},
	{"import", LIBRARY_CPU, IN_FILE, "node:internal/modules/esm/*", LOADS("import")},
	{"bcryptjs", LIBRARY_CPU, IN_FILE, MODULE("bcryptjs"),
	 "bcrypt's hash() and compare() run in the thread pool; bcryptjs computes in the loop"},
	{"RegExp", LIBRARY_CPU, IN_FUNCTION, "RegExp:*",
	 "a pattern without nested repetition, the re2 package, or less text at once"},
	{"node:crypto", LIBRARY_CPU, IN_FUNCTION, "node::crypto::H*::H*Update*", DIGEST},
	{"node:crypto", LIBRARY_CPU, IN_FUNCTION, "node::crypto::Decode<node::crypto::H*", DIGEST},
	{"node:crypto", LIBRARY_CPU, IN_FUNCTION, "node::crypto::CipherBase::*", CIPHER},
	{"node:crypto", LIBRARY_CPU, IN_FUNCTION, "node::crypto::Decode<node::crypto::CipherBase*", CIPHER},
	{"node:crypto", LIBRARY_CPU, IN_FUNCTION, "*node::crypto::*",
	 "the form with a callback runs in the thread pool: crypto.pbkdf2(), scrypt(), generateKeyPair()"},
	{"node:zlib", LIBRARY_CPU, IN_FUNCTION, "node::*ZlibContext::*",
	 "the form with a callback or stream runs in the thread pool: zlib.gzip(), createGzip()"},
	{"node:zlib", LIBRARY_CPU, IN_FUNCTION, "node::*CompressionStream<*",
	 "the form with a callback or stream runs in the thread pool: zlib.gzip(), createGzip()"},
	{"JSON.*()", LIBRARY_CPU, IN_FUNCTION, "v8::internal::*Json*",
	 "JSON of this size belongs in a worker_threads Worker, a streaming parser, or smaller messages"},
	{"RegExp", LIBRARY_CPU, IN_FUNCTION, "Builtins_RegExp*",
	 "a pattern without nested repetition, the re2 package, or less text at once"},
	{"RegExp", LIBRARY_CPU, IN_FUNCTION, "v8::internal::*RegExp*",
	 "a pattern without nested repetition, the re2 package, or less text at once"},
	{NULL},
};
/* clang-format on */
