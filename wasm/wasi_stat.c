/* SPDX-License-Identifier: MIT */
/* Attributes of files: filestat_get, set_size, set_times. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

#define NS 1000000000ULL

void bw_filestat_put(const struct bw_wasi *w, const struct stat *st,
		     uint8_t *to)
{
	memset(to, 0, BW_FILESTAT_BYTES);
	bw_put64(to, st->st_dev);
	bw_put64(to + 8, st->st_ino);
	to[16] = (uint8_t)bw_filetype_of(st->st_mode);
	bw_put64(to + 24, st->st_nlink);
	bw_put64(to + 32, (uint64_t)st->st_size);
	bw_put64(to + 40, bw_time_shown(w, &st->st_atim));
	bw_put64(to + 48, bw_time_shown(w, &st->st_mtim));
	bw_put64(to + 56, bw_time_shown(w, &st->st_ctim));
}

int bw_wasi_fd_filestat_get(struct bw_wasi *w, struct bw_instance *inst,
			    const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[1], BW_FILESTAT_BYTES);
	struct stat st;
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_FILESTAT_GET, &f);

	if (e != BW_ESUCCESS)
		return e;
	if (to == NULL)
		return BW_EFAULT;
	if (fstat(f->host, &st) < 0)
		return bw_wasi_last_errno();
	bw_filestat_put(w, &st, to);
	return BW_ESUCCESS;
}

/* A descriptor of the path itself, for what looks at or changes attributes. */
static int resolve(struct bw_wasi *w, struct bw_instance *inst,
		   const uint64_t *a, uint64_t need, enum bw_wasi_errno *ret_e)
{
	struct bw_path path;
	struct bw_fd *f;

	*ret_e = bw_fd_get(w, a[0], need, &f);
	if (*ret_e == BW_ESUCCESS && (a[1] & ~(uint64_t)BW_LOOKUP_FOLLOW))
		*ret_e = BW_EINVAL;
	if (*ret_e == BW_ESUCCESS && f->type != BW_FT_DIR)
		*ret_e = BW_ENOTDIR;
	if (*ret_e == BW_ESUCCESS)
		*ret_e = bw_path_copy(inst, a[2], a[3], &path);
	if (*ret_e != BW_ESUCCESS)
		return -1;
	return bw_path_resolve(
		f->host, path.text,
		O_PATH | O_CLOEXEC |
			(a[1] & BW_LOOKUP_FOLLOW ? 0U : O_NOFOLLOW),
		0, ret_e);
}

int bw_wasi_path_filestat_get(struct bw_wasi *w, struct bw_instance *inst,
			      const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[4], BW_FILESTAT_BYTES);
	enum bw_wasi_errno e;
	struct stat st;
	int fd = resolve(w, inst, a, BW_R_PATH_FILESTAT_GET, &e);

	if (fd < 0)
		return e;
	if (to == NULL)
		e = BW_EFAULT;
	else if (fstat(fd, &st) < 0)
		e = bw_wasi_last_errno();
	else
		bw_filestat_put(w, &st, to);
	close(fd);
	return e;
}

/* --- times ---------------------------------------------------------------- */

/* set, now: the two flags of one time. */
static void one_time(uint64_t flags, uint64_t set, uint64_t now, uint64_t ns,
		     struct timespec *ret_ts)
{
	ret_ts->tv_sec = (flags & set) ? (time_t)(ns / NS) : 0;
	ret_ts->tv_nsec = (flags & set)   ? (long)(ns % NS)
			  : (flags & now) ? UTIME_NOW
					  : UTIME_OMIT;
}

/* t: atim, mtim, flags. */
static enum bw_wasi_errno times_of(const uint64_t *t, struct timespec ts[2])
{
	uint64_t flags = t[2];

	if ((flags & ~(uint64_t)BW_FST_ALL) ||
	    (flags & (BW_FST_ATIM | BW_FST_ATIM_NOW)) ==
		    (BW_FST_ATIM | BW_FST_ATIM_NOW) ||
	    (flags & (BW_FST_MTIM | BW_FST_MTIM_NOW)) ==
		    (BW_FST_MTIM | BW_FST_MTIM_NOW))
		return BW_EINVAL;
	one_time(flags, BW_FST_ATIM, BW_FST_ATIM_NOW, t[0], &ts[0]);
	one_time(flags, BW_FST_MTIM, BW_FST_MTIM_NOW, t[1], &ts[1]);
	return BW_ESUCCESS;
}

int bw_wasi_fd_filestat_set_times(struct bw_wasi *w, struct bw_instance *inst,
				  const uint64_t *a)
{
	struct timespec ts[2];
	struct bw_fd *f;
	enum bw_wasi_errno e =
		bw_fd_get(w, a[0], BW_R_FD_FILESTAT_SET_TIMES, &f);

	(void)inst;
	if (e == BW_ESUCCESS)
		e = times_of(a + 1, ts);
	if (e == BW_ESUCCESS && futimens(f->host, ts) < 0)
		e = bw_wasi_last_errno();
	return e;
}

int bw_wasi_path_filestat_set_times(struct bw_wasi *w, struct bw_instance *inst,
				    const uint64_t *a)
{
	struct timespec ts[2];
	enum bw_wasi_errno e = times_of(a + 4, ts);
	int fd;

	if (e != BW_ESUCCESS)
		return e;
	fd = resolve(w, inst, a, BW_R_PATH_FILESTAT_SET_TIMES, &e);
	if (fd < 0)
		return e;
	if (utimensat(fd, "", ts, AT_EMPTY_PATH) < 0)
		e = bw_wasi_last_errno();
	close(fd);
	return e;
}

/* --- size ----------------------------------------------------------------- */

/* Room for a file to reach size: *ret_grows is what that counts. */
static enum bw_wasi_errno room(const struct bw_wasi *w, const struct bw_fd *f,
			       uint64_t size, uint64_t *ret_grows)
{
	struct stat st;

	if (size > INT64_MAX)
		return BW_EFBIG;
	if (fstat(f->host, &st) < 0)
		return bw_wasi_last_errno();
	*ret_grows =
		size > (uint64_t)st.st_size ? size - (uint64_t)st.st_size : 0;
	return *ret_grows > bw_storage_left(w) ? BW_ENOSPC : BW_ESUCCESS;
}

int bw_wasi_fd_filestat_set_size(struct bw_wasi *w, struct bw_instance *inst,
				 const uint64_t *a)
{
	uint64_t grows = 0;
	struct bw_fd *f;
	enum bw_wasi_errno e =
		bw_fd_get(w, a[0], BW_R_FD_FILESTAT_SET_SIZE, &f);

	(void)inst;
	if (e == BW_ESUCCESS)
		e = room(w, f, a[1], &grows);
	if (e != BW_ESUCCESS)
		return e;
	if (ftruncate(f->host, (off_t)a[1]) < 0)
		return bw_wasi_last_errno();
	w->counts.storage_bytes += grows;
	return BW_ESUCCESS;
}

/* Holes are filled too, so all of the length counts. */
int bw_wasi_fd_allocate(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_ALLOCATE, &f);

	(void)inst;
	if (e != BW_ESUCCESS)
		return e;
	if (a[2] == 0 || a[1] > INT64_MAX || a[2] > INT64_MAX - a[1])
		return BW_EINVAL;
	if (a[2] > bw_storage_left(w))
		return BW_ENOSPC;
	if (fallocate(f->host, 0, (off_t)a[1], (off_t)a[2]) < 0)
		return bw_wasi_last_errno();
	w->counts.storage_bytes += a[2];
	return BW_ESUCCESS;
}
