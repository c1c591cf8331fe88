/* SPDX-License-Identifier: MIT */
/* Bytes out of an outbox, and their digests. */
#include "helper/outbox.h"

#include <errno.h>
#include <sha2.h>
#include <stdlib.h>

#include "core/digest.h"
#include "helper/dir.h"
#include "helper/fd.h"

#define CHUNK (64u * 1024u)

static int copy_chunk(int from_fd, int to_fd, uint64_t at, char *buf,
		      size_t want, SHA2_CTX *sum, size_t *ret_got,
		      struct bv_err *err)
{
	ssize_t n;

	do
		n = pread(from_fd, buf, want, (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return bv_fail_errno(err, errno, "read");
	SHA256Update(sum, (const uint8_t *)buf, (size_t)n);
	if (n > 0 && to_fd >= 0 &&
	    bvh_write_all(to_fd, buf, (size_t)n, (off_t)at) != 0)
		return bv_fail_errno(err, errno, "write");
	*ret_got = (size_t)n;
	return BV_OK;
}

int bvh_outbox_copy(int from_fd, int to_fd, uint64_t bytes, char ret_hex[65],
		    struct bv_err *err)
{
	bv_auto_free char *buf = malloc(CHUNK);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t at = 0;
	SHA2_CTX sum;
	size_t got = 1;

	if (buf == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory to copy with");
	SHA256Init(&sum);
	/* One byte more than there should be, so that growth is seen. */
	while (got > 0 && at <= bytes) {
		const uint64_t left = bytes - at + 1;
		int code = copy_chunk(from_fd, to_fd, at, buf,
				      left < CHUNK ? (size_t)left : CHUNK, &sum,
				      &got, err);

		if (code != BV_OK)
			return code;
		at += got;
	}
	if (at != bytes)
		return bv_fail(err, BV_E_PROTO,
			       "its size changed while it was copied");
	SHA256Final(digest, &sum);
	bv_digest_hex(digest, ret_hex);
	return BV_OK;
}

int bvh_outbox_digest(int box_fd, const struct bvh_outbox_limits *limits,
		      struct bvh_outbox_list *list, struct bv_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct bv_output *out = &list->v[i];
		bv_auto_close int fd = -1;
		const char *why = NULL;
		uint64_t bytes = 0;
		int code;

		if (out->refused[0] != '\0')
			continue;
		code = bvh_outbox_open_file(box_fd, out->name, limits->uid, &fd,
					    &bytes, &why, err);
		if (code == BV_OK && why != NULL)
			code = bv_fail(err, BV_E_PROTO, "%s", why);
		if (code == BV_OK)
			code = bvh_outbox_copy(fd, -1, out->bytes, out->sha256,
					       err);
		if (code != BV_OK)
			return bv_ctx(err, "'%.60s'", out->name);
	}
	return BV_OK;
}
