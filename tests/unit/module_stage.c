/* SPDX-License-Identifier: MIT */
/* See module_stage.h. */
#include "tests/unit/module_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct heard *heard;

/* --- ears ------------------------------------------------------------------- */

#define EXPORT __attribute__((visibility("default")))

EXPORT void syslog(int priority, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
EXPORT void __syslog_chk(int priority, int flag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void hear(int priority, const char *fmt, va_list ap)
{
	const size_t have = strlen(heard->log);

	vsnprintf(heard->log + have, sizeof(heard->log) - have, fmt, ap);
	strncat(heard->log, "\n", sizeof(heard->log) - strlen(heard->log) - 1);
	heard->log_lines++;
	heard->log_level = priority & 7;
}

void syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	hear(priority, fmt, ap);
	va_end(ap);
}

void __syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	hear(priority, fmt, ap);
	va_end(ap);
}

static int converse(int n, const struct pam_message **msg,
		    struct pam_response **resp, void *data)
{
	(void)data;
	*resp = calloc((size_t)n, sizeof(**resp));
	if (*resp == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		const size_t have = strlen(heard->user);

		snprintf(heard->user + have, sizeof(heard->user) - have, "%s",
			 msg[i]->msg);
		heard->user_lines++;
	}
	return PAM_SUCCESS;
}

/* --- the stage ---------------------------------------------------------------- */

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "stage: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	     path);
	close(fd);
}

void stage_copy_helper(const char *to, unsigned int mode)
{
	static char buf[1 << 16];
	const int in = open(BV_FAKE, O_RDONLY | O_CLOEXEC);
	const int out =
		open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ssize_t n;

	must(in >= 0 && out >= 0, "copy of the fake guardian");
	while ((n = read(in, buf, sizeof(buf))) > 0)
		must(write(out, buf, (size_t)n) == n, to);
	must(fchmod(out, (mode_t)mode) == 0, to);
	close(in);
	close(out);
}

int stage_build(void **state)
{
	(void)state;
	heard = mmap(NULL, sizeof(*heard), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(heard != MAP_FAILED, "mmap");
	must(unshare(CLONE_NEWNS) == 0, "a mount namespace (needs root)");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0,
	     "private mounts");
	(void)mkdir(BV_STAGE, 0755);
	must(mount("stage", BV_STAGE, "tmpfs", 0, "mode=0755") == 0, BV_STAGE);
	must(mkdir(BV_STAGE "/pub", 0755) == 0, "pub");
	must(mkdir(BV_STAGE "/pub/cover", 0755) == 0, "cover");
	must(mkdir(STAGE_COVER, 0755) == 0, "cover");
	must(mkdir(BV_STAGE "/pam.d", 0755) == 0, "pam.d");
	write_file(STAGE_SECRET, "secret\n", 0644);
	stage_reset();
	return 0;
}

int stage_begin(void **state)
{
	(void)state;
	stage_reset();
	return 0;
}

int stage_end(void **state)
{
	(void)state;
	return stage_is_empty() ? 0 : -1;
}

bool stage_filter_is_on(void)
{
	errno = 0;
	return personality(0xffffffff) == -1 && errno == STAGE_MARK_ERRNO;
}

void stage_reset(void)
{
	memset(heard, 0, sizeof(*heard));
	(void)rmdir(STAGE_HELPER);
	(void)unlink(STAGE_HELPER);
	stage_copy_helper(STAGE_HELPER, 0755);
	write_file(BV_STAGE "/pub/log", "", 0644);
	stage_service("");
	stage_mode("unconfined");
}

void stage_mode(const char *mode)
{
	write_file(BV_STAGE "/pub/mode", mode, 0644);
}

