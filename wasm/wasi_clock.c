/* SPDX-License-Identifier: MIT */
/* Time as the policy lets the guest see it. */
#include <time.h>

#include "wasm/wasi_internal.h"

#define NS 1000000000ULL

static const clockid_t clocks[] = {
	[BW_CLOCKID_REALTIME] = CLOCK_REALTIME,
	[BW_CLOCKID_MONOTONIC] = CLOCK_MONOTONIC,
	[BW_CLOCKID_PROCESS] = CLOCK_PROCESS_CPUTIME_ID,
	[BW_CLOCKID_THREAD] = CLOCK_THREAD_CPUTIME_ID,
};

static uint64_t nanoseconds(const struct timespec *ts)
{
	/* Before 1970: WASI has no number for it. */
	return ts->tv_sec < 0
		       ? 0
		       : (uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec;
}

uint64_t bw_host_now(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts);
	return nanoseconds(&ts);
}

static uint64_t coarse(const struct bw_wasi *w, uint64_t ns)
{
	return w->clock == BW_CLOCK_COARSE ? ns - ns % w->clock_step_ns : ns;
}

uint64_t bw_clock_shown(const struct bw_wasi *w, uint32_t id)
{
	if (w->clock == BW_CLOCK_FIXED)
		return w->clock_start_ns + w->clock_slept_ns;
	return coarse(w, bw_host_now(clocks[id]));
}

uint64_t bw_time_shown(const struct bw_wasi *w, const struct timespec *ts)
{
	/* A guest may change a file: what the kernel wrote down would tell it
	 * the time. */
	return w->clock == BW_CLOCK_FIXED ? w->clock_start_ns
					  : coarse(w, nanoseconds(ts));
}

int bw_wasi_clock_time_get(struct bw_wasi *w, struct bw_instance *inst,
			   const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[2], 8);

	if (a[0] >= BV_LEN(clocks))
		return BW_EINVAL;
	if (to == NULL)
		return BW_EFAULT;
	bw_put64(to, bw_clock_shown(w, (uint32_t)a[0]));
	return BW_ESUCCESS;
}

int bw_wasi_clock_res_get(struct bw_wasi *w, struct bw_instance *inst,
			  const uint64_t *a)
{
	uint8_t *to = bw_memory_at(inst, a[1], 8);
	struct timespec ts = { 0, 1 };

	if (a[0] >= BV_LEN(clocks))
		return BW_EINVAL;
	if (to == NULL)
		return BW_EFAULT;
	if (w->clock == BW_CLOCK_COARSE) {
		bw_put64(to, w->clock_step_ns);
		return BW_ESUCCESS;
	}
	if (w->clock == BW_CLOCK_REAL && clock_getres(clocks[a[0]], &ts) < 0)
		return bw_wasi_last_errno();
	bw_put64(to, nanoseconds(&ts));
	return BW_ESUCCESS;
}
