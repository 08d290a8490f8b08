/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and user space say to each other: the configuration, the state that user space reads in
 * mapped arrays, and the records in the ring buffer. The only header both sides see.
 *
 * Fixed-width members only, no pointers, no padding that is not named; every record begins with lst_record. Times are
 * bpf_ktime_get_ns() (CLOCK_MONOTONIC) in nanoseconds; thread and process ids are those of the initial namespace.
 */
#ifndef LOOPSTALL_WIRE_H
#define LOOPSTALL_WIRE_H

#ifdef __bpf__
typedef __u8 lst_u8;
typedef __u16 lst_u16;
typedef __u32 lst_u32;
typedef __u64 lst_u64;
typedef __s64 lst_s64;
#else
#include <stdint.h>
typedef uint8_t lst_u8;
typedef uint16_t lst_u16;
typedef uint32_t lst_u32;
typedef uint64_t lst_u64;
typedef int64_t lst_s64;
#endif

#define LST_COMM_BYTES	 16
#define LST_PAGE_BYTES	 4096
#define LST_MAX_PAGES	 16 /* largest stack snapshot: 64 KB; node needs 22 KB, C with big locals 41 KB */
#define LST_BLOCKS	 8  /* calls and targets told apart per gap; the last one may be the rest */
#define LST_REST	 (LST_BLOCKS - 1)
#define LST_OPEN_GAPS	 4   /* loops whose gap one thread may own at a time (nested loops) */
#define LST_JOINED	 4   /* other threads' loops that one thread waits on in turn; a power of two */
#define LST_TARGET_BYTES 160 /* path or socket address of a blocked call's target */
#define LST_KSTACK	 24  /* kernel frames kept with a stack */
#define LST_CALLS	 512 /* system call numbers told apart */
#define LST_PEERS	 8   /* other ends that a loop talks to, told apart */
#define LST_QUOTA_LEVELS 8   /* cgroups above a thread's own that are asked for a quota, its own included */
#define LST_CGROUP_BYTES 64  /* of a cgroup's name, without those above it */
#define LST_RUNNERS	 8   /* who ran instead of a thread, told apart per gap; the others are the rest */

/* --- histograms --------------------------------------------------------------------------------------------------- */

/*
 * Base-2 exponential buckets, scale 3: eight per octave, upper edges 2^(k/8) inclusive, in units of 2^-30 s, so that one
 * second is an edge. Bucket 0 holds everything up to 2^LST_HIST_LOW units (0.95 us), the last everything above 128 s.
 */
#define LST_HIST_LOW	 10
#define LST_HIST_OCTAVES 27
#define LST_HIST_BUCKETS (LST_HIST_OCTAVES * 8 + 2)

struct lst_hist {
	lst_u64 sum_ns[LST_HIST_BUCKETS];
	lst_u32 count[LST_HIST_BUCKETS]; /* wraps: readers take differences */
};

/*
 * Most iterations have no delay, and then lag = gap: they cost one add, in plain. The others are in delayed_gap,
 * delayed_lag and delay, so gap = plain + delayed_gap and lag = plain + delayed_lag, exactly.
 */
struct lst_loop_hists {
	struct lst_hist plain, delayed_gap, delayed_lag, delay, offcpu;
};

/* --- ledger and blocks -------------------------------------------------------------------------------------------- */

struct lst_ledger {
	lst_u64 cpu_ns;
	lst_u64 blocked_ns; /* fault_ns and reclaim_ns are part of it when the thread slept, else of cpu_ns */
	lst_u64 runnable_ns;  /* throttled_ns is part of it */
	lst_u64 stopped_ns;   /* SIGSTOP, ptrace, freezer */
	lst_u64 throttled_ns; /* runnable time in which a cgroup's quota was used up */
	lst_u64 fault_ns;     /* blocked in a page fault */
	lst_u64 reclaim_ns;   /* direct reclaim */
	lst_u64 preempted;    /* times it lost the CPU while runnable */
	lst_u64 repaired_ns; /* part whose return to the CPU was not shown to us: split by the scheduler's own count */
};

