/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/ownership.h"

#include "base/array.h"
#include "symbol/maps.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const char *const interpreters[] = {"python", "node", "nodejs", "deno",	  "bun",     "ruby",
					   "perl",   "java", "php",    "php-fpm", "lua",     "luajit",
					   "bash",   "dash", "sh",     "dotnet",  "beam.smp"};

static const char *const js_programs[] = {"node", "nodejs", "deno", "bun", "electron", "libnode.so"};

/* Wherever they are installed. */
static const char *const system_libraries[] = {
	"libc.so",    "libc-",	  "libc.musl-", "libm.so",   "libm-",	  "libpthread",
	"ld-linux",   "ld-musl-", "libdl.so",	"librt.so",  "libstdc++", "libc++",
	"libgcc_s",   "libuv.so", "libevent",	"libssl",    "libcrypto", "libpython",
	"libnode.so", "libruby",  "libperl",	"libjvm.so", "libz.so",	  "libjemalloc",
};

static const char *const system_folders[] = {"/usr/lib/", "/lib/", "/usr/lib64/", "/lib64/", "/usr/lib32/"};

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* "python" also names python3.11, but not python-like names such as pythonic. */
static bool is_program(const char *base, const char *name)
{
	size_t len = strlen(name);
	return !strncmp(base, name, len) &&
	       (!base[len] || base[len] == '.' || isdigit((unsigned char)base[len]));
}

static bool is_one_of(const char *const *names, size_t n, const char *text,
		      bool (*matches)(const char *, const char *))
{
	for (size_t i = 0; i < n; i++)
		if (matches(text, names[i]))
			return true;
	return false;
}

/* Installed, and not written here: Python's and Node's packages, and the extensions of Python's standard library. */
static const char *const package_folders[] = {"/site-packages/", "/dist-packages/", "/lib-dynload/",
					      "/node_modules/"};

static bool contains(const char *text, const char *part)
{
	return strstr(text, part);
}

static bool is_in_package(const char *path)
{
	return is_one_of(package_folders, ARRAY_LEN(package_folders), path, contains);
}

bool ownership_is_application(const char *path, bool is_main)
{
	const char *base = maps_base_name(path);
	if (*path != '/')
		return false;
	if (is_main)
		return !is_one_of(interpreters, ARRAY_LEN(interpreters), base, is_program);
	return !is_in_package(path) &&
	       !is_one_of(system_libraries, ARRAY_LEN(system_libraries), base, starts_with) &&
	       !is_one_of(system_folders, ARRAY_LEN(system_folders), path, starts_with);
}

bool ownership_is_memory(const char *path)
{
	static const char *const files[] = {"/memfd:", "/dev/zero", "/anon_hugepage", "/SYSV"};

	return is_one_of(files, ARRAY_LEN(files), path, starts_with);
}

/* Is a folder on the way to the file called like the program, as in /usr/lib/lighttpd/mod_ssi.so? */
static bool is_below_name(const char *path, const char *program)
{
	size_t len = strlen(program);
	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/'))
		if (!strncmp(at + 1, program, len) && at[1 + len] == '/')
			return true;
	return false;
}

bool ownership_is_plugin(const char *path, const char *exe)
{
	return *path == '/' && strcmp(path, exe) != 0 && !is_in_package(path) &&
	       ownership_is_application(exe, true) && is_below_name(path, maps_base_name(exe));
}

/* Up to the folder that has bin or sbin with the program in it; else the program's own. */
static size_t home_of(const char *exe)
{
	static const char *const folders[] = {"/bin/", "/sbin/"};
	size_t folder = (size_t)(maps_base_name(exe) - exe);

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		size_t len = strlen(folders[i]);
		if (folder >= len && !memcmp(exe + folder - len, folders[i], len))
			return folder - len + 1;
	}
	return folder;
}

bool ownership_is_of_interpreter(const char *path, const char *exe)
{
	static const char *const folders[] = {"lib/", "lib64/", "shared/"};
	size_t home = home_of(exe);

	return *exe == '/' && !ownership_is_application(exe, true) && !strncmp(path, exe, home) &&
	       is_one_of(folders, ARRAY_LEN(folders), path + home, starts_with);
}

