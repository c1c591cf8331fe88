/* SPDX-License-Identifier: MIT */
/* A session on its way through the gates of the gauntlet, beside shell_stage.h:
 * begun, looked at, closed, judged. Included once. */
#ifndef BV_TESTS_LIVE_GAUNTLET_RUN_H
#define BV_TESTS_LIVE_GAUNTLET_RUN_H

#include "tests/live/shell_stage.h"

#include "helper/admission.h"
#include "tests/live/gauntlet.h"

#define OPEN_DIR "/home/open"
#define SECRET   "what no rule grants"

/* A session on its way through the gates. */
struct run {
	struct session s;
	struct truth t;
	char plan_id[BV_PLAN_ID_LEN + 1];
	char id[64]; /* the view is gone when it is judged */
	json_t *report;
};

static inline int set_gauntlet(void **state)
{
	if (set_shell_stage(state) != 0)
		return -1;
	if (env.unable != NULL)
		return 0;
	must(mkdir(OPEN_DIR, 0777) == 0 && chmod(OPEN_DIR, 0777) == 0, "open");
	write_file(OPEN_DIR "/secret", SECRET "\n");
	must(chmod(OPEN_DIR "/secret", 0644) == 0, "secret");
	return 0;
}

/* The plan that this policy gives now, decided anew. */
static inline void plan_now(const char *user, char ret[BV_PLAN_ID_LEN + 1])
{
	const struct bvh_login login = { user, "sshd", "ssh", "192.0.2.7",
					 false };
	struct bvh_admission *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	bvh_admission_init(a);
	assert_int_equal(bvh_admit(BVH_CONFIG_DIR, &login, "none", a, NULL),
			 BV_OK);
	assert_int_equal(a->decision, BVH_DECIDE_ADMIT);
	memcpy(ret, a->plan.id, BV_PLAN_ID_LEN + 1);
	bvh_admission_done(a);
	free(a);
}

static inline ino_t net_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static inline void look_at(struct truth *t, const struct leader *l, pid_t pid)
{
	t->in_leaf = in_leaf(l, pid);
	t->filtered = status_value(pid, "Seccomp") == 2;
	t->own_netns = net_of(pid) != net_of(getpid());
}

static inline void begin(struct run *r, const char *user)
{
	memset(r, 0, sizeof(*r));
	session_open(&r->s, user);
	plan_now(user, r->plan_id);
	r->t.plan_id = r->plan_id;
	look_at(&r->t, &r->s.l, r->s.l.pid);
	snprintf(r->id, sizeof(r->id), "%s", r->s.l.view->session);
}

static inline void read_report(struct run *r)
{
	json_decref(r->report);
	r->report = record_of(&r->s.l);
}

static inline void finish(struct run *r)
{
	assert_true(leader_step(&r->s.l, 'c'));
	assert_true(r->s.l.view->closed);
	r->t.terminal = true;
	read_report(r);
}

static inline void done(struct run *r)
{
	leader_done(&r->s.l);
	munmap(r->s.errand, sizeof(*r->s.errand));
	free(r->s.out);
	json_decref(r->report);
	eventually(nothing_left());
}

static inline void assert_judged(const struct run *r, unsigned int want)
{
	const unsigned int got = judge(&r->t, r->report);
	char *text;

	if (got == want)
		return;
	text = json_dumps(r->report, 0);
	fail_msg("gates %#x, not %#x: %.1500s", got, want, text);
}

#define HONEST_IS_CLEAN(r)      assert_judged(r, 0)
#define LIAR_IS_CAUGHT(r, gate) assert_judged(r, GATE(gate))

/* The same command as the same user, left out of every boundary. */
static inline char *left_out(uid_t uid, const char *command)
{
	static char out[4096];
	FILE *f = tmpfile();
	pid_t pid;
	size_t n;

	assert_non_null(f);
	pid = fork();
	if (pid == 0) {
		if (dup2(fileno(f), 1) != 1 || setgroups(0, NULL) != 0 ||
		    setresgid(uid, uid, uid) != 0 ||
		    setresuid(uid, uid, uid) != 0)
			_exit(90);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(91);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	rewind(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	fclose(f);
	return out;
}

#endif
