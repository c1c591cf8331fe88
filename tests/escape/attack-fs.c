/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing outside the declared roots. OUT holds one victim for each
 * attack, named like it, owned by the attacker and open to all: ordinary
 * permissions stop nothing there. IN is a directory the policy grants.
 */
#include "tests/escape/attack.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static int do_read(int fd)
{
	char c;

	errno = ENODATA;
	return result(fd < 0 ? -1 : read(fd, &c, 1) == 1 ? 0 : -1);
}

/* errno of the open that gave fd must still stand. */
static int read_opened(int fd)
{
	return fd < 0 ? result(fd) : do_read(fd);
}

static int write_opened(int fd)
{
	return fd < 0 ? result(fd) : result(write(fd, "harm\n", 5));
}

/* A file of one's own to start from. */
static int make_own(struct stage *s, const char *name, char path[PATH_MAX])
{
	int fd;

	below(s->in, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "own\n", 4) != 4)
		return untried(s, "cannot make a file in IN");
	close(fd);
	return 0;
}

static int a_read(struct stage *s)
{
	char path[PATH_MAX];

	return read_opened(open(below(s->out, "read", path), O_RDONLY));
}

static int a_list(struct stage *s)
{
	return result(open(s->out, O_RDONLY | O_DIRECTORY));
}

static int a_write(struct stage *s)
{
	char path[PATH_MAX];

	return write_opened(
		open(below(s->out, "write", path), O_WRONLY | O_APPEND));
}

static int a_create(struct stage *s)
{
	char path[PATH_MAX];

	return result(open(below(s->out, "create.new", path),
			   O_WRONLY | O_CREAT | O_EXCL, 0666));
}

static int a_tmpfile(struct stage *s)
{
	return write_opened(open(s->out, O_RDWR | O_TMPFILE, 0600));
}

static int a_open_trunc(struct stage *s)
{
	char path[PATH_MAX];

	return result(
		open(below(s->out, "open-trunc", path), O_WRONLY | O_TRUNC));
}

static int a_truncate(struct stage *s)
{
	char path[PATH_MAX];

	return result(truncate(below(s->out, "truncate", path), 0));
}

/* The kernel truncates even when only reading is asked for. */
static int a_trunc_read(struct stage *s)
{
	char path[PATH_MAX];

	return result(
		open(below(s->out, "trunc-read", path), O_RDONLY | O_TRUNC));
}

static int a_ftruncate(struct stage *s)
{
	char path[PATH_MAX];
	int fd = open(below(s->out, "ftruncate", path), O_RDWR);

	return fd < 0 ? result(fd) : result(ftruncate(fd, 0));
}

static int a_rename_in(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	return result(rename(below(s->out, "rename-in", from),
			     below(s->in, "rename-in.got", to)));
}

static int a_rename_out(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (make_own(s, "rename-out.own", from) != 0)
		return UNTRIED;
	return result(rename(from, below(s->out, "rename-out.new", to)));
}

static int a_rename_over(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (make_own(s, "rename-over.own", from) != 0)
		return UNTRIED;
	return result(rename(from, below(s->out, "rename-over", to)));
}

static int a_rename_exchange(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (make_own(s, "rename-exchange.own", from) != 0)
		return UNTRIED;
	below(s->out, "rename-exchange", to);
	return result(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
			      RENAME_EXCHANGE));
}

static int a_rename_within(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	return result(rename(below(s->out, "rename-within", from),
			     below(s->out, "rename-within.new", to)));
}

static int a_link_in(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	return result(link(below(s->out, "link-in", from),
			   below(s->in, "link-in.got", to)));
}

static int a_link_out(struct stage *s)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (make_own(s, "link-out.own", from) != 0)
		return UNTRIED;
	return result(link(from, below(s->out, "link-out.new", to)));
}

static int a_symlink_out(struct stage *s)
{
	char path[PATH_MAX];

	return result(
		symlink("/etc/shadow", below(s->out, "symlink-out.new", path)));
}

