/* SPDX-License-Identifier: MIT */
/*
 * Reaching anything outside by a socket: the network in every family, abstract
 * unix sockets, and the doors of services that act for the user (D-Bus, the
 * user's systemd). PORT is a listener outside on 127.0.0.1 and ::1, tcp and udp.
 */
#include "tests/escape/attack.h"

#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_in to_v4(const struct stage *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_port = htons((uint16_t)s->port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static struct sockaddr_in6 to_v6(const struct stage *s)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	a.sin6_port = htons((uint16_t)s->port);
	a.sin6_addr = in6addr_loopback;
	return a;
}

static int connect_v4(struct stage *s, int protocol)
{
	const struct sockaddr_in a = to_v4(s);
	int fd = socket(AF_INET, SOCK_STREAM, protocol);

	if (fd < 0)
		return result(fd);
	return result(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static int a_tcp4(struct stage *s)
{
	return connect_v4(s, 0);
}

static int a_mptcp(struct stage *s)
{
	return connect_v4(s, IPPROTO_MPTCP);
}

static int a_tcp6(struct stage *s)
{
	const struct sockaddr_in6 a = to_v6(s);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0)
		return result(fd);
	return result(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static int a_udp4(struct stage *s)
{
	const struct sockaddr_in a = to_v4(s);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return result(fd);
	return result(sendto(fd, "harm", 4, 0, (const struct sockaddr *)&a,
			     sizeof(a)));
}

static int a_udp6(struct stage *s)
{
	const struct sockaddr_in6 a = to_v6(s);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		return result(fd);
	return result(sendto(fd, "harm", 4, 0, (const struct sockaddr *)&a,
			     sizeof(a)));
}

/* An IPv6 socket to an IPv4 address. */
static struct sockaddr_in6 to_mapped(const struct stage *s)
{
	struct sockaddr_in6 a = to_v6(s);

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
	return a;
}

static int a_tcp_mapped(struct stage *s)
{
	const struct sockaddr_in6 a = to_mapped(s);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0)
		return result(fd);
	return result(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static int a_udp_mapped(struct stage *s)
{
	const struct sockaddr_in6 a = to_mapped(s);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		return result(fd);
	return result(sendto(fd, "harm", 4, 0, (const struct sockaddr *)&a,
			     sizeof(a)));
}

static int a_udp_connected(struct stage *s)
{
	const struct sockaddr_in a = to_v4(s);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return result(fd);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return result(-1);
	return result(send(fd, "harm", 4, 0));
}

/* A connect that is none: its first bytes go with it. */
static int a_fast_open(struct stage *s)
{
	const struct sockaddr_in a = to_v4(s);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return result(fd);
	return result(sendto(fd, "harm", 4, MSG_FASTOPEN,
			     (const struct sockaddr *)&a, sizeof(a)));
}

/* A server at a port of its own choice. */
static int a_serve(struct stage *s)
{
	struct sockaddr_in a = to_v4(s);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.5", &a.sin_addr);
	if (fd < 0)
		return result(fd);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return result(-1);
	return result(listen(fd, 1));
}

/* Somebody outside could connect to us. */
static int a_listen(struct stage *s)
{
	struct sockaddr_in a = to_v4(s);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = 0;
	if (fd < 0)
		return result(fd);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return result(-1);
	return result(listen(fd, 1));
}

/* These need privilege or a module as well: the errno tells who said no. */
static int a_raw(struct stage *s)
{
	(void)s;
	return result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int a_packet(struct stage *s)
{
	(void)s;
	return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static int a_vsock(struct stage *s)
{
	(void)s;
	return result(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int a_alg(struct stage *s)
{
	(void)s;
	return result(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static int a_netlink_diag(struct stage *s)
{
	(void)s;
	return result(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
}

static int a_netlink_uevent(struct stage *s)
{
	(void)s;
	return result(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
}

static int connect_unix(const struct sockaddr_un *a, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return result(fd);
	return result(connect(fd, (const struct sockaddr *)a, (socklen_t)len));
}

static int a_abstract(struct stage *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(s->name);

	memcpy(a.sun_path + 1, s->name, len);
	return connect_unix(&a,
			    offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

static int connect_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return connect_unix(&a, sizeof(a));
}

static int connect_runtime(const char *rest)
{
	char path[100];

	snprintf(path, sizeof(path), "/run/user/%u/%s", (unsigned int)getuid(),
		 rest);
	return connect_path(path);
}

static int a_dbus_user(struct stage *s)
{
	(void)s;
	return connect_runtime("bus");
}

static int a_systemd_user(struct stage *s)
{
	(void)s;
	return connect_runtime("systemd/private");
}

static int a_dbus_system(struct stage *s)
{
	(void)s;
	return connect_path("/run/dbus/system_bus_socket");
}

static const struct attack attacks[] = {
	{ "tcp4", a_tcp4 },
	{ "tcp6", a_tcp6 },
	{ "mptcp", a_mptcp },
	{ "udp4", a_udp4 },
	{ "udp6", a_udp6 },
	{ "tcp-mapped", a_tcp_mapped },
	{ "udp-mapped", a_udp_mapped },
	{ "udp-connected", a_udp_connected },
	{ "fast-open", a_fast_open },
	{ "serve", a_serve },
	{ "listen", a_listen },
	{ "raw", a_raw },
	{ "packet", a_packet },
	{ "vsock", a_vsock },
	{ "alg", a_alg },
	{ "netlink-diag", a_netlink_diag },
	{ "netlink-uevent", a_netlink_uevent },
	{ "abstract", a_abstract },
	{ "dbus-user", a_dbus_user },
	{ "dbus-system", a_dbus_system },
	{ "systemd-user", a_systemd_user },
};

int main(int argc, char **argv)
{
	return attack_main(argc, argv, attacks,
			   sizeof(attacks) / sizeof(attacks[0]));
}
