/* SPDX-License-Identifier: MIT */
/*
 * wasirun [OPTION...] FILE.wasm [ARG...]: one WASI program in our engine.
 *
 *	-d HOST:GUEST  preopen a directory, writable; -r: only for reading
 *	-e NAME=VALUE  environment
 *	-f FUEL        default: no limit
 *	-o BYTES       of output; default: no limit
 *	-s             what was used, on standard error, at the end
 *	-S             under seccomp: BW_WASI_SYSCALLS, or be killed
 *
 * Exit status: the program's own; 134 for a trap, 126 when it cannot begin.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wasm/run.h"

#define MOST 16

static struct bw_wasi_preopen preopens[MOST];
static const char *env[MOST + 1];
static size_t npreopens, nenv;

static void usage(void)
{
	fprintf(stderr, "usage: wasirun [-sS] [-d HOST:GUEST] [-r HOST:GUEST] "
			"[-e NAME=VALUE] [-f FUEL] [-o BYTES] FILE [ARG...]\n");
	exit(2);
}

static void preopen(char *arg, bool writable)
{
	char *colon = strrchr(arg, ':');

	if (colon == NULL || npreopens == MOST)
		usage();
	*colon = '\0';
	preopens[npreopens] = (struct bw_wasi_preopen){
		.guest = colon + 1,
		.fd = open(arg, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.writable = writable,
	};
	if (preopens[npreopens++].fd < 0) {
		perror(arg);
		exit(126);
	}
}

static void *slurp(const char *path, size_t *ret_len)
{
	FILE *in = fopen(path, "rb");
	char *bytes = NULL;
	long size = -1;

	if (in != NULL && fseek(in, 0, SEEK_END) == 0)
		size = ftell(in);
	if (size >= 0)
		bytes = malloc((size_t)size + 1);
	if (bytes == NULL) {
		perror(path);
		exit(126);
	}
	rewind(in);
	*ret_len = fread(bytes, 1, (size_t)size, in);
	fclose(in);
	return bytes;
}

/* What the list of wasi.h and a last word need, and nothing more. */
static void confine(void)
{
#define ALLOW(nr)                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),                         \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
#define ALLOW_NAME(name) ALLOW(SYS_##name)
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BW_WASI_SYSCALLS(ALLOW_NAME) ALLOW(SYS_write)
			ALLOW(SYS_exit_group) BPF_STMT(
				BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { BV_LEN(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("seccomp");
		exit(126);
	}
}

static int run(const struct bw_run_config *config, const char *name, bool stats)
{
	struct bw_run_result r;
	struct bv_err err = { 0 };

	if (bw_run(config, &r, &err) != BV_OK) {
		fprintf(stderr, "%s: %s\n", name, err.msg);
		return 126;
	}
	if (r.outcome == BW_TRAPPED)
		fprintf(stderr, "%s: %s\n", name, r.text);
	if (stats)
		fprintf(stderr,
			"fuel %llu pages %u fds %u output %llu storage %llu\n",
			(unsigned long long)r.fuel_used, r.peak_pages,
			r.counts.peak_fds,
			(unsigned long long)r.counts.output_bytes,
			(unsigned long long)r.counts.storage_bytes);
	return r.outcome == BW_TRAPPED ? 134 : (int)(r.status & 0xff);
}

int main(int argc, char **argv)
{
	struct bw_wasi_config wasi = {
		.stream = { { 0, BW_STREAM_READ },
			    { 1, BW_STREAM_WRITE },
			    { 2, BW_STREAM_WRITE } },
		.allow_link = true,
		.allow_symlink = true,
		.output_bytes = BW_WASI_UNLIMITED,
		.storage_bytes = BW_WASI_UNLIMITED,
		.preopens = preopens,
		.envp = env,
	};
	struct bw_run_config config = { .fuel = BW_FUEL_UNLIMITED,
					.wasi = &wasi };
	bool stats = false, confined = false;
	void *bytes;
	int c;

	while ((c = getopt(argc, argv, "+d:r:e:f:o:sS")) != -1) {
		if (c == 'd' || c == 'r')
			preopen(optarg, c == 'd');
		else if (c == 'e' && nenv < MOST)
			env[nenv++] = optarg;
		else if (c == 'f')
			config.fuel = strtoull(optarg, NULL, 10);
		else if (c == 'o')
			wasi.output_bytes = strtoull(optarg, NULL, 10);
		else if (c == 's')
			stats = true;
		else if (c == 'S')
			confined = true;
		else
			usage();
	}
	if (optind >= argc)
		usage();
	wasi.npreopens = npreopens;
	wasi.argv = (const char *const *)argv + optind;
	config.bytes = bytes = slurp(argv[optind], &config.len);
	if (confined)
		confine();
	c = run(&config, argv[optind], stats);
	free(bytes);
	return c;
}
