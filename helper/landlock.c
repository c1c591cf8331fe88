/* SPDX-License-Identifier: MIT */
/*
 * The landlock ruleset of one session: the policy's rules, the base profile,
 * the plumbing, the private directories. Everything the running kernel can
 * handle is handled, so that what no rule grants is denied.
 */
#include "helper/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/path.h"
#include "helper/plumbing.h"
#include "helper/red.h"
#include "helper/sys.h"

/* What landlock takes for a file that is no directory. */
#define FILE_RIGHTS                                                            \
	(BVH_LL_FS_EXECUTE | BVH_LL_FS_WRITE_FILE | BVH_LL_FS_READ_FILE |      \
	 BVH_LL_FS_TRUNCATE | BVH_LL_FS_IOCTL_DEV)

#define READ_RIGHTS (BVH_LL_FS_READ_FILE | BVH_LL_FS_READ_DIR)

/* Never MAKE_CHAR and MAKE_BLOCK: a device node is a way around every rule.
 * REFER with it, or no rename and link between directories (ABI 2). */
#define WRITE_RIGHTS                                                           \
	(READ_RIGHTS | BVH_LL_FS_WRITE_FILE | BVH_LL_FS_REMOVE_DIR |           \
	 BVH_LL_FS_REMOVE_FILE | BVH_LL_FS_MAKE_DIR | BVH_LL_FS_MAKE_REG |     \
	 BVH_LL_FS_MAKE_SOCK | BVH_LL_FS_MAKE_FIFO | BVH_LL_FS_MAKE_SYM |      \
	 BVH_LL_FS_REFER | BVH_LL_FS_TRUNCATE)

#define DEVICE_RIGHTS                                                          \
	(READ_RIGHTS | BVH_LL_FS_WRITE_FILE | BVH_LL_FS_TRUNCATE |             \
	 BVH_LL_FS_IOCTL_DEV)

static const uint64_t grant_rights[BVH_GRANT_N] = {
	[BVH_GRANT_LIST] = BVH_LL_FS_READ_DIR,
	[BVH_GRANT_READ] = READ_RIGHTS,
	[BVH_GRANT_EXEC] = READ_RIGHTS | BVH_LL_FS_EXECUTE,
	[BVH_GRANT_WRITE] = WRITE_RIGHTS,
	[BVH_GRANT_DEVICE] = DEVICE_RIGHTS,
	[BVH_GRANT_CLOSED] = WRITE_RIGHTS,
};

struct builder {
	const struct bv_spec *spec;
	uint64_t handled;
	uint64_t handled_net;
	int ruleset_fd;
	size_t rules;
};

static uint64_t handled_rights(int abi)
{
	uint64_t fs = BVH_LL_FS_REFER - 1; /* ABI 1: the bits below */

	if (abi >= 2)
		fs |= BVH_LL_FS_REFER;
	if (abi >= 3)
		fs |= BVH_LL_FS_TRUNCATE;
	if (abi >= 5)
		fs |= BVH_LL_FS_IOCTL_DEV;
	return fs;
}

/* The second layer of an allow list, for tcp: a port of one's own choice is
 * bound by nobody, and connects go to the list's ports, unless it names all. */
static uint64_t handled_ports(const struct bv_spec *spec)
{
	uint64_t net = BVH_LL_NET_BIND_TCP | BVH_LL_NET_CONNECT_TCP;

	if (spec->network != BV_NETWORK_LIST || bvh_red("landlock-ports"))
		return 0;
	for (size_t i = 0; i < spec->net.n; i++)
		if (spec->net.peer[i].proto == BV_NET_TCP &&
		    spec->net.peer[i].port == 0)
			net &= ~BVH_LL_NET_CONNECT_TCP;
	return net;
}

static int ruleset_create(struct builder *b, int abi, struct bv_err *err)
{
	struct bvh_ll_ruleset_attr attr = {
		.handled_access_fs = handled_rights(abi),
	};

	if (abi >= 4)
		attr.handled_access_net = handled_ports(b->spec);
	b->handled_net = attr.handled_access_net;
	if (abi >= 6 && !bvh_red("scope"))
		attr.scoped = BVH_LL_SCOPE_ABSTRACT_UNIX | BVH_LL_SCOPE_SIGNAL;
	b->handled = attr.handled_access_fs;
	b->ruleset_fd = bvh_sys_landlock_create(&attr, sizeof(attr), 0);
	if (b->ruleset_fd < 0)
		return bv_fail_errno(err, errno, "landlock_create_ruleset");
	return BV_OK;
}

