/* SPDX-License-Identifier: MIT */
/* Instances: imports resolved, definitions allocated and initialised. */
#include <stdlib.h>
#include <string.h>

#include "wasm/instance.h"

static bool name_is(const struct bw_name *name, const char *s)
{
	return strlen(s) == name->len && memcmp(s, name->s, name->len) == 0;
}

static uint8_t type_of_letter(char c)
{
	switch (c) {
	case 'i':
		return BW_I32;
	case 'I':
		return BW_I64;
	case 'f':
		return BW_F32;
	case 'F':
		return BW_F64;
	case 'p':
		return BW_FUNCREF;
	default:
		return BW_EXTERNREF;
	}
}

static bool sig_is(const struct bw_sig *sig, const char *text)
{
	const char *colon = strchr(text, ':');
	uint32_t i;

	if (colon == NULL || (size_t)(colon - text) != sig->nparams ||
	    strlen(colon + 1) != sig->nresults ||
	    sig->nresults > BW_HOST_RESULTS)
		return false;
	for (i = 0; i < sig->nparams + sig->nresults; i++)
		if (type_of_letter(i < sig->nparams ? text[i] : text[i + 1]) !=
		    sig->types[i])
			return false;
	return true;
}

static int bad_import(const struct bw_import *imp, const char *why,
		      struct bv_err *err)
{
	char module[BW_NAME_TEXT], name[BW_NAME_TEXT];

	return bv_fail(err, BV_E_CONF, "import '%s' '%s': %s",
		       bw_name_text(&imp->module, module),
		       bw_name_text(&imp->name, name), why);
}

static int link_host(struct bw_instance *inst, const struct bw_import *imp,
		     const struct bw_host_func *host, void *ctx,
		     struct bv_err *err)
{
	const struct bw_sig *sig = bw_func_sig(inst->module, imp->index);
	struct bw_func *f = &inst->host_funcs[imp->index];

	if (!sig_is(sig, host->sig))
		return bad_import(imp, "known with another signature", err);
	*f = (struct bw_func){ .sig = sig,
			       .inst = inst,
			       .host = host,
			       .ctx = ctx,
			       .index = imp->index };
	inst->funcs[imp->index] = f;
	return BV_OK;
}

/* have: what is offered, its present size as minimum. */
static bool range_fits(const struct bw_range *have, const struct bw_range *want)
{
	if (have->min < want->min)
		return false;
	return !want->has_max || (have->has_max && have->max <= want->max);
}

static int link_export(struct bw_instance *inst, const struct bw_import *imp,
		       struct bw_instance *from, const struct bw_export *e,
		       struct bv_err *err)
{
	static const char other[] = "exported with another type";
	const struct bw_module *m = inst->module;
	struct bw_range have;

	switch (imp->kind) {
	case BW_KIND_FUNC: {
		struct bw_func *f = from->funcs[e->index];

		if (!bw_sig_equal(f->sig, bw_func_sig(m, imp->index)))
			return bad_import(imp, other, err);
		inst->funcs[imp->index] = f;
		return BV_OK;
	}
	case BW_KIND_TABLE: {
		struct bw_table *t = from->tables[e->index];
		const struct bw_table_type *want = &m->tables[imp->index];

		have = t->type.range;
		have.min = t->n;
		if (t->type.type != want->type ||
		    !range_fits(&have, &want->range))
			return bad_import(imp, other, err);
		inst->tables[imp->index] = t;
		return BV_OK;
	}
	case BW_KIND_MEMORY:
		have = from->memory->type;
		have.min = (uint32_t)(from->memory->bytes / BW_PAGE_BYTES);
		if (!range_fits(&have, &m->memory))
			return bad_import(imp, other, err);
		inst->memory = from->memory;
		return BV_OK;
	case BW_KIND_GLOBAL: {
		struct bw_global *g = from->globals[e->index];
		const struct bw_global_type *want =
			&m->globals[imp->index].type;

		if (g->type.type != want->type ||
		    g->type.is_mutable != want->is_mutable)
			return bad_import(imp, other, err);
		inst->globals[imp->index] = g;
		return BV_OK;
	}
	}
	return bad_import(imp, other, err);
}

