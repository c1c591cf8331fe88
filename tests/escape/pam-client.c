/* SPDX-License-Identifier: MIT */
/*
 * Many PAM sessions at once, each with a leader and one process of the user:
 *
 *   pam-client SERVICE USER N [bus]
 *
 * opens one after another, says "open LEADER USER-PROCESS" for each, holds them
 * until stdin ends, closes them ("unclosed LEADER CODE" when one fails), and says
 * "closed N". With "bus" a leader then turns to the system bus, as if it were
 * closing, and goes on: one more process of the user, "later PROCESS". libpam is
 * loaded at run
 * time: the attackers are linked with libc alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* From <security/_pam_types.h>, which need not be installed. */
#define PAM_SUCCESS 0
#define PAM_BUF_ERR 5
#define PAM_SILENT  0x8000

struct pam_handle;
struct pam_message {
	int style;
	const char *text;
};
struct pam_response {
	char *text;
	int unused;
};
struct pam_conversation {
	int (*talk)(int n, const struct pam_message **m,
		    struct pam_response **r, void *data);
	void *data;
};

struct pam {
	int (*start)(const char *service, const char *user,
		     const struct pam_conversation *conv,
		     struct pam_handle **ret);
	int (*acct)(struct pam_handle *h, int flags);
	int (*open)(struct pam_handle *h, int flags);
	int (*close)(struct pam_handle *h, int flags);
	int (*end)(struct pam_handle *h, int status);
};

static int talk(int n, const struct pam_message **m, struct pam_response **r,
		void *data)
{
	(void)data;
	for (int i = 0; i < n; i++)
		fprintf(stderr, "%s\n", m[i]->text);
	*r = calloc((size_t)n, sizeof(**r));
	return *r == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static int find(void *lib, const char *name, void *ret)
{
	void *at = dlsym(lib, name);

	if (at == NULL)
		return -1;
	/* POSIX: the two kinds of pointer are the same size. */
	memcpy(ret, &at, sizeof(at));
	return 0;
}

static int load(struct pam *p)
{
	void *lib = dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);

	if (lib == NULL || find(lib, "pam_start", &p->start) != 0 ||
	    find(lib, "pam_acct_mgmt", &p->acct) != 0 ||
	    find(lib, "pam_open_session", &p->open) != 0 ||
	    find(lib, "pam_close_session", &p->close) != 0 ||
	    find(lib, "pam_end", &p->end) != 0) {
		fprintf(stderr, "libpam.so.0: %s\n", dlerror());
		return -1;
	}
	return 0;
}

static pid_t start_user(const char *user)
{
	const struct passwd *pw = getpwnam(user);
	pid_t pid = pw == NULL ? -1 : fork();

	if (pid != 0)
		return pid;
	if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0)
		_exit(1);
	for (;;)
		pause();
}

static void turn_to_bus(const char *user)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
				  .sun_path = "/run/dbus/system_bus_socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		printf("bus: %s\n", strerror(errno));
	printf("later %d\n", (int)start_user(user));
	fflush(stdout);
	if (fd >= 0)
		close(fd);
}

/* end_fd: end of file when the session is to be closed. */
static int lead(const struct pam *p, const char *service, const char *user,
		int tell_fd, int end_fd, int bus)
{
	const struct pam_conversation conv = { talk, NULL };
	struct pam_handle *h = NULL;
	char end;
	pid_t child;
	int rc = p->start(service, user, &conv, &h);

	if (rc == PAM_SUCCESS)
		rc = p->acct(h, PAM_SILENT);
	if (rc == PAM_SUCCESS)
		rc = p->open(h, PAM_SILENT);
	if (rc != PAM_SUCCESS) {
		printf("refused %d %d\n", (int)getpid(), rc);
		fflush(stdout);
		return 1;
	}
	close(tell_fd);
	child = start_user(user);
	printf("open %d %d\n", (int)getpid(), (int)child);
	fflush(stdout);
	if (bus)
		turn_to_bus(user);
	while (read(end_fd, &end, 1) < 0 && errno == EINTR)
		;
	if (child > 0) {
		kill(child, SIGTERM);
		(void)waitpid(child, NULL, 0);
	}
	rc = p->close(h, PAM_SILENT);
	if (rc != PAM_SUCCESS) {
		printf("unclosed %d %d\n", (int)getpid(), rc);
		fflush(stdout);
	}
	(void)p->end(h, rc);
	return rc == PAM_SUCCESS ? 0 : 1;
}

/* Eight at a time: a hundred at once is more than other modules' databases wait
 * for each other on a slow machine. */
#define AT_ONCE 8

static int close_all(const int *end, int n)
{
	int closed = 0;
	int status;

	for (int i = 0; i < n; i += AT_ONCE) {
		int group = n - i < AT_ONCE ? n - i : AT_ONCE;

		for (int k = 0; k < group; k++)
			close(end[i + k]);
		for (int k = 0; k < group && wait(&status) > 0; k++)
			closed += status == 0;
	}
	return closed;
}

/* The n-th leader; returns the descriptor that closes its session. */
static int start_leader(const struct pam *p, char **argv, int bus,
			const int *others, int n)
{
	int turn[2], end[2];
	char byte;
	pid_t pid;

	if (pipe2(turn, O_CLOEXEC) != 0 || pipe2(end, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(turn[0]);
		close(end[1]);
		for (int i = 0; i < n; i++)
			close(others[i]);
		_exit(lead(p, argv[1], argv[2], turn[1], end[0], bus));
	}
	if (pid < 0)
		return -1;
	/* The next one's turn comes when this one closes its end. */
	close(turn[1]);
	close(end[0]);
	(void)!read(turn[0], &byte, 1);
	close(turn[0]);
	return end[1];
}

#define N_MAX 512

int main(int argc, char **argv)
{
	struct pam p = { NULL, NULL, NULL, NULL, NULL };
	static int end[N_MAX];
	char byte;
	int closed, n;

	if (argc < 4 || argc > 5 || load(&p) != 0)
		return 2;
	n = atoi(argv[3]);
	if (n < 1 || n > N_MAX)
		return 2;
	for (int i = 0; i < n; i++) {
		end[i] = start_leader(&p, argv, argc == 5, end, i);
		if (end[i] < 0)
			return 2;
	}
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	closed = close_all(end, n);
	printf("closed %d\n", closed);
	return closed == n ? 0 : 1;
}
