/* SPDX-License-Identifier: MIT */
/* Proofs of the network. NetworkDenyAll: what listens on the host is not reached,
 * and the kernel shows one interface that is down. A list: what is not on it is not
 * reached. The budget: what is beyond it does not arrive. */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"
#include "helper/kernfs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#define DENY "[network]\naccess = deny\n"

/* Ports and names of the prover's listeners; a prover has one thread and its
 * children inherit them. */
static struct sockaddr_in tcp_at, udp_at;
static struct sockaddr_un abstract_at;
static socklen_t abstract_len;

static int try_connect(int family, int type, const void *at, socklen_t len)
{
	/* What is dropped on its way is no denial: it shows as EINPROGRESS. */
	const struct timeval wait = { .tv_sec = 3 };
	bv_auto_close int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return connect(fd, at, len) != 0 ? errno : 0;
}

static int connect_tcp(const struct bvh_stage *s)
{
	(void)s;
	return try_connect(AF_INET, SOCK_STREAM, &tcp_at, sizeof(tcp_at));
}

static int connect_udp(const struct bvh_stage *s)
{
	(void)s;
	return try_connect(AF_INET, SOCK_DGRAM, &udp_at, sizeof(udp_at));
}

static int connect_abstract(const struct bvh_stage *s)
{
	(void)s;
	return try_connect(AF_UNIX, SOCK_STREAM, &abstract_at, abstract_len);
}

static int listen_tcp(const struct bvh_stage *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	bv_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)s;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return errno;
	return listen(fd, 1) != 0 ? errno : 0;
}

/* Between the session's own processes all goes on as before. */
static int own_pair(const struct bvh_stage *s)
{
	int pair[2];

	(void)s;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	bvh_close(&pair[0]);
	bvh_close(&pair[1]);
	return 0;
}

static int bind_here(int type, struct sockaddr_in *at, int *ret_fd)
{
	socklen_t len = sizeof(*at);
	bv_auto_close int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (const struct sockaddr *)at, len) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 8) != 0) ||
	    getsockname(fd, (struct sockaddr *)at, &len) != 0)
		return -1;
	*ret_fd = bvh_fd_take(&fd);
	return 0;
}

static int listen_abstract(const struct bvh_stage *s, int *ret_fd)
{
	bv_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n;

	abstract_at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(abstract_at.sun_path + 1, sizeof(abstract_at.sun_path) - 1,
		     "bvisor-%s", strrchr(s->dir, '/') + 1);
	abstract_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   (size_t)n);
	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)&abstract_at, abstract_len) !=
		    0 ||
	    listen(fd, 8) != 0)
		return -1;
	*ret_fd = bvh_fd_take(&fd);
	return 0;
}

/* --- what the kernel shows of a process in it ------------------------------ */

