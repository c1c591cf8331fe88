/* SPDX-License-Identifier: MIT */
/* See net_bpf.h. */
#include "helper/net_bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plan.h"
#include "helper/fd.h"
#include "helper/red.h"

#define ATTACHED_MAX 64u /* programs at one hook of one cgroup: the kernel's */
#define TRIAL        "trial-%d"

/* What core/net_program.h says without the kernel's headers. */
_Static_assert(sizeof(struct bv_insn) == sizeof(struct bpf_insn) &&
		       offsetof(struct bv_insn, off) ==
			       offsetof(struct bpf_insn, off) &&
		       offsetof(struct bv_insn, imm) ==
			       offsetof(struct bpf_insn, imm),
	       "an instruction");
_Static_assert(BV_LDX_W == (BPF_LDX | BPF_MEM | BPF_W) &&
		       BV_LDX_H == (BPF_LDX | BPF_MEM | BPF_H) &&
		       BV_LDX_B == (BPF_LDX | BPF_MEM | BPF_B) &&
		       BV_LD_IMM64 == (BPF_LD | BPF_DW | BPF_IMM) &&
		       BV_XADD == (BPF_STX | BPF_ATOMIC | BPF_DW) &&
		       BV_XADD_ADD == BPF_ADD &&
		       BV_XADD_FETCH_ADD == (BPF_ADD | BPF_FETCH),
	       "memory");
_Static_assert(BV_ADD_IMM == (BPF_ALU64 | BPF_ADD | BPF_K) &&
		       BV_ADD_REG == (BPF_ALU64 | BPF_ADD | BPF_X) &&
		       BV_NEG == (BPF_ALU64 | BPF_NEG) &&
		       BV_MOV_IMM == (BPF_ALU64 | BPF_MOV | BPF_K) &&
		       BV_MOV_REG == (BPF_ALU64 | BPF_MOV | BPF_X) &&
		       BV_MOV32_REG == (BPF_ALU | BPF_MOV | BPF_X) &&
		       BV_AND32_IMM == (BPF_ALU | BPF_AND | BPF_K) &&
		       BV_LSH32_IMM == (BPF_ALU | BPF_LSH | BPF_K),
	       "sums");
_Static_assert(BV_JA == (BPF_JMP | BPF_JA) &&
		       BV_JEQ32_IMM == (BPF_JMP32 | BPF_JEQ | BPF_K) &&
		       BV_JNE32_IMM == (BPF_JMP32 | BPF_JNE | BPF_K) &&
		       BV_JGT_REG == (BPF_JMP | BPF_JGT | BPF_X) &&
		       BV_CALL == (BPF_JMP | BPF_CALL) &&
		       BV_EXIT == (BPF_JMP | BPF_EXIT) &&
		       BV_PSEUDO_MAP == BPF_PSEUDO_MAP_VALUE &&
		       BV_HELPER_SKB_LOAD == BPF_FUNC_skb_load_bytes,
	       "jumps");
_Static_assert(BV_SOCK_TYPE == offsetof(struct bpf_sock, type) &&
		       BV_SOCK_PROTOCOL == offsetof(struct bpf_sock, protocol),
	       "struct bpf_sock");
_Static_assert(
	BV_ADDR_IP4 == offsetof(struct bpf_sock_addr, user_ip4) &&
		BV_ADDR_IP6 == offsetof(struct bpf_sock_addr, user_ip6) &&
		BV_ADDR_PORT == offsetof(struct bpf_sock_addr, user_port) &&
		BV_ADDR_PROTOCOL == offsetof(struct bpf_sock_addr, protocol),
	"struct bpf_sock_addr");
_Static_assert(BV_SKB_LEN == offsetof(struct __sk_buff, len) &&
		       BV_SKB_PROTOCOL == offsetof(struct __sk_buff, protocol),
	       "struct __sk_buff");

