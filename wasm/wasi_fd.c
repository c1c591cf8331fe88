/* SPDX-License-Identifier: MIT */
/* The guest's table of descriptors, their flags and rights. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

enum bw_filetype bw_filetype_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return BW_FT_REG;
	case S_IFDIR:
		return BW_FT_DIR;
	case S_IFLNK:
		return BW_FT_LINK;
	case S_IFCHR:
		return BW_FT_CHAR;
	case S_IFBLK:
		return BW_FT_BLOCK;
	case S_IFSOCK:
		return BW_FT_SOCK;
	default:
		return BW_FT_UNKNOWN; /* there is no number for a pipe */
	}
}

/* --- the table ------------------------------------------------------------ */

enum bw_wasi_errno bw_fd_get(struct bw_wasi *w, uint64_t fd, uint64_t need,
			     struct bw_fd **ret_fd)
{
	if (fd >= w->max_fds || w->fds[fd].host < 0)
		return BW_EBADF;
	if ((w->fds[fd].base & need) != need)
		return BW_ENOTCAPABLE;
	*ret_fd = &w->fds[fd];
	return BW_ESUCCESS;
}

int bw_fd_free_slot(const struct bw_wasi *w)
{
	uint32_t i;

	for (i = 0; i < w->max_fds; i++)
		if (w->fds[i].host < 0)
			return (int)i;
	return -1;
}

void bw_fd_put(struct bw_wasi *w, uint32_t slot, const struct bw_fd *fd)
{
	w->fds[slot] = *fd;
	w->open_fds++;
	if (w->open_fds > w->counts.peak_fds)
		w->counts.peak_fds = w->open_fds;
}

void bw_fd_close(struct bw_wasi *w, struct bw_fd *fd)
{
	close(fd->host);
	free(fd->preopen);
	*fd = (struct bw_fd){ .host = -1 };
	w->open_fds--;
}

int bw_wasi_fd_close(struct bw_wasi *w, struct bw_instance *inst,
		     const uint64_t *a)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], 0, &f);

	(void)inst;
	if (e == BW_ESUCCESS)
		bw_fd_close(w, f);
	return e;
}

int bw_wasi_fd_renumber(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	struct bw_fd *from, *to;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], 0, &from);

	(void)inst;
	if (e == BW_ESUCCESS)
		e = bw_fd_get(w, a[1], 0, &to);
	if (e != BW_ESUCCESS || from == to)
		return e;
	bw_fd_close(w, to);
	*to = *from;
	*from = (struct bw_fd){ .host = -1 };
	return BW_ESUCCESS;
}

/* --- preopens ------------------------------------------------------------- */

static enum bw_wasi_errno preopen(struct bw_wasi *w, uint64_t fd,
				  struct bw_fd **ret_fd)
{
	enum bw_wasi_errno e = bw_fd_get(w, fd, 0, ret_fd);

	/* Programs count up until they hear this. */
	return e == BW_ESUCCESS && (*ret_fd)->preopen == NULL ? BW_EBADF : e;
}

int bw_wasi_fd_prestat_get(struct bw_wasi *w, struct bw_instance *inst,
			   const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[1], BW_PRESTAT_BYTES);
	struct bw_fd *f;
	enum bw_wasi_errno e = preopen(w, a[0], &f);

	if (e != BW_ESUCCESS)
		return e;
	if (to == NULL)
		return BW_EFAULT;
	bw_put32(to, 0); /* a directory: there is no other kind */
	bw_put32(to + 4, strlen(f->preopen));
	return BW_ESUCCESS;
}

int bw_wasi_fd_prestat_dir_name(struct bw_wasi *w, struct bw_instance *inst,
				const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[1], a[2]);
	struct bw_fd *f;
	enum bw_wasi_errno e = preopen(w, a[0], &f);

	if (e != BW_ESUCCESS)
		return e;
	if (to == NULL)
		return BW_EFAULT;
	if (a[2] < strlen(f->preopen))
		return BW_ENAMETOOLONG;
	memcpy(to, f->preopen, strlen(f->preopen));
	return BW_ESUCCESS;
}

/* --- flags and rights ----------------------------------------------------- */

int bw_wasi_fd_fdstat_get(struct bw_wasi *w, struct bw_instance *inst,
			  const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[1], BW_FDSTAT_BYTES);
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], 0, &f);

	if (e != BW_ESUCCESS)
		return e;
	if (to == NULL)
		return BW_EFAULT;
	memset(to, 0, BW_FDSTAT_BYTES);
	to[0] = (uint8_t)f->type;
	bw_put(to + 2, &f->flags, sizeof(f->flags));
	bw_put64(to + 8, f->base);
	bw_put64(to + 16, f->inheriting);
	return BW_ESUCCESS;
}

/* The kernel changes only these two after opening. */
#define SETTABLE (BW_FDF_APPEND | BW_FDF_NONBLOCK)

static enum bw_wasi_errno set_flags(struct bw_fd *f, uint16_t flags)
{
	int now;

	if ((flags ^ f->flags) & ~SETTABLE)
		return BW_ENOTSUP;
	if (f->type == BW_FT_DIR) /* nothing is read or written by it */
		return flags == f->flags ? BW_ESUCCESS : BW_EBADF;
	now = fcntl(f->host, F_GETFL);
	if (now < 0)
		return bw_wasi_last_errno();
	now &= ~(O_APPEND | O_NONBLOCK);
	if (flags & BW_FDF_APPEND)
		now |= O_APPEND;
	if (flags & BW_FDF_NONBLOCK)
		now |= O_NONBLOCK;
	if (fcntl(f->host, F_SETFL, now) < 0)
		return bw_wasi_last_errno();
	f->flags = flags;
	return BW_ESUCCESS;
}

int bw_wasi_fd_fdstat_set_flags(struct bw_wasi *w, struct bw_instance *inst,
				const uint64_t *a)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_FDSTAT_SET_FLAGS, &f);

	(void)inst;
	if (e != BW_ESUCCESS)
		return e;
	if (a[1] & ~(uint64_t)BW_FDF_ALL)
		return BW_EINVAL;
	if (!f->stream)
		return set_flags(f, (uint16_t)a[1]);
	/* The open file is shared with the shell: waiting is ours to decide,
	 * nothing else is changed. */
	if (a[1] & ~(uint64_t)BW_FDF_NONBLOCK)
		return BW_ENOTSUP;
	f->flags = (uint16_t)a[1];
	return BW_ESUCCESS;
}

int bw_wasi_fd_fdstat_set_rights(struct bw_wasi *w, struct bw_instance *inst,
				 const uint64_t *a)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], 0, &f);

	(void)inst;
	if (e != BW_ESUCCESS)
		return e;
	if ((a[1] & ~f->base) != 0 || (a[2] & ~f->inheriting) != 0)
		return BW_ENOTCAPABLE;
	f->base = a[1];
	f->inheriting = a[2];
	return BW_ESUCCESS;
}
