/* SPDX-License-Identifier: MIT */
/* The run record on the disk, and the build it is of. */
#include "helper/qualification.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "core/digest.h"

#define FOLDER "qualification"
#define CHUNK  65536u

/* --- the build ------------------------------------------------------------- */

static const struct build_row {
	const char *name;
	const char *path;
} build_rows[] = {
	{ "helper", BV_HELPER_PATH },
	{ "module", BV_MODULE_PATH },
	{ "shell", BV_SHELL_PATH },
};
_Static_assert(BV_LEN(build_rows) == BVH_BUILD_FILES, "one row a file");

static uint64_t ns_of(const struct timespec *t)
{
	return t->tv_sec < 0 ? 0
			     : (uint64_t)t->tv_sec * 1000000000u +
				       (uint64_t)t->tv_nsec;
}

static void look(const struct stat *st, struct bvl_qualified_file *ret)
{
	ret->dev = (uint64_t)st->st_dev & INT64_MAX;
	ret->ino = (uint64_t)st->st_ino & INT64_MAX;
	ret->size = (uint64_t)st->st_size;
	ret->mtime_ns = ns_of(&st->st_mtim);
	ret->ctime_ns = ns_of(&st->st_ctim);
}

/* The change time is the kernel's own: only root could set it back, by setting
 * the clock back. */
