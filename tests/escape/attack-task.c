/* SPDX-License-Identifier: MIT */
/*
 * More tasks than LIMIT, leaving the session's cgroup (DIR is one that careless
 * permissions leave open), and outliving the session: "daemon" starts a process
 * that does all it can to stay, writes its pid to IN/daemon.pid and is to be
 * looked for after the logout.
 */
#include "tests/escape/attack.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>

#define TASKS_MAX 1024

/* --- how many ------------------------------------------------------------------- */

static int a_fork(struct stage *s)
{
	static pid_t child[TASKS_MAX];
	int want = s->limit * 4 < TASKS_MAX ? s->limit * 4 : TASKS_MAX;
	int n = 0;
	int e = 0;

	while (n < want && e == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(SECONDS);
			pause();
			_exit(0);
		}
		if (pid < 0)
			e = errno;
		else
			child[n++] = pid;
	}
	for (int i = 0; i < n; i++)
		(void)kill(child[i], SIGKILL);
	for (int i = 0; i < n; i++)
		(void)waitpid(child[i], NULL, 0);
	if (n > s->limit)
		return THROUGH;
	return e != 0 ? e : untried(s, "LIMIT is missing");
}

static void *idle(void *unused)
{
	pause();
	return unused;
}

static int a_thread(struct stage *s)
{
	pthread_attr_t attr;
	int n = 0;
	int e = 0;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, 65536) != 0)
		return untried(s, "pthread_attr");
	while (n < s->limit * 4 && e == 0) {
		pthread_t t;

		e = pthread_create(&t, &attr, idle, NULL);
		n += e == 0;
	}
	return n > s->limit ? THROUGH : e;
}

/* --- where ----------------------------------------------------------------------- */

static int enter(const char *dir)
{
	char path[PATH_MAX];
	int fd = open(below(dir, "cgroup.procs", path), O_WRONLY | O_CLOEXEC);

	return fd < 0 ? result(fd) : result(write(fd, "0", 1));
}

static int own_cgroup(struct stage *s, char dir[PATH_MAX])
{
	char line[PATH_MAX - 32] = "";
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (f == NULL || fgets(line, sizeof(line), f) == NULL ||
	    strncmp(line, "0::/", 4) != 0)
		return untried(s, "cannot read /proc/self/cgroup");
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	snprintf(dir, PATH_MAX, "/sys/fs/cgroup%s", line + 3);
	return 0;
}

static int a_cgroup_own(struct stage *s)
{
	char dir[PATH_MAX];

	return own_cgroup(s, dir) != 0 ? UNTRIED : enter(dir);
}

static int a_cgroup_parent(struct stage *s)
{
	char dir[PATH_MAX];

	if (own_cgroup(s, dir) != 0)
		return UNTRIED;
	*strrchr(dir, '/') = '\0';
	return enter(dir);
}

static int a_cgroup_root(struct stage *s)
{
	(void)s;
	return enter("/sys/fs/cgroup");
}

static int a_cgroup_careless(struct stage *s)
{
	if (s->dir[0] == '\0')
		return untried(s, "no DIR given");
	return enter(s->dir);
}

/* The one that systemd gives to the user. */
static int a_cgroup_user(struct stage *s)
{
	char dir[PATH_MAX];

	(void)s;
	snprintf(dir, sizeof(dir),
		 "/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service",
		 (unsigned int)getuid(), (unsigned int)getuid());
	return enter(dir);
}

static int try_entry(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	const char *name = path + ftw->base;
	int fd;

	(void)st;
	if (type != FTW_F || strcmp(name, "cgroup.procs") != 0)
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (write(fd, "0", 1) == 1)
		return 1;
	close(fd);
	return 0;
}

/* Every cgroup.procs there is. */
static int a_cgroup_any(struct stage *s)
{
	int rc = nftw("/sys/fs/cgroup", try_entry, 16, FTW_PHYS);

	if (rc < 0)
		return untried(s, "cannot walk the cgroups");
	return rc == 1 ? THROUGH : EACCES;
}

static int a_cgroup_limit(struct stage *s)
{
	char dir[PATH_MAX];
	char path[PATH_MAX];
	int fd;

	if (own_cgroup(s, dir) != 0)
		return UNTRIED;
	fd = open(below(dir, "pids.max", path), O_WRONLY | O_CLOEXEC);
	return fd < 0 ? result(fd) : result(write(fd, "max", 3));
}

static int a_cgroup_mkdir(struct stage *s)
{
	char dir[PATH_MAX];
	char path[PATH_MAX];

	if (own_cgroup(s, dir) != 0)
		return UNTRIED;
	return result(mkdir(below(dir, "hole", path), 0755));
}

/* --- how long ---------------------------------------------------------------------- */

static void stay(const char *path)
{
	int fd;

	(void)setsid();
	if (fork() != 0)
		_exit(0);
	(void)setsid();
	for (int sig = 1; sig < SIGRTMAX; sig++)
		(void)signal(sig, SIG_IGN);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0) {
		(void)!dprintf(fd, "%d\n", (int)getpid());
		close(fd);
	}
	for (fd = 0; fd < 1024; fd++)
		close(fd);
	(void)!chdir("/");
	for (;;)
		sleep(3600);
}

static int a_daemon(struct stage *s)
{
	char path[PATH_MAX];
	struct stat st;
	pid_t pid;

	below(s->in, "daemon.pid", path);
	(void)unlink(path);
	pid = fork();
	if (pid < 0)
		return untried(s, "fork");
	if (pid == 0)
		stay(path);
	(void)waitpid(pid, NULL, 0);
	for (int i = 0; i < 100; i++) {
		if (stat(path, &st) == 0 && st.st_size > 0)
			return THROUGH; /* started; the logout decides */
		usleep(50000);
	}
	return untried(s, "the daemon did not start");
}

static const struct attack attacks[] = {
	{ "fork", a_fork },
	{ "thread", a_thread },
	{ "cgroup-own", a_cgroup_own },
	{ "cgroup-parent", a_cgroup_parent },
	{ "cgroup-root", a_cgroup_root },
	{ "cgroup-user", a_cgroup_user },
	{ "cgroup-careless", a_cgroup_careless },
	{ "cgroup-any", a_cgroup_any },
	{ "cgroup-limit", a_cgroup_limit },
	{ "cgroup-mkdir", a_cgroup_mkdir },
	{ "daemon", a_daemon },
};

int main(int argc, char **argv)
{
	return attack_main(argc, argv, attacks,
			   sizeof(attacks) / sizeof(attacks[0]));
}
