/* SPDX-License-Identifier: MIT */
/* fd_readdir. A cookie is the kernel's own position in the directory. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

/* What one call fills in; it may end within an entry. */
struct filling {
	uint8_t *to;
	uint64_t size;
	uint64_t used;
};

static void put(struct filling *fill, const void *from, size_t n)
{
	uint64_t left = fill->size - fill->used;

	if (n > left)
		n = (size_t)left;
	memcpy(fill->to + fill->used, from, n);
	fill->used += n;
}

static enum bw_filetype type_of(unsigned char d_type)
{
	static const uint8_t types[] = {
		[DT_REG] = BW_FT_REG,   [DT_DIR] = BW_FT_DIR,
		[DT_LNK] = BW_FT_LINK,  [DT_CHR] = BW_FT_CHAR,
		[DT_BLK] = BW_FT_BLOCK, [DT_SOCK] = BW_FT_SOCK,
	};

	return d_type < BV_LEN(types) ? types[d_type] : BW_FT_UNKNOWN;
}

static void put_entry(struct filling *fill, const struct dirent64 *d,
		      uint64_t own_ino)
{
	size_t len = strlen(d->d_name);
	/* What lies above a directory is nothing the guest may know. */
	uint64_t ino = strcmp(d->d_name, "..") == 0 ? own_ino : d->d_ino;
	uint8_t head[BW_DIRENT_BYTES] = { 0 };

	bw_put64(head, (uint64_t)d->d_off);
	bw_put64(head + 8, ino);
	bw_put32(head + 16, len);
	head[20] = (uint8_t)type_of(d->d_type);
	put(fill, head, sizeof(head));
	put(fill, d->d_name, len);
}

/* Entries from the descriptor's position on, until fill is full. */
static enum bw_wasi_errno fill_in(int fd, struct filling *fill,
				  uint64_t own_ino)
{
	_Alignas(struct dirent64) char buf[4096];
	ssize_t n, at;

	while (fill->used < fill->size) {
		n = getdents64(fd, buf, sizeof(buf));
		if (n < 0)
			return bw_wasi_last_errno();
		if (n == 0)
			return BW_ESUCCESS;
		for (at = 0; at < n && fill->used < fill->size;) {
			const struct dirent64 *d = (const void *)(buf + at);

			put_entry(fill, d, own_ino);
			at += d->d_reclen;
		}
	}
	return BW_ESUCCESS;
}

int bw_wasi_fd_readdir(struct bw_wasi *w, struct bw_instance *inst,
		       const uint64_t *a)
{
	struct filling fill = { bw_memory_at(inst, a[1], a[2]), a[2], 0 };
	uint8_t *to = bw_memory_at(inst, a[4], 4);
	struct stat st;
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_READDIR, &f);

	if (e != BW_ESUCCESS)
		return e;
	if (f->type != BW_FT_DIR)
		return BW_ENOTDIR;
	if (fill.to == NULL || to == NULL)
		return BW_EFAULT;
	if (a[3] > INT64_MAX)
		return BW_EINVAL;
	if (fstat(f->host, &st) < 0 ||
	    lseek(f->host, (off_t)a[3], SEEK_SET) < 0)
		return bw_wasi_last_errno();
	e = fill_in(f->host, &fill, st.st_ino);
	if (e != BW_ESUCCESS)
		return e;
	bw_put32(to, fill.used);
	return bw_wasi_moved(inst, fill.used);
}
