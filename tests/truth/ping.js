// SPDX-License-Identifier: Apache-2.0
// A Node loop that does nothing but bounce a byte between two TCP sockets of its own.
//
// usage: node ping.js SECONDS [histogram]. Prints "ready", begins at a byte on standard input, prints the bounces of a second of its CPU
// time: what others do on the machine meanwhile does not count.
'use strict';
const net = require('net');
const { monitorEventLoopDelay } = require('perf_hooks');

const [seconds, watchdog] = process.argv.slice(2);
let bounces = 0;

const server = net.createServer(socket => {
	socket.setNoDelay(true);
	socket.on('data', data => socket.write(data));
}).listen(0, '127.0.0.1', () => {
	const client = net.connect(server.address().port, '127.0.0.1', () => {
		client.setNoDelay(true);
		client.on('data', data => { bounces++; client.write(data); });
		process.stdin.once('data', () => {
			if (watchdog === 'histogram') {
				const histogram = monitorEventLoopDelay({ resolution: 20 });
				histogram.enable();
				setInterval(() => histogram.reset(), 1000);
			}
			client.write('x');
			setTimeout(measure, 500);
		});
		console.log('ready');
	});
});

function measure() {
	const before = bounces, start = process.cpuUsage();
	setTimeout(() => {
		const used = process.cpuUsage(start);
		console.log((bounces - before) / ((used.user + used.system) / 1e6));
		process.exit(0);
	}, seconds * 1000);
}