static bool untouched(const struct bvl_qualified_file *a,
		      const struct bvl_qualified_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static const char *known_digest(const struct bvl_qualified *known,
				const struct bvl_qualified_file *f)
{
	for (size_t i = 0; known != NULL && i < known->files.n; i++) {
		const struct bvl_qualified_file *k = &known->files.v[i];

		if (strcmp(k->name, f->name) == 0 && untouched(k, f) &&
		    strlen(k->sha256) == 64)
			return k->sha256;
	}
	return NULL;
}

static int digest_file(int fd, const char *path, char ret[65],
		       struct bv_err *err)
{
	bv_auto_free uint8_t *buf = malloc(CHUNK);
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX sha;
	ssize_t n;

	if (buf == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s: read", path);
	SHA256Init(&sha);
	while ((n = read(fd, buf, CHUNK)) != 0) {
		if (n < 0 && errno != EINTR)
			return bv_fail_errno(err, errno, "%s: read", path);
		if (n > 0)
			SHA256Update(&sha, buf, (size_t)n);
	}
	SHA256Final(sum, &sha);
	bv_digest_hex(sum, ret);
	return BV_OK;
}

/* "/usr/libexec/bvisor-helper", or the helper that this very process is. */
static const char *running(const struct build_row *row)
{
	static const char self[] = "/proc/self/exe";
	const char *base = strrchr(row->path, '/');
	char link[PATH_MAX];
	ssize_t n = readlink(self, link, sizeof(link) - 1);
	const char *name;

	if (n <= 0 || strcmp(row->name, "helper") != 0)
		return row->path;
	link[n] = '\0';
	name = strrchr(link, '/');
	/* "… (deleted)" after an upgrade: it still is what runs. */
	return name != NULL && strncmp(name, base, strlen(base)) == 0
		       ? self
		       : row->path;
}

static int identify_one(const struct bvl_qualified *known, size_t i,
			struct bvh_build *b, struct bv_err *err)
{
	const char *path = running(&build_rows[i]);
	struct bvl_qualified_file *f = &b->file[i];
	bv_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *have;
	struct stat st;

	f->name = build_rows[i].name;
	f->sha256 = b->sha256[i];
	b->sha256[i][0] = '\0';
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return BV_OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s: open", path);
	if (!S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF, "%s: no regular file", path);
	look(&st, f);
	have = known_digest(known, f);
	if (have != NULL) {
		memcpy(b->sha256[i], have, 65);
		return BV_OK;
	}
	return digest_file(fd, path, b->sha256[i], err);
}

int bvh_build_identify(const struct bvl_qualified *known, struct bvh_build *ret,
		       struct bv_err *err)
{
	int code = BV_OK;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < BVH_BUILD_FILES && code == BV_OK; i++)
		code = identify_one(known, i, ret, err);
	if (code == BV_OK)
		bvl_build_digest(ret->file, BVH_BUILD_FILES, ret->digest);
	return code;
}

/* --- on the disk ----------------------------------------------------------- */

/* A release is the kernel's builder's text: what is no plain name becomes '_'. */
static int file_name(const char *release, char *ret, size_t ret_len,
		     struct bv_err *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-~_";

	if ((size_t)snprintf(ret, ret_len, "%s.json", release) >= ret_len ||
	    release[0] == '\0')
		return bv_fail(err, BV_E_LIMIT, "the kernel's release '%.100s'",
			       release);
	if (ret[0] == '.')
		ret[0] = '_';
	for (size_t at = strspn(ret, good); ret[at] != '\0';
	     at = strspn(ret, good))
		ret[at] = '_';
	return BV_OK;
}

static int open_folder(const char *state_dir, int *ret_fd, struct bv_err *err)
{
	bv_auto_close int fd = -1;
	int code = bvh_dir_make(AT_FDCWD, state_dir, 0700, state_dir, &fd, err);

	if (code == BV_OK)
		code = bvh_dir_make(fd, FOLDER, 0700, FOLDER, ret_fd, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "in '%s'", state_dir);
}

static int write_file(int dir, const char *name, char *json, struct bv_err *err)
{
	char temporary[NAME_MAX];
	bv_auto_close int fd = -1;
	size_t len = strlen(json);
	int code = BV_OK;

	snprintf(temporary, sizeof(temporary), ".%d.new", (int)getpid());
	(void)unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return bv_fail_errno(err, errno, "create '%s'", temporary);
	if (bvh_write_all(fd, json, len, 0) != 0 || fsync(fd) != 0)
		code = bv_fail_errno(err, errno, "write '%s'", temporary);
	else if (renameat(dir, temporary, dir, name) != 0)
		code = bv_fail_errno(err, errno, "rename to '%s'", name);
	else if (fsync(dir) != 0)
		return bv_fail_errno(err, errno, "fsync of the directory");
	if (code != BV_OK)
		(void)unlinkat(dir, temporary, 0);
	return code;
}

int bvh_qualified_store(const char *state_dir, const struct bvl_qualified *q,
			char ret_sha256[65], struct bv_err *err)
{
	bv_auto_free char *json = NULL;
	bv_auto_close int dir = -1;
	char name[NAME_MAX];
	int code = bvl_qualified_encode(q, &json, ret_sha256, err);

	if (code == BV_OK)
		code = file_name(q->kernel, name, sizeof(name), err);
	if (code == BV_OK)
		code = open_folder(state_dir, &dir, err);
	if (code == BV_OK)
		code = write_file(dir, name, json, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "the qualification");
}

/* Opened without following a link, root's and nobody else's to write. */
static int open_record(const char *state_dir, const char *name, int *ret_fd,
		       struct bv_err *err)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			 O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	bv_auto_close int top =
		open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bv_auto_close int fd = -1;
	char path[2 * NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	if (top >= 0)
		fd = bvh_sys_openat2(top, path, &how);
	if (fd < 0 && errno == ENOENT)
		return BV_OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s/%s: open", state_dir,
				     path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return bv_fail(err, BV_E_CONF,
			       "%s/%s: others than root can have written it",
			       state_dir, path);
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_qualified_load(const char *state_dir, struct bv_arena *arena,
		       struct bvl_qualified *ret, bool *ret_found,
		       struct bv_err *err)
{
	bv_auto_free char *bytes = malloc(BVL_QUALIFIED_BYTES_MAX + 1);
	bv_auto_close int fd = -1;
	char name[NAME_MAX];
	struct utsname uts;
	ssize_t len;
	int code;

	*ret_found = false;
	if (bytes == NULL || uname(&uts) != 0)
		return bv_fail(err, BV_E_NOMEM, "the qualification: read");
	code = file_name(uts.release, name, sizeof(name), err);
	if (code == BV_OK)
		code = open_record(state_dir, name, &fd, err);
	if (code != BV_OK || fd < 0)
		return code;
	len = bvh_read_all(fd, bytes, BVL_QUALIFIED_BYTES_MAX);
	if (len < 0)
		return bv_fail_errno(err, errno, "%s/" FOLDER "/%s: read",
				     state_dir, name);
	code = bvl_qualified_decode(arena, bytes, (size_t)len, ret, err);
	if (code != BV_OK)
		return bv_ctx(err, "%s/" FOLDER "/%s", state_dir, name);
	*ret_found = true;
	return BV_OK;
}

/* --- brought to bear ------------------------------------------------------- */

/* NULL: *q holds here. Else why it does not; *q may be NULL then. */
static const char *why_not(const struct bv_config *config,
			   struct bv_arena *arena, struct bvl_qualified *q,
			   struct bvh_build *build)
{
	struct bv_err err = { 0 };
	const char *differs;
	struct utsname uts;
	bool found = false;
	int code =
		bvh_qualified_load(config->state_dir, arena, q, &found, &err);

	if (code == BV_OK && !found)
		return "this machine has no qualification for its kernel";
	if (code == BV_OK)
		code = bvh_build_identify(q, build, &err);
	if (code == BV_OK && uname(&uts) != 0)
		code = bv_fail_errno(&err, errno, "uname");
	if (code != BV_OK) {
		const char *text = bv_arena_strdup(arena, err.msg);

		return text != NULL ? text : "its qualification is unreadable";
	}

	const struct bvl_here here = { uts.release, uts.version, uts.machine,
				       build->digest };

	differs = bvl_qualified_differs(q, &here);
	return differs;
}

void bvh_qualification_caps(const struct bv_config *config,
			    const struct bv_snapshot *snap,
			    struct bv_arena *arena, struct bv_caps *ret)
{
	const struct bvl_ledger *ledger = bvl_ledger_of(snap);
	struct bvl_qualified *q;
	struct bvh_build build;
	struct timespec now;
	const char *why;

	clock_gettime(CLOCK_REALTIME, &now);
	bvl_caps(ledger, snap,
		 now.tv_sec < 0 ? UINT64_MAX : (uint64_t)now.tv_sec, ret);
	if (!config->qualification_local)
		return;
	q = bv_arena_alloc(arena, sizeof(*q));
	why = q == NULL ? "no memory for its qualification"
			: why_not(config, arena, q, &build);
	bvl_qualified_cap(ledger, why == NULL ? q : NULL, why, ret);
}
