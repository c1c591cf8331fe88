/* SPDX-License-Identifier: MIT */
/* Sections of a module: decoding and all validation outside function bodies. */
#include "wasm/module.h"

#include <stdlib.h>
#include <string.h>

void *bw_module_alloc(struct bw_module *m, size_t n, size_t size,
		      struct bv_err *err)
{
	void *p = NULL;
	size_t total;

	if (!__builtin_mul_overflow(n, size, &total))
		p = bv_arena_alloc(&m->arena, total);
	if (p == NULL)
		bv_fail(err, BV_E_NOMEM, "module needs more than %zu bytes",
			m->arena.cap_bytes);
	return p;
}

bool bw_sig_equal(const struct bw_sig *x, const struct bw_sig *y)
{
	return x == y ||
	       (x->nparams == y->nparams && x->nresults == y->nresults &&
		memcmp(x->types, y->types, x->nparams + x->nresults) == 0);
}

static int read_name(struct bw_module *m, struct bw_reader *r,
		     struct bw_name *ret)
{
	const uint8_t *p = r->p;
	uint32_t len;
	char *copy;

	BW_TRY(bw_read_name(r, &p, &len));
	copy = bw_module_alloc(m, (size_t)len + 1, 1, r->err);
	if (copy == NULL)
		return BV_E_NOMEM;
	memcpy(copy, p, len);
	ret->s = copy;
	ret->len = len;
	return BV_OK;
}

int bw_read_valtype(struct bw_reader *r, uint8_t *ret)
{
	uint8_t t;

	BW_TRY(bw_read_u8(r, &t));
	switch (t) {
	case BW_I32:
	case BW_I64:
	case BW_F32:
	case BW_F64:
	case BW_FUNCREF:
	case BW_EXTERNREF:
		*ret = t;
		return BV_OK;
	case 0x7b:
		return bv_fail(r->err, BV_E_UNSUPPORTED,
			       "SIMD types are not supported, offset 0x%x",
			       bw_offset(r));
	default:
		return bw_bad(r, "malformed value type");
	}
}

static int read_reftype(struct bw_reader *r, uint8_t *ret)
{
	uint8_t t;

	BW_TRY(bw_read_u8(r, &t));
	if (t != BW_FUNCREF && t != BW_EXTERNREF)
		return bw_bad(r, "malformed reference type");
	*ret = t;
	return BV_OK;
}

static int read_range(struct bw_reader *r, uint64_t most, const char *over,
		      struct bw_range *ret)
{
	uint8_t flags;

	BW_TRY(bw_read_u8(r, &flags));
	if (flags > 1)
		return bw_bad(r, "malformed limits flags");
	*ret = (struct bw_range){ .has_max = flags == 1 };
	BW_TRY(bw_read_u32(r, &ret->min));
	if (ret->has_max)
		BW_TRY(bw_read_u32(r, &ret->max));
	if (ret->min > most || (ret->has_max && ret->max > most))
		return bw_bad(r, over);
	if (ret->has_max && ret->max < ret->min)
		return bw_bad(r, "size minimum greater than maximum");
	return BV_OK;
}

static int read_table_type(struct bw_reader *r, struct bw_table_type *ret)
{
	BW_TRY(read_reftype(r, &ret->type));
	return read_range(r, UINT32_MAX, "table size", &ret->range);
}

static int read_memory_type(struct bw_module *m, struct bw_reader *r)
{
	if (m->has_memory)
		return bw_bad(r, "multiple memories");
	m->has_memory = true;
	return read_range(r, BW_MAX_PAGES,
			  "memory size must be at most 65536 pages",
			  &m->memory);
}

static int read_global_type(struct bw_reader *r, struct bw_global_type *ret)
{
	uint8_t flag;

	BW_TRY(bw_read_valtype(r, &ret->type));
	BW_TRY(bw_read_u8(r, &flag));
	if (flag > 1)
		return bw_bad(r, "malformed mutability");
	ret->is_mutable = flag == 1;
	return BV_OK;
}

static int read_ref_func(struct bw_module *m, struct bw_reader *r,
			 uint32_t *ret)
{
	BW_TRY(bw_read_u32(r, ret));
	if (*ret >= m->nfuncs)
		return bw_bad(r, "unknown function");
	m->func_declared[*ret] = true;
	return BV_OK;
}

static int const_global(struct bw_module *m, struct bw_reader *r,
			struct bw_const *ret, uint8_t *ret_type)
{
	uint32_t i;

	BW_TRY(bw_read_u32(r, &i));
	if (i >= m->nimport_globals)
		return bw_bad(r, "unknown global");
	if (m->globals[i].type.is_mutable)
		return bw_bad(r, "constant expression required");
	*ret = (struct bw_const){ BW_CONST_GLOBAL, i };
	*ret_type = m->globals[i].type.type;
	return BV_OK;
}