static int a_symlink_follow(struct stage *s)
{
	char from[PATH_MAX];
	char link_path[PATH_MAX];

	below(s->out, "symlink-follow", from);
	below(s->in, "symlink-follow.lnk", link_path);
	(void)unlink(link_path);
	if (symlink(from, link_path) != 0)
		return untried(s, "cannot make a symlink in IN");
	return read_opened(open(link_path, O_RDONLY));
}

static int a_unlink(struct stage *s)
{
	char path[PATH_MAX];

	return result(unlink(below(s->out, "unlink", path)));
}

static int a_rmdir(struct stage *s)
{
	char path[PATH_MAX];

	return result(rmdir(below(s->out, "rmdir.dir", path)));
}

static int a_mkdir(struct stage *s)
{
	char path[PATH_MAX];

	return result(mkdir(below(s->out, "mkdir.new", path), 0777));
}

static int a_mkfifo(struct stage *s)
{
	char path[PATH_MAX];

	return result(mkfifo(below(s->out, "mkfifo.new", path), 0666));
}

static int a_mksock(struct stage *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return untried(s, "no unix socket");
	snprintf(at.sun_path, sizeof(at.sun_path), "%.90s/mksock.new", s->out);
	return result(bind(fd, (const struct sockaddr *)&at, sizeof(at)));
}

static int a_exec(struct stage *s)
{
	char path[PATH_MAX];
	int status = 0;
	pid_t pid;

	below(s->out, "exec.bin", path);
	pid = fork();
	if (pid < 0)
		return untried(s, "fork");
	if (pid == 0) {
		char *const argv[] = { path, NULL };

		execv(path, argv);
		_exit(errno & 0x7f);
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : untried(s, "exec.bin died");
}

/* --- ways around a path ---------------------------------------------------- */

static int a_proc_root(struct stage *s)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/root%s/proc-root", s->out);
	return read_opened(open(path, O_RDONLY));
}

static int through_proc(struct stage *s, const char *what, const char *rest)
{
	char path[PATH_MAX];

	if (s->pid <= 0)
		return untried(s, "no PID given");
	snprintf(path, sizeof(path), "/proc/%d/%s%s", (int)s->pid, what, rest);
	return read_opened(open(path, O_RDONLY));
}

static int a_proc_pid_root(struct stage *s)
{
	char rest[PATH_MAX];

	snprintf(rest, sizeof(rest), "%s/proc-pid-root", s->out);
	return through_proc(s, "root", rest);
}

/* The process outside has OUT as its working directory … */
static int a_proc_pid_cwd(struct stage *s)
{
	return through_proc(s, "cwd", "/proc-pid-cwd");
}

/* … and a file of it open as descriptor 9. */
static int a_proc_pid_fd(struct stage *s)
{
	return through_proc(s, "fd/9", "");
}

static int a_opath_reopen(struct stage *s)
{
	char path[PATH_MAX];
	int fd = open(below(s->out, "opath-reopen", path), O_PATH);

	if (fd < 0)
		return result(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return write_opened(open(path, O_RDWR));
}

static int a_opath_dir(struct stage *s)
{
	int fd = open(s->out, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return result(fd);
	return write_opened(openat(fd, "opath-dir", O_RDWR));
}

static int a_chdir_relative(struct stage *s)
{
	if (chdir(s->out) != 0)
		return result(-1);
	return write_opened(open("chdir-relative", O_RDWR));
}

static int a_dotdot(struct stage *s)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "%s/../../../../../../../../../..%s/dotdot", s->in, s->out);
	return write_opened(open(path, O_RDWR));
}

/* Is fd, inherited from whoever started us, a hole? */
static bool fd_is_hole(const struct stage *s, int fd)
{
	char path[64];
	char target[PATH_MAX] = "";
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return openat(fd, s->out + 1, O_RDONLY) >= 0 ||
		       openat(fd, "inherited-fds", O_RDONLY) >= 0 ||
		       openat(fd, "etc/shadow", O_RDONLY) >= 0;
	if (!S_ISREG(st.st_mode))
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return true;
	return strncmp(target, s->in, strlen(s->in)) != 0;
}

