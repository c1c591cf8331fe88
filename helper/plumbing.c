/* SPDX-License-Identifier: MIT */
/*
 * The tables behind the base profiles and the session plumbing. A row that
 * grants writing names only what belongs to root: the leader needs it, the
 * user is stopped there by ordinary permissions.
 */
#include "helper/plumbing.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/fd.h"
#include "helper/path.h"

#define SYSTEM  (1u << BV_BASE_SYSTEM)
#define MINIMAL (1u << BV_BASE_MINIMAL)
#define START   (SYSTEM | MINIMAL)
/* below /usr and /etc, which system has whole */
#define LEAN   (MINIMAL | 1u << BV_BASE_NONE)
#define ALWAYS (SYSTEM | MINIMAL | 1u << BV_BASE_NONE)

/* clang-format off */
const struct bvh_plumbing_row bvh_plumbing[] = {
	/* system: programs, libraries, configuration, what shells look at. */
	{ "/usr", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/bin", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/sbin", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/lib", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/lib32", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/lib64", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/libx32", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/opt", SYSTEM, BVH_GRANT_EXEC, false },
	{ "/etc", SYSTEM, BVH_GRANT_READ, false },
	{ "/sys", SYSTEM, BVH_GRANT_READ, false },
	{ "/dev", SYSTEM, BVH_GRANT_LIST, false },
	{ "/run/NetworkManager/resolv.conf", SYSTEM, BVH_GRANT_READ, false },
	{ "/run/NetworkManager/no-stub-resolv.conf", SYSTEM, BVH_GRANT_READ,
	  false },
	{ "/run/systemd/users", SYSTEM, BVH_GRANT_READ, false },
	{ "/run/systemd/seats", SYSTEM, BVH_GRANT_READ, false },
	{ "/var/cache/man", SYSTEM, BVH_GRANT_READ, false },
	{ "/var/cache/fontconfig", SYSTEM, BVH_GRANT_READ, false },
	{ "/var/lib/ghostscript", SYSTEM, BVH_GRANT_READ, false },
	{ "/var/lib/texmf", SYSTEM, BVH_GRANT_READ, false },

	/* minimal: a dynamic program starts, names resolve, the shell runs. */
	{ "/proc", START, BVH_GRANT_READ, false },
	{ "/lib64/ld-linux-x86-64.so.2", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/lib/ld-linux-aarch64.so.1", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/lib/ld-linux-armhf.so.3", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/lib/ld-linux-riscv64-lp64d.so.1", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/lib64/ld64.so.2", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/lib/ld64.so.1", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/usr/lib/openssh/sftp-server", MINIMAL, BVH_GRANT_EXEC, false },
	{ "/usr/share/i18n", MINIMAL, BVH_GRANT_READ, false },
	{ "/usr/share/locale", MINIMAL, BVH_GRANT_READ, false },
	{ "/usr/share/terminfo", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/alternatives", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/bash.bashrc", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/inputrc", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/profile", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/profile.d", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/protocols", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/services", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/shells", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/ssl/certs", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/ssl/openssl.cnf", MINIMAL, BVH_GRANT_READ, false },
	{ "/etc/terminfo", MINIMAL, BVH_GRANT_READ, false },
	{ "/run/resolvconf", START, BVH_GRANT_READ, false },
	{ "/run/systemd/resolve", START, BVH_GRANT_READ, false },

	/* Plumbing: libraries and user database for the leader's NSS and PAM
	 * modules, which are loaded as late as at the close. */
	{ "/usr/lib", LEAN, BVH_GRANT_READ, false },
	{ "/usr/lib32", LEAN, BVH_GRANT_READ, false },
	{ "/usr/lib64", LEAN, BVH_GRANT_READ, false },
	{ "/usr/libx32", LEAN, BVH_GRANT_READ, false },
	{ "/lib", LEAN, BVH_GRANT_READ, false },
	{ "/lib32", LEAN, BVH_GRANT_READ, false },
	{ "/lib64", LEAN, BVH_GRANT_READ, false },
	{ "/usr/local/lib", LEAN, BVH_GRANT_READ, false },
	{ "/usr/share/zoneinfo", LEAN, BVH_GRANT_READ, false },
	{ "/etc/default/locale", LEAN, BVH_GRANT_READ, false },
	{ "/etc/environment", LEAN, BVH_GRANT_READ, false },
	{ "/etc/gai.conf", LEAN, BVH_GRANT_READ, false },
	{ "/etc/group", LEAN, BVH_GRANT_READ, false },
	{ "/etc/host.conf", LEAN, BVH_GRANT_READ, false },
	{ "/etc/hosts", LEAN, BVH_GRANT_READ, false },
	{ "/etc/ld.so.cache", LEAN, BVH_GRANT_READ, false },
	{ "/etc/ld.so.conf", LEAN, BVH_GRANT_READ, false },
	{ "/etc/ld.so.conf.d", LEAN, BVH_GRANT_READ, false },
	{ "/etc/locale.alias", LEAN, BVH_GRANT_READ, false },
	{ "/etc/localtime", LEAN, BVH_GRANT_READ, false },
	{ "/etc/login.defs", LEAN, BVH_GRANT_READ, false },
	{ "/etc/motd", LEAN, BVH_GRANT_READ, false },
	{ "/etc/nsswitch.conf", LEAN, BVH_GRANT_READ, false },
	{ "/etc/pam.d", LEAN, BVH_GRANT_READ, false },
	{ "/etc/passwd", LEAN, BVH_GRANT_READ, false },
	{ "/etc/resolv.conf", ALWAYS, BVH_GRANT_READ, false },
	{ "/etc/security", LEAN, BVH_GRANT_READ, false },
	{ "/etc/timezone", LEAN, BVH_GRANT_READ, false },
	{ "/run/motd.d", ALWAYS, BVH_GRANT_READ, false },
	{ "/run/motd.dynamic", ALWAYS, BVH_GRANT_READ, false },
	{ "/run/nscd", ALWAYS, BVH_GRANT_READ, false },
	{ "/run/systemd/sessions", ALWAYS, BVH_GRANT_READ, false },
	{ "/run/systemd/userdb", ALWAYS, BVH_GRANT_READ, false },
	{ "/var/lib/extrausers", ALWAYS, BVH_GRANT_READ, false },
	{ "/var/lib/sss/mc", ALWAYS, BVH_GRANT_READ, false },
	{ "/var/lib/sss/pubconf", ALWAYS, BVH_GRANT_READ, false },
	{ "/var/mail", ALWAYS, BVH_GRANT_READ, false },

	/* Plumbing: terminals and the harmless devices. Chown of a pty by
	 * sshd needs its mount writable; the nodes themselves do not. */
	{ "/dev/full", ALWAYS, BVH_GRANT_DEVICE, false },
	{ "/dev/null", ALWAYS, BVH_GRANT_DEVICE, false },
	{ "/dev/ptmx", ALWAYS, BVH_GRANT_DEVICE, false },
	{ "/dev/pts", ALWAYS, BVH_GRANT_DEVICE, true },
	{ "/dev/random", ALWAYS, BVH_GRANT_DEVICE, false },
	{ "/dev/tty", ALWAYS, BVH_GRANT_DEVICE, false },
	{ "/dev/urandom", ALWAYS, BVH_GRANT_DEVICE, false },
	{ "/dev/zero", ALWAYS, BVH_GRANT_DEVICE, false },

	/* Plumbing: the login records (util-linux and wtmpdb keep databases
	 * in directories of their own: SQLite makes journals beside them). */
	{ "/run/utmp", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/log/btmp", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/log/faillog", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/log/lastlog", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/log/tallylog", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/log/wtmp", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/lib/lastlog", ALWAYS, BVH_GRANT_WRITE, true },
	{ "/var/lib/wtmpdb", ALWAYS, BVH_GRANT_WRITE, true },
	/* the session's own one: see view_records.c */
	{ "/var/log", ALWAYS, BVH_GRANT_CLOSED, false },
};

const struct bvh_private_dir bvh_private_dirs[] = {
	{ "/tmp", "tmp", 01777, false },
	{ "/var/tmp", "var-tmp", 01777, false },
	{ "/dev/shm", "shm", 01777, false },
	{ "/run/user", "run-user", 0755, true },
};
/* clang-format on */

const size_t bvh_plumbing_n = BV_LEN(bvh_plumbing);
const size_t bvh_private_dirs_n = BV_LEN(bvh_private_dirs);

int bvh_plumbing_tty_open(const struct bv_subject *subject, char *ret_path,
			  size_t ret_len)
{
	static const char *const prefixes[] = { "tty", "pts/", "console",
						"hvc", "xvc",  "sclp" };
	const char *tty = subject->tty;
	bv_auto_close int fd = -1;
	bool known = false;
	struct stat st;
	int n;

	for (size_t i = 0; i < BV_LEN(prefixes); i++)
		known |= strncmp(tty, prefixes[i], strlen(prefixes[i])) == 0;
	/* PAM_TTY is the application's word: nothing but a node of /dev. */
	if (!known || strstr(tty, "..") != NULL)
		return -1;
	n = snprintf(ret_path, ret_len, "/dev/%s", tty);
	if (n < 0 || (size_t)n >= ret_len ||
	    bvh_path_open(ret_path, NULL, &fd, NULL) != BV_OK)
		return -1;
	if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode))
		return -1;
	return bvh_fd_take(&fd);
}
