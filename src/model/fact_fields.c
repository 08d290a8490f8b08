/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fact_fields.h"

#include <string.h>

#define PLACE(type, member) offsetof(type, member), sizeof(((type *)0)->member)

/* clang-format off */
/* Inside the tables T is the struct. */
#define MUST(key, kind, member)       {key, FIELD_##kind, false, PLACE(T, member), NULL, NULL}
#define MAY(key, kind, member)        {key, FIELD_##kind, true, PLACE(T, member), NULL, NULL}
#define MUST_WORD(key, words, member) {key, FIELD_WORD, false, PLACE(T, member), words##_word, words##_parse}
#define MAY_WORD(key, words, member)  {key, FIELD_WORD, true, PLACE(T, member), words##_word, words##_parse}

#define T struct fact_header
const struct field header_fields[] = {
	MUST("wall_us", NUMBER, wall_us),
	MUST("threshold_us", NS, threshold_ns),
	MUST("record_us", NS, record_ns),
	MUST("sample_hz", NUMBER, sample_hz),
	MAY("version", TEXT, version),
	MAY("host", TEXT, host),
	MAY("boot_id", TEXT, boot_id),
	MAY("kernel", TEXT, kernel),
	MAY("machine", TEXT, machine),
	MAY("target", TEXT, target),
	MAY("rung", TEXT, rung),
	{0}};
#undef T

#define T struct fact_clock
const struct field clock_fields[] = {MUST("wall_us", NUMBER, wall_us), {0}};
#undef T

#define T struct fact_loop
const struct field loop_fields[] = {
	MUST("pid", NUMBER, pid),
	MUST("tid", NUMBER, tid),
	MAY("ns_pid", NUMBER, ns_pid),
	MUST("fd", NUMBER, fd),
	MAY("comm", TEXT, comm),
	MAY("process", TEXT, process),
	MAY("runtime", TEXT, runtime),
	MAY("wait_call", TEXT, wait_call),
	MAY("container", TEXT, container),
	MAY("unit", TEXT, unit),
	MUST_WORD("class", loop_class, class),
	MUST("threads", NUMBER, threads),
	MAY("gone", BOOL, gone),
	{0}};
#undef T

#define T struct fact_frame
const struct field frame_fields[] = {
	MAY("function", TEXT, function),
	MAY("file", TEXT, file),
	MAY("line", NUMBER, line),
	MAY("begins", NUMBER, begins),
	MAY("object", TEXT, object),
	MAY("offset", HEX, offset),
	MUST_WORD("kind", frame_kind, kind),
	MUST_WORD("method", frame_method, method),
	MAY("application", BOOL, application),
	{0}};
#undef T

#define T struct fact_stack
const struct field stack_fields[] = {MUST_WORD("state", stack_state, state), {0}};
#undef T

#define T struct fact_stall
const struct field stall_fields[] = {
	MAY("start", AT, start_ns),
	MUST("pid", NUMBER, pid),
	MUST("tid", NUMBER, tid),
	MAY("comm", TEXT, comm),
	MUST("loop", LOOP, loop),
	MUST_WORD("state", stall_state, state),
	MAY("lower_bound", BOOL, lower_bound),
	MAY("signal", NUMBER, signal),
	MUST("gap_seq", NUMBER, gap_seq),
	MUST("lag_us", NS, lag_ns),
	MUST("gap_us", NS, gap_ns),
	MUST("delay_us", NS, delay_ns),
	MAY_WORD("harm", harm, harm),
	MAY("ready_fds", NUMBER, ready_fds),
	MAY("late_us", NS, late_ns),
	MAY_WORD("verdict", verdict, verdict),
	MAY("collecting_us", NS, collecting_ns),
	MAY("gil_wait_us", NS, gil_wait_ns),
	MAY("paused_us", NS, paused_ns),
	MAY("collector_us", NS, collector_ns),
	MAY("ready_us", NS, ready_ns),
	MAY("task", TEXT, task.name),
	MAY("coroutine", TEXT, task.coroutine),
	MAY("awaited_by_cut", BOOL, task.cut),
	MAY("task_us", NS, task_ns),
	MUST("covered_us", NS, covered_ns),
	MAY("connects", NUMBER, connects),
	MAY("chain_gaps", NUMBER, chain.gaps),
	MAY("chain_us", NS, chain.ns),
	MAY("chain_last_us", NS, chain.last_ns),
	MAY("growth", NUMBER, chain.growth),
	MAY("grown_from_us", NS, chain.grown_from_ns),
	MAY("timed", BOOL, chain.timed),
	MAY("source", TEXT, source),
	MAY("cause", TEXT, cause),
	MAY("evidence", LINE, evidence),
	MAY("remedy", TEXT, remedy),
	{0}};
