/* SPDX-License-Identifier: MIT */
/*
 * A guardian from its first instruction to its verdict. It was forked by the
 * session leader and inherits whatever that one had: signals, limits, a working
 * directory, descriptors. None of it is kept.
 */
#include "helper/guard.h"

#include "helper/fd.h"
#include "helper/guard_internal.h"
#include "helper/log.h"
#include "helper/recover.h"
#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define EXIT_BROKEN 1
#define EXIT_MISUSE 2

#define LATE_DRAIN_MS 30000 /* after CLOSED nobody waits any more */

#define DEFAULT_USER_MESSAGE                                                   \
	"This session was refused by the policy of this host."

uint64_t bvh_unix_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t bvh_boot_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* --- a process of its own ------------------------------------------------- */

/* fd 3 is a seqpacket socket of a root process, and we are root. */
static int check_start(int sock, pid_t *ret_leader, struct bv_err *err)
{
	struct ucred peer;
	int type = 0;
	socklen_t type_len = sizeof(type);
	socklen_t peer_len = sizeof(peer);

	if (geteuid() != 0 || getuid() != 0)
		return bv_fail(err, BV_E_INVAL, "a guardian runs as root only");
	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0 ||
	    type != SOCK_SEQPACKET)
		return bv_fail(err, BV_E_INVAL,
			       "descriptor %d is no control socket: a guardian "
			       "is started by pam_bvisor alone",
			       sock);
	/* Of a socketpair: whoever made it, which is the leader. */
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) != 0)
		return bv_fail_errno(err, errno, "SO_PEERCRED");
	if (peer.uid != 0 || peer.pid <= 0 || peer.pid == getpid())
		return bv_fail(err, BV_E_INVAL,
			       "the control socket was made by pid %d, uid %u",
			       (int)peer.pid, (unsigned int)peer.uid);
	*ret_leader = peer.pid;
	return BV_OK;
}

/* An ignored SIGCHLD would break waitpid() in the probe. What asks for the end
 * waits until there is something to end in order. */
static void reset_signals(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	sigset_t late;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &by_default, NULL);
	(void)sigaction(SIGPIPE, &ignored, NULL);
	sigemptyset(&late);
	sigaddset(&late, SIGTERM);
	sigaddset(&late, SIGINT);
	sigaddset(&late, SIGHUP);
	(void)sigprocmask(SIG_SETMASK, &late, NULL);
}

static int null_streams(struct bv_err *err)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return bv_fail_errno(err, errno, "open '/dev/null'");
	for (int to = 0; to < 3; to++) {
		if (fd != to && dup2(fd, to) < 0)
			return bv_fail_errno(err, errno, "dup2");
	}
	if (fd > 2)
		bvh_close(&fd);
	return BV_OK;
}

static void spare_from_oom_killer(void)
{
	bv_auto_close int fd =
		open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* In a container it may be forbidden: then the guardian may die, which
	 * leaves the session confined and its leaf to the next sweep. */
	if (fd >= 0)
		(void)!write(fd, "-900", 4);
}

/* What the login's limits say of file sizes is the user's: a record or an outbox
 * may be larger. Where that cannot be changed a write fails instead of
 * killing us. */
static void unlimit_files(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_FSIZE, &none) != 0)
		(void)signal(SIGXFSZ, SIG_IGN);
}

static int become_guardian(int sock, struct bv_err *err)
{
	const struct rlimit no_core = { 0, 0 };
	const int on = 1;
	int code;

	/* A core or a ptrace of the guardian would show what it holds. */
	if (prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) != 0)
		return bv_fail_errno(err, errno, "forbid core dumps");
	reset_signals();
	unlimit_files();
	spare_from_oom_killer();
	if (setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
		return bv_fail_errno(err, errno, "SO_PASSCRED");
	if (fcntl(sock, F_SETFD, FD_CLOEXEC) != 0)
		return bv_fail_errno(err, errno, "F_SETFD");
	code = null_streams(err);
	if (code != BV_OK)
		return code;
	if (bvh_sys_close_range((unsigned int)sock + 1, ~0u, 0) != 0)
		return bv_fail_errno(err, errno, "close_range");
	(void)clearenv();
	(void)setsid(); /* fails only when it leads a session already */
	umask(077);
	if (chdir("/") != 0)
		return bv_fail_errno(err, errno, "chdir '/'");
	return BV_OK;
}

static struct bvh_login login_of(const struct bvp_request *request)
{
	return (struct bvh_login){
		.user = request->user,
		.service = request->service,
		.tty = request->tty,
		.rhost = request->rhost,
		.forcecommand = (request->flags & BVP_FLAG_FORCECOMMAND) != 0,
	};
}

