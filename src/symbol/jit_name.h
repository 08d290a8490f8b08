/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How runtimes call the code they compile, in the text of their perf maps: V8 ("JS:*poll /srv/app.js:41:12"), the JVM ("long
 * app.Loop.spin(long)"), .NET ("void [app] app.Loop::Spin(int64)[Tier1]"). Takes such a name apart; knows nothing of addresses.
 */
#ifndef LOOPSTALL_SYMBOL_JIT_NAME_H
#define LOOPSTALL_SYMBOL_JIT_NAME_H

#include <stddef.h>
#include <stdint.h>

#define JIT_NAME_BYTES 512

enum jit_kind {
	JIT_CODE,   /* a stub, a built-in, or of a runtime that we do not know: its name as it is */
	JIT_JS,	    /* a JavaScript function */
	JIT_METHOD, /* of a class: Java, .NET */
};

struct jit_name {
	enum jit_kind kind;
	char function
		[JIT_NAME_BYTES]; /* without tier, types and arguments; JIT_NAME_ANONYMOUS for a JavaScript function without a name */
	char file[JIT_NAME_BYTES]; /* of JIT_JS, "" none */
	uint32_t line;		   /* where the function begins, 0 unknown */
};

#define JIT_NAME_ANONYMOUS "(anonymous)"

/*
 * A JavaScript file as V8 calls it becomes its path, in place: that of a module is a URL, "file:///srv/my%20app/x.mjs?v=2".
 */
void jit_name_path(char *file);
/* Longer names are cut. */
void jit_name_parse(const char *text, size_t len, struct jit_name *name);

#endif
