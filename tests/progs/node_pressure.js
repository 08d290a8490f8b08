// SPDX-License-Identifier: Apache-2.0
// A Node loop that stalls while V8 moves everything: closures live for one call, both collectors run, code is optimised, given up and
// freed. Marks as in node_truth.js. Prints READY when it stalls. Usage: node_pressure.js SECONDS
'use strict';
const vm = require('vm');
const v8 = require('v8');

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const seconds = Number(process.argv[2] || 60);
const STALL_MS = 50;
const kept = [];
let turn = 0;

function mix(a, b) { //< twist, (), *
	let n = a;
	for (let i = 0; i < 40; i++) //@
		n = (n * 31 + b + i) % 1000003; //@
	return n;
}

function twist(a, b) { //< whirl, *
	return mix(a, b) ^ mix(b, a); //@
}

function whirl(a) { //< hot, *
	return twist(a, a + 1) + twist(a + 2, a + 3); //@
}

function hot(until) { //< step, *
	let n = 0;
	while (Date.now() < until) { //@
		for (let i = 0; i < 500; i++) //@
			n ^= whirl(i + n % 7); //@
	}
	return n;
}

function litter(n) { //< one, second, young, *
	const list = [];
	for (let i = 0; i < n; i++) //@
		list.push({ i, text: 'x' + i, f: () => i }); //< (), * //@
	return list;
}

function young(until) { //< step, *
	let sum = 0;
	while (Date.now() < until) { //@
		const one = (k) => { //< young, *
			const list = litter(k % 50 + 10); //@
			return list.length; //@
		}; //@
		const two = function second(k) { //< young, *
			return litter(k % 30 + 5).map((item) => { return item.f(); }).length; //< second, * //@
		}; //@
		for (let i = 0; i < 100; i++) //@
			sum += one(i) + two(i); //@
		kept[turn % 64] = litter(200); //@
	}
	return sum;
}

function fold(list) { //< byCall, *
	return list.reduce((a, b) => mix(a, b), 1); //< fold, * //@
}

function byCall(until) { //< step, *
	const list = Array.from({ length: 200 }, (_, i) => i); //< byCall, * //@
	let n = 0;
	while (Date.now() < until) //@
		n += fold(list); //@
	return n;
}

function major(until) { //< step, *
	while (Date.now() < until) { //@
		kept[turn % 64] = litterOld(); //@
		collect(); //@
	}
}

function litterOld() { //< major, *
	const map = new Map();
	for (let i = 0; i < 2000; i++) //@
		map.set('key' + i, { i, again: () => map }); //@
	return map;
}

// Code that is made, becomes hot, and is dropped: other code comes to lie in its place.
function passing(until) { //< step, *
	let n = 0;
	for (let k = 0; Date.now() < until; k++) { //@
		const f = new Function('a', `let n = a; for (let i = 0; i < ${1000 + k}; i++) n = (n * 31 + i) % ${1000003 + k}; return n;`); //@
		for (let i = 0; i < 50; i++) //@
			n ^= f(i); //@
	}
	return n;
}

const scenes = [hot, young, byCall, major, passing, young];

function step() { //< -, (), *
	turn++;
	scenes[turn % scenes.length](Date.now() + STALL_MS); //@
	if (performance.now() > seconds * 1000) //@
		process.exit(0);
	setTimeout(step, 5); //@
}

setTimeout(() => { //< -, *
	console.log('READY');
	step(); //@
}, 10);
