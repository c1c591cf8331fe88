/* SPDX-License-Identifier: MIT */
/* Lines of a recording into its file; see tape.h. */
#include "helper/tape.h"

#include "core/digest.h"
#include "helper/dir.h"
#include "helper/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define HASH_STEP 65536u

/* One process, one tape: some lines, and room for whatever the next chunk
 * becomes. */
#define LINES_MAX 262144u
static char text[LINES_MAX + BV_CAST_TEXT_MAX];

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* Taken before it is written, so that recordings side by side stay within. */
static bool take_room(struct bvh_tape *t, size_t len)
{
	if (atomic_fetch_add(t->stored, len) + len <= t->max)
		return true;
	atomic_fetch_sub(t->stored, len);
	t->full = true;
	return false;
}

static int store(struct bvh_tape *t, size_t len, struct bv_err *err)
{
	if (len == 0)
		return BV_OK;
	if (t->full || !take_room(t, len))
		return bv_fail(err, BV_E_LIMIT,
			       "the recordings of the session are full");
	if (bvh_write_all(t->fd, text, len, (off_t)t->size) != 0)
		return bv_fail_errno(err, errno, "write the recording");
	t->size += len;
	return BV_OK;
}

int bvh_tape_begin(struct bvh_tape *t, int dir, const struct bv_cast_head *head,
		   _Atomic uint64_t *stored, uint64_t max, struct bv_err *err)
{
	char name[32];

	*t = (struct bvh_tape){
		.fd = -1,
		.cast = { .terminal = head->terminal },
		.begun_us = now_us(),
		.stored = stored,
		.max = max,
	};
	SHA256Init(&t->sha);
	snprintf(name, sizeof(name), "%" PRIu64 ".cast", head->number);
	t->fd = openat(dir, name,
		       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (t->fd < 0)
		return bv_fail_errno(err, errno, "create '%s'", name);
	return store(t, bv_cast_begin(head, text), err);
}

int bvh_tape_put(struct bvh_tape *t, enum bv_cast_stream stream,
		 const void *bytes, size_t n, struct bv_err *err)
{
	/* Beside a terminal a pipe's bytes are taken apart as a terminal's. */
	const size_t most =
		t->cast.terminal ? BV_CAST_TERM_MAX : BV_CAST_CHUNK_MAX;
	const uint64_t at_us = now_us() - t->begun_us;
	const unsigned char *p = bytes;
	size_t taken = 0; /* in text, not in the file */
	size_t len = 0;
	int code = BV_OK;

	for (size_t at = 0; at < n && code == BV_OK; at += most) {
		const size_t take = n - at < most ? n - at : most;

		len += bv_cast_put(&t->cast, stream, at_us, p + at, take,
				   text + len);
		taken += take;
		if (len <= LINES_MAX && at + take < n)
			continue;
		code = store(t, len, err);
		t->bytes[stream] += code == BV_OK ? taken : 0;
		len = taken = 0;
	}
	return code;
}

int bvh_tape_resize(struct bvh_tape *t, unsigned int columns, unsigned int rows,
		    struct bv_err *err)
{
	return store(
		t, bv_cast_resize(now_us() - t->begun_us, columns, rows, text),
		err);
}

bool bvh_tape_hash(struct bvh_tape *t)
{
	static unsigned char step[HASH_STEP];
	ssize_t n;

	if (t->fd < 0 || t->hashed >= t->size)
		return false;
	n = pread(t->fd, step, sizeof(step), (off_t)t->hashed);
	if (n <= 0)
		return false;
	SHA256Update(&t->sha, step, (size_t)n);
	t->hashed += (uint64_t)n;
	return t->hashed < t->size;
}

int bvh_tape_end(struct bvh_tape *t, char ret_sha256[65], struct bv_err *err)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	int code = BV_OK;

	if (!t->full)
		code = store(
			t, bv_cast_end(&t->cast, now_us() - t->begun_us, text),
			err);
	if (code == BV_E_LIMIT)
		code = BV_OK; /* the tape says so itself */
	while (bvh_tape_hash(t))
		;
	if (code == BV_OK && t->hashed != t->size)
		code = bv_fail(err, BV_E_SYS, "read the recording back");
	if (fsync(t->fd) != 0 && code == BV_OK)
		code = bv_fail_errno(err, errno, "fsync of the recording");
	bvh_close(&t->fd);
	SHA256Final(sum, &t->sha);
	bv_digest_hex(sum, ret_sha256);
	return code;
}
