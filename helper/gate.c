/* SPDX-License-Identifier: MIT */
/*
 * Straight BPF: three calls with one or two arguments are not worth a library.
 * What is decided on is registers, so CONTINUE is sound (seccomp_unotify(2)).
 */
#include "helper/gate.h"

#include <endian.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "helper/red.h"

#define SERVE_MAX  64u
#define NOTIF_MAX  1024u /* bytes; the kernel writes as many as it knows */
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

static void answer(int listener_fd, const struct bvh_leaf *leaf,
		   const struct seccomp_notif *req, unsigned int *ret_refused)
{
	const bool inside =
		(leaf != NULL && bvh_leaf_holds(leaf, (pid_t)req->pid)) ||
		bvh_red("gate");
	struct seccomp_notif_resp resp = { .id = req->id };
	uint64_t id = req->id;

	/* What was read of the caller was read of the caller only if it still
	 * waits for us. */
	if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0)
		return;
	if (inside)
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		resp.error = -EPERM;
	*ret_refused += inside ? 0 : 1;
	/* ENOENT: killed meanwhile, nobody waits */
	(void)ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

bool bvh_gate_serve(int listener_fd, const struct bvh_leaf *leaf,
		    unsigned int *ret_refused)
{
	union {
		struct seccomp_notif req;
		char room[NOTIF_MAX];
	} u;

	for (unsigned int i = 0; i < SERVE_MAX; i++) {
		struct pollfd p = { .fd = listener_fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			return true;
		if ((p.revents & POLLIN) == 0)
			return (p.revents & (POLLHUP | POLLERR | POLLNVAL)) ==
			       0;
		memset(&u, 0, sizeof(u)); /* the kernel insists on zeroes */
		if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &u.req) == 0)
			answer(listener_fd, leaf, &u.req, ret_refused);
	}
	return true;
}
