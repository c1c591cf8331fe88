/* SPDX-License-Identifier: MIT */
/* Keeping house on journals of any age, with clocks that go wrong, reports that are
 * none and a bvisor.conf that is broken. */
#include "tests/live/house_stage.h"

#include <poll.h>
#include <signal.h>
#include <sys/xattr.h>

#define NOTIFY_SOCKET "/run/house.notify"

static char text[1 << 20];
static char leaf[PATH_MAX]; /* the holder's */

/* Longer than journal_age without a login: what is too old goes with its reports,
 * the last day that something happened on stays. */
static void test_idle_host__reports_go_with_their_rows(void **state)
{
	(void)state;
	need_house();
	add_six(now_us() - 500 * DAY_US, BOOT);
	assert_ctl("recover", text, 0);
	assert_says(text, "10 old rows removed");
	for (unsigned int i = 1; i < SESSIONS; i++)
		assert_false(has_report(i));
	assert_true(has_report(SESSIONS));
	assert_ctl("verify", text, 0);
	assert_ctl("recover", text, 0);
	assert_says(text, " 0 old rows removed");
}

/* Of one that lost all its rows to an earlier build, or to its size. */
static void test_no_row_is_left__no_report_stays(void **state)
{
	const struct bvl_keep keep = { .age_us = 1 };
	struct bvl_journal *j;
	uint64_t removed = 0;

	(void)state;
	need_house();
	add_six(now_us() - 500 * DAY_US, BOOT);
	j = open_stage(&house.x.stage, BVL_APPEND);
	assert_int_equal(bvl_journal_prune(j, &keep, now_us(), &removed, NULL),
			 BV_OK);
	bvl_journal_close(&j);
	assert_int_equal(removed, 12);
	assert_ctl("verify", text, 0);
	assert_ctl("recover", text, 0);
	for (unsigned int i = 1; i <= SESSIONS; i++)
		assert_false(has_report(i));
	assert_ctl("verify", text, 0);
}

/* Stopped between the rows and the reports, which a clock that was ahead had dated. */
static void
test_stopped_between__no_report_of_a_time_that_is_not_yet(void **state)
{
	const struct bvl_keep keep = { .bytes = 1 };
	struct bvl_journal *j;
	uint64_t removed = 0;

	(void)state;
	need_house();
	j = open_stage(&house.x.stage, BVL_APPEND);
	add_session(j, 1, now_us() + 9 * DAY_US, BOOT);
	assert_ctl("verify", text, 0);
	assert_int_equal(bvl_journal_prune(j, &keep, now_us(), &removed, NULL),
			 BV_OK);
	assert_int_equal(removed, 2);
	add_session(j, 2, now_us(), BOOT);
	bvl_journal_close(&j);
	assert_ctl("verify", text, 0);
	assert_ctl("recover", text, 0);
	assert_false(has_report(1));
	assert_true(has_report(2));
	/* Without a checkpoint it is of nobody, and evidence. */
	shell("rm " STATE_DIR "/journal.*");
	j = open_stage(&house.x.stage, BVL_APPEND);
	add_session(j, 3, now_us(), BOOT);
	bvl_journal_close(&j);
	assert_ctl("recover", text, 0);
	assert_true(has_report(2));
}

static void test_prune__its_line_is_a_head(void **state)
{
	char want[120], hash[65];
	FILE *f;

	(void)state;
	need_house();
	add_six(now_us() - 500 * DAY_US, BOOT);
	hash_of(10, hash);
	(void)said();
	assert_ctl("recover", text, 0);
	snprintf(want, sizeof(want), " journal=10:%s", hash);
	snprintf(text, sizeof(text), "%s", said());
	assert_says(text, want);
	assert_says(text, "the last day");
	f = fopen("/run/heads", "we");
	assert_true(fputs(text, f) > 0 && fclose(f) == 0);
	assert_ctl("verify --heads /run/heads", text, 0);
	/* Somebody else's checkpoint is seen by it. */
	f = fopen("/run/heads", "we");
	hash[0] = hash[0] == '0' ? '1' : '0';
	assert_true(fprintf(f, "journal=10:%s\n", hash) > 0 && fclose(f) == 0);
	assert_ctl("verify --heads /run/heads", text, 1);
	assert_says(text, "witness-rewritten");
}

