/* SPDX-License-Identifier: MIT */
/* Two netlink sockets: one asks whether audit is on, the other listens. */
#include "helper/denials.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/red.h"

#define ABI_LOG      7u
#define ANSWER_MS    500
#define SOCKET_BYTES (256 * 1024)

struct packet {
	struct nlmsghdr head;
	char body[BV_AUDIT_TEXT_MAX];
};

static int netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      NETLINK_AUDIT);
}

/* From the kernel itself: port 0. Anybody may send to a netlink socket. */
static ssize_t receive(int fd, struct packet *ret)
{
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(from);
	ssize_t n;

	do
		n = recvfrom(fd, ret, sizeof(*ret), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (from.nl_pid != 0 || (size_t)n < sizeof(ret->head)))
		ret->head.nlmsg_type = NLMSG_NOOP;
	return n;
}

/* AUDIT_GET → audit_status; its first two words are mask and enabled. */
static bool audit_is_on(const char **ret_why)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr ask = { .nlmsg_len = NLMSG_LENGTH(0),
				.nlmsg_type = AUDIT_GET,
				.nlmsg_flags = NLM_F_REQUEST };
	bv_auto_close int fd = netlink();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	static struct packet got;
	uint32_t enabled = 0;

	*ret_why = "this kernel has no audit, or lets nobody here ask it";
	if (fd < 0 || sendto(fd, &ask, ask.nlmsg_len, 0,
			     (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return false;
	while (poll(&p, 1, ANSWER_MS) == 1) {
		const ssize_t n = receive(fd, &got);

		if (n < 0 || got.head.nlmsg_type == NLMSG_ERROR)
			return false;
		if (got.head.nlmsg_type != AUDIT_GET ||
		    (size_t)n < sizeof(got.head) + 2 * sizeof(enabled))
			continue;
		memcpy(&enabled, got.body + sizeof(enabled), sizeof(enabled));
		*ret_why = "audit is off ('auditctl -e 1' or audit=1 at boot "
			   "would turn it on)";
		return enabled != 0;
	}
	return false;
}

/* The kernel throws the other types away before we see them. A load of BPF is
 * big-endian, a netlink header the machine's. */
static int only_denials(int fd)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
			 offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 htons(BV_AUDIT_LANDLOCK_ACCESS), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 htons(BV_AUDIT_LANDLOCK_DOMAIN), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(BV_AUDIT_SECCOMP), 1,
			 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, ~0u),
	};
	const struct sock_fprog prog = { BV_LEN(insn), insn };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog));
}

int bvh_denials_open(unsigned int landlock_abi, const char **ret_why)
{
	const int bytes = SOCKET_BYTES;
	const int group = AUDIT_NLGRP_READLOG;
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	bv_auto_close int fd = -1;

	*ret_why = "Landlock tells of denials since ABI 7 (Linux 6.15)";
	if (landlock_abi < ABI_LOG || !audit_is_on(ret_why))
		return -1;
	*ret_why = "audit lets nobody here listen";
	fd = netlink();
	if (fd < 0 || only_denials(fd) != 0 ||
	    bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) != 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	*ret_why = "";
	return bvh_fd_take(&fd);
}

enum bvh_denials_read bvh_denials_read(int fd, struct bv_audit *ret)
{
	static struct packet got;
	ssize_t n;

	/* What audit says of a record's length leaves out the header, or does
	 * not; the packet's own is right. */
	for (;;) {
		n = receive(fd, &got);
		if (n < 0 && errno == ENOBUFS)
			return BVH_DENIALS_LOST;
		if (n < 0)
			return errno == EAGAIN ? BVH_DENIALS_NOTHING
					       : BVH_DENIALS_BROKEN;
		if (got.head.nlmsg_type != NLMSG_NOOP && !bvh_red("denials") &&
		    bv_audit_parse(got.head.nlmsg_type, got.body,
				   (size_t)n - sizeof(got.head), ret))
			return BVH_DENIALS_RECORD;
	}
}
