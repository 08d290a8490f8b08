// SPDX-License-Identifier: Apache-2.0
// Reads a number from a program now and then.
'use strict';

const { execFile, execFileSync } = require('child_process');
const { serve, twin } = require('./service');

const COMMAND = ['sh', ['-c', 'sleep 0.11; echo 17']];

function temperature() {
	return Number(execFileSync(...COMMAND));
}

function temperatureLater(done) {
	execFile(...COMMAND, (error, out) => done(error, Number(out)));
}

let last = 0;
setInterval(() => {
	if (twin === 'sick') last = temperature();
	else temperatureLater((error, value) => { last = error ? last : value; });
}, 450);
serve();
