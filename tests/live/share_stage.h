/* SPDX-License-Identifier: MIT */
/*
 * The stage of sessions that share with the host: what the user does with an outbox
 * and exposed paths, and the witnesses of what came of it: disk, report, journal.
 * Stage and leader as in test_guard.c. Included once a program.
 */
#ifndef BV_TESTS_LIVE_SHARE_STAGE_H
#define BV_TESTS_LIVE_SHARE_STAGE_H

#include "core/digest.h"
#include "core/plan.h"
#include "core/report_view.h"
#include "helper/dir.h"
#include "tests/live/journal_stage.h"

#define HEAD                                                                   \
	"bvisor-policy 1\n[match]\nuser = bvt-alice\n" CONFINE                 \
	"[temp]\nprivate = yes\n[budget]\nstorage = 4M\n" /* 12 lines */

#define EXPOSE                                                                 \
	"[expose]\nread = /home/course -> ~/course\n"                          \
	"write = /home/pool -> /tmp/pool\nread = -/home/none -> /home/pool\n"

#define OUTBOX(how) "[outbox]\npath = /tmp/out\ncommit = " how "\n"
#define TO          "to = /home/in\n"

#define UID 64900u

/* What the user's process found; shared with the test. */
static struct found {
	int course_read, course_write, home_write, pool_write, other_read;
	int box_write;
	pid_t writer;
} * found;

/* --- what the user does ---------------------------------------------------- */

static inline int try(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static inline void leave(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || bvh_write_all(fd, text, strlen(text), 0) != 0)
		found->box_write = errno;
	close(fd);
}

static inline void use_all(void)
{
	found->course_read = try("/home/bvt-alice/course/lesson", O_RDONLY);
	found->course_write = try("/home/bvt-alice/course/lesson", O_WRONLY);
	found->home_write = try("/home/bvt-alice/own", O_WRONLY | O_CREAT);
	found->pool_write = try("/tmp/pool/mine", O_WRONLY | O_CREAT);
	found->other_read = try("/home/other/file", O_RDONLY);
	leave("/tmp/out/result", "forty two");
	if (mkdir("/tmp/out/sub", 0700) != 0 ||
	    mkfifo("/tmp/out/fifo", 0600) != 0 ||
	    symlink("/run/secret", "/tmp/out/link") != 0)
		found->box_write = errno;
	leave("/tmp/out/sub/more", "more");
}

static inline void as_user(void *arg)
{
	void (*fn)(void);
	pid_t pid = fork();

	memcpy(&fn, arg, sizeof(fn));
	if (pid == 0) {
		leader_drop();
		fn();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Goes on until it is killed. */
static inline void write_on(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		char c = 'a';
		int fd = open("/tmp/out/result", O_WRONLY | O_CREAT | O_CLOEXEC,
			      0600);

		setsid();
		for (uint64_t at = 0;; at = (at + 1) % 60000, c ^= 1)
			(void)!pwrite(fd, &c, 1, (off_t)at);
	}
	found->writer = pid;
}

static inline void leave_a_hole(void)
{
	leave("/tmp/out/hole", "x");
	if (truncate("/tmp/out/hole", (off_t)1 << 40) != 0)
		found->box_write = errno;
	leave("/tmp/out/small", "x");
}

static inline void leave_a_megabyte(void)
{
	leave("/tmp/out/big", "x");
	if (truncate("/tmp/out/big", 1 << 20) != 0)
		found->box_write = errno;
}

/* --- stage ----------------------------------------------------------------- */

static inline int set_all(void **state)
{
	static const char *const dirs[] = { "/home/course", "/home/pool",
					    "/home/in", "/home/other" };
	int code = set_stage(state);

	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (code != 0 || env.unable != NULL)
		return code;
	for (size_t i = 0; i < BV_LEN(dirs); i++)
		must(mkdir(dirs[i], 0755) == 0, dirs[i]);
	must(chmod("/home/pool", 0777) == 0, "pool");
	must(chown("/home/bvt-alice", UID, UID) == 0, "home");
	must(mkdir("/home/bvt-alice/course", 0755) == 0, "spot");
	must(chown("/home/bvt-alice/course", UID, UID) == 0, "spot");
	write_file("/home/course/lesson", "one\n");
	must(chmod("/home/course/lesson", 0666) == 0, "lesson");
	write_file("/home/other/file", "not theirs\n");
	return 0;
}

static inline struct leader begin(const char *text, void (*fn)(void))
{
	static struct order order;
	static void (*act)(void);
	struct leader l;

	memset(found, 0, sizeof(*found));
	policy("alice", text);
	act = fn;
	order = open_as("bvt-alice");
	order.act = as_user;
	order.arg = &act;
	l = opened(&order);
	if (fn != NULL)
		assert_true(leader_step(&l, 'a'));
	assert_int_equal(found->box_write, 0);
	return l;
}

/* --- witnesses ------------------------------------------------------------- */

static inline const char *text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "" : text;
}

/* The detail of the first observation of a kind, "" when there is none. */
static inline const char *observed(json_t *report, const char *kind)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "observed"), i, row)
	{
		if (strcmp(text_of(row, "kind"), kind) == 0)
			return text_of(row, "detail");
	}
	return "";
}

static inline json_t *output(json_t *report, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "outputs"), i, row)
	{
		if (strcmp(text_of(row, "name"), name) == 0)
			return row;
	}
	fail_msg("no output '%s'", name);
	return NULL;
}

/* The digest of a file as another reader of the disk finds it. */
static inline void digest_of(const struct leader *l, const char *name,
			     char ret[65])
{
	static char bytes[2u << 20];
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/home/in/%s/%s", l->view->session, name);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	n = bvh_read_all(fd, bytes, sizeof(bytes) - 1);
	close(fd);
	assert_true(n >= 0);
	bv_sha256_hex(bytes, (size_t)n, ret);
}

static inline size_t promoted(void)
{
	return count_dir("/home/in", "");
}

/* The sealed report holds, byte by byte. */
static inline void assert_verified(const struct leader *l)
{
	static char bytes[256 * 1024];
	struct bv_err err = { 0 };
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json",
		 l->view->session);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = bvh_read_all(fd, bytes, sizeof(bytes) - 1);
	close(fd);
	assert_true(n > 1);
	if (bv_report_verify(bytes, (size_t)n - 1, &err) != BV_OK)
		fail_msg("%s", err.msg);
}

static inline void clear_target(void)
{
	char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t) "rm -rf /home/in/* /home/in/.b*",
			 NULL };

	run_program(argv);
}

/* What the journal has of the outbox, "decided promote, applied promote". */
static inline int add_disposition(void *arg, const struct bvl_row *row,
				  struct bv_err *err)
{
	const struct bv_event *e = row->event;
	char *ret = arg;

	(void)err;
	if (e->kind == BV_EVENT_DISPOSITION)
		snprintf(ret + strlen(ret), 256 - strlen(ret), "%s%s %s",
			 ret[0] == '\0' ? "" : ", ",
			 bv_disposition_phase_name(e->disposition.phase),
			 bv_disposition_name(e->disposition.decision));
	return BV_OK;
}

static inline void assert_dispositions(const struct leader *l, const char *want)
{
	const struct bvl_query query = { .session = l->view->session };
	struct bvl_journal *j = NULL;
	char got[256] = "";

	assert_int_equal(bvh_journal_open(STATE_DIR, BVL_READ, 30000, &j, NULL),
			 BV_OK);
	assert_int_equal(
		bvl_journal_each(j, &query, add_disposition, got, NULL), BV_OK);
	bvl_journal_close(&j);
	assert_string_equal(got, want);
}

#endif
