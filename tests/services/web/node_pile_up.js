// SPDX-License-Identifier: Apache-2.0
// Takes sign-ups and passes each on to a mailing service, which does not answer any more.
'use strict';

const service = require('./service');

const url = `http://127.0.0.1:${service.peers[0]}/welcome`;
const mail = (user, options) =>
	fetch(url, { method: 'POST', body: JSON.stringify(user), headers: { 'Content-Type': 'application/json' }, ...options });

const sendAtOnce = (user) => {
	mail(user).catch((error) => console.error('welcome mail', error.message));
};

const LANES = 5;
const waiting = [];
let busy = 0, failed = 0;

const next = async () => {
	if (busy === LANES || !waiting.length)
		return;
	busy++;
	try {
		await mail(waiting.shift(), { signal: AbortSignal.timeout(3000) });
	} catch (error) {
		failed++;
	} finally {
		busy--;
		next();
	}
};

const sendByFew = (user) => {
	if (waiting.length < 500)
		waiting.push(user);
	next();
};

const send = service.sick ? sendAtOnce : sendByFew;
let users = 0;

service.serve({
	'/signup': () => {
		const user = { id: ++users, name: `user ${users}`, email: `user${users}@example.org` };
		send(user);
		return user;
	},
}, '/signup:0.05');