static int meet_leader(struct bvh_guard *g, struct bv_err *err)
{
	int code = bvh_session_new_id(g->id, err);

	if (code != BV_OK)
		return code;
	g->leader_pidfd = bvh_sys_pidfd_open(g->leader, 0);
	if (g->leader_pidfd < 0)
		return bv_fail_errno(err, errno, "pidfd of the leader %d",
				     (int)g->leader);
	(void)fcntl(g->leader_pidfd, F_SETFD, FD_CLOEXEC);
	code = bvh_proc_start(g->leader, &g->leader_start, err);
	if (code != BV_OK)
		return code;
	code = bvh_packet_wait(g->sock, g->leader, g->leader_pidfd,
			       1000 * (int)BVP_DEADLINE_MAX_S,
			       &g->request_packet, err);
	if (code != BV_OK)
		return code;
	bvh_close(&g->request_packet.fd);
	if (bvp_decode_request(g->request_packet.buf, g->request_packet.len,
			       &g->request_type, &g->request) != 0)
		return bv_fail(err, BV_E_PROTO,
			       "the PAM module sent no valid request");
	g->login = login_of(&g->request);
	return BV_OK;
}

/* --- verdicts ------------------------------------------------------------- */

static const char *verdict_name(enum bvp_verdict v)
{
	switch (v) {
	case BVP_ADMITTED:
		return "admitted";
	case BVP_UNCONFINED:
		return "unconfined";
	case BVP_JOINED:
		return "joined";
	case BVP_REFUSED:
		return "refused";
	case BVP_FAULT:
		return "fault";
	}
	return "?";
}

static void log_verdict(const struct bvh_guard *g, enum bvp_verdict verdict,
			const char *text)
{
	const struct bv_policy *p = g->adm.policy;
	struct bvh_field user;
	struct bvh_field service;
	struct bvh_field rhost;
	struct bvh_head_text head;
	int priority = verdict == BVP_FAULT     ? LOG_ERR
		       : verdict == BVP_REFUSED ? LOG_NOTICE
						: LOG_INFO;

	/* The everyday case says nothing unless asked. */
	if (verdict == BVP_UNCONFINED &&
	    (g->request.flags & BVP_FLAG_DEBUG) == 0)
		return;
	bvh_log(priority,
		"session=%s user=%s service=%s rhost=%s policy=%s stage=%s "
		"verdict=%s %s reason=\"%s\"",
		g->id, bvh_log_field(g->login.user, &user),
		bvh_log_field(g->login.service, &service),
		bvh_log_field(g->login.rhost, &rhost),
		p == NULL ? "-" : p->name,
		g->request_type == BVP_MSG_ADMIT ? "account" : "session",
		verdict_name(verdict), bvh_journal_head_text(&g->head, &head),
		text);
}

void bvh_guard_reply(struct bvh_guard *g, enum bvp_verdict verdict,
		     const char *text)
{
	const char *message = g->adm.config.user_message;
	char for_user[BVP_TEXT_MAX];
	bool refused = verdict == BVP_REFUSED || verdict == BVP_FAULT;
	struct bvp_reply reply = {
		.verdict = verdict,
		.session = g->id,
		.plan = g->adm.decision == BVH_DECIDE_ADMIT ? g->adm.plan.id
							    : "",
		.log_text = text,
		.user_text = "",
		.trial = "",
	};
	struct bv_err err = { 0 };
	size_t len;

	if (refused && (g->request.flags & BVP_FLAG_QUIET) == 0) {
		snprintf(for_user, sizeof(for_user), "%.400s (session %s)",
			 message == NULL ? DEFAULT_USER_MESSAGE : message,
			 g->id);
		reply.user_text = for_user;
	}
	if (refused)
		bvh_guard_say_refusal(g, text);
	log_verdict(g, verdict, text);
	len = bvp_encode_reply(&reply, g->packet.buf, sizeof(g->packet.buf));
	if (bvh_packet_send(g->sock, g->packet.buf, len, NULL, 0, &err) !=
	    BV_OK)
		bvh_log(LOG_ERR, "session=%s %s", g->id, err.msg);
}

/* --- already inside ------------------------------------------------------- */

static bool ends_with(const char *text, const char *tail, size_t tail_len)
{
	size_t len = strlen(text);

	return len >= tail_len &&
	       memcmp(text + len - tail_len, tail, tail_len) == 0;
}

/* The id of the session whose leaf, below our base, the leader sits in.
 * (logind's own "session-3.scope" is none of ours.) */
