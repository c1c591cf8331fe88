/* SPDX-License-Identifier: MIT */
/* A module as the restricted shell would find it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "helper/ctl/check.h"
#include "helper/ctl/wasm.h"
#include "helper/fd.h"
#include "wasm/wasi.h"

static bool is_known(const struct bw_imports *known,
		     const struct bw_import_info *want)
{
	for (size_t i = 0; i < known->nhosts; i++)
		if (want->kind == BW_KIND_FUNC &&
		    strcmp(known->hosts[i].module, want->module.s) == 0 &&
		    strcmp(known->hosts[i].name, want->name.s) == 0)
			return true;
	return false;
}

static int check_imports(const struct bw_module *module, struct bv_err *err)
{
	const struct bw_wasi_config nothing = {
		.stream = { { -1, 0 }, { -1, 0 }, { -1, 0 } },
	};
	struct bw_imports known;
	struct bw_wasi *wasi = NULL;
	int code = bw_wasi_new(&nothing, &wasi, err);

	if (code != BV_OK)
		return code;
	bw_wasi_imports(wasi, &known);
	for (uint32_t i = 0;
	     i < bw_module_import_count(module) && code == BV_OK; i++) {
		struct bw_import_info want;

		bw_module_import(module, i, &want);
		if (!is_known(&known, &want))
			code = bv_fail(err, BV_E_CONF,
				       "it imports '%s' of '%s', which is not "
				       "part of WASI preview1",
				       want.name.s, want.module.s);
	}
	bw_wasi_free(wasi);
	return code;
}

static int check_start(const struct bw_module *module, struct bv_err *err)
{
	for (uint32_t i = 0; i < bw_module_export_count(module); i++) {
		struct bw_export_info e;

		bw_module_export(module, i, &e);
		if (e.kind == BW_KIND_FUNC && strcmp(e.name.s, "_start") == 0 &&
		    e.sig.nparams == 0 && e.sig.nresults == 0)
			return BV_OK;
	}
	return bv_fail(err, BV_E_CONF,
		       "it exports no function _start: it is a library, not a "
		       "command");
}

int bvh_wasm_examine(const void *bytes, size_t len, struct bvh_wasm_facts *ret,
		     struct bv_err *err)
{
	struct bw_module *module = NULL;
	int code = bw_module_load(bytes, len, NULL, &module, err);

	*ret = (struct bvh_wasm_facts){ .bytes = len };
	bv_sha256_hex(bytes, len, ret->sha256_hex);
	if (code == BV_OK)
		code = check_start(module, err);
	if (code == BV_OK)
		code = check_imports(module, err);
	if (code == BV_OK) {
		ret->imports = bw_module_import_count(module);
		(void)bw_module_has_memory(module, &ret->pages);
	}
	bw_module_free(module);
	return code;
}

int bvh_wasm_check_entry(const struct bws_store *store,
			 const struct bws_entry *entry,
			 struct bvh_wasm_facts *ret, struct bv_err *err)
{
	const uint64_t granted = entry->grant.mem_bytes / BW_PAGE_BYTES;
	bv_auto_close int fd = -1;
	void *bytes = NULL;
	size_t len = 0;
	int code = BV_OK;

	if (entry->broken)
		return bv_fail(err, entry->why.code, "%s", entry->why.msg);
	code = bws_module_open(store, entry, &fd, err);
	if (code == BV_OK)
		code = bws_module_read(fd, entry, &bytes, &len, err);
	if (code == BV_OK)
		code = bvh_wasm_examine(bytes, len, ret, err);
	if (code == BV_OK && ret->pages > granted)
		code = bv_fail(err, BV_E_CONF,
			       "%s: [limits] memory: the module begins with "
			       "%u pages (%llu bytes), granted are %llu",
			       entry->conf, ret->pages,
			       (unsigned long long)ret->pages * BW_PAGE_BYTES,
			       (unsigned long long)entry->grant.mem_bytes);
	free(bytes);
	return code;
}

static void check_commands(struct bvh_check *check,
			   const struct bws_store *store)
{
	if (store->n == 0)
		bvh_check_found(check, BVH_CHECK_WARNING,
				"%s/%s: no command: accounts whose policy has "
				"kind = wasm can run nothing; bvisorctl wasm "
				"add",
				BWS_CONFIG_DIR, BWS_GRANTS);
	for (size_t i = 0; i < store->n; i++) {
		struct bvh_wasm_facts facts;
		struct bv_err why = { 0 };

		if (bvh_wasm_check_entry(store, &store->entry[i], &facts,
					 &why) != BV_OK)
			bvh_check_found(check, BVH_CHECK_WARNING,
					"command '%s' is refused: %s",
					store->entry[i].name, why.msg);
	}
}

void bvh_check_wasm(struct bvh_check *check)
{
	struct bws_store store;
	struct bv_err err = { 0 };
	bool asked = false;

	for (size_t i = 0; i < check->policies_n; i++)
		asked |= !check->policies[i].broken &&
			 check->policies[i].workload == BV_WORKLOAD_WASM;
	if (!asked)
		return;
	bws_store_init(&store);
	if (bws_store_load(&store, NULL, &err) == BV_OK)
		check_commands(check, &store);
	else
		bvh_check_found(check, BVH_CHECK_ERROR, "%s", err.msg);
	bws_store_done(&store);
}
