// SPDX-License-Identifier: Apache-2.0
// Caches that tell each other when an entry became stale; they tell of what they were told, too, unless they remember it.
'use strict';

const { EventEmitter } = require('events');
const { createHash } = require('crypto');
const { serve, twin } = require('./service');

const LEVELS = 8;
const bus = new EventEmitter();
let told = new Set();

function refresh(name, key, level) {
	const digest = createHash('md5').update(`${name}/${key}/${level}`).digest('hex');
	if (level >= LEVELS) return;
	if (twin === 'healthy') {
		if (told.has(`${name}/${key}`)) return;
		told.add(`${name}/${key}`);
	}
	setImmediate(() => bus.emit('stale', digest && key, level + 1));
}

for (const name of ['edge', 'page', 'query'])
	bus.on('stale', (key, level) => refresh(name, key, level));

setInterval(() => {
	told = new Set();
	bus.emit('stale', 'front', 0);
}, 700);
serve();
