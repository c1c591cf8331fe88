/* SPDX-License-Identifier: MIT */
/* WASI: rights on files, budgets of storage and descriptors, directories. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/wasi_world.h"

/* --- a directory only for reading ----------------------------------------- */

static void test_fs_readonly__nothing_changes(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	uint32_t fd, n;

	assert_int_equal(open_as(g, RO, "file", 0, WRITES), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RO, "file", BW_O_TRUNC, READS),
			 BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RO, "file", BW_O_TRUNC, 0), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RO, "new", BW_O_CREAT, READS),
			 BW_ENOTCAPABLE);
	assert_int_equal(
		open_as(g, RO, "file", 0, READS | BW_R_FD_FILESTAT_SET_SIZE),
		BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RO, "file", 0, READS | BW_R_FD_ALLOCATE),
			 BW_ENOTCAPABLE);
	/* What runtimes ask for and do not need is left out. */
	fd = opened(g, RO, "file", 0,
		    READS | BW_R_FD_FILESTAT_SET_TIMES |
			    BW_R_FD_FDSTAT_SET_FLAGS);
	assert_int_equal(CALL(g, fd_filestat_set_times, fd, 0, 0, BW_FST_MTIM),
			 BW_ENOTCAPABLE);
	assert_int_equal(write_to(g, fd, "x"), BW_ENOTCAPABLE);
	assert_int_equal(CALL(g, fd_filestat_set_size, fd, 0), BW_ENOTCAPABLE);
	assert_int_equal(CALL(g, fd_allocate, fd, 0, 10), BW_ENOTCAPABLE);
	assert_int_equal(CALL(g, fd_fdstat_set_flags, fd, BW_FDF_APPEND), 0);
	assert_int_equal(write_to(g, fd, "x"), BW_ENOTCAPABLE);
	n = text(g, PATH, "file");
	assert_int_equal(CALL(g, path_unlink_file, RO, PATH, n),
			 BW_ENOTCAPABLE);
	assert_int_equal(CALL(g, path_create_directory, RO, PATH, n),
			 BW_ENOTCAPABLE);
	assert_int_equal(CALL(g, path_filestat_set_times, RO, 0, PATH, n, 0, 0,
			      BW_FST_ATIM),
			 BW_ENOTCAPABLE);
	n = text(g, PATH, "d");
	assert_int_equal(CALL(g, path_remove_directory, RO, PATH, n),
			 BW_ENOTCAPABLE);
	assert_int_equal(symlink_as(g, "x", RO, "y"), BW_ENOTCAPABLE);
	/* Both ends: not out of it, not into it; a second name would be a way
	 * to write. */
	assert_int_equal(rename_as(g, RO, "file", RW, "mine"), BW_ENOTCAPABLE);
	assert_int_equal(rename_as(g, RW, "file", RO, "file"), BW_ENOTCAPABLE);
	assert_int_equal(link_as(g, RO, "file", RW, "mine"), BW_ENOTCAPABLE);
	assert_int_equal(link_as(g, RW, "file", RO, "mine"), BW_ENOTCAPABLE);
	assert_true(holds(w, "ro/file", "fixed"));
	assert_true(holds(w, "rw/file", "data"));
}

/* Rights are of the descriptor, and go down with it. */
static void test_fs_readonly__directory_inside__the_same(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	uint32_t dir = opened(g, RO, "d", BW_O_DIRECTORY, BW_R_DIR);

	put_file(w, "ro/d/file", "deep");
	assert_int_equal(open_as(g, dir, "file", 0, WRITES), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, dir, "file", BW_O_TRUNC, 0),
			 BW_ENOTCAPABLE);
	assert_true(holds(w, "ro/d/file", "deep"));
	assert_int_equal(open_as(g, dir, "new", BW_O_CREAT, WRITES),
			 BW_ENOTCAPABLE);
	assert_int_equal(
		CALL(g, path_create_directory, dir, PATH, text(g, PATH, "x")),
		BW_ENOTCAPABLE);
	/* Narrowed by the guest itself: for good, below as well. */
	assert_int_equal(
		CALL(g, fd_fdstat_set_rights, RW, BW_R_PATH_OPEN, BW_R_READING),
		0);
	assert_int_equal(open_as(g, RW, "file", 0, WRITES), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "file", BW_O_TRUNC, 0), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "file", 0, READS), 0);
}

/* --- budgets -------------------------------------------------------------- */

