/* SPDX-License-Identifier: MIT */
/* A machine's journal and reports of any age, where bvisorctl looks for them: a
 * private mount namespace with a copy of /etc and a /var/lib of its own. */
#ifndef BV_TESTS_LIVE_HOUSE_STAGE_H
#define BV_TESTS_LIVE_HOUSE_STAGE_H

#include "tests/unit/journal_scene.h"

#include "helper/journal.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define STATE_DIR  "/var/lib/bvisor"
#define CONFIG     "/etc/bvisor/bvisor.conf"
#define LOG_SOCKET "/run/house.log"
#define DAY_US     (UINT64_C(86400) * 1000000u)
#define SOUND      "cgroup_base = /run/none\nsyslog_socket = " LOG_SOCKET "\n"

static struct {
	char bin[PATH_MAX]; /* where the programs are */
	const char *unable;
	int log_fd;
	struct scene x;
} house;

#define need_house()                                                           \
	do {                                                                   \
		if (house.unable != NULL) {                                    \
			print_message("# missing: %s\n", house.unable);        \
			skip();                                                \
		}                                                              \
	} while (0)

static inline uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static inline void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static inline void write_config(const char *text)
{
	FILE *f = fopen(CONFIG, "we");

	assert_non_null(f);
	assert_true(fprintf(f, "bvisor-config 1\n[bvisor]\n%s", text) > 0);
	assert_int_equal(fclose(f), 0);
}

/* --- once ---------------------------------------------------------------------- */

static inline void listen_to_log(void)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX,
					.sun_path = LOG_SOCKET };

	house.log_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(house.log_fd, (const struct sockaddr *)&at, sizeof(at)),
		0);
}

static int set_house(void **state)
{
	ssize_t n = readlink("/proc/self/exe", house.bin, PATH_MAX - 1);

	(void)state;
	house.log_fd = -1;
	if (geteuid() != 0)
		house.unable = "root";
	else if (unshare(CLONE_NEWNS) != 0 ||
		 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		house.unable = "a mount namespace of its own";
	if (house.unable != NULL)
		return 0;
	for (int up = 0; up < 3 && n > 0; up++) { /* tests/live/test_x */
		house.bin[n] = '\0';
		*strrchr(house.bin, '/') = '\0';
		n = (ssize_t)strlen(house.bin);
	}
	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"), 0);
	assert_int_equal(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=0755"),
			 0);
	shell("cp -a /etc /run/etc && mount --bind /run/etc /etc && "
	      "rm -rf /etc/bvisor && mkdir -m 0755 /etc/bvisor");
	listen_to_log();
	return 0;
}

/* --- each ---------------------------------------------------------------------- */

static int house_begin(void **state)
{
	(void)state;
	if (house.unable != NULL)
		return 0;
	shell("rm -rf " STATE_DIR);
	assert_int_equal(mkdir(STATE_DIR, 0700), 0);
	snprintf(house.x.stage.dir, sizeof(house.x.stage.dir), STATE_DIR);
	snprintf(house.x.stage.records, sizeof(house.x.stage.records),
		 STATE_DIR "/sessions");
	assert_int_equal(mkdir(house.x.stage.records, 0700), 0);
	write_config(SOUND);
	return 0;
}

/* What was written to the log since the last time. */
static inline const char *said(void)
{
	static char all[1 << 16];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(house.log_fd, all + len, sizeof(all) - len - 2,
			 MSG_DONTWAIT)) > 0) {
		len += (size_t)n;
		all[len++] = '\n';
	}
	all[len] = '\0';
	return all;
}