enum lst_stop { LST_STOP_NONE, LST_STOP_SIGNAL, LST_STOP_FROZEN, LST_STOP_TRACED };

struct lst_stopper {
	lst_u32 by;	/* enum lst_stop; of several the largest */
	lst_u32 pid;	/* process of the tracer, or of who sent the signal; 0 not known */
	lst_u32 signal; /* LST_STOP_SIGNAL: which */
	lst_u32 pad;
	char comm[LST_COMM_BYTES];
};

/* The cgroup whose quota was used up last; only looked at where time was throttled. */
struct lst_limit {
	lst_u64 quota_ns, period_ns; /* period 0: none seen */
	lst_u32 level;		     /* of the cgroup below its root */
	lst_u32 pad;
	char name[LST_CGROUP_BYTES];
};

/* What kind of thing a blocked call waited for; how lst_block.target is to be read. */
enum lst_target_kind {
	LST_TARGET_NONE,
	LST_TARGET_FILE, /* target: path as far as the kernel could tell, NUL-terminated */
	LST_TARGET_INET, /* target: struct lst_inet */
	LST_TARGET_UNIX, /* target: path of the peer or of itself, '@' for abstract, "" unnamed */
	LST_TARGET_PIPE,
	LST_TARGET_ANON,   /* target: name, as "[eventfd]" */
	LST_TARGET_FUTEX,  /* object: user address */
	LST_TARGET_CHILD,  /* object: pid waited for, as the caller numbers it; 0 any */
	LST_TARGET_SLEEP,  /* object: requested ns */
	LST_TARGET_FAULT,  /* object: user address */
	LST_TARGET_PATH,   /* target: path argument as the caller wrote it (open, stat …) */
	LST_TARGET_SOCKET, /* another family: object is the family */
	LST_TARGET_GIL,	   /* a futex of a language's global lock; only user space knows */
	LST_TARGET_KINDS
};

struct lst_inet {
	lst_u16 family;	  /* AF_INET or AF_INET6 */
	lst_u16 protocol; /* IPPROTO_TCP, IPPROTO_UDP … */
	lst_u16 port, local_port;
	lst_u8 address[16]; /* peer; the first four bytes for IPv4 */
};

struct lst_waker {
	lst_u32 tid, tgid; /* 0: not proven */
	char comm[LST_COMM_BYTES];
	lst_u32 why; /* enum lst_waker_why */
	lst_u32 pad;
};

/*
 * Who had the CPU that a ready thread waited for. A process is one runner, whichever its thread; of the thread's own process each
 * thread is one.
 */
struct lst_runner {
	lst_u64 ns;	   /* since it took this place: a lower bound of what it ran */
	lst_u64 others_ns; /* rank of who had the place before */
	lst_u32 pid;	   /* process; with own: thread */
	lst_u32 own;
	char comm[LST_COMM_BYTES];
};

enum lst_waker_why {
	LST_WAKER_UNKNOWN,
	LST_WAKER_FUTEX,
	LST_WAKER_PIPE,
	LST_WAKER_SOCKET,
	LST_WAKER_EXIT,
	LST_WAKER_CALL
};

struct lst_child {
	lst_u32 pid;
	char comm[LST_COMM_BYTES];
	lst_u32 pad;
};

#define LST_CALL_FAULT 0xffffu /* call number of time blocked outside any system call */
#define LST_CALL_REST  0xfffeu /* of blocks that are not told apart */

struct lst_block {
	lst_u32 call; /* system call number of the machine, LST_CALL_FAULT or LST_CALL_REST */
	lst_u32 kind; /* enum lst_target_kind */
	lst_u32 fd;   /* first descriptor, ~0 none */
	lst_u32 fds;  /* descriptors polled */
	lst_u64 object; /* identity of the target inside the gap; meaning by kind, inode number of files and pipes */
	lst_u32 count;
	lst_u32 stack_seq; /* lst_stack_record.seq of the longest one's stack, 0 none */
	lst_u64 sum_ns, max_ns;
	lst_u64 stack_ns;	/* length of the one that stack_seq shows */
	lst_u32 waker_stacks;	/* one was sent */
	lst_u32 tenant;		/* how many kinds had this place in the gap before */
	struct lst_waker waker; /* of the longest */
	char target[LST_TARGET_BYTES];
};

