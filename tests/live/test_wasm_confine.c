/* SPDX-License-Identifier: MIT */
/*
 * What native code in a command's process could still do: the process is made
 * as the shell makes it, and instead of a module an attacker runs, as if a host
 * call had a hole. Each layer is tried with the others out, and all of them
 * out, so that every attack is seen to work without.
 */
#include "tests/live/live.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/shell.h"

#define DIR_TEMPLATE "/tmp/bvisor-confine.XXXXXX"

static char dir[] = DIR_TEMPLATE;
static struct bws_bpf shell_bpf, command_bpf;
static struct bws_store store;
static struct bws_entry entry;

/* --- attacks: 0 when the harm was done -------------------------------------- */

static int attack_exec(void)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };
	char *envp[] = { NULL };

	execve("/bin/true", argv, envp); /* 0 is its own status */
	return errno;
}

static int attack_exec_fd(void)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };
	char *envp[] = { NULL };
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/bin/true",
			      O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	return errno;
}

static int attack_read(void)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };

	return LIVE_ERRNO(bvh_sys_openat2(AT_FDCWD, "/etc/passwd", &how));
}

static int attack_write_granted_read_only(void)
{
	const struct open_how how = { .flags = O_WRONLY | O_CREAT | O_CLOEXEC,
				      .mode = 0600 };
	char path[64];

	snprintf(path, sizeof(path), "%s/ro/new", dir);
	return LIVE_ERRNO(bvh_sys_openat2(AT_FDCWD, path, &how));
}

static int attack_other_commands_directory(void)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };
	char path[64];

	snprintf(path, sizeof(path), "%s/other/file", dir);
	return LIVE_ERRNO(bvh_sys_openat2(AT_FDCWD, path, &how));
}

