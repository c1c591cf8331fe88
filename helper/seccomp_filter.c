/* SPDX-License-Identifier: MIT */
/*
 * The deny list, as data. libseccomp turns the table into a binary tree; a
 * short prelude in front does the two things it has no words for: numbers no
 * kernel has yet are answered ENOSYS (a deny list would let tomorrow's calls
 * through), and personality(2) takes a few known values only.
 *
 * Arguments are compared as the kernel reads them: commands and flags are 32
 * bit wide, so TIOCSTI is masked — 0x100005412 is the same call
 * (CVE-2019-10063).
 */
#include "helper/seccomp_filter.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/plan.h"
#include "helper/filter_export.h"
#include "helper/red.h"

#define NR_OPEN_TREE_ATTR 467 /* Linux 6.15 */
#define NR_LAST_KNOWN     469 /* file_setattr, Linux 6.17 */
#define NR_X32_BIT        0x40000000u

#define LOW32       0xffffffffu
#define SOCKET_TYPE 0xfu /* beside it SOCK_CLOEXEC and SOCK_NONBLOCK */

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

enum when {
	ALWAYS,
	NO_NETWORK, /* deny_sockets */
	PLAIN,      /* plain_sockets */
	LIMITED,    /* either of these */
	NOTIFY,     /* notify_signals */
	BUS,        /* notify_bus */
};

struct row {
	int nr;
	int errno_ret; /* 0: ask the guardian */
	enum when when;
	const char *red;
	unsigned int args_n;
	struct scmp_arg_cmp arg[2];
};

#define NONE                                                                   \
	0,                                                                     \
	{                                                                      \
		{                                                              \
			0, SCMP_CMP_EQ, 0, 0                                   \
		}                                                              \
	}
#define CMP(a, op, v)                                                          \
	{                                                                      \
		a, op, v, 0                                                    \
	}
#define ARG(a, op, v)                                                          \
	1,                                                                     \
	{                                                                      \
		CMP(a, op, v)                                                  \
	}
#define ARG32(a, v)                                                            \
	1,                                                                     \
	{                                                                      \
		{                                                              \
			a, SCMP_CMP_MASKED_EQ, LOW32, v                        \
		}                                                              \
	}
#define FLAG(a, bit)                                                           \
	1,                                                                     \
	{                                                                      \
		{                                                              \
			a, SCMP_CMP_MASKED_EQ, bit, bit                        \
		}                                                              \
	}

#define DENY(name)                                                             \
	{                                                                      \
		SCMP_SYS(name), EPERM, ALWAYS, "seccomp-other", NONE           \
	}
#define MOUNT(name)                                                            \
	{                                                                      \
		SCMP_SYS(name), EPERM, ALWAYS, "seccomp-mount", NONE           \
	}
#define URING(name)                                                            \
	{                                                                      \
		SCMP_SYS(name), ENOSYS, ALWAYS, "seccomp-uring", NONE          \
	}
#define NEWNS(name, bit)                                                       \
	{                                                                      \
		SCMP_SYS(name), EPERM, ALWAYS, "seccomp-userns", FLAG(0, bit)  \
	}
#define TTY(cmd)                                                               \
	{                                                                      \
		SCMP_SYS(ioctl), EPERM, ALWAYS, "seccomp-tty", ARG32(1, cmd)   \
	}
#define FAMILY(op, v)                                                          \
	{                                                                      \
		SCMP_SYS(socket), EAFNOSUPPORT, ALWAYS, "sockets",             \
			ARG(0, op, v)                                          \
	}
#define INET(v)                                                                \
	{                                                                      \
		SCMP_SYS(socket), EPERM, NO_NETWORK, "sockets",                \
			ARG(0, SCMP_CMP_EQ, v)                                 \
	}
#define NETLINK(op, v)                                                         \
	{                                                                      \
		SCMP_SYS(socket), EPERM, LIMITED, "sockets", 2,                \
		{                                                              \
			CMP(0, SCMP_CMP_EQ, AF_NETLINK), CMP(2, op, v)         \
		}                                                              \
	}
#define EXOTIC(family, type)                                                   \
	{                                                                      \
		SCMP_SYS(socket), EPERM, PLAIN, "net-socket", 2,               \
		{                                                              \
			CMP(0, SCMP_CMP_EQ, family),                           \
			{                                                      \
				1, SCMP_CMP_MASKED_EQ, SOCKET_TYPE, type       \
			}                                                      \
		}                                                              \
	}