static int is_alone(pid_t pid, struct bv_err *err)
{
	char path[64], text[4096];
	struct stat theirs, ours;
	const char *lo;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (stat(path, &theirs) != 0 || stat("/proc/self/ns/net", &ours) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	if (theirs.st_ino == ours.st_ino)
		return bv_fail(err, BV_E_SYS,
			       "it is in the host's network namespace");
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (bvh_kernfs_read(AT_FDCWD, path, text, sizeof(text)) != 0)
		return bv_fail_errno(err, errno, "read '%s'", path);
	/* Two lines of headings, then one an interface. */
	lo = strchr(text, '\n');
	lo = lo == NULL ? NULL : strchr(lo + 1, '\n');
	if (lo == NULL || strncmp(lo + 1 + strspn(lo + 1, " "), "lo:", 3) != 0)
		return bv_fail(err, BV_E_SYS, "'%s' does not begin with lo",
			       path);
	lo = strchr(lo + 1, '\n');
	if (lo != NULL && lo[1] != '\0')
		return bv_fail(err, BV_E_SYS, "there is more than lo: %.80s",
			       lo + 1);
	return BV_OK;
}

static int look_inside(const struct bvh_stage *s, struct bvh_outcome *o,
		       struct bv_err *err)
{
	char name[] = "/bin/cat";
	char *argv[] = { name, NULL };
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	bv_auto_watched struct bvh_watched w = { -1, -1 };
	char said[16];
	int code = bvh_watched_pipes(&w, err);

	if (code == BV_OK)
		code = bvh_trial_plan(&t, err, DENY);
	if (code == BV_OK)
		code = bvh_trial_begin(&t, NULL, NULL, argv, err);
	if (code == BV_OK && write(w.to_fd, "up\n", 3) != 3)
		code = bv_fail_errno(err, errno, "write to cat");
	if (code == BV_OK)
		code = bvh_watched_until(&w, "up\n", said, sizeof(said), err);
	if (code == BV_OK)
		code = is_alone(t.run->child, err);
	bvh_watched_close(&w);
	if (code == BV_OK)
		code = bvh_trial_wait(&t, err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

BVH_PROOF(deny_all)
{
	static const struct bvh_attack all[] = {
		{ "a TCP connection to the host", connect_tcp, false, 0 },
		{ "a UDP socket to the host", connect_udp, false, 0 },
		{ "listening for TCP", listen_tcp, false, 0 },
		{ "a connection to an abstract socket", connect_abstract, false,
		  ECONNREFUSED },
		{ "a pair of sockets", own_pair, true, 0 },
	};
	bv_auto_close int tcp = -1, udp = -1, abstract = -1;
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, DENY);

	if (code == BV_OK && (bind_here(SOCK_STREAM, &tcp_at, &tcp) != 0 ||
			      bind_here(SOCK_DGRAM, &udp_at, &udp) != 0 ||
			      listen_abstract(s, &abstract) != 0))
		code = bv_fail_errno(err, errno, "listeners on 127.0.0.1");
	if (code == BV_OK)
		code = bvh_attacks_control(s, all, BV_LEN(all), err);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, all, BV_LEN(all), err);
	if (code == BV_OK)
		code = bvh_trial_down(&t, err);
	return code == BV_OK ? look_inside(s, o, err) : code;
}

/* --- a list ---------------------------------------------------------------- */

static struct sockaddr_in other_at;

static int connect_other(const struct bvh_stage *s)
{
	(void)s;
	return try_connect(AF_INET, SOCK_STREAM, &other_at, sizeof(other_at));
}

BVH_PROOF(allow_list)
{
	static const struct bvh_attack all[] = {
		{ "a connection that is on the list", connect_tcp, true, 0 },
		{ "a connection to another port", connect_other, false, 0 },
		{ "a UDP socket to the host", connect_udp, false, 0 },
	};
	bv_auto_close int tcp = -1, other = -1, udp = -1;
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = BV_OK;

	if (bind_here(SOCK_STREAM, &tcp_at, &tcp) != 0 ||
	    bind_here(SOCK_STREAM, &other_at, &other) != 0 ||
	    bind_here(SOCK_DGRAM, &udp_at, &udp) != 0)
		code = bv_fail_errno(err, errno, "listeners on 127.0.0.1");
	if (code == BV_OK)
		code = bvh_trial_plan(&t, err,
				      "[network]\naccess = list\n"
				      "allow = tcp 127.0.0.1 %u\n",
				      ntohs(tcp_at.sin_port));
	if (code == BV_OK)
		code = bvh_attacks_control(s, all, BV_LEN(all), err);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, all, BV_LEN(all), err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

/* --- bytes ----------------------------------------------------------------- */

#define TRAFFIC   16384u /* the budget */
#define DATAGRAM  972u   /* a packet of 1000 bytes */
#define DATAGRAMS 64

/* What is dropped is an error or silence to who sends: it goes on. */
static int flood(void *arg)
{
	static const char bytes[DATAGRAM];
	bv_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)arg;
	if (fd < 0)
		return 1;
	for (int i = 0; i < DATAGRAMS; i++)
		(void)!sendto(fd, bytes, sizeof(bytes), 0,
			      (const struct sockaddr *)&udp_at, sizeof(udp_at));
	return 0;
}

/* On the loopback a packet has arrived when it is sent. */
static unsigned int arrived(int fd)
{
	char bytes[DATAGRAM];
	unsigned int n = 0;

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

static int weigh_traffic(const struct bvh_trial *t, unsigned int n,
			 struct bv_err *err)
{
	struct bv_net_counter counter;

	if (n > TRAFFIC / DATAGRAM)
		return bv_fail(err, BV_E_SYS,
			       "%u packets arrived of a budget for %u", n,
			       TRAFFIC / DATAGRAM);
	if (n == 0)
		return bv_fail(err, BV_E_SYS,
			       "inside, traffic within the budget does not "
			       "work");
	if (!bvh_net_read(&t->run->boundary.net, &counter) ||
	    counter.refused == 0 || counter.passed_bytes > TRAFFIC)
		return bv_fail(err, BV_E_SYS,
			       "the counter of the leaf does not show the "
			       "limit");
	return BV_OK;
}

BVH_PROOF(network)
{
	const int room = 1 << 20;
	bv_auto_close int udp = -1;
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "[budget]\nnetwork = %u enforced\n",
				  TRAFFIC);

	if (code == BV_OK &&
	    (bind_here(SOCK_DGRAM, &udp_at, &udp) != 0 ||
	     setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room))))
		code = bv_fail_errno(err, errno, "a listener on 127.0.0.1");
	if (code == BV_OK &&
	    (bvh_outside(flood, NULL) != 0 || arrived(udp) != DATAGRAMS))
		code = bv_fail(err, BV_E_SYS,
			       "control: not all of %d packets arrive without "
			       "a boundary",
			       DATAGRAMS);
	if (code == BV_OK)
		code = bvh_trial_go(&t, flood, NULL, err);
	if (code == BV_OK)
		code = weigh_traffic(&t, arrived(udp), err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}