const struct field culprit_fields[] = {
	MAY("frame", FRAME, culprit_frame),
	MAY("stack", STACK, culprit_stack),
	{0}};
#undef T

#define T struct ledger
const struct field ledger_fields[] = {
	MUST("cpu_us", NS, cpu_ns),
	MUST("blocked_us", NS, blocked_ns),
	MUST("runnable_us", NS, runnable_ns),
	MUST("of_that_throttled_us", NS, throttled_ns),
	MUST("stopped_us", NS, stopped_ns),
	MUST("unaccounted_us", NS, unaccounted_ns),
	MAY("fault_us", NS, fault_ns),
	MAY("reclaim_us", NS, reclaim_ns),
	MAY("stolen_us", NS, stolen_ns),
	MAY("interrupts_us", NS, interrupts_ns),
	MAY("preempted", NUMBER, preempted),
	MAY("minor_faults", NUMBER, minor_faults),
	MAY("major_faults", NUMBER, major_faults),
	{0}};
#undef T

#define T struct awaiter
const struct field awaiter_fields[] = {
	MAY("task", TEXT, task),
	MAY("coroutine", TEXT, coroutine),
	MAY("others", NUMBER, others),
	{0}};
#undef T

#define T struct block
const struct field block_fields[] = {
	MAY("call", TEXT, call),
	MAY("target", TEXT, target),
	MAY_WORD("kind", target_kind, kind),
	MUST("count", NUMBER, count),
	MUST("us", NS, sum_ns),
	MUST("max_us", NS, max_ns),
	MAY("object", HEX, object),
	MAY("stack", STACK, stack),
	MAY("paused", BOOL, paused),
	{0}};
#undef T

#define T struct runner
const struct field runner_fields[] = {
	MUST("pid", NUMBER, pid),
	MAY("own", BOOL, own),
	MAY("comm", TEXT, comm),
	MUST("us", NS, ns),
	{0}};
#undef T

#define T struct stopper
const struct field stopper_fields[] = {
	MAY_WORD("by", stop, by),
	MAY("signal", NUMBER, signal),
	MAY("pid", NUMBER, pid),
	MAY("comm", TEXT, comm),
	{0}};
#undef T

#define T struct limit
const struct field limit_fields[] = {
	MAY("cgroup", TEXT, cgroup),
	MUST("quota_us", NS, quota_ns),
	MUST("period_us", NS, period_ns),
	MAY("version", NUMBER, version),
	{0}};
#undef T

#define T struct waker
const struct field waker_fields[] = {
	MAY("pid", NUMBER, pid),
	MAY("tid", NUMBER, tid),
	MAY("comm", TEXT, comm),
	MAY("why", TEXT, why),
	MAY("stack", STACK, stack),
	{0}};
#undef T

#define T struct sample
const struct field sample_fields[] = {
	MUST("us", NS, ns),
	MUST("n", NUMBER, n),
	MAY("gil_held", NUMBER, gil_held),
	MAY("gil_released", NUMBER, gil_released),
	MAY("stack", STACK, stack),
	{0}};
