/* SPDX-License-Identifier: MIT */
/* Data: read, write, seek, sync. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

#define MAX_VECS 1024u

/* --- vectors -------------------------------------------------------------- */

struct vecs {
	struct iovec v[MAX_VECS];
	int n;
	uint64_t bytes;
};

/* n pairs of address and length at a guest address, each range checked. */
static enum bw_wasi_errno get_vecs(struct bw_instance *inst, uint64_t at,
				   uint64_t n, struct vecs *ret)
{
	const uint8_t *from;
	uint32_t i;

	if (n > MAX_VECS)
		return BW_EINVAL;
	from = bw_memory_at(inst, at, n * 8);
	if (from == NULL)
		return BW_EFAULT;
	ret->n = (int)n;
	ret->bytes = 0;
	for (i = 0; i < n; i++) {
		uint32_t len = bw_get32(from + 8 * (size_t)i + 4);
		void *base =
			bw_memory_at(inst, bw_get32(from + 8 * (size_t)i), len);

		if (base == NULL)
			return BW_EFAULT;
		ret->v[i] = (struct iovec){ base, len };
		ret->bytes += len;
	}
	return BW_ESUCCESS;
}

static void cut(struct vecs *vecs, uint64_t most)
{
	uint64_t bytes = 0;
	int i;

	for (i = 0; i < vecs->n && bytes < most; i++) {
		if (vecs->v[i].iov_len > most - bytes)
			vecs->v[i].iov_len = (size_t)(most - bytes);
		bytes += vecs->v[i].iov_len;
	}
	vecs->n = i;
	vecs->bytes = bytes;
}

/* --- streams that make wait ----------------------------------------------- */

static int suspend(struct bw_wasi *w, const struct bw_fd *f, short events)
{
	w->wait_fds[0] = (struct pollfd){ .fd = f->host, .events = events };
	w->nwait_fds = 1;
	w->wait_until_ns = 0;
	return BW_STOP(BW_HOST_SUSPEND);
}

/* Until a stream can move a byte: success, AGAIN or a stop. Files never make
 * wait. */
static int await(struct bw_wasi *w, const struct bw_fd *f, short events)
{
	struct pollfd p = { .fd = f->host, .events = events };
	bool never = (f->flags & BW_FDF_NONBLOCK) != 0;
	int ready;

	if (!f->stream || f->type == BW_FT_REG)
		return BW_ESUCCESS;
	if (!never && !f->suspends && w->interrupt == NULL &&
	    w->deadline_ns == 0)
		return BW_ESUCCESS; /* the call itself may wait */
	ready = bw_wait(w, &p, 1, never || f->suspends ? BW_NOW_NS : 0);
	if (ready != 0)
		return ready < 0 ? ready : BW_ESUCCESS;
	return never ? BW_EAGAIN : suspend(w, f, events);
}

/* After a call on a stream failed: the guest's error or a stop. */
static int stream_failed(struct bw_wasi *w, const struct bw_fd *f, short events)
{
	if (errno == EAGAIN && f->suspends && !(f->flags & BW_FDF_NONBLOCK))
		return suspend(w, f, events);
	if (errno == EINTR && w->interrupt != NULL && *w->interrupt != 0)
		return BW_STOP(BW_HOST_INTERRUPTED);
	if (errno == EPIPE && w->pipe_ends) {
		w->exit_code = 128 + SIGPIPE;
		return BW_STOP(BW_HOST_EXIT);
	}
	return bw_wasi_last_errno();
}

/* --- read ----------------------------------------------------------------- */

static int moved(struct bw_instance *inst, uint8_t *to, ssize_t n)
{
	bw_put32(to, (uint64_t)n);
	return bw_wasi_moved(inst, (uint64_t)n);
}

/* A read or a write: fd, vectors, their number; where the count goes. */
struct transfer {
	struct vecs vecs;
	struct bw_fd *f;
	uint8_t *to;
};

/* All that is checked before a byte moves. */
static int prepare(struct bw_wasi *w, struct bw_instance *inst,
		   const uint64_t *a, uint64_t need, uint64_t ret_at,
		   struct transfer *ret)
{
	enum bw_wasi_errno e = bw_fd_get(w, a[0], need, &ret->f);

	if (e == BW_ESUCCESS)
		e = get_vecs(inst, a[1], a[2], &ret->vecs);
	if (e != BW_ESUCCESS)
		return (int)e;
	ret->to = bw_memory_at(inst, ret_at, 4);
	return ret->to == NULL ? BW_EFAULT : BW_ESUCCESS;
}

/* offset < 0: at the descriptor's own. */
static int read_at(struct bw_wasi *w, struct bw_instance *inst,
		   const uint64_t *a, uint64_t need, uint64_t ret_at,
		   off_t offset)
{
	struct transfer t;
	ssize_t n;
	int e = prepare(w, inst, a, need, ret_at, &t);

	if (e == BW_ESUCCESS)
		e = await(w, t.f, POLLIN);
	if (e != BW_ESUCCESS)
		return e;
	n = offset < 0 ? readv(t.f->host, t.vecs.v, t.vecs.n)
		       : preadv(t.f->host, t.vecs.v, t.vecs.n, offset);
	return n < 0 ? stream_failed(w, t.f, POLLIN) : moved(inst, t.to, n);
}

int bw_wasi_fd_read(struct bw_wasi *w, struct bw_instance *inst,
		    const uint64_t *a)
{
	return read_at(w, inst, a, BW_R_FD_READ, a[3], -1);
}

