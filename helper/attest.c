/* SPDX-License-Identifier: MIT */
/*
 * Step 9. Landlock shows itself nowhere in /proc; its witness is a trial: the
 * leader tries to open a file that no rule grants and the guardian is told
 * whether that was denied. The module says so itself, but it is the one that
 * was to be confined by it: a module that lies there runs unconfined code in
 * sshd already. Everything else is the kernel's own word.
 */
#include "helper/attest.h"

#include "core/num.h"
#include "helper/cgroup_mounts.h"
#include "helper/dir.h"
#include "helper/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STATUS_MAX 8192u

static int read_status(pid_t pid, char text[STATUS_MAX + 1], struct bv_err *err)
{
	char path[64];
	bv_auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	if (bvh_read_all(fd, text, STATUS_MAX) < 0)
		return bv_fail_errno(err, errno, "read '%s'", path);
	return BV_OK;
}

/* "\nKey:\tVALUE\n" → VALUE. The first line (Name:) is the process's own
 * text, escaped by the kernel, so a newline in it cannot forge a key. */
static int status_number(const char *status, const char *key, uint64_t *ret,
			 struct bv_err *err)
{
	char want[64];
	char value[24];
	const char *at;
	size_t len;

	snprintf(want, sizeof(want), "\n%s:\t", key);
	at = strstr(status, want);
	if (at == NULL)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "/proc shows no '%s' (Linux 5.10 or newer is "
			       "needed)",
			       key);
	at += strlen(want);
	len = strcspn(at, "\n");
	if (len >= sizeof(value))
		return bv_fail(err, BV_E_PROTO, "/proc: '%s' is no number",
			       key);
	memcpy(value, at, len);
	value[len] = '\0';
	if (!bv_parse_u64(value, 0, UINT32_MAX, ret))
		return bv_fail(err, BV_E_PROTO, "/proc: '%s' is no number",
			       key);
	return BV_OK;
}

int bvh_attest_filters(pid_t pid, unsigned int *ret, struct bv_err *err)
{
	char status[STATUS_MAX + 1];
	uint64_t n = 0;
	int code = read_status(pid, status, err);

	if (code == BV_OK)
		code = status_number(status, "Seccomp_filters", &n, err);
	if (code == BV_OK)
		*ret = (unsigned int)n;
	return code;
}

static int attest_namespace(pid_t pid, const char *name, int want_fd,
			    struct bv_report *report, struct bv_err *err)
{
	struct stat want;
	struct stat got;
	char path[64];

	if (want_fd < 0)
		return BV_OK;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	if (fstat(want_fd, &want) != 0 || stat(path, &got) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	if (want.st_dev != got.st_dev || want.st_ino != got.st_ino)
		return bv_fail(err, BV_E_PROTO,
			       "leader is in %s namespace %llu, not in %llu",
			       name, (unsigned long long)got.st_ino,
			       (unsigned long long)want.st_ino);
	return bv_report_observe(report, "attested_namespace", err, "%s:[%llu]",
				 name, (unsigned long long)got.st_ino);
}

static int attest_leaf(pid_t pid, const struct bvh_leaf *leaf,
		       struct bv_report *report, struct bv_err *err)
{
	char cgroup[PATH_MAX];
	int code;

	if (leaf == NULL)
		return BV_OK;
	code = bvh_cgroup_of(pid, cgroup, sizeof(cgroup), err);
	if (code != BV_OK)
		return code;
	if (!bvh_leaf_holds(leaf, pid))
		return bv_fail(err, BV_E_PROTO,
			       "leader is in cgroup '%s', not in '%s'", cgroup,
			       leaf->name);
	return bv_report_observe(report, "attested_cgroup", err, "%.150s",
				 cgroup);
}

/* The way out of the leaf is closed in what the leader sees. */
static int attest_cgroup_mounts(pid_t pid, struct bv_report *report,
				struct bv_err *err)
{
	char path[64];
	bv_auto_close int fd = -1;
	size_t n = 0;
	int code;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	code = bvh_cgroup_mounts_check(fd, &n, err);
	if (code != BV_OK)
		return code;
	return bv_report_observe(report, "attested_cgroup_mounts", err,
				 "%zu, all ro", n);
}

/* One thread: landlock and seccomp bind the thread that asked for them. */
static int attest_status(const char *status, const struct bvh_expectation *want,
			 struct bv_report *report, struct bv_err *err)
{
	uint64_t threads = 0;
	uint64_t mode = 0;
	uint64_t filters = 0;
	uint64_t nnp = 0;
	int code = status_number(status, "Threads", &threads, err);

	if (code == BV_OK)
		code = status_number(status, "Seccomp", &mode, err);
	if (code == BV_OK)
		code = status_number(status, "Seccomp_filters", &filters, err);
	if (code == BV_OK)
		code = status_number(status, "NoNewPrivs", &nnp, err);
	if (code != BV_OK)
		return code;
	if (threads != 1)
		return bv_fail(err, BV_E_PROTO,
			       "leader has %llu threads: only one of them can "
			       "be confined",
			       (unsigned long long)threads);
	if (want->seccomp && (mode != 2 || filters < want->seccomp_filters_min))
		return bv_fail(err, BV_E_PROTO,
			       "leader shows Seccomp %llu with %llu filters, "
			       "not 2 with at least %u",
			       (unsigned long long)mode,
			       (unsigned long long)filters,
			       want->seccomp_filters_min);
	if (want->no_new_privs && nnp != 1)
		return bv_fail(err, BV_E_PROTO,
			       "leader shows NoNewPrivs 0, not 1");
	return bv_report_observe(report, "attested_status", err,
				 "Seccomp=%llu Seccomp_filters=%llu "
				 "NoNewPrivs=%llu",
				 (unsigned long long)mode,
				 (unsigned long long)filters,
				 (unsigned long long)nnp);
}

int bvh_attest(pid_t pid, const struct bvh_expectation *want,
	       struct bv_report *report, struct bv_err *err)
{
	char status[STATUS_MAX + 1];
	int code = attest_leaf(pid, want->leaf, report, err);

	if (code == BV_OK)
		code = attest_namespace(pid, "mnt", want->mntns_fd, report,
					err);
	if (code == BV_OK && want->mntns_fd >= 0)
		code = attest_cgroup_mounts(pid, report, err);
	if (code == BV_OK)
		code = attest_namespace(pid, "net", want->netns_fd, report,
					err);
	if (code == BV_OK)
		code = read_status(pid, status, err);
	if (code == BV_OK)
		code = attest_status(status, want, report, err);
	return code;
}
