/* SPDX-License-Identifier: MIT */
/* Waiting: for a stream, and poll_oneoff. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include "wasm/wasi_internal.h"

#define NS 1000000000ULL

static bool interrupted(const struct bw_wasi *w)
{
	return w->interrupt != NULL && *w->interrupt != 0;
}

static bool too_late(const struct bw_wasi *w)
{
	return w->deadline_ns != 0 &&
	       bw_host_now(CLOCK_MONOTONIC) >= w->deadline_ns;
}

/* ppoll with the remaining time until_ns; a signal that came before it is not
 * missed: it is held back until the kernel waits. */
static int poll_until(const struct bw_wasi *w, struct pollfd *fds, nfds_t n,
		      uint64_t until_ns)
{
	uint64_t now = bw_host_now(CLOCK_MONOTONIC), left;
	struct timespec ts;
	sigset_t all, before;
	int ready = -1;

	left = until_ns > now ? until_ns - now : 0;
	ts = (struct timespec){ (time_t)(left / NS), (long)(left % NS) };
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!interrupted(w))
		ready = ppoll(fds, n, until_ns == 0 ? NULL : &ts, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready;
}

int bw_wait(const struct bw_wasi *w, struct pollfd *fds, nfds_t n,
	    uint64_t until_ns)
{
	uint64_t until = until_ns;
	int ready;

	if (w->deadline_ns != 0 && (until == 0 || w->deadline_ns < until))
		until = w->deadline_ns;
	for (;;) {
		ready = poll_until(w, fds, n, until);
		if (interrupted(w))
			return BW_STOP(BW_HOST_INTERRUPTED);
		if (ready > 0)
			return ready;
		if (until == w->deadline_ns && too_late(w))
			return BW_STOP(BW_HOST_INTERRUPTED);
		if (ready == 0)
			return 0;
		if (errno != EINTR) /* bad memory, no memory: nothing waits */
			return 0;
	}
}

/* --- poll_oneoff ---------------------------------------------------------- */

/* One subscription, copied. */
struct sub {
	uint64_t userdata;
	uint64_t timeout;
	uint32_t id; /* of the clock or descriptor */
	uint16_t flags;
	uint8_t type;
	enum bw_wasi_errno error;
	uint64_t until_ns; /* clocks: on our monotonic clock, or the shown one
			      when that is fixed */
	nfds_t slot;       /* descriptors: in the polled set */
};

struct poll {
	struct sub *subs;
	uint32_t n;
	struct pollfd *fds;
	nfds_t nfds;
	uint64_t first_ns; /* the earliest clock, when there is one */
	bool has_clock;
	bool ready; /* something is, without looking */
};

static void get_sub(struct sub *s, const uint8_t *from)
{
	*s = (struct sub){
		.userdata = bw_get64(from),
		.type = from[8],
		.id = bw_get32(from + 16),
		.timeout = bw_get64(from + 24),
	};
	memcpy(&s->flags, from + 40, sizeof(s->flags));
}

static uint64_t add(uint64_t x, uint64_t y)
{
	return x > UINT64_MAX - y ? UINT64_MAX : x + y;
}

/* When, on the clock that waiting goes by. */
static uint64_t when(const struct bw_wasi *w, const struct sub *s)
{
	bool fixed = w->clock == BW_CLOCK_FIXED;
	uint64_t now = fixed ? bw_clock_shown(w, s->id) : w->wait_since_ns;
	uint64_t shown;

	if (!(s->flags & BW_SUB_ABSTIME))
		return add(now, s->timeout);
	if (fixed || s->id == BW_CLOCKID_MONOTONIC)
		return s->timeout;
	shown = bw_host_now(CLOCK_REALTIME);
	return add(bw_host_now(CLOCK_MONOTONIC),
		   s->timeout > shown ? s->timeout - shown : 0);
}

static void prepare_clock(const struct bw_wasi *w, struct poll *p,
			  struct sub *s)
{
	if (s->id > BW_CLOCKID_MONOTONIC || (s->flags & ~BW_SUB_ABSTIME)) {
		s->error =
			s->id > BW_CLOCKID_MONOTONIC ? BW_ENOTSUP : BW_EINVAL;
		return;
	}
	s->until_ns = when(w, s);
	if (!p->has_clock || s->until_ns < p->first_ns)
		p->first_ns = s->until_ns;
	p->has_clock = true;
}

static void prepare_fd(struct bw_wasi *w, struct poll *p, struct sub *s)
{
	bool reads = s->type == BW_EVENT_FD_READ;
	struct bw_fd *f;

	s->error = bw_fd_get(w, s->id,
			     BW_R_POLL_FD_READWRITE |
				     (reads ? BW_R_FD_READ : BW_R_FD_WRITE),
			     &f);
	if (s->error != BW_ESUCCESS)
		return;
	s->slot = p->nfds++;
	p->fds[s->slot] = (struct pollfd){
		.fd = f->host,
		.events = reads ? POLLIN : POLLOUT,
	};
}

static enum bw_wasi_errno prepare(struct bw_wasi *w, struct poll *p,
				  const uint8_t *from)
{
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		struct sub *s = &p->subs[i];

		get_sub(s, from + (size_t)i * BW_SUBSCRIPTION_BYTES);
		if (s->type == BW_EVENT_CLOCK)
			prepare_clock(w, p, s);
		else if (s->type <= BW_EVENT_FD_WRITE)
			prepare_fd(w, p, s);
		else
			return BW_EINVAL;
		p->ready |= s->error != BW_ESUCCESS;
	}
	return BW_ESUCCESS;
}

