/* SPDX-License-Identifier: MIT */
/*
 * Network programs on a real leaf: what no call shows (packets from elsewhere,
 * the budget's bytes), what the kernel says is attached, and what stands in the
 * way of attaching.
 */
#include "tests/live/net_stage.h"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/syscall.h>

/* --- what no call shows ------------------------------------------------------------ */

/* Listens without a bind, which no program is asked about: the port goes to the
 * parent, and then it waits for a visitor. */
static int listen_unasked(int to, int wait_ms)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct pollfd p = { .events = POLLIN };
	uint16_t port;

	if (bvh_leaf_add(&leaf, getpid(), NULL) != BV_OK)
		return 200;
	p.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (p.fd < 0 || listen(p.fd, 1) != 0 ||
	    getsockname(p.fd, (struct sockaddr *)&sa, &len) != 0)
		return 201;
	port = ((struct sockaddr_in *)(void *)&sa)->sin_port;
	if (write(to, &port, sizeof(port)) != (ssize_t)sizeof(port))
		return 202;
	return poll(&p, 1, wait_ms) == 1 ? 0 : ETIMEDOUT;
}

/* Somebody outside who connects there, and stays. */
static int visit(uint16_t port)
{
	struct sockaddr_storage sa;
	const socklen_t len = fill(&sa, V4, ntohs(port));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)connect(fd, (struct sockaddr *)&sa, len);
	return fd;
}

static int visited(int wait_ms)
{
	bv_auto_close int visitor = -1;
	uint16_t port = 0;
	int p[2], status = 0;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0)
		_exit(listen_unasked(p[1], wait_ms));
	close(p[1]);
	assert_int_equal(read(p[0], &port, sizeof(port)), sizeof(port));
	close(p[0]);
	visitor = visit(port);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void test_list__a_listening_socket__has_no_visitors(void **state)
{
	const struct bv_net_rules rules = list_rules();
	struct bvh_net net;

	(void)state;
	make_leaf();
	assert_int_equal(visited(30000), 0);
	attach(&rules, &net);
	assert_int_equal(visited(1500), ETIMEDOUT);
	bvh_net_done(&net);
	remove_leaf();
}

/* --- the budget ---------------------------------------------------------------- */

#define PAYLOAD	  172 /* 200 with the headers of IP and UDP */
#define DATAGRAM  200u
#define DATAGRAMS 50

/* Sends them all; how many the kernel took. */
static int send_many(void *arg)
{
	char payload[PAYLOAD] = { 0 };
	struct sockaddr_storage sa;
	const socklen_t len = fill(&sa, V4, outside[LISTED].port);
	int fd, n = 0;

	(void)arg;
	if (bvh_leaf_add(&leaf, getpid(), NULL) != BV_OK)
		return 200;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < DATAGRAMS; i++)
		n += sendto(fd, payload, sizeof(payload), 0,
			    (struct sockaddr *)&sa, len) == PAYLOAD;
	return n;
}

static void test_budget__not_a_byte_more(void **state)
{
	const struct bv_net_rules rules = { .is_counted = true,
					    .limit_bytes = 10 * DATAGRAM + 199,
					    .counter_fd = -1 };
	struct bv_net_counter counter = { 0 };
	struct bvh_net net;

	(void)state;
	make_leaf();
	(void)arrived(&outside[LISTED]);
	assert_int_equal(live_child(send_many, NULL), DATAGRAMS);
	assert_int_equal(drain_of(outside[LISTED].udp4, DATAGRAMS), DATAGRAMS);
	attach(&rules, &net);
	assert_int_equal(net.n, 2);
	assert_true(bvh_net_read(&net, &counter));
	assert_int_equal(counter.passed_bytes, 0);
	assert_int_equal(live_child(send_many, NULL), 10);
	assert_int_equal(drain_of(outside[LISTED].udp4, 10), 10);
	assert_true(bvh_net_read(&net, &counter));
	assert_int_equal(counter.passed_bytes, 10 * DATAGRAM);
	assert_int_equal(counter.refused, DATAGRAMS - 10);
	bvh_net_done(&net);
	assert_false(bvh_net_read(&net, &counter));
	remove_leaf();
}