int bw_wasi_fd_pread(struct bw_wasi *w, struct bw_instance *inst,
		     const uint64_t *a)
{
	if (a[3] > INT64_MAX)
		return BW_EINVAL;
	return read_at(w, inst, a, BW_R_FD_READ | BW_R_FD_SEEK, a[4],
		       (off_t)a[3]);
}

/* --- write ---------------------------------------------------------------- */

/* Cut what is to be written down to the budget; nothing left is the end of the
 * guest for streams, a full disk for files. */
static int within_budget(struct bw_wasi *w, const struct bw_fd *f,
			 struct vecs *vecs)
{
	uint64_t left = f->stream ? bw_output_left(w) : bw_storage_left(w);

	if (vecs->bytes <= left)
		return BW_ESUCCESS;
	if (left == 0 && !f->stream)
		return BW_ENOSPC;
	if (left == 0) {
		snprintf(w->stopped_by, sizeof(w->stopped_by),
			 "output limit of %llu bytes reached",
			 (unsigned long long)w->output_max);
		return BW_STOP(BW_HOST_TRAP);
	}
	cut(vecs, left);
	return BW_ESUCCESS;
}

static int write_at(struct bw_wasi *w, struct bw_instance *inst,
		    const uint64_t *a, uint64_t need, uint64_t ret_at,
		    off_t offset)
{
	struct transfer t;
	ssize_t n;
	int e = prepare(w, inst, a, need, ret_at, &t);

	if (e == BW_ESUCCESS)
		e = within_budget(w, t.f, &t.vecs);
	if (e == BW_ESUCCESS)
		e = await(w, t.f, POLLOUT);
	if (e != BW_ESUCCESS)
		return e;
	/* A pipe that is ready has room for this; more could wait without end,
	 * deaf to the flag. */
	if (t.f->stream && t.f->type != BW_FT_REG && w->interrupt != NULL)
		cut(&t.vecs, PIPE_BUF);
	n = offset < 0 ? writev(t.f->host, t.vecs.v, t.vecs.n)
		       : pwritev(t.f->host, t.vecs.v, t.vecs.n, offset);
	if (n < 0)
		return stream_failed(w, t.f, POLLOUT);
	*(t.f->stream ? &w->counts.output_bytes : &w->counts.storage_bytes) +=
		(uint64_t)n;
	return moved(inst, t.to, n);
}

int bw_wasi_fd_write(struct bw_wasi *w, struct bw_instance *inst,
		     const uint64_t *a)
{
	return write_at(w, inst, a, BW_R_FD_WRITE, a[3], -1);
}

int bw_wasi_fd_pwrite(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	if (a[3] > INT64_MAX)
		return BW_EINVAL;
	return write_at(w, inst, a, BW_R_FD_WRITE | BW_R_FD_SEEK, a[4],
			(off_t)a[3]);
}

/* --- position ------------------------------------------------------------- */

static int seek(struct bw_wasi *w, struct bw_instance *inst, uint64_t fd,
		uint64_t need, off_t offset, int whence, uint64_t ret_at)
{
	uint8_t *to = bw_memory_at(inst, ret_at, 8);
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, fd, need, &f);
	off_t at;

	/* What no right could make seekable. */
	if (e == BW_ENOTCAPABLE && w->fds[fd].stream)
		return BW_ESPIPE;
	if (e == BW_ENOTCAPABLE && w->fds[fd].type == BW_FT_DIR)
		return BW_EBADF;
	if (e != BW_ESUCCESS)
		return e;
	if (to == NULL)
		return BW_EFAULT;
	at = lseek(f->host, offset, whence);
	if (at < 0)
		return bw_wasi_last_errno();
	bw_put64(to, (uint64_t)at);
	return BW_ESUCCESS;
}

int bw_wasi_fd_seek(struct bw_wasi *w, struct bw_instance *inst,
		    const uint64_t *a)
{
	static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END };

	if (a[2] >= BV_LEN(whence))
		return BW_EINVAL;
	return seek(w, inst, a[0], BW_R_FD_SEEK, (off_t)a[1], whence[a[2]],
		    a[3]);
}

int bw_wasi_fd_tell(struct bw_wasi *w, struct bw_instance *inst,
		    const uint64_t *a)
{
	return seek(w, inst, a[0], BW_R_FD_TELL, 0, SEEK_CUR, a[1]);
}

/* --- sync, advise --------------------------------------------------------- */

int bw_wasi_fd_sync(struct bw_wasi *w, struct bw_instance *inst,
		    const uint64_t *a)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_SYNC, &f);

	(void)inst;
	if (e == BW_ESUCCESS && fsync(f->host) < 0)
		e = bw_wasi_last_errno();
	return e;
}

int bw_wasi_fd_datasync(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_DATASYNC, &f);

	(void)inst;
	if (e == BW_ESUCCESS && fdatasync(f->host) < 0)
		e = bw_wasi_last_errno();
	return e;
}

int bw_wasi_fd_advise(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	static const int advice[] = {
		POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
		POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE,
	};
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, a[0], BW_R_FD_ADVISE, &f);

	(void)inst;
	if (e == BW_ENOTCAPABLE && w->fds[a[0]].type == BW_FT_DIR)
		return BW_EBADF;
	if (e != BW_ESUCCESS)
		return e;
	if (a[1] > INT64_MAX || a[2] > INT64_MAX || a[3] >= BV_LEN(advice))
		return BW_EINVAL;
	return bw_wasi_errno_of(
		posix_fadvise(f->host, (off_t)a[1], (off_t)a[2], advice[a[3]]));
}
