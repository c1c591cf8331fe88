/* SPDX-License-Identifier: MIT */
/* See resolve.h. */
#include "helper/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/clock.h"
#include "helper/fd.h"

/* One write(2) of less than PIPE_BUF. */
struct found {
	int32_t gai; /* of getaddrinfo(3) */
	uint32_t n;  /* may be beyond what fits: then it is too many */
	struct bv_net_addr addr[BV_NET_ADDR_MAX];
};
_Static_assert(sizeof(struct found) < 4096, "written at once");

struct asked {
	const char *host;
	pid_t pid;
	int fd; /* -1: answered, or never asked */
	bool is_answered;
	struct found found;
};

/* --- the child ---------------------------------------------------------------- */

static bool take_address(const struct sockaddr *sa, struct bv_net_addr *ret)
{
	static const struct bv_net_addr none = { { 0 } };
	static const struct bv_net_addr mapped = {
		{ [10] = 0xff, [11] = 0xff }
	};

	*ret = mapped;
	if (sa->sa_family == AF_INET)
		memcpy(ret->byte + 12,
		       &((const struct sockaddr_in *)(const void *)sa)
				->sin_addr,
		       4);
	else if (sa->sa_family == AF_INET6)
		memcpy(ret->byte,
		       &((const struct sockaddr_in6 *)(const void *)sa)
				->sin6_addr,
		       16);
	/* "Nowhere" (a filtering resolver's answer) would mean this host. */
	return memcmp(ret, &mapped, sizeof(mapped)) != 0 &&
	       memcmp(ret, &none, sizeof(none)) != 0;
}

static void keep(struct found *f, const struct bv_net_addr *addr)
{
	for (uint32_t i = 0; i < f->n && i < BV_NET_ADDR_MAX; i++)
		if (memcmp(&f->addr[i], addr, sizeof(*addr)) == 0)
			return;
	if (f->n < BV_NET_ADDR_MAX)
		f->addr[f->n] = *addr;
	f->n++;
}

_Noreturn static void look_up(const char *host, int fd, pid_t parent)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	struct found f = { .n = 0 };
	struct bv_net_addr addr;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	f.gai = getaddrinfo(host, NULL, &hints, &all);
	for (const struct addrinfo *a = all; f.gai == 0 && a != NULL;
	     a = a->ai_next)
		if (take_address(a->ai_addr, &addr))
			keep(&f, &addr);
	_exit(write(fd, &f, sizeof(f)) == (ssize_t)sizeof(f) ? 0 : 1);
}

/* --- the parent --------------------------------------------------------------- */

static int ask(struct asked *a, struct bv_err *err)
{
	const pid_t parent = getpid();
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return bv_fail_errno(err, errno, "pipe");
	a->pid = fork();
	if (a->pid == 0)
		look_up(a->host, p[1], parent);
	close(p[1]);
	a->fd = p[0];
	return a->pid < 0 ? bv_fail_errno(err, errno, "fork") : BV_OK;
}

/* Until each has answered or died, or the time is up. */
static void hear(struct asked *a, size_t n)
{
	const int64_t end = bvh_now_ms() + BVH_RESOLVE_MS;
	struct pollfd p[BV_NET_NAME_MAX];
	size_t open = n;

	while (open > 0) {
		const int64_t left = end - bvh_now_ms();

		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd){ .fd = a[i].fd,
						.events = POLLIN };
		if (left <= 0 ||
		    (poll(p, (nfds_t)n, (int)left) < 0 && errno != EINTR))
			return;
		for (size_t i = 0; i < n; i++) {
			if (a[i].fd < 0 || p[i].revents == 0)
				continue;
			a[i].is_answered = read(a[i].fd, &a[i].found,
						sizeof(a[i].found)) ==
					   (ssize_t)sizeof(a[i].found);
			bvh_close(&a[i].fd);
			open--;
		}
	}
}

static void end_all(struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bvh_close(&a[i].fd);
		if (a[i].pid <= 0)
			continue;
		(void)kill(a[i].pid, SIGKILL);
		while (waitpid(a[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static unsigned int line_of(const struct bv_policy *policy, const char *host)
{
	for (size_t i = 0; i < policy->net_n; i++)
		if (strcmp(policy->net[i].host, host) == 0)
			return policy->net[i].line;
	return 0;
}

static int judge(const struct bv_policy *policy, const struct asked *a,
		 struct bv_net_name *ret, struct bv_err *err)
{
	const unsigned int line = line_of(policy, a->host);
	const struct found *f = &a->found;

	if (!a->is_answered)
		return bv_fail(err, BV_E_CONF,
			       "%s:%u: [network] allow: '%s' was not looked up "
			       "within %d ms; write its addresses, or see to "
			       "this machine's resolver",
			       policy->path, line, a->host, BVH_RESOLVE_MS);
	if (f->gai != 0 || f->n == 0)
		return bv_fail(
			err, BV_E_CONF,
			"%s:%u: [network] allow: '%s' has no address "
			"here%s%s; write its addresses, or see that this "
			"machine can look it up",
			policy->path, line, a->host, f->gai != 0 ? ": " : "",
			f->gai != 0 ? gai_strerror(f->gai) : "");
	if (f->n > BV_NET_ADDR_MAX)
		return bv_fail(err, BV_E_CONF,
			       "%s:%u: [network] allow: '%s' has over %u "
			       "addresses; write its networks",
			       policy->path, line, a->host, BV_NET_ADDR_MAX);
	ret->host = a->host;
	ret->n = f->n;
	memcpy(ret->addr, f->addr, sizeof(ret->addr));
	return BV_OK;
}

int bvh_resolve_spec(struct bv_arena *arena, struct bv_spec *spec,
		     struct bv_err *err)
{
	const char *host[BV_NET_NAME_MAX];
	struct bv_net_name *name;
	struct asked *a;
	size_t n = 0;
	int code;

	if (spec->network != BV_NETWORK_LIST || spec->net.open == 0)
		return BV_OK;
	code = bv_net_names(spec->policy, host, &n, err);
	if (code != BV_OK)
		return code;
	a = bv_arena_alloc(arena, n * sizeof(*a));
	name = bv_arena_alloc(arena, n * sizeof(*name));
	if (a == NULL || name == NULL)
		return bv_fail(err, BV_E_NOMEM, "names of [network] allow");
	for (size_t i = 0; i < n; i++)
		a[i] = (struct asked){ .host = host[i], .fd = -1 };
	for (size_t i = 0; i < n && code == BV_OK; i++)
		code = ask(&a[i], err);
	if (code == BV_OK)
		hear(a, n);
	end_all(a, n);
	for (size_t i = 0; i < n && code == BV_OK; i++)
		code = judge(spec->policy, &a[i], &name[i], err);
	return code == BV_OK ? bv_spec_pin(arena, spec, name, n, err) : code;
}
