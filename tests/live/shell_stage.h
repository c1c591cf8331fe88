/* SPDX-License-Identifier: MIT */
/*
 * Sessions whose shell is bvisor-shell, beside the stage of test_guard.c: users,
 * policies, secrets, and a leader that starts bvisor-shell as its user, with
 * things in its hands that must not come through. Included once.
 */
#ifndef BV_TESTS_LIVE_SHELL_STAGE_H
#define BV_TESTS_LIVE_SHELL_STAGE_H

#include "tests/live/guard_stage.h"

#include <grp.h>
#include <sys/resource.h>

#define SHELL    "/home/bin/bvisor-shell"
#define SECRETS  "/etc/bvisor/secrets"
#define TOKEN    "s3cret value of the lease"
#define LEAK_FD  41 /* not kept by any policy */
#define KEPT_FD  7
#define SENTINEL "BVISOR_LEAK_SENTINEL=must-not-come-through"
#define UID_BASE 64950u
#define USERS_N  12u
#define DEADLINE 1000 /* naps of 10 ms */

/* What the leader is to do next; in memory it shares with the test. */
struct errand {
	char name[32]; /* argv[0] */
	char arg[4][1024];
	uid_t uid;
	bool wait;     /* step 'a' waits for the child instead */
	bool original; /* SSH_ORIGINAL_COMMAND holds arg[0] */
	pid_t child;
	int status;
};

static const struct {
	const char *user;
	const char *shell;
	const char *policy;
} cast[USERS_N] = {
	{ "bvt-env", BV_SHELL_PATH,
	  "[environment]\npolicy = exact\nset = PATH=/usr/bin:/bin\n"
	  "set = MARK=exact value\nset = EMPTY=\nlease = TOKEN=child-token\n"
	  "[fds]\npolicy = none\n[session]\nshell = /bin/sh\n" },
	{ "bvt-fds", BV_SHELL_PATH,
	  "[fds]\npolicy = only\nkeep = 7\nkeep = 9\n" },
	{ "bvt-deny", BV_SHELL_PATH, "[spawn]\npolicy = none\n" },
	{ "bvt-thread", BV_SHELL_PATH, "[spawn]\npolicy = threads\n" },
	{ "bvt-plain", BV_SHELL_PATH, "" },
	{ "bvt-none", "/bin/sh", "[environment]\npolicy = exact\n" },
	{ "bvt-lost", BV_SHELL_PATH,
	  "[environment]\npolicy = exact\nlease = TOKEN=does-not-exist\n" },
	{ "bvt-loose", BV_SHELL_PATH,
	  "[environment]\npolicy = exact\nlease = TOKEN=readable-by-all\n" },
	/* Of the streams: what is recorded, and how much. */
	{ "bvt-all", BV_SHELL_PATH,
	  "[session]\ncapture = all\nshell = /bin/bash\n" },
	{ "bvt-output", BV_SHELL_PATH,
	  "[session]\ncapture = output\nshell = /bin/bash\n" },
	{ "bvt-small", BV_SHELL_PATH,
	  "[session]\ncapture = output\ncapture_max = 64K\n" },
	{ "bvt-goes", BV_SHELL_PATH,
	  "[session]\ncapture = output\ncapture_max = 64K\n"
	  "capture_full = go-on\n" },
};

static inline uid_t uid_of(const char *user)
{
	for (size_t i = 0; i < USERS_N; i++)
		if (strcmp(cast[i].user, user) == 0)
			return UID_BASE + (uid_t)i;
	abort();
}

static inline void add_user(size_t i)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s:x:%zu:%zu::/home/%s:%s\n",
		 cast[i].user, UID_BASE + i, UID_BASE + i, cast[i].user,
		 cast[i].shell);
	append_file("/etc/passwd", text);
	snprintf(text, sizeof(text), "/home/%s", cast[i].user);
	must(mkdir(text, 0700) == 0 && chown(text, (uid_t)(UID_BASE + i),
					     (gid_t)(UID_BASE + i)) == 0,
	     text);
	snprintf(text, sizeof(text),
		 "bvisor-policy 1\n[match]\nuser = %s\n"
		 "[filesystem]\nbase = system\nwrite = ~\nexec = /home/bin\n"
		 "[network]\naccess = deny\n%s",
		 cast[i].user, cast[i].policy);
	policy(cast[i].user, text);
}

static inline int set_shell_stage(void **state)
{
	char from[PATH_MAX];
	char *argv[] = { (char *)(uintptr_t) "cp", from,
			 (char *)(uintptr_t)SHELL, NULL };

	if (set_stage(state) != 0)
		return -1;
	if (env.unable != NULL)
		return 0;
	must(mkdir("/home/bin", 0755) == 0, "/home/bin");
	snprintf(from, sizeof(from), "%s", env.helper);
	snprintf(strrchr(from, '/'), 16, "/bvisor-shell");
	run_program(argv);
	must(mkdir(SECRETS, 0700) == 0, SECRETS);
	write_file(SECRETS "/child-token", TOKEN "\n");
	must(chmod(SECRETS "/child-token", 0600) == 0, "chmod");
	write_file(SECRETS "/readable-by-all", TOKEN "\n");
	must(chmod(SECRETS "/readable-by-all", 0644) == 0, "chmod");
	for (size_t i = 0; i < USERS_N; i++)
		add_user(i);
	return 0;
}

/* --- in the leader --------------------------------------------------------- */

static inline void hold_open(const char *path, int at)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || dup2(fd, at) != at)
		_exit(80);
	if (fd != at)
		close(fd);
}

static inline int out_fd(const struct errand *e)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/home/%s/out",
		 cast[e->uid - UID_BASE].user);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		_exit(81);
	return fd;
}

