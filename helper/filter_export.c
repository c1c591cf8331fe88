/* SPDX-License-Identifier: MIT */
#include "helper/filter_export.h"

#include "helper/fd.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* libseccomp 2.5 exports to a descriptor only. */
int bvh_filter_export(const scmp_filter_ctx ctx, struct sock_filter *insn,
		      size_t room, size_t *ret_n, struct bv_err *err)
{
	bv_auto_close int fd = memfd_create("bvisor-filter", MFD_CLOEXEC);
	struct stat st;
	size_t len;
	int rc;

	if (fd < 0)
		return bv_fail_errno(err, errno, "memfd_create");
	rc = seccomp_export_bpf(ctx, fd);
	if (rc != 0)
		return bv_fail_errno(err, -rc, "seccomp_export_bpf");
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat of the filter");
	len = (size_t)st.st_size;
	if (len == 0 || len > room * sizeof(*insn) || len % sizeof(*insn) != 0)
		return bv_fail(err, BV_E_LIMIT,
			       "the filter has %zu bytes, at most %zu fit", len,
			       room * sizeof(*insn));
	if (pread(fd, insn, len, 0) != (ssize_t)len)
		return bv_fail(err, BV_E_SYS, "short read of the filter");
	*ret_n = len / sizeof(*insn);
	return BV_OK;
}
