/* SPDX-License-Identifier: Apache-2.0 */
/* What most likely listens at a peer: by its port, or by the path of its unix socket. A convention, not a proof. */
#ifndef LOOPSTALL_MODEL_SERVICE_H
#define LOOPSTALL_MODEL_SERVICE_H

enum service_kind { SERVICE_OTHER, SERVICE_DB, SERVICE_HTTP, SERVICE_DNS };

struct service {
	const char *name;
	enum service_kind kind;
};

/* The service behind a block's target ("tcp 10.0.3.9:5432", "udp [::1]:53", "unix /run/x.sock"); NULL unknown. */
const struct service *service_of(const char *target);

#endif
