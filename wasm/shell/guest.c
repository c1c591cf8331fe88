/* SPDX-License-Identifier: MIT */
/* A command's module and what it is given; see guest.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/guest.h"

/* --- what it is given ------------------------------------------------------ */

int bws_guest_open(const struct bws_store *store, const struct bws_file *f,
		   int *ret, struct bv_err *err)
{
	uint64_t flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct open_how how = {
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	bv_auto_close int fd = -1;
	struct stat st;

	if (f->write)
		flags |= O_WRONLY | O_CREAT | (f->append ? O_APPEND : 0);
	how.flags = flags;
	how.mode = f->write ? 0644 : 0;
	fd = bvh_sys_openat2(store->mount[f->dir->mount].fd, f->rest, &how);
	if (fd < 0)
		return bv_fail_errno(err, errno, "%s", f->shown);
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s", f->shown);
	if (!S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF, "%s: not a regular file",
			       f->shown);
	*ret = bvh_fd_take(&fd);
	return BV_OK;
}

/* The directory that relative names begin at, when it is one of the
 * command's. */
static int open_cwd(const struct bws_store *store, const struct bws_command *c,
		    bool *ret_writable)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const char *rest = NULL;
	const struct bws_dir *dir =
		bws_entry_dir(store, c->entry, c->cwd, &rest);

	if (dir == NULL)
		return -1;
	*ret_writable = dir->writable;
	return bvh_sys_openat2(store->mount[dir->mount].fd, rest, &how);
}

void bws_guest_prepare(const struct bws_store *store,
		       const struct bws_command *c,
		       const struct bws_guest_way *way, struct bws_guest *g)
{
	const struct bw_grant *grant = &c->entry->grant;
	const unsigned more = way->turns ? BW_STREAM_SUSPEND : 0;
	bool writable = false;
	size_t n = 0;

	*g = (struct bws_guest){
		.wasi = {
			.argv = c->argv,
			.envp = grant->env,
			.stream = { { way->fd[0],
				      (grant->in ? BW_STREAM_READ : 0) | more },
				    { way->fd[1], BW_STREAM_WRITE | more },
				    { way->fd[2], BW_STREAM_WRITE | more } },
			.preopens = g->preopen,
			.clock = (enum bw_clock_policy)grant->clock,
			.clock_start_ns = UINT64_C(946684800) * 1000000000,
			.random = grant->random_fixed ? BW_RANDOM_SEEDED
						      : BW_RANDOM_REAL,
			.allow_link = grant->link,
			.allow_symlink = grant->symlink,
			.output_bytes = c->share.output_bytes,
			.storage_bytes = c->share.storage_bytes,
			.interrupt = way->stop,
			.pipe_ends = true,
		},
		.load = { .module_bytes = grant->module_bytes,
			  .arena_bytes = BWS_LOAD_ARENA_BYTES },
		.store = bw_grant_store_limits(grant),
		.run = { .load = &g->load,
			 .store = &g->store,
			 .fuel = c->share.fuel,
			 .wasi = &g->wasi,
			 .turns = way->turns },
	};
	g->cwd_fd = open_cwd(store, c, &writable);
	/* libc of a guest takes a relative name for one below "/". */
	if (g->cwd_fd >= 0)
		g->preopen[n++] =
			(struct bw_wasi_preopen){ "/", g->cwd_fd, writable };
	for (size_t i = 0; i < c->entry->dirs; i++) {
		const struct bws_mount *m =
			&store->mount[c->entry->dir[i].mount];

		g->preopen[n++] =
			(struct bw_wasi_preopen){ m->path, m->fd,
						  c->entry->dir[i].writable };
	}
	g->wasi.npreopens = n;
	/* What it is given is not among what it may open. */
	g->wasi.max_fds = grant->files + (uint32_t)n;
}

void bws_guest_done(struct bws_guest *g)
{
	bvh_close(&g->cwd_fd);
}

/* Of what is not run after all, the file that it would have written keeps its
 * bytes. */
static int empty_output(const struct bws_guest *g, const struct bws_command *c,
			struct bv_err *err)
{
	if (c->out.dir == NULL || c->out.append ||
	    ftruncate(g->wasi.stream[1].fd, 0) == 0)
		return BV_OK;
	return bv_fail_errno(err, errno, "%s", c->out.shown);
}

int bws_guest_load(struct bws_guest *g, const struct bws_command *c,
		   struct bw_task **ret, struct bv_err *err)
{
	void *bytes = NULL;
	int code = bws_module_read(c->module_fd, c->entry, &bytes, &g->run.len,
				   err);

	g->run.bytes = bytes;
	if (code == BV_OK)
		code = bw_task_new(&g->run, ret, err);
	if (code == BV_OK)
		code = empty_output(g, c, err);
	free(bytes);
	return code;
}

/* --- what is said of it ---------------------------------------------------- */

static void write_report(const struct bws_command *c, enum bws_phase phase,
			 uint32_t status, const char *text)
{
	volatile struct bws_report *r = c->report;

	for (size_t i = 0; i + 1 < sizeof(r->text); i++) {
		r->text[i] = text[i];
		if (text[i] == '\0')
			break;
	}
	r->status = status;
	r->phase = phase;
}

void bws_guest_decline(const struct bws_command *c, const struct bv_err *err)
{
	write_report(c, BWS_DECLINED, BWS_REFUSED, err->msg);
}

uint32_t bws_guest_tell(const struct bws_command *c, const struct bw_task *task,
			bool cpu_spent)
{
	static struct bw_run_result r;
	enum bws_phase phase = BWS_ENDED;
	const char *text = r.text;
	uint32_t status;

	bw_task_result(task, &r);
	status = r.status & 0xff;
	c->report->fuel = r.fuel_used;
	c->report->output_bytes = r.counts.output_bytes;
	c->report->storage_bytes = r.counts.storage_bytes;
	c->report->peak_pages = r.peak_pages;
	c->report->cpu_spent = cpu_spent;
	if (r.outcome == BW_TRAPPED) {
		phase = BWS_STOPPED;
		status = BWS_TRAP;
		if (r.trap == BW_TRAP_FUEL)
			status = BWS_SPENT;
		if (r.trap == BW_TRAP_INTERRUPTED)
			status = cpu_spent ? BWS_SPENT : BWS_INTERRUPT;
		if (cpu_spent)
			text = "its processor time is used up";
	}
	write_report(c, phase, status, text);
	return status;
}