#define BEYOND(family)                                                         \
	{                                                                      \
		SCMP_SYS(socket), EPERM, PLAIN, "net-socket", 2,               \
		{                                                              \
			CMP(0, SCMP_CMP_EQ, family),                           \
				CMP(2, SCMP_CMP_GT, IPPROTO_UDP)               \
		}                                                              \
	}
#define ASK(name)                                                              \
	{                                                                      \
		SCMP_SYS(name), 0, NOTIFY, "notify", NONE                      \
	}
#define OWNER(name, cmd)                                                       \
	{                                                                      \
		SCMP_SYS(name), EPERM, NOTIFY, "notify", ARG32(1, cmd)         \
	}

/* clang-format off */
static const struct row rows[] = {
	/* Mounting, by the old way and the new. */
	MOUNT(mount), MOUNT(umount2), MOUNT(pivot_root), MOUNT(move_mount),
	MOUNT(open_tree), MOUNT(fsopen), MOUNT(fsconfig), MOUNT(fsmount),
	MOUNT(fspick), MOUNT(mount_setattr),
	{ NR_OPEN_TREE_ATTR, EPERM, ALWAYS, "seccomp-mount", NONE },

	/* Namespaces: a user namespace is a second root over everything that
	 * is left. clone3 takes its flags from memory, which no filter sees;
	 * ENOSYS sends libc back to clone. */
	{ SCMP_SYS(setns), EPERM, ALWAYS, "seccomp-userns", NONE },
	{ SCMP_SYS(clone3), ENOSYS, ALWAYS, "seccomp-userns", NONE },
	NEWNS(unshare, CLONE_NEWTIME), NEWNS(unshare, CLONE_NEWNS),
	NEWNS(unshare, CLONE_NEWCGROUP), NEWNS(unshare, CLONE_NEWUTS),
	NEWNS(unshare, CLONE_NEWIPC), NEWNS(unshare, CLONE_NEWUSER),
	NEWNS(unshare, CLONE_NEWPID), NEWNS(unshare, CLONE_NEWNET),
#if defined(__s390__) || defined(__CRIS__)
#error "clone(2) has its flags in the second argument here"
#endif
	NEWNS(clone, CLONE_NEWNS), NEWNS(clone, CLONE_NEWCGROUP),
	NEWNS(clone, CLONE_NEWUTS), NEWNS(clone, CLONE_NEWIPC),
	NEWNS(clone, CLONE_NEWUSER), NEWNS(clone, CLONE_NEWPID),
	NEWNS(clone, CLONE_NEWNET),

	/* io_uring does its work past every seccomp filter. */
	URING(io_uring_setup), URING(io_uring_enter), URING(io_uring_register),

	/* Kernel attack surface and administration no session needs. */
	DENY(bpf), DENY(perf_event_open), DENY(userfaultfd),
	DENY(fanotify_init), DENY(open_by_handle_at), DENY(lookup_dcookie),
	DENY(kexec_load), DENY(kexec_file_load), DENY(init_module),
	DENY(finit_module), DENY(delete_module), DENY(create_module),
	DENY(reboot), DENY(swapon), DENY(swapoff), DENY(acct), DENY(syslog),
	DENY(settimeofday), DENY(clock_settime), DENY(quotactl),
	DENY(quotactl_fd), DENY(nfsservctl), DENY(_sysctl), DENY(uselib),
	DENY(sethostname), DENY(setdomainname), DENY(iopl), DENY(ioperm),
	DENY(modify_ldt), DENY(vm86), DENY(vm86old),

	/* Keyrings are shared by all of a uid's sessions. pam_keyinit's
	 * close (get the id, revoke) runs in the leader. */
	DENY(add_key), DENY(request_key),
	{ SCMP_SYS(keyctl), EPERM, ALWAYS, "seccomp-other",
	  ARG(0, SCMP_CMP_EQ, 1) },
	{ SCMP_SYS(keyctl), EPERM, ALWAYS, "seccomp-other",
	  ARG(0, SCMP_CMP_EQ, 2) },
	{ SCMP_SYS(keyctl), EPERM, ALWAYS, "seccomp-other",
	  ARG(0, SCMP_CMP_GT, 3) },

	/* Typing into a terminal that others read. */
	TTY(TIOCSTI), TTY(TIOCLINUX), TTY(TIOCCONS),

	/* Another process's limits: the same uid outside could be starved. */
	{ SCMP_SYS(prlimit64), EPERM, ALWAYS, "seccomp-other", 2,
	  { CMP(0, SCMP_CMP_NE, 0), CMP(2, SCMP_CMP_NE, 0) } },

	/* Families: unix, inet, inet6, netlink. vsock reaches the hypervisor,
	 * alg and the rest are attack surface. */
	FAMILY(SCMP_CMP_EQ, 3), FAMILY(SCMP_CMP_EQ, 4), FAMILY(SCMP_CMP_EQ, 5),
	FAMILY(SCMP_CMP_EQ, 6), FAMILY(SCMP_CMP_EQ, 7), FAMILY(SCMP_CMP_EQ, 8),
	FAMILY(SCMP_CMP_EQ, 9), FAMILY(SCMP_CMP_EQ, 11),
	FAMILY(SCMP_CMP_EQ, 12), FAMILY(SCMP_CMP_EQ, 13),
	FAMILY(SCMP_CMP_EQ, 14), FAMILY(SCMP_CMP_EQ, 15),
	FAMILY(SCMP_CMP_GT, AF_NETLINK),
	{ SCMP_SYS(socketpair), EAFNOSUPPORT, ALWAYS, "sockets",
	  ARG(0, SCMP_CMP_NE, AF_UNIX) },
	INET(AF_INET), INET(AF_INET6),
	/* Netlink: 0 routing (of the session's own empty namespace, libc asks
	 * it for addresses), 9 audit (the leader writes login records). */
	NETLINK(SCMP_CMP_EQ, 1), NETLINK(SCMP_CMP_EQ, 2),
	NETLINK(SCMP_CMP_EQ, 3), NETLINK(SCMP_CMP_EQ, 4),
	NETLINK(SCMP_CMP_EQ, 5), NETLINK(SCMP_CMP_EQ, 6),
	NETLINK(SCMP_CMP_EQ, 7), NETLINK(SCMP_CMP_EQ, 8),
	NETLINK(SCMP_CMP_GT, 9),
	/* Under an allow list, before the leaf's own program says the same of
	 * what is left: MPTCP, SCTP, SMC and the like, raw sockets, DCCP. */
	BEYOND(AF_INET), BEYOND(AF_INET6),
	EXOTIC(AF_INET, SOCK_RAW), EXOTIC(AF_INET6, SOCK_RAW),
	EXOTIC(AF_INET, SOCK_DCCP), EXOTIC(AF_INET6, SOCK_DCCP),
	EXOTIC(AF_INET, SOCK_SEQPACKET), EXOTIC(AF_INET6, SOCK_SEQPACKET),

	/* Signals, where landlock cannot scope them. A pidfd is resolved in
	 * memory the sender could change meanwhile, so no pidfds (libc falls
	 * back to kill); and no SIGIO by proxy. */
	ASK(kill), ASK(tkill), ASK(tgkill), ASK(rt_sigqueueinfo),
	ASK(rt_tgsigqueueinfo),
	{ SCMP_SYS(pidfd_send_signal), ENOSYS, NOTIFY, "notify", NONE },
	OWNER(fcntl, F_SETOWN), OWNER(fcntl, F_SETOWN_EX),
	OWNER(fcntl, F_SETSIG), OWNER(ioctl, FIOSETOWN),
	OWNER(ioctl, SIOCSPGRP),

	/* The leader's connect to the login manager tells that its PAM close
	 * has begun. By length alone: no IP address is as long, few unix
	 * paths are; everybody's goes on at once (see notify.h). */
	{ SCMP_SYS(connect), 0, BUS, "notify", ARG(2, SCMP_CMP_GE, 29) },
};
/* clang-format on */