static int rule_add(struct builder *b, int fd, uint64_t rights,
		    const char *path, struct bv_err *err)
{
	struct bvh_ll_path_beneath rule = { .parent_fd = fd };
	struct stat st;

	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	if (!S_ISDIR(st.st_mode))
		rights &= FILE_RIGHTS;
	rule.allowed_access = rights & b->handled;
	if (rule.allowed_access == 0)
		return BV_OK;
	if (bvh_sys_landlock_add(b->ruleset_fd, BVH_LL_RULE_PATH_BENEATH, &rule,
				 0) != 0)
		return bv_fail_errno(err, errno, "landlock rule for '%s'",
				     path);
	b->rules++;
	return BV_OK;
}

/* What a base profile names and this machine lacks is no fault: less is
 * granted. */
static int add_if_there(struct builder *b, const char *path, uint64_t rights,
			struct bv_err *err)
{
	bv_auto_close int fd = -1;
	int rc = bvh_path_open_usable(path, &fd, err);

	if (rc != BV_OK || fd < 0)
		return rc;
	return rule_add(b, fd, rights, path, err);
}

static uint64_t policy_rights(uint32_t rights)
{
	uint64_t ll = 0;

	if ((rights & BV_FS_READ) != 0)
		ll |= READ_RIGHTS;
	if ((rights & BV_FS_WRITE) != 0)
		ll |= WRITE_RIGHTS;
	if ((rights & BV_FS_EXEC) != 0)
		ll |= READ_RIGHTS | BVH_LL_FS_EXECUTE;
	return ll;
}

static int add_policy_rule(struct builder *b, const struct bv_fs_rule *rule,
			   struct bv_err *err)
{
	const char *file = b->spec->policy->path;
	bv_auto_close int fd = -1;
	int rc;

	if ((rule->rights & BV_FS_HIDE) != 0)
		return BV_OK;
	rc = bvh_path_open_rule(file, rule, b->spec->subject, &fd, err);
	if (rc != BV_OK || fd < 0)
		return rc;
	rc = rule_add(b, fd, policy_rights(rule->rights), rule->path, err);
	if (rc != BV_OK)
		(void)bv_ctx(err, "%s:%u", file, rule->line);
	return rc;
}

/* A directory that ordinary permissions keep everybody but root out of. */
static bool is_closed(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	       (st.st_mode & 077) == 0;
}

/* What bvisor-shell executes, when it is the account's shell. */
static int add_real_shell(struct builder *b, struct bv_err *err)
{
	const char *all[] = { "/bin/bash", "/bin/sh" };
	const char *stated = b->spec->policy->shell;
	int rc = BV_OK;

	if (strcmp(b->spec->subject->shell, BV_SHELL_PATH) != 0)
		return BV_OK;
	if (stated != NULL)
		return add_if_there(b, stated, grant_rights[BVH_GRANT_EXEC],
				    err);
	for (size_t i = 0; i < BV_LEN(all) && rc == BV_OK; i++)
		rc = add_if_there(b, all[i], grant_rights[BVH_GRANT_EXEC], err);
	return rc;
}

/* The one program of a wasm session, and what it reads before it confines
 * itself: its commands, descriptions of terminals. */
static int add_wasm(struct builder *b, struct bv_err *err)
{
	static const struct {
		const char *path;
		enum bvh_grant grant;
	} rows[] = {
		{ BV_WASM_PATH, BVH_GRANT_EXEC },
		{ BV_WASM_STORE, BVH_GRANT_READ },
		{ "/etc/bvisor/wasm.conf", BVH_GRANT_READ },
		{ "/etc/bvisor/wasm.d", BVH_GRANT_READ },
		{ "/proc", BVH_GRANT_READ }, /* which session it stands in */
		{ "/etc/terminfo", BVH_GRANT_READ },
		{ "/usr/share/terminfo", BVH_GRANT_READ },
	};
	int rc = BV_OK;

	if (b->spec->workload != BV_WORKLOAD_WASM)
		return BV_OK;
	for (size_t i = 0; i < BV_LEN(rows) && rc == BV_OK; i++)
		rc = add_if_there(b, rows[i].path, grant_rights[rows[i].grant],
				  err);
	return rc;
}

