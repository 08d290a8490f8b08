// SPDX-License-Identifier: Apache-2.0
// A node server whose requests stall it, and its own client (a child process). Usage: node_app.js TRUTH FIFO
// Prints "ready", begins at a line of input, notes each stall as the callback saw it.
'use strict';
const { execSync, spawn } = require('child_process');
const fs = require('fs');
const http = require('http');

const [truth, fifo] = process.argv.slice(2);
const books = [];

function busy() {
	let sum = 0;
	for (const end = process.hrtime.bigint() + 200000000n; process.hrtime.bigint() < end;)
		for (let i = 0; i < 10000; i++)
			sum += i;
	return sum;
}

const stalls = {
	'/exec': [() => execSync('sleep 0.2'), { verdict: 'BLOCKED', call: 'epoll_pwait|epoll_wait', frame: 'Spawn|SyncProcess' }],
	'/busy': [busy, { verdict: 'CPU' }],
	'/read': [() => fs.readFileSync(fifo), { verdict: 'BLOCKED', call: 'read', target: 'fifo', frame: 'uv_fs_read' }],
};

function stall(name) {
	const [work, expected] = stalls[name];
	const start_us = Math.round((performance.timeOrigin + performance.now()) * 1000);
	const start_ns = process.hrtime.bigint();
	work();
	const gap_ns = Number(process.hrtime.bigint() - start_ns);
	books.push(JSON.stringify({ pid: process.pid, kind: name, state: 'ended', start_us, gap_ns, ...expected }));
}

const server = http.createServer((request, response) => {
	if (stalls[request.url])
		stall(request.url);
	response.end('done\n');
});

// Runs outside this process: a stalled loop cannot be its own client.
const client = `
	const http = require('http'), url = 'http://127.0.0.1:' + process.argv[1];
	const get = path => new Promise(done => http.get(url + path, r => r.resume().on('end', done)));
	const pause = () => new Promise(done => setTimeout(done, 200));
	(async () => {
		for (const path of ['/', '/exec', '/busy', '/read', '/']) {
			await pause();
			await get(path);
		}
	})();`;

// Once through everything, so that no page of the program is read from disk later.
function warmUp(times, then) {
	http.get({ port: server.address().port, path: '/' }, response => {
		response.resume().on('end', () => times ? warmUp(times - 1, then) : then());
	});
}

server.listen(0, '127.0.0.1', () => {
	warmUp(20, () => console.log('ready'));
	process.stdin.once('data', () => {
		const child = spawn(process.execPath, ['-e', client, String(server.address().port)], { stdio: 'ignore' });
		child.on('exit', () => fs.appendFileSync(truth, books.join('\n') + '\n'));
	});
});