static void test_fs_storage__counted_and_refused(void **state)
{
	struct world *w = *state;
	struct bw_wasi_counts n;
	struct guest *g;
	uint32_t fd;

	w->config.storage_bytes = 256 + 100;
	g = start(w);
	fd = opened(g, RW, "new", BW_O_CREAT, BW_R_FILE);
	assert_int_equal(write_to(g, fd, "1234567890"), 0);
	assert_int_equal(CALL(g, fd_filestat_set_size, fd, 91 + 10), BW_ENOSPC);
	assert_int_equal(CALL(g, fd_filestat_set_size, fd, UINT64_MAX),
			 BW_EFBIG);
	assert_int_equal(CALL(g, fd_filestat_set_size, fd, 50), 0);
	assert_int_equal(CALL(g, fd_allocate, fd, 0, 51), BW_ENOSPC);
	/* Written over counts as well; the last bytes that fit are taken. */
	assert_int_equal(write_to(g, fd,
				  "12345678901234567890123456789012345"
				  "6789012345678901234567890"),
			 0);
	assert_int_equal(guest_u32(g, RET), 50);
	assert_int_equal(write_to(g, fd, "x"), BW_ENOSPC);
	assert_int_equal(open_as(g, RW, "more", BW_O_CREAT, WRITES), BW_ENOSPC);
	assert_int_equal(
		CALL(g, path_create_directory, RW, PATH, text(g, PATH, "more")),
		BW_ENOSPC);
	assert_int_equal(symlink_as(g, "x", RW, "more"), BW_ENOSPC);
	assert_int_equal(link_as(g, RW, "file", RW, "more"), BW_ENOSPC);
	assert_int_equal(access(in(w, "rw/more"), F_OK), -1);
	bw_wasi_counts(g->wasi, &n);
	assert_int_equal(n.storage_bytes, 256 + 100);
	/* What is there may still be opened with CREAT. */
	assert_int_equal(open_as(g, RW, "file", BW_O_CREAT, READS), 0);
}

static void test_fs_descriptors__counted_and_refused(void **state)
{
	struct world *w = *state;
	struct bw_wasi_counts n;
	struct guest *g;
	int i;

	w->config.max_fds = 8;
	g = start(w);
	for (i = 0; i < 6; i++)
		assert_int_equal(open_as(g, RW, "file", 0, READS), 0);
	assert_int_equal(open_as(g, RW, "file", 0, READS), BW_EMFILE);
	assert_int_equal(open_as(g, RW, "new", BW_O_CREAT, WRITES), BW_EMFILE);
	assert_int_equal(access(in(w, "rw/new"), F_OK), -1);
	assert_int_equal(CALL(g, fd_close, 7), 0);
	assert_int_equal(opened(g, RW, "file", 0, READS), 7);
	bw_wasi_counts(g->wasi, &n);
	assert_int_equal(n.peak_fds, 8);
}

static void test_fs_mode__from_the_configuration(void **state)
{
	struct world *w = *state;
	mode_t before = umask(0);
	struct stat st;
	struct guest *g;

	w->config.file_mode = 04640;
	w->config.dir_mode = 0750;
	g = start(w);
	(void)opened(g, RW, "new", BW_O_CREAT, WRITES);
	assert_int_equal(CALL(g, path_create_directory, RW, PATH,
			      text(g, PATH, "newdir")),
			 0);
	umask(before);
	assert_int_equal(stat(in(w, "rw/new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(stat(in(w, "rw/newdir"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
}

/* --- reading a directory -------------------------------------------------- */

static void test_fs_readdir__cut_anywhere__goes_on(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	uint64_t cookie = 0, parent;
	unsigned seen = 0;
	struct stat st;
	char name[16];
	int i;

	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "rw/f%d", i);
		put_file(w, name, "");
	}
	assert_int_equal(stat(w->dir, &st), 0);
	parent = st.st_ino;
	for (;;) {
		uint32_t used, len;

		/* Room for one entry and part of the next. */
		assert_int_equal(CALL(g, fd_readdir, RW, DATA, 40, cookie, RET),
				 0);
		used = guest_u32(g, RET);
		assert_true(used <= 40);
		if (used < BW_DIRENT_BYTES)
			break;
		len = guest_u32(g, DATA + 16);
		cookie = guest_u64(g, DATA);
		/* Nothing of what lies above. */
		assert_true(guest_u64(g, DATA + 8) != parent);
		assert_true(len < 16);
		seen++;
	}
	assert_int_equal(seen, 40 + 4); /* file, d, dot, dots */
	assert_int_equal(CALL(g, fd_readdir, RW, DATA, 100, UINT64_MAX, RET),
			 BW_EINVAL);
	assert_int_equal(CALL(g, fd_readdir, RW, GUEST_BYTES - 10, 11, 0, RET),
			 BW_EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fs_readonly__nothing_changes),
		T(test_fs_readonly__directory_inside__the_same),
		T(test_fs_storage__counted_and_refused),
		T(test_fs_descriptors__counted_and_refused),
		T(test_fs_mode__from_the_configuration),
		T(test_fs_readdir__cut_anywhere__goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
