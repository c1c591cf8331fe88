/* SPDX-License-Identifier: MIT */
/* What the kernel said, in WASI's numbers. */
#include <errno.h>

#include "wasm/wasi_internal.h"

static const uint8_t numbers[] = {
	[E2BIG] = BW_E2BIG,
	[EACCES] = BW_EACCES,
	[EAGAIN] = BW_EAGAIN,
	[EALREADY] = BW_EALREADY,
	[EBADF] = BW_EBADF,
	[EBADMSG] = BW_EBADMSG,
	[EBUSY] = BW_EBUSY,
	[EDEADLK] = BW_EDEADLK,
	[EDQUOT] = BW_EDQUOT,
	[EEXIST] = BW_EEXIST,
	[EFAULT] = BW_EFAULT,
	[EFBIG] = BW_EFBIG,
	[EILSEQ] = BW_EILSEQ,
	[EINTR] = BW_EINTR,
	[EINVAL] = BW_EINVAL,
	[EIO] = BW_EIO,
	[EISDIR] = BW_EISDIR,
	[ELOOP] = BW_ELOOP,
	[EMFILE] = BW_EMFILE,
	[EMLINK] = BW_EMLINK,
	[ENAMETOOLONG] = BW_ENAMETOOLONG,
	[ENFILE] = BW_ENFILE,
	[ENODEV] = BW_ENODEV,
	[ENOENT] = BW_ENOENT,
	[ENOLCK] = BW_ENOLCK,
	[ENOMEM] = BW_ENOMEM,
	[ENOSPC] = BW_ENOSPC,
	[ENOSYS] = BW_ENOSYS,
	[ENOTDIR] = BW_ENOTDIR,
	[ENOTEMPTY] = BW_ENOTEMPTY,
	[ENOTSUP] = BW_ENOTSUP,
	[ENOTTY] = BW_ENOTTY,
	[ENXIO] = BW_ENXIO,
	[EOVERFLOW] = BW_EOVERFLOW,
	[EPERM] = BW_EPERM,
	[EPIPE] = BW_EPIPE,
	[ERANGE] = BW_ERANGE,
	[EROFS] = BW_EROFS,
	[ESPIPE] = BW_ESPIPE,
	[ESTALE] = BW_ESTALE,
	[ETIMEDOUT] = BW_ETIMEDOUT,
	[ETXTBSY] = BW_ETXTBSY,
	[EXDEV] = BW_EXDEV,
};

enum bw_wasi_errno bw_wasi_errno_of(int host_errno)
{
	if (host_errno == 0)
		return BW_ESUCCESS;
	if (host_errno < 0 || (size_t)host_errno >= BV_LEN(numbers) ||
	    numbers[host_errno] == 0)
		return BW_EIO;
	return numbers[host_errno];
}

/* Never success: it is asked for after a failure. */
enum bw_wasi_errno bw_wasi_last_errno(void)
{
	return bw_wasi_errno_of(errno == 0 ? EIO : errno);
}