static const struct hook_row {
	enum bpf_prog_type type;
	enum bpf_attach_type at;
	const char *red;
} hooks[] = {
	[BV_NET_SOCKET] = { BPF_PROG_TYPE_CGROUP_SOCK,
			    BPF_CGROUP_INET_SOCK_CREATE, "net-socket" },
	[BV_NET_CONNECT4] = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			      BPF_CGROUP_INET4_CONNECT, "net-connect" },
	[BV_NET_CONNECT6] = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			      BPF_CGROUP_INET6_CONNECT, "net-connect" },
	[BV_NET_SENDMSG4] = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			      BPF_CGROUP_UDP4_SENDMSG, "net-sendmsg" },
	[BV_NET_SENDMSG6] = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			      BPF_CGROUP_UDP6_SENDMSG, "net-sendmsg" },
	[BV_NET_BIND4] = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			   BPF_CGROUP_INET4_BIND, "net-bind" },
	[BV_NET_BIND6] = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			   BPF_CGROUP_INET6_BIND, "net-bind" },
	[BV_NET_IN] = { BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS,
			"net-packet" },
	[BV_NET_OUT] = { BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS,
			 "net-packet" },
};
_Static_assert(BV_LEN(hooks) == BV_NET_HOOK_N, "every hook has a row");

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

void bvh_net_init(struct bvh_net *net)
{
	*net = (struct bvh_net){ .counter_fd = -1 };
	for (size_t h = 0; h < BV_NET_HOOK_N; h++)
		net->prog[h].fd = -1;
}

void bvh_net_done(struct bvh_net *net)
{
	for (size_t h = 0; h < BV_NET_HOOK_N; h++)
		bvh_close(&net->prog[h].fd);
	bvh_close(&net->counter_fd);
}

struct bv_net_rules bvh_net_rules(const struct bv_spec *spec, bool limited,
				  uint64_t limit_bytes)
{
	return (struct bv_net_rules){
		.is_list = spec->network == BV_NETWORK_LIST,
		.peer = spec->net.peer,
		.peer_n = spec->net.n,
		.is_counted = limited,
		.limit_bytes =
			bvh_red("net-budget") ? UINT64_MAX >> 1 : limit_bytes,
		.counter_fd = -1,
	};
}

/* --- making ---------------------------------------------------------------- */

/* Descriptors of bpf(2) are close-on-exec by birth. */
static int make_counter(int *ret_fd, struct bv_err *err)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = sizeof(struct bv_net_counter);
	attr.max_entries = 1;
	*ret_fd = sys_bpf(BPF_MAP_CREATE, &attr);
	return *ret_fd < 0 ? bv_fail_errno(err, errno,
					   "counter of the network "
					   "budget")
			   : BV_OK;
}

static int get_info(int fd, struct bpf_prog_info *ret)
{
	union bpf_attr attr;

	memset(ret, 0, sizeof(*ret));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info = pointer(ret);
	attr.info.info_len = sizeof(*ret);
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 ? 0 : errno;
}

static int load_program(enum bv_net_hook hook, const struct bv_insn *insn,
			size_t n, struct bvh_net_prog *ret, struct bv_err *err)
{
	struct bpf_prog_info info;
	union bpf_attr attr;
	int e;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = hooks[hook].type;
	attr.expected_attach_type = hooks[hook].at;
	attr.insns = pointer(insn);
	attr.insn_cnt = (uint32_t)n;
	attr.license = pointer("MIT");
	snprintf(attr.prog_name, sizeof(attr.prog_name), "bvisor_%s",
		 bv_net_hook_name(hook));
	ret->fd = sys_bpf(BPF_PROG_LOAD, &attr);
	if (ret->fd < 0)
		return bv_fail_errno(err, errno, "load the %s program",
				     bv_net_hook_name(hook));
	e = get_info(ret->fd, &info);
	if (e != 0)
		return bv_fail_errno(err, e, "look at the %s program",
				     bv_net_hook_name(hook));
	ret->id = info.id;
	memcpy(ret->tag, info.tag, sizeof(ret->tag));
	return BV_OK;
}

/* MULTI: what an administrator, or systemd's IPAddressDeny=, has above or
 * beside goes on holding. */
