// SPDX-License-Identifier: Apache-2.0
// What the Node services have in common: an echo server, arguments, an end with standard input.
'use strict';

const net = require('net');

const [, , twin, ...peers] = process.argv;

exports.twin = twin;
exports.peers = peers.map(Number);

exports.serve = () => {
	const server = net.createServer((socket) => {
		socket.on('error', () => socket.destroy());
		socket.pipe(socket);
	});
	server.listen(0, '127.0.0.1', () => console.log(server.address().port));
	process.stdin.on('end', () => process.exit(0)).resume();
};