static int add_plumbing(struct builder *b, struct bv_err *err)
{
	const struct bv_subject *subject = b->spec->subject;
	enum bv_base base = b->spec->base;
	bv_auto_close int tty_fd = -1;
	char tty[128];
	int rc = BV_OK;

	for (size_t i = 0; i < bvh_plumbing_n && rc == BV_OK; i++) {
		const struct bvh_plumbing_row *row = &bvh_plumbing[i];

		if (bvh_plumbing_has(row, base) &&
		    (row->grant != BVH_GRANT_CLOSED || is_closed(row->path)))
			rc = add_if_there(b, row->path,
					  grant_rights[row->grant], err);
	}
	if (rc == BV_OK && base == BV_BASE_MINIMAL && subject->shell[0] == '/')
		rc = add_if_there(b, subject->shell,
				  grant_rights[BVH_GRANT_EXEC], err);
	if (rc == BV_OK && base == BV_BASE_MINIMAL)
		rc = add_real_shell(b, err);
	if (rc == BV_OK)
		rc = add_wasm(b, err);
	tty_fd = bvh_plumbing_tty_open(subject, tty, sizeof(tty));
	if (rc == BV_OK && tty_fd >= 0)
		rc = rule_add(b, tty_fd, DEVICE_RIGHTS, tty, err);
	return rc;
}

/* The session's own /tmp and the like: the view has put them there. */
static int add_private(struct builder *b, struct bv_err *err)
{
	char run_user[64];
	int rc = BV_OK;

	for (size_t i = 0; i < bvh_private_dirs_n && rc == BV_OK; i++) {
		const struct bvh_private_dir *dir = &bvh_private_dirs[i];

		if (b->spec->temp_private && !dir->always)
			rc = add_if_there(b, dir->path, WRITE_RIGHTS, err);
	}
	snprintf(run_user, sizeof(run_user), "/run/user/%u",
		 b->spec->subject->uid);
	if (rc == BV_OK)
		rc = add_if_there(b, run_user, WRITE_RIGHTS, err);
	return rc;
}

static int add_port(struct builder *b, uint64_t access, uint16_t port,
		    struct bv_err *err)
{
	const struct bvh_ll_net_port rule = {
		.allowed_access = access & b->handled_net,
		.port = port,
	};

	if (rule.allowed_access == 0)
		return BV_OK;
	if (bvh_sys_landlock_add(b->ruleset_fd, BVH_LL_RULE_NET_PORT, &rule,
				 0) != 0)
		return bv_fail_errno(err, errno, "landlock rule for port %u",
				     port);
	b->rules++;
	return BV_OK;
}

/* Port 0 to bind: one that the kernel chooses. */
static int add_ports(struct builder *b, struct bv_err *err)
{
	const struct bv_net_list *net = &b->spec->net;
	int rc = add_port(b, BVH_LL_NET_BIND_TCP, 0, err);

	for (size_t i = 0; i < net->n && rc == BV_OK; i++)
		if (net->peer[i].proto == BV_NET_TCP)
			rc = add_port(b, BVH_LL_NET_CONNECT_TCP,
				      net->peer[i].port, err);
	return rc;
}

static int add_all(struct builder *b, struct bv_err *err)
{
	int rc = BV_OK;

	if (bvh_red("landlock"))
		return add_if_there(b, "/", b->handled, err);
	for (size_t i = 0; i < b->spec->fs_n && rc == BV_OK; i++)
		rc = add_policy_rule(b, &b->spec->fs[i], err);
	if (rc == BV_OK)
		rc = add_plumbing(b, err);
	if (rc == BV_OK)
		rc = add_private(b, err);
	if (rc == BV_OK)
		rc = add_ports(b, err);
	return rc;
}

int bvh_landlock_build(const struct bv_spec *spec, int abi, int *ret_ruleset_fd,
		       size_t *ret_rules, struct bv_err *err)
{
	struct builder b = { .spec = spec, .ruleset_fd = -1 };
	int rc;

	if (abi < 1)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "landlock is not enabled in this kernel");
	rc = ruleset_create(&b, abi, err);
	if (rc == BV_OK)
		rc = add_all(&b, err);
	if (rc == BV_OK) {
		*ret_ruleset_fd = bvh_fd_take(&b.ruleset_fd);
		if (ret_rules != NULL)
			*ret_rules = b.rules;
	}
	bvh_close(&b.ruleset_fd);
	return rc;
}

int bvh_landlock_lend(int ruleset_fd, int abi, const struct bv_spec *spec,
		      const struct bvh_exposures *x, struct bv_err *err)
{
	struct builder b = { .spec = spec,
			     .handled = handled_rights(abi),
			     .ruleset_fd = ruleset_fd };
	int rc = BV_OK;

	for (size_t i = 0; i < x->n && rc == BV_OK; i++) {
		const struct bv_expose_rule *rule = &spec->expose[i];

		if (x->v[i].mount_fd >= 0)
			rc = rule_add(&b, x->v[i].mount_fd,
				      rule->write ? WRITE_RIGHTS : READ_RIGHTS,
				      rule->dest, err);
	}
	return rc;
}
