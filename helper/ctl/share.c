/* SPDX-License-Identifier: MIT */
/* Exposed paths and the outbox, line by line as the policy has them. */
#include "helper/ctl/share.h"

#include "helper/ctl/out.h"

static void say_outbox(const struct bv_outbox *o)
{
	bvh_ctl_say("\n%-12s line %u: %s, %s", "OUTBOX", o->line, o->path,
		    bv_commit_name(o->commit));
	if (o->to != NULL)
		bvh_ctl_say(" to %s, %s's with mode %04o", o->to,
			    o->owner_user ? "the user" : "root",
			    (unsigned int)o->mode);
	bvh_ctl_say("\n%-12s at most %u files, directories %u deep\n", "",
		    o->files_max, o->depth_max);
}

void bvh_ctl_say_shared(const struct bv_spec *spec)
{
	if (spec->expose_n > 0)
		bvh_ctl_say("\nEXPOSED\n");
	for (size_t i = 0; i < spec->expose_n; i++) {
		const struct bv_expose_rule *e = &spec->expose[i];

		bvh_ctl_say("%12u %s %s -> %s%s\n", e->line,
			    e->write ? "rw" : "r-", e->source, e->dest,
			    e->optional ? " (if it is there)" : "");
	}
	if (spec->outbox.line != 0)
		say_outbox(&spec->outbox);
}
