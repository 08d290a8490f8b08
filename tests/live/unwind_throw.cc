// SPDX-License-Identifier: Apache-2.0
// C++ with destructors and catch clauses in every frame, a std::sort and a std::function between; stops inside a destructor.
#include <algorithm>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {
struct guard {
	std::string name;
	bool stops;
	~guard()
	{
		timespec t = {600, 0};
		if (stops)
			nanosleep(&t, nullptr);
	}
};

template <typename T> __attribute__((noinline)) T descend(int depth, const std::function<T(int)> &next)
{
	guard g{std::string(40, 'x'), false};
	try {
		std::vector<int> v{3, 1, 2};
		std::sort(v.begin(), v.end(), [&](int a, int b) {
			if (depth < 8)
				descend<T>(depth + 1, next);
			else
				next(depth);
			return a < b;
		});
		return T(v[0]);
	} catch (const std::logic_error &e) {
		return T(e.what()[0]);
	}
}

__attribute__((noinline)) long thrower(int n)
{
	guard g{std::string(n, 'y'), true};
	if (n > 0)
		throw std::runtime_error("unwinding");
	return n;
}
} // namespace

int main()
{
	try {
		return int(descend<long>(0, [](int n) { return thrower(n) + 1; }));
	} catch (const std::exception &) {
		return 1;
	}
}
