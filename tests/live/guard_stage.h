/* SPDX-License-Identifier: MIT */
/*
 * The stage of test_guard.c: a private mount namespace with a copy of /etc,
 * users, policies and a cgroup base of its own; and the witnesses its tests
 * look at. Included once.
 */
#ifndef BV_TESTS_LIVE_GUARD_STAGE_H
#define BV_TESTS_LIVE_GUARD_STAGE_H

#include "helper/probe.h"
#include "tests/live/leader.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <mntent.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define STATE_DIR "/run/bvisor-state"
#define RUN_DIR   "/run/bvisor"

static struct {
	char helper[PATH_MAX];
	char work[64];
	char mount[PATH_MAX];
	char base[PATH_MAX + 64];
	bool has_pids;
	bool may_oom_adj;
	const char *unable; /* why this machine cannot run these tests */
	pid_t leaders[8];   /* of the running test, killed when it ends */
	size_t leaders_n;
} env;

/* --- the stage ------------------------------------------------------------- */

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
		fprintf(stderr, "write %s: %s\n", path, strerror(errno));
		abort();
	}
}

static inline void append_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "ae");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static inline void must(bool fine, const char *what)
{
	if (!fine) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		abort();
	}
}

static inline void run_program(char *const argv[])
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, argv[0]);
}

static inline void policy(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "/etc/bvisor/policies/%s.conf", name);
	write_file(path, text);
}

#define CONFINE                                                                \
	"[filesystem]\nbase = system\n"                                        \
	"write = ~\n"                                                          \
	"[network]\naccess = deny\n"

static inline void write_policies(void)
{
	policy("alice", "bvisor-policy 1\n[match]\nuser = bvt-alice\n" CONFINE);
	policy("bob", "bvisor-policy 1\n[match]\nuser = bvt-bob\n" CONFINE
		      "[budget]\nprocesses = 50\n");
	policy("carol", "bvisor-policy 1\n[policy]\naction = refuse\n"
			"[match]\nuser = bvt-carol\n");
	policy("dave", "bvisor-policy 1\n[policy]\naction = exempt\n"
		       "[match]\nuser = bvt-dave\n");
	policy("eve", "bvisor-policy 1\n[match]\nuser = bvt-eve\n"
		      "[filesystem]\nbase = sytsem\n");
	policy("frank", "bvisor-policy 1\n[match]\nuser = bvt-frank\n" CONFINE
			"[budget]\nwall = 5s\n");
}

static const char *const users[] = { "bvt-alice", "bvt-bob", "bvt-carol",
				     "bvt-dave",  "bvt-eve", "bvt-frank",
				     "bvt-grace" };

static inline void write_etc(void)
{
	char text[PATH_MAX + 256];
	char *argv[] = { (char *)(uintptr_t) "cp", (char *)(uintptr_t) "-a",
			 (char *)(uintptr_t) "/etc", env.work, NULL };
	char copy[PATH_MAX];

	run_program(argv);
	snprintf(copy, sizeof(copy), "%s/etc", env.work);
	must(mount(copy, "/etc", NULL, MS_BIND, NULL) == 0, "bind /etc");
	must(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0, "/run");
	must(mount("tmpfs", "/home", "tmpfs", 0, "mode=0755") == 0, "/home");
	(void)mkdir("/etc/bvisor", 0755);
	must(mount("tmpfs", "/etc/bvisor", "tmpfs", 0, "mode=0755") == 0,
	     "/etc/bvisor");
	must(mkdir("/etc/bvisor/policies", 0755) == 0, "policies");
	write_file("/run/secret", "for root and no session\n");
	must(mkdir("/run/docker", 0755) == 0, "/run/docker");
	write_file("/run/docker/inside", "a daemon's, hidden from sessions\n");
	/* A red build takes these guards out; its tests must then fail. */
	if (getenv("BV_RED_GUARDS") != NULL)
		write_file("/run/bvisor.red", getenv("BV_RED_GUARDS"));
	snprintf(text, sizeof(text),
		 "bvisor-config 1\n[bvisor]\ncgroup_base = %s\n"
		 "state_dir = " STATE_DIR "\nrun_dir = " RUN_DIR "\n",
		 env.base);
	write_file("/etc/bvisor/bvisor.conf", text);
	for (size_t i = 0; i < BV_LEN(users); i++) {
		snprintf(text, sizeof(text),
			 "%s:x:%zu:64900::/home/%s:/bin/sh\n", users[i],
			 64900 + i, users[i]);
		append_file("/etc/passwd", text);
		snprintf(text, sizeof(text), "/home/%s", users[i]);
		must(mkdir(text, 0700) == 0, text);
	}
	write_policies();
}

