/* SPDX-License-Identifier: MIT */
/*
 * /etc/bvisor from the disk, believed only where root alone can have written
 * it: every directory and file is opened once, by descriptor, without following
 * a symbolic link, and judged by fstat on what was opened. What fails becomes
 * a broken policy (it refuses whom it could match) or, for a directory or
 * bvisor.conf, an error that refuses everybody but uid 0.
 */
#include "helper/admission.h"

#include "helper/fd.h"
#include "helper/log.h"
#include "helper/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX ".conf"

/* --- policies ------------------------------------------------------------- */

static bool name_is_valid(const char *name, size_t len)
{
	if (len == 0 || len > BV_POLICY_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
			    c == '-';

		if (!fine)
			return false;
	}
	return true;
}

static bool is_policy_file(const char *file)
{
	size_t len = strlen(file);
	size_t suffix = sizeof(SUFFIX) - 1;

	return file[0] != '.' && len > suffix &&
	       strcmp(file + len - suffix, SUFFIX) == 0;
}

/* One file of the directory → one policy, broken or whole. */
static int load_policy(int dirfd, const char *dir, const char *file,
		       struct bv_arena *arena, struct bv_policy *ret,
		       struct bv_err *err)
{
	size_t name_len = strlen(file) - (sizeof(SUFFIX) - 1);
	const char *name = bv_arena_strndup(arena, file, name_len);
	const char *path = bv_arena_printf(arena, "%s/%s", dir, file);
	bv_auto_free char *bytes = NULL;
	struct bv_err why = { 0 };
	size_t len = 0;
	int code;

	if (name == NULL || path == NULL)
		return bv_fail(err, BV_E_NOMEM, "load '%s/%s'", dir, file);
	if (name_is_valid(file, name_len))
		code = bvh_trust_read(dirfd, file, path, BV_CONF_FILE_MAX,
				      &bytes, &len, &why);
	else
		code = bv_fail(&why, BV_E_CONF,
			       "%s: a policy file is named [A-Za-z0-9._-] and "
			       "at most %u bytes before .conf",
			       path, BV_POLICY_NAME_MAX);
	if (code == BV_OK && bytes == NULL)
		code = bv_fail(&why, BV_E_CONF,
			       "%s: vanished while it was read", path);
	if (code == BV_E_NOMEM) {
		*err = why;
		return code;
	}
	if (code != BV_OK) {
		bv_policy_init_broken(ret, name, path, &why);
		return BV_OK;
	}
	if (bv_policy_parse(arena, name, path, bytes, len, ret) != BV_OK)
		return bv_fail(err, BV_E_NOMEM,
			       "%s: too much to hold in memory", path);
	return BV_OK;
}

struct names {
	char *v[BV_POLICY_MAX];
	size_t n;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	names->n = 0;
}

/* Takes dirfd. */
static int list_names(int dirfd_taken, const char *shown, struct names *ret,
		      struct bv_err *err)
{
	DIR *dir = fdopendir(dirfd_taken);
	int code = BV_OK;

	if (dir == NULL) {
		bvh_close(&dirfd_taken);
		return bv_fail_errno(err, errno, "%s: list", shown);
	}
	for (;;) {
		const struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (e == NULL && errno != 0)
			code = bv_fail_errno(err, errno, "%s: list", shown);
		if (e == NULL)
			break;
		if (!is_policy_file(e->d_name))
			continue;
		if (ret->n == BV_POLICY_MAX) {
			code = bv_fail(err, BV_E_LIMIT,
				       "%s: more than %u policy files", shown,
				       BV_POLICY_MAX);
			break;
		}
		ret->v[ret->n] = strdup(e->d_name);
		if (ret->v[ret->n] == NULL) {
			code = bv_fail(err, BV_E_NOMEM, "%s: list", shown);
			break;
		}
		ret->n++;
	}
	closedir(dir);
	return code;
}

static int load_named(int dirfd, const char *shown, const struct names *names,
		      struct bv_arena *arena, struct bv_policy **ret_policies,
		      size_t *ret_n, struct bv_err *err)
{
	struct bv_policy *all;

	if (names->n == 0)
		return BV_OK;
	all = bv_arena_alloc(arena, names->n * sizeof(*all));
	if (all == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s: load", shown);
	for (size_t i = 0; i < names->n; i++) {
		int code = load_policy(dirfd, shown, names->v[i], arena,
				       &all[i], err);

		if (code != BV_OK)
			return code;
	}
	bv_policy_sort(all, names->n);
	*ret_policies = all;
	*ret_n = names->n;
	return BV_OK;
}

static int load_policies(int config_fd, const char *config_dir,
			 struct bv_arena *arena,
			 struct bv_policy **ret_policies, size_t *ret_n,
			 struct bv_err *err)
{
	char shown[PATH_MAX + 16];
	struct names names = { .n = 0 };
	bv_auto_close int dir = -1;
	int list = -1;
	int code;

	snprintf(shown, sizeof(shown), "%s/policies", config_dir);
	dir = fcntl(config_fd, F_DUPFD_CLOEXEC, 3);
	if (dir < 0)
		return bv_fail_errno(err, errno, "%s: open", shown);
	code = bvh_trust_descend(&dir, "policies", shown, true, err);
	if (code != BV_OK || dir < 0)
		return code;
	list = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (list < 0)
		return bv_fail_errno(err, errno, "%s: open", shown);
	code = list_names(list, shown, &names, err);
	if (code == BV_OK)
		code = load_named(dir, shown, &names, arena, ret_policies,
				  ret_n, err);
	names_done(&names);
	return code;
}

int bvh_config_load(const char *config_dir, struct bv_arena *arena,
		    struct bv_config *ret_config,
		    struct bv_policy **ret_policies, size_t *ret_n,
		    struct bv_err *err)
{
	bv_auto_free char *bytes = NULL;
	bv_auto_close int fd = -1;
	char shown[PATH_MAX + 16];
	size_t len = 0;
	int code = bvh_trust_dir(config_dir, &fd, err);

	if (ret_policies != NULL) {
		*ret_policies = NULL;
		*ret_n = 0;
	}
	snprintf(shown, sizeof(shown), "%s/bvisor.conf", config_dir);
	if (code == BV_OK && fd >= 0)
		code = bvh_trust_read(fd, "bvisor.conf", shown,
				      BV_CONF_FILE_MAX, &bytes, &len, err);
	if (code == BV_OK)
		code = bv_config_parse(arena, shown, bytes, len, ret_config,
				       err);
	if (code == BV_OK)
		(void)bvh_log_also_to(ret_config->syslog_socket);
	if (code != BV_OK || fd < 0 || ret_policies == NULL)
		return code;
	return load_policies(fd, config_dir, arena, ret_policies, ret_n, err);
}
