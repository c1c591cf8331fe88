/* SPDX-License-Identifier: MIT */
#include "helper/listener.h"

#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

/* Rounds of one call: a session that floods us must not keep the guardian
 * from its timers. */
#define SERVE_MAX 64u
#define NOTIF_MAX 1024u /* bytes; the kernel writes as many as it knows */

static void answer(int listener_fd, const struct bvh_judge *judge,
		   const struct seccomp_notif *req)
{
	struct seccomp_notif_resp resp = { .id = req->id };
	uint64_t id = req->id;
	const int error = judge->decide(judge->arg, req);

	/* What was read of the caller was read of the caller only if it still
	 * waits for us. */
	if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0)
		return;
	if (error == 0)
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		resp.error = -error;
	if (judge->told != NULL)
		judge->told(judge->arg, req, error);
	/* ENOENT: killed meanwhile, nobody waits */
	(void)ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

bool bvh_listener_serve(int listener_fd, const struct bvh_judge *judge)
{
	union {
		struct seccomp_notif req;
		char room[NOTIF_MAX];
	} u;

	for (unsigned int i = 0; i < SERVE_MAX; i++) {
		struct pollfd p = { .fd = listener_fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			return true;
		if ((p.revents & POLLIN) == 0)
			return (p.revents & (POLLHUP | POLLERR | POLLNVAL)) ==
			       0;
		/* The kernel insists on zeroes. A request interrupted since
		 * the poll is still counted: ENOENT, not a wait. */
		memset(&u, 0, sizeof(u));
		if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &u.req) == 0)
			answer(listener_fd, judge, &u.req);
	}
	return true;
}
