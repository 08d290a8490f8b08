// SPDX-License-Identifier: Apache-2.0
// A Node HTTP service with one request for each way of stalling it. Usage: node_service.js FOLDER
// Prints "ready PORT". The line in which a handler begins says what has to be found out about it: "//= VERDICT CAUSE remedy".
'use strict';
const { execSync, spawnSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const zlib = require('zlib');

const folder = process.argv[2];
const big = path.join(folder, 'big');
fs.writeFileSync(big, crypto.randomBytes(64 << 20));
const text = JSON.stringify(Array.from({ length: 400000 }, (_, i) => ({ id: i, name: 'row ' + i, tags: ['a', 'b'] })));
const cell = new Int32Array(new SharedArrayBuffer(4));

function checksum(rounds) {
	let sum = 0;
	for (let i = 0; i < rounds; i++)
		sum = (sum * 31 + i) % 1000003;
	return sum;
}

const handlers = {
	'/read': function readReport() { //= CPU,BLOCKED cpu,file_io fs.promises
		for (let i = 0; i < 4; i++)
			fs.readFileSync(big);
	},
	'/exec': function listFiles() { //= BLOCKED subprocess execFile
		execSync('sleep 0.2');
	},
	'/spawn': function convertImage() { //= BLOCKED subprocess execFile
		spawnSync('sleep', ['0.2']);
	},
	'/password': function checkPassword() { //= CPU cpu crypto.pbkdf2()
		crypto.pbkdf2Sync('secret', 'salt', 500000, 32, 'sha256');
	},
	'/parse': function importRows() { //= CPU cpu JSON
		for (let i = 0; i < 2; i++)
			JSON.parse(text);
	},
	'/match': function validateName() { //= CPU cpu pattern
		/^(a+)+$/.test('a'.repeat(24) + '!');
	},
	'/loop': function signReport() { //= CPU cpu,hot_loop worker_threads
		return checksum(3e7);
	},
	'/pack': function packRows() { //= CPU cpu zlib
		for (let i = 0; i < 3; i++)
			zlib.deflateSync(text.slice(0, 8 << 20));
	},
	'/sync': function saveReport() { //= CPU,BLOCKED file_io,fsync,cpu fs.promises
		const fd = fs.openSync(path.join(folder, 'saved'), 'w');
		for (let i = 0; i < 8; i++) {
			fs.writeSync(fd, text.slice(0, 4 << 20));
			fs.fsyncSync(fd);
		}
		fs.closeSync(fd);
	},
	'/lock': function waitForWorker() { //= LOCK lock Atomics.waitAsync()
		Atomics.wait(cell, 0, 0, 200);
	},
	'/': () => {},
};

const server = http.createServer((request, response) => {
	handlers[request.url]();
	response.end('done\n');
});
server.listen(0, '127.0.0.1', () => console.log('ready ' + server.address().port));