/* Until something is ready: success or a stop. */
static int wait_for(struct bw_wasi *w, struct poll *p)
{
	bool fixed = w->clock == BW_CLOCK_FIXED;
	bool waits = !p->ready && !w->suspends && !(fixed && p->has_clock);
	uint64_t until = BW_NOW_NS;
	int ready;

	if (waits && !p->has_clock)
		until = 0;
	else if (waits && p->first_ns > BW_NOW_NS)
		until = p->first_ns;
	ready = bw_wait(w, p->fds, p->nfds, until);
	if (ready < 0)
		return ready;
	if (ready > 0 || p->ready || waits)
		return BW_ESUCCESS;
	if (fixed && p->has_clock) {
		uint64_t now = bw_clock_shown(w, BW_CLOCKID_MONOTONIC);

		if (p->first_ns > now)
			w->clock_slept_ns += p->first_ns - now;
		return BW_ESUCCESS;
	}
	if (p->has_clock && p->first_ns <= bw_host_now(CLOCK_MONOTONIC))
		return BW_ESUCCESS;
	w->nwait_fds = p->nfds;
	if (p->nfds > 0)
		memcpy(w->wait_fds, p->fds, p->nfds * sizeof(*p->fds));
	w->wait_until_ns = p->has_clock ? p->first_ns : 0;
	return BW_STOP(BW_HOST_SUSPEND);
}

/* How much can be read; at least something when it says ready. */
static uint64_t bytes_ready(const struct bw_wasi *w, const struct sub *s)
{
	const struct bw_fd *f = &w->fds[s->id];
	struct stat st;
	int n = 0;

	if (s->type == BW_EVENT_FD_WRITE)
		return 0;
	if (f->type == BW_FT_REG)
		return fstat(f->host, &st) < 0 ? 0 : (uint64_t)st.st_size;
	return ioctl(f->host, FIONREAD, &n) < 0 || n < 0 ? 1 : (uint64_t)n;
}

static bool happened(const struct poll *p, const struct sub *s, uint64_t now)
{
	if (s->error != BW_ESUCCESS)
		return true;
	if (s->type == BW_EVENT_CLOCK)
		return s->until_ns <= now;
	return p->fds[s->slot].revents != 0;
}

static void put_event(const struct bw_wasi *w, const struct poll *p,
		      const struct sub *s, uint8_t *to)
{
	uint16_t error = (uint16_t)s->error, hangup = BW_EVENT_HANGUP;

	memset(to, 0, BW_EVENT_BYTES);
	bw_put64(to, s->userdata);
	bw_put(to + 8, &error, sizeof(error));
	to[10] = s->type;
	if (s->type == BW_EVENT_CLOCK || s->error != BW_ESUCCESS)
		return;
	bw_put64(to + 16, bytes_ready(w, s));
	if (p->fds[s->slot].revents & (POLLHUP | POLLERR))
		bw_put(to + 24, &hangup, sizeof(hangup));
}

static uint32_t put_events(const struct bw_wasi *w, const struct poll *p,
			   uint8_t *to)
{
	uint64_t now = w->clock == BW_CLOCK_FIXED
			       ? bw_clock_shown(w, BW_CLOCKID_MONOTONIC)
			       : bw_host_now(CLOCK_MONOTONIC);
	uint32_t i, n = 0;

	for (i = 0; i < p->n; i++)
		if (happened(p, &p->subs[i], now))
			put_event(w, p, &p->subs[i],
				  to + (size_t)n++ * BW_EVENT_BYTES);
	return n;
}

static int poll_all(struct bw_wasi *w, struct bw_instance *inst, struct poll *p,
		    const uint64_t *a)
{
	const uint8_t *from =
		bw_memory_at(inst, a[0], a[2] * BW_SUBSCRIPTION_BYTES);
	uint8_t *to = bw_memory_at(inst, a[1], a[2] * BW_EVENT_BYTES);
	uint8_t *count = bw_memory_at(inst, a[3], 4);
	int e;

	if (from == NULL || to == NULL || count == NULL)
		return BW_EFAULT;
	if (!w->waiting)
		w->wait_since_ns = bw_host_now(CLOCK_MONOTONIC);
	w->waiting = true;
	e = (int)prepare(w, p, from);
	if (e == BW_ESUCCESS)
		e = wait_for(w, p);
	if (e != BW_ESUCCESS)
		return e;
	bw_put32(count, put_events(w, p, to));
	return bw_wasi_moved(inst, (uint64_t)p->n * BW_SUBSCRIPTION_BYTES);
}

int bw_wasi_poll_oneoff(struct bw_wasi *w, struct bw_instance *inst,
			const uint64_t *a)
{
	struct poll p = { .n = (uint32_t)a[2] };
	int e;

	if (a[2] == 0 || a[2] > BW_WASI_MAX_SUBS)
		return BW_EINVAL;
	p.subs = calloc(p.n, sizeof(*p.subs));
	p.fds = calloc(p.n, sizeof(*p.fds));
	e = p.subs == NULL || p.fds == NULL ? BW_ENOMEM
					    : poll_all(w, inst, &p, a);
	free(p.subs);
	free(p.fds);
	return e;
}
