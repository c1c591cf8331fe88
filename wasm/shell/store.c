/* SPDX-License-Identifier: MIT */
/*
 * The module store: wasm.d/NAME.conf says what a command is, the store has its
 * bytes. Both are believed only where root alone can have written them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/plan.h"
#include "helper/fd.h"
#include "helper/sys.h"
#include "helper/trust.h"
#include "wasm/shell/shell.h"

#define SUFFIX     ".conf"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define ARENA_CAP  (32u * 1024u * 1024u)

void bws_store_init(struct bws_store *store)
{
	memset(store, 0, sizeof(*store));
	bv_arena_init(&store->arena, ARENA_CAP);
	store->modules_fd = -1;
}

void bws_store_done(struct bws_store *store)
{
	bvh_close(&store->modules_fd);
	for (size_t i = 0; i < store->mounts; i++)
		bvh_close(&store->mount[i].fd);
	bv_arena_done(&store->arena);
}

/* --- directories ----------------------------------------------------------- */

const char *bws_home(struct bv_arena *arena, const char *text)
{
	char *made = bv_arena_strdup(arena, text);
	size_t n = 0;

	for (const char *p = text; made != NULL && *p != '\0';) {
		const size_t len = strcspn(p, "/");

		if (len > 0 && !(len == 1 && p[0] == '.')) {
			if (n > 0 || text[0] == '/')
				made[n++] = '/';
			memcpy(made + n, p, len);
			n += len;
		}
		p += len + strspn(p + len, "/");
	}
	if (made != NULL && n == 0 && text[0] == '/')
		made[n++] = '/';
	if (made != NULL)
		made[n] = '\0';
	return made;
}

/* The rest of path below dir, or NULL. */
static const char *below(const char *dir, const char *path)
{
	const size_t n = strlen(dir);

	if (strncmp(dir, path, n) != 0)
		return NULL;
	if (path[n] == '\0')
		return ".";
	return path[n] == '/' ? path + n + 1 : NULL;
}

/* Below a directory that the user can write, a symbolic link is the user's
 * word. The way to the home directory is the administrator's. */
static int open_directory(const char *path, const struct bv_subject *who)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const size_t n = strlen(who->home);
	bv_auto_close int home = -1;

	if (n < 2 || strncmp(path, who->home, n) != 0 ||
	    (path[n] != '/' && path[n] != '\0'))
		return bvh_sys_openat2(AT_FDCWD, path, &how);
	home = open(who->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home < 0 || path[n] == '\0')
		return bvh_fd_take(&home);
	how.resolve |= RESOLVE_BENEATH;
	return bvh_sys_openat2(home, path + n + 1, &how);
}

/* What looks like files there reaches into processes and the kernel. */
static int check_kind(int fd, const char *path, struct bv_err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return bv_fail_errno(err, errno, "'%s': statfs", path);
	if (strcmp(path, "/") == 0 || fs.f_type == PROC_SUPER_MAGIC ||
	    fs.f_type == SYSFS_MAGIC || fs.f_type == DEBUGFS_MAGIC ||
	    fs.f_type == CGROUP2_SUPER_MAGIC || fs.f_type == BPF_FS_MAGIC)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is no place for a module: name the "
			       "directories with its files",
			       path);
	return BV_OK;
}

static int find_mount(struct bws_store *store, const char *path,
		      const struct bv_subject *who, size_t *ret,
		      struct bv_err *err)
{
	bv_auto_close int fd = -1;

	for (*ret = 0; *ret < store->mounts; (*ret)++)
		if (strcmp(store->mount[*ret].path, path) == 0)
			return BV_OK;
	if (store->mounts == BWS_MOUNTS_MAX)
		return bv_fail(err, BV_E_LIMIT,
			       "the commands name more than %u directories",
			       BWS_MOUNTS_MAX);
	fd = open_directory(path, who);
	if (fd < 0 && errno == ELOOP)
		return bv_fail(err, BV_E_CONF,
			       "'%s' has a symbolic link in it; write the path "
			       "it stands for",
			       path);
	if (fd < 0 && errno != ENOENT)
		return bv_fail_errno(err, errno, "'%s'", path);
	if (fd >= 0) {
		int code = check_kind(fd, path, err);

		if (code != BV_OK)
			return code;
	}
	store->mount[store->mounts++] = (struct bws_mount){
		.path = path,
		.fd = bvh_fd_take(&fd),
	};
	return BV_OK;
}

/* Grants add up, to landlock as to the module: what is only read below what is
 * written would be written all the same. path: of each of the directories. */
static int check_nesting(const struct bws_entry *e, const char *const *path,
			 struct bv_err *err)
{
	const struct bw_grant_dir *dir = e->grant.dir;

