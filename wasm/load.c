/* SPDX-License-Identifier: MIT */
/* Loading: order of sections, code, the name section, what others may ask. */
#include <stdlib.h>
#include <string.h>

#include "wasm/lower.h"
#include "wasm/module.h"

#define DEFAULT_MODULE_BYTES ((size_t)64 << 20)
#define DEFAULT_ARENA_BYTES  ((size_t)512 << 20)

#define SECTION_CUSTOM 0
#define SECTION_FUNC   3
#define SECTION_CODE   10
#define SECTION_DATA   11

static int read_code(struct bw_module *m, struct bw_reader *r, uint32_t n)
{
	struct bw_lower l = { .m = m };
	uint32_t i, size;
	int rc = BV_OK;

	m->codes = bw_module_alloc(m, n, sizeof(*m->codes), r->err);
	if (m->codes == NULL)
		return BV_E_NOMEM;
	for (i = 0; i < n && rc == BV_OK; i++) {
		const uint8_t *body = r->p;

		rc = bw_read_u32(r, &size);
		if (rc == BV_OK)
			rc = bw_read_bytes(r, size, &body);
		if (rc != BV_OK)
			break;
		l.r = (struct bw_reader){ r->base, body, body + size, r->err };
		rc = bw_lower_func(&l, m->nimport_funcs + i);
		if (rc != BV_OK)
			bv_ctx(r->err, "function %u", m->nimport_funcs + i);
	}
	bw_lower_done(&l);
	return rc;
}

static int read_code_section(struct bw_module *m, struct bw_reader *r)
{
	uint32_t n;

	BW_TRY(bw_read_count(r, 3, &n));
	if (n != m->nfuncs - m->nimport_funcs)
		return bw_bad(r, "function and code section differ");
	return read_code(m, r, n);
}

/* The function names of the name section; errors in it are not errors of the
 * module, so err is NULL here and reading stops at the first. */
static int read_func_names(struct bw_module *m, struct bw_reader *r)
{
	uint32_t i, n, index, len;
	const uint8_t *p = r->p;

	BW_TRY(bw_read_count(r, 2, &n));
	if (m->func_names != NULL)
		return BV_OK;
	m->func_names =
		bw_module_alloc(m, m->nfuncs, sizeof(*m->func_names), NULL);
	if (m->func_names == NULL)
		return BV_E_NOMEM;
	m->nfunc_names = m->nfuncs;
	for (i = 0; i < n; i++) {
		BW_TRY(bw_read_u32(r, &index));
		BW_TRY(bw_read_name(r, &p, &len));
		if (index >= m->nfuncs || m->func_names[index].s != NULL)
			continue;
		m->func_names[index].s =
			bv_arena_strndup(&m->arena, (const char *)p, len);
		m->func_names[index].len = len;
	}
	return BV_OK;
}

static int read_names(struct bw_module *m, struct bw_reader r)
{
	r.err = NULL;
	while (bw_left(&r) > 0) {
		const uint8_t *p = r.p;
		uint32_t size;
		uint8_t id;

		BW_TRY(bw_read_u8(&r, &id));
		BW_TRY(bw_read_u32(&r, &size));
		BW_TRY(bw_read_bytes(&r, size, &p));
		if (id == 1) {
			struct bw_reader sub = { r.base, p, p + size, NULL };

			return read_func_names(m, &sub);
		}
	}
	return BV_OK;
}

static int read_custom(struct bw_module *m, struct bw_reader *r)
{
	const uint8_t *name;
	uint32_t len;

	BW_TRY(bw_read_name(r, &name, &len));
	/* A name section comes last, when every function is known. */
	if (len == 4 && memcmp(name, "name", 4) == 0)
		(void)read_names(m, *r);
	r->p = r->end;
	return BV_OK;
}

/* Order of the sections in a module: data count (12) comes before code. */
static unsigned section_rank(uint8_t id)
{
	return id == 12 ? 19 : id * 2u;
}

/* Once every function is known: what ref.func may name. */
static int after_funcs(struct bw_module *m, struct bw_reader *r)
{
	if (m->func_declared != NULL)
		return BV_OK;
	m->func_declared = bw_module_alloc(m, m->nfuncs, sizeof(bool), r->err);
	return m->func_declared == NULL ? BV_E_NOMEM : BV_OK;
}

