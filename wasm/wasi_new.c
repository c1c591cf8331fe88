/* SPDX-License-Identifier: MIT */
/* From a configuration to the state of a guest, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "wasm/reader.h"
#include "wasm/wasi_internal.h"

#define DEFAULT_FDS     128u
#define DEFAULT_STEP_NS 1000000u
#define STREAMS         3u

static int copy_strings(const char *const *list, const char *what,
			struct bw_strings *ret, struct bv_err *err)
{
	size_t bytes = 0, i;
	char *p;

	for (i = 0; list != NULL && list[i] != NULL; i++) {
		bytes += strlen(list[i]) + 1;
		if (bytes > BW_WASI_MAX_STRINGS)
			return bv_fail(err, BV_E_LIMIT,
				       "%s of more than %u bytes", what,
				       BW_WASI_MAX_STRINGS);
	}
	ret->n = (uint32_t)i;
	ret->bytes = (uint32_t)bytes;
	ret->text = p = malloc(bytes + 1);
	if (p == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	for (i = 0; i < ret->n; i++)
		p = stpcpy(p, list[i]) + 1;
	return BV_OK;
}

/* --- streams -------------------------------------------------------------- */

static uint64_t stream_rights(unsigned flags, enum bw_filetype type)
{
	uint64_t rights = BW_R_FD_FILESTAT_GET | BW_R_FD_FDSTAT_SET_FLAGS;

	if (flags & BW_STREAM_READ)
		rights |= BW_R_FD_READ;
	if (flags & BW_STREAM_WRITE)
		rights |= BW_R_FD_WRITE | BW_R_FD_DATASYNC | BW_R_FD_SYNC;
	if (flags & (BW_STREAM_READ | BW_STREAM_WRITE))
		rights |= BW_R_POLL_FD_READWRITE;
	/* What a terminal has not: programs tell them apart by it. */
	if (type == BW_FT_REG && flags != 0)
		rights |= BW_R_FD_SEEK | BW_R_FD_TELL;
	return rights;
}

static int add_stream(struct bw_wasi *w, uint32_t slot,
		      const struct bw_wasi_stream *s, struct bv_err *err)
{
	struct bw_fd fd = { .stream = true };
	struct stat st;

	if (s->fd < 0)
		return BV_OK;
	if (fstat(s->fd, &st) < 0)
		return bv_fail_errno(err, errno, "stream %u", slot);
	if (S_ISDIR(st.st_mode))
		return bv_fail(err, BV_E_INVAL, "stream %u is a directory",
			       slot);
	fd.host = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (fd.host < 0)
		return bv_fail_errno(err, errno, "stream %u", slot);
	fd.type = bw_filetype_of(st.st_mode);
	fd.suspends = (s->flags & BW_STREAM_SUSPEND) != 0;
	fd.base =
		stream_rights(s->flags & ~(unsigned)BW_STREAM_SUSPEND, fd.type);
	w->suspends |= fd.suspends;
	bw_fd_put(w, slot, &fd);
	return BV_OK;
}

/* --- preopens ------------------------------------------------------------- */

/* Our own open file: its offset is nobody else's. */
static int open_again(int dir)
{
	enum bw_wasi_errno e;
	int fd = bw_path_resolve(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				 0, &e);

	/* A directory that may be passed but not listed. */
	if (fd < 0 && e == BW_EACCES)
		fd = bw_path_resolve(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC,
				     0, &e);
	return fd;
}

static int add_preopen(struct bw_wasi *w, uint32_t slot,
		       const struct bw_wasi_preopen *p, struct bv_err *err)
{
	uint64_t keep = p->writable ? BW_R_DIR | BW_R_FILE : BW_R_READING;
	struct bw_fd fd = {
		.type = BW_FT_DIR,
		.base = BW_R_DIR & keep,
		.inheriting = (BW_R_DIR | BW_R_FILE) & keep,
	};

	if (p->guest == NULL || p->guest[0] != '/' ||
	    strlen(p->guest) >= PATH_MAX)
		return bv_fail(err, BV_E_INVAL,
			       "preopen %u: its name is no absolute path",
			       slot - STREAMS);
	fd.host = open_again(p->fd);
	if (fd.host < 0)
		return bv_fail_errno(err, errno, "preopen '%s'", p->guest);
	fd.preopen = strdup(p->guest);
	if (fd.preopen == NULL) {
		close(fd.host);
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	}
	bw_fd_put(w, slot, &fd);
	return BV_OK;
}

/* --- all of it ------------------------------------------------------------ */

static void take_settings(struct bw_wasi *w, const struct bw_wasi_config *c)
{
	w->max_fds = c->max_fds == 0 ? DEFAULT_FDS : c->max_fds;
	w->clock = c->clock;
	w->clock_step_ns =
		c->clock_step_ns == 0 ? DEFAULT_STEP_NS : c->clock_step_ns;
	w->clock_start_ns = c->clock_start_ns;
	w->random = c->random;
	w->random_state = c->random_seed;
	w->allow_link = c->allow_link;
	w->allow_symlink = c->allow_symlink;
	w->output_max = c->output_bytes;
	w->storage_max = c->storage_bytes;
	w->file_mode = c->file_mode == 0 ? 0644 : c->file_mode & 0777;
	w->dir_mode = c->dir_mode == 0 ? 0755 : c->dir_mode & 0777;
	w->interrupt = c->interrupt;
	w->pipe_ends = c->pipe_ends;
	w->deadline_ns = c->deadline_ns;
}

static int build(struct bw_wasi *w, const struct bw_wasi_config *c,
		 struct bv_err *err)
{
	uint32_t i;

	take_settings(w, c);
	if (w->max_fds > BW_WASI_MAX_FDS || c->npreopens + STREAMS > w->max_fds)
		return bv_fail(err, BV_E_LIMIT,
			       "%zu preopens and %u descriptors: at most %u",
			       c->npreopens, w->max_fds, BW_WASI_MAX_FDS);
	w->fds = calloc(w->max_fds, sizeof(*w->fds));
	w->wait_fds = calloc(BW_WASI_MAX_SUBS, sizeof(*w->wait_fds));
	if (w->fds == NULL || w->wait_fds == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	for (i = 0; i < w->max_fds; i++)
		w->fds[i].host = -1;
	BW_TRY(copy_strings(c->argv, "arguments", &w->args, err));
	BW_TRY(copy_strings(c->envp, "an environment", &w->environ, err));
	for (i = 0; i < STREAMS; i++)
		BW_TRY(add_stream(w, i, &c->stream[i], err));
	for (i = 0; i < c->npreopens; i++)
		BW_TRY(add_preopen(w, STREAMS + i, &c->preopens[i], err));
	return BV_OK;
}

int bw_wasi_new(const struct bw_wasi_config *config, struct bw_wasi **ret_wasi,
		struct bv_err *err)
{
	struct bw_wasi *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	rc = build(w, config, err);
	if (rc != BV_OK) {
		bw_wasi_free(w);
		return rc;
	}
	*ret_wasi = w;
	return BV_OK;
}

void bw_wasi_free(struct bw_wasi *wasi)
{
	uint32_t i;

	if (wasi == NULL)
		return;
	for (i = 0; wasi->fds != NULL && i < wasi->max_fds; i++)
		if (wasi->fds[i].host >= 0)
			bw_fd_close(wasi, &wasi->fds[i]);
	free(wasi->fds);
	free(wasi->wait_fds);
	free(wasi->args.text);
	free(wasi->environ.text);
	free(wasi);
}