/* --- state in mapped arrays --------------------------------------------------------------------------------------- */

enum lst_slot_state { LST_SLOT_FREE, LST_SLOT_LIVE, LST_SLOT_DEAD };

enum lst_harm { LST_HARM_UNKNOWN, LST_HARM_QUEUED, LST_HARM_LATE, LST_HARM_OWN };

/* Another end that a loop connects to or waits for inside its gaps. */
struct lst_peer {
	struct lst_inet inet; /* family 0: free */
	lst_u64 born_ns;      /* told apart from who had the place before */
	lst_u64 connects;
	lst_u64 timed_connects;	  /* of them in chains that a timer began */
	lst_u64 open;		  /* connections made since the attach that are not closed */
	lst_u64 waits, waited_ns; /* gaps in which it was waited for, and how long */
	lst_u64 reads;		  /* gaps in which something was read from it */
	lst_u64 work_ns;	  /* of gaps from the first such in a chain on */
	lst_u64 read_seq;	  /* gap of its last read */
	lst_u64 gap_seq;	  /* of its last connect */
	lst_u32 gap_connects;	  /* in that gap */
	lst_u32 most_connects;	  /* in one gap */
	lst_u64 most_open;	  /* of `open`, at any moment */
};

/*
 * A chain: what a wait that may sleep returned for, and all gaps after it up to the next such wait. A callback that only makes
 * others ready leads to a wait with timeout 0 and one more gap: a chain shows their growth, a gap does not.
 */
struct lst_chain {
	lst_u64 ns; /* of its gaps so far, as the rest here without the time they had no CPU: others' work is not theirs */
	lst_u64 last_ns;
	lst_u64 grown_from_ns; /* the gap that growth began with */
	lst_u32 gaps;
	lst_u32 growth; /* steps: gaps that were each a multiple of the one before; one of about the same length is none and ends nothing */
	lst_u32 timed;	/* a timer began it: its wait returned nothing */
	lst_u32 peer;	/* whom it read from first: its place + 1, 0 nobody */
};

/* A closed iteration that waits for the next wait to show its harm. */
struct lst_pending {
	lst_u64 gap_start_ns, gap_ns, delay_ns, late_ns, closed_ns;
	lst_u64 gap_seq;
	struct lst_ledger ledger;
	lst_u64 minor_faults, major_faults;
	lst_u32 owner;	/* tid that owned the gap */
	lst_u32 flags;	/* LST_GAP_* */
	lst_u32 active; /* 0 or 1 */
	lst_u32 deadline_passed;
	lst_u32 connects; /* begun in it */
	lst_u32 n_runners;
	struct lst_chain chain; /* with this gap */
	struct lst_runner runners[LST_RUNNERS];
	struct lst_limit limit;
	struct lst_stopper stopper;
	lst_u64 ran_ns; /* the scheduler's own count of the owner's CPU time, up to a tick late at either end; 0 unknown */
};

#define LST_BURST 16 /* connects in one gap that are many */

#define LST_GAP_BEFORE_ATTACH 1u /* began before the attach: lengths are lower bounds */
#define LST_GAP_HANDOFF	      2u /* closed by another thread than its owner */
#define LST_GAP_TERMINAL      4u /* ended by the death of its owner */
#define LST_GAP_EXEC	      8u /* ended by a program that its owner ran in its own place */

struct lst_loop {
	lst_u64 object;	   /* struct eventpoll *, never shown */
	lst_u32 tgid, tid; /* process, and the thread that waited first */
	lst_u32 fd;
	lst_u32 state;	    /* enum lst_slot_state */
	lst_u32 generation; /* raised when the object was created anew at the same address */
	lst_u32 shared;	    /* more than one thread waited */
	lst_u64 born_ns;
	char comm[LST_COMM_BYTES]; /* of the first thread */

