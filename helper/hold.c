/* SPDX-License-Identifier: MIT */
/*
 * Hold the cgroup base: move aside, enable its controllers, recover what others
 * left when they died, and go on looking: sessions whose guardian was killed have
 * nobody else.
 */
#include "helper/hold.h"

#include "helper/admission.h"
#include "helper/fd.h"
#include "helper/log.h"
#include "helper/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <time.h>

#define ARENA_CAP (1024u * 1024u)

#define LOOK_EVERY_S   60
#define LOOK_ADOPTED_S 2 /* while a session has no guardian but us */
#define HOUSE_EVERY_S  3600
#define RECOVER_MS     5000u

struct holder {
	struct bv_config config;
	struct bvh_cgroup_base base;
	size_t adopted;
	time_t house_at; /* monotonic; retention is due */
};

/* Our own cgroup as a path, when systemd has delegated it to us. */
static bool own_delegated(char *ret, size_t ret_len)
{
	static const char *const mounts[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };
	char own[PATH_MAX];
	char mark[8];

	if (bvh_cgroup_of(getpid(), own, sizeof(own), NULL) != BV_OK ||
	    own[1] == '\0')
		return false;
	for (size_t i = 0; i < BV_LEN(mounts); i++) {
		int n = snprintf(ret, ret_len, "%s%s", mounts[i], own);

		if (n > 0 && (size_t)n < ret_len &&
		    getxattr(ret, "trusted.delegate", mark, sizeof(mark)) ==
			    1 &&
		    mark[0] == '1')
			return true;
	}
	return false;
}

static int enter_holder(const struct bvh_cgroup_base *base, struct bv_err *err)
{
	bv_auto_close int fd = -1;

	if (mkdirat(base->fd, BVH_HOLDER_DIR, 0755) != 0 && errno != EEXIST)
		return bv_fail_errno(err, errno, "mkdir '%s/%s'", base->path,
				     BVH_HOLDER_DIR);
	fd = openat(base->fd, BVH_HOLDER_DIR "/cgroup.procs",
		    O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return bv_fail_errno(err, errno, "move into '%s/%s'",
				     base->path, BVH_HOLDER_DIR);
	return BV_OK;
}

/* sd_notify(3) without its library: one datagram. A leading '@' means the
 * abstract name space. */
static void notify_ready(void)
{
	const char *path = secure_getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	bv_auto_close int fd = -1;
	size_t len;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) !=
		    7)
		bvh_log(LOG_ERR, "holder: notify the service manager: %s",
			strerrordesc_np(errno));
}

static time_t monotonic_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* What is to be kept is read again each time. What a broken file would have kept is
 * not known, and what is removed does not come back. */
static bool may_keep_house(struct holder *h)
{
	struct bv_config config;
	struct bv_arena arena;
	struct bv_err err = { 0 };
	int code;

	bv_arena_init(&arena, ARENA_CAP);
	code = bvh_config_load(BVH_CONFIG_DIR, &arena, &config, NULL, NULL,
			       &err);
	if (code == BV_OK && strcmp(config.state_dir, h->config.state_dir) != 0)
		code = bv_fail(&err, BV_E_CONF,
			       "state_dir is another one since the start");
	if (code == BV_OK) {
		h->config.journal_age_us = config.journal_age_us;
		h->config.journal_bytes = config.journal_bytes;
	} else {
		bvh_log(LOG_ERR,
			"holder: nothing of the journal is removed: %s",
			err.msg);
	}
	bv_arena_done(&arena);
	return code == BV_OK;
}

/* What cannot be recovered is logged and tried again: the base is held. */
static void recover(struct holder *h)
{
	const time_t now = monotonic_s();
	const bool house = now >= h->house_at;
	const struct bvh_recover how = {
		.config = &h->config,
		.base = &h->base,
		.wait_ms = RECOVER_MS,
		.house = house && may_keep_house(h),
	};
	struct bvh_recover_sum sum = { .adopted = 0 };
	struct bv_err err = { 0 };

	if (house)
		h->house_at = now + HOUSE_EVERY_S;
	if (bvh_recover(&how, &sum, &err) != BV_OK)
		bvh_log(LOG_ERR, "holder: recovery: %s", err.msg);
	h->adopted = sum.adopted;
	/* What a look took grows with the journal: it is not kept until the next. */
	(void)malloc_trim(0);
}

static void watch_until_told(struct holder *h, const sigset_t *end)
{
	for (;;) {
		const struct timespec look = {
			.tv_sec =
				h->adopted > 0 ? LOOK_ADOPTED_S : LOOK_EVERY_S,
		};

		if (sigtimedwait(end, NULL, &look) > 0)
			return;
		if (errno == EAGAIN)
			recover(h);
	}
}

static int hold(struct holder *h, struct bv_err *err)
{
	char own[PATH_MAX];
	int code = bvh_cgroup_base_find(
		own_delegated(own, sizeof(own)) ? own : h->config.cgroup_base,
		&h->base, err);

	if (code == BV_OK && h->base.source == BVH_BASE_NONE)
		code = bv_fail(err, BV_E_UNSUPPORTED, "no cgroup base: %s",
			       h->base.why);
	if (code == BV_OK)
		code = enter_holder(&h->base, err);
	if (code != BV_OK)
		return code;
	recover(h);
	bvh_log(LOG_INFO, "holder: base %s (%s), controllers:%s%s%s",
		h->base.path, bvh_base_source_name(h->base.source),
		h->base.pids ? " pids" : "", h->base.memory ? " memory" : "",
		h->base.cpu ? " cpu" : "");
	return BV_OK;
}

int bvh_hold_main(void)
{
	struct bv_arena arena;
	struct holder h = { .adopted = 0 };
	struct bv_err err = { 0 };
	sigset_t end;
	int code;

	/* blocked before anybody is told that we are ready */
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &end, NULL);
	openlog("bvisor-helper", LOG_PID, LOG_AUTHPRIV);
	bv_arena_init(&arena, ARENA_CAP);
	bvh_cgroup_base_init(&h.base);
	code = bvh_config_load(BVH_CONFIG_DIR, &arena, &h.config, NULL, NULL,
			       &err);
	if (code != BV_OK) {
		/* Logins are refused for it; the base is held all the same. */
		bvh_log(LOG_ERR, "holder: %s", err.msg);
		fprintf(stderr, "bvisor-helper: %s\n", err.msg);
		code = bv_config_parse(&arena, "bvisor.conf", NULL, 0,
				       &h.config, &err);
	}
	if (code == BV_OK)
		code = hold(&h, &err);
	if (code != BV_OK) {
		bvh_log(LOG_ERR, "holder: %s", err.msg);
		fprintf(stderr, "bvisor-helper: %s\n", err.msg);
	} else {
		notify_ready();
		watch_until_told(&h, &end);
	}
	bvh_cgroup_base_done(&h.base);
	bv_arena_done(&arena);
	return code == BV_OK ? 0 : 1;
}
