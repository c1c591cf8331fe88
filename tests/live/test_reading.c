/* SPDX-License-Identifier: MIT */
/* bvisorctl reading a journal that is gone, damaged or set back, and what it does
 * not believe. */
#include "tests/live/house_stage.h"

static char text[1 << 20];

static void begin(void)
{
	add_six(now_us() - 20 * DAY_US, BOOT);
}

/* --- gone ------------------------------------------------------------------------ */

static void test_nothing_yet__is_empty(void **state)
{
	(void)state;
	need_house();
	assert_ctl("log", text, 0);
	assert_ctl("export", text, 0);
	assert_string_equal(text, "");
	assert_ctl("show 0000000000000001", text, 1);
}

static void put(const char *name, const char *bytes)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), STATE_DIR "/%s", name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(bytes, f) >= 0 && fclose(f) == 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void assert_gone(void)
{
	static const char *const commands[] = { "log", "log --json", "export",
						"show 0000000000000001" };

	for (size_t i = 0; i < BV_LEN(commands); i++) {
		assert_ctl(commands[i], text, 3);
		assert_says(text, STATE_DIR "/journal.db' is gone");
		assert_says(text, "bvisorctl verify");
	}
}

/* What a first login leaves that is killed before its journal is there: nothing is
 * gone, as verify has it. */
static void test_killed_first_login__is_empty(void **state)
{
	struct ended e;
	char sha256[65];
	char *json;

	(void)state;
	need_house();
	put("sessions/00000000000000aa.json", "");
	put("sessions/00000000000000ab.json.new", "x");
	ended_init(&e);
	memcpy(e.report.session_id, "00000000000000ac", 17);
	e.report.open = true;
	e.report.closed_unix_us = 0;
	assert_int_equal(bv_report_encode(&e.report, &json, NULL), BV_OK);
	put("sessions/00000000000000ac.json", json);
	free(json);
	fixture_done(&e.f);
	put("journal.head", "");
	assert_ctl("verify", text, 0);
	assert_ctl("log", text, 0);
	assert_ctl("export", text, 0);
	assert_ctl("show 00000000000000aa", text, 1);
	/* One that ended, or that nobody can read, stands for a journal. */
	put("sessions/00000000000000ad.json", "torn");
	assert_ctl("verify", text, 1);
	assert_gone();
	shell("rm " STATE_DIR "/sessions/00000000000000ad.json");
	write_dated("00000000000000ae", now_us(), sha256);
	assert_ctl("verify", text, 1);
	assert_gone();
}

static void test_deleted__is_no_empty_journal(void **state)
{
	(void)state;
	need_house();
	begin();
	shell("rm " STATE_DIR "/journal.db*");
	assert_gone();
	shell("mv " STATE_DIR "/sessions /run/sessions");
	assert_gone();
	assert_says(text, "its journal.head is there");
	shell("mv /run/sessions " STATE_DIR "/sessions");
	shell("rm " STATE_DIR "/journal.head");
	assert_gone();
	assert_says(text, "reports of its sessions are there");
	shell("rm " STATE_DIR "/sessions/*");
	assert_ctl("log", text, 0);
}

/* --- damaged ---------------------------------------------------------------------- */

static void test_damaged_row__the_others_are_read(void **state)
{
	(void)state;
	need_house();
	begin();
	past_guards(&house.x,
		    "UPDATE event SET bytes = x'7b7d' WHERE seq IN (6, 7)");
	assert_ctl("log", text, 3);
	assert_int_equal(count_lines(text), 1 + 10 + 2);
	assert_says(text, "row 6");
	assert_says(text, "row 7");
	assert_ctl("log --json 2>/run/err", text, 3);
	json_t *o = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(o), 10);
	json_decref(o);
	assert_ctl("export 2>/run/err", text, 3);
	assert_int_equal(count_lines(text), 10);
	assert_ctl("export --after 8", text, 0);
	assert_int_equal(count_lines(text), 4);
	assert_ctl("export --after 6 2>/dev/null", text, 3);
	assert_int_equal(count_lines(text), 5);
}

static void test_damaged_row__recover_says_what_it_did(void **state)
{
	(void)state;
	need_house();
	add_six(now_us() - 500 * DAY_US, BOOT);
	past_guards(&house.x, "UPDATE event SET bytes = x'7b7d' WHERE seq = 6");
	assert_ctl("recover", text, 3);
	assert_says(text, "0 living kept");
	assert_says(text, "row 6");
	assert_ctl("recover --json 2>/dev/null", text, 3);
	assert_says(text, "\"adopted\": 0");
	past_guards(&house.x, "UPDATE event SET bytes = x'7b7d' WHERE seq = 1");
	assert_ctl("recover", text, 3);
	assert_says(text, "row 1");
}

