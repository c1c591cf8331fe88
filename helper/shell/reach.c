/* SPDX-License-Identifier: MIT */
/* From the process's own cgroup to its session's guardian. */
#include "helper/shell/reach.h"

#include "helper/fd.h"
#include "helper/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define LEAF_STEP "/session-"
#define ID_LEN    16u

/* logind's own "session-3.scope" is none of ours. */
static bool find_id(const char *path, size_t len, char ret[BVH_SHELL_ID_MAX])
{
	const size_t step = sizeof(LEAF_STEP) - 1;

	for (size_t at = 0; at + step + ID_LEN <= len; at++) {
		const char *id = path + at + step;

		if (memcmp(path + at, LEAF_STEP, step) != 0 ||
		    strspn(id, "0123456789abcdef") != ID_LEN ||
		    (id[ID_LEN] != '/' && id[ID_LEN] != '\n'))
			continue;
		memcpy(ret, id, ID_LEN);
		ret[ID_LEN] = '\0';
		return true;
	}
	return false;
}

int bvh_shell_session(char ret[BVH_SHELL_ID_MAX], struct bv_err *err)
{
	char line[PATH_MAX + 64];
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool found = false;

	if (f == NULL)
		return bv_fail_errno(err, errno, "open '/proc/self/cgroup'");
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::", 3) == 0)
			found = find_id(line + 3, strlen(line + 3), ret);
	}
	fclose(f);
	if (!found)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "this is no session of pam_bvisor");
	return BV_OK;
}

int bvh_shell_reach(const char *id, int *ret_fd, struct bv_err *err)
{
	const struct timeval wait = { .tv_sec = BVH_SHELL_WAIT_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	bv_auto_close int fd =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	snprintf(at.sun_path, sizeof(at.sun_path), BVH_LAUNCH_DIR "/%s", id);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0)
		return bv_fail_errno(err, errno, "socket");
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return bv_fail_errno(err, errno,
				     "the guardian of session %s does not "
				     "answer",
				     id);
	/* Of whoever listens there. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    peer.uid != 0)
		return bv_fail(err, BV_E_PROTO,
			       "who answers for session %s is not root", id);
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_shell_receive(int sock, struct bvh_answer *ret, int *ret_fd,
		      struct bv_err *err)
{
	const ssize_t n =
		bvh_pass_receive(sock, 0, ret, sizeof(*ret), ret_fd, 1);

	if (n < 0)
		return bv_fail_errno(err, errno, "the guardian's answer");
	if (n != (ssize_t)sizeof(*ret) || ret->magic != BVH_ANSWER_MAGIC)
		return bv_fail(err, BV_E_PROTO,
			       "the guardian's answer is malformed");
	ret->text[sizeof(ret->text) - 1] = '\0';
	if (ret->launch != 1)
		return bv_fail(err, BV_E_PROTO, "%s", ret->text);
	return BV_OK;
}
