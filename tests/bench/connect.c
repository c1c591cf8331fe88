/* SPDX-License-Identifier: MIT */
/*
 * What an allow list costs a session: connect(2) of a datagram socket, which
 * sends nothing, and a datagram over the loopback, in a cgroup without and with
 * the programs of fifty peers, of which the last one that is asked matches.
 * Prints nanoseconds, the median of many batches. Never a verdict.
 *
 *   connect ROUNDS CGROUP-BASE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "helper/net_bpf.h"

#define PEERS  50
#define BATCH  200
#define ROUNDS 100000

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The peer that is asked for comes last in the list. */
static void make_peers(struct bv_net_peer peer[PEERS], uint16_t port)
{
	for (size_t i = 0; i < PEERS; i++) {
		peer[i] = (struct bv_net_peer){
			.addr = { { [10] = 0xff, [11] = 0xff, 127,
				    [15] = (uint8_t)(i + 1) } },
			.bits = 128,
			.proto = BV_NET_UDP,
			.port = port,
		};
	}
	peer[PEERS - 1].addr.byte[15] = 1;
	peer[0].addr.byte[15] = 200;
}

/* Nanoseconds of one connect, and of one datagram there and into the queue. */
static int measure(const struct sockaddr_in *to, int sink, double *batch_ns,
		   long rounds, bool sends)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char byte[8];

	if (fd < 0)
		return -1;
	for (long r = 0; r < rounds; r++) {
		const double start = now_ns();

		for (int i = 0; i < BATCH; i++) {
			if (sends ? sendto(fd, "x", 1, 0,
					   (const struct sockaddr *)to,
					   sizeof(*to)) != 1
				  : connect(fd, (const struct sockaddr *)to,
					    sizeof(*to)) != 0)
				return -1;
			if (sends)
				(void)!recv(sink, byte, sizeof(byte), 0);
		}
		batch_ns[r] = (now_ns() - start) / BATCH;
	}
	qsort(batch_ns, (size_t)rounds, sizeof(*batch_ns), by_value);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	const struct bvh_leaf_limits none = { .has_pids = false };
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof(to);
	struct bv_net_peer peer[PEERS];
	struct bv_err err = { 0 };
	struct bvh_cgroup_base base;
	struct bvh_leaf leaf;
	struct bvh_net net;
	double median[2][2];
	const long rounds = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	double *ns = calloc(ROUNDS, sizeof(*ns));
	int sink = socket(AF_INET, SOCK_DGRAM, 0);

	if (rounds < 1 || rounds > ROUNDS || ns == NULL)
		return 2;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(sink, (struct sockaddr *)&to, len) != 0 ||
	    getsockname(sink, (struct sockaddr *)&to, &len) != 0)
		return 1;
	make_peers(peer, ntohs(to.sin_port));
	const struct bv_net_rules rules = { .is_list = true,
					    .peer = peer,
					    .peer_n = PEERS,
					    .is_counted = true,
					    .limit_bytes = UINT64_MAX >> 2 };

	if (bvh_cgroup_base_find(argv[2], &base, &err) != BV_OK ||
	    bvh_leaf_create(&base, "session-bench", &none, &leaf, &err) !=
		    BV_OK ||
	    bvh_leaf_add(&leaf, getpid(), &err) != BV_OK) {
		printf("allow list: not measured: %s %s\n", err.msg, base.why);
		return 0;
	}
	for (int with = 0; with < 2; with++) {
		if (with == 1 &&
		    bvh_net_attach(&rules, &leaf, &net, &err) != BV_OK) {
			printf("allow list: not measured: %s\n", err.msg);
			break;
		}
		for (int sends = 0; sends < 2; sends++) {
			if (measure(&to, sink, ns, rounds, sends == 1) != 0)
				return 1;
			median[with][sends] = ns[rounds / 2];
		}
		if (with == 0)
			continue;
		printf("%-44s %9s %9s %9s\n", "", "without", "with", "costs ns");
		printf("%-44s %9.0f %9.0f %9.0f\n",
		       "connect, fifty peers, the last one asked", median[0][0],
		       median[1][0], median[1][0] - median[0][0]);
		printf("%-44s %9.0f %9.0f %9.0f\n",
		       "datagram sent and received, the same", median[0][1],
		       median[1][1], median[1][1] - median[0][1]);
	}
	(void)!bvh_cgroup_enter_guardians(&base, NULL);
	(void)!bvh_leaf_remove(&leaf, NULL);
	return 0;
}
