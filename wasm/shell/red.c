/* SPDX-License-Identifier: MIT */
/* Planted faults, in red builds only. */
#include "wasm/shell/red.h"

#ifdef BV_RED

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "helper/red.h"
#include "helper/sys.h"

static bool out[BWS_RED_N];

void bws_red_read(void)
{
	out[BWS_RED_LANDLOCK] = bvh_red("wasm-landlock");
	out[BWS_RED_SECCOMP] = bvh_red("wasm-seccomp");
	out[BWS_RED_PLANT] = bvh_red("wasm-plant");
	out[BWS_RED_CHANNEL] = bvh_red("wasm-channel");
}

bool bws_red(enum bws_red_word word)
{
	return out[word];
}

static bool attack(const char *name, const char *file)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };
	static char sh[] = "/bin/sh", dash_c[] = "-c", end[] = "echo HARM";
	char *argv[] = { sh, dash_c, end, NULL };

	if (strcmp(name, "exec") == 0)
		return execve(sh, argv, argv + 3) == 0;
	if (strcmp(name, "open") == 0)
		return bvh_sys_openat2(AT_FDCWD, file, &how) >= 0;
	if (strcmp(name, "socket") == 0)
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
	if (strcmp(name, "fork") == 0)
		return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0;
	if (strcmp(name, "code") == 0)
		return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
	return false;
}

void bws_red_planted(const char *const *argv)
{
	static char harm[] = "HARM\n";
	const struct iovec said = { harm, sizeof(harm) - 1 };

	if (!out[BWS_RED_PLANT] || argv[1] == NULL ||
	    strncmp(argv[1], "red:", 4) != 0)
		return;
	if (attack(argv[1] + 4, argv[2] ? argv[2] : "/"))
		(void)!writev(1, &said, 1);
	_exit(1);
}

#endif
