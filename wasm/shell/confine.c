/* SPDX-License-Identifier: MIT */
/*
 * Landlock and seccomp of the shell and, on top of them, of each command. The
 * layers only ever take away: a command has what its own layer, the shell's
 * and the session's all grant.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/red.h"
#include "wasm/shell/shell.h"

#define READ_RIGHTS (BVH_LL_FS_READ_FILE | BVH_LL_FS_READ_DIR)

/* What WASI can do to a directory: no node, socket or fifo is ever made. */
#define WRITE_RIGHTS                                                           \
	(READ_RIGHTS | BVH_LL_FS_WRITE_FILE | BVH_LL_FS_REMOVE_DIR |           \
	 BVH_LL_FS_REMOVE_FILE | BVH_LL_FS_MAKE_DIR | BVH_LL_FS_MAKE_REG |     \
	 BVH_LL_FS_MAKE_SYM | BVH_LL_FS_REFER | BVH_LL_FS_TRUNCATE)

static uint64_t handled_rights(int abi)
{
	uint64_t fs = BVH_LL_FS_REFER - 1;

	if (abi >= 2)
		fs |= BVH_LL_FS_REFER;
	if (abi >= 3)
		fs |= BVH_LL_FS_TRUNCATE;
	if (abi >= 5)
		fs |= BVH_LL_FS_IOCTL_DEV;
	return fs;
}

struct ruleset {
	int fd;
	uint64_t handled;
};

static int ruleset_make(struct ruleset *r, struct bv_err *err)
{
	struct bvh_ll_ruleset_attr attr = { 0 };
	const int abi = bvh_sys_landlock_create(NULL, 0, BVH_LL_VERSION_FLAG);

	/* ABI 1 lets no rename or link between directories through. */
	if (abi < 2)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "landlock is not there (ABI 2 is needed): boot "
			       "Linux 5.19 or newer with landlock in lsm=");
	attr.handled_access_fs = handled_rights(abi);
	if (abi >= 4)
		attr.handled_access_net =
			BVH_LL_NET_BIND_TCP | BVH_LL_NET_CONNECT_TCP;
	if (abi >= 6)
		attr.scoped = BVH_LL_SCOPE_ABSTRACT_UNIX | BVH_LL_SCOPE_SIGNAL;
	r->handled = attr.handled_access_fs;
	r->fd = bvh_sys_landlock_create(&attr, sizeof(attr), 0);
	return r->fd < 0 ? bv_fail_errno(err, errno, "landlock_create_ruleset")
			 : BV_OK;
}

static int ruleset_add(const struct ruleset *r, int fd, uint64_t rights,
		       struct bv_err *err)
{
	const struct bvh_ll_path_beneath rule = {
		.allowed_access = rights & r->handled,
		.parent_fd = fd,
	};

	if (bvh_sys_landlock_add(r->fd, BVH_LL_RULE_PATH_BENEATH, &rule, 0) !=
	    0)
		return bv_fail_errno(err, errno, "landlock_add_rule");
	return BV_OK;
}

static int ruleset_enter(struct ruleset *r, struct bv_err *err)
{
	int code = BV_OK;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    bvh_sys_landlock_restrict(r->fd, 0) != 0)
		code = bv_fail_errno(err, errno, "landlock_restrict_self");
	bvh_close(&r->fd);
	return code;
}

static int enter_filter(const struct bws_bpf *bpf, struct bv_err *err)
{
	struct sock_filter copy[BWS_BPF_MAX];
	struct sock_fprog prog = {
		.len = (unsigned short)bpf->n,
		.filter = copy,
	};

	memcpy(copy, bpf->insn, bpf->n * sizeof(copy[0]));
	if (bvh_sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return bv_fail_errno(err, errno, "seccomp");
	return BV_OK;
}

/* With it every readable mapping is executable, past any filter. */
static int check_personality(struct bv_err *err)
{
	const int now = personality(0xffffffff);

	if (now == -1 || (now & READ_IMPLIES_EXEC) != 0)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "personality %#x makes data executable",
			       (unsigned int)now);
	return BV_OK;
}

int bws_confine_shell(const struct bws_store *store, const struct bws_bpf *bpf,
		      struct bv_err *err)
{
	struct ruleset r = { .fd = -1 };
	int code = check_personality(err);

	if (code == BV_OK)
		code = ruleset_make(&r, err);
	if (code == BV_OK && store->modules_fd >= 0)
		code = ruleset_add(&r, store->modules_fd, READ_RIGHTS, err);
	for (size_t i = 0; i < store->mounts && code == BV_OK; i++)
		if (store->mount[i].fd >= 0)
			code = ruleset_add(&r, store->mount[i].fd,
					   store->mount[i].writable
						   ? WRITE_RIGHTS
						   : READ_RIGHTS,
					   err);
	if (code == BV_OK)
		code = ruleset_enter(&r, err);
	bvh_close(&r.fd);
	return code == BV_OK ? enter_filter(bpf, err) : code;
}

int bws_confine_files(const struct bws_store *store,
		      const struct bws_entry *entry, struct bv_err *err)
{
	struct ruleset r = { .fd = -1 };
	int code;

	if (bws_red(BWS_RED_LANDLOCK))
		return BV_OK;
	code = ruleset_make(&r, err);
	for (size_t i = 0; i < entry->dirs && code == BV_OK; i++) {
		uint64_t rights =
			entry->dir[i].writable ? WRITE_RIGHTS : READ_RIGHTS;

		if (!entry->grant.symlink)
			rights &= ~BVH_LL_FS_MAKE_SYM;
		code = ruleset_add(&r, store->mount[entry->dir[i].mount].fd,
				   rights, err);
	}
	if (code == BV_OK)
		code = ruleset_enter(&r, err);
	bvh_close(&r.fd);
	return code;
}

int bws_confine_calls(const struct bws_bpf *bpf, struct bv_err *err)
{
	if (bws_red(BWS_RED_SECCOMP))
		return BV_OK;
	return enter_filter(bpf, err);
}
