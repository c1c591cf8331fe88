/* SPDX-License-Identifier: MIT */
/*
 * WASI preview1 (wasi_snapshot_preview1, all 46 functions) for one guest. What
 * a guest can reach is what its configuration names: arguments, environment,
 * three streams and directories. Paths are resolved by the kernel
 * (openat2, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS) and never leave the
 * directory they are relative to; descriptors of the guest are numbers of a
 * table of its own. Sockets, processes and signals are refused.
 *
 * Needs Linux >= 5.8. Not thread-safe. The caller ignores SIGPIPE, or a guest
 * that writes to nobody ends the process. What the process must be able to
 * call while a guest runs: BW_WASI_SYSCALLS.
 */
#ifndef BV_WASM_WASI_H
#define BV_WASM_WASI_H

#include <poll.h>
#include <sys/types.h>

#include "wasm/engine.h"

/* Each X(name): for the list of allowed system calls of a command's process,
 * which adds what it needs itself (exit_group, rt_sigreturn). ioctl: FIONREAD
 * alone, and refusing it only makes a count less exact. */
#define BW_WASI_SYSCALLS(X)                                                    \
	X(readv)                                                               \
	X(preadv)                                                              \
	X(writev)                                                              \
	X(pwritev)                                                             \
	X(lseek)                                                               \
	X(close)                                                               \
	X(fcntl)                                                               \
	X(fstat)                                                               \
	X(newfstatat)                                                          \
	X(fstatfs)                                                             \
	X(openat2)                                                             \
	X(getdents64)                                                          \
	X(fsync)                                                               \
	X(fdatasync)                                                           \
	X(ftruncate)                                                           \
	X(fallocate)                                                           \
	X(fadvise64)                                                           \
	X(mkdirat)                                                             \
	X(unlinkat)                                                            \
	X(renameat)                                                            \
	X(linkat)                                                              \
	X(symlinkat)                                                           \
	X(readlinkat)                                                          \
	X(utimensat)                                                           \
	X(ppoll)                                                               \
	X(ioctl)                                                               \
	X(rt_sigprocmask)                                                      \
	X(clock_gettime)                                                       \
	X(clock_getres)                                                        \
	X(getrandom)                                                           \
	X(sched_yield)                                                         \
	X(mmap)                                                                \
	X(munmap)                                                              \
	X(mremap)                                                              \
	X(madvise)                                                             \
	X(brk)

/* --- what a guest is given ------------------------------------------------ */

enum bw_stream_flags {
	BW_STREAM_READ = 1,
	BW_STREAM_WRITE = 2,
	/* The descriptor is O_NONBLOCK: where others would wait, the execution
	 * is suspended (bw_wasi_wait says for what). */
	BW_STREAM_SUSPEND = 4,
};

/* Duplicated: the caller keeps and closes its own. Neither flag: the guest
 * may ask what it is, nothing else. The flags of the open file are never
 * changed: others use it. */
struct bw_wasi_stream {
	int fd; /* -1: closed in the guest */
	unsigned flags;
};

/* A directory and everything beneath. */
struct bw_wasi_preopen {
	const char *guest; /* "/", "/data": what the guest calls it */
	int fd;            /* O_PATH suffices; opened anew */
	bool writable;     /* else no right that changes anything is given */
};

enum bw_clock_policy {
	BW_CLOCK_REAL,
	BW_CLOCK_COARSE, /* rounded down to clock_step_ns, file times too */
	/* Both clocks show clock_start_ns; only sleeping, which takes no
	 * time then, moves them. Every time of a file is clock_start_ns. */
	BW_CLOCK_FIXED,
};

enum bw_random_policy {
	BW_RANDOM_REAL,
	BW_RANDOM_SEEDED, /* the same bytes for the same seed: for tests */
};

#define BW_WASI_UNLIMITED UINT64_MAX

/* Zero is the tightest or most ordinary choice everywhere (a stream of zeros:
 * descriptor 0, neither readable nor writable). Strings and arrays are copied. */
struct bw_wasi_config {
	const char *const *argv; /* NULL-terminated; NULL: none */
	const char *const *envp; /* the exact environment, likewise */
	struct bw_wasi_stream stream[3];
	const struct bw_wasi_preopen *preopens; /* descriptors 3, 4, ... */
	size_t npreopens;
	enum bw_clock_policy clock;
	uint64_t clock_step_ns;  /* 0: 1 ms */
	uint64_t clock_start_ns; /* since 1970 */
	enum bw_random_policy random;
	uint64_t random_seed;
	bool allow_link;       /* path_link */
	bool allow_symlink;    /* path_symlink; absolute targets never */
	uint64_t output_bytes; /* to the streams; more ends the execution */
	/* Written to files, or what they grow by; 256 for each new name; then
	 * NOSPC. */
	uint64_t storage_bytes;
	uint32_t max_fds; /* open at once, streams too; 0: 128 */
	mode_t file_mode; /* of what the guest creates, before the */
	mode_t dir_mode;  /* umask; 0: 0644 and 0755 */
	/* Waiting ends with BW_TRAP_INTERRUPTED when the flag is set by a
	 * signal or CLOCK_MONOTONIC has passed the deadline; NULL, 0: never. */
	const volatile sig_atomic_t *interrupt;
	uint64_t deadline_ns;
	/* A write whose reader has gone ends the guest as SIGPIPE does a program,
	 * with exit code 128 + SIGPIPE; else it is an error as any other. */
	bool pipe_ends;
};

/* --- one guest ------------------------------------------------------------ */

struct bw_wasi;

/* BV_E_INVAL: a name without '/', a bad descriptor; BV_E_LIMIT: more preopens
 * than descriptors, arguments over 1 MiB; BV_E_SYS. */
BV_MUST_CHECK int bw_wasi_new(const struct bw_wasi_config *config,
			      struct bw_wasi **ret_wasi, struct bv_err *err);
/* Closes everything the guest still has open; its store must be gone or never
 * run again. Accepts NULL. */
void bw_wasi_free(struct bw_wasi *wasi);

/* For bw_instance_new; valid as long as wasi. */
void bw_wasi_imports(struct bw_wasi *wasi, struct bw_imports *ret_imports);

/* After BW_EXITED: what proc_exit was called with. */
uint32_t bw_wasi_exit_code(const struct bw_wasi *wasi);

/* After BW_TRAPPED with BW_TRAP_HOST: which budget ended the execution, as one
 * phrase ("output limit of 4096 bytes reached"), or NULL. */
const char *bw_wasi_stopped_by(const struct bw_wasi *wasi);

struct bw_wasi_counts {
	uint64_t output_bytes;  /* to the streams */
	uint64_t storage_bytes; /* counted against the budget */
	uint32_t peak_fds;
	uint64_t calls; /* of any function */
};
void bw_wasi_counts(const struct bw_wasi *wasi,
		    struct bw_wasi_counts *ret_counts);

/* After BW_SUSPENDED: what to poll for before bw_resume, at most max entries;
 * returns how many there are. *ret_deadline_ns: CLOCK_MONOTONIC, 0: none. */
size_t bw_wasi_wait(const struct bw_wasi *wasi, struct pollfd *fds, size_t max,
		    uint64_t *ret_deadline_ns);

#endif
