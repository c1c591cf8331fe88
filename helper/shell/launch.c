/* SPDX-License-Identifier: MIT */
/* From a launch plan to the real shell. */
#include "helper/shell/shell.h"

#include "helper/fd.h"
#include "helper/lease.h"
#include "helper/red.h"
#include "helper/spawn_filter.h"
#include "helper/sys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ARGS_EXTRA 4 /* "-c", the command, and the end */

static bool is_forced(int argc, char **argv)
{
	/* sshd starts ForceCommand by the account's shell: that may be us. */
	return argc == 1 || (argc == 3 && strcmp(argv[1], "-c") == 0 &&
			     strcmp(argv[2], BV_SHELL_PATH) == 0);
}

int bvh_shell_arguments(int argc, char **argv, struct bvh_shell *s,
			struct bv_err *err)
{
	static char dash_c[] = "-c";
	const char *base = strrchr(s->plan.shell, '/') + 1;
	char *command =
		is_forced(argc, argv) ? getenv("SSH_ORIGINAL_COMMAND") : NULL;
	/* Forced without a command: an interactive session was asked for. */
	bool login = argv[0][0] == '-' || (argc == 3 && is_forced(argc, argv));
	size_t n = 0;

	if ((size_t)snprintf(s->name, sizeof(s->name), "%s%s",
			     login && command == NULL ? "-" : "",
			     base) >= sizeof(s->name))
		return bv_fail(err, BV_E_LIMIT, "the shell's name is too long");
	s->argv = calloc((size_t)argc + ARGS_EXTRA, sizeof(*s->argv));
	if (s->argv == NULL)
		return bv_fail(err, BV_E_NOMEM, "arguments");
	s->argv[n++] = s->name;
	if (command != NULL) {
		s->argv[n++] = dash_c;
		s->argv[n++] = command;
	} else if (!is_forced(argc, argv)) {
		for (int i = 1; i < argc; i++)
			s->argv[n++] = argv[i];
	}
	return BV_OK;
}

static int environment(struct bvh_shell *s, struct bv_err *err)
{
	if (!s->plan.env_exact || bvh_red("environment")) {
		s->envp = environ;
		return BV_OK;
	}
	s->envp = calloc(s->plan.env_n + 1, sizeof(*s->envp));
	if (s->envp == NULL)
		return bv_fail(err, BV_E_NOMEM, "environment");
	for (size_t i = 0; i < s->plan.env_n; i++)
		memcpy(&s->envp[i], &s->plan.env_text[i], sizeof(char *));
	return BV_OK;
}

/* Both limits: a soft one alone would be the shell's to raise. */
static int limit_handles(const struct bv_launch *l, struct bv_err *err)
{
	struct rlimit now;

	if (!l->has_nofile)
		return BV_OK;
	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return bv_fail_errno(err, errno, "RLIMIT_NOFILE");
	if (now.rlim_max > l->nofile)
		now.rlim_max = (rlim_t)l->nofile;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &now) != 0)
		return bv_fail_errno(err, errno, "RLIMIT_NOFILE");
	return BV_OK;
}

static int close_between(unsigned int first, unsigned int last,
			 struct bv_err *err)
{
	if (first > last)
		return BV_OK;
	if (bvh_sys_close_range(first, last, 0) != 0)
		return bv_fail_errno(err, errno, "close_range %u %u", first,
				     last);
	return BV_OK;
}

struct identity {
	bool open;
	dev_t dev;
	ino_t ino;
};

static struct identity identify(uint32_t fd)
{
	struct stat st;

	if (fstat((int)fd, &st) != 0)
		return (struct identity){ .open = false };
	return (struct identity){ true, st.st_dev, st.st_ino };
}

/* All but the kept; each kept is afterwards what it was before, and our own
 * descriptors are closed by now, whatever numbers they had. */
static int close_others(const struct bv_launch *l, struct bv_err *err)
{
	struct identity before[BV_POLICY_LIST_MAX];
	unsigned int next = 3;
	int code = BV_OK;

	if (l->fds == BV_FDS_UNSTATED || bvh_red("fds"))
		return BV_OK;
	for (size_t i = 0; i < l->keep_n; i++)
		before[i] = identify(l->keep[i]);
	for (size_t i = 0; i < l->keep_n && code == BV_OK; i++) {
		code = close_between(next, l->keep[i] - 1, err);
		next = l->keep[i] + 1;
	}
	if (code == BV_OK)
		code = close_between(next, ~0u, err);
	for (size_t i = 0; i < l->keep_n && code == BV_OK; i++) {
		const struct identity now = identify(l->keep[i]);

		if (now.open != before[i].open || now.dev != before[i].dev ||
		    now.ino != before[i].ino)
			code = bv_fail(err, BV_E_BUG,
				       "descriptor %u is another one now",
				       l->keep[i]);
	}
	return code;
}

void bvh_shell_launch(struct bvh_shell *s, struct bv_err *err)
{
	const struct bv_launch *l = &s->plan;
	struct bvh_spawn_bpf bpf;
	int code = environment(s, err);

	if (code == BV_OK)
		code = bvh_spawn_build(l->spawn, &bpf, err);
	if (code == BV_OK)
		code = limit_handles(l, err);
	if (code == BV_OK)
		code = close_others(l, err);
	/* A filter of an ordinary user's needs it as well. */
	if (code == BV_OK && (l->no_new_privs || bpf.n > 0) &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		code = bv_fail_errno(err, errno, "no_new_privs");
	if (code == BV_OK)
		code = bvh_spawn_install(&bpf, err);
	if (code != BV_OK)
		return;
	execve(l->shell, s->argv, s->envp);
	(void)bv_fail_errno(err, errno, "cannot execute '%s'", l->shell);
}

void bvh_shell_erase(struct bvh_shell *s)
{
	bvh_lease_free((char *)s->bytes, s->len);
	s->bytes = NULL;
	s->len = 0;
}
