/* SPDX-License-Identifier: MIT */
/*
 * A module into the store, its digest into its grants. Each file is written
 * beside the old one and takes its place at once; until both are there the
 * command is refused, and never another module run in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/ctl/wasm.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/trust.h"

#define FILE_MAX_BYTES (64u * 1024u * 1024u)

static const char template[] =
	"bvisor-wasm 1\n"
	"# What the command %s of bvisor-wasm is and may do; see "
	"bvisor-wasm.d(5).\n"
	"# As it is: no file, no directory, no standard input, ordinary "
	"limits.\n"
	"[module]\n"
	"digest = %s\n";

static int read_file(const char *path, char **ret, size_t *ret_len,
		     struct bv_err *err)
{
	bv_auto_close int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
		return bv_fail(err, BV_E_CONF,
			       "%s: not a regular file of at most %u bytes",
			       path, FILE_MAX_BYTES);
	*ret = malloc((size_t)st.st_size + 1);
	if (*ret == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s", path);
	n = bvh_read_all(fd, *ret, (size_t)st.st_size);
	if (n < 0)
		return bv_fail_errno(err, errno, "%s", path);
	*ret_len = (size_t)n;
	return BV_OK;
}

/* Made where missing; then the same walk as a login's. */
static int open_own(const char *path, int *ret_fd, struct bv_err *err)
{
	char part[PATH_MAX];
	int code;

	for (const char *at = strchr(path + 1, '/');;
	     at = strchr(at + 1, '/')) {
		const size_t n = at ? (size_t)(at - path) : strlen(path);

		memcpy(part, path, n);
		part[n] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return bv_fail_errno(err, errno, "make '%s'", part);
		if (at == NULL)
			break;
	}
	code = bvh_trust_dir(path, ret_fd, err);
	if (code == BV_OK && *ret_fd < 0)
		code = bv_fail(err, BV_E_SYS, "'%s' is not there", path);
	return code;
}

static int replace(int dirfd, const char *name, const void *bytes, size_t len,
		   struct bv_err *err)
{
	bv_auto_close int fd = -1;
	char temporary[NAME_MAX];

	snprintf(temporary, sizeof(temporary), ".%.200s.new", name);
	if (unlinkat(dirfd, temporary, 0) != 0 && errno != ENOENT)
		return bv_fail_errno(err, errno, "%s", temporary);
	fd = openat(dirfd, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) != 0 ||
	    bvh_write_all(fd, bytes, len, 0) != 0 || fsync(fd) != 0 ||
	    renameat(dirfd, temporary, dirfd, name) != 0) {
		int saved = errno;

		unlinkat(dirfd, temporary, 0);
		return bv_fail_errno(err, saved, "write '%s'", name);
	}
	return BV_OK;
}

/* The text with its digest line another; malloc'ed. */
static char *with_digest(const char *text, const char *hex)
{
	char *made = malloc(strlen(text) + 128);
	size_t n = 0;

	if (made == NULL)
		return NULL;
	while (*text != '\0') {
		const char *end = strchr(text, '\n');
		const size_t len =
			end ? (size_t)(end - text) + 1 : strlen(text);
		const char *word = text + strspn(text, " \t");

		if (strncmp(word, "digest", 6) == 0 &&
		    word[6 + strspn(word + 6, " \t")] == '=') {
			n += (size_t)sprintf(made + n, "digest = %s\n", hex);
		} else {
			memcpy(made + n, text, len);
			n += len;
		}
		text += len;
	}
	made[n] = '\0';
	return made;
}

static int write_grant(int dirfd, const char *name, const char *hex,
		       bool *ret_new, struct bv_err *err)
{
	bv_auto_free char *before = NULL;
	bv_auto_free char *after = NULL;
	char file[BW_NAME_MAX + 8];
	size_t len = 0;
	int code;

	snprintf(file, sizeof(file), "%.*s.conf", (int)BW_NAME_MAX, name);
	code = bvh_trust_read(dirfd, file, file, BW_GRANT_FILE_MAX, &before,
			      &len, err);
	if (code != BV_OK)
		return code;
	*ret_new = before == NULL;
	if (before != NULL)
		after = with_digest(before, hex);
	else if (asprintf(&after, template, name, hex) < 0)
		after = NULL;
	if (after == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s", file);
	return replace(dirfd, file, after, strlen(after), err);
}

int bvh_wasm_add(const char *name, const char *file, struct bvh_wasm_facts *ret,
		 bool *ret_new, struct bv_err *err)
{
	bv_auto_free char *bytes = NULL;
	bv_auto_close int store = -1;
	bv_auto_close int grants = -1;
	char module[BW_NAME_MAX + 8];
	size_t len = 0;
	int code;

	if (!bw_name_valid(name, strlen(name)))
		return bv_fail(err, BV_E_INVAL,
			       "'%s' is no name of a command: "
			       "[a-z0-9][a-z0-9._-]*, at most %u letters",
			       name, BW_NAME_MAX);
	snprintf(module, sizeof(module), "%s.wasm", name);
	code = read_file(file, &bytes, &len, err);
	if (code == BV_OK) {
		code = bvh_wasm_examine(bytes, len, ret, err);
		if (code != BV_OK)
			return bv_ctx(err, "%s", file);
	}
	if (code == BV_OK)
		code = open_own(BV_WASM_STORE, &store, err);
	if (code == BV_OK)
		code = open_own(BWS_CONFIG_DIR "/" BWS_GRANTS, &grants, err);
	if (code == BV_OK)
		code = replace(store, module, bytes, len, err);
	if (code == BV_OK)
		code = write_grant(grants, name, ret->sha256_hex, ret_new, err);
	return code;
}