static int attach_program(enum bv_net_hook hook,
			  const struct bvh_net_prog *prog,
			  const struct bvh_leaf *leaf, struct bv_err *err)
{
	union bpf_attr attr;

	if (bvh_red(hooks[hook].red))
		return BV_OK;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)leaf->fd;
	attr.attach_bpf_fd = (uint32_t)prog->fd;
	attr.attach_type = hooks[hook].at;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (sys_bpf(BPF_PROG_ATTACH, &attr) == 0)
		return BV_OK;
	return bv_fail_errno(err, errno, "attach the %s program to '%s'%s",
			     bv_net_hook_name(hook), leaf->name,
			     errno == EPERM ? " (is one attached above it "
					      "that allows no other?)"
					    : "");
}

struct making {
	struct bv_insn insn[BV_NET_PROGRAM_MAX];
	char digests[BV_NET_HOOK_N][65];
};

static int make_program(const struct bv_net_rules *rules, enum bv_net_hook hook,
			const struct bvh_leaf *leaf, struct making *m,
			struct bvh_net *net, struct bv_err *err)
{
	struct bvh_net_prog *prog = &net->prog[hook];
	size_t n = 0;
	int code;

	if (!bv_net_hook_needed(rules, hook))
		return BV_OK;
	code = bv_net_program(rules, hook, m->insn, &n, err);
	if (code != BV_OK)
		return code;
	bv_sha256_hex(m->insn, n * sizeof(m->insn[0]), m->digests[hook]);
	code = load_program(hook, m->insn, n, prog, err);
	if (code == BV_OK)
		code = attach_program(hook, prog, leaf, err);
	net->n += code == BV_OK;
	return code;
}

int bvh_net_attach(const struct bv_net_rules *rules,
		   const struct bvh_leaf *leaf, struct bvh_net *ret,
		   struct bv_err *err)
{
	bv_auto_free struct making *m = calloc(1, sizeof(*m));
	struct bv_net_rules r = *rules;
	struct bvh_net net;
	int code = BV_OK;

	bvh_net_init(&net);
	if (m == NULL)
		return bv_fail(err, BV_E_NOMEM, "network programs");
	if (r.is_counted)
		code = make_counter(&net.counter_fd, err);
	r.counter_fd = net.counter_fd;
	for (size_t h = 0; h < BV_NET_HOOK_N && code == BV_OK; h++)
		code = make_program(&r, (enum bv_net_hook)h, leaf, m, &net,
				    err);
	if (code != BV_OK) {
		bvh_net_done(&net);
		return code;
	}
	bv_sha256_hex(m->digests, sizeof(m->digests), net.sha256_hex);
	*ret = net;
	return BV_OK;
}

/* --- looking --------------------------------------------------------------- */

static bool is_attached(enum bv_net_hook hook, uint32_t id,
			const struct bvh_leaf *leaf)
{
	uint32_t ids[ATTACHED_MAX] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)leaf->fd;
	attr.query.attach_type = hooks[hook].at;
	attr.query.prog_ids = pointer(ids);
	attr.query.prog_cnt = ATTACHED_MAX;
	if (sys_bpf(BPF_PROG_QUERY, &attr) != 0)
		return false;
	for (uint32_t i = 0; i < attr.query.prog_cnt && i < ATTACHED_MAX; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* By its id, from the kernel's table: not the descriptor that we hold. */
static bool is_unchanged(const struct bvh_net_prog *prog)
{
	struct bpf_prog_info info;
	bv_auto_close int fd = -1;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = prog->id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	return fd >= 0 && get_info(fd, &info) == 0 &&
	       memcmp(info.tag, prog->tag, sizeof(prog->tag)) == 0;
}

int bvh_net_attest(const struct bvh_net *net, const struct bv_net_rules *rules,
		   const struct bvh_leaf *leaf, char *ret, size_t ret_len,
		   struct bv_err *err)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t h = 0; h < BV_NET_HOOK_N; h++) {
		const enum bv_net_hook hook = (enum bv_net_hook)h;
		const struct bvh_net_prog *prog = &net->prog[h];

		if (!bv_net_hook_needed(rules, hook))
			continue;
		if (prog->fd < 0 || !is_attached(hook, prog->id, leaf) ||
		    !is_unchanged(prog))
			return bv_fail(err, BV_E_PROTO,
				       "leaf '%s' does not have the %s program "
				       "(id %u) that was made for it",
				       leaf->name, bv_net_hook_name(hook),
				       prog->id);
		len += (size_t)snprintf(ret + len, ret_len - len, "%s%u",
					len == 0 ? "" : " ", prog->id);
		if (len >= ret_len)
			return bv_fail(err, BV_E_LIMIT, "too many ids");
	}
	return BV_OK;
}

