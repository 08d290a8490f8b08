// SPDX-License-Identifier: Apache-2.0
// A Node loop that stalls in known ways, and knows who calls whom in them. A line that begins a function ends in "//< name,
// name": only those call it, "-" is the runtime, "()" a function without a name, and with "*" it may spend time itself. A line that
// can run while time passes ends in "//@". Prints READY when it stalls. Usage: node_truth.js SECONDS
'use strict';

const seconds = Number(process.argv[2] || 60);
const SPIN_MS = 60;

function spin(until) { //< nested, byKey, produce, getSize, setSize, replaceOne, toJSON, later, compare, *
	let n = 0;
	while (Date.now() < until) { //@
		for (let i = 0; i < 2000; i++) //@
			n = (n * 31 + i) % 1000003; //@
	}
	return n;
}

function nested(until) { //< outer
	return spin(until); //@
}

function outer(until) { //< step
	return nested(until) + 1; //@
}

function byKey(until) { //< ()
	return spin(until); //@
}

function eachKey(until) { //< step
	return [3].map(() => byKey(until)); //< eachKey //@
}

function* produce(until) { //< consume
	yield 1;
	spin(until); //@
	yield 2;
}

function consume(until) { //< step
	let sum = 0;
	for (const n of produce(until)) //@
		sum += n;
	return sum;
}

class Box {
	constructor(until) { //< step
		this.until = until;
	}
	get size() { return getSize(this.until); } //< viaGetter //@
	set size(n) { setSize(this.until); } //< viaSetter //@
	toJSON() { //< viaJSON
		return spin(this.until); //@
	}
}

function getSize(until) { //< get size
	return spin(until); //@
}

function setSize(until) { //< set size
	return spin(until); //@
}

function viaGetter(until) { //< step
	return new Box(until).size; //@
}

function viaSetter(until) { //< step
	new Box(until).size = 1; //@
}

function viaJSON(until) { //< step
	return JSON.stringify(new Box(until)); //@
}

function replaceOne(until) { //< ()
	return spin(until); //@
}

function viaReplace(until) { //< step
	return 'abc'.replace(/b/, () => replaceOne(until)); //< viaReplace //@
}

async function later(until) { //< -, step
	await null;
	spin(until); //@
}

function compare(until, a, b) { //< ()
	if (a !== b)
		spin(until); //@
	return a - b;
}

function viaSort(until) { //< step
	return [2, 1].sort((a, b) => compare(until, a, b)); //< viaSort //@
}

// One function of its own each time, so that the interpreter has its turn as well.
function fresh(until) { //< step, *
	const text = `let n = 0; while (Date.now() < ${until}) for (let i = 0; i < 300; i++) n = (n * 31 + i) % 1000003; return n;`;
	return new Function(text)(); //@
}

const scenes = [outer, eachKey, consume, viaGetter, viaSetter, viaJSON, viaReplace, later, viaSort, fresh];
let turn = 0;

function step() { //< -, (), *
	scenes[turn++ % scenes.length](Date.now() + SPIN_MS); //@
	if (performance.now() > seconds * 1000)
		process.exit(0);
	setTimeout(step, 10);
}

setTimeout(() => { //< -
	console.log('READY');
	step(); //@
}, 10);
