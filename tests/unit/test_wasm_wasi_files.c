/* SPDX-License-Identifier: MIT */
/* WASI: what a guest may do to files does what it says; the disk is the
 * witness. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/wasi_world.h"

#define NS 1000000000ULL

static int seek(struct guest *g, uint32_t fd, int64_t offset, uint32_t whence)
{
	return CALL(g, fd_seek, fd, (uint64_t)offset, whence, RET);
}

static void test_files_preopens__named(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);

	assert_int_equal(CALL(g, fd_prestat_get, RO, RET), 0);
	assert_int_equal(guest_u32(g, RET), 0);
	assert_int_equal(guest_u32(g, RET + 4), 3);
	assert_int_equal(CALL(g, fd_prestat_dir_name, RO, DATA, 3), 0);
	assert_memory_equal(guest_at(g, DATA), "/ro", 3);
	assert_int_equal(CALL(g, fd_prestat_dir_name, RO, DATA, 2),
			 BW_ENAMETOOLONG);
	assert_int_equal(CALL(g, fd_prestat_dir_name, RO, GUEST_BYTES - 2, 3),
			 BW_EFAULT);
	assert_int_equal(CALL(g, fd_prestat_get, RO, GUEST_BYTES - 7),
			 BW_EFAULT);
	assert_int_equal(CALL(g, fd_prestat_get, RO + 1, RET), BW_EBADF);
	/* What is opened is no preopen. */
	assert_int_equal(CALL(g, fd_prestat_get,
			      opened(g, RW, "d", BW_O_DIRECTORY, BW_R_DIR),
			      RET),
			 BW_EBADF);
}

static void test_files_data__where_it_is_put(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	const uint32_t v[4] = { DATA, 2, DATA + 2, 3 };
	uint32_t fd = opened(g, RW, "new", BW_O_CREAT, BW_R_FILE);

	assert_int_equal(write_to(g, fd, "0123456789"), 0);
	assert_int_equal(CALL(g, fd_tell, fd, RET), 0);
	assert_int_equal(guest_u64(g, RET), 10);
	assert_int_equal(seek(g, fd, -3, 2), 0);
	assert_int_equal(guest_u64(g, RET), 7);
	assert_int_equal(seek(g, fd, -100, 1), BW_EINVAL);
	assert_int_equal(seek(g, fd, 0, 3), BW_EINVAL);
	memcpy(guest_at(g, VEC), v, sizeof(v));
	memcpy(guest_at(g, DATA), "abcde", 5);
	assert_int_equal(CALL(g, fd_pwrite, fd, VEC, 2, 1, RET), 0);
	assert_int_equal(guest_u32(g, RET), 5);
	assert_int_equal(CALL(g, fd_pwrite, fd, VEC, 2, UINT64_MAX, RET),
			 BW_EINVAL);
	assert_int_equal(CALL(g, fd_pread, fd, VEC, 2, 8, RET), 0);
	assert_int_equal(guest_u32(g, RET), 2);
	assert_memory_equal(guest_at(g, DATA), "89cde", 5);
	assert_int_equal(CALL(g, fd_pread, fd, VEC, 2, UINT64_MAX, RET),
			 BW_EINVAL);
	/* Neither moved the position. */
	assert_int_equal(write_to(g, fd, "Z"), 0);
	assert_int_equal(CALL(g, fd_sync, fd), 0);
	assert_int_equal(CALL(g, fd_datasync, fd), 0);
	assert_int_equal(CALL(g, fd_advise, fd, 0, 10, 3), 0);
	assert_int_equal(CALL(g, fd_advise, fd, 0, 10, 6), BW_EINVAL);
	assert_int_equal(CALL(g, fd_advise, RW, 0, 10, 3), BW_EBADF);
	assert_true(holds(w, "rw/new", "0abcde6Z89"));
	assert_int_equal(CALL(g, fd_filestat_set_size, fd, 4), 0);
	assert_true(holds(w, "rw/new", "0abc"));
}

