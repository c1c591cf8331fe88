/* SPDX-License-Identifier: MIT */
/* WASI: ways out of a preopened directory, and what is no file. Each is tried;
 * what lies outside is looked at afterwards. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "tests/unit/wasi_world.h"

/* Everything that takes one path: each must give the same error. */
static void all_refuse(struct guest *g, uint32_t dir, const char *path,
		       int error)
{
	uint32_t n = text(g, PATH, path);

	assert_int_equal(open_as(g, dir, path, 0, READS), error);
	assert_int_equal(open_as(g, dir, path, BW_O_CREAT, WRITES), error);
	assert_int_equal(CALL(g, path_filestat_get, dir, 1, PATH, n, DATA),
			 error);
	assert_int_equal(CALL(g, path_filestat_set_times, dir, 1, PATH, n, 0, 0,
			      BW_FST_MTIM),
			 error);
	assert_int_equal(CALL(g, path_create_directory, dir, PATH, n), error);
	assert_int_equal(CALL(g, path_unlink_file, dir, PATH, n), error);
	assert_int_equal(CALL(g, path_remove_directory, dir, PATH, n), error);
	assert_int_equal(CALL(g, path_readlink, dir, PATH, n, DATA, 100, RET),
			 error);
	assert_int_equal(rename_as(g, dir, path, dir, "z"), error);
	assert_int_equal(rename_as(g, dir, "file", dir, path), error);
	assert_int_equal(link_as(g, dir, path, dir, "z"), error);
	assert_int_equal(link_as(g, dir, "file", dir, path), error);
	assert_int_equal(symlink_as(g, "x", dir, path), error);
}

/* --- ways out ------------------------------------------------------------- */

static void outside_whole(const struct world *w)
{
	struct stat st;

	assert_true(holds(w, "out/secret", "secret"));
	assert_int_equal(stat(in(w, "out"), &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(unlink(in(w, "out/secret")), 0);
	assert_int_equal(rmdir(in(w, "out")), 0); /* nothing else is there */
}

static void test_fs_path__upward_or_absolute__not_capable(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);
	char absolute[128];

	snprintf(absolute, sizeof(absolute), "%s/out/secret", w->dir);
	all_refuse(g, RW, "../out/secret", BW_ENOTCAPABLE);
	all_refuse(g, RW, "../out/new", BW_ENOTCAPABLE);
	all_refuse(g, RW, "d/../../out/secret", BW_ENOTCAPABLE);
	all_refuse(g, RW, "d//..//..//out/secret", BW_ENOTCAPABLE);
	all_refuse(g, RW, absolute, BW_ENOTCAPABLE);
	all_refuse(g, RW, "..", BW_ENOTCAPABLE);
	all_refuse(g, RW, "../", BW_ENOTCAPABLE);
	all_refuse(g, RW, "/", BW_ENOTCAPABLE);
	all_refuse(g, RW, "../ro/file", BW_ENOTCAPABLE);
	/* Beneath a directory opened inside, upward is a way out as well. */
	(void)opened(g, RW, "d", BW_O_DIRECTORY, BW_R_DIR);
	all_refuse(g, guest_u32(g, RET), "..", BW_ENOTCAPABLE);
	outside_whole(w);
}

static void test_fs_path__malformed__refused(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);

	memset(guest_at(g, PATH), 'a', 5000);
	assert_int_equal(
		CALL(g, path_open, RW, 0, PATH, 4096, 0, READS, 0, 0, RET),
		BW_ENAMETOOLONG);
	assert_int_equal(
		CALL(g, path_open, RW, 0, PATH, 0, 0, READS, 0, 0, RET),
		BW_ENOENT);
	memcpy(guest_at(g, PATH), "file\0x", 6);
	assert_int_equal(
		CALL(g, path_open, RW, 0, PATH, 6, 0, READS, 0, 0, RET),
		BW_EINVAL);
	assert_int_equal(CALL(g, path_unlink_file, RW, GUEST_BYTES - 3, 4),
			 BW_EFAULT);
	assert_int_equal(CALL(g, path_unlink_file, RW, 0xfffffffc, 8),
			 BW_EFAULT);
	/* The place of the result is bad: nothing is opened or made. */
	text(g, PATH, "made");
	assert_int_equal(CALL(g, path_open, RW, 0, PATH, 4, BW_O_CREAT, WRITES,
			      0, 0, GUEST_BYTES - 3),
			 BW_EFAULT);
	assert_int_equal(access(in(w, "rw/made"), F_OK), -1);
	/* A descriptor that is no directory. */
	(void)opened(g, RW, "file", 0, READS);
	assert_int_equal(open_as(g, guest_u32(g, RET), "x", 0, READS),
			 BW_ENOTDIR);
}

