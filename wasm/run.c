/* SPDX-License-Identifier: MIT */
/* One command from its bytes to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wasm/reader.h"
#include "wasm/run.h"

struct bw_task {
	struct bw_module *module;
	struct bw_store *store;
	struct bw_instance *inst;
	struct bw_wasi *wasi;
	bool initialised; /* its start function is over */
	bool begun;       /* what comes next is to be resumed */
	enum bw_outcome outcome;
};

int bw_command_check(const struct bw_module *m, struct bv_err *err)
{
	static const char start[] = "_start"; /* a name may hold NUL itself */
	const uint32_t len = sizeof(start) - 1;

	for (uint32_t i = 0; i < bw_module_export_count(m); i++) {
		struct bw_export_info e;

		bw_module_export(m, i, &e);
		if (e.kind == BW_KIND_FUNC && e.name.len == len &&
		    memcmp(e.name.s, start, len) == 0 && e.sig.nparams == 0 &&
		    e.sig.nresults == 0)
			return BV_OK;
	}
	return bv_fail(err, BV_E_CONF,
		       "no function _start without parameters is exported: it "
		       "is a library, not a command");
}

static int build(struct bw_task *t, const struct bw_run_config *c,
		 struct bv_err *err)
{
	struct bw_imports imports;

	BW_TRY(bw_module_load(c->bytes, c->len, c->load, &t->module, err));
	BW_TRY(bw_command_check(t->module, err));
	BW_TRY(bw_wasi_new(c->wasi, &t->wasi, err));
	BW_TRY(bw_store_new(c->store, &t->store, err));
	bw_fuel_set(t->store, c->fuel);
	bw_interrupt_set(t->store, c->wasi->interrupt);
	bw_turns_set(t->store, c->turns);
	bw_wasi_imports(t->wasi, &imports);
	imports.defer_start = true;
	return bw_instance_new(t->store, t->module, &imports, &t->inst, err);
}

int bw_task_new(const struct bw_run_config *config, struct bw_task **ret_task,
		struct bv_err *err)
{
	struct bw_task *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	t->outcome = BW_SUSPENDED;
	rc = build(t, config, err);
	if (rc != BV_OK) {
		bw_task_free(t);
		return rc;
	}
	*ret_task = t;
	return BV_OK;
}

int bw_task_step(struct bw_task *task, enum bw_outcome *ret_outcome,
		 struct bv_err *err)
{
	uint64_t none = 0;
	const bool begun = task->begun;

	task->begun = true;
	if (begun)
		BW_TRY(bw_resume(task->store, &none, 0, &task->outcome, err));
	else if (!task->initialised)
		BW_TRY(bw_instance_start(task->inst, &task->outcome, err));
	if (!task->initialised && task->outcome == BW_DONE) {
		task->initialised = true;
		BW_TRY(bw_call(task->inst, "_start", &none, 0, &none, 0,
			       &task->outcome, err));
	}
	*ret_outcome = task->outcome;
	return BV_OK;
}

size_t bw_task_wait(const struct bw_task *task, struct pollfd *fds, size_t max,
		    uint64_t *ret_deadline_ns)
{
	if (!bw_turn_over(task->store))
		return bw_wasi_wait(task->wasi, fds, max, ret_deadline_ns);
	*ret_deadline_ns = 1;
	return 0;
}

/* What stopped it, then where and after how much, as the engine says it. */
static void describe(const struct bw_task *t, struct bw_run_result *r)
{
	const char *by = bw_wasi_stopped_by(t->wasi);
	struct bw_trap_info info;

	bw_trap_info(t->store, &info);
	r->trap = info.trap;
	r->stopped = by != NULL;
	if (by != NULL)
		snprintf(r->text, sizeof(r->text), "%s", by);
	else
		bw_trap_format(&info, r->text, sizeof(r->text));
}

void bw_task_result(const struct bw_task *task,
		    struct bw_run_result *ret_result)
{
	*ret_result = (struct bw_run_result){
		.outcome = task->outcome,
		.fuel_used = bw_fuel_used(task->store),
		/* A memory never shrinks. */
		.peak_pages =
			(uint32_t)(bw_memory_bytes(task->inst) / BW_PAGE_BYTES),
	};
	bw_wasi_counts(task->wasi, &ret_result->counts);
	if (task->outcome == BW_EXITED)
		ret_result->status = bw_wasi_exit_code(task->wasi);
	if (task->outcome == BW_TRAPPED)
		describe(task, ret_result);
}

void bw_task_free(struct bw_task *task)
{
	if (task == NULL)
		return;
	bw_store_free(task->store);
	bw_module_free(task->module);
	bw_wasi_free(task->wasi);
	free(task);
}

int bw_run(const struct bw_run_config *config, struct bw_run_result *ret_result,
	   struct bv_err *err)
{
	enum bw_outcome outcome = BW_SUSPENDED;
	struct bw_task *task = NULL;
	struct pollfd fds[64];
	int rc = bw_task_new(config, &task, err);

	if (rc != BV_OK)
		return rc;
	while (rc == BV_OK && outcome == BW_SUSPENDED) {
		rc = bw_task_step(task, &outcome, err);
		if (rc == BV_OK && outcome == BW_SUSPENDED) {
			uint64_t until;
			size_t n = bw_task_wait(task, fds, 64, &until);

			/* Short: the clock of a wait is looked at again. */
			ppoll(fds, n < BV_LEN(fds) ? n : BV_LEN(fds),
			      &(struct timespec){ 0, 10000000 }, NULL);
		}
	}
	if (rc == BV_OK)
		bw_task_result(task, ret_result);
	bw_task_free(task);
	return rc;
}
