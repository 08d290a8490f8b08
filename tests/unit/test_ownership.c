/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/ownership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void python_files_of_the_application(void **state)
{
	(void)state;
	assert_true(ownership_is_python_application("/srv/app/gpu.py"));
	assert_true(ownership_is_python_application("app.py"));
	assert_true(ownership_is_python_application("/srv/lib/python3way/x.py"));
}

static void python_files_of_others(void **state)
{
	(void)state;
	assert_false(ownership_is_python_application("/usr/lib/python3.11/asyncio/events.py"));
	assert_false(ownership_is_python_application(
		"/root/.pyenv/versions/3.13t/lib/python3.13t/json/decoder.py"));
	assert_false(
		ownership_is_python_application("/srv/venv/lib/python3.12/site-packages/requests/api.py"));
	assert_false(ownership_is_python_application("/usr/lib/python3/dist-packages/six.py"));
	assert_false(ownership_is_python_application("<frozen importlib._bootstrap>"));
	assert_false(ownership_is_python_application(""));
}

static void libraries_of_an_interpreter(void **state)
{
	(void)state;
	assert_true(
		ownership_is_of_interpreter("/opt/conda/lib/libsqlite3.so.0", "/opt/conda/bin/python3.11"));
	assert_true(
		ownership_is_of_interpreter("/opt/java/openjdk/lib/libnet.so", "/opt/java/openjdk/bin/java"));
	assert_true(ownership_is_of_interpreter(
		"/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/libSystem.Native.so",
		"/usr/share/dotnet/dotnet"));
	assert_true(ownership_is_of_interpreter("/usr/local/lib/php/extensions/redis.so",
						"/usr/local/sbin/php-fpm"));
	assert_false(ownership_is_of_interpreter("/srv/app/libjob.so", "/opt/conda/bin/python3.11"));
	assert_false(ownership_is_of_interpreter("/srv/app/lib/libjob.so", "/srv/app/bin/server"));
	assert_false(ownership_is_of_interpreter("/srv/app/build/Release/job.node", "/srv/app/node"));
	assert_false(ownership_is_of_interpreter("/opt/conda2/lib/libjob.so", "/opt/conda/bin/python"));
	assert_false(ownership_is_of_interpreter("/lib/libjob.so", ""));
}

static void memory_with_a_name(void **state)
{
	(void)state;
	assert_true(ownership_is_memory("/memfd:doublemapper"));
	assert_true(ownership_is_memory("/dev/zero"));
	assert_false(ownership_is_memory("/srv/app/libjob.so"));
	assert_false(ownership_is_memory("/memory/libjob.so"));
}

static void javascript_files(void **state)
{
	(void)state;
	assert_true(ownership_is_js_application("/srv/app/server.js"));
	assert_true(ownership_is_js_application("webpack:///src/x.ts"));
	assert_true(ownership_is_js_application("[eval]"));
	assert_false(ownership_is_js_application("node:internal/timers"));
	assert_false(ownership_is_js_application("/srv/app/node_modules/express/lib/router.js"));
	assert_false(ownership_is_js_application("/usr/share/nodejs/undici/index.js"));
	assert_false(ownership_is_js_application(""));
}

static void functions_linked_into_a_program(void **state)
{
	(void)state;
	assert_true(ownership_is_linked_library("std::thread::sleep"));
	assert_true(ownership_is_linked_library("tokio::runtime::task::core::Core<T,S>::poll"));
	assert_true(ownership_is_linked_library("<&std::fs::File as std::io::Read>::read_buf"));
	assert_true(ownership_is_linked_library("<core::result::Result<T, E>>::and_then"));
	assert_false(ownership_is_linked_library("app::load_report"));
	assert_false(ownership_is_linked_library("<app::Config as core::fmt::Debug>::fmt"));
	assert_false(ownership_is_linked_library(
		"<core::future::from_generator::GenFuture<T> as core::future::Future>::poll"));
	assert_false(ownership_is_linked_library(""));
}

static void sources_that_were_installed(void **state)
{
	(void)state;
	assert_true(ownership_is_installed_source("/usr/include/c++/12/bits/std_mutex.h"));
	assert_true(ownership_is_installed_source("/rustc/59807616e1fa/library/std/src/num/f64.rs"));
	assert_true(ownership_is_installed_source("library/std/src/sys/thread/unix.rs"));
	assert_true(ownership_is_installed_source("/home/a/.cargo/registry/src/index/hyper-1.0/src/lib.rs"));
	assert_true(ownership_is_installed_source("/usr/lib/go-1.19/src/runtime/proc.go"));
	assert_false(ownership_is_installed_source("src/main.rs"));
	assert_false(ownership_is_installed_source("/srv/app/library/standard.cpp"));
	assert_false(ownership_is_installed_source(""));
}

static void functions_that_stand_in_for_libc(void **state)
{
	(void)state;
	assert_true(ownership_is_interposer("epoll_pwait"));
	assert_true(ownership_is_interposer("pthread_mutex_lock"));
	assert_false(ownership_is_interposer("epoll_pwait_done"));
	assert_false(ownership_is_interposer("Socket::read"));
	assert_false(ownership_is_interposer(""));
}

static void methods_by_their_class(void **state)
{
	(void)state;
	assert_true(ownership_is_method_application("app.Loop.spin"));
	assert_true(ownership_is_method_application("Loop.spin"));
	assert_false(ownership_is_method_application("java.util.HashMap.get"));
	assert_false(ownership_is_method_application("System.String::Concat"));
	assert_false(ownership_is_method_application(""));
}

static void plugins_belong_to_their_program(void **state)
{
	(void)state;
	assert_true(ownership_is_plugin("/usr/lib/lighttpd/mod_ssi.so", "/usr/sbin/lighttpd"));
	assert_true(ownership_is_plugin("/usr/lib/nginx/modules/x.so", "/usr/sbin/nginx"));
	assert_false(ownership_is_plugin("/usr/sbin/lighttpd", "/usr/sbin/lighttpd"));
	assert_false(ownership_is_plugin("/usr/lib/lighttpd2/mod_ssi.so", "/usr/sbin/lighttpd"));
	assert_false(ownership_is_plugin("/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0", "/usr/sbin/lighttpd"));
	assert_false(ownership_is_plugin("/usr/lib/python3.11/x.so", "/usr/bin/python3.11"));
	assert_false(ownership_is_plugin("[vdso]", "/usr/sbin/lighttpd"));
}

static void addons_of_packages_are_not_the_application(void **state)
{
	(void)state;
	assert_false(ownership_is_application("/srv/app/node_modules/fast/build/Release/fast.node", false));
	assert_true(ownership_is_application("/srv/app/build/Release/own.node", false));
}

static void python_extensions_are_not_the_application(void **state)
{
	(void)state;
	assert_false(ownership_is_application("/opt/python/lib/python3.11/lib-dynload/_asyncio.so", false));
	assert_false(
		ownership_is_application("/srv/venv/lib/python3.11/site-packages/uvloop/loop.so", false));
	assert_true(ownership_is_application("/srv/app/_fast.so", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_files_of_the_application),
		cmocka_unit_test(python_files_of_others),
		cmocka_unit_test(python_extensions_are_not_the_application),
		cmocka_unit_test(addons_of_packages_are_not_the_application),
		cmocka_unit_test(plugins_belong_to_their_program),
		cmocka_unit_test(libraries_of_an_interpreter),
		cmocka_unit_test(memory_with_a_name),
		cmocka_unit_test(javascript_files),
		cmocka_unit_test(functions_linked_into_a_program),
		cmocka_unit_test(functions_that_stand_in_for_libc),
		cmocka_unit_test(sources_that_were_installed),
		cmocka_unit_test(methods_by_their_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
