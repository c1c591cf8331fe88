/* SPDX-License-Identifier: MIT */
/*
 * Attacks, made twice: without a boundary, where each must work, and inside.
 * What came of them is left in shared memory, so that not even a working pipe
 * has to be believed in.
 */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ATTACKS_MAX 16
#define UNTRIED     (-1)

struct attempt {
	const struct bvh_stage *stage;
	const struct bvh_attack *attack;
	size_t n;
	int *result; /* [ATTACKS_MAX], shared */
};

static int make_attempts(void *arg)
{
	const struct attempt *a = arg;

	for (size_t i = 0; i < a->n; i++)
		a->result[i] = a->attack[i].go(a->stage);
	return 0;
}

int bvh_outside(int (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(bvh_stage_become_user() != 0 ? 255 : fn(arg));
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int begin(struct attempt *a, struct bv_err *err)
{
	if (a->n > ATTACKS_MAX)
		return bv_fail(err, BV_E_BUG, "too many attacks");
	a->result =
		mmap(NULL, ATTACKS_MAX * sizeof(*a->result),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a->result == MAP_FAILED)
		return bv_fail_errno(err, errno, "shared memory");
	for (size_t i = 0; i < ATTACKS_MAX; i++)
		a->result[i] = UNTRIED;
	return BV_OK;
}

static void end(struct attempt *a)
{
	(void)munmap(a->result, ATTACKS_MAX * sizeof(*a->result));
}

int bvh_attacks_control(const struct bvh_stage *s,
			const struct bvh_attack *attack, size_t n,
			struct bv_err *err)
{
	struct attempt a = { s, attack, n, NULL };
	int code = begin(&a, err);

	if (code != BV_OK)
		return code;
	(void)bvh_outside(make_attempts, &a);
	for (size_t i = 0; i < n && code == BV_OK; i++) {
		if (a.result[i] == UNTRIED)
			code = bv_fail(err, BV_E_BUG,
				       "control: %s was not tried",
				       attack[i].what);
		else if (a.result[i] != 0)
			code = bv_fail_errno(err, a.result[i],
					     "control: %s does not even work "
					     "without a boundary",
					     attack[i].what);
	}
	end(&a);
	return code;
}

static bool is_stop(const struct bvh_attack *a, int e)
{
	return e == EACCES || e == EPERM || e == EROFS ||
	       (a->also != 0 && e == a->also);
}

static int judge(const struct bvh_attack *a, int e, struct bv_err *err)
{
	if (e == UNTRIED)
		return bv_fail(err, BV_E_SYS, "%s was not tried", a->what);
	if (a->works)
		return e == 0 ? BV_OK
			      : bv_fail_errno(err, e,
					      "inside, %s does not work",
					      a->what);
	if (e == 0)
		return bv_fail(err, BV_E_SYS, "%s went through", a->what);
	if (!is_stop(a, e))
		return bv_fail_errno(err, e, "%s was stopped by something else",
				     a->what);
	return BV_OK;
}

int bvh_attacks_inside(struct bvh_trial *t, const struct bvh_attack *attack,
		       size_t n, struct bv_err *err)
{
	struct attempt a = { t->stage, attack, n, NULL };
	int code = begin(&a, err);

	if (code != BV_OK)
		return code;
	code = bvh_trial_go(t, make_attempts, &a, err);
	for (size_t i = 0; i < n && code == BV_OK; i++)
		code = judge(&attack[i], a.result[i], err);
	if (code == BV_OK && (!WIFEXITED(t->end.wait_status) ||
			      WEXITSTATUS(t->end.wait_status) != 0))
		code = bv_fail(err, BV_E_SYS, "the attacker ended with %d",
			       t->end.wait_status);
	end(&a);
	return code;
}
