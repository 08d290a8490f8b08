// SPDX-License-Identifier: Apache-2.0
// Purges a changed page from all the edge caches.
'use strict';

const http = require('http');
const service = require('./service');

const edges = Array.from({ length: 72 }, (_, i) => ({ port: service.peers[0], path: `/edge/${i}/purge` }));

const purge = (edge, page, agent) => new Promise((resolve, reject) => {
	const body = JSON.stringify({ page });
	const options = { host: '127.0.0.1', method: 'POST', headers: { 'Content-Length': Buffer.byteLength(body) }, agent, ...edge };
	http.request(options, (response) => response.resume().on('end', resolve)).on('error', reject).end(body);
});

const purgeAll = (page) => Promise.all(edges.map((edge) => purge(edge, page, new http.Agent())));

const kept = new http.Agent({ keepAlive: true, maxSockets: 6 });
const purgeByFew = async (page) => {
	const left = edges.values();
	const work = async () => {
		for (const edge of left)
			await purge(edge, page, kept);
	};
	await Promise.all(Array.from({ length: 6 }, work));
};

const publish = service.sick ? purgeAll : purgeByFew;

service.serve({
	'/publish': async () => {
		await publish('/news/index.html');
		return { purged: edges.length };
	},
}, '/publish:0.8');
