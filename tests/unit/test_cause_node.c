/* SPDX-License-Identifier: Apache-2.0 */
/* What computes inside of Node's own modules and addons, and the form of each that does so elsewhere. */
#include "told_stall.h"

static const struct told computing[] = {
	{"pbkdf2Sync",
	 "node",
	 {{0}},
	 "SHA256_Final@node node::crypto::PBKDF2Traits::DeriveBits@node " JS,
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by node:crypto",
	 "crypto.pbkdf2()"},
	{"generateKeyPairSync",
	 "node",
	 {{0}},
	 "BN_mod_exp@node node::crypto::KeyGenJob<X>::DoThreadPoolWork@node s:login@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 NULL,
	 "generateKeyPair()"},
	{"a hash of much data",
	 "node",
	 {{0}},
	 "EVP_DigestUpdate@node node::crypto::Hash::HashUpdate(X)::{lambda}::_FUN@node "
	 "node::crypto::Decode<node::crypto::Hash>@node s:etag@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by node:crypto, etag",
	 "crypto.subtle.digest()"},
	{"a cipher over much data",
	 "node",
	 {{0}},
	 "EVP_CipherUpdate@node node::crypto::CipherBase::Update@node s:seal@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 NULL,
	 "crypto.subtle.encrypt()"},
	{"a query of better-sqlite3",
	 "node",
	 {{0}},
	 "sqlite3VdbeExec@better_sqlite3.node Statement::JS_get@better_sqlite3.node s:report@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by better-sqlite3, report",
	 "an index or fewer rows, or a worker_threads Worker"},
	{"require() of a package in a request",
	 "node",
	 {{0}},
	 "v8::internal::Compiler::Compile@node j:wrapSafe@node:internal/modules/cjs/loader "
	 "j:Module._load@node:internal/modules/cjs/loader s:export@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by require(), export",
	 "require() loads modules inside the loop"},
	{"the body of a module of the application",
	 "node",
	 {{0}},
	 "s:fill@/srv/tables.js s:<anonymous>@/srv/tables.js j:Module._load@node:internal/modules/cjs/loader "
	 "s:export@/srv/app.js",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "fill (/srv/tables.js:7)",
	 "a worker_threads Worker"},
	{"pbkdf2Sync, with names",
	 "node",
	 {{0}},
	 "SHA256_Final@node node::crypto::PBKDF2Traits::DeriveBits@node "
	 "j:pbkdf2Sync@node:internal/crypto/pbkdf2 "
	 "s:login@/srv/app.js j:emit@node:events",
	 {.cpu_ns = 180 * MS},
	 0,
	 "cpu",
	 "by node:crypto, login (/srv/app.js:7)",
	 "crypto.pbkdf2()"},
};

static void test_computing(void **unused)
{
	(void)unused;
	told_check_all(computing, ARRAY_LEN(computing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_computing),
	};
	return told_run("causes inside of Node", tests, ARRAY_LEN(tests));
}
