/* SPDX-License-Identifier: MIT */
/*
 * The guardian and the network programs of the leaf. The kernel keeps the list
 * and the budget; here it is asked what is attached, what has passed, and
 * whether something was dropped, which the user is told.
 */
#include "helper/guard_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "helper/fd.h"

#define LOOK_EVERY_S  1
#define TELL_EVERY_US (60u * 1000u * 1000u)

int bvh_guard_attest_network(struct bvh_guard *g, struct bv_err *err)
{
	char ids[128];
	int code;

	if (!bvh_course_has(&g->course, BV_PRIM_CGROUP_NETWORK))
		return BV_OK;
	code = bvh_boundary_attest_network(&g->course, ids, sizeof(ids), err);
	if (code != BV_OK)
		return code;
	return bv_report_observe(&g->report, "attested_network_programs", err,
				 "ids %s", ids);
}

void bvh_guard_measure_network(struct bvh_guard *g)
{
	struct bv_net_counter counter = { 0 };
	const bool is_read = bvh_net_read(&g->boundary.net, &counter);

	g->report.measure[BV_DIM_NETWORK] = (struct bv_measure){
		.available = is_read,
		.used = counter.passed_bytes,
		.limit_hit = is_read && counter.refused > 0,
	};
}

/* Without a timer the limit holds all the same; it is only not told. */
void bvh_guard_traffic_start(struct bvh_guard *g)
{
	const struct itimerspec every = {
		.it_value = { .tv_sec = LOOK_EVERY_S },
		.it_interval = { .tv_sec = LOOK_EVERY_S },
	};
	struct bvh_traffic_watch *w = &g->traffic;

	if (!g->adm.plan.budget[BV_DIM_NETWORK].stated)
		return;
	w->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd >= 0 && timerfd_settime(w->timer_fd, 0, &every, NULL))
		bvh_close(&w->timer_fd);
}

void bvh_guard_traffic_stop(struct bvh_guard *g)
{
	bvh_close(&g->traffic.timer_fd);
}

/* Told once a minute, reported once. */
void bvh_guard_on_traffic(struct bvh_guard *g)
{
	struct bvh_traffic_watch *w = &g->traffic;
	struct bv_net_counter counter;
	const uint64_t now_us = bvh_boot_us();
	uint64_t fired;
	char text[96];

	(void)!read(w->timer_fd, &fired, sizeof(fired));
	if (!bvh_net_read(&g->boundary.net, &counter) ||
	    counter.refused == w->refused)
		return;
	if (w->told_us != 0 && now_us - w->told_us < TELL_EVERY_US)
		return;
	w->refused = counter.refused;
	snprintf(text, sizeof(text),
		 "network limit of %" PRIu64 " bytes reached",
		 g->adm.plan.budget[BV_DIM_NETWORK].limit);
	if (w->told_us == 0)
		(void)bv_report_observe(&g->report, "network_limit_reached",
					NULL, "%s", text);
	bvh_guard_tell(g, text);
	w->told_us = now_us;
}
