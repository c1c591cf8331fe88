/* SPDX-License-Identifier: MIT */
/* Plan → launch plan → sealed memfd → launch plan; see launch.h. */
#include "helper/launch.h"

#include "helper/fd.h"
#include "helper/lease.h"
#include "helper/red.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Two more than the longest list: what is resolved, to be erased. */
struct values {
	char *v[BV_ENV_ENTRIES_MAX];
	size_t len[BV_ENV_ENTRIES_MAX];
	size_t n;
};

static void erase(struct values *values)
{
	for (size_t i = 0; i < values->n; i++)
		bvh_lease_free(values->v[i], values->len[i]);
	values->n = 0;
}

static int fill_env(const struct bv_policy *p, struct bv_launch *l,
		    struct values *values, struct bv_err *err)
{
	int code = BV_OK;

	l->env_exact = p->env_exact;
	l->env_n = p->env_exact ? p->env_n : 0;
	for (size_t i = 0; i < l->env_n && code == BV_OK; i++) {
		const struct bv_env_rule *rule = &p->env[i];
		struct bv_env_entry *e = &l->env[i];

		e->name = rule->name;
		e->name_len = strlen(rule->name);
		e->value = rule->value;
		e->value_len = strlen(rule->value);
		if (!rule->is_lease)
			continue;
		code = bvh_lease_resolve(rule->value, &values->v[values->n],
					 &values->len[values->n], err);
		if (code != BV_OK)
			return bv_ctx(err, "%s:%u: %s", p->path, rule->line,
				      rule->name);
		e->value = values->v[values->n];
		e->value_len = values->len[values->n++];
	}
	return bv_env_check_resolved(l->env, l->env_n, err);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void fill_fds(const struct bv_policy *p, struct bv_launch *l)
{
	uint32_t all[BV_POLICY_LIST_MAX];
	size_t n = p->fds_keep_n;

	l->fds = p->fds;
	if (p->fds != BV_FDS_ONLY || n == 0)
		return;
	memcpy(all, p->fds_keep, n * sizeof(*all));
	qsort(all, n, sizeof(*all), by_number);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || all[i] != all[i - 1])
			l->keep[l->keep_n++] = all[i];
	}
}

static const char *choose_shell(const struct bv_policy *p)
{
	if (p->shell != NULL)
		return p->shell;
	return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

/* Planted faults: what the shell is not told it does not do. */
static void leave_out(struct bv_launch *l)
{
	if (bvh_red("shell-env")) {
		l->env_exact = false;
		l->env_n = 0;
	}
	if (bvh_red("shell-fds")) {
		l->fds = BV_FDS_UNSTATED;
		l->keep_n = 0;
	}
	if (bvh_red("shell-spawn"))
		l->spawn = BV_SPAWN_DESCENDANTS;
}

int bvh_launch_make(const struct bv_plan *plan, unsigned char *buf, size_t cap,
		    size_t *ret_len, struct bv_err *err)
{
	const struct bv_policy *p = plan->spec->policy;
	const struct bv_admitted_budget *handles =
		&plan->budget[BV_DIM_HANDLES];
	struct bv_launch *l = calloc(1, sizeof(*l));
	struct values *values = calloc(1, sizeof(*values));
	int code = BV_OK;

	if (l == NULL || values == NULL)
		code = bv_fail(err, BV_E_NOMEM, "launch plan");
	if (code == BV_OK) {
		l->plan_id = plan->id;
		l->schedule = plan->schedule.digest;
		l->shell = choose_shell(p);
		l->spawn = plan->spec->spawn;
		l->no_new_privs = plan->spec->no_new_privs;
		l->has_nofile = handles->stated;
		l->nofile = handles->stated ? handles->limit : 0;
		fill_fds(p, l);
		code = fill_env(p, l, values, err);
		leave_out(l);
	}
	if (code == BV_OK)
		code = bv_launch_encode(l, buf, cap, ret_len, err);
	if (values != NULL)
		erase(values);
	free(values);
	free(l);
	return code;
}

int bvh_launch_seal(const void *bytes, size_t len, int *ret_fd,
		    struct bv_err *err)
{
	bv_auto_close int fd =
		memfd_create("bvisor-launch", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return bv_fail_errno(err, errno, "memfd_create");
	if (write(fd, bytes, len) != (ssize_t)len)
		return bv_fail_errno(err, errno, "write the launch plan");
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		return bv_fail_errno(err, errno, "seal the launch plan");
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_launch_open(int memfd, const struct bvh_answer *a, unsigned char **ret,
		    struct bv_err *err)
{
	unsigned char *bytes;
	char sha[65];
	struct stat st;

	if (fcntl(memfd, F_GET_SEALS) != SEALS)
		return bv_fail(err, BV_E_PROTO,
			       "the launch plan is not sealed");
	if (fstat(memfd, &st) != 0)
		return bv_fail_errno(err, errno, "stat of the launch plan");
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > (off_t)BV_LAUNCH_MAX || st.st_size != (off_t)a->len)
		return bv_fail(err, BV_E_PROTO,
			       "the launch plan has another length");
	bytes = malloc(a->len);
	if (bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "launch plan");
	if (pread(memfd, bytes, a->len, 0) != (ssize_t)a->len) {
		bvh_lease_free((char *)bytes, a->len);
		return bv_fail(err, BV_E_SYS, "short read of the launch plan");
	}
	bv_sha256_hex(bytes, a->len, sha);
	if (memcmp(sha, a->sha256_hex, sizeof(sha)) != 0) {
		bvh_lease_free((char *)bytes, a->len);
		return bv_fail(err, BV_E_PROTO,
			       "the launch plan has another digest");
	}
	*ret = bytes;
	return BV_OK;
}