/* --- a prefix of several ------------------------------------------------------------ */

static void test_ambiguous__shows_nothing_of_the_first(void **state)
{
	(void)state;
	need_house();
	begin();
	assert_ctl("show 00000000 2>/dev/null", text, 1);
	assert_string_equal(text, "");
	assert_ctl("show 0000000000000003", text, 0);
	assert_says(text, "started");
	assert_says(text, "report       sealed");
}

/* --- heads -------------------------------------------------------------------------- */

static void test_heads__behind_is_said(void **state)
{
	struct bvl_journal *j;

	(void)state;
	need_house();
	begin();
	assert_ctl("verify", text, 0);
	assert_null(strstr(text, "behind"));
	shell("cp " STATE_DIR "/journal.head /run/head");
	j = open_stage(&house.x.stage, BVL_APPEND);
	add_session(j, 7, now_us(), BOOT);
	bvl_journal_close(&j);
	shell("cp /run/head " STATE_DIR "/journal.head");
	assert_ctl("verify", text, 0);
	assert_says(text, "journal.head is 2 rows behind");
}

static void heads(const char *line)
{
	FILE *f = fopen("/run/heads", "we");

	assert_non_null(f);
	assert_true(fprintf(f, "%s:%064d\n", line, 0) > 0 && fclose(f) == 0);
}

static void test_heads__a_word_of_its_own(void **state)
{
	(void)state;
	need_house();
	begin();
	heads("session=x journal=99");
	assert_ctl("verify --heads /run/heads", text, 1);
	heads("journal=99");
	assert_ctl("verify --heads /run/heads", text, 1);
	heads("session=\tjournal=99");
	assert_ctl("verify --heads /run/heads", text, 1);
	heads("session=x notjournal=99");
	assert_ctl("verify --heads /run/heads", text, 3);
	heads("reason=\"journal=99");
	assert_ctl("verify --heads /run/heads", text, 3);
	assert_ctl("verify --heads /run", text, 3);
	assert_says(text, "'/run': Is a directory");
}

/* --- --config, --since ----------------------------------------------------------------- */

static void test_config__that_is_not_there(void **state)
{
	static const char *const commands[] = {
		"verify", "log",   "export", "show 0000000000000001", "recover",
		"ps",     "check", "probe",  "explain root",
	};
	char line[128];

	(void)state;
	need_house();
	begin();
	for (size_t i = 0; i < BV_LEN(commands); i++) {
		snprintf(line, sizeof(line), "%s --config /run/no.such",
			 commands[i]);
		assert_ctl(line, text, 3);
		assert_says(text, "'/run/no.such': No such file");
	}
	assert_ctl("verify --config /etc/bvisor", text, 0);
}

/* Another journal than the one that was meant may be sound. */
static void test_config__broken(void **state)
{
	(void)state;
	need_house();
	begin();
	write_config(SOUND "state_dir = /run/other\nunknown = 1\n");
	assert_ctl("verify", text, 3);
	assert_says(text, "unknown");
	assert_null(strstr(text, "sound"));
	assert_null(strstr(text, "going on"));
	assert_ctl("verify --config " CONFIG, text, 3);
	assert_ctl("log", text, 0);
	assert_says(text, "going on with the defaults");
}

static void test_since__a_day_there_is(void **state)
{
	(void)state;
	need_house();
	begin();
	assert_ctl("log --since 2026-02-31", text, 2);
	assert_ctl("export --since 2025-02-29", text, 2);
	assert_ctl("log --since '2026-04-31 10:00'", text, 2);
	assert_ctl("log --since 2024-02-29", text, 0);
	assert_ctl("log --since '2024-12-31 23:59:59'", text, 0);
}

#define TEST(test) cmocka_unit_test_setup(test, house_begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_yet__is_empty),
		TEST(test_killed_first_login__is_empty),
		TEST(test_deleted__is_no_empty_journal),
		TEST(test_damaged_row__the_others_are_read),
		TEST(test_damaged_row__recover_says_what_it_did),
		TEST(test_ambiguous__shows_nothing_of_the_first),
		TEST(test_heads__behind_is_said),
		TEST(test_heads__a_word_of_its_own),
		TEST(test_config__that_is_not_there),
		TEST(test_config__broken),
		TEST(test_since__a_day_there_is),
	};

	return cmocka_run_group_tests(tests, set_house, NULL);
}