static inline bool find_cgroup2(char ret[PATH_MAX])
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	bool found = false;

	while (f != NULL && !found && (m = getmntent(f)) != NULL) {
		found = strcmp(m->mnt_type, "cgroup2") == 0;
		if (found)
			snprintf(ret, PATH_MAX, "%s", m->mnt_dir);
	}
	if (f != NULL)
		endmntent(f);
	return found;
}

static inline bool file_has_word(const char *path, const char *word)
{
	char text[512] = "";
	FILE *f = fopen(path, "re");
	char *save = NULL;

	if (f == NULL || fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	if (f != NULL)
		fclose(f);
	for (char *w = strtok_r(text, " \n", &save); w != NULL;
	     w = strtok_r(NULL, " \n", &save)) {
		if (strcmp(w, word) == 0)
			return true;
	}
	return false;
}

/* Below zero takes CAP_SYS_RESOURCE, which a container's root may lack. */
static inline bool can_oom_adj(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		_exit(write(fd, "-900", 4) == 4 ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static inline int set_stage(void **state)
{
	char path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)state;
	umask(022); /* whatever the caller's is */
	must(n > 0, "own path");
	path[n] = '\0';
	for (int i = 0; i < 3; i++) /* …/tests/live/test_guard */
		*strrchr(path, '/') = '\0';
	snprintf(env.helper, sizeof(env.helper), "%.4000s/bvisor-helper", path);
	if (geteuid() != 0)
		env.unable = "needs root";
	else if (!find_cgroup2(env.mount))
		env.unable = "no cgroup v2 is mounted";
	else if (bvh_probe_landlock_abi() < 2)
		env.unable = "no landlock ABI 2";
	if (env.unable != NULL)
		return 0;
	snprintf(env.base, sizeof(env.base), "%s/bvisor-test-%d", env.mount,
		 (int)getpid());
	snprintf(path, sizeof(path), "%s/cgroup.controllers", env.mount);
	env.has_pids = file_has_word(path, "pids");
	env.may_oom_adj = can_oom_adj();
	snprintf(env.work, sizeof(env.work), "/tmp/bvisor-guard.XXXXXX");
	must(mkdtemp(env.work) != NULL, "mkdtemp");
	must(unshare(CLONE_NEWNS) == 0, "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private");
	must(mkdir(env.base, 0755) == 0, env.base);
	if (env.has_pids) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control",
			 env.mount);
		append_file(path, "+pids");
	}
	write_etc();
	return 0;
}

static inline int clear_stage(void **state)
{
	char path[PATH_MAX + 80];
	char *argv[] = { (char *)(uintptr_t) "rm", (char *)(uintptr_t) "-rf",
			 env.work, NULL };

	(void)state;
	if (env.unable != NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/guardians", env.base);
	(void)rmdir(path);
	if (rmdir(env.base) != 0)
		fprintf(stderr, "rmdir %s: %s\n", env.base, strerror(errno));
	must(umount2("/etc/bvisor", MNT_DETACH) == 0, "umount");
	must(umount2("/etc", MNT_DETACH) == 0, "umount");
	run_program(argv);
	return 0;
}

static inline void need_stage(void)
{
	if (env.unable == NULL)
		return;
	print_message("skip: %s\n", env.unable);
	skip();
}

/* --- witnesses ------------------------------------------------------------- */

static inline bool exists(const char *fmt, const char *a, const char *b)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", a, fmt, b);
	return access(path, F_OK) == 0;
}

