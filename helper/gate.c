/* SPDX-License-Identifier: MIT */
/*
 * Straight BPF: three calls with one or two arguments are not worth a library.
 * What is decided on is registers, so CONTINUE is sound (seccomp_unotify(2)).
 */
#include "helper/gate.h"

#include <endian.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>

#include "helper/listener.h"
#include "helper/red.h"

#define NR_X32_BIT 0x40000000u
#define UNCHANGED  0xffffffffu

/* A uid is the lower half of its register. */
#define LOW_HALF(i)                                                            \
	(uint32_t)(offsetof(struct seccomp_data, args) + (i)*8 +               \
		   (BYTE_ORDER == BIG_ENDIAN ? 4 : 0))

/* The arguments that become real or saved ids. */
struct gated {
	uint32_t nr;
	unsigned int args_n;
	unsigned int arg[2];
};

static const struct gated gated[] = {
	{ SYS_setuid, 1, { 0, 0 } },      { SYS_setreuid, 2, { 0, 1 } },
	{ SYS_setresuid, 2, { 0, 2 } },
#ifdef SYS_setuid32
	{ SYS_setuid32, 1, { 0, 0 } },    { SYS_setreuid32, 2, { 0, 1 } },
	{ SYS_setresuid32, 2, { 0, 2 } },
#endif
};

struct writer {
	struct sock_filter *insn;
	size_t n;
};

static void stmt(struct writer *w, unsigned int code, uint32_t k)
{
	w->insn[w->n++] = (struct sock_filter)BPF_STMT((unsigned short)code, k);
}

static void jump_eq(struct writer *w, uint32_t k, size_t yes, size_t no)
{
	w->insn[w->n++] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JEQ | BPF_K, k, (unsigned char)yes,
		(unsigned char)no);
}

/* Per argument: load, is it root, is it left as it is, ask. */
#define ARG_INSNS 4u

static void one_call(struct writer *w, const struct gated *g)
{
	const size_t body = g->args_n * ARG_INSNS + 1;

	jump_eq(w, g->nr, 0, body);
	for (unsigned int i = 0; i < g->args_n; i++) {
		stmt(w, BPF_LD | BPF_W | BPF_ABS, LOW_HALF(g->arg[i]));
		jump_eq(w, 0, 2, 0);
		jump_eq(w, UNCHANGED, 1, 0);
		stmt(w, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	stmt(w, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

size_t bvh_gate_build(struct sock_filter ret[BVH_GATE_INSN_MAX])
{
	const uint32_t refuse = SECCOMP_RET_ERRNO | ENOSYS;
	struct writer w = { .insn = ret };

	/* another architecture's numbers mean other calls */
	stmt(&w, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	jump_eq(&w, seccomp_arch_native(), 1, 0);
	stmt(&w, BPF_RET | BPF_K, refuse);
	stmt(&w, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	w.insn[w.n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
						     NR_X32_BIT, 0, 1);
	stmt(&w, BPF_RET | BPF_K, refuse);
#endif
	for (size_t i = 0; i < BV_LEN(gated); i++)
		one_call(&w, &gated[i]);
	stmt(&w, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return w.n;
}

struct gate {
	const struct bvh_leaf *leaf;
	unsigned int *refused;
};

static int decide(void *arg, const struct seccomp_notif *req)
{
	const struct gate *in = arg;
	const bool inside = (in->leaf != NULL &&
			     bvh_leaf_holds(in->leaf, (pid_t)req->pid)) ||
			    bvh_red("gate");

	return inside ? 0 : EPERM;
}

static void count(void *arg, const struct seccomp_notif *req, int error)
{
	const struct gate *in = arg;

	(void)req;
	*in->refused += error == 0 ? 0 : 1;
}

bool bvh_gate_serve(int listener_fd, const struct bvh_leaf *leaf,
		    unsigned int *ret_refused)
{
	struct gate in = { leaf, ret_refused };
	const struct bvh_judge judge = { decide, count, &in };

	return bvh_listener_serve(listener_fd, &judge);
}
