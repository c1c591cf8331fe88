/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of exposed paths, read from outside the session: the
 * mount that is found at each destination, its flags and those of every mount
 * below it, out of the leader's mountinfo.
 */
#include "helper/expose.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/mountinfo.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTINFO_MAX (8u << 20) /* some 50 000 mounts */
#define CLIMB_MAX     1024u

struct table {
	char *text;
	struct bvh_mountinfo *v;
	size_t n;
};

static void table_done(struct table *t)
{
	free(t->text);
	free(t->v);
}

static int by_id(const void *a, const void *b)
{
	const struct bvh_mountinfo *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int table_parse(struct table *t, struct bv_err *err)
{
	char *save = NULL;
	size_t lines = 1;

	for (const char *s = t->text; *s != '\0'; s++)
		lines += *s == '\n';
	t->v = calloc(lines, sizeof(t->v[0]));
	if (t->v == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for mountinfo");
	for (char *line = strtok_r(t->text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!bvh_mountinfo_parse(line, &t->v[t->n]))
			return bv_fail(err, BV_E_PROTO, "mountinfo: line %zu",
				       t->n + 1);
		t->n++;
	}
	qsort(t->v, t->n, sizeof(t->v[0]), by_id);
	return BV_OK;
}

static int table_read(pid_t pid, struct table *t, struct bv_err *err)
{
	bv_auto_close int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	t->text = malloc(MOUNTINFO_MAX + 1);
	if (t->text == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for mountinfo");
	if (bvh_read_all(fd, t->text, MOUNTINFO_MAX) < 0)
		return bv_fail_errno(err, errno, "read '%s'", path);
	return table_parse(t, err);
}

static const struct bvh_mountinfo *find(const struct table *t, uint64_t id)
{
	const struct bvh_mountinfo key = { .id = id };

	return bsearch(&key, t->v, t->n, sizeof(t->v[0]), by_id);
}

/* Which exposed mount is r or is it below? The nearest; ids_n when none. */
static size_t owner_of(const struct table *t, const struct bvh_mountinfo *r,
		       const uint64_t *ids, size_t ids_n)
{
	for (size_t step = 0; r != NULL && step < CLIMB_MAX; step++) {
		for (size_t i = 0; i < ids_n; i++)
			if (ids[i] == r->id)
				return i;
		if (r->parent == r->id)
			break;
		r = find(t, r->parent);
	}
	return ids_n;
}

static int check_row(const struct bvh_mountinfo *r,
		     const struct bv_expose_rule *rule, struct bv_err *err)
{
	if (bvh_mountinfo_has(r, "nosuid") && bvh_mountinfo_has(r, "nodev") &&
	    (rule->write || bvh_mountinfo_has(r, "ro")))
		return BV_OK;
	return bv_fail(err, BV_E_PROTO,
		       "mount %" PRIu64 " at or below '%s' shows '%.64s', not "
		       "%snosuid,nodev",
		       r->id, rule->dest, r->flags, rule->write ? "" : "ro,");
}

/* The mount that the leader finds at dest. */
static int mount_at(int root_fd, const struct bv_expose_rule *rule,
		    const struct bvh_exposure *want, uint64_t *ret_id,
		    struct bv_err *err)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	bv_auto_close int fd = bvh_sys_openat2(root_fd, rule->dest + 1, &how);
	struct stat st;
	struct statx sx;

	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s' of the session",
				     rule->dest);
	if (fstat(fd, &st) != 0 ||
	    statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", rule->dest);
	if ((sx.stx_mask & STATX_MNT_ID) == 0)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "the kernel names no mounts (Linux 5.8 or "
			       "newer is needed)");
	if (st.st_dev != want->dev || st.st_ino != want->ino)
		return bv_fail(err, BV_E_PROTO,
			       "the session finds another file at '%s' than "
			       "'%s'",
			       rule->dest, rule->source);
	*ret_id = sx.stx_mnt_id;
	return BV_OK;
}

static int find_mounts(pid_t pid, const struct bv_spec *spec,
		       const struct bvh_exposures *x, uint64_t *ret_ids,
		       struct bv_err *err)
{
	bv_auto_close int root_fd = -1;
	char path[64];
	int code = BV_OK;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	for (size_t i = 0; i < x->n && code == BV_OK; i++) {
		ret_ids[i] = UINT64_MAX; /* of an absent one: no mount's */
		if (x->v[i].mount_fd >= 0)
			code = mount_at(root_fd, &spec->expose[i], &x->v[i],
					&ret_ids[i], err);
	}
	return code;
}

/* Every exposed mount is listed, and all of them and those below are as they
 * should be. */
static int check_table(const struct table *t, const struct bv_spec *spec,
		       const struct bvh_exposures *x, const uint64_t *ids,
		       size_t *ret_mounts, struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].mount_fd >= 0 && find(t, ids[i]) == NULL)
			return bv_fail(err, BV_E_PROTO,
				       "mountinfo has no mount %" PRIu64
				       " ('%s')",
				       ids[i], spec->expose[i].dest);
	for (size_t r = 0; r < t->n && code == BV_OK; r++) {
		const size_t i = owner_of(t, &t->v[r], ids, x->n);

		if (i == x->n)
			continue;
		*ret_mounts += 1;
		code = check_row(&t->v[r], &spec->expose[i], err);
	}
	return code;
}

int bvh_expose_attest(pid_t pid, const struct bv_spec *spec,
		      const struct bvh_exposures *x, struct bv_report *report,
		      struct bv_err *err)
{
	uint64_t ids[BV_EXPOSE_MAX];
	struct table t = { .n = 0 };
	size_t mounts = 0, present = 0;
	int code = find_mounts(pid, spec, x, ids, err);

	if (code == BV_OK)
		code = table_read(pid, &t, err);
	if (code == BV_OK)
		code = check_table(&t, spec, x, ids, &mounts, err);
	table_done(&t);
	if (code != BV_OK)
		return code;
	for (size_t i = 0; i < x->n; i++)
		present += x->v[i].mount_fd >= 0;
	return bv_report_observe(report, "attested_expose", err,
				 "%zu of %zu paths, %zu mounts in mountinfo, "
				 "all nosuid,nodev and ro where asked",
				 present, x->n, mounts);
}
