// SPDX-License-Identifier: Apache-2.0
// A call inlined into a function of a namespace. clang describes both within the namespace, as rustc does.
extern "C" unsigned long caller(void);
extern "C" unsigned long namespaced(void);
extern "C" unsigned namespaced_line, namespaced_call_line;
unsigned namespaced_line, namespaced_call_line;
static volatile unsigned sink;

namespace app
{
struct report {
	static inline __attribute__((always_inline)) unsigned long load()
	{
		namespaced_line = __LINE__ + 1;
		unsigned long address = caller();
		sink = sink + 1;
		return address;
	}
};

__attribute__((noinline)) unsigned long handle()
{
	namespaced_call_line = __LINE__ + 1;
	unsigned long address = report::load();
	sink = sink + 1;
	return address;
}
} // namespace app

unsigned long namespaced(void)
{
	return app::handle();
}
