/* SPDX-License-Identifier: MIT */
/*
 * Between the parts of WASI. Each function of the interface is
 * bw_wasi_NAME(wasi, instance, arguments): it returns an enum bw_wasi_errno
 * for the guest or BW_STOP(enum bw_host_status). Guest ranges are checked
 * before anything happens, and what is decided on is copied out first.
 */
#ifndef BV_WASM_WASI_INTERNAL_H
#define BV_WASM_WASI_INTERNAL_H

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "wasm/wasi.h"
#include "wasm/wasi_abi.h"

#define BW_STOP(status) (-(int)(status))

#define BW_WASI_MAX_FDS     4096u
#define BW_WASI_MAX_SUBS    1024u
#define BW_WASI_MAX_STRINGS (1u << 20) /* bytes of arguments, of environment */
/* What a new name counts against the storage budget. */
#define BW_WASI_NAME_BYTES 256u

/* One descriptor of the guest. */
struct bw_fd {
	int host; /* -1: not open */
	enum bw_filetype type;
	uint16_t flags; /* BW_FDF_* */
	bool stream;
	bool suspends;
	uint64_t base; /* rights */
	uint64_t inheriting;
	char *preopen; /* its name, or NULL */
};

/* Strings one behind the other, each with its NUL. */
struct bw_strings {
	char *text;
	uint32_t bytes;
	uint32_t n;
};

struct bw_wasi {
	struct bw_fd *fds;
	uint32_t max_fds;
	uint32_t open_fds;
	struct bw_strings args;
	struct bw_strings environ;
	enum bw_clock_policy clock;
	uint64_t clock_step_ns;
	uint64_t clock_start_ns;
	uint64_t clock_slept_ns; /* BW_CLOCK_FIXED */
	enum bw_random_policy random;
	uint64_t random_state;
	bool allow_link;
	bool allow_symlink;
	bool suspends; /* rather than waiting */
	uint64_t output_max;
	uint64_t storage_max;
	mode_t file_mode;
	mode_t dir_mode;
	const volatile sig_atomic_t *interrupt;
	uint64_t deadline_ns;
	bool pipe_ends;
	uint32_t exit_code;
	char stopped_by[80]; /* "": by no budget */
	struct bw_wasi_counts counts;
	/* Of a suspended call: since when it waits, for what. */
	bool waiting;
	uint64_t wait_since_ns;
	uint64_t wait_until_ns;
	struct pollfd *wait_fds; /* BW_WASI_MAX_SUBS */
	size_t nwait_fds;
};

#define WASI(name, sig, fuel)                                                  \
	int bw_wasi_##name(struct bw_wasi *w, struct bw_instance *inst,        \
			   const uint64_t *a);
#include "wasm/wasi.def"
#undef WASI

/* --- guest memory --------------------------------------------------------- */

/* Any alignment; where the range was checked. */
static inline void bw_put(uint8_t *to, const void *v, size_t n)
{
	memcpy(to, v, n);
}

static inline void bw_put32(uint8_t *to, uint64_t v)
{
	uint32_t x = (uint32_t)v;

	memcpy(to, &x, sizeof(x));
}

static inline void bw_put64(uint8_t *to, uint64_t v)
{
	memcpy(to, &v, sizeof(v));
}

static inline uint32_t bw_get32(const uint8_t *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline uint64_t bw_get64(const uint8_t *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* One more fuel per 64 bytes moved; status for the caller. */
int bw_wasi_moved(struct bw_instance *inst, uint64_t bytes);

/* --- errors --------------------------------------------------------------- */

enum bw_wasi_errno bw_wasi_errno_of(int host_errno);
enum bw_wasi_errno bw_wasi_last_errno(void); /* of errno */

/* --- descriptors (wasi_fd.c) ---------------------------------------------- */

/* The open descriptor number fd with all the rights of need. */
enum bw_wasi_errno bw_fd_get(struct bw_wasi *w, uint64_t fd, uint64_t need,
			     struct bw_fd **ret_fd);
/* The lowest free number, or -1. */
int bw_fd_free_slot(const struct bw_wasi *w);
/* Takes fd->host. */
void bw_fd_put(struct bw_wasi *w, uint32_t slot, const struct bw_fd *fd);
void bw_fd_close(struct bw_wasi *w, struct bw_fd *fd);
enum bw_filetype bw_filetype_of(mode_t mode);

/* --- budgets -------------------------------------------------------------- */

static inline uint64_t bw_storage_left(const struct bw_wasi *w)
{
	return w->storage_max - w->counts.storage_bytes;
}

static inline uint64_t bw_output_left(const struct bw_wasi *w)
{
	return w->output_max - w->counts.output_bytes;
}

/* A name is about to be made: false when the budget has no room. */
bool bw_storage_has_name(const struct bw_wasi *w);
void bw_storage_count_name(struct bw_wasi *w);

/* --- clocks and waiting (wasi_clock.c, wasi_poll.c) ----------------------- */

uint64_t bw_host_now(clockid_t id);
/* As the guest sees it. */
uint64_t bw_clock_shown(const struct bw_wasi *w, uint32_t id);
uint64_t bw_time_shown(const struct bw_wasi *w, const struct timespec *ts);

/* A time that has passed: what is ready now. */
#define BW_NOW_NS 1u

/* Wait until a descriptor is ready or until_ns (CLOCK_MONOTONIC, 0: never)
 * has come: how many are ready, or BW_STOP(BW_HOST_INTERRUPTED). */
int bw_wait(const struct bw_wasi *w, struct pollfd *fds, nfds_t n,
	    uint64_t until_ns);

/* --- paths (wasi_path.c) -------------------------------------------------- */

struct bw_path {
	char text[PATH_MAX];
};

/* A directory resolved, and one name in it which no call will follow. */
struct bw_place {
	int dir;             /* O_PATH; owned */
	char name[PATH_MAX]; /* with its trailing slashes */
	bool slash;          /* it has some */
};

enum bw_wasi_errno bw_path_copy(struct bw_instance *inst, uint64_t at,
				uint64_t len, struct bw_path *ret_path);
/* Beneath dir, without magic links, not on a file system of the kernel's own
 * objects; the descriptor or -1 and *ret_error. */
int bw_path_resolve(int dir, const char *path, uint64_t flags, mode_t mode,
		    enum bw_wasi_errno *ret_error);
enum bw_wasi_errno bw_path_place(int dir, const struct bw_path *path,
				 struct bw_place *ret_place);
/* /proc, /sys and their like hold no files. */
bool bw_on_kernel_fs(int fd);

/* --- attributes (wasi_stat.c) --------------------------------------------- */

void bw_filestat_put(const struct bw_wasi *w, const struct stat *st,
		     uint8_t *to);

#endif