static inline bool leaf_exists(const struct leader *l)
{
	return exists("session-", env.base, l->view->session);
}

static inline bool state_exists(const struct leader *l)
{
	char file[96];

	snprintf(file, sizeof(file), "%s.json", l->view->session);
	return exists("", RUN_DIR "/sessions", file);
}

/* The v2 line of /proc/PID/cgroup. */
static inline void cgroup_of(pid_t pid, char ret[PATH_MAX])
{
	char path[64];
	char line[PATH_MAX];
	FILE *f;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::", 3) == 0)
			snprintf(ret, PATH_MAX, "%.*s",
				 (int)strcspn(line + 3, "\n"), line + 3);
	}
	if (f != NULL)
		fclose(f);
}

static inline bool in_leaf(const struct leader *l, pid_t pid)
{
	char got[PATH_MAX];
	char want[128];

	cgroup_of(pid, got);
	snprintf(want, sizeof(want), "/session-%s", l->view->session);
	return strlen(got) > strlen(want) &&
	       strcmp(got + strlen(got) - strlen(want), want) == 0;
}

static inline uint64_t status_value(pid_t pid, const char *key)
{
	char path[64];
	char line[256];
	unsigned long long value = 999;
	size_t len = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			value = strtoull(line + len + 1, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	return value;
}

#define STAT_LEN 512u

/* /proc/PID/stat: "" of one that is gone. */
static inline void read_stat(pid_t pid, char ret[STAT_LEN])
{
	char path[64];
	FILE *f;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fgets(ret, STAT_LEN, f) == NULL)
		ret[0] = '\0';
	fclose(f);
}

/* Dead, or a zombie that nobody has reaped yet. */
static inline bool stat_is_dead(const char *text)
{
	const char *at = strrchr(text, ')');

	return at == NULL || at[2] == 'Z' || at[2] == 'X';
}

static inline bool is_dead(pid_t pid)
{
	char text[STAT_LEN];

	read_stat(pid, text);
	return stat_is_dead(text);
}

static inline size_t count_dir(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	if (dir == NULL)
		return 0;
	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		if (e->d_name[0] != '.' &&
		    strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			n++;
	}
	closedir(dir);
	return n;
}

static inline bool guardians_are_gone(void)
{
	char path[PATH_MAX + 96];
	char line[64];
	FILE *f;
	bool none;

	snprintf(path, sizeof(path), "%s/guardians/cgroup.procs", env.base);
	f = fopen(path, "re");
	if (f == NULL)
		return true;
	none = fgets(line, sizeof(line), f) == NULL;
	fclose(f);
	return none;
}

static inline bool nothing_left(void)
{
	return count_dir(env.base, "session-") == 0 &&
	       count_dir(RUN_DIR "/sessions", "") == 0 && guardians_are_gone();
}

static inline void nap_ms(long ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* A minute: a guest is slow, and a guardian gives a leaf that will not drain half of
 * one. */
#define eventually(cond)                                                       \
	do {                                                                   \
		for (int i_ = 0; i_ < 6000 && !(cond); i_++)                   \
			nap_ms(10);                                            \
		assert_true(cond);                                             \
	} while (0)

/* The record on disk, by its own words. */
static inline json_t *record_of(const struct leader *l)
{
	char path[PATH_MAX];
	json_error_t why;
	json_t *j;

	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json",
		 l->view->session);
	j = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (j == NULL)
		fail_msg("%s: %s", path, why.text);
	return j;
}

