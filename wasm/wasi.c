/* SPDX-License-Identifier: MIT */
/* The table of functions; the life of a guest's WASI state; small functions. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "wasm/wasi_internal.h"

/* --- the table ------------------------------------------------------------ */

static int finish(struct bw_wasi *w, int got, uint64_t *results)
{
	w->counts.calls++;
	if (got < 0)
		return -got;
	w->waiting = false;
	results[0] = (uint64_t)got;
	return BW_HOST_OK;
}

#define WASI(name, sig, fuel)                                                  \
	static int host_##name(void *ctx, struct bw_instance *inst,            \
			       const uint64_t *args, uint64_t *results)        \
	{                                                                      \
		return finish(ctx, bw_wasi_##name(ctx, inst, args), results);  \
	}
#include "wasm/wasi.def"
#undef WASI

static const struct bw_host_func table[] = {
#define WASI(name, sig, fuel)                                                  \
	{ "wasi_snapshot_preview1", #name, sig, host_##name, fuel },
#include "wasm/wasi.def"
#undef WASI
};
_Static_assert(BV_LEN(table) == 46, "wasi_snapshot_preview1 has 46 functions");

void bw_wasi_imports(struct bw_wasi *wasi, struct bw_imports *ret_imports)
{
	*ret_imports = (struct bw_imports){
		.hosts = table,
		.nhosts = BV_LEN(table),
		.ctx = wasi,
	};
}

int bw_wasi_moved(struct bw_instance *inst, uint64_t bytes)
{
	return bw_fuel_charge(bw_instance_store(inst), bytes / 64)
		       ? BW_ESUCCESS
		       : BW_STOP(BW_HOST_FUEL);
}

/* --- what is asked afterwards --------------------------------------------- */

uint32_t bw_wasi_exit_code(const struct bw_wasi *wasi)
{
	return wasi->exit_code;
}

const char *bw_wasi_stopped_by(const struct bw_wasi *wasi)
{
	return wasi->stopped_by[0] == '\0' ? NULL : wasi->stopped_by;
}

void bw_wasi_counts(const struct bw_wasi *wasi,
		    struct bw_wasi_counts *ret_counts)
{
	*ret_counts = wasi->counts;
}

size_t bw_wasi_wait(const struct bw_wasi *wasi, struct pollfd *fds, size_t max,
		    uint64_t *ret_deadline_ns)
{
	size_t n = wasi->nwait_fds < max ? wasi->nwait_fds : max;

	if (n > 0)
		memcpy(fds, wasi->wait_fds, n * sizeof(*fds));
	*ret_deadline_ns = wasi->wait_until_ns;
	if (wasi->deadline_ns != 0 && (wasi->wait_until_ns == 0 ||
				       wasi->deadline_ns < wasi->wait_until_ns))
		*ret_deadline_ns = wasi->deadline_ns;
	return wasi->nwait_fds;
}

bool bw_storage_has_name(const struct bw_wasi *w)
{
	return bw_storage_left(w) >= BW_WASI_NAME_BYTES;
}

void bw_storage_count_name(struct bw_wasi *w)
{
	w->counts.storage_bytes += BW_WASI_NAME_BYTES;
}

/* --- arguments and environment -------------------------------------------- */

static int strings_get(struct bw_instance *inst, const struct bw_strings *s,
		       const uint64_t *a)
{
	uint8_t *ptrs = bw_memory_at(inst, a[0], (uint64_t)s->n * 4);
	uint8_t *text = bw_memory_at(inst, a[1], s->bytes);
	uint32_t i, at = 0;

	if (ptrs == NULL || text == NULL)
		return BW_EFAULT;
	for (i = 0; i < s->n; i++) {
		bw_put32(ptrs + 4 * (size_t)i, a[1] + at);
		at += (uint32_t)strlen(s->text + at) + 1;
	}
	if (s->bytes > 0)
		memcpy(text, s->text, s->bytes);
	return BW_ESUCCESS;
}

static int strings_sizes_get(struct bw_instance *inst,
			     const struct bw_strings *s, const uint64_t *a)
{
	uint8_t *n = bw_memory_at(inst, a[0], 4);
	uint8_t *bytes = bw_memory_at(inst, a[1], 4);

	if (n == NULL || bytes == NULL)
		return BW_EFAULT;
	bw_put32(n, s->n);
	bw_put32(bytes, s->bytes);
	return BW_ESUCCESS;
}

int bw_wasi_args_get(struct bw_wasi *w, struct bw_instance *inst,
		     const uint64_t *a)
{
	return strings_get(inst, &w->args, a);
}

int bw_wasi_args_sizes_get(struct bw_wasi *w, struct bw_instance *inst,
			   const uint64_t *a)
{
	return strings_sizes_get(inst, &w->args, a);
}

int bw_wasi_environ_get(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	return strings_get(inst, &w->environ, a);
}

int bw_wasi_environ_sizes_get(struct bw_wasi *w, struct bw_instance *inst,
			      const uint64_t *a)
{
	return strings_sizes_get(inst, &w->environ, a);
}

/* --- processes, random, sockets ------------------------------------------- */

int bw_wasi_proc_exit(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	(void)inst;
	w->exit_code = (uint32_t)a[0];
	return BW_STOP(BW_HOST_EXIT);
}

int bw_wasi_proc_raise(struct bw_wasi *w, struct bw_instance *inst,
		       const uint64_t *a)
{
	(void)w, (void)inst, (void)a;
	return BW_ENOSYS;
}

int bw_wasi_sched_yield(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	(void)w, (void)inst, (void)a;
	sched_yield();
	return BW_ESUCCESS;
}

/* SplitMix64: repeatable, no secret. */
static uint64_t seeded(struct bw_wasi *w)
{
	uint64_t z = w->random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

int bw_wasi_random_get(struct bw_wasi *w, struct bw_instance *inst,
		       const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[0], a[1]);
	uint64_t left = a[1];

	if (to == NULL)
		return BW_EFAULT;
	while (left > 0 && w->random == BW_RANDOM_SEEDED) {
		uint64_t v = seeded(w), n = left < 8 ? left : 8;

		memcpy(to, &v, n);
		to += n;
		left -= n;
	}
	while (left > 0) {
		/* Pieces: a signal is noticed between them. */
		ssize_t n = getrandom(to, left < 65536 ? left : 65536, 0);

		if (n < 0 && errno != EINTR)
			return bw_wasi_last_errno();
		if (w->interrupt != NULL && *w->interrupt != 0)
			return BW_STOP(BW_HOST_INTERRUPTED);
		if (n > 0) {
			to += n;
			left -= (uint64_t)n;
		}
	}
	return bw_wasi_moved(inst, a[1]);
}

/* A stream may be one (a session of sshd): it is read and written, no more. */
static int no_socket(struct bw_wasi *w, uint64_t fd)
{
	struct bw_fd *f;
	enum bw_wasi_errno e = bw_fd_get(w, fd, 0, &f);

	if (e != BW_ESUCCESS)
		return e;
	return f->type == BW_FT_SOCK ? BW_ENOTSUP : BW_ENOTSOCK;
}

int bw_wasi_sock_accept(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	(void)inst;
	return no_socket(w, a[0]);
}

int bw_wasi_sock_recv(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	(void)inst;
	return no_socket(w, a[0]);
}

int bw_wasi_sock_send(struct bw_wasi *w, struct bw_instance *inst,
		      const uint64_t *a)
{
	(void)inst;
	return no_socket(w, a[0]);
}

int bw_wasi_sock_shutdown(struct bw_wasi *w, struct bw_instance *inst,
			  const uint64_t *a)
{
	(void)inst;
	return no_socket(w, a[0]);
}
