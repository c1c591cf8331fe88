/* SPDX-License-Identifier: MIT */
/*
 * The session between logind's cgroup and ours. systemd ends a scope that has
 * become empty, and logind knows a process by the scope it is in. So an idle
 * process of ours, the anchor, holds the scope for as long as the leader is in
 * the leaf; and when the scope is ended (loginctl terminate-session), the
 * anchor's death tells us.
 */
#include "helper/guard_internal.h"

#include "core/num.h"
#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/log.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

static const char scope_prefix[] = "session-";
static const char scope_suffix[] = ".scope";

static bool is_session_scope(const char *cgroup)
{
	const char *name = strrchr(cgroup, '/');
	size_t len;

	if (name == NULL)
		return false;
	name++;
	len = strlen(name);
	return strncmp(name, scope_prefix, sizeof(scope_prefix) - 1) == 0 &&
	       len > sizeof(scope_suffix) &&
	       strcmp(name + len - (sizeof(scope_suffix) - 1), scope_suffix) ==
		       0;
}

static _Noreturn void be_anchor(pid_t guardian)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
	if (getppid() != guardian)
		_exit(0);
	(void)prctl(PR_SET_NAME, "bvisor-anchor", 0L, 0L, 0L);
	(void)bvh_sys_close_range(0, ~0u, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (;;)
		(void)pause();
}

int bvh_guard_anchor_start(struct bvh_guard *g, struct bv_err *err)
{
	const pid_t guardian = getpid();
	char now[PATH_MAX];
	int code;

	g->anchor = 0;
	g->anchor_pidfd = -1;
	if (!is_session_scope(g->first_cgroup))
		return BV_OK;
	g->anchor = fork();
	if (g->anchor == 0)
		be_anchor(guardian);
	if (g->anchor < 0) {
		g->anchor = 0;
		return bv_fail_errno(err, errno, "fork of the anchor");
	}
	g->anchor_pidfd = bvh_sys_pidfd_open(g->anchor, 0);
	if (g->anchor_pidfd < 0)
		return bv_fail_errno(err, errno, "pidfd of the anchor");
	/* Forked by a guardian that has not left the scope, it is there. */
	if (bvh_cgroup_of(g->anchor, now, sizeof(now), NULL) == BV_OK &&
	    strcmp(now, g->first_cgroup) == 0)
		return BV_OK;
	code = bvh_cgroup_return(&g->adm.base, g->first_cgroup, g->anchor, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "the anchor");
}

void bvh_guard_anchor_end(struct bvh_guard *g)
{
	if (g->anchor <= 0)
		return;
	(void)kill(g->anchor, SIGKILL); /* our child, not yet waited for */
	while (waitpid(g->anchor, NULL, 0) < 0 && errno == EINTR)
		;
	bvh_close(&g->anchor_pidfd);
	g->anchor = 0;
}

void bvh_guard_return_leader(struct bvh_guard *g)
{
	struct bv_err err = { 0 };

	if (!g->placed || g->returned)
		return;
	if (bvh_cgroup_return(&g->adm.base, g->first_cgroup, g->leader, &err) ==
	    BV_OK) {
		g->returned = true;
		g->returned_boot_us = bvh_boot_us();
		return;
	}
	/* It stays in the leaf and dies with it: harsh, but confined. */
	bvh_log(LOG_ERR, "session=%s move the leader back: %s", g->id, err.msg);
}

/* Tasks that are looked at in one go; the next look comes in a second. */
#define KIN_MAX 64u

/* Started after the leader was moved back? Start times come in ticks. */
static bool is_new(const struct bvh_guard *g, pid_t pid)
{
	const uint64_t tick_us = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t start;

	return bvh_proc_start(pid, &start, NULL) == BV_OK &&
	       (start + 1) * tick_us >= g->returned_boot_us;
}

/* The new children of one process that stand where the leader does now, into the
 * leaf; they are added to kin, so that theirs are looked at next. */
static size_t take_children(struct bvh_guard *g, pid_t parent, pid_t *kin,
			    size_t kin_n)
{
	char path[64], text[1024], cgroup[PATH_MAX];
	char *save = NULL;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent,
		 (int)parent);
	if (bvh_kernfs_read(AT_FDCWD, path, text, sizeof(text)) != 0)
		return kin_n;
	for (const char *word = strtok_r(text, " \n", &save); word != NULL;
	     word = strtok_r(NULL, " \n", &save)) {
		uint64_t pid;

		if (kin_n == KIN_MAX ||
		    !bv_parse_u64(word, 1, INT32_MAX, &pid) ||
		    !is_new(g, (pid_t)pid) ||
		    bvh_cgroup_of((pid_t)pid, cgroup, sizeof(cgroup), NULL) !=
			    BV_OK ||
		    strcmp(cgroup, g->first_cgroup) != 0)
			continue;
		(void)!bvh_leaf_add(&g->boundary.leaf, (pid_t)pid, NULL);
		kin[kin_n++] = (pid_t)pid;
	}
	return kin_n;
}

/* The cgroup is not asked for its members: with su they are also those of
 * whoever called it. */
bool bvh_guard_take_kin(struct bvh_guard *g)
{
	pid_t kin[KIN_MAX];
	size_t n = take_children(g, g->leader, kin, 0);

	for (size_t i = 0; i < n; i++)
		n = take_children(g, kin[i], kin, n);
	return n > 0;
}

void bvh_guard_retake_leader(struct bvh_guard *g)
{
	g->returned = false;
	bvh_log(LOG_WARNING,
		"session=%s the leader turned to the login manager, but goes "
		"on: back into the leaf",
		g->id);
	(void)!bvh_leaf_add(&g->boundary.leaf, g->leader, NULL);
	(void)bvh_guard_take_kin(g);
}
