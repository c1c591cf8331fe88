/* SPDX-License-Identifier: MIT */
/*
 * The proof that streams are recorded. The guardian's own listener and recorder
 * on one side, what bvisor-shell asks and starts with on the other; the witnesses
 * are the descriptor that the kernel shows of what was started, both ends of its
 * streams, and the recording in the stage.
 */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"
#include "helper/guard_internal.h"
#include "helper/kernfs.h"
#include "helper/log.h"
#include "helper/shell/shell.h"
#include "helper/sys.h"

#include "core/cast.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>

#define PLAIN    "[session]\nshell = /bin/sh\n"
#define RECORDED PLAIN "capture = output\n"

#define TAPE_MAX 65536

/* One session whose shell is bvisor-shell. The guardian is this process. */
struct session {
	struct bvh_trial t;
	struct bvh_watched w;
	struct bvh_guard *g;
	struct bvh_course course; /* of which the rows want the owner alone */
	char **argv;
};

/* --- the shell's side ------------------------------------------------------ */

/* As helper/shell/main.c. */
static int be_the_shell(void *arg)
{
	const struct session *s = arg;
	struct bvh_shell *shell = calloc(1, sizeof(*shell));
	struct bv_err err = { 0 };

	if (shell == NULL)
		return BVH_SHELL_REFUSED;
	if (bvh_shell_ask(s->t.run->id, shell, &err) == BV_OK) {
		shell->argv = s->argv;
		bvh_shell_launch(shell, &err);
	}
	dprintf(STDOUT_FILENO, "bvisor-shell: %s\n", err.msg);
	return BVH_SHELL_REFUSED;
}

/* --- the guardian's side --------------------------------------------------- */

static int make_guardian(struct session *s, const char *lines, bool records,
			 struct bv_err *err)
{
	struct bvh_guard *g = calloc(1, sizeof(*g));
	int code;

	s->g = g;
	if (g == NULL)
		return bv_fail(err, BV_E_NOMEM, "a guardian");
	bvh_guard_capture_init(&g->capture);
	bvh_admission_init(&g->adm);
	g->launch_fd = -1;
	s->course.owner = g;
	memcpy(g->id, s->t.run->id, sizeof(g->id));
	code = bvh_trial_login(&s->t, lines, &g->adm, err);
	/* The stage's, not the machine's. */
	g->adm.config.state_dir = bv_arena_strdup(
		&g->adm.arena, bvh_stage_path(s->t.stage, "state"));
	if (code == BV_OK && g->adm.config.state_dir == NULL)
		code = bv_fail(err, BV_E_NOMEM, "a guardian");
	if (code == BV_OK && records)
		code = bvh_guard_capture_run(&s->course, err);
	return code == BV_OK ? bvh_guard_offer(&s->course, err) : code;
}

/* The one who asks is answered, or refused. */
static int answer(struct session *s, struct bv_err *err)
{
	struct pollfd p = { .fd = s->g->launch_fd, .events = POLLIN };

	if (poll(&p, 1, BVH_PROOF_WAIT_MS) != 1)
		return bv_fail(err, BV_E_TIMEOUT, "nobody asked for a launch");
	bvh_guard_launch(s->g);
	return s->g->launch_refusals == 0
		       ? BV_OK
		       : bv_fail(err, BV_E_SYS, "the launch was refused");
}

/* Up to the first word of the program. */
static int begin(struct session *s, const char *lines, bool records,
		 const char *mark, char *said, size_t len, struct bv_err *err)
{
	int code = bvh_watched_pipes(&s->w, err);

	if (code == BV_OK)
		code = bvh_trial_plan(&s->t, err, "%s", "");
	if (code == BV_OK)
		code = make_guardian(s, lines, records, err);
	if (code == BV_OK)
		code = bvh_trial_begin(&s->t, be_the_shell, s, NULL, err);
	if (code != BV_OK)
		return code;
	s->g->boundary.leaf = s->t.run->boundary.leaf; /* lent */
	code = answer(s, err);
	return code == BV_OK ? bvh_watched_until(&s->w, mark, said, len, err)
			     : code;
}