/* The child: the user, with descriptors and variables nobody asked for. */
static inline _Noreturn void start_shell(struct errand *e)
{
	char original[1100];
	char *argv[6] = { e->name };
	char *envp[] = { (char *)(uintptr_t)SENTINEL,
			 (char *)(uintptr_t) "LD_PRELOAD=",
			 (char *)(uintptr_t) "MARK=ambient",
			 (char *)(uintptr_t) "PATH=/usr/bin:/bin",
			 (char *)(uintptr_t) "HOME=/",
			 NULL,
			 NULL };
	size_t n = 1;
	int fd;

	snprintf(original, sizeof(original), "SSH_ORIGINAL_COMMAND=%s",
		 e->arg[0]);
	if (e->original)
		envp[5] = original;
	for (size_t i = 0; !e->original && i < 4 && e->arg[i][0] != '\0'; i++)
		argv[n++] = e->arg[i];
	setsid();
	/* What it holds is what is named here and nothing of the test's. */
	if (bvh_sys_close_range(3, ~0u, 0) != 0 || setgroups(0, NULL) != 0 ||
	    setresgid(e->uid, e->uid, e->uid) != 0 ||
	    setresuid(e->uid, e->uid, e->uid) != 0)
		_exit(82);
	hold_open("/etc/hostname", LEAK_FD);
	hold_open("/etc/passwd", KEPT_FD);
	fd = out_fd(e);
	if (dup2(fd, 1) != 1 || dup2(fd, 2) != 2)
		_exit(83);
	close(fd);
	hold_open("/dev/null", 0);
	execve(SHELL, argv, envp);
	_exit(84);
}

static inline void run_errand(void *arg)
{
	struct errand *e = arg;
	pid_t pid;

	if (e->wait) {
		if (waitpid(e->child, &e->status, 0) != e->child)
			e->status = -1;
		return;
	}
	pid = fork();
	if (pid == 0)
		start_shell(e);
	e->child = pid; /* shared with the child: the parent's word */
}

/* --- in the test ----------------------------------------------------------- */

struct session {
	struct order order;
	struct errand *errand;
	struct leader l;
	char *out; /* what the last shell wrote */
};

static inline void session_prepare(struct session *s, const char *user,
				   uint32_t flags)
{
	memset(s, 0, sizeof(*s));
	s->errand = mmap(NULL, sizeof(*s->errand), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(s->errand != MAP_FAILED, "mmap");
	s->order = open_as(user);
	s->order.flags |= flags;
	s->order.act = run_errand;
	s->order.arg = s->errand;
	s->errand->uid = uid_of(user);
}

static inline void session_open(struct session *s, const char *user)
{
	session_prepare(s, user, 0);
	s->l = opened(&s->order);
}

static inline void session_start(struct session *s, const char *name,
				 const char *option, const char *command)
{
	struct errand *e = s->errand;

	memset(e->arg, 0, sizeof(e->arg));
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->arg[0], sizeof(e->arg[0]), "%s", option);
	snprintf(e->arg[1], sizeof(e->arg[1]), "%s", command);
	e->wait = false;
	assert_true(leader_step(&s->l, 'a'));
	assert_true(e->child > 0);
}

/* Ends the wait, reads what was written; malloc'ed. */
static inline int session_wait(struct session *s)
{
	char path[64];
	FILE *f;
	size_t n;

	s->errand->wait = true;
	assert_true(leader_step(&s->l, 'a'));
	snprintf(path, sizeof(path), "/home/%s/out", s->order.user);
	free(s->out);
	s->out = calloc(1, 65536);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(s->out, 1, 65535, f);
	s->out[n] = '\0';
	fclose(f);
	return s->errand->status;
}

static inline int session_run(struct session *s, const char *command)
{
	session_start(s, "bvisor-shell", "-c", command);
	return session_wait(s);
}

static inline void session_end(struct session *s)
{
	assert_true(leader_step(&s->l, 'c'));
	assert_true(s->l.view->closed);
	leader_done(&s->l);
	munmap(s->errand, sizeof(*s->errand));
	free(s->out);
	eventually(nothing_left());
	assert_int_equal(count_dir("/run/bvisor/launch", ""), 0);
}

/* The whole of a /proc file; NULs stay. */
static inline size_t read_proc(pid_t pid, const char *file, char *ret,
			       size_t cap)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(ret, 1, cap - 1, f);
	ret[n] = '\0';
	fclose(f);
	return n;
}

static inline bool is_running(pid_t pid, const char *program)
{
	char path[64], text[64] = "";
	FILE *f;

	if (is_dead(pid))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false; /* it died in between */
	(void)!fgets(text, sizeof(text), f);
	fclose(f);
	return strncmp(text, program, strlen(program)) == 0 &&
	       text[strlen(program)] == '\n';
}

static inline bool fd_is_open(pid_t pid, int fd, const char *target)
{
	char path[64];
	char got[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(path, got, sizeof(got) - 1);
	if (n < 0)
		return false;
	got[n] = '\0';
	return target == NULL || strcmp(got, target) == 0;
}

#define EXITED(status, code)                                                   \
	do {                                                                   \
		const int status_ = (status);                                  \
		if (!WIFEXITED(status_) || WEXITSTATUS(status_) != (code))     \
			fail_msg("status %x, not %d", status_, (code));        \
	} while (0)

#define SAYS(s, part)                                                          \
	do {                                                                   \
		if (strstr((s)->out, (part)) == NULL)                          \
			fail_msg("\"%s\" lacks \"%s\"", (s)->out, (part));     \
	} while (0)

#endif