/* Exactly one constant instruction of type want, then end. */
static int read_const(struct bw_module *m, struct bw_reader *r, uint8_t want,
		      struct bw_const *ret)
{
	uint8_t op, got = 0, end;
	uint32_t v32;

	*ret = (struct bw_const){ BW_CONST_VALUE, 0 };
	BW_TRY(bw_read_u8(r, &op));
	switch (op) {
	case 0x41:
		got = BW_I32;
		BW_TRY(bw_read_s32(r, &v32));
		ret->v = v32;
		break;
	case 0x42:
		got = BW_I64;
		BW_TRY(bw_read_s64(r, &ret->v));
		break;
	case 0x43:
		got = BW_F32;
		BW_TRY(bw_read_f32(r, &v32));
		ret->v = v32;
		break;
	case 0x44:
		got = BW_F64;
		BW_TRY(bw_read_f64(r, &ret->v));
		break;
	case 0x23:
		BW_TRY(const_global(m, r, ret, &got));
		break;
	case 0xd0:
		BW_TRY(read_reftype(r, &got));
		break;
	case 0xd2:
		got = BW_FUNCREF;
		BW_TRY(read_ref_func(m, r, &v32));
		*ret = (struct bw_const){ BW_CONST_FUNC, v32 };
		break;
	default:
		return bw_bad(r, "constant expression required");
	}
	BW_TRY(bw_read_u8(r, &end));
	if (end != 0x0b)
		return bw_bad(r, "constant expression required");
	if (got != want)
		return bw_bad(r, "type mismatch in constant expression");
	return BV_OK;
}

static int read_types(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, k, n;

	BW_TRY(bw_read_count(r, 3, &m->ntypes));
	m->types = bw_module_alloc(m, m->ntypes, sizeof(*m->types), r->err);
	if (m->types == NULL)
		return BV_E_NOMEM;
	for (i = 0; i < m->ntypes; i++) {
		struct bw_sig *sig = &m->types[i];
		struct bw_reader ahead;
		uint8_t form, *types;

		BW_TRY(bw_read_u8(r, &form));
		if (form != 0x60)
			return bw_bad(r, "malformed function type");
		BW_TRY(bw_read_count(r, 1, &sig->nparams));
		ahead = *r;
		ahead.p += sig->nparams;
		BW_TRY(bw_read_count(&ahead, 1, &sig->nresults));
		if (sig->nparams > BW_MAX_TYPE_VALUES ||
		    sig->nresults > BW_MAX_TYPE_VALUES)
			return bv_fail(r->err, BV_E_LIMIT,
				       "type %u has too many values", i);
		n = sig->nparams + sig->nresults;
		types = bw_module_alloc(m, n, 1, r->err);
		if (types == NULL)
			return BV_E_NOMEM;
		for (k = 0; k < n; k++) {
			if (k == sig->nparams)
				BW_TRY(bw_read_u32(r, &sig->nresults));
			BW_TRY(bw_read_valtype(r, &types[k]));
		}
		if (sig->nresults == 0)
			BW_TRY(bw_read_u32(r, &sig->nresults));
		sig->types = types;
	}
	return BV_OK;
}

/* The index spaces hold imports first; sections append. Room is made for both
 * at once by counting imports ahead of time. */
static int grow(struct bw_module *m, struct bw_reader *r, void **array,
		uint32_t have, uint32_t more, size_t size)
{
	void *p;

	if (more > UINT32_MAX - have)
		return bv_fail(r->err, BV_E_LIMIT, "too many definitions");
	p = bw_module_alloc(m, (size_t)have + more, size, r->err);
	if (p == NULL)
		return BV_E_NOMEM;
	if (have > 0)
		memcpy(p, *array, have * size);
	*array = p;
	return BV_OK;
}

#define GROW(m, r, array, have, more)                                          \
	do {                                                                   \
		void *grow_p = (array);                                        \
		BW_TRY(grow((m), (r), &grow_p, (have), (more),                 \
			    sizeof(*(array))));                                \
		(array) = grow_p;                                              \
	} while (0)

static int read_type_index(struct bw_module *m, struct bw_reader *r,
			   uint32_t *ret)
{
	BW_TRY(bw_read_u32(r, ret));
	if (*ret >= m->ntypes)
		return bw_bad(r, "unknown type");
	return BV_OK;
}

static int read_import(struct bw_module *m, struct bw_reader *r,
		       struct bw_import *imp)
{
	uint8_t kind;

