/* SPDX-License-Identifier: MIT */
/*
 * WASI calls of a hostile guest over a temporary directory. The input is the
 * guest's memory followed by calls: the number of a function, then eight bytes
 * for each argument, low ones short. Whatever it does: no error but an error
 * number, no byte beside its memory (sanitizers), no descriptor left open, and
 * what lies outside its directories as it was.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/wasi_guest.h"

#define MOST_BYTES 16384u
#define MAX_MEMORY 512u
#define MAX_CALLS  64u

static char top[64];
static int rw = -1, ro = -1;

static int at(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return open(path, flags | O_CLOEXEC, 0644);
}

static void make(const char *name, const char *text)
{
	int fd = at(name, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *where)
{
	(void)st, (void)flag;
	return where->level == 0 ? 0 : remove(path);
}

static void empty(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

static void done(void)
{
	empty(".");
	rmdir(top);
}

static void once(void)
{
	char path[128];

	strcpy(top, "/tmp/fuzz_wasi.XXXXXX");
	if (mkdtemp(top) == NULL)
		abort();
	atexit(done);
	snprintf(path, sizeof(path), "%s/rw", top);
	if (mkdir(path, 0755) < 0)
		abort();
	snprintf(path, sizeof(path), "%s/ro", top);
	if (mkdir(path, 0755) < 0)
		abort();
	make("ro/f", "fixed");
	make("secret", "secret");
	rw = at("rw", O_PATH | O_DIRECTORY);
	ro = at("ro", O_PATH | O_DIRECTORY);
	if (rw < 0 || ro < 0)
		abort();
}

/* rw as every run finds it: a file, a directory, a link that leads out. */
static void fresh(void)
{
	empty("rw");
	if (mkdirat(rw, "d", 0755) < 0 || symlinkat("../secret", rw, "l") < 0)
		abort();
	make("rw/a", "some text");
}

static void intact(const char *name, const char *text)
{
	int fd = at(name, O_RDONLY | O_NOFOLLOW);
	char got[16] = { 0 };

	if (fd < 0 || read(fd, got, sizeof(got) - 1) < 0 ||
	    strcmp(got, text) != 0)
		abort();
	close(fd);
}

/* Exactly rw, ro, secret, and in ro exactly f. */
static unsigned entries(const char *name)
{
	DIR *dir = fdopendir(at(name, O_RDONLY | O_DIRECTORY));
	unsigned n = 0;

	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* The number the next descriptor will have: the same when none was left. */
static int next_fd(void)
{
	int fd = dup(rw);

	close(fd);
	return fd;
}

static const uint8_t *one_call(struct guest *g, const uint8_t *p,
			       const uint8_t *end)
{
	size_t i = *p++ % GUEST_FUNCS, k;
	uint64_t args[9] = { 0 };
	int got;

	for (k = 0; k < guest_params(i); k++) {
		size_t n = guest_funcs[i].sig[k] == 'I' ? 8 : 2;

		if ((size_t)(end - p) < n)
			n = (size_t)(end - p);
		memcpy(&args[k], p, n);
		p += n;
		/* 16 bits reach all of the memory; these are the far ends. */
		if (n == 2 && args[k] >= 0xff00)
			args[k] |= 0xffff0000;
	}
	got = guest_call_v(g, i, args);
	if (got > 76)
		abort();
	return got < 0 ? end : p;
}

static void run(const uint8_t *data, size_t size)
{
	struct bw_wasi_preopen pre[] = { { "/", rw, true },
					 { "/ro", ro, false } };
	struct bw_wasi_config c = {
		.stream = { { -1, 0 }, { -1, 0 }, { -1, 0 } },
		.preopens = pre,
		.npreopens = 2,
		.clock = BW_CLOCK_FIXED,
		.random = BW_RANDOM_SEEDED,
		.allow_link = true,
		.allow_symlink = true,
		.storage_bytes = 1 << 20,
		.max_fds = 16,
	};
	const uint8_t *p = data, *end = data + size;
	size_t n = size < MAX_MEMORY ? size : MAX_MEMORY;
	struct guest g;
	unsigned calls;

	if (guest_open(&g, &c, NULL) != BV_OK)
		abort();
	bw_fuel_set(g.store, 100000000);
	memcpy(guest_at(&g, 0), data, n);
	for (p += n, calls = 0; p < end && calls < MAX_CALLS; calls++)
		p = one_call(&g, p, end);
	guest_close(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before;

	if (size > MOST_BYTES)
		return 0;
	if (rw < 0)
		once();
	fresh();
	before = next_fd();
	run(data, size);
	if (next_fd() != before)
		abort();
	intact("secret", "secret");
	intact("ro/f", "fixed");
	if (entries(".") != 2 + 3 || entries("ro") != 2 + 1)
		abort();
	return 0;
}
