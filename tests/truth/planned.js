// SPDX-License-Identifier: Apache-2.0
// A Node loop that stalls as a plan says; run under wait_clock.so, which keeps the times.
//
// usage: node planned.js PLAN LABELS FIFO [histogram REPORTS]
//
// Plan, labels and the words on standard output are those of planned.c. With a fourth word the loop also watches itself with
// monitorEventLoopDelay(), read and reset every second as its dashboards do: REPORTS gets {"end_ns","length_ns"}, the longest of each second.
'use strict';
const { execSync, spawn } = require('child_process');
const fs = require('fs');
const { monitorEventLoopDelay } = require('perf_hooks');

const [planFile, labelFile, fifo, watchdog, reportFile] = process.argv.slice(2);
const WATCH_MS = 20;
const cell = new Int32Array(new SharedArrayBuffer(4));
const now = () => process.hrtime.bigint();

// Writes into the fifo after so many microseconds; a process of its own, and so not stalled.
const partner = spawn('sh', ['-c', 'exec 9<>"$0"; while read -r s; do sleep "$s"; printf a >&9; done', fifo],
	{ stdio: ['pipe', 'ignore', 'ignore'] });
const fifoFd = fs.openSync(fifo, fs.constants.O_RDWR);
const scratchFd = fs.openSync(`${labelFile}.scratch`, 'w');
fs.unlinkSync(`${labelFile}.scratch`);

function spin(us) {
	let sum = 0;
	for (const end = now() + BigInt(us) * 1000n; now() < end;)
		for (let i = 0; i < 5000; i++)
			sum += i;
	return sum;
}

function stallCpu(us) {
	return spin(us);
}

function stallExec(us) {
	execSync(`sleep ${us / 1e6}`); // stallExec blocks
}

function stallWait(us) {
	Atomics.wait(cell, 0, 0, us / 1000); // stallWait blocks
}

function stallRead(us) {
	fs.writeSync(partner.stdin._handle.fd, `${us / 1e6}\n`);
	fs.readSync(fifoFd, Buffer.alloc(1)); // stallRead blocks
}

function stallFsync(us) {
	const text = Buffer.alloc(65536);
	for (const end = now() + BigInt(us) * 1000n; now() < end;) {
		fs.writeSync(scratchFd, text, 0, text.length, 0);
		fs.fsyncSync(scratchFd); // stallFsync blocks
	}
}

const source = fs.readFileSync(__filename, 'utf8').split('\n');
const lineOf = make => 1 + source.findIndex(line => line.endsWith(`// ${make.name} blocks`)) || undefined;

// What makes the stall, the verdict, the call, and the function that is to blame where it is another.
const kinds = {
	cpu: [stallCpu, 'CPU', undefined, spin],
	exec: [stallExec, 'BLOCKED', 'epoll_pwait|epoll_wait|read'], // read: until the child has exec'd
	wait: [stallWait, 'LOCK', 'futex'],
	read: [stallRead, 'BLOCKED', 'read'],
	fsync: [stallFsync, undefined, 'fsync'], // its verdict depends on the disk,
};

function descend(depth, make, us) {
	return depth ? descend(depth - 1, make, us) : make(us);
}

// Nanoseconds that the main thread has run, and waited for a CPU, in all.
function readSchedstat() {
	return fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'ascii').split(' ').slice(0, 2).map(Number);
}

function makeStall(kind, us, depth) {
	const [make, verdict, call, culprit = make] = kinds[kind];
	const before = readSchedstat(), start = now();
	descend(depth, make, us);
	const end = now(), after = readSchedstat();
	return { kind, tid: process.pid, start_ns: Number(start), end_ns: Number(end), ran_ns: after[0] - before[0],
		waited_ns: after[1] - before[1], verdict, call, function: culprit.name, line: lineOf(make) };
}

const pause = ms => new Promise(done => setTimeout(done, ms));

// monitorEventLoopDelay() counts the time between two ticks of its timer: a stall adds to one of them.
function watch(reports) {
	const histogram = monitorEventLoopDelay({ resolution: WATCH_MS });
	histogram.enable();
	const timer = setInterval(() => {
		reports.push({ end_ns: Number(now()), length_ns: histogram.max });
		histogram.reset();
	}, 1000);
	return () => { clearInterval(timer); histogram.disable(); };
}

async function follow(plan) {
	const labels = [];
	for (const [, kind, us, depth, pauseUs] of plan) {
		for (const end = now() + BigInt(pauseUs) * 1000n; now() < end;)
			await pause(5);
		await pause(5);
		labels.push(makeStall(kind, Number(us), Number(depth)));
	}
	await pause(100);
	return labels;
}

process.stdin.once('data', async () => {
	const plan = fs.readFileSync(planFile, 'utf8').trim().split('\n').map(line => line.split(' '));
	const reports = [], unwatch = watchdog === 'histogram' ? watch(reports) : () => {};
	const labels = await follow(plan);
	if (watchdog)
		await pause(1100);
	unwatch();
	fs.writeFileSync(labelFile, labels.map(label => JSON.stringify(label) + '\n').join(''));
	if (reportFile)
		fs.writeFileSync(reportFile, reports.map(report => JSON.stringify(report) + '\n').join(''));
	console.log('over');
});
process.stdin.on('end', () => { partner.stdin.end(); process.exit(0); });
// Once through everything, so that nothing is compiled or read from disk for the first time later.
for (const kind of Object.keys(kinds))
	makeStall(kind, 1000, 1);
setTimeout(() => console.log('ready'), 300);