/* The recorders come to their end here. */
static void guardian_done(struct session *s)
{
	if (s->g == NULL)
		return;
	(void)!bvh_guard_capture_undo(&s->course, NULL);
	if (s->g->launch_fd >= 0)
		(void)!bvh_guard_offer_undo(&s->course, NULL);
	bvh_cgroup_base_init(&s->g->adm.base);
	bvh_admission_done(&s->g->adm);
	free(s->g);
	s->g = NULL;
}

static void session_done(struct session *s)
{
	bvh_watched_close(&s->w);
	bvh_trial_done(&s->t);
	guardian_done(s);
}
#define auto_session __attribute__((cleanup(session_done)))
#define SESSION(stage, o, args)                                                \
	{                                                                      \
		.t = BVH_TRIAL(stage, o), .w = { -1, -1 }, .argv = (args)      \
	}

/* --- witnesses ------------------------------------------------------------- */

/* Is the standard output of what was started the pipe that we read from? */
static int output_is_ours(const struct session *s, bool *ret,
			  struct bv_err *err)
{
	char path[64];
	struct stat theirs, ours;

	snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)s->t.run->child);
	if (stat(path, &theirs) != 0 || fstat(s->w.from_fd, &ours) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	*ret = theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
	return BV_OK;
}

/* All bytes of a stream in a recording of text; -1: it is none. */
static ssize_t stream_of(char *text, enum bv_cast_stream stream, char *ret,
			 size_t cap)
{
	struct bv_cast_head head;
	char *save = NULL;
	const char *line = strtok_r(text, "\n", &save);
	size_t n = 0;

	if (line == NULL ||
	    bv_cast_read_head(line, strlen(line), &head, NULL) != BV_OK)
		return -1;
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		struct bv_cast_event e = { 0 };

		if (bv_cast_read(line, strlen(line), &e, NULL) != BV_OK)
			return -1;
		if (e.what == BV_CAST_DATA && e.stream == stream &&
		    n + e.n < cap) {
			memcpy(ret + n, e.bytes, e.n);
			n += e.n;
		}
		free(e.bytes);
	}
	ret[n] = '\0';
	return (ssize_t)n;
}

/* The first recording on the disk has this output, and the manifest its
 * digest. */
static int recorded(const struct session *s, const char *want,
		    struct bv_err *err)
{
	bv_auto_free char *text = calloc(3, TAPE_MAX);
	char *manifest = text + TAPE_MAX, *output = manifest + TAPE_MAX;
	char name[64], sha[65];

	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "a recording");
	snprintf(name, sizeof(name), "state/captures/%s/1.cast", s->g->id);
	if (bvh_kernfs_read(AT_FDCWD, bvh_stage_path(s->t.stage, name), text,
			    TAPE_MAX) != 0)
		return bv_fail(err, BV_E_SYS, "there is no recording");
	bv_sha256_hex(text, strlen(text), sha);
	snprintf(name, sizeof(name), "state/captures/%s/manifest", s->g->id);
	if (bvh_kernfs_read(AT_FDCWD, bvh_stage_path(s->t.stage, name),
			    manifest, TAPE_MAX) != 0 ||
	    strstr(manifest, sha) == NULL)
		return bv_fail(err, BV_E_SYS,
			       "the manifest has another digest");
	if (stream_of(text, BV_CAST_OUT, output, TAPE_MAX) < 0 ||
	    strcmp(output, want) != 0)
		return bv_fail(err, BV_E_SYS,
			       "the recording is not what was written, but "
			       "'%.80s'",
			       output);
	return BV_OK;
}

/* --- what is shown --------------------------------------------------------- */