static int link_from(struct bw_instance *inst, const struct bw_import *imp,
		     struct bw_instance *from, bool *ret_found,
		     struct bv_err *err)
{
	const struct bw_module *m = from->module;
	uint32_t i;

	for (i = 0; i < m->nexports; i++) {
		const struct bw_export *e = &m->exports[i];

		if (e->kind != imp->kind || e->name.len != imp->name.len ||
		    memcmp(e->name.s, imp->name.s, e->name.len) != 0)
			continue;
		*ret_found = true;
		return link_export(inst, imp, from, e, err);
	}
	return BV_OK;
}

static int link_one(struct bw_instance *inst, const struct bw_import *imp,
		    const struct bw_imports *imports, struct bv_err *err)
{
	bool found = false;
	size_t i;

	for (i = 0; i < imports->nhosts && imp->kind == BW_KIND_FUNC; i++) {
		const struct bw_host_func *host = &imports->hosts[i];

		if (name_is(&imp->module, host->module) &&
		    name_is(&imp->name, host->name))
			return link_host(inst, imp, host, imports->ctx, err);
	}
	for (i = 0; i < imports->nlinked && !found; i++)
		if (name_is(&imp->module, imports->linked[i].name))
			BW_TRY(link_from(inst, imp, imports->linked[i].inst,
					 &found, err));
	if (!found)
		return bad_import(imp, "unknown", err);
	return BV_OK;
}

static int allocate(struct bw_instance *inst, struct bv_err *err)
{
	const struct bw_module *m = inst->module;
	bool ok = true;

#define ALLOC(field, n)                                                        \
	ok = (inst->field = calloc((n) == 0 ? 1 : (n),                         \
				   sizeof(*inst->field))) != NULL &&           \
	     ok
	ALLOC(funcs, m->nfuncs);
	ALLOC(own_funcs, m->nfuncs - m->nimport_funcs);
	ALLOC(host_funcs, m->nimport_funcs);
	ALLOC(tables, m->ntables);
	ALLOC(own_tables, m->ntables - m->nimport_tables);
	ALLOC(globals, m->nglobals);
	ALLOC(own_globals, m->nglobals - m->nimport_globals);
	ALLOC(data_dropped, m->ndatas);
	ALLOC(elem_dropped, m->nelems);
#undef ALLOC
	return ok ? BV_OK : bv_fail(err, BV_E_NOMEM, "out of memory");
}

static int define(struct bw_instance *inst, struct bv_err *err)
{
	const struct bw_module *m = inst->module;
	struct bw_store *st = inst->store;
	uint32_t i, k;

	for (i = m->nimport_funcs, k = 0; i < m->nfuncs; i++, k++) {
		inst->own_funcs[k] = (struct bw_func){
			.sig = bw_func_sig(m, i),
			.inst = inst,
			.code = &m->codes[k],
			.index = i,
		};
		inst->funcs[i] = &inst->own_funcs[k];
	}
	for (i = m->nimport_globals, k = 0; i < m->nglobals; i++, k++) {
		inst->own_globals[k].type = m->globals[i].type;
		inst->own_globals[k].v =
			bw_const_value(inst, &m->globals[i].init);
		inst->globals[i] = &inst->own_globals[k];
	}
	for (i = m->nimport_tables, k = 0; i < m->ntables; i++, k++) {
		struct bw_table *t = &inst->own_tables[k];

		t->type = m->tables[i];
		inst->tables[i] = t;
		if (!bw_table_new(st, t))
			return bv_fail(err, BV_E_LIMIT,
				       "table of %u entries is over the limit",
				       t->type.range.min);
	}
	if (m->has_memory && !m->memory_imported) {
		inst->memory = &inst->own_memory;
		inst->own_memory.type = m->memory;
		if (bw_memory_grow(st, inst->memory, m->memory.min) ==
		    UINT32_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "memory of %u pages is over the limit",
				       m->memory.min);
	}
	return BV_OK;
}