static void test_files_flags__append_and_sync(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	uint32_t fd;

	assert_int_equal(CALL(g, path_open, RW, 0, PATH, text(g, PATH, "file"),
			      0, BW_R_FILE, 0, BW_FDF_APPEND, RET),
			 0);
	fd = guest_u32(g, RET);
	assert_int_equal(CALL(g, fd_fdstat_get, fd, RET), 0);
	assert_int_equal(*guest_at(g, RET), BW_FT_REG);
	assert_int_equal(*guest_at(g, RET + 2), BW_FDF_APPEND);
	assert_int_equal(guest_u64(g, RET + 8), BW_R_FILE);
	assert_int_equal(guest_u64(g, RET + 16), 0);
	assert_int_equal(seek(g, fd, 0, 0), 0);
	assert_int_equal(write_to(g, fd, "+1"), 0);
	assert_true(holds(w, "rw/file", "data+1"));
	assert_int_equal(CALL(g, fd_fdstat_set_flags, fd, 0), 0);
	assert_int_equal(seek(g, fd, 0, 0), 0);
	assert_int_equal(write_to(g, fd, "D"), 0);
	assert_true(holds(w, "rw/file", "Data+1"));
	assert_int_equal(CALL(g, fd_fdstat_set_flags, fd,
			      BW_FDF_APPEND | BW_FDF_NONBLOCK),
			 0);
	assert_int_equal(write_to(g, fd, "!"), 0);
	assert_true(holds(w, "rw/file", "Data+1!"));
	assert_int_equal(CALL(g, fd_fdstat_set_flags, fd, BW_FDF_SYNC),
			 BW_ENOTSUP);
	/* Where writing is synchronous, the right to it must be there. */
	assert_int_equal(CALL(g, path_open, RO, 0, PATH, text(g, PATH, "file"),
			      0, READS, 0, BW_FDF_SYNC, RET),
			 BW_ENOTCAPABLE);
	assert_int_equal(CALL(g, path_open, RO, 0, PATH, text(g, PATH, "file"),
			      0, READS, 0, BW_FDF_DSYNC, RET),
			 BW_ENOTCAPABLE);
}

static void test_files_open__flags_and_types(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);

	assert_int_equal(open_as(g, RW, "file", BW_O_CREAT | BW_O_EXCL, READS),
			 BW_EEXIST);
	assert_int_equal(open_as(g, RW, "file", BW_O_DIRECTORY, READS),
			 BW_ENOTDIR);
	assert_int_equal(open_as(g, RW, "file/", 0, READS), BW_ENOTDIR);
	assert_int_equal(open_as(g, RW, "d", 0, WRITES), BW_EISDIR);
	assert_int_equal(open_as(g, RW, "d", BW_O_CREAT | BW_O_DIRECTORY, 0),
			 BW_EINVAL);
	assert_int_equal(open_as(g, RW, "d", 16, 0), BW_EINVAL);
	assert_int_equal(open_as(g, RW, "none", 0, READS), BW_ENOENT);
	assert_int_equal(symlink("file", in(w, "rw/soft")), 0);
	assert_int_equal(open_as(g, RW, "soft", 0, READS), 0);
	assert_int_equal(CALL(g, path_open, RW, 0, PATH, text(g, PATH, "soft"),
			      0, READS, 0, 0, RET),
			 BW_ELOOP);
	assert_int_equal(open_as(g, RW, "file", BW_O_TRUNC, 0), 0);
	assert_true(holds(w, "rw/file", ""));
}