static int attack_socket(void)
{
	return LIVE_ERRNO(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int attack_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return LIVE_ERRNO(pid);
}

static int attack_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int attack_code_later(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED
		       ? 250
		       : LIVE_ERRNO(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int attack_memfd(void)
{
	return LIVE_ERRNO(memfd_create("x", MFD_CLOEXEC));
}

static int attack_userns(void)
{
	return LIVE_ERRNO(unshare(CLONE_NEWUSER));
}

static int attack_ptrace(void)
{
	return LIVE_ERRNO(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int attack_kill_parent(void)
{
	return LIVE_ERRNO(kill(getppid(), 0));
}

/* --- the process -------------------------------------------------------------- */

#define SHELL  1u /* what the shell put on before */
#define FILES  2u
#define CALLS  4u
#define EVERY  (SHELL | FILES | CALLS)
#define KILLED (LIVE_SIGNAL + SIGSYS)

struct plan {
	int (*attack)(void);
	unsigned layers;
};

static int confined(void *arg)
{
	const struct plan *p = arg;
	struct bv_err err = { 0 };
	int code = BV_OK;

	if (p->layers & SHELL)
		code = bws_confine_shell(&store, &shell_bpf, &err);
	if (code == BV_OK && (p->layers & FILES))
		code = bws_confine_files(&store, &entry, &err);
	if (code == BV_OK && (p->layers & CALLS))
		code = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
			       ? bws_confine_calls(&command_bpf, &err)
			       : BV_E_SYS;
	if (code != BV_OK)
		return 251;
	return p->attack();
}

static int attempt(int (*attack)(void), unsigned layers)
{
	struct plan plan = { attack, layers };

	return live_child(confined, &plan);
}

#define STOPS(attack, layers, how)                                             \
	assert_int_equal(attempt(attack, layers), how)

/* Each attack does harm when nothing is in its way: else it proves nothing. */
#define HARMS(attack) assert_int_equal(attempt(attack, 0), 0)

/* --- tests -------------------------------------------------------------------- */

static void test_other_program__each_layer_stops_it(void **state)
{
	(void)state;
	HARMS(attack_exec);
	STOPS(attack_exec, EVERY, KILLED);
	STOPS(attack_exec, CALLS, KILLED);
	STOPS(attack_exec, SHELL, EPERM);
	STOPS(attack_exec, FILES, EACCES);
	HARMS(attack_exec_fd);
	STOPS(attack_exec_fd, EVERY, KILLED);
	STOPS(attack_exec_fd, SHELL, EACCES);
	STOPS(attack_exec_fd, FILES, EACCES);
}

static void
test_files__landlock_stops_what_the_filter_lets_through(void **state)
{
	(void)state;
	HARMS(attack_read);
	STOPS(attack_read, CALLS, 0);
	STOPS(attack_read, EVERY, EACCES);
	STOPS(attack_read, SHELL, EACCES);
	STOPS(attack_read, FILES, EACCES);
	HARMS(attack_write_granted_read_only);
	STOPS(attack_write_granted_read_only, EVERY, EACCES);
	STOPS(attack_write_granted_read_only, FILES, EACCES);
	HARMS(attack_other_commands_directory);
	/* The shell may: some command of it is granted that. This one not. */
	STOPS(attack_other_commands_directory, SHELL, 0);
	STOPS(attack_other_commands_directory, EVERY, EACCES);
	STOPS(attack_other_commands_directory, FILES, EACCES);
}

static void test_calls__allow_list_kills_what_the_shell_may(void **state)
{
	(void)state;
	HARMS(attack_fork);
	STOPS(attack_fork, SHELL, 0); /* its commands are forked */
	STOPS(attack_fork, EVERY, KILLED);
	HARMS(attack_kill_parent);
	STOPS(attack_kill_parent, EVERY, KILLED);
	HARMS(attack_ptrace);
	STOPS(attack_ptrace, SHELL, EPERM);
	STOPS(attack_ptrace, CALLS, KILLED);
	/* Some kernels let nobody. */
	if (attempt(attack_userns, 0) == 0)
		STOPS(attack_userns, SHELL, EPERM);
	STOPS(attack_userns, CALLS, KILLED);
	HARMS(attack_socket);
	STOPS(attack_socket, SHELL, EPERM);
	STOPS(attack_socket, CALLS, KILLED);
}

static void test_code__none_is_made(void **state)
{
	(void)state;
	HARMS(attack_code);
	STOPS(attack_code, SHELL, EPERM);
	STOPS(attack_code, CALLS, KILLED);
	HARMS(attack_code_later);
	STOPS(attack_code_later, SHELL, EPERM);
	STOPS(attack_code_later, CALLS, KILLED);
	HARMS(attack_memfd);
	STOPS(attack_memfd, SHELL, EPERM);
	STOPS(attack_memfd, CALLS, KILLED);
}

/* --- the stage ---------------------------------------------------------------- */

static int open_dir(const char *name, bool with_file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0755), 0);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (with_file) {
		int file = openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC,
				  0644);

		assert_true(file >= 0);
		close(file);
	}
	return fd;
}

static int stage(void **state)
{
	static const char *const names[] = { "rw", "ro", "other" };
	struct bv_err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	bws_store_init(&store);
	for (size_t i = 0; i < BV_LEN(names); i++)
		store.mount[store.mounts++] = (struct bws_mount){
			.path = names[i],
			.fd = open_dir(names[i], i == 2),
			.writable = i == 0,
		};
	entry.dir[0] = (struct bws_dir){ .mount = 0, .writable = true };
	entry.dir[1] = (struct bws_dir){ .mount = 1, .writable = false };
	entry.dirs = 2;
	assert_int_equal(bws_filter_shell(&shell_bpf, &err), BV_OK);
	assert_int_equal(bws_filter_command(&command_bpf, &err), BV_OK);
	return 0;
}

static int unstage(void **state)
{
	char command[64];

	(void)state;
	bws_store_done(&store);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_program__each_layer_stops_it),
		cmocka_unit_test(
			test_files__landlock_stops_what_the_filter_lets_through),
		cmocka_unit_test(
			test_calls__allow_list_kills_what_the_shell_may),
		cmocka_unit_test(test_code__none_is_made),
	};

	return cmocka_run_group_tests(tests, stage, unstage);
}