	lst_u64 waiters;
	lst_u64 gap_start_ns; /* 0: covered */
	lst_u64 gap_seq;      /* number of the current or last gap */
	lst_u64 gap_delay_ns; /* delay of the wait that opened it */
	lst_u64 deadline_ns;
	lst_u32 owner, owner_slot; /* thread of the open gap */
	lst_u32 gap_flags;
	lst_u32 sample_all; /* user space: sample every gap, whatever its age (the loop is saturated) */
	lst_u32 nested; /* the open gap began inside another one of its owner's, whose runners are not told apart */
	lst_u32 pad;
	struct lst_ledger base; /* owner's ledger when the gap opened */
	lst_u64 base_minor_faults, base_major_faults, base_ran_ns;

	lst_u64 iterations; /* closed gaps */
	lst_u64 waits;	    /* returned waits of all threads */
	lst_u64 events;
	lst_u64 zero_waits; /* with timeout 0 */
	lst_u64 slept_waits;
	lst_u64 busy_ns;       /* sum of closed gaps */
	lst_u64 last_wait_ns;  /* a wait began or returned */
	lst_u64 last_slept_ns; /* a sleeping wait returned; 0 none yet */
	lst_u64 over_threshold;
	lst_u64 max_lag_ns, min_gap_ns;
	lst_u64 throttled_delay_ns; /* part of gap_delay_ns */
	lst_u64 window_start_ns;    /* the five longest of the last 10 s */
	lst_u64 window_top[5];
	/* owner's blocks when the gap opened, if it had other gaps open then: they are none of this one's */
	lst_u64 base_block_ns[LST_BLOCKS];
	lst_u32 base_block_count[LST_BLOCKS];

	struct lst_chain chain;
	lst_u64 timed_chains, timed_ns; /* begun by a timer, and their gaps */
	lst_u64 connects;
	lst_u64 bursts;	      /* gaps with LST_BURST connects or more */
	lst_u32 gap_connects; /* in the open gap */
	lst_u32 most_connects;
	struct lst_peer peers[LST_PEERS];
	struct lst_inet sought; /* whose place among them is being looked for */
	lst_u64 read_socket;	/* struct sock *, never shown: from which the gap's thread has just read */

	struct lst_pending pending;
	lst_u64 pending_throttled_delay_ns;
	lst_u32 pending_n_blocks, base_n_blocks;
	char pending_comm[LST_COMM_BYTES];
	struct lst_child pending_children[2];
	struct lst_block pending_blocks[LST_BLOCKS];
};

/* lst_thread.cpu */
enum lst_on_cpu { LST_CPU_UNKNOWN, LST_CPU_ON, LST_CPU_RUNNABLE, LST_CPU_BLOCKED, LST_CPU_STOPPED };

/* A wait that began before the attach and whose return nothing will show. */
enum lst_flight { LST_FLIGHT_NONE, LST_FLIGHT_WAITS, LST_FLIGHT_LANDED };

struct lst_thread {
	lst_u32 tid, tgid;
	lst_u32 state; /* enum lst_slot_state */
	lst_u32 slot;
	char comm[LST_COMM_BYTES];

	/* the wait it is in */
	lst_u32 in_wait;   /* 0 or 1 */
	lst_u32 wait_slot; /* loop slot of the last wait */
	lst_u64 wait_object;
	lst_u32 wait_fd;
	lst_u32 slept;	   /* the wait has slept */
	lst_u32 in_flight; /* enum lst_flight */
	lst_u32 pad;
	lst_u64 enter_ns;
	lst_s64 timeout_ns; /* -1: none */
	lst_u64 woken_ns;   /* woken inside the wait and not yet on a CPU */
	lst_u64 delay_ns;   /* runnable inside the wait since the last sleep in it */
	lst_u64 delay_throttled_ns;

