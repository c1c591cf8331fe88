/* SPDX-License-Identifier: MIT */
/* Names made, removed, renamed and read: both ends of each need their right. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

/* The place that (descriptor, path, length) names; its dir is the caller's to
 * close. */
static enum bw_wasi_errno place(struct bw_wasi *w, struct bw_instance *inst,
				uint64_t fd, uint64_t need, uint64_t at,
				uint64_t len, struct bw_place *ret_place)
{
	struct bw_path path;
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, fd, need, &f);

	if (e == BW_ESUCCESS && f->type != BW_FT_DIR)
		e = BW_ENOTDIR;
	if (e == BW_ESUCCESS)
		e = bw_path_copy(inst, at, len, &path);
	return e == BW_ESUCCESS ? bw_path_place(f->host, &path, ret_place) : e;
}

/* After the call: its error, or one more name counted. */
static enum bw_wasi_errno made(struct bw_wasi *w, int rc)
{
	if (rc < 0)
		return bw_wasi_last_errno();
	bw_storage_count_name(w);
	return BW_ESUCCESS;
}

int bw_wasi_path_create_directory(struct bw_wasi *w, struct bw_instance *inst,
				  const uint64_t *a)
{
	struct bw_place p;
	enum bw_wasi_errno e = place(w, inst, a[0], BW_R_PATH_CREATE_DIRECTORY,
				     a[1], a[2], &p);

	if (e != BW_ESUCCESS)
		return e;
	e = bw_storage_has_name(w)
		    ? made(w, mkdirat(p.dir, p.name, w->dir_mode))
		    : BW_ENOSPC;
	close(p.dir);
	return e;
}

static int remove_name(struct bw_wasi *w, struct bw_instance *inst,
		       const uint64_t *a, uint64_t need, int flags)
{
	struct bw_place p;
	enum bw_wasi_errno e = place(w, inst, a[0], need, a[1], a[2], &p);

	if (e != BW_ESUCCESS)
		return e;
	if (unlinkat(p.dir, p.name, flags) < 0)
		e = bw_wasi_last_errno();
	close(p.dir);
	return e;
}

int bw_wasi_path_remove_directory(struct bw_wasi *w, struct bw_instance *inst,
				  const uint64_t *a)
{
	return remove_name(w, inst, a, BW_R_PATH_REMOVE_DIRECTORY,
			   AT_REMOVEDIR);
}

int bw_wasi_path_unlink_file(struct bw_wasi *w, struct bw_instance *inst,
			     const uint64_t *a)
{
	return remove_name(w, inst, a, BW_R_PATH_UNLINK_FILE, 0);
}

int bw_wasi_path_rename(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	struct bw_place from, to;
	enum bw_wasi_errno e = place(w, inst, a[0], BW_R_PATH_RENAME_SOURCE,
				     a[1], a[2], &from);

	if (e != BW_ESUCCESS)
		return e;
	e = place(w, inst, a[3], BW_R_PATH_RENAME_TARGET, a[4], a[5], &to);
	if (e == BW_ESUCCESS) {
		if (renameat(from.dir, from.name, to.dir, to.name) < 0)
			e = bw_wasi_last_errno();
		close(to.dir);
	}
	close(from.dir);
	return e;
}

/* Links are never followed: a name for what lies elsewhere is no name here. A
 * trailing slash would follow one. */
static enum bw_wasi_errno link_place(struct bw_wasi *w,
				     const struct bw_place *from,
				     const struct bw_place *to)
{
	struct stat st;

	if (fstatat(from->dir, from->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return bw_wasi_last_errno();
	if (S_ISDIR(st.st_mode))
		return BW_EPERM;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return BW_ENOTSUP;
	if (!bw_storage_has_name(w))
		return BW_ENOSPC;
	return made(w, linkat(from->dir, from->name, to->dir, to->name, 0));
}

int bw_wasi_path_link(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	struct bw_place from, to;
	enum bw_wasi_errno e;

	if (!w->allow_link)
		return BW_ENOTSUP;
	if (a[1] != 0)
		return BW_EINVAL; /* following: see above */
	e = place(w, inst, a[0], BW_R_PATH_LINK_SOURCE, a[2], a[3], &from);
	if (e != BW_ESUCCESS)
		return e;
	e = place(w, inst, a[4], BW_R_PATH_LINK_TARGET, a[5], a[6], &to);
	if (e == BW_ESUCCESS) {
		e = from.slash ? BW_ENOTDIR : link_place(w, &from, &to);
		close(to.dir);
	}
	close(from.dir);
	return e;
}

int bw_wasi_path_symlink(struct bw_wasi *w, struct bw_instance *inst,
			 const uint64_t *a)
{
	struct bw_path target;
	struct bw_place p;
	enum bw_wasi_errno e;

	if (!w->allow_symlink)
		return BW_ENOTSUP;
	e = bw_path_copy(inst, a[0], a[1], &target);
	if (e != BW_ESUCCESS)
		return e;
	/* It would lead somebody else out. */
	if (target.text[0] == '/')
		return BW_ENOTCAPABLE;
	e = place(w, inst, a[2], BW_R_PATH_SYMLINK, a[3], a[4], &p);
	if (e != BW_ESUCCESS)
		return e;
	e = bw_storage_has_name(w)
		    ? made(w, symlinkat(target.text, p.dir, p.name))
		    : BW_ENOSPC;
	close(p.dir);
	return e;
}

/* A name with a slash behind it is no link. readlinkat would follow one there,
 * out of the preopened directory as well, and its error would say what any path
 * of the host is: so only the name itself is looked at. */
static enum bw_wasi_errno slashed(const struct bw_place *p)
{
	char name[PATH_MAX];
	struct stat st;

	memcpy(name, p->name, sizeof(name));
	name[strcspn(name, "/")] = '\0';
	if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return bw_wasi_last_errno();
	return S_ISDIR(st.st_mode) ? BW_EINVAL : BW_ENOTDIR;
}

int bw_wasi_path_readlink(struct bw_wasi *w, struct bw_instance *inst,
			  const uint64_t *a)
{
	char *to = bw_memory_at(inst, a[3], a[4]);
	uint8_t *used = bw_memory_at(inst, a[5], 4);
	char text[PATH_MAX];
	struct bw_place p;
	enum bw_wasi_errno e =
		place(w, inst, a[0], BW_R_PATH_READLINK, a[1], a[2], &p);
	ssize_t n = 0;

	if (e != BW_ESUCCESS)
		return e;
	if (p.slash)
		e = slashed(&p);
	else if ((n = readlinkat(p.dir, p.name, text, sizeof(text))) < 0)
		e = bw_wasi_last_errno();
	close(p.dir);
	if (e != BW_ESUCCESS)
		return e;
	if (to == NULL || used == NULL)
		return BW_EFAULT;
	if ((uint64_t)n > a[4])
		n = (ssize_t)a[4];
	memcpy(to, text, (size_t)n);
	bw_put32(used, (uint64_t)n);
	return BW_ESUCCESS;
}