static inline void assert_outcome(const struct leader *l, const char *want)
{
	json_t *j = record_of(l);
	const char *got = json_string_value(json_object_get(j, "outcome"));

	assert_non_null(got);
	assert_string_equal(got, want);
	assert_non_null(json_object_get(j, "sha256"));
	json_decref(j);
}

static inline pid_t guardian_of(const struct leader *l)
{
	char path[PATH_MAX];
	json_t *j;
	pid_t pid;

	snprintf(path, sizeof(path), RUN_DIR "/sessions/%s.json",
		 l->view->session);
	j = json_load_file(path, 0, NULL);
	assert_non_null(j);
	pid = (pid_t)json_integer_value(json_object_get(j, "guardian_pid"));
	json_decref(j);
	return pid;
}

static inline struct leader start(const struct order *order)
{
	struct leader l = leader_new(order, env.helper);

	if (env.leaders_n < BV_LEN(env.leaders))
		env.leaders[env.leaders_n++] = l.pid;
	return l;
}

static inline void remove_leaves(void)
{
	char path[2 * PATH_MAX];
	DIR *dir = opendir(env.base);

	for (const struct dirent *e = dir == NULL ? NULL : readdir(dir);
	     e != NULL; e = readdir(dir)) {
		snprintf(path, sizeof(path), "%s/%s", env.base, e->d_name);
		if (strncmp(e->d_name, "session-", 8) == 0)
			(void)rmdir(path);
	}
	if (dir != NULL)
		closedir(dir);
}

/* What a failed test left: the next one must not trip over it. */
static inline void clear_by_force(void)
{
	char path[2 * PATH_MAX];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/cgroup.kill", env.base);
	append_file(path, "1");
	for (int i = 0; i < 3000 && (count_dir(env.base, "session-") > 0 ||
				     !guardians_are_gone());
	     i++) {
		nap_ms(10);
		remove_leaves();
	}
	dir = opendir(RUN_DIR "/sessions");
	for (const struct dirent *e = dir == NULL ? NULL : readdir(dir);
	     e != NULL; e = readdir(dir))
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

/* After each test, failed or not: no leader, and time for the guardians. */
static inline int sweep_stage(void **state)
{
	(void)state;
	for (size_t i = 0; i < env.leaders_n; i++) {
		kill(env.leaders[i], SIGKILL);
		waitpid(env.leaders[i], NULL, 0);
	}
	env.leaders_n = 0;
	for (int i = 0; env.unable == NULL && i < 300 && !nothing_left(); i++)
		nap_ms(10);
	if (env.unable == NULL && !nothing_left())
		clear_by_force();
	return 0;
}

/* A busy machine is given more than the module's two seconds a step. */
#define PATIENT (30u << BVP_DEADLINE_SHIFT)

static inline struct order open_as(const char *user)
{
	return (struct order){ .user = user,
			       .service = "sshd",
			       .type = BVP_MSG_OPEN,
			       .flags = PATIENT };
}

static inline struct leader opened(const struct order *order)
{
	struct leader l = start(order);

	assert_true(leader_step(&l, 'o'));
	if (!l.view->attested)
		print_message("verdict %u: %s%s\n", l.view->verdict,
			      l.view->log_text, l.view->late_text);
	assert_int_equal(l.view->verdict, BVP_ADMITTED);
	assert_true(l.view->attested);
	return l;
}

/* What a dead leader and its guardian left is swept by the next guardian that ends;
 * one in passing that finds others at it leaves it to the one after it. */
static inline void swept_by_the_next(pid_t leader)
{
	eventually(is_dead(leader));
	for (int i = 0; i < 20 && !nothing_left(); i++) {
		struct order order = open_as("bvt-alice");
		struct leader next;

		(void)unlink(RUN_DIR "/swept"); /* the last was just now */
		next = opened(&order);
		assert_true(leader_step(&next, 'c'));
		assert_true(next.view->closed);
		leader_done(&next);
		eventually(guardians_are_gone());
	}
	assert_true(nothing_left());
}

#endif
