/* SPDX-License-Identifier: MIT */
/*
 * What shells of modules tell of their commands. They are the user's processes:
 * each is heard only in its own words, so much at a time that none keeps the
 * guardian busy, and so many that none fills the report. Nothing is decided by it.
 */
#include "helper/guard_internal.h"

#include "helper/fd.h"
#include "helper/log.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>

#define AT_A_TIME 64u     /* records, of all shells together */
#define REST_US   10000u /* behind so many */
#define LAST_MAX  16384u /* at the end; a queue holds some hundred */
#define NONSENSE_LOGGED 20u

void bvh_guard_wasm_init(struct bvh_wasm_watch *w)
{
	w->epoll_fd = -1;
	for (size_t i = 0; i < BVH_WASM_SHELLS_MAX; i++)
		w->shell[i].fd = -1;
}

/* No place, no epoll: a shell that runs and is not heard. */
void bvh_guard_wasm_hear(struct bvh_wasm_watch *w, int *sock)
{
	struct bvh_wasm_shell *s = NULL;
	struct epoll_event event = { .events = EPOLLIN };

	if (w->epoll_fd < 0)
		w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < BVH_WASM_SHELLS_MAX && s == NULL; i++)
		if (w->shell[i].fd < 0)
			s = &w->shell[i];
	event.data.ptr = s;
	if (s == NULL ||
	    epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, *sock, &event) != 0) {
		w->told.unheard++;
		return;
	}
	*s = (struct bvh_wasm_shell){ .fd = bvh_fd_take(sock) };
}

/* Its numbers only grow; a gap is what it could not send. */
static bool take(struct bvh_wasm_watch *w, struct bvh_wasm_shell *s,
		 const void *bytes, size_t len)
{
	struct bv_command c;
	uint64_t seq = 0;

	if (bv_command_decode(bytes, len, &c, &seq, NULL) != BV_OK ||
	    seq <= s->seq)
		return false;
	if (seq - s->seq - 1 > (uint64_t)INT64_MAX - w->told.lost)
		w->told.lost = INT64_MAX;
	else
		w->told.lost += seq - s->seq - 1;
	s->seq = seq;
	bv_commands_add(&w->told, &c);
	return true;
}

/* One record; false: nothing is there, or will ever be. */
static bool hear(struct bvh_guard *g, struct bvh_wasm_shell *s)
{
	unsigned char bytes[BV_COMMAND_BYTES + 1]; /* longer is seen as such */
	ssize_t n;

	do
		n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0 && take(&g->wasm, s, bytes, (size_t)n))
		return true;
	if (n > 0 && g->wasm.told.nonsense++ < NONSENSE_LOGGED)
		bvh_log(LOG_WARNING,
			"session=%s a shell says what no shell says; it is not "
			"listened to any more",
			g->id);
	bvh_close(&s->fd); /* and is out of the epoll set by that */
	return false;
}

void bvh_guard_on_wasm(struct bvh_guard *g)
{
	struct bvh_wasm_watch *w = &g->wasm;
	size_t heard = 0;
	bool more = true;

	/* In turns: who says much does not silence the others. */
	while (more && heard < AT_A_TIME) {
		more = false;
		for (size_t i = 0; i < BVH_WASM_SHELLS_MAX; i++)
			if (w->shell[i].fd >= 0 && hear(g, &w->shell[i])) {
				more = true;
				heard++;
			}
	}
	if (heard >= AT_A_TIME)
		w->again_us = bvh_boot_us() + REST_US;
}

void bvh_guard_wasm_stop(struct bvh_guard *g)
{
	struct bvh_wasm_watch *w = &g->wasm;
	size_t heard = 0;

	for (size_t i = 0; i < BVH_WASM_SHELLS_MAX; i++) {
		while (w->shell[i].fd >= 0 && heard < LAST_MAX &&
		       hear(g, &w->shell[i]))
			heard++;
		bvh_close(&w->shell[i].fd);
	}
	bvh_close(&w->epoll_fd);
}
