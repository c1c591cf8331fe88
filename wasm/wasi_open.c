/* SPDX-License-Identifier: MIT */
/* path_open: what a guest may open, and with which rights it holds it. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

/* What must be granted when asked for; of the rest, what can be is: language
 * runtimes ask for all they know. */
#define DATA_RIGHTS                                                            \
	(BW_R_FD_READ | BW_R_FD_WRITE | BW_R_FD_ALLOCATE |                     \
	 BW_R_FD_FILESTAT_SET_SIZE)
#define WRITING (BW_R_FD_WRITE | BW_R_FD_ALLOCATE | BW_R_FD_FILESTAT_SET_SIZE)
#define SYNCING (BW_FDF_DSYNC | BW_FDF_RSYNC | BW_FDF_SYNC)

struct request {
	uint64_t follow;
	uint64_t oflags;
	uint64_t base;
	uint64_t inheriting;
	uint64_t fdflags;
};

static enum bw_wasi_errno sound(const struct request *r)
{
	if ((r->follow & ~(uint64_t)BW_LOOKUP_FOLLOW) ||
	    (r->oflags & ~(uint64_t)BW_O_ALL) ||
	    (r->fdflags & ~(uint64_t)BW_FDF_ALL))
		return BW_EINVAL;
	/* Linux has no word for it. */
	if ((r->oflags & BW_O_CREAT) && (r->oflags & BW_O_DIRECTORY))
		return BW_EINVAL;
	return BW_ESUCCESS;
}

/* Each flag that changes something needs its right. */
static enum bw_wasi_errno permitted(const struct bw_fd *dir,
				    const struct request *r)
{
	uint64_t need = BW_R_PATH_OPEN, inherit = r->base & DATA_RIGHTS;

	if (r->oflags & BW_O_CREAT)
		need |= BW_R_PATH_CREATE_FILE;
	if (r->oflags & BW_O_TRUNC)
		need |= BW_R_PATH_FILESTAT_SET_SIZE;
	if (r->fdflags & BW_FDF_APPEND)
		inherit |= r->base & BW_R_FD_WRITE;
	if (r->fdflags & SYNCING)
		inherit |= BW_R_FD_SYNC;
	if (r->fdflags & BW_FDF_DSYNC)
		inherit |= BW_R_FD_DATASYNC;
	if ((dir->base & need) != need ||
	    (dir->inheriting & inherit) != inherit)
		return BW_ENOTCAPABLE;
	return BW_ESUCCESS;
}

static uint64_t open_flags(const struct bw_fd *dir, const struct request *r)
{
	/* Never wait in open, never get a terminal. */
	uint64_t flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	uint64_t base = r->base & dir->inheriting;
	bool reads = (base & (BW_R_FD_READ | BW_R_FD_READDIR)) != 0;

	if (base & WRITING)
		flags |= reads ? O_RDWR : O_WRONLY;
	if (!(r->follow & BW_LOOKUP_FOLLOW))
		flags |= O_NOFOLLOW;
	if (r->oflags & BW_O_CREAT)
		flags |= O_CREAT;
	if (r->oflags & BW_O_EXCL)
		flags |= O_EXCL;
	if (r->oflags & BW_O_TRUNC)
		flags |= O_TRUNC;
	if (r->oflags & BW_O_DIRECTORY)
		flags |= O_DIRECTORY;
	if (r->fdflags & BW_FDF_APPEND)
		flags |= O_APPEND;
	if (r->fdflags & BW_FDF_DSYNC)
		flags |= O_DSYNC;
	if (r->fdflags & (BW_FDF_SYNC | BW_FDF_RSYNC))
		flags |= O_SYNC;
	return flags;
}

/* Files and directories; opening anything else may already do something. */
static enum bw_wasi_errno plain(int fd, enum bw_filetype *ret_type)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return bw_wasi_last_errno();
	*ret_type = bw_filetype_of(st.st_mode);
	if (*ret_type == BW_FT_LINK)
		return BW_ELOOP;
	return *ret_type == BW_FT_REG || *ret_type == BW_FT_DIR ? BW_ESUCCESS
								: BW_ENOTSUP;
}

/* What is there is looked at before it is opened, and again afterwards: others
 * may have put something else there. */
static int open_plain(struct bw_wasi *w, int dir, const char *path,
		      uint64_t flags, enum bw_filetype *ret_type,
		      enum bw_wasi_errno *ret_e)
{
	int fd = bw_path_resolve(
		dir, path, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW), 0, ret_e);
	bool makes = fd < 0 && *ret_e == BW_ENOENT && (flags & O_CREAT);

	if (fd >= 0) {
		*ret_e = plain(fd, ret_type);
		close(fd);
	}
	if (*ret_e != BW_ESUCCESS && !makes)
		return -1;
	if (makes && !bw_storage_has_name(w)) {
		*ret_e = BW_ENOSPC;
		return -1;
	}
	fd = bw_path_resolve(dir, path, flags,
			     flags & O_CREAT ? w->file_mode : 0, ret_e);
	if (fd < 0)
		return -1;
	if (makes)
		bw_storage_count_name(w);
	*ret_e = plain(fd, ret_type);
	if (*ret_e == BW_ESUCCESS)
		return fd;
	close(fd);
	return -1;
}

/* O_NONBLOCK was ours; it means nothing for a file but is shown. */
static void set_nonblock(int fd, uint64_t fdflags)
{
	int now = fcntl(fd, F_GETFL);

	if (now >= 0 && !(fdflags & BW_FDF_NONBLOCK))
		fcntl(fd, F_SETFL, now & ~O_NONBLOCK);
}

static void hold(struct bw_fd *fd, const struct bw_fd *dir,
		 const struct request *r)
{
	bool is_dir = fd->type == BW_FT_DIR;

	fd->base = r->base & dir->inheriting & (is_dir ? BW_R_DIR : BW_R_FILE);
	fd->inheriting = is_dir ? r->inheriting & dir->inheriting : 0;
	fd->flags = (uint16_t)r->fdflags;
}

int bw_wasi_path_open(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	const struct request r = { a[1], a[4], a[5], a[6], a[7] };
	uint8_t *to = bw_memory_at(inst, a[8], 4);
	struct bw_fd *dir, fd = { 0 };
	int slot = bw_fd_free_slot(w);
	struct bw_path path;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], 0, &dir);

	if (e == BW_ESUCCESS && dir->type != BW_FT_DIR)
		e = BW_ENOTDIR;
	if (e == BW_ESUCCESS)
		e = sound(&r);
	if (e == BW_ESUCCESS)
		e = permitted(dir, &r);
	if (e == BW_ESUCCESS)
		e = bw_path_copy(inst, a[2], a[3], &path);
	if (e == BW_ESUCCESS && to == NULL)
		e = BW_EFAULT;
	if (e == BW_ESUCCESS && slot < 0)
		e = BW_EMFILE;
	if (e != BW_ESUCCESS)
		return e;
	fd.host = open_plain(w, dir->host, path.text, open_flags(dir, &r),
			     &fd.type, &e);
	if (fd.host < 0)
		return e;
	set_nonblock(fd.host, r.fdflags);
	hold(&fd, dir, &r);
	bw_fd_put(w, (uint32_t)slot, &fd);
	bw_put32(to, (uint64_t)slot);
	return BW_ESUCCESS;
}