static int read_section(struct bw_module *m, struct bw_reader *r,
			unsigned *rank, bool *seen)
{
	struct bw_reader sub;
	const uint8_t *p = r->p;
	uint32_t size;
	uint8_t id;

	BW_TRY(bw_read_u8(r, &id));
	BW_TRY(bw_read_u32(r, &size));
	BW_TRY(bw_read_bytes(r, size, &p));
	sub = (struct bw_reader){ r->base, p, p + size, r->err };
	if (id == SECTION_CUSTOM)
		return read_custom(m, &sub);
	if (id > 12)
		return bw_bad(r, "malformed section id");
	if (section_rank(id) <= *rank)
		return bw_bad(r, "unexpected content after last section");
	*rank = section_rank(id);
	if (id > SECTION_FUNC)
		BW_TRY(after_funcs(m, r));
	seen[id] = true;
	BW_TRY(id == SECTION_CODE ? read_code_section(m, &sub)
				  : bw_sections[id](m, &sub));
	if (bw_left(&sub) != 0)
		return bw_bad(&sub, "section size mismatch");
	return BV_OK;
}

static int load(struct bw_module *m, struct bw_reader *r)
{
	static const uint8_t magic[8] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };
	bool seen[13] = { false };
	unsigned rank = 0;
	const uint8_t *p = r->p;

	BW_TRY(bw_read_bytes(r, 8, &p));
	if (memcmp(p, magic, 4) != 0)
		return bw_bad(r, "magic header not detected");
	if (memcmp(p, magic, 8) != 0)
		return bw_bad(r, "unknown binary version");
	while (bw_left(r) > 0)
		BW_TRY(read_section(m, r, &rank, seen));
	if (!seen[SECTION_CODE] && m->nfuncs > m->nimport_funcs)
		return bw_bad(r, "function and code section differ");
	if (!seen[SECTION_DATA] && m->has_data_count && m->ndatas > 0)
		return bw_bad(r, "data count and data section differ");
	return BV_OK;
}

int bw_module_load(const void *bytes, size_t len,
		   const struct bw_load_limits *limits,
		   struct bw_module **ret_module, struct bv_err *err)
{
	size_t most = limits == NULL || limits->module_bytes == 0
			      ? DEFAULT_MODULE_BYTES
			      : limits->module_bytes;
	size_t cap = limits == NULL || limits->arena_bytes == 0
			     ? DEFAULT_ARENA_BYTES
			     : limits->arena_bytes;
	struct bw_module *m;
	struct bw_reader r;
	int rc;

	if (len > most || len > INT32_MAX)
		return bv_fail(err, BV_E_LIMIT,
			       "module of %zu bytes, at most %zu allowed", len,
			       most);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	bv_arena_init(&m->arena, cap);
	r = (struct bw_reader){ bytes, bytes, (const uint8_t *)bytes + len,
				err };
	rc = load(m, &r);
	if (rc != BV_OK) {
		bw_module_free(m);
		return rc;
	}
	*ret_module = m;
	return BV_OK;
}

void bw_module_free(struct bw_module *module)
{
	if (module == NULL)
		return;
	bv_arena_done(&module->arena);
	free(module);
}

uint32_t bw_module_import_count(const struct bw_module *module)
{
	return module->nimports;
}

void bw_module_import(const struct bw_module *module, uint32_t index,
		      struct bw_import_info *ret_info)
{
	const struct bw_import *imp = &module->imports[index];

	*ret_info = (struct bw_import_info){
		imp->module, imp->name, imp->kind, { 0 }
	};
	if (imp->kind == BW_KIND_FUNC)
		ret_info->sig = *bw_func_sig(module, imp->index);
}

uint32_t bw_module_export_count(const struct bw_module *module)
{
	return module->nexports;
}

void bw_module_export(const struct bw_module *module, uint32_t index,
		      struct bw_export_info *ret_info)
{
	const struct bw_export *e = &module->exports[index];

	*ret_info = (struct bw_export_info){ e->name, e->kind, { 0 } };
	if (e->kind == BW_KIND_FUNC)
		ret_info->sig = *bw_func_sig(module, e->index);
}

bool bw_module_has_memory(const struct bw_module *module,
			  uint32_t *ret_min_pages)
{
	if (module->has_memory && ret_min_pages != NULL)
		*ret_min_pages = module->memory.min;
	return module->has_memory;
}

const char *bw_module_func_name(const struct bw_module *module, uint32_t func)
{
	return func < module->nfunc_names ? module->func_names[func].s : NULL;
}

size_t bw_module_used_bytes(const struct bw_module *module)
{
	return module->arena.used_bytes;
}
