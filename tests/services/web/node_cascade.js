// SPDX-License-Identifier: Apache-2.0
// A warehouse in which products are parts of bundles, and those of bigger ones: a change of stock is an event for whatever contains it.
'use strict';

const { EventEmitter } = require('events');
const service = require('./service');

const TIERS = 11, WIDTH = 15, PARTS = 3;
const products = [];
for (let tier = 0; tier < TIERS; tier++)
	for (let i = 0; i < WIDTH; i++)
		products.push({ id: tier * WIDTH + i, stock: 100, parts: [], bundles: [] });
for (const product of products) {
	for (let i = 0; i < PARTS && product.id + WIDTH < products.length; i++) {
		const bundle = products[(Math.floor(product.id / WIDTH) + 1) * WIDTH + (product.id + i * 4) % WIDTH];
		product.bundles.push(bundle);
		bundle.parts.push(product);
	}
}

const bus = new EventEmitter();
const count = (bundle) => {
	bundle.stock = Math.min(...bundle.parts.map((part) => part.stock));
};

if (service.sick) {
	bus.on('stock', (product) => {
		for (const bundle of product.bundles)
			setImmediate(() => {
				count(bundle);
				bus.emit('stock', bundle);
			});
	});
} else {
	let pending = new Set();
	const settle = () => {
		const now = pending;
		pending = new Set();
		for (const bundle of now) {
			count(bundle);
			bus.emit('stock', bundle);
		}
	};
	bus.on('stock', (product) => {
		if (!pending.size && product.bundles.length)
			setImmediate(settle);
		for (const bundle of product.bundles)
			pending.add(bundle);
	});
}

let sales = 0;
service.serve({
	'/sell': () => {
		const product = products[sales++ % WIDTH];
		product.stock--;
		bus.emit('stock', product);
		return { id: product.id, stock: product.stock };
	},
}, '/sell:0.7');
