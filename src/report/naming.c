/* SPDX-License-Identifier: Apache-2.0 */
#include "report/naming.h"

#include <string.h>

/* What a stack has of functions that were compiled at run time. */
struct compiled {
	uint32_t js, unnamed_js;
	uint32_t named, unnamed;
	bool innermost_interpreted;
};

/* The JVM calls all of its interpreter so. */
static bool is_interpreter(const struct fact_frame *f)
{
	return !strcmp(f->function, "Interpreter");
}

static struct compiled compiled_of(const struct dictionary *d, const struct fact_stack *stack)
{
	struct compiled c = {0};

	for (uint32_t i = 0; stack && i < stack->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, stack->frames[i]);
		if (f && f->kind == FRAME_JS) {
			c.js++;
			c.unnamed_js += !f->function[0];
		} else if (f && !strcmp(f->object, "[JIT]")) {
			c.innermost_interpreted |= !c.named && !c.unnamed && is_interpreter(f);
			c.named += f->function[0] != 0;
			c.unnamed += !f->function[0];
		}
	}
	return c;
}

static void name_java(struct bytes *out, const struct compiled *c, uint32_t pid, bool broken)
{
	if (c->unnamed && !c->named)
		bytes_printf(out,
			     "Java methods have no names here: jcmd %u Compiler.perfmap (JDK 17 and later) "
			     "names those that are compiled",
			     pid);
	else if (c->unnamed)
		bytes_printf(out,
			     "some Java methods have no names: jcmd %u Compiler.perfmap, again, names those "
			     "compiled since",
			     pid);
	else if (c->innermost_interpreted)
		bytes_printf(
			out,
			"a method that the JVM interprets has no name here: jcmd %u Thread.print shows it",
			pid);
	if (broken && (c->unnamed || c->named))
		bytes_printf(out, "%s-XX:+PreserveFramePointer makes stacks whole",
			     c->unnamed || c->innermost_interpreted ? "; " : "Java's stacks end early: ");
}

/* The file of the application's own code in a stack, of which nothing has a name; NULL: something has, or there is none. */
static const char *stripped_object(const struct dictionary *d, const struct fact_stack *stack)
{
	const char *object = NULL;

	for (uint32_t i = 0; stack && i < stack->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, stack->frames[i]);
		if (!f || !f->application)
			continue;
		if (f->function[0])
			return NULL;
		if (f->kind == FRAME_NATIVE && f->object[0] && f->object[0] != '[' && !object)
			object = f->object;
	}
	return object;
}

static bool is_of(const struct fact_loop *loop, const char *runtime)
{
	return loop && !strncmp(loop->runtime, runtime, strlen(runtime));
}

/* V8's own options, by the way that its program takes them. */
static void name_javascript(struct bytes *out, const struct fact_loop *loop)
{
	bytes_printf(out, "JavaScript functions have no names here: start %s",
		     is_of(loop, "deno")
			     ? "deno with --v8-flags=--perf-basic-prof,--interpreted-frames-native-stack"
			     : "node with --perf-basic-prof --interpreted-frames-native-stack");
}

void naming_remedy(struct bytes *out, const struct dictionary *d, const struct fact_stack *stack,
		   const struct fact_loop *loop)
{
	struct compiled c = compiled_of(d, stack);

	/* One of several that has no name is no reason to start the program anew. */
	if (c.unnamed_js && c.unnamed_js == c.js)
		name_javascript(out, loop);
	else if (is_of(loop, "jvm"))
		name_java(out, &c, loop->pid, stack && stack->state == STACK_BROKEN);
	else if (stripped_object(d, stack))
		bytes_printf(out,
			     "%s has no symbols, so its functions have no names here: they are in its debug "
			     "file (a package -dbgsym or -debuginfo), or in a build that is not stripped",
			     stripped_object(d, stack));
}
