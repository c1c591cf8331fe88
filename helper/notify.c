/* SPDX-License-Identifier: MIT */
/*
 * The guardian as judge of signals. Deciding and letting the kernel go on
 * (CONTINUE) keeps the ordinary permission checks: the guardian is root, and
 * sending for the user would lift them. What is decided on is a number in a
 * register. That a pid is reused between the decision and the signal is the
 * race kill(2) itself has.
 */
#include "helper/notify.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/num.h"
#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/listener.h"

struct proc_ids {
	int pgrp, session;
};

/* "1234 (any) thing) S ppid pgrp session …": behind the last parenthesis. */
static bool read_ids(pid_t pid, struct proc_ids *ret)
{
	char file[64], text[1024];
	const char *s;

	snprintf(file, sizeof(file), "/proc/%d/stat", pid);
	if (bvh_kernfs_read(AT_FDCWD, file, text, sizeof(text)) != 0)
		return false;
	s = strrchr(text, ')');
	return s != NULL &&
	       sscanf(s, ") %*c %*d %d %d", &ret->pgrp, &ret->session) == 2;
}

static bool is_gone(pid_t pid)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/%d", pid);
	return access(file, F_OK) != 0;
}

/* 0: let it go on; else the errno the caller gets. */
static int judge_one(const struct bvh_leaf *leaf, pid_t caller, pid_t pid)
{
	if (pid <= 0)
		return EINVAL;
	if (pid == caller || bvh_leaf_holds(leaf, pid))
		return 0;
	return is_gone(pid) ? ESRCH : EPERM;
}

struct group_query {
	const struct bvh_leaf *leaf;
	int pgrp;
	/* kill(0): the caller can still change groups within its session,
	 * so nobody of its own uid may be out there in that session. */
	int session; /* 0: not asked */
	uid_t uid;
};

static bool owner_is(pid_t pid, uid_t uid)
{
	char file[64];
	struct stat st;

	snprintf(file, sizeof(file), "/proc/%d", pid);
	return stat(file, &st) == 0 && st.st_uid == uid;
}

/* Is this process one the query must not reach? */
static bool is_outsider(const struct group_query *q, pid_t pid, bool *ret_found)
{
	struct proc_ids ids;
	bool in_group;

	if (!read_ids(pid, &ids))
		return false; /* gone meanwhile */
	in_group = ids.pgrp == q->pgrp;
	*ret_found |= in_group;
	if (!in_group && (q->session == 0 || ids.session != q->session))
		return false;
	if (bvh_leaf_holds(q->leaf, pid) || is_gone(pid))
		return false;
	return in_group || owner_is(pid, q->uid);
}

static int judge_group(const struct group_query *q)
{
	DIR *proc = opendir("/proc");
	bool outsider = false, found = false;
	struct dirent *d;
	uint64_t pid;

	if (proc == NULL)
		return EPERM;
	while (!outsider && (d = readdir(proc)) != NULL) {
		if (bv_parse_u64(d->d_name, 1, INT32_MAX, &pid))
			outsider = is_outsider(q, (pid_t)pid, &found);
	}
	closedir(proc);
	if (outsider)
		return EPERM;
	return found ? 0 : ESRCH;
}

static int judge_kill(const struct bvh_leaf *leaf, pid_t caller, pid_t pid)
{
	struct group_query q = { .leaf = leaf, .pgrp = -pid };
	struct proc_ids ids;
	char file[64];
	struct stat st;

	if (pid > 0)
		return judge_one(leaf, caller, pid);
	if (pid == -1 || pid == INT32_MIN)
		return EPERM;
	if (pid < 0)
		return judge_group(&q);
	snprintf(file, sizeof(file), "/proc/%d", caller);
	if (!read_ids(caller, &ids) || stat(file, &st) != 0)
		return EPERM;
	q.pgrp = ids.pgrp;
	q.session = ids.session;
	q.uid = st.st_uid;
	return judge_group(&q);
}

static int judge(const struct bvh_leaf *leaf, const struct seccomp_notif *req)
{
	pid_t caller = (pid_t)req->pid;
	/* pid_t in the kernel too: the upper half of the register is noise */
	pid_t first = (pid_t)(uint32_t)req->data.args[0];

	switch (req->data.nr) {
	case SYS_kill:
		return judge_kill(leaf, caller, first);
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
		/* the kernel itself ties the thread to its group */
		return judge_one(leaf, caller, first);
	default:
		return EPERM;
	}
}

/* The login manager's doors: D-Bus, and its own since systemd 258. */
static const char *const bus_paths[] = {
	"/run/dbus/system_bus_socket",
	"/var/run/dbus/system_bus_socket",
	"/run/systemd/io.systemd.Login",
};

/* The address lies in the leader's memory: root's, and it waits for us. */
static bool is_bus(pid_t pid, const struct seccomp_data *data)
{
	struct sockaddr_un addr;
	struct iovec here = { .iov_base = &addr };
	struct iovec there;
	uintptr_t at = (uintptr_t)data->args[1];
	size_t len = (uint32_t)data->args[2];

	if (len > sizeof(addr))
		len = sizeof(addr);
	memset(&addr, 0, sizeof(addr));
	memcpy(&there.iov_base, &at, sizeof(there.iov_base));
	here.iov_len = there.iov_len = len;
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)len ||
	    addr.sun_family != AF_UNIX)
		return false;
	for (size_t i = 0; i < BV_LEN(bus_paths); i++) {
		if (strncmp(addr.sun_path, bus_paths[i],
			    sizeof(addr.sun_path)) == 0)
			return true;
	}
	return false;
}

struct signals {
	const struct bvh_leaf *leaf;
	const struct bvh_notify_watch *watch; /* or NULL */
};

/* A connect always goes on; the leader's to the login manager is told. */
static int watch_connect(const struct bvh_notify_watch *watch,
			 const struct seccomp_notif *req)
{
	if (watch != NULL && (pid_t)req->pid == watch->leader &&
	    is_bus(watch->leader, &req->data))
		watch->on_bus(watch->arg);
	return 0;
}

static int decide(void *arg, const struct seccomp_notif *req)
{
	const struct signals *s = arg;

	return req->data.nr == SYS_connect ? watch_connect(s->watch, req)
					   : judge(s->leaf, req);
}

static void tell(void *arg, const struct seccomp_notif *req, int error)
{
	const struct bvh_notify_watch *watch = ((struct signals *)arg)->watch;

	if (error == EPERM && watch != NULL && watch->on_denied != NULL)
		watch->on_denied(watch->arg,
				 (pid_t)(uint32_t)req->data.args[0]);
}

bool bvh_notify_serve_watch(int listener_fd, const struct bvh_leaf *leaf,
			    const struct bvh_notify_watch *watch)
{
	struct signals s = { leaf, watch };
	const struct bvh_judge of_signals = { decide, tell, &s };

	return bvh_listener_serve(listener_fd, &of_signals);
}

bool bvh_notify_serve(int listener_fd, const struct bvh_leaf *leaf)
{
	return bvh_notify_serve_watch(listener_fd, leaf, NULL);
}