/* stderr as well; 124: it hung. */
static inline int ctl(const char *arguments, char *ret, size_t ret_len)
{
	char command[PATH_MAX + 256];
	FILE *f;
	size_t n;
	int status;

	snprintf(command, sizeof(command),
		 "{ timeout -k 1 20 %s/bvisorctl %s; } 2>&1", house.bin,
		 arguments);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(ret, 1, ret_len - 1, f);
	ret[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define assert_says(text, want)                                                \
	do {                                                                   \
		if (strstr(text, want) == NULL)                                \
			fail_msg("no '%s' in:\n%s", want, text);               \
	} while (0)
#define assert_ctl(arguments, text, want)                                      \
	do {                                                                   \
		const int got_ = ctl(arguments, text, sizeof(text));           \
		if (got_ != (want))                                            \
			fail_msg("%s: %d, not %d:\n%s", arguments, got_, want, \
				 text);                                        \
	} while (0)

static inline size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n' ? 1 : 0;
	return n;
}

/* --- sessions of any age -------------------------------------------------------- */

static inline void report_path(unsigned int n, char ret[80])
{
	char id[17];

	id_of(n, id);
	snprintf(ret, 80, STATE_DIR "/sessions/%s.json", id);
}

static inline bool has_report(unsigned int n)
{
	char path[80];

	report_path(n, path);
	return access(path, F_OK) == 0;
}

static inline void write_dated(const char *id, uint64_t closed_us,
			       char sha256[65])
{
	const struct timespec times[2] = {
		{ .tv_sec = (time_t)(closed_us / 1000000u) },
		{ .tv_sec = (time_t)(closed_us / 1000000u) },
	};
	struct bv_report_view view;
	struct bv_arena arena;
	struct ended e;
	char path[80];
	char *json;
	FILE *f;

	ended_init(&e);
	memcpy(e.report.session_id, id, 17);
	e.report.opened_unix_us = closed_us - 1000;
	e.report.closed_unix_us = closed_us;
	assert_int_equal(bv_report_encode(&e.report, &json, NULL), BV_OK);
	bv_arena_init(&arena, 1 << 20);
	assert_int_equal(
		bv_report_decode(&arena, json, strlen(json), &view, NULL),
		BV_OK);
	memcpy(sha256, view.sha256, 65);
	bv_arena_done(&arena);
	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json", id);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", json) > 0 && fclose(f) == 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	free(json);
	fixture_done(&e.f);
}

/* A start and a report, written at that time of that boot. */
static inline void add_session(struct bvl_journal *j, unsigned int n,
			       uint64_t at_us, const char *boot_id)
{
	char id[17], sha256[65];
	struct bv_event e;

	id_of(n, id);
	write_dated(id, at_us, sha256);
	e = started_event(id);
	e.unix_us = at_us - 1000;
	e.boot_id = boot_id;
	append(j, &e);
	e = report_event(id, sha256);
	e.unix_us = at_us + 1;
	e.boot_id = boot_id;
	append(j, &e);
}

/* Six sessions, two days between them: the first at that time. */
static inline void add_six(uint64_t first_us, const char *boot_id)
{
	struct bvl_journal *j = open_stage(&house.x.stage, BVL_APPEND);

	for (unsigned int i = 1; i <= SESSIONS; i++)
		add_session(j, i, first_us + (i - 1) * 2 * DAY_US, boot_id);
	bvl_journal_close(&j);
}

/* 10000 rows of one time: more than a megabyte. */
static inline void fill(uint64_t at_us)
{
	static struct bv_event filler[500];
	struct bvl_journal *j = open_stage(&house.x.stage, BVL_APPEND);

	for (unsigned int k = 0; k < BV_LEN(filler); k++) {
		filler[k] = (struct bv_event){
			.kind = BV_EVENT_REFUSAL,
			.session = "00000000000000ff",
			.boot_id = BOOT,
			.unix_us = at_us,
			.refusal = { .membrane = BV_MEMBRANE_ACTION,
				     .user = "alice",
				     .reason = "no" },
		};
	}
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(
			bvl_journal_append_all(j, filler, BV_LEN(filler), NULL),
			BV_OK);
	bvl_journal_close(&j);
}

static inline int64_t number(const char *sql_text)
{
	sqlite3 *db = raw(&house.x);
	sqlite3_stmt *s = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql_text, -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static inline int64_t count_rows(void)
{
	return number("SELECT count(*) FROM event");
}

static inline void hash_of(int64_t seq, char ret[65])
{
	sqlite3 *db = raw(&house.x);
	sqlite3_stmt *s = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT hash FROM event WHERE seq = ?1",
				   -1, &s, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(s, 1, seq);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	bv_digest_hex(sqlite3_column_blob(s, 0), ret);
	sqlite3_finalize(s);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif
