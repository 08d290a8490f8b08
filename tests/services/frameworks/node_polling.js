// SPDX-License-Identifier: Apache-2.0
// Watches the jobs of a peer over one kept connection: by asking ten times a second for each of six queues, or every three seconds for all.
'use strict';

const http = require('http');
const { peers, serve, twin } = require('./service');

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const done = new Map();

function ask(queue) {
	http.get({ host: '127.0.0.1', port: peers[0], path: `/${queue}`, agent }, (response) => {
		const parts = [];
		response.on('data', (part) => parts.push(part));
		response.on('end', () => {
			const { jobs } = JSON.parse(Buffer.concat(parts));
			done.set(queue, jobs.filter((job) => job.id % 6 === queue).sort((a, b) => b.progress - a.progress));
		});
	}).on('error', () => done.delete(queue));
}

const queues = twin === 'sick' ? [0, 1, 2, 3, 4, 5] : [0];
for (const queue of queues) setInterval(ask, twin === 'sick' ? 100 : 3000, queue);
serve();
