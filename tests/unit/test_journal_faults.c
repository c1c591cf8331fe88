/* SPDX-License-Identifier: MIT */
/*
 * Making and opening a journal while SQLite's system calls fail, each of them once
 * at each place: it is made or it is not, and the next one to open finds a journal
 * or makes it. A fault that passes shuts nobody out for good.
 */
#include "tests/unit/journal_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

/* The n-th call from now fails; 0: none. */
static unsigned int fail_at, calls;

static bool is_time(int error)
{
	if (fail_at == 0 || ++calls != fail_at)
		return false;
	errno = error;
	return true;
}

static int bad_fcntl(int fd, int cmd, ...)
{
	va_list args;
	void *arg;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	return is_time(ENOLCK) ? -1 : fcntl(fd, cmd, arg);
}

static ssize_t bad_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	return is_time(EIO) ? -1 : pwrite(fd, buf, n, at);
}

static ssize_t bad_pread(int fd, void *buf, size_t n, off_t at)
{
	return is_time(EIO) ? -1 : pread(fd, buf, n, at);
}

static int bad_ftruncate(int fd, off_t to)
{
	return is_time(EIO) ? -1 : ftruncate(fd, to);
}

static int bad_open(const char *path, int flags, int mode)
{
	return is_time(EACCES) ? -1 : open(path, flags, mode);
}

#define BAD(name, with)                                                        \
	{                                                                      \
		name, (sqlite3_syscall_ptr)(uintptr_t)(with)                   \
	}
/* Which of the two it calls is a matter of how SQLite was built. */
static const struct {
	const char *name;
	sqlite3_syscall_ptr bad;
} faults[] = {
	BAD("fcntl", bad_fcntl),         BAD("open", bad_open),
	BAD("pwrite", bad_pwrite),       BAD("pwrite64", bad_pwrite),
	BAD("pread", bad_pread),         BAD("pread64", bad_pread),
	BAD("ftruncate", bad_ftruncate),
};

static void replace(const char *name, sqlite3_syscall_ptr with)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	assert_int_equal(vfs->xSetSystemCall(vfs, name, with), SQLITE_OK);
}

/* One login with the fault, one without. false: there was no such call. */
static bool try_one(size_t fault, unsigned int nth)
{
	const struct bv_event first = started_event("00000000000000a1");
	const struct bv_event second = started_event("00000000000000a2");
	struct bvl_journal *j = NULL;
	struct bv_err err = { 0 };
	struct found found;
	struct stage s;
	bool reached;

	stage_init(&s);
	replace(faults[fault].name, faults[fault].bad);
	fail_at = nth;
	calls = 0;
	if (bvl_journal_open(s.dir, BVL_APPEND, 1, &j, &err) == BV_OK)
		(void)!bvl_journal_append(j, &first, &err);
	bvl_journal_close(&j);
	reached = calls >= nth;
	fail_at = 0;
	replace(faults[fault].name, NULL);

	if (bvl_journal_open(s.dir, BVL_APPEND, 5000, &j, &err) != BV_OK)
		fail_msg("%s %u: %s", faults[fault].name, nth, err.msg);
	append(j, &second);
	bvl_journal_close(&j);
	verify_with(&s, false, NULL, 0, &found);
	assert_int_equal(found.verdict.findings, 0);
	stage_done(&s);
	return reached;
}

static void test_make__a_fault_shuts_nobody_out(void **state)
{
	unsigned int sites = 0;

	(void)state;
	for (size_t i = 0; i < BV_LEN(faults); i++) {
		unsigned int nth = 1;

		while (try_one(i, nth))
			nth++;
		print_message("# %s: %u\n", faults[i].name, nth - 1);
		sites += nth - 1;
	}
	assert_true(sites > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make__a_fault_shuts_nobody_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
