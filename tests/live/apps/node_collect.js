// SPDX-License-Identifier: Apache-2.0
// A Node loop that does little, in a heap that is large and changes: what stalls it is V8's collector. Usage: node_collect.js SECONDS
// Run it with --expose-gc. Prints READY when it begins.
'use strict';
const kept = new Map();
const end = Date.now() + Number(process.argv[2] || 60) * 1000;

function remember(first) {
	for (let i = first; i < first + 100000; i++)
		kept.set(i, { id: i, name: 'entry ' + i, parts: [{ n: i }, { n: i + 1 }, { n: i + 2 }] });
}

for (let i = 0; i < 10; i++)
	remember(i * 100000);

function tidyUp() {
	kept.set(0, { id: 0, parts: [] });
	global.gc();
	if (Date.now() > end)
		process.exit(0);
	setTimeout(tidyUp, 100);
}

setTimeout(() => {
	console.log('READY');
	tidyUp();
}, 100);