	/* its ledger runs while it owns a gap */
	lst_u32 cpu; /* enum lst_on_cpu */
	lst_u32 open_gaps;
	lst_u64 since_ns;     /* of the state in cpu */
	lst_u64 woken_gap_ns; /* woken out of a block and not yet on a CPU */
	lst_u64 exec_ns;      /* scheduler's count of its CPU time when it left the CPU */
	lst_u64 run_delay_ns; /* and of the time it was ready without one */
	lst_u64 quota_at
		[LST_QUOTA_LEVELS]; /* throttled time of its cgroups, its own first, when it became runnable */
	lst_u32 has_quota;
	lst_u32 scratch; /* its snapshot slot + 1 while blocked, 0 none */
	struct lst_ledger ledger;
	lst_u64 reclaim_since_ns;
	lst_u64 task; /* struct task_struct *, never shown; only read while it waits for a CPU, or gets one */
	lst_u64 charged_ns; /* ready, and who ran is known up to here; 0: not ready */
	struct lst_limit limit;
	struct lst_stopper stopper; /* in its gaps */
	lst_u32 listed;		    /* place among those that wait on a CPU + 1, 0 none */
	lst_u32 n_runners;
	struct lst_runner
		runners[LST_RUNNERS];	  /* since its last sleep in the wait, or the end of its last gap */
	lst_u32 gap_slots[LST_OPEN_GAPS]; /* loop slot + 1, 0 free */
	lst_u64 gap_seq;		  /* of the outermost */

	lst_u64 joined[LST_JOINED]; /* born_ns of the loops it was told of with last */
	lst_u32 n_joined, joined_pad;

	lst_u64 python_thread; /* its PyThreadState as found last; validated at every use */
	lst_u64 python_next_thread,
		python_next_interp; /* where the search for it goes on; 0, 0: at the beginning */
	lst_u32 block_now;	    /* slot in blocks of the block it is in, ~0 none */
	lst_u32 n_blocks;
	struct lst_block blocks[LST_BLOCKS];
	struct lst_child children[2]; /* forked in this gap, newest first */
	struct lst_waker waker;	      /* of the current block */
};

/* Direct-mapped by tid; only the programs use it, here because the skeleton shows it. */
#define LST_SEATS 16384 /* a power of two; 256 KB */
struct lst_seat {
	lst_u32 tracked; /* followed threads whose tid falls here */
	lst_u32 tid;	 /* the one whose slot is kept here */
	lst_u32 slot, pad;
};

/* Threads of ours that are ready, by the CPU they wait on; only the programs use it, here because the skeleton shows it. */
#define LST_WAITING_CPUS 1024 /* a power of two; further ones share a row */
#define LST_WAITING_ROW	 4    /* per CPU */
struct lst_waiting {
	lst_u32 slot[LST_WAITING_ROW]; /* of a thread + 1, 0 free */
};

/* --- losses: counted in the kernel, never silent -------------------------------------------------------------------- */

#define LST_LOSSES(X)                                                                                        \
	X(RING_FULL, "ring_full", "records dropped because the ring buffer was full")                        \
	X(LOOPS_FULL, "loops_full", "waits not followed because the loop table was full")                    \
	X(THREADS_FULL, "threads_full", "waits not followed because the thread table was full")              \
	X(NO_OBJECT, "no_object", "waits whose epoll object could not be read")                              \
	X(NO_SCRATCH, "no_scratch", "blocks without a stack because all snapshot slots were in use")         \
	X(NO_REGS, "no_regs", "stacks without registers")                                                    \
	X(STACK_PAGES, "stack_pages", "stack pages that could not be read")                                  \
	X(BLOCKS_FULL, "blocks_full",                                                                        \
	  "kinds of blocks of a millisecond or more summed as 'other calls': a gap had too many")            \
	X(CONNECTIONS_FULL, "connections_full",                                                              \
	  "connections not counted as open because their table was full")                                    \
	X(GAPS_NESTED, "gaps_nested", "gaps not followed because too many loops were open in one thread")    \
	X(CREATE_FAILED, "create_failed", "threads, loops or processes that could not be stored")            \
	X(GAP_DISCARDED, "gap_discarded", "gaps discarded because an event of theirs was missing")

enum lst_loss {
#define X(name, text, meaning) LST_LOSS_##name,
	LST_LOSSES(X)
#undef X
		LST_LOSS_KINDS
};

#include "wire_python.h"