static void test_fs_symlink__leading_out__not_followed(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);

	assert_int_equal(symlink("../out", in(w, "rw/up")), 0);
	assert_int_equal(symlink(in(w, "out"), in(w, "rw/abs")), 0);
	assert_int_equal(symlink("../out/secret", in(w, "rw/leaf")), 0);
	assert_int_equal(symlink("../out/fresh", in(w, "rw/dangling")), 0);
	all_refuse(g, RW, "up/secret", BW_ENOTCAPABLE);
	all_refuse(g, RW, "abs/secret", BW_ENOTCAPABLE);
	all_refuse(g, RW, "up/new", BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "leaf", 0, READS), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "leaf", BW_O_TRUNC, 0), BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "dangling", BW_O_CREAT, WRITES),
			 BW_ENOTCAPABLE);
	/* Made by the guest itself: of no use to it, or refused. */
	assert_int_equal(symlink_as(g, "../out", RW, "own"), 0);
	assert_int_equal(open_as(g, RW, "own/secret", 0, READS),
			 BW_ENOTCAPABLE);
	assert_int_equal(symlink_as(g, "/etc", RW, "own2"), BW_ENOTCAPABLE);
	/* What a link is linked to is the link, with and without a slash. */
	assert_int_equal(link_as(g, RW, "up/", RW, "hard"), BW_ENOTDIR);
	assert_int_equal(link_as(g, RW, "leaf", RW, "hard"), 0);
	assert_int_equal(open_as(g, RW, "hard", 0, READS), BW_ENOTCAPABLE);
	outside_whole(w);
}

static int readlink_as(struct guest *g, const char *path)
{
	return CALL(g, path_readlink, RW, PATH, text(g, PATH, path), DATA, 100,
		    RET);
}

static int stat_as(struct guest *g, uint32_t follow, const char *path)
{
	return CALL(g, path_filestat_get, RW, follow, PATH, text(g, PATH, path),
		    DATA);
}

static int touch_as(struct guest *g, uint32_t follow, const char *path)
{
	return CALL(g, path_filestat_set_times, RW, follow, PATH,
		    text(g, PATH, path), 0, 0, BW_FST_MTIM);
}

/* name/ where name is a link that leads out. The system calls that are given
 * the slash must not follow the link; the others are told that it leads out. */
static void slash_refused(struct guest *g, const char *name, const char *tail)
{
	char path[64];
	uint32_t n;
	int e = BW_ENOTCAPABLE;

	snprintf(path, sizeof(path), "%s%s", name, tail);
	n = text(g, PATH, path);
	assert_int_equal(open_as(g, RW, path, 0, READS), e);
	assert_int_equal(open_as(g, RW, path, BW_O_DIRECTORY, BW_R_DIR), e);
	assert_int_equal(
		CALL(g, path_open, RW, 0, PATH, n, 0, READS, 0, 0, RET), e);
	assert_int_equal(stat_as(g, 0, path), e);
	assert_int_equal(stat_as(g, BW_LOOKUP_FOLLOW, path), e);
	assert_int_equal(touch_as(g, 0, path), e);
	assert_int_equal(touch_as(g, BW_LOOKUP_FOLLOW, path), e);
	if (strchr(tail, '.') == NULL)
		e = BW_ENOTDIR;
	assert_int_equal(readlink_as(g, path), e);
	n = text(g, PATH, path);
	assert_int_equal(CALL(g, path_unlink_file, RW, PATH, n), e);
	assert_int_equal(CALL(g, path_remove_directory, RW, PATH, n), e);
	assert_int_equal(rename_as(g, RW, path, RW, "z"), e);
	assert_int_equal(rename_as(g, RW, "file", RW, path), e);
	assert_int_equal(rename_as(g, RW, "d", RW, path), e);
	assert_int_equal(link_as(g, RW, path, RW, "z"), e);
	if (e == BW_ENOTDIR)
		e = BW_EEXIST;
	n = text(g, PATH, path);
	assert_int_equal(CALL(g, path_create_directory, RW, PATH, n), e);
	assert_int_equal(link_as(g, RW, "file", RW, path), e);
	assert_int_equal(symlink_as(g, "x", RW, path), e);
}