static bool row_applies(const struct row *row,
			const struct bvh_seccomp_options *o)
{
	if (row->when == NO_NETWORK && !o->deny_sockets)
		return false;
	if (row->when == PLAIN && !o->plain_sockets)
		return false;
	if (row->when == LIMITED && !o->deny_sockets && !o->plain_sockets)
		return false;
	if (row->when == NOTIFY && !o->notify_signals)
		return false;
	if (row->when == BUS && !o->notify_bus)
		return false;
	return !bvh_red(row->red);
}

/* Positive rc of libseccomp is success, negative an errno. */
static int add_rows(scmp_filter_ctx ctx, const struct bvh_seccomp_options *o,
		    struct bv_err *err)
{
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const struct row *row = &rows[i];
		uint32_t action = SCMP_ACT_NOTIFY;
		int rc;

		if (row->errno_ret != 0)
			action = SCMP_ACT_ERRNO((uint32_t)row->errno_ret);
		/* __PNR_ numbers: this architecture never had the call. */
		if (row->nr < 0 || !row_applies(row, o))
			continue;
		rc = seccomp_rule_add_array(ctx, action, row->nr, row->args_n,
					    row->arg);
		if (rc < 0)
			return bv_fail_errno(err, -rc,
					     "seccomp rule for system call %d",
					     row->nr);
	}
	return BV_OK;
}