	for (size_t i = 0; i < e->grant.dirs; i++)
		for (size_t j = 0; j < e->grant.dirs; j++)
			if (!dir[i].writable && dir[j].writable &&
			    below(path[j], path[i]) != NULL)
				return bv_fail(err, BV_E_CONF,
					       "%s:%u: [files] read: '%s' lies "
					       "in '%s' of line %u, and could "
					       "be written as that can",
					       e->conf, dir[i].line, path[i],
					       path[j], dir[j].line);
	return BV_OK;
}

/* Without a subject as they are written. */
static int name_dirs(struct bws_store *store, const struct bws_entry *e,
		     const struct bv_subject *who, const char **path,
		     struct bv_err *err)
{
	for (size_t i = 0; i < e->grant.dirs; i++) {
		const struct bw_grant_dir *dir = &e->grant.dir[i];

		path[i] = dir->path;
		if (who != NULL && bv_expand_path(&store->arena, dir->path, who,
						  &path[i], err) != BV_OK)
			return bv_ctx(err, "%s:%u", e->conf, dir->line);
	}
	return check_nesting(e, path, err);
}

static int open_dirs(struct bws_store *store, struct bws_entry *e,
		     const struct bv_subject *who, const char *const *path,
		     struct bv_err *err)
{
	for (size_t i = 0; i < e->grant.dirs; i++) {
		const struct bw_grant_dir *dir = &e->grant.dir[i];
		size_t at = 0;
		int code = find_mount(store, path[i], who, &at, err);

		if (code == BV_OK && store->mount[at].fd < 0 && !dir->optional)
			code = bv_fail(err, BV_E_CONF, "'%s' does not exist",
				       path[i]);
		if (code != BV_OK)
			return bv_ctx(err, "%s:%u", e->conf, dir->line);
		if (store->mount[at].fd < 0)
			continue;
		store->mount[at].writable |= dir->writable;
		e->dir[e->dirs++] = (struct bws_dir){
			.mount = at,
			.writable = dir->writable,
		};
	}
	return BV_OK;
}