	BW_TRY(read_name(m, r, &imp->module));
	BW_TRY(read_name(m, r, &imp->name));
	BW_TRY(bw_read_u8(r, &kind));
	imp->kind = kind;
	switch (kind) {
	case BW_KIND_FUNC:
		imp->index = m->nfuncs;
		BW_TRY(read_type_index(m, r, &m->func_type[m->nfuncs++]));
		m->nimport_funcs++;
		return BV_OK;
	case BW_KIND_TABLE:
		imp->index = m->ntables;
		BW_TRY(read_table_type(r, &m->tables[m->ntables++]));
		m->nimport_tables++;
		return BV_OK;
	case BW_KIND_MEMORY:
		m->memory_imported = true;
		return read_memory_type(m, r);
	case BW_KIND_GLOBAL:
		imp->index = m->nglobals;
		BW_TRY(read_global_type(r, &m->globals[m->nglobals++].type));
		m->nimport_globals++;
		return BV_OK;
	default:
		return bw_bad(r, "malformed import kind");
	}
}

static int read_imports(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n;

	BW_TRY(bw_read_count(r, 4, &n));
	GROW(m, r, m->imports, 0, n);
	GROW(m, r, m->func_type, 0, n);
	GROW(m, r, m->tables, 0, n);
	GROW(m, r, m->globals, 0, n);
	for (i = 0; i < n; i++)
		BW_TRY(read_import(m, r, &m->imports[i]));
	m->nimports = n;
	return BV_OK;
}

static int read_funcs(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n;

	BW_TRY(bw_read_count(r, 1, &n));
	GROW(m, r, m->func_type, m->nfuncs, n);
	for (i = 0; i < n; i++)
		BW_TRY(read_type_index(m, r, &m->func_type[m->nfuncs++]));
	return BV_OK;
}

static int read_tables(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n;

	BW_TRY(bw_read_count(r, 3, &n));
	GROW(m, r, m->tables, m->ntables, n);
	for (i = 0; i < n; i++)
		BW_TRY(read_table_type(r, &m->tables[m->ntables++]));
	return BV_OK;
}

static int read_memories(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n;

	BW_TRY(bw_read_count(r, 2, &n));
	for (i = 0; i < n; i++)
		BW_TRY(read_memory_type(m, r));
	return BV_OK;
}

static int read_globals(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n;

	BW_TRY(bw_read_count(r, 4, &n));
	GROW(m, r, m->globals, m->nglobals, n);
	for (i = 0; i < n; i++) {
		struct bw_global_def *g = &m->globals[m->nglobals];

		BW_TRY(read_global_type(r, &g->type));
		BW_TRY(read_const(m, r, g->type.type, &g->init));
		m->nglobals++;
	}
	return BV_OK;
}

static int compare_exports(const void *x, const void *y)
{
	const struct bw_export *const *a = x, *const *b = y;
	uint32_t alen = (*a)->name.len, blen = (*b)->name.len;

	if (alen != blen)
		return alen < blen ? -1 : 1;
	return memcmp((*a)->name.s, (*b)->name.s, alen);
}

static int check_export_names(struct bw_module *m, struct bw_reader *r)
{
	const struct bw_export **sorted;
	uint32_t i;
	int rc = BV_OK;

	if (m->nexports < 2)
		return BV_OK;
	sorted = calloc(m->nexports, sizeof(struct bw_export *));
	if (sorted == NULL)
		return bv_fail(r->err, BV_E_NOMEM, "out of memory");
	for (i = 0; i < m->nexports; i++)
		sorted[i] = &m->exports[i];
	qsort(sorted, m->nexports, sizeof(*sorted), compare_exports);
	for (i = 1; i < m->nexports && rc == BV_OK; i++)
		if (compare_exports(&sorted[i - 1], &sorted[i]) == 0)
			rc = bw_bad(r, "duplicate export name");
	free(sorted);
	return rc;
}

static int read_exports(struct bw_module *m, struct bw_reader *r)
{
	const uint32_t most[] = { m->nfuncs, m->ntables, m->has_memory ? 1 : 0,
				  m->nglobals };
	uint32_t i;
	uint8_t kind;

	BW_TRY(bw_read_count(r, 3, &m->nexports));
	GROW(m, r, m->exports, 0, m->nexports);
	for (i = 0; i < m->nexports; i++) {
		struct bw_export *e = &m->exports[i];

		BW_TRY(read_name(m, r, &e->name));
		BW_TRY(bw_read_u8(r, &kind));
		if (kind > BW_KIND_GLOBAL)
			return bw_bad(r, "malformed export kind");
		e->kind = kind;
		BW_TRY(bw_read_u32(r, &e->index));
		if (e->index >= most[kind])
			return bw_bad(r, "unknown export index");
		if (kind == BW_KIND_FUNC)
			m->func_declared[e->index] = true;
	}
	return check_export_names(m, r);
}