bool bvh_net_read(const struct bvh_net *net, struct bv_net_counter *ret)
{
	const uint32_t key = 0;
	union bpf_attr attr;

	if (net->counter_fd < 0)
		return false;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)net->counter_fd;
	attr.key = pointer(&key);
	attr.value = pointer(ret);
	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr) == 0;
}

/* --- trying ---------------------------------------------------------------- */

/* Both kinds of address, both protocols, a prefix: every shape of instruction
 * that a policy's own programs may have goes through the kernel's verifier. */
static bool all_load(void)
{
	static const struct bv_net_peer peers[] = {
		{ .addr = { { [10] = 0xff, [11] = 0xff, 10 } },
		  .bits = BV_NET_V4_BITS + 9,
		  .proto = BV_NET_TCP,
		  .port = 1 },
		{ .addr = { { 0x20, 0x01 } }, .bits = 35, .proto = BV_NET_UDP },
	};
	const struct bv_net_rules rules = {
		.is_list = true,
		.peer = peers,
		.peer_n = BV_LEN(peers),
	};
	bv_auto_free struct making *m = calloc(1, sizeof(*m));
	bool fine = m != NULL;

	for (size_t h = 0; h < BV_NET_HOOK_N && fine; h++) {
		const enum bv_net_hook hook = (enum bv_net_hook)h;
		struct bvh_net_prog prog = { .fd = -1 };
		size_t n = 0;

		fine = bv_net_program(&rules, hook, m->insn, &n, NULL) ==
			       BV_OK &&
		       load_program(hook, m->insn, n, &prog, NULL) == BV_OK;
		bvh_close(&prog.fd);
	}
	return fine;
}

/* Attached are the two that systemd's IPAddressDeny= and the like attach as
 * well: a hook that nobody used costs the kernel a change of its own code, on
 * every processor. */
static bool try_in(const struct bvh_leaf *leaf)
{
	const struct bv_net_rules rules = {
		.is_counted = true,
		.limit_bytes = 1,
	};
	struct bvh_net net;
	char ids[160];
	bool works;

	if (bvh_net_attach(&rules, leaf, &net, NULL) != BV_OK)
		return false;
	/* A red build without these two is asked about sessions, not about them. */
	works = bvh_red("net-packet") ||
		bvh_net_attest(&net, &rules, leaf, ids, sizeof(ids), NULL) ==
			BV_OK;
	bvh_net_done(&net);
	return works;
}

bool bvh_net_works(const struct bvh_cgroup_base *base)
{
	const struct bvh_leaf_limits none = { .has_pids = false };
	struct bvh_leaf leaf;
	char name[32];
	bool works;

	snprintf(name, sizeof(name), TRIAL, (int)getpid());
	if (base->fd < 0 || geteuid() != 0)
		return false;
	/* Of one that had our number and was killed at its trial. */
	(void)unlinkat(base->fd, name, AT_REMOVEDIR);
	if (bvh_leaf_create(base, name, &none, &leaf, NULL) != BV_OK)
		return false;
	works = all_load() && try_in(&leaf);
	(void)!bvh_leaf_remove(&leaf, NULL);
	bvh_leaf_done(&leaf);
	return works;
}