#undef T

#define T struct fact_saturated
const struct field saturated_fields[] = {
	MAY("since", AT, since_ns),
	MUST("loop", LOOP, loop),
	MUST("busy_us", NS, busy_ns),
	MUST("iterations", NUMBER, iterations),
	MAY("ended", BOOL, ended),
	MAY("evidence", LINE, evidence),
	{0}};
#undef T

#define T struct fact_counts
const struct field counts_fields[] = {
	MUST("loop", LOOP, loop),
	MUST("elapsed_us", NS, elapsed_ns),
	MUST("iterations", NUMBER, iterations),
	MUST("waits", NUMBER, waits),
	MAY("events", NUMBER, events),
	MAY("zero_waits", NUMBER, zero_waits),
	MAY("slept_waits", NUMBER, slept_waits),
	MUST("busy_us", NS, busy_ns),
	MAY("open_us", NS, open_ns),
	MAY("unobserved_us", NS, unobserved_ns),
	MAY("over_threshold", NUMBER, over_threshold),
	MUST("max_lag_us", NS, max_lag_ns),
	MUST("min_gap_us", NS, min_gap_ns),
	MAY("timed_chains", NUMBER, timed_chains),
	MAY("timed_us", NS, timed_ns),
	MAY("connects", NUMBER, connects),
	MAY("bursts", NUMBER, bursts),
	MAY("most_connects", NUMBER, most_connects),
	MAY("open_files", NUMBER, open_files),
	MAY("tasks", NUMBER, tasks),
	MAY("tasks_at_least", BOOL, tasks_at_least),
	MAY("tasks_loops", NUMBER, tasks_loops),
	{0}};
const struct field histogram_fields[] = {
	{"lag", .offset = offsetof(T, lag)},
	{"gap", .offset = offsetof(T, gap)},
	{"delay", .offset = offsetof(T, delay)},
	{"offcpu", .offset = offsetof(T, offcpu)},
	{0}};
#undef T

#define T struct fact_peer
const struct field peer_fields[] = {
	MAY("peer", TEXT, peer),
	MAY("connects", NUMBER, connects),
	MAY("timed_connects", NUMBER, timed_connects),
	MAY("waits", NUMBER, waits),
	MAY("waited_us", NS, waited_ns),
	MAY("reads", NUMBER, reads),
	MAY("work_us", NS, work_ns),
	MAY("open", NUMBER, open),
	MAY("most_connects", NUMBER, most_connects),
	MAY("most_open", NUMBER, most_open),
	{0}};
#undef T

#define T struct fact_loss
const struct field loss_fields[] = {
	MAY("reason", TEXT, reason),
	MAY("meaning", TEXT, meaning),
	MUST("count", NUMBER, count),
	{0}};
#undef T

#define T struct fact_end
const struct field end_fields[] = {
	MUST("stalls", NUMBER, stalls),
	MUST("iterations", NUMBER, iterations),
	MAY("walks", NUMBER, walks),
	MAY("walked_frames", NUMBER, walked_frames),
	MAY("walks_us", NS, walks_ns),
	MAY("reason", TEXT, reason),
	{0}};
#undef T
/* clang-format on */

uint64_t field_number(const struct field *field, const void *base)
{
	uint32_t narrow;
	uint64_t wide;
	const char *at = (const char *)base + field->offset;
	if (field->bytes == sizeof narrow)
		return memcpy(&narrow, at, sizeof narrow), narrow;
	return memcpy(&wide, at, sizeof wide), wide;
}

const char *field_text(const struct field *field, const void *base)
{
	const char *text;
	if (field->type == FIELD_LINE)
		return (const char *)base + field->offset;
	memcpy(&text, (const char *)base + field->offset, sizeof text);
	return text ? text : "";
}

bool field_is_true(const struct field *field, const void *base)
{
	bool value;
	memcpy(&value, (const char *)base + field->offset, sizeof value);
	return value;
}