static int set_attributes(scmp_filter_ctx ctx, struct bv_err *err)
{
	uint32_t bad_arch = SCMP_ACT_KILL_PROCESS;
	int rc;

	if (bvh_red("seccomp-abi"))
		bad_arch = SCMP_ACT_ALLOW;
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, bad_arch);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc != 0)
		return bv_fail_errno(err, -rc, "seccomp attributes");
	return BV_OK;
}

#define STMT(c, v)                                                             \
	{                                                                      \
		(c), 0, 0, (v)                                                 \
	}
#define JUMP(c, v, jt, jf)                                                     \
	{                                                                      \
		(c), (jt), (jf), (v)                                           \
	}
#define FIELD(name)         ((uint32_t)offsetof(struct seccomp_data, name))
#define RET_ERRNO(e)        (SECCOMP_RET_ERRNO | (uint32_t)(e))
#define PERSONALITY_QUERY   0xffffffffu
#define PERSONALITY_LINUX32 0x8u
#define PERSONALITY_NO_ASLR 0x40000u /* gdb */

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define ARG0_LOW FIELD(args[0])
#else
#define ARG0_LOW (FIELD(args[0]) + 4)
#endif

/* Numbers above 424 mean the same everywhere but on alpha and mips. */
#if __NR_landlock_create_ruleset == 444
#define NR_CEILING NR_LAST_KNOWN
#else
#define NR_CEILING (NR_X32_BIT - 1)
#endif

static size_t put_prelude(struct sock_filter *insn)
{
	enum {
		END = 14
	};
	const struct sock_filter prelude[END] = {
		STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch)),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0,
		     END - 2),
		STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
		JUMP(BPF_JMP | BPF_JGT | BPF_K, NR_CEILING, 0, 2),
		/* x32 and -1 are for libseccomp's own ABI check */
		JUMP(BPF_JMP | BPF_JGE | BPF_K, NR_X32_BIT, END - 5, 0),
		STMT(BPF_RET | BPF_K, RET_ERRNO(ENOSYS)),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SCMP_SYS(personality),
		     0, END - 7),
		STMT(BPF_LD | BPF_W | BPF_ABS, ARG0_LOW),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, END - 9, 0),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, PERSONALITY_LINUX32, END - 10,
		     0),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, PERSONALITY_NO_ASLR, END - 11,
		     0),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		     PERSONALITY_NO_ASLR | PERSONALITY_LINUX32, END - 12, 0),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, PERSONALITY_QUERY, END - 13, 0),
		STMT(BPF_RET | BPF_K, RET_ERRNO(EPERM)),
	};

	memcpy(insn, prelude, sizeof(prelude));
	return END;
}

static int build_program(const struct bvh_seccomp_options *o,
			 struct bvh_bpf *bpf, struct bv_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (ctx == NULL)
		return bv_fail(err, BV_E_NOMEM, "seccomp_init");
	rc = set_attributes(ctx, err);
	if (rc == BV_OK)
		rc = add_rows(ctx, o, err);
	if (rc == BV_OK) {
		const size_t begin = put_prelude(bpf->insn);

		rc = bvh_filter_export(ctx, bpf->insn + begin,
				       BVH_BPF_MAX - begin, &bpf->n, err);
		bpf->n += begin;
	}
	seccomp_release(ctx);
	return rc;
}

int bvh_seccomp_build(const struct bvh_seccomp_options *o, struct bvh_bpf *ret,
		      struct bv_err *err)
{
	const struct sock_filter allow =
		STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	int rc = BV_OK;

	ret->n = 0;
	if (bvh_red("seccomp"))
		ret->insn[ret->n++] = allow;
	else
		rc = build_program(o, ret, err);
	if (rc == BV_OK)
		bv_sha256_hex(ret->insn, ret->n * sizeof(ret->insn[0]),
			      ret->sha256_hex);
	return rc;
}