/* To a file, to a directory, to nothing: the guest cannot tell them apart. */
static void test_fs_symlink__slash_behind__tells_nothing(void **state)
{
	static const char *const to[] = { "out/secret", "out", "out/none" };
	static const char *const tails[] = { "/", "//", "/.", "/./", "//.//" };
	struct world *w = *state;
	struct guest *g = start(w);
	char name[16], target[300];
	size_t i, k;

	for (i = 0; i < BV_LEN(to); i++) {
		snprintf(name, sizeof(name), "rw/abs%zu", i);
		assert_int_equal(symlink(in(w, to[i]), in(w, name)), 0);
		snprintf(target, sizeof(target), "../%s", to[i]);
		snprintf(name, sizeof(name), "rw/up%zu", i);
		assert_int_equal(symlink(target, in(w, name)), 0);
		/* By way of a link beneath. */
		snprintf(target, sizeof(target), "up%zu", i);
		snprintf(name, sizeof(name), "rw/way%zu", i);
		assert_int_equal(symlink(target, in(w, name)), 0);
		for (k = 0; k < BV_LEN(tails); k++) {
			snprintf(name, sizeof(name), "abs%zu", i);
			slash_refused(g, name, tails[k]);
			slash_refused(g, target, tails[k]);
			snprintf(name, sizeof(name), "way%zu", i);
			slash_refused(g, name, tails[k]);
		}
	}
	outside_whole(w);
}

/* Nor is a link beneath followed; what is no link says so. */
static void test_fs_readlink__slash_behind__by_the_name_alone(void **state)
{
	struct world *w = *state;
	struct guest *g = start(w);

	assert_int_equal(symlink("d", in(w, "rw/soft")), 0);
	assert_int_equal(readlink_as(g, "soft"), 0);
	assert_int_equal(guest_u32(g, RET), 1);
	assert_int_equal(readlink_as(g, "soft/"), BW_ENOTDIR);
	assert_int_equal(readlink_as(g, "file/"), BW_ENOTDIR);
	assert_int_equal(readlink_as(g, "d/"), BW_EINVAL);
	assert_int_equal(readlink_as(g, "d//"), BW_EINVAL);
	assert_int_equal(readlink_as(g, "none/"), BW_ENOENT);
}

static void test_fs_links__not_allowed__refused(void **state)
{
	struct world *w = *state;
	struct guest *g;

	w->config.allow_link = false;
	w->config.allow_symlink = false;
	g = start(w);
	assert_int_equal(link_as(g, RW, "file", RW, "hard"), BW_ENOTSUP);
	assert_int_equal(symlink_as(g, "file", RW, "soft"), BW_ENOTSUP);
	assert_int_equal(access(in(w, "rw/hard"), F_OK), -1);
	assert_int_equal(access(in(w, "rw/soft"), F_OK), -1);
}

/* --- a swapped symlink ---------------------------------------------------- */

struct swap {
	struct world *w;
	volatile bool stop;
	unsigned swaps;
};

/* rw/x is by turns a directory and a link to what lies outside. */
static void *swapper(void *arg)
{
	struct swap *s = arg;
	char x[256], y[256];

	strcpy(x, in(s->w, "rw/x"));
	strcpy(y, in(s->w, "rw/y"));
	while (!s->stop)
		if (renameat2(AT_FDCWD, x, AT_FDCWD, y, RENAME_EXCHANGE) == 0)
			s->swaps++;
	return NULL;
}

static void race_once(struct guest *g)
{
	if (open_as(g, RW, "x/secret", 0, READS) == 0) {
		uint32_t fd = guest_u32(g, RET);

		assert_int_equal(read_from(g, fd, 16), 0);
		assert_string_equal((char *)guest_at(g, DATA), "decoy");
		CALL(g, fd_close, fd);
	}
	if (open_as(g, RW, "x/made", BW_O_CREAT, WRITES) == 0)
		CALL(g, fd_close, guest_u32(g, RET));
	CALL(g, path_unlink_file, RW, PATH, text(g, PATH, "x/made"));
	CALL(g, path_create_directory, RW, PATH, text(g, PATH, "x/new"));
	CALL(g, path_remove_directory, RW, PATH, text(g, PATH, "x/new"));
	link_as(g, RW, "file", RW, "x/hard");
	CALL(g, path_unlink_file, RW, PATH, text(g, PATH, "x/hard"));
	rename_as(g, RW, "x/secret", RW, "x/moved");
	rename_as(g, RW, "x/moved", RW, "x/secret");
}

