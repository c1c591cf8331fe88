/* SPDX-License-Identifier: MIT */
/*
 * Denials of the session, out of what the audit says of the whole machine. A
 * Landlock record names a domain, and the first of a domain is followed by one
 * that names who made it: ours was made by the process that committed. A session
 * that is denied things on purpose must cost neither the guardian its timers nor
 * the report its room: so many at a time, and so many different ones.
 */
#include "helper/guard_internal.h"

#include "helper/denials.h"
#include "helper/fd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READ_MAX  64u
#define REST_US   (100u * 1000u)
#define DRAIN_MAX 1024u /* at the end */

void bvh_guard_denials_start(struct bvh_guard *g)
{
	struct bvh_denials *d = &g->denials;

	d->fd = bvh_denials_open(g->course.lowered.landlock_abi, &d->why);
	if (d->fd < 0)
		(void)bv_report_observe(&g->report, "denials_unrecorded", NULL,
					"%s", d->why);
}

static void note(struct bvh_guard *g, const char *right, const char *object)
{
	struct bvh_denials *d = &g->denials;
	char text[sizeof(d->seen[0])];

	/* the attestation's own try */
	if (g->trial[0] != '\0' && strcmp(object, g->trial) == 0)
		return;
	d->n++;
	snprintf(text, sizeof(text), "%s %s", right, object);
	for (size_t i = 0; i < d->seen_n; i++) {
		if (strcmp(d->seen[i], text) == 0)
			return;
	}
	if (d->seen_n == BV_LEN(d->seen)) {
		d->unlisted++;
		return;
	}
	memcpy(d->seen[d->seen_n++], text, sizeof(text));
	(void)bv_report_observe(&g->report, "denied", NULL, "%s", text);
}

void bvh_guard_note_signal(struct bvh_guard *g, pid_t target)
{
	char object[32];

	snprintf(object, sizeof(object), "pid %d", (int)target);
	note(g, "scope.signal", object);
}

/* The domain is ours: so are the records that waited for its maker's name. */
static void domain_begun(struct bvh_guard *g, const struct bv_audit *a)
{
	struct bvh_denials *d = &g->denials;

	if (a->pid != (uint64_t)g->confined || d->domain != 0)
		return;
	d->domain = a->domain;
	for (size_t i = 0; i < BV_LEN(d->early); i++) {
		if (d->early[i].domain == d->domain)
			note(g, d->early[i].right, d->early[i].object);
	}
}

static void take(struct bvh_guard *g, const struct bv_audit *a)
{
	struct bvh_denials *d = &g->denials;
	char call[48];

	switch (a->kind) {
	case BV_AUDIT_DOMAIN_BEGUN:
		domain_begun(g, a);
		break;
	case BV_AUDIT_DENIED:
		if (d->domain == 0)
			d->early[d->early_n++ % BV_LEN(d->early)] = *a;
		else if (a->domain == d->domain)
			note(g, a->right, a->object);
		break;
	case BV_AUDIT_KILLED:
		/* a zombie until somebody waits for it: often in time */
		if (!bvh_leaf_holds(&g->boundary.leaf, (pid_t)a->pid))
			break;
		snprintf(call, sizeof(call), "system call %" PRIu64,
			 a->syscall);
		note(g, "seccomp.kill", call);
		break;
	}
}

/* Up to max records; false: nothing more is there. */
static bool read_some(struct bvh_guard *g, unsigned int max)
{
	struct bvh_denials *d = &g->denials;
	struct bv_audit a;

	while (max-- > 0) {
		switch (bvh_denials_read(d->fd, &a)) {
		case BVH_DENIALS_RECORD:
			take(g, &a);
			break;
		case BVH_DENIALS_LOST:
			d->lost++;
			break;
		case BVH_DENIALS_NOTHING:
			return false;
		case BVH_DENIALS_BROKEN:
			d->lost++;
			bvh_close(&d->fd);
			return false;
		}
	}
	return true;
}

void bvh_guard_on_denials(struct bvh_guard *g)
{
	if (read_some(g, READ_MAX))
		g->denials.again_us = bvh_boot_us() + REST_US;
}

void bvh_guard_denials_stop(struct bvh_guard *g)
{
	struct bvh_denials *d = &g->denials;

	if (d->fd < 0)
		return;
	(void)read_some(g, DRAIN_MAX);
	(void)bv_report_observe(&g->report, "denials_recorded", NULL,
				"%" PRIu64 " in all, %" PRIu64
				" of more kinds than are listed, the kernel "
				"dropped records %" PRIu64 " times",
				d->n, d->unlisted, d->lost);
	bvh_close(&d->fd);
}