static enum bw_trap initialise(struct bw_instance *inst)
{
	const struct bw_module *m = inst->module;
	enum bw_trap trap;
	uint32_t i;

	for (i = 0; i < m->nelems; i++) {
		const struct bw_elem *e = &m->elems[i];

		if (e->mode == BW_ACTIVE) {
			trap = bw_table_init(
				inst, e->table, i,
				(uint32_t)bw_const_value(inst, &e->offset), 0,
				e->n);
			if (trap != BW_TRAP_NONE)
				return trap;
		}
		inst->elem_dropped[i] = e->mode != BW_PASSIVE;
	}
	for (i = 0; i < m->ndatas; i++) {
		const struct bw_data *d = &m->datas[i];

		if (d->mode != BW_ACTIVE)
			continue;
		trap = bw_memory_init(
			inst, i, (uint32_t)bw_const_value(inst, &d->offset), 0,
			d->len);
		if (trap != BW_TRAP_NONE)
			return trap;
		inst->data_dropped[i] = true;
	}
	return BW_TRAP_NONE;
}

static int run_start(struct bw_instance *inst, struct bv_err *err)
{
	enum bw_outcome outcome;

	if (!inst->module->has_start)
		return BV_OK;
	BW_TRY(bw_start(inst, inst->module->start, &outcome, err));
	if (outcome == BW_SUSPENDED)
		bw_abandon(inst->store);
	if (outcome != BW_DONE)
		return bv_fail(err, BV_E_INVAL, "start function: %s",
			       outcome == BW_TRAPPED
				       ? bw_trap_text(inst->store->trap.trap)
				       : "ended the execution");
	return BV_OK;
}

int bw_instance_new(struct bw_store *store, const struct bw_module *module,
		    const struct bw_imports *imports,
		    struct bw_instance **ret_inst, struct bv_err *err)
{
	static const struct bw_imports none;
	struct bw_instance *inst;
	enum bw_trap trap;
	uint32_t i;

	if (store->state != BW_RUN_IDLE)
		return bv_fail(err, BV_E_INVAL, "the store is executing");
	if (imports == NULL)
		imports = &none;
	inst = calloc(1, sizeof(*inst));
	if (inst == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	/* The store's from here on, whatever fails: its functions may already
	 * be in somebody else's table. */
	inst->store = store;
	inst->module = module;
	inst->next = store->instances;
	store->instances = inst;
	BW_TRY(allocate(inst, err));
	for (i = 0; i < module->nimports; i++)
		BW_TRY(link_one(inst, &module->imports[i], imports, err));
	BW_TRY(define(inst, err));
	trap = initialise(inst);
	if (trap != BW_TRAP_NONE) {
		store->trap = (struct bw_trap_info){ .trap = trap };
		return bv_fail(err, BV_E_INVAL, "initialisation: %s",
			       bw_trap_text(trap));
	}
	if (!imports->defer_start)
		BW_TRY(run_start(inst, err));
	*ret_inst = inst;
	return BV_OK;
}

int bw_instance_start(struct bw_instance *inst, enum bw_outcome *ret_outcome,
		      struct bv_err *err)
{
	*ret_outcome = BW_DONE;
	if (!inst->module->has_start)
		return BV_OK;
	return bw_start(inst, inst->module->start, ret_outcome, err);
}

struct bw_store *bw_instance_store(struct bw_instance *inst)
{
	return inst->store;
}

const struct bw_module *bw_instance_module(const struct bw_instance *inst)
{
	return inst->module;
}
