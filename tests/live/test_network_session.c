/* SPDX-License-Identifier: MIT */
/*
 * A whole session under an allow list, and under a traffic budget, on this
 * kernel. Witnesses: sockets outside, the kernel's own list of the leaf's
 * programs, the record on disk. Stage and leader as in test_guard.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include "core/vocab.h"
#include "helper/net_bpf.h"
#include "tests/live/guard_stage.h"

/* Shared with the leader, which is another process. */
static struct tried {
	int listed, other, tcp_other;
	int sent, refused;
	uint16_t listed_port, other_port;
} *tried;

static int listed_fd = -1, other_fd = -1;

static int hold_udp(uint16_t *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return -1;
	*port = ntohs(sa.sin_port);
	return fd;
}

static int set_network(void **state)
{
	int code = set_stage(state);

	tried = mmap(NULL, sizeof(*tried), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tried == MAP_FAILED)
		return -1;
	listed_fd = hold_udp(&tried->listed_port);
	other_fd = hold_udp(&tried->other_port);
	return listed_fd < 0 || other_fd < 0 ? -1 : code;
}

static void need_programs(void)
{
	struct bvh_cgroup_base base;
	bool works;

	need_stage();
	assert_int_equal(bvh_cgroup_base_find(env.base, &base, NULL), BV_OK);
	works = bvh_net_works(&base);
	bvh_cgroup_base_done(&base);
	if (works)
		return;
	print_message("# missing: programs on a cgroup\n");
	skip();
}

static int send_to(int type, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, type, 0);
	int e = 0;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return errno;
	if (type == SOCK_STREAM
		    ? connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0
		    : sendto(fd, "x", 1, 0, (struct sockaddr *)&sa,
			     sizeof(sa)) != 1)
		e = errno;
	close(fd);
	return e;
}

/* Acts of the leader, once it is inside. */
static void reach_out(void *arg)
{
	struct tried *t = arg;

	t->listed = send_to(SOCK_DGRAM, t->listed_port);
	t->other = send_to(SOCK_DGRAM, t->other_port);
	t->tcp_other = send_to(SOCK_STREAM, t->other_port);
}

/* 29 bytes each: IP, UDP and one of payload. */
static void send_many(void *arg)
{
	struct tried *t = arg;

	for (int i = 0; i < 50; i++) {
		if (send_to(SOCK_DGRAM, t->listed_port) == 0)
			t->sent++;
		else
			t->refused++;
	}
}

static size_t heard(int fd)
{
	char byte[16];
	size_t n = 0;

	while (recv(fd, byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

/* At least that many are waited for: a busy kernel delivers later. */
static size_t heard_of(int fd, size_t want)
{
	size_t n = heard(fd);

	for (int i = 0; i < 3000 && n < want; i++) {
		nap_ms(10);
		n += heard(fd);
	}
	return n;
}

/* How many programs the kernel has at that hook of the leaf. */
static uint32_t programs_at(const struct leader *l, enum bpf_attach_type at)
{
	char path[2 * PATH_MAX];
	uint32_t ids[64];
	union bpf_attr attr;
	int fd;

	snprintf(path, sizeof(path), "%s/session-%s", env.base,
		 l->view->session);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)fd;
	attr.query.attach_type = at;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = BV_LEN(ids);
	assert_int_equal(syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)),
			 0);
	close(fd);
	return attr.query.prog_cnt;
}

static const char *detail_of(json_t *report, const char *kind)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "observed"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "kind")),
			   kind) == 0)
			return json_string_value(
				json_object_get(row, "detail"));
	}
	return NULL;
}

static json_t *network_of(json_t *report)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "budgets"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "dimension")),
			   "network") == 0)
			return row;
	}
	return NULL;
}

static struct leader opened_with(const char *network, void (*act)(void *))
{
	static struct order order;
	char text[1024];

	snprintf(text, sizeof(text),
		 "bvisor-policy 1\n[match]\nuser = bvt-alice\n[filesystem]\n"
		 "base = system\nwrite = ~\n[network]\n%s",
		 network);
	policy("alice", text);
	order = open_as("bvt-alice");
	order.act = act;
	order.arg = tried;
	return opened(&order);
}

static void test_session__list__its_peer_and_no_other(void **state)
{
	struct leader l;
	char text[128];
	json_t *r;

	(void)state;
	need_programs();
	snprintf(text, sizeof(text),
		 "access = list\nallow = udp localhost %u\n",
		 tried->listed_port);
	l = opened_with(text, reach_out);
	assert_int_equal(programs_at(&l, BPF_CGROUP_INET4_CONNECT), 1);
	assert_int_equal(programs_at(&l, BPF_CGROUP_INET_EGRESS), 1);
	assert_true(leader_step(&l, 'a'));
	assert_int_equal(tried->listed, 0);
	assert_int_equal(tried->other, EPERM);
	assert_true(tried->tcp_other == EPERM || tried->tcp_other == EACCES);
	assert_int_equal(heard_of(listed_fd, 1), 1);
	assert_int_equal(heard(other_fd), 0);
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	eventually(nothing_left());
	r = record_of(&l);
	assert_non_null(detail_of(r, "network_programs_prepared"));
	assert_memory_equal(detail_of(r, "network_programs_prepared"),
			    "9, sha256 ", 10);
	assert_memory_equal(detail_of(r, "attested_network_programs"), "ids ",
			    4);
	assert_true(json_is_null(json_object_get(network_of(r), "used")));
	json_decref(r);
	leader_done(&l);
}

static void test_session__budget__to_the_byte(void **state)
{
	struct leader l;
	json_t *r;

	(void)state;
	need_programs();
	l = opened_with("access = open\n[budget]\nnetwork = 600 enforced "
			"evidence=resource-usage\n",
			send_many);
	assert_int_equal(programs_at(&l, BPF_CGROUP_INET4_CONNECT), 0);
	assert_int_equal(programs_at(&l, BPF_CGROUP_INET_EGRESS), 1);
	(void)heard(listed_fd);
	assert_true(leader_step(&l, 'a'));
	assert_int_equal(tried->sent, 20);
	assert_int_equal(tried->refused, 30);
	assert_int_equal(heard_of(listed_fd, 20), 20);
	assert_true(leader_step(&l, 'c'));
	eventually(nothing_left());
	assert_outcome(&l, "completed");
	r = record_of(&l);
	assert_int_equal(json_integer_value(
				 json_object_get(network_of(r), "used")),
			 580);
	assert_string_equal(
		json_string_value(json_object_get(network_of(r), "finding")),
		bv_finding_name(BV_FINDING_LIMIT_REACHED_ENFORCED));
	json_decref(r);
	leader_done(&l);
}

#define TEST(t) cmocka_unit_test_teardown(t, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session__list__its_peer_and_no_other),
		TEST(test_session__budget__to_the_byte),
	};

	return cmocka_run_group_tests(tests, set_network, clear_stage);
}
