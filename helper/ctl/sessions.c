/* SPDX-License-Identifier: MIT */
/* The list of sessions. */
#include "helper/ctl/sessions.h"

#include "helper/admission.h"
#include "helper/ctl/out.h"

#include <stdio.h>

#define ARENA_CAP (4u << 20)

int bvh_ctl_sessions(const char *config_dir, char *ret_run_dir,
		     size_t run_dir_len, struct bvh_session_state **ret,
		     size_t *ret_n, struct bv_err *err)
{
	struct bv_config config;
	struct bv_arena arena;
	int code;

	bv_arena_init(&arena, ARENA_CAP);
	code = bvh_config_load(config_dir, &arena, &config, NULL, NULL, err);
	if (code != BV_OK) {
		if (err != NULL)
			bvh_ctl_error("%s; going on with the defaults",
				      err->msg);
		code = bv_config_parse(&arena, "bvisor.conf", NULL, 0, &config,
				       err);
	}
	if (code == BV_OK)
		code = bvh_session_list(config.run_dir, ret, ret_n, err);
	if (code == BV_OK && ret_run_dir != NULL &&
	    (size_t)snprintf(ret_run_dir, run_dir_len, "%s", config.run_dir) >=
		    run_dir_len)
		code = bv_fail(err, BV_E_LIMIT, "run_dir is too long");
	bv_arena_done(&arena);
	return code;
}