/* --- the kernel's word ------------------------------------------------------------ */

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static void test_attest__a_program_that_was_taken_away(void **state)
{
	const struct bv_net_rules rules = list_rules();
	struct bv_err err = { 0 };
	union bpf_attr attr;
	struct bvh_net net;
	char ids[160], again[160];

	(void)state;
	make_leaf();
	attach(&rules, &net);
	assert_int_equal(bvh_net_attest(&net, &rules, &leaf, ids, sizeof(ids),
					&err),
			 BV_OK);
	for (size_t h = 0; h < BV_NET_HOOK_N; h++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", net.prog[h].id);
		assert_non_null(strstr(ids, id));
	}
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)leaf.fd;
	attr.attach_bpf_fd = (uint32_t)net.prog[BV_NET_SENDMSG6].fd;
	attr.attach_type = BPF_CGROUP_UDP6_SENDMSG;
	assert_int_equal(sys_bpf(BPF_PROG_DETACH, &attr), 0);
	assert_int_equal(bvh_net_attest(&net, &rules, &leaf, again,
					sizeof(again), &err),
			 BV_E_PROTO);
	assert_non_null(strstr(err.msg, "does not have the sendmsg6 program"));
	/* Another program in its place is not it. */
	attr.attach_bpf_fd = (uint32_t)net.prog[BV_NET_SENDMSG6].fd;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	assert_int_equal(sys_bpf(BPF_PROG_ATTACH, &attr), 0);
	net.prog[BV_NET_SENDMSG6].tag[0] ^= 1;
	assert_int_equal(bvh_net_attest(&net, &rules, &leaf, again,
					sizeof(again), &err),
			 BV_E_PROTO);
	bvh_net_done(&net);
	remove_leaf();
}

/* An administrator's own program above that allows no other: refused, with the
 * hook, and the trial of the probe says the same. */
static void test_attach__under_an_exclusive_program__refused(void **state)
{
	const struct bv_net_rules rules = list_rules();
	const struct bv_insn pass[] = {
		{ .code = BV_MOV_IMM, .imm = 1 },
		{ .code = BV_EXIT },
	};
	bv_auto_close int dir = -1;
	bv_auto_close int prog = -1;
	struct bv_err err = { 0 };
	union bpf_attr attr;
	struct bvh_net net;

	(void)state;
	make_leaf();
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_SKB;
	attr.expected_attach_type = BPF_CGROUP_INET_EGRESS;
	attr.insns = (uint64_t)(uintptr_t)pass;
	attr.insn_cnt = 2;
	attr.license = (uint64_t)(uintptr_t) "MIT";
	prog = sys_bpf(BPF_PROG_LOAD, &attr);
	assert_true(prog >= 0);
	dir = open(base_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_INET_EGRESS;
	assert_int_equal(sys_bpf(BPF_PROG_ATTACH, &attr), 0);
	assert_int_equal(bvh_net_attach(&rules, &leaf, &net, &err), BV_E_SYS);
	assert_non_null(strstr(err.msg, "attach the out program"));
	assert_false(bvh_net_works(&base));
	assert_int_equal(sys_bpf(BPF_PROG_DETACH, &attr), 0);
	assert_true(bvh_net_works(&base));
	remove_leaf();
}

static void test_works__leaves_nothing_behind(void **state)
{
	char path[600];

	(void)state;
	LIVE_NEED(unable == NULL, unable);
	assert_true(bvh_net_works(&base));
	snprintf(path, sizeof(path), "%s/trial-%d", base_path, getpid());
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_list__a_listening_socket__has_no_visitors),
		cmocka_unit_test(test_budget__not_a_byte_more),
		cmocka_unit_test(test_attest__a_program_that_was_taken_away),
		cmocka_unit_test(
			test_attach__under_an_exclusive_program__refused),
		cmocka_unit_test(test_works__leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