void stage_service(const char *args)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "account required " BV_MODULE " %s\n"
		 "session required " BV_MODULE " %s\n"
		 "auth required pam_permit.so\n"
		 "auth required " BV_MODULE " %s\n",
		 args, args, args);
	write_file(BV_STAGE "/pam.d/bv", text, 0644);
	write_file(BV_STAGE "/pam.d/other", "session required pam_deny.so\n",
		   0644);
	write_file(BV_STAGE "/pam.d/bv-auth", "auth required " BV_MODULE "\n",
		   0644);
}

const char *stage_log(char *buf, size_t len)
{
	const int fd = open(BV_STAGE "/pub/log", O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? 0 : read(fd, buf + 1, len - 2);

	buf[0] = '\n';
	buf[n > 0 ? n + 1 : 1] = '\0';
	if (fd >= 0)
		close(fd);
	return buf;
}

bool stage_log_has(const char *text)
{
	char buf[8192];

	(void)stage_log(buf, sizeof(buf));
	return strstr(buf, text) != NULL;
}

unsigned long stage_log_number(const char *key)
{
	char buf[8192], line[64];
	const char *at;

	(void)stage_log(buf, sizeof(buf));
	snprintf(line, sizeof(line), "\n%s ", key);
	at = strstr(buf, line);
	return at == NULL ? 0 : strtoul(at + strlen(line), NULL, 10);
}

/* Gone, or a zombie that is init's to reap. */
static bool is_gone(long pid)
{
	char path[64], text[512] = "";
	const char *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	end = strrchr(text, ')');
	return end == NULL || end[2] == 'Z' || end[2] == 'X';
}

bool stage_is_empty(void)
{
	const long long end = now_ms() + 30000;
	char buf[8192];
	bool all = true;

	(void)stage_log(buf, sizeof(buf));
	for (char *at = buf; (at = strstr(at, "\npid ")) != NULL; at += 5) {
		const long pid = strtol(at + 5, NULL, 10);

		if (pid <= 1)
			continue;
		while (!is_gone(pid) && now_ms() < end)
			(void)usleep(5000);
		if (is_gone(pid))
			continue;
		all = false;
		(void)kill((pid_t)pid, SIGKILL);
	}
	return all;
}

pam_handle_t *stage_start(const char *user)
{
	static const struct pam_conv conv = { converse, NULL };
	pam_handle_t *pamh = NULL;

	if (pam_start_confdir("bv", user, &conv, BV_STAGE "/pam.d", &pamh) !=
		    PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_TTY, "pts/7") != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_RHOST, "10.0.0.9") != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_RUSER, "mallory") != PAM_SUCCESS)
		return NULL;
	return pamh;
}

/* --- the host ------------------------------------------------------------------ */

int host_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -3; /* ".", "..", its own */

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

void host_look(struct host *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->fds = host_count_fds();
	sigprocmask(SIG_SETMASK, NULL, &ret->mask);
	sigaction(SIGCHLD, NULL, &ret->chld);
	ret->umask = umask(0);
	(void)umask(ret->umask);
	if (getcwd(ret->cwd, sizeof(ret->cwd)) == NULL)
		ret->cwd[0] = '\0';
}

const char *host_compare(const struct host *before, int more_fds)
{
	struct host now;
	int status;

	host_look(&now);
	if (now.fds != before->fds + more_fds)
		return "the number of descriptors";
	if (memcmp(&now.mask, &before->mask, sizeof(now.mask)) != 0)
		return "the signal mask";
	if (now.chld.sa_handler != before->chld.sa_handler ||
	    now.chld.sa_flags != before->chld.sa_flags)
		return "the SIGCHLD handler";
	if (now.umask != before->umask)
		return "the umask";
	if (strcmp(now.cwd, before->cwd) != 0)
		return "the working directory";
	if (waitpid(-1, &status, WNOHANG | __WALL) != -1 || errno != ECHILD)
		return "a child";
	return NULL;
}

_Noreturn void need_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n  syslog: %s  user: %s\n", file, line, what,
		heard->log, heard->user);
	_exit(1);
}

int in_child(void (*fn)(const void *), const void *arg)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(120);
		fn(arg);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

long long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