/* --- configuration: constants once loaded -------------------------------------------------------------------------- */

enum lst_scope { LST_SCOPE_TARGETS, LST_SCOPE_CGROUP, LST_SCOPE_ALL };

/* How a system call names what it waits for; a table of these is sent down, so BPF knows no call numbers. */
enum lst_call_shape {
	LST_SHAPE_NONE,
	LST_SHAPE_FD,	   /* first argument is a descriptor */
	LST_SHAPE_POLL,	   /* pollfd array, count, milliseconds */
	LST_SHAPE_PPOLL,   /* pollfd array, count, timespec */
	LST_SHAPE_SELECT,  /* count, three sets, a time */
	LST_SHAPE_PSELECT, /* count, three sets, timespec */
	LST_SHAPE_FUTEX,   /* user address */
	LST_SHAPE_SLEEP,   /* timespec, first argument */
	LST_SHAPE_SLEEP2,  /* clock, flags, timespec */
	LST_SHAPE_WAITPID, /* pid */
	LST_SHAPE_WAITID,  /* type, id */
	LST_SHAPE_PATH,	   /* path, first argument */
	LST_SHAPE_PATHAT,  /* directory, path */
	LST_SHAPE_FORK,
	LST_SHAPE_EPOLL, /* a loop's wait call */
};

struct lst_config {
	lst_u64 threshold_ns;	 /* stalls shown from here on; counted exactly */
	lst_u64 record_ns;	 /* iterations sent from here on */
	lst_u64 snapshot_age_ns; /* a gap must be this old for a native snapshot */
	lst_u32 scope;		 /* enum lst_scope */
	lst_u32 self_tgid;	 /* never traced */
	lst_u32 follow_forks;
	lst_u32 only_tids; /* trace only threads in the tids map */
	lst_u32 wait_nr
		[4]; /* epoll_wait, epoll_pwait, epoll_pwait2, unused: numbers, ~0 where the machine has none */
	lst_u32 create_nr[2];  /* epoll_create, epoll_create1 */
	lst_u32 has_task_regs; /* bpf_task_pt_regs and bpf_get_current_task_btf are there */
	lst_u32 has_cast;      /* bpf_rdonly_cast, and has_task_regs */
	lst_u32 has_copy;      /* bpf_copy_from_user_task */
	lst_u32 returns_unseen; /* of waits that began before the attach: fexit shows only calls that it saw begin */
	lst_u32 has_kstack; /* kernel frames wanted */
	lst_u32 max_loops, max_threads, max_scratch;
	lst_u32 ring_wake_bytes; /* wake the reader when this much is waiting */
	lst_u32 stacks;		 /* 0: histograms and ledgers only */
	lst_u32 pad;
};

/* --- records ----------------------------------------------------------------------------------------------------- */

enum lst_record_kind {
	LST_RECORD_LOOP = 1, /* a loop was seen for the first time, or another thread joined it */
	LST_RECORD_STALL,
	LST_RECORD_STACK,
	LST_RECORD_PROCESS,
	LST_RECORD_TASK,
	LST_RECORD_PYTHON, /* a stack with the interpreter's own before it */
};

struct lst_record {
	lst_u32 kind;
	lst_u32 bytes; /* of the whole record */
	lst_u64 time_ns;
	lst_u32 tgid, tid;
};

struct lst_loop_record {
	struct lst_record head;
	lst_u32 slot, fd;
	lst_u32 first; /* 0: a further thread of a known loop */
	lst_u32 generation;
	char comm[LST_COMM_BYTES];
};

struct lst_stall_record {
	struct lst_record head; /* tid: owner of the gap; time: end of the gap */
	lst_u32 slot, fd;
	lst_u32 harm;  /* enum lst_harm */
	lst_u32 ready; /* events the next wait returned, with LST_HARM_QUEUED */
	lst_u32 n_blocks;
	lst_u32 terminal_signal; /* with LST_GAP_TERMINAL: what killed it, 0 if it left by itself */
	lst_u64 throttled_delay_ns;
	struct lst_pending gap;
	char comm[LST_COMM_BYTES];
	struct lst_child children[2];
	struct lst_block blocks[LST_BLOCKS];
};

