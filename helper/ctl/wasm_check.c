/* SPDX-License-Identifier: MIT */
/* A module as the restricted shell would find it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "helper/ctl/check.h"
#include "helper/ctl/wasm.h"
#include "helper/fd.h"
#include "wasm/shell/guest.h"

static int check_memory(const struct bws_entry *entry, uint32_t pages,
			struct bv_err *err)
{
	const uint64_t granted = entry->grant.mem_bytes / BW_PAGE_BYTES;

	if (pages <= granted)
		return BV_OK;
	return bv_fail(err, BV_E_CONF,
		       "%s: [limits] memory: the module begins with %u pages "
		       "(%llu bytes), granted are %llu",
		       entry->conf, pages,
		       (unsigned long long)pages * BW_PAGE_BYTES,
		       (unsigned long long)entry->grant.mem_bytes);
}

/* As a command's process does, with nothing to reach: imports are resolved,
 * tables and memory made, segments copied. Its code is not run: the start
 * function is put off for good. */
static int instantiate(const struct bws_entry *entry,
		       const struct bw_module *module, struct bv_err *err)
{
	const struct bw_wasi_config nothing = {
		.stream = { { -1, 0 }, { -1, 0 }, { -1, 0 } },
	};
	const struct bw_store_limits limits =
		bw_grant_store_limits(&entry->grant);
	struct bw_imports imports;
	struct bw_instance *inst = NULL;
	struct bw_store *store = NULL;
	struct bw_wasi *wasi = NULL;
	int code = bw_wasi_new(&nothing, &wasi, err);

	if (code == BV_OK)
		code = bw_store_new(&limits, &store, err);
	if (code == BV_OK) {
		bw_wasi_imports(wasi, &imports);
		imports.defer_start = true;
		code = bw_instance_new(store, module, &imports, &inst, err);
	}
	bw_store_free(store);
	bw_wasi_free(wasi);
	return code;
}

int bvh_wasm_examine(const struct bws_entry *entry, const void *bytes,
		     size_t len, struct bvh_wasm_facts *ret, struct bv_err *err)
{
	const struct bw_load_limits limits = {
		.module_bytes = entry->grant.module_bytes,
		.arena_bytes = BWS_LOAD_ARENA_BYTES,
	};
	struct bw_module *module = NULL;
	int code;

	*ret = (struct bvh_wasm_facts){ .bytes = len };
	bv_sha256_hex(bytes, len, ret->sha256_hex);
	if (len > limits.module_bytes)
		return bv_fail(err, BV_E_CONF,
			       "%s: [limits] module: the module has %zu bytes, "
			       "granted are %zu",
			       entry->conf, len, limits.module_bytes);
	code = bw_module_load(bytes, len, &limits, &module, err);
	if (code == BV_OK) {
		ret->imports = bw_module_import_count(module);
		(void)bw_module_has_memory(module, &ret->pages);
		code = bw_command_check(module, err);
	}
	if (code == BV_OK)
		code = check_memory(entry, ret->pages, err);
	if (code == BV_OK)
		code = instantiate(entry, module, err);
	bw_module_free(module);
	return code;
}

int bvh_wasm_check_entry(const struct bws_store *store,
			 const struct bws_entry *entry,
			 struct bvh_wasm_facts *ret, struct bv_err *err)
{
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
		code = bvh_wasm_examine(entry, bytes, len, ret, err);
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