static bool inside_session(const struct bvh_guard *g,
			   char ret_id[BV_SESSION_ID_LEN + 1])
{
	static const char step[] = "/" BVH_LEAF_PREFIX;
	char path[PATH_MAX];

	if (bvh_cgroup_of(g->leader, path, sizeof(path), NULL) != BV_OK)
		return false;
	for (const char *at = strstr(path, step); at != NULL;
	     at = strstr(at + 1, step)) {
		const char *id = at + sizeof(step) - 1;
		const char *end = id + strspn(id, "0123456789abcdef");

		if (end - id != BV_SESSION_ID_LEN ||
		    (*end != '\0' && *end != '/') ||
		    !ends_with(g->adm.base.path, path,
			       bvh_user_node_strip(path, (size_t)(at - path))))
			continue;
		memcpy(ret_id, id, BV_SESSION_ID_LEN);
		ret_id[BV_SESSION_ID_LEN] = '\0';
		return true;
	}
	return false;
}

static void join_or_refuse(struct bvh_guard *g, const char *outer_id)
{
	struct bvh_session_state s;
	struct bv_err err = { 0 };
	char text[BV_ERR_MSG_MAX];

	/* From inside the boundary the file cannot be read: landlock says no,
	 * as it should. Then the plans cannot be shown to be the same. */
	if (bvh_session_read(g->adm.config.run_dir, outer_id, &s, &err) !=
	    BV_OK)
		snprintf(text, sizeof(text),
			 "already inside session %s, whose plan cannot be "
			 "read (%.300s): a session may not change its boundary",
			 outer_id, err.msg);
	else if (strcmp(s.plan_id, g->adm.plan.id) != 0)
		snprintf(text, sizeof(text),
			 "already inside session %s under another plan (%.16s "
			 "there, %.16s asked for): a session may not change "
			 "its boundary",
			 outer_id, s.plan_id, g->adm.plan.id);
	else {
		memcpy(g->id, s.id, sizeof(g->id));
		bvh_guard_reply(g, BVP_JOINED, "already inside this plan");
		return;
	}
	bvh_guard_reply(g, BVP_REFUSED, text);
}

void bvh_guard_second(struct bvh_guard *g, const struct bvh_packet *packet)
{
	struct bvh_guard *second = calloc(1, sizeof(*second));
	struct bv_err err = { 0 };

	if (second == NULL)
		return; /* the module's deadline refuses it */
	second->sock = g->sock;
	memcpy(second->id, g->id, sizeof(g->id));
	memcpy(second->request_packet.buf, packet->buf, packet->len);
	bvh_admission_init(&second->adm);
	if (bvp_decode_request(second->request_packet.buf, packet->len,
			       &second->request_type, &second->request) != 0) {
		bvh_guard_reply(second, BVP_FAULT, "no valid request");
	} else {
		second->login = login_of(&second->request);
		if (bvh_admit(BVH_CONFIG_DIR, &second->login, "none",
			      &second->adm, &err) != BV_OK)
			bvh_guard_reply(second, BVP_FAULT, err.msg);
		else if (second->adm.decision == BVH_DECIDE_UNCONFINED)
			bvh_guard_reply(second, BVP_UNCONFINED,
					second->adm.why);
		else if (second->adm.decision == BVH_DECIDE_REFUSE)
			bvh_guard_reply(second, BVP_REFUSED,
					second->adm.refusal.text);
		else if (strcmp(second->adm.plan.id, g->adm.plan.id) == 0)
			bvh_guard_reply(second, BVP_JOINED,
					"already inside this plan");
		else
			bvh_guard_reply(second, BVP_REFUSED,
					"already inside a session under "
					"another plan: a session may not "
					"change its boundary");
	}
	bvh_admission_done(&second->adm);
	free(second);
}

/* --- the course of things ------------------------------------------------- */

/* What failed for want of a descriptor or of memory need not fail again; what dies
 * slowly is waited for. */
static bool leaf_goes(struct bvh_guard *g, struct bv_err *err)
{
	return bvh_course_back(&g->course, err) == BV_OK ||
	       (bvh_leaf_drain(&g->boundary.leaf, LATE_DRAIN_MS) &&
		bvh_course_back(&g->course, err) == BV_OK);
}

/* Nobody waits for us any more: what did not drain in time gets longer, and
 * what earlier guardians could not clean up is cleaned up. */
static void tidy(struct bvh_guard *g)
{
	struct bv_err err = { 0 };

	if (g->boundary.has_leaf && !leaf_goes(g, &err))
		bvh_log(LOG_ERR, "session=%s leaf %s/%s%s%s stays behind: %s",
			g->id, g->adm.base.path, g->boundary.node,
			g->boundary.node[0] == '\0' ? "" : "/",
			g->boundary.leaf.name,
			err.msg[0] == '\0' ? "its processes do not die"
					   : err.msg);
	if (g->adm.base.fd >= 0)
		bvh_recover_if_due(&g->adm.config, &g->adm.base);
}