/* Rows that the size drives out, the first of them damaged. */
static void test_prune_of_damaged_rows__its_line_is_a_head(void **state)
{
	struct bvl_head head;
	char want[120];

	(void)state;
	need_house();
	write_config(SOUND "journal_size = 1M\njournal_age = 0\n");
	fill(now_us() - DAY_US);
	past_guards(&house.x, "UPDATE event SET bytes = x'7b7d' WHERE seq = 1");
	(void)said();
	assert_ctl("recover", text, 0);
	assert_true(number("SELECT min(seq) FROM event") > 1);
	head = checkpoint_head(&house.x);
	snprintf(want, sizeof(want), " journal=%llu:%s",
		 (unsigned long long)head.seq, head.hash);
	assert_says(said(), want);
}

/* No boot has lasted longer than since it began, whatever the clock says. */
static void test_clock_ahead__ages_no_more_than_this_boot(void **state)
{
	char boot_id[BVH_BOOT_ID_LEN + 1];

	(void)state;
	need_house();
	assert_int_equal(bvh_boot_id(boot_id, NULL), BV_OK);
	add_six(now_us() - 500 * DAY_US, boot_id);
	assert_ctl("recover", text, 0);
	assert_says(text, " 0 old rows removed");
	assert_int_equal(count_rows(), 12);
}

static void test_ordinary_host__ages_by_the_clock(void **state)
{
	(void)state;
	need_house();
	add_six(now_us() - 370 * DAY_US, BOOT);
	assert_ctl("recover", text, 0);
	assert_says(text, " 6 old rows removed");
	assert_false(has_report(3));
	assert_true(has_report(4));
	assert_ctl("verify", text, 0);
}

