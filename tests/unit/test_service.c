/* SPDX-License-Identifier: Apache-2.0 */
/* Services by the text of a target. */
#include "model/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void services_are_named(void **state)
{
	static const struct {
		const char *target, *name;
		enum service_kind kind;
	} cases[] = {
		{"tcp 10.0.3.9:5432", "PostgreSQL", SERVICE_DB},
		{"tcp [2001:db8::1]:3306", "MySQL", SERVICE_DB},
		{"udp 127.0.0.53:53", "DNS", SERVICE_DNS},
		{"tcp 10.0.3.9:443", "HTTPS", SERVICE_HTTP},
		{"unix /var/run/postgresql/.s.PGSQL.5432", "PostgreSQL", SERVICE_DB},
		{"unix /var/run/nscd/socket", "nscd", SERVICE_DNS},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct service *s = service_of(cases[i].target);
		assert_non_null(s);
		assert_string_equal(s->name, cases[i].name);
		assert_int_equal(s->kind, cases[i].kind);
	}
}

static void others_are_not(void **state)
{
	static const char *const targets[] = {"",
					      "tcp 10.0.3.9:8101",
					      "tcp 10.0.3.9:54321",
					      "tcp 127.0.0.1:9000", /* any of several services' */
					      "tcp port 5432, no peer",
					      "/srv/a:5432",
					      "unix socket",
					      "unix /srv/app.sock",
					      "tcp 10.0.3.9:5432 x",
					      "tcp 10.0.3.9:"};
	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		assert_null(service_of(targets[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_named),
		cmocka_unit_test(others_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