static int open_and_guard(struct bvh_guard *g)
{
	struct bvh_ending ending = { .outcome = BV_OUTCOME_SUPERVISOR_FAULT,
				     .keep_leader = true };
	struct bv_err err = { 0 };
	const int code = bvh_guard_open(g, &err);
	const bool begun = code == BV_OK;

	if (code == BV_E_REFUSED)
		ending.outcome = BV_OUTCOME_DENIED;
	if (begun)
		bvh_guard_loop(g, &ending);
	else
		ending.reason = err.msg;
	bvh_guard_end(g, &ending);
	if (!begun)
		bvh_guard_reply(g,
				code == BV_E_REFUSED ? BVP_REFUSED : BVP_FAULT,
				err.msg);
	else if (ending.keep_leader &&
		 bvh_packet_send_plain(g->sock, BVP_MSG_CLOSED, &err) != BV_OK)
		bvh_log(LOG_WARNING, "session=%s %s", g->id, err.msg);
	bvh_close(&g->sock);
	tidy(g);
	return begun || code == BV_E_REFUSED ? 0 : EXIT_BROKEN;
}

static int decide(struct bvh_guard *g)
{
	char outer_id[BV_SESSION_ID_LEN + 1];
	struct bv_err err = { 0 };

	if (bvh_admit(BVH_CONFIG_DIR, &g->login, "none", &g->adm, &err) !=
	    BV_OK) {
		bvh_guard_reply(g, BVP_FAULT, err.msg);
		return EXIT_BROKEN;
	}
	switch (g->adm.decision) {
	case BVH_DECIDE_UNCONFINED:
		bvh_guard_reply(g, BVP_UNCONFINED, g->adm.why);
		return 0;
	case BVH_DECIDE_REFUSE:
		bvh_guard_reply(g, BVP_REFUSED, g->adm.refusal.text);
		return 0;
	case BVH_DECIDE_ADMIT:
		break;
	}
	if (bv_life_planned(&g->life, g->adm.plan.id, &err) != BV_OK) {
		bvh_guard_reply(g, BVP_FAULT, err.msg);
		return EXIT_BROKEN;
	}
	if (inside_session(g, outer_id)) {
		join_or_refuse(g, outer_id);
		return 0;
	}
	if (g->request_type == BVP_MSG_ADMIT) {
		bvh_guard_reply(g, BVP_ADMITTED, "");
		return 0;
	}
	/* At account it may be pam_mount's or pam_mkhomedir's to make it. */
	bvh_admission_open(&g->adm, NULL);
	if (g->adm.decision == BVH_DECIDE_REFUSE) {
		bvh_guard_reply(g, BVP_REFUSED, g->adm.refusal.text);
		return 0;
	}
	return open_and_guard(g);
}

static struct bvh_guard *guard_new(int sock)
{
	struct bvh_guard *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->sock = sock;
	g->leader_pidfd = -1;
	g->record_fd = -1;
	g->listener_fd = -1;
	g->confined_pidfd = -1;
	g->gate_fd = -1;
	g->denials.fd = -1;
	g->launch_fd = -1;
	bvh_guard_capture_init(&g->capture);
	bvh_guard_wasm_init(&g->wasm);
	g->wall_fd = -1;
	g->cpu.timer_fd = -1;
	g->traffic.timer_fd = -1;
	g->outbox.target_fd = -1;
	g->outbox.dir_fd = -1;
	for (size_t i = 0; i < BVH_HIT_N; i++)
		g->hit[i].fd = -1;
	g->request_packet.fd = -1;
	g->packet.fd = -1;
	bvh_boundary_init(&g->boundary);
	bvh_admission_init(&g->adm);
	g->adm.decision = BVH_DECIDE_REFUSE;
	g->login = (struct bvh_login){ "", "", "", "", false };
	return g;
}

int bvh_guard_main(int control_fd)
{
	struct bvh_guard *g;
	struct bv_err err = { 0 };
	pid_t leader = 0;
	int status;

	if (check_start(control_fd, &leader, &err) != BV_OK) {
		fprintf(stderr, "bvisor-helper: %s\n", err.msg);
		return EXIT_MISUSE;
	}
	openlog("bvisor-helper", LOG_PID, LOG_AUTHPRIV);
	g = guard_new(control_fd);
	if (g == NULL)
		return EXIT_BROKEN; /* the module sees the end: refused */
	g->leader = leader;
	bvh_red_leader(leader);
	if (become_guardian(control_fd, &err) != BV_OK ||
	    meet_leader(g, &err) != BV_OK) {
		bvh_guard_reply(g, BVP_FAULT, err.msg);
		status = EXIT_BROKEN;
	} else {
		status = decide(g);
	}
	bvh_guard_confined_done(g);
	bvh_close(&g->leader_pidfd);
	bvh_outbox_list_done(&g->outbox.list);
	bvh_admission_done(&g->adm);
	free(g);
	return status;
}