bool bws_is_builtin(const char *name)
{
#define NAME(name) name,
	static const char *const names[] = { BWS_BUILTINS(NAME) };
#undef NAME

	for (size_t i = 0; i < BV_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* --- grants ---------------------------------------------------------------- */

static int load_entry(struct bws_store *store, int dirfd, const char *file,
		      const struct bv_subject *who, struct bws_entry *e,
		      struct bv_err *err)
{
	const size_t len = strlen(file) - SUFFIX_LEN;
	bv_auto_free char *bytes = NULL;
	const char *path[BW_GRANT_DIRS_MAX];
	size_t bytes_n = 0;
	int code;

	e->name = bv_arena_strndup(&store->arena, file, len);
	e->conf = bv_arena_printf(&store->arena, "%s/%s/%s", BWS_CONFIG_DIR,
				  BWS_GRANTS, file);
	if (e->name == NULL || e->conf == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for commands");
	if (bw_name_valid(file, len))
		code = bvh_trust_read(dirfd, file, e->conf, BW_GRANT_FILE_MAX,
				      &bytes, &bytes_n, &e->why);
	else
		code = bv_fail(&e->why, BV_E_CONF,
			       "%s: a command is named [a-z0-9][a-z0-9._-]* "
			       "and has at most %u letters",
			       e->conf, BW_NAME_MAX);
	if (code == BV_OK && bytes == NULL)
		code = bv_fail(&e->why, BV_E_CONF, "%s: vanished", e->conf);
	if (code == BV_OK)
		code = bw_grant_parse(&store->arena, e->conf, bytes, bytes_n,
				      &e->grant, &e->why);
	if (code == BV_OK)
		code = name_dirs(store, e, who, path, &e->why);
	if (code == BV_OK && who != NULL)
		code = open_dirs(store, e, who, path, &e->why);
	e->broken = code != BV_OK;
	return BV_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct bws_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int load_entries(struct bws_store *store, int dirfd,
			const struct bv_subject *who, struct bv_err *err)
{
	int list = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = list < 0 ? NULL : fdopendir(list);
	const struct dirent *d;
	int code = BV_OK;

	if (dir == NULL) {
		bvh_close(&list);
		return bv_fail_errno(err, errno, "%s/%s: list", BWS_CONFIG_DIR,
				     BWS_GRANTS);
	}
	store->entry = bv_arena_alloc(&store->arena,
				      BW_COMMANDS_MAX * sizeof(*store->entry));
	if (store->entry == NULL)
		code = bv_fail(err, BV_E_NOMEM, "no memory for commands");
	while (code == BV_OK && (d = readdir(dir)) != NULL) {
		const size_t len = strlen(d->d_name);

		if (d->d_name[0] == '.' || len <= SUFFIX_LEN ||
		    strcmp(d->d_name + len - SUFFIX_LEN, SUFFIX) != 0)
			continue;
		if (store->n == BW_COMMANDS_MAX) {
			code = bv_fail(
				err, BV_E_LIMIT, "%s/%s: more than %u commands",
				BWS_CONFIG_DIR, BWS_GRANTS, BW_COMMANDS_MAX);
			break;
		}
		code = load_entry(store, dirfd, d->d_name, who,
				  &store->entry[store->n], err);
		store->n++;
	}
	closedir(dir);
	if (code == BV_OK)
		qsort(store->entry, store->n, sizeof(*store->entry), by_name);
	return code;
}

int bws_store_load(struct bws_store *store, const struct bv_subject *subject,
		   struct bv_err *err)
{
	static const char session[] = BWS_CONFIG_DIR "/" BWS_SESSION_FILE;
	bv_auto_free char *bytes = NULL;
	bv_auto_close int config = -1;
	size_t len = 0;
	int code = bvh_trust_dir(BV_WASM_STORE, &store->modules_fd, err);

	if (code == BV_OK)
		code = bvh_trust_dir(BWS_CONFIG_DIR, &config, err);
	if (code == BV_OK && config >= 0)
		code = bvh_trust_read(config, BWS_SESSION_FILE, session,
				      BW_GRANT_FILE_MAX, &bytes, &len, err);
	if (code == BV_OK)
		code = bw_session_grant_parse(session, bytes, len,
					      &store->session, err);
	if (code == BV_OK && config >= 0)
		code = bvh_trust_descend(&config, BWS_GRANTS,
					 BWS_CONFIG_DIR "/" BWS_GRANTS, true,
					 err);
	if (code != BV_OK || config < 0)
		return code;
	return load_entries(store, config, subject, err);
}

const struct bws_entry *bws_store_find(const struct bws_store *store,
				       const char *name)
{
	for (size_t i = 0; i < store->n; i++)
		if (strcmp(store->entry[i].name, name) == 0)
			return &store->entry[i];
	return NULL;
}

/* --- modules --------------------------------------------------------------- */

int bws_module_open(const struct bws_store *store,
		    const struct bws_entry *entry, int *ret_fd,
		    struct bv_err *err)
{
	char file[BW_NAME_MAX + sizeof(".wasm")];
	char shown[sizeof(BV_WASM_STORE) + sizeof(file)];
	bv_auto_close int fd = -1;
	struct stat st;
	int code = BV_OK;

	snprintf(file, sizeof(file), "%.*s.wasm", (int)BW_NAME_MAX,
		 entry->name);
	snprintf(shown, sizeof(shown), "%s/%s", BV_WASM_STORE, file);
	if (store->modules_fd >= 0)
		code = bvh_trust_file(store->modules_fd, file, shown,
				      entry->grant.module_bytes, &fd, &st, err);
	if (code == BV_OK && fd < 0)
		code = bv_fail(err, BV_E_CONF,
			       "%s: does not exist (bvisorctl wasm add)",
			       shown);
	if (code == BV_OK && st.st_nlink != 1)
		code = bv_fail(err, BV_E_CONF,
			       "%s: has %u names; a module has one", shown,
			       (unsigned int)st.st_nlink);
	if (code == BV_OK)
		*ret_fd = bvh_fd_take(&fd);
	return code;
}

/* pread: the offset is shared with whoever has the descriptor as well. */
static ssize_t read_whole(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len <= cap) {
		ssize_t n = pread(fd, buf + len, cap + 1 - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	errno = EFBIG;
	return -1;
}

int bws_module_read(int fd, const struct bws_entry *entry, void **ret,
		    size_t *ret_len, struct bv_err *err)
{
	bv_auto_free char *bytes = NULL;
	char hex[65];
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s.wasm: stat", entry->name);
	if (st.st_size < 0 || (uint64_t)st.st_size > entry->grant.module_bytes)
		return bv_fail(err, BV_E_LIMIT, "%s.wasm has grown",
			       entry->name);
	bytes = malloc((size_t)st.st_size + 1);
	if (bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for the module");
	len = read_whole(fd, bytes, (size_t)st.st_size);
	if (len < 0)
		return bv_fail_errno(err, errno, "%s.wasm: read", entry->name);
	bv_sha256_hex(bytes, (size_t)len, hex);
	if (strcmp(hex, entry->grant.sha256_hex) != 0)
		return bv_fail(err, BV_E_CONF,
			       "%s.wasm has another digest than %s says: it is "
			       "not the module that was admitted",
			       entry->name, entry->conf);
	*ret = bytes;
	*ret_len = (size_t)len;
	bytes = NULL;
	return BV_OK;
}

/* --- where a path lies ----------------------------------------------------- */

const struct bws_dir *bws_entry_dir(const struct bws_store *store,
				    const struct bws_entry *entry,
				    const char *path, const char **ret_rest)
{
	const struct bws_dir *deepest = NULL;
	size_t depth = 0;

	for (size_t i = 0; i < entry->dirs; i++) {
		const struct bws_dir *dir = &entry->dir[i];
		const char *at = store->mount[dir->mount].path;
		const char *rest = below(at, path);

		if (rest == NULL || (deepest && strlen(at) < depth))
			continue;
		deepest = dir;
		depth = strlen(at);
		*ret_rest = rest;
	}
	return deepest;
}
