/* SPDX-License-Identifier: MIT */
/*
 * Seccomp programs, as data. The shell's is a deny list: it starts no program,
 * opens no socket and maps no code. A command's is an allow list: what WASI and
 * the allocator need, and whatever else is called ends the process. Where the
 * shell is the command's process as well, it is that list and what a line editor
 * needs: no fork among it.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "helper/filter_export.h"
#include "wasm/shell/shell.h"
#include "wasm/wasi.h"

#define LOW32 0xffffffffu

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define NAMESPACES                                                             \
	(CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |        \
	 CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* clang-format off */
static const int denied[] = {
	/* Another program, or another process's insides. */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	/* The network, and whatever else a socket reaches. */
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect),
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
	/* Ways around a filter, and the kernel's larger surfaces. */
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(bpf), SCMP_SYS(userfaultfd),
	SCMP_SYS(perf_event_open), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(fanotify_init), SCMP_SYS(modify_ldt), SCMP_SYS(vm86),
	SCMP_SYS(vm86old), SCMP_SYS(uselib), SCMP_SYS(syslog),
	/* Code that came from nowhere on the disk. */
	SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret), SCMP_SYS(shmat),
	SCMP_SYS(shmget), SCMP_SYS(remap_file_pages), SCMP_SYS(personality),
	/* Another view of the machine. */
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(chroot), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(move_mount),
	SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr),
};

#define WASI_CALL(name) SCMP_SYS(name),
static const int allowed[] = {
	BW_WASI_SYSCALLS(WASI_CALL)
	/* The module's bytes, the end, the way back from a signal. */
	SCMP_SYS(pread64), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
};

/* Of the shell itself, where it runs its commands: lines, a terminal, time, its
 * words to the log and the guardian over what is connected. No way to another
 * task or program is among them. */
static const int allowed_inline[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(poll), SCMP_SYS(select), SCMP_SYS(_newselect),
	SCMP_SYS(pselect6), SCMP_SYS(pipe2), SCMP_SYS(rt_sigaction),
	SCMP_SYS(setitimer), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(futex),
};
static const uint32_t terminal_calls[] = {
	FIONREAD, TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, TIOCGPGRP,
};
/* clang-format on */

static int add(scmp_filter_ctx ctx, uint32_t action, int nr, unsigned int args,
	       const struct scmp_arg_cmp *arg, struct bv_err *err)
{
	int rc;

	if (nr < 0) /* this architecture never had the call */
		return BV_OK;
	rc = seccomp_rule_add_array(ctx, action, nr, args, arg);
	return rc < 0 ? bv_fail_errno(err, -rc, "seccomp rule for call %d", nr)
		      : BV_OK;
}

static int add_flag(scmp_filter_ctx ctx, uint32_t action, int nr,
		    unsigned int at, uint64_t mask, uint64_t value,
		    struct bv_err *err)
{
	const struct scmp_arg_cmp arg = { at, SCMP_CMP_MASKED_EQ, mask, value };

	return add(ctx, action, nr, 1, &arg, err);
}

static int deny_flags(scmp_filter_ctx ctx, struct bv_err *err)
{
	static const struct {
		int nr;
		unsigned int at;
		uint64_t mask, value;
	} rows[] = {
		{ SCMP_SYS(mmap), 2, PROT_EXEC, PROT_EXEC },
		{ SCMP_SYS(mmap2), 2, PROT_EXEC, PROT_EXEC },
		{ SCMP_SYS(mprotect), 2, PROT_EXEC, PROT_EXEC },
		{ SCMP_SYS(pkey_mprotect), 2, PROT_EXEC, PROT_EXEC },
		{ SCMP_SYS(ioctl), 1, LOW32, TIOCSTI },
		{ SCMP_SYS(ioctl), 1, LOW32, TIOCLINUX },
		{ SCMP_SYS(ioctl), 1, LOW32, TIOCCONS },
	};
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	int code = BV_OK;

	for (size_t i = 0; i < BV_LEN(rows) && code == BV_OK; i++)
		code = add_flag(ctx, no, rows[i].nr, rows[i].at, rows[i].mask,
				rows[i].value, err);
	for (uint64_t bit = 1; bit < UINT64_C(1) << 32 && code == BV_OK;
	     bit <<= 1)
		if (bit & NAMESPACES)
			code = add_flag(ctx, no, SCMP_SYS(clone), 0, bit, bit,
					err);
	return code;
}

static int fill_shell(scmp_filter_ctx ctx, struct bv_err *err)
{
	/* Its flags are in memory, which no filter sees; libc goes back to
	 * clone. */
	int code = add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL,
		       err);

	for (size_t i = 0; i < BV_LEN(denied) && code == BV_OK; i++)
		code = add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0, NULL, err);
	return code == BV_OK ? deny_flags(ctx, err) : code;
}

static int fill_command(scmp_filter_ctx ctx, struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; i < BV_LEN(allowed) && code == BV_OK; i++) {
		const int nr = allowed[i];

		if (nr == SCMP_SYS(mmap))
			code = add_flag(ctx, SCMP_ACT_ALLOW, nr, 2, PROT_EXEC,
					0, err);
		else if (nr == SCMP_SYS(ioctl))
			code = add_flag(ctx, SCMP_ACT_ALLOW, nr, 1, LOW32,
					FIONREAD, err);
		else
			code = add(ctx, SCMP_ACT_ALLOW, nr, 0, NULL, err);
	}
	return code;
}

static int fill_inline(scmp_filter_ctx ctx, struct bv_err *err)
{
	const struct scmp_arg_cmp own = { 0, SCMP_CMP_EQ, 0, 0 };
	int code = fill_command(ctx, err);

	for (size_t i = 0; i < BV_LEN(allowed_inline) && code == BV_OK; i++)
		code = add(ctx, SCMP_ACT_ALLOW, allowed_inline[i], 0, NULL,
			   err);
	for (size_t i = 1; i < BV_LEN(terminal_calls) && code == BV_OK; i++)
		code = add_flag(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, LOW32,
				terminal_calls[i], err);
	return code == BV_OK ? add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				   &own, err)
			     : code;
}

static int build(uint32_t otherwise,
		 int (*fill)(scmp_filter_ctx ctx, struct bv_err *err),
		 struct bws_bpf *ret, struct bv_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);
	int code = BV_OK;

	if (ctx == NULL)
		return bv_fail(err, BV_E_NOMEM, "seccomp_init");
	if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			     SCMP_ACT_KILL_PROCESS) != 0)
		code = bv_fail(err, BV_E_SYS, "seccomp attributes");
	if (code == BV_OK)
		code = fill(ctx, err);
	if (code == BV_OK)
		code = bvh_filter_export(ctx, ret->insn, BWS_BPF_MAX, &ret->n,
					 err);
	seccomp_release(ctx);
	return code;
}

int bws_filter_shell(struct bws_bpf *ret, struct bv_err *err)
{
	return build(SCMP_ACT_ALLOW, fill_shell, ret, err);
}

int bws_filter_inline(struct bws_bpf *ret, struct bv_err *err)
{
	return build(SCMP_ACT_ERRNO(EPERM), fill_inline, ret, err);
}

int bws_filter_command(struct bws_bpf *ret, struct bv_err *err)
{
	return build(SCMP_ACT_KILL_PROCESS, fill_command, ret, err);
}
