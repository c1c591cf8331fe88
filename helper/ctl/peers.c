/* SPDX-License-Identifier: MIT */
/* See peers.h. */
#include "helper/ctl/peers.h"

#include "helper/ctl/out.h"

#include <stdio.h>

/* As pinned: what a name was when it was asked for, just now. */
void bvh_ctl_say_peers(const struct bv_spec *spec)
{
	char text[BV_NET_TEXT_MAX], port[8];

	if (spec->network != BV_NETWORK_LIST)
		return;
	bvh_ctl_say("\n%-12s %zu peers\n", "NETWORK", spec->net.n);
	for (size_t i = 0; i < spec->net.n; i++) {
		const struct bv_net_peer *p = &spec->net.peer[i];

		bv_net_text(p, text);
		snprintf(port, sizeof(port), p->port == 0 ? "*" : "%u",
			 p->port);
		bvh_ctl_say("%12u %s %s %s\n", p->line,
			    bv_net_proto_name(p->proto), text, port);
	}
}
