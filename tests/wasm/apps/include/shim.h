/* SPDX-License-Identifier: MIT */
/* What programs of Debian call and WASI has not: there is one user, no process
 * but this one. Locks are refused: SQLite is told to do without. */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define F_RDLCK  0
#define F_WRLCK  1
#define F_UNLCK  2
#define F_GETLK  5
#define F_SETLK  6
#define F_SETLKW 7
#define L_tmpnam 32

#define REFUSE(type, name, params, value)                                      \
	__attribute__((unused)) static type shim_##name params                 \
	{                                                                      \
		errno = ENOSYS;                                                \
		return value;                                                  \
	}
REFUSE(FILE *, popen, (const char *c, const char *m), 0)
REFUSE(int, pclose, (FILE * f), -1)
REFUSE(int, system, (const char *c), -1)
REFUSE(FILE *, tmpfile, (void), 0)
REFUSE(char *, tmpnam, (char *name), 0)
REFUSE(int, getuid, (void), 0)
REFUSE(int, geteuid, (void), 0)
REFUSE(int, chmod, (const char *p, mode_t m), 0)
REFUSE(int, fchmod, (int fd, mode_t m), 0)
REFUSE(int, fchown, (int fd, uid_t u, gid_t g), 0)
REFUSE(int, umask, (mode_t m), 0)

#define popen   shim_popen
#define pclose  shim_pclose
#define system  shim_system
#define tmpfile shim_tmpfile
#define tmpnam  shim_tmpnam
#define getuid  shim_getuid
#define geteuid shim_geteuid
#define chmod   shim_chmod
#define fchmod  shim_fchmod
#define fchown  shim_fchown
#define umask   shim_umask

#endif
