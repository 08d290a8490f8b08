// SPDX-License-Identifier: Apache-2.0
// What the Node web services have in common: arguments, routes, how they say where to visit them, an end with standard input.
'use strict';

const http = require('http');

const [, , twin, ...peers] = process.argv;

exports.sick = twin === 'sick';
exports.peers = peers.map(Number);

// routes: functions, by path, that give or promise what to answer; visits: the paths that clients visit, "/path:SECONDS"
exports.serve = (routes, ...visits) => {
	const server = http.createServer(async (request, response) => {
		const route = routes[request.url] || (() => ({ status: 'ok' }));
		const body = JSON.stringify(await route(request));
		response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
		response.end(body);
	});
	server.listen(0, '127.0.0.1', () => console.log(server.address().port, '/ping', ...visits));
	process.stdin.on('end', () => process.exit(0)).resume();
};