/* The report of a session that never began. */
static void put_empty(unsigned int n, uint64_t at_us)
{
	const struct timespec at = { .tv_sec = (time_t)(at_us / 1000000u) };
	const struct timespec times[2] = { at, at };
	char path[80];
	int fd;

	report_path(n, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The clock was ahead, was set back, and the journal is too large then. */
static void test_clock_set_back__reports_go_with_their_rows(void **state)
{
	const uint64_t now = now_us();
	struct bvl_journal *j;

	(void)state;
	need_house();
	write_config(SOUND "journal_size = 1M\n");
	j = open_stage(&house.x.stage, BVL_APPEND);
	add_session(j, 1, now + 9 * DAY_US, BOOT);
	add_session(j, 2, now + 9 * DAY_US + 5000, BOOT);
	fill(now - DAY_US);
	add_session(j, 3, now - DAY_US, BOOT);
	bvl_journal_close(&j);
	put_empty(4, now + 9 * DAY_US);
	assert_ctl("recover", text, 0);
	assert_false(has_report(4));
	assert_true(number("SELECT min(seq) FROM event") > 4);
	assert_false(has_report(1));
	assert_false(has_report(2));
	assert_true(has_report(3));
	assert_ctl("verify", text, 0);
}

/* --- what is no report ---------------------------------------------------------- */

static void put_fifo(unsigned int n)
{
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	char path[80];

	report_path(n, path);
	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void test_fifo__is_said_and_passed_over(void **state)
{
	(void)state;
	need_house();
	add_six(now_us() - 10 * DAY_US, BOOT);
	put_fifo(0x77); /* of nobody */
	(void)said();
	assert_ctl("recover", text, 0);
	assert_says(said(), "0000000000000077.json' is no regular file");
	assert_true(has_report(0x77));
	put_fifo(2);
	assert_ctl("show 0000000000000002", text, 0);
	assert_says(text, "0000000000000002.json' is no regular file");
	assert_says(text, "report       torn");
	assert_ctl("why 0000000000000002", text, 3);
	shell("mkdir -p -m 0700 " STATE_DIR "/captures/0000000000000002");
	assert_ctl("replay 0000000000000002", text, 3);
	assert_says(text, "0000000000000002.json' is no regular file");
}

static void test_fifo_of_an_open_session__a_person_has_to_look(void **state)
{
	struct bv_event e = started_event("0000000000000055");
	struct bvl_journal *j;

	(void)state;
	need_house();
	e.unix_us = now_us();
	j = open_stage(&house.x.stage, BVL_APPEND);
	append(j, &e);
	bvl_journal_close(&j);
	put_fifo(0x55);
	(void)said();
	assert_ctl("recover", text, 1);
	assert_says(text, "1 for a person to look at");
	assert_says(said(), "0000000000000055.json' is no regular file");
}

/* --- a broken bvisor.conf --------------------------------------------------------- */

static void test_broken_config__nothing_is_removed(void **state)
{
	(void)state;
	need_house();
	add_six(now_us() - 500 * DAY_US, BOOT);
	write_config(SOUND "journal_age = 0\njuornal_size = 1M\n");
	assert_ctl("recover", text, 0);
	assert_says(text, "nothing of the journal is removed");
	assert_int_equal(count_rows(), 12);
	write_config(SOUND "journal_age = 0\n");
	assert_ctl("recover", text, 0);
	assert_int_equal(count_rows(), 12);
}

/* The holder in a cgroup that systemd would have given it. */
static pid_t start_holder(void)
{
	char path[PATH_MAX + 64], helper[PATH_MAX + 32];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(path, sizeof(path), "%s/cgroup.procs", leaf);
	snprintf(helper, sizeof(helper), "%s/bvisor-helper", house.bin);
	FILE *f = fopen(path, "we");
	if (f == NULL || fputs("0", f) < 0 || fclose(f) != 0)
		_exit(126);
	setenv("NOTIFY_SOCKET", NOTIFY_SOCKET, 1);
	execl(helper, "bvisor-helper", "hold", (char *)NULL);
	_exit(127);
}

static bool find_leaf(char ret[PATH_MAX])
{
	FILE *f =
		popen("awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts",
		      "re");
	char mount[PATH_MAX / 2] = "";

	assert_non_null(f);
	if (fgets(mount, sizeof(mount), f) != NULL)
		mount[strcspn(mount, "\n")] = '\0';
	pclose(f);
	snprintf(ret, PATH_MAX, "%s/bvisor-house-%d", mount, (int)getpid());
	return mount[0] == '/';
}

/* Until it has looked once, and says that it is ready. */
static void hold_once(void)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX,
					.sun_path = NOTIFY_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char path[PATH_MAX + 64];
	int status = -1;
	pid_t pid;

	(void)unlink(NOTIFY_SOCKET);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	pid = start_holder();
	assert_int_equal(poll(&p, 1, 30000), 1);
	close(fd);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	snprintf(path, sizeof(path), "%s/holder", leaf);
	assert_int_equal(rmdir(path), 0);
}

static void test_broken_config__the_holder_removes_nothing(void **state)
{
	(void)state;
	need_house();
	if (!find_leaf(leaf) || mkdir(leaf, 0755) != 0 ||
	    setxattr(leaf, "trusted.delegate", "1", 1, 0) != 0) {
		(void)rmdir(leaf);
		print_message("# missing: a cgroup to delegate\n");
		skip();
	}
	add_six(now_us() - 500 * DAY_US, BOOT);
	write_config(SOUND "journal_age = 0\njuornal_size = 1M\n");
	hold_once();
	assert_int_equal(count_rows(), 12);
	write_config("syslog_socket = " LOG_SOCKET "\n");
	hold_once();
	assert_int_equal(count_rows(), 2);
}

static int leave_leaf(void **state)
{
	char command[PATH_MAX + 64];

	(void)state;
	snprintf(command, sizeof(command),
		 "find '%s' -depth -type d -exec rmdir {} +", leaf);
	return leaf[0] == '\0' || access(leaf, F_OK) != 0 ? 0 : system(command);
}

#define TEST(test) cmocka_unit_test_setup(test, house_begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_idle_host__reports_go_with_their_rows),
		TEST(test_no_row_is_left__no_report_stays),
		TEST(test_stopped_between__no_report_of_a_time_that_is_not_yet),
		TEST(test_prune__its_line_is_a_head),
		TEST(test_prune_of_damaged_rows__its_line_is_a_head),
		TEST(test_clock_ahead__ages_no_more_than_this_boot),
		TEST(test_ordinary_host__ages_by_the_clock),
		TEST(test_clock_set_back__reports_go_with_their_rows),
		TEST(test_fifo__is_said_and_passed_over),
		TEST(test_fifo_of_an_open_session__a_person_has_to_look),
		TEST(test_broken_config__nothing_is_removed),
		cmocka_unit_test_setup_teardown(
			test_broken_config__the_holder_removes_nothing,
			house_begin, leave_leaf),
	};

	return cmocka_run_group_tests(tests, set_house, NULL);
}
