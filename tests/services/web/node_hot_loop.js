// SPDX-License-Identifier: Apache-2.0
// Joins orders with their customers for a report.
'use strict';

const service = require('./service');

const customers = Array.from({ length: 4000 }, (_, i) => ({ id: `c-${i * 7919 % 4000}`, name: `customer ${i}`, region: i % 12 }));
const orders = Array.from({ length: 9000 }, (_, i) => ({ id: i, customer: `c-${i * 104729 % 4000}`, total: i % 500 }));

const joinByScan = () => orders.map((order) => ({ ...order, customer: customers.find((customer) => customer.id === order.customer) }));

const joinByIndex = () => {
	const byId = new Map(customers.map((customer) => [customer.id, customer]));
	return orders.map((order) => ({ ...order, customer: byId.get(order.customer) }));
};

const join = service.sick ? joinByScan : joinByIndex;

service.serve({
	'/report': () => {
		const regions = {};
		for (const { customer, total } of join())
			regions[customer.region] = (regions[customer.region] || 0) + total;
		return regions;
	},
}, '/report:1');