static int status_of(struct session *s, int want, struct bv_err *err)
{
	int code = bvh_trial_wait(&s->t, err);

	if (code == BV_OK && (!WIFEXITED(s->t.end.wait_status) ||
			      WEXITSTATUS(s->t.end.wait_status) != want))
		code = bv_fail(err, BV_E_SYS,
			       "status %d came back as wait status %#x", want,
			       (unsigned int)s->t.end.wait_status);
	return code;
}

/* What is written comes out, and stands in the recording; nothing goes past the
 * recorder. Without `capture` (the control) it all goes straight to us. */
static int passes(const struct bvh_stage *stage, struct bvh_outcome *o,
		  bool records, struct bv_err *err)
{
	char name[] = "sh", dash_c[] = "-c";
	char script[] = "echo up; read x; echo \"heard $x\"; exit 7";
	char *argv[] = { name, dash_c, script, NULL };
	auto_session struct session s = SESSION(stage, o, argv);
	char said[1024];
	bool ours = false;
	int code = begin(&s, records ? RECORDED : PLAIN, records, "up\n", said,
			 sizeof(said), err);

	if (code == BV_OK)
		code = output_is_ours(&s, &ours, err);
	if (code == BV_OK && ours == records)
		code = bv_fail(err, BV_E_SYS, "%s",
			       records ? "its output goes past the recorder"
				       : "control: its output is not our pipe");
	if (code == BV_OK && write(s.w.to_fd, "it\n", 3) != 3)
		code = bv_fail_errno(err, errno, "write to the program");
	if (code == BV_OK)
		code = bvh_watched_until(&s.w, NULL, said, sizeof(said), err);
	if (code == BV_OK && strcmp(said, "heard it\n") != 0)
		code = bv_fail(err, BV_E_SYS, "it said '%.80s'", said);
	if (code == BV_OK)
		code = status_of(&s, 7, err);
	if (code == BV_OK)
		code = bvh_guard_capture_undo(&s.course, err);
	if (code == BV_OK && records)
		code = recorded(&s, "up\nheard it\n", err);
	return code == BV_OK ? bvh_trial_down(&s.t, err) : code;
}

/* Its recorder is killed: whoever was recorded does not go on. */
static int ends_with_it(const struct bvh_stage *stage, struct bvh_outcome *o,
			struct bv_err *err)
{
	char name[] = "sh", dash_c[] = "-c";
	char script[] = "echo up; exec sleep 90"; /* longer than any proof */
	char *argv[] = { name, dash_c, script, NULL };
	auto_session struct session s = SESSION(stage, o, argv);
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	char said[1024];
	int code = begin(&s, RECORDED, true, "up\n", said, sizeof(said), err);

	if (code != BV_OK)
		return code;
	p[0].fd = s.t.run->pidfd;
	if (poll(p, 1, 0) != 0)
		return bv_fail(err, BV_E_SYS,
			       "control: the program ended by itself");
	bvh_log(LOG_INFO,
		"session=%s bvisorctl qualify: its recorder is killed now",
		s.g->id);
	(void)kill(s.g->capture.recorder[0].pid, SIGKILL);
	p[1].fd = s.g->capture.epoll_fd;
	while (code == BV_OK && s.g->capture.recorder[0].pid > 0) {
		if (poll(&p[1], 1, BVH_PROOF_WAIT_MS) != 1)
			code = bv_fail(err, BV_E_TIMEOUT,
				       "nobody heard of the recorder's end");
		bvh_guard_on_recorders(s.g);
	}
	if (code == BV_OK && poll(p, 1, BVH_PROOF_WAIT_MS) != 1)
		code = bv_fail(err, BV_E_SYS,
			       "what was recorded goes on without its "
			       "recorder");
	if (code == BV_OK)
		code = bvh_trial_wait(&s.t, err);
	return code == BV_OK ? bvh_trial_down(&s.t, err) : code;
}

BVH_PROOF(capture)
{
	int code = passes(s, o, false, err);

	if (code == BV_OK)
		code = passes(s, o, true, err);
	return code == BV_OK ? ends_with_it(s, o, err) : code;
}
