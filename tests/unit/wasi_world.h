/* SPDX-License-Identifier: MIT */
/*
 * A guest over a directory tree of this shape:
 *
 *	W/rw, W/ro   preopened as /rw (3) and /ro (4)
 *	W/out        not preopened; out/secret holds "secret"
 *
 * and what it does there, each in one call.
 */
#ifndef TESTS_WASI_WORLD_H
#define TESTS_WASI_WORLD_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/wasi_guest.h"

enum {
	RW = 3,
	RO = 4
};
enum {
	VEC = 64,
	RET = 128,
	PATH = 1024,
	PATH2 = 4096,
	DATA = 16384
};

#define READS  (BW_R_FD_READ | BW_R_FD_SEEK | BW_R_FD_FILESTAT_GET)
#define WRITES (READS | BW_R_FD_WRITE)
#define ALL    (BW_R_FILE | BW_R_DIR)

struct world {
	char dir[64];
	struct guest g;
	struct bw_wasi_config config;
	struct bw_wasi_preopen preopens[2];
};

/* --- the tree ------------------------------------------------------------- */

static inline void put_file(const struct world *w, const char *name,
			    const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline bool holds(const struct world *w, const char *name,
			 const char *text)
{
	char path[256], got[256] = { 0 };
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	close(fd);
	return strcmp(got, text) == 0;
}

static inline const char *in(const struct world *w, const char *name)
{
	static char path[4][256];
	static unsigned n;

	snprintf(path[++n % 4], sizeof(path[0]), "%s/%s", w->dir, name);
	return path[n % 4];
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/wasi_fs.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(mkdir(in(w, "rw"), 0755), 0);
	assert_int_equal(mkdir(in(w, "rw/d"), 0755), 0);
	assert_int_equal(mkdir(in(w, "ro"), 0755), 0);
	assert_int_equal(mkdir(in(w, "ro/d"), 0755), 0);
	assert_int_equal(mkdir(in(w, "out"), 0755), 0);
	put_file(w, "out/secret", "secret");
	put_file(w, "rw/file", "data");
	put_file(w, "ro/file", "fixed");
	w->preopens[0] = (struct bw_wasi_preopen){
		"/rw", open(in(w, "rw"), O_PATH | O_CLOEXEC), true
	};
	w->preopens[1] = (struct bw_wasi_preopen){
		"/ro", open(in(w, "ro"), O_PATH | O_CLOEXEC), false
	};
	w->config = (struct bw_wasi_config){
		.stream = { { -1, 0 }, { -1, 0 }, { -1, 0 } },
		.preopens = w->preopens,
		.npreopens = 2,
		.allow_link = true,
		.allow_symlink = true,
		.storage_bytes = 1 << 20,
	};
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	guest_close(&w->g);
	close(w->preopens[0].fd);
	close(w->preopens[1].fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static inline struct guest *start(struct world *w)
{
	struct bv_err err = { 0 };

	if (guest_open(&w->g, &w->config, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return &w->g;
}

/* --- what the guest does -------------------------------------------------- */

static inline uint32_t text(struct guest *g, uint32_t at, const char *s)
{
	memcpy(guest_at(g, at), s, strlen(s));
	return (uint32_t)strlen(s);
}

/* The error; the descriptor is at RET. */
static inline int open_as(struct guest *g, uint32_t dir, const char *path,
			  uint32_t oflags, uint64_t rights)
{
	return CALL(g, path_open, dir, BW_LOOKUP_FOLLOW, PATH,
		    text(g, PATH, path), oflags, rights, ALL, 0, RET);
}

static inline uint32_t opened(struct guest *g, uint32_t dir, const char *path,
			      uint32_t oflags, uint64_t rights)
{
	assert_int_equal(open_as(g, dir, path, oflags, rights), 0);
	return guest_u32(g, RET);
}

static inline int write_to(struct guest *g, uint32_t fd, const char *s)
{
	const uint32_t v[2] = { DATA, text(g, DATA, s) };

	memcpy(guest_at(g, VEC), v, sizeof(v));
	return CALL(g, fd_write, fd, VEC, 1, RET);
}

static inline int read_from(struct guest *g, uint32_t fd, uint32_t n)
{
	const uint32_t v[2] = { DATA, n };

	memset(guest_at(g, DATA), 0, n);
	memcpy(guest_at(g, VEC), v, sizeof(v));
	return CALL(g, fd_read, fd, VEC, 1, RET);
}

static inline int rename_as(struct guest *g, uint32_t from_dir,
			    const char *from, uint32_t to_dir, const char *to)
{
	return CALL(g, path_rename, from_dir, PATH, text(g, PATH, from), to_dir,
		    PATH2, text(g, PATH2, to));
}

static inline int link_as(struct guest *g, uint32_t from_dir, const char *from,
			  uint32_t to_dir, const char *to)
{
	return CALL(g, path_link, from_dir, 0, PATH, text(g, PATH, from),
		    to_dir, PATH2, text(g, PATH2, to));
}

static inline int symlink_as(struct guest *g, const char *target, uint32_t dir,
			     const char *name)
{
	return CALL(g, path_symlink, PATH, text(g, PATH, target), dir, PATH2,
		    text(g, PATH2, name));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