static void test_files_attributes__read_and_set(void **state)
{
	struct world *w = *state;
	struct guest *g;
	struct stat st;
	uint32_t fd, n;

	w->config.clock = BW_CLOCK_COARSE;
	w->config.clock_step_ns = NS;
	g = start(w);
	fd = opened(g, RW, "file", 0, BW_R_FILE);
	assert_int_equal(CALL(g, fd_filestat_set_times, fd, 5 * NS + 7,
			      9 * NS + 8, BW_FST_ATIM | BW_FST_MTIM),
			 0);
	assert_int_equal(stat(in(w, "rw/file"), &st), 0);
	assert_int_equal(st.st_atim.tv_sec, 5);
	assert_int_equal(st.st_mtim.tv_sec, 9);
	assert_int_equal(st.st_mtim.tv_nsec, 8);
	assert_int_equal(CALL(g, fd_filestat_get, fd, DATA), 0);
	assert_int_equal(guest_u64(g, DATA + 8), st.st_ino);
	assert_int_equal(*guest_at(g, DATA + 16), BW_FT_REG);
	assert_int_equal(guest_u64(g, DATA + 24), 1);
	assert_int_equal(guest_u64(g, DATA + 32), 4);
	/* No finer than the clock. */
	assert_int_equal(guest_u64(g, DATA + 48), 9 * NS);
	assert_int_equal(CALL(g, fd_filestat_get, fd, GUEST_BYTES - 63),
			 BW_EFAULT);
	assert_int_equal(CALL(g, fd_filestat_set_times, fd, 0, 0,
			      BW_FST_ATIM | BW_FST_ATIM_NOW),
			 BW_EINVAL);
	/* Of a link, not of what it leads to. */
	assert_int_equal(symlink("file", in(w, "rw/soft")), 0);
	n = text(g, PATH, "soft");
	assert_int_equal(CALL(g, path_filestat_set_times, RW, 0, PATH, n, 0,
			      3 * NS, BW_FST_MTIM),
			 0);
	assert_int_equal(lstat(in(w, "rw/soft"), &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 3);
	assert_int_equal(CALL(g, path_filestat_get, RW, 0, PATH, n, DATA), 0);
	assert_int_equal(*guest_at(g, DATA + 16), BW_FT_LINK);
	assert_int_equal(CALL(g, path_filestat_get, RW, 1, PATH, n, DATA), 0);
	assert_int_equal(*guest_at(g, DATA + 16), BW_FT_REG);
	assert_int_equal(CALL(g, path_filestat_get, RW, 2, PATH, n, DATA),
			 BW_EINVAL);
	assert_int_equal(CALL(g, path_filestat_get, fd, 0, PATH, n, DATA),
			 BW_ENOTCAPABLE);
}

/* Standing still, no file shows what time it really is; what is set is set. */
static void test_files_times__fixed_clock__its_own(void **state)
{
	struct world *w = *state;
	struct guest *g;
	struct stat st;
	uint32_t fd, i;

	w->config.clock = BW_CLOCK_FIXED;
	w->config.clock_start_ns = 7 * NS;
	g = start(w);
	fd = opened(g, RW, "new", BW_O_CREAT, BW_R_FILE);
	assert_int_equal(write_to(g, fd, "x"), 0);
	assert_int_equal(CALL(g, fd_filestat_set_times, fd, 5 * NS, 0,
			      BW_FST_ATIM | BW_FST_MTIM_NOW),
			 0);
	assert_int_equal(stat(in(w, "rw/new"), &st), 0);
	assert_int_equal(st.st_atim.tv_sec, 5);
	assert_int_equal(CALL(g, fd_filestat_get, fd, DATA), 0);
	for (i = 40; i <= 56; i += 8)
		assert_int_equal(guest_u64(g, DATA + i), 7 * NS);
	assert_int_equal(CALL(g, path_filestat_get, RW, 1, PATH,
			      text(g, PATH, "file"), DATA),
			 0);
	for (i = 40; i <= 56; i += 8)
		assert_int_equal(guest_u64(g, DATA + i), 7 * NS);
}

static void test_files_names__made_moved_removed(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	struct stat st;

	assert_int_equal(CALL(g, path_create_directory, RW, PATH,
			      text(g, PATH, "d/sub/")),
			 0);
	assert_int_equal(rename_as(g, RW, "file", RW, "d/sub/moved"), 0);
	assert_true(holds(w, "rw/d/sub/moved", "data"));
	assert_int_equal(rename_as(g, RW, "d/sub/moved", RW, "file/"),
			 BW_ENOTDIR);
	assert_int_equal(link_as(g, RW, "d/sub/moved", RW, "file"), 0);
	assert_int_equal(stat(in(w, "rw/file"), &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(link_as(g, RW, "d", RW, "e"), BW_EPERM);
	assert_int_equal(symlink_as(g, "sub/moved", RW, "d/soft"), 0);
	assert_int_equal(CALL(g, path_readlink, RW, PATH,
			      text(g, PATH, "d/soft"), DATA, 5, RET),
			 0);
	assert_int_equal(guest_u32(g, RET), 5);
	assert_memory_equal(guest_at(g, DATA), "sub/m", 5);
	assert_int_equal(CALL(g, path_readlink, RW, PATH, text(g, PATH, "file"),
			      DATA, 5, RET),
			 BW_EINVAL);
	assert_int_equal(open_as(g, RW, "d/soft", 0, READS), 0);
	assert_int_equal(read_from(g, guest_u32(g, RET), 16), 0);
	assert_string_equal((char *)guest_at(g, DATA), "data");
	assert_int_equal(CALL(g, path_remove_directory, RW, PATH,
			      text(g, PATH, "d/sub")),
			 BW_ENOTEMPTY);
	assert_int_equal(
		CALL(g, path_unlink_file, RW, PATH, text(g, PATH, "d/sub")),
		BW_EISDIR);
	assert_int_equal(CALL(g, path_unlink_file, RW, PATH,
			      text(g, PATH, "d/sub/moved")),
			 0);
	assert_int_equal(CALL(g, path_remove_directory, RW, PATH,
			      text(g, PATH, "d/sub")),
			 0);
	assert_int_equal(access(in(w, "rw/d/sub"), F_OK), -1);
	assert_true(holds(w, "rw/file", "data"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_files_preopens__named),
		T(test_files_data__where_it_is_put),
		T(test_files_flags__append_and_sync),
		T(test_files_open__flags_and_types),
		T(test_files_attributes__read_and_set),
		T(test_files_times__fixed_clock__its_own),
		T(test_files_names__made_moved_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