static int a_inherited_fds(struct stage *s)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (fd_is_hole(s, fd))
			return THROUGH;
	}
	return EBADF;
}

/* --- a declared root swapped for a link, again and again -------------------- */

static void swap_for_ever(const char *real, const char *evil, const char *name)
{
	char next[PATH_MAX];

	if (snprintf(next, sizeof(next), "%s.next", name) >= PATH_MAX)
		_exit(1);
	for (;;) {
		if (symlink(real, next) != 0 || rename(next, name) != 0)
			_exit(1);
		if (symlink(evil, next) != 0 || rename(next, name) != 0)
			_exit(1);
	}
}

static int race(struct stage *s, const char *path, const struct stat *victim)
{
	time_t end = time(NULL) + 4;
	long good = 0;
	long bad = 0;

	while (time(NULL) < end && (good < 2000 || bad < 2000)) {
		struct stat st;
		int fd = open(path, O_RDWR);

		if (fd < 0) {
			bad += errno == EACCES || errno == EROFS;
			continue;
		}
		good++;
		if (fstat(fd, &st) == 0 && st.st_ino == victim->st_ino &&
		    st.st_dev == victim->st_dev)
			return write_opened(fd);
		close(fd);
	}
	if (good == 0 || bad == 0)
		return untried(s, "the race saw one side only");
	return EACCES;
}

static int a_symlink_swap(struct stage *s)
{
	char real[PATH_MAX];
	char name[PATH_MAX];
	char path[PATH_MAX];
	struct stat victim;
	pid_t swapper;
	int rc;

	if (stat(below(s->out, "symlink-swap", path), &victim) != 0)
		return untried(s, "no victim");
	below(s->in, "swap.real", real);
	below(s->in, "swap", name);
	(void)mkdir(real, 0700);
	if (make_own(s, "swap.real/symlink-swap", path) != 0)
		return UNTRIED;
	swapper = fork();
	if (swapper < 0)
		return untried(s, "fork");
	if (swapper == 0)
		swap_for_ever(real, s->out, name);
	rc = race(s, below(name, "symlink-swap", path), &victim);
	kill(swapper, SIGKILL);
	(void)waitpid(swapper, NULL, 0);
	return rc;
}

static const struct attack attacks[] = {
	{ "read", a_read },
	{ "list", a_list },
	{ "write", a_write },
	{ "create", a_create },
	{ "tmpfile", a_tmpfile },
	{ "open-trunc", a_open_trunc },
	{ "trunc-read", a_trunc_read },
	{ "truncate", a_truncate },
	{ "ftruncate", a_ftruncate },
	{ "rename-in", a_rename_in },
	{ "rename-out", a_rename_out },
	{ "rename-over", a_rename_over },
	{ "rename-exchange", a_rename_exchange },
	{ "rename-within", a_rename_within },
	{ "link-in", a_link_in },
	{ "link-out", a_link_out },
	{ "symlink-out", a_symlink_out },
	{ "symlink-follow", a_symlink_follow },
	{ "symlink-swap", a_symlink_swap },
	{ "unlink", a_unlink },
	{ "rmdir", a_rmdir },
	{ "mkdir", a_mkdir },
	{ "mkfifo", a_mkfifo },
	{ "mksock", a_mksock },
	{ "exec", a_exec },
	{ "proc-root", a_proc_root },
	{ "proc-pid-root", a_proc_pid_root },
	{ "proc-pid-cwd", a_proc_pid_cwd },
	{ "proc-pid-fd", a_proc_pid_fd },
	{ "opath-reopen", a_opath_reopen },
	{ "opath-dir", a_opath_dir },
	{ "chdir-relative", a_chdir_relative },
	{ "dotdot", a_dotdot },
	{ "inherited-fds", a_inherited_fds },
};

int main(int argc, char **argv)
{
	return attack_main(argc, argv, attacks,
			   sizeof(attacks) / sizeof(attacks[0]));
}