static void test_fs_race__symlink_swapped__never_out(void **state)
{
	struct world *w = *state;
	struct swap s = { .w = w };
	struct guest *g;
	pthread_t thread;
	int i;

	w->config.storage_bytes = BW_WASI_UNLIMITED;
	g = start(w);
	assert_int_equal(mkdir(in(w, "rw/x"), 0755), 0);
	put_file(w, "rw/x/secret", "decoy");
	assert_int_equal(symlink("../out", in(w, "rw/y")), 0);
	assert_int_equal(pthread_create(&thread, NULL, swapper, &s), 0);
	for (i = 0; i < 2000 || (s.swaps < 100 && i < 100000); i++)
		race_once(g);
	s.stop = true;
	pthread_join(thread, NULL);
	assert_true(s.swaps >= 100);
	outside_whole(w);
}

/* --- what is no file ------------------------------------------------------ */

static void test_fs_special__fifo_socket_device__not_opened(void **state)
{
	struct world *w = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), null;
	struct guest *g = start(w);

	strcpy(a.sun_path, in(w, "rw/sock"));
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(mkfifo(in(w, "rw/fifo"), 0666), 0);
	/* Opening a fifo would wait for ever; a device could do anything. */
	assert_int_equal(open_as(g, RW, "fifo", 0, READS), BW_ENOTSUP);
	assert_int_equal(open_as(g, RW, "fifo", 0, WRITES), BW_ENOTSUP);
	assert_int_equal(open_as(g, RW, "fifo", BW_O_CREAT, WRITES),
			 BW_ENOTSUP);
	assert_int_equal(open_as(g, RW, "sock", 0, READS), BW_ENOTSUP);
	assert_int_equal(link_as(g, RW, "fifo", RW, "fifo2"), BW_ENOTSUP);
	null = mknod(in(w, "rw/null"), S_IFCHR | 0666, 0x103);
	if (null == 0)
		assert_int_equal(open_as(g, RW, "null", 0, READS), BW_ENOTSUP);
	/* Seen for what they are. */
	assert_int_equal(CALL(g, path_filestat_get, RW, 0, PATH,
			      text(g, PATH, "sock"), DATA),
			 0);
	assert_int_equal(*guest_at(g, DATA + 16), BW_FT_SOCK);
	close(s);
}

static void test_fs_device__preopened_dev__not_opened(void **state)
{
	struct world *w = *state;
	struct guest *g;

	close(w->preopens[0].fd);
	w->preopens[0].fd = open("/dev", O_PATH | O_CLOEXEC);
	g = start(w);
	assert_int_equal(open_as(g, RW, "null", 0, READS), BW_ENOTSUP);
	assert_int_equal(open_as(g, RW, "zero", 0, WRITES), BW_ENOTSUP);
	assert_int_equal(open_as(g, RW, "tty", 0, WRITES), BW_ENOTSUP);
}

static void test_fs_proc__not_entered(void **state)
{
	struct world *w = *state;
	struct guest *g;

	close(w->preopens[0].fd);
	w->preopens[0].fd = open("/", O_PATH | O_CLOEXEC);
	g = start(w);
	/* Regular files, writable: the memory of this very process. */
	assert_int_equal(open_as(g, RW, "proc/self/mem", 0, WRITES),
			 BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "proc/self/environ", 0, READS),
			 BW_ENOTCAPABLE);
	assert_int_equal(open_as(g, RW, "proc", BW_O_DIRECTORY, BW_R_DIR),
			 BW_ENOTCAPABLE);
	assert_int_not_equal(open_as(g, RW, "proc/self/fd/0", 0, READS), 0);
	assert_int_not_equal(open_as(g, RW, "proc/self/root/etc", 0, READS), 0);
	assert_int_equal(CALL(g, path_readlink, RW, PATH,
			      text(g, PATH, "proc/self/exe"), DATA, 100, RET),
			 BW_ENOTCAPABLE);
	/* A build's root need not have it. */
	if (access("/sys/kernel/notes", F_OK) == 0)
		assert_int_equal(open_as(g, RW, "sys/kernel/notes", 0, READS),
				 BW_ENOTCAPABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fs_path__upward_or_absolute__not_capable),
		T(test_fs_path__malformed__refused),
		T(test_fs_symlink__leading_out__not_followed),
		T(test_fs_symlink__slash_behind__tells_nothing),
		T(test_fs_readlink__slash_behind__by_the_name_alone),
		T(test_fs_links__not_allowed__refused),
		T(test_fs_race__symlink_swapped__never_out),
		T(test_fs_special__fifo_socket_device__not_opened),
		T(test_fs_device__preopened_dev__not_opened),
		T(test_fs_proc__not_entered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
