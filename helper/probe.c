/* SPDX-License-Identifier: MIT */
/*
 * The facts of this machine, at the cost of a login. What is cheap is done for
 * real: landlock is asked, seccomp actions are asked, the cgroup base was
 * found by using it. A network namespace costs a millisecond to make and the
 * login makes one anyway, so for root its three preconditions are read (kernel
 * support, the namespace limit, CAP_SYS_ADMIN) and the real one, should it
 * fail, refuses the session. An ordinary user's namespaces depend on sysctls,
 * LSMs and containers together: there a child tries.
 */
#include "helper/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/sys.h"

int bvh_probe_landlock_abi(void)
{
	int abi = bvh_sys_landlock_create(NULL, 0, BVH_LL_VERSION_FLAG);

	return abi < 0 ? 0 : abi;
}

static bool has_action(uint32_t action)
{
	return bvh_sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool has_seccomp_filter(void)
{
	return has_action(SECCOMP_RET_KILL_PROCESS) &&
	       has_action(SECCOMP_RET_ERRNO) && has_action(SECCOMP_RET_ALLOW);
}

/* CONTINUE (5.5) cannot be asked for; a kernel with cgroup.kill or landlock
 * (5.13) has it. */
static bool has_seccomp_notify(int landlock_abi)
{
	struct seccomp_notif_sizes sizes;

	return landlock_abi > 0 && has_action(SECCOMP_RET_USER_NOTIF) &&
	       bvh_sys_seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0;
}

/* CapEff in /proc/self/status: hexadecimal. */
static bool has_sys_admin(void)
{
	char text[4096];
	const char *line;
	uint64_t caps = 0;

	if (bvh_kernfs_read(AT_FDCWD, "/proc/self/status", text,
			    sizeof(text)) != 0)
		return false;
	line = strstr(text, "\nCapEff:\t");
	if (line == NULL)
		return false;
	for (line += strlen("\nCapEff:\t"); *line != '\n' && *line != '\0';
	     line++) {
		uint64_t digit = 0;

		if (*line >= '0' && *line <= '9')
			digit = (uint64_t)(*line - '0');
		else if (*line >= 'a' && *line <= 'f')
			digit = (uint64_t)(*line - 'a') + 10;
		else
			return false;
		caps = caps << 4 | digit;
	}
	return (caps >> CAP_SYS_ADMIN & 1) != 0;
}

static bool has_namespace(const char *name, const char *limit)
{
	char file[64], text[32];
	uint64_t max;

	snprintf(file, sizeof(file), "/proc/self/ns/%s", name);
	if (access(file, F_OK) != 0)
		return false;
	snprintf(file, sizeof(file), "/proc/sys/user/%s", limit);
	return bvh_kernfs_read(AT_FDCWD, file, text, sizeof(text)) == 0 &&
	       bvh_text_number(text, "", &max) && max > 0;
}

/* Does unshare(flags) work? Asked in a child, which then is gone. */
static bool can_unshare(int flags)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(unshare(flags) == 0 ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct namespaces {
	bool mount, net, user;
};

static void probe_namespaces(bool privileged, struct namespaces *ret)
{
	ret->user = has_namespace("user", "max_user_namespaces");
	ret->mount = has_namespace("mnt", "max_mnt_namespaces");
	ret->net = has_namespace("net", "max_net_namespaces");
	if (privileged)
		return;
	ret->user = ret->user && can_unshare(CLONE_NEWUSER);
	ret->mount = ret->mount && ret->user &&
		     can_unshare(CLONE_NEWUSER | CLONE_NEWNS);
	ret->net = ret->net && ret->user &&
		   can_unshare(CLONE_NEWUSER | CLONE_NEWNET);
}

struct text_fact {
	const char *key, *value;
};

struct bool_fact {
	const char *key;
	bool value;
};

static int set_facts(struct bv_snapshot *snap, const struct text_fact *texts,
		     size_t texts_n, const struct bool_fact *bools,
		     size_t bools_n, struct bv_err *err)
{
	int rc = BV_OK;

	for (size_t i = 0; i < texts_n && rc == BV_OK; i++)
		rc = bv_snapshot_set(snap, texts[i].key, texts[i].value, err);
	for (size_t i = 0; i < bools_n && rc == BV_OK; i++)
		rc = bv_snapshot_set_bool(snap, bools[i].key, bools[i].value,
					  err);
	return rc;
}

static void controllers(const struct bvh_cgroup_base *base, char *ret,
			size_t ret_len)
{
	snprintf(ret, ret_len, "%s%s%s%s", base->cpu ? "cpu " : "",
		 base->io ? "io " : "", base->memory ? "memory " : "",
		 base->pids ? "pids " : "");
	if (ret[0] != '\0')
		ret[strlen(ret) - 1] = '\0';
}

int bvh_probe(const struct bvh_cgroup_base *base, const char *exec_boundary,
	      struct bv_snapshot *ret, struct bv_err *err)
{
	bool privileged = geteuid() == 0 && has_sys_admin();
	bool based = base->source != BVH_BASE_NONE;
	int abi = bvh_probe_landlock_abi();
	struct bv_snapshot snap = { .n = 0 };
	struct namespaces ns;
	struct utsname uts;
	char ctrl[64];
	int rc;

	probe_namespaces(privileged, &ns);
	controllers(base, ctrl, sizeof(ctrl));
	if (uname(&uts) != 0)
		return bv_fail_errno(err, errno, "uname");

	const struct text_fact texts[] = {
		{ BV_FACT_CGROUP_BASE, based ? base->path : "" },
		{ BV_FACT_CGROUP_SOURCE, bvh_base_source_name(base->source) },
		{ BV_FACT_CGROUP_WHY, based ? "" : base->why },
		{ BV_FACT_CGROUP_CTRL, ctrl },
		{ BV_FACT_KERNEL, uts.release },
		{ BV_FACT_ARCH, uts.machine },
		{ BV_FACT_EXEC_BOUNDARY, exec_boundary },
		{ BV_FACT_BACKEND, "linux" },
	};
	const struct bool_fact bools[] = {
		{ BV_FACT_SECCOMP_FILTER, has_seccomp_filter() },
		{ BV_FACT_SECCOMP_NOTIFY, has_seccomp_notify(abi) },
		{ BV_FACT_CGROUP_KILL, base->kill },
		{ BV_FACT_CGROUP_PEAK, base->pids_peak },
		{ BV_FACT_NS_MOUNT, ns.mount },
		{ BV_FACT_NS_NET, ns.net },
		{ BV_FACT_NS_USER, ns.user },
		{ BV_FACT_PRIVILEGED, privileged },
		{ BV_FACT_SYSTEMD, access("/run/systemd/system", F_OK) == 0 },
	};

	rc = bv_snapshot_set_u64(&snap, BV_FACT_ABI_LANDLOCK, (uint64_t)abi,
				 err);
	if (rc == BV_OK)
		rc = bv_snapshot_set_u64(
			&snap, BV_FACT_CPUS,
			(uint64_t)sysconf(_SC_NPROCESSORS_CONF), err);
	if (rc == BV_OK)
		rc = set_facts(&snap, texts, BV_LEN(texts), bools,
			       BV_LEN(bools), err);
	if (rc == BV_OK)
		*ret = snap;
	return rc;
}