static int read_start(struct bw_module *m, struct bw_reader *r)
{
	const struct bw_sig *sig;

	BW_TRY(bw_read_u32(r, &m->start));
	if (m->start >= m->nfuncs)
		return bw_bad(r, "unknown function");
	sig = bw_func_sig(m, m->start);
	if (sig->nparams != 0 || sig->nresults != 0)
		return bw_bad(r, "start function has a wrong type");
	m->has_start = true;
	return BV_OK;
}

static int read_elem_items(struct bw_module *m, struct bw_reader *r, bool exprs,
			   struct bw_elem *e)
{
	struct bw_const *items;
	uint32_t i, func;

	BW_TRY(bw_read_count(r, exprs ? 3 : 1, &e->n));
	items = bw_module_alloc(m, e->n, sizeof(*items), r->err);
	if (items == NULL)
		return BV_E_NOMEM;
	for (i = 0; i < e->n; i++) {
		if (exprs) {
			BW_TRY(read_const(m, r, e->type, &items[i]));
			continue;
		}
		BW_TRY(read_ref_func(m, r, &func));
		items[i] = (struct bw_const){ BW_CONST_FUNC, func };
	}
	e->items = items;
	return BV_OK;
}

/* flags: 1 not active, 2 explicit table or declared, 4 expressions. */
static int read_elem(struct bw_module *m, struct bw_reader *r,
		     struct bw_elem *e)
{
	uint32_t flags;
	uint8_t kind;

	BW_TRY(bw_read_u32(r, &flags));
	if (flags > 7)
		return bw_bad(r, "malformed element segment flags");
	e->type = BW_FUNCREF;
	e->mode = (flags & 1) == 0   ? BW_ACTIVE
		  : (flags & 2) == 0 ? BW_PASSIVE
				     : BW_DECLARED;
	if (e->mode == BW_ACTIVE) {
		if ((flags & 2) != 0)
			BW_TRY(bw_read_u32(r, &e->table));
		if (e->table >= m->ntables)
			return bw_bad(r, "unknown table");
		BW_TRY(read_const(m, r, BW_I32, &e->offset));
	}
	if ((flags & 3) != 0) {
		if ((flags & 4) != 0) {
			BW_TRY(read_reftype(r, &e->type));
		} else {
			BW_TRY(bw_read_u8(r, &kind));
			if (kind != 0)
				return bw_bad(r, "malformed element kind");
		}
	}
	if (e->mode == BW_ACTIVE && e->type != m->tables[e->table].type)
		return bw_bad(r, "type mismatch of table and elements");
	return read_elem_items(m, r, (flags & 4) != 0, e);
}

static int read_elems(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i;

	BW_TRY(bw_read_count(r, 3, &m->nelems));
	GROW(m, r, m->elems, 0, m->nelems);
	for (i = 0; i < m->nelems; i++)
		BW_TRY(read_elem(m, r, &m->elems[i]));
	return BV_OK;
}

static int read_data(struct bw_module *m, struct bw_reader *r,
		     struct bw_data *d)
{
	const uint8_t *p = r->p;
	uint32_t flags, memory = 0;
	uint8_t *copy;

	BW_TRY(bw_read_u32(r, &flags));
	if (flags > 2)
		return bw_bad(r, "malformed data segment flags");
	d->mode = flags == 1 ? BW_PASSIVE : BW_ACTIVE;
	if (flags == 2)
		BW_TRY(bw_read_u32(r, &memory));
	if (d->mode == BW_ACTIVE) {
		if (memory != 0 || !m->has_memory)
			return bw_bad(r, "unknown memory");
		BW_TRY(read_const(m, r, BW_I32, &d->offset));
	}
	BW_TRY(bw_read_u32(r, &d->len));
	BW_TRY(bw_read_bytes(r, d->len, &p));
	copy = bw_module_alloc(m, d->len, 1, r->err);
	if (copy == NULL)
		return BV_E_NOMEM;
	memcpy(copy, p, d->len);
	d->bytes = copy;
	return BV_OK;
}

static int read_datas(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n;

	BW_TRY(bw_read_count(r, 2, &n));
	if (m->has_data_count && n != m->ndatas)
		return bw_bad(r, "data count and data section differ");
	m->ndatas = n;
	GROW(m, r, m->datas, 0, n);
	for (i = 0; i < n; i++)
		BW_TRY(read_data(m, r, &m->datas[i]));
	return BV_OK;
}

static int read_data_count(struct bw_module *m, struct bw_reader *r)
{
	m->has_data_count = true;
	return bw_read_u32(r, &m->ndatas);
}

const bw_section_fn bw_sections[13] = {
	[1] = read_types,   [2] = read_imports,     [3] = read_funcs,
	[4] = read_tables,  [5] = read_memories,    [6] = read_globals,
	[7] = read_exports, [8] = read_start,       [9] = read_elems,
	[11] = read_datas,  [12] = read_data_count,
};