enum lst_stack_why { LST_STACK_SAMPLE = 1, LST_STACK_BLOCK, LST_STACK_WAKER, LST_STACK_STUCK };

/* Saved user registers, in the DWARF numbering of the machine so that the unwinder needs no table. */
#define LST_REGS 33
struct lst_regs {
	lst_u64 r
		[LST_REGS]; /* x86-64: 0 rax 1 rdx 2 rcx 3 rbx 4 rsi 5 rdi 6 rbp 7 rsp 8…15; arm64: x0…x30, 31 sp */
	lst_u64 pc;
	lst_u32 valid; /* bit n of r; bit 32 is not kept */
	lst_u32 pad;
};

struct lst_stack_record {
	struct lst_record head;
	lst_u32 why;	   /* enum lst_stack_why */
	lst_u32 slot;	   /* loop slot; ~0 if the thread owns no gap */
	lst_u32 seq;	   /* number of this stack, never 0 */
	lst_u32 block;	   /* with LST_STACK_BLOCK: index in the gap's blocks, and its tenant << 8 */
	lst_u64 gap_seq;   /* loop's gap it was taken in */
	lst_u64 weight_ns; /* time it stands for */
	lst_u32 for_tid;   /* with LST_STACK_WAKER: the thread woken */
	lst_u32 kernel_frames;
	lst_u32 in_kernel; /* sampled in kernel mode */
	lst_u32 n_pages;
	lst_u64 base;	       /* user address of the first page; pages are contiguous */
	lst_u64 pages_present; /* bit i: page i was read */
	struct lst_regs regs;
	lst_u64 kstack[LST_KSTACK];
	/* then n_pages * LST_PAGE_BYTES */
};

struct lst_python_record {
	struct lst_record head;
	struct lst_python_stack python;
	/* then a struct lst_stack_record with its pages */
};

enum lst_process_event { LST_PROCESS_FORK = 1, LST_PROCESS_EXEC, LST_PROCESS_EXIT, LST_PROCESS_THREAD_EXIT };

struct lst_process_record {
	struct lst_record head; /* tgid, tid: the process it is about */
	lst_u32 event;		/* enum lst_process_event */
	lst_u32 parent;		/* fork: tgid */
	char comm[LST_COMM_BYTES];
};

/* What a thread was doing when it was looked at: for `dump`, and for loops stuck before the attach. Its stack follows as a record. */
struct lst_task_record {
	struct lst_record head;
	lst_u32 cpu;	     /* enum lst_on_cpu */
	lst_u32 slot;	     /* loop whose gap it was made to own, ~0 none */
	lst_u64 last_ran_ns; /* scheduler clock, a few ms off CLOCK_MONOTONIC; 0 unknown */
	lst_u64 gap_seq;
	char comm[LST_COMM_BYTES];
	struct lst_block block;	       /* call ~0: in user space */
	struct lst_stack_record stack; /* of a thread that sleeps, without its pages; head.kind 0: none */
};

/* What user space asks about a thread. */
struct lst_wanted {
	lst_u32 fd;	  /* epoll descriptor whose gap it shall own, ~0: only look */
	lst_u32 slot;	  /* answer: loop whose gap it was made to own, ~0 none */
	lst_u64 since_ns; /* start of that gap */
	lst_u64 gap_seq;  /* answer */
};

#define LST_STATIC_ASSERT(what, text) _Static_assert(what, text)
LST_STATIC_ASSERT(sizeof(struct lst_record) == 24, "record head has no hidden padding");
LST_STATIC_ASSERT(sizeof(struct lst_block) % 8 == 0, "blocks are arrays of eight-byte units");
LST_STATIC_ASSERT(sizeof(struct lst_stack_record) % 8 == 0, "pages follow the stack head aligned");
LST_STATIC_ASSERT(sizeof(struct lst_python_record) % 8 == 0, "a stack follows the Python head aligned");
LST_STATIC_ASSERT(sizeof(struct lst_inet) <= LST_TARGET_BYTES, "an address fits the target");

#endif
