/* SPDX-License-Identifier: Apache-2.0 */
/* A loop that computes in a function whose frame holds a pointer to code that has called nobody; to be compiled without call-frame records. */
#include <stdio.h>
#include <sys/epoll.h>

#define APART __attribute__((noinline))

APART static unsigned long calls_nobody(unsigned long x)
{
	__asm__ volatile("");
	return x * 3 + 1;
}

APART static unsigned long spins(unsigned long turns)
{
	/* At the bottom of the frame, which is made before the first of them. */
	const char *volatile kept[4];
	unsigned long x = 1;

	for (int i = 0; i < 4; i++)
		kept[i] = (const char *)calls_nobody + 4;
	for (unsigned long i = 0; i < turns; i++) {
		x = x * 6364136223846793005ul + 1;
		__asm__ volatile("" ::"r"(x));
	}
	return x + (unsigned long)kept[1];
}

APART static unsigned long calls_spins(unsigned long turns)
{
	volatile unsigned long x = spins(turns);
	return x;
}

int main(void)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;
	volatile unsigned long turns = 60000000; /* else the compiler would make a copy for that number */

	puts("ready");
	fflush(stdout);
	for (;;) {
		epoll_wait(epoll, &event, 1, 50);
		if (!calls_nobody(calls_spins(turns)))
			return 1;
	}
}
