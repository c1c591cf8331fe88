/* SPDX-License-Identifier: MIT */
/*
 * A leaf of this kernel, and the sockets of the outside that know whether
 * anything arrived: a port that a list names and one that it does not. Included
 * once.
 */
#ifndef BV_TESTS_LIVE_NET_STAGE_H
#define BV_TESTS_LIVE_NET_STAGE_H

#include "tests/live/live_cgroup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "helper/fd.h"
#include "helper/net_bpf.h"

#define V4 "127.0.0.1"
#define V6 "::1"

static char base_path[512];
static struct bvh_cgroup_base base = { .fd = -1 };
static struct bvh_leaf leaf;
static struct bv_arena arena;
static const char *unable;

/* Outside: a port that is listed and one that is not, each in every way. */
enum side {
	LISTED,
	OTHER,
	SIDES
};
static struct outside {
	uint16_t port;
	int tcp4, tcp6, udp4, udp6;
} outside[SIDES];

static inline socklen_t fill(struct sockaddr_storage *ret, const char *text,
		      uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	inet_pton(AF_INET6, text, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

/* A socket of the outside at that port, or at one the kernel chooses. */
static inline int hold(const char *addr, int type, uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len = fill(&sa, addr, *port);
	int fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) != 0)) {
		bvh_close(&fd);
		return -1;
	}
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		*port = ntohs(sa.ss_family == AF_INET
				      ? ((struct sockaddr_in *)&sa)->sin_port
				      : ((struct sockaddr_in6 *)&sa)->sin6_port);
	return fd;
}

static inline bool hold_all(struct outside *o)
{
	*o = (struct outside){ .port = 0 };
	o->tcp4 = hold("127.0.0.1", SOCK_STREAM, &o->port);
	o->tcp6 = hold("::1", SOCK_STREAM, &o->port);
	o->udp4 = hold("127.0.0.1", SOCK_DGRAM, &o->port);
	o->udp6 = hold("::1", SOCK_DGRAM, &o->port);
	return o->tcp4 >= 0 && o->tcp6 >= 0 && o->udp4 >= 0 && o->udp6 >= 0;
}

static inline int set_stage(void **state)
{
	char mount[256];

	(void)state;
	bv_arena_init(&arena, 16u << 20);
	(void)signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0)
		unable = "root";
	else if (!live_cgroup_mount(mount, sizeof(mount)))
		unable = "a cgroup v2 mount";
	else
		for (int i = 0; i < SIDES && unable == NULL; i++)
			for (int tries = 0; !hold_all(&outside[i]); tries++)
				if (tries == 50) {
					unable = "IPv4 and IPv6 on loopback";
					break;
				}
	if (unable != NULL)
		return 0;
	snprintf(base_path, sizeof(base_path), "%s/bv-test-net-%d", mount,
		 getpid());
	if (bvh_cgroup_base_find(base_path, &base, NULL) != BV_OK ||
	    base.source == BVH_BASE_NONE)
		unable = "a cgroup base";
	else if (!bvh_net_works(&base))
		unable = "programs on a cgroup (CONFIG_CGROUP_BPF)";
	return 0;
}

static inline int clear_stage(void **state)
{
	(void)state;
	bv_arena_done(&arena);
	if (base.fd < 0)
		return 0;
	bvh_cgroup_base_done(&base);
	live_base_remove(base_path);
	return 0;
}

static inline void make_leaf(void)
{
	const struct bvh_leaf_limits none = { .has_pids = false };
	struct bv_err err = { 0 };

	LIVE_NEED(unable == NULL, unable);
	if (bvh_leaf_create(&base, "session-net", &none, &leaf, &err) != BV_OK)
		fail_msg("%s", err.msg);
}

static inline void remove_leaf(void)
{
	struct bv_err err = { 0 };

	if (bvh_leaf_remove(&leaf, &err) != BV_OK)
		fail_msg("%s", err.msg);
	bvh_leaf_done(&leaf);
}

static struct bv_net_rule rules_of_policy[] = {
	{ V4, "tcp", 0, 1 }, { V6, "tcp", 0, 2 },
	{ V4, "udp", 0, 3 }, { V6, "udp", 0, 4 },
};

static inline struct bv_net_rules list_rules(void)
{
	const struct bv_policy policy = { .name = "p",
					  .path = "p",
					  .net = rules_of_policy,
					  .net_n = BV_LEN(rules_of_policy) };
	struct bv_net_list list;
	struct bv_err err = { 0 };

	for (size_t i = 0; i < BV_LEN(rules_of_policy); i++)
		rules_of_policy[i].port = outside[LISTED].port;
	if (bv_net_pin(&arena, &policy, NULL, 0, &list, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return (struct bv_net_rules){ .is_list = true,
				      .peer = list.peer,
				      .peer_n = list.n,
				      .counter_fd = -1 };
}

static inline void attach(const struct bv_net_rules *rules, struct bvh_net *ret)
{
	struct bv_err err = { 0 };

	if (bvh_net_attach(rules, &leaf, ret, &err) != BV_OK)
		fail_msg("%s", err.msg);
}

/* Whatever has arrived at one of the outside's sockets, out of the way. */
static inline size_t drain(int fd)
{
	char byte[64];
	size_t n = 0;
	int c;

	while ((c = accept(fd, NULL, NULL)) >= 0) {
		close(c);
		n++;
	}
	while (recv(fd, byte, sizeof(byte), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/* At least that many are waited for: a busy kernel delivers later. */
static inline size_t drain_of(int fd, size_t want)
{
	size_t n = drain(fd);

	for (int i = 0; i < 3000 && n < want; i++) {
		usleep(10000);
		n += drain(fd);
	}
	return n;
}

static inline size_t arrived(const struct outside *o)
{
	return drain(o->tcp4) + drain(o->tcp6) + drain(o->udp4) +
	       drain(o->udp6);
}

#endif