/* Code without a file, as "<frozen importlib._bootstrap>" or "<string>", is mostly the interpreter's or a library's. */
bool ownership_is_python_application(const char *path)
{
	static const char library[] = "/lib/python3";

	if (!*path || *path == '<' || is_in_package(path))
		return false;
	const char *rest = strstr(path, library);
	if (!rest)
		return true;
	rest += strlen(library);
	return rest[strspn(rest, ".0123456789t")] != '/';
}

/*
 * "node:" and, in the versions before that, files without a folder's slash in front are the runtime's; Debian keeps packages that
 * it unbundled from Node below /usr/share.
 */
bool ownership_is_js_application(const char *path)
{
	static const char *const runtime[] = {"node:",
					      "internal/",
					      "ext:",
					      "deno:",
					      "bun:",
					      "native ",
					      "[eval]-wrapper",
					      "/usr/share/nodejs/",
					      "/usr/lib/nodejs/"};

	return *path && !is_one_of(runtime, ARRAY_LEN(runtime), path, starts_with) &&
	       !strstr(path, "/node_modules/") && !strstr(path, "/.yarn/");
}

/* "<&std::fs::File as std::io::Read>::read_buf" is of the type's. */
static const char *type_begin(const char *name)
{
	return name + strspn(name, "<&*");
}

bool ownership_is_linked_library(const char *name)
{
	static const char *const libraries[] = {
		"std::", "core::", "alloc::", "hashbrown::", "tokio::", "mio::", "__rust_", "__cxxabiv1::"};

	/* As older compilers call an async function of anybody's. */
	static const char future[] = "core::future::from_generator::";
	const char *type = type_begin(name);

	return is_one_of(libraries, ARRAY_LEN(libraries), type, starts_with) &&
	       (type == name || !starts_with(type, future));
}

/* What libc waits, works on files and allocates with. */
static const char interposed[] = " accept accept4 access calloc clock_nanosleep close connect epoll_ctl "
				 "epoll_pwait epoll_pwait2 epoll_wait execve fdatasync flock"
				 " fork free fstat fsync getaddrinfo gethostbyname ioctl lseek malloc memcpy "
				 "mmap munmap nanosleep open open64 openat poll"
				 " posix_spawn ppoll pread pread64 pselect pthread_cond_timedwait "
				 "pthread_cond_wait pthread_create pthread_join"
				 " pthread_mutex_lock pwrite pwrite64 read readv realloc recv recvfrom "
				 "recvmmsg recvmsg select sem_wait send sendfile sendmmsg"
				 " sendmsg sendto sleep stat syscall usleep vfork waitpid write writev ";

bool ownership_is_interposer(const char *name)
{
	size_t len = strlen(name);
	for (const char *at = len ? strstr(interposed, name) : NULL; at; at = strstr(at + 1, name))
		if (at > interposed && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

/* Headers of the system, the standard libraries of Rust and Go, and where cargo and go keep what they downloaded. */
bool ownership_is_installed_source(const char *path)
{
	static const char *const folders[] = {"/usr/include/", "/usr/lib/",    "/usr/local/go/src/",
					      "/rustc/",       "library/std/", "library/core/",
					      "library/alloc/"};
	static const char *const within[] = {"/cargo/registry/", "/.cargo/", "/pkg/mod/"};

	return is_one_of(folders, ARRAY_LEN(folders), path, starts_with) ||
	       is_one_of(within, ARRAY_LEN(within), path, contains);
}

bool ownership_is_method_application(const char *name)
{
	static const char *const others[] = {"java.",	   "javax.",	"jdk.",	   "sun.",	 "com.sun.",
					     "kotlin.",	   "scala.",	"groovy.", "org.jboss.", "System.",
					     "Microsoft.", "io.netty.", "Interop", "Internal."};

	return *name && !is_one_of(others, ARRAY_LEN(others), name, starts_with);
}

bool ownership_runs_js(const char *path)
{
	return is_one_of(js_programs, ARRAY_LEN(js_programs), maps_base_name(path), is_program);
}
